//! What the engine may ask of a server, and what it may hear: the vocabulary
//! between the two, without a route or a byte of JSON in it.

use super::safety::{Ask, Told};
use crate::model::{Instant, Message, MessageId, Person, PersonId, Stamps};

/// One REST request, in the engine's words. `rest::request` turns it into a
/// method, a path and a body; `rest::answer` reads what comes back.
///
/// Every read of messages carries the filter "sent by me or to me", because an
/// administrator would otherwise be given everybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Which fields of the chat collection this person may read:
    /// `GET /items/chat_messages?limit=0&fields=…` -> [`Answer::Probed`].
    Probe {
        /// The fields to ask for.
        stamps: Stamps,
    },
    /// Who I am: `GET /users/me?fields=id,first_name,last_name` -> [`Answer::People`] with one.
    Me,
    /// A part of the directory, by name, of active people -> [`Answer::People`].
    People {
        /// How many to leave out.
        offset: u32,
        /// How many at most.
        limit: u32,
    },
    /// A page of messages -> [`Answer::Messages`].
    Messages(MessagesQuery),
    /// One message by its id -> [`Answer::Messages`] with one row, or
    /// [`Fault::Permanent`] with `not_readable` when it is not there for me.
    Message {
        /// Its id.
        id: MessageId,
        /// The fields there are.
        stamps: Stamps,
    },
    /// Count and newest stamp per sender and receiver -> [`Answer::Totals`].
    Totals {
        /// The fields there are.
        stamps: Stamps,
        /// Only messages with a stamp at or after this.
        since: Option<Instant>,
        /// Which of them.
        groups: Groups,
    },
    /// Count per sender, receiver and day of `timestamp` -> [`Answer::Days`].
    /// Only for [`Stamps::Sender`], whose late rows no cursor finds.
    Days {
        /// Only messages with a stamp at or after this.
        since: Option<Instant>,
        /// Which of them.
        groups: Groups,
    },
    /// The newest message of each of these pairs, which [`Call::Totals`] named:
    /// one SEARCH -> [`Answer::Messages`].
    Newest {
        /// The fields there are.
        stamps: Stamps,
        /// Sender, receiver and stamp; at most 50.
        of: Vec<(PersonId, PersonId, Instant)>,
        /// How many rows at most: several may share a stamp.
        limit: u32,
    },
    /// Creates a message: `POST /items/chat_messages` -> [`Answer::Created`].
    Create(Outgoing),
    /// About people and the owner -> [`Answer::Safety`].
    Safety(Ask),
}

/// Which groups a request for totals asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    /// Of which direction: those of one are ordered by the other person, those
    /// of both in whatever way the server likes.
    pub of: Direction,
    /// Groups to leave out at the start.
    pub offset: u32,
    /// How many groups at most.
    pub limit: u32,
}

/// What I sent, what I received, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    Both,
    /// What I sent.
    Sent,
    /// What I received.
    Received,
}

/// A message on its way out.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its key, the same at every try.
    pub id: MessageId,
    /// The text.
    pub content: String,
    /// Me.
    pub sender: PersonId,
    /// Whom it is for.
    pub receiver: PersonId,
    /// The server's time at the moment of this try, in whole seconds; written
    /// as `…:SSZ`.
    pub timestamp: Instant,
    /// The fields there are.
    pub stamps: Stamps,
}

/// Never the text: this may stand in a log.
impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A keyset page of messages that concern me.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagesQuery {
    /// The fields there are.
    pub stamps: Stamps,
    /// Only the conversation with this person.
    pub peer: Option<PersonId>,
    /// Which stamp orders the page.
    pub by: By,
    /// Oldest first; otherwise newest first. Ties are ordered by id, in the
    /// same direction.
    pub ascending: bool,
    /// Lower end, inclusive.
    pub from: Option<Instant>,
    /// Upper end, inclusive. With [`Stamps::Sender`] it means the whole of its
    /// second, for the server may hide milliseconds.
    pub until: Option<Instant>,
    /// Rows already held at the end that the page starts from; left out.
    pub except: Vec<MessageId>,
    /// Rows to leave out at the start, for a second that holds more rows than
    /// `except` can name.
    pub offset: u32,
    /// How many rows at most.
    pub limit: u32,
}

/// Which stamp orders a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// [`Message::stamp`]: `date_created`, or the tutorial's `timestamp`.
    Created,
    /// `date_updated`; rows without one are not found. Only [`Stamps::Server`].
    Updated,
}

/// What a server answered, read and checked row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The fields asked for are there.
    Probed,
    /// Rows that could be read, in the server's order.
    Messages(Rows),
    /// People that could be read, and how many rows there were in all: fewer
    /// than the limit means the end.
    People {
        /// The people.
        people: Vec<Person>,
        /// How many rows the server sent, readable or not.
        rows: u32,
    },
    /// Totals per sender and receiver.
    Totals(Vec<Total>),
    /// Totals per sender, receiver and day.
    Days(Vec<DayTotal>),
    /// The created row, as the server has it; `None` where it may not be read.
    Created(Option<Message>),
    /// About people and the owner.
    Safety(Told),
}

/// The rows of a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// Those that could be read, in the server's order.
    pub messages: Vec<Message>,
    /// Those that could not: set aside, so that one bad row never stops a page.
    pub set_aside: Vec<BadRow>,
    /// The stamp by which the page was ordered, of the last row that has one,
    /// readable or not: where a cursor may go.
    pub last: Option<Instant>,
    /// How many rows the server sent; fewer than the limit means the end.
    pub count: u32,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its id, if that much could be read; at most 64 characters.
    pub id: Option<String>,
    /// Which field was wrong: a fixed word, never the row's content.
    pub reason: &'static str,
    /// The stamp that ordered it, if that could be read.
    pub at: Option<Instant>,
}

/// Count and newest stamp of the messages from one person to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Who wrote them.
    pub sender: PersonId,
    /// Whom they are for.
    pub receiver: PersonId,
    /// How many.
    pub count: u64,
    /// The newest stamp, if the server told one.
    pub newest: Option<Instant>,
}

/// Count of the messages from one person to another in one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayTotal {
    /// Who wrote them.
    pub sender: PersonId,
    /// Whom they are for.
    pub receiver: PersonId,
    /// Start of the day, in the server's own zone read as if it were UTC.
    pub day: Instant,
    /// How many.
    pub count: u64,
}

/// Why a call has no answer: the four kinds, and nothing else.
///
/// | what happened | kind |
/// |---|---|
/// | no connection, cut, timed out, answer lost | `Network` |
/// | 429, 503, 5xx, 408, and a body that is not JSON from a proxy | `Transient` |
/// | 401 | `SignIn` |
/// | everything else with a Directus error code | `Permanent` |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is known: the server may have done it or not.
    Network,
    /// The server could not do it now.
    Transient {
        /// What `Retry-After` said, in milliseconds.
        retry_after: Option<i64>,
        /// The HTTP status.
        status: u16,
    },
    /// The token is not accepted (any longer).
    SignIn,
    /// The server refuses; the same request will be refused again.
    Permanent(Refusal),
}

/// A definite refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub reason: Reason,
    /// The field that the server named, if it looks like a field's name.
    pub field: Option<String>,
    /// The HTTP status.
    pub status: u16,
}

/// Kinds of refusal that something follows from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// 400 `RECORD_NOT_UNIQUE`: a row with this id is there already.
    NotUnique,
    /// 403 `FORBIDDEN` or 404: not readable, not allowed, or not there.
    Forbidden,
    /// 400 `FAILED_VALIDATION`.
    Validation,
    /// 400 `INVALID_FOREIGN_KEY`: the receiver does not exist.
    ForeignKey,
    /// 400 `INVALID_PAYLOAD` of a body over 1 MB, 413, or an answer larger
    /// than 32 MiB.
    TooLarge,
    /// 400 `INVALID_QUERY` of a page: most likely more rows or groups than
    /// `QUERY_LIMIT_MAX` were asked for, which is refused and not lowered.
    TooMany,
    /// 401 `USER_SUSPENDED`, told at a renewal alone.
    Suspended,
    /// Anything else.
    Other,
}

/// A frame to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// One subscription on the chat collection, explicit fields, filter
    /// "sent by me or to me", `limit: 0` so that init is empty.
    Subscribe {
        /// The fields there are.
        stamps: Stamps,
        /// Comes back in every frame of the subscription.
        uid: String,
    },
    /// The server's own kind of ping; it never answers protocol-level ones.
    Ping {
        /// Comes back in the pong.
        uid: String,
    },
    /// Answer to the server's ping.
    Pong,
}

/// A frame from the server, read and checked row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFrame {
    /// `{"type":"auth","status":"ok"}`.
    AuthOk {
        /// Which auth it answers.
        uid: Option<String>,
    },
    /// An auth error other than the token's end: `AUTH_FAILED`, `AUTH_TIMEOUT`.
    AuthFailed {
        /// Which auth it answers.
        uid: Option<String>,
    },
    /// `TOKEN_EXPIRED`: from here to the next `AuthOk` the socket may deliver
    /// what is not ours.
    TokenExpired,
    /// `{"type":"ping"}`.
    Ping,
    /// Answer to our ping.
    Pong {
        /// Which ping.
        uid: Option<String>,
    },
    /// The subscription stands.
    Init {
        /// Which.
        uid: Option<String>,
    },
    /// Rows were created or updated.
    Rows {
        /// Which subscription.
        uid: Option<String>,
        /// The rows.
        rows: Rows,
    },
    /// Ids were deleted; every subscriber is told, whether it concerns them or not.
    Deleted {
        /// Which subscription.
        uid: Option<String>,
        /// The ids that could be read.
        ids: Vec<MessageId>,
    },
    /// The subscription was refused, or one of its events could not be made.
    SubscribeFailed {
        /// Which, where the server tells.
        uid: Option<String>,
        /// Whether permissions are the reason.
        forbidden: bool,
    },
    /// `REQUESTS_EXCEEDED`: our last frame was dropped, the socket stays.
    TooFast,
    /// Anything else: counted and dropped.
    Unknown,
}
