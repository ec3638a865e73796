//! Messages, people and conversations, and the pages of them that a screen shows.
//!
//! Owns: those shapes. Never: how they are found.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Problem;

/// What has become of a message that I wrote; others' are always `Sent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Kept here; waits for the connection or for its turn.
    Queued,
    /// On its way, or its answer was lost and it is being asked for.
    Sending,
    /// The server has it.
    Sent,
    /// The server refused it for good; `problem` says why.
    Failed,
}

/// One message as a screen shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct MessageRow {
    /// The message's uuid, the same on the server.
    pub id: String,
    /// `dm:<person>`; later `group:<id>`.
    pub conversation: String,
    /// Person who wrote it.
    pub sender: String,
    /// Whether that is me. Computed, never stored.
    pub is_me: bool,
    /// The text as written.
    pub text: String,
    /// When: the server's instant, or that of typing while it is pending.
    pub at: i64,
    /// Order in the conversation: compare as text, ascending is older first.
    pub sort: String,
    /// What has become of it.
    pub state: MessageState,
    /// Why it failed or waits, if there is something to say.
    pub problem: Option<Problem>,
}

/// A person on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct PersonRow {
    /// The person's uuid on the server.
    pub id: String,
    /// First and last name, or empty where the server tells none.
    pub name: String,
    /// Whether that is me.
    pub is_me: bool,
}

/// The last message of a conversation, for the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct LastMessage {
    /// Its text, cut to 200 characters, on one line.
    pub text: String,
    /// When, as [`MessageRow::at`].
    pub at: i64,
    /// Whether I wrote it.
    pub is_me: bool,
    /// What has become of it.
    pub state: MessageState,
}

/// One conversation as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct ConversationRow {
    /// `dm:<person>`.
    pub id: String,
    /// The other person's uuid.
    pub person: String,
    /// The other person's name, empty if unknown.
    pub title: String,
    /// Its last message, null for one that was only opened or has a draft.
    pub last: Option<LastMessage>,
    /// How many messages of others are unread.
    pub unread: i64,
    /// What was typed and not sent, if anything.
    pub draft: Option<String>,
    /// Whether the other person is blocked: then it is in no list.
    pub blocked: bool,
    /// Order in the list: compare as text, **descending** is newest first.
    pub sort: String,
}

/// What lies before the oldest message of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum Older {
    /// More is held here: ask for the page before.
    Held,
    /// More may be on the server: `fetch_older`, then a `history` change tells.
    Server,
    /// This is the beginning of the conversation.
    Beginning,
}

/// What lies after the newest message of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum Newer {
    /// More is held here: ask for the page after.
    Held,
    /// What comes next is not held: `fetch` with this page's end, then a
    /// `history` change tells.
    Server,
    /// These are the newest.
    Newest,
}

/// How much of every conversation is fetched unasked and kept here. What is
/// held already is never thrown away for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case", tag = "to", content = "count")]
pub enum Depth {
    /// So many days; 0 for nothing.
    Days(u32),
    /// So many messages; 0 for nothing.
    Messages(u32),
    /// To the beginning.
    Everything,
}

impl Default for Depth {
    fn default() -> Self {
        Self::Days(90)
    }
}

/// A page of messages, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Page {
    /// Revision of the store that this page shows; patches at or below it are
    /// already in it.
    pub revision: i64,
    /// The messages, oldest first, without a gap between them.
    pub messages: Vec<MessageRow>,
    /// What lies before the first.
    pub older: Older,
    /// What lies after the last.
    pub newer: Newer,
    /// The newest message that was read, for the unread divider: its `sort`.
    pub read_until: Option<String>,
    /// The conversation itself: title, draft, unread.
    pub conversation: ConversationRow,
}

/// Where a page lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case", tag = "at", content = "sort")]
pub enum Anchor {
    /// The newest messages.
    Newest,
    /// Those before this sort key.
    Before(String),
    /// Those after this sort key.
    After(String),
    /// Those around this message. One that lies outside of what is held without
    /// a gap stands alone on its page, with `server` on both sides.
    Around(String),
    /// Those around this instant. Where nothing is held then, the page is
    /// empty, with `server` on both sides.
    At(i64),
}

/// A part of the conversation list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct ConversationPage {
    /// Revision of the store that this shows.
    pub revision: i64,
    /// The conversations, newest first.
    pub conversations: Vec<ConversationRow>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// People to pick from, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct PeoplePage {
    /// The people, by name; I am among them (talking to oneself is allowed).
    pub people: Vec<PersonRow>,
    /// Whether there are more after the last.
    pub more: bool,
}
