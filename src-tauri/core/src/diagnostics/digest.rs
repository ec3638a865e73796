//! A short number for what a step wants done, the same over texts as over the
//! placeholders that a replay has in their place.
//!
//! Owns: what counts. Every field is named here: one that is new is either
//! counted or left out by somebody. Never: the words of a text, nor anything
//! else that a bundle does not hold as well, for such a number can be guessed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::veil::{Veil, Word};
use crate::{
    bridge::{
        BlockedRow, Change, Connection, ConversationRow, LastMessage, MessageRow, PersonRow,
        Problem, Safety,
    },
    directus::{
        call::{Call, ClientFrame, Groups, MessagesQuery, Outgoing},
        safety::{Ask, Report},
    },
    engine::{Credential, Effect, Notice, Reply},
};

/// Grows over numbers and bytes.
pub struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        // Not zero, which zeros would leave as it is.
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// Of bytes alone.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u64 {
        let mut digest = Self::new();
        digest.bytes(bytes);
        digest.whole()
    }

    const fn number(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    const fn signed(&mut self, number: i64) {
        self.number(number.cast_unsigned());
    }

    fn maybe(&mut self, number: Option<i64>) {
        self.number(u64::from(number.is_some()));
        self.signed(number.unwrap_or_default());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.number(u64::from_le_bytes(last));
        self.number(bytes.len() as u64);
    }

    fn id(&mut self, id: uuid::Uuid) {
        let (high, low) = id.as_u64_pair();
        self.number(high);
        self.number(low);
    }

    fn veiled(&mut self, veil: &Veil, text: &str) {
        self.number(veil.text(text).hash());
    }

    fn word(&mut self, veil: &Veil, text: &str) {
        match veil.word(text) {
            Word::Plain(word) => self.bytes(word.as_bytes()),
            Word::Veiled(text) => self.number(text.hash()),
        }
    }

    const fn whole(&self) -> u64 {
        // The best bits are the upper ones.
        self.0 ^ (self.0 >> 32)
    }
}

macro_rules! kinds {
    ($($kind:ident => $name:literal,)*) => {
        /// What kind of effect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Kind { $($kind,)* }

        impl Kind {
            const ALL: &[Self] = &[$(Self::$kind,)*];

            const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    OpenSocket => "open_socket",
    CloseSocket => "close_socket",
    Authenticate => "authenticate",
    Subscribe => "subscribe",
    Ping => "ping",
    Pong => "pong",
    Probe => "ask_probe",
    Me => "ask_me",
    People => "ask_people",
    Messages => "ask_messages",
    Message => "ask_message",
    Totals => "ask_totals",
    Days => "ask_days",
    Newest => "ask_newest",
    Create => "ask_create",
    Owner => "ask_owner",
    Blocks => "ask_blocks",
    Block => "ask_block",
    Unblock => "ask_unblock",
    Report => "ask_report",
    Renew => "renew",
    SetTimer => "set_timer",
    StopTimer => "stop_timer",
    Reply => "reply",
    Show => "show",
    Arrived => "arrived",
    SignInNeeded => "sign_in_needed",
}

/// One effect: of which kind, and a number for all that it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    kind: Kind,
    number: u32,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:08x}", self.kind.name(), self.number)
    }
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = || {
            let (name, number) = text.split_once(':')?;
            Some(Self {
                kind: Kind::ALL.iter().copied().find(|kind| kind.name() == name)?,
                number: u32::from_str_radix(number, 16).ok()?,
            })
        };
        read().ok_or_else(|| serde::de::Error::custom("no mark of an effect"))
    }
}

/// The marks of a step's effects, in their order.
#[must_use]
pub fn marks(effects: &[Effect], veil: &Veil) -> Vec<Mark> {
    effects.iter().map(|effect| mark(effect, veil)).collect()
}

fn mark(effect: &Effect, veil: &Veil) -> Mark {
    let mut d = Digest::new();
    let kind = match effect {
        Effect::OpenSocket(socket) => {
            d.number(socket.0);
            Kind::OpenSocket
        }
        Effect::CloseSocket(socket) => {
            d.number(socket.0);
            Kind::CloseSocket
        }
        Effect::Authenticate(socket, uid) => {
            d.number(socket.0);
            d.word(veil, uid);
            Kind::Authenticate
        }
        Effect::SendFrame(socket, frame) => {
            d.number(socket.0);
            frame_sent(&mut d, veil, frame)
        }
        Effect::Request(request, call) => {
            d.number(request.0);
            asked(&mut d, veil, call)
        }
        Effect::Renew(request, credential) => {
            d.number(request.0);
            d.number(u64::from(*credential == Credential::Spare));
            Kind::Renew
        }
        Effect::SetTimer(timer, after) => {
            d.number(*timer as u64);
            d.signed(*after);
            Kind::SetTimer
        }
        Effect::StopTimer(timer) => {
            d.number(*timer as u64);
            Kind::StopTimer
        }
        Effect::Reply(ticket, result) => {
            d.number(ticket.0);
            match result {
                Ok(Reply::Done) => d.number(1),
                Ok(Reply::Queued(row)) => message(&mut d, veil, row),
                Err(why) => problem(&mut d, veil, Some(why)),
            }
            Kind::Reply
        }
        Effect::Show(revision, changes) => {
            d.signed(*revision);
            for one in changes {
                change(&mut d, veil, one);
            }
            Kind::Show
        }
        Effect::Notify(Notice::Arrived(row)) => {
            // There may be a thousand in a step, and the rest follows from these.
            let MessageRow { id, sort, .. } = row.as_ref();
            d.bytes(id.as_bytes());
            d.bytes(sort.as_bytes());
            Kind::Arrived
        }
        Effect::Notify(Notice::SignInNeeded) => Kind::SignInNeeded,
    };
    let number = u32::try_from(d.whole() & u64::from(u32::MAX)).unwrap_or_default();
    Mark { kind, number }
}

fn frame_sent(d: &mut Digest, veil: &Veil, frame: &ClientFrame) -> Kind {
    match frame {
        ClientFrame::Subscribe { stamps, uid } => {
            d.number(*stamps as u64);
            d.word(veil, uid);
            Kind::Subscribe
        }
        ClientFrame::Ping { uid } => {
            d.word(veil, uid);
            Kind::Ping
        }
        ClientFrame::Pong => Kind::Pong,
    }
}

fn asked(d: &mut Digest, veil: &Veil, call: &Call) -> Kind {
    match call {
        Call::Probe { stamps } => {
            d.number(*stamps as u64);
            Kind::Probe
        }
        Call::Me => Kind::Me,
        Call::People { offset, limit } => {
            d.number(u64::from(*offset));
            d.number(u64::from(*limit));
            Kind::People
        }
        Call::Messages(query) => {
            messages(d, query);
            Kind::Messages
        }
        Call::Message { id, stamps } => {
            d.id(id.uuid());
            d.number(*stamps as u64);
            Kind::Message
        }
        Call::Totals {
            stamps,
            since,
            groups: which,
        } => {
            d.number(*stamps as u64);
            d.maybe(since.map(|at| at.0));
            groups(d, *which);
            Kind::Totals
        }
        Call::Days {
            since,
            groups: which,
        } => {
            d.maybe(since.map(|at| at.0));
            groups(d, *which);
            Kind::Days
        }
        Call::Newest { stamps, of, limit } => {
            d.number(*stamps as u64);
            for (sender, receiver, at) in of {
                d.id(sender.uuid());
                d.id(receiver.uuid());
                d.signed(at.0);
            }
            d.number(u64::from(*limit));
            Kind::Newest
        }
        Call::Create(Outgoing {
            id,
            content,
            sender,
            receiver,
            timestamp,
            stamps,
        }) => {
            d.id(id.uuid());
            d.veiled(veil, content);
            d.id(sender.uuid());
            d.id(receiver.uuid());
            d.signed(timestamp.0);
            d.number(*stamps as u64);
            Kind::Create
        }
        Call::Safety(ask) => asked_about_people(d, veil, ask),
    }
}

fn messages(d: &mut Digest, query: &MessagesQuery) {
    let MessagesQuery {
        stamps,
        peer,
        by,
        ascending,
        from,
        until,
        except,
        offset,
        limit,
    } = query;
    d.number(*stamps as u64);
    d.number(u64::from(peer.is_some()));
    d.id(peer.map(|peer| peer.uuid()).unwrap_or_default());
    d.number(*by as u64);
    d.number(u64::from(*ascending));
    d.maybe(from.map(|at| at.0));
    d.maybe(until.map(|at| at.0));
    for id in except {
        d.id(id.uuid());
    }
    d.number(u64::from(*offset));
    d.number(u64::from(*limit));
}

const fn groups(d: &mut Digest, groups: Groups) {
    let Groups { of, offset, limit } = groups;
    d.number(of as u64);
    d.number(offset as u64);
    d.number(limit as u64);
}

fn asked_about_people(d: &mut Digest, veil: &Veil, ask: &Ask) -> Kind {
    match ask {
        Ask::Owner { addresses } => {
            d.number(u64::from(*addresses));
            Kind::Owner
        }
        Ask::Blocks => Kind::Blocks,
        Ask::Block { key, me, person } => {
            d.id(*key);
            d.id(me.uuid());
            d.id(person.uuid());
            Kind::Block
        }
        Ask::Unblock { person } => {
            d.id(person.uuid());
            Kind::Unblock
        }
        Ask::Report { me, report } => {
            let Report {
                id,
                about,
                message,
                reason,
                comment,
                copy,
            } = report;
            d.id(me.uuid());
            d.id(*id);
            d.id(about.map(|about| about.uuid()).unwrap_or_default());
            d.id(message.map(|message| message.uuid()).unwrap_or_default());
            d.number(*reason as u64);
            d.veiled(veil, comment);
            d.veiled(veil, copy.as_deref().unwrap_or_default());
            Kind::Report
        }
    }
}

fn change(d: &mut Digest, veil: &Veil, change: &Change) {
    match change {
        Change::Message(row) => {
            d.number(1);
            message(d, veil, row);
        }
        Change::MessageGone { conversation, id } => {
            d.number(2);
            d.bytes(conversation.as_bytes());
            d.bytes(id.as_bytes());
        }
        Change::Conversation(row) => {
            d.number(3);
            conversation(d, veil, row);
        }
        Change::History {
            conversation,
            older,
            problem: why,
        } => {
            d.number(4);
            d.bytes(conversation.as_bytes());
            d.number(*older as u64);
            problem(d, veil, why.as_ref());
        }
        Change::Connection(Connection {
            state,
            retry_at,
            problem: why,
        }) => {
            d.number(5);
            d.number(*state as u64);
            d.maybe(*retry_at);
            problem(d, veil, why.as_ref());
        }
        Change::Unread(unread) => {
            d.number(6);
            d.signed(*unread);
        }
        Change::Person(PersonRow { id, name, is_me }) => {
            d.number(7);
            d.bytes(id.as_bytes());
            d.veiled(veil, name);
            d.number(u64::from(*is_me));
        }
        Change::Safety(all) => {
            d.number(8);
            safety(d, veil, all);
        }
    }
}

fn message(d: &mut Digest, veil: &Veil, row: &MessageRow) {
    let MessageRow {
        id,
        conversation,
        sender,
        is_me,
        text,
        at,
        sort,
        state,
        problem: why,
    } = row;
    d.bytes(id.as_bytes());
    d.bytes(conversation.as_bytes());
    d.bytes(sender.as_bytes());
    d.number(u64::from(*is_me));
    d.veiled(veil, text);
    d.signed(*at);
    d.bytes(sort.as_bytes());
    d.number(*state as u64);
    problem(d, veil, why.as_ref());
}

fn conversation(d: &mut Digest, veil: &Veil, row: &ConversationRow) {
    let ConversationRow {
        id,
        person,
        title,
        last,
        unread,
        draft,
        blocked,
        sort,
    } = row;
    d.bytes(id.as_bytes());
    d.bytes(person.as_bytes());
    d.veiled(veil, title);
    d.number(u64::from(last.is_some()));
    if let Some(last) = last {
        // Its text is cut and put on one line, which no stand-in follows.
        let LastMessage {
            text: _,
            at,
            is_me,
            state,
        } = last;
        d.signed(*at);
        d.number(u64::from(*is_me));
        d.number(*state as u64);
    }
    d.signed(*unread);
    d.veiled(veil, draft.as_deref().unwrap_or_default());
    d.number(u64::from(*blocked));
    d.bytes(sort.as_bytes());
}

fn safety(d: &mut Digest, veil: &Veil, safety: &Safety) {
    let Safety {
        terms_version,
        accepted,
        contact,
        owner_terms,
        blocks_on_server,
        reports_on_server,
        blocked,
        reports_waiting,
        reports_refused,
        deletion_asked,
    } = safety;
    d.number(u64::from(*terms_version));
    d.maybe(accepted.map(|accepted| i64::from(accepted.version)));
    d.maybe(accepted.map(|accepted| accepted.at));
    d.veiled(veil, contact.as_deref().unwrap_or_default());
    d.veiled(veil, owner_terms.as_deref().unwrap_or_default());
    d.number(u64::from(*blocks_on_server));
    d.number(u64::from(*reports_on_server));
    // They stand by their names, whose order is not kept.
    let mut by_person: Vec<&BlockedRow> = blocked.iter().collect();
    by_person.sort_by(|a, b| a.person.cmp(&b.person));
    for BlockedRow {
        person,
        name,
        since,
        reach,
    } in by_person
    {
        d.bytes(person.as_bytes());
        d.veiled(veil, name);
        d.signed(*since);
        d.number(*reach as u64);
    }
    d.number(u64::from(*reports_waiting));
    d.number(u64::from(*reports_refused));
    d.maybe(*deletion_asked);
}

fn problem(d: &mut Digest, veil: &Veil, problem: Option<&Problem>) {
    let Some(problem) = problem else {
        d.number(0);
        return;
    };
    // What can be done about it follows from the code.
    let Problem {
        code,
        args,
        action: _,
    } = problem;
    d.bytes(format!("{code:?}").as_bytes());
    for (name, value) in args {
        // How many bytes a text has is not kept.
        if name != "bytes" {
            d.word(veil, name);
            d.word(veil, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{SocketId, Timer};

    #[test]
    fn a_mark_says_what_is_wanted_and_reads_back() {
        let veil = Veil::new();
        let effects = [
            Effect::OpenSocket(SocketId(7)),
            Effect::SetTimer(Timer::Ping, 30_000),
            Effect::SetTimer(Timer::Ping, 30_001),
            Effect::SetTimer(Timer::Poll, 30_000),
        ];
        let all = marks(&effects, &veil);
        assert_eq!(all, marks(&effects, &Veil::Placeholders));
        assert_ne!(all[1], all[2]);
        assert_ne!(all[1], all[3]);
        assert!(all[1].to_string().starts_with("set_timer:"));
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Mark>>(&json).unwrap(), all);
    }
}
