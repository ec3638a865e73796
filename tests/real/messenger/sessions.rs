//! Sessions: renewed, lost on the way, ended; nobody is signed out by accident.

use std::time::{Duration, Instant};

use whinchat_core::bridge::{ConnectionState, SignIn, VaultKind};
use whinchat_core::runtime::{Event, SessionState};
use whinchat_tests::{Kind, Options, Relay, ServerFixture, eventually};

use crate::client::{Client, PATIENCE, places_of, sessions_on_server, typed};

const REFRESH: &str = "POST /auth/refresh";
/// What stands in a renewal of a spare, or in its end at signing out.
const SPARE: &str = r#""mode":"json","refresh_token""#;

/// Fails if the client was ever asked to sign in.
fn assert_never_asked_to_sign_in(client: &mut Client) {
    while let Ok(event) = client.events.try_recv() {
        let asked = matches!(
            event,
            Event::Session {
                state: SessionState::SignInNeeded,
                ..
            }
        );
        assert!(!asked, "a person was asked to sign in");
    }
}

async fn still_talks(server: &ServerFixture, client: &mut Client) {
    client.live().await;
    let admin = server.fresh_admin();
    let before = admin.count();
    client.send(&server.bob().id, "Still here").await;
    eventually("the message is there", PATIENCE, || {
        server.fresh_admin().count() == before + 1
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_renewed_on_the_live_socket() {
    // Renewed at 20 s. A token's end is in whole seconds, and its age counts from
    // before the server wrote it: some 4 s are left.
    let server = ServerFixture::start(Kind::Stamped, Options::default().session_ttl("25s"));
    let relay = Relay::start(server.port());
    let mut alice = Client::start_at(&relay.url(), server.alice(), VaultKind::SessionOnly).await;
    alice.live().await;
    eventually("two renewals", PATIENCE, || relay.asked(REFRESH) >= 2);
    eventually("authenticated after each", PATIENCE, || {
        relay.told(r#""type":"auth","status":"ok""#) >= 3
    });
    assert_eq!(relay.asked("GET /websocket"), 1, "one socket all the while");
    assert_eq!(relay.told("TOKEN_EXPIRED"), 0, "never too late");
    assert_never_asked_to_sign_in(&mut alice);
    still_talks(&server, &mut alice).await;
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_renewal_answer_is_asked_for_again_within_the_grace() {
    // Renewed at 32 s: the second asking still comes well before the end.
    let server = ServerFixture::start(Kind::Stamped, Options::default().session_ttl("40s"));
    let relay = Relay::start(server.port());
    let mut alice = Client::start_at(&relay.url(), server.alice(), VaultKind::SessionOnly).await;
    alice.live().await;
    relay.lose_answers_to(REFRESH, 1);
    eventually("an answer is lost", PATIENCE, || relay.lost() == 1);
    eventually("it is asked for again", PATIENCE, || {
        relay.asked(REFRESH) >= 2
    });
    // The spare was not needed: two sessions, as before.
    still_talks(&server, &mut alice).await;
    assert_eq!(relay.asked(SPARE), 0);
    assert_never_asked_to_sign_in(&mut alice);
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_lost_for_good_is_followed_by_the_spare() {
    let options = Options::default()
        .session_ttl("8s")
        .set("SESSION_REFRESH_GRACE_PERIOD", "1ms");
    let server = ServerFixture::start(Kind::Stamped, options);
    let relay = Relay::start(server.port());
    let mut alice = Client::start_at(&relay.url(), server.alice(), VaultKind::SessionOnly).await;
    alice.live().await;
    relay.lose_answers_to(REFRESH, 1);
    eventually("an answer is lost", PATIENCE, || relay.lost() == 1);
    eventually("the spare is renewed", PATIENCE, || relay.asked(SPARE) >= 1);
    still_talks(&server, &mut alice).await;
    assert_never_asked_to_sign_in(&mut alice);
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_long_time_off_the_spare_opens_the_account_again() {
    let server = ServerFixture::start(Kind::Stamped, Options::default().session_ttl(SHORT.1));
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    alice.messenger.shutdown().await;
    the_session_ends();
    let mut alice = alice.again().await;
    alice.live().await;
    assert_never_asked_to_sign_in(&mut alice);
    still_talks(&server, &mut alice).await;
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spare_whose_answer_is_lost_is_followed_by_the_other() {
    let server = ServerFixture::start(Kind::Stamped, Options::default().session_ttl(SHORT.1));
    let relay = Relay::start(server.port());
    let mut alice = Client::start_at(&relay.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    alice.messenger.shutdown().await;
    the_session_ends();
    relay.lose_answers_to(SPARE, 1);
    let mut alice = alice.again().await;
    alice.live().await;
    assert_eq!(
        relay.lost(),
        1,
        "Directus forgot the first one all the same"
    );
    assert!(relay.asked(SPARE) >= 3, "asked again, dead, then the other");
    assert_never_asked_to_sign_in(&mut alice);
    still_talks(&server, &mut alice).await;
    alice.messenger.shutdown().await;
}

/// What [`the_session_ends`] waits for, and as text.
const SHORT: (Duration, &str) = (Duration::from_secs(6), "6s");

/// Waits until a session of [`SHORT`] is over, however late it was renewed: what
/// is over by then is a token's time, of which no row on the server tells.
fn the_session_ends() {
    let end = Instant::now() + SHORT.0;
    eventually("the session is over", PATIENCE, || Instant::now() > end);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_is_asked_to_sign_in_and_comes_back_to_what_was_held() {
    let server = ServerFixture::start(Kind::Stamped, Options::default().session_ttl("5s"));
    let mut alice = Client::start(&server, server.alice()).await;
    alice.live().await;
    alice.send(&server.bob().id, "Before").await;
    let admin = server.admin();
    eventually("it is sent", PATIENCE, || admin.count() == 1);
    admin.suspend(&alice.person);
    alice
        .event("sign-in is asked for", |event| {
            matches!(
                event,
                Event::Session {
                    state: SessionState::SignInNeeded,
                    ..
                }
            )
            .then_some(())
        })
        .await;
    alice.until(ConnectionState::SignInNeeded).await;
    assert_eq!(sessions_on_server(&server, server.alice()), 0);
    let waiting = alice.send(&server.bob().id, "While away").await;

    let active = serde_json::json!({"status": "active"});
    server.fresh_admin().set_person(&alice.person, &active);
    let back = SignIn {
        account: Some(alice.account.to_string()),
        ..typed(&server.url(), server.alice(), VaultKind::SessionOnly)
    };
    alice.messenger.sign_in(back).await.unwrap();
    alice.live().await;
    let admin = server.fresh_admin();
    eventually("what waited is sent", PATIENCE, || admin.count() == 2);
    let page = alice.page(&server.bob().id).await;
    assert_eq!(page.len(), 2);
    assert_eq!(page[1].id, waiting.id);
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_ask_for_a_connection_one_renewal_is_on_its_way() {
    let server = ServerFixture::start(Kind::Stamped, Options::default().session_ttl("20s"));
    let relay = Relay::start(server.port());
    let mut alice = Client::start_at(&relay.url(), server.alice(), VaultKind::SessionOnly).await;
    alice.live().await;
    relay.hold(REFRESH);
    eventually("a renewal is on its way", PATIENCE, || {
        relay.asked(REFRESH) == 1
    });
    // Everything that makes an engine want a fresh session, at once.
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (messenger, account) = (alice.messenger.clone(), alice.account);
        asking.spawn(async move {
            messenger.reconnect(account).await.unwrap();
            if n % 5 == 0 {
                messenger.network(false).await;
                messenger.network(true).await;
                messenger.resumed().await;
            }
            messenger.reconnect(account).await.unwrap();
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
    assert_eq!(
        relay.asked(REFRESH),
        1,
        "they share the one that is under way"
    );
    relay.let_go();
    still_talks(&server, &mut alice).await;
    // After it one more at most was due at once; not one for each who asked.
    let all = relay.asked(REFRESH);
    assert!(all <= 3, "{all} renewals");
    assert_never_asked_to_sign_in(&mut alice);
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_socket_tells_after_its_tokens_end_is_not_believed() {
    // Where sessions end within seconds, and so do the access tokens of the spare.
    let options = Options::default()
        .session_ttl("15s")
        .access_token_ttl("15s");
    let server = ServerFixture::start(Kind::Stamped, options);
    let relay = Relay::start(server.port());
    // An administrator: nothing on the server keeps others' messages from him.
    let mut admin =
        Client::start_at(&relay.url(), server.administrator(), VaultKind::Passphrase).await;
    admin.live().await;
    relay.hold(REFRESH);
    let (bob, carol) = (server.bob().id.clone(), server.carol().id.clone());
    let message = |n: u8| format!("01936f00-0000-7000-8000-0000000000{n:02}");
    let now = "2026-11-25T12:00:00Z";
    let said = relay.said();
    let (_, uid) = said
        .split("\"event\":\"init\"")
        .nth(1)
        .and_then(|rest| rest.split_once("\"uid\":\""))
        .expect("the subscription has an id");
    let uid = uid.split('"').next().unwrap_or_default();
    let tell = |rows: serde_json::Value| {
        let frame = serde_json::json!({
            "type": "subscription", "event": "create", "data": rows, "uid": uid,
        });
        assert_eq!(relay.say(&frame.to_string()), 1);
    };
    // What the relay says is heard as the server's word, while the token lives.
    let heard = serde_json::json!({
        "id": message(9), "content": "While it lives", "sender_id": carol,
        "receiver_id": admin.person, "timestamp": now,
        "date_created": "2026-11-25T12:00:00.000Z", "date_updated": null,
    });
    tell(serde_json::json!([heard]));
    admin
        .page_until(&carol, "it is heard", |page| page.len() == 1)
        .await;

    eventually("the token ends unrenewed", PATIENCE, || {
        relay.told("TOKEN_EXPIRED") == 1
    });
    // In the ten seconds of grace the server goes on telling; Directus 11 with
    // the rights of the system. Its filter may hold even then, so the worst that
    // it could say is said for it: a row of others, and one that claims to be his.
    let writer = server.fresh_admin();
    let foreign = "Not for the administrator";
    let one = writer.insert(&message(1), &bob, &carol, foreign, now);
    let own = "For the administrator";
    writer.insert(&message(2), &bob, &admin.person, own, now);
    let mut forged = one.clone();
    forged["id"] = message(3).into();
    forged["receiver_id"] = admin.person.clone().into();
    forged["content"] = "Forged on the way".into();
    tell(serde_json::json!([one, forged]));
    eventually("the server closes", PATIENCE, || {
        relay.told("AUTH_TIMEOUT") >= 1
    });
    assert!(
        admin.page(&bob).await.is_empty(),
        "nothing is believed that came on this socket"
    );
    relay.let_go();
    admin.messenger.reconnect(admin.account).await.unwrap();
    // What concerns him comes by the catch-up.
    let page = admin
        .page_until(&bob, "his own comes", |page| !page.is_empty())
        .await;
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].text, own);
    admin.live().await;
    let database = admin.database().await;
    assert!(places_of(&database, own) >= 1);
    for not_his in [foreign, "Forged on the way"] {
        assert_eq!(places_of(&database, not_his), 0, "{not_his}");
    }
    assert_never_asked_to_sign_in(&mut admin);
    admin.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_pings_are_answered() {
    let server = ServerFixture::start(Kind::Stamped, Options::default().heartbeat(5));
    let relay = Relay::start(server.port());
    let mut alice = Client::start_at(&relay.url(), server.alice(), VaultKind::SessionOnly).await;
    alice.live().await;
    // A socket that leaves one unanswered is closed at the next.
    eventually("three pings", PATIENCE, || {
        relay.told(r#"{"type":"ping"}"#) >= 3
    });
    assert_eq!(relay.asked("GET /websocket"), 1);
    still_talks(&server, &mut alice).await;
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_comes_back_by_itself() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let relay = Relay::start(server.port());
    let mut alice = Client::start_at(&relay.url(), server.alice(), VaultKind::SessionOnly).await;
    alice.live().await;
    relay.cut();
    eventually("a second socket", PATIENCE, || {
        relay.asked("GET /websocket") >= 2
    });
    still_talks(&server, &mut alice).await;
    assert_never_asked_to_sign_in(&mut alice);
    alice.messenger.shutdown().await;
}
