//! The accounts on this device, as folders.
//!
//! Owns: `accounts/<uuid>/` with `account.json` (who and where, no secret),
//! `lock`, `messages.db` and, for a passphrase, `secrets` and perhaps `opener`.
//! Never: what is in the database or the vault.
//!
//! ```text
//!  (nothing) --folder, lock, record--> making --key, database, sessions--> ready
//!  ready --sign-out--> erasing --vault, files--> (nothing)
//! ```
//!
//! What is found making or erasing was broken off, and is erased.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    bridge::{AccountSummary, Code, Problem, VaultKind},
    model::{AccountId, PersonId},
    vault::write_private,
};

/// How far the making or erasing of an account has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It was begun.
    Making,
    /// It is whole.
    Ready,
    /// It is going.
    Erasing,
}

/// What `account.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The account.
    pub id: AccountId,
    /// The server's address.
    pub server: String,
    /// E-mail that was signed in with.
    pub email: String,
    /// The person's own name at the last sign-in.
    pub name: String,
    /// The person.
    pub person: PersonId,
    /// Where the secrets are.
    pub vault: VaultKind,
    /// Where they were before, as long as they could not be erased there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<VaultKind>,
    /// Made-up conversations to look around in: in memory only, and nobody's.
    #[serde(skip)]
    pub sample: bool,
    /// How far it has come.
    pub stage: Stage,
}

impl Record {
    /// As an interface shows it.
    #[must_use]
    pub fn summary(&self, problem: Option<Problem>) -> AccountSummary {
        AccountSummary {
            id: self.id.to_string(),
            server: self.server.clone(),
            email: self.email.clone(),
            name: self.name.clone(),
            person: self.person.to_string(),
            vault: self.vault,
            sample: self.sample,
            problem,
        }
    }
}

/// A problem with the data folder.
#[must_use]
pub fn io_problem(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Problem::new(Code::DiskFull),
        kind => Problem::new(Code::StorageFailed).with("kind", kind),
    }
}

/// The data folder.
#[derive(Debug, Clone)]
pub struct Folders {
    accounts: PathBuf,
}

impl Folders {
    /// Opens the data folder, making it if need be, for its owner alone.
    ///
    /// # Errors
    /// `disk_full`, `storage_failed`.
    pub fn open(data: &Path) -> Result<Self, Problem> {
        let accounts = data.join("accounts");
        private_folder(data)
            .and_then(|()| private_folder(&accounts))
            .map_err(|error| io_problem(&error))?;
        Ok(Self { accounts })
    }

    /// The folder of an account.
    #[must_use]
    pub fn of(&self, account: AccountId) -> PathBuf {
        self.accounts.join(account.to_string())
    }

    /// The database of an account.
    #[must_use]
    pub fn database(&self, account: AccountId) -> PathBuf {
        self.of(account).join("messages.db")
    }

    /// Every folder that is named by an id.
    fn ids(&self) -> Vec<AccountId> {
        let Ok(entries) = fs::read_dir(&self.accounts) else {
            return Vec::new();
        };
        let mut ids: Vec<AccountId> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// The accounts that are whole.
    #[must_use]
    pub fn ready(&self) -> Vec<Record> {
        let ids = self.ids().into_iter();
        ids.filter_map(|id| self.record(id).ok()).collect()
    }

    /// One account that is whole.
    ///
    /// # Errors
    /// `account_unknown`; `storage_failed` where its record can't be read.
    pub fn record(&self, account: AccountId) -> Result<Record, Problem> {
        let record = self.read(account)?;
        match record.stage {
            Stage::Ready => Ok(record),
            Stage::Making | Stage::Erasing => Err(Problem::new(Code::AccountUnknown)),
        }
    }

    fn read(&self, account: AccountId) -> Result<Record, Problem> {
        let bytes = fs::read(self.of(account).join("account.json")).map_err(|error| match error
            .kind()
        {
            io::ErrorKind::NotFound => Problem::new(Code::AccountUnknown),
            _ => io_problem(&error),
        })?;
        serde_json::from_slice(&bytes)
            .ok()
            .filter(|record: &Record| record.id == account)
            .ok_or_else(|| Problem::new(Code::StorageFailed).with("kind", "record"))
    }

    /// Writes an account's record; its folder is there.
    ///
    /// # Errors
    /// `disk_full`, `storage_failed`.
    pub fn write(&self, record: &Record) -> Result<(), Problem> {
        let bytes = serde_json::to_vec_pretty(record)
            .map_err(|_| Problem::new(Code::StorageFailed).with("kind", "record"))?;
        write_private(&self.of(record.id).join("account.json"), &bytes)
            .map_err(|error| io_problem(&error))
    }

    /// Makes a new account's folder, and locks it.
    ///
    /// # Errors
    /// `disk_full`, `storage_failed`.
    pub fn make(&self, record: &Record) -> Result<Lock, Problem> {
        private_folder(&self.of(record.id)).map_err(|error| io_problem(&error))?;
        let lock = self.lock(record.id)?;
        self.write(record)?;
        Ok(lock)
    }

    /// Locks an account for this process.
    ///
    /// # Errors
    /// `account_in_use`, `account_unknown`, `storage_failed`.
    pub fn lock(&self, account: AccountId) -> Result<Lock, Problem> {
        let path = self.of(account).join("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Problem::new(Code::AccountUnknown),
            _ => io_problem(&error),
        })?;
        // Somebody who only looks whether it is locked holds it for a moment.
        for patience in (0..5).rev() {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::Error(error)) => return Err(io_problem(&error)),
                Err(TryLockError::WouldBlock) if patience > 0 => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        Err(Problem::new(Code::AccountInUse))
    }

    /// Deletes an account's folder. What is not there is deleted already.
    ///
    /// # Errors
    /// `storage_failed`.
    pub fn erase(&self, account: AccountId) -> Result<(), Problem> {
        match fs::remove_dir_all(self.of(account)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_problem(&error)),
            _ => Ok(()),
        }
    }

    /// Deletes everything of an account but its record, which says from then on
    /// that it is going: the keychain is asked again at the next start.
    ///
    /// # Errors
    /// `disk_full`, `storage_failed`.
    pub fn erase_but_record(&self, record: &Record) -> Result<(), Problem> {
        let record = Record {
            stage: Stage::Erasing,
            ..record.clone()
        };
        self.erase(record.id)?;
        private_folder(&self.of(record.id)).map_err(|error| io_problem(&error))?;
        self.write(&record)
    }

    /// Accounts whose making or erasing was broken off, each with its lock,
    /// so that nobody else is at it. Records that can't be read are left alone.
    #[must_use]
    pub fn broken_off(&self) -> Vec<(Record, Lock)> {
        let broken = |id| {
            let record = self.read(id).ok()?;
            if record.stage == Stage::Ready {
                return None;
            }
            let lock = self.lock(id).ok()?;
            // Whoever held the lock may have finished meanwhile.
            let record = self.read(id).ok()?;
            (record.stage != Stage::Ready).then_some((record, lock))
        };
        self.ids().into_iter().filter_map(broken).collect()
    }
}

/// Holds an account for this process until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing the file unlocks it")] File);

fn private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(stage: Stage) -> Record {
        Record {
            id: AccountId::new(uuid::Uuid::new_v4()),
            server: "https://chat.example".to_owned(),
            email: "alice@example.com".to_owned(),
            name: "Alice".to_owned(),
            person: PersonId::new(uuid::Uuid::from_u128(1)),
            vault: VaultKind::Keychain,
            left: None,
            sample: false,
            stage,
        }
    }

    #[test]
    fn an_account_is_listed_when_it_is_whole_and_held_by_one() {
        let data = tempfile::tempdir().unwrap();
        let folders = Folders::open(data.path()).unwrap();
        let (whole, begun) = (record(Stage::Ready), record(Stage::Making));
        let lock = folders.make(&whole).unwrap();
        drop(folders.make(&begun).unwrap());
        assert_eq!(folders.ready(), vec![whole.clone()]);
        let code = |problem: Problem| problem.code;
        assert_eq!(
            folders.record(begun.id).map_err(code),
            Err(Code::AccountUnknown)
        );
        assert_eq!(
            folders.lock(whole.id).map_err(code).err(),
            Some(Code::AccountInUse)
        );
        drop(lock);
        assert!(folders.lock(whole.id).is_ok());
        let broken: Vec<_> = folders.broken_off().into_iter().map(|(r, _)| r).collect();
        assert_eq!(broken, vec![begun]);
    }

    #[test]
    fn what_is_erased_is_gone_and_can_be_erased_again() {
        let data = tempfile::tempdir().unwrap();
        let folders = Folders::open(data.path()).unwrap();
        let whole = record(Stage::Ready);
        drop(folders.make(&whole).unwrap());
        folders.erase(whole.id).unwrap();
        folders.erase(whole.id).unwrap();
        assert!(folders.ready().is_empty() && !folders.of(whole.id).exists());
        let unknown = folders.lock(whole.id).err().map(|problem| problem.code);
        assert_eq!(unknown, Some(Code::AccountUnknown));
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().unwrap();
        let folders = Folders::open(&data.path().join("new")).unwrap();
        let whole = record(Stage::Ready);
        drop(folders.make(&whole).unwrap());
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folders.of(whole.id)), 0o700);
        assert_eq!(mode(folders.of(whole.id).join("account.json")), 0o600);
        assert_eq!(mode(folders.of(whole.id).join("lock")), 0o600);
    }
}
