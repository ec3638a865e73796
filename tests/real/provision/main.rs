//! The schema on a real Directus: made once, and what it lets people do.

mod applying;
mod command;
mod examining;
mod owner;
mod removing;
mod rules;
mod verifying;

use serde_json::{Value, json};
use whinchat_provision::{Client, Credentials, NewMessage, Schema, add_messages, apply, look};
use whinchat_tests::{Admin, Kind, Options, Person, ServerFixture};

const ONE: &str = "01936f00-0000-7000-8000-000000000001";
const TWO: &str = "01936f00-0000-7000-8000-000000000002";
const THREE: &str = "01936f00-0000-7000-8000-000000000003";
const AT: &str = "2026-11-20T10:00:00Z";

async fn client(server: &ServerFixture) -> Client {
    let Person {
        email, password, ..
    } = server.administrator().clone();
    Client::sign_in(&server.url(), Credentials::Password { email, password })
        .await
        .unwrap()
}

fn message(id: &str, sender: Option<&Person>, receiver: Option<&Person>, content: Value) -> Value {
    let mut row = json!({ "id": id, "content": content, "timestamp": AT });
    if let Some(sender) = sender {
        row["sender_id"] = json!(sender.id);
    }
    if let Some(receiver) = receiver {
        row["receiver_id"] = json!(receiver.id);
    }
    row
}

fn code(person: &Admin, method: &str, path: &str, body: &Value) -> (u16, String) {
    let answer = person.ask(method, path, (!body.is_null()).then_some(body));
    let code = answer
        .json()
        .pointer("/errors/0/extensions/code")
        .and_then(Value::as_str)
        .unwrap_or("none")
        .to_owned();
    (answer.status, code)
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .filter_map(|row| row.get("id").and_then(Value::as_str))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn making_a_ready_server_ready_changes_nothing() {
    for kind in [Kind::Tutorial, Kind::Stamped] {
        let server = ServerFixture::start(kind, Options::default());
        let client = client(&server).await;
        let schema = Schema::of(kind);
        let again = apply(&client, &schema, |_, _, step| panic!("{kind:?}: {step}"))
            .await
            .unwrap();
        assert!(
            again.is_empty() && again.differences.is_empty(),
            "{again:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tutorial_server_becomes_a_stamped_one_and_keeps_its_messages() {
    let server = ServerFixture::start(Kind::Tutorial, Options::default());
    let admin = server.admin();
    admin.insert(ONE, &server.alice().id, &server.bob().id, "Before", AT);
    let fields = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut five = fields(&admin.messages()[0]);
    five.sort();
    assert_eq!(
        five,
        ["content", "id", "receiver_id", "sender_id", "timestamp"],
        "exactly the tutorial's fields"
    );

    let client = client(&server).await;
    let schema = Schema::of(Kind::Stamped);
    let done = apply(&client, &schema, |_, _, _| {}).await.unwrap();
    assert_eq!(done.steps.len(), 4, "{:?}", done.steps);
    assert!(look(&client, &schema).await.unwrap().is_empty());
    assert_eq!(admin.messages()[0]["content"], "Before");

    let alice = server.as_person(server.alice());
    let sent = message(TWO, None, Some(server.bob()), json!("After"));
    alice.call("POST", "/items/chat_messages", Some(&sent));
    let stored = alice.messages_where(&json!({ "id": { "_eq": TWO } }));
    assert!(
        stored[0]["date_created"].is_string(),
        "the server stamps what is sent: {stored:?}"
    );
}

#[test]
fn nobody_reads_what_is_not_theirs() {
    for kind in [Kind::Tutorial, Kind::Stamped] {
        let server = ServerFixture::start(kind, Options::default());
        let admin = server.admin();
        admin.insert(
            ONE,
            &server.bob().id,
            &server.carol().id,
            "Between Bob and Carol",
            AT,
        );
        admin.insert(
            TWO,
            &server.alice().id,
            &server.bob().id,
            "From Alice to Bob",
            AT,
        );
        admin.insert(
            THREE,
            &server.carol().id,
            &server.alice().id,
            "From Carol to Alice",
            AT,
        );

        let alice = server.as_person(server.alice());
        assert_eq!(
            ids(&alice.messages()),
            [TWO, THREE],
            "{kind:?}: what she sent and what was sent to her"
        );
        assert_eq!(alice.count(), 2, "{kind:?}: counting tells no more");
        let path = format!("/items/chat_messages/{ONE}");
        assert_eq!(
            code(&alice, "GET", &path, &Value::Null),
            (403, "FORBIDDEN".to_owned()),
            "{kind:?}"
        );
        assert_eq!(ids(&server.as_person(server.bob()).messages()), [ONE, TWO]);
    }
}

#[test]
fn nobody_writes_as_somebody_else() {
    for kind in [Kind::Tutorial, Kind::Stamped] {
        let server = ServerFixture::start(kind, Options::default());
        let (alice, bob, carol) = (server.alice(), server.bob(), server.carol());
        let as_alice = server.as_person(alice);
        let refused = [
            (
                "as Bob",
                message(ONE, Some(bob), Some(carol), json!("forged")),
            ),
            (
                "to nobody",
                message(ONE, Some(alice), None, json!("nowhere")),
            ),
            (
                "with a receiver of null",
                json!({ "id": ONE, "content": "x", "receiver_id": null, "timestamp": AT }),
            ),
            (
                "without content",
                json!({ "id": ONE, "receiver_id": bob.id, "timestamp": AT }),
            ),
            (
                "with content of null",
                message(ONE, Some(alice), Some(bob), Value::Null),
            ),
            (
                "from null",
                json!({ "id": ONE, "content": "x", "sender_id": null, "receiver_id": bob.id }),
            ),
        ];
        for (what, body) in refused {
            let answer = code(&as_alice, "POST", "/items/chat_messages", &body);
            assert_eq!(
                answer,
                (400, "FAILED_VALIDATION".to_owned()),
                "{kind:?} {what}"
            );
        }
        assert_eq!(server.admin().count(), 0, "{kind:?}: nothing was stored");

        as_alice.call(
            "POST",
            "/items/chat_messages",
            Some(&message(ONE, Some(alice), Some(bob), json!("Hello"))),
        );
        let as_bob = server.as_person(bob);
        let path = format!("/items/chat_messages/{ONE}");
        let edit = json!({ "content": "Goodbye" });
        assert_eq!(
            code(&as_bob, "PATCH", &path, &edit).0,
            403,
            "{kind:?}: Bob can't edit what Alice sent"
        );
        let may_edit = if kind == Kind::Stamped { 200 } else { 403 };
        assert_eq!(
            code(&as_alice, "PATCH", &path, &edit).0,
            may_edit,
            "{kind:?}: Alice edits where there are stamps"
        );
        let moved = json!({ "receiver_id": carol.id });
        assert_eq!(
            code(&as_alice, "PATCH", &path, &moved).0,
            403,
            "{kind:?}: a message stays where it was sent"
        );
        assert_eq!(
            code(&as_alice, "DELETE", &path, &Value::Null).0,
            403,
            "{kind:?}: there is no right to delete"
        );
        assert_eq!(
            code(
                &as_bob,
                "POST",
                "/items/chat_messages",
                &message(ONE, None, Some(alice), json!("Mine now"))
            ),
            (400, "RECORD_NOT_UNIQUE".to_owned()),
            "{kind:?}: an id is used once"
        );
    }
}

#[test]
fn the_directory_shows_names_of_active_people_and_no_more() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let dave = server.add_person("Dave", "Dyer");
    server.admin().suspend(&dave.id);
    let alice = server.as_person(server.alice());
    let people = alice.call(
        "GET",
        "/users?fields=id,first_name,last_name,avatar&sort=first_name",
        None,
    );
    let names: Vec<_> = people
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["first_name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["Alice", "Bob", "Carol"],
        "neither the suspended nor the administrator"
    );
    let secret = alice.ask("GET", "/users?fields=id,email", None);
    assert!(
        !secret.text.contains("bob@example.com"),
        "no e-mail is told: {}",
        secret.text
    );
    let oracle = alice.ask(
        "GET",
        "/users?fields=id&filter[email][_eq]=bob@example.com",
        None,
    );
    assert_eq!(oracle.status, 403, "nor can it be guessed: {}", oracle.text);
    let promoted = json!({ "role": null });
    assert_eq!(
        code(
            &alice,
            "PATCH",
            &format!("/users/{}", server.alice().id),
            &promoted
        )
        .0,
        403
    );
}

#[test]
fn deleting_a_person_leaves_what_others_hold() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let admin = server.admin();
    admin.insert(ONE, &server.alice().id, &server.bob().id, "From Alice", AT);
    admin.insert(TWO, &server.bob().id, &server.alice().id, "From Bob", AT);
    admin.delete_person(&server.alice().id);
    let bob = server.as_person(server.bob());
    assert_eq!(ids(&bob.messages()), [ONE, TWO], "Bob's history is Bob's");
}

#[test]
fn a_killed_server_comes_back_on_its_port_with_its_messages() {
    let mut server = ServerFixture::start(Kind::Stamped, Options::default());
    server
        .admin()
        .insert(ONE, &server.alice().id, &server.bob().id, "Still here", AT);
    let url = server.url();
    server.kill9();
    assert!(
        xtask::http::Request::get("/server/ping")
            .send(server.port())
            .is_err(),
        "it is gone first"
    );
    server.restart();
    assert_eq!(server.url(), url);
    assert_eq!(ids(&server.admin().messages()), [ONE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_put_there_twice_is_there_once_and_keeps_its_times() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let client = client(&server).await;
    let schema = Schema::of(Kind::Stamped);
    let told = NewMessage {
        id: ONE.to_owned(),
        content: "Some days ago".to_owned(),
        sender_id: server.alice().id.clone(),
        receiver_id: server.bob().id.clone(),
        timestamp: AT.to_owned(),
    };
    let messages = [told];
    assert_eq!(add_messages(&client, &schema, &messages).await.unwrap(), 1);
    assert_eq!(add_messages(&client, &schema, &messages).await.unwrap(), 0);
    let rows = server.admin().messages();
    assert_eq!(ids(&rows), [ONE]);
    assert_eq!(rows[0]["date_created"], "2026-11-20T10:00:00.000Z");
    assert!(rows[0]["date_updated"].is_null(), "nobody has edited it");

    let alice = server.as_person(server.alice());
    let now = message(TWO, None, Some(server.bob()), json!("Now"));
    alice.call("POST", "/items/chat_messages", Some(&now));
    let stamp = &server
        .admin()
        .messages_where(&json!({ "id": { "_eq": TWO } }))[0]["date_created"];
    assert_ne!(stamp, "2026-11-20T10:00:00.000Z");
    assert!(
        stamp.is_string(),
        "the server stamps again what is sent: {stamp}"
    );
}
