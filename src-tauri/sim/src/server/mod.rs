//! A model of Directus 11 and 12, as far as a chat meets it.
//!
//! It takes what a client really puts on the wire (a method, a path, a query,
//! a body; text frames) and gives back what Directus was measured to give.
//! What happens later is a [`Deed`] that the world brings back in its time.
//!
//! Owns: rows, people, sessions, sockets and subscriptions, each with its
//! quirks. Never: the network between it and a client, and no verdict.

mod rest;
mod rows;
mod session;
mod socket;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use whinchat_core::model::{Instant, PersonId, Stamps};

pub use rest::{BODY_MAX, HUGE, Method, Request, Response, read_body};
pub use rows::{Query, Row, Rows};
pub use session::{GRACE, Lifetimes, Refused, SessionTable};
pub use socket::SocketKey;

use crate::{quirk::Quirk, rng::Rng};

/// True time 0 of a world, as a wall clock shows it: 2026-11-23T08:00:00Z.
pub const EPOCH: i64 = 1_795_420_800_000;

/// The database below a server, as far as it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// Ids are kept as they were written, a filter may compare with anything,
    /// and null comes before everything.
    Sqlite,
    /// Counts and parts of dates come as text, ids are numbers in hexadecimal,
    /// what is none is an error of the server, and null comes after everything.
    Postgres,
}

/// What a server is, for a whole run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which fields the collection has.
    pub stamps: Stamps,
    /// Its zone: milliseconds ahead of UTC.
    pub zone: i64,
    /// The database below it.
    pub database: Database,
    /// Whether it is a 12.x.
    pub twelve: bool,
    /// `QUERY_LIMIT_MAX`.
    pub limit_max: usize,
    /// `MAX_PAYLOAD_SIZE`, in bytes.
    pub payload_max: usize,
    /// `WEBSOCKETS_HEARTBEAT_PERIOD`, in milliseconds.
    pub heartbeat: i64,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// Milliseconds each process's clock is ahead of true time.
    pub skews: Vec<i64>,
}

/// Somebody in `directus_users`.
#[derive(Debug, Clone)]
pub struct Account {
    /// First name.
    pub first: String,
    /// Last name.
    pub last: String,
    /// Whether it is an administrator.
    pub admin: bool,
    /// Whether it is active.
    pub active: bool,
    /// Whether it has the chat's role, and so is shown to ordinary people.
    pub listed: bool,
    /// Whether every message to this person is refused.
    pub blocks_all: bool,
}

/// Names a request until its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exchange(pub u64);

/// Something that the server does later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Commit an open transaction.
    Commit(u64),
    /// Tell one subscriber of one event.
    Tell(SocketKey, Event),
    /// The time for the first auth, or for the one after TOKEN_EXPIRED, is over.
    AuthDeadline(SocketKey, u64),
    /// The token of a socket ends.
    TokenEnd(SocketKey, u64),
    /// The heartbeat of a socket.
    Heartbeat(SocketKey),
}

/// Something that subscribers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A row was created.
    Created(String),
    /// Rows were updated, all in one request.
    Updated(Vec<String>),
    /// Rows were deleted, all in one request.
    Deleted(Vec<String>),
}

/// What follows from something, for the world to bring about.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answer a request after so many milliseconds.
    Answer(Exchange, i64, Response),
    /// Put a frame on a socket, now.
    Frame(SocketKey, String),
    /// Put a frame on a socket that is larger than a client takes.
    Huge(SocketKey),
    /// Close a socket, after the frames put on it before.
    Close(SocketKey),
    /// Do this after so many milliseconds.
    Later(i64, Deed),
    /// Count a quirk for who is at the other end of a socket.
    CountSocket(SocketKey, Quirk),
    /// Count a quirk for who made a request.
    CountRequest(Exchange, Quirk),
    /// A row was committed.
    Committed(String),
}

#[derive(Debug, Clone)]
struct Transaction {
    exchange: Exchange,
    rows: Vec<Row>,
    fields: Vec<String>,
    batch: bool,
    instance: usize,
    began: i64,
    answers: bool,
}

/// Conditions that the story sets for a while.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Commits take up to this many milliseconds more.
    pub slow_commit: i64,
    /// Requests are answered so: 503 or 429 and Retry-After in seconds.
    pub refusing: Option<(u16, Option<i64>)>,
    /// Events of one process do not reach another, nor anybody else.
    pub redis_down: bool,
    /// Socket frames are dropped with REQUESTS_EXCEEDED.
    pub socket_too_fast: bool,
    /// Subscribers get an error frame in place of an event.
    pub events_fail: bool,
    /// Nobody may ask for the counts that a comparison needs.
    pub no_comparison: bool,
}

/// The model.
pub struct Server {
    /// What it is.
    pub settings: Settings,
    /// Conditions now.
    pub weather: Weather,
    /// Who there is.
    pub people: BTreeMap<PersonId, Account>,
    /// What is committed.
    pub rows: Rows,
    /// Who is signed in.
    pub sessions: SessionTable,
    /// Ids that were hard-deleted, in small letters.
    pub deleted: BTreeSet<String>,
    /// Ids that were ever deleted or given to others.
    pub deleted_once: BTreeSet<String>,
    /// Ids whose creation was refused for good at least once.
    pub refused: BTreeSet<String>,
    /// Requests that the model does not know; must stay empty.
    pub unknown: Vec<String>,
    up: Vec<bool>,
    open: BTreeMap<u64, Transaction>,
    counter: u64,
    sockets: BTreeMap<SocketKey, socket::Socket>,
    rng: Rng,
}

impl Server {
    /// An empty server.
    #[must_use]
    pub fn new(settings: Settings, rng: Rng) -> Self {
        Self {
            rows: Rows {
                stamps: settings.stamps,
                zone: settings.zone,
                database: settings.database,
                limit_max: settings.limit_max,
                all: BTreeMap::new(),
            },
            sessions: SessionTable::new(settings.lifetimes),
            up: vec![true; settings.skews.len()],
            settings,
            weather: Weather::default(),
            people: BTreeMap::new(),
            deleted: BTreeSet::new(),
            deleted_once: BTreeSet::new(),
            refused: BTreeSet::new(),
            unknown: Vec::new(),
            open: BTreeMap::new(),
            counter: 0,
            sockets: BTreeMap::new(),
            rng,
        }
    }

    /// How many processes there are.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.up.len()
    }

    /// Whether a process runs.
    #[must_use]
    pub fn is_up(&self, instance: usize) -> bool {
        self.up.get(instance).copied().unwrap_or(false)
    }

    /// The wall clock of a process.
    #[must_use]
    pub fn wall(&self, instance: usize, now: i64) -> i64 {
        EPOCH + now + self.settings.skews.get(instance).copied().unwrap_or(0)
    }

    /// Kills a process: what is not committed is gone, and so are its sockets.
    /// Gives the sockets that were open.
    pub fn kill(&mut self, instance: usize) -> Vec<SocketKey> {
        if let Some(up) = self.up.get_mut(instance) {
            *up = false;
        }
        self.open.retain(|_, open| open.instance != instance);
        let gone: Vec<_> = self
            .sockets
            .iter()
            .filter(|(_, socket)| socket.instance == instance)
            .map(|(key, _)| *key)
            .collect();
        for key in &gone {
            self.sockets.remove(key);
        }
        gone
    }

    /// Starts a process again.
    pub fn start(&mut self, instance: usize) {
        if let Some(up) = self.up.get_mut(instance) {
            *up = true;
        }
    }

    /// Does what was due later.
    pub fn deed(&mut self, now: i64, deed: Deed) -> Vec<Act> {
        match deed {
            Deed::Commit(transaction) => self.commit(now, transaction),
            Deed::Tell(key, event) => self.tell(key, &event),
            Deed::AuthDeadline(key, epoch) => self.auth_deadline(key, epoch),
            Deed::TokenEnd(key, epoch) => self.token_end(key, epoch, now),
            Deed::Heartbeat(key) => self.heartbeat(key),
        }
    }

    fn admin(&self, person: PersonId) -> bool {
        self.people
            .get(&person)
            .is_some_and(|account| account.admin)
    }

    /// Begins to write rows; they are stamped now and visible after the commit.
    fn begin(&mut self, transaction: Transaction, delay: i64) -> Act {
        self.counter += 1;
        self.open.insert(self.counter, transaction);
        Act::Later(delay, Deed::Commit(self.counter))
    }

    fn commit(&mut self, now: i64, number: u64) -> Vec<Act> {
        let Some(transaction) = self.open.remove(&number) else {
            return Vec::new();
        };
        let exchange = transaction.exchange;
        let answer_in = self.rng.range(1, 60);
        if let Some(row) = transaction
            .rows
            .iter()
            .find(|row| self.rows.all.contains_key(&row.id))
        {
            let response = Response::not_unique(&row.id);
            return vec![
                Act::CountRequest(exchange, Quirk::NotUnique),
                Act::Answer(exchange, answer_in, response),
            ];
        }
        let mut acts = Vec::new();
        let mut shown = Vec::new();
        let chosen = self.rows.select(&transaction.fields);
        let readable = chosen.is_ok();
        let fields: Vec<String> = chosen
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let late = now - transaction.began > 1000;
        let mut written = transaction.rows;
        if transaction.batch {
            // Answered as read again: in the order of the keys.
            written.sort_by(|a, b| a.id.cmp(&b.id));
        }
        for row in written {
            shown.push(row.json(&fields));
            acts.push(Act::Committed(row.id.clone()));
            let event = Event::Created(row.id.clone());
            let (sender, receiver) = (row.sender, row.receiver);
            // Deleted, and posted again by a sender who never heard of either.
            self.deleted.remove(&row.id.to_lowercase());
            self.rows.all.insert(row.id.clone(), row);
            acts.extend(self.publish(&event, transaction.instance, Some((sender, receiver)), late));
        }
        let body = if transaction.batch {
            Value::Array(shown)
        } else {
            shown.pop().unwrap_or(Value::Null)
        };
        if transaction.answers {
            let echo = acts.iter().any(|act| {
                matches!(act, Act::Later(after, Deed::Tell(key, Event::Created(_)))
                    if *after < answer_in && self.owner(*key).is_some())
            });
            acts.push(Act::CountRequest(
                exchange,
                if echo {
                    Quirk::EchoBeforeAnswer
                } else {
                    Quirk::EchoAfterAnswer
                },
            ));
            let response = if readable {
                Response::data(body)
            } else {
                Response::nothing()
            };
            acts.push(Act::Answer(exchange, answer_in, response));
        }
        acts
    }

    /// Tells every subscriber of an event, each in its own time.
    fn publish(
        &mut self,
        event: &Event,
        instance: usize,
        concerns: Option<(PersonId, PersonId)>,
        late: bool,
    ) -> Vec<Act> {
        let keys: Vec<_> = self
            .sockets
            .iter()
            .filter(|(_, socket)| socket.subscribed())
            .map(|(key, socket)| (*key, socket.instance, socket.person()))
            .collect();
        let mut acts = Vec::new();
        for (key, at, person) in keys {
            let mine =
                concerns.is_some_and(|(from, to)| person == Some(from) || person == Some(to));
            if self.weather.redis_down && (at != instance || self.up.len() == 1) {
                if mine {
                    acts.push(Act::CountSocket(key, Quirk::EventLost));
                }
                continue;
            }
            if late && mine {
                acts.push(Act::CountSocket(key, Quirk::LateCommit));
            }
            // Most come soon; some overtake others.
            let delay = if self.rng.chance(10) {
                self.rng.range(100, 900)
            } else {
                self.rng.range(1, 80)
            };
            if delay > 100 && mine {
                acts.push(Act::CountSocket(key, Quirk::OutOfOrder));
            }
            if matches!(event, Event::Deleted(_)) && !mine {
                acts.push(Act::CountSocket(key, Quirk::ForeignDelete));
            }
            acts.push(Act::Later(delay, Deed::Tell(key, event.clone())));
        }
        acts
    }

    /// Writes a row as the story wants it: an administrator's hand, which no
    /// rule binds. Used for history and for rows that can't be read.
    pub fn plant(&mut self, row: Row) -> Vec<Act> {
        let event = Event::Created(row.id.clone());
        let concerns = Some((row.sender, row.receiver));
        let id = row.id.clone();
        self.rows.all.insert(id.clone(), row);
        let mut acts = self.publish(&event, 0, concerns, false);
        acts.push(Act::Committed(id));
        acts
    }

    /// Changes rows in one request: one frame with all of them to everybody
    /// who may see one. Gives those whom it concerns.
    pub fn edit(&mut self, ids: &[String], now: i64, change: impl Fn(&mut Row)) -> Vec<Act> {
        let wall = self.wall(0, now);
        let mut changed = Vec::new();
        for id in ids {
            if let Some(row) = self.rows.all.get_mut(id) {
                change(row);
                row.updated = Some(wall);
                changed.push(id.clone());
            }
        }
        let concerns = changed
            .first()
            .and_then(|id| self.rows.all.get(id))
            .map(|row| (row.sender, row.receiver));
        self.publish(&Event::Updated(changed), 0, concerns, false)
    }

    /// Deletes a row for good, as only an administrator can.
    pub fn delete(&mut self, id: &str) -> Vec<Act> {
        if self.rows.all.contains_key(id) {
            self.delete_all(&[id.to_owned()])
        } else {
            Vec::new()
        }
    }

    /// Deletes rows in one request; everybody is told of all that were named.
    fn delete_all(&mut self, ids: &[String]) -> Vec<Act> {
        let mut concerns = None;
        for id in ids {
            if let Some(row) = self.rows.all.remove(id) {
                concerns = Some((row.sender, row.receiver));
                self.deleted.insert(id.to_lowercase());
                self.deleted_once.insert(id.to_lowercase());
            }
        }
        self.publish(&Event::Deleted(ids.to_vec()), 0, concerns, false)
    }

    /// The order in which people see the rows between two of them.
    #[must_use]
    pub fn conversation(&self, one: PersonId, other: PersonId) -> Vec<&Row> {
        let stamps = self.settings.stamps;
        let mut rows: Vec<_> = self
            .rows
            .all
            .values()
            .filter(|row| !row.orphan)
            .filter(|row| {
                (row.sender == one && row.receiver == other)
                    || (row.sender == other && row.receiver == one)
            })
            .collect();
        // An id is what it says, however a server writes it.
        rows.sort_by_key(|row| (row.stamp(stamps), row.id.to_lowercase()));
        rows
    }

    /// What the `Date` header of a process says.
    #[must_use]
    pub fn date(&self, instance: usize, now: i64) -> Instant {
        Instant(self.wall(instance, now)).floor_second()
    }
}
