//! What only shows when something outside fails: the database, the vault, a
//! server that sends without end.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    runtime::Handle,
    sync::{broadcast, mpsc, oneshot},
};
use tokio_util::task::TaskTracker;

use super::{
    keeper::Keeper,
    machine::{self, Home, Machine, Writer},
    performer::{Heard, Message, Tickets, World},
    reads::Reads,
    stream::Hub,
};
use crate::{
    bridge::{Code, ConnectionState, VaultKind},
    directus::{
        address::Server,
        call::{Call, Fault, Reason},
        http::{Http, MAX_BODY},
        sessions::Session,
        socket::{Incoming, MAX_FRAME, Socket},
    },
    engine::{Credential, Input, Order, Reply, Sessions, Ticket},
    model::{AccountId, ConversationId, Instant, MessageId, PersonId},
    store::{self, Key, Place},
    vault::{StoredSessions, Vault, passphrase_file},
};

const PATIENCE: Duration = Duration::from_secs(60);

fn http(port: u16) -> Http {
    super::tls::install();
    let server = Server::read(&format!("127.0.0.1:{port}")).unwrap();
    Http::new(server).unwrap()
}

fn sessions(token: &str) -> StoredSessions {
    StoredSessions {
        session: Some((
            Session {
                cookie: "directus_session_token".to_owned(),
                token: SecretString::from(token.to_owned()),
            },
            Instant(0),
        )),
        spares: Vec::new(),
    }
}

async fn vault(kind: VaultKind, folder: &Path) -> Arc<Vault> {
    let account = AccountId::new(uuid::Uuid::from_u128(1));
    let phrase = Some(SecretString::from("correct horse".to_owned()));
    let vault = Vault::prepare(kind, "unused", account, passphrase_file(folder), phrase);
    Arc::new(vault.await.unwrap())
}

/// Answers every request with the next session, and counts them.
async fn granting_server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let _ = stream.read(&mut request).await;
            let n = counted.fetch_add(1, Ordering::SeqCst) + 1;
            let body = r#"{"data":{"expires":60000}}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nSet-Cookie: directus_session_token=a.b.{n}; Path=/\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, asked)
}

/// A vault in a file of a new folder, with a session in it.
async fn with_a_session(folder: &Path) -> Arc<Vault> {
    std::fs::create_dir(folder).unwrap();
    let vault = vault(VaultKind::Passphrase, folder).await;
    vault.store_sessions(&sessions("a.b.0")).await.unwrap();
    vault
}

/// The token that the vault's file holds, read anew.
async fn stored_token(folder: &Path) -> String {
    let phrase = SecretString::from("correct horse".to_owned());
    let stored = Vault::unlock(passphrase_file(folder), phrase)
        .await
        .unwrap();
    let (session, _) = stored.sessions().await.unwrap().session.unwrap();
    session.token.expose_secret().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_vault_does_not_take_is_not_used_until_it_does() {
    let (port, asked) = granting_server().await;
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("account");
    let vault = with_a_session(&folder).await;
    let keeper = Keeper::new(http(port), Arc::clone(&vault), sessions("a.b.0"));
    let token = || keeper.token().unwrap().expose_secret().to_owned();

    let away = data.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    let refused = keeper.renew(Credential::Session).await.unwrap_err();
    assert!(matches!(refused, Fault::Transient { .. }));
    assert_eq!(token(), "a.b.0");

    std::fs::rename(&away, &folder).unwrap();
    let granted = keeper.renew(Credential::Session).await.unwrap();
    assert!((1..=60_000).contains(&granted.lifetime));
    assert_eq!(
        token(),
        "a.b.1",
        "what was granted then, not asked for anew"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(stored_token(&folder).await, "a.b.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_vault_did_not_take_is_offered_again_without_a_renewal() {
    let (port, asked) = granting_server().await;
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("account");
    let vault = with_a_session(&folder).await;
    let keeper = Arc::new(Keeper::new(http(port), vault, sessions("a.b.0")));
    let every = Duration::from_millis(1);
    // There is nothing to offer.
    keeper.offer(every).await;

    let away = data.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    keeper.renew(Credential::Session).await.unwrap_err();
    let offering = tokio::spawn({
        let keeper = Arc::clone(&keeper);
        async move { keeper.offer(every).await }
    });
    std::fs::rename(&away, &folder).unwrap();
    offering.await.unwrap();
    assert_eq!(stored_token(&folder).await, "a.b.1");
    keeper.renew(Credential::Session).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1, "what was granted is used");
}

#[tokio::test(flavor = "multi_thread")]
async fn renewals_run_one_at_a_time_each_from_the_one_before() {
    let (port, asked) = granting_server().await;
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(VaultKind::SessionOnly, folder.path()).await;
    let keeper = Arc::new(Keeper::new(http(port), vault, sessions("a.b.0")));
    let renewals: Vec<_> = (0..8)
        .map(|_| {
            let keeper = Arc::clone(&keeper);
            tokio::spawn(async move { keeper.renew(Credential::Session).await })
        })
        .collect();
    for renewal in renewals {
        renewal.await.unwrap().unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 8);
    assert_eq!(keeper.token().unwrap().expose_secret(), "a.b.8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_page_of_a_network_does_not_end_a_session() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let _ = stream.read(&mut request).await;
            let page =
                b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\nConnection: close\r\n\r\nHotel";
            let _ = stream.write_all(page).await;
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(VaultKind::SessionOnly, folder.path()).await;
    let keeper = Keeper::new(http(port), vault, sessions("a.b.0"));
    let fault = keeper.renew(Credential::Session).await.unwrap_err();
    assert!(matches!(fault, Fault::Transient { status: 401, .. }));
    assert!(keeper.held().await.session.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_given_up_at_its_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let _ = stream.read(&mut request).await;
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        let _ = stream.write_all(head).await;
        let part = vec![b' '; 1 << 20];
        while stream.write_all(&part).await.is_ok() {
            counted.fetch_add(part.len(), Ordering::SeqCst);
        }
    });
    let token = SecretString::from("a.b.c".to_owned());
    let (result, _) = http(port).call(&Call::Me, &token).await;
    let Err(Fault::Permanent(refusal)) = result else {
        panic!("not refused");
    };
    assert_eq!(refusal.reason, Reason::TooLarge);
    assert!(sent.load(Ordering::SeqCst) < 2 * MAX_BODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_beyond_its_bound_ends_the_socket() {
    use futures_util::SinkExt as _;
    use tokio_tungstenite::{accept_async, tungstenite::Message};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        let ping = Message::text(r#"{"type":"ping"}"#);
        socket.send(ping).await.unwrap();
        let _ = socket.send(Message::text(" ".repeat(MAX_FRAME + 1))).await;
    });
    let server = Server::read(&format!("127.0.0.1:{port}")).unwrap();
    let mut socket = Socket::open(&server).await.unwrap();
    assert!(matches!(socket.next().await, Incoming::Frame(..)));
    assert!(matches!(socket.next().await, Incoming::TooLarge));
}

fn person(n: u128) -> PersonId {
    PersonId::new(uuid::Uuid::from_u128(n))
}

/// An engine whose server is not there.
async fn engine_on(writer: Writer) -> (Machine, Arc<Hub>) {
    engine_at(writer, None).await
}

/// The same, with a file that can be set aside.
async fn engine_at(writer: Writer, home: Option<Home>) -> (Machine, Arc<Hub>) {
    let (world, receiver) = world().await;
    let hub = Arc::clone(&world.hub);
    if let Some(home) = &home {
        home.reads.tell_doubts(world.sender.clone());
    }
    let machine = Machine::start(world, receiver, writer, HELD, home);
    (machine.unwrap(), hub)
}

const HELD: Sessions = Sessions {
    session: Some(Instant(i64::MAX / 2)),
    spare: false,
};

async fn world() -> (World, mpsc::Receiver<Message>) {
    let account = AccountId::new(uuid::Uuid::from_u128(9));
    let (events, _) = broadcast::channel(16);
    let hub = Arc::new(Hub::new(account, events));
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(VaultKind::SessionOnly, folder.path()).await;
    let keeper = Keeper::new(http(1), vault, sessions("a.b.0"));
    let (sender, receiver, room) = machine::queue();
    let world = World {
        handle: Handle::current(),
        sender,
        room,
        keeper: Arc::new(keeper),
        hub,
        tickets: Tickets::default(),
        tasks: TaskTracker::new(),
    };
    (world, receiver)
}

fn memory() -> Writer {
    let database = store::open(Place::Memory, &Key([7; 32])).unwrap();
    store::set_me(&database, person(1), "Alice").unwrap();
    Arc::new(std::sync::Mutex::new(database))
}

fn send(text: &str) -> Order {
    Order::Send {
        id: MessageId::new(uuid::Uuid::now_v7()),
        conversation: ConversationId::Direct(person(2)),
        text: text.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_is_rolled_back_alone_and_the_engine_goes_on() {
    let writer = memory();
    let (machine, hub) = engine_on(Arc::clone(&writer)).await;
    assert!(matches!(
        machine.order(send("one")).await,
        Ok(Reply::Queued(_))
    ));
    machine::lock(&writer)
        .execute_batch(
            "CREATE TEMP TRIGGER broken BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'x'); END",
        )
        .unwrap();
    let refused = machine.order(send("two")).await.unwrap_err();
    assert_eq!(refused.code, Code::StorageFailed);
    let shown = hub.connection();
    assert_eq!(shown.state, ConnectionState::Waiting);
    assert_eq!(shown.problem.map(|p| p.code), Some(Code::StorageFailed));
    machine::lock(&writer)
        .execute_batch("DROP TRIGGER temp.broken")
        .unwrap();
    let goes_on = async {
        while machine.order(send("three")).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, goes_on).await.unwrap();
    let texts: Vec<String> = crate::view::unsent(&machine::lock(&writer))
        .unwrap()
        .into_iter()
        .map(|row| row.text)
        .collect();
    assert_eq!(texts, ["one", "three"]);
    machine.stop().await;
}

/// A full or failing disk makes SQLite undo the whole transaction by itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_promised_is_stored_also_where_sqlite_rolls_all_back_by_itself() {
    let writer = memory();
    machine::lock(&writer)
        .execute_batch(
            "CREATE TEMP TRIGGER broken BEFORE INSERT ON message WHEN new.content = 'poison'
             BEGIN SELECT RAISE(ROLLBACK, 'x'); END",
        )
        .unwrap();
    let (world, receiver) = world().await;
    let mut answers = Vec::new();
    for (n, text) in ["one", "two", "poison", "three"].into_iter().enumerate() {
        let ticket = Ticket(n as u64 + 1_000);
        let (answer, answered) = oneshot::channel();
        world.tickets.wait(ticket, answer);
        let heard = Heard::Input(Input::Order(ticket, send(text)));
        // All are there before the engine begins: they share a transaction.
        world.sender.send(heard.into()).await.unwrap();
        answers.push((text, answered));
    }
    let machine = Machine::start(world, receiver, Arc::clone(&writer), HELD, None).unwrap();
    let mut promised = Vec::new();
    for (text, answered) in answers {
        let answer = tokio::time::timeout(PATIENCE, answered).await.unwrap();
        if matches!(answer, Ok(Ok(Reply::Queued(_)))) {
            promised.push(text.to_owned());
        }
    }
    let stored: Vec<String> = crate::view::unsent(&machine::lock(&writer))
        .unwrap()
        .into_iter()
        .map(|row| row.text)
        .collect();
    assert_eq!(promised, stored);
    assert!(!stored.contains(&"poison".to_owned()));
    machine.stop().await;
}

#[test]
fn rows_that_wait_are_one_step_and_nothing_overtakes_them() {
    use crate::{
        directus::call::{Rows, ServerFrame},
        engine::{SocketEvent, SocketId},
    };
    let room = Arc::new(tokio::sync::Semaphore::new(9));
    let rows = |socket| Message {
        heard: Heard::Input(Input::Socket(
            SocketId(socket),
            SocketEvent::Frame(ServerFrame::Rows {
                uid: None,
                rows: Rows {
                    count: 1,
                    ..Rows::default()
                },
            }),
        )),
        room: Arc::clone(&room).try_acquire_owned().ok(),
    };
    let order = Heard::Input(Input::Order(Ticket(1), send("between"))).into();
    let batch = vec![
        rows(1),
        rows(1),
        rows(1),
        order,
        rows(1),
        rows(2),
        rows(2),
        Heard::Doubt.into(),
        rows(2),
    ];
    let joined = machine::joined(batch);
    let counts: Vec<Option<u32>> = joined
        .iter()
        .map(|message| match &message.heard {
            Heard::Input(Input::Socket(_, SocketEvent::Frame(ServerFrame::Rows { rows, .. }))) => {
                Some(rows.count)
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        counts,
        [Some(3), None, Some(1), Some(2), None, Some(1)],
        "each socket's, up to what came between"
    );
    assert_eq!(room.available_permits(), 2);
    drop(joined);
    assert_eq!(room.available_permits(), 9, "all room is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_orders_that_wait_share_one_transaction() {
    use rusqlite::trace::{TraceEvent, TraceEventCodes};
    let writer = memory();
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let told = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(_, "COMMIT") = event {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    };
    machine::lock(&writer)
        .trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(told))
        .unwrap();
    let (world, receiver) = world().await;
    let mut answers = Vec::new();
    for n in 0..1_000 {
        let ticket = Ticket(n + 1_000);
        let (answer, answered) = oneshot::channel();
        world.tickets.wait(ticket, answer);
        let heard = Heard::Input(Input::Order(ticket, send("one of many")));
        world.sender.send(heard.into()).await.unwrap();
        answers.push(answered);
    }
    let machine = Machine::start(world, receiver, Arc::clone(&writer), HELD, None).unwrap();
    for answered in answers {
        let answer = tokio::time::timeout(PATIENCE, answered).await.unwrap();
        assert!(matches!(answer, Ok(Ok(Reply::Queued(_)))));
    }
    let commits = commits.load(Ordering::SeqCst);
    // One more is the engine's start. What its start asks for may be answered
    // in between, in a transaction of its own.
    assert!((2..=5).contains(&commits), "{commits} transactions");
    machine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_answers_who_waits_and_drops_what_was_decided() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    let key = Key([7; 32]);
    let database = store::open(Place::File(&file), &key).unwrap();
    store::set_me(&database, person(1), "Alice").unwrap();
    // Asked for at the end only: every commit fails while it is not kept.
    database
        .execute_batch(
            "CREATE TABLE there (id INTEGER PRIMARY KEY) STRICT;
             CREATE TABLE owed (id INTEGER REFERENCES there(id) DEFERRABLE INITIALLY DEFERRED) STRICT;",
        )
        .unwrap();
    let writer: Writer = Arc::new(std::sync::Mutex::new(database));
    let (machine, _hub) = engine_on(Arc::clone(&writer)).await;
    machine::lock(&writer)
        .execute_batch(
            "CREATE TEMP TRIGGER owing AFTER INSERT ON main.message BEGIN INSERT INTO owed VALUES (1); END",
        )
        .unwrap();
    let refused = machine.order(send("one")).await.unwrap_err();
    assert_eq!(refused.code, Code::StorageFailed);
    machine::lock(&writer)
        .execute_batch("DROP TRIGGER temp.owing")
        .unwrap();
    assert!(
        crate::view::unsent(&machine::lock(&writer))
            .unwrap()
            .is_empty()
    );
    let goes_on = async {
        while machine.order(send("two")).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, goes_on).await.unwrap();
    assert_eq!(
        crate::view::unsent(&machine::lock(&writer)).unwrap().len(),
        1
    );
    machine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_has_stopped_answers_every_order() {
    let (machine, _hub) = engine_on(memory()).await;
    machine.stop().await;
    let refused = machine.order(send("late")).await.unwrap_err();
    assert_eq!(refused.code, Code::StorageFailed);
    machine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_refuses_the_message_and_takes_it_again_with_room() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    let database = store::open(Place::File(&file), &Key([7; 32])).unwrap();
    store::set_me(&database, person(1), "Alice").unwrap();
    let pages = |database: &rusqlite::Connection, most: &str| {
        let set = format!("PRAGMA max_page_count = {most}");
        let _: i64 = database.query_row(&set, [], |row| row.get(0)).unwrap();
    };
    let writer: Writer = Arc::new(std::sync::Mutex::new(database));
    let (machine, hub) = engine_on(Arc::clone(&writer)).await;
    let text = "a text that needs a page of its own ".repeat(2_000);
    let now: i64 = machine::lock(&writer)
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    pages(&machine::lock(&writer), &now.to_string());
    let refused = machine.order(send(&text)).await.unwrap_err();
    assert_eq!(refused.code, Code::DiskFull, "the composer keeps the text");
    assert_eq!(
        hub.connection().problem.map(|p| p.code),
        Some(Code::DiskFull)
    );
    pages(&machine::lock(&writer), "1000000");
    let goes_on = async {
        while machine.order(send(&text)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, goes_on).await.unwrap();
    assert_eq!(
        crate::view::unsent(&machine::lock(&writer)).unwrap().len(),
        1
    );
    machine.stop().await;
}

/// Flips bytes of a leaf of the messages' table that holds old ones.
fn damage_a_page_of_messages(file: &Path, database: &rusqlite::Connection) {
    use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
    database
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let page: u64 = database
        .query_row(
            "SELECT pageno FROM dbstat WHERE name = 'message' AND pagetype = 'leaf'
             ORDER BY path LIMIT 1 OFFSET 2",
            [],
            |row| row.get::<_, i64>(0).map(i64::unsigned_abs),
        )
        .unwrap();
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    let at = SeekFrom::Start((page - 1) * 4096 + 1_000);
    let mut bytes = [0; 16];
    file.seek(at).unwrap();
    file.read_exact(&mut bytes).unwrap();
    file.seek(at).unwrap();
    file.write_all(&bytes.map(|byte| byte ^ 0xff)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_damaged_while_it_is_open_is_set_aside_and_what_waits_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.db");
    let key = Key([7; 32]);
    let database = store::open(Place::File(&file), &key).unwrap();
    store::set_me(&database, person(1), "Alice").unwrap();
    database.execute_batch("BEGIN").unwrap();
    for n in 0..500_u128 {
        let message = crate::model::Message {
            id: MessageId::new(uuid::Uuid::from_u128(n)),
            content: format!("message {n} with some text around it"),
            sender: person(2),
            receiver: person(1),
            stamp: Instant(1_795_000_000_000 + n as i64 * 60_000),
            updated: None,
        };
        let with_bob = ConversationId::Direct(person(2));
        store::messages::save(&database, &message, with_bob).unwrap();
    }
    store::index::update(&database).unwrap();
    database.execute_batch("COMMIT").unwrap();
    let writer: Writer = Arc::new(std::sync::Mutex::new(database));
    let reads = Arc::new(Reads::file(file.clone(), Key(key.0)));
    let rebuilt = Arc::default();
    let home = Home {
        path: file.clone(),
        key,
        me: person(1),
        name: "Alice".to_owned(),
        reads: Arc::clone(&reads),
        rebuilt: Arc::clone(&rebuilt),
    };
    let (machine, hub) = engine_at(Arc::clone(&writer), Some(home)).await;
    let mut stream = hub.subscribe();
    machine.order(send("waits")).await.unwrap();
    damage_a_page_of_messages(&file, &machine::lock(&writer));

    let all = |database: &rusqlite::Connection| -> Result<i64, store::StoreError> {
        let sql = "SELECT sum(length(content)) FROM message NOT INDEXED WHERE pending = 0";
        Ok(database
            .query_row(sql, [], |row| row.get::<_, Option<i64>>(0))?
            .unwrap_or(0))
    };
    assert!(reads.read(all).await.is_err(), "the damage is met");
    let healed = async {
        loop {
            // The new file may be read a moment before it is told.
            if let Ok(0) = reads.read(all).await
                && rebuilt.lock().unwrap().is_some()
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, healed).await.unwrap();
    let unsent = reads.read(crate::view::unsent).await.unwrap();
    assert_eq!(
        unsent
            .iter()
            .map(|row| row.text.as_str())
            .collect::<Vec<_>>(),
        ["waits"]
    );
    let told = rebuilt.lock().unwrap().take().unwrap();
    assert_eq!(
        (told.code, told.args["unsent"].as_str()),
        (Code::StorageRebuilt, "1")
    );
    assert!(file.with_extension("damaged-1").exists());
    machine.order(send("goes on")).await.unwrap();
    // What was told before was told over another database.
    let surroundings = crate::diagnostics::Surroundings::default();
    let (bundle, written) = machine.diagnostics(surroundings).await.unwrap();
    assert!(written.from_the_beginning);
    assert_eq!(tell_again(&bundle).0.messages.len(), 1);
    let (mut last, mut gap) = (0, false);
    while !gap {
        let batch = tokio::time::timeout(PATIENCE, stream.next())
            .await
            .unwrap()
            .unwrap();
        gap = batch.n > last + 1;
        last = batch.n;
    }
    machine.stop().await;
}

/// Tells again what an engine was told, on a store as it was at the opening.
fn tell_again(bundle: &[u8]) -> (crate::diagnostics::Bundle, usize) {
    use crate::diagnostics::{Bundle, Entry, Veil, marks};
    let bundle = Bundle::read(bundle).unwrap();
    let store = store::open(Place::Memory, &Key([8; 32])).unwrap();
    bundle.opening.fill(&store, &bundle.messages).unwrap();
    let mut engine = None;
    let mut inputs = 0;
    for entry in &bundle.entries {
        match entry {
            Entry::Engine(began) => {
                assert!(began.safety);
                let resumed = crate::engine::Engine::resume(&store, began.seed).unwrap();
                engine = Some(resumed.with_pages(began.pages()).with_safety());
            }
            Entry::Input(taken) => {
                inputs += 1;
                let engine = engine.as_mut().unwrap();
                let effects = engine
                    .step_alone(&store, taken.now(), taken.told.clone().again())
                    .unwrap();
                let now = marks(&effects, &Veil::Placeholders);
                assert_eq!(now, taken.effects, "input {inputs}: {:?}", taken.told);
            }
            Entry::Undone(_) => {}
        }
    }
    (bundle, inputs)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_is_told_again_to_the_same_end_over_a_failed_commit() {
    let writer = memory();
    {
        let database = machine::lock(&writer);
        let with = ConversationId::Direct(person(2));
        let id = MessageId::new(uuid::Uuid::now_v7());
        store::messages::queue(&database, id, person(1), with, "from before", Instant(5)).unwrap();
    }
    let (machine, _hub) = engine_on(Arc::clone(&writer)).await;
    machine.order(send("Quxly one")).await.unwrap();
    let draft = Order::SaveDraft(ConversationId::Direct(person(3)), "Quxly draft".to_owned());
    machine.order(draft).await.unwrap();
    machine::lock(&writer)
        .execute_batch(
            "CREATE TEMP TRIGGER broken BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'x'); END",
        )
        .unwrap();
    machine.order(send("Quxly two")).await.unwrap_err();
    machine::lock(&writer)
        .execute_batch("DROP TRIGGER temp.broken")
        .unwrap();
    let goes_on = async {
        while machine.order(send("Quxly three")).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, goes_on).await.unwrap();
    let surroundings = crate::diagnostics::Surroundings {
        interface: "rpc",
        ..crate::diagnostics::Surroundings::default()
    };
    let (bundle, written) = machine.diagnostics(surroundings).await.unwrap();
    assert!(written.from_the_beginning);
    let (read, inputs) = tell_again(&bundle);
    assert_eq!(inputs, written.inputs);
    assert_eq!(read.about.interface, "rpc");
    assert_eq!(read.messages.len(), 1, "what was there at the opening");
    let engines = read
        .entries
        .iter()
        .filter(|entry| matches!(entry, crate::diagnostics::Entry::Engine(_)));
    assert_eq!(engines.count(), 2, "the engine began anew");
    let undone = read
        .entries
        .iter()
        .any(|entry| matches!(entry, crate::diagnostics::Entry::Undone(_)));
    assert!(undone);
    let text = String::from_utf8(bundle).unwrap();
    for secret in ["Quxly", "from before", "Alice", "127.0.0.1", "a.b.0"] {
        assert!(!text.contains(secret), "{secret}");
    }
    machine.stop().await;
}
