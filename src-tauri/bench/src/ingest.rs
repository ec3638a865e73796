//! Ingest: a frame came -> read -> decided -> committed -> a patch.
//!
//! Ours is the engine on the store, told what the runtime would tell it, in
//! transactions as the runtime makes them, with the patch written as JSON. The
//! floor reads the same frames with serde into a plain struct and inserts them
//! with plain SQL, as the same rows, into the same tables, indexes and cipher: no
//! look for a place, no counts, no conversation list, no patch.

use std::{path::Path, time::Instant as Clock};

use rusqlite::{Connection, params};
use serde::Deserialize;
use whinchat_core::{
    bridge::Change,
    directus::{
        call::{Answer, ServerFrame},
        realtime,
    },
    engine::{Effect, Engine, Input, Sessions, SocketEvent, SocketId},
    model::{Instant, Message, Now},
    store::{self, Place, messages, words},
};

use crate::{
    Outcome, Size,
    figure::{Figure, Section, slope},
    history::{self, Source, key, person, with},
};

/// How many events the runtime takes in one transaction at most.
const RUNTIMES_BATCH: usize = 1_024;
/// Events in a run of the batched measure.
const BATCH: usize = 1_000;
/// Events in a run of the single measure.
const SINGLE: usize = 100;

/// An engine that is online, on a database of its own.
pub struct Live {
    database: Connection,
    engine: Engine,
    socket: SocketId,
    now: Now,
}

impl Live {
    /// Brings an engine up by telling it what a server would say.
    pub fn start(path: &Path, now: Instant) -> Outcome<Self> {
        let database = store::open(Place::File(path), &key())?;
        let mut engine = Engine::resume(&database, 7)?;
        let now = Now { wall: now, mono: 0 };
        let session = Some(now.wall.plus(86_400_000));
        let mut tell = |input| engine.step(&database, now, input);
        let effects = tell(Input::Start(Sessions {
            session,
            spare: true,
        }))?;
        let request = effects.iter().find_map(|effect| match effect {
            Effect::Request(request, _) => Some(*request),
            _ => None,
        });
        let effects = tell(Input::Answered {
            request: request.ok_or("the engine asks the server nothing")?,
            result: Ok(Answer::Probed),
            date: None,
        })?;
        let socket = effects.iter().find_map(|effect| match effect {
            Effect::OpenSocket(socket) => Some(*socket),
            _ => None,
        });
        let socket = socket.ok_or("the engine opens no socket")?;
        tell(Input::Socket(socket, SocketEvent::Opened))?;
        for frame in [
            ServerFrame::AuthOk { uid: None },
            ServerFrame::Init { uid: None },
        ] {
            tell(Input::Socket(socket, SocketEvent::Frame(frame)))?;
        }
        tell(Input::Watching([with(1)].into()))?;
        Ok(Self {
            database,
            engine,
            socket,
            now,
        })
    }

    /// Takes frames as the runtime does; gives how many bytes of patches came of them.
    pub fn take(&mut self, frames: &[String]) -> Outcome<usize> {
        let mut bytes = 0;
        for part in frames.chunks(RUNTIMES_BATCH) {
            store::before_transaction(&self.database, false)?;
            self.database.execute_batch("BEGIN IMMEDIATE")?;
            let mut effects = Vec::new();
            let mut inputs: Vec<Input> = Vec::new();
            for frame in part {
                let event = SocketEvent::Frame(realtime::parse(frame));
                let input = Input::Socket(self.socket, event);
                let apart = match inputs.last_mut() {
                    Some(last) => last.join(input),
                    None => Some(input),
                };
                inputs.extend(apart);
            }
            for (at, input) in inputs.into_iter().enumerate() {
                effects.extend(match at {
                    0 => self.engine.step(&self.database, self.now, input)?,
                    _ => self.engine.step_alone(&self.database, self.now, input)?,
                });
            }
            self.database.execute_batch("COMMIT")?;
            for effect in effects {
                if let Effect::Show(_, changes) = effect {
                    bytes += patch(&changes)?;
                }
            }
        }
        Ok(bytes)
    }
}

fn patch(changes: &[Change]) -> Outcome<usize> {
    Ok(serde_json::to_string(changes)?.len())
}

/// A frame as Directus sends it.
pub fn frame(message: &Message) -> String {
    serde_json::json!({
        "type": "subscription", "event": "create", "uid": "messages-1",
        "data": [{
            "id": message.id.to_string(),
            "content": message.content,
            "sender_id": message.sender.to_string(),
            "receiver_id": message.receiver.to_string(),
            "timestamp": message.stamp.to_naive(),
            "date_created": message.stamp.to_zoned(),
            "date_updated": null,
        }],
    })
    .to_string()
}

/// A frame in a plain struct.
#[derive(Deserialize)]
struct Bare {
    event: String,
    data: Vec<BareRow>,
}

#[derive(Deserialize)]
struct BareRow {
    id: String,
    content: String,
    sender_id: String,
    receiver_id: String,
    date_created: String,
}

/// Plain SQL into the same tables.
struct Floor {
    database: Connection,
    place: i64,
    me: String,
}

impl Floor {
    fn start(path: &Path) -> Outcome<Self> {
        let database = store::open(Place::File(path), &key())?;
        let triggers: Vec<String> = database
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for trigger in triggers {
            database.execute_batch(&format!("DROP TRIGGER {trigger}"))?;
        }
        let place = database.query_row("SELECT max(place) FROM message", [], |row| row.get(0))?;
        store::before_transaction(&database, false)?;
        Ok(Self {
            database,
            place,
            me: person(0).to_string(),
        })
    }

    fn take(&mut self, frames: &[String]) -> Outcome<usize> {
        self.database.execute_batch("BEGIN IMMEDIATE")?;
        let mut rows = 0;
        for frame in frames {
            let frame: Bare = serde_json::from_str(frame)?;
            if frame.event != "create" {
                continue;
            }
            for row in frame.data {
                rows += 1;
                self.insert(&row)?;
            }
        }
        self.database.execute_batch("COMMIT")?;
        Ok(rows)
    }

    fn insert(&mut self, row: &BareRow) -> Outcome {
        let stamp = chrono::DateTime::parse_from_rfc3339(&row.date_created)?.timestamp_millis();
        // The same place as ours, for how far places lie apart is what makes an
        // entry of the index long; known without a look, for all come in order.
        self.place = messages::span_start(stamp).max(self.place + 1);
        let peer = if row.sender_id == self.me {
            &row.receiver_id
        } else {
            &row.sender_id
        };
        let conversation = format!("dm:{peer}");
        self.database
            .prepare_cached(
                "INSERT INTO message
                   (place, id, conversation, sender, receiver, content, pending, stamp)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)",
            )?
            .execute(params![
                self.place,
                row.id,
                conversation,
                row.sender_id,
                row.receiver_id,
                row.content,
                stamp
            ])?;
        self.database
            .prepare_cached("INSERT INTO found (rowid, words, about) VALUES (?1, ?2, ?3)")?
            .execute(params![
                self.place,
                row.content,
                words::about(&conversation, &row.sender_id)
            ])?;
        Ok(())
    }
}

/// Frames of what is said after all that is held.
struct Frames {
    source: Source,
}

impl Frames {
    fn next(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| frame(&self.source.next().0)).collect()
    }
}

/// Later than anything that is made up.
pub const LATER: i64 = history::BEGINNING + 10 * 365 * 86_400_000;

/// Measures ingest at several sizes.
pub fn measure(size: &Size) -> Outcome<Section> {
    let folder = tempfile::tempdir()?;
    let mut figures = Vec::new();
    let mut single = Vec::new();
    let mut batched = Vec::new();
    for &held in size.ingest {
        let [ours, floors] = ["ours.db", "floor.db"].map(|name| folder.path().join(name));
        for path in [&ours, &floors] {
            history::copied(held, path)?;
        }
        let mut live = Live::start(&ours, Instant(LATER))?;
        let mut floor = Floor::start(&floors)?;
        let mut frames = Frames {
            source: Source::new(11, LATER - 300 * 86_400_000, history::PEOPLE, 0.8),
        };
        let mut pairs = Vec::new();
        // The first run of each warms it and does not count.
        for run in 0..=size.runs {
            let said = frames.next(BATCH);
            let pair = in_turn(run, || live.take(&said), || floor.take(&said))?;
            pairs.extend((run > 0).then_some(each(pair, BATCH)));
        }
        let name = format!("a batch of 1,000 at {} held", grouped(held));
        let figure = Figure::paired(name, "µs an event", &pairs).within_ratio(1.5);
        batched.push((held as f64, figure.ours.median, floor_of(&figure)));
        figures.push(figure);

        let mut pairs = Vec::new();
        for run in 0..=size.runs {
            let said = frames.next(SINGLE);
            let pair = in_turn(
                run,
                || one_by_one(&said, |one| live.take(one)),
                || one_by_one(&said, |one| floor.take(one)),
            )?;
            pairs.extend((run > 0).then_some(each(pair, SINGLE)));
        }
        let name = format!("one at a time at {} held", grouped(held));
        let figure = Figure::paired(name, "µs an event", &pairs);
        single.push((held as f64, figure.ours.median, floor_of(&figure)));
        figures.push(figure);
        drop((live, floor));
        for path in [&ours, &floors] {
            history::remove(path);
        }
    }
    for (name, points) in [("batch", &batched), ("single", &single)] {
        // By the logarithm: a tree grows so.
        let of = |at: fn(&(f64, f64, f64)) -> f64| -> Vec<(f64, f64)> {
            points
                .iter()
                .map(|point| (point.0.log10(), at(point)))
                .collect()
        };
        let ours = slope(&of(|point| point.1));
        let floor = slope(&of(|point| point.2));
        let name = format!("slope, {name}: for ten times as many held");
        figures.push(Figure::derived(name, "µs an event", ours, points.len()).beside(floor));
    }
    Ok(Section {
        title: "Ingest".to_owned(),
        words: "From a frame's text to a committed row and a patch in JSON, in CPU time. Floor: the same frame \
                read with serde, and plain inserts of the same rows into the same tables, indexes and cipher. A batch \
                is 1,000 waiting frames, one transaction for both."
            .to_owned(),
        figures,
    })
}

fn floor_of(figure: &Figure) -> f64 {
    figure.floor.map_or(0.0, |floor| floor.median)
}

fn each(pair: (f64, f64), count: usize) -> (f64, f64) {
    let micros = 1e6 / count as f64;
    (pair.0 * micros, pair.1 * micros)
}

fn one_by_one(
    frames: &[String],
    mut take: impl FnMut(&[String]) -> Outcome<usize>,
) -> Outcome<usize> {
    let mut all = 0;
    for frame in frames.chunks(1) {
        all += take(frame)?;
    }
    Ok(all)
}

/// Times both, in an order that changes every time, in seconds.
pub fn in_turn<A, B>(
    run: usize,
    mut ours: impl FnMut() -> Outcome<A>,
    mut floor: impl FnMut() -> Outcome<B>,
) -> Outcome<(f64, f64)> {
    if run.is_multiple_of(2) {
        let first = timed(&mut ours)?;
        Ok((first, timed(&mut floor)?))
    } else {
        let first = timed(&mut floor)?;
        Ok((timed(&mut ours)?, first))
    }
}

/// How long this thread works on it, in seconds: where the system tells, without
/// the time in which other programs had its core, which would count against
/// whichever of two takes longer.
pub fn timed<T>(mut work: impl FnMut() -> Outcome<T>) -> Outcome<f64> {
    let (begun, worked) = (Clock::now(), on_the_core());
    std::hint::black_box(work()?);
    Ok(match (worked, on_the_core()) {
        (Some(before), Some(after)) => after - before,
        _ => begun.elapsed().as_secs_f64(),
    })
}

/// How long this thread has had a core, in seconds.
#[cfg(target_os = "linux")]
fn on_the_core() -> Option<f64> {
    use rustix::time::{ClockId, clock_gettime};
    let told = clock_gettime(ClockId::ThreadCPUTime);
    Some(told.tv_sec as f64 + told.tv_nsec as f64 / 1e9)
}

#[cfg(not(target_os = "linux"))]
fn on_the_core() -> Option<f64> {
    None
}

/// A count with commas.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
