//! Taking away what was made leaves what was there before, whatever the way does.

use crate::owner::{Made, assert_same, make_staff, make_tutorial, set_up};
use crate::{AT, ONE, TWO, client, ids};
use serde_json::{Value, json};
use whinchat_provision::{
    Client, Credentials, Error, Schema, apply, export, look, look_at_removal, remove,
};
use whinchat_tests::{Admin, Kind, Options, Relay, ServerFixture};

fn full() -> Schema {
    Schema::of(Kind::Full)
}

/// Something in every place that is taken away.
fn live_a_little(server: &ServerFixture, admin: &Admin) {
    let role = admin.call("GET", "/roles?fields=id&filter[name][_eq]=Chat", None);
    for person in [server.alice(), server.bob()] {
        admin.set_person(&person.id, &json!({ "role": role[0]["id"] }));
    }
    let alice = server.as_person(server.alice());
    let group = json!({ "name": "Birds", "members": [
        { "user_id": server.alice().id }, { "user_id": server.bob().id },
    ] });
    let group = alice.call("POST", "/items/chat_groups", Some(&group));
    let said = json!({ "content": "All", "group_id": group["id"] });
    let said = alice.call("POST", "/items/chat_messages", Some(&said));
    let answer = json!({
        "content": "Yes", "group_id": group["id"], "reply_to": said["id"],
    });
    alice.call("POST", "/items/chat_messages", Some(&answer));
    let about = json!({ "peer_id": server.bob().id });
    for collection in ["chat_typing", "chat_prefs", "chat_read_states"] {
        alice.call("POST", &format!("/items/{collection}"), Some(&about));
    }
    alice.call(
        "POST",
        "/items/chat_presence",
        Some(&json!({ "online": true })),
    );
}

fn rows(admin: &Admin) -> Vec<Value> {
    admin.messages_where(&json!({ "id": { "_in": [ONE, TWO] } }))
}

#[tokio::test(flavor = "multi_thread")]
async fn after_removal_everything_is_as_it_was_before() {
    for made in [Made::Related, Made::Plain] {
        let server = ServerFixture::start_bare(Options::default());
        let admin = server.admin();
        make_staff(&admin);
        make_tutorial(&admin, made);
        admin.insert(ONE, &server.alice().id, &server.bob().id, "Before", AT);
        admin.insert(TWO, &server.bob().id, &server.alice().id, "Answer", AT);
        let (before, said) = (set_up(&server), rows(&admin));
        let owner = client(&server).await;
        apply(&owner, &full(), |_, _, _| {}).await.unwrap();
        assert_ne!(before, set_up(&server), "something was made");
        live_a_little(&server, &admin);

        let done = if made == Made::Related {
            remove(&owner, false, |_, _, _| {})
                .await
                .unwrap()
                .steps
                .len()
        } else {
            broken_off_each_time(&server).await
        };
        println!("{done} steps or breaks, from {made:?}");
        assert!(done > 20, "{done}");
        assert_same("removed", &before, &set_up(&server));
        assert_eq!(rows(&admin), said, "the owner's rows");
        let people = "/users?fields=id&filter[role][_null]=true&filter[status][_eq]=active";
        let people = admin.call("GET", people, None);
        assert_eq!(
            ids(people.as_array().unwrap()).len(),
            3,
            "nobody's account is gone or suspended"
        );
        let again = look_at_removal(&owner, false).await.unwrap();
        assert_eq!(again.steps, [], "nothing is left");
    }
}

/// Removes by a way that loses every answer to a change; gives how often it did.
async fn broken_off_each_time(server: &ServerFixture) -> usize {
    let relay = Relay::start(server.port());
    let token = server.token_of(server.administrator());
    let by_relay = Client::sign_in(&relay.url(), Credentials::Token(token))
        .await
        .unwrap();
    let mut broken_off = 0;
    while !look_at_removal(&by_relay, false)
        .await
        .unwrap()
        .steps
        .is_empty()
    {
        let first = if broken_off == 0 {
            "PATCH /"
        } else {
            "DELETE /"
        };
        relay.lose_answers_to(first, 1);
        match remove(&by_relay, false, |_, _, _| {}).await {
            Err(Error::NoAnswer(_)) => broken_off += 1,
            other => panic!("after {broken_off}: {other:?}"),
        }
        assert!(broken_off < 200, "it comes to an end");
    }
    broken_off
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_exported_and_kept_where_asked_for() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let admin = server.admin();
    admin.insert(ONE, &server.alice().id, &server.bob().id, "Said", AT);
    live_a_little(&server, &admin);
    let owner = client(&server).await;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said.jsonl");
    let written = export(&owner, &file).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((written, lines.len()), (6, 6), "{text}");
    let of = |name: &str| {
        let held = lines.iter().filter(|line| line["collection"] == name);
        held.map(|line| line["row"].clone()).collect::<Vec<_>>()
    };
    let mut said = of("chat_messages");
    said.sort_by_key(|row| row["id"].as_str().unwrap().to_owned());
    let mut held = admin.messages();
    held.sort_by_key(|row| row["id"].as_str().unwrap().to_owned());
    assert_eq!(said, held, "every field of every message");
    assert_eq!((of("chat_groups").len(), of("chat_members").len()), (1, 2));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    }
    let again = export(&owner, &file).await;
    assert!(
        matches!(again, Err(Error::File(..))),
        "nothing is written over: {again:?}"
    );

    // A field of the owner's that points to ours: its end is not ours to decide.
    let notes = json!({
        "collection": "notes", "schema": {}, "meta": {},
        "fields": [
            { "field": "id", "type": "uuid", "schema": { "is_primary_key": true }, "meta": { "special": ["uuid"] } },
            { "field": "about", "type": "uuid", "schema": {}, "meta": { "special": ["m2o"] } },
        ],
    });
    admin.call("POST", "/collections", Some(&notes));
    let relation = json!({
        "collection": "notes", "field": "about", "related_collection": "chat_members",
        "schema": { "on_delete": "SET NULL" }, "meta": {},
    });
    admin.call("POST", "/relations", Some(&relation));
    let refused = remove(&owner, true, |_, _, step| panic!("{step}")).await;
    let Err(Error::NotSafe(refusals)) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        refusals[0]
            .to_string()
            .starts_with("notes.about points to chat_members")
    );
    admin.call("DELETE", "/fields/notes/about", None);
    let colour = json!({ "field": "colour", "type": "string", "schema": {}, "meta": {} });
    admin.call("POST", "/fields/chat_members", Some(&colour));
    let planned = look_at_removal(&owner, true).await.unwrap();
    assert_eq!(planned.also_lost, ["the field chat_members.colour"]);

    let before = admin.messages();
    remove(&owner, true, |_, _, _| {}).await.unwrap();
    assert_eq!(admin.messages().len(), before.len());
    for (now, then) in admin.messages().iter().zip(&before) {
        for name in [
            "id",
            "content",
            "sender_id",
            "receiver_id",
            "group_id",
            "reply_to",
            "date_created",
        ] {
            assert_eq!(now[name], then[name], "{name}");
        }
    }
    let names = admin.call("GET", "/collections", None);
    let chat: Vec<&str> = names
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["collection"].as_str())
        .filter(|name| name.starts_with("chat_"))
        .collect();
    assert_eq!(chat, ["chat_groups", "chat_messages"]);
    let policies = admin.call(
        "GET",
        "/policies?fields=id&filter[name][_starts_with]=Chat",
        None,
    );
    assert_eq!(policies, json!([]), "nobody chats any more");

    // And made ready again, with everything that was said.
    apply(&owner, &full(), |_, _, _| {}).await.unwrap();
    assert_eq!(admin.messages().len(), before.len());
    assert!(look(&owner, &full()).await.unwrap().is_empty());
    let role = admin.call("GET", "/roles?fields=id&filter[name][_eq]=Chat", None);
    admin.set_person(&server.alice().id, &json!({ "role": role[0]["id"] }));
    // Who was in the group was not kept: its owner says so again.
    let alice = server.as_person(server.alice());
    assert_eq!(alice.count(), 1, "what was said to a person");
    let group = alice.call("GET", "/items/chat_groups?fields=id", None);
    let herself = json!({ "group_id": group[0]["id"], "user_id": server.alice().id });
    alice.call("POST", "/items/chat_members", Some(&herself));
    assert_eq!(alice.count(), 3, "Alice sees it all again");
    remove(&owner, false, |_, _, _| {}).await.unwrap();
    let left = admin.call("GET", "/collections", None).to_string();
    assert!(!left.contains("chat_"), "{left}");
}
