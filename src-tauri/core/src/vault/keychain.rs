//! The system's keychain: two entries an account.
//!
//! Owns: their names. Never: anything kept between two calls. All of it
//! blocks, for a keychain may have to ask its person.

use zeroize::Zeroizing;

use super::system::{self, Entry, Error};
use crate::{
    bridge::{Code, Problem},
    model::AccountId,
};

/// The database's key: 32 bytes.
pub const KEY: &str = "database";
/// The sessions: JSON.
pub const SESSIONS: &str = "sessions";

fn unavailable(error: &Error) -> Problem {
    // The kind alone: an error may carry the bytes that were not understood.
    tracing::warn!(kind = kind(error), "the keychain can't be used");
    Problem::new(Code::VaultUnavailable)
}

const fn kind(error: &Error) -> &'static str {
    match error {
        Error::PlatformFailure(_) => "platform failure",
        Error::NoStorageAccess(_) => "no access",
        Error::NoEntry => "no entry",
        Error::NoDefaultStore => "no store",
        Error::Ambiguous(_) => "ambiguous",
        _ => "other",
    }
}

fn entry(service: &str, account: AccountId, name: &str) -> Result<Entry, Problem> {
    system::entry(service, &format!("{account}/{name}")).map_err(|error| unavailable(&error))
}

/// Keeps a value, in place of the one before.
pub fn put(service: &str, account: AccountId, name: &str, value: &[u8]) -> Result<(), Problem> {
    entry(service, account, name)?
        .set_secret(value)
        .map_err(|error| unavailable(&error))
}

/// A value, or `None` where none is kept.
pub fn get(
    service: &str,
    account: AccountId,
    name: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, Problem> {
    let read = entry(service, account, name).map(|entry| entry.get_secret());
    match read {
        Ok(Ok(value)) => Ok(Some(Zeroizing::new(value))),
        Ok(Err(Error::NoEntry)) => Ok(None),
        Ok(Err(error)) => {
            let _ = unavailable(&error);
            Err(Problem::new(Code::VaultUnreadable))
        }
        Err(_) => Err(Problem::new(Code::VaultUnreadable)),
    }
}

/// Deletes both entries; each is tried whatever becomes of the other.
pub fn erase(service: &str, account: AccountId) -> Result<(), Problem> {
    let delete = |name| match entry(service, account, name)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(unavailable(&error)),
    };
    let (key, sessions) = (delete(KEY), delete(SESSIONS));
    key.and(sessions)
}

/// Puts, gets and deletes an entry of a name that nobody else uses.
pub fn probe(service: &str) -> Result<(), Problem> {
    let probe = AccountId::new(uuid::Uuid::new_v4());
    put(service, probe, "probe", b"probe")?;
    let read = get(service, probe, "probe");
    let deleted = entry(service, probe, "probe")?
        .delete_credential()
        .map_err(|error| unavailable(&error));
    match read {
        Ok(Some(value)) if *value == b"probe" => deleted,
        _ => Err(Problem::new(Code::VaultUnavailable)),
    }
}
