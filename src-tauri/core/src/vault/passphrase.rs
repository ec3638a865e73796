//! A file under a passphrase, for systems without a keychain.
//!
//! Owns: its format, and that it is replaced whole or not at all. Never: the
//! passphrase itself; what is kept in memory is the key made from it.
//!
//! ```text
//!  offset  bytes
//!       0      4  "WHSV"
//!       4      1  version: 1
//!       5      4  Argon2id memory in KiB, little endian: 65,536
//!       9      4  Argon2id passes: 3
//!      13      4  Argon2id lanes: 1
//!      17     16  salt
//!      33     24  nonce, another for every writing
//!      57      …  XChaCha20-Poly1305 of the contents, with bytes 0 to 57 bound to it
//! ```
//!
//! The contents are JSON: the database's key in hex, and the sessions.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    bridge::{Code, Problem},
    store::Key,
};

/// The shortest passphrase, in characters.
pub const MIN_PASSPHRASE: usize = 8;

const MAGIC: &[u8; 5] = b"WHSV\x01";
/// How long a salt is.
pub const SALT: usize = 16;
const NONCE: usize = 24;
const HEADER: usize = 5 + 3 * 4 + SALT + NONCE;

/// What it costs to try a passphrase, as written in the file.
#[derive(Clone, Copy)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// A quarter of a second and 64 MiB on a laptop of 2026.
const COST: Cost = Cost {
    memory: 64 * 1024,
    passes: 3,
    lanes: 1,
};

/// A file can't make this program take more than this.
const MAX_COST: Cost = Cost {
    memory: 1024 * 1024,
    passes: 16,
    lanes: 8,
};

#[derive(Serialize, Deserialize, Default, Clone)]
struct Contents {
    key: Option<String>,
    sessions: Option<String>,
}

impl Drop for Contents {
    fn drop(&mut self) {
        self.key.zeroize();
        self.sessions.zeroize();
    }
}

/// A file whose passphrase is known.
#[derive(Clone)]
pub struct Open(Arc<Inner>);

struct Inner {
    file: PathBuf,
    cost: Cost,
    salt: [u8; SALT],
    key: Zeroizing<[u8; 32]>,
    contents: Mutex<Contents>,
}

fn unavailable() -> Problem {
    Problem::new(Code::VaultUnavailable)
}

fn unreadable() -> Problem {
    Problem::new(Code::VaultUnreadable)
}

/// Refuses a passphrase that is too short.
pub fn check(passphrase: &SecretString) -> Result<(), Problem> {
    if passphrase.expose_secret().chars().count() < MIN_PASSPHRASE {
        return Err(Problem::new(Code::PassphraseShort));
    }
    Ok(())
}

fn derive(
    passphrase: &SecretString,
    cost: Cost,
    salt: &[u8],
) -> Result<Zeroizing<[u8; 32]>, Problem> {
    let params =
        Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(|_| unreadable())?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose_secret().as_bytes(), salt, key.as_mut())
        .map_err(|_| unavailable())?;
    Ok(key)
}

/// A file as it was found, still closed.
struct Found {
    bytes: Vec<u8>,
    cost: Cost,
    salt: [u8; SALT],
}

impl Found {
    fn read(file: &Path) -> Result<Self, Problem> {
        let bytes = fs::read(file).map_err(|_| unreadable())?;
        let header = bytes.get(..HEADER).ok_or_else(unreadable)?;
        let number = |at: usize| -> Option<u32> {
            Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?))
        };
        let (Some(memory), Some(passes), Some(lanes)) = (number(5), number(9), number(13)) else {
            return Err(unreadable());
        };
        let sane =
            memory <= MAX_COST.memory && passes <= MAX_COST.passes && lanes <= MAX_COST.lanes;
        if !header.starts_with(MAGIC) || !sane {
            return Err(unreadable());
        }
        let cost = Cost {
            memory,
            passes,
            lanes,
        };
        let salt: [u8; SALT] = header
            .get(17..33)
            .and_then(|salt| salt.try_into().ok())
            .ok_or_else(unreadable)?;
        Ok(Self { bytes, cost, salt })
    }

    fn open(self, file: PathBuf, key: Zeroizing<[u8; 32]>) -> Result<Open, Problem> {
        let (header, sealed) = self.bytes.split_at_checked(HEADER).ok_or_else(unreadable)?;
        let nonce: [u8; NONCE] = header
            .get(33..)
            .and_then(|nonce| nonce.try_into().ok())
            .ok_or_else(unreadable)?;
        let payload = Payload {
            msg: sealed,
            aad: header,
        };
        let plain = XChaCha20Poly1305::new(&(*key).into())
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| Problem::new(Code::PassphraseWrong))?;
        let contents = serde_json::from_slice(&plain).map_err(|_| unreadable())?;
        Ok(Open(Arc::new(Inner {
            file,
            cost: self.cost,
            salt: self.salt,
            key,
            contents: Mutex::new(contents),
        })))
    }
}

/// What the key of this file is made with; none where the file can't be read.
pub fn salt_of(file: &Path) -> Option<[u8; SALT]> {
    Found::read(file).ok().map(|found| found.salt)
}

impl Open {
    /// A vault for a file that is not there yet. Nothing is written so far.
    pub fn prepare(file: PathBuf, passphrase: &SecretString) -> Result<Self, Problem> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|_| unavailable())?;
        Ok(Self(Arc::new(Inner {
            key: derive(passphrase, COST, &salt)?,
            file,
            cost: COST,
            salt,
            contents: Mutex::default(),
        })))
    }

    /// Opens a file that is there.
    pub fn unlock(file: PathBuf, passphrase: &SecretString) -> Result<Self, Problem> {
        let found = Found::read(&file)?;
        let key = derive(passphrase, found.cost, &found.salt)?;
        found.open(file, key)
    }

    /// Opens a file that is there by the key that was once made from its passphrase.
    pub fn by_key(file: PathBuf, key: Zeroizing<[u8; 32]>) -> Result<Self, Problem> {
        Found::read(&file)?.open(file, key)
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// What the key was made with, and the key.
    pub fn salt_and_key(&self) -> (&[u8; SALT], &[u8]) {
        (&self.0.salt, &*self.0.key)
    }

    /// The same contents under another passphrase: written in one go.
    pub fn under(&self, passphrase: &SecretString) -> Result<Self, Problem> {
        let next = Self::prepare(self.0.file.clone(), passphrase)?;
        let contents = self.contents().clone();
        next.replace(|empty| *empty = contents)?;
        Ok(next)
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0
            .contents
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The database's key.
    pub fn key(&self) -> Result<Key, Problem> {
        let contents = self.contents();
        let hex = contents.key.as_deref().ok_or_else(unreadable)?;
        let mut key = Key([0; 32]);
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(unreadable());
        }
        for (byte, pair) in key.0.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| unreadable())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| unreadable())?;
        }
        Ok(key)
    }

    /// Keeps the database's key.
    pub fn store_key(&self, key: &Key) -> Result<(), Problem> {
        let hex: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
        self.replace(|contents| contents.key = Some(hex))
    }

    /// What was kept as sessions.
    pub fn sessions(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Problem> {
        let contents = self.contents();
        let text = contents.sessions.as_ref();
        Ok(text.map(|text| Zeroizing::new(text.as_bytes().to_vec())))
    }

    /// Keeps the sessions.
    pub fn store_sessions(&self, bytes: Zeroizing<Vec<u8>>) -> Result<(), Problem> {
        let text = std::str::from_utf8(&bytes).map_err(|_| unavailable())?;
        self.replace(|contents| contents.sessions = Some(text.to_owned()))
    }

    /// Deletes the file, and forgets what was in it.
    pub fn erase(&self) -> Result<(), Problem> {
        let mut contents = self.contents();
        *contents = Contents::default();
        match fs::remove_file(&self.0.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable()),
            _ => Ok(()),
        }
    }

    /// Writes the changed contents; only when they are on the disk they hold
    /// here as well.
    fn replace(&self, change: impl FnOnce(&mut Contents)) -> Result<(), Problem> {
        let mut contents = self.contents();
        let mut changed = contents.clone();
        change(&mut changed);
        let plain = serde_json::to_vec(&changed)
            .map(Zeroizing::new)
            .map_err(|_| unavailable())?;
        let sealed = self.seal(&plain)?;
        write_private(&self.0.file, &sealed).map_err(|error| {
            tracing::warn!(kind = ?error.kind(), "the secrets' file can't be written");
            unavailable()
        })?;
        *contents = changed;
        Ok(())
    }

    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, Problem> {
        let inner = &self.0;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| unavailable())?;
        let mut bytes = Vec::with_capacity(HEADER + plain.len() + 16);
        bytes.extend_from_slice(MAGIC);
        for number in [inner.cost.memory, inner.cost.passes, inner.cost.lanes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&inner.salt);
        bytes.extend_from_slice(&nonce);
        let payload = Payload {
            msg: plain,
            aad: &bytes,
        };
        let sealed = XChaCha20Poly1305::new(&(*inner.key).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| unavailable())?;
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }
}

/// Replaces a file whole, readable by its owner alone.
///
/// # Errors
/// The system's; the file before is untouched then.
pub fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = (|| {
        let mut open = options.open(&beside)?;
        open.write_all(bytes)?;
        open.sync_all()?;
        fs::rename(&beside, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
        return written;
    }
    // The rename is durable only when the folder is; not every system lets a
    // folder be opened.
    if let Some(folder) = file.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}
