//! Blocks, reports, accepted terms, and what the owner says of themselves.
//!
//! A block or a report waits here until the server has it; one that is told
//! stays as the server's word, and a report goes. Where the server has no place
//! for blocks they wait for good, and hold on this device.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{StoreError, facts};
use crate::{
    bridge::ReportReason,
    directus::safety::{Owner, Report},
    model::{Instant, PersonId},
};

/// Which terms were accepted, and when.
pub const TERMS: &str = "terms";
/// What the owner says of themselves.
pub const OWNER: &str = "owner";
/// When the owner was asked to delete the account.
pub const DELETION: &str = "deletion_asked";

/// The terms that were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Which version of them.
    pub version: u32,
    /// When.
    pub at: i64,
}

/// What has become of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockState {
    /// The server is to be told.
    Waiting,
    /// The server has it.
    Told,
    /// The server refused it.
    Refused,
}

impl BlockState {
    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Told => "told",
            Self::Refused => "refused",
        }
    }

    fn read(text: &str) -> Result<Self, StoreError> {
        [Self::Waiting, Self::Told, Self::Refused]
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or(StoreError::Corrupt("block.state"))
    }
}

/// A block as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Who is blocked, or not any more.
    pub person: PersonId,
    /// The row's key on the server.
    pub key: Uuid,
    /// Whether they are to be blocked.
    pub wanted: bool,
    /// What has become of it.
    pub state: BlockState,
    /// Since when.
    pub since: Instant,
}

/// Every block, also those that are being lifted, by person.
///
/// # Errors
/// SQLite's.
pub fn blocks(tx: &Connection) -> Result<Vec<Block>, StoreError> {
    let mut statement =
        tx.prepare_cached("SELECT person, key, wanted, state, since FROM block ORDER BY person")?;
    let rows = statement.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, bool>(2)?,
            row.get::<_, String>(3)?,
            row.get::<_, i64>(4)?,
        ))
    })?;
    rows.map(|row| {
        let (person, key, wanted, state, since) = row?;
        Ok(Block {
            person: person
                .parse()
                .map_err(|_| StoreError::Corrupt("block.person"))?,
            key: key.parse().map_err(|_| StoreError::Corrupt("block.key"))?,
            wanted,
            state: BlockState::read(&state)?,
            since: Instant(since),
        })
    })
    .collect()
}

/// Whether somebody is blocked.
///
/// # Errors
/// SQLite's.
pub fn is_blocked(tx: &Connection, person: PersonId) -> Result<bool, StoreError> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM block WHERE person = ?1 AND wanted = 1")?
        .exists([person.to_string()])?)
}

/// Writes a block down over what is known of that person.
///
/// # Errors
/// SQLite's.
pub fn save_block(tx: &Connection, block: &Block) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO block (person, key, wanted, state, since) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (person) DO UPDATE SET key = excluded.key, wanted = excluded.wanted,
           state = excluded.state, since = excluded.since",
    )?
    .execute(params![
        block.person.to_string(),
        block.key.to_string(),
        block.wanted,
        block.state.name(),
        block.since.0
    ])?;
    Ok(())
}

/// Forgets a block.
///
/// # Errors
/// SQLite's.
pub fn forget_block(tx: &Connection, person: PersonId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM block WHERE person = ?1")?
        .execute([person.to_string()])?;
    Ok(())
}

/// Keeps a report until the server has it.
///
/// # Errors
/// SQLite's.
pub fn save_report(tx: &Connection, report: &Report) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO report (id, about, message, reason, comment, copy, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting') ON CONFLICT (id) DO NOTHING",
    )?
    .execute(params![
        report.id.to_string(),
        report.about.map(|about| about.to_string()),
        report.message.map(|message| message.to_string()),
        report.reason.name(),
        report.comment,
        report.copy,
    ])?;
    Ok(())
}

/// The report that is to be sent next.
///
/// # Errors
/// SQLite's.
pub fn next_report(tx: &Connection) -> Result<Option<Report>, StoreError> {
    type Raw = (
        String,
        Option<String>,
        Option<String>,
        String,
        String,
        Option<String>,
    );
    let raw: Option<Raw> = tx
        .prepare_cached(
            "SELECT id, about, message, reason, comment, copy FROM report
             WHERE state = 'waiting' ORDER BY number LIMIT 1",
        )?
        .query_row([], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
            ))
        })
        .optional()?;
    let Some((id, about, message, reason, comment, copy)) = raw else {
        return Ok(None);
    };
    let corrupt = |what| move |_| StoreError::Corrupt(what);
    Ok(Some(Report {
        id: id.parse().map_err(|_| StoreError::Corrupt("report.id"))?,
        about: about
            .map(|id| id.parse())
            .transpose()
            .map_err(corrupt("report.about"))?,
        message: message
            .map(|id| id.parse())
            .transpose()
            .map_err(corrupt("report.message"))?,
        reason: ReportReason::read(&reason).ok_or(StoreError::Corrupt("report.reason"))?,
        comment,
        copy,
    }))
}

/// The server has the report.
///
/// # Errors
/// SQLite's.
pub fn forget_report(tx: &Connection, id: Uuid) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM report WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

/// The server refused the report: it is kept, and not tried again by itself.
///
/// # Errors
/// SQLite's.
pub fn refuse_report(tx: &Connection, id: Uuid) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE report SET state = 'refused' WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

/// How many reports wait, and how many were refused.
///
/// # Errors
/// SQLite's.
pub fn reports(tx: &Connection) -> Result<(u32, u32), StoreError> {
    Ok(tx
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE state = 'waiting'),
                    count(*) FILTER (WHERE state = 'refused') FROM report",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Which terms were accepted, and when.
///
/// # Errors
/// SQLite's.
pub fn accepted(tx: &Connection) -> Result<Option<Accepted>, StoreError> {
    Ok(facts::get(tx, TERMS)?.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Writes down that terms were accepted.
///
/// # Errors
/// SQLite's.
pub fn set_accepted(tx: &Connection, accepted: Accepted) -> Result<(), StoreError> {
    let json = serde_json::to_string(&accepted).map_err(|_| StoreError::Corrupt("terms"))?;
    facts::set(tx, TERMS, &json)
}

/// What the owner said of themselves when the server was last asked; none
/// before that.
///
/// # Errors
/// SQLite's.
pub fn owner(tx: &Connection) -> Result<Option<Owner>, StoreError> {
    Ok(facts::get(tx, OWNER)?.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Writes it down; says whether that is something new.
///
/// # Errors
/// SQLite's.
pub fn set_owner(tx: &Connection, owner: &Owner) -> Result<bool, StoreError> {
    if self::owner(tx)?.as_ref() == Some(owner) {
        return Ok(false);
    }
    let json = serde_json::to_string(owner).map_err(|_| StoreError::Corrupt("owner's words"))?;
    facts::set(tx, OWNER, &json)?;
    Ok(true)
}
