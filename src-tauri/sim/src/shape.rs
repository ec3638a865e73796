//! What a seed's world is like, before anything happens in it.
//!
//! Owns: how a seed becomes a number of clients, a kind of collection, clocks
//! and a length. Never: what happens then; that is the story's.

use whinchat_core::{engine::Pages, model::Stamps};

use crate::rng::Rng;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Whose device each client is, by place in [`crate::world::PEOPLE`]: Alice,
/// Bob, Alice's second, Carol, …
pub const OWNERS: &[usize] = &[0, 1, 0, 2, 1, 5, 0, 6];

/// What kind of days these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// Minutes up to an hour, and anything may go wrong.
    Ordinary,
    /// The same, but the server gives no comparison, and nothing happens that
    /// only a comparison could find: the cursors alone must bring everything.
    CursorsOnly,
    /// Some days, in which devices sleep most of the time.
    Long,
}

/// What a seed's world is like.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Which fields the collection has.
    pub stamps: Stamps,
    /// Whose device each client is.
    pub owners: Vec<usize>,
    /// How many processes the server has.
    pub instances: usize,
    /// Milliseconds of the story.
    pub length: i64,
    /// What kind of days these are.
    pub days: Days,
    /// Whether Alice is an administrator.
    pub admin: bool,
    /// Milliseconds that the processes' clocks may lie apart, either way.
    pub apart: i64,
    /// Whether every clock in the world shows the same.
    pub clocks_agree: bool,
}

impl Shape {
    /// The shape of this seed.
    #[must_use]
    pub fn of(seed: u64, kind: Option<Stamps>, clients: Option<usize>) -> Self {
        let mut rng = Rng::new(seed).split("shape");
        let by_seed = if rng.chance(50) {
            Stamps::Server
        } else {
            Stamps::Sender
        };
        let many = [2, 2, 3, 3, 4, 5][rng.below(6)];
        let many = clients.unwrap_or(many).clamp(1, OWNERS.len());
        let days = match rng.below(100) {
            0..=19 => Days::CursorsOnly,
            20..=23 => Days::Long,
            _ => Days::Ordinary,
        };
        let length = match (days, rng.below(6)) {
            (Days::Long, more) => 2 * DAY + i64::try_from(more).unwrap_or(0) * 9 * HOUR,
            (_, 0) => 40 * MINUTE,
            (_, 1) => 2 * MINUTE,
            _ => 10 * MINUTE,
        };
        let clocks_agree = rng.chance(20);
        let apart = match (clocks_agree, days, rng.below(4)) {
            (true, ..) => 0,
            (_, Days::CursorsOnly, _) => 2 * SECOND,
            (_, _, 0) => 75 * SECOND,
            (_, _, 1) => 20 * SECOND,
            _ => 1_500,
        };
        Self {
            stamps: kind.unwrap_or(by_seed),
            owners: OWNERS.iter().copied().take(many).collect(),
            instances: 1 + usize::from(rng.chance(40)),
            length,
            days,
            admin: rng.chance(20),
            apart,
            clocks_agree,
        }
    }
}

/// How much the engines ask for at a time: little, so that pages matter.
pub const PAGES: Pages = Pages {
    catch_up: 3,
    history: 3,
    people: 3,
    newest: 3,
    prefetch: 4,
    groups: 7,
    named: 5,
};
