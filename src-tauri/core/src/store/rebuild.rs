//! What is done when the database is damaged: it is set aside, never deleted,
//! and a new one takes its place with what nobody else has.
//!
//! Owns: the names of what is set aside, and reading past damage. Never: the
//! judgement that a file must be rebuilt because some statement failed; that
//! takes [`is_sound`].
//!
//! ```text
//!  messages.db damaged --new file filled beside it--> messages.new
//!    --renamed--> messages.damaged-1 (with its -wal)
//!    --messages.new renamed--> messages.db
//! ```
//!
//! Stopped at any point, [`finish`] at the next opening goes on. What can be
//! read of messages that wait to be sent and of drafts comes over, row by row;
//! everything else is on the server. After an error the damaged file is opened
//! anew, for SQLCipher gives nothing more on a connection that has met a
//! forged page.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Key, Place, StoreError, facts, messages::PENDING, open, open_damaged, safety, set_me};
use crate::model::PersonId;

/// How often the damaged file is opened anew for one table, at most.
const TRIES: usize = 64;

/// What came over from a damaged database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// Messages that wait to be sent.
    pub unsent: usize,
    /// Drafts.
    pub drafts: usize,
    /// Where the damaged file is now.
    pub aside: PathBuf,
}

/// Reads all of a database and says whether every page and index is as it was
/// written. Takes seconds for a large one: ask only when something failed.
#[must_use]
pub fn is_sound(path: &Path, key: &Key) -> bool {
    let whole = |connection: &Connection| -> Result<bool, rusqlite::Error> {
        let forged: Option<String> = connection
            .query_row("PRAGMA cipher_integrity_check", [], |row| row.get(0))
            .optional()?;
        if forged.is_some() {
            return Ok(false);
        }
        let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok(said == "ok")
    };
    open_damaged(path, key).is_ok_and(|connection| whole(&connection).unwrap_or(false))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Renames, and does not mind what is not there.
fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Goes on with a rebuilding that was stopped between its last two steps.
///
/// # Errors
/// The file system's.
pub fn finish(path: &Path) -> Result<(), StoreError> {
    let fresh = unfinished(path);
    // The old file goes only when the new one is whole.
    if !path.exists() && fresh.exists() {
        fs::rename(fresh, path)?;
    }
    Ok(())
}

/// Sets a damaged database aside and opens a new one in its place. No
/// connection to it may be open. `revision` is the least that the new one may
/// begin with.
///
/// # Errors
/// The file system's, a full disk; the old file is then where it was.
pub fn rebuild(
    path: &Path,
    key: &Key,
    me: PersonId,
    name: &str,
    revision: i64,
) -> Result<(Connection, Rescued), StoreError> {
    let fresh = unfinished(path);
    for left in ["", "-wal", "-shm"] {
        remove_file(&with_suffix(&fresh, left))?;
    }
    let mut target = open(Place::File(&fresh), key)?;
    set_me(&target, me, name)?;
    let tx = target.transaction()?;
    let mut source = Source::new(path, key);
    let unsent = source.rescue_unsent(&tx)?;
    let drafts = source.rescue_drafts(&tx)?;
    let kept = source.facts();
    source.rescue_safety(&tx)?;
    for fact in [facts::DEPTH, facts::STAMPS, safety::TERMS, safety::DELETION] {
        if let Some(value) = kept.get(fact) {
            facts::set(&tx, fact, value)?;
        }
    }
    let before = kept.get(facts::REVISION).and_then(|text| text.parse().ok());
    let next = before.unwrap_or(0_i64).max(revision).saturating_add(1);
    facts::set(&tx, facts::REVISION, &next.to_string())?;
    super::index::update(&tx)?;
    tx.commit()?;
    target.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(source);
    target.close().map_err(|(_, error)| error)?;

    let aside = (1..)
        .map(|n| path.with_extension(format!("damaged-{n}")))
        .find(|aside| !aside.exists())
        .ok_or(StoreError::Corrupt("aside"))?;
    // The log first: a new file must never meet the old one's.
    for part in ["-wal", "-shm", ""] {
        move_file(&with_suffix(path, part), &with_suffix(&aside, part))?;
    }
    fs::rename(&fresh, path)?;
    let connection = open(Place::File(path), key)?;
    Ok((
        connection,
        Rescued {
            unsent,
            drafts,
            aside,
        },
    ))
}

/// A damaged database, opened anew after every error.
struct Source<'a> {
    path: &'a Path,
    key: &'a Key,
    open: Option<Connection>,
}

/// A message that waits to be sent, as it could be read.
struct Unsent {
    number: i64,
    id: String,
    conversation: String,
    sender: String,
    receiver: String,
    content: String,
    typed: Option<i64>,
}

struct Draft {
    conversation: String,
    person: String,
    text: String,
    drafted: Option<i64>,
}

struct Job {
    number: i64,
    message: String,
    state: String,
    attempts: i64,
    problem: Option<String>,
}

impl<'a> Source<'a> {
    const fn new(path: &'a Path, key: &'a Key) -> Self {
        Self {
            path,
            key,
            open: None,
        }
    }

    fn connection(&mut self) -> Option<&Connection> {
        if self.open.is_none() {
            self.open = open_damaged(self.path, self.key).ok();
        }
        self.open.as_ref()
    }

    /// Rows of a query with two parameters, as far as they can be read; whether
    /// that was all.
    fn rows<T>(
        &mut self,
        sql: &str,
        low: &dyn rusqlite::ToSql,
        high: &dyn rusqlite::ToSql,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> (Vec<T>, bool) {
        let mut found = Vec::new();
        let Some(connection) = self.connection() else {
            return (found, false);
        };
        let whole = (|| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query(params![low, high])?;
            while let Some(row) = rows.next()? {
                found.push(read(row)?);
            }
            Ok::<_, rusqlite::Error>(())
        })()
        .is_ok();
        if !whole {
            self.open = None;
        }
        (found, whole)
    }

    /// Rows of a table with numbered keys: from both ends up to the damage,
    /// and then single ones within it.
    fn numbered<T>(
        &mut self,
        select: &str,
        key: &str,
        (low, high): (i64, i64),
        number: impl Fn(&T) -> i64,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let between = format!("{select} WHERE {key} BETWEEN ?1 AND ?2 ORDER BY {key}");
        let (mut found, whole) = self.rows(&between, &low, &high, &read);
        if whole {
            return found;
        }
        let low = found
            .last()
            .map_or(low, |row| number(row).saturating_add(1));
        let (upper, whole) = self.rows(&format!("{between} DESC"), &low, &high, &read);
        let high = upper
            .last()
            .map_or(high, |row| number(row).saturating_sub(1));
        found.extend(upper);
        if !whole {
            let tries = i64::try_from(TRIES).unwrap_or(i64::MAX);
            for key in low..=high.min(low.saturating_add(tries)) {
                found.extend(self.rows(&between, &key, &key, &read).0);
            }
        }
        found
    }

    fn schema(&mut self) -> u32 {
        self.connection()
            .and_then(|connection| {
                let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
                version.ok()
            })
            .unwrap_or_else(super::newest_schema)
    }

    fn unsent(&mut self) -> Vec<Unsent> {
        let read = |row: &Row<'_>| {
            Ok(Unsent {
                number: row.get(0)?,
                id: row.get(1)?,
                conversation: row.get(2)?,
                sender: row.get(3)?,
                receiver: row.get(4)?,
                content: row.get(5)?,
                typed: row.get(6)?,
            })
        };
        if self.schema() < 2 {
            // No places yet: whatever a walk through the table brings.
            let select = "SELECT stamp, id, conversation, sender, receiver, content, typed
                 FROM message WHERE pending = 1 AND rowid BETWEEN ?1 AND ?2 ORDER BY rowid";
            let (mut found, whole) = self.rows(select, &i64::MIN, &i64::MAX, read);
            if !whole {
                let (upper, _) = self.rows(&format!("{select} DESC"), &i64::MIN, &i64::MAX, read);
                found.extend(upper);
            }
            return found;
        }
        let select = format!(
            "SELECT place - {PENDING}, id, conversation, sender, receiver, content, typed
             FROM message"
        );
        let span = (PENDING, i64::MAX);
        self.numbered(&select, "place", span, |row| row.number + PENDING, read)
    }

    fn jobs(&mut self) -> BTreeMap<String, Job> {
        let read = |row: &Row<'_>| {
            Ok(Job {
                number: row.get(0)?,
                message: row.get(1)?,
                state: row.get(2)?,
                attempts: row.get(3)?,
                problem: row.get(4)?,
            })
        };
        let select = "SELECT number, message, state, attempts, problem FROM outbox";
        self.numbered(select, "number", (0, i64::MAX), |job| job.number, read)
            .into_iter()
            .map(|job| (job.message.clone(), job))
            .collect()
    }

    /// A message whose job can't be read is taken for one of which nothing is
    /// known: its id is the server's key, so asking again makes no second one.
    fn rescue_unsent(&mut self, tx: &Connection) -> Result<usize, StoreError> {
        let jobs = self.jobs();
        let mut waiting: BTreeMap<i64, Unsent> = BTreeMap::new();
        for unsent in self.unsent() {
            waiting.entry(unsent.number).or_insert(unsent);
        }
        let mut rescued = 0;
        for (number, unsent) in waiting {
            // What this program never writes is damage that a page hides.
            if unsent.id.parse::<crate::model::MessageId>().is_err()
                || unsent
                    .conversation
                    .parse::<crate::model::ConversationId>()
                    .is_err()
                || unsent.sender.parse::<PersonId>().is_err()
                || unsent.receiver.parse::<PersonId>().is_err()
            {
                continue;
            }
            let place = PENDING.saturating_add(number);
            tx.execute(
                "INSERT OR IGNORE INTO message
                   (place, id, conversation, sender, receiver, content, pending, stamp, typed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8)",
                params![
                    place,
                    unsent.id,
                    unsent.conversation,
                    unsent.sender,
                    unsent.receiver,
                    unsent.content,
                    number,
                    unsent.typed,
                ],
            )?;
            super::index::note(tx, place)?;
            let job = jobs.get(&unsent.id);
            let state = job
                .map(|job| job.state.as_str())
                .filter(|state| matches!(*state, "queued" | "refused"))
                .unwrap_or("unknown");
            tx.execute(
                "INSERT OR IGNORE INTO outbox
                   (number, message, conversation, state, attempts, problem)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    number,
                    unsent.id,
                    unsent.conversation,
                    state,
                    job.map_or(1, |job| job.attempts),
                    job.and_then(|job| job.problem.as_deref()),
                ],
            )?;
            if let Ok(conversation) = unsent.conversation.parse() {
                super::conversations::refresh(tx, conversation)?;
            }
            rescued += 1;
        }
        Ok(rescued)
    }

    fn drafts(&mut self) -> Vec<Draft> {
        let read = |row: &Row<'_>| {
            Ok(Draft {
                conversation: row.get(0)?,
                person: row.get(1)?,
                text: row.get(2)?,
                drafted: row.get(3)?,
            })
        };
        let select = "SELECT id, person, draft, drafted FROM conversation
             WHERE draft IS NOT NULL AND id BETWEEN ?1 AND ?2 ORDER BY id";
        let (mut found, whole) = self.rows(select, &"", &"~", read);
        if !whole {
            let (upper, _) = self.rows(&format!("{select} DESC"), &"", &"~", read);
            found.extend(upper);
        }
        found
    }

    fn rescue_drafts(&mut self, tx: &Connection) -> Result<usize, StoreError> {
        let mut rescued = 0;
        for draft in self.drafts() {
            if draft
                .conversation
                .parse::<crate::model::ConversationId>()
                .is_err()
            {
                continue;
            }
            rescued += tx.execute(
                "INSERT INTO conversation (id, person, activity, draft, drafted)
                 VALUES (?1, ?2, coalesce(?4, 0), ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET draft = excluded.draft, drafted = excluded.drafted
                 WHERE draft IS NULL",
                params![draft.conversation, draft.person, draft.text, draft.drafted],
            )?;
        }
        Ok(rescued)
    }

    /// Blocks and reports, as far as they can be read; before version 5 there
    /// were none.
    fn rescue_safety(&mut self, tx: &Connection) -> Result<(), StoreError> {
        type Texts = Vec<Option<String>>;
        let texts = |row: &Row<'_>| {
            (0..6)
                .map(|i| row.get(i))
                .collect::<rusqlite::Result<Texts>>()
        };
        for (select, insert) in [
            (
                "SELECT person, key, CAST(wanted AS TEXT), state, CAST(since AS TEXT), NULL
                 FROM block WHERE person BETWEEN ?1 AND ?2 ORDER BY person",
                "INSERT OR IGNORE INTO block (person, key, wanted, state, since)
                 SELECT ?1, ?2, CAST(?3 AS INTEGER), ?4, CAST(?5 AS INTEGER) WHERE ?6 IS NULL",
            ),
            (
                "SELECT id, about, message, reason, comment, copy
                 FROM report WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
                "INSERT OR IGNORE INTO report (id, about, message, reason, comment, copy, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting')",
            ),
        ] {
            let (mut found, whole) = self.rows(select, &"", &"~", texts);
            if !whole {
                let (upper, _) = self.rows(&format!("{select} DESC"), &"", &"~", texts);
                found.extend(upper);
            }
            for row in found {
                // What this program never writes is damage that a page hides.
                let keyed = |text: &Option<String>| {
                    text.as_ref()
                        .is_some_and(|text| text.parse::<uuid::Uuid>().is_ok())
                };
                if row.first().is_some_and(keyed) {
                    tx.execute(insert, rusqlite::params_from_iter(row))?;
                }
            }
        }
        Ok(())
    }

    fn facts(&mut self) -> BTreeMap<String, String> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let select = "SELECT name, value FROM fact WHERE name BETWEEN ?1 AND ?2 ORDER BY name";
        let (found, whole) = self.rows(select, &"", &"~", read);
        let mut facts: BTreeMap<String, String> = found.into_iter().collect();
        if !whole {
            facts.extend(self.rows(&format!("{select} DESC"), &"", &"~", read).0);
        }
        facts
    }
}
