//! The file: one JSON object a line, for a person's eyes and for a replay.
//!
//! ```text
//! {"diagnostics":{"format":1,"about":[…],"version":"…","system":"linux",…}}
//! {"counts":{"message":120,…}}
//! {"opening":{"fact":["stamps","server"]}}      what the small tables held
//! {"message":{"row":{"id":…,"text":"9f…:12",…},"pending":false,…}}
//! {"engine":{"seed":…,…}}
//! {"input":{"wall":…,"mono":…,"told":{…},"effects":["ask_messages:1f…",…]}}
//! {"undone":{…}}
//! {"end":1234}                                  how many lines there were before
//! ```

use std::{
    collections::{BTreeMap, HashSet},
    io::{self, BufRead, Write},
};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{
    journal::{Began, Entry, Journal, Taken, Undone},
    opening::{Opening, Small},
    told::KeptRow,
};
use crate::{
    model::MessageId,
    product,
    store::{StoreError, whole},
};

/// The version of the file.
pub const FORMAT: u32 = 1;

/// Messages that are written at most, the newest.
const MOST_MESSAGES: u32 = 20_000;

/// What stands at the head, for whoever opens it.
const ABOUT: &[&str] = &[
    "What this app was told since the account was opened, and what it wanted done, so that it can be told again.",
    "Not in it: texts, drafts, names, e-mail addresses, the server's address, passwords, sessions.",
    "A text stands as a number and its length. Equal texts have equal numbers, in this file alone: the key is thrown away.",
    "In it: what was done and answered and when; random ids of messages and people: who wrote to whom, who is blocked or reported; counts, versions, settings of this device.",
];

/// What an interface knows of where it runs. Every value is chosen by the
/// interface from words of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Which interface: `window` or `rpc`.
    pub interface: &'static str,
    /// The version of what draws the window.
    pub engine: Option<String>,
    /// Choices of this device that are nobody's secret.
    pub choices: BTreeMap<&'static str, String>,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The version of the file.
    pub format: u32,
    /// For whoever opens it.
    pub about: Vec<String>,
    /// The program's version.
    pub version: String,
    /// Which interface wrote it.
    pub interface: String,
    /// The system.
    pub system: String,
    /// Its processor.
    pub processor: String,
    /// The version of what draws the window.
    pub engine: Option<String>,
    /// Choices of this device.
    pub choices: BTreeMap<String, String>,
    /// The newest schema that this program knows.
    pub schema: u32,
    /// How many inputs there are.
    pub inputs: usize,
    /// How many were dropped before them.
    pub dropped: u64,
    /// Whether all since the opening is here.
    pub from_the_beginning: bool,
    /// Whether no table had more rows than are kept.
    pub whole: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Diagnostics(Box<About>),
    Counts(BTreeMap<String, i64>),
    Opening(Small),
    Message(KeptRow),
    Engine(Began),
    Input(Taken),
    Undone(Undone),
    End(u64),
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many inputs are in it.
    pub inputs: usize,
    /// Whether all since the opening is in it.
    pub from_the_beginning: bool,
}

struct Lines<W> {
    out: W,
    count: u64,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        serde_json::to_writer(&mut self.out, line)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))?;
        self.count += 1;
        Ok(())
    }
}

/// Writes what a journal holds and what belongs to it of its database, in which
/// no step may be under way.
///
/// # Errors
/// SQLite's; `File` where it can't be written.
pub fn write(
    journal: &Journal,
    tx: &Connection,
    surroundings: &Surroundings,
    out: impl Write,
) -> Result<Written, StoreError> {
    let mut lines = Lines { out, count: 0 };
    let counts = whole::counts(tx)?;
    let messages = counts
        .iter()
        .find(|(table, _)| *table == "message")
        .map_or(0, |(_, count)| *count);
    let (inputs, dropped) = journal.inputs();
    let from_the_beginning = journal.begins_whole();
    let now;
    let opening = match journal.opening().filter(|_| from_the_beginning) {
        Some(opening) => opening,
        None => {
            now = Opening::read(tx, journal.veil())?;
            &now
        }
    };
    let Surroundings {
        interface,
        engine,
        choices,
    } = surroundings;
    let owned = |(name, value): (&&str, &String)| ((*name).to_owned(), value.clone());
    lines.write(&Line::Diagnostics(Box::new(About {
        format: FORMAT,
        about: ABOUT.iter().map(|line| (*line).to_owned()).collect(),
        version: product::VERSION.to_owned(),
        interface: (*interface).to_owned(),
        system: std::env::consts::OS.to_owned(),
        processor: std::env::consts::ARCH.to_owned(),
        engine: engine.clone(),
        choices: choices.iter().map(owned).collect(),
        schema: crate::store::newest_schema(),
        inputs,
        dropped,
        from_the_beginning,
        whole: opening.whole && messages <= i64::from(MOST_MESSAGES),
    })))?;
    let counts = counts.into_iter();
    lines.write(&Line::Counts(
        counts
            .map(|(table, count)| (table.to_owned(), count))
            .collect(),
    ))?;
    for row in &opening.rows {
        lines.write(&Line::Opening(row.clone()))?;
    }
    // The store as it is, but for what has changed since.
    let before = journal.before();
    whole::messages(tx, MOST_MESSAGES, |kept| {
        if before.contains_key(&kept.message.id) {
            return Ok(());
        }
        lines.write(&Line::Message(KeptRow::of(&kept, journal.veil())))
    })?;
    let mut changed: Vec<&KeptRow> = before.values().flatten().collect();
    changed.sort_by_key(|kept| kept.row.id);
    for kept in changed {
        lines.write(&Line::Message(*kept))?;
    }
    for entry in journal.entries() {
        lines.write(entry)?;
    }
    let end = Line::End(lines.count);
    lines.write(&end)?;
    lines.out.flush()?;
    Ok(Written {
        inputs,
        from_the_beginning,
    })
}

/// A bundle that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its head.
    pub about: About,
    /// What the small tables held.
    pub opening: Opening,
    /// The messages that there were.
    pub messages: Vec<KeptRow>,
    /// What happened.
    pub entries: Vec<Entry>,
}

/// Why a bundle can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file can't be read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// A line is none of a bundle's.
    #[error("line {line}: {why}")]
    Line {
        /// Which.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// It was written by another version.
    #[error("format {0}, and {FORMAT} is read here")]
    Format(u32),
    /// It was cut off.
    #[error("its end is missing")]
    Cut,
}

impl Bundle {
    /// Reads one.
    ///
    /// # Errors
    /// Where it is none, of another version, or cut off.
    pub fn read(file: impl BufRead) -> Result<Self, Unreadable> {
        let mut about = None;
        let mut opening = Opening::default();
        let mut messages = Vec::new();
        let mut entries = Vec::new();
        let mut ids: HashSet<MessageId> = HashSet::new();
        for (number, line) in (1..).zip(file.lines()) {
            let wrong = |why: String| Unreadable::Line { line: number, why };
            let line: Line =
                serde_json::from_str(&line?).map_err(|error| wrong(error.to_string()))?;
            match line {
                Line::Diagnostics(head) if head.format != FORMAT => {
                    return Err(Unreadable::Format(head.format));
                }
                Line::Diagnostics(head) => {
                    opening.whole = head.whole;
                    about = Some(*head);
                }
                Line::Counts(_) => {}
                Line::Opening(row) => opening.rows.push(row),
                Line::Message(kept) if ids.insert(kept.row.id) => messages.push(kept),
                Line::Message(_) => return Err(wrong("a message twice".to_owned())),
                Line::Engine(began) => entries.push(Entry::Engine(began)),
                Line::Input(taken) => entries.push(Entry::Input(taken)),
                Line::Undone(undone) => entries.push(Entry::Undone(undone)),
                Line::End(count) => {
                    return match about {
                        Some(about) if count + 1 == number => Ok(Self {
                            about,
                            opening,
                            messages,
                            entries,
                        }),
                        _ => Err(Unreadable::Cut),
                    };
                }
            }
        }
        Err(Unreadable::Cut)
    }
}
