//! The world: one queue of events in virtual time, in which clients, network,
//! server and people meet.
//!
//! Owns: time, the order of events, the trace, the log of what people did.
//! Never: a decision of a client or a server; it carries what they say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::json;
use whinchat_core::{
    bridge::{Anchor, Change, Depth, Older},
    directus::{call::Call, realtime, rest},
    engine::{
        Credential, Effect, Input, Notice, Order, RequestId, SocketEvent, SocketId, Ticket, Timer,
    },
    model::{ConversationId, MessageId, PersonId, Stamps},
    store::{StoreError, facts},
};

mod further;
mod process;
mod scenes;
mod traffic;
pub(crate) mod words;

use crate::{
    client::{Client, Death, Defect, Keychain, Ordered, Stepped, VAULT_RETRY},
    log::Log,
    network::{Link, Wire},
    oracle::{self, Finding, Kind, Quiet, Stored, Truth, Verdict},
    page::Batch,
    quirk::{Quirk, Table},
    rng::Rng,
    server::{
        Account, Act, Database, Deed, Exchange, Lifetimes, Method, Request, Response, Row, Server,
        Settings, SocketKey,
    },
    shape::{Days, Shape},
    story::{Happening, Scene},
};

/// Everybody: the first two have clients, the third and the sixth only post,
/// the fourth refuses messages, the fifth may be removed.
pub const PEOPLE: &[&str] = &["Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Grace"];

const MINUTE: i64 = 60_000;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The seed.
    pub seed: u64,
    /// Which kind of collection; by the seed if none.
    pub kind: Option<Stamps>,
    /// How many clients; by the seed if none.
    pub clients: Option<usize>,
    /// A planted defect.
    pub defect: Defect,
    /// A client that dies at this step of its own, besides what the story wants.
    pub die_at: Option<(usize, u64, Death)>,
    /// Whether to keep the trace's text.
    pub trace: bool,
    /// Whether the clients keep journals, and hand over what is in them at the end.
    pub journals: bool,
}

impl Setting {
    /// The plain run of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self {
            seed,
            kind: None,
            clients: None,
            defect: Defect::None,
            die_at: None,
            trace: false,
            journals: false,
        }
    }

    /// What its world is like.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape::of(self.seed, self.kind, self.clients)
    }
}

#[derive(Debug, Clone)]
enum Event {
    Scene(usize),
    Over(usize),
    Deed(Deed),
    Arrive(Exchange, usize, Box<Request>),
    Answer(Exchange, Response),
    GiveUp(Exchange),
    Open(SocketKey),
    Up(SocketKey, String),
    UpClosed(SocketKey),
    Down(SocketKey, String),
    DownClosed(SocketKey),
    DownTooLarge(SocketKey),
    DownOpened(SocketKey),
    DownFailed(SocketKey, bool),
    Wake(usize, u64),
    Ring(usize, u64, Timer, u64),
    Offer(usize),
    Start(usize, u64),
    SignIn(usize, u64),
    Patch(usize, u64),
    Snap(usize, u64),
    Others,
    Look,
}

struct Flight {
    client: usize,
    life: u64,
    what: Asked,
    instance: usize,
}

enum Asked {
    Call(RequestId, Call),
    Renew(RequestId, Credential),
}

/// What a run has come to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What was found wrong.
    pub findings: Vec<Finding>,
    /// What was met.
    pub table: Table,
    /// A number that two runs of the same seed share.
    pub hash: u64,
    /// The trace, if it was asked for.
    pub trace: String,
    /// Steps of all clients.
    pub steps: u64,
    /// Requests of all clients.
    pub requests: u64,
    /// Messages that people wrote.
    pub messages: usize,
    /// Virtual milliseconds from healing until all agreed.
    pub healed_in: i64,
    /// Rows that counting could not tell apart in the end.
    pub uncountable: usize,
    /// What the clients that run in the end hand over.
    pub bundles: Vec<Vec<u8>>,
}

/// The world.
pub struct World {
    setting: Setting,
    shape: Shape,
    scenes: Vec<Scene>,
    now: i64,
    queue: BTreeMap<(i64, u64), Event>,
    sequence: u64,
    server: Server,
    clients: Vec<Client>,
    links: Vec<Link>,
    wires: BTreeMap<SocketKey, Wire>,
    flights: BTreeMap<Exchange, Flight>,
    counter: u64,
    people: Vec<PersonId>,
    log: Log,
    rng: Rng,
    healed: bool,
    numbers: BTreeMap<usize, String>,
    out: Outcome,
}

type Done = Result<(), StoreError>;

impl World {
    /// Makes the world of a setting, with this story.
    ///
    /// # Errors
    /// The store's.
    pub fn new(setting: Setting, scenes: Vec<Scene>) -> Result<Self, StoreError> {
        let root = Rng::new(setting.seed);
        let mut rng = root.split("world");
        let shape = setting.shape();
        let zones = [0, -5 * 3_600_000, 19_800_000, 3_600_000];
        let skew = if shape.clocks_agree || rng.chance(50) {
            0
        } else {
            rng.range(-90_000, 90_000)
        };
        let settings = Settings {
            stamps: shape.stamps,
            zone: zones[rng.below(zones.len())],
            database: if rng.chance(50) {
                Database::Sqlite
            } else {
                Database::Postgres
            },
            twelve: rng.chance(25),
            // A larger limit than this is refused, and groups beyond it are not told.
            limit_max: [2, 5, 12, 200, 1_000, 100_000][rng.below(6)],
            heartbeat: [30_000, 30_000, 30_000, 120_000][rng.below(4)],
            payload_max: 100_000,
            lifetimes: Lifetimes {
                session: [45_000, 120_000, 600_000, 86_400_000][rng.below(4)],
                access: [30_000, 120_000, 900_000][rng.below(3)],
                refresh: 7 * 86_400_000,
            },
            skews: (0..shape.instances)
                .map(|_| skew + rng.range(-shape.apart, shape.apart))
                .collect(),
        };
        let mut server = Server::new(settings, root.split("server"));
        let mut people = Vec::new();
        for (place, name) in PEOPLE.iter().enumerate() {
            let id = PersonId::new(rng.uuid());
            people.push(id);
            server.people.insert(
                id,
                Account {
                    first: (*name).to_owned(),
                    last: "Test".to_owned(),
                    admin: place == 0 && shape.admin,
                    active: true,
                    listed: true,
                    blocks_all: place == 3,
                },
            );
        }
        let mut clients = Vec::new();
        let mut links = Vec::new();
        for (place, owner) in shape.owners.iter().enumerate() {
            let nth = shape.owners[..place].iter().filter(|o| *o == owner).count() + 1;
            let name = if nth == 1 {
                PEOPLE[*owner].to_owned()
            } else {
                format!("{} {nth}", PEOPLE[*owner])
            };
            let instance = rng.below(server.instances());
            let mut client = Client::new(&name, people[*owner], instance, setting.defect)?;
            client.keeps_journal = setting.journals;
            // Some keep little of the past, so that ranges stay apart.
            if (setting.seed / 2 + *owner as u64).is_multiple_of(2) {
                facts::set_depth(&client.store, Depth::Messages(4))?;
            }
            client.wall_offset = match rng.below(10) {
                _ if shape.clocks_agree => 0,
                0..=5 => rng.range(-2_000, 2_000),
                _ => rng.range(-600_000, 600_000),
            };
            clients.push(client);
            links.push(Link::new(rng.range(2, 80)));
        }
        let mut world = Self {
            now: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            server,
            clients,
            links,
            wires: BTreeMap::new(),
            flights: BTreeMap::new(),
            counter: 0,
            people,
            log: Log::default(),
            rng: root.split("run"),
            healed: false,
            numbers: BTreeMap::new(),
            out: Outcome::default(),
            setting,
            shape,
            scenes,
        };
        world.server.weather.no_comparison = world.shape.days == Days::CursorsOnly;
        world.history(&mut rng);
        for index in 0..world.clients.len() {
            world.sign_in(index);
            world.clients[index].page.watching = Some(ConversationId::Direct(
                world.people[usize::from(world.shape.owners[index] == 0)],
            ));
            let at = rng.range(0, 3_000);
            world.at(at, Event::Start(index, 0));
        }
        for (place, scene) in world.scenes.clone().iter().enumerate() {
            world.at(scene.at, Event::Scene(place));
        }
        if let Some((client, step, death)) = world.setting.die_at {
            world.clients[client].doom(step, death)?;
        }
        world.at(5_000, Event::Look);
        Ok(world)
    }

    /// Messages from before anybody had a client.
    fn history(&mut self, rng: &mut Rng) {
        let count = [0, 3, 40, 130][rng.below(4)];
        // Of its own, so that the rest of the world is as it would be without.
        let mut weights = rng.split("weights");
        let heavy = weights.chance(25);
        for _ in 0..count {
            let pairs = [(0, 1), (1, 0), (2, 0), (0, 2), (1, 2), (2, 5), (0, 0)];
            let (from, to) = pairs[rng.below(pairs.len())];
            let ago = rng.range(1_000, 4 * 86_400_000);
            // Two of them are more than an answer may be.
            let weight = match weights.below(5) {
                0 if heavy => 20 << 20,
                _ => 0,
            };
            self.plant(from, to, ago, false, weight, rng);
        }
    }

    /// A row from somewhere else; `weight` is what its text has beyond what is written.
    fn plant(&mut self, from: usize, to: usize, ago: i64, bad: bool, weight: usize, rng: &mut Rng) {
        let wall = self.server.wall(0, self.now);
        let id = MessageId::new(rng.uuid_at(wall - ago));
        let (sender, receiver) = (self.people[from], self.people[to]);
        let number = self.log.write(None, sender, receiver, id);
        let zone = self.server.settings.zone;
        let row = Row {
            id: id.to_string(),
            content: Some(crate::log::text(number)),
            orphan: bad,
            sender,
            receiver,
            timestamp: Some(wall - ago + zone),
            // A server's stamp is its own: only what is before the start of
            // the world lies back.
            created: if bad { wall } else { wall - ago },
            updated: None,
            weight,
        };
        let acts = self.server.plant(row);
        self.acts(acts);
    }

    fn sign_in(&mut self, index: usize) {
        let me = self.clients[index].me;
        let session = self.server.sessions.open_session(me, self.now);
        let spare = self.server.sessions.open_spare(me, self.now);
        let client = &mut self.clients[index];
        client.excused = false;
        let end = client.now(self.now).wall.0 + self.server.settings.lifetimes.session;
        client.keychain = Keychain {
            session: Some((session, end)),
            spare: Some(spare),
        };
    }

    fn at(&mut self, at: i64, event: Event) {
        self.sequence += 1;
        self.queue.insert((at.max(self.now), self.sequence), event);
    }

    fn after(&mut self, ms: i64, event: Event) {
        self.at(self.now + ms.max(0), event);
    }

    fn trace(&mut self, words: std::fmt::Arguments<'_>) {
        let line = format!("{:>9} {words}\n", self.now);
        for byte in line.bytes() {
            self.out.hash = (self.out.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        if self.setting.trace {
            self.out.trace.push_str(&line);
        }
    }

    fn found(&mut self, kind: Kind, words: String) {
        let new = !self
            .out
            .findings
            .iter()
            .any(|finding| finding.kind == kind && finding.words == words);
        if new && self.out.findings.len() < 20 {
            self.trace(format_args!("!! {kind:?}: {words}"));
            self.out.findings.push(Finding {
                kind,
                at: self.now,
                words,
            });
        }
    }

    fn count(&mut self, quirk: Quirk, client: usize) {
        let state = self.clients[client].state;
        self.out.table.count(quirk, state);
    }

    /// Runs to the end: the story, the healing, and the last look.
    ///
    /// # Errors
    /// The store's.
    pub fn run(mut self) -> Result<Outcome, StoreError> {
        let end = self
            .scenes
            .iter()
            .map(|scene| scene.at)
            .max()
            .unwrap_or(0)
            .max(20_000);
        self.until(end)?;
        self.heal()?;
        let start = self.now;
        let asked = self.out.requests;
        let mut verdict = Verdict::default();
        for minutes in [1, 2, 3, 4, 6, 8, 10] {
            self.until(start + minutes * MINUTE)?;
            verdict = self.verdict(Quiet::Soon)?;
            if verdict.problems.is_empty() {
                self.out.healed_in = self.now - start;
                break;
            }
            if !self.out.findings.is_empty() {
                break;
            }
        }
        let old = verdict.old;
        self.out.uncountable = verdict.uncountable;
        for (kind, words) in verdict.problems {
            self.found(kind, words);
        }
        // Polling asks every five seconds; nothing may ask without end.
        let spent = self.out.requests - asked;
        let minutes = (self.now - start) / MINUTE + 1;
        let most = 60 * u64::try_from(minutes).unwrap_or(1) * self.clients.len() as u64 + 600;
        if spent > most {
            self.found(
                Kind::Diverged,
                format!("{spent} requests in {minutes} quiet minutes"),
            );
        }
        if self.out.findings.is_empty() {
            self.scroll_up()?;
        }
        if self.out.findings.is_empty() && (old > 0 || self.out.uncountable > 0) {
            self.next_day()?;
        }
        for index in 0..self.clients.len() {
            if let Some((kind, words)) = oracle::searched(&self.clients[index])? {
                self.found(kind, words);
            }
        }
        for unknown in std::mem::take(&mut self.server.unknown) {
            self.found(Kind::Broken, format!("the model does not know: {unknown}"));
        }
        for client in &self.clients {
            self.out.steps += client.steps;
        }
        self.out.messages = self.log.written.len();
        for client in &self.clients {
            self.out.bundles.extend(client.bundle()?);
        }
        Ok(self.out)
    }

    /// Everybody jumps into the past, which makes ranges of their own.
    fn jump(&mut self) -> Done {
        for index in 0..self.clients.len() {
            for conversation in oracle::conversations(&self.clients[index].store)? {
                let ago = self.rng.range(0, 4 * 86_400_000);
                let at = Anchor::At(self.clients[index].now(self.now).wall.0 - ago);
                self.order(index, Order::Fetch(conversation, at), Ordered::Other);
            }
        }
        self.until(self.now + 20_000)?;
        // A jump may bring one of two that hid each other from the count; the
        // next comparison then finds the other.
        if self.out.uncountable == 0 {
            for (kind, words) in self.verdict(Quiet::Soon)?.problems {
                self.found(kind, words);
            }
        }
        Ok(())
    }

    /// Everybody scrolls up until there is no more, and all must be there.
    fn scroll_up(&mut self) -> Done {
        self.jump()?;
        // Longer than it is from one comparison to the next: a row that is gone may
        // have lain outside of all that was held until now.
        let rounds = if self.out.uncountable > 0 { 180 } else { 90 };
        for _ in 0..rounds {
            for index in 0..self.clients.len() {
                for conversation in oracle::conversations(&self.clients[index].store)? {
                    let held = oracle::held(&self.clients[index].store, conversation)?;
                    if held.older != Older::Beginning {
                        self.order(index, Order::FetchOlder(conversation), Ordered::Other);
                    }
                }
            }
            self.until(self.now + 4_000)?;
            let reached = self.verdict(Quiet::ScrolledUp)?.problems.is_empty();
            if reached || !self.out.findings.is_empty() {
                return Ok(());
            }
        }
        for (kind, words) in self.verdict(Quiet::ScrolledUp)?.problems {
            self.found(kind, words);
        }
        Ok(())
    }

    /// Everybody sleeps for a day, and the whole comparison after it finds
    /// what went away long ago.
    fn next_day(&mut self) -> Done {
        for client in &mut self.clients {
            client.suspended = Some(self.now);
        }
        self.until(self.now + 25 * 60 * MINUTE)?;
        for index in 0..self.clients.len() {
            self.wake_up(index, true);
        }
        let mut verdict = Verdict::default();
        for _ in 0..4 {
            self.until(self.now + 3 * MINUTE)?;
            verdict = self.verdict(Quiet::NextDay)?;
            if verdict.problems.is_empty() {
                break;
            }
        }
        self.out.uncountable = verdict.uncountable;
        for (kind, words) in verdict.problems {
            self.found(kind, words);
        }
        Ok(())
    }

    fn verdict(&mut self, when: Quiet) -> Result<Verdict, StoreError> {
        let mut all = Verdict::default();
        for index in 0..self.clients.len() {
            self.look(index)?;
            let client = &mut self.clients[index];
            let mut stored = Stored::now(&client.store, client.stored.take())?;
            let truth = Truth {
                server: &self.server,
                log: &self.log,
                shape: &self.shape,
                now: self.now,
            };
            let one = oracle::quiet(&truth, &self.clients[index], &mut stored, index, when)?;
            self.clients[index].stored = Some(stored);
            all.problems.extend(one.problems);
            all.old += one.old;
            all.uncountable += one.uncountable;
        }
        Ok(all)
    }

    fn until(&mut self, end: i64) -> Done {
        let mut guard = 0_u64;
        while let Some((&(at, sequence), _)) = self.queue.first_key_value() {
            if at > end {
                break;
            }
            let Some(event) = self.queue.remove(&(at, sequence)) else {
                break;
            };
            self.now = at;
            self.event(event)?;
            guard += 1;
            if guard > 400_000 {
                self.found(Kind::Broken, "events without end".to_owned());
                break;
            }
        }
        self.now = end;
        Ok(())
    }

    fn event(&mut self, event: Event) -> Done {
        match event {
            Event::Scene(place) => self.scene(place),
            Event::Over(place) => {
                self.over(place);
                Ok(())
            }
            Event::Deed(deed) => {
                let acts = self.server.deed(self.now, deed);
                self.acts(acts);
                Ok(())
            }
            Event::Arrive(exchange, instance, request) => {
                self.arrive(exchange, instance, &request);
                Ok(())
            }
            Event::Answer(exchange, response) => {
                self.answer(exchange, &response);
                Ok(())
            }
            Event::GiveUp(exchange) => {
                self.give_up(exchange);
                Ok(())
            }
            Event::Open(key) => {
                self.open(key);
                Ok(())
            }
            Event::Up(key, text) => {
                let acts = self.server.socket_frame(self.now, key, &text);
                self.acts(acts);
                Ok(())
            }
            Event::UpClosed(key) => {
                self.server.socket_closed(key);
                Ok(())
            }
            Event::Down(key, text) => {
                self.down(key, &text);
                Ok(())
            }
            Event::DownOpened(key) => {
                self.heard(key, SocketEvent::Opened);
                Ok(())
            }
            Event::DownFailed(key, upgrade_refused) => {
                self.heard(key, SocketEvent::Failed { upgrade_refused });
                self.wires.remove(&key);
                Ok(())
            }
            Event::DownTooLarge(key) => {
                // The runtime closes what it can't take.
                self.heard(key, SocketEvent::TooLarge);
                if self.wires.remove(&key).is_some() {
                    self.server.socket_closed(key);
                }
                Ok(())
            }
            Event::DownClosed(key) => {
                self.heard(key, SocketEvent::Closed);
                self.wires.remove(&key);
                Ok(())
            }
            Event::Wake(index, life) => self.wake(index, life),
            Event::Offer(index) => {
                let mono = self.clients[index].now(self.now).mono;
                if self.clients[index].offer(mono) {
                    self.after(VAULT_RETRY, Event::Offer(index));
                }
                Ok(())
            }
            Event::Ring(index, life, timer, setting) => {
                self.ring(index, life, timer, setting);
                Ok(())
            }
            Event::Start(index, life) => self.start(index, life),
            Event::SignIn(index, life) => {
                let me = self.clients[index].me;
                let active = self.server.people.get(&me).is_some_and(|who| who.active);
                if self.clients[index].life == life && !active {
                    self.after(10_000, Event::SignIn(index, life));
                    return Ok(());
                }
                if self.clients[index].life == life {
                    let name = self.clients[index].name.clone();
                    self.trace(format_args!("{name} signs in again"));
                    self.sign_in(index);
                    self.close_all(index);
                    let life = self.clients[index].life;
                    return self.start(index, life);
                }
                Ok(())
            }
            Event::Patch(index, life) => self.patch(index, life),
            Event::Snap(index, life) => self.snap(index, life),
            Event::Others => {
                self.post(2, 6, 0, 1, crate::story::Manner::Plain);
                Ok(())
            }
            Event::Look => {
                for index in 0..self.clients.len() {
                    self.look(index)?;
                }
                if !self.healed {
                    // Often enough to see what heals soon, and not so often
                    // that a long story is nothing but looks.
                    self.after((self.shape.length / 40).max(5_000), Event::Look);
                }
                Ok(())
            }
        }
    }
}
