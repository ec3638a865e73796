//! The verification itself: what it leaves behind, and that it can fail. That the whole
//! schema passes is `cargo xtask verify-schema`'s to show.

use crate::{AT, client};
use serde_json::{Value, json};
use whinchat_provision::verify::{Choices, PROBES, Verdict, attack, sweep, verify};
use whinchat_provision::{Client, Error, Kind, Schema};
use whinchat_tests::{Options, ServerFixture};

/// Everything that people have on the server, but what it logs of itself.
fn everything(server: &ServerFixture) -> Value {
    let admin = server.fresh_admin();
    let mut all = json!({});
    let own = Schema::of(Kind::Full).collections;
    let own = own.iter().filter(|collection| !collection.directus);
    let paths = own
        .map(|collection| format!("/items/{}", collection.name))
        .chain(
            [
                "/roles",
                "/policies",
                "/permissions",
                "/access",
                "/folders",
                "/files",
            ]
            .map(str::to_owned),
        );
    for path in paths {
        all[&path] = admin.call("GET", &format!("{path}?limit=-1&sort=id"), None);
    }
    let people = "/users?limit=-1&sort=id&fields=id,email,first_name,last_name,role,status";
    all["/users"] = admin.call("GET", people, None);
    all
}

/// Alice and Bob write to each other, and have a group.
fn some_life(server: &ServerFixture) {
    let alice = server.as_person(server.alice());
    let bob = &server.bob().id;
    let message = json!({ "content": "Hello", "receiver_id": bob, "timestamp": AT });
    alice.call("POST", "/items/chat_messages", Some(&message));
    let group = json!({ "name": "Birds", "members": [{ "user_id": bob }] });
    alice.call("POST", "/items/chat_groups", Some(&group));
    alice.call(
        "POST",
        "/items/chat_presence",
        Some(&json!({ "online": true })),
    );
}

fn probes(server: &ServerFixture) -> usize {
    let people = server
        .fresh_admin()
        .call("GET", "/users?limit=-1&fields=id", None);
    people
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| row["id"].as_str().is_some_and(|id| id.starts_with(PROBES)))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_that_breaks_off_leaves_nothing_once_it_is_swept() {
    let mut server = ServerFixture::start(Kind::Full, Options::default());
    some_life(&server);
    let before = everything(&server);
    let schema = Schema::of(Kind::Full);

    // The program is ended: what it was about to do is not done.
    let owner = client(&server).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let begun = {
        let (owner, schema) = (owner.clone(), schema.clone());
        tokio::spawn(async move { verify(&owner, &schema, |done, _, _| _ = tell.send(done)).await })
    };
    while told.recv().await.is_some_and(|done| done < 40) {}
    begun.abort();
    assert!(begun.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(probes(&server), 7, "they are still there");
    assert!(sweep(&owner, &schema).await.unwrap() > 7);
    assert_eq!(everything(&server), before);

    // The server dies half-way.
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let begun = {
        let schema = schema.clone();
        tokio::spawn(async move { verify(&owner, &schema, |done, _, _| _ = tell.send(done)).await })
    };
    while told.recv().await.is_some_and(|done| done < 80) {}
    server.kill9();
    let broke = begun.await.unwrap();
    assert!(matches!(broke, Err(Error::NoAnswer(_))), "{broke:?}");
    server.restart();
    assert_eq!(probes(&server), 7, "nobody could take them away");
    let owner = client(&server).await;
    sweep(&owner, &schema).await.unwrap();
    assert_eq!(
        sweep(&owner, &schema).await.unwrap(),
        0,
        "the second time there is nothing"
    );
    assert_eq!(everything(&server), before);
}

#[test]
fn the_app_shows_no_probe() {
    assert_eq!(whinchat_core::directus::rows::PROBES, PROBES);
}

/// The id of the permission of this policy.
async fn permission(owner: &Client, policy: &str, collection: &str, action: &str) -> Value {
    let path = "permissions?limit=-1&fields=id,permissions,policy.name,collection,action";
    let held = owner.get(path).await.unwrap();
    let rows = held.as_array().unwrap();
    let found = rows.iter().find(|row| {
        row["collection"] == collection
            && row["action"] == action
            && row.pointer("/policy/name") == Some(&json!(policy))
    });
    found.unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_a_little_wider_is_found_and_nothing_of_the_attack_stays() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    some_life(&server);
    let owner = client(&server).await;
    let schema = Schema::of(Kind::Full);
    let held = permission(&owner, "Chat", "chat_messages", "read").await;
    let path = format!("permissions/{}", held["id"]);
    let wider = json!({ "permissions": { "id": { "_nnull": true } } });
    owner.patch(&path, &wider).await.unwrap();
    let before = everything(&server);

    let planned = verify(&owner, &schema, |_, _, _| {}).await;
    assert!(matches!(planned, Err(Error::NotReady(1))), "{planned:?}");
    let choices = Choices {
        until_the_first_leak: true,
        first: Some("chat_messages".to_owned()),
    };
    let report = attack(&owner, &schema, &choices, |_, _, _| {})
        .await
        .unwrap();
    assert!(!report.is_private());
    let leak = report.wrong().next().unwrap();
    assert_eq!(
        (leak.collection.as_str(), &leak.verdict),
        ("chat_messages", &Verdict::Leaked)
    );
    assert!(
        report.in_words().contains("NOT private"),
        "{}",
        report.in_words()
    );
    assert_eq!(everything(&server), before, "nobody's row was touched");
}
