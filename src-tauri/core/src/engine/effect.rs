//! Everything the engine can want done. Effects are performed after the
//! commit of the step that gave them, in their order.

use crate::{
    bridge::{Change, MessageRow, Problem},
    directus::call::{Call, ClientFrame},
};

/// Names a socket; a new one for every attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// Names a request; a new one for every attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Names an order that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A timer has one name; setting it again moves it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Timer {
    /// The next attempt to connect.
    Connect,
    /// The token is due for renewal.
    Renew,
    /// The token's end.
    TokenEnd,
    /// The spare session is due for renewal.
    RenewSpare,
    /// Ask the server whether it is still there.
    Ping,
    /// The answer to that, or to a handshake, is overdue.
    Overdue,
    /// Compare with the server.
    Reconcile,
    /// The next try of what waits in the outbox.
    Outbox,
    /// Ask for news, where there is no socket.
    Poll,
    /// The next page of history that nobody asked for.
    History,
    /// The next try of what waits to be told about people.
    Safety,
}

/// One of the two ways in which an account is signed in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// `mode: session`: the cookie's JWT, good for REST and the socket; a
    /// renewal whose answer is lost can be repeated.
    Session,
    /// `mode: json`: a refresh token that rotates; the spare.
    Spare,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open a socket and say `Opened` or `Failed` about it.
    OpenSocket(SocketId),
    /// Close it; nothing is heard of it afterwards.
    CloseSocket(SocketId),
    /// Send the auth frame with the token that was granted last.
    Authenticate(SocketId, String),
    /// Send a frame.
    SendFrame(SocketId, ClientFrame),
    /// Make a REST request with the token that was granted last, and answer
    /// with `Answered` in any case, within 30 s.
    Request(RequestId, Call),
    /// Renew this credential: ask the server, **store the new one in the
    /// keychain**, then answer with `Renewed`, within 30 s. One at a time.
    Renew(RequestId, Credential),
    /// Say `Timer` after this many milliseconds. Set again, it moves.
    SetTimer(Timer, i64),
    /// Forget the timer.
    StopTimer(Timer),
    /// Answer an order.
    Reply(Ticket, Result<Reply, Problem>),
    /// Show what changed, at this revision.
    Show(i64, Vec<Change>),
    /// Tell who listens.
    Notify(Notice),
}

/// What an order is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done and durable.
    Done,
    /// The message was queued.
    Queued(Box<MessageRow>),
}

/// What is worth telling beyond the screen that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A message of somebody else came that was not known before.
    Arrived(Box<MessageRow>),
    /// No session is left.
    SignInNeeded,
}
