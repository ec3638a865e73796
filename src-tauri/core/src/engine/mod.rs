//! The decisions: what follows from what happened.
//!
//! Owns: the connection's states, what is asked of the server and when, the
//! outbox's states, cursors and ranges. Never: a socket, a file, a clock, a
//! thread or randomness of its own. The same inputs at the same times with
//! the same seed give the same effects.
//!
//! One input is one step in one transaction; its effects are performed after
//! the commit. Everything that is needed to go on stands in the database, so
//! [`Engine::resume`] and [`Input::Start`] continue after a stop at any point.
//!
//! | file | decides |
//! |---|---|
//! | `connection` | sessions, the socket, when to try again |
//! | `sync` | what to fetch: first list, catch-up |
//! | `groups` | totals, in as many requests as it takes |
//! | `history` | the past: pages before, after and around what is held |
//! | `reconcile` | what was missed in silence, and what is gone |
//! | `ingest` | what a row from the server changes here |
//! | `outbox` | sending |
//! | `orders` | what a person asks for |
//! | `safety` | blocks, reports, the owner's addresses |

mod connection;
mod effect;
mod first_list;
mod groups;
mod history;
mod ingest;
mod input;
mod orders;
mod outbox;
mod pages;
mod reconcile;
mod safety;
mod step;
mod sync;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use rusqlite::Connection;

pub use effect::{Credential, Effect, Notice, Reply, RequestId, SocketId, Ticket, Timer};
pub use input::{Granted, Input, NewReport, Order, Sessions, SocketEvent};
pub use pages::Pages;
pub use step::Replaced;

use crate::{
    bridge,
    directus::call::Call,
    model::{ConversationId, Now, PersonId, Stamps},
    store::{StoreError, facts, outbox as jobs},
};
use step::Step;

/// Wall and monotonic clock apart by more than this between two inputs: the
/// machine slept, or its clock was set.
const SLEPT: i64 = 5_000;

/// Decides what follows from what happened.
#[derive(Debug)]
pub struct Engine {
    me: PersonId,
    stamps: Stamps,
    pages: Pages,
    random: u64,
    next: u64,
    last: Option<Now>,
    /// Server time less ours, in milliseconds.
    skew: i64,
    watching: BTreeSet<ConversationId>,
    shown: Option<bridge::Connection>,
    unread_shown: Option<i64>,
    link: connection::Link,
    sync: sync::Sync,
    history: history::History,
    outbox: outbox::Outbox,
    safety: safety::Safety,
    /// Rows that did not concern me and were dropped.
    foreign: u64,
    replaced: Vec<Replaced>,
}

impl Engine {
    /// An engine that goes on from what the database holds. The first input
    /// must be [`Input::Start`]. `seed` feeds jitter and the ids of requests
    /// and sockets, so that a stopped engine's are not taken for this one's.
    ///
    /// # Errors
    /// SQLite's; `Corrupt` for a database that is nobody's yet.
    pub fn resume(tx: &Connection, seed: u64) -> Result<Self, StoreError> {
        jobs::forget_requests(tx)?;
        Ok(Self {
            me: facts::me(tx)?,
            stamps: facts::stamps(tx)?.unwrap_or(Stamps::Server),
            pages: Pages::default(),
            random: seed,
            next: seed >> 1,
            last: None,
            skew: 0,
            watching: BTreeSet::new(),
            shown: None,
            unread_shown: None,
            link: connection::Link::default(),
            sync: sync::Sync::default(),
            history: history::History::default(),
            outbox: outbox::Outbox::default(),
            safety: safety::Safety::default(),
            foreign: 0,
            replaced: Vec::new(),
        })
    }

    /// The same engine, asking for this much at a time.
    #[must_use]
    pub const fn with_pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// Takes one step inside the transaction `tx`. After the commit the
    /// effects are to be performed in order; if the commit fails they must be
    /// dropped and a new engine made with [`Engine::resume`].
    ///
    /// # Errors
    /// SQLite's; the step's savepoint must be rolled back then, and since the
    /// engine's memory may be ahead of it, a new engine made.
    pub fn step(
        &mut self,
        tx: &Connection,
        now: Now,
        input: Input,
    ) -> Result<Vec<Effect>, StoreError> {
        let mut step = Step::new(tx, now);
        let s = &mut step;
        let slept = self.last.is_some_and(|last| {
            let wall = now.wall.0.saturating_sub(last.wall.0);
            let mono = now.mono.saturating_sub(last.mono);
            wall.abs_diff(mono) > SLEPT.unsigned_abs()
        });
        self.last = Some(now);
        if slept && !matches!(input, Input::Start(_) | Input::Resumed) {
            self.resumed(s)?;
        }
        match input {
            Input::Start(sessions) => self.start(s, sessions)?,
            Input::Order(ticket, order) => self.order(s, ticket, order)?,
            Input::Watching(conversations) => self.watching = conversations,
            Input::Socket(socket, event) => self.socket(s, socket, event)?,
            Input::Answered {
                request,
                result,
                date,
            } => {
                if let Some(date) = date {
                    // A date tells whole seconds: what is known of the skew
                    // stays while it agrees, else two people in one second
                    // would disagree about who wrote first.
                    let least = date.0.saturating_sub(now.wall.0);
                    self.skew = self.skew.clamp(least, least.saturating_add(999));
                }
                if !self.safety_answered(s, request, &result)? {
                    self.answered(s, request, result)?;
                }
            }
            Input::Renewed { request, result } => self.renewed(s, request, result)?,
            Input::Timer(timer) => self.timer(s, timer)?,
            Input::Network(up) => self.network(s, up)?,
            Input::Resumed => self.resumed(s)?,
        }
        self.look_after_safety(s)?;
        self.show_connection(s);
        self.replaced = std::mem::take(&mut step.replaced);
        step.finish(&self.watching, &mut self.unread_shown)
    }

    /// Takes one step in a savepoint of its own inside `tx`, so that one that
    /// fails is rolled back alone and what shared the transaction stands.
    ///
    /// # Errors
    /// As [`Engine::step`]; all that the step wrote is undone. A new engine
    /// must be made, for this one's memory may be ahead.
    pub fn step_alone(
        &mut self,
        tx: &Connection,
        now: Now,
        input: Input,
    ) -> Result<Vec<Effect>, StoreError> {
        tx.prepare_cached("SAVEPOINT step")?.execute([])?;
        match self.step(tx, now, input) {
            Ok(effects) => {
                tx.prepare_cached("RELEASE step")?.execute([])?;
                Ok(effects)
            }
            Err(error) => {
                // Half a step must not be committed. Where SQLite has rolled back
                // everything there is no savepoint any more, and nothing to undo.
                if tx.execute_batch("ROLLBACK TO step; RELEASE step").is_err() {
                    let _ = tx.execute_batch("ROLLBACK");
                }
                Err(error)
            }
        }
    }

    /// How many rows did not concern me and were dropped: a server that is
    /// set up wrongly, or a socket whose token has ended, delivers such.
    #[must_use]
    pub const fn foreign_rows(&self) -> u64 {
        self.foreign
    }

    /// What the last step wrote over: with it, who keeps what came in can tell
    /// what the store was like before. No decision is made by it.
    pub fn take_replaced(&mut self) -> Vec<Replaced> {
        std::mem::take(&mut self.replaced)
    }

    fn timer(&mut self, s: &mut Step<'_>, timer: Timer) -> Result<(), StoreError> {
        match timer {
            Timer::Connect => self.connect_due(s),
            Timer::Renew => self.renew(s),
            Timer::TokenEnd => self.token_ended(s),
            Timer::RenewSpare => self.renew_spare(s),
            Timer::Ping => self.ping_due(s),
            Timer::Overdue => self.overdue(s),
            Timer::Reconcile => self.reconcile_due(s),
            Timer::Outbox => self.drain(s),
            Timer::Poll => self.poll(s),
            Timer::History => self.deepen(s),
            Timer::Safety => self.safety_due(s),
        }
    }

    fn id(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    fn request(&mut self, s: &mut Step<'_>, call: Call) -> RequestId {
        let id = RequestId(self.id());
        s.effect(Effect::Request(id, call));
        id
    }

    /// A number below `bound`, from the seed (SplitMix64).
    fn random_below(&mut self, bound: i64) -> i64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 1).cast_signed() % bound.max(1)
    }

    /// Full jitter: between nothing and 0.5 s doubled at every failure, at most 60 s.
    fn jitter(&mut self, failures: u32) -> i64 {
        let ceiling = (500_i64 << failures.min(7)).min(60_000);
        self.random_below(ceiling).saturating_add(1)
    }
}
