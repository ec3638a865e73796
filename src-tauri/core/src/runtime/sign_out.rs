//! Signing out: how an account goes from this device.
//!
//! Owns: the order of things, and that nothing is left. A vault that can't be
//! read, or a server out of reach, does not keep anybody here.
//!
//! ```text
//!  unsent? -> erasing (on disk) -> engine stopped -> server told (5 s) -> vault, files
//!                                                                          | refuses
//!                                     files alone; the record stays, so that the next start
//!                                     asks the vault again
//! ```

use std::{sync::Arc, time::Duration};

use super::{
    Messenger, Record, Stage, account::Account, keeper::end_sessions, locked, machine,
    store_problem, stream::SessionState,
};
use crate::{
    bridge::{Code, Problem, SignedOut, Unsent, VaultKind},
    directus::{address::Server, http::Http},
    model::AccountId,
    store,
    vault::Vault,
    view,
};

/// How long the server is given to hear of it.
const PATIENCE: Duration = Duration::from_secs(5);

impl Messenger {
    /// Signs out and erases: keychain entries, database, folder.
    ///
    /// # Errors
    /// `unsent_messages` (count `?` where nobody can count them, for the vault
    /// can't be read), `account_unknown`, `account_in_use`, `storage_failed`.
    pub async fn sign_out(&self, account: AccountId, unsent: Unsent) -> Result<SignedOut, Problem> {
        let mut open = self.0.open.lock().await;
        let record = self.record(account)?;
        let running = open.get(&account).cloned();
        // Nobody else may have it open.
        let lock = match (&running, record.vault) {
            (Some(_), _) | (_, VaultKind::SessionOnly) => None,
            _ => Some(self.0.folders.lock(account)?),
        };
        if unsent == Unsent::Ask {
            match self.count_unsent(&record, running.as_ref()).await {
                Some(0) => {}
                Some(count) => {
                    return Err(Problem::new(Code::UnsentMessages).with("count", count));
                }
                None => return Err(Problem::new(Code::UnsentMessages).with("count", "?")),
            }
        }
        if record.vault != VaultKind::SessionOnly {
            let mut going = record.clone();
            going.stage = Stage::Erasing;
            // A full disk must not keep anybody here.
            let _ = self.0.folders.write(&going);
        }
        open.remove(&account);
        let server_told = match running {
            Some(running) => {
                self.stop(Arc::clone(&running)).await;
                let told = running.keeper.end(PATIENCE).await;
                drop(running);
                told
            }
            None => self.tell_server(&record).await,
        };
        // Some systems delete no file that is open. Nobody takes an account
        // that says it is going.
        drop(lock);
        let secrets_left = self.erase(&record).await?;
        Ok(SignedOut {
            server_told,
            secrets_left,
        })
    }

    /// How many messages wait; `None` if nobody can tell.
    async fn count_unsent(&self, record: &Record, running: Option<&Arc<Account>>) -> Option<usize> {
        if let Some(running) = running {
            let unsent = running.reads.read(view::unsent).await.ok()?;
            return Some(unsent.len());
        }
        let writer = locked(&self.0.memory)
            .get(&record.id)
            .map(|a| Arc::clone(&a.writer));
        if let Some(writer) = writer {
            return view::unsent(&machine::lock(&writer)).ok().map(|m| m.len());
        }
        let key = self.vault(record).ok()?.key().await.ok()?;
        let path = self.0.folders.database(record.id);
        let counted = tokio::task::spawn_blocking(move || {
            let database = store::open_reader(&path, &key).map_err(|e| store_problem(&e))?;
            view::unsent(&database).map_err(|e| store_problem(&e))
        });
        Some(counted.await.ok()?.ok()?.len())
    }

    async fn tell_server(&self, record: &Record) -> bool {
        let Ok(vault) = self.vault(record) else {
            return false;
        };
        let Ok(sessions) = vault.sessions().await else {
            return false;
        };
        let Ok(http) = Server::read(&record.server).map(Http::new) else {
            return false;
        };
        let Ok(http) = http else {
            return false;
        };
        let told = end_sessions(&http, &sessions);
        tokio::time::timeout(PATIENCE, told).await.unwrap_or(false)
    }

    /// Says whether the keychain still holds something.
    async fn erase(&self, record: &Record) -> Result<bool, Problem> {
        let id = record.id;
        let vault = match self.vault(record) {
            Ok(vault) => vault.erase().await,
            // A passphrase's vault is a file, and goes with the folder.
            Err(_) => Ok(()),
        };
        let left = match record.left {
            Some(VaultKind::Keychain) => Vault::keychain(&self.0.service, id).erase().await,
            _ => Ok(()),
        };
        let keychain = [Some(record.vault), record.left].contains(&Some(VaultKind::Keychain));
        // Where the server could not be told, the sessions in it still live.
        let secrets_left = keychain && (vault.is_err() || left.is_err());
        self.let_go(id).await;
        locked(&self.0.vaults).remove(&id);
        locked(&self.0.memory).remove(&id);
        let erased = match record.vault {
            VaultKind::SessionOnly => Ok(()),
            _ if secrets_left => self.0.folders.erase_but_record(record),
            VaultKind::Keychain | VaultKind::Passphrase => self.0.folders.erase(id),
        };
        let hub = self.hub(id);
        locked(&self.0.hubs).remove(&id);
        hub.session(SessionState::SignedOut);
        tracing::info!(account = %id, secrets_left, "signed out");
        erased.map(|()| secrets_left)
    }

    /// Ends the sessions of an account of this session only, which is closed.
    pub(super) async fn erase_memory(&self, account: AccountId) -> Result<(), Problem> {
        let record = self.record(account)?;
        self.tell_server(&record).await;
        self.erase(&record).await.map(drop)
    }
}
