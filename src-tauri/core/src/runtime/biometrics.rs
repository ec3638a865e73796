//! Opening a locked account by a finger or a face, as a second way to the file
//! under its passphrase.
//!
//! Owns: when that way is made, used and closed again. Never: what the system
//! does for it (the shell hands that in), or an account under no passphrase.
//!
//! ```text
//!  off --keep_biometrics, with the passphrase--> on --unlock_by_biometrics--> the vault is open
//!   ^                                             |
//!   +-- turned off; passphrase changed or removed; signed out; the system let go of the key
//! ```
//!
//! A system's question may stand for minutes. Nothing is held meanwhile that
//! locking or signing out waits for; what was asked is looked at anew after it.

use std::{path::PathBuf, sync::Arc};

use secrecy::SecretString;

use super::{Messenger, locked};
use crate::{
    bridge::{AccountSummary, BiometricsState, Code, Problem, VaultKind},
    model::AccountId,
    vault::{
        Biometrics, Refusal, Secret, Vault, blocking,
        opener::{self, Opener, new_mark},
        passphrase::Open,
        passphrase_file,
    },
};

impl Messenger {
    /// Whether an account may be opened by the system's biometrics.
    ///
    /// # Errors
    /// `account_unknown`.
    pub async fn biometrics(&self, account: AccountId) -> Result<BiometricsState, Problem> {
        let record = self.record(account)?;
        let (Some(system), VaultKind::Passphrase) = (self.0.biometrics.clone(), record.vault)
        else {
            return Ok(BiometricsState {
                kind: None,
                on: false,
            });
        };
        let secrets = self.secrets(account);
        blocking(move || {
            Ok(BiometricsState {
                kind: system.kind(),
                on: Opener::of(&secrets).is_some(),
            })
        })
        .await
    }

    /// Lets the system's biometrics open this account from now on. It takes the
    /// passphrase, also while the account is open: who only finds it open may
    /// not make a way to come back. The system may ask its person.
    ///
    /// # Errors
    /// `passphrase_wrong`; `biometrics_unavailable`, also where there is no
    /// passphrase; `biometrics_cancelled`, `biometrics_refused`,
    /// `biometrics_locked_out`; `vault_unavailable`, `vault_unreadable`,
    /// `account_unknown`: it is off then.
    pub async fn keep_biometrics(
        &self,
        account: AccountId,
        passphrase: SecretString,
    ) -> Result<(), Problem> {
        let _turn = self.0.asking.lock().await;
        let system = self.system(account)?;
        let secrets = self.secrets(account);
        let open = blocking(move || Open::unlock(secrets, &passphrase)).await?;
        let kept = self.make_way(&system, account, open).await;
        match &kept {
            Ok(()) => tracing::info!(%account, "biometrics open it"),
            // The system may have let go of a key before.
            Err(_) => self.let_go(account).await,
        }
        kept
    }

    async fn make_way(
        &self,
        system: &Arc<dyn Biometrics>,
        account: AccountId,
        open: Open,
    ) -> Result<(), Problem> {
        let mark = new_mark()?;
        let given = ask(system, move |system| system.make(account, &mark)).await?;
        // Nobody signs it out or changes its passphrase while this is written.
        let _changing = self.0.open.lock().await;
        self.record(account)?;
        blocking(move || {
            opener::write(&open, account, &mark, &given)?;
            // The passphrase may have been changed while the system asked.
            Opener::of(open.file())
                .map(drop)
                .ok_or_else(|| Problem::new(Code::BiometricsUnavailable))
        })
        .await
    }

    /// Lets the system recognise its person, and opens the vault. One that is
    /// open already stays so, and nobody is asked.
    ///
    /// # Errors
    /// `biometrics_unavailable`, `biometrics_cancelled`, `biometrics_refused`,
    /// `biometrics_locked_out`; `biometrics_gone`: it is off then, and may be
    /// turned on again; `vault_unreadable`, `account_unknown`.
    pub async fn unlock_by_biometrics(
        &self,
        account: AccountId,
    ) -> Result<AccountSummary, Problem> {
        let _turn = self.0.asking.lock().await;
        let system = self.system(account)?;
        if !locked(&self.0.vaults).contains_key(&account) {
            let opened = self.open_by(&system, account).await;
            if let Err(Problem {
                code: Code::BiometricsGone,
                ..
            }) = opened
            {
                self.let_go(account).await;
            }
            opened?;
        }
        let unknown = || Problem::new(Code::AccountUnknown);
        let id = account.to_string();
        let mut all = self.accounts().into_iter();
        all.find(|summary| summary.id == id).ok_or_else(unknown)
    }

    async fn open_by(
        &self,
        system: &Arc<dyn Biometrics>,
        account: AccountId,
    ) -> Result<(), Problem> {
        let secrets = self.secrets(account);
        let opener = Opener::of(&secrets);
        let opener = opener.ok_or_else(|| Problem::new(Code::BiometricsUnavailable))?;
        let mark = opener.mark();
        let given = ask(system, move |system| system.give(account, &mark)).await?;
        // Nobody signs it out or changes its passphrase while it is opened.
        let _changing = self.0.open.lock().await;
        self.record(account)?;
        let open = blocking(move || opener.unlock(secrets, account, &given)).await?;
        let vault = Arc::new(Vault::Passphrase(open));
        locked(&self.0.vaults).entry(account).or_insert(vault);
        Ok(())
    }

    /// Lets the passphrase alone open an account again. Where it did already,
    /// that is so.
    ///
    /// # Errors
    /// `biometrics_unavailable`, where this program has none; `account_unknown`.
    pub async fn forget_biometrics(&self, account: AccountId) -> Result<(), Problem> {
        self.system(account)?;
        self.let_go(account).await;
        Ok(())
    }

    /// Closes the second way, on both sides. The file goes first: without it
    /// what the system may still keep opens nothing.
    pub(super) async fn let_go(&self, account: AccountId) {
        let system = self.0.biometrics.clone();
        let secrets = self.secrets(account);
        let _ = blocking(move || {
            opener::erase(&secrets);
            if let Some(system) = system {
                system.forget(account);
            }
            Ok(())
        })
        .await;
    }

    fn secrets(&self, account: AccountId) -> PathBuf {
        passphrase_file(&self.0.folders.of(account))
    }

    fn system(&self, account: AccountId) -> Result<Arc<dyn Biometrics>, Problem> {
        let record = self.record(account)?;
        match (self.0.biometrics.clone(), record.vault) {
            (Some(system), VaultKind::Passphrase) => Ok(system),
            _ => Err(Problem::new(Code::BiometricsUnavailable)),
        }
    }
}

/// Lets the system ask its person, on a thread of its own.
async fn ask(
    system: &Arc<dyn Biometrics>,
    question: impl FnOnce(&dyn Biometrics) -> Result<Secret, Refusal> + Send + 'static,
) -> Result<Secret, Problem> {
    let system = Arc::clone(system);
    let given = blocking(move || Ok(question(&*system))).await?;
    given.map_err(|refusal| {
        tracing::info!(?refusal, "biometrics gave no key");
        refusal.into()
    })
}

#[cfg(test)]
mod tests;
