//! The messenger as a program uses it: accounts, commands, streams.
//!
//! Owns: the folders of accounts, their engines' threads, sockets, requests
//! and vaults, and that nothing of an account is left when it is closed.
//! Decides nothing about messages: that is the engine's.
//!
//! | file | what |
//! |---|---|
//! | `folder` | accounts as folders, records, locks |
//! | `sign_in`, `sign_out` | how an account comes and goes |
//! | `account` | one that is open |
//! | `machine` | the engine's thread |
//! | `performer` | sockets, requests, timers |
//! | `lock` | secrets under a passphrase, and away |
//! | `biometrics` | a second way to secrets under a passphrase |
//! | `keeper` | which token is used, renewing |
//! | `reads` | what an interface reads |
//! | `stream` | what an interface is told |
//! | `commands` | the bridge's commands |
//! | `diagnostics` | what a person may hand to whoever looks for a fault |
//! | `set_up` | an administrator's session, to make a server ready |
//! | `system` | what the system tells of network and sleep |

mod account;
mod biometrics;
mod commands;
mod diagnostics;
mod folder;
mod keeper;
mod lock;
mod machine;
mod performer;
mod reads;
mod sample;
mod set_up;
mod sign_in;
mod sign_out;
mod stream;
mod system;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::SecretString;
use tokio::sync::broadcast;

use crate::{
    bridge::{AccountSummary, AppInfo, Code, Problem, ServerFound, VaultKind},
    directus::{discover, tls},
    model::AccountId,
    product,
    store::{StoreError, Trouble},
    vault::{self, Biometrics, Vault, passphrase_file},
};
use account::Account;
use folder::{Folders, Record, Stage};
use machine::Writer;
use stream::Hub;

pub use stream::{Event, SessionState, Subscription};

/// How many events a listener may be behind.
const EVENTS: usize = 1024;

/// What a messenger is made with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder; made if it is not there.
    pub data: PathBuf,
    /// Under which name the keychain files this program's entries.
    pub keychain_service: String,
    /// The system's biometrics, where the program has them.
    pub biometrics: Option<Arc<dyn Biometrics>>,
}

impl Config {
    /// The product's own keychain name, this data folder, and no biometrics.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            keychain_service: product::IDENTIFIER.to_owned(),
            biometrics: None,
        }
    }
}

/// The messenger. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Messenger(Arc<Inner>);

struct Inner {
    folders: Folders,
    service: String,
    biometrics: Option<Arc<dyn Biometrics>>,
    /// Held while the system asks its person: one question at a time.
    asking: tokio::sync::Mutex<()>,
    events: broadcast::Sender<Event>,
    /// Accounts that are open, or being opened, closed, signed in or out:
    /// whoever changes one holds this.
    open: tokio::sync::Mutex<BTreeMap<AccountId, Arc<Account>>>,
    /// For reads, without waiting for whoever opens another account.
    running: Mutex<BTreeMap<AccountId, Arc<Account>>>,
    vaults: Mutex<BTreeMap<AccountId, Arc<Vault>>>,
    hubs: Mutex<BTreeMap<AccountId, Arc<Hub>>>,
    memory: Mutex<BTreeMap<AccountId, InMemory>>,
    /// Who sets up a server; no account.
    setting_up: tokio::sync::Mutex<Option<Arc<set_up::SettingUp>>>,
}

/// An account of this session only.
#[derive(Clone)]
struct InMemory {
    record: Record,
    writer: Writer,
}

/// What a failure of the database means to a person.
fn store_problem(error: &StoreError) -> Problem {
    tracing::warn!(%error, "the database failed");
    let failed = |kind: &str| Problem::new(Code::StorageFailed).with("kind", kind);
    match (error.trouble(), error) {
        (Trouble::Full, _) => Problem::new(Code::DiskFull),
        (Trouble::ReadOnly, _) => failed("read_only"),
        (Trouble::Locked, _) => failed("locked"),
        (_, StoreError::TooNew { found, known }) => Problem::new(Code::StorageTooNew)
            .with("found", found)
            .with("known", known),
        (_, StoreError::Sql(_)) => failed("database"),
        (_, StoreError::File(_)) => failed("file"),
        (_, StoreError::Corrupt(_)) => failed("corrupt"),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Messenger {
    /// A messenger with this data folder. What was broken off there is erased.
    /// To be called inside a tokio runtime.
    ///
    /// # Errors
    /// `disk_full`, `storage_failed`.
    pub async fn new(config: Config) -> Result<Self, Problem> {
        tls::install();
        let folders = Folders::open(&config.data)?;
        let (events, _) = broadcast::channel(EVENTS);
        let messenger = Self(Arc::new(Inner {
            folders,
            service: config.keychain_service,
            biometrics: config.biometrics,
            asking: tokio::sync::Mutex::default(),
            events,
            open: tokio::sync::Mutex::default(),
            running: Mutex::default(),
            vaults: Mutex::default(),
            hubs: Mutex::default(),
            memory: Mutex::default(),
            setting_up: tokio::sync::Mutex::default(),
        }));
        messenger.erase_broken_off().await;
        Ok(messenger)
    }

    /// What an interface needs before any account is open. Asks the keychain
    /// whether it works, which may take a moment.
    pub async fn info(&self) -> AppInfo {
        let mut vaults = Vec::new();
        if vault::probe_keychain(self.0.service.clone()).await.is_ok() {
            vaults.push(VaultKind::Keychain);
        }
        vaults.extend([VaultKind::Passphrase, VaultKind::SessionOnly]);
        AppInfo {
            name: product::NAME.to_owned(),
            version: product::VERSION.to_owned(),
            default_server: product::DEFAULT_SERVER.to_owned(),
            vaults,
            platform: std::env::consts::OS.to_owned(),
        }
    }

    /// The accounts on this device, those of this session last.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountSummary> {
        let mut summaries: Vec<_> = self
            .0
            .folders
            .ready()
            .into_iter()
            .map(|record| {
                let problem = self.why_closed(&record);
                record.summary(problem)
            })
            .collect();
        let memory = locked(&self.0.memory);
        summaries.extend(memory.values().map(|account| account.record.summary(None)));
        summaries
    }

    /// Why an account can't be opened now, as far as one can tell from outside.
    fn why_closed(&self, record: &Record) -> Option<Problem> {
        if locked(&self.0.running).contains_key(&record.id) {
            return None;
        }
        // One that is being opened has its lock already: opening it will tell.
        if self.0.open.try_lock().is_err() {
            return None;
        }
        if let Err(problem) = self.0.folders.lock(record.id) {
            return Some(problem);
        }
        let locked_away = record.vault == VaultKind::Passphrase
            && !locked(&self.0.vaults).contains_key(&record.id);
        locked_away.then(|| Problem::new(Code::PassphraseNeeded))
    }

    /// Finds the server at an address as typed.
    ///
    /// # Errors
    /// See [`discover::discover`].
    pub async fn discover(&self, address: &str) -> Result<ServerFound, Problem> {
        discover::discover(address).await
    }

    /// Gives the passphrase of an account.
    ///
    /// # Errors
    /// `passphrase_wrong`, `vault_unreadable`, `account_unknown`.
    pub async fn unlock(
        &self,
        account: AccountId,
        passphrase: SecretString,
    ) -> Result<(), Problem> {
        let record = self.record(account)?;
        if record.vault == VaultKind::Passphrase {
            let file = passphrase_file(&self.0.folders.of(account));
            let vault = Vault::unlock(file, passphrase).await?;
            locked(&self.0.vaults).insert(account, Arc::new(vault));
        }
        Ok(())
    }

    /// One more stream of an account's changes. Subscribe first, read then,
    /// and drop what is not above the revision that was read.
    ///
    /// # Errors
    /// `account_unknown`.
    pub fn subscribe(&self, account: AccountId) -> Result<Subscription, Problem> {
        self.record(account)?;
        Ok(self.hub(account).subscribe())
    }

    /// What happens in all accounts: messages, connection, unread, session.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    fn hub(&self, account: AccountId) -> Arc<Hub> {
        let mut hubs = locked(&self.0.hubs);
        let hub = hubs
            .entry(account)
            .or_insert_with(|| Arc::new(Hub::new(account, self.0.events.clone())));
        Arc::clone(hub)
    }

    fn record(&self, account: AccountId) -> Result<Record, Problem> {
        if let Some(memory) = locked(&self.0.memory).get(&account) {
            return Ok(memory.record.clone());
        }
        self.0.folders.record(account)
    }

    /// The vault of an account that is there.
    fn vault(&self, record: &Record) -> Result<Arc<Vault>, Problem> {
        let mut vaults = locked(&self.0.vaults);
        if let Some(vault) = vaults.get(&record.id) {
            return Ok(Arc::clone(vault));
        }
        match record.vault {
            VaultKind::Keychain => {
                let vault = Arc::new(Vault::keychain(&self.0.service, record.id));
                vaults.insert(record.id, Arc::clone(&vault));
                Ok(vault)
            }
            VaultKind::Passphrase => Err(Problem::new(Code::PassphraseNeeded)),
            VaultKind::SessionOnly => Err(Problem::new(Code::AccountUnknown)),
        }
    }

    /// An account that is open.
    fn running(&self, account: AccountId) -> Result<Arc<Account>, Problem> {
        let running = locked(&self.0.running).get(&account).cloned();
        running.ok_or_else(|| Problem::new(Code::AccountUnknown))
    }

    async fn erase_broken_off(&self) {
        for (record, lock) in self.0.folders.broken_off() {
            tracing::info!(account = %record.id, "erases what was broken off");
            let keychain = [Some(record.vault), record.left].contains(&Some(VaultKind::Keychain));
            let erased = if keychain {
                Vault::keychain(&self.0.service, record.id).erase().await
            } else {
                Ok(())
            };
            drop(lock);
            let _ = match erased {
                Ok(()) => self.0.folders.erase(record.id),
                // The keychain is asked again at the next start.
                Err(_) => self.0.folders.erase_but_record(&record),
            };
        }
    }
}
