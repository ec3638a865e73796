//! The app lock: an account's secrets under a passphrase, and away when locked.
//!
//! Owns: the move of an account's secrets between the keychain and a file under
//! a passphrase, and that at every point of it one of the two is whole; and what
//! locking is: closed, disconnected, its key nowhere in memory. Never: when to
//! lock, which is the interface's to know.
//!
//! ```text
//!                keychain <==== set_passphrase ====> passphrase, open --lock--> locked
//!                                                          ^                       |
//!                                                          +-------- unlock -------+
//!
//!  the move:  new place written --read back--> record names it --> old place erased
//!                  |                               |                  | refuses
//!         broken off: the old one holds    the new one holds     asked again at every opening
//! ```

use std::{path::PathBuf, sync::Arc};

use secrecy::SecretString;

use super::{Messenger, Record, account::Account, locked, stream::SessionState};
use crate::{
    bridge::{Code, Problem, VaultKind},
    model::AccountId,
    vault::{StoredSessions, Vault, passphrase_file, probe_keychain},
};

impl Messenger {
    /// Puts an account's secrets under a passphrase, under another one, or back
    /// into the keychain. `old` is the passphrase that holds now, where one does;
    /// without `new` there is none afterwards. An open account stays open;
    /// biometrics that opened it do so no more.
    ///
    /// # Errors
    /// `passphrase_needed` and `passphrase_wrong` (the old one), `passphrase_short`
    /// (the new one), `vault_unavailable`, `vault_unreadable`, `account_unknown`,
    /// `account_in_use`, `disk_full`, `storage_failed`: then all is as it was.
    pub async fn set_passphrase(
        &self,
        account: AccountId,
        old: Option<SecretString>,
        new: Option<SecretString>,
    ) -> Result<(), Problem> {
        let open = self.0.open.lock().await;
        let record = self.record(account)?;
        let file = passphrase_file(&self.0.folders.of(account));
        let held = match record.vault {
            VaultKind::SessionOnly => return Err(Problem::new(Code::AccountUnknown)),
            VaultKind::Keychain => self.vault(&record)?,
            VaultKind::Passphrase => {
                let old = old.ok_or_else(|| Problem::new(Code::PassphraseNeeded))?;
                Arc::new(Vault::unlock(file.clone(), old).await?)
            }
        };
        let running = open.get(&account).cloned();
        let _lock = match running {
            Some(_) => None,
            None => Some(self.0.folders.lock(account)?),
        };
        let running = running.as_deref();
        match (&*held, new) {
            (Vault::Keychain { .. }, None) => Ok(()),
            (Vault::Keychain { .. }, Some(new)) => {
                let next = Vault::prepare(
                    VaultKind::Passphrase,
                    &self.0.service,
                    account,
                    file.clone(),
                    Some(new.clone()),
                );
                let next = next.await?;
                next.store_key(&held.key().await?).await?;
                self.move_to(record, running, held, next, Some((file, new)))
                    .await
            }
            (_, Some(new)) => {
                let next = held.under(new).await?;
                self.keep_in(account, running, Arc::new(next)).await;
                // They belong to the passphrase before.
                self.let_go(account).await;
                Ok(())
            }
            (_, None) => {
                probe_keychain(self.0.service.clone()).await?;
                let next = Vault::keychain(&self.0.service, account);
                next.store_key(&held.key().await?).await?;
                self.move_to(record, running, held, next, None).await?;
                self.let_go(account).await;
                Ok(())
            }
        }
    }

    /// Locks: every account that has a passphrase is closed, and its key is
    /// forgotten. What is open without one stays open.
    pub async fn lock(&self) {
        let mut open = self.0.open.lock().await;
        let under_a_passphrase: Vec<AccountId> = locked(&self.0.vaults)
            .iter()
            .filter(|(_, vault)| matches!(***vault, Vault::Passphrase(_)))
            .map(|(id, _)| *id)
            .collect();
        for account in under_a_passphrase {
            if let Some(running) = open.remove(&account) {
                self.stop(running).await;
            }
            locked(&self.0.vaults).remove(&account);
            self.hub(account).session(SessionState::Locked);
            tracing::info!(%account, "locked");
        }
    }

    /// The key is in the new place already, which is read back: a file is opened
    /// anew with its passphrase.
    async fn move_to(
        &self,
        mut record: Record,
        running: Option<&Account>,
        old: Arc<Vault>,
        next: Vault,
        file: Option<(PathBuf, SecretString)>,
    ) -> Result<(), Problem> {
        let next = Arc::new(next);
        let moved = async {
            let sessions = match running {
                Some(running) => running.keeper.sessions().await,
                None => old.sessions().await?,
            };
            next.store_sessions(&sessions).await?;
            let read = match file {
                Some((file, passphrase)) => Vault::unlock(file, passphrase).await?,
                None => Vault::keychain(&self.0.service, record.id),
            };
            if !same(&old, &sessions, &read).await? {
                return Err(Problem::new(Code::VaultUnavailable));
            }
            let left = record.vault;
            record.vault = match &*next {
                Vault::Keychain { .. } => VaultKind::Keychain,
                Vault::Passphrase(_) | Vault::SessionOnly(_) => VaultKind::Passphrase,
            };
            record.left = Some(left);
            self.0.folders.write(&record)
        };
        if let Err(problem) = moved.await {
            // The old place holds; what was begun in the new one is no use.
            let _ = next.erase().await;
            return Err(problem);
        }
        self.keep_in(record.id, running, next).await;
        self.leave(&record).await;
        Ok(())
    }

    /// Uses this vault from now on. What it does not take now it is given at the
    /// next renewal; the sessions before are in it.
    async fn keep_in(&self, account: AccountId, running: Option<&Account>, vault: Arc<Vault>) {
        locked(&self.0.vaults).insert(account, Arc::clone(&vault));
        if let Some(running) = running {
            running.keeper.keep_in(vault).await;
        }
    }

    /// Erases what a move has left behind; where that refuses, it is tried again
    /// when the account is opened.
    pub(super) async fn leave(&self, record: &Record) {
        let erased = match record.left {
            None => return,
            Some(VaultKind::Keychain) => Vault::keychain(&self.0.service, record.id)
                .erase()
                .await
                .is_ok(),
            Some(VaultKind::Passphrase | VaultKind::SessionOnly) => {
                let file = passphrase_file(&self.0.folders.of(record.id));
                std::fs::remove_file(&file).is_ok() || !file.exists()
            }
        };
        if erased {
            let record = Record {
                left: None,
                sample: false,
                ..record.clone()
            };
            let _ = self.0.folders.write(&record);
        }
    }
}

/// Whether the new place gives back what the old one holds.
async fn same(old: &Vault, sessions: &StoredSessions, read: &Vault) -> Result<bool, Problem> {
    let key = old.key().await?.0 == read.key().await?.0;
    Ok(key && read.sessions().await?.is(sessions))
}
