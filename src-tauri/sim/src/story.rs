//! What people do and what goes wrong, written down before a run begins.
//!
//! Every fault is an event of the story, none is thrown during the run: so a
//! failing story can be made shorter by leaving events out.
//!
//! Owns: the events and how a seed makes them. Never: what follows from them.

use crate::{
    client::Death,
    rng::Rng,
    shape::{Days, Shape},
};

/// A person, by place in the world: see [`crate::world::PEOPLE`].
pub type Who = usize;
/// A client, by place in the world.
pub type Which = usize;

/// One event.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    missing_docs,
    reason = "each variant says it; fields are who, which, and milliseconds"
)]
pub enum Happening {
    /// A person sends messages from a client.
    Send {
        client: Which,
        to: Who,
        count: usize,
    },
    /// A person sends a text that is longer than the server takes.
    SendLong { client: Which, to: Who },
    /// Somebody without a client posts, the tutorial's way, with a stamp that
    /// lies so many milliseconds back.
    Post {
        from: Who,
        to: Who,
        count: usize,
        ago: i64,
        how: Manner,
    },
    /// The texts of some rows are changed, all in one request.
    Edit { nth: usize, count: usize },
    /// An administrator gives a row to another receiver.
    Move { nth: usize, to: Who },
    /// An administrator deletes a row for good.
    Delete { nth: usize },
    /// An administrator leaves a row that can't be read.
    BadRow { to: Who },
    /// A person opens a conversation, or none.
    Watch { client: Which, with: Option<Who> },
    /// Scrolls up to what is not held.
    FetchOlder { client: Which, with: Who },
    /// Reads all that is shown.
    MarkRead { client: Which, with: Who },
    /// Types and does not send.
    Draft {
        client: Which,
        with: Who,
        blank: bool,
    },
    /// Takes back what was written last.
    Discard { client: Which },
    /// Tries again what was written last.
    Retry { client: Which },
    /// Taps "connect now".
    Reconnect { client: Which },
    /// Connections break, and both ends know.
    Cut { client: Which },
    /// Connections break, and nobody knows.
    HalfOpen { client: Which },
    /// No network for a while; the system says so, or not.
    Offline { client: Which, ms: i64, told: bool },
    /// Everything takes longer for a while.
    Slow { client: Which, ms: i64, by: i64 },
    /// A proxy refuses sockets for a while.
    NoUpgrade { client: Which, ms: i64 },
    /// New sockets fail for a while.
    RefuseSocket { client: Which, ms: i64 },
    /// The next requests never arrive.
    LoseRequest { client: Which, count: u32 },
    /// The next answers never arrive.
    LoseAnswer { client: Which, count: u32 },
    /// A process of the server is killed, and started again.
    Kill { instance: usize, ms: i64 },
    /// Events reach nobody for a while.
    RedisDown { ms: i64 },
    /// Subscribers get errors in place of events for a while.
    EventsFail { ms: i64 },
    /// Commits take longer for a while.
    SlowCommit { ms: i64, by: i64 },
    /// Requests are refused for a while: 429, 503, or a page of a proxy's own
    /// with 502, 403 or even 200.
    Busy {
        ms: i64,
        status: u16,
        retry_after: Option<i64>,
    },
    /// Socket frames are dropped for a while.
    SocketTooFast { ms: i64 },
    /// The keychain can't be written for a while.
    KeychainFails { client: Which, ms: i64 },
    /// All sessions of a person end.
    Revoke { who: Who },
    /// A person's account is suspended for a while.
    Suspended { who: Who, ms: i64 },
    /// The client dies within a step, and is started again.
    Die {
        client: Which,
        after: u64,
        death: Death,
        ms: i64,
    },
    /// The device sleeps; the system says so afterwards, or not.
    Suspend { client: Which, ms: i64, told: bool },
    /// The device's wall clock is set.
    Clock { client: Which, by: i64 },
    /// The screen loses what is on its way to it.
    LosePatches { client: Which },
    /// A person refuses all messages, or takes them again.
    Block { who: Who, on: bool },
    /// A person is removed from the server.
    Remove { who: Who },
}

/// How somebody without a client posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A request a message.
    Plain,
    /// All in one request.
    Batch,
    /// All in one request, of which one row is refused, and so all are.
    BadBatch,
    /// With an id in capital letters, which is another key on SQLite.
    UpperCase,
    /// With a text so large that no frame carries it.
    Huge,
}

/// An event and when it comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Milliseconds of true time.
    pub at: i64,
    /// What.
    pub what: Happening,
}

/// Makes a story.
#[must_use]
pub fn write(rng: &Rng, shape: &Shape, people: usize) -> Vec<Scene> {
    let mut rng = rng.split("story");
    let mut scenes = Vec::new();
    let acts = rng.range(25, 60);
    for _ in 0..acts {
        let what = act(&mut rng, shape, people);
        scenes.push(Scene {
            at: rng.range(0, shape.length),
            what,
        });
    }
    let faults = rng.range(6, 35);
    for _ in 0..faults {
        let what = fault(&mut rng, shape);
        scenes.push(Scene {
            at: rng.range(0, shape.length),
            what,
        });
    }
    if shape.days == Days::Long {
        sleep(&mut rng, shape, &mut scenes);
    }
    scenes.retain(|scene| fits(shape, &scene.what));
    scenes.sort_by_key(|scene| scene.at);
    scenes
}

/// Every device is awake for some minutes now and then; most of what happens
/// to it happens while it is.
fn sleep(rng: &mut Rng, shape: &Shape, scenes: &mut Vec<Scene>) {
    const MINUTE: i64 = 60_000;
    let mut awake = Vec::new();
    for client in 0..shape.owners.len() {
        let mut at = rng.range(5 * MINUTE, 40 * MINUTE);
        let mut since = 0;
        while at < shape.length {
            awake.push((client, since, at));
            let ms = rng.range(3 * 60 * MINUTE, 16 * 60 * MINUTE);
            let told = rng.chance(50);
            let what = Happening::Suspend { client, ms, told };
            scenes.push(Scene { at, what });
            since = at + ms;
            at = since + rng.range(2 * MINUTE, 25 * MINUTE);
        }
    }
    for scene in scenes {
        let mine: Vec<_> = awake
            .iter()
            .filter(|(client, ..)| scene.what.client() == Some(*client))
            .collect();
        if matches!(scene.what, Happening::Suspend { .. }) || mine.is_empty() {
            continue;
        }
        if let Some((_, since, until)) = mine.get(rng.below(mine.len())) {
            scene.at = rng.range(*since, *until);
        }
    }
}

/// Where only the cursors are on trial, nothing may happen that no cursor can
/// find: events that are lost in silence, rows that go away, stamps of long ago.
fn fits(shape: &Shape, what: &Happening) -> bool {
    shape.days != Days::CursorsOnly
        || match what {
            Happening::RedisDown { .. }
            | Happening::Delete { .. }
            | Happening::Move { .. }
            | Happening::Remove { .. } => false,
            Happening::Post { ago, .. } => ago.abs() <= 2_000,
            _ => true,
        }
}

impl Happening {
    /// The client that it happens to, or that does it.
    #[must_use]
    pub const fn client(&self) -> Option<Which> {
        match self {
            Self::Send { client, .. }
            | Self::SendLong { client, .. }
            | Self::Watch { client, .. }
            | Self::FetchOlder { client, .. }
            | Self::MarkRead { client, .. }
            | Self::Draft { client, .. }
            | Self::Discard { client }
            | Self::Retry { client }
            | Self::Reconnect { client }
            | Self::Cut { client }
            | Self::HalfOpen { client }
            | Self::Offline { client, .. }
            | Self::Slow { client, .. }
            | Self::NoUpgrade { client, .. }
            | Self::RefuseSocket { client, .. }
            | Self::LoseRequest { client, .. }
            | Self::LoseAnswer { client, .. }
            | Self::KeychainFails { client, .. }
            | Self::Die { client, .. }
            | Self::Suspend { client, .. }
            | Self::Clock { client, .. }
            | Self::LosePatches { client } => Some(*client),
            _ => None,
        }
    }
}

fn act(rng: &mut Rng, shape: &Shape, people: usize) -> Happening {
    let client = rng.below(shape.owners.len());
    let with = rng.below(people);
    let me = shape.owners.get(client).copied().unwrap_or(0);
    match rng.below(100) {
        0..=32 => Happening::Send {
            client,
            // Mostly to each other, sometimes to anybody, oneself included.
            to: if rng.chance(70) {
                usize::from(me == 0)
            } else {
                with
            },
            count: if rng.chance(15) { rng.below(8) + 2 } else { 1 },
        },
        33 => Happening::SendLong {
            client,
            to: usize::from(me == 0),
        },
        34..=53 => {
            let how = match rng.below(20) {
                0..=3 => Manner::Batch,
                4 => Manner::BadBatch,
                5 => Manner::UpperCase,
                6 => Manner::Huge,
                _ => Manner::Plain,
            };
            Happening::Post {
                from: 2 + rng.below(2) * 3,
                to: match rng.below(10) {
                    0..=3 => 0,
                    4..=6 => 1,
                    7 => 2,
                    _ => 6,
                },
                count: match how {
                    // An id in capital letters can't be left out of a page: a
                    // whole page of them in one second is stepped over. With
                    // pages of a hundred that is no server's.
                    Manner::UpperCase => 1,
                    _ if rng.chance(25) => rng.below(6) + 2,
                    _ => 1,
                },
                ago: match rng.below(10) {
                    0..=6 => rng.range(-2_000, 2_000),
                    7 | 8 => rng.range(-300_000, 300_000),
                    _ => rng.range(0, 3 * 24 * 3_600_000),
                },
                how,
            }
        }
        54..=57 => Happening::Edit {
            nth: rng.below(1000),
            count: if rng.chance(30) { 2 + rng.below(4) } else { 1 },
        },
        58..=60 => Happening::Delete {
            nth: rng.below(1000),
        },
        61 => Happening::Move {
            nth: rng.below(1000),
            to: rng.below(people),
        },
        62..=64 => Happening::BadRow { to: rng.below(2) },
        65..=72 => Happening::Watch {
            client,
            with: if rng.chance(90) { Some(with) } else { None },
        },
        73..=78 => Happening::FetchOlder { client, with },
        79..=83 => Happening::MarkRead { client, with },
        84..=87 => Happening::Draft {
            client,
            with,
            blank: rng.chance(30),
        },
        88..=92 => Happening::Discard { client },
        93..=95 => Happening::Retry { client },
        96 => Happening::Block {
            who: if rng.chance(50) { 3 } else { rng.below(2) },
            on: rng.chance(50),
        },
        97 => Happening::Remove { who: 4 },
        _ => Happening::Reconnect { client },
    }
}

fn fault(rng: &mut Rng, shape: &Shape) -> Happening {
    let client = rng.below(shape.owners.len());
    let long = rng.range(500, (shape.length / 4).clamp(1000, 900_000));
    match rng.below(100) {
        0..=6 => Happening::Cut { client },
        7..=12 => Happening::HalfOpen { client },
        13..=20 => Happening::Offline {
            client,
            ms: long,
            told: rng.chance(50),
        },
        21..=24 => Happening::Slow {
            client,
            ms: long,
            by: rng.range(200, 12_000),
        },
        25..=27 => Happening::NoUpgrade { client, ms: long },
        28..=30 => Happening::RefuseSocket { client, ms: long },
        31..=36 => Happening::LoseRequest {
            client,
            count: 1 + u32::from(rng.chance(30)),
        },
        37..=45 => Happening::LoseAnswer {
            client,
            count: 1 + u32::from(rng.chance(30)),
        },
        46..=50 => Happening::Kill {
            instance: rng.below(shape.instances),
            ms: rng.range(300, 20_000),
        },
        51..=53 => Happening::RedisDown { ms: long },
        54 | 55 => Happening::EventsFail { ms: long },
        56..=59 => Happening::SlowCommit {
            ms: long,
            by: rng.range(1_500, 16_000),
        },
        60..=63 => Happening::Busy {
            ms: rng.range(500, 20_000),
            status: [429, 429, 503, 503, 502, 200][rng.below(6)],
            retry_after: rng.chance(60).then(|| rng.range(1, 8)),
        },
        64 => Happening::SocketTooFast {
            ms: rng.range(500, 60_000),
        },
        65..=67 => Happening::KeychainFails { client, ms: long },
        68 => Happening::Revoke { who: rng.below(2) },
        69 => Happening::Suspended {
            who: rng.below(2),
            ms: long,
        },
        70..=85 => Happening::Die {
            client,
            after: rng.below(12) as u64,
            death: match rng.below(12) {
                0..=2 => Death::BeforeCommit,
                3 => Death::InCommit(rng.chance(50)),
                4..=6 => Death::AfterCommit,
                7 | 8 => Death::AfterEffects(1 + rng.below(3)),
                9 => Death::CommitFails,
                10 => Death::StepFails,
                _ => Death::Power,
            },
            ms: if rng.chance(60) {
                rng.range(1, 3_000)
            } else {
                long
            },
        },
        86..=90 => Happening::Suspend {
            client,
            ms: long,
            told: rng.chance(50),
        },
        91..=93 => Happening::Clock {
            client,
            by: rng.range(-120_000, 120_000),
        },
        _ => Happening::LosePatches { client },
    }
}
