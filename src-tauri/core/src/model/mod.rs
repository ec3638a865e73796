//! What every layer speaks: ids as types, instants, people and messages.
//!
//! Owns: these values and their text forms. Never: a socket, a file, a clock
//! or a decision.

mod ids;
mod instant;

use serde::{Deserialize, Serialize};

pub use ids::{AccountId, ConversationId, IdError, MessageId, PersonId};
pub use instant::{Instant, Now};

/// A message as the tutorial's collection has it.
///
/// `is_me` is computed with [`Message::is_me`], never stored, for the same row
/// is mine on one device and somebody else's on another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The row's uuid.
    pub id: MessageId,
    /// The text.
    pub content: String,
    /// Who wrote it (`sender_id`).
    pub sender: PersonId,
    /// Whom it is for (`receiver_id`).
    pub receiver: PersonId,
    /// The stamp that orders it on its server: `date_created` where there is
    /// one, else `timestamp` read as if it were UTC.
    pub stamp: Instant,
    /// `date_updated`, where the server has it and the row was changed.
    pub updated: Option<Instant>,
}

impl Message {
    /// Whether `me` wrote it.
    #[must_use]
    pub fn is_me(&self, me: PersonId) -> bool {
        self.sender == me
    }

    /// The conversation it belongs to in `me`'s eyes, or `None` if it does not
    /// concern `me`: such a row must be dropped.
    #[must_use]
    pub fn conversation(&self, me: PersonId) -> Option<ConversationId> {
        if self.sender == me {
            Some(ConversationId::Direct(self.receiver))
        } else if self.receiver == me {
            Some(ConversationId::Direct(self.sender))
        } else {
            None
        }
    }
}

/// A person on the server, as far as the directory shows one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `directus_users.id`.
    pub id: PersonId,
    /// First and last name joined, trimmed; empty where the server tells none.
    pub name: String,
}

/// Which stamps the server's collection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamps {
    /// The tutorial's five fields: only `timestamp`, a `dateTime` written by
    /// the sender, without milliseconds and zone.
    Sender,
    /// `date_created` and `date_updated`, written by the server.
    Server,
}
