//! A second way to a file under a passphrase: by a finger or a face.
//!
//! Owns: what a system's biometrics are to this crate, and the file `opener`
//! beside the secrets, which holds their file's key, sealed under a key that the
//! system gives to its recognised person alone. Never: the passphrase, which
//! opens as before; the system's key in a file; what a finger is.
//!
//! ```text
//!  turned on:  passphrase --Argon2id--> file's key ----sealed----> opener
//!                                                        ^
//!                  a finger, a face --the system--> system's key
//!
//!  offset bytes
//!       0     5  "WHSO", version 1
//!       5    16  the salt of the file that it opens: of another one it is no opener
//!      21    32  a mark, random, for a system that makes its key from one
//!      53    24  nonce
//!      77    48  XChaCha20-Poly1305 of the file's key, with bytes 0 to 77 and the account bound to it
//! ```
//!
//! Either half alone opens nothing. So deleting this file is enough to turn it
//! off, whatever the system still keeps.

use std::{fmt, fs, path::Path};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use zeroize::Zeroizing;

use super::passphrase::{Open, SALT, salt_of, write_private};
use crate::{
    bridge::{Biometry, Code, Problem},
    model::AccountId,
};

/// A key that the system gives, or the one of a file. Wiped after use.
pub type Secret = Zeroizing<[u8; 32]>;

/// Why a system gives no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It has nothing to recognise anybody by, or not now.
    Unavailable,
    /// Its person broke it off.
    Cancelled,
    /// It did not recognise its person.
    NotRecognised,
    /// Too many tries.
    TooManyTries,
    /// The key is no more.
    Gone,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(match refusal {
            Refusal::Unavailable => Code::BiometricsUnavailable,
            Refusal::Cancelled => Code::BiometricsCancelled,
            Refusal::NotRecognised => Code::BiometricsRefused,
            Refusal::TooManyTries => Code::BiometricsLockedOut,
            Refusal::Gone => Code::BiometricsGone,
        })
    }
}

/// What a system does. All of it blocks, for it may have to ask its person;
/// what is asked in words is the system's and the shell's.
pub trait Biometrics: fmt::Debug + Send + Sync {
    /// What it has now; none where nobody could be recognised.
    fn kind(&self) -> Option<Biometry>;

    /// A key for this account from now on, in place of the one before, that is
    /// given to its recognised person alone and lost when who that is changes.
    /// The mark is random, and is handed in again for the same key.
    ///
    /// # Errors
    /// All but [`Refusal::Gone`].
    fn make(&self, account: AccountId, mark: &[u8; 32]) -> Result<Secret, Refusal>;

    /// The key that was made for this account with this mark.
    ///
    /// # Errors
    /// Why it is not given.
    fn give(&self, account: AccountId, mark: &[u8; 32]) -> Result<Secret, Refusal>;

    /// Lets go of this account's key, if there is one.
    fn forget(&self, account: AccountId);
}

const MAGIC: &[u8; 5] = b"WHSO\x01";
const MARK_AT: usize = MAGIC.len() + SALT;
const NONCE_AT: usize = MARK_AT + 32;
const HEADER: usize = NONCE_AT + 24;

/// The file that a second way is, beside the secrets.
#[must_use]
pub fn opener_file(secrets: &Path) -> std::path::PathBuf {
    secrets.with_file_name("opener")
}

/// An opener as it was found.
pub struct Opener {
    header: [u8; HEADER],
    sealed: Vec<u8>,
}

fn gone() -> Problem {
    Problem::new(Code::BiometricsGone)
}

fn bound(header: &[u8], account: AccountId) -> Vec<u8> {
    [header, account.to_string().as_bytes()].concat()
}

/// A new mark, from the system's randomness.
///
/// # Errors
/// `vault_unavailable`, where the system has none to give.
pub fn new_mark() -> Result<[u8; 32], Problem> {
    let mut mark = [0; 32];
    getrandom::fill(&mut mark).map_err(|_| Problem::new(Code::VaultUnavailable))?;
    Ok(mark)
}

impl Opener {
    /// The one of these secrets; none where there is none, or where it belongs
    /// to secrets under another passphrase.
    #[must_use]
    pub fn of(secrets: &Path) -> Option<Self> {
        let bytes = fs::read(opener_file(secrets)).ok()?;
        let (header, sealed) = bytes.split_at_checked(HEADER)?;
        let header: [u8; HEADER] = header.try_into().ok()?;
        let salt = header.get(MAGIC.len()..MARK_AT)?;
        if !header.starts_with(MAGIC) || salt_of(secrets)? != salt {
            return None;
        }
        Some(Self {
            header,
            sealed: sealed.to_vec(),
        })
    }

    /// The mark that the system's key was made with.
    #[must_use]
    pub fn mark(&self) -> [u8; 32] {
        let mut mark = [0; 32];
        mark.copy_from_slice(&self.header[MARK_AT..NONCE_AT]);
        mark
    }

    /// The secrets, by what the system gave.
    ///
    /// # Errors
    /// `biometrics_gone` where the two do not belong together, or somebody has
    /// altered one of them; `vault_unreadable`.
    pub fn unlock(
        &self,
        secrets: std::path::PathBuf,
        account: AccountId,
        given: &Secret,
    ) -> Result<Open, Problem> {
        let nonce: [u8; 24] = self.header[NONCE_AT..].try_into().map_err(|_| gone())?;
        let payload = Payload {
            msg: &self.sealed,
            aad: &bound(&self.header, account),
        };
        let plain = XChaCha20Poly1305::new(&(**given).into())
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| gone())?;
        let mut key = Secret::default();
        if plain.len() != key.len() {
            return Err(gone());
        }
        key.copy_from_slice(&plain);
        Open::by_key(secrets, key).map_err(|problem| match problem.code {
            Code::PassphraseWrong => gone(),
            _ => problem,
        })
    }
}

/// Writes the opener of these secrets, in place of one before.
///
/// # Errors
/// `vault_unavailable`; then there is none, or the one before.
pub fn write(
    open: &Open,
    account: AccountId,
    mark: &[u8; 32],
    given: &Secret,
) -> Result<(), Problem> {
    let unavailable = || Problem::new(Code::VaultUnavailable);
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(|_| unavailable())?;
    let (salt, key) = open.salt_and_key();
    let mut bytes = [&MAGIC[..], salt, mark, &nonce].concat();
    let payload = Payload {
        msg: key,
        aad: &bound(&bytes, account),
    };
    let sealed = XChaCha20Poly1305::new(&(**given).into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| unavailable())?;
    bytes.extend_from_slice(&sealed);
    write_private(&opener_file(open.file()), &bytes).map_err(|error| {
        tracing::warn!(kind = ?error.kind(), "the opener can't be written");
        unavailable()
    })
}

/// Deletes the opener beside these secrets, if there is one.
pub fn erase(secrets: &Path) {
    if let Err(error) = fs::remove_file(opener_file(secrets))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(kind = ?error.kind(), "the opener can't be deleted");
    }
}
