//! A person with a messenger, as the tests drive it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;
use whinchat_core::bridge::{
    AccountSummary, Anchor, Code, ConnectionState, MessageRow, Problem, SignIn, VaultKind,
};
use whinchat_core::model::{AccountId, ConversationId};
use whinchat_core::product;
use whinchat_core::runtime::{Config, Event, Messenger};
use whinchat_core::store;
use whinchat_core::vault::{Vault, passphrase_file};
use whinchat_tests::{Person, ServerFixture};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const PASSPHRASE: &str = "correct horse battery";

/// What a person types to sign in.
pub fn typed(server: &str, person: &Person, vault: VaultKind) -> SignIn {
    SignIn {
        server: server.to_owned(),
        email: person.email.clone(),
        password: person.password.clone(),
        code: None,
        vault,
        passphrase: (vault == VaultKind::Passphrase).then(|| PASSPHRASE.to_owned()),
        account: None,
    }
}

/// A messenger with this data folder.
pub async fn messenger(data: &Path) -> Messenger {
    Messenger::new(Config {
        keychain_service: "whinchat-tests".to_owned(),
        ..Config::new(data.to_owned())
    })
    .await
    .unwrap()
}

/// Signs in to a messenger that nobody else uses, and gives what came of it.
pub async fn try_sign_in(request: SignIn) -> Result<AccountSummary, Problem> {
    let folder = tempfile::tempdir().unwrap();
    let messenger = messenger(folder.path()).await;
    let answer = messenger.sign_in(request).await;
    if answer.is_err() {
        assert!(
            messenger.accounts().is_empty(),
            "no half of an account is left"
        );
        let left = std::fs::read_dir(folder.path().join("accounts")).unwrap();
        assert_eq!(left.count(), 0, "nor a folder of it");
    }
    messenger.shutdown().await;
    answer
}

/// Somebody who is signed in.
pub struct Client {
    pub messenger: Messenger,
    pub account: AccountId,
    pub person: String,
    pub events: Receiver<Event>,
    pub data: TempDir,
}

impl Client {
    /// Signs in, with secrets in memory, and opens the account.
    pub async fn start(server: &ServerFixture, person: &Person) -> Self {
        Self::start_at(&server.url(), person, VaultKind::SessionOnly).await
    }

    /// The same at another address of the server, with another vault.
    pub async fn start_at(url: &str, person: &Person, vault: VaultKind) -> Self {
        let data = tempfile::tempdir().unwrap();
        let messenger = messenger(data.path()).await;
        let summary = messenger.sign_in(typed(url, person, vault)).await.unwrap();
        assert_eq!(summary.person, person.id);
        assert_eq!(
            summary.name,
            format!("{} {}", person.first_name, person.last_name)
        );
        let events = messenger.events();
        let account = summary.id.parse().unwrap();
        messenger.open(account).await.unwrap();
        let accepted = messenger.accept_terms(account, product::TERMS).await;
        accepted.unwrap();
        Self {
            messenger,
            account,
            person: summary.person,
            events,
            data,
        }
    }

    /// As after a start of the program: another messenger on the same data.
    pub async fn again(self) -> Self {
        self.messenger.shutdown().await;
        let messenger = messenger(self.data.path()).await;
        messenger
            .unlock(self.account, PASSPHRASE.to_owned().into())
            .await
            .unwrap();
        let events = messenger.events();
        messenger.open(self.account).await.unwrap();
        Self {
            messenger,
            events,
            ..self
        }
    }

    /// Waits for an event, and fails on a sign-in that is asked for.
    pub async fn event<T>(&mut self, what: &str, mut is: impl FnMut(Event) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.unwrap();
                if let Some(found) = is(event) {
                    return found;
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("never: {what}"))
    }

    /// Waits until the connection is in this state.
    pub async fn until(&mut self, state: ConnectionState) {
        let now = self.messenger.open(self.account).await.unwrap();
        if now.connection.state == state {
            return;
        }
        self.event(&format!("{state:?}"), |event| match event {
            Event::Connection { connection, .. } => (connection.state == state).then_some(()),
            _ => None,
        })
        .await;
    }

    /// Waits until it is connected and whole.
    pub async fn live(&mut self) {
        self.until(ConnectionState::Live).await;
    }

    /// The account's folder on this device.
    pub fn folder(&self) -> PathBuf {
        let accounts = self.data.path().join("accounts");
        accounts.join(self.account.to_string())
    }

    /// This device's database of an account under [`PASSPHRASE`], read beside the
    /// engine.
    pub async fn database(&self) -> rusqlite::Connection {
        let folder = self.folder();
        let vault = Vault::unlock(passphrase_file(&folder), PASSPHRASE.to_owned().into());
        let key = vault.await.unwrap().key().await.unwrap();
        store::open_reader(&folder.join("messages.db"), &key).unwrap()
    }

    /// Waits for the next message of somebody else.
    pub async fn arrives(&mut self) -> MessageRow {
        self.event("a message", |event| match event {
            Event::Message { message, .. } => Some(*message),
            _ => None,
        })
        .await
    }

    pub async fn send(&self, to: &str, text: &str) -> MessageRow {
        let sent = self.messenger.send(self.account, dm(to), text).await;
        sent.unwrap()
    }

    /// The newest messages with somebody, oldest first; none where they are
    /// not known yet.
    pub async fn page(&self, with: &str) -> Vec<MessageRow> {
        let page = self
            .messenger
            .page(self.account, dm(with), Anchor::Newest, 200)
            .await;
        match page {
            Ok(page) => page.messages,
            Err(problem) if problem.code == Code::Unknown => Vec::new(),
            Err(problem) => panic!("{problem:?}"),
        }
    }

    /// Waits until the newest messages with somebody are as they should be.
    pub async fn page_until(
        &self,
        with: &str,
        what: &str,
        mut is: impl FnMut(&[MessageRow]) -> bool,
    ) -> Vec<MessageRow> {
        // Whatever changes a page is told on a stream that watches it.
        let mut changes = self.messenger.subscribe(self.account).unwrap();
        let watched = self
            .messenger
            .watch(self.account, Some(changes.id()), Some(dm(with)));
        watched.await.unwrap();
        let found = timeout(PATIENCE, async {
            loop {
                let page = self.page(with).await;
                if is(&page) {
                    return page;
                }
                changes.next().await.expect("the account is open");
            }
        });
        found.await.unwrap_or_else(|_| panic!("never: {what}"))
    }
}

/// The conversation with somebody.
pub fn dm(person: &str) -> ConversationId {
    ConversationId::Direct(person.parse().unwrap())
}

/// How many sessions the server holds for this person: what it really thinks,
/// from its own database.
pub fn sessions_on_server(server: &ServerFixture, person: &Person) -> usize {
    server.tokens_on_server(person).len()
}

/// Established connections of this machine to this port.
pub fn connections_to(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let remote = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter(|line| {
            let mut words = line.split_whitespace().skip(2);
            words.next().is_some_and(|word| word.ends_with(&remote)) && words.next() == Some("01")
        })
        .count()
}

/// In how many places of a database this text stands: every column of every table.
pub fn places_of(database: &rusqlite::Connection, text: &str) -> usize {
    let names = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    };
    let mut found = 0;
    let tables = names("SELECT name FROM sqlite_master WHERE type = 'table'");
    assert!(tables.len() > 3, "{tables:?}");
    for table in tables {
        for column in names(&format!("SELECT name FROM pragma_table_info('{table}')")) {
            let sql = format!(
                "SELECT count(*) FROM \"{table}\" WHERE instr(CAST(\"{column}\" AS TEXT), ?1) > 0"
            );
            let count: i64 = database.query_row(&sql, [text], |row| row.get(0)).unwrap();
            found += usize::try_from(count).unwrap();
        }
    }
    found
}
