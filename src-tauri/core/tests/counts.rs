//! What things cost, counted: statements, rows, requests, patches. Never timed.
//!
//! A count does not vary, so a change that makes something cost more is seen
//! here, on any machine. Fewer is welcome: then the number here is lowered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};
use uuid::Uuid;
use whinchat_core::{
    bridge::{Anchor, Change, ConnectionState},
    directus::call::{Answer, By, Call, MessagesQuery, Rows, ServerFrame},
    engine::{Effect, Engine, Input, RequestId, Sessions, SocketEvent, SocketId},
    model::{ConversationId, Instant, Message, MessageId, Now, Person, PersonId, Stamps},
    store::words::Query,
    store::{
        self, Key, Place, conversations, facts, held, index, messages, people, search::Search,
    },
    view,
};

const START: i64 = 1_795_000_000_000;

fn person(n: u128) -> PersonId {
    PersonId::new(Uuid::from_u128(n))
}

fn with(n: u128) -> ConversationId {
    ConversationId::Direct(person(n))
}

/// Number `n`, from person `from`, so many milliseconds after the start.
fn message(n: u128, from: u128, at: i64) -> Message {
    Message {
        id: MessageId::new(Uuid::from_u128(0x1000_0000 + n)),
        content: format!("common words everywhere, number {n}"),
        sender: person(from),
        receiver: person(1),
        stamp: Instant(START + at),
        updated: None,
    }
}

fn rows(messages: Vec<Message>) -> Rows {
    Rows {
        last: messages.last().map(|message| message.stamp),
        count: u32::try_from(messages.len()).unwrap(),
        messages,
        set_aside: Vec::new(),
    }
}

/// What a connection was asked, since it was last looked at.
#[derive(Default)]
struct Asked {
    statements: Vec<String>,
    rows: usize,
}

impl Asked {
    fn that_say(&self, words: &str) -> usize {
        let says = |sql: &&String| sql.contains(words);
        self.statements.iter().filter(says).count()
    }
}

/// Alice's store, which counts what it is asked.
struct Store {
    database: Connection,
    asked: Arc<Mutex<Asked>>,
}

impl Store {
    fn new() -> Self {
        let mut database = store::open(Place::Memory, &Key([1; 32])).unwrap();
        store::set_me(&database, person(1), "Alice").unwrap();
        let asked = Arc::new(Mutex::new(Asked::default()));
        let count = Arc::clone(&asked);
        let what = TraceEventCodes::SQLITE_TRACE_STMT | TraceEventCodes::SQLITE_TRACE_ROW;
        let told = move |event: TraceEvent<'_>| {
            let mut asked = count.lock().unwrap();
            // What triggers and the index of words do on their own is not asked for.
            let inner =
                |sql: &str| sql.is_empty() || sql.starts_with("--") || sql.contains("'main'.");
            match event {
                TraceEvent::Stmt(_, sql) if !inner(sql) => asked.statements.push(sql.to_owned()),
                TraceEvent::Row(statement) if !inner(&statement.sql()) => asked.rows += 1,
                _ => {}
            }
        };
        database.trace_v2(what, Some(told)).unwrap();
        Self { database, asked }
    }

    /// What `work` asks.
    fn count<T>(&self, work: impl FnOnce(&Connection) -> T) -> (Asked, T) {
        std::mem::take(&mut *self.asked.lock().unwrap());
        let done = work(&self.database);
        (std::mem::take(&mut *self.asked.lock().unwrap()), done)
    }

    /// Bob and others have written so many; all of it is held and read.
    fn filled(people: u128, count: u128) -> Self {
        let store = Self::new();
        let tx = &store.database;
        tx.execute_batch("BEGIN").unwrap();
        for n in 0..count {
            let from = 2 + n % people;
            let at = i64::try_from(n).unwrap() * 60_000;
            messages::save(tx, &message(n, from, at), with(from)).unwrap();
        }
        index::update(tx).unwrap();
        settled(tx, people);
        tx.execute_batch("COMMIT").unwrap();
        store
    }

    /// One conversation with so many messages, without the index of words: that
    /// would take most of the time, and is not looked at.
    fn of_one(count: u32) -> Self {
        let store = Self::new();
        let tx = &store.database;
        tx.execute_batch("BEGIN").unwrap();
        conversations::ensure(tx, with(2)).unwrap();
        tx.execute(
            "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?1)
             INSERT INTO message (place, id, conversation, sender, receiver, content, pending, stamp)
             SELECT n, printf('00000000-0000-7000-8000-%012x', n), ?2, ?3, ?4, 'text', 0, ?5 + n * 60000
             FROM n",
            (
                count,
                with(2).to_string(),
                person(2).to_string(),
                person(1).to_string(),
                START,
            ),
        )
        .unwrap();
        settled(tx, 1);
        tx.execute_batch("COMMIT").unwrap();
        store
    }
}

fn settled(tx: &Connection, people: u128) {
    for number in 2..2 + people {
        let name = format!("Person {number}");
        let id = person(number);
        people::save(tx, &Person { id, name }).unwrap();
        held::hold(tx, with(number), &held::beginning(), &held::open_end()).unwrap();
        conversations::refresh(tx, with(number)).unwrap();
    }
    facts::set(tx, facts::LISTED, "1").unwrap();
    facts::set_stamps(tx, Stamps::Server).unwrap();
    facts::set_instant(tx, facts::PEOPLE_READ, Instant(START)).unwrap();
    for cursor in [facts::CURSOR_CREATED, facts::CURSOR_UPDATED] {
        facts::set_instant(tx, cursor, Instant(START)).unwrap();
    }
}

/// Alice's engine on that store.
struct Alice {
    store: Store,
    engine: Engine,
    effects: Vec<Effect>,
    socket: SocketId,
}

impl Alice {
    /// Connected and subscribed; the first page of the catch-up is asked for.
    fn connected(store: Store) -> Self {
        let engine = Engine::resume(&store.database, 7).unwrap();
        let mut alice = Self {
            store,
            engine,
            effects: Vec::new(),
            socket: SocketId(0),
        };
        alice.tell(Input::Start(Sessions {
            session: Some(Instant(START + 3_600_000)),
            spare: true,
        }));
        alice.answer(Answer::Probed);
        let socket = alice.effects.iter().find_map(|effect| match effect {
            Effect::OpenSocket(socket) => Some(*socket),
            _ => None,
        });
        alice.socket = socket.expect("a socket");
        alice.tell(Input::Socket(alice.socket, SocketEvent::Opened));
        alice.frame(ServerFrame::AuthOk { uid: None });
        alice.frame(ServerFrame::Init { uid: None });
        alice
    }

    fn tell(&mut self, input: Input) -> Asked {
        let now = Now {
            wall: Instant(START),
            mono: 0,
        };
        let engine = &mut self.engine;
        let (asked, effects) = self.store.count(|tx| engine.step(tx, now, input).unwrap());
        self.effects = effects;
        asked
    }

    fn frame(&mut self, frame: ServerFrame) -> Asked {
        self.tell(Input::Socket(self.socket, SocketEvent::Frame(frame)))
    }

    fn live(&mut self, messages: Vec<Message>) -> Asked {
        self.frame(ServerFrame::Rows {
            uid: None,
            rows: rows(messages),
        })
    }

    fn requested(&self) -> Option<(RequestId, Call)> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Request(request, call) => Some((*request, call.clone())),
            _ => None,
        })
    }

    fn answer(&mut self, answer: Answer) -> Asked {
        let (request, _) = self.requested().expect("a request");
        self.tell(Input::Answered {
            request,
            result: Ok(answer),
            date: None,
        })
    }

    /// The changes of all patches that the last step gave, and how many those were.
    fn patches(&self) -> (usize, Vec<Change>) {
        let shown: Vec<_> = self
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Show(_, changes) => Some(changes.clone()),
                _ => None,
            })
            .collect();
        (shown.len(), shown.concat())
    }

    fn is_live(&self) -> bool {
        let live = |change: &Change| matches!(change, Change::Connection(shown) if shown.state == ConnectionState::Live);
        self.patches().1.iter().any(live)
    }
}

/// Statements for one event in the conversation that is on the screen; nothing
/// more is done by triggers, for it is new.
const FOR_ONE_EVENT: usize = 29;
/// Of these, those that do not grow with the events of a step.
const FOR_A_STEP: usize = 26;

#[test]
fn an_event_costs_a_few_statements_one_patch_and_no_transaction_of_its_own() {
    let mut alice = Alice::connected(Store::filled(3, 30));
    alice.tell(Input::Watching([with(2)].into()));
    alice.live(vec![message(100, 2, 9_000_000)]);
    let asked = alice.live(vec![message(101, 2, 9_000_001)]);
    assert_eq!(
        asked.statements.len(),
        FOR_ONE_EVENT,
        "{:#?}",
        asked.statements
    );
    for own in ["BEGIN", "COMMIT", "SAVEPOINT"] {
        assert_eq!(asked.that_say(own), 0, "that is the caller's");
    }
    let (patches, changes) = alice.patches();
    assert_eq!(patches, 1);
    let kinds: Vec<u8> = changes
        .iter()
        .map(|change| match change {
            Change::Message(_) => 1,
            Change::Conversation(_) => 2,
            Change::Unread(_) => 3,
            _ => 0,
        })
        .collect();
    assert_eq!(kinds, [1, 2, 3], "the row, its conversation, the number");
    let again = alice.live(vec![message(101, 2, 9_000_001)]);
    assert_eq!(alice.patches().0, 0, "the same again says nothing");
    assert!(again.statements.len() <= 10, "{:#?}", again.statements);
}

#[test]
fn a_batch_of_a_thousand_is_one_patch_and_a_conversation_is_brought_up_to_date_once() {
    let mut statements = BTreeMap::new();
    for count in [500_u128, 1_000] {
        let mut alice = Alice::connected(Store::filled(3, 30));
        alice.tell(Input::Watching([with(2)].into()));
        let batch = (0..count)
            .map(|n| message(1_000 + n, 2 + n % 3, 9_000_000 + i64::try_from(n).unwrap()))
            .collect();
        let asked = alice.live(batch);
        assert_eq!(alice.patches().0, 1);
        let changed =
            |of: fn(&Change) -> bool| alice.patches().1.iter().filter(|change| of(change)).count();
        assert_eq!(changed(|c| matches!(c, Change::Conversation(_))), 3);
        assert_eq!(changed(|c| matches!(c, Change::Unread(_))), 1);
        let of_bob = count.div_ceil(3);
        assert_eq!(
            changed(|c| matches!(c, Change::Message(_))),
            usize::try_from(of_bob).unwrap(),
            "those of the conversation on the screen"
        );
        assert_eq!(asked.that_say("UPDATE conversation SET last_message"), 3);
        assert_eq!(asked.that_say("INSERT INTO message"), count as usize);
        statements.insert(count, asked.statements.len());
    }
    let more = statements[&1_000] - statements[&500];
    let most = (FOR_ONE_EVENT - FOR_A_STEP) * 500;
    assert!(more <= most, "{more} statements for 500 more, not {most}");
}

#[test]
fn frames_that_wait_cost_what_one_frame_with_all_their_rows_does() {
    let said = |n: u128| message(1_000 + n, 2 + n % 3, 9_000_000 + i64::try_from(n).unwrap());
    let frame = |alice: &Alice, messages| {
        let rows = rows(messages);
        let frame = ServerFrame::Rows { uid: None, rows };
        Input::Socket(alice.socket, SocketEvent::Frame(frame))
    };
    let mut alice = Alice::connected(Store::filled(3, 30));
    let all = frame(&alice, (0..200).map(said).collect());
    let together = alice.tell(all);
    let mut alice = Alice::connected(Store::filled(3, 30));
    let mut waiting = frame(&alice, vec![said(0)]);
    for n in 1..200 {
        let next = frame(&alice, vec![said(n)]);
        assert_eq!(waiting.join(next), None, "taken in");
    }
    let asked = alice.tell(waiting);
    assert_eq!(asked.statements, together.statements);
    assert_eq!(alice.patches().0, 1);
    let mut first = frame(&alice, vec![said(0)]);
    let other = Input::Socket(SocketId(0), SocketEvent::Closed);
    assert_eq!(first.join(other.clone()), Some(other), "given back");
}

/// A server that has these, oldest first.
fn page(all: &[Message], query: &MessagesQuery) -> Rows {
    assert!(query.ascending && query.peer.is_none(), "{query:?}");
    let except: BTreeSet<_> = query.except.iter().collect();
    let found = all
        .iter()
        .filter(|_| query.by == By::Created)
        .filter(|message| query.from.is_none_or(|from| message.stamp >= from))
        .filter(|message| !except.contains(&message.id))
        .take(query.limit as usize);
    rows(found.cloned().collect())
}

#[test]
fn a_catch_up_asks_for_each_page_once_and_twice_more_to_know_the_end() {
    for missed in [0_u128, 99, 100, 1_000, 2_345] {
        let mut alice = Alice::connected(Store::filled(3, 30));
        // The last that is held: every catch-up looks at the last minute again.
        let mut all = vec![message(0, 2, 0)];
        all.extend((0..missed).map(|n| {
            message(
                5_000 + n,
                2 + n % 3,
                100_000 + i64::try_from(n).unwrap() * 10,
            )
        }));
        let mut requests = 0;
        while !alice.is_live() {
            let (_, call) = alice.requested().expect("the next page");
            let Call::Messages(query) = call else {
                panic!("{call:?} before the catch-up is whole");
            };
            requests += 1;
            alice.answer(Answer::Messages(page(&all, &query)));
            assert!(alice.patches().0 <= 1, "a page is one patch at most");
        }
        let pages = (missed + 1).div_ceil(100);
        assert_eq!(requests, pages + 2, "{missed} missed");
        let (_, held) = alice.store.count(|tx| {
            tx.query_row("SELECT count(*) FROM message", [], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap()
        });
        assert_eq!(held, 30 + i64::try_from(missed).unwrap());
    }
}

#[test]
fn a_conversation_opens_at_the_same_cost_with_a_thousand_messages_and_a_hundred_thousand() {
    let newest = |count| {
        let store = Store::of_one(count);
        let (asked, page) = store.count(|tx| view::page(tx, with(2), &Anchor::Newest, 50));
        let page = page.unwrap().unwrap();
        assert_eq!(page.messages.len(), 50);
        let (listed, list) = store.count(|tx| view::conversations(tx, "", None, 50));
        assert_eq!(list.unwrap().conversations.len(), 1);
        let middle = Anchor::Before(page.messages[0].sort.clone());
        let (paged, page) = store.count(|tx| view::page(tx, with(2), &middle, 50));
        assert_eq!(page.unwrap().unwrap().messages.len(), 50);
        [asked, listed, paged].map(|asked| (asked.statements.len(), asked.rows))
    };
    let small = newest(1_000);
    assert_eq!(small, newest(100_000));
    let [(newest, newest_rows), (list, _), (page, page_rows)] = small;
    assert_eq!((newest, list, page), (9, 6, 9));
    // Fifty, one more to know that there are more, and what belongs around them.
    assert!(newest_rows <= 51 + newest, "{newest_rows} rows");
    assert!(page_rows <= 51 + page, "{page_rows} rows");
}

#[test]
fn the_list_costs_the_same_however_many_conversations_there_are() {
    let list = |people| {
        let store = Store::filled(people, people * 2);
        let (asked, list) = store.count(|tx| view::conversations(tx, "", None, 50));
        let list = list.unwrap();
        assert!(list.more && list.conversations.len() == 50);
        (asked.statements.len(), asked.rows)
    };
    let few = list(60);
    assert_eq!(few, list(600));
    // The last message and the name of each of fifty.
    assert_eq!(few.0, 4 + 2 * 50);
}

#[test]
fn a_search_asks_the_index_once_and_reads_no_more_than_its_page() {
    let found = |count| {
        let store = Store::filled(3, count);
        let search = |text: &str| Search {
            query: Query::read(text),
            ..Search::default()
        };
        let mut counts = Vec::new();
        for query in [
            "common",
            "c",
            "com",
            "common words",
            "\"common words\"",
            "nothing",
        ] {
            let search = search(query);
            let (asked, page) = store.count(|tx| view::search(tx, &search, None, 50));
            let hits = if query == "nothing" { 0 } else { 50 };
            assert_eq!(page.unwrap().found.len(), hits, "{query}");
            assert!(asked.that_say("MATCH") >= 1, "{query}");
            counts.push((
                query,
                asked.that_say("MATCH"),
                asked.statements.len(),
                asked.rows,
            ));
        }
        counts
    };
    let few = found(1_000);
    assert_eq!(few, found(5_000));
    for (query, matches, statements, rows) in few {
        assert!(matches <= 2, "{query}: {matches} times");
        // The name of whom each hit is with.
        assert!(statements <= 70, "{query}: {statements} statements");
        assert!(rows <= 51 + statements, "{query}: {rows} rows");
    }
}
