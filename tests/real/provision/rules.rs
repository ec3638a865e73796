//! What the whole schema lets people do, and what it refuses: each rule by a request that
//! works and its forbidden sisters, on one server for each story.

use crate::{AT, code, ids};
use serde_json::{Value, json};
use whinchat_tests::{Admin, Kind, Options, Person, ServerFixture};

/// Somebody with their eyes and hands.
struct Hand {
    id: String,
    calls: Admin,
}

impl Hand {
    fn of(server: &ServerFixture, person: &Person) -> Self {
        Self {
            id: person.id.clone(),
            calls: server.as_person(person),
        }
    }

    #[track_caller]
    fn does(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        self.calls.call(method, path, body)
    }

    #[track_caller]
    fn is_refused(&self, what: &str, method: &str, path: &str, body: &Value, with: (u16, &str)) {
        let (status, found) = code(&self.calls, method, path, body);
        assert_eq!(
            (status, found.as_str()),
            with,
            "{what}: {method} {path} {body}"
        );
    }

    #[track_caller]
    fn sees(&self, path: &str) -> Vec<String> {
        let rows = self.does("GET", path, &Value::Null);
        let mut found: Vec<String> = ids(rows.as_array().unwrap())
            .into_iter()
            .map(str::to_owned)
            .collect();
        found.sort();
        found
    }
}

const INVALID: (u16, &str) = (400, "FAILED_VALIDATION");
const FORBIDDEN: (u16, &str) = (403, "FORBIDDEN");

fn id(number: u32) -> String {
    format!("01936f00-0000-7000-8000-{number:012x}")
}

fn three(server: &ServerFixture) -> [Hand; 3] {
    [server.alice(), server.bob(), server.carol()].map(|person| Hand::of(server, person))
}

#[test]
fn messages_go_to_one_person_or_one_group_and_carry_their_senders_key() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let [alice, bob, carol] = three(&server);
    let messages = "/items/chat_messages";

    // As the app sends today, on every kind of server.
    let plain = json!({ "id": id(1), "content": "Hello", "receiver_id": bob.id, "timestamp": AT });
    alice.does("POST", messages, &plain);
    let row = bob.does("GET", &format!("{messages}/{}", id(1)), &Value::Null);
    assert_eq!(row["sender_id"], json!(alice.id));
    assert_eq!(
        row["sender_key"],
        json!(alice.id),
        "the key is given by the server"
    );
    assert!(row["date_created"].is_string(), "{row}");

    let with = |field: &str, value: Value| {
        let mut row = json!({ "content": "x", "receiver_id": bob.id });
        row[field] = value;
        row
    };
    alice.does("POST", messages, &with("receiver_key", json!(bob.id)));
    let cases = [
        ("another's key", with("sender_key", json!(bob.id))),
        ("no key", with("sender_key", Value::Null)),
        (
            "a receiver's key that is none",
            with("receiver_key", json!("x".repeat(36))),
        ),
        ("as another", with("sender_id", json!(bob.id))),
        ("without content", with("content", Value::Null)),
        ("to nobody", with("receiver_id", Value::Null)),
    ];
    for (what, row) in cases {
        alice.is_refused(what, "POST", messages, &row, INVALID);
    }
    let stamped = with("date_created", json!(AT));
    alice.is_refused(
        "with a stamp of one's own",
        "POST",
        messages,
        &stamped,
        FORBIDDEN,
    );
    let path = format!("{messages}/{}", id(1));
    let key = json!({ "sender_key": bob.id });
    alice.is_refused("changing the key", "PATCH", &path, &key, FORBIDDEN);
    bob.is_refused(
        "editing another's",
        "PATCH",
        &path,
        &json!({ "content": "y" }),
        FORBIDDEN,
    );
    alice.does("PATCH", &path, &json!({ "content": "Hi", "edited_at": AT }));
    alice.does("PATCH", &path, &json!({ "deleted_at": AT }));
    alice.is_refused("for good", "DELETE", &path, &Value::Null, FORBIDDEN);

    // A group with its first members in one request.
    let group = json!({ "id": id(10), "name": "Birds", "members": [
        { "user_id": alice.id, "role": "owner" }, { "user_id": bob.id },
    ] });
    alice.does("POST", "/items/chat_groups", &group);
    let nowhere = json!({ "user_id": alice.id });
    alice.is_refused(
        "of no group",
        "POST",
        "/items/chat_members",
        &nowhere,
        INVALID,
    );
    let foreign = json!({ "name": "Birds", "owner_id": bob.id });
    alice.is_refused(
        "owned by another",
        "POST",
        "/items/chat_groups",
        &foreign,
        INVALID,
    );
    let to_group = |group: Value| json!({ "content": "All", "group_id": group });
    bob.does("POST", messages, &to_group(json!(id(10))));
    bob.does(
        "POST",
        messages,
        &to_group(json!({ "id": id(10), "bumped_at": AT })),
    );
    let outside = to_group(json!(id(10)));
    carol.is_refused("from outside", "POST", messages, &outside, INVALID);
    let outside = to_group(json!({ "id": id(10), "bumped_at": AT }));
    carol.is_refused(
        "from outside by object",
        "POST",
        messages,
        &outside,
        FORBIDDEN,
    );
    let both = json!({ "content": "x", "group_id": id(10), "receiver_id": bob.id });
    bob.is_refused("to both", "POST", messages, &both, INVALID);
    let of_group = "/items/chat_messages?fields=id&filter[group_id][_nnull]=true";
    assert_eq!(alice.sees(of_group).len(), 2);
    assert_eq!(carol.sees(of_group).len(), 0);
    let to_herself = json!({ "group_id": id(10), "user_id": carol.id });
    carol.is_refused(
        "joining by herself",
        "POST",
        "/items/chat_members",
        &to_herself,
        INVALID,
    );

    // Reactions, in the object form.
    let react = |message: Value| json!({ "message_id": message, "emoji": "👍" });
    let there = json!({ "id": id(1), "reacted_at": AT });
    bob.does("POST", "/items/chat_reactions", &react(there.clone()));
    bob.is_refused(
        "by id",
        "POST",
        "/items/chat_reactions",
        &react(json!(id(1))),
        INVALID,
    );
    carol.is_refused(
        "unseen",
        "POST",
        "/items/chat_reactions",
        &react(there),
        FORBIDDEN,
    );
    assert_eq!(carol.sees("/items/chat_reactions?fields=id").len(), 0);

    // What a row was before is kept nowhere: what is deleted is gone.
    let kept = server.admin().call(
        "GET",
        "/revisions?limit=-1&fields=id&filter[collection][_starts_with]=chat_",
        None,
    );
    assert_eq!(kept, json!([]), "no history of messages");

    // The version is read by everybody and written by nobody.
    let setup = "/items/chat_setup";
    let held = alice.does("GET", &format!("{setup}?fields=version"), &Value::Null);
    assert_eq!(held, json!([{ "version": 3 }]));
    let path = format!("{setup}/{}", whinchat_provision::SETUP_ROW);
    alice.is_refused(
        "the version",
        "PATCH",
        &path,
        &json!({ "version": 9 }),
        FORBIDDEN,
    );
}

#[test]
fn deleting_an_account_leaves_messages_and_groups_and_who_they_were_of() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let [alice, bob, carol] = three(&server);
    let dave = Hand::of(&server, &server.add_person("Dave", "Dyer"));
    let admin = server.admin();
    for (number, hand) in [(1, &alice), (2, &dave)] {
        let row = json!({
            "id": id(number), "content": "Hi", "receiver_id": bob.id, "receiver_key": bob.id,
        });
        hand.does("POST", "/items/chat_messages", &row);
    }
    let back = json!({
        "id": id(3), "content": "Hi", "receiver_id": alice.id, "receiver_key": alice.id,
    });
    bob.does("POST", "/items/chat_messages", &back);
    // One group with an administrator, one without; Dave is in neither.
    for (number, carols) in [(10, json!(carol.id)), (11, Value::Null)] {
        let group = json!({ "id": id(number), "name": "Birds", "members": [
            { "user_id": alice.id }, { "user_id": bob.id },
            { "user_id": carol.id, "admin_id": carols },
        ] });
        alice.does("POST", "/items/chat_groups", &group);
    }
    let group = |number| format!("/items/chat_groups/{}", id(number));
    let mine = |hand: &Hand| json!({ "owner_id": hand.id });
    carol.is_refused(
        "while it is owned",
        "PATCH",
        &group(10),
        &mine(&carol),
        FORBIDDEN,
    );
    bob.is_refused(
        "while it is owned",
        "PATCH",
        &group(11),
        &mine(&bob),
        FORBIDDEN,
    );

    admin.delete_person(&alice.id);
    admin.delete_person(&dave.id);

    let path =
        "/items/chat_messages?sort=id&fields=id,sender_id,sender_key,receiver_id,receiver_key";
    let held = bob.does("GET", path, &Value::Null);
    let expected = json!([
        { "id": id(1), "sender_id": null, "sender_key": alice.id, "receiver_id": bob.id, "receiver_key": bob.id },
        { "id": id(2), "sender_id": null, "sender_key": dave.id, "receiver_id": bob.id, "receiver_key": bob.id },
        { "id": id(3), "sender_id": bob.id, "sender_key": bob.id, "receiver_id": null, "receiver_key": alice.id },
    ]);
    assert_eq!(held, expected, "all there, and told apart");
    assert_eq!(bob.sees("/items/chat_groups?fields=id"), [id(10), id(11)]);
    bob.is_refused(
        "an administrator is there",
        "PATCH",
        &group(10),
        &mine(&bob),
        FORBIDDEN,
    );
    carol.does("PATCH", &group(10), &mine(&carol));
    bob.is_refused(
        "no administrator is there",
        "PATCH",
        &group(11),
        &mine(&bob),
        FORBIDDEN,
    );
    bob.does(
        "POST",
        "/items/chat_messages",
        &json!({ "content": "Still here", "group_id": id(11) }),
    );
    let add = json!({ "group_id": id(10), "user_id": server.administrator().id });
    bob.is_refused("no owner", "POST", "/items/chat_members", &add, INVALID);
    carol.does("POST", "/items/chat_members", &add);
}

#[test]
fn whoever_hides_is_seen_by_nobody_and_nobody_is_seen_for_another() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let [alice, bob, carol] = three(&server);
    let presence = "/items/chat_presence";
    let row = |hand: &Hand| format!("{presence}/{}", hand.id);

    alice.does("POST", presence, &json!({ "online": true }));
    let seen = bob.does("GET", &row(&alice), &Value::Null);
    assert_eq!(
        (&seen["online"], &seen["hidden"]),
        (&json!(true), &json!(false))
    );
    let first = seen["seen_at"].as_str().unwrap().to_owned();
    alice.is_refused(
        "a second row",
        "POST",
        presence,
        &json!({ "id": id(1) }),
        INVALID,
    );
    let twice = (400, "RECORD_NOT_UNIQUE");
    alice.is_refused("twice", "POST", presence, &json!({ "online": true }), twice);
    let carols = json!({ "id": carol.id, "user_id": carol.id });
    bob.is_refused("another's row", "POST", presence, &carols, INVALID);
    let carols = json!({ "id": carol.id });
    bob.is_refused("in another's place", "POST", presence, &carols, INVALID);
    let ahead = json!({ "seen_at": "2040-01-01T00:00:00Z" });
    alice.is_refused(
        "a time of one's own",
        "PATCH",
        &row(&alice),
        &ahead,
        FORBIDDEN,
    );
    let change = json!({ "online": false });
    bob.is_refused("another's", "PATCH", &row(&alice), &change, FORBIDDEN);
    alice.does("PATCH", &row(&alice), &change);
    let seen = bob.does("GET", &row(&alice), &Value::Null);
    assert!(
        seen["seen_at"].as_str().unwrap() > first.as_str(),
        "stamped anew: {seen}"
    );

    for hidden in [json!(true), Value::Null] {
        alice.does("PATCH", &row(&alice), &json!({ "hidden": hidden }));
        let gone = "hidden";
        bob.is_refused(gone, "GET", &row(&alice), &Value::Null, FORBIDDEN);
        assert_eq!(
            bob.sees("/items/chat_presence?fields=id"),
            Vec::<String>::new()
        );
        let count = bob.does(
            "GET",
            "/items/chat_presence?aggregate[count]=id",
            &Value::Null,
        );
        assert_eq!(
            count.pointer("/0/count/id"),
            Some(&json!(0)),
            "not even counted"
        );
        let oracle = format!("{presence}?fields=id&filter[user_id][_eq]={}", alice.id);
        assert_eq!(bob.sees(&oracle).len(), 0);
        assert_eq!(
            alice.sees("/items/chat_presence?fields=id"),
            std::slice::from_ref(&alice.id)
        );
    }
    alice.does("PATCH", &row(&alice), &json!({ "hidden": false }));
    assert_eq!(
        bob.sees("/items/chat_presence?fields=id"),
        std::slice::from_ref(&alice.id)
    );
}

#[test]
fn what_is_about_a_conversation_is_seen_by_its_other_side_only() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let [alice, bob, carol] = three(&server);
    for (number, collection, change) in [
        (1, "chat_read_states", json!({ "read_until": AT })),
        (2, "chat_typing", json!({ "until": AT })),
    ] {
        let path = format!("/items/{collection}");
        let about = json!({ "id": id(number), "peer_id": bob.id });
        alice.does("POST", &path, &about);
        let all = format!("{path}?fields=id");
        assert_eq!(bob.sees(&all), [id(number)], "{collection}");
        assert_eq!(carol.sees(&all).len(), 0, "{collection}");
        let row = format!("{path}/{}", id(number));
        alice.does("PATCH", &row, &change);
        bob.is_refused(collection, "PATCH", &row, &change, FORBIDDEN);
        let moved = json!({ "peer_id": carol.id });
        alice.is_refused(collection, "PATCH", &row, &moved, FORBIDDEN);
        let forged = json!({ "user_id": bob.id, "peer_id": carol.id });
        alice.is_refused(collection, "POST", &path, &forged, INVALID);
        let nowhere = json!({ "user_id": alice.id });
        alice.is_refused(collection, "POST", &path, &nowhere, INVALID);
    }
    let prefs = "/items/chat_prefs";
    alice.does(
        "POST",
        prefs,
        &json!({ "id": id(3), "peer_id": bob.id, "pinned": true }),
    );
    assert_eq!(alice.sees("/items/chat_prefs?fields=id"), [id(3)]);
    assert_eq!(
        bob.sees("/items/chat_prefs?fields=id").len(),
        0,
        "nobody else's business"
    );
    let forged = json!({ "user_id": bob.id, "peer_id": carol.id });
    alice.is_refused("prefs", "POST", prefs, &forged, INVALID);

    // Blocked: refused, and let in again.
    let hello = json!({ "content": "Hello", "receiver_id": bob.id });
    bob.does(
        "POST",
        "/items/chat_blocks",
        &json!({ "id": id(4), "blocked_id": carol.id }),
    );
    carol.is_refused("blocked", "POST", "/items/chat_messages", &hello, INVALID);
    alice.does("POST", "/items/chat_messages", &hello);
    assert_eq!(carol.sees("/items/chat_blocks?fields=id").len(), 0);
    let row = format!("/items/chat_blocks/{}", id(4));
    carol.is_refused(
        "lifting it herself",
        "DELETE",
        &row,
        &Value::Null,
        FORBIDDEN,
    );
    bob.does("DELETE", &row, &Value::Null);
    carol.does("POST", "/items/chat_messages", &hello);

    // A file hangs on a message, and is read by whom the message is.
    let admin = server.admin();
    let file = json!({ "id": id(5), "storage": "local", "filename_download": "a.txt", "title": "A", "type": "text/plain" });
    for hand in [&alice, &bob, &carol] {
        hand.is_refused(
            "seen before",
            "GET",
            &format!("/files/{}", id(5)),
            &Value::Null,
            FORBIDDEN,
        );
    }
    admin.call("POST", "/files", Some(&file));
    let uploaded = json!({ "uploaded_by": alice.id });
    admin.call("PATCH", &format!("/files/{}", id(5)), Some(&uploaded));
    let attach = |message: Value, file: Value| json!({ "id": id(6), "message_id": message, "file": file, "kind": "file" });
    let attached = json!({ "id": id(5), "chat_attached_at": AT });
    let new = json!({
        "id": id(7), "content": "Look", "receiver_id": bob.id, "attached_at": AT,
    });
    let path = "/items/chat_attachments";
    let by_id = attach(new.clone(), json!(id(5)));
    alice.is_refused("a file by its id", "POST", path, &by_id, INVALID);
    let stolen = attach(new.clone(), attached.clone());
    carol.is_refused("another's file", "POST", path, &stolen, FORBIDDEN);
    alice.does("POST", path, &attach(new, attached));
    bob.does(
        "GET",
        &format!("/files/{}?fields=id,title", id(5)),
        &Value::Null,
    );
    let file = format!("/files/{}?fields=id", id(5));
    carol.is_refused("not hers", "GET", &file, &Value::Null, FORBIDDEN);
    assert_eq!(bob.sees("/items/chat_attachments?fields=id"), [id(6)]);
    assert_eq!(carol.sees("/items/chat_attachments?fields=id").len(), 0);

    // The directory: names, and no e-mail.
    let people = "/users?fields=id,first_name,last_name,avatar";
    let mut three = [alice.id.clone(), bob.id.clone(), carol.id.clone()];
    three.sort();
    assert_eq!(alice.sees(people), three);
    let oracle = "/users?fields=id&filter[email][_eq]=bob@example.com";
    alice.is_refused("an e-mail guessed", "GET", oracle, &Value::Null, FORBIDDEN);
}
