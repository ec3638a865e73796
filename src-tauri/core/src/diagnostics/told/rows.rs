//! Messages as they are kept, with a stand-in for every text. See `told`.

use serde::{Deserialize, Serialize};

use super::super::veil::{Text, Veil, Word};
use crate::{
    directus::call::{BadRow, Rows},
    model::{Instant, Message, MessageId, PersonId},
    store::messages::Kept,
};

/// Rows of a page: [`Rows`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Those that could be read.
    pub messages: Vec<Row>,
    /// Those that could not: id, field, stamp.
    pub set_aside: Vec<(Option<Word>, Word, Option<i64>)>,
    /// Where a cursor may go.
    pub last: Option<i64>,
    /// How many rows there were.
    pub count: u32,
}

/// A message: [`Message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its id.
    pub id: MessageId,
    /// Its text.
    pub text: Text,
    /// Who wrote it.
    pub from: PersonId,
    /// Whom it is for.
    pub to: PersonId,
    /// What orders it.
    pub stamp: i64,
    /// When it was changed.
    pub updated: Option<i64>,
}

/// A message as it is kept: [`Kept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptRow {
    /// The message.
    pub row: Row,
    /// Whether it waits in the outbox.
    pub pending: bool,
    /// When it was typed, for a pending one.
    pub typed: Option<i64>,
}

/// Fields of a row that may be wrong, as words that live as long as the program.
const FIELDS: &[&str] = &[
    "id",
    "content",
    "date_updated",
    "sender_id",
    "receiver_id",
    "timestamp",
];

fn field(word: &Word) -> &'static str {
    let Word::Plain(word) = word else {
        return "row";
    };
    FIELDS
        .iter()
        .find(|field| *field == word)
        .copied()
        .unwrap_or("row")
}

impl Page {
    pub(super) fn of(rows: &Rows, veil: &Veil) -> Self {
        let Rows {
            messages,
            set_aside,
            last,
            count,
        } = rows;
        Self {
            messages: messages.iter().map(|row| Row::of(row, veil)).collect(),
            set_aside: set_aside
                .iter()
                .map(|BadRow { id, reason, at }| {
                    (
                        id.as_deref().map(|id| veil.word(id)),
                        veil.word(reason),
                        at.map(|at| at.0),
                    )
                })
                .collect(),
            last: last.map(|at| at.0),
            count: *count,
        }
    }

    pub(super) fn again(self) -> Rows {
        Rows {
            messages: self.messages.into_iter().map(Row::again).collect(),
            set_aside: self
                .set_aside
                .into_iter()
                .map(|(id, reason, at)| BadRow {
                    id: id.map(|id| id.told()),
                    reason: field(&reason),
                    at: at.map(Instant),
                })
                .collect(),
            last: self.last.map(Instant),
            count: self.count,
        }
    }
}

impl Row {
    /// Keeps a message.
    #[must_use]
    pub fn of(message: &Message, veil: &Veil) -> Self {
        let Message {
            id,
            content,
            sender,
            receiver,
            stamp,
            updated,
        } = message;
        Self {
            id: *id,
            text: veil.text(content),
            from: *sender,
            to: *receiver,
            stamp: stamp.0,
            updated: updated.map(|at| at.0),
        }
    }

    /// The same over a placeholder.
    #[must_use]
    pub fn again(self) -> Message {
        Message {
            id: self.id,
            content: self.text.placeholder(),
            sender: self.from,
            receiver: self.to,
            stamp: Instant(self.stamp),
            updated: self.updated.map(Instant),
        }
    }
}

impl KeptRow {
    /// Keeps a message that is kept.
    #[must_use]
    pub fn of(kept: &Kept, veil: &Veil) -> Self {
        let Kept {
            message,
            pending,
            typed,
        } = kept;
        Self {
            row: Row::of(message, veil),
            pending: *pending,
            typed: typed.map(|at| at.0),
        }
    }
}
