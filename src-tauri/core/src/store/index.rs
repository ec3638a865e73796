//! The index of words, brought level with the messages.
//!
//! Owns: `found`, and the notes of what is not in it yet. Never: what a word
//! is, which is `words`'s, nor a look for one, which is `search`'s.
//!
//! Rows that come from the server, which are nearly all, are indexed when they
//! are written ([`add`]). Of every row that changes or goes, triggers on
//! `message` note the place, and who queues a message notes its place himself;
//! [`update`] indexes all of those at once. The notes stand in a table, in the
//! transaction that changes the message: whatever happens before they are
//! worked off, they are there afterwards, and so the index and the rows can be
//! apart, but never without that being known.

use rusqlite::Connection;

use super::{StoreError, words};
use crate::model::{ConversationId, Message};

/// Notes that the row at this place, which is new, is to be indexed.
///
/// # Errors
/// SQLite's.
pub(super) fn note(tx: &Connection, place: i64) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO unindexed (place, stale) VALUES (?1, 0) ON CONFLICT (place) DO NOTHING",
    )?
    .execute([place])?;
    Ok(())
}

/// Indexes rows that are new, which come in the order of their places, for
/// FTS5 writes what it has gathered whenever one is lower than the one before
/// it. What is noted goes first: one of the places may have been another row's.
///
/// # Errors
/// SQLite's.
pub(super) fn add<'m>(
    tx: &Connection,
    rows: impl IntoIterator<Item = (i64, &'m Message, ConversationId)>,
) -> Result<(), StoreError> {
    update(tx)?;
    let mut add =
        tx.prepare_cached("INSERT INTO found (rowid, words, about) VALUES (?1, ?2, ?3)")?;
    for (place, message, conversation) in rows {
        let about = words::about_ids(conversation, message.sender);
        add.execute((place, words::indexed(&message.content), about))?;
    }
    Ok(())
}

/// Indexes what has been noted since the last time. Every step ends with it,
/// and so must whatever else writes messages.
///
/// # Errors
/// SQLite's.
pub fn update(tx: &Connection) -> Result<(), StoreError> {
    let stale: Option<bool> = tx
        .prepare_cached("SELECT max(stale) FROM unindexed")?
        .query_row([], |row| row.get(0))?;
    let Some(stale) = stale else {
        return Ok(());
    };
    if stale {
        tx.prepare_cached(REMOVE)?.execute([])?;
    }
    tx.prepare_cached(ADD)?.execute([])?;
    tx.prepare_cached("DELETE FROM unindexed")?.execute([])?;
    Ok(())
}

const REMOVE: &str =
    "DELETE FROM found WHERE rowid IN (SELECT place FROM unindexed WHERE stale = 1)";

/// In the order of the places, as in [`add`].
const ADD: &str = "INSERT INTO found (rowid, words, about)
  SELECT m.place, indexed_words(m.content), indexed_about(m.conversation, m.sender)
  FROM unindexed AS u CROSS JOIN message AS m ON m.place = u.place ORDER BY u.place";

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        model::{ConversationId, Instant, Message, MessageId, PersonId},
        store::{self, Key, Place, messages},
    };

    fn person(n: u128) -> PersonId {
        PersonId::new(Uuid::from_u128(n))
    }

    fn store() -> Connection {
        let tx = store::open(Place::Memory, &Key([4; 32])).unwrap();
        store::set_me(&tx, person(1), "Alice").unwrap();
        tx
    }

    fn put(tx: &Connection, n: u128, text: &str, updated: Option<i64>) {
        let message = Message {
            id: MessageId::new(Uuid::from_u128(n)),
            content: text.to_owned(),
            sender: person(2),
            receiver: person(1),
            stamp: Instant(1_795_000_000_000 + n as i64 * 60_000),
            updated: updated.map(Instant),
        };
        messages::save(tx, &message, ConversationId::Direct(person(2))).unwrap();
    }

    fn found(tx: &Connection, word: &str) -> Vec<String> {
        let mut statement = tx
            .prepare(
                "SELECT content FROM found JOIN message ON place = found.rowid
                 WHERE found MATCH ?1 ORDER BY place",
            )
            .unwrap();
        let rows = statement.query_map([format!("words : \"{word}\"")], |row| row.get(0));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn noted(tx: &Connection) -> i64 {
        tx.query_row("SELECT count(*) FROM unindexed", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn what_becomes_of_a_row_between_two_updates_is_in_the_index_after_the_second() {
        let tx = store();
        put(&tx, 1, "first words", None);
        put(&tx, 2, "second words", None);
        update(&tx).unwrap();
        assert_eq!(found(&tx, "words"), ["first words", "second words"]);
        // Came and changed, came and went, changed twice, went and came again.
        put(&tx, 3, "third words", None);
        put(&tx, 3, "third text", Some(5));
        put(&tx, 4, "fourth words", None);
        messages::remove(&tx, MessageId::new(Uuid::from_u128(4))).unwrap();
        put(&tx, 1, "first text", Some(5));
        put(&tx, 1, "first letters", Some(6));
        messages::remove(&tx, MessageId::new(Uuid::from_u128(2))).unwrap();
        put(&tx, 2, "second signs", None);
        update(&tx).unwrap();
        assert_eq!(found(&tx, "words"), [""; 0]);
        assert_eq!(found(&tx, "text"), ["third text"]);
        assert_eq!(found(&tx, "letters"), ["first letters"]);
        assert_eq!(found(&tx, "signs"), ["second signs"]);
        assert_eq!(found(&tx, "fourth"), [""; 0]);
        let entries: i64 = tx
            .query_row("SELECT count(*) FROM found", [], |row| row.get(0))
            .unwrap();
        assert_eq!((entries, noted(&tx)), (3, 0));
        tx.execute_batch("INSERT INTO found (found) VALUES ('integrity-check')")
            .unwrap();
    }

    #[test]
    fn a_step_that_is_undone_leaves_the_index_and_its_notes_as_they_were() {
        let tx = store();
        put(&tx, 1, "first words", None);
        put(&tx, 1, "other words", Some(5));
        assert_eq!(noted(&tx), 1);
        tx.execute_batch("BEGIN; SAVEPOINT step").unwrap();
        put(&tx, 2, "second words", None);
        assert_eq!(noted(&tx), 0, "what is noted goes before what is new");
        put(&tx, 1, "first text", Some(6));
        update(&tx).unwrap();
        assert_eq!(noted(&tx), 0);
        tx.execute_batch("ROLLBACK TO step; RELEASE step; COMMIT")
            .unwrap();
        assert_eq!(noted(&tx), 1);
        update(&tx).unwrap();
        assert_eq!(found(&tx, "words"), ["other words"]);
    }

    #[test]
    fn a_row_that_takes_the_place_of_one_that_went_is_found_by_its_own_words() {
        let tx = store();
        put(&tx, 1, "first words", None);
        messages::remove(&tx, MessageId::new(Uuid::from_u128(1))).unwrap();
        // Of the same time, so of the same place.
        put(&tx, 1, "second words", None);
        assert_eq!(found(&tx, "words"), ["second words"]);
        let first = found(&tx, "first");
        assert_eq!(first, [""; 0]);
        tx.execute_batch("INSERT INTO found (found) VALUES ('integrity-check')")
            .unwrap();
    }

    #[test]
    fn what_is_indexed_at_once_is_what_its_note_would_have_indexed() {
        let indexed = |again: bool| {
            let tx = store();
            put(&tx, 1, "Grüße, 東京 and more", None);
            if again {
                tx.execute("INSERT INTO unindexed SELECT place, 1 FROM message", [])
                    .unwrap();
                update(&tx).unwrap();
            }
            let entries = "CREATE VIRTUAL TABLE terms USING fts5vocab (found, instance)";
            tx.execute_batch(entries).unwrap();
            let mut terms = tx
                .prepare("SELECT term, doc, col, offset FROM terms ORDER BY 1, 2, 3, 4")
                .unwrap();
            let row = |row: &rusqlite::Row<'_>| -> rusqlite::Result<(String, i64, String, i64)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let terms = terms.query_map([], row).unwrap();
            terms.collect::<Result<Vec<_>, _>>().unwrap()
        };
        assert_eq!(indexed(false).len(), 7);
        assert_eq!(indexed(false), indexed(true));
    }

    #[test]
    fn an_update_looks_at_what_is_noted_and_at_nothing_else() {
        let tx = store();
        for sql in [REMOVE, ADD] {
            let plan: Vec<String> = tx
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap()
                .query_map([], |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let plan = plan.join("; ");
            let scans = plan
                .replace("SCAN u", "")
                .replace("SCAN found VIRTUAL TABLE INDEX 0:=", "");
            assert!(
                !scans.replace("SCAN unindexed", "").contains("SCAN")
                    && !plan.contains("TEMP B-TREE"),
                "{sql}: {plan}"
            );
        }
    }
}
