//! Tables as they stand, read and written whole: what an account was like when
//! it was opened, for a replay.
//!
//! Nothing here is used by an engine, and what is written goes into a database
//! that is nobody's.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{StoreError, conversations, facts, held::Spot, index, messages, outbox};
use crate::model::{ConversationId, MessageId, Person, PersonId};

/// A conversation's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Its newest message.
    pub last_message: Option<MessageId>,
    /// When something happened last.
    pub activity: i64,
    /// How many are unread.
    pub unread: i64,
    /// Up to where it was read.
    pub read: Option<Spot>,
    /// What was typed and not sent.
    pub draft: Option<String>,
    /// When.
    pub drafted: Option<i64>,
}

/// A range that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Its first place.
    pub from: Spot,
    /// Its last place.
    pub until: Spot,
}

/// A report that waits, or was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its place in the order.
    pub number: i64,
    /// What is reported.
    pub report: crate::directus::safety::Report,
    /// Whether the server refused it.
    pub refused: bool,
}

fn corrupt<E>(what: &'static str) -> impl Fn(E) -> StoreError {
    move |_| StoreError::Corrupt(what)
}

fn all<T>(
    tx: &Connection,
    sql: &str,
    limit: u32,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = tx.prepare(sql)?;
    let mut rows = statement.query([limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn id<T: std::str::FromStr>(
    row: &Row<'_>,
    column: usize,
    what: &'static str,
) -> Result<T, StoreError> {
    row.get::<_, String>(column)?.parse().map_err(corrupt(what))
}

fn maybe_id<T: std::str::FromStr>(
    row: &Row<'_>,
    column: usize,
    what: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(corrupt(what)))
        .transpose()
}

/// Every fact.
///
/// # Errors
/// SQLite's.
pub fn facts(tx: &Connection) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT name, value FROM fact ORDER BY name LIMIT ?1";
    all(tx, sql, u32::MAX, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// People, so many at most.
///
/// # Errors
/// SQLite's.
pub fn people(tx: &Connection, limit: u32) -> Result<Vec<Person>, StoreError> {
    all(tx, "SELECT id, name FROM person LIMIT ?1", limit, |row| {
        Ok(Person {
            id: id(row, 0, "person.id")?,
            name: row.get(1)?,
        })
    })
}

/// Conversations, the newest first, so many at most.
///
/// # Errors
/// SQLite's.
pub fn conversations(tx: &Connection, limit: u32) -> Result<Vec<Conversation>, StoreError> {
    let sql = "SELECT id, last_message, activity, unread, read_stamp, read_id, draft, drafted
        FROM conversation ORDER BY activity DESC, id DESC LIMIT ?1";
    all(tx, sql, limit, |row| {
        let (stamp, read): (Option<i64>, Option<String>) = (row.get(4)?, row.get(5)?);
        Ok(Conversation {
            id: id(row, 0, "conversation.id")?,
            last_message: maybe_id(row, 1, "conversation.last_message")?,
            activity: row.get(2)?,
            unread: row.get(3)?,
            read: stamp.zip(read),
            draft: row.get(6)?,
            drafted: row.get(7)?,
        })
    })
}

/// Ranges, so many at most.
///
/// # Errors
/// SQLite's.
pub fn held(tx: &Connection, limit: u32) -> Result<Vec<Held>, StoreError> {
    let sql = "SELECT conversation, from_stamp, from_id, until_stamp, until_id FROM held LIMIT ?1";
    all(tx, sql, limit, |row| {
        Ok(Held {
            conversation: id(row, 0, "held.conversation")?,
            from: (row.get(1)?, row.get(2)?),
            until: (row.get(3)?, row.get(4)?),
        })
    })
}

/// Reports, so many at most.
///
/// # Errors
/// SQLite's.
pub fn reports(tx: &Connection, limit: u32) -> Result<Vec<Report>, StoreError> {
    let sql = "SELECT number, id, about, message, reason, comment, copy, state
        FROM report ORDER BY number LIMIT ?1";
    all(tx, sql, limit, |row| {
        let reason: String = row.get(4)?;
        let state: String = row.get(7)?;
        Ok(Report {
            number: row.get(0)?,
            report: crate::directus::safety::Report {
                id: id(row, 1, "report.id")?,
                about: maybe_id(row, 2, "report.about")?,
                message: maybe_id(row, 3, "report.message")?,
                reason: crate::bridge::ReportReason::read(&reason)
                    .ok_or(StoreError::Corrupt("report.reason"))?,
                comment: row.get(5)?,
                copy: row.get(6)?,
            },
            refused: state == "refused",
        })
    })
}

/// Messages, the newest first, so many at most, one after the other.
///
/// # Errors
/// SQLite's, and what `each` gives.
pub fn messages(
    tx: &Connection,
    limit: u32,
    mut each: impl FnMut(messages::Kept) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let columns = messages::COLUMNS;
    let sql = format!("SELECT {columns} FROM message ORDER BY place DESC LIMIT ?1");
    let mut statement = tx.prepare(&sql)?;
    let mut rows = statement.query([limit])?;
    while let Some(row) = rows.next()? {
        each(messages::kept(messages::raw(row)?)?)?;
    }
    Ok(())
}

/// Tables whose numbers go on from the highest that there ever was.
pub const NUMBERED: [&str; 2] = ["outbox", "report"];

/// The highest number that a table ever had.
///
/// # Errors
/// SQLite's.
pub fn highest(tx: &Connection, table: &str) -> Result<i64, StoreError> {
    let found: Option<i64> = tx
        .prepare("SELECT seq FROM sqlite_sequence WHERE name = ?1")?
        .query_row([table], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// How many rows each table has.
///
/// # Errors
/// SQLite's.
pub fn counts(tx: &Connection) -> Result<Vec<(&'static str, i64)>, StoreError> {
    const TABLES: [&str; 9] = [
        "block",
        "conversation",
        "held",
        "message",
        "outbox",
        "person",
        "report",
        "set_aside",
        "tally",
    ];
    TABLES
        .into_iter()
        .map(|table| {
            let count = tx
                .prepare(&format!("SELECT count(*) FROM \"{table}\""))?
                .query_row([], |row| row.get(0))?;
            Ok((table, count))
        })
        .collect()
}

/// Fills an empty database, which is somebody's by the fact that says so.
pub struct Filling<'tx>(&'tx Connection);

impl<'tx> Filling<'tx> {
    /// Begins with its facts: what is done with messages needs them.
    ///
    /// # Errors
    /// SQLite's.
    pub fn begin(tx: &'tx Connection, facts: &[(String, String)]) -> Result<Self, StoreError> {
        for (name, value) in facts {
            facts::set(tx, name, value)?;
        }
        Ok(Self(tx))
    }

    /// A message, which is new.
    ///
    /// # Errors
    /// SQLite's; `Corrupt` where it does not concern whose database it is.
    pub fn message(&self, me: PersonId, kept: &messages::Kept) -> Result<(), StoreError> {
        let conversation = kept
            .message
            .conversation(me)
            .ok_or(StoreError::Corrupt("message.conversation"))?;
        messages::save(self.0, &kept.message, conversation)?;
        if kept.pending {
            let number = kept.message.stamp.0;
            self.0.execute(
                "UPDATE message SET pending = 1, typed = ?2, place = ?3 WHERE id = ?1",
                params![
                    kept.message.id.to_string(),
                    kept.typed.map(|at| at.0),
                    messages::PENDING.saturating_add(number)
                ],
            )?;
        }
        Ok(())
    }

    /// A job, whose message is there.
    ///
    /// # Errors
    /// SQLite's.
    pub fn job(&self, job: &outbox::Job) -> Result<(), StoreError> {
        outbox::add(self.0, job.number, job.message, job.conversation)?;
        outbox::set_state(self.0, job.message, job.state, job.problem.as_ref())?;
        self.0.execute(
            "UPDATE outbox SET attempts = ?2 WHERE number = ?1",
            [job.number, job.attempts],
        )?;
        Ok(())
    }

    /// A range.
    ///
    /// # Errors
    /// SQLite's.
    pub fn held(&self, held: &Held) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO held (conversation, from_stamp, from_id, until_stamp, until_id)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                held.conversation.to_string(),
                held.from.0,
                held.from.1,
                held.until.0,
                held.until.1
            ],
        )?;
        Ok(())
    }

    /// A report.
    ///
    /// # Errors
    /// SQLite's.
    pub fn report(&self, report: &Report) -> Result<(), StoreError> {
        super::safety::save_report(self.0, &report.report)?;
        self.0.execute(
            "UPDATE report SET number = ?2 WHERE id = ?1",
            params![report.report.id.to_string(), report.number],
        )?;
        if report.refused {
            super::safety::refuse_report(self.0, report.report.id)?;
        }
        Ok(())
    }

    /// Ends with the conversations' rows, which messages have changed, and with
    /// what is counted on.
    ///
    /// # Errors
    /// SQLite's.
    pub fn end(self, rows: &[Conversation], highest: &[(String, i64)]) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM conversation", [])?;
        for row in rows {
            conversations::ensure(self.0, row.id)?;
            self.0.execute(
                "UPDATE conversation SET last_message = ?2, activity = ?3, unread = ?4,
                   read_stamp = ?5, read_id = ?6, draft = ?7, drafted = ?8 WHERE id = ?1",
                params![
                    row.id.to_string(),
                    row.last_message.map(|id| id.to_string()),
                    row.activity,
                    row.unread,
                    row.read.as_ref().map(|(stamp, _)| *stamp),
                    row.read.as_ref().map(|(_, id)| id),
                    row.draft,
                    row.drafted
                ],
            )?;
        }
        for (table, number) in highest {
            self.0
                .execute("DELETE FROM sqlite_sequence WHERE name = ?1", [table])?;
            self.0.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
                params![table, number],
            )?;
        }
        index::update(self.0)
    }
}
