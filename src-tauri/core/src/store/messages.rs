//! Messages: rows as the server has them, and mine that it does not have yet.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{StoreError, held::Spot};
use crate::model::{ConversationId, Instant, Message, MessageId, PersonId};

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The message; for a pending one the stamp is its number in the outbox.
    pub message: Message,
    /// Whether it waits in the outbox.
    pub pending: bool,
    /// When it was typed, for a pending one.
    pub typed: Option<Instant>,
}

/// What became of a row from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upsert {
    /// It was not known.
    New,
    /// It was pending here: now it is sent.
    Confirmed,
    /// Its text or stamp is new.
    Changed,
    /// It was known as it is, or a newer form of it.
    Same,
}

const COLUMNS: &str = "id, sender, receiver, content, stamp, updated, pending, typed";

fn corrupt(column: &'static str) -> impl Fn(crate::model::IdError) -> StoreError {
    move |_| StoreError::Corrupt(column)
}

type Raw = (
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    bool,
    Option<i64>,
);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
    ))
}

fn kept(raw: Raw) -> Result<Kept, StoreError> {
    let (id, sender, receiver, content, stamp, updated, pending, typed) = raw;
    Ok(Kept {
        message: Message {
            id: id.parse().map_err(corrupt("message.id"))?,
            content,
            sender: sender.parse().map_err(corrupt("message.sender"))?,
            receiver: receiver.parse().map_err(corrupt("message.receiver"))?,
            stamp: Instant(stamp),
            updated: updated.map(Instant),
        },
        pending,
        typed: typed.map(Instant),
    })
}

/// One message.
///
/// # Errors
/// SQLite's.
pub fn get(tx: &Connection, id: MessageId) -> Result<Option<Kept>, StoreError> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM message WHERE id = ?1"))?
        .query_row([id.to_string()], raw)
        .optional()?
        .map(kept)
        .transpose()
}

/// Writes a row that came from the server. It takes the place of a pending
/// one with the same id, whose job in the outbox is then done.
///
/// # Errors
/// SQLite's.
pub fn save(
    tx: &Connection,
    message: &Message,
    conversation: ConversationId,
) -> Result<Upsert, StoreError> {
    let before = get(tx, message.id)?;
    if let Some(before) = &before
        && !before.pending
        && (before.message == *message || before.message.updated > message.updated)
    {
        return Ok(Upsert::Same);
    }
    tx.prepare_cached(
        "INSERT INTO message (id, conversation, sender, receiver, content, pending, stamp, updated)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET
           conversation = excluded.conversation, sender = excluded.sender,
           receiver = excluded.receiver, content = excluded.content, pending = 0,
           stamp = excluded.stamp, updated = excluded.updated, typed = NULL",
    )?
    .execute(params![
        message.id.to_string(),
        conversation.to_string(),
        message.sender.to_string(),
        message.receiver.to_string(),
        message.content,
        message.stamp.0,
        message.updated.map(|at| at.0),
    ])?;
    Ok(match before {
        None => Upsert::New,
        Some(before) if before.pending => {
            super::outbox::remove(tx, message.id)?;
            Upsert::Confirmed
        }
        Some(_) => Upsert::Changed,
    })
}

/// Writes a message of mine that the server does not have yet, with its job.
///
/// # Errors
/// SQLite's, an id that is there already among them.
pub fn queue(
    tx: &Connection,
    id: MessageId,
    me: PersonId,
    conversation: ConversationId,
    content: &str,
    typed: Instant,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO message (id, conversation, sender, receiver, content, pending, stamp, typed)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6)",
    )?
    .execute(params![
        id.to_string(),
        conversation.to_string(),
        me.to_string(),
        conversation.peer().to_string(),
        content,
        typed.0,
    ])?;
    let number = super::outbox::add(tx, id, conversation)?;
    tx.prepare_cached("UPDATE message SET stamp = ?2 WHERE id = ?1")?
        .execute(params![id.to_string(), number])?;
    Ok(())
}

/// Takes a message away; its job goes with it. Says which conversation it was in.
///
/// # Errors
/// SQLite's.
pub fn remove(tx: &Connection, id: MessageId) -> Result<Option<ConversationId>, StoreError> {
    tx.prepare_cached("DELETE FROM message WHERE id = ?1 RETURNING conversation")?
        .query_row([id.to_string()], |row| row.get::<_, String>(0))
        .optional()?
        .map(|text| text.parse().map_err(corrupt("message.conversation")))
        .transpose()
}

/// Confirmed messages of a conversation from `from` on, newest first, before
/// the place `(pending, stamp, id)` if one is given, pending ones included.
///
/// # Errors
/// SQLite's.
pub fn before(
    tx: &Connection,
    conversation: ConversationId,
    from: Option<&Spot>,
    place: Option<(bool, i64, &str)>,
    limit: u32,
) -> Result<Vec<Kept>, StoreError> {
    let (pending, stamp, id) = place.unwrap_or((true, i64::MAX, ""));
    // Without a range nothing confirmed may be shown.
    let (from_stamp, from_id) = from.map_or((i64::MAX, "~"), |spot| (spot.0, spot.1.as_str()));
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM message
         WHERE conversation = ?1 AND (pending, stamp, id) < (?2, ?3, ?4)
           AND (pending, stamp, id) >= (0, ?5, ?6)
         ORDER BY pending DESC, stamp DESC, id DESC LIMIT ?7"
    ))?;
    let rows = statement.query_map(
        params![
            conversation.to_string(),
            pending,
            stamp,
            id,
            from_stamp,
            from_id,
            limit
        ],
        raw,
    )?;
    rows.map(|row| kept(row?)).collect()
}

/// Messages of a conversation after the place, oldest first, pending ones included.
///
/// # Errors
/// SQLite's.
pub fn after(
    tx: &Connection,
    conversation: ConversationId,
    place: (bool, i64, &str),
    limit: u32,
) -> Result<Vec<Kept>, StoreError> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM message
         WHERE conversation = ?1 AND (pending, stamp, id) > (?2, ?3, ?4)
         ORDER BY pending, stamp, id LIMIT ?5"
    ))?;
    let rows = statement.query_map(
        params![conversation.to_string(), place.0, place.1, place.2, limit],
        raw,
    )?;
    rows.map(|row| kept(row?)).collect()
}

/// Confirmed messages of a conversation with exactly this stamp, or within
/// its second.
///
/// # Errors
/// SQLite's.
pub fn ids_between(
    tx: &Connection,
    conversation: ConversationId,
    from: Instant,
    until: Instant,
) -> Result<Vec<MessageId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id FROM message WHERE conversation = ?1 AND pending = 0
           AND stamp BETWEEN ?2 AND ?3 ORDER BY stamp, id",
    )?;
    let rows = statement.query_map(params![conversation.to_string(), from.0, until.0], |row| {
        row.get::<_, String>(0)
    })?;
    rows.map(|row| row?.parse().map_err(corrupt("message.id")))
        .collect()
}

/// How many confirmed messages one person wrote in a conversation, with a
/// stamp in this span.
///
/// # Errors
/// SQLite's.
pub fn count(
    tx: &Connection,
    conversation: ConversationId,
    sender: PersonId,
    from: Instant,
    until: Instant,
) -> Result<u64, StoreError> {
    let count: i64 = tx
        .prepare_cached(
            "SELECT count(*) FROM message WHERE conversation = ?1 AND pending = 0
               AND stamp BETWEEN ?3 AND ?4 AND sender = ?2",
        )?
        .query_row(
            params![
                conversation.to_string(),
                sender.to_string(),
                from.0,
                until.0
            ],
            |row| row.get(0),
        )?;
    Ok(count.unsigned_abs())
}

/// Notes a row that could not be read.
///
/// # Errors
/// SQLite's.
pub fn set_aside(tx: &Connection, id: &str, reason: &str, now: Instant) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO set_aside (id, reason, seen) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, seen = excluded.seen",
    )?
    .execute(params![id, reason, now.0])?;
    Ok(())
}
