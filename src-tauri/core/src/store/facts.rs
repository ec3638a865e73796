//! Single facts: whose database this is, cursors, the revision.

use rusqlite::{Connection, OptionalExtension as _};

use super::StoreError;
use crate::{
    bridge::Depth,
    model::{Instant, PersonId, Stamps},
};

/// Whose database this is.
pub const ME: &str = "me";
/// Present once the first list of conversations is complete.
pub const LISTED: &str = "listed";
/// Where the catch-up by creation stands.
pub const CURSOR_CREATED: &str = "cursor_created";
/// Where the catch-up by `date_updated` stands.
pub const CURSOR_UPDATED: &str = "cursor_updated";
/// When the directory was last read whole.
pub const PEOPLE_READ: &str = "people_read";
/// When all that is held was last compared with the server.
pub const COMPARED_WHOLE: &str = "compared_whole";
/// When a spare session was last renewed.
pub const SPARE_RENEWED: &str = "spare_renewed";

/// How often the store has changed for an observer.
pub const REVISION: &str = "revision";
/// Which stamps the server has.
pub const STAMPS: &str = "stamps";
/// By how much stamps lie ahead of UTC.
pub const OFFSET: &str = "offset";
/// How much of every conversation is to be kept here.
pub const DEPTH: &str = "depth";

/// A fact's value.
///
/// # Errors
/// SQLite's.
pub fn get(tx: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT value FROM fact WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

/// Writes a fact.
///
/// # Errors
/// SQLite's.
pub fn set(tx: &Connection, name: &str, value: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO fact (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute([name, value])?;
    Ok(())
}

/// Whose database this is.
///
/// # Errors
/// SQLite's; `Corrupt` when nobody's.
pub fn me(tx: &Connection) -> Result<PersonId, StoreError> {
    get(tx, ME)?
        .and_then(|text| text.parse().ok())
        .ok_or(StoreError::Corrupt("owner"))
}

/// An instant that was written with [`set_instant`].
///
/// # Errors
/// SQLite's.
pub fn instant(tx: &Connection, name: &str) -> Result<Option<Instant>, StoreError> {
    Ok(get(tx, name)?
        .and_then(|text| text.parse().ok())
        .map(Instant))
}

/// Writes an instant.
///
/// # Errors
/// SQLite's.
pub fn set_instant(tx: &Connection, name: &str, at: Instant) -> Result<(), StoreError> {
    set(tx, name, &at.0.to_string())
}

/// How often the store has changed for an observer.
///
/// # Errors
/// SQLite's.
pub fn revision(tx: &Connection) -> Result<i64, StoreError> {
    Ok(instant(tx, REVISION)?.unwrap_or_default().0)
}

/// Raises the revision by one and gives the new one.
///
/// # Errors
/// SQLite's.
pub fn raise_revision(tx: &Connection) -> Result<i64, StoreError> {
    let next = revision(tx)?.saturating_add(1);
    set_instant(tx, REVISION, Instant(next))?;
    Ok(next)
}

/// The stamps that the server had when it was last asked.
///
/// # Errors
/// SQLite's.
pub fn stamps(tx: &Connection) -> Result<Option<Stamps>, StoreError> {
    Ok(match get(tx, STAMPS)?.as_deref() {
        Some("sender") => Some(Stamps::Sender),
        Some("server") => Some(Stamps::Server),
        _ => None,
    })
}

/// Writes down the server's stamps.
///
/// # Errors
/// SQLite's.
pub fn set_stamps(tx: &Connection, stamps: Stamps) -> Result<(), StoreError> {
    let value = match stamps {
        Stamps::Sender => "sender",
        Stamps::Server => "server",
    };
    set(tx, STAMPS, value)
}

/// By how many milliseconds a stamp lies ahead of UTC: the tutorial's
/// `dateTime` is in the server's own zone, which is learned by sending.
///
/// # Errors
/// SQLite's.
pub fn offset(tx: &Connection) -> Result<i64, StoreError> {
    Ok(known_offset(tx)?.unwrap_or_default())
}

/// The offset, if it has been learned.
///
/// # Errors
/// SQLite's.
pub fn known_offset(tx: &Connection) -> Result<Option<i64>, StoreError> {
    Ok(instant(tx, OFFSET)?.map(|at| at.0))
}

/// Writes down the offset.
///
/// # Errors
/// SQLite's.
pub fn set_offset(tx: &Connection, offset: i64) -> Result<(), StoreError> {
    set_instant(tx, OFFSET, Instant(offset))
}

/// How much of every conversation is to be kept here.
///
/// # Errors
/// SQLite's.
pub fn depth(tx: &Connection) -> Result<Depth, StoreError> {
    Ok(get(tx, DEPTH)?
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default())
}

/// Writes down how much is to be kept.
///
/// # Errors
/// SQLite's.
pub fn set_depth(tx: &Connection, depth: Depth) -> Result<(), StoreError> {
    let json = serde_json::to_string(&depth).map_err(|_| StoreError::Corrupt("depth"))?;
    set(tx, DEPTH, &json)
}
