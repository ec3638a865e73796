//! Runs of seeds, and the search for the shortest story that still fails.
//!
//! Owns: which stories are told. Never: a verdict of its own.

use whinchat_core::store::StoreError;

use crate::{
    oracle::Kind,
    quirk::Table,
    rng::Rng,
    story::{self, Scene},
    world::{Outcome, PEOPLE, Setting, World},
};

/// How many shorter stories are tried.
const TRIES: usize = 300;

/// The story of a setting.
#[must_use]
pub fn story(setting: &Setting) -> Vec<Scene> {
    story::write(&Rng::new(setting.seed), &setting.shape(), PEOPLE.len())
}

/// Runs a story.
///
/// # Errors
/// The store's, of the kind that no fault of the story explains.
pub fn tell(setting: &Setting, scenes: &[Scene]) -> Result<Outcome, StoreError> {
    World::new(setting.clone(), scenes.to_vec())?.run()
}

/// Runs a seed.
///
/// # Errors
/// As [`tell`].
pub fn seed(setting: &Setting) -> Result<Outcome, StoreError> {
    tell(setting, &story(setting))
}

/// Leaves out what is not needed for a finding of this kind: halves first,
/// then single events, a bounded number of times.
///
/// # Errors
/// As [`tell`].
pub fn shrink(setting: &Setting, scenes: Vec<Scene>, kind: Kind) -> Result<Vec<Scene>, StoreError> {
    let mut best = scenes;
    let mut tries = 0;
    let mut width = best.len().div_ceil(2).max(1);
    loop {
        let mut start = 0;
        let mut shorter = false;
        while start < best.len() && tries < TRIES {
            let mut candidate = best.clone();
            candidate.drain(start..(start + width).min(best.len()));
            tries += 1;
            let fails = tell(setting, &candidate)?
                .findings
                .iter()
                .any(|finding| finding.kind == kind);
            if fails {
                best = candidate;
                shorter = true;
            } else {
                start += width;
            }
        }
        if tries >= TRIES || (width == 1 && !shorter) {
            return Ok(best);
        }
        width = if width == 1 { 1 } else { width.div_ceil(2) };
    }
}

/// What many seeds came to.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    /// How many ran.
    pub seeds: u64,
    /// Seeds with a finding of each kind.
    pub kinds: std::collections::BTreeMap<Kind, u64>,
    /// Seeds that failed.
    pub failed: Vec<u64>,
    /// What was met.
    pub table: Table,
    /// Steps, requests and messages of all.
    pub steps: u64,
    /// Requests of all.
    pub requests: u64,
    /// Messages of all.
    pub messages: usize,
    /// The longest healing, in milliseconds.
    pub slowest: i64,
    /// Rows that counting could not tell apart, of all.
    pub uncountable: usize,
}

impl Sum {
    /// Adds a run.
    pub fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.seeds += 1;
        self.table.add(&outcome.table);
        self.steps += outcome.steps;
        self.requests += outcome.requests;
        self.messages += outcome.messages;
        self.slowest = self.slowest.max(outcome.healed_in);
        self.uncountable += outcome.uncountable;
        let kinds: std::collections::BTreeSet<_> = outcome
            .findings
            .iter()
            .map(|finding| finding.kind)
            .collect();
        if !kinds.is_empty() {
            self.failed.push(seed);
        }
        for kind in kinds {
            *self.kinds.entry(kind).or_default() += 1;
        }
    }

    fn of(&self, kind: Kind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0)
    }

    /// The last line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "sim: seeds={} lost={} doubled={} foreign={} diverged={}",
            self.seeds,
            self.of(Kind::Lost),
            self.of(Kind::Doubled),
            self.of(Kind::Foreign),
            self.of(Kind::Diverged) + self.of(Kind::Broken),
        )
    }
}
