//! What people do and what goes wrong, written down before a run begins.
//!
//! Every fault is an event of the story, none is thrown during the run: so a
//! failing story can be made shorter by leaving events out.
//!
//! Owns: the events and how a seed makes them. Never: what follows from them.

use crate::{client::Death, rng::Rng};

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
    /// Somebody without a client posts, the tutorial's way, with a stamp that
    /// lies so many milliseconds back.
    Post {
        from: Who,
        to: Who,
        count: usize,
        ago: i64,
    },
    /// The sender changes the text of a row.
    Edit { nth: usize },
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
    /// Commits take longer for a while.
    SlowCommit { ms: i64, by: i64 },
    /// Requests are refused for a while.
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
pub fn write(
    rng: &Rng,
    clients: usize,
    people: usize,
    instances: usize,
    length: i64,
) -> Vec<Scene> {
    let mut rng = rng.split("story");
    let mut scenes = Vec::new();
    let acts = rng.range(25, 60);
    for _ in 0..acts {
        let what = act(&mut rng, clients, people);
        scenes.push(Scene {
            at: rng.range(0, length),
            what,
        });
    }
    let faults = rng.range(6, 35);
    for _ in 0..faults {
        let what = fault(&mut rng, clients, instances, length);
        scenes.push(Scene {
            at: rng.range(0, length),
            what,
        });
    }
    scenes.sort_by_key(|scene| scene.at);
    scenes
}

fn act(rng: &mut Rng, clients: usize, people: usize) -> Happening {
    let client = rng.below(clients);
    let with = rng.below(people);
    match rng.below(100) {
        0..=34 => Happening::Send {
            client,
            // Mostly to each other, sometimes to anybody, oneself included.
            to: if rng.chance(70) {
                1 - client.min(1)
            } else {
                with
            },
            count: if rng.chance(15) { rng.below(8) + 2 } else { 1 },
        },
        35..=54 => Happening::Post {
            from: 2 + rng.below(2) * 3,
            to: match rng.below(10) {
                0..=3 => 0,
                4..=6 => 1,
                7 => 2,
                _ => 6,
            },
            count: if rng.chance(15) { rng.below(6) + 2 } else { 1 },
            ago: match rng.below(10) {
                0..=6 => rng.range(-2_000, 2_000),
                7 | 8 => rng.range(-300_000, 300_000),
                _ => rng.range(0, 3 * 24 * 3_600_000),
            },
        },
        55..=58 => Happening::Edit {
            nth: rng.below(1000),
        },
        59..=61 => Happening::Delete {
            nth: rng.below(1000),
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
            who: 3,
            on: rng.chance(50),
        },
        97 => Happening::Remove { who: 4 },
        _ => Happening::Reconnect { client },
    }
}

fn fault(rng: &mut Rng, clients: usize, instances: usize, length: i64) -> Happening {
    let client = rng.below(clients);
    let long = rng.range(500, (length / 4).max(1000));
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
        46..=51 => Happening::Kill {
            instance: rng.below(instances),
            ms: rng.range(300, 20_000),
        },
        52..=55 => Happening::RedisDown { ms: long },
        56..=59 => Happening::SlowCommit {
            ms: long,
            by: rng.range(1_500, 16_000),
        },
        60..=63 => Happening::Busy {
            ms: rng.range(500, 20_000),
            status: if rng.chance(50) { 429 } else { 503 },
            retry_after: rng.chance(60).then(|| rng.range(1, 8)),
        },
        64..=65 => Happening::SocketTooFast {
            ms: rng.range(500, 60_000),
        },
        66..=68 => Happening::KeychainFails { client, ms: long },
        69 => Happening::Revoke { who: client.min(1) },
        70..=85 => Happening::Die {
            client,
            after: rng.below(12) as u64,
            death: match rng.below(10) {
                0..=2 => Death::BeforeCommit,
                3..=5 => Death::AfterCommit,
                6 | 7 => Death::AfterEffects(1 + rng.below(3)),
                8 => Death::CommitFails,
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
