//! What an interface reads goes around the engine.
//!
//! Owns: a few connections that can't write. Each read is one short
//! transaction, so that rows and revision agree. Never: a write.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection as Database;

use super::{
    machine::{Writer, lock},
    store_problem,
};
use crate::{
    bridge::{Code, Problem},
    store::{self, Key, StoreError},
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
    },
    /// Of a database in memory, which has but one connection.
    Memory(Writer),
}

impl Reads {
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
            Self::File { path, key, idle } => {
                let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let database = match kept {
                    Some(database) => database,
                    None => store::open_reader(path, key).map_err(|e| store_problem(&e))?,
                };
                let read = in_transaction(&database, work).map_err(|e| store_problem(&e))?;
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
