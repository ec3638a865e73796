//! An order as it is kept. See `told`.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    super::veil::{Text, Veil, Word},
    direct,
};
use crate::{
    bridge::{Anchor, Depth, ReportReason},
    engine::{NewReport, Order},
    model::{MessageId, PersonId},
    view,
};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ordered {
    /// [`Order::Send`].
    Send {
        /// Its id.
        id: MessageId,
        /// To whom.
        to: PersonId,
        /// Its text.
        text: Text,
    },
    /// [`Order::Retry`].
    Retry(MessageId),
    /// [`Order::Discard`].
    Discard(MessageId),
    /// [`Order::SaveDraft`].
    SaveDraft(PersonId, Text),
    /// [`Order::MarkRead`].
    MarkRead(PersonId, Sort),
    /// [`Order::FetchOlder`].
    FetchOlder(PersonId),
    /// [`Order::Fetch`].
    Fetch(PersonId, Place),
    /// [`Order::SetDepth`].
    SetDepth(Depth),
    /// [`Order::Reconnect`].
    Reconnect,
    /// [`Order::Block`].
    Block(PersonId, bool, Uuid),
    /// [`Order::Report`].
    Report {
        /// Its key.
        id: Uuid,
        /// About whom.
        about: Option<PersonId>,
        /// About which message.
        message: Option<MessageId>,
        /// Why.
        reason: ReportReason,
        /// In one's own words.
        comment: Text,
        /// Whether a copy goes with it.
        with_text: bool,
    },
    /// [`Order::AcceptTerms`].
    AcceptTerms(u32),
}

/// Where a page lies: [`Anchor`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The newest.
    Newest,
    /// Before this.
    Before(Sort),
    /// After this.
    After(Sort),
    /// Around this message.
    Around(Word),
    /// Around this instant.
    At(i64),
}

/// A message's sort key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Pending, stamp and id.
    Key(bool, i64, Word),
    /// It is none.
    Other(Text),
}

impl Ordered {
    pub(super) fn of(order: &Order, veil: &Veil) -> Self {
        match order {
            Order::Send {
                id,
                conversation,
                text,
            } => Self::Send {
                id: *id,
                to: conversation.peer(),
                text: veil.text(text),
            },
            Order::Retry(id) => Self::Retry(*id),
            Order::Discard(id) => Self::Discard(*id),
            Order::SaveDraft(conversation, text) => {
                Self::SaveDraft(conversation.peer(), veil.text(text))
            }
            Order::MarkRead(conversation, until) => {
                Self::MarkRead(conversation.peer(), Sort::of(until, veil))
            }
            Order::FetchOlder(conversation) => Self::FetchOlder(conversation.peer()),
            Order::Fetch(conversation, anchor) => {
                Self::Fetch(conversation.peer(), Place::of(anchor, veil))
            }
            Order::SetDepth(depth) => Self::SetDepth(*depth),
            Order::Reconnect => Self::Reconnect,
            Order::Block(person, wanted, key) => Self::Block(*person, *wanted, *key),
            Order::Report(NewReport {
                id,
                about,
                message,
                reason,
                comment,
                with_text,
            }) => Self::Report {
                id: *id,
                about: *about,
                message: *message,
                reason: *reason,
                comment: veil.text(comment),
                with_text: *with_text,
            },
            Order::AcceptTerms(version) => Self::AcceptTerms(*version),
        }
    }

    pub(super) fn again(self) -> Order {
        match self {
            Self::Send { id, to, text } => Order::Send {
                id,
                conversation: direct(to),
                text: text.placeholder(),
            },
            Self::Retry(id) => Order::Retry(id),
            Self::Discard(id) => Order::Discard(id),
            Self::SaveDraft(with, text) => Order::SaveDraft(direct(with), text.placeholder()),
            Self::MarkRead(with, until) => Order::MarkRead(direct(with), until.again()),
            Self::FetchOlder(with) => Order::FetchOlder(direct(with)),
            Self::Fetch(with, place) => Order::Fetch(direct(with), place.again()),
            Self::SetDepth(depth) => Order::SetDepth(depth),
            Self::Reconnect => Order::Reconnect,
            Self::Block(person, wanted, key) => Order::Block(person, wanted, key),
            Self::Report {
                id,
                about,
                message,
                reason,
                comment,
                with_text,
            } => Order::Report(NewReport {
                id,
                about,
                message,
                reason,
                comment: comment.placeholder(),
                with_text,
            }),
            Self::AcceptTerms(version) => Order::AcceptTerms(version),
        }
    }
}

impl Place {
    pub(super) fn of(anchor: &Anchor, veil: &Veil) -> Self {
        match anchor {
            Anchor::Newest => Self::Newest,
            Anchor::Before(sort) => Self::Before(Sort::of(sort, veil)),
            Anchor::After(sort) => Self::After(Sort::of(sort, veil)),
            Anchor::Around(id) => Self::Around(veil.word(id)),
            Anchor::At(at) => Self::At(*at),
        }
    }

    pub(super) fn again(self) -> Anchor {
        match self {
            Self::Newest => Anchor::Newest,
            Self::Before(sort) => Anchor::Before(sort.again()),
            Self::After(sort) => Anchor::After(sort.again()),
            Self::Around(id) => Anchor::Around(id.told()),
            Self::At(at) => Anchor::At(at),
        }
    }
}

impl Sort {
    pub(super) fn of(sort: &str, veil: &Veil) -> Self {
        match view::read_sort(sort) {
            Some((pending, stamp, id)) => Self::Key(pending, stamp, veil.word(id)),
            None => Self::Other(veil.text(sort)),
        }
    }

    pub(super) fn again(self) -> String {
        match self {
            Self::Key(pending, stamp, id) => view::write_sort(pending, stamp, id.told()),
            Self::Other(text) => text.placeholder(),
        }
    }
}
