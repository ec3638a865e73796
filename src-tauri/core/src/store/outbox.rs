//! Jobs that wait to be done on the server, in order.
//!
//! What the states mean, and what moves a job from one to the next, is drawn
//! in `engine/outbox.rs`.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;
use crate::{
    bridge::Problem,
    model::{ConversationId, MessageId},
};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its turn; every earlier try was definitely not done.
    Queued,
    /// A request is under way.
    Sending,
    /// A request was made and nothing is known of it.
    Unknown,
    /// Refused for good; waits for a person.
    Refused,
}

impl JobState {
    const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }

    fn read(name: &str) -> Result<Self, StoreError> {
        Ok(match name {
            "queued" => Self::Queued,
            "sending" => Self::Sending,
            "unknown" => Self::Unknown,
            "refused" => Self::Refused,
            _ => return Err(StoreError::Corrupt("outbox.state")),
        })
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its place in the order.
    pub number: i64,
    /// The message to create.
    pub message: MessageId,
    /// Its conversation; jobs of one conversation are done one after another.
    pub conversation: ConversationId,
    /// Where it stands.
    pub state: JobState,
    /// How many requests were made.
    pub attempts: i64,
    /// Why it was refused.
    pub problem: Option<Problem>,
}

type Raw = (i64, String, String, String, i64, Option<String>);

fn job(raw: Raw) -> Result<Job, StoreError> {
    let (number, message, conversation, state, attempts, problem) = raw;
    Ok(Job {
        number,
        message: message
            .parse()
            .map_err(|_| StoreError::Corrupt("outbox.message"))?,
        conversation: conversation
            .parse()
            .map_err(|_| StoreError::Corrupt("outbox.conversation"))?,
        state: JobState::read(&state)?,
        attempts,
        problem: problem.and_then(|json| serde_json::from_str(&json).ok()),
    })
}

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
    ))
}

const COLUMNS: &str = "number, message, conversation, state, attempts, problem";

/// The number that the next job has: above every one there ever was.
///
/// # Errors
/// SQLite's.
pub fn next_number(tx: &Connection) -> Result<i64, StoreError> {
    let last: Option<i64> = tx
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or_default().saturating_add(1))
}

/// Adds a job at the end, under its [`next_number`].
///
/// # Errors
/// SQLite's.
pub fn add(
    tx: &Connection,
    number: i64,
    message: MessageId,
    conversation: ConversationId,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO outbox (number, message, conversation, state) VALUES (?1, ?2, ?3, 'queued')",
    )?
    .execute(params![
        number,
        message.to_string(),
        conversation.to_string()
    ])?;
    Ok(())
}

/// A message's job.
///
/// # Errors
/// SQLite's.
pub fn get(tx: &Connection, message: MessageId) -> Result<Option<Job>, StoreError> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE message = ?1"))?
        .query_row([message.to_string()], raw)
        .optional()?
        .map(job)
        .transpose()
}

/// The first job of each conversation that may be tried next: the refused are
/// passed over, and a conversation with a request under way has none.
///
/// # Errors
/// SQLite's.
pub fn next(tx: &Connection) -> Result<Vec<Job>, StoreError> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE number IN
           (SELECT min(number) FROM outbox WHERE state <> 'refused' GROUP BY conversation)
         AND state <> 'sending' ORDER BY number"
    ))?;
    let rows = statement.query_map([], raw)?;
    rows.map(|row| job(row?)).collect()
}

/// Whether anything waits.
///
/// # Errors
/// SQLite's.
pub fn any(tx: &Connection) -> Result<bool, StoreError> {
    Ok(tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox)")?
        .query_row([], |row| row.get(0))?)
}

/// Every job, in order.
///
/// # Errors
/// SQLite's.
pub fn all(tx: &Connection) -> Result<Vec<Job>, StoreError> {
    let mut statement =
        tx.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox ORDER BY number"))?;
    let rows = statement.query_map([], raw)?;
    rows.map(|row| job(row?)).collect()
}

/// Moves a job to another state.
///
/// # Errors
/// SQLite's.
pub fn set_state(
    tx: &Connection,
    message: MessageId,
    state: JobState,
    problem: Option<&Problem>,
) -> Result<(), StoreError> {
    let problem = problem.and_then(|problem| serde_json::to_string(problem).ok());
    tx.prepare_cached(
        "UPDATE outbox SET state = ?2, problem = ?3,
           attempts = attempts + (?2 = 'sending') WHERE message = ?1",
    )?
    .execute(params![message.to_string(), state.name(), problem])?;
    Ok(())
}

/// After a stop nothing is known of requests that were under way.
///
/// # Errors
/// SQLite's.
pub fn forget_requests(tx: &Connection) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE outbox SET state = 'unknown' WHERE state = 'sending'",
        [],
    )?;
    Ok(())
}

/// Takes a job away.
///
/// # Errors
/// SQLite's.
pub fn remove(tx: &Connection, message: MessageId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM outbox WHERE message = ?1")?
        .execute([message.to_string()])?;
    Ok(())
}
