//! Where an account's secrets are kept: the database's key and the sessions.
//!
//! Owns: the three ways (the system's keychain, a file under a passphrase, with
//! the system's biometrics as a second way to that file; this process's memory
//! only), and what a failure of each means. Never: plain
//! text in a file, a new key because an old one could not be read, a value in
//! a log.
//!
//! ```text
//!  make:  probe (put, get, delete) -> key written -> key read back -> database made
//!  renew: asked -> stored here -> used
//! ```
//!
//! Everything that may block (a keychain asks its person, a passphrase is slow
//! to try on purpose) runs on a thread for blocking work.

mod keychain;
pub(crate) mod opener;
pub(crate) mod passphrase;
mod system;

use std::{path::PathBuf, sync::Mutex};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    bridge::{Code, Problem, VaultKind},
    directus::sessions::Session,
    model::{AccountId, Instant},
    store::Key,
};

pub use opener::{Biometrics, Refusal, Secret};
pub use passphrase::{MIN_PASSPHRASE, write_private};

/// The sessions of an account.
#[derive(Clone, Default)]
pub struct StoredSessions {
    /// The `mode: session` session, and the wall-clock end of its token.
    pub session: Option<(Session, Instant)>,
    /// The `mode: json` refresh tokens, the one that was renewed longest ago
    /// first.
    pub spares: Vec<SecretString>,
}

/// How they are written; the text is wiped after use.
#[derive(Serialize)]
struct Written<'a> {
    cookie: Option<&'a str>,
    session: Option<&'a str>,
    session_end: Option<Instant>,
    spares: Vec<&'a str>,
}

#[derive(Deserialize, Default)]
struct Read {
    cookie: Option<String>,
    session: Option<SecretString>,
    session_end: Option<Instant>,
    #[serde(default)]
    spares: Vec<SecretString>,
}

impl StoredSessions {
    /// Whether these are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        matches!((self.to_bytes(), other.to_bytes()), (Ok(a), Ok(b)) if a == b)
    }

    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let session = self.session.as_ref();
        serde_json::to_vec(&Written {
            cookie: session.map(|(session, _)| session.cookie.as_str()),
            session: session.map(|(session, _)| session.token.expose_secret()),
            session_end: session.map(|(_, end)| *end),
            spares: self.spares.iter().map(|s| s.expose_secret()).collect(),
        })
        .map(Zeroizing::new)
        .map_err(|_| Problem::new(Code::VaultUnavailable))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        let read: Read =
            serde_json::from_slice(bytes).map_err(|_| Problem::new(Code::VaultUnreadable))?;
        let session = match (read.cookie, read.session, read.session_end) {
            (Some(cookie), Some(token), Some(end)) => Some((Session { cookie, token }, end)),
            _ => None,
        };
        Ok(Self {
            session,
            spares: read.spares,
        })
    }
}

/// A 32-byte key from the system's randomness.
///
/// # Errors
/// `vault_unavailable`, where the system has none to give.
pub fn new_key() -> Result<Key, Problem> {
    let mut key = Key([0; 32]);
    getrandom::fill(&mut key.0).map_err(|_| Problem::new(Code::VaultUnavailable))?;
    Ok(key)
}

fn copy(key: &Key) -> Key {
    Key(key.0)
}

/// Where one account's secrets are. One of three, for good.
pub enum Vault {
    /// The system's keychain.
    Keychain {
        /// Under which name it files them.
        service: String,
        /// Whose.
        account: AccountId,
    },
    /// A file under a passphrase, open since the passphrase was given.
    Passphrase(passphrase::Open),
    /// This process's memory.
    SessionOnly(Mutex<(Option<Key>, StoredSessions)>),
}

/// Whether the keychain can be used now: puts, gets and deletes an entry.
/// Opening a locked one succeeds and only writing fails, so nothing less tells.
///
/// # Errors
/// `vault_unavailable`.
pub async fn probe_keychain(service: String) -> Result<(), Problem> {
    blocking(move || keychain::probe(&service)).await
}

/// The file that a passphrase's vault is.
#[must_use]
pub fn passphrase_file(folder: &std::path::Path) -> PathBuf {
    folder.join("secrets")
}

impl Vault {
    /// The vault of a new account. Nothing is kept in it yet, but it is known
    /// to work.
    ///
    /// # Errors
    /// `vault_unavailable`, `passphrase_needed`, `passphrase_short`.
    pub async fn prepare(
        kind: VaultKind,
        service: &str,
        account: AccountId,
        file: PathBuf,
        passphrase: Option<SecretString>,
    ) -> Result<Self, Problem> {
        match kind {
            VaultKind::Keychain => {
                probe_keychain(service.to_owned()).await?;
                Ok(Self::keychain(service, account))
            }
            VaultKind::Passphrase => {
                let passphrase = passphrase.ok_or_else(|| Problem::new(Code::PassphraseNeeded))?;
                passphrase::check(&passphrase)?;
                let open = blocking(move || passphrase::Open::prepare(file, &passphrase)).await?;
                Ok(Self::Passphrase(open))
            }
            VaultKind::SessionOnly => Ok(Self::SessionOnly(Mutex::default())),
        }
    }

    /// The keychain's entries of an account that is there already.
    #[must_use]
    pub fn keychain(service: &str, account: AccountId) -> Self {
        Self::Keychain {
            service: service.to_owned(),
            account,
        }
    }

    /// Opens the file of an account that is there already.
    ///
    /// # Errors
    /// `passphrase_wrong`, `vault_unreadable`.
    pub async fn unlock(file: PathBuf, passphrase: SecretString) -> Result<Self, Problem> {
        let open = blocking(move || passphrase::Open::unlock(file, &passphrase)).await?;
        Ok(Self::Passphrase(open))
    }

    /// The same secrets under another passphrase, in place of this file.
    ///
    /// # Errors
    /// `passphrase_short`, `vault_unavailable`: the file is as it was.
    pub async fn under(&self, passphrase: SecretString) -> Result<Self, Problem> {
        let Self::Passphrase(open) = self else {
            return Err(Problem::new(Code::VaultUnavailable));
        };
        passphrase::check(&passphrase)?;
        let open = open.clone();
        let next = blocking(move || open.under(&passphrase)).await?;
        Ok(Self::Passphrase(next))
    }

    /// Keeps the database's key: once, before there is a database. It is read
    /// back and compared before this answers.
    ///
    /// # Errors
    /// `vault_unavailable`.
    pub async fn store_key(&self, key: &Key) -> Result<(), Problem> {
        let unavailable = || Problem::new(Code::VaultUnavailable);
        match self {
            Self::Keychain { service, account } => {
                let (service, account, key) = (service.clone(), *account, copy(key));
                blocking(move || keychain::put(&service, account, keychain::KEY, &key.0)).await?;
            }
            Self::Passphrase(open) => {
                let (open, key) = (open.clone(), copy(key));
                blocking(move || open.store_key(&key)).await?;
            }
            Self::SessionOnly(memory) => {
                memory.lock().map_err(|_| unavailable())?.0 = Some(copy(key));
            }
        }
        match self.key().await {
            Ok(read) if read.0 == key.0 => Ok(()),
            _ => Err(unavailable()),
        }
    }

    /// The database's key.
    ///
    /// # Errors
    /// `vault_unreadable`: it can't be read, or isn't there. Never a new one.
    pub async fn key(&self) -> Result<Key, Problem> {
        let unreadable = || Problem::new(Code::VaultUnreadable);
        match self {
            Self::Keychain { service, account } => {
                let (service, account) = (service.clone(), *account);
                let bytes =
                    blocking(move || keychain::get(&service, account, keychain::KEY)).await?;
                let bytes = bytes.ok_or_else(unreadable)?;
                let mut key = Key([0; 32]);
                if bytes.len() != key.0.len() {
                    return Err(unreadable());
                }
                key.0.copy_from_slice(&bytes);
                Ok(key)
            }
            Self::Passphrase(open) => open.key(),
            Self::SessionOnly(memory) => {
                let memory = memory.lock().map_err(|_| unreadable())?;
                memory.0.as_ref().map(copy).ok_or_else(unreadable)
            }
        }
    }

    /// Keeps the sessions, in place of those before.
    ///
    /// # Errors
    /// `vault_unavailable`: the ones before are still there.
    pub async fn store_sessions(&self, sessions: &StoredSessions) -> Result<(), Problem> {
        match self {
            Self::Keychain { service, account } => {
                let bytes = sessions.to_bytes()?;
                let (service, account) = (service.clone(), *account);
                blocking(move || keychain::put(&service, account, keychain::SESSIONS, &bytes)).await
            }
            Self::Passphrase(open) => {
                let bytes = sessions.to_bytes()?;
                let open = open.clone();
                blocking(move || open.store_sessions(bytes)).await
            }
            Self::SessionOnly(memory) => {
                let mut memory = memory
                    .lock()
                    .map_err(|_| Problem::new(Code::VaultUnavailable))?;
                memory.1 = sessions.clone();
                Ok(())
            }
        }
    }

    /// The sessions; none where none were kept.
    ///
    /// # Errors
    /// `vault_unreadable`.
    pub async fn sessions(&self) -> Result<StoredSessions, Problem> {
        match self {
            Self::Keychain { service, account } => {
                let (service, account) = (service.clone(), *account);
                blocking(move || keychain::get(&service, account, keychain::SESSIONS))
                    .await?
                    .map_or_else(
                        || Ok(StoredSessions::default()),
                        |bytes| StoredSessions::from_bytes(&bytes),
                    )
            }
            Self::Passphrase(open) => match open.sessions()? {
                Some(bytes) => StoredSessions::from_bytes(&bytes),
                None => Ok(StoredSessions::default()),
            },
            Self::SessionOnly(memory) => {
                let memory = memory
                    .lock()
                    .map_err(|_| Problem::new(Code::VaultUnreadable))?;
                Ok(memory.1.clone())
            }
        }
    }

    /// Erases what is kept. What is not there is erased already.
    ///
    /// # Errors
    /// `vault_unavailable`: some of it could not be erased.
    pub async fn erase(&self) -> Result<(), Problem> {
        match self {
            Self::Keychain { service, account } => {
                let (service, account) = (service.clone(), *account);
                blocking(move || keychain::erase(&service, account)).await
            }
            Self::Passphrase(open) => {
                let open = open.clone();
                blocking(move || open.erase()).await
            }
            Self::SessionOnly(memory) => {
                if let Ok(mut memory) = memory.lock() {
                    *memory = (None, StoredSessions::default());
                }
                Ok(())
            }
        }
    }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Problem::new(Code::VaultUnavailable)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> StoredSessions {
        StoredSessions {
            session: Some((
                Session {
                    cookie: "directus_session_token".to_owned(),
                    token: SecretString::from("a.b.c".to_owned()),
                },
                Instant(7),
            )),
            spares: vec![SecretString::from("spare".to_owned())],
        }
    }

    fn assert_some(read: &StoredSessions) {
        let (session, end) = read.session.as_ref().unwrap();
        assert_eq!(session.token.expose_secret(), "a.b.c");
        assert_eq!(session.cookie, "directus_session_token");
        assert_eq!(*end, Instant(7));
        assert_eq!(read.spares[0].expose_secret(), "spare");
    }

    #[test]
    fn sessions_are_read_as_they_were_written() {
        assert_some(&StoredSessions::from_bytes(&some().to_bytes().unwrap()).unwrap());
        let none = StoredSessions::default().to_bytes().unwrap();
        let none = StoredSessions::from_bytes(&none).unwrap();
        assert!(none.session.is_none() && none.spares.is_empty());
        assert!(StoredSessions::from_bytes(b"{").is_err());
    }

    fn vault_of(
        kind: VaultKind,
        folder: &std::path::Path,
    ) -> impl Future<Output = Result<Vault, Problem>> {
        Vault::prepare(
            kind,
            "whinchat-unit-test",
            AccountId::new(uuid::Uuid::from_u128(1)),
            passphrase_file(folder),
            Some(SecretString::from("correct horse".to_owned())),
        )
    }

    #[tokio::test]
    async fn a_vault_gives_back_what_was_kept_and_nothing_after_erasing() {
        let folder = tempfile::tempdir().unwrap();
        for kind in [VaultKind::Passphrase, VaultKind::SessionOnly] {
            let vault = vault_of(kind, folder.path()).await.unwrap();
            assert_eq!(
                vault.key().await.map(|_| ()),
                Err(Problem::new(Code::VaultUnreadable))
            );
            let key = new_key().unwrap();
            vault.store_key(&key).await.unwrap();
            vault.store_sessions(&some()).await.unwrap();
            assert_some(&vault.sessions().await.unwrap());
            assert_eq!(vault.key().await.unwrap().0, key.0);
            vault.erase().await.unwrap();
            assert!(vault.key().await.is_err());
            vault.erase().await.unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_opens_with_its_passphrase_only_and_holds_nothing_readable() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault_of(VaultKind::Passphrase, folder.path())
            .await
            .unwrap();
        let key = new_key().unwrap();
        vault.store_key(&key).await.unwrap();
        vault.store_sessions(&some()).await.unwrap();
        let file = passphrase_file(folder.path());
        let unlock =
            |phrase: &str| Vault::unlock(file.clone(), SecretString::from(phrase.to_owned()));
        let again = unlock("correct horse").await.unwrap();
        assert_eq!(again.key().await.unwrap().0, key.0);
        assert_some(&again.sessions().await.unwrap());
        let wrong = unlock("correct house").await.map(|_| ()).unwrap_err();
        assert_eq!(wrong.code, Code::PassphraseWrong);
        let bytes = std::fs::read(&file).unwrap();
        for secret in [&b"a.b.c"[..], b"spare", b"session", &key.0] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // A file that was tampered with is not opened, and never replaced.
        let mut tampered = bytes.clone();
        let last = tampered.len() - 1;
        tampered[last] ^= 1;
        std::fs::write(&file, &tampered).unwrap();
        let code = unlock("correct horse").await.map(|_| ()).unwrap_err().code;
        assert_eq!(code, Code::PassphraseWrong);
        std::fs::write(&file, b"something else").unwrap();
        let code = unlock("correct horse").await.map(|_| ()).unwrap_err().code;
        assert_eq!(code, Code::VaultUnreadable);
    }

    #[tokio::test]
    async fn a_short_passphrase_or_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let ask = |phrase: Option<&str>| {
            Vault::prepare(
                VaultKind::Passphrase,
                "whinchat-unit-test",
                AccountId::new(uuid::Uuid::from_u128(1)),
                passphrase_file(folder.path()),
                phrase.map(|phrase| SecretString::from(phrase.to_owned())),
            )
        };
        let short = ask(Some("sevenxx")).await.map(|_| ()).unwrap_err();
        assert_eq!(short.code, Code::PassphraseShort);
        let none = ask(None).await.map(|_| ()).unwrap_err();
        assert_eq!(none.code, Code::PassphraseNeeded);
    }
}
