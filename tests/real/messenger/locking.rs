//! The app lock: under a passphrase, away, and back.

use whinchat_core::bridge::{Code, VaultKind};
use whinchat_core::runtime::{Event, SessionState};
use whinchat_core::vault::{Vault, passphrase_file};
use whinchat_tests::{Kind, Options, ServerFixture, eventually};

use crate::client::{Client, PASSPHRASE, PATIENCE, connections_to, messenger, sessions_on_server};

const OTHER: &str = "another horse entirely";

fn phrase<T: From<String>>(text: &str) -> Option<T> {
    Some(text.to_owned().into())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_locked_is_closed_and_silent_until_its_passphrase_is_given() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Keychain).await;
    let mut bob = Client::start(&server, server.bob()).await;
    alice.live().await;
    bob.live().await;
    let sessions = sessions_on_server(&server, server.alice());
    // Without a passphrase there is nothing that could be locked.
    alice.messenger.lock().await;
    alice.live().await;

    let short = alice
        .messenger
        .set_passphrase(alice.account, None, phrase("short"));
    assert_eq!(short.await.unwrap_err().code, Code::PassphraseShort);
    let set = alice
        .messenger
        .set_passphrase(alice.account, None, phrase(PASSPHRASE));
    set.await.unwrap();
    let keychain = Vault::keychain("whinchat-tests", alice.account);
    assert_eq!(
        keychain.key().await.map(|_| ()).unwrap_err().code,
        Code::VaultUnreadable
    );
    assert!(keychain.sessions().await.unwrap().session.is_none());
    // Nobody noticed: it is the same connection.
    let me = alice.person.clone();
    bob.send(&me, "While it is open").await;
    assert_eq!(alice.arrives().await.text, "While it is open");

    let before = connections_to(server.port());
    alice.messenger.lock().await;
    alice
        .event("locked", |event| match event {
            Event::Session {
                state: SessionState::Locked,
                ..
            } => Some(()),
            _ => None,
        })
        .await;
    eventually("no socket of hers is left", PATIENCE, || {
        connections_to(server.port()) < before
    });
    let summary = alice.messenger.accounts().remove(0);
    assert_eq!(summary.vault, VaultKind::Passphrase);
    assert_eq!(summary.problem.unwrap().code, Code::PassphraseNeeded);
    let refused = alice.messenger.open(alice.account).await.unwrap_err();
    assert_eq!(refused.code, Code::PassphraseNeeded);
    let refused = alice.messenger.page(
        alice.account,
        crate::client::dm(&bob.person),
        whinchat_core::bridge::Anchor::Newest,
        50,
    );
    assert_eq!(refused.await.unwrap_err().code, Code::AccountUnknown);
    bob.send(&me, "While it is locked").await;
    let admin = server.admin();
    eventually("Bob's is on the server", PATIENCE, || admin.count() == 2);
    assert!(alice.events.try_recv().is_err(), "she is told nothing");

    let wrong = alice
        .messenger
        .unlock(alice.account, OTHER.to_owned().into());
    assert_eq!(wrong.await.unwrap_err().code, Code::PassphraseWrong);
    let unlocked = alice
        .messenger
        .unlock(alice.account, PASSPHRASE.to_owned().into());
    unlocked.await.unwrap();
    alice.live().await;
    let page = alice.page(&bob.person).await;
    assert_eq!(page.last().unwrap().text, "While it is locked");
    assert_eq!(
        sessions_on_server(&server, server.alice()),
        sessions,
        "nobody signed in"
    );
    alice.messenger.shutdown().await;
    bob.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_is_changed_and_taken_away_by_who_knows_it() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    let set = |old, new| alice.messenger.set_passphrase(alice.account, old, new);
    let code = |answer: Result<(), whinchat_core::bridge::Problem>| answer.unwrap_err().code;
    assert_eq!(code(set(None, phrase(OTHER)).await), Code::PassphraseNeeded);
    assert_eq!(
        code(set(phrase(OTHER), phrase(OTHER)).await),
        Code::PassphraseWrong
    );
    assert_eq!(code(set(phrase(OTHER), None).await), Code::PassphraseWrong);
    set(phrase(PASSPHRASE), phrase(OTHER)).await.unwrap();

    let file = passphrase_file(&alice.folder());
    let unlock = |text: &str| Vault::unlock(file.clone(), text.to_owned().into());
    assert_eq!(
        unlock(PASSPHRASE).await.map(|_| ()).unwrap_err().code,
        Code::PassphraseWrong
    );
    let vault = unlock(OTHER).await.unwrap();
    assert!(vault.sessions().await.unwrap().session.is_some());

    // A closed one as well, after a start of the program.
    alice.messenger.shutdown().await;
    let again = messenger(alice.data.path()).await;
    again
        .set_passphrase(alice.account, phrase(OTHER), None)
        .await
        .unwrap();
    assert!(!file.exists());
    again.shutdown().await;
    let again = messenger(alice.data.path()).await;
    assert_eq!(again.accounts().remove(0).problem, None);
    let mut alice = Client {
        events: again.events(),
        messenger: again,
        ..alice
    };
    alice.messenger.open(alice.account).await.unwrap();
    alice.live().await;
    alice
        .messenger
        .sign_out(alice.account, whinchat_core::bridge::Unsent::Ask)
        .await
        .unwrap();
    alice.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_move_left_behind_is_erased_when_the_account_is_opened() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start_at(&server.url(), server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    alice.messenger.shutdown().await;
    // As a keychain that refused to erase has left it.
    let folder = alice.folder();
    let phrase = PASSPHRASE.to_owned();
    let vault = Vault::unlock(passphrase_file(&folder), phrase.into())
        .await
        .unwrap();
    let keychain = Vault::keychain("whinchat-tests", alice.account);
    keychain
        .store_key(&vault.key().await.unwrap())
        .await
        .unwrap();
    let record = folder.join("account.json");
    let written = std::fs::read_to_string(&record).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&written).unwrap();
    json["left"] = "keychain".into();
    std::fs::write(&record, json.to_string()).unwrap();

    let mut alice = alice.again().await;
    alice.live().await;
    assert!(keychain.key().await.is_err());
    assert!(!std::fs::read_to_string(&record).unwrap().contains("left"));
    alice.messenger.shutdown().await;
}
