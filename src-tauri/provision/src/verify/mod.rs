//! Proof by attack: does what only somebody malicious would do, and sees it refused.
//!
//! ```text
//! sweep -> world -> trials, one by one -> events -> what people hold is unchanged -> sweep
//! (what an earlier run   (probes and     (refused? nothing     (live)      (of probes)    |
//!  left behind)           their rows)     changed? works?)                              report
//! ```
//! The attacks are not a list: they are made from the [`Schema`], every collection by every
//! action by every way to ask, each beside a request that differs in whom it concerns only
//! and must work, so that no refusal is owed to a request that means nothing. What a schema
//! can't tell (who may take a group, what else Directus offers) is in `stories`.
//!
//! Owns the probes: people and rows whose keys begin with [`PROBES`]. Reads, writes and
//! deletes no row of anybody else, and what it leaves (the activity log, revisions of people
//! and files) is named in the report. Run with an administrator's session, which sees all.

mod call;
mod cells;
mod events;
mod forged;
mod judge;
mod private;
mod reading;
mod report;
mod run;
mod socket;
mod stories;
mod sweep;
mod trial;
mod world;
mod writing;

pub use crate::ids::PROBES;
pub use report::{Cell, Count, Finding, Report, Verdict};
pub use run::{Choices, attack, verify};
pub use sweep::sweep;
