//! What an engine was told, as it is kept and written: the input's own shape,
//! with a stand-in for every text.
//!
//! Owns: the list of what is let in. Each shape is taken apart field by field,
//! so that a new one does not compile before somebody has decided about it.
//! Never: a text, a name, an address, a token.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::veil::{Text, Veil, Word};
use crate::{
    bridge::{Anchor, Depth, ReportReason},
    directus::{
        call::{Answer, BadRow, DayTotal, Fault, Reason, Refusal, Rows, ServerFrame, Total},
        safety::{Owner, Told as ToldOf},
    },
    engine::{
        Credential, Granted, Input, NewReport, Order, RequestId, Sessions, SocketEvent, SocketId,
        Ticket, Timer,
    },
    model::{ConversationId, Instant, Message, MessageId, Person, PersonId},
    store::messages::Kept,
    view,
};

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

/// An event of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Heard {
    /// [`SocketEvent::Opened`].
    Opened,
    /// [`SocketEvent::Failed`].
    Failed {
        /// No WebSocket there.
        upgrade_refused: bool,
    },
    /// [`SocketEvent::TooLarge`].
    TooLarge,
    /// [`SocketEvent::Closed`].
    Closed,
    /// [`ServerFrame::AuthOk`].
    AuthOk(Option<Word>),
    /// [`ServerFrame::AuthFailed`].
    AuthFailed(Option<Word>),
    /// [`ServerFrame::TokenExpired`].
    TokenExpired,
    /// [`ServerFrame::Ping`].
    Ping,
    /// [`ServerFrame::Pong`].
    Pong(Option<Word>),
    /// [`ServerFrame::Init`].
    Init(Option<Word>),
    /// [`ServerFrame::Rows`].
    Rows(Option<Word>, Page),
    /// [`ServerFrame::Deleted`].
    Deleted(Option<Word>, Vec<MessageId>),
    /// [`ServerFrame::SubscribeFailed`].
    SubscribeFailed {
        /// Which.
        uid: Option<Word>,
        /// Whether permissions are the reason.
        forbidden: bool,
    },
    /// [`ServerFrame::TooFast`].
    TooFast,
    /// [`ServerFrame::Unknown`].
    Unknown,
}

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

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answered {
    /// [`Answer::Probed`].
    Probed,
    /// [`Answer::Messages`].
    Messages(Page),
    /// [`Answer::People`].
    People {
        /// Who, and what stands for their names.
        people: Vec<(PersonId, Text)>,
        /// How many rows there were.
        rows: u32,
    },
    /// [`Answer::Totals`]: sender, receiver, count, newest.
    Totals(Vec<(PersonId, PersonId, u64, Option<i64>)>),
    /// [`Answer::Days`]: sender, receiver, day, count.
    Days(Vec<(PersonId, PersonId, i64, u64)>),
    /// [`Answer::Created`].
    Created(Option<Row>),
    /// What the owner says.
    Owner(Owned),
    /// Whom I have blocked.
    Blocks(Vec<PersonId>),
    /// It is done.
    Done,
}

/// What the owner says of themselves: [`Owner`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owned {
    /// The version of the schema.
    pub version: Option<u32>,
    /// Where they are reached.
    pub contact: Option<Text>,
    /// Where their terms are.
    pub terms: Option<Text>,
}

/// Why there is no answer: [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Failed {
    /// Nothing is known.
    Network,
    /// The server could not do it now.
    Transient {
        /// How long to wait.
        retry_after: Option<i64>,
        /// The HTTP status.
        status: u16,
    },
    /// The token is not accepted.
    SignIn,
    /// The server refuses.
    Permanent {
        /// What kind of refusal.
        reason: Reason,
        /// The field that it named.
        field: Option<Word>,
        /// The HTTP status.
        status: u16,
    },
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

impl Ordered {
    fn of(order: &Order, veil: &Veil) -> Self {
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

    fn again(self) -> Order {
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
    fn of(anchor: &Anchor, veil: &Veil) -> Self {
        match anchor {
            Anchor::Newest => Self::Newest,
            Anchor::Before(sort) => Self::Before(Sort::of(sort, veil)),
            Anchor::After(sort) => Self::After(Sort::of(sort, veil)),
            Anchor::Around(id) => Self::Around(veil.word(id)),
            Anchor::At(at) => Self::At(*at),
        }
    }

    fn again(self) -> Anchor {
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
    fn of(sort: &str, veil: &Veil) -> Self {
        match view::read_sort(sort) {
            Some((pending, stamp, id)) => Self::Key(pending, stamp, veil.word(id)),
            None => Self::Other(veil.text(sort)),
        }
    }

    fn again(self) -> String {
        match self {
            Self::Key(pending, stamp, id) => view::write_sort(pending, stamp, id.told()),
            Self::Other(text) => text.placeholder(),
        }
    }
}

impl Heard {
    fn of(event: &SocketEvent, veil: &Veil) -> Self {
        let word = |uid: &Option<String>| uid.as_deref().map(|uid| veil.word(uid));
        match event {
            SocketEvent::Opened => Self::Opened,
            SocketEvent::Failed { upgrade_refused } => Self::Failed {
                upgrade_refused: *upgrade_refused,
            },
            SocketEvent::TooLarge => Self::TooLarge,
            SocketEvent::Closed => Self::Closed,
            SocketEvent::Frame(frame) => match frame {
                ServerFrame::AuthOk { uid } => Self::AuthOk(word(uid)),
                ServerFrame::AuthFailed { uid } => Self::AuthFailed(word(uid)),
                ServerFrame::TokenExpired => Self::TokenExpired,
                ServerFrame::Ping => Self::Ping,
                ServerFrame::Pong { uid } => Self::Pong(word(uid)),
                ServerFrame::Init { uid } => Self::Init(word(uid)),
                ServerFrame::Rows { uid, rows } => Self::Rows(word(uid), Page::of(rows, veil)),
                ServerFrame::Deleted { uid, ids } => Self::Deleted(word(uid), ids.clone()),
                ServerFrame::SubscribeFailed { uid, forbidden } => Self::SubscribeFailed {
                    uid: word(uid),
                    forbidden: *forbidden,
                },
                ServerFrame::TooFast => Self::TooFast,
                ServerFrame::Unknown => Self::Unknown,
            },
        }
    }

    fn again(self) -> SocketEvent {
        let told = |uid: Option<Word>| uid.map(|uid| uid.told());
        SocketEvent::Frame(match self {
            Self::Opened => return SocketEvent::Opened,
            Self::Failed { upgrade_refused } => return SocketEvent::Failed { upgrade_refused },
            Self::TooLarge => return SocketEvent::TooLarge,
            Self::Closed => return SocketEvent::Closed,
            Self::AuthOk(uid) => ServerFrame::AuthOk { uid: told(uid) },
            Self::AuthFailed(uid) => ServerFrame::AuthFailed { uid: told(uid) },
            Self::TokenExpired => ServerFrame::TokenExpired,
            Self::Ping => ServerFrame::Ping,
            Self::Pong(uid) => ServerFrame::Pong { uid: told(uid) },
            Self::Init(uid) => ServerFrame::Init { uid: told(uid) },
            Self::Rows(uid, page) => ServerFrame::Rows {
                uid: told(uid),
                rows: page.again(),
            },
            Self::Deleted(uid, ids) => ServerFrame::Deleted {
                uid: told(uid),
                ids,
            },
            Self::SubscribeFailed { uid, forbidden } => ServerFrame::SubscribeFailed {
                uid: told(uid),
                forbidden,
            },
            Self::TooFast => ServerFrame::TooFast,
            Self::Unknown => ServerFrame::Unknown,
        })
    }
}

impl Page {
    fn of(rows: &Rows, veil: &Veil) -> Self {
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

    fn again(self) -> Rows {
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

impl Answered {
    fn of(answer: &Answer, veil: &Veil) -> Self {
        match answer {
            Answer::Probed => Self::Probed,
            Answer::Messages(rows) => Self::Messages(Page::of(rows, veil)),
            Answer::People { people, rows } => Self::People {
                people: people
                    .iter()
                    .map(|Person { id, name }| (*id, veil.text(name)))
                    .collect(),
                rows: *rows,
            },
            Answer::Totals(totals) => Self::Totals(
                totals
                    .iter()
                    .map(
                        |Total {
                             sender,
                             receiver,
                             count,
                             newest,
                         }| {
                            (*sender, *receiver, *count, newest.map(|at| at.0))
                        },
                    )
                    .collect(),
            ),
            Answer::Days(days) => Self::Days(
                days.iter()
                    .map(
                        |DayTotal {
                             sender,
                             receiver,
                             day,
                             count,
                         }| (*sender, *receiver, day.0, *count),
                    )
                    .collect(),
            ),
            Answer::Created(row) => Self::Created(row.as_ref().map(|row| Row::of(row, veil))),
            Answer::Safety(ToldOf::Owner(owner)) => Self::Owner(Owned::of(owner, veil)),
            Answer::Safety(ToldOf::Blocks(people)) => Self::Blocks(people.clone()),
            Answer::Safety(ToldOf::Done) => Self::Done,
        }
    }

    fn again(self) -> Answer {
        match self {
            Self::Probed => Answer::Probed,
            Self::Messages(page) => Answer::Messages(page.again()),
            Self::People { people, rows } => Answer::People {
                people: people
                    .into_iter()
                    .map(|(id, name)| Person {
                        id,
                        name: name.placeholder(),
                    })
                    .collect(),
                rows,
            },
            Self::Totals(totals) => Answer::Totals(
                totals
                    .into_iter()
                    .map(|(sender, receiver, count, newest)| Total {
                        sender,
                        receiver,
                        count,
                        newest: newest.map(Instant),
                    })
                    .collect(),
            ),
            Self::Days(days) => Answer::Days(
                days.into_iter()
                    .map(|(sender, receiver, day, count)| DayTotal {
                        sender,
                        receiver,
                        day: Instant(day),
                        count,
                    })
                    .collect(),
            ),
            Self::Created(row) => Answer::Created(row.map(Row::again)),
            Self::Owner(owner) => Answer::Safety(ToldOf::Owner(owner.again())),
            Self::Blocks(people) => Answer::Safety(ToldOf::Blocks(people)),
            Self::Done => Answer::Safety(ToldOf::Done),
        }
    }
}

impl Owned {
    /// Keeps what the owner says.
    #[must_use]
    pub fn of(owner: &Owner, veil: &Veil) -> Self {
        let Owner {
            version,
            contact,
            terms,
        } = owner;
        let text = |text: &Option<String>| text.as_deref().map(|text| veil.text(text));
        Self {
            version: *version,
            contact: text(contact),
            terms: text(terms),
        }
    }

    /// The same over placeholders.
    #[must_use]
    pub fn again(self) -> Owner {
        Owner {
            version: self.version,
            contact: self.contact.map(Text::placeholder),
            terms: self.terms.map(Text::placeholder),
        }
    }
}

impl Failed {
    fn of(fault: &Fault, veil: &Veil) -> Self {
        match fault {
            Fault::Network => Self::Network,
            Fault::Transient {
                retry_after,
                status,
            } => Self::Transient {
                retry_after: *retry_after,
                status: *status,
            },
            Fault::SignIn => Self::SignIn,
            Fault::Permanent(Refusal {
                reason,
                field,
                status,
            }) => Self::Permanent {
                reason: *reason,
                field: field.as_deref().map(|field| veil.word(field)),
                status: *status,
            },
        }
    }

    fn again(self) -> Fault {
        match self {
            Self::Network => Fault::Network,
            Self::Transient {
                retry_after,
                status,
            } => Fault::Transient {
                retry_after,
                status,
            },
            Self::SignIn => Fault::SignIn,
            Self::Permanent {
                reason,
                field,
                status,
            } => Fault::Permanent(Refusal {
                reason,
                field: field.map(|field| field.told()),
                status,
            }),
        }
    }
}
