//! The file itself: migrations from every earlier schema, damage, and disks
//! that take no more.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use uuid::Uuid;

use super::*;
use crate::model::{ConversationId, Instant, Message, MessageId};
use outbox::JobState;

const KEY: Key = Key([7; 32]);
const START: i64 = 1_795_000_000_000;

fn person(n: u128) -> PersonId {
    PersonId::new(Uuid::from_u128(n))
}

fn id(n: u128) -> MessageId {
    MessageId::new(Uuid::from_u128(0x1000 + n))
}

fn with(n: u128) -> ConversationId {
    ConversationId::Direct(person(n))
}

/// A database as version 1 left it: twenty messages of Bob's and a reply, one
/// that waits, one that was refused, a draft, names, ranges.
fn version_1(path: &Path) {
    private_file(path).unwrap();
    let old = Connection::open(path).unwrap();
    unlock(&old, &KEY).unwrap();
    old.pragma_update(None, "journal_mode", "WAL").unwrap();
    old.execute_batch(include_str!("migrations/001.sql"))
        .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let (me, bob) = (person(1).to_string(), person(2).to_string());
    let with_bob = with(2).to_string();
    old.execute_batch(&format!(
        "INSERT INTO fact VALUES ('me', '{me}'), ('revision', '41'), ('listed', '1');
         INSERT INTO person VALUES ('{bob}', 'Bob', 'bob');
         INSERT INTO conversation (id, person, last_message, activity, unread, read_stamp, read_id, draft, drafted)
         VALUES ('{with_bob}', '{bob}', '{}', 5, 5, {}, '{}', 'half a thought', 7);
         INSERT INTO held VALUES ('{with_bob}', -9223372036854775808, '', 9223372036854775807, '')",
        id(90), START + 14_000, id(14),
    ))
    .unwrap();
    let put = |n: u128, sender: &str, text: &str, pending: i64, stamp: i64, typed: Option<i64>| {
        old.execute(
            "INSERT INTO message (id, conversation, sender, receiver, content, pending, stamp, typed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            rusqlite::params![id(n).to_string(), with_bob, sender, if sender == me { &bob } else { &me }, text, pending, stamp, typed],
        )
        .unwrap();
    };
    // History came in backwards, as it does.
    for n in (0..20).rev() {
        put(
            n,
            &bob,
            &format!("message number {n}"),
            0,
            START + n as i64 * 1_000,
            None,
        );
    }
    put(20, &me, "my own reply", 0, START + 86_400_000, None);
    put(90, &me, "waits to be sent", 1, 1, Some(START));
    put(91, &me, "was refused", 1, 2, Some(START));
    old.execute_batch(&format!(
        "INSERT INTO outbox (number, message, conversation, state, attempts) VALUES
           (1, '{}', '{with_bob}', 'sending', 3), (2, '{}', '{with_bob}', 'refused', 1)",
        id(90),
        id(91),
    ))
    .unwrap();
}

/// The same as a later version left it, and as much as that version knew of it.
fn version(path: &Path, version: u32) {
    version_1(path);
    let old = Connection::open(path).unwrap();
    unlock(&old, &KEY).unwrap();
    settle(&old).unwrap();
    old.pragma_update(None, "foreign_keys", false).unwrap();
    for sql in MIGRATIONS.iter().take(version as usize).skip(1) {
        old.execute_batch(sql).unwrap();
    }
    old.pragma_update(None, "user_version", version).unwrap();
}

fn find(tx: &Connection, words: &str) -> Vec<String> {
    let search = search::Search {
        query: words::Query::read(words),
        ..search::Search::default()
    };
    search::find(tx, &search, None, 50)
        .unwrap()
        .into_iter()
        .map(|kept| kept.message.content)
        .collect()
}

#[test]
fn every_earlier_schema_becomes_the_newest_with_all_that_is_in_it() {
    for earlier in 1..newest_schema() {
        becomes_the_newest(earlier);
    }
}

fn becomes_the_newest(earlier: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.db");
    version(&path, earlier);
    let store = open(Place::File(&path), &KEY).unwrap();
    let version: u32 = store
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, newest_schema());
    assert_eq!(facts::revision(&store).unwrap(), 41);
    let jobs = outbox::all(&store).unwrap();
    assert_eq!(jobs.len(), 2, "the outbox survives its messages' move");
    assert_eq!(
        (jobs[0].message, jobs[0].state, jobs[0].attempts),
        (id(90), JobState::Sending, 3)
    );
    assert_eq!(jobs[1].state, JobState::Refused);
    let kept = conversations::get(&store, with(2)).unwrap().unwrap();
    assert_eq!(kept.draft.as_deref(), Some("half a thought"));
    assert_eq!(kept.unread, 5);
    let all = messages::before(&store, with(2), Some(&held::beginning()), None, 100).unwrap();
    assert_eq!(all.len(), 23);
    assert_eq!(find(&store, "sent"), ["waits to be sent"]);
    assert_eq!(
        find(&store, "number")[..2],
        ["message number 19", "message number 18"]
    );
    let until = Instant(i64::MAX);
    assert_eq!(
        messages::count(&store, with(2), person(2), Instant(0), until).unwrap(),
        20
    );
    assert_eq!(
        messages::count(&store, with(2), person(1), Instant(0), until).unwrap(),
        1
    );

    // What is there goes on as if it had always been so.
    messages::queue(
        &store,
        id(92),
        person(1),
        with(2),
        "and a third",
        Instant(START),
    )
    .unwrap();
    assert_eq!(outbox::get(&store, id(92)).unwrap().unwrap().number, 3);
    index::update(&store).unwrap();
    assert_eq!(find(&store, "third"), ["and a third"]);
    conversations::mark_read(
        &store,
        with(2),
        &(START + 17_000, id(17).to_string()),
        person(1),
    )
    .unwrap();
    assert_eq!(conversations::unread(&store).unwrap(), 2);
    messages::remove(&store, id(90)).unwrap();
    assert_eq!(
        outbox::all(&store).unwrap().len(),
        2,
        "the job goes with its message"
    );
    index::update(&store).unwrap();
    assert_eq!(find(&store, "sent"), [""; 0]);
    let broken: Vec<String> = store
        .prepare("PRAGMA foreign_key_check")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(broken, [""; 0]);
    store
        .execute_batch("INSERT INTO found (found) VALUES ('integrity-check')")
        .unwrap();

    let backup = path.with_extension(format!("before-{}", newest_schema()));
    let before = open_damaged(&backup, &KEY).unwrap();
    let count: i64 = before
        .query_row("SELECT count(*) FROM message", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 23, "the backup is whole");
}

#[test]
fn a_migration_that_fails_leaves_the_old_database_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.db");
    version_1(&path);
    let old = open_damaged(&path, &KEY).unwrap();
    old.pragma_update(None, "query_only", false).unwrap();
    // A table in the way of the new one.
    old.execute_batch("CREATE TABLE tally (other TEXT)")
        .unwrap();
    drop(old);
    assert!(open(Place::File(&path), &KEY).is_err());
    let old = open_damaged(&path, &KEY).unwrap();
    let (version, count): (u32, i64) = (
        old.pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap(),
        old.query_row("SELECT count(*) FROM message", [], |row| row.get(0))
            .unwrap(),
    );
    assert_eq!((version, count), (1, 23));
}

#[test]
fn what_is_noted_and_not_indexed_is_indexed_when_the_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.db");
    let store = open(Place::File(&path), &KEY).unwrap();
    set_me(&store, person(1), "Alice").unwrap();
    let text = "left to whoever comes next";
    messages::queue(&store, id(1), person(1), with(2), text, Instant(START)).unwrap();
    assert_eq!(find(&store, "comes"), [""; 0]);
    drop(store);
    let store = open(Place::File(&path), &KEY).unwrap();
    assert_eq!(find(&store, "comes"), [text]);
}

/// A database of today with much in it, and things that wait.
fn filled(path: &Path) {
    let store = open(Place::File(path), &KEY).unwrap();
    set_me(&store, person(1), "Alice").unwrap();
    facts::set_depth(&store, crate::bridge::Depth::Everything).unwrap();
    store.execute_batch("BEGIN").unwrap();
    for n in 0..2_000_u128 {
        let message = Message {
            id: id(1_000 + n),
            content: format!("message number {n} with some words around it"),
            sender: person(2 + n % 5),
            receiver: person(1),
            stamp: Instant(START + n as i64 * 60_000),
            updated: None,
        };
        messages::save(&store, &message, with(2 + n % 5)).unwrap();
        conversations::refresh(&store, with(2 + n % 5)).unwrap();
    }
    for n in 0..20_u128 {
        let text = format!("waits to be sent {n}");
        messages::queue(&store, id(n), person(1), with(2), &text, Instant(START)).unwrap();
    }
    index::update(&store).unwrap();
    outbox::set_state(
        &store,
        id(3),
        JobState::Refused,
        Some(&crate::bridge::Problem::new(
            crate::bridge::Code::NotAllowed,
        )),
    )
    .unwrap();
    outbox::set_state(&store, id(4), JobState::Sending, None).unwrap();
    conversations::set_draft(&store, with(3), Some("half a thought"), Instant(START)).unwrap();
    conversations::refresh(&store, with(2)).unwrap();
    conversations::refresh(&store, with(3)).unwrap();
    safety::save_block(
        &store,
        &safety::Block {
            person: person(5),
            key: Uuid::from_u128(9),
            wanted: true,
            state: safety::BlockState::Waiting,
            since: Instant(START),
        },
    )
    .unwrap();
    safety::save_report(&store, &a_report()).unwrap();
    let accepted = safety::Accepted {
        version: 1,
        at: START,
    };
    safety::set_accepted(&store, accepted).unwrap();
    for _ in 0..7 {
        facts::raise_revision(&store).unwrap();
    }
    store.execute_batch("COMMIT").unwrap();
    store
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

fn a_report() -> crate::directus::safety::Report {
    crate::directus::safety::Report {
        id: Uuid::from_u128(11),
        about: Some(person(5)),
        message: None,
        reason: crate::bridge::ReportReason::Spam,
        comment: "again and again".to_owned(),
        copy: None,
    }
}

const PAGE: u64 = 4096;

fn damage(path: &Path, page: u64) {
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    file.seek(SeekFrom::Start(page * PAGE + 2_000)).unwrap();
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes).unwrap();
    file.seek(SeekFrom::Start(page * PAGE + 2_000)).unwrap();
    file.write_all(&bytes.map(|byte| byte ^ 0x55)).unwrap();
}

#[test]
fn whichever_page_is_damaged_it_is_seen_and_what_waits_comes_over() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound.db");
    filled(&sound);
    let pages = fs::metadata(&sound).unwrap().len() / PAGE;
    assert!(pages > 60, "{pages} pages");
    assert!(rebuild::is_sound(&sound, &KEY));
    let (mut whole, mut promises) = (0, 0);
    // The first is the file's head; without it nothing can be read at all.
    let tried: Vec<u64> = (0..pages)
        .step_by(usize::try_from(pages / 24).unwrap().max(1))
        .collect();
    for page in &tried {
        let path = folder.path().join("messages.db");
        fs::copy(&sound, &path).unwrap();
        damage(&path, *page);
        assert!(!rebuild::is_sound(&path, &KEY), "page {page}");
        let damaged = fs::read(&path).unwrap();
        let (store, rescued) = rebuild::rebuild(&path, &KEY, person(1), "Alice", 3).unwrap();
        assert_eq!(
            fs::read(&rescued.aside).unwrap(),
            damaged,
            "set aside as it was"
        );
        assert_eq!(facts::me(&store).unwrap(), person(1));
        assert!(facts::revision(&store).unwrap() > 3);
        let jobs = outbox::all(&store).unwrap();
        assert_eq!(jobs.len(), rescued.unsent);
        assert!(jobs.is_sorted_by_key(|job| job.number));
        for job in &jobs {
            let kept = messages::get(&store, job.message).unwrap().unwrap();
            assert!(kept.pending && kept.message.content.starts_with("waits to be sent"));
        }
        if rescued.unsent == 20 && rescued.drafts == 1 {
            whole += 1;
            assert_eq!(jobs[3].state, JobState::Refused);
            assert!(jobs[3].problem.is_some());
            assert_eq!(jobs[4].state, JobState::Unknown);
            promises += usize::from(
                safety::is_blocked(&store, person(5)).unwrap()
                    && safety::next_report(&store).unwrap() == Some(a_report())
                    && safety::accepted(&store).unwrap().is_some(),
            );
        }
        assert_eq!(
            messages::count(&store, with(2), person(2), Instant(0), Instant(i64::MAX)).unwrap(),
            0
        );
        drop(store);
        fs::remove_file(&rescued.aside).unwrap();
    }
    assert!(promises * 10 >= whole * 8, "{promises} of {whole}");
    assert!(
        whole * 10 >= tried.len() * 8,
        "{whole} of {} lost nothing",
        tried.len()
    );
}

#[test]
fn damaged_ones_are_never_written_over_and_a_stopped_rebuilding_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.db");
    for n in 1..=3 {
        fs::write(&path, [n; 8_192]).unwrap();
        fs::write(folder.path().join("messages.db-wal"), [n; 64]).unwrap();
        let (_, rescued) = rebuild::rebuild(&path, &KEY, person(1), "Alice", 0).unwrap();
        assert_eq!((rescued.unsent, rescued.drafts), (0, 0));
        assert_eq!(fs::read(&rescued.aside).unwrap(), [n; 8_192]);
    }
    assert!(path.with_extension("damaged-3").exists());
    // Stopped when the old one was gone and the new one not yet there.
    fs::rename(&path, path.with_extension("new")).unwrap();
    rebuild::finish(&path).unwrap();
    let store = open(Place::File(&path), &KEY).unwrap();
    assert_eq!(facts::me(&store).unwrap(), person(1));
}

#[test]
fn damage_is_told_from_a_full_disk_a_lock_and_a_disk_that_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.db");
    filled(&path);
    let store = open(Place::File(&path), &KEY).unwrap();
    let send = |n: u128, text: &str| -> Result<(), StoreError> {
        store.execute_batch("SAVEPOINT step")?;
        let sent = messages::queue(&store, id(n), person(1), with(2), text, Instant(START));
        let end = if sent.is_ok() {
            "RELEASE step"
        } else {
            "ROLLBACK TO step; RELEASE step"
        };
        let ended = store.execute_batch(end);
        sent.and(ended.map_err(StoreError::from))
    };
    let jobs = || outbox::all(&store).unwrap().len();

    let pages: i64 = store
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    let _: i64 = store
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
            row.get(0)
        })
        .unwrap();
    let long = "a text that needs a page of its own ".repeat(1_000);
    let full = send(500, &long).unwrap_err();
    assert_eq!(full.trouble(), Trouble::Full, "{full:?}");
    let _: i64 = store
        .query_row("PRAGMA max_page_count = 1000000", [], |row| row.get(0))
        .unwrap();
    assert_eq!(jobs(), 20, "nothing of it is left");
    send(500, &long).unwrap();
    assert_eq!(jobs(), 21, "and with room it goes");

    store.pragma_update(None, "query_only", true).unwrap();
    let refused = send(501, "x").unwrap_err();
    assert_eq!(refused.trouble(), Trouble::ReadOnly, "{refused:?}");
    store.pragma_update(None, "query_only", false).unwrap();

    let other = open(Place::File(&path), &KEY).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.busy_timeout(Duration::from_millis(1)).unwrap();
    let locked = send(502, "x").unwrap_err();
    assert_eq!(locked.trouble(), Trouble::Locked, "{locked:?}");
    other.execute_batch("ROLLBACK").unwrap();
    send(502, "x").unwrap();
    assert_eq!(jobs(), 22);
    drop((store, other));

    damage(&path, 30);
    let store = open(Place::File(&path), &KEY).unwrap();
    let read = store
        .prepare("SELECT * FROM message NOT INDEXED")
        .and_then(|mut all| {
            let mut rows = all.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        });
    if let Err(error) = read {
        let error = StoreError::from(error);
        assert_eq!(error.trouble(), Trouble::Doubtful, "{error:?}");
    }
}
