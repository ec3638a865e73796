//! Closing and signing out: nothing is left, here or there.

use std::path::Path;

use whinchat_core::bridge::{Code, ConnectionState, Unsent, VaultKind};
use whinchat_core::model::AccountId;
use whinchat_core::runtime::{Event, SessionState};
use whinchat_tests::{Kind, Options, Relay, ServerFixture, eventually};

use crate::client::{Client, PATIENCE, connections_to, messenger, sessions_on_server, typed};

fn folders(data: &Path) -> usize {
    std::fs::read_dir(data.join("accounts")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_socket_is_left_when_an_account_is_closed() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    assert!(connections_to(server.port()) >= 1);
    alice.messenger.close(alice.account).await;
    eventually("no connection", PATIENCE, || {
        connections_to(server.port()) == 0
    });
    let closed = alice.messenger.reconnect(alice.account).await.unwrap_err();
    assert_eq!(closed.code, Code::AccountUnknown);
    // Closed is not signed out, and it opens again.
    assert_eq!(sessions_on_server(&server, server.alice()), 3);
    alice.messenger.open(alice.account).await.unwrap();
    alice.live().await;
    alice.messenger.shutdown().await;
    eventually("no connection", PATIENCE, || {
        connections_to(server.port()) == 0
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_held_by_one_at_a_time() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    let second = messenger(alice.data.path()).await;
    let listed = second.accounts();
    assert_eq!(
        listed[0].problem.as_ref().map(|p| p.code),
        Some(Code::AccountInUse)
    );
    let phrase = crate::client::PASSPHRASE.to_owned().into();
    second.unlock(alice.account, phrase).await.unwrap();
    let refused = second.open(alice.account).await.unwrap_err();
    assert_eq!(refused.code, Code::AccountInUse);
    let refused = second.sign_out(alice.account, Unsent::Discard).await;
    assert_eq!(refused.unwrap_err().code, Code::AccountInUse);
    alice.messenger.close(alice.account).await;
    second.open(alice.account).await.unwrap();
    second.shutdown().await;
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_tells_the_server_and_erases() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    assert_eq!(sessions_on_server(&server, server.alice()), 3);
    let mut stream = alice.messenger.subscribe(alice.account).unwrap();
    let out = alice
        .messenger
        .sign_out(alice.account, Unsent::Ask)
        .await
        .unwrap();
    assert!(out.server_told);
    assert_eq!(sessions_on_server(&server, server.alice()), 0);
    assert_eq!(folders(alice.data.path()), 0);
    assert!(alice.messenger.accounts().is_empty());
    while stream.next().await.is_some() {}
    alice
        .event("signed out", |event| {
            matches!(
                event,
                Event::Session {
                    state: SessionState::SignedOut,
                    ..
                }
            )
            .then_some(())
        })
        .await;
    eventually("no connection", PATIENCE, || {
        connections_to(server.port()) == 0
    });
    let unknown = alice.messenger.open(alice.account).await.unwrap_err();
    assert_eq!(unknown.code, Code::AccountUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_unsent_messages_is_asked_first_and_can_leave_offline() {
    let mut server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    server.kill9();
    let bob = server.bob().id.clone();
    alice.send(&bob, "One").await;
    alice.send(&bob, "Two").await;
    let asked = alice.messenger.sign_out(alice.account, Unsent::Ask).await;
    let asked = asked.unwrap_err();
    assert_eq!(
        (asked.code, asked.args["count"].as_str()),
        (Code::UnsentMessages, "2")
    );
    // Closed or open makes no difference.
    alice.messenger.close(alice.account).await;
    let asked = alice.messenger.sign_out(alice.account, Unsent::Ask).await;
    assert_eq!(asked.unwrap_err().args["count"], "2");
    let out = alice
        .messenger
        .sign_out(alice.account, Unsent::Discard)
        .await
        .unwrap();
    assert!(!out.server_told);
    assert_eq!(folders(alice.data.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_offline_erases_here_and_the_servers_session_ends_by_itself() {
    let mut server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    server.kill9();
    // Nothing waits to be sent, so nothing is asked.
    let out = alice.messenger.sign_out(alice.account, Unsent::Ask).await;
    assert!(!out.unwrap().server_told);
    assert!(alice.messenger.accounts().is_empty());
    assert_eq!(folders(alice.data.path()), 0);
    server.restart();
    assert!(
        sessions_on_server(&server, server.alice()) >= 1,
        "the server was not told"
    );
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_switch_the_account_that_was_left_has_no_socket() {
    let servers =
        [Kind::Stamped, Kind::Tutorial].map(|k| ServerFixture::start(k, Options::default()));
    let relays = [0, 1].map(|n: usize| Relay::start(servers[n].port()));
    let data = tempfile::tempdir().unwrap();
    let messenger = messenger(data.path()).await;
    let mut accounts = Vec::new();
    for (relay, server) in relays.iter().zip(&servers) {
        let request = typed(&relay.url(), server.alice(), VaultKind::Passphrase);
        let account: AccountId = messenger
            .sign_in(request)
            .await
            .unwrap()
            .id
            .parse()
            .unwrap();
        accounts.push(account);
    }
    let live = async |account: AccountId| {
        let mut changes = messenger.subscribe(account).unwrap();
        while messenger.open(account).await.unwrap().connection.state != ConnectionState::Live {
            let changed = tokio::time::timeout(PATIENCE, changes.next());
            changed.await.expect("never live").expect("it is open");
        }
    };
    // As the window does it: the one that is left is closed, then the other opened.
    for (here, there) in [(0, 1), (1, 0), (0, 1)] {
        live(accounts[here]).await;
        assert!(relays[here].open() >= 1);
        messenger.close(accounts[here]).await;
        live(accounts[there]).await;
        eventually("the one that was left has no connection", PATIENCE, || {
            relays[here].open() == 0
        });
        assert!(relays[there].open() >= 1);
        let closed = messenger.reconnect(accounts[here]).await.unwrap_err();
        assert_eq!(closed.code, Code::AccountUnknown);
    }
    messenger.shutdown().await;
    for relay in &relays {
        eventually("nothing is left at all", PATIENCE, || relay.open() == 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_be_read_keeps_nobody_and_is_never_replaced() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    alice.messenger.shutdown().await;
    let folder = alice.folder();
    let secrets = folder.join("secrets");
    std::fs::write(&secrets, b"not what it was").unwrap();

    let again = messenger(alice.data.path()).await;
    let needed = again.open(alice.account).await.unwrap_err();
    assert_eq!(needed.code, Code::PassphraseNeeded);
    let phrase = crate::client::PASSPHRASE.to_owned();
    let unreadable = again
        .unlock(alice.account, phrase.into())
        .await
        .unwrap_err();
    assert_eq!(unreadable.code, Code::VaultUnreadable);
    assert_eq!(std::fs::read(&secrets).unwrap(), b"not what it was");
    assert!(folder.join("messages.db").exists());

    let asked = again
        .sign_out(alice.account, Unsent::Ask)
        .await
        .unwrap_err();
    assert_eq!(
        (asked.code, asked.args["count"].as_str()),
        (Code::UnsentMessages, "?")
    );
    let out = again
        .sign_out(alice.account, Unsent::Discard)
        .await
        .unwrap();
    assert!(!out.server_told);
    assert_eq!(folders(alice.data.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_forgot_the_passphrase_erases_the_account_and_signs_in_again() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    let bob = server.bob().id.clone();
    alice.send(&bob, "Sent before it was forgotten").await;
    let admin = server.admin();
    eventually("it is sent", PATIENCE, || admin.count() == 1);
    alice.messenger.shutdown().await;

    let again = messenger(alice.data.path()).await;
    let wrong = again.unlock(alice.account, "wrong battery".to_owned().into());
    assert_eq!(wrong.await.unwrap_err().code, Code::PassphraseWrong);
    // While it is there, the same person can't come in beside it.
    let request = || typed(&server.url(), server.alice(), VaultKind::Passphrase);
    let exists = again.sign_in(request()).await.unwrap_err();
    assert_eq!(exists.code, Code::AccountExists);
    // What the window's "Erase this account from this device" asks for.
    let out = again
        .sign_out(alice.account, Unsent::Discard)
        .await
        .unwrap();
    assert!(!out.server_told, "the keys to its sessions are gone");
    assert_eq!(folders(alice.data.path()), 0);
    let back = again.sign_in(request()).await.unwrap();
    let back = back.id.parse().unwrap();
    again.open(back).await.unwrap();
    let alice = Client {
        events: again.events(),
        messenger: again,
        account: back,
        ..alice
    };
    let page = alice
        .page_until(&bob, "what was sent comes back", |page| !page.is_empty())
        .await;
    assert_eq!(page[0].text, "Sent before it was forgotten");
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_this_session_only_touches_no_file_and_ends_with_it() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start(&server, server.alice()).await;
    alice.live().await;
    alice.send(&server.bob().id, "In memory").await;
    // Closing keeps what is held; quitting does not.
    alice.messenger.close(alice.account).await;
    alice.messenger.open(alice.account).await.unwrap();
    assert_eq!(alice.page(&server.bob().id).await.len(), 1);
    assert_eq!(folders(alice.data.path()), 0);
    alice.messenger.shutdown().await;
    assert_eq!(sessions_on_server(&server, server.alice()), 0);
}
