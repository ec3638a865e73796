//! What an engine was told since its account was opened, and what it wanted done.
//!
//! Owns: that in memory, within bounds, without a text. An engine is a function
//! of its database, its seed and its inputs with their times: with what the
//! database was like at the opening, all that happened can be told again.
//! Never: a file, a clock, a decision; nothing of it is read by an engine.
//!
//! When it is full the oldest inputs go. Then it begins in the middle, and what
//! the database was like is of no use any more; it begins anew with the next
//! engine.

use std::collections::{HashMap, VecDeque};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{
    digest::{Mark, marks},
    opening::Opening,
    told::{KeptRow, Told},
    veil::{Veil, Word},
};
use crate::{
    bridge::{Code, Problem},
    engine::{Effect, Input, Pages, Replaced},
    model::{Instant, MessageId, Now},
};

/// Inputs that are kept at most.
pub const MOST_INPUTS: usize = 16_384;
/// Bytes that are kept at most, about.
pub const MOST_BYTES: usize = 4 << 20;

/// What an engine begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Began {
    /// Its seed.
    pub seed: u64,
    /// Whether it asks for blocks and tells of them.
    pub safety: bool,
    /// Rows that a page of the catch-up asks for, and so on, as in [`Pages`].
    pub pages: [u32; 7],
}

impl Began {
    /// An engine with this seed that asks for so much at a time.
    #[must_use]
    pub fn new(seed: u64, safety: bool, pages: Pages) -> Self {
        let Pages {
            catch_up,
            history,
            people,
            newest,
            prefetch,
            groups,
            named,
        } = pages;
        let [newest, named] = [newest, named].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Self {
            seed,
            safety,
            pages: [catch_up, history, people, newest, prefetch, groups, named],
        }
    }

    /// How much it asks for at a time.
    #[must_use]
    pub const fn pages(&self) -> Pages {
        let [catch_up, history, people, newest, prefetch, groups, named] = self.pages;
        Pages {
            catch_up,
            history,
            people,
            newest: newest as usize,
            prefetch,
            groups,
            named: named as usize,
        }
    }
}

/// A step: what the engine was told, and what it wanted done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// The wall clock.
    pub wall: i64,
    /// The other clock.
    pub mono: i64,
    /// The input.
    pub told: Told,
    /// The effects, each with a number for what it says.
    pub effects: Vec<Mark>,
}

impl Taken {
    /// Its time.
    #[must_use]
    pub const fn now(&self) -> Now {
        Now {
            wall: Instant(self.wall),
            mono: self.mono,
        }
    }
}

/// A step that failed, or a transaction that was not committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undone {
    /// The wall clock.
    pub wall: i64,
    /// Why.
    pub code: Code,
    /// Of which kind.
    pub kind: Option<Word>,
    /// How many steps that had been taken were undone with it.
    pub steps: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// An engine was made from the database.
    Engine(Began),
    /// It took a step.
    Input(Taken),
    /// It could not go on.
    Undone(Undone),
}

impl Entry {
    fn weight(&self) -> usize {
        let beyond = match self {
            Self::Input(taken) => taken.told.weight() + size_of_val(taken.effects.as_slice()),
            Self::Engine(_) | Self::Undone(_) => 0,
        };
        size_of::<Self>() + beyond
    }
}

/// See the module.
#[derive(Debug)]
pub struct Journal {
    veil: Veil,
    most: (usize, usize),
    opening: Option<Opening>,
    /// What messages were at the opening that have changed since.
    before: HashMap<MessageId, Option<KeptRow>>,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Entries there ever were.
    count: u64,
    /// How many there were when the transaction under way began.
    transaction: Option<u64>,
    dropped: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self::with_room(MOST_INPUTS, MOST_BYTES)
    }
}

impl Journal {
    /// One that keeps so many inputs and about so many bytes.
    #[must_use]
    pub fn with_room(inputs: usize, bytes: usize) -> Self {
        Self {
            veil: Veil::new(),
            most: (inputs, bytes),
            opening: None,
            before: HashMap::new(),
            entries: VecDeque::new(),
            bytes: 0,
            count: 0,
            transaction: None,
            dropped: 0,
        }
    }

    /// An engine is about to be made from this database. The first one's, or the
    /// first after something was dropped, is where all begins; what can't be
    /// read then is no reason not to go on.
    pub fn begins(&mut self, tx: &Connection, began: Began) {
        self.undo();
        if self.opening.is_none() || self.dropped > 0 {
            self.forget();
            self.opening = Opening::read(tx, &self.veil).ok();
            self.bytes += self.opening.as_ref().map_or(0, Opening::weight);
        }
        self.add(Entry::Engine(began));
    }

    /// Another database takes the place of this one.
    pub fn forget(&mut self) {
        let (inputs, bytes) = self.most;
        *self = Self {
            veil: std::mem::take(&mut self.veil),
            ..Self::with_room(inputs, bytes)
        };
    }

    /// What is kept of an input. It is put down once its step is taken.
    #[must_use]
    pub fn hears(&self, input: &Input) -> Told {
        Told::of(input, &self.veil)
    }

    /// A step was taken.
    pub fn steps(&mut self, now: Now, told: Told, effects: &[Effect], replaced: Vec<Replaced>) {
        if self.begins_whole() {
            for (id, kept) in replaced {
                let veil = &self.veil;
                self.before.entry(id).or_insert_with(|| {
                    self.bytes += size_of::<(MessageId, Option<KeptRow>)>();
                    kept.as_deref().map(|kept| KeptRow::of(kept, veil))
                });
            }
        }
        let effects = marks(effects, &self.veil);
        self.add(Entry::Input(Taken {
            wall: now.wall.0,
            mono: now.mono,
            told,
            effects,
        }));
    }

    /// What follows is one transaction.
    pub const fn transaction(&mut self) {
        self.transaction = Some(self.count);
    }

    /// It is committed.
    pub const fn committed(&mut self) {
        self.transaction = None;
    }

    /// It is not, and the engine can't go on, or one step of it failed.
    pub fn fails(&mut self, now: Now, problem: &Problem) {
        let steps = self.undo();
        self.add(Entry::Undone(Undone {
            wall: now.wall.0,
            code: problem.code,
            kind: problem.args.get("kind").map(|kind| self.veil.word(kind)),
            steps,
        }));
    }

    fn undo(&mut self) -> u64 {
        let Some(began) = self.transaction.take() else {
            return 0;
        };
        let mut undone = 0;
        while self.count > began
            && let Some(entry) = self.entries.pop_back()
        {
            self.bytes = self.bytes.saturating_sub(entry.weight());
            self.count -= 1;
            undone += 1;
        }
        undone
    }

    fn add(&mut self, entry: Entry) {
        self.bytes += entry.weight();
        self.count += 1;
        self.entries.push_back(entry);
        let (inputs, bytes) = self.most;
        while (self.entries.len() > inputs || self.bytes > bytes) && self.entries.len() > 1 {
            if self.begins_whole() {
                // It can't be told from the beginning any more.
                let opening = self.opening.take().map_or(0, |opening| opening.weight());
                let before = self.before.len() * size_of::<(MessageId, Option<KeptRow>)>();
                self.bytes = self.bytes.saturating_sub(opening + before);
                self.before = HashMap::new();
            }
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes = self.bytes.saturating_sub(oldest.weight());
                self.dropped += 1;
            }
        }
    }

    /// Whether all since the opening is there.
    #[must_use]
    pub const fn begins_whole(&self) -> bool {
        self.dropped == 0 && self.opening.is_some()
    }

    /// How many inputs are kept, and how many were dropped.
    #[must_use]
    pub fn inputs(&self) -> (usize, u64) {
        let kept = self.entries.iter();
        let kept = kept.filter(|entry| matches!(entry, Entry::Input(_)));
        (kept.count(), self.dropped)
    }

    /// What happened, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// What the small tables held at the opening, if that is still known.
    #[must_use]
    pub const fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    /// What messages were at the opening that have changed since; `None` for
    /// one that was not there.
    #[must_use]
    pub const fn before(&self) -> &HashMap<MessageId, Option<KeptRow>> {
        &self.before
    }

    /// What stands for texts.
    #[must_use]
    pub const fn veil(&self) -> &Veil {
        &self.veil
    }
}
