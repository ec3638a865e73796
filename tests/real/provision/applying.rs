//! Bringing servers in every state to the whole schema, also by a way that breaks off.

use crate::owner::{Made, assert_same, make_staff, make_tutorial, set_up};
use crate::{AT, ONE, THREE, TWO, client, code};
use serde_json::{Value, json};
use whinchat_provision::{Client, Credentials, Error, Refusal, Schema, apply, apply_planned, look};
use whinchat_tests::{Kind, Options, Relay, ServerFixture};

/// An administrator's calls by a way of one's own.
async fn client_by(server: &ServerFixture, url: &str) -> Client {
    let token = server.token_of(server.administrator());
    Client::sign_in(url, Credentials::Token(token))
        .await
        .unwrap()
}

fn full() -> Schema {
    Schema::of(Kind::Full)
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_the_whole_schema_again_changes_nothing() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let client = client(&server).await;
    let again = apply(&client, &full(), |_, _, step| panic!("{step}"))
        .await
        .unwrap();
    assert!(again.is_empty(), "{:?}", again.steps);
    assert_eq!(again.differences, []);

    // An app that sends no keys does not make the server an unready one.
    let alice = server.as_person(server.alice());
    let message = json!({ "content": "Hello", "receiver_id": server.bob().id });
    alice.call("POST", "/items/chat_messages", Some(&message));
    assert!(look(&client, &full()).await.unwrap().is_empty());

    // What somebody opens is closed, what somebody takes away is made again, and the rest stays.
    let admin = server.admin();
    let before = set_up(&server);
    let rules = admin.call(
        "GET",
        "/permissions?limit=-1&fields=id,permissions&filter[collection][_eq]=chat_prefs&filter[action][_eq]=read",
        None,
    );
    let path = format!("/permissions/{}", rules[0]["id"]);
    admin.call("PATCH", &path, Some(&json!({ "permissions": {} })));
    admin.call("DELETE", "/fields/chat_messages/reacted_at", None);
    admin.call("DELETE", "/fields/directus_users/chat_memberships", None);
    let strange = json!({
        "policy": rule_policy(&before), "collection": "chat_messages", "action": "delete",
        "permissions": {}, "validation": {}, "fields": ["*"],
    });
    let strange = admin.call("POST", "/permissions", Some(&strange));
    let plan = look(&client, &full()).await.unwrap();
    assert_eq!(plan.hash(), look(&client, &full()).await.unwrap().hash());
    let wrong = apply_planned(&client, &full(), Some("0"), |_, _, step| panic!("{step}")).await;
    assert!(matches!(wrong, Err(Error::OtherPlan(_))), "{wrong:?}");
    let done = apply_planned(&client, &full(), Some(&plan.hash()), |_, _, _| {}).await;
    let done = done.unwrap();
    let steps: Vec<String> = done.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        [
            "add the field chat_messages.reacted_at",
            "correct the relation of chat_members.user_id",
            "list in directus_users.chat_memberships what chat_members holds",
            "correct how Chat may read chat_messages",
            "correct how Chat may update chat_messages",
            "correct how Chat may read chat_prefs",
        ]
    );
    assert_eq!(
        done.differences.len(),
        1,
        "what somebody added is told: {:?}",
        done.differences
    );
    admin.call("DELETE", &format!("/permissions/{}", strange["id"]), None);
    let mut after = set_up(&server);
    let mut before = before;
    // A field made again stands at the end of its table.
    for all in [&mut before, &mut after] {
        for (key, row) in all.iter_mut() {
            if key.contains("reacted_at") || key.contains("chat_memberships") {
                row["meta"]["sort"] = Value::Null;
            }
        }
    }
    assert_same("made again", &before, &after);
}

/// Version 2 had no reports and no addresses of the owner's.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_reports_gets_them_and_keeps_everything_else() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let client = client(&server).await;
    let admin = server.admin();
    let alice = server.as_person(server.alice());
    let message = json!({ "id": ONE, "content": "Hello", "receiver_id": server.bob().id });
    alice.call("POST", "/items/chat_messages", Some(&message));
    admin.call("DELETE", "/collections/chat_reports", None);
    for field in ["contact", "terms"] {
        admin.call("DELETE", &format!("/fields/chat_setup/{field}"), None);
    }
    let record = format!("/items/chat_setup/{}", whinchat_provision::SETUP_ROW);
    admin.call("PATCH", &record, Some(&json!({ "version": 2 })));

    let done = apply(&client, &full(), |_, _, _| {}).await.unwrap();
    let steps: Vec<String> = done.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        [
            "add the field chat_setup.contact",
            "add the field chat_setup.terms",
            "make the collection chat_reports",
            "relate chat_reports.reporter_id",
            "relate chat_reports.about_id",
            "correct how Chat may read chat_setup",
            "let Chat create chat_reports",
            "record version 3",
        ]
    );
    assert!(look(&client, &full()).await.unwrap().is_empty());
    assert_eq!(admin.messages()[0]["content"], "Hello");
    let report = json!({ "reason": "spam", "about_id": server.bob().id });
    let path = "/items/chat_reports";
    assert_eq!(
        code(&alice, "POST", path, &report).0,
        204,
        "made, not shown"
    );
    assert_eq!(code(&alice, "GET", path, &Value::Null).0, 403);
    let held = admin.call("GET", "/items/chat_reports?fields=reporter_id,reason", None);
    let hers = json!({ "reporter_id": server.alice().id, "reason": "spam" });
    assert_eq!(held, json!([hers]));
}

fn rule_policy(set_up: &std::collections::BTreeMap<String, Value>) -> Value {
    let rule = set_up
        .iter()
        .find(|(key, _)| key.starts_with("/permissions") && key.ends_with("chat_prefs read"));
    rule.unwrap().1["policy"].clone()
}

/// The tutorial's collection made by hand, with two messages in it.
fn with_a_tutorial() -> ServerFixture {
    let server = ServerFixture::start_bare(Options::default());
    let admin = server.admin();
    make_staff(&admin);
    make_tutorial(&admin, Made::Plain);
    admin.insert(ONE, &server.alice().id, &server.bob().id, "Before", AT);
    let later = "2026-11-20T11:00:00Z";
    admin.insert(TWO, &server.bob().id, &server.alice().id, "Answer", later);
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_off_after_each_call_and_done_again_it_ends_the_same() {
    let undisturbed = with_a_tutorial();
    let owners = set_up(&undisturbed);
    let rows_before = undisturbed.admin().messages();
    let done = apply(&client(&undisturbed).await, &full(), |_, _, _| {})
        .await
        .unwrap();
    let rows = undisturbed.admin().messages();
    assert_eq!(rows.len(), 2);
    for (row, before) in rows.iter().zip(&rows_before) {
        for (name, value) in before.as_object().unwrap() {
            assert_eq!(&row[name], value, "the owner's own values");
        }
        assert_eq!(row["sender_key"], row["sender_id"]);
        assert_eq!(row["receiver_key"], row["receiver_id"]);
        assert_eq!(row["date_updated"], Value::Null, "nobody has edited it");
    }
    let stamps: Vec<&Value> = rows.iter().map(|row| &row["date_created"]).collect();
    assert_eq!(
        stamps,
        ["2026-11-20T10:00:00.000Z", "2026-11-20T11:00:00.000Z"]
    );

    let server = with_a_tutorial();
    let relay = Relay::start(server.port());
    let client = client_by(&server, &relay.url()).await;
    let mut broken_off = 0;
    loop {
        // The server does it, and nobody hears of it.
        relay.lose_answers_to("content-type: application/json", 1);
        match apply(&client, &full(), |_, _, _| {}).await {
            Ok(last) => {
                assert!(
                    last.is_empty(),
                    "the last run had nothing left: {:?}",
                    last.steps
                );
                break;
            }
            Err(Error::NoAnswer(_)) => broken_off += 1,
            Err(other) => panic!("after {broken_off}: {other}"),
        }
        assert!(broken_off < 400, "it comes to an end");
    }
    println!(
        "broken off {broken_off} times, {} steps undisturbed",
        done.steps.len()
    );
    assert!(broken_off >= done.steps.len(), "{broken_off}");
    assert_eq!(relay.lost(), broken_off);
    let ids = |server: &ServerFixture| {
        [server.alice(), server.bob(), server.carol()].map(|person| person.id.clone())
    };
    assert_eq!(ids(&server), ids(&undisturbed), "of one template");
    let (left, right) = (set_up(&undisturbed), set_up(&server));
    // The owner's role and policy were made on each of them.
    let own = |all: std::collections::BTreeMap<String, Value>| {
        let mut kept = all;
        kept.retain(|key, _| !owners.contains_key(key) || key.contains("chat_"));
        kept.retain(|key, row| !key.starts_with("/roles") || row["name"] == "Chat");
        kept.retain(|key, row| {
            !key.starts_with("/policies") || row["name"].as_str().unwrap().starts_with("Chat")
        });
        kept.retain(|key, row| !key.starts_with("/permissions") || row["collection"] != "recipes");
        kept
    };
    assert_same("broken off", &own(left), &own(right));
    let held = server.admin().messages();
    assert_eq!(held, rows, "no row was lost or changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_each_earlier_version_it_keeps_every_row_and_goes_on() {
    for kind in [Kind::Tutorial, Kind::Stamped] {
        // Where the server's zone is another, the sender's time is still the same instant.
        let elsewhere = Options::default().time_zone("America/New_York");
        let server = ServerFixture::start(kind, elsewhere);
        let admin = server.admin();
        let before = admin.insert(ONE, &server.alice().id, &server.bob().id, "Before", AT);
        let edited = admin.insert(TWO, &server.bob().id, &server.alice().id, "Edted", AT);
        let edited = match kind {
            Kind::Tutorial => edited,
            _ => admin.change(TWO, &json!({ "content": "Edited" })),
        };
        // More than are filled in at once.
        let many: Vec<Value> = (100..550)
            .map(|number| {
                json!({
                    "id": format!("01936f00-0000-7000-8000-{number:012x}"), "content": "One of many",
                    "sender_id": server.carol().id, "receiver_id": server.bob().id,
                    "timestamp": AT,
                })
            })
            .collect();
        admin.insert_rows(&json!(many));
        let client = client(&server).await;
        let done = apply(&client, &full(), |_, _, _| {}).await.unwrap();
        assert_eq!(done.differences, [], "{kind:?}");
        assert_eq!(done.roles, ["Chat"], "{kind:?}: who could chat still can");
        for old in [&before, &edited] {
            let id = old["id"].as_str().unwrap();
            let now = &admin.messages_where(&json!({ "id": { "_eq": id } }))[0];
            for (name, value) in old.as_object().unwrap() {
                assert_eq!(&now[name], value, "{kind:?} {name}");
            }
            assert!(now["date_created"].is_string(), "{kind:?}: {now}");
            assert_eq!(now["sender_key"], old["sender_id"], "{kind:?}");
            if kind == Kind::Tutorial {
                assert_eq!(now["date_created"], "2026-11-20T10:00:00.000Z");
            }
        }
        assert!(look(&client, &full()).await.unwrap().is_empty(), "{kind:?}");
        let whole = json!({ "_and": [
            { "sender_key": { "_eq": server.carol().id } },
            { "receiver_key": { "_eq": server.bob().id } },
            { "date_created": { "_nnull": true } }, { "date_updated": { "_null": true } },
        ] });
        assert_eq!(admin.messages_where(&whole).len(), many.len(), "{kind:?}");

        let alice = server.as_person(server.alice());
        let new = json!({
            "id": THREE, "content": "After", "receiver_id": server.bob().id, "timestamp": AT,
        });
        alice.call("POST", "/items/chat_messages", Some(&new));
        let edit = json!({ "content": "Afterwards" });
        alice.call(
            "PATCH",
            &format!("/items/chat_messages/{THREE}"),
            Some(&edit),
        );
        let row = &server
            .as_person(server.bob())
            .messages_where(&json!({ "id": { "_eq": THREE } }))[0];
        assert!(
            row["date_updated"].is_string(),
            "{kind:?}: changes are stamped: {row}"
        );
        assert_eq!(row["sender_key"], json!(server.alice().id), "{kind:?}");

        // And not back again.
        let back = apply(&client, &Schema::of(kind), |_, _, step| panic!("{step}")).await;
        let Err(Error::NotSafe(refusals)) = back else {
            panic!("{kind:?}: {back:?}");
        };
        assert_eq!(refusals, [Refusal::NewerSchema { found: 3 }]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_safe_is_refused_before_anything_is_done() {
    let mut server = ServerFixture::start_bare(Options::default().websockets(false));
    let admin = server.admin();
    let staff = make_staff(&admin);
    make_tutorial(&admin, Made::HalfWay);
    let nobody = "00000000-0000-4000-8000-000000000001";
    admin.insert(ONE, nobody, &server.bob().id, "From nobody", AT);
    admin.insert(TWO, &server.alice().id, nobody, "To nobody", AT);
    let groups = json!({
        "collection": "chat_groups", "schema": {}, "meta": {},
        "fields": [{ "field": "id", "type": "integer", "schema": { "is_primary_key": true } }],
    });
    admin.call("POST", "/collections", Some(&groups));
    let before = set_up(&server);
    let schema = full().for_roles(vec!["Staff".to_owned(), "Nobody".to_owned()]);
    let owner = client(&server).await;
    let refused = apply(&owner, &schema, |_, _, step| panic!("{step}")).await;
    let Err(Error::NotSafe(refusals)) = refused else {
        panic!("{refused:?}");
    };
    let codes: Vec<Value> = refusals
        .iter()
        .map(|refusal| json!(refusal)["code"].clone())
        .collect();
    assert_eq!(
        codes,
        [
            "web_sockets_off",
            "unknown_role",
            "foreign_collection",
            "dangling_keys",
            "dangling_keys"
        ]
    );
    let Refusal::DanglingKeys { field, found } = refusals.last().unwrap() else {
        panic!("{refusals:?}");
    };
    assert_eq!((field.as_str(), found.rows), ("chat_messages.sender_id", 1));
    assert_eq!(found.example, nobody);
    assert_same("refused", &before, &set_up(&server));

    // Somebody who is no administrator.
    let alice = server.alice();
    let (email, password) = (alice.email.clone(), alice.password.clone());
    let credentials = Credentials::Password { email, password };
    let client_of_alice = Client::sign_in(&server.url(), credentials).await.unwrap();
    let plan = look(&client_of_alice, &full()).await.unwrap();
    assert_eq!(plan.refusals[0], Refusal::NotAdministrator);

    // Put right, as each refusal says.
    for (id, change) in [(ONE, "sender_id"), (TWO, "receiver_id")] {
        admin.change(id, &json!({ change: null }));
    }
    admin.call("DELETE", "/collections/chat_groups", None);
    let own = json!({ "role": staff });
    admin.set_person(&server.alice().id, &own);
    admin.set_person(&server.bob().id, &own);
    server.restart_with(Options::default());
    let admin = server.fresh_admin();
    let owner = client(&server).await;
    let schema = full().for_roles(vec!["Staff".to_owned()]);
    let done = apply(&owner, &schema, |_, _, _| {}).await.unwrap();
    assert_eq!(done.roles, ["Staff"]);
    let again = look(&owner, &full()).await.unwrap();
    assert!(again.is_empty(), "the choice is kept: {:?}", again.steps);
    let roles = admin.call("GET", "/roles?fields=name&sort=name", None);
    assert_eq!(
        roles,
        json!([{ "name": "Administrator" }, { "name": "Staff" }])
    );

    let after = set_up(&server);
    let rule = |key: &&String| key.starts_with("/permissions") && key.contains("recipes");
    let recipes: Vec<_> = before.keys().filter(rule).collect();
    assert_eq!(recipes.len(), 1);
    assert_eq!(
        before[recipes[0]], after[recipes[0]],
        "the owner's own rule stays"
    );
    let alice = server.as_person(server.alice());
    assert_eq!(alice.ask("GET", "/items/recipes", None).status, 200);
    let hello = json!({ "content": "Hello", "receiver_id": server.bob().id });
    alice.call("POST", "/items/chat_messages", Some(&hello));
    let carol = server.as_person(server.carol());
    let (status, _) = code(&carol, "GET", "/items/chat_messages", &Value::Null);
    assert_eq!(status, 403, "who has no such role can't chat");
    let people = alice.call("GET", "/users?fields=first_name&sort=first_name", None);
    assert_eq!(
        people,
        json!([{ "first_name": "Alice" }, { "first_name": "Bob" }])
    );
}
