//! Databases of a given size, made up: of the store's own making, encrypted as
//! a person's are.
//!
//! Owns: the ones that are kept in the cache between runs (`bench/` there,
//! which `cargo xtask clean` removes), under names that change with the schema
//! and with what is made up. Never: a person's database.
//!
//! Four of five messages are in one conversation, the others in 299 as
//! unequal as people are; there are bursts, and silence between them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use whinchat_core::{
    model::{ConversationId, Instant, Message, MessageId, Person, PersonId, Stamps},
    store::{self, Key, Place, conversations, facts, held, messages, people},
};
use xtask::{cache, paths, process};

use crate::{
    Outcome,
    random::{self, Random},
};

/// Raised when what is made up changes, so that no old file is taken for it.
const MADE_UP: u32 = 1;
/// How many conversations a large database has.
pub const PEOPLE: usize = 300;
/// When the first message was written.
pub const BEGINNING: i64 = 1_700_000_000_000;

/// The key of every database that is measured.
pub fn key() -> Key {
    Key([9; 32])
}

/// Number 0 is me.
pub fn person(number: usize) -> PersonId {
    PersonId::new(uuid::Uuid::from_u128(
        0xA11C_E000_0000_4000_8000_0000_0000_0000 + number as u128,
    ))
}

/// My conversation with somebody.
pub fn with(number: usize) -> ConversationId {
    ConversationId::Direct(person(number))
}

/// Messages as they come, one after the other.
pub struct Source {
    random: Random,
    words: Vec<String>,
    stamp: i64,
    people: usize,
    /// Which part of all is in one conversation.
    large: f64,
}

impl Source {
    /// From this time on, with so many people.
    pub fn new(seed: u64, stamp: i64, people: usize, large: f64) -> Self {
        Self {
            random: Random(seed),
            words: random::words(),
            stamp,
            people,
            large,
        }
    }

    /// The next message, and with whom.
    pub fn next(&mut self) -> (Message, ConversationId) {
        let random = &mut self.random;
        self.stamp += 1 + if random.unit() < 0.9 {
            (random.unit() * 20_000.0) as i64
        } else {
            (random.unit() * 600_000.0) as i64
        };
        let peer = if random.unit() < self.large || self.people < 2 {
            1
        } else {
            2 + random.zipf(self.people - 1)
        };
        let mine = random.unit() < 0.4;
        let id = uuid::Uuid::from_u64_pair(
            self.stamp.cast_unsigned() << 16 | 0x7000,
            1 << 63 | random.next() >> 2,
        );
        let message = Message {
            id: MessageId::new(id),
            content: random::text(random, &self.words),
            sender: person(if mine { 0 } else { peer }),
            receiver: person(if mine { peer } else { 0 }),
            stamp: Instant(self.stamp),
            updated: None,
        };
        (message, with(peer))
    }
}

/// The database with so many messages, made now or at an earlier run.
pub fn database(count: usize) -> Outcome<PathBuf> {
    cache::share()?;
    let folder = paths::cache()?.join("bench");
    paths::make_private(&folder)?;
    let name = format!("{}-{MADE_UP}-{count}.db", store::newest_schema());
    let path = folder.join(&name);
    if path.is_file() {
        return Ok(path);
    }
    let begun = std::time::Instant::now();
    let part = folder.join(format!("{name}.part-{}", std::process::id()));
    remove(&part);
    // A large one takes minutes, and half of it is of no use.
    let half = part.clone();
    process::tidy_up_on_signals(move || remove(&half));
    let made = fill(&part, count, PEOPLE, 0.8);
    if let Err(error) = made {
        remove(&part);
        return Err(error);
    }
    fs::rename(&part, &path)?;
    eprintln!(
        "  {count} messages made in {:.0} s, {} MB in {}: `cargo xtask clean` removes them",
        begun.elapsed().as_secs_f64(),
        fs::metadata(&path)?.len() / 1_000_000,
        path.display()
    );
    Ok(path)
}

/// A copy of a kept database, to be written to.
pub fn copied(count: usize, to: &Path) -> Outcome {
    fs::copy(database(count)?, to)?;
    Ok(())
}

/// Removes a database with what SQLite keeps beside it.
pub fn remove(path: &Path) {
    for beside in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

/// Makes a database of so many messages with so many people.
pub fn fill(path: &Path, count: usize, people: usize, large: f64) -> Outcome {
    let mut database = store::open(Place::File(path), &key())?;
    let mut source = Source::new(7, BEGINNING, people, large);
    store::set_me(&database, person(0), "Alice Archer")?;
    store::before_transaction(&database, false)?;
    let mut left = count;
    let mut number = 0;
    while left > 0 {
        let batch = left.min(1_000);
        left -= batch;
        let tx = database.transaction()?;
        let mut said = Vec::with_capacity(batch);
        for _ in 0..batch {
            let (mut message, mut conversation) = source.next();
            number += 1;
            // Everybody has written at least once.
            if number <= people {
                conversation = with(number);
                message.sender = person(number);
                message.receiver = person(0);
            }
            said.push((message, conversation));
        }
        messages::save_all(&tx, said.iter().map(|(message, with)| (message, *with)))?;
        tx.commit()?;
    }
    let tx = database.transaction()?;
    settle(&tx, people, Instant(source.stamp))?;
    tx.commit()?;
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Everything is held and read, everybody has a name, and the catch-up stands
/// at the newest message.
fn settle(tx: &Connection, people: usize, newest: Instant) -> Outcome {
    for number in 1..=people {
        let id = with(number);
        held::hold(tx, id, &held::beginning(), &held::open_end())?;
        conversations::refresh(tx, id)?;
        conversations::mark_read(tx, id, &(newest.0, "~".to_owned()), person(0))?;
        let name = format!("Person {number} of many");
        let id = person(number);
        people::save(tx, &Person { id, name })?;
    }
    facts::set(tx, facts::LISTED, "1")?;
    facts::set_stamps(tx, Stamps::Server)?;
    for cursor in [facts::CURSOR_CREATED, facts::CURSOR_UPDATED] {
        facts::set_instant(tx, cursor, newest)?;
    }
    Ok(())
}
