//! The engine's thread: takes what was heard, steps, commits, performs.
//!
//! Owns: the connection that writes, and the rule that effects come after the
//! commit. Never: a decision.
//!
//! ```text
//!  heard --many--> BEGIN -> step -> (SAVEPOINT -> step -> RELEASE)* -> COMMIT -> perform
//!                              | fails          | fails
//!                              v                v
//!                        rolled back alone   all rolled back, all effects dropped;
//!                              |             so too where SQLite did it by itself
//!                              +-------+--------+
//!                                      v
//!                          a new engine, after a while
//! ```
//!
//! What fails in a way that damage does makes this thread look at the whole
//! file, and if it is damaged, set it aside and go on with a new one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64, atomic::Ordering},
    thread,
    time::{Duration, Instant as Clock},
};

use rusqlite::Connection as Database;
use tokio::sync::{mpsc, oneshot};

use super::{
    keeper::wall,
    performer::{Heard, Message, Performer, QUEUE, ROOM, World},
    reads::Reads,
    store_problem,
};
use crate::{
    bridge::{Code, Connection, ConnectionState, Problem},
    diagnostics::{self, Began, Journal, Surroundings, Written},
    engine::{Effect, Engine, Input, Order, Pages, Reply, Sessions, Ticket, Timer},
    model::{Now, PersonId},
    store::{self, Key, Place, StoreError, Trouble, rebuild},
};

/// How many inputs share one transaction at most.
const BATCH: usize = 1_024;

/// The longest wait before a new engine is tried, in seconds.
const MAX_PAUSE: u64 = 30;

/// After this long without a failure the next one counts as the first.
const LONG_AGO: Duration = Duration::from_secs(120);

/// A file that seems damaged and is not is looked at again after this.
const LOOKED: Duration = Duration::from_secs(600);

/// What it takes to set a damaged file aside.
pub struct Home {
    /// The file.
    pub path: PathBuf,
    /// Its key.
    pub key: Key,
    /// Whose it is.
    pub me: PersonId,
    /// Their name.
    pub name: String,
    /// Who reads it.
    pub reads: Arc<Reads>,
    /// What a person is told once.
    pub rebuilt: Arc<Mutex<Option<Problem>>>,
}

/// What a person is told when a damaged database was set aside.
#[must_use]
pub fn rebuilt_problem(rescued: &rebuild::Rescued) -> Problem {
    Problem::new(Code::StorageRebuilt)
        .with("unsent", rescued.unsent)
        .with("drafts", rescued.drafts)
}

/// The connection that writes. The engine's thread holds it for a transaction
/// at a time; where there is no other (in memory) readers share it.
pub type Writer = Arc<Mutex<Database>>;

/// Locks a database. A thread that died holding it left no transaction open
/// that the next statement would not refuse.
pub fn lock(writer: &Mutex<Database>) -> MutexGuard<'_, Database> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running engine.
pub struct Machine {
    world: World,
    writer: Writer,
    journal: Arc<Mutex<Journal>>,
    orders: AtomicU64,
    stopped: Mutex<Option<oneshot::Receiver<()>>>,
}

/// The queue to an engine that is about to run.
#[must_use]
pub fn queue() -> (
    mpsc::Sender<Message>,
    mpsc::Receiver<Message>,
    Arc<tokio::sync::Semaphore>,
) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (
        sender,
        receiver,
        Arc::new(tokio::sync::Semaphore::new(ROOM)),
    )
}

fn gone() -> Problem {
    Problem::new(Code::StorageFailed).with("kind", "engine")
}

impl Machine {
    /// Starts an engine on this database.
    ///
    /// # Errors
    /// The database's, and `storage_failed` where no thread can be had.
    pub fn start(
        world: World,
        receiver: mpsc::Receiver<Message>,
        writer: Writer,
        sessions: Sessions,
        home: Option<Home>,
    ) -> Result<Self, Problem> {
        let (stop, stopped) = oneshot::channel();
        let journal = Arc::new(Mutex::new(Journal::default()));
        let mut run = Run {
            performer: Performer::new(world.clone()),
            world: world.clone(),
            writer: Arc::clone(&writer),
            journal: Arc::clone(&journal),
            engine: None,
            started: Clock::now(),
            failed: Clock::now(),
            failures: 0,
            home,
            doubt: false,
            away: false,
            looked: None,
        };
        if let Err(error) = run.renew_engine(sessions) {
            // Opened well, and damaged where the engine looks first.
            if !run.doubted(&error) {
                return Err(store_problem(&error));
            }
            run.heal();
            run.renew_engine(sessions).map_err(|e| store_problem(&e))?;
        }
        thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                run.run(receiver);
                drop(run);
                let _ = stop.send(());
            })
            .map_err(|error| super::folder::io_problem(&error))?;
        Ok(Self {
            world,
            writer,
            journal,
            orders: AtomicU64::new(0),
            stopped: Mutex::new(Some(stopped)),
        })
    }

    /// Gives an order and waits for its answer.
    ///
    /// # Errors
    /// The order's, and `storage_failed` where the engine is gone.
    pub async fn order(&self, order: Order) -> Result<Reply, Problem> {
        let ticket = Ticket(self.orders.fetch_add(1, Ordering::Relaxed));
        let (answer, answered) = oneshot::channel();
        self.world.tickets.wait(ticket, answer);
        if !self.input(Input::Order(ticket, order)).await {
            return Err(gone());
        }
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Tells the engine something; `false` if it is gone.
    pub async fn input(&self, input: Input) -> bool {
        self.tell(Heard::Input(input)).await
    }

    /// Makes a new engine go on with these sessions.
    pub async fn restart(&self, sessions: Sessions) {
        self.tell(Heard::Restart(sessions)).await;
    }

    async fn tell(&self, heard: Heard) -> bool {
        self.world.sender.send(heard.into()).await.is_ok()
    }

    /// What a person may hand over now. The engine waits while it is written.
    ///
    /// # Errors
    /// The database's.
    pub async fn diagnostics(
        &self,
        surroundings: Surroundings,
    ) -> Result<(Vec<u8>, Written), Problem> {
        let (writer, journal) = (Arc::clone(&self.writer), Arc::clone(&self.journal));
        let writing = tokio::task::spawn_blocking(move || {
            // In the order of the engine's thread, between two transactions of its.
            let database = lock(&writer);
            let journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            let mut bundle = Vec::new();
            diagnostics::write(&journal, &database, &surroundings, &mut bundle)
                .map(|written| (bundle, written))
                .map_err(|error| store_problem(&error))
        });
        writing.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Stops the engine; afterwards no socket, request or timer is left.
    pub async fn stop(&self) {
        self.tell(Heard::Stop).await;
        let stopped = self
            .stopped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(stopped) = stopped {
            let _ = stopped.await;
        }
        self.world.tasks.close();
        // A renewal may take its time; a goodbye takes a second at most.
        self.world.keeper.settle(Duration::from_secs(5)).await;
        let all = self.world.tasks.wait();
        let _ = tokio::time::timeout(Duration::from_secs(3), all).await;
    }
}

struct Run {
    world: World,
    performer: Performer,
    writer: Writer,
    /// What the engine was told, locked after the writer.
    journal: Arc<Mutex<Journal>>,
    engine: Option<Engine>,
    started: Clock,
    failed: Clock,
    failures: u32,
    home: Option<Home>,
    /// Something failed in a way that damage does.
    doubt: bool,
    /// The file could not be opened again; there is nothing to write to.
    away: bool,
    /// When a file in doubt was found sound.
    looked: Option<Clock>,
}

/// What became of a batch.
enum After {
    GoOn,
    Doubt,
    Restart(Sessions),
    Stop,
}

impl Run {
    fn run(&mut self, mut receiver: mpsc::Receiver<Message>) {
        while let Some(first) = receiver.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(next) = receiver.try_recv()
            {
                batch.push(next);
            }
            let taken = catch_unwind(AssertUnwindSafe(|| self.take(batch)));
            match taken {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => {
                    tracing::error!("the engine's thread has panicked");
                    // Whoever's order was among them would wait for ever.
                    self.world.tickets.clear();
                    self.fail(gone());
                }
            }
        }
        self.performer.reset();
        receiver.close();
        while let Ok(left) = receiver.try_recv() {
            drop(left);
        }
        self.world.tickets.clear();
    }

    fn now(&self) -> Now {
        Now {
            wall: wall(),
            mono: i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// Takes what was heard; `false` to stop.
    fn take(&mut self, batch: Vec<Message>) -> bool {
        let ordered = batch
            .iter()
            .any(|message| matches!(message.heard, Heard::Input(Input::Order(..))));
        let mut rest = joined(batch).into_iter().peekable();
        while rest.peek().is_some() {
            match self.transaction(&mut rest, ordered) {
                After::GoOn => {}
                After::Stop => return false,
                After::Doubt => {
                    self.doubt = true;
                    if self.damaged() {
                        let problem = Problem::new(Code::StorageFailed).with("kind", "corrupt");
                        self.fail(problem);
                    }
                }
                After::Restart(sessions) => {
                    self.performer.reset();
                    self.heal();
                    if let Err(error) = self.renew_engine(sessions) {
                        self.doubted(&error);
                        self.fail(store_problem(&error));
                    }
                }
            }
        }
        true
    }

    /// Notes an error that may come from damage, and says whether it may.
    fn doubted(&mut self, error: &StoreError) -> bool {
        self.doubt |= error.trouble() == Trouble::Doubtful;
        self.doubt
    }

    /// Whether the file is damaged, if there is a doubt. It is read as a whole
    /// for that, so not again for a while once it was found sound.
    fn damaged(&mut self) -> bool {
        let Some(home) = self.home.as_ref().filter(|_| self.doubt) else {
            return false;
        };
        if self.looked.is_some_and(|at| at.elapsed() < LOOKED) {
            return false;
        }
        let sound = rebuild::is_sound(&home.path, &home.key);
        self.looked = sound.then(Clock::now);
        self.doubt = !sound;
        !sound
    }

    /// Sets a damaged file aside, and goes on with a new one.
    fn heal(&mut self) {
        let damaged = self.damaged();
        if !damaged && !self.away {
            return;
        }
        let (Some(home), Ok(none)) = (&self.home, Database::open_in_memory()) else {
            return;
        };
        let writer = Arc::clone(&self.writer);
        let mut database = lock(&writer);
        // No connection may be open while the files are renamed.
        drop(std::mem::replace(&mut *database, none));
        self.away = true;
        let _alone = home.reads.none();
        let opened = if damaged {
            tracing::error!("the database is damaged and is set aside");
            let revision = self.world.hub.revision();
            rebuild::rebuild(&home.path, &home.key, home.me, &home.name, revision).map(
                |(database, rescued)| {
                    *home.rebuilt.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(rebuilt_problem(&rescued));
                    self.world.hub.begin_anew();
                    database
                },
            )
        } else {
            rebuild::finish(&home.path)
                .and_then(|()| store::open(Place::File(&home.path), &home.key))
        };
        match opened {
            Ok(fresh) => {
                *database = fresh;
                self.journal
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .forget();
                self.away = false;
                self.doubt = false;
            }
            // The next restart tries again; nothing is written meanwhile.
            Err(error) => {
                let _ = store_problem(&error);
            }
        }
    }

    /// One transaction over as much of `rest` as goes into one; `ordered` if a
    /// person's orders may be among it.
    fn transaction(&mut self, rest: &mut impl Iterator<Item = Message>, ordered: bool) -> After {
        let writer = Arc::clone(&self.writer);
        let database = lock(&writer);
        let journal = Arc::clone(&self.journal);
        let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let mut after = After::GoOn;
        let mut effects = Vec::new();
        let mut orders = Vec::new();
        let mut refused: Vec<(Ticket, Problem)> = Vec::new();
        let mut failed: Option<Problem> = None;
        let mut doubt = false;
        let mut problem_of = |error: &StoreError| {
            doubt |= error.trouble() == Trouble::Doubtful;
            store_problem(error)
        };
        let mut begun = false;
        let mut stepped = false;
        if self.engine.is_some() {
            let begins = store::before_transaction(&database, ordered)
                .and_then(|_| Ok(database.execute_batch("BEGIN IMMEDIATE")?));
            match begins {
                Ok(()) => {
                    begun = true;
                    journal.transaction();
                }
                Err(error) => failed = Some(problem_of(&error)),
            }
        }
        for message in rest.by_ref() {
            // Its room in the queue is given back when it has been heard.
            let Message { heard, room: _room } = message;
            let input = match heard {
                Heard::Stop => {
                    after = After::Stop;
                    break;
                }
                Heard::Restart(sessions) => {
                    after = After::Restart(sessions);
                    break;
                }
                Heard::Doubt => {
                    after = After::Doubt;
                    break;
                }
                Heard::Input(Input::Socket(id, event)) => {
                    if !self.performer.hears(id) {
                        continue;
                    }
                    Input::Socket(id, event)
                }
                Heard::Timer(timer, set) => {
                    let stale = moved(&effects, timer);
                    if !self.performer.due(timer, set) || stale {
                        continue;
                    }
                    Input::Timer(timer)
                }
                Heard::Input(input) => input,
            };
            let ticket = match &input {
                Input::Order(ticket, _) => Some(*ticket),
                _ => None,
            };
            let (Some(engine), None) = (self.engine.as_mut(), &failed) else {
                // No engine now: only who waits for an answer is told.
                if let Some(ticket) = ticket {
                    refused.push((ticket, failed.clone().unwrap_or_else(gone)));
                }
                continue;
            };
            let told = journal.hears(&input);
            // The first is undone with its transaction, which holds nothing else
            // yet: a savepoint would copy every page that it changes.
            let taken = if std::mem::replace(&mut stepped, true) {
                engine.step_alone(&database, now, input)
            } else {
                engine.step(&database, now, input).inspect_err(|_| {
                    let _ = database.execute_batch("ROLLBACK");
                })
            };
            match taken {
                Ok(more) => {
                    journal.steps(now, told, &more, engine.take_replaced());
                    orders.extend(ticket);
                    effects.extend(more);
                }
                Err(error) => {
                    let problem = problem_of(&error);
                    refused.extend(ticket.map(|ticket| (ticket, problem.clone())));
                    // Its memory may be ahead of what was rolled back.
                    failed = Some(problem);
                }
            }
        }
        let lost = match (begun, database.is_autocommit()) {
            (false, _) => None,
            // A full disk or a failing one: SQLite has undone all of it.
            (true, true) => Some(failed.clone().unwrap_or_else(gone)),
            (true, false) => database.execute_batch("COMMIT").err().map(|error| {
                let _ = database.execute_batch("ROLLBACK");
                problem_of(&error.into())
            }),
        };
        if lost.is_none() {
            journal.committed();
        }
        if let Some(problem) = lost.as_ref().or(failed.as_ref()) {
            journal.fails(now, problem);
        }
        drop(journal);
        if let Some(problem) = lost {
            refused.extend(orders.into_iter().map(|ticket| (ticket, problem.clone())));
            effects.clear();
            failed = Some(problem);
        }
        drop(database);
        self.doubt |= doubt;
        for effect in effects {
            self.performer.perform(effect);
        }
        if let Some(problem) = failed {
            self.fail(problem);
        }
        for (ticket, problem) in refused {
            self.world.tickets.answer(ticket, Err(problem));
        }
        after
    }

    /// A new engine, and what it wants first. Its seed comes from outside, so
    /// that no answer to an older one is taken for an answer to it.
    fn renew_engine(&mut self, sessions: Sessions) -> Result<(), StoreError> {
        self.engine = None;
        let seed = u64::from_le_bytes(seed_bytes());
        let now = self.now();
        let watching = Input::Watching(self.world.hub.watched());
        let writer = Arc::clone(&self.writer);
        let journal = Arc::clone(&self.journal);
        let (engine, effects) = {
            let database = lock(&writer);
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            // A thread that panicked may have left one open.
            if !database.is_autocommit() {
                database.execute_batch("ROLLBACK")?;
            }
            database.execute_batch("BEGIN IMMEDIATE")?;
            let made = (|| {
                journal.begins(&database, Began::new(seed, true, Pages::default()));
                journal.transaction();
                let mut engine = Engine::resume(&database, seed)?.with_safety();
                let mut effects = Vec::new();
                for input in [watching, Input::Start(sessions)] {
                    let told = journal.hears(&input);
                    let more = engine.step(&database, now, input)?;
                    journal.steps(now, told, &more, engine.take_replaced());
                    effects.extend(more);
                }
                Ok::<_, StoreError>((engine, effects))
            })();
            let committed = match &made {
                Ok(_) => database.execute_batch("COMMIT"),
                Err(_) => database.execute_batch("ROLLBACK"),
            };
            if committed.is_ok() && made.is_ok() {
                journal.committed();
            } else {
                journal.fails(now, &gone());
            }
            if committed.is_err() && made.is_ok() {
                let _ = database.execute_batch("ROLLBACK");
            }
            let made = made?;
            committed?;
            made
        };
        self.engine = Some(engine);
        for effect in effects {
            self.performer.perform(effect);
        }
        Ok(())
    }

    /// The engine can't go on: says so, and tries a new one after a while.
    fn fail(&mut self, problem: Problem) {
        tracing::warn!(code = ?problem.code, "the engine begins anew");
        self.engine = None;
        self.performer.reset();
        if self.failed.elapsed() > LONG_AGO {
            self.failures = 0;
        }
        self.failed = Clock::now();
        self.failures = self.failures.saturating_add(1);
        let pause = Duration::from_secs((1_u64 << self.failures.min(6)).min(MAX_PAUSE) - 1);
        let at = wall().plus(i64::try_from(pause.as_millis()).unwrap_or(0));
        self.world.hub.show_connection(Connection {
            state: ConnectionState::Waiting,
            retry_at: Some(at.0),
            problem: Some(problem),
        });
        let world = self.world.clone();
        self.world.handle.spawn(async move {
            tokio::time::sleep(pause).await;
            let sessions = world.keeper.held().await;
            let _ = world.sender.send(Heard::Restart(sessions).into()).await;
        });
    }
}

/// Rows that came one after the other through one socket are one input: a
/// conversation is brought up to date and shown once, however many waited.
pub(super) fn joined(batch: Vec<Message>) -> Vec<Message> {
    let mut joined: Vec<Message> = Vec::with_capacity(batch.len());
    for Message { heard, room } in batch {
        let apart = match (heard, joined.last_mut()) {
            (
                Heard::Input(next),
                Some(Message {
                    heard: Heard::Input(before),
                    room: kept,
                }),
            ) => match before.join(next) {
                None => {
                    // Its room is given back with the other's.
                    match (kept, room) {
                        (Some(kept), Some(more)) => kept.merge(more),
                        (kept, more) => *kept = kept.take().or(more),
                    }
                    continue;
                }
                Some(next) => Heard::Input(next),
            },
            (heard, _) => heard,
        };
        joined.push(Message { heard: apart, room });
    }
    joined
}

/// Whether an effect that is not performed yet has set or stopped this timer.
fn moved(effects: &[Effect], timer: Timer) -> bool {
    effects.iter().any(
        |effect| matches!(effect, Effect::SetTimer(t, _) | Effect::StopTimer(t) if *t == timer),
    )
}

fn seed_bytes() -> [u8; 8] {
    let mut seed = [0; 8];
    if getrandom::fill(&mut seed).is_err() {
        seed = wall().0.to_le_bytes();
    }
    seed
}
