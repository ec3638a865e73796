//! What each target does with its bytes, and what must hold whatever they are.
//!
//! Two ways in where text is read: bytes that begin as the text does are taken
//! as they are, so that recorded frames and bodies are seeds; all others are
//! turned into JSON of nearly the right shape (`shapes`).
//!
//! There is no target for markdown: the core has no parser of it, links in a
//! text are found by the page.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use serde_json::Value;
use uuid::Uuid;
use whinchat_core::{
    bridge::{Anchor, Line},
    directus::{
        address::Server,
        call::{
            Answer, By, Call, Direction, Fault, Groups, MessagesQuery, Outgoing, Rows, ServerFrame,
        },
        fault, realtime, rest, rows,
        safety::{Ask, Told},
    },
    engine::{
        Credential, Effect, Engine, Granted, Input, Order, RequestId, Sessions, SocketEvent,
        SocketId, Ticket, Timer,
    },
    link::Link,
    model::{ConversationId, Instant, Message, MessageId, Now, PersonId, Stamps},
    store::{self, Key, Place},
    view,
};

use super::shapes;

/// What takes a target's bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("frame", frame),
    ("answer", answer),
    ("address", address),
    ("link", link),
    ("keys", keys),
    ("line", line),
    ("engine", engine),
];

/// A frame of the socket.
pub fn frame(bytes: &[u8]) {
    let text = if matches!(bytes.first(), Some(b'{' | b'[' | b' ' | b'"')) {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        match shapes::frame(&mut Unstructured::new(bytes)) {
            Ok(text) => text,
            Err(_) => return,
        }
    };
    match realtime::parse(&text) {
        ServerFrame::Rows { uid, rows } => {
            check_uid(uid.as_deref());
            check_rows(&rows);
        }
        ServerFrame::AuthOk { uid }
        | ServerFrame::AuthFailed { uid }
        | ServerFrame::Pong { uid }
        | ServerFrame::Init { uid }
        | ServerFrame::Deleted { uid, .. }
        | ServerFrame::SubscribeFailed { uid, .. } => check_uid(uid.as_deref()),
        ServerFrame::TokenExpired
        | ServerFrame::Ping
        | ServerFrame::TooFast
        | ServerFrame::Unknown => {}
    }
}

fn check_uid(uid: Option<&str>) {
    assert!(
        uid.is_none_or(|uid| uid.chars().count() <= 64),
        "a long uid"
    );
}

fn check_rows(rows: &Rows) {
    let read = rows.messages.len() + rows.set_aside.len();
    assert_eq!(read, rows.count as usize, "every row is read or set aside");
    for message in &rows.messages {
        check_message(message);
    }
    for bad in &rows.set_aside {
        let id = bad.id.as_deref().unwrap_or_default();
        assert!(id.chars().count() <= 64, "a long id is kept");
        assert!(!bad.reason.is_empty(), "a reason is told");
    }
    if let Some(last) = rows.last {
        check_instant(last);
    }
}

fn check_message(message: &Message) {
    assert!(message.content.len() <= rows::MAX_CONTENT, "a long text");
    let id = message.id.to_string();
    assert_eq!(id, id.to_lowercase(), "an id is lower case");
    assert_eq!(id.parse(), Ok(message.id), "an id reads back");
    check_instant(message.stamp);
    assert!(
        message.conversation(message.sender).is_some(),
        "a message concerns its sender"
    );
}

/// What a server wrote can be written to it again, and means the same.
fn check_instant(at: Instant) {
    assert_eq!(Instant::parse(&at.to_zoned()), Some(at), "{}", at.0);
    let naive = Instant::parse(&at.to_naive());
    assert_eq!(naive, Some(at.floor_second()), "{}", at.0);
}

/// A body that answers a call. `@`, the call and the status as digits, then
/// the body as it is; or anything else.
pub fn answer(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    let (call, status, body) = match bytes {
        [b'@', number, s1, s2, s3, body @ ..] => {
            let digits = [s1, s2, s3].map(|digit| u16::from(digit.wrapping_sub(b'0') % 10));
            let status = digits.iter().fold(0, |all, digit| all * 10 + digit);
            let seed = [*number; 64];
            let Ok(call) = call(&mut Unstructured::new(&seed), Some(number % 10)) else {
                return;
            };
            (call, status, body.to_vec())
        }
        _ => {
            let Ok(call) = call(&mut u, None) else { return };
            let Ok((status, body)) = shapes::answer(&mut u) else {
                return;
            };
            (call, status, body)
        }
    };
    let request = rest::request(&call);
    assert!(request.path.starts_with('/'), "a path begins with a slash");
    if let Some((code, field)) = fault::code(&body) {
        assert!(code.chars().count() <= 64, "a long code");
        let field = field.unwrap_or_default();
        assert!(
            field
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_'),
            "a field that is no name"
        );
    }
    match rest::answer(&call, status, None, &body) {
        Ok(Answer::Messages(rows)) => check_rows(&rows),
        Ok(Answer::Created(Some(row))) => check_message(&row),
        Ok(Answer::People { people, rows }) => {
            assert!(people.len() <= rows as usize, "more people than rows");
            for person in people {
                assert!(person.name.len() <= 1025, "a long name");
                assert!(
                    !person.name.contains(char::is_control),
                    "a control character"
                );
            }
        }
        Ok(Answer::Totals(totals)) => totals
            .iter()
            .filter_map(|t| t.newest)
            .for_each(check_instant),
        Ok(Answer::Days(days)) => days.iter().for_each(|day| check_instant(day.day)),
        Ok(Answer::Safety(Told::Owner(owner))) => {
            for address in [owner.contact, owner.terms].into_iter().flatten() {
                let known = ["https://", "mailto:"]
                    .iter()
                    .any(|scheme| address.starts_with(scheme));
                assert!(known && address.len() <= 300, "an address to be opened");
            }
        }
        Ok(Answer::Safety(_) | Answer::Probed | Answer::Created(None)) | Err(_) => {}
    }
}

fn person(u: &mut Unstructured<'_>) -> Result<PersonId> {
    Ok(PersonId::new(Uuid::from_u128(u.int_in_range(1..=3)?)))
}

fn message_id(u: &mut Unstructured<'_>) -> Result<MessageId> {
    let known = u.choose(&shapes::IDS)?;
    match known.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(MessageId::new(Uuid::from_u128(u.arbitrary()?))),
    }
}

fn groups(u: &mut Unstructured<'_>) -> Result<Groups> {
    Ok(Groups {
        of: *u.choose(&[Direction::Both, Direction::Sent, Direction::Received])?,
        offset: u.arbitrary()?,
        limit: u.arbitrary()?,
    })
}

fn call(u: &mut Unstructured<'_>, number: Option<u8>) -> Result<Call> {
    let stamps = if u.arbitrary()? {
        Stamps::Server
    } else {
        Stamps::Sender
    };
    let at = |u: &mut Unstructured<'_>| u.arbitrary::<i64>().map(Instant);
    let number = match number {
        Some(number) => number,
        None => u.int_in_range(0..=9)?,
    };
    Ok(match number {
        9 => Call::Safety(match u.int_in_range(0..=3)? {
            0 => Ask::Blocks,
            1 => Ask::Unblock { person: person(u)? },
            _ => Ask::Owner { addresses: true },
        }),
        0 => Call::Probe { stamps },
        1 => Call::Me,
        2 => Call::People {
            offset: u.arbitrary()?,
            limit: u.arbitrary()?,
        },
        3 => Call::Message {
            id: message_id(u)?,
            stamps,
        },
        4 => Call::Totals {
            stamps,
            since: u.arbitrary::<Option<i64>>()?.map(Instant),
            groups: groups(u)?,
        },
        5 => Call::Days {
            since: u.arbitrary::<Option<i64>>()?.map(Instant),
            groups: groups(u)?,
        },
        6 => {
            let count = u.int_in_range(0..=8)?;
            let of: Result<Vec<_>> = (0..count)
                .map(|_| Ok((person(u)?, person(u)?, at(u)?)))
                .collect();
            Call::Newest {
                stamps,
                of: of?,
                limit: u.arbitrary()?,
            }
        }
        7 => Call::Create(Outgoing {
            id: message_id(u)?,
            content: u.arbitrary()?,
            sender: person(u)?,
            receiver: person(u)?,
            timestamp: at(u)?,
            stamps,
        }),
        _ => {
            let named = u.int_in_range(0..=80)?;
            let except: Result<Vec<_>> = (0..named).map(|_| message_id(u)).collect();
            Call::Messages(MessagesQuery {
                stamps,
                peer: if u.arbitrary()? {
                    Some(person(u)?)
                } else {
                    None
                },
                by: if u.arbitrary()? {
                    By::Created
                } else {
                    By::Updated
                },
                ascending: u.arbitrary()?,
                from: u.arbitrary::<Option<i64>>()?.map(Instant),
                until: u.arbitrary::<Option<i64>>()?.map(Instant),
                except: except?,
                offset: u.arbitrary()?,
                limit: u.arbitrary()?,
            })
        }
    })
}

/// An address as somebody types it, or as a link brings it.
pub fn address(bytes: &[u8]) {
    let typed = String::from_utf8_lossy(bytes);
    let Ok(server) = Server::read(&typed) else {
        return;
    };
    let shown = server.as_str();
    assert!(
        shown.starts_with("https://") || (server.is_loopback() && shown.starts_with("http://")),
        "an unsafe address"
    );
    assert!(
        !shown.contains('@') || !server.host().contains('@'),
        "credentials"
    );
    assert!(
        !shown.ends_with('/') && !shown.contains(['?', '#']),
        "{shown}"
    );
    assert_eq!(Server::read(shown).as_ref(), Ok(&server), "{shown}");
    let (name, _) = server.name_and_port();
    assert!(!name.is_empty(), "a name to look up");
    assert!(server.route("/server/ping").starts_with(shown), "{shown}");
    let socket = server.socket();
    assert!(
        socket.starts_with("wss://") || (server.is_loopback() && socket.starts_with("ws://")),
        "an unsafe socket"
    );
}

/// A link as any program may hand it in. Bytes that begin as one does are taken as
/// they are; all others are the address in one, which must be read as if it were typed.
pub fn link(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if text.starts_with("whinchat:") {
        if let Some(Link::Person { server, person }) = Link::read(&text) {
            assert!(text.len() <= 1024 && !text.contains(char::is_control));
            assert!(text.to_lowercase().contains(&person.to_string()), "{text}");
            assert_eq!(Server::read(server.as_str()), Ok(server));
        }
        return;
    }
    let written: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
    let person = Uuid::from_u128(7);
    let read = Link::read(&format!("whinchat://person/{person}?server={written}"));
    // Whatever is no text can't be typed.
    let typed = std::str::from_utf8(bytes).ok();
    let exact =
        typed.filter(|typed| !typed.contains(|c: char| c.is_whitespace() || c.is_control()));
    let server = exact.and_then(|typed| Server::read(typed).ok());
    match (read, server) {
        (Some(Link::Person { server, .. }), Some(typed)) => assert_eq!(server, typed),
        (Some(Link::Open), _) => panic!("the app alone"),
        // A sign that stands for what is no text may be in a path.
        (Some(_), None) => assert!(typed.is_none(), "{text}"),
        (None, Some(_)) => assert!(written.len() > 900, "{text}"),
        (None, None) => {}
    }
}

const KEY: [u8; 32] = [7; 32];

/// Sort keys, ids and instants, as an interface hands them back.
pub fn keys(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some((_, _, id)) = view::read_sort(&text) {
        assert!(text.ends_with(id), "an id stands at the end");
    }
    if let Some(at) = Instant::parse(&text) {
        check_instant(at);
    }
    if let Ok(id) = text.parse::<ConversationId>() {
        assert_eq!(id.to_string(), text.to_lowercase());
    }
    if let Ok(id) = text.parse::<MessageId>() {
        assert_eq!(id.to_string(), text.to_lowercase());
    }
    thread_local! {
        static STORE: (rusqlite::Connection, ConversationId) = small_store();
    }
    STORE.with(|(store, conversation)| {
        for anchor in [
            Anchor::Before(text.to_string()),
            Anchor::After(text.to_string()),
        ] {
            let page = view::page(store, *conversation, &anchor, 3).expect("a page is read");
            assert!(page.is_none_or(|page| page.messages.len() <= 3));
        }
        view::conversations(store, "", Some(&text), 3).expect("a list is read");
        view::conversations(store, &text, None, 3).expect("a list is searched");
        view::people(store, &text, 0, 3).expect("people are searched");
    });
}

fn me() -> PersonId {
    shapes::IDS
        .first()
        .and_then(|id| id.parse().ok())
        .unwrap_or_else(|| PersonId::new(Uuid::nil()))
}

fn peer() -> PersonId {
    shapes::IDS
        .get(1)
        .and_then(|id| id.parse().ok())
        .unwrap_or_else(|| PersonId::new(Uuid::nil()))
}

/// A store with a conversation of five messages that wait.
fn small_store() -> (rusqlite::Connection, ConversationId) {
    let store = store::open(Place::Memory, &Key(KEY)).expect("a store in memory");
    store::set_me(&store, me(), "Alice").expect("it is somebody's");
    let conversation = ConversationId::Direct(peer());
    let mut engine = Engine::resume(&store, 7).expect("an engine");
    for number in 0..5_u8 {
        let order = Order::Send {
            id: MessageId::new(Uuid::from_u128(u128::from(number))),
            conversation,
            text: format!("text {number}"),
        };
        let now = Now {
            wall: Instant(1_795_000_000_000 + i64::from(number)),
            mono: i64::from(number),
        };
        let ticket = Ticket(u64::from(number));
        engine
            .step(&store, now, Input::Order(ticket, order))
            .expect("a message is queued");
    }
    (store, conversation)
}

/// A line of the rpc.
pub fn line(bytes: &[u8]) {
    match Line::read(bytes) {
        Ok(line) => {
            let again = serde_json::to_vec(&line).expect("a line can be written");
            assert!(Line::read(&again).is_ok(), "a line reads back");
        }
        Err(id) => {
            // What goes into the answer is JSON.
            assert!(serde_json::to_string(&id).is_ok());
        }
    }
}

/// An engine that hears whatever a server, a clock and an interface may say.
/// It must neither fail nor stop, and what it shows must stay readable.
pub fn engine(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    // The bytes are used up, which is the end of the story.
    let _ = story(&mut u);
}

struct Alice {
    store: rusqlite::Connection,
    engine: Engine,
    now: Now,
    requests: BTreeMap<RequestId, Call>,
    renewal: Option<(RequestId, Credential)>,
    socket: Option<SocketId>,
    tickets: u64,
}

impl Alice {
    fn hear(&mut self, input: Input) {
        let effects = self
            .engine
            .step(&self.store, self.now, input)
            .expect("no input makes the engine fail");
        assert!(effects.len() < 5_000, "effects without end");
        for effect in effects {
            match effect {
                Effect::OpenSocket(socket) => self.socket = Some(socket),
                Effect::CloseSocket(socket) if self.socket == Some(socket) => self.socket = None,
                Effect::Request(id, call) => {
                    assert!(rest::request(&call).path.starts_with('/'));
                    self.requests.insert(id, call);
                }
                Effect::Renew(id, credential) => self.renewal = Some((id, credential)),
                Effect::SetTimer(_, delay) => {
                    assert!(delay >= 0, "a timer in the past");
                }
                _ => {}
            }
        }
    }
}

fn story(u: &mut Unstructured<'_>) -> Result<()> {
    let store = store::open(Place::Memory, &Key(KEY)).expect("a store in memory");
    store::set_me(&store, me(), "Alice").expect("it is somebody's");
    let engine = Engine::resume(&store, u.arbitrary()?).expect("an engine");
    let mut alice = Alice {
        store,
        engine,
        now: Now {
            wall: Instant(1_795_000_000_000),
            mono: 0,
        },
        requests: BTreeMap::new(),
        renewal: None,
        socket: None,
        tickets: 0,
    };
    let session = match u.int_in_range(0..=3)? {
        0 => None,
        1 => Some(Instant(u.arbitrary()?)),
        _ => Some(alice.now.wall.plus(3_600_000)),
    };
    alice.hear(Input::Start(Sessions {
        session,
        spare: u.arbitrary()?,
    }));
    let told = tell(&mut alice, u);
    look(&alice);
    told
}

/// Up to 60 things happen.
fn tell(alice: &mut Alice, u: &mut Unstructured<'_>) -> Result<()> {
    const TIMERS: [Timer; 9] = [
        Timer::Connect,
        Timer::Renew,
        Timer::TokenEnd,
        Timer::RenewSpare,
        Timer::Ping,
        Timer::Overdue,
        Timer::Reconcile,
        Timer::Outbox,
        Timer::Poll,
    ];
    for _ in 0..60 {
        if u.is_empty() {
            return Ok(());
        }
        let passed = match u.int_in_range(0..=7)? {
            0 => i64::from(u.arbitrary::<u32>()?),
            1 => 60_000,
            _ => 20,
        };
        alice.now.mono = alice.now.mono.saturating_add(passed);
        alice.now.wall = match u.int_in_range(0..=31)? {
            0 => Instant(u.arbitrary()?),
            _ => alice.now.wall.plus(passed),
        };
        match u.int_in_range(0..=15)? {
            0..=5 => {
                let Some((id, call)) = alice.requests.pop_first() else {
                    continue;
                };
                let result = if u.ratio(1, 10)? {
                    Err(Fault::Network)
                } else {
                    let (status, body) = shapes::answer(u)?;
                    let retry_after = u.arbitrary::<Option<i64>>()?;
                    rest::answer(&call, status, retry_after, &body)
                };
                let date = u.arbitrary::<Option<i64>>()?.map(Instant);
                let date = if u.ratio(1, 8)? { date } else { None };
                alice.hear(Input::Answered {
                    request: id,
                    result,
                    date,
                });
            }
            6..=7 => {
                let Some(socket) = alice.socket else { continue };
                let frame = realtime::parse(&shapes::frame(u)?);
                alice.hear(Input::Socket(socket, SocketEvent::Frame(frame)));
            }
            8..=10 => {
                let Some(socket) = alice.socket else { continue };
                let event = match u.int_in_range(0..=7)? {
                    0 => SocketEvent::Closed,
                    1 => SocketEvent::TooLarge,
                    2 => SocketEvent::Failed {
                        upgrade_refused: u.arbitrary()?,
                    },
                    3 => SocketEvent::Opened,
                    4..=5 => SocketEvent::Frame(ServerFrame::AuthOk { uid: None }),
                    _ => SocketEvent::Frame(ServerFrame::Init { uid: None }),
                };
                alice.hear(Input::Socket(socket, event));
            }
            11 => {
                let Some((request, credential)) = alice.renewal.take() else {
                    continue;
                };
                let result = match u.int_in_range(0..=3)? {
                    0 => Err(Fault::SignIn),
                    1 => Err(Fault::Transient {
                        retry_after: u.arbitrary()?,
                        status: 429,
                    }),
                    2 => Ok(Granted {
                        credential,
                        lifetime: u.arbitrary()?,
                    }),
                    _ => Ok(Granted {
                        credential,
                        lifetime: 900_000,
                    }),
                };
                alice.hear(Input::Renewed { request, result });
            }
            12..=13 => alice.hear(Input::Timer(*u.choose(&TIMERS)?)),
            14 => {
                let order = order(u)?;
                alice.tickets += 1;
                alice.hear(Input::Order(Ticket(alice.tickets), order));
            }
            _ => alice.hear(match u.int_in_range(0..=2)? {
                0 => Input::Resumed,
                1 => Input::Network(u.arbitrary()?),
                _ => Input::Watching([ConversationId::Direct(peer())].into()),
            }),
        }
    }
    Ok(())
}

fn order(u: &mut Unstructured<'_>) -> Result<Order> {
    let conversation = ConversationId::Direct(peer());
    Ok(match u.int_in_range(0..=7)? {
        0..=2 => Order::Send {
            id: message_id(u)?,
            conversation,
            text: u.arbitrary()?,
        },
        3 => Order::Retry(message_id(u)?),
        4 => Order::Discard(message_id(u)?),
        5 => Order::SaveDraft(conversation, u.arbitrary()?),
        6 => Order::MarkRead(conversation, u.arbitrary()?),
        _ => Order::FetchOlder(conversation),
    })
}

/// Whatever happened, a screen can be shown.
fn look(alice: &Alice) {
    let store = &alice.store;
    let list = view::conversations(store, "", None, 200).expect("a list is read");
    for row in list.conversations {
        let id: ConversationId = row.id.parse().expect("a conversation's id");
        let page = view::page(store, id, &Anchor::Newest, 200).expect("a page is read");
        let page = page.expect("a conversation of the list has a page");
        let sorted = page.messages.is_sorted_by(|one, next| one.sort < next.sort);
        assert!(sorted, "messages are in their order");
    }
    view::unsent(store).expect("what waits is read");
    view::unread(store).expect("what is unread is counted");
    // A value that no JSON can hold would never reach the page.
    let all = view::people(store, "", 0, 200).expect("people are read");
    assert!(serde_json::to_value(all).is_ok_and(|value| value != Value::Null));
}
