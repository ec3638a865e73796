//! What an interface reads goes around the engine.
//!
//! Owns: a few connections that can't write. Each read is one short
//! transaction, so that rows and revision agree. Never: a write.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockWriteGuard},
};

use rusqlite::Connection as Database;
use tokio::sync::mpsc;

use super::{
    machine::{Writer, lock},
    performer::{Heard, Message},
    store_problem,
};
use crate::{
    bridge::{Code, Problem},
    store::{self, Key, StoreError, Trouble},
};

/// Connections that are kept open while nobody reads.
const KEPT: usize = 2;

/// See the module.
pub enum Reads {
    /// Of a file.
    File {
        /// Which.
        path: PathBuf,
        /// Its key.
        key: Key,
        /// Connections that nobody uses now.
        idle: Mutex<Vec<Database>>,
        /// Held by each who reads, and by who puts another file in the place of this
        /// one: not every system lets a file be renamed that somebody has open.
        gate: RwLock<()>,
        /// Where doubts about the file go.
        engine: OnceLock<mpsc::Sender<Message>>,
    },
    /// Of a database in memory, which has but one connection.
    Memory(Writer),
}

impl Reads {
    /// Reads of this file.
    #[must_use]
    pub fn file(path: PathBuf, key: Key) -> Self {
        Self::File {
            path,
            key,
            idle: Mutex::default(),
            gate: RwLock::default(),
            engine: OnceLock::new(),
        }
    }

    /// Doubts about the file are told there from now on.
    pub fn tell_doubts(&self, to: mpsc::Sender<Message>) {
        if let Self::File { engine, .. } = self {
            let _ = engine.set(to);
        }
    }

    /// Waits until nobody reads, and keeps it so: no connection is open meanwhile, and
    /// whoever reads afterwards opens the file that is there then.
    pub fn none(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        let Self::File { idle, gate, .. } = self else {
            return None;
        };
        let alone = gate.write().unwrap_or_else(PoisonError::into_inner);
        idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Some(alone)
    }

    /// Reads in one transaction, on a thread for blocking work.
    ///
    /// # Errors
    /// `disk_full`, `storage_failed`, `storage_too_new`.
    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || this.now(work))
            .await
            .unwrap_or_else(|_| Err(Problem::new(Code::StorageFailed).with("kind", "read")))
    }

    fn now<T>(&self, work: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, Problem> {
        match self {
            // The engine holds it for a whole transaction, so here is none.
            Self::Memory(writer) => work(&lock(writer)).map_err(|e| store_problem(&e)),
            Self::File {
                path,
                key,
                idle,
                gate,
                engine,
            } => {
                let _reading = gate.read().unwrap_or_else(PoisonError::into_inner);
                let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let database = match kept {
                    Some(database) => database,
                    None => store::open_reader(path, key).map_err(|e| store_problem(&e))?,
                };
                let read = match in_transaction(&database, work) {
                    Ok(read) => read,
                    Err(error) => {
                        // This connection is not used again.
                        if let (Trouble::Doubtful, Some(engine)) = (error.trouble(), engine.get()) {
                            let _ = engine.try_send(Heard::Doubt.into());
                        }
                        return Err(store_problem(&error));
                    }
                };
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                if idle.len() < KEPT {
                    idle.push(database);
                }
                Ok(read)
            }
        }
    }
}

fn in_transaction<T>(
    database: &Database,
    work: impl FnOnce(&Database) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    database.execute_batch("BEGIN")?;
    let read = work(database);
    database.execute_batch("COMMIT")?;
    read
}
