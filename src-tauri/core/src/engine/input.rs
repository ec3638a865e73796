//! Everything that can happen to the engine.

use std::collections::BTreeSet;

use crate::{
    bridge::{Anchor, Depth, ReportReason},
    directus::call::{Answer, Fault, ServerFrame},
    model::{ConversationId, Instant, MessageId, PersonId},
};
use uuid::Uuid;

use super::effect::{Credential, RequestId, SocketId, Ticket, Timer};

/// One thing that happened. Inputs answer effects by their ids; an input with
/// an id that is not waited for any more is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The first input of every run: what the keychain holds. Brings the
    /// connection up.
    Start(Sessions),
    /// A person, or a program in their place, asked for something.
    Order(Ticket, Order),
    /// Conversations that some screen shows now: only their messages are
    /// worth a patch.
    Watching(BTreeSet<ConversationId>),
    /// Something about a socket.
    Socket(SocketId, SocketEvent),
    /// The end of a request, whatever it was.
    Answered {
        /// Which request.
        request: RequestId,
        /// What came back.
        result: Result<Answer, Fault>,
        /// The server's `Date` header, if there was one.
        date: Option<Instant>,
    },
    /// The end of a renewal. The new session is in the keychain already.
    Renewed {
        /// Which request.
        request: RequestId,
        /// What was granted. `Fault::Permanent` and `Fault::SignIn` both mean
        /// that this credential is dead.
        result: Result<Granted, Fault>,
    },
    /// A timer has come due.
    Timer(Timer),
    /// The system says whether there is a network.
    Network(bool),
    /// The app was suspended, or the machine slept, and goes on now.
    Resumed,
}

impl Input {
    /// Takes in what happened right after it, where one step over both decides
    /// what two would: rows that came through one socket. What they touch is then
    /// brought up to date and shown once. Gives back what it can't take in.
    #[must_use]
    pub fn join(&mut self, next: Self) -> Option<Self> {
        match (self, next) {
            (
                Self::Socket(socket, SocketEvent::Frame(ServerFrame::Rows { rows, .. })),
                Self::Socket(same, SocketEvent::Frame(ServerFrame::Rows { rows: more, .. })),
            ) if *socket == same => {
                rows.messages.extend(more.messages);
                rows.set_aside.extend(more.set_aside);
                rows.count = rows.count.saturating_add(more.count);
                rows.last = more.last.or(rows.last);
                None
            }
            (_, next) => Some(next),
        }
    }
}

/// What a person asks for.
#[derive(Clone, PartialEq, Eq)]
pub enum Order {
    /// Queue a message. `id` is a fresh UUIDv7.
    Send {
        /// Its id from now on, and on the server.
        id: MessageId,
        /// Where to.
        conversation: ConversationId,
        /// The text, trimmed and not blank.
        text: String,
    },
    /// Try a failed message again.
    Retry(MessageId),
    /// Take back a message that failed or was never tried.
    Discard(MessageId),
    /// Keep what is typed.
    SaveDraft(ConversationId, String),
    /// All up to this sort key is read.
    MarkRead(ConversationId, String),
    /// Ask the server for what is before the oldest message held.
    FetchOlder(ConversationId),
    /// Ask the server for what a page there lacks.
    Fetch(ConversationId, Anchor),
    /// How much of every conversation is to be kept here.
    SetDepth(Depth),
    /// Connect now.
    Reconnect,
    /// Block somebody, or lift that; with a fresh key for the server's row.
    Block(PersonId, bool, Uuid),
    /// Report to the owner.
    Report(NewReport),
    /// The app's terms are accepted, in this version.
    AcceptTerms(u32),
}

/// A report as a person makes it.
#[derive(Clone, PartialEq, Eq)]
pub struct NewReport {
    /// Fresh: its key on the server.
    pub id: Uuid,
    /// About whom, where no message says it.
    pub about: Option<PersonId>,
    /// About which message.
    pub message: Option<MessageId>,
    /// Why.
    pub reason: ReportReason,
    /// In one's own words.
    pub comment: String,
    /// Whether a copy of the message goes with it.
    pub with_text: bool,
}

/// Never the text: this may stand in a log.
impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Send {
                id, conversation, ..
            } => write!(f, "Send({id}, {conversation})"),
            Self::Retry(id) => write!(f, "Retry({id})"),
            Self::Discard(id) => write!(f, "Discard({id})"),
            Self::SaveDraft(conversation, _) => write!(f, "SaveDraft({conversation})"),
            Self::MarkRead(conversation, _) => write!(f, "MarkRead({conversation})"),
            Self::FetchOlder(conversation) => write!(f, "FetchOlder({conversation})"),
            Self::Fetch(conversation, anchor) => write!(f, "Fetch({conversation}, {anchor:?})"),
            Self::SetDepth(depth) => write!(f, "SetDepth({depth:?})"),
            Self::Reconnect => f.write_str("Reconnect"),
            Self::Block(person, wanted, _) => write!(f, "Block({person}, {wanted})"),
            Self::Report(report) => write!(f, "Report({})", report.id),
            Self::AcceptTerms(version) => write!(f, "AcceptTerms({version})"),
        }
    }
}

/// What can happen to a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketEvent {
    /// It is open; nothing has been said yet.
    Opened,
    /// It could not be opened. `upgrade_refused`: HTTP works there, the upgrade
    /// does not.
    Failed {
        /// The server answered, but not with a WebSocket.
        upgrade_refused: bool,
    },
    /// A frame came.
    Frame(ServerFrame),
    /// A frame came that was larger than 16 MiB; the socket is closed.
    TooLarge,
    /// It is closed.
    Closed,
}

/// What the keychain holds at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sessions {
    /// The wall-clock end of the session's token, if there is one.
    pub session: Option<Instant>,
    /// Whether there is a spare (`mode: json`) refresh token left.
    pub spare: bool,
}

/// A token that can be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// From which credential.
    pub credential: Credential,
    /// How long it lives, in milliseconds from the moment it was asked for.
    pub lifetime: i64,
}
