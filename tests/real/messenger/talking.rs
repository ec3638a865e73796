//! Two people talk; others don't listen.

use serde_json::json;
use whinchat_core::bridge::{Anchor, Change, Code, ConnectionState, MessageState, VaultKind};
use whinchat_tests::{Kind, Options, Relay, ServerFixture, eventually};

use crate::client::{Client, PATIENCE, dm, places_of};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_on_every_kind_of_server_and_an_administrator_hears_nothing() {
    for kind in [Kind::Tutorial, Kind::Stamped, Kind::Full] {
        let server = ServerFixture::start(kind, Options::default().time_zone("America/New_York"));
        let mut alice = Client::start(&server, server.alice()).await;
        let mut bob = Client::start(&server, server.bob()).await;
        let mut admin = Client::start(&server, server.administrator()).await;
        for client in [&mut alice, &mut bob, &mut admin] {
            client.live().await;
        }
        let first = alice.send(&bob.person, "  Hi Bob \n").await;
        assert_eq!((first.text.as_str(), first.is_me), ("Hi Bob", true));
        let arrived = bob.arrives().await;
        assert_eq!((arrived.id, arrived.is_me), (first.id, false), "{kind:?}");
        bob.send(&alice.person, "Hi Alice").await;
        assert_eq!(alice.arrives().await.text, "Hi Alice");
        let page = alice
            .page_until(&bob.person, "both are sent", |page| {
                page.len() == 2 && page.iter().all(|row| row.state == MessageState::Sent)
            })
            .await;
        // Within a second, the tutorial's stamps don't tell who was first.
        if kind != Kind::Tutorial {
            assert_eq!(page[0].text, "Hi Bob", "in order");
        }
        assert_eq!(server.admin().count(), 2);

        // What concerns the administrator comes; what does not, never did.
        alice.send(&admin.person, "Hi admin").await;
        assert_eq!(admin.arrives().await.text, "Hi admin");
        let list = admin
            .messenger
            .conversations(admin.account, String::new(), None, 50)
            .await
            .unwrap();
        let others: Vec<_> = list.conversations.iter().map(|c| &c.person).collect();
        assert_eq!(others, [&alice.person], "{kind:?}");
        for client in [alice, bob, admin] {
            client.messenger.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_gives_few_rows_at_once_is_asked_for_few() {
    let few = Options::default().set("QUERY_LIMIT_MAX", "30");
    let server = ServerFixture::start(Kind::Stamped, few);
    let admin = server.admin();
    let (alice, bob) = (server.alice().id.clone(), server.bob().id.clone());
    for n in 0..40 {
        let id = format!("01936f00-0000-7000-8000-0000000000{n:02}");
        admin.insert(&id, &bob, &alice, "From before", "2026-11-20T10:00:00Z");
    }
    let mut alice = Client::start(&server, server.alice()).await;
    alice.live().await;
    alice
        .page_until(&bob, "all of it is here", |page| page.len() == 40)
        .await;
    let said = alice.send(&bob, "And after").await;
    alice
        .page_until(&bob, "it is sent", |page| {
            page.last().map(|row| (&row.id, row.state)) == Some((&said.id, MessageState::Sent))
        })
        .await;
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_list_is_whole_where_a_server_tells_fewer_totals_than_there_are() {
    for kind in [Kind::Tutorial, Kind::Stamped] {
        let few = Options::default().set("QUERY_LIMIT_MAX", "12");
        let server = ServerFixture::start(kind, few);
        let admin = server.admin();
        let me = server.alice().id.clone();
        let id = |n: u32| format!("5ca1ab1e-0000-4000-8000-0000000000{n:02}");
        let people: Vec<_> = (0..30)
            .map(|n| json!({"id": id(n), "first_name": format!("Person {n}"), "email": format!("person-{n}@example.com")}))
            .collect();
        admin.call("POST", "/users", Some(&json!(people)));
        // Everybody has written to Alice, and she to every second.
        let rows: Vec<_> = (0..30)
            .flat_map(|n| {
                let row = |from: &str, to: &str, part: u32| {
                    json!({
                        "id": format!("01936f00-0000-7000-8000-00000000{n:02}{part:02}"),
                        "content": "From before", "sender_id": from, "receiver_id": to,
                        "timestamp": format!("2026-11-20T10:{n:02}:{part:02}"),
                    })
                };
                let mine = n % 2 == 0;
                [Some(row(&id(n), &me, 0)), mine.then(|| row(&me, &id(n), 1))]
            })
            .flatten()
            .collect();
        admin.insert_rows(&json!(rows));
        let mut alice = Client::start(&server, server.alice()).await;
        alice.live().await;
        let list = alice
            .messenger
            .conversations(alice.account, String::new(), None, 50)
            .await
            .unwrap();
        let mut listed: Vec<_> = list.conversations.into_iter().map(|c| c.person).collect();
        listed.sort();
        assert_eq!(listed, (0..30).map(id).collect::<Vec<_>>(), "{kind:?}");
        alice.messenger.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_the_server_is_dead_arrives_once_and_in_order() {
    let mut server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start(&server, server.alice()).await;
    let mut bob = Client::start(&server, server.bob()).await;
    alice.live().await;
    bob.live().await;
    let bobs = server.bob().id.clone();
    for n in 0..5 {
        alice.send(&bobs, &format!("{n}")).await;
    }
    server.kill9();
    for n in 5..10 {
        alice.send(&bobs, &format!("{n}")).await;
    }
    alice.until(ConnectionState::Waiting).await;
    server.restart();
    alice.messenger.reconnect(alice.account).await.unwrap();
    bob.messenger.reconnect(bob.account).await.unwrap();
    let page = bob
        .page_until(&alice.person, "all ten", |page| page.len() >= 10)
        .await;
    let texts: Vec<_> = page.iter().map(|row| row.text.clone()).collect();
    let expected: Vec<_> = (0..10).map(|n| n.to_string()).collect();
    assert_eq!(texts, expected);
    assert_eq!(server.fresh_admin().count(), 10);
    alice.messenger.shutdown().await;
    bob.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_carries_the_messages_of_the_conversation_that_it_watches() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start(&server, server.alice()).await;
    let mut bob = Client::start(&server, server.bob()).await;
    alice.live().await;
    bob.live().await;
    let mut watching = bob.messenger.subscribe(bob.account).unwrap();
    let mut other = bob.messenger.subscribe(bob.account).unwrap();
    let conversation = Some(dm(&alice.person));
    bob.messenger
        .watch(bob.account, Some(watching.id()), conversation)
        .await
        .unwrap();
    let sent = alice.send(&bob.person, "Seen").await;
    let mut last = 0;
    let seen = async {
        loop {
            let batch = watching.next().await.unwrap();
            assert_eq!(batch.n, last + 1);
            last = batch.n;
            for change in batch.changes {
                if let Change::Message(row) = change {
                    return row;
                }
            }
        }
    };
    let row = tokio::time::timeout(PATIENCE, seen).await.unwrap();
    assert_eq!(row.id, sent.id);
    // The other stream was told of the list, not of the message.
    let told = tokio::time::timeout(PATIENCE, other.next()).await.unwrap();
    let told = told.unwrap().changes;
    assert!(!told.is_empty());
    assert!(
        !told
            .iter()
            .any(|change| matches!(change, Change::Message(_)))
    );
    alice.messenger.shutdown().await;
    bob.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_older_than_the_servers_stamp_are_not_lost() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let admin = server.admin();
    let (alice, bob) = (server.alice(), server.bob());
    let id = "01936f00-0000-7000-8000-000000000001";
    admin.insert(
        id,
        &bob.id,
        &alice.id,
        "From before",
        "2026-11-20T10:00:00Z",
    );
    // As it is where the field was added to a collection with messages in it.
    let cleared = clear_stamp(&server, id);
    assert_eq!(cleared, 1);
    let mut client = Client::start(&server, alice).await;
    client.live().await;
    let page = client
        .page_until(&bob.id, "the old message", |page| !page.is_empty())
        .await;
    assert_eq!(page[0].text, "From before");
    // And new ones come beside it.
    let mut other = Client::start(&server, bob).await;
    other.live().await;
    other.send(&alice.id, "From now").await;
    assert_eq!(client.arrives().await.text, "From now");
    client.messenger.shutdown().await;
    other.messenger.shutdown().await;
}

fn clear_stamp(server: &ServerFixture, id: &str) -> usize {
    server
        .database()
        .execute(
            "UPDATE chat_messages SET date_created = NULL WHERE id = ?",
            [id],
        )
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_no_server_takes_is_refused_before_it_is_kept() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start(&server, server.alice()).await;
    alice.live().await;
    let bob = dm(&server.bob().id);
    let send = async |text: String| {
        let sent = alice.messenger.send(alice.account, bob, &text).await;
        sent.map(|_| ()).map_err(|problem| problem.code)
    };
    assert_eq!(send(" \n ".to_owned()).await, Err(Code::TextBlank));
    assert_eq!(send("a".repeat(1_000_000)).await, Err(Code::TextTooLong));
    // The longest that is taken arrives.
    assert_eq!(send("a".repeat(999_000)).await, Ok(()));
    let admin = server.admin();
    eventually("the long one is there", PATIENCE, || admin.count() == 1);
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_is_lost_is_there_once_and_shown_once() {
    for kind in [Kind::Tutorial, Kind::Stamped] {
        let server = ServerFixture::start(kind, Options::default());
        let relay = Relay::start(server.port());
        let mut alice =
            Client::start_at(&relay.url(), server.alice(), VaultKind::SessionOnly).await;
        alice.live().await;
        relay.lose_answers_to("POST /items/chat_messages", 1);
        let bob = server.bob().id.clone();
        let sent = alice.send(&bob, "Once").await;
        eventually("its answer is lost", PATIENCE, || relay.lost() == 1);
        let page = alice
            .page_until(&bob, "it is known to be sent", |page| {
                page.iter().all(|row| row.state == MessageState::Sent) && !page.is_empty()
            })
            .await;
        assert_eq!(page.len(), 1, "{kind:?}");
        assert_eq!((&page[0].id, page[0].text.as_str()), (&sent.id, "Once"));
        assert_eq!(server.admin().count(), 1, "{kind:?}");
        alice.messenger.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_history_is_his_own_from_before_he_connected() {
    for kind in [Kind::Tutorial, Kind::Stamped] {
        let server = ServerFixture::start(kind, Options::default());
        let (bob, carol) = (server.bob().id.clone(), server.carol().id.clone());
        let me = server.administrator().id.clone();
        let row = |n: usize, from: &str, to: &str, text: &str| {
            json!({
                "id": format!("01936f00-0000-7000-8000-{n:012}"), "content": text,
                "sender_id": from, "receiver_id": to,
                "timestamp": format!("2026-11-20T10:{:02}:00Z", n % 60),
            })
        };
        let mut rows: Vec<_> = (0..55)
            .map(|n| row(n, &bob, &carol, "Between two others"))
            .collect();
        rows.push(row(55, &carol, &bob, "Between two others"));
        rows.push(row(56, &bob, &me, "For the administrator"));
        rows.push(row(57, &me, &bob, "From the administrator"));
        server.admin().insert_rows(&json!(rows));
        let mut admin =
            Client::start_at(&server.url(), server.administrator(), VaultKind::Passphrase).await;
        admin.live().await;
        let page = admin
            .page_until(&bob, "his own", |page| page.len() >= 2)
            .await;
        let texts: Vec<_> = page.iter().map(|row| row.text.as_str()).collect();
        assert_eq!(texts, ["For the administrator", "From the administrator"]);
        // He looks further back, and at the other's conversation.
        for peer in [&bob, &carol] {
            admin
                .messenger
                .fetch_older(admin.account, dm(peer))
                .await
                .unwrap();
        }
        admin
            .page_until(&bob, "the beginning is known", |page| page.len() == 2)
            .await;
        let with_carol = admin
            .messenger
            .page(admin.account, dm(&carol), Anchor::Newest, 50)
            .await;
        if let Ok(page) = with_carol {
            assert!(page.messages.is_empty(), "{kind:?}");
        }
        let list = admin
            .messenger
            .conversations(admin.account, String::new(), None, 50)
            .await
            .unwrap();
        let people: Vec<_> = list.conversations.iter().map(|c| &c.person).collect();
        assert_eq!(people, [&bob], "{kind:?}");
        let database = admin.database().await;
        assert!(places_of(&database, "the administrator") >= 2);
        assert_eq!(places_of(&database, "Between two others"), 0, "{kind:?}");
        admin.messenger.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_or_deleted_on_the_server_is_told_and_no_row_is_set_aside() {
    for kind in [Kind::Tutorial, Kind::Stamped] {
        let server = ServerFixture::start(kind, Options::default());
        let relay = Relay::start(server.port());
        let mut alice = Client::start_at(&relay.url(), server.alice(), VaultKind::Passphrase).await;
        let mut bob = Client::start(&server, server.bob()).await;
        alice.live().await;
        bob.live().await;
        let first = bob.send(&alice.person, "As it was").await;
        let second = bob.send(&alice.person, "Soon gone").await;
        alice
            .page_until(&bob.person, "both came", |page| page.len() == 2)
            .await;
        let admin = server.admin();
        admin.change(&first.id, &json!({"content": "As it is"}));
        alice
            .page_until(&bob.person, "it is changed", |page| {
                page.iter().any(|row| row.text == "As it is")
            })
            .await;
        assert!(relay.told(r#""event":"update""#) >= 1, "by a frame");
        admin.delete(&second.id);
        let page = alice
            .page_until(&bob.person, "it is gone", |page| page.len() == 1)
            .await;
        assert_eq!(page[0].text, "As it is");
        assert!(relay.told(r#""event":"delete""#) >= 1, "by a frame");
        let database = alice.database().await;
        let aside: i64 = database
            .query_row("SELECT count(*) FROM set_aside", [], |row| row.get(0))
            .unwrap();
        assert_eq!(aside, 0, "every row of a real server is understood");
        assert_eq!(places_of(&database, "Soon gone"), 0);
        for client in [alice, bob] {
            client.messenger.shutdown().await;
        }
    }
}
