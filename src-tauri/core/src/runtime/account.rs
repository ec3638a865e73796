//! Opening and closing: an account with its engine, while it is open.
//!
//! Owns: what belongs to an open account, and that all of it goes when it is
//! closed: thread, sockets, requests, timers, database, lock.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::{
    Messenger,
    folder::{Lock, Record},
    keeper::Keeper,
    locked,
    machine::{self, Home, Machine, Writer, rebuilt_problem},
    performer::{Tickets, World},
    reads::Reads,
    store_problem,
    stream::Hub,
};
use crate::{
    bridge::{Code, Opened, Problem, VaultKind},
    directus::{address::Server, http::Http},
    model::AccountId,
    product,
    store::{self, Key, Place, Trouble, rebuild, safety},
    vault::Vault,
    view,
};

/// How many conversations an interface is given to start with.
const FIRST: u32 = 50;

/// An account that is open.
pub struct Account {
    /// Who and where.
    pub record: Record,
    /// Its engine.
    pub machine: Machine,
    /// What is read around the engine.
    pub reads: Arc<Reads>,
    /// Its tokens.
    pub keeper: Arc<Keeper>,
    /// Its streams.
    pub hub: Arc<Hub>,
    /// What a person is told once: that the database was rebuilt.
    rebuilt: Arc<std::sync::Mutex<Option<Problem>>>,
    /// The terms of this version were accepted: known since it was looked up.
    accepted: AtomicBool,
    /// Held until it is dropped; nothing in memory needs one.
    _lock: Option<Lock>,
}

/// A database that was opened, and what belongs to it.
struct Opening {
    writer: Writer,
    reads: Arc<Reads>,
    home: Option<Home>,
    rebuilt: Arc<std::sync::Mutex<Option<Problem>>>,
    lock: Option<Lock>,
}

impl Account {
    /// Whether this account may send: not before the terms are accepted. The
    /// engine knows nothing of it: what it has taken, it sends.
    ///
    /// # Errors
    /// `terms_needed`; the database's.
    pub async fn may_send(&self) -> Result<(), Problem> {
        if self.accepted.load(Ordering::Relaxed) {
            return Ok(());
        }
        let accepted = self.reads.read(safety::accepted).await?;
        if accepted.is_some_and(|accepted| accepted.version == product::TERMS) {
            self.accepted.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(Problem::new(Code::TermsNeeded).with("version", product::TERMS))
    }

    async fn opened(&self) -> Result<Opened, Problem> {
        let (list, unread) = self
            .reads
            .read(|database| {
                let list = view::conversations(database, "", None, FIRST)?;
                Ok((list, view::unread(database)?))
            })
            .await?;
        Ok(Opened {
            account: self.record.summary(None),
            connection: self.hub.connection(),
            list,
            unread,
            problem: locked(&self.rebuilt).take(),
        })
    }
}

/// Opens an account's database on a thread for blocking work. A damaged one is
/// set aside; then there is something to tell.
async fn open_database(
    path: std::path::PathBuf,
    key: Key,
    record: &Record,
) -> Result<(Writer, Key, Option<Problem>), Problem> {
    let (me, name) = (record.person, record.name.clone());
    tokio::task::spawn_blocking(move || {
        rebuild::finish(&path).map_err(|e| store_problem(&e))?;
        // A missing file with a key to it is a loss, not a fresh start.
        if !path.exists() {
            return Err(Problem::new(Code::StorageFailed).with("kind", "missing"));
        }
        let (database, told) = match store::open(Place::File(&path), &key) {
            Ok(database) => (database, None),
            Err(error)
                if error.trouble() == Trouble::Doubtful && !rebuild::is_sound(&path, &key) =>
            {
                tracing::error!("the database is damaged and is set aside");
                let (database, rescued) =
                    rebuild::rebuild(&path, &key, me, &name, 0).map_err(|e| store_problem(&e))?;
                (database, Some(rebuilt_problem(&rescued)))
            }
            Err(error) => return Err(store_problem(&error)),
        };
        Ok((Arc::new(std::sync::Mutex::new(database)), key, told))
    })
    .await
    .unwrap_or_else(|_| Err(Problem::new(Code::StorageFailed).with("kind", "database")))
}

impl Messenger {
    /// Opens an account: its engine runs from now on. One that is open already
    /// stays as it is.
    ///
    /// # Errors
    /// `account_unknown`, `account_in_use`, `passphrase_needed`,
    /// `vault_unreadable`, `vault_unavailable`, `disk_full`, `storage_failed`,
    /// `storage_too_new`.
    pub async fn open(&self, account: AccountId) -> Result<Opened, Problem> {
        let opened = {
            let mut open = self.0.open.lock().await;
            match open.get(&account) {
                Some(opened) => Arc::clone(opened),
                None => {
                    let opened = Arc::new(self.start(account).await?);
                    open.insert(account, Arc::clone(&opened));
                    locked(&self.0.running).insert(account, Arc::clone(&opened));
                    opened
                }
            }
        };
        opened.opened().await
    }

    async fn start(&self, account: AccountId) -> Result<Account, Problem> {
        let record = self.record(account)?;
        let vault = self.vault(&record)?;
        self.leave(&record).await;
        let rebuilt = Arc::new(std::sync::Mutex::new(None));
        let (lock, writer, reads, home) = if record.vault == VaultKind::SessionOnly {
            let memory = locked(&self.0.memory).get(&account).cloned();
            let memory = memory.ok_or_else(|| Problem::new(Code::AccountUnknown))?;
            let reads = Reads::Memory(Arc::clone(&memory.writer));
            (None, memory.writer, Arc::new(reads), None)
        } else {
            let lock = self.0.folders.lock(account)?;
            let path = self.0.folders.database(account);
            let key = vault.key().await?;
            let (writer, key, told) = open_database(path.clone(), key, &record).await?;
            *locked(&rebuilt) = told;
            let reads = Arc::new(Reads::file(path.clone(), Key(key.0)));
            let home = Home {
                path,
                key,
                me: record.person,
                name: record.name.clone(),
                reads: Arc::clone(&reads),
                rebuilt: Arc::clone(&rebuilt),
            };
            (Some(lock), writer, reads, Some(home))
        };
        let database = Opening {
            writer,
            reads,
            home,
            rebuilt,
            lock,
        };
        self.run(record, vault, database).await
    }

    async fn run(
        &self,
        record: Record,
        vault: Arc<Vault>,
        database: Opening,
    ) -> Result<Account, Problem> {
        let Opening {
            writer,
            reads,
            home,
            rebuilt,
            lock,
        } = database;
        let server = Server::read(&record.server)?;
        let http = Http::new(server).map_err(|_| Problem::new(Code::CertificateUntrusted))?;
        let sessions = vault.sessions().await?;
        let keeper = Arc::new(Keeper::new(http, vault, sessions));
        let hub = self.hub(record.id);
        let (sender, receiver, room) = machine::queue();
        reads.tell_doubts(sender.clone());
        let world = World {
            handle: Handle::current(),
            sender,
            room,
            keeper: Arc::clone(&keeper),
            hub: Arc::clone(&hub),
            tickets: Tickets::default(),
            tasks: TaskTracker::new(),
        };
        let held = keeper.held().await;
        let starting = tokio::task::spawn_blocking(move || {
            Machine::start(world, receiver, writer, held, home)
        });
        let machine = starting
            .await
            .unwrap_or_else(|_| Err(Problem::new(Code::StorageFailed).with("kind", "engine")))?;
        tracing::info!(account = %record.id, "opened");
        Ok(Account {
            record,
            machine,
            reads,
            keeper,
            hub,
            rebuilt,
            accepted: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// Closes an account without signing out: no socket is left. One that is
    /// not open is closed already.
    pub async fn close(&self, account: AccountId) {
        let mut open = self.0.open.lock().await;
        if let Some(account) = open.remove(&account) {
            self.stop(account).await;
        }
    }

    /// Stops an account's engine and lets go of all that belongs to it.
    pub(super) async fn stop(&self, account: Arc<Account>) {
        locked(&self.0.running).remove(&account.record.id);
        account.machine.stop().await;
        tracing::info!(account = %account.record.id, "closed");
    }

    /// Closes everything. Accounts of this session only are signed out, and so
    /// is who sets up a server: nobody could ever use their sessions again.
    pub async fn shutdown(&self) {
        self.set_up_end().await;
        let open = std::mem::take(&mut *self.0.open.lock().await);
        for account in open.into_values() {
            self.stop(account).await;
        }
        let memory: Vec<AccountId> = locked(&self.0.memory).keys().copied().collect();
        for account in memory {
            let _ = self.erase_memory(account).await;
        }
    }
}
