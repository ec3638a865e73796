//! What a search finds, and how far back it has looked.
//!
//! Owns: those shapes. Never: how it is found.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::MessageRow;

/// A part of an excerpt that was looked for. Counted in UTF-16 units, as
/// JavaScript's `slice` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Mark {
    /// Where it begins.
    pub from: u32,
    /// Where it has ended.
    pub until: u32,
}

/// The part of a message around what was found, on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Excerpt {
    /// Plain text, about 160 characters; `…` where something is left out.
    pub text: String,
    /// What was found in it, in order and apart. May be empty.
    pub marks: Vec<Mark>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Found {
    /// The message. It may lie outside of what is held without a gap.
    pub message: MessageRow,
    /// Its conversation's title, empty if unknown.
    pub title: String,
    /// The part of it that was found.
    pub excerpt: Excerpt,
}

/// How far back everything is held, without a gap up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case", tag = "to", content = "at")]
pub enum Reach {
    /// To the beginning.
    Beginning,
    /// To this instant; what is older may be on the server.
    Instant(i64),
    /// Not at all: nothing was fetched yet.
    Nothing,
}

/// How far back one conversation is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct ConversationReach {
    /// The conversation.
    pub conversation: String,
    /// How far back.
    pub reach: Reach,
}

/// What a search found, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SearchPage {
    /// Revision of the store that was searched.
    pub revision: i64,
    /// What was found, newest first; what waits to be sent counts as newest.
    pub found: Vec<Found>,
    /// Whether there is more after the last.
    pub more: bool,
    /// How far back all of what was searched is held: as far as the
    /// conversation that is held least.
    pub reach: Reach,
    /// The same for each conversation that something was found in.
    pub reaches: Vec<ConversationReach>,
}
