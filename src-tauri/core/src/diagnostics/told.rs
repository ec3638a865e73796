//! What an engine was told, as it is kept and written: the input's own shape,
//! with a stand-in for every text.
//!
//! Owns: the list of what is let in. Each shape is taken apart field by field,
//! so that a new one does not compile before somebody has decided about it.
//! Never: a text, a name, an address, a token.

mod answered;
mod heard;
mod ordered;
mod rows;

use serde::{Deserialize, Serialize};

use super::veil::Veil;
use crate::{
    engine::{Credential, Granted, Input, RequestId, Sessions, SocketId, Ticket, Timer},
    model::{ConversationId, Instant, PersonId},
};

pub use answered::{Answered, Failed, Owned};
pub use heard::Heard;
pub use ordered::{Ordered, Place, Sort};
pub use rows::{KeptRow, Page, Row};

/// An input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Told {
    /// [`Input::Start`].
    Start {
        /// The end of the session's token.
        session: Option<i64>,
        /// Whether there is a spare.
        spare: bool,
    },
    /// [`Input::Order`].
    Order(u64, Ordered),
    /// [`Input::Watching`]: the people of these conversations.
    Watching(Vec<PersonId>),
    /// [`Input::Socket`].
    Socket(u64, Heard),
    /// [`Input::Answered`].
    Answered {
        /// Which request.
        request: u64,
        /// What came back.
        result: Result<Answered, Failed>,
        /// The server's clock.
        date: Option<i64>,
    },
    /// [`Input::Renewed`].
    Renewed {
        /// Which request.
        request: u64,
        /// Which credential, and how long it lives.
        result: Result<(Credential, i64), Failed>,
    },
    /// [`Input::Timer`].
    Timer(Timer),
    /// [`Input::Network`].
    Network(bool),
    /// [`Input::Resumed`].
    Resumed,
}

fn direct(person: PersonId) -> ConversationId {
    ConversationId::Direct(person)
}

impl Told {
    /// Keeps an input.
    #[must_use]
    pub fn of(input: &Input, veil: &Veil) -> Self {
        match input {
            Input::Start(Sessions { session, spare }) => Self::Start {
                session: session.map(|at| at.0),
                spare: *spare,
            },
            Input::Order(ticket, order) => Self::Order(ticket.0, Ordered::of(order, veil)),
            Input::Watching(conversations) => {
                Self::Watching(conversations.iter().map(|one| one.peer()).collect())
            }
            Input::Socket(socket, event) => Self::Socket(socket.0, Heard::of(event, veil)),
            Input::Answered {
                request,
                result,
                date,
            } => Self::Answered {
                request: request.0,
                result: match result {
                    Ok(answer) => Ok(Answered::of(answer, veil)),
                    Err(fault) => Err(Failed::of(fault, veil)),
                },
                date: date.map(|at| at.0),
            },
            Input::Renewed { request, result } => Self::Renewed {
                request: request.0,
                result: match result {
                    Ok(Granted {
                        credential,
                        lifetime,
                    }) => Ok((*credential, *lifetime)),
                    Err(fault) => Err(Failed::of(fault, veil)),
                },
            },
            Input::Timer(timer) => Self::Timer(*timer),
            Input::Network(up) => Self::Network(*up),
            Input::Resumed => Self::Resumed,
        }
    }

    /// The same input over placeholders.
    #[must_use]
    pub fn again(self) -> Input {
        match self {
            Self::Start { session, spare } => Input::Start(Sessions {
                session: session.map(Instant),
                spare,
            }),
            Self::Order(ticket, order) => Input::Order(Ticket(ticket), order.again()),
            Self::Watching(people) => Input::Watching(people.into_iter().map(direct).collect()),
            Self::Socket(socket, heard) => Input::Socket(SocketId(socket), heard.again()),
            Self::Answered {
                request,
                result,
                date,
            } => Input::Answered {
                request: RequestId(request),
                result: result.map(Answered::again).map_err(Failed::again),
                date: date.map(Instant),
            },
            Self::Renewed { request, result } => Input::Renewed {
                request: RequestId(request),
                result: result
                    .map(|(credential, lifetime)| Granted {
                        credential,
                        lifetime,
                    })
                    .map_err(Failed::again),
            },
            Self::Timer(timer) => Input::Timer(timer),
            Self::Network(up) => Input::Network(up),
            Self::Resumed => Input::Resumed,
        }
    }

    /// About how many bytes it takes beyond its own size.
    #[must_use]
    pub fn weight(&self) -> usize {
        let rows = |page: &Page| {
            size_of_val(page.messages.as_slice()) + size_of_val(page.set_aside.as_slice())
        };
        match self {
            Self::Watching(people) => size_of_val(people.as_slice()),
            Self::Socket(_, Heard::Rows(_, page)) => rows(page),
            Self::Socket(_, Heard::Deleted(_, ids)) => size_of_val(ids.as_slice()),
            Self::Answered {
                result: Ok(answered),
                ..
            } => match answered {
                Answered::Messages(page) => rows(page),
                Answered::People { people, .. } => size_of_val(people.as_slice()),
                Answered::Totals(totals) => size_of_val(totals.as_slice()),
                Answered::Days(days) => size_of_val(days.as_slice()),
                Answered::Blocks(people) => size_of_val(people.as_slice()),
                _ => 0,
            },
            _ => 0,
        }
    }
}
