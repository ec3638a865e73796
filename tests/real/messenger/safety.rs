//! Blocks, reports, terms and the owner's addresses, with a real server in
//! between.

use serde_json::{Value, json};
use tokio::time::timeout;
use whinchat_core::bridge::{
    BlockReach, Change, Code, ConversationRow, MessageState, ReportReason, Safety, VaultKind,
};
use whinchat_core::engine::NewReport;
use whinchat_core::product;
use whinchat_tests::{Admin, Kind, Options, ServerFixture, eventually};

use super::client::{Client, PASSPHRASE, PATIENCE, dm, messenger, typed};

const CONTACT: &str = "mailto:owner@example.com";
const TERMS: &str = "https://example.com/terms";

impl Client {
    async fn safety(&self) -> Safety {
        self.messenger.safety(self.account).await.unwrap()
    }

    /// Waits until what is known of people and owner is as it should be.
    async fn safety_until(&self, what: &str, mut is: impl FnMut(&Safety) -> bool) -> Safety {
        let mut changes = self.messenger.subscribe(self.account).unwrap();
        let mut now = self.safety().await;
        let found = timeout(PATIENCE, async {
            while !is(&now) {
                let batch = changes.next().await.expect("the account is open");
                for change in batch.changes {
                    if let Change::Safety(safety) = change {
                        now = safety;
                    }
                }
            }
            now
        });
        found.await.unwrap_or_else(|_| panic!("never: {what}"))
    }

    async fn listed(&self) -> Vec<ConversationRow> {
        let list = self
            .messenger
            .conversations(self.account, String::new(), None, 50);
        list.await.unwrap().conversations
    }

    /// Waits until somebody is among the people here.
    async fn knows(&self, person: &str) {
        let found = timeout(PATIENCE, async {
            loop {
                let asked = self
                    .messenger
                    .people(self.account, String::new(), 0, 50)
                    .await;
                if asked.unwrap().people.iter().any(|row| row.id == person) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
        found
            .await
            .unwrap_or_else(|_| panic!("never known: {person}"));
    }

    async fn block(&self, person: &str, wanted: bool) {
        let person = person.parse().unwrap();
        let done = self.messenger.block(self.account, person, wanted).await;
        done.unwrap();
    }

    async fn report(&self, report: NewReport) -> Result<(), Code> {
        let done = self.messenger.report(self.account, report).await;
        done.map_err(|problem| problem.code)
    }
}

fn about(person: Option<&str>, message: Option<&str>, with_text: bool) -> NewReport {
    NewReport {
        id: uuid::Uuid::now_v7(),
        about: person.map(|person| person.parse().unwrap()),
        message: message.map(|message| message.parse().unwrap()),
        reason: ReportReason::Harassment,
        comment: "Again and again".to_owned(),
        with_text,
    }
}

fn rows(admin: &Admin, path: &str) -> Vec<Value> {
    let held = admin.call("GET", path, None);
    held.as_array().cloned().unwrap_or_default()
}

fn set_addresses(server: &ServerFixture) {
    let path = format!("/items/chat_setup/{}", whinchat_provision::SETUP_ROW);
    let addresses = json!({ "contact": CONTACT, "terms": TERMS });
    server.admin().call("PATCH", &path, Some(&addresses));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_person_is_refused_by_the_server_and_comes_back_with_everything() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let mut alice = Client::start(&server, server.alice()).await;
    let mut bob = Client::start(&server, server.bob()).await;
    alice.live().await;
    bob.live().await;
    let (hers, his) = (alice.person.clone(), bob.person.clone());
    bob.send(&hers, "Before").await;
    alice.arrives().await;
    assert_eq!(alice.listed().await.len(), 1);

    alice
        .safety_until("the server", |safety| safety.blocks_on_server)
        .await;
    alice.block(&his, true).await;
    assert_eq!(alice.listed().await, []);
    let told = |safety: &Safety| {
        safety
            .blocked
            .iter()
            .any(|blocked| blocked.reach == BlockReach::Server)
    };
    let safety = alice.safety_until("the block on the server", told).await;
    assert_eq!(safety.blocked[0].person, his);
    let held = rows(
        &server.admin(),
        "/items/chat_blocks?fields=user_id,blocked_id",
    );
    assert_eq!(held, [json!({ "user_id": hers, "blocked_id": his })]);

    // What he writes is refused as any refusal is, and what he typed is his to copy.
    let refused = bob.send(&hers, "While blocked").await;
    let page = bob
        .page_until(&hers, "a refusal", |page| {
            page.iter().any(|row| row.state == MessageState::Failed)
        })
        .await;
    let row = page.iter().find(|row| row.id == refused.id).unwrap();
    assert_eq!(row.text, "While blocked");
    assert_eq!(row.problem.as_ref().unwrap().code, Code::NotAllowed);

    // Another device of hers knows, and lifting it there is known here.
    let mut other = Client::start(&server, server.alice()).await;
    other.safety_until("the block from the server", told).await;
    other.live().await;
    assert_eq!(other.listed().await, []);
    other.block(&his, false).await;
    other
        .safety_until("nobody blocked", |safety| safety.blocked.is_empty())
        .await;
    eventually("it is lifted on the server", PATIENCE, || {
        rows(&server.admin(), "/items/chat_blocks?fields=id").is_empty()
    });
    alice.messenger.reconnect(alice.account).await.unwrap();
    alice
        .safety_until("nobody blocked here", |safety| safety.blocked.is_empty())
        .await;
    assert_eq!(alice.listed().await.len(), 1);
    let retried = bob.messenger.retry(bob.account, row.id.parse().unwrap());
    retried.await.unwrap();
    assert_eq!(alice.arrives().await.text, "While blocked");
    let texts: Vec<String> = alice
        .page(&his)
        .await
        .into_iter()
        .map(|row| row.text)
        .collect();
    assert_eq!(texts, ["Before", "While blocked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_made_while_the_server_is_away_survives_a_restart_and_is_told_once() {
    let mut server = ServerFixture::start(Kind::Full, Options::default());
    let url = server.url();
    let mut alice = Client::start_at(&url, server.alice(), VaultKind::Passphrase).await;
    alice.live().await;
    alice
        .safety_until("the server", |safety| safety.blocks_on_server)
        .await;
    let bob = server.bob().id.clone();
    alice.knows(&bob).await;
    server.stop();
    alice.block(&bob, true).await;
    assert_eq!(alice.safety().await.blocked[0].reach, BlockReach::Waiting);
    let alice = alice.again().await;
    assert_eq!(alice.safety().await.blocked[0].reach, BlockReach::Waiting);
    server.restart();
    alice.messenger.reconnect(alice.account).await.unwrap();
    alice
        .safety_until("the block on the server", |safety| {
            safety
                .blocked
                .iter()
                .any(|blocked| blocked.reach == BlockReach::Server)
        })
        .await;
    let held = rows(
        &server.fresh_admin(),
        "/items/chat_blocks?fields=blocked_id",
    );
    assert_eq!(held, [json!({ "blocked_id": bob })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_reaches_the_owner_and_nobody_else_with_the_text_only_if_it_was_added() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    set_addresses(&server);
    let mut alice = Client::start(&server, server.alice()).await;
    let mut bob = Client::start(&server, server.bob()).await;
    alice.live().await;
    bob.live().await;
    bob.send(&alice.person, "Something nasty").await;
    let nasty = alice.arrives().await;
    let safety = alice
        .safety_until("the owner", |safety| safety.reports_on_server)
        .await;
    assert_eq!(safety.contact.as_deref(), Some(CONTACT));
    assert_eq!(safety.owner_terms.as_deref(), Some(TERMS));

    alice
        .report(about(None, Some(&nasty.id), true))
        .await
        .unwrap();
    alice
        .report(about(None, Some(&nasty.id), false))
        .await
        .unwrap();
    alice
        .report(about(Some(&bob.person), None, true))
        .await
        .unwrap();
    let mut leaving = about(None, None, false);
    leaving.reason = ReportReason::AccountDeletion;
    alice.report(leaving).await.unwrap();
    alice
        .safety_until("all told", |safety| safety.reports_waiting == 0)
        .await;
    assert!(alice.safety().await.deletion_asked.is_some());

    let fields = "reporter_id,about_id,message_id,reason,comment,message_text,handled";
    let path = format!("/items/chat_reports?sort=id&fields={fields}");
    let held = rows(&server.admin(), &path);
    assert_eq!(held.len(), 4, "{held:?}");
    assert_eq!(
        held[0],
        json!({
            "reporter_id": alice.person, "about_id": bob.person, "message_id": nasty.id,
            "reason": "harassment", "comment": "Again and again",
            "message_text": "Something nasty", "handled": false,
        })
    );
    assert_eq!(held[1]["message_text"], Value::Null, "it was not added");
    assert_eq!(held[2]["message_id"], Value::Null);
    assert_eq!(held[3]["reason"], "account_deletion");
    assert_eq!(held[3]["about_id"], Value::Null);
    for person in [server.alice(), server.bob()] {
        let answer = server
            .as_person(person)
            .ask("GET", "/items/chat_reports", None);
        assert_eq!(answer.status, 403, "nobody reads them, not their writer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_tutorials_collection_a_block_is_of_this_device_only() {
    let server = ServerFixture::start(Kind::Tutorial, Options::default());
    let mut alice = Client::start(&server, server.alice()).await;
    let mut bob = Client::start(&server, server.bob()).await;
    let mut carol = Client::start(&server, server.carol()).await;
    for client in [&mut alice, &mut bob, &mut carol] {
        client.live().await;
    }
    let (hers, his) = (alice.person.clone(), bob.person.clone());
    bob.send(&hers, "Before").await;
    alice.arrives().await;
    alice.block(&his, true).await;
    alice
        .safety_until("this device only", |safety| {
            safety
                .blocked
                .iter()
                .any(|blocked| blocked.reach == BlockReach::Device)
        })
        .await;
    let refused = alice.report(about(Some(&his), None, false)).await;
    assert_eq!(refused, Err(Code::ReportsMissing));
    // He can still write, and nothing is told of it: what is told next is Carol's.
    bob.send(&hers, "While blocked").await;
    bob.page_until(&hers, "sent", |page| {
        page.len() == 2 && page.iter().all(|row| row.state == MessageState::Sent)
    })
    .await;
    alice
        .page_until(&his, "it is kept", |page| page.len() == 2)
        .await;
    carol.send(&hers, "From Carol").await;
    assert_eq!(alice.arrives().await.text, "From Carol");
    assert_eq!(alice.listed().await.len(), 1);
    alice.block(&his, false).await;
    let rows = alice.listed().await;
    let row = rows.iter().find(|row| row.person == his).unwrap();
    assert_eq!((row.unread, row.blocked), (2, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_before_the_terms_are_accepted_and_then_it_is_remembered() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let data = tempfile::tempdir().unwrap();
    let account = {
        let messenger = messenger(data.path()).await;
        let request = typed(&server.url(), server.alice(), VaultKind::Passphrase);
        let summary = messenger.sign_in(request).await.unwrap();
        let account = summary.id.parse().unwrap();
        let mut changes = messenger.subscribe(account).unwrap();
        messenger.open(account).await.unwrap();
        let to_bob = dm(&server.bob().id);
        let refused = messenger.send(account, to_bob, "Hi").await.unwrap_err();
        assert_eq!(refused.code, Code::TermsNeeded);
        assert_eq!(refused.args["version"], product::TERMS.to_string());
        assert!(messenger.unsent_messages(account).await.unwrap().is_empty());
        // Reading goes on, and what is typed is kept.
        let draft = messenger.save_draft(account, to_bob, "Hi".to_owned()).await;
        draft.unwrap();
        let other = messenger.accept_terms(account, product::TERMS + 1).await;
        assert_eq!(other.unwrap_err().code, Code::TermsNeeded);
        assert!(messenger.send(account, to_bob, "Hi").await.is_err());
        messenger
            .accept_terms(account, product::TERMS)
            .await
            .unwrap();
        messenger.send(account, to_bob, "Hi").await.unwrap();
        let sent = async {
            while !messenger.unsent_messages(account).await.unwrap().is_empty() {
                changes.next().await.expect("the account is open");
            }
        };
        timeout(PATIENCE, sent).await.unwrap();
        messenger.shutdown().await;
        account
    };
    let messenger = messenger(data.path()).await;
    let unlocked = messenger.unlock(account, PASSPHRASE.to_owned().into());
    unlocked.await.unwrap();
    messenger.open(account).await.unwrap();
    let accepted = messenger.safety(account).await.unwrap().accepted.unwrap();
    assert_eq!(accepted.version, product::TERMS);
    let again = messenger.send(account, dm(&server.bob().id), "Again").await;
    again.unwrap();
    messenger.shutdown().await;
}
