//! The conversation table: one row each, maintained with the messages.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    StoreError,
    held::{Spot, is_after},
};
use crate::model::{ConversationId, Instant, Message, MessageId, PersonId};

/// A conversation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: ConversationId,
    /// Its newest message, pending ones included.
    pub last_message: Option<MessageId>,
    /// When something happened last: orders the list.
    pub activity: i64,
    /// How many messages of others lie after the read mark.
    pub unread: i64,
    /// Up to where it was read.
    pub read: Option<Spot>,
    /// What was typed and not sent.
    pub draft: Option<String>,
    /// Whether the other person is blocked.
    pub blocked: bool,
}

type Raw = (
    String,
    Option<String>,
    i64,
    i64,
    Option<i64>,
    Option<String>,
    Option<String>,
    bool,
);

const COLUMNS: &str = "id, last_message, activity, unread, read_stamp, read_id, draft,
    EXISTS (SELECT 1 FROM block WHERE block.person = conversation.person AND wanted = 1)";

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
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
    let (id, last_message, activity, unread, read_stamp, read_id, draft, blocked) = raw;
    Ok(Kept {
        id: id
            .parse()
            .map_err(|_| StoreError::Corrupt("conversation.id"))?,
        last_message: last_message
            .map(|id| {
                id.parse()
                    .map_err(|_| StoreError::Corrupt("conversation.last_message"))
            })
            .transpose()?,
        activity,
        unread,
        read: read_stamp.zip(read_id),
        draft,
        blocked,
    })
}

/// One conversation.
///
/// # Errors
/// SQLite's.
pub fn get(tx: &Connection, id: ConversationId) -> Result<Option<Kept>, StoreError> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM conversation WHERE id = ?1"))?
        .query_row([id.to_string()], raw)
        .optional()?
        .map(kept)
        .transpose()
}

/// Conversations whose person's name holds `query`, newest activity first,
/// after `(activity, id)` if given. Those with somebody who is blocked are left
/// out.
///
/// # Errors
/// SQLite's.
pub fn list(
    tx: &Connection,
    query: &str,
    after: Option<(i64, &str)>,
    limit: u32,
) -> Result<Vec<Kept>, StoreError> {
    let (activity, id) = after.unwrap_or((i64::MAX, "~"));
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM conversation
         WHERE (activity, id) < (?1, ?2)
           AND (?3 = '' OR person IN (SELECT id FROM person WHERE instr(folded, ?3) > 0))
           AND person NOT IN (SELECT person FROM block WHERE wanted = 1)
         ORDER BY activity DESC, id DESC LIMIT ?4"
    ))?;
    let rows = statement.query_map(
        params![activity, id, super::people::fold(query.trim()), limit],
        raw,
    )?;
    rows.map(|row| kept(row?)).collect()
}

/// Makes sure that a conversation has a row.
///
/// # Errors
/// SQLite's.
pub fn ensure(tx: &Connection, id: ConversationId) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO conversation (id, person, activity) VALUES (?1, ?2, 0)
         ON CONFLICT (id) DO NOTHING",
    )?
    .execute(params![id.to_string(), id.peer().to_string()])?;
    Ok(())
}

/// Brings a conversation's row up to date after its messages or draft have
/// changed. One that has nothing any more goes away, unless what is held of it
/// does not reach its beginning: then there may be more. How many are unread is
/// kept by [`count_unread`], triggers on `message` and [`mark_read`], never
/// counted anew.
///
/// # Errors
/// SQLite's.
pub fn refresh(tx: &Connection, id: ConversationId) -> Result<(), StoreError> {
    let name = id.to_string();
    let last: Option<(String, bool, i64, Option<i64>)> = tx
        .prepare_cached(
            "SELECT id, pending, stamp, typed FROM message WHERE conversation = ?1
             ORDER BY pending DESC, stamp DESC, id DESC LIMIT 1",
        )?
        .query_row([&name], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    ensure(tx, id)?;
    let activity = last.as_ref().map(|(_, pending, stamp, typed)| {
        if *pending {
            typed.unwrap_or_default()
        } else {
            *stamp
        }
    });
    tx.prepare_cached(
        "UPDATE conversation SET last_message = ?2, activity = coalesce(?3, drafted, 0)
         WHERE id = ?1",
    )?
    .execute(params![name, last.map(|(id, ..)| id), activity])?;
    tx.prepare_cached(
        "DELETE FROM conversation WHERE id = ?1 AND last_message IS NULL AND draft IS NULL
           AND NOT EXISTS (SELECT 1 FROM held WHERE conversation = ?1
             AND until_stamp = 9223372036854775807 AND from_stamp > -9223372036854775808)",
    )?
    .execute([name])?;
    Ok(())
}

/// Counts what others wrote and was just added: those after the read mark.
///
/// # Errors
/// SQLite's.
pub(super) fn count_unread(
    tx: &Connection,
    id: ConversationId,
    added: &[&Message],
) -> Result<(), StoreError> {
    let read: Option<Spot> = tx
        .prepare_cached("SELECT read_stamp, read_id FROM conversation WHERE id = ?1")?
        .query_row([id.to_string()], |row| {
            let stamp: Option<i64> = row.get(0)?;
            Ok(stamp.zip(row.get(1)?))
        })?;
    let is_unread = |message: &Message| read.as_ref().is_none_or(|read| is_after(message, read));
    let unread = added.iter().filter(|message| is_unread(message)).count();
    let unread = i64::try_from(unread).unwrap_or(i64::MAX);
    if unread > 0 {
        tx.prepare_cached("UPDATE conversation SET unread = unread + ?2 WHERE id = ?1")?
            .execute(params![id.to_string(), unread])?;
    }
    Ok(())
}

/// Moves the read mark forward, never back. Says whether it moved. Only what
/// lies between the old mark and the new one is looked at, and nothing where
/// all is read.
///
/// # Errors
/// SQLite's.
pub fn mark_read(
    tx: &Connection,
    id: ConversationId,
    until: &Spot,
    me: PersonId,
) -> Result<bool, StoreError> {
    let Some(before) = get(tx, id)? else {
        return Ok(false);
    };
    if before.read.as_ref().is_some_and(|read| read >= until) {
        return Ok(false);
    }
    let newest: Option<Spot> = tx
        .prepare_cached(
            "SELECT stamp, id FROM message WHERE conversation = ?1 AND pending = 0
             ORDER BY stamp DESC, id DESC LIMIT 1",
        )?
        .query_row([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let unread = if newest.is_none_or(|newest| newest <= *until) {
        0
    } else {
        let (stamp, read_id) = before.read.unwrap_or((i64::MIN, String::new()));
        let read: i64 = tx
            .prepare_cached(
                "SELECT count(*) FROM message WHERE conversation = ?1 AND pending = 0
                   AND (stamp, id) > (?2, ?3) AND (stamp, id) <= (?4, ?5) AND sender <> ?6",
            )?
            .query_row(
                params![
                    id.to_string(),
                    stamp,
                    read_id,
                    until.0,
                    until.1,
                    me.to_string()
                ],
                |row| row.get(0),
            )?;
        before.unread.saturating_sub(read).max(0)
    };
    tx.prepare_cached(
        "UPDATE conversation SET read_stamp = ?2, read_id = ?3, unread = ?4 WHERE id = ?1",
    )?
    .execute(params![id.to_string(), until.0, until.1, unread])?;
    Ok(true)
}

/// Every conversation, newest activity first.
///
/// # Errors
/// SQLite's.
pub fn ids(tx: &Connection) -> Result<Vec<ConversationId>, StoreError> {
    active_since(tx, Instant(i64::MIN))
}

/// Conversations in which something happened at or after an instant. One in which
/// something waits to be sent is always among them: its activity is of this device's
/// clock, and what the server holds may be younger.
///
/// # Errors
/// SQLite's.
pub fn active_since(tx: &Connection, since: Instant) -> Result<Vec<ConversationId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id FROM conversation WHERE activity >= ?1 OR id IN (SELECT conversation FROM outbox)
         ORDER BY activity DESC, id DESC",
    )?;
    let rows = statement.query_map([since.0], |row| row.get::<_, String>(0))?;
    rows.map(|row| {
        row?.parse()
            .map_err(|_| StoreError::Corrupt("conversation.id"))
    })
    .collect()
}

/// Keeps what is typed; `None` forgets it.
///
/// # Errors
/// SQLite's.
pub fn set_draft(
    tx: &Connection,
    id: ConversationId,
    text: Option<&str>,
    now: Instant,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO conversation (id, person, activity, draft, drafted) VALUES (?1, ?2, 0, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET draft = excluded.draft, drafted = excluded.drafted",
    )?
    .execute(params![
        id.to_string(),
        id.peer().to_string(),
        text,
        text.map(|_| now.0)
    ])?;
    Ok(())
}

/// Unread messages over all conversations but those with somebody who is blocked.
///
/// # Errors
/// SQLite's.
pub fn unread(tx: &Connection) -> Result<i64, StoreError> {
    Ok(tx
        .prepare_cached(
            "SELECT coalesce(sum(unread), 0) FROM conversation
             WHERE unread > 0 AND person NOT IN (SELECT person FROM block WHERE wanted = 1)",
        )?
        .query_row([], |row| row.get(0))?)
}
