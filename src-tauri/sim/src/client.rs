//! A client: the real engine on the real store, and what a runtime keeps for
//! it: the inbox, tokens, keychain, timers, sockets' names.
//!
//! Owns: one process and the device it runs on. Never: a decision about
//! messages, nor the network.

use std::collections::{BTreeMap, VecDeque};

use rusqlite::{Connection, backup::Backup};
use whinchat_core::{
    bridge::{Code, ConnectionState, Problem},
    diagnostics::{self, Began, Journal, Surroundings},
    directus::call::{Call, Fault},
    engine::{Credential, Effect, Engine, Granted, Input, Order, Sessions, Ticket, Timer},
    model::{ConversationId, Instant, MessageId, Now, PersonId},
    store::{self, Key, Place, StoreError},
};

use crate::{
    oracle::Stored,
    page::{Batch, Page},
    server::EPOCH,
    shape::PAGES,
};

/// When a client dies within a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Before the commit.
    BeforeCommit,
    /// Inside the commit: SQLite has it whole, or not at all.
    InCommit(bool),
    /// After the commit, before its effects.
    AfterCommit,
    /// After this many of its effects.
    AfterEffects(usize),
    /// The commit fails; the process lives.
    CommitFails,
    /// The last step of a batch fails, as on a full disk; the process lives.
    StepFails,
    /// Power is lost after the commit: everything since the last synced one is undone.
    Power,
}

/// A defect that a test plants, to see that the oracles see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Defect {
    /// None.
    #[default]
    None,
    /// A step that queues a message is answered and never committed.
    ForgetsCommit,
    /// Effects are performed before the commit, which may then be lost.
    EffectsFirst,
    /// Trying again makes another id.
    FreshId,
    /// A row of some pages is dropped on its way in.
    DropsRows,
    /// The page goes on after a gap in its numbers.
    IgnoresGap,
    /// A foreign row that came over the socket is kept somewhere.
    KeepsForeign,
}

/// What is in the keychain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keychain {
    /// The session's token and the wall clock at its end.
    pub session: Option<(String, i64)>,
    /// The spare's refresh token.
    pub spare: Option<String>,
}

/// What was granted and is not in the keychain yet.
#[derive(Debug, Clone)]
pub struct Unstored {
    /// Which credential.
    pub credential: Credential,
    /// The token to work with.
    pub token: Option<String>,
    /// When it came, on the monotonic clock.
    pub asked: i64,
    /// How long it lives from then.
    pub lifetime: i64,
}

/// How long the engine is told to wait when the keychain fails, and how often the
/// keychain is offered what it did not take.
pub const VAULT_RETRY: i64 = 5_000;

/// What was ordered and not answered yet.
#[derive(Debug, Clone)]
pub enum Ordered {
    /// A message, by its number in the log.
    Send(usize),
    /// Taking a message back.
    Discard(MessageId),
    /// Keeping what is typed; `None` for nothing.
    Draft(ConversationId, Option<String>),
    /// Reading up to a row, by its sort key; and whether that was the newest.
    Read(ConversationId, String, bool),
    /// Anything else.
    Other,
}

/// What a step did.
pub enum Stepped {
    /// Effects to perform, in order; after so many of them the client dies.
    Effects(Vec<Effect>, Option<Death>),
    /// It died before there were any.
    Died(Death),
    /// The commit failed and the engine was made anew; these orders were not
    /// carried out.
    Failed(Vec<Ticket>),
    /// The last step failed alone: these effects are to be performed, this
    /// order was not carried out, and the engine must be made anew.
    StepFailed(Vec<Effect>, Option<Ticket>),
    /// The engine said so itself.
    Broken(String),
}

/// One device of one person.
pub struct Client {
    /// `Alice`, `Bob 2`.
    pub name: String,
    /// Who.
    pub me: PersonId,
    /// The store.
    pub store: Connection,
    engine: Option<Engine>,
    /// Rises with every start, so that nothing reaches a dead process.
    pub life: u64,
    /// What waits for a step.
    pub inbox: VecDeque<Input>,
    /// A wake-up is under way.
    pub woken: bool,
    /// The keychain.
    pub keychain: Keychain,
    /// Whether it can be written now.
    pub keychain_fails: bool,
    /// The newest credentials, stored or not.
    pub newest: Keychain,
    /// When the keychain failed last.
    pub keychain_failed: Option<i64>,
    /// Since the last sign-in something has happened after which it may be
    /// that no credential is left.
    pub excused: bool,
    /// Its connection has been live before.
    pub was_live: bool,
    /// Power was lost: its database may be older than what it did.
    pub lost_power: bool,
    /// Its wall clock was set.
    pub clock_moved: bool,
    /// When it made an id last, and how many in that millisecond before.
    pub made: (i64, u16),
    /// What it typed, as it was told that it is kept; `None` when unsure.
    pub drafts: BTreeMap<ConversationId, Option<Option<String>>>,
    /// Up to where it has read, as it was told.
    pub read: BTreeMap<ConversationId, String>,
    /// How often each message was announced.
    pub announced: BTreeMap<String, u32>,
    /// What the keychain did not take.
    pub unstored: Option<Unstored>,
    /// It is offered to the keychain again before long.
    pub offering: bool,
    /// The token that was granted last.
    pub token: Option<String>,
    /// Timers: when on the monotonic clock, and which setting of it.
    pub timers: BTreeMap<Timer, (i64, u64)>,
    /// Milliseconds spent suspended.
    pub frozen: i64,
    /// Since when it is suspended.
    pub suspended: Option<i64>,
    /// Wall clock less true time.
    pub wall_offset: i64,
    /// What it said last about its connection; for the table alone.
    pub state: Option<ConnectionState>,
    /// Its screen.
    pub page: Page,
    /// Batches on the stream.
    pub shown: i64,
    /// Patches on their way to the screen.
    pub patches: VecDeque<Batch>,
    /// The next batch for the screen is lost.
    pub loses_patch: bool,
    /// A batch was lost and no newer one has shown it yet.
    pub page_stale: bool,
    /// Orders without an answer.
    pub tickets: BTreeMap<Ticket, Ordered>,
    /// The last ticket.
    pub ticket: u64,
    /// Dies at this step from now.
    pub doom: Option<(u64, Death)>,
    /// Steps taken in all.
    pub steps: u64,
    /// Process of the server that it talks to.
    pub instance: usize,
    /// The database as it was last synced, while a loss of power lies ahead.
    synced: Option<Connection>,
    /// Attempts to send, for [`Defect::FreshId`].
    pub tried: BTreeMap<MessageId, u32>,
    /// A defect, if one is planted.
    pub defect: Defect,
    /// What the judges have read of the store.
    pub stored: Option<Stored>,
    /// Whether it keeps a journal, as the runtime does.
    pub keeps_journal: bool,
    journal: Option<Journal>,
}

const KEY: Key = Key([7; 32]);

/// Every step that has something to show ends with the revision's new number:
/// there it fails, after all else that it wrote.
const DISK_FULL: &str = "CREATE TEMP TRIGGER disk_full BEFORE INSERT ON main.fact
  BEGIN SELECT RAISE(ABORT, 'disk full'); END";

fn copy(from: &Connection) -> Result<Connection, StoreError> {
    let mut to = store::open(Place::Memory, &KEY)?;
    let backup = Backup::new(from, &mut to)?;
    backup.step(-1)?;
    drop(backup);
    Ok(to)
}

const fn kind_of(input: &Input) -> &'static str {
    match input {
        Input::Start(_) => "a start",
        Input::Order(..) => "an order",
        Input::Watching(_) => "a look elsewhere",
        Input::Socket(..) => "a socket's event",
        Input::Answered { .. } => "an answer",
        Input::Renewed { .. } => "a renewal",
        Input::Timer(_) => "a timer",
        Input::Network(_) => "a change of network",
        Input::Resumed => "a wake-up",
    }
}

impl Client {
    /// A new device with an empty store that belongs to `me`.
    ///
    /// # Errors
    /// The store's.
    pub fn new(
        name: &str,
        me: PersonId,
        instance: usize,
        defect: Defect,
    ) -> Result<Self, StoreError> {
        let store = store::open(Place::Memory, &KEY)?;
        store::set_me(&store, me, name)?;
        Ok(Self {
            name: name.to_owned(),
            me,
            store,
            engine: None,
            life: 0,
            inbox: VecDeque::new(),
            woken: false,
            keychain: Keychain::default(),
            keychain_fails: false,
            newest: Keychain::default(),
            keychain_failed: None,
            excused: false,
            was_live: false,
            lost_power: false,
            clock_moved: false,
            made: (0, 0),
            drafts: BTreeMap::new(),
            read: BTreeMap::new(),
            announced: BTreeMap::new(),
            unstored: None,
            offering: false,
            token: None,
            timers: BTreeMap::new(),
            frozen: 0,
            suspended: None,
            wall_offset: 0,
            state: None,
            page: Page::default(),
            shown: 0,
            patches: VecDeque::new(),
            loses_patch: false,
            page_stale: false,
            tickets: BTreeMap::new(),
            ticket: 0,
            doom: None,
            steps: 0,
            instance,
            synced: None,
            tried: BTreeMap::new(),
            defect,
            stored: None,
            keeps_journal: false,
            journal: None,
        })
    }

    /// Whether the process runs.
    #[must_use]
    pub const fn alive(&self) -> bool {
        self.engine.is_some()
    }

    /// Its clocks.
    #[must_use]
    pub fn now(&self, now: i64) -> Now {
        let until = self.suspended.unwrap_or(now);
        Now {
            wall: Instant(EPOCH + now + self.wall_offset),
            mono: until - self.frozen,
        }
    }

    /// Starts the process: the engine from what the store holds, the screen anew.
    ///
    /// # Errors
    /// The store's.
    pub fn start(&mut self, seed: u64) -> Result<(), StoreError> {
        self.newest = self.keychain.clone();
        self.unstored = None;
        self.token = self
            .keychain
            .session
            .as_ref()
            .map(|(token, _)| token.clone());
        self.journal = self.keeps_journal.then(Journal::default);
        self.start_engine(seed)
    }

    /// Makes the engine anew in the same process, which knows its tokens still.
    ///
    /// # Errors
    /// The store's.
    pub fn start_engine(&mut self, seed: u64) -> Result<(), StoreError> {
        self.life += 1;
        self.store.execute_batch("BEGIN IMMEDIATE")?;
        if let Some(journal) = &mut self.journal {
            journal.begins(&self.store, Began::new(seed, false, PAGES));
        }
        let engine = Engine::resume(&self.store, seed);
        self.store.execute_batch("COMMIT")?;
        self.engine = Some(engine?.with_pages(PAGES));
        self.inbox.clear();
        self.woken = false;
        self.timers.clear();
        self.tickets.clear();
        self.patches.clear();
        let sessions = Sessions {
            session: self.newest.session.as_ref().map(|(_, end)| Instant(*end)),
            spare: self.newest.spare.is_some(),
        };
        self.inbox.push_back(Input::Start(sessions));
        let watching = self.page.watching;
        self.page = Page::default();
        self.page.watching = watching;
        self.shown = 0;
        self.page_stale = false;
        self.page.open(&self.store)?;
        self.inbox
            .push_back(Input::Watching(watching.into_iter().collect()));
        Ok(())
    }

    /// The process dies; what was not committed is gone.
    ///
    /// # Errors
    /// The store's.
    pub fn die(&mut self, power: bool) -> Result<(), StoreError> {
        self.engine = None;
        self.journal = None;
        self.life += 1;
        self.state = None;
        self.inbox.clear();
        self.woken = false;
        self.timers.clear();
        self.tickets.clear();
        self.patches.clear();
        if !self.store.is_autocommit() {
            self.store.execute_batch("ROLLBACK")?;
        }
        self.lost_power |= power;
        let kept = if power { self.synced.take() } else { None };
        self.synced = None;
        // Opened again, as a new process would.
        self.store = copy(kept.as_ref().unwrap_or(&self.store))?;
        self.stored = None;
        Ok(())
    }

    /// Makes the client die within the step that is so many steps ahead.
    ///
    /// # Errors
    /// The store's.
    pub fn doom(&mut self, after: u64, death: Death) -> Result<(), StoreError> {
        self.doom = Some((after, death));
        self.synced = None;
        if death == Death::Power {
            self.synced = Some(copy(&self.store)?);
        }
        Ok(())
    }

    /// Takes what waits, in one transaction with a savepoint each; rows that
    /// came one after the other through one socket are one input, as the
    /// runtime makes them.
    ///
    /// # Errors
    /// The store's, of the kind that no fault of the story explains.
    pub fn step(&mut self, now: i64, most: usize, seed: u64) -> Result<Stepped, StoreError> {
        let clocks = self.now(now);
        let Some(mut engine) = self.engine.take() else {
            return Ok(Stepped::Effects(Vec::new(), None));
        };
        self.steps += 1;
        let death = match &mut self.doom {
            Some((0, death)) => Some(*death),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        if death.is_some() {
            self.doom = None;
        }
        let mut inputs: Vec<Input> = Vec::new();
        for next in (0..most).map_while(|_| self.inbox.pop_front()) {
            let apart = match inputs.last_mut() {
                Some(last) => last.join(next),
                None => Some(next),
            };
            inputs.extend(apart);
        }
        let person = inputs.iter().any(|input| matches!(input, Input::Order(..)));
        let sends = inputs
            .iter()
            .any(|input| matches!(input, Input::Order(_, Order::Send { .. })));
        let durable = store::before_transaction(&self.store, person)?;
        self.store.execute_batch("BEGIN IMMEDIATE")?;
        if let Some(journal) = &mut self.journal {
            journal.transaction();
        }
        let mut effects = Vec::new();
        let mut tickets = Vec::new();
        let last = inputs.len().saturating_sub(1);
        for (place, input) in inputs.into_iter().enumerate() {
            let told = kind_of(&input);
            let ticket = match &input {
                Input::Order(ticket, _) => Some(*ticket),
                _ => None,
            };
            let fails = death == Some(Death::StepFails) && place == last;
            if fails {
                self.store.execute_batch(DISK_FULL)?;
            }
            let heard = self.journal.as_ref().map(|journal| journal.hears(&input));
            let stepped = engine.step_alone(&self.store, clocks, input);
            if fails {
                self.store.execute_batch("DROP TRIGGER temp.disk_full")?;
            }
            match stepped {
                Ok(more) => {
                    if let (Some(journal), Some(heard)) = (&mut self.journal, heard) {
                        journal.steps(clocks, heard, &more, engine.take_replaced());
                    }
                    tickets.extend(ticket);
                    effects.extend(more);
                }
                Err(_) if fails => {
                    self.store.execute_batch("COMMIT")?;
                    if let Some(journal) = &mut self.journal {
                        journal.committed();
                        journal.fails(clocks, &Problem::new(Code::DiskFull));
                    }
                    return Ok(Stepped::StepFailed(effects, ticket));
                }
                Err(error) => {
                    self.store.execute_batch("ROLLBACK")?;
                    return Ok(Stepped::Broken(format!("{error} at {told}")));
                }
            }
        }
        match death {
            Some(Death::BeforeCommit) if self.defect != Defect::EffectsFirst => {
                self.store.execute_batch("ROLLBACK")?;
                return Ok(Stepped::Died(Death::BeforeCommit));
            }
            Some(Death::BeforeCommit) => {
                self.store.execute_batch("ROLLBACK")?;
                self.engine = Some(engine);
                return Ok(Stepped::Effects(effects, Some(Death::BeforeCommit)));
            }
            Some(Death::CommitFails) => {
                self.store.execute_batch("ROLLBACK")?;
                if let Some(journal) = &mut self.journal {
                    journal.fails(clocks, &Problem::new(Code::DiskFull));
                }
                self.start_engine(seed)?;
                return Ok(Stepped::Failed(tickets));
            }
            Some(Death::InCommit(false)) => {
                self.store.execute_batch("ROLLBACK")?;
                return Ok(Stepped::Died(Death::InCommit(false)));
            }
            _ => {}
        }
        if self.defect == Defect::ForgetsCommit && sends {
            self.store.execute_batch("ROLLBACK")?;
        } else {
            self.store.execute_batch("COMMIT")?;
        }
        if let Some(journal) = &mut self.journal {
            journal.committed();
        }
        if durable && self.synced.is_some() {
            self.synced = Some(copy(&self.store)?);
        }
        if let Some(death @ (Death::AfterCommit | Death::InCommit(_))) = death {
            return Ok(Stepped::Died(death));
        }
        self.engine = Some(engine);
        Ok(Stepped::Effects(effects, death))
    }

    /// What a person would hand over now; nothing where no process runs that
    /// keeps a journal.
    ///
    /// # Errors
    /// The store's.
    pub fn bundle(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(journal) = &self.journal else {
            return Ok(None);
        };
        let surroundings = Surroundings {
            interface: "sim",
            ..Surroundings::default()
        };
        let mut bundle = Vec::new();
        diagnostics::write(journal, &self.store, &surroundings, &mut bundle)?;
        Ok(Some(bundle))
    }

    /// The token that a renewal is asked with.
    #[must_use]
    pub fn credential(&self, credential: Credential) -> Option<String> {
        match credential {
            Credential::Session => self.newest.session.as_ref().map(|(token, _)| token.clone()),
            Credential::Spare => self.newest.spare.clone(),
        }
    }

    /// The server granted this; it is not in the keychain yet.
    pub fn granted(&mut self, credential: Credential, unstored: Unstored, kept: String, end: i64) {
        match credential {
            Credential::Session => self.newest.session = Some((kept, end)),
            Credential::Spare => self.newest.spare = Some(kept),
        }
        self.unstored = Some(unstored);
    }

    /// Puts what was granted into the keychain, and only then into use.
    ///
    /// # Errors
    /// What the engine is told when the keychain does not take it.
    pub fn store_granted(&mut self, mono: i64) -> Result<Granted, Fault> {
        if self.keychain_fails {
            self.keychain_failed = Some(mono);
            return Err(Fault::Transient {
                retry_after: Some(VAULT_RETRY),
                status: 0,
            });
        }
        self.keychain = self.newest.clone();
        let unstored = self.unstored.take().ok_or(Fault::Network)?;
        self.token = unstored.token;
        Ok(Granted {
            credential: unstored.credential,
            lifetime: unstored.lifetime - (mono - unstored.asked),
        })
    }

    /// The keychain is offered what it did not take. `true`: once more, later.
    pub fn offer(&mut self, mono: i64) -> bool {
        let wanted = self.unstored.is_some() && self.alive() && self.suspended.is_none();
        if wanted && !self.keychain_fails {
            self.keychain = self.newest.clone();
        } else if wanted {
            self.keychain_failed = Some(mono);
        }
        self.offering = wanted && self.keychain_fails;
        self.offering
    }

    /// The server calls this credential dead.
    pub fn dead(&mut self, credential: Credential) {
        match credential {
            Credential::Session => self.newest.session = None,
            Credential::Spare => self.newest.spare = None,
        }
        if !self.keychain_fails {
            self.keychain = self.newest.clone();
        }
    }

    /// The id that a message is posted with.
    pub fn posted(&mut self, call: Call) -> Call {
        let Call::Create(mut out) = call else {
            return call;
        };
        let tries = self.tried.entry(out.id).or_default();
        *tries += 1;
        if self.defect == Defect::FreshId && *tries > 1 {
            let other = out.id.uuid().as_u128() ^ u128::from(*tries);
            out.id = MessageId::new(uuid::Uuid::from_u128(other));
        }
        Call::Create(out)
    }
}
