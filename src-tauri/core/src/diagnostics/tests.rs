//! That a journal keeps within its room, and that nothing of what was said is
//! in a bundle.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use uuid::Uuid;

use super::*;
use crate::{
    bridge::{Anchor, Change, Code, Depth, MessageRow, MessageState, Problem, ReportReason},
    directus::{
        call::{Answer, BadRow, Call, Fault, Outgoing, Reason, Refusal, Rows, ServerFrame},
        safety::{Ask, Owner, Report, Told as ToldOf},
    },
    engine::{
        Effect, Engine, Input, NewReport, Notice, Order, Pages, Reply, RequestId, Sessions,
        SocketEvent, SocketId, Ticket, Timer,
    },
    model::{ConversationId, Instant, Message, MessageId, Now, Person, PersonId, Stamps},
    store::{self, Key, Place as At, facts, messages, outbox, people, safety},
};

const KEY: Key = Key([7; 32]);

fn person(n: u128) -> PersonId {
    PersonId::new(Uuid::from_u128(n))
}

fn id(n: u128) -> MessageId {
    MessageId::new(Uuid::from_u128(0x1000 + n))
}

const fn at(n: i64) -> Now {
    Now {
        wall: Instant(1_800_000_000_000 + n),
        mono: n,
    }
}

fn row(n: u128, text: &str) -> Message {
    Message {
        id: id(n),
        content: text.to_owned(),
        sender: person(2),
        receiver: person(1),
        stamp: Instant(1_800_000_000_000 + i64::try_from(n).unwrap()),
        updated: None,
    }
}

fn mine() -> Connection {
    let store = store::open(At::Memory, &KEY).unwrap();
    store::set_me(&store, person(1), "Alice").unwrap();
    store
}

fn read(journal: &Journal, store: &Connection) -> Bundle {
    let mut written = Vec::new();
    write(journal, store, &Surroundings::default(), &mut written).unwrap();
    Bundle::read(written.as_slice()).unwrap()
}

/// An engine with its journal, as whoever runs one keeps it.
struct Kept {
    store: Connection,
    engine: Engine,
    journal: Journal,
}

impl Kept {
    fn begin(store: Connection, journal: Journal) -> Self {
        let mut journal = journal;
        journal.begins(&store, Began::new(5, true, Pages::default()));
        let engine = Engine::resume(&store, 5).unwrap().with_safety();
        Self {
            store,
            engine,
            journal,
        }
    }

    fn tell(&mut self, n: i64, input: Input) {
        let told = self.journal.hears(&input);
        let effects = self.engine.step_alone(&self.store, at(n), input).unwrap();
        let replaced = self.engine.take_replaced();
        self.journal.steps(at(n), told, &effects, replaced);
    }
}

#[test]
fn a_full_journal_begins_in_the_middle_and_says_so() {
    let mut kept = Kept::begin(mine(), Journal::with_room(10, MOST_BYTES));
    assert!(kept.journal.begins_whole());
    for n in 0..30 {
        kept.tell(n, Input::Network(n % 2 == 0));
    }
    assert!(!kept.journal.begins_whole());
    let bundle = read(&kept.journal, &kept.store);
    assert!(!bundle.about.from_the_beginning);
    assert_eq!((bundle.about.inputs, bundle.about.dropped), (10, 21));
    assert_eq!(bundle.entries.len(), 10);
    // The next engine begins it anew.
    kept.journal
        .begins(&kept.store, Began::new(6, true, Pages::default()));
    kept.tell(40, Input::Resumed);
    let bundle = read(&kept.journal, &kept.store);
    assert!(bundle.about.from_the_beginning);
    assert_eq!((bundle.about.inputs, bundle.about.dropped), (1, 0));
}

#[test]
fn a_journal_stays_within_its_bytes_whatever_comes() {
    let mut kept = Kept::begin(mine(), Journal::with_room(usize::MAX, 100_000));
    for n in 0..200_u32 {
        let first = u128::from(n) * 100;
        let rows = Rows {
            messages: (first..first + 100).map(|n| row(n, "some text")).collect(),
            count: 100,
            ..Rows::default()
        };
        let told = kept.journal.hears(&Input::Answered {
            request: RequestId(1),
            result: Ok(Answer::Messages(rows)),
            date: None,
        });
        let replaced = (first..first + 100).map(|n| (id(n), None)).collect();
        kept.journal.steps(at(i64::from(n)), told, &[], replaced);
    }
    let (inputs, dropped) = kept.journal.inputs();
    assert!((1..20).contains(&inputs) && dropped > 180, "{inputs}");
    assert!(kept.journal.before().is_empty());
}

#[test]
fn what_was_not_committed_is_not_in_it() {
    let mut kept = Kept::begin(mine(), Journal::default());
    kept.tell(1, Input::Start(Sessions::default()));
    kept.journal.transaction();
    kept.tell(2, Input::Network(false));
    kept.tell(3, Input::Network(true));
    let full = Problem::new(Code::StorageFailed).with("kind", "read_only");
    kept.journal.fails(at(3), &full);
    kept.journal.transaction();
    kept.tell(4, Input::Resumed);
    kept.journal.committed();
    kept.journal.fails(at(5), &full);
    let told: Vec<String> = kept
        .journal
        .entries()
        .map(|entry| match entry {
            Entry::Engine(_) => "engine".to_owned(),
            Entry::Input(taken) => taken.mono.to_string(),
            Entry::Undone(undone) => format!("{} undone", undone.steps),
        })
        .collect();
    assert_eq!(told, ["engine", "1", "2 undone", "4", "0 undone"]);
}

#[test]
fn the_store_of_the_opening_is_made_again_from_the_store_as_it_is() {
    let store = mine();
    let with = ConversationId::Direct(person(2));
    for n in 1..=3 {
        messages::save(&store, &row(n, &format!("text {n}")), with).unwrap();
    }
    messages::queue(&store, id(9), person(1), with, "waits", Instant(5)).unwrap();
    let rows = |store: &Connection| {
        let mut rows = BTreeMap::new();
        store::whole::messages(store, 100, |kept| {
            rows.insert(
                kept.message.id,
                (kept.pending, kept.message.stamp, kept.typed),
            );
            Ok(())
        })
        .unwrap();
        rows
    };
    let then = rows(&store);
    let mut kept = Kept::begin(store, Journal::default());
    kept.tell(1, Input::Start(Sessions::default()));
    let frame = |frame| Input::Socket(SocketId(1), SocketEvent::Frame(frame));
    kept.tell(2, frame(ServerFrame::Unknown));
    // One comes, one changes, one goes, one is sent.
    let mut changes = Vec::new();
    messages::save(&kept.store, &row(4, "new"), with).unwrap();
    changes.push((id(4), None));
    let before = messages::get(&kept.store, id(2)).unwrap().map(Box::new);
    messages::save(&kept.store, &row(2, "other words"), with).unwrap();
    changes.push((id(2), before));
    let before = messages::get(&kept.store, id(3)).unwrap().map(Box::new);
    messages::remove(&kept.store, id(3)).unwrap();
    changes.push((id(3), before));
    let told = kept.journal.hears(&Input::Resumed);
    kept.journal.steps(at(3), told, &[], changes);
    // A second change does not take the place of what was there first.
    let told = kept.journal.hears(&Input::Resumed);
    kept.journal.steps(at(4), told, &[], vec![(id(3), None)]);
    let bundle = read(&kept.journal, &kept.store);
    let again = store::open(At::Memory, &KEY).unwrap();
    bundle.opening.fill(&again, &bundle.messages).unwrap();
    assert_eq!(rows(&again), then);
    assert_eq!(
        outbox::all(&again).unwrap(),
        outbox::all(&kept.store).unwrap()
    );
    assert_eq!(outbox::next_number(&again).unwrap(), 2);
}

#[test]
fn a_bundle_that_is_cut_or_none_or_newer_is_not_read() {
    let mut kept = Kept::begin(mine(), Journal::default());
    kept.tell(1, Input::Resumed);
    let mut written = Vec::new();
    write(
        &kept.journal,
        &kept.store,
        &Surroundings::default(),
        &mut written,
    )
    .unwrap();
    let text = String::from_utf8(written).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let cut = lines[..lines.len() - 1].join("\n");
    assert!(matches!(Bundle::read(cut.as_bytes()), Err(Unreadable::Cut)));
    let short = [&lines[..3], &lines[lines.len() - 1..]].concat().join("\n");
    assert!(matches!(
        Bundle::read(short.as_bytes()),
        Err(Unreadable::Cut)
    ));
    let newer = text.replacen("\"format\":1", "\"format\":2", 1);
    assert!(matches!(
        Bundle::read(newer.as_bytes()),
        Err(Unreadable::Format(2))
    ));
    let more = text.replacen("\"safety\":true", "\"safety\":true,\"text\":\"x\"", 1);
    assert!(matches!(
        Bundle::read(more.as_bytes()),
        Err(Unreadable::Line { .. })
    ));
    assert!(matches!(
        Bundle::read(&b"notes\n"[..]),
        Err(Unreadable::Line { line: 1, .. })
    ));
}

/// Words of which no piece is in a bundle by chance.
struct Secrets(BTreeSet<String>);

impl Secrets {
    fn make(&mut self, what: &str) -> String {
        let secret = format!("Quxly-{what}-Zwrknt {}\u{1f984}", self.0.len());
        self.0.insert(secret.clone());
        secret
    }

    /// Pieces of all of them: as they are, in hexadecimal and in base64.
    fn pieces(&self) -> BTreeSet<String> {
        let mut pieces = BTreeSet::new();
        for word in ["Quxly", "uxly-", "Zwrknt", "wrknt", "-Zwrk", "\u{1f984}"] {
            pieces.insert(word.to_owned());
            let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
            pieces.insert(hex.to_uppercase());
            pieces.insert(hex);
        }
        // "Quxly" and "Zwrknt" where they begin at each of three places.
        for piece in [
            "UXV4bH", "F1eGx5", "RdXhse", "Wndya250", "p3cmtud", "ad3Jrbn",
        ] {
            pieces.insert(piece.to_owned());
        }
        pieces
    }
}

/// Every column that holds text, and what becomes of it: an id, a word of ours,
/// or a secret, which the test fills.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("block", "key", "id"),
    ("block", "person", "id"),
    ("block", "state", "word"),
    ("conversation", "draft", "secret"),
    ("conversation", "id", "id"),
    ("conversation", "last_message", "id"),
    ("conversation", "person", "id"),
    ("conversation", "read_id", "secret"),
    ("fact", "name", "word"),
    ("fact", "value", "secret"),
    ("held", "conversation", "id"),
    ("held", "from_id", "secret"),
    ("held", "until_id", "secret"),
    ("message", "content", "secret"),
    ("message", "conversation", "id"),
    ("message", "id", "id"),
    ("message", "receiver", "id"),
    ("message", "sender", "id"),
    ("outbox", "conversation", "id"),
    ("outbox", "message", "id"),
    ("outbox", "problem", "secret"),
    ("outbox", "state", "word"),
    ("person", "folded", "secret"),
    ("person", "id", "id"),
    ("person", "name", "secret"),
    ("report", "about", "id"),
    ("report", "comment", "secret"),
    ("report", "copy", "secret"),
    ("report", "id", "id"),
    ("report", "message", "id"),
    ("report", "reason", "word"),
    ("report", "state", "word"),
    ("set_aside", "id", "secret"),
    ("set_aside", "reason", "secret"),
    ("tally", "conversation", "id"),
    ("tally", "sender", "id"),
];

fn columns(store: &Connection) -> Vec<(String, String)> {
    let mut found = store
        .prepare(
            "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
             WHERE m.type = 'table' AND c.type = 'TEXT' ORDER BY 1, 2",
        )
        .unwrap();
    found
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn full_of_secrets(secrets: &mut Secrets) -> Connection {
    let store = mine();
    let with = ConversationId::Direct(person(2));
    for n in 1..=3 {
        messages::save(&store, &row(n, &secrets.make("text")), with).unwrap();
    }
    messages::queue(
        &store,
        id(9),
        person(1),
        with,
        &secrets.make("unsent"),
        Instant(5),
    )
    .unwrap();
    let problem = Problem::new(Code::NotAllowed)
        .with("field", secrets.make("field"))
        .with(&secrets.make("argument"), "x");
    outbox::set_state(&store, id(9), outbox::JobState::Refused, Some(&problem)).unwrap();
    for n in 1..=4 {
        let name = secrets.make("name");
        people::save(
            &store,
            &Person {
                id: person(n),
                name,
            },
        )
        .unwrap();
    }
    let owner = Owner {
        version: Some(3),
        contact: Some(format!("mailto:{}", secrets.make("mail"))),
        terms: Some(format!("https://{}", secrets.make("host"))),
    };
    safety::set_owner(&store, &owner).unwrap();
    for name in ["token", "server", facts::STAMPS, facts::LISTED, "marker"] {
        facts::set(&store, name, &secrets.make("fact")).unwrap();
    }
    safety::save_report(
        &store,
        &Report {
            id: Uuid::from_u128(77),
            about: Some(person(2)),
            message: Some(id(1)),
            reason: ReportReason::Spam,
            comment: secrets.make("comment"),
            copy: Some(secrets.make("copy")),
        },
    )
    .unwrap();
    let (draft, read) = (secrets.make("draft"), secrets.make("read"));
    store
        .execute(
            "UPDATE conversation SET draft = ?1, read_stamp = 3, read_id = ?2",
            [draft, read],
        )
        .unwrap();
    store
        .execute(
            "INSERT INTO held VALUES (?1, 1, ?2, 9, ?3)",
            [
                with.to_string(),
                secrets.make("from"),
                secrets.make("until"),
            ],
        )
        .unwrap();
    messages::set_aside(
        &store,
        &secrets.make("bad"),
        &secrets.make("why"),
        Instant(1),
    )
    .unwrap();
    store
}

/// Every kind of input that can carry a text, and every kind of effect.
fn secret_inputs(secrets: &mut Secrets) -> Vec<Input> {
    let with = ConversationId::Direct(person(2));
    let mut rows = Rows {
        messages: vec![row(20, &secrets.make("live"))],
        set_aside: vec![BadRow {
            id: Some(secrets.make("bad")),
            reason: "content",
            at: None,
        }],
        last: None,
        count: 2,
    };
    let frame = |frame| Input::Socket(SocketId(1), SocketEvent::Frame(frame));
    let answered = |result| Input::Answered {
        request: RequestId(1),
        result,
        date: None,
    };
    let refused = |field| {
        Err(Fault::Permanent(Refusal {
            reason: Reason::Validation,
            field: Some(field),
            status: 400,
        }))
    };
    let mut inputs = vec![
        Input::Start(Sessions {
            session: Some(Instant(9)),
            spare: true,
        }),
        frame(ServerFrame::Rows {
            uid: Some(secrets.make("uid")),
            rows: rows.clone(),
        }),
        answered(refused(secrets.make("field"))),
    ];
    rows.messages = vec![row(21, &secrets.make("page"))];
    inputs.push(answered(Ok(Answer::Messages(rows))));
    inputs.push(answered(Ok(Answer::Created(Some(row(
        22,
        &secrets.make("created"),
    ))))));
    inputs.push(answered(Ok(Answer::People {
        people: vec![Person {
            id: person(5),
            name: secrets.make("name"),
        }],
        rows: 1,
    })));
    inputs.push(answered(Ok(Answer::Safety(ToldOf::Owner(Owner {
        version: Some(3),
        contact: Some(secrets.make("mail")),
        terms: Some(secrets.make("host")),
    })))));
    for uid in [Some(secrets.make("uid")), None] {
        inputs.push(frame(ServerFrame::AuthOk { uid: uid.clone() }));
        inputs.push(frame(ServerFrame::AuthFailed { uid: uid.clone() }));
        inputs.push(frame(ServerFrame::Pong { uid: uid.clone() }));
        inputs.push(frame(ServerFrame::Init { uid: uid.clone() }));
        inputs.push(frame(ServerFrame::SubscribeFailed {
            uid,
            forbidden: false,
        }));
    }
    let sort = format!("08000000000000000{}", secrets.make("sort"));
    let orders = [
        Order::Send {
            id: id(30),
            conversation: with,
            text: secrets.make("send"),
        },
        Order::SaveDraft(with, secrets.make("draft")),
        Order::MarkRead(with, secrets.make("sort")),
        Order::MarkRead(with, sort),
        Order::Fetch(with, Anchor::Around(secrets.make("around"))),
        Order::Fetch(with, Anchor::Before(secrets.make("before"))),
        Order::Fetch(with, Anchor::After(secrets.make("after"))),
        Order::Report(NewReport {
            id: Uuid::from_u128(78),
            about: Some(person(2)),
            message: None,
            reason: ReportReason::Other,
            comment: secrets.make("comment"),
            with_text: true,
        }),
        Order::SetDepth(Depth::Everything),
    ];
    for (n, order) in (1..).zip(orders) {
        inputs.push(Input::Order(Ticket(n), order));
    }
    inputs
}

fn secret_effects(secrets: &mut Secrets) -> Vec<Effect> {
    let message = |text: String, problem| MessageRow {
        id: id(1).to_string(),
        conversation: ConversationId::Direct(person(2)).to_string(),
        sender: person(2).to_string(),
        is_me: false,
        text,
        at: 1,
        sort: "0".to_owned(),
        state: MessageState::Failed,
        problem,
    };
    let problem = Problem::new(Code::HostUnknown).with("host", secrets.make("host"));
    let row = message(secrets.make("row"), Some(problem.clone()));
    vec![
        Effect::Authenticate(SocketId(1), secrets.make("uid")),
        Effect::Request(
            RequestId(1),
            Call::Create(Outgoing {
                id: id(1),
                content: secrets.make("out"),
                sender: person(1),
                receiver: person(2),
                timestamp: Instant(0),
                stamps: Stamps::Server,
            }),
        ),
        Effect::Request(
            RequestId(2),
            Call::Safety(Ask::Report {
                me: person(1),
                report: Report {
                    id: Uuid::from_u128(1),
                    about: None,
                    message: None,
                    reason: ReportReason::Other,
                    comment: secrets.make("comment"),
                    copy: Some(secrets.make("copy")),
                },
            }),
        ),
        Effect::Reply(Ticket(1), Err(problem)),
        Effect::Reply(Ticket(1), Ok(Reply::Queued(Box::new(row.clone())))),
        Effect::Notify(Notice::Arrived(Box::new(row.clone()))),
        Effect::Show(1, vec![Change::Message(row)]),
        Effect::SetTimer(Timer::Ping, 1),
    ]
}

#[test]
fn no_piece_of_a_secret_is_in_a_bundle_whatever_the_column_or_the_field() {
    let mut secrets = Secrets(BTreeSet::new());
    let store = full_of_secrets(&mut secrets);
    let known: Vec<(String, String)> = COLUMNS
        .iter()
        .map(|(table, column, _)| ((*table).to_owned(), (*column).to_owned()))
        .collect();
    let ours: Vec<(String, String)> = columns(&store)
        .into_iter()
        .filter(|(table, _)| !table.starts_with("found") && !table.starts_with("sqlite"))
        .collect();
    assert_eq!(
        ours, known,
        "a column of texts that nobody has decided about"
    );
    for (table, column, _) in COLUMNS.iter().filter(|(.., what)| *what == "secret") {
        let marked: i64 = store
            .query_row(
                &format!("SELECT count(*) FROM {table} WHERE lower({column}) LIKE '%zwrknt%'"),
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert!(marked > 0, "{table}.{column} holds no secret");
    }
    let inputs = secret_inputs(&mut secrets);
    let effects = secret_effects(&mut secrets);
    let mut kept = Kept::begin(store, Journal::default());
    let told: Vec<Told> = inputs
        .iter()
        .map(|input| kept.journal.hears(input))
        .collect();
    for (n, input) in (1..).zip(inputs) {
        kept.tell(n, input);
    }
    // Once more, with every text in what is wanted done.
    for told in told {
        kept.journal.steps(at(99), told, &effects, Vec::new());
    }
    let problem = Problem::new(Code::StorageFailed).with("kind", secrets.make("kind"));
    kept.journal.fails(at(100), &problem);
    let mut written = Vec::new();
    write(
        &kept.journal,
        &kept.store,
        &Surroundings::default(),
        &mut written,
    )
    .unwrap();
    // The same once the journal begins in the middle, and from the tables as they are.
    let mut short = Journal::with_room(3, MOST_BYTES);
    short.begins(&kept.store, Began::new(1, true, Pages::default()));
    for n in 0..9 {
        let told = short.hears(&Input::Resumed);
        short.steps(at(n), told, &effects, Vec::new());
    }
    write(&short, &kept.store, &Surroundings::default(), &mut written).unwrap();
    let text = String::from_utf8(written).unwrap();
    assert!(text.lines().count() > 80 && secrets.0.len() > 40);
    let lower = text.to_lowercase();
    for piece in secrets.pieces() {
        assert!(!text.contains(&piece), "{piece} is in it");
        assert!(
            !lower.contains(&piece.to_lowercase()) || piece.len() < 7,
            "{piece}"
        );
    }
    for secret in &secrets.0 {
        assert!(!lower.contains(&secret.to_lowercase()), "{secret}");
        let json = serde_json::to_string(secret).unwrap();
        assert!(!text.contains(json.trim_matches('"')), "{secret}");
    }
    // Of what is let in, all is there.
    assert!(text.contains(&person(2).to_string()) && text.contains(&id(20).to_string()));
}
