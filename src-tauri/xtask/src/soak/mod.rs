//! `cargo xtask soak`: eight real cores write to each other through a bad
//! network, on a real Directus that is killed now and then.
//!
//! ```text
//!  Alice  x2 --+                                +-- SQLite
//!  Bob    x2 --+-- relays that cut, stall, -----+   or: two servers on
//!  Carol  x2 --+   halve, delay, lose answers   |   PostgreSQL and Redis,
//!  Dan    x2 --+                                +-- which is stopped for a while
//!
//!  ready -> bad weather, M minutes -> healed, quiet -> all agree -> counted
//! ```
//! Tokens live 6 s, the rate limiter is on, some devices' clocks are wrong,
//! and programs are killed. The whole story comes from one seed (`plan`); the
//! verdict from three sources that know nothing of each other (`verdict`).
//! Faults are paced by time, which is their nature; the end waits for
//! conditions only, each within a bound.
//!
//! Owns: a folder in the system's place for temporary files, and every process
//! below it; both are gone afterwards. Never: the cache's servers, a keychain.

mod device;
mod ledger;
mod plan;
mod proxy;
mod seed;
pub mod services;
mod verdict;
mod world;

use crate::directus::{self, Server};
use crate::problem::{Doing as _, Outcome, Problem};
use crate::process;
use crate::progress::{self, Step};
use crate::{compile, name, paths, system};
use device::{Common, Device, Order};
use plan::{Fault, Planned, Scene};
use proxy::{Counts, Proxy, Shelter, count, counted, lock};
use seed::Chance;
use services::Redis;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use verdict::{Shows, Verdict};
use world::World;

/// Devices a person has.
const EACH: usize = 2;
/// Within this, all agree: longer than a half-open socket is believed in.
const AGREED: Duration = Duration::from_secs(300);
/// The same where events are lost without a word: longer than the time between
/// two comparisons with the server.
const AGREED_LATE: Duration = Duration::from_secs(660);

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How long the bad weather lasts.
    pub minutes: f64,
    /// The seed; a fresh one without it.
    pub seed: Option<u64>,
    /// Two servers on PostgreSQL and Redis, which is stopped now and then.
    pub redis: bool,
    /// The sessions are no good any more, so that only `mode: json` is left,
    /// whose lost answers sign a person out: then the password is given again.
    pub json_only: bool,
}

impl Options {
    /// Reads what stands behind `soak`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn read(words: &[&str]) -> Outcome<Self> {
        let mut options = Self {
            minutes: 2.0,
            seed: None,
            redis: false,
            json_only: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--redis" => options.redis = true,
                "--json-only" => options.json_only = true,
                "--minutes" => {
                    let minutes = words.next().and_then(|word| word.parse().ok());
                    options.minutes = minutes
                        .filter(|minutes| (0.5..=1440.0).contains(minutes))
                        .ok_or_else(|| {
                            Problem::new("--minutes takes a number from 0.5 to 1440.")
                        })?;
                }
                "--seed" => {
                    let seed = words.next().and_then(|word| word.parse().ok());
                    let wrong = || Problem::new("--seed takes a number, as a run prints it.");
                    options.seed = Some(seed.ok_or_else(wrong)?);
                }
                other => {
                    return Err(Problem::new(format!("\"{other}\" is not known to soak.")));
                }
            }
        }
        Ok(options)
    }
}

/// Runs it, and prints what it came to.
///
/// # Errors
/// A message was lost, doubled or shown to whom it doesn't concern; somebody
/// had to sign in although there were sessions; a program ended by itself; or
/// they do not agree in time.
pub fn run(options: Options) -> Outcome {
    let seed = options.seed.unwrap_or_else(fresh_seed);
    println!(
        "cargo xtask soak: {} min of bad weather, seed {seed}{}{}",
        options.minutes,
        if options.redis { ", two servers" } else { "" },
        if options.json_only {
            ", json alone"
        } else {
            ""
        },
    );
    system::install(system::FOR_SOAK)?;
    if options.redis {
        system::install(system::FOR_TWO_SERVERS)?;
    }
    let installation = directus::install()?;
    build()?;
    let folder = Folder::make()?;
    tidy_up_after_a_signal(&folder.0);

    let step = Step::begin("a server, and four people with two devices each");
    let mut world = World::start(&installation, &folder.0, options.redis)?;
    let counts = Arc::new(Counts::default());
    // With json alone whatever is lost is lost.
    let shelter = (!options.json_only).then(|| Arc::new(Shelter::default()));
    let common = Arc::new(Common {
        people: world.people.clone(),
        ledger: ledger::Ledger::default(),
        sign_ins: AtomicU64::new(0),
        crashes: AtomicU64::new(0),
        skew: [AtomicI64::new(0), AtomicI64::new(0)],
        over: AtomicBool::new(false),
        seed,
        faketime: faketime(),
    });
    if common.faketime.is_none() {
        println!("  There is no libfaketime: every clock is right.");
    }
    let mut devices = devices(&folder.0, seed, &world, &common, &counts, shelter.as_ref())?;
    if options.json_only {
        world.end_sessions()?;
    }
    step.done();

    let length = Duration::from_secs_f64(options.minutes * 60.0);
    let scene = Scene {
        length,
        devices: devices.len(),
        servers: world.servers.len(),
        redis: options.redis,
        lose_renewals: options.json_only,
    };
    let story = plan::plan(seed, scene);
    let step = Step::begin(format!("bad weather, {} faults", story.len()));
    let kills = weather(
        &story,
        scene,
        &mut world,
        &mut devices,
        &common,
        shelter.as_ref(),
        step,
    )?;

    let bound = if options.redis { AGREED_LATE } else { AGREED };
    let mut step = Step::begin("healed: waiting until all agree");
    let (verdict, agreed) = agree(&mut world, &mut devices, &common, &kills, bound, &mut step)?;
    step.done();
    for note in &verdict.notes {
        println!("  {note}");
    }
    let [session_renewals, spare_renewals] = &counts.renewals;
    let [least, most] = &common.skew;
    let sign_ins = device::sign_ins(&common);
    let crashes = counted(&common.crashes);
    println!(
        "  faults: stalls={} halves={} delays={} refused={} answers_lost={} limited={} server_kills={} client_kills={} redis_kills={} servers_died={}",
        counted(&counts.stalls),
        counted(&counts.halves),
        counted(&counts.delays),
        counted(&counts.refused),
        counted(&counts.lost_answers),
        counted(&counts.limited),
        counted(&kills.servers),
        counted(&kills.clients),
        counted(&kills.redis),
        counted(&kills.died),
    );
    println!(
        "  renewals: session={} spare={}; clocks apart by {} to {} s; rows={}; crashes={crashes}",
        counted(session_renewals),
        counted(spare_renewals),
        least.load(Ordering::SeqCst) / 1000,
        most.load(Ordering::SeqCst) / 1000,
        verdict.rows,
    );
    println!(
        "soak: sent={} lost={} doubled={} foreign={} diverged={} kills={} cuts={} signins={sign_ins} seed={seed}",
        verdict.count.sent,
        verdict.count.lost,
        verdict.count.doubled,
        verdict.count.foreign,
        verdict.count.diverged,
        counted(&kills.servers) + counted(&kills.clients) + counted(&kills.redis),
        counted(&counts.cuts),
    );
    let wrong = if !verdict.count.clean() || !agreed {
        Some("Not everything arrived once and everywhere.")
    } else if crashes > 0 {
        Some("A program ended by itself.")
    } else if !options.json_only && sign_ins > 0 {
        Some("Somebody had to sign in again.")
    } else if options.json_only && sign_ins == 0 {
        Some("Nobody was signed out, so this run has shown nothing.")
    } else if [&kills.servers, &kills.clients, &counts.cuts]
        .iter()
        .any(|counter| counted(counter) == 0)
        || verdict.count.sent == 0
    {
        Some("Too little went wrong for this run to show anything.")
    } else {
        None
    };
    match wrong {
        None => Ok(()),
        Some(sentence) => {
            for device in &devices {
                println!("  device {}: {}", device.number, device.log_tail());
            }
            Err(Problem::with_line(
                sentence,
                format!(
                    "cargo xtask soak --minutes {} --seed {seed}{}{}",
                    options.minutes,
                    if options.redis { " --redis" } else { "" },
                    if options.json_only {
                        " --json-only"
                    } else {
                        ""
                    },
                ),
            ))
        }
    }
}

fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    // Short enough to be typed again.
    RandomState::new().build_hasher().finish() % 1_000_000_000
}

/// Builds what the run starts.
fn build() -> Outcome {
    let (rpc, provision) = (name::rpc(), name::provision());
    let step = Step::begin(format!("{rpc}, compiled"));
    compile::programs(&[&rpc, &provision])?;
    step.done();
    Ok(())
}

/// A folder that is gone with its owner.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Outcome<Self> {
        let folder =
            std::env::temp_dir().join(format!("{}-soak-{}", name::program(), std::process::id()));
        paths::remove(&folder)?;
        paths::make_private(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        device::end_clocks();
        let _ = paths::remove(&self.0);
    }
}

/// PostgreSQL is stopped in its own way, and nothing is left in the system's folders.
fn tidy_up_after_a_signal(folder: &Path) {
    let cluster = folder.with_extension("postgres");
    let folders = [folder.to_path_buf(), cluster.clone()];
    process::tidy_up_on_signals(move || {
        services::stop_cluster(&cluster);
        device::end_clocks();
        // Who is just being ended may still write there.
        process::poll(Duration::from_secs(10), || {
            let gone = |folder: &PathBuf| paths::remove(folder).is_ok();
            folders.iter().all(gone).then_some(())
        });
    });
}

/// The library that makes a program's clock wrong, where the system has it.
fn faketime() -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.is_file())
}

/// Two for each, all signed in.
fn devices(
    folder: &Path,
    seed: u64,
    world: &World,
    common: &Arc<Common>,
    counts: &Arc<Counts>,
    shelter: Option<&Arc<Shelter>>,
) -> Outcome<Vec<Device>> {
    let mut chance = Chance::part(seed, 2);
    let mut starts = Vec::new();
    for number in 0..world.people.len() * EACH {
        // Every other clock is wrong: by seconds to two hours, early or late.
        let apart = i64::try_from(chance.between(7, 7200)).unwrap_or_default();
        let apart = if chance.once_in(2) { apart } else { -apart };
        let clock = if number % EACH == 0 { 0 } else { apart };
        // A person's devices are at different servers, where there are two.
        let server = world.servers.get(number % world.servers.len());
        let port = server.map(Server::port).unwrap_or_default();
        let proxy =
            Proxy::start(number, port, counts, shelter).doing(|| "start a relay".to_owned())?;
        starts.push((number, clock, Arc::new(proxy)));
    }
    thread::scope(|scope| {
        let starting: Vec<_> = starts
            .into_iter()
            .map(|(number, clock, proxy)| {
                let person = number / EACH;
                scope.spawn(move || Device::start(number, person, common, proxy, folder, clock))
            })
            .collect();
        starting
            .into_iter()
            .map(|start| start.join().map_err(|_| broke_off())?)
            .collect()
    })
}

fn broke_off() -> Problem {
    Problem::new("A thread of the run broke off.")
}

/// What was killed.
#[derive(Default)]
struct Kills {
    servers: AtomicU64,
    clients: AtomicU64,
    redis: AtomicU64,
    /// Servers that ended by themselves, and were started again.
    died: AtomicU64,
}

/// Lets the story happen, and everything come back afterwards.
fn weather(
    story: &[Planned],
    scene: Scene,
    world: &mut World,
    devices: &mut [Device],
    common: &Common,
    shelter: Option<&Arc<Shelter>>,
    mut step: Step,
) -> Outcome<Kills> {
    let kills = Kills::default();
    // A Directus does not start without its Redis: one of them at a time.
    let one_at_a_time = Mutex::new(());
    let proxies: Vec<Arc<Proxy>> = devices.iter().map(|d| Arc::clone(&d.proxy)).collect();
    let outcome = thread::scope(|scope| {
        let (mut to_devices, mut to_servers, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for device in devices.iter_mut() {
            let (send, orders) = channel();
            to_devices.push(send);
            let shelter = shelter.cloned();
            threads.push(scope.spawn(move || device.live(&orders, shelter.as_deref())));
        }
        for server in &mut world.servers {
            let (send, orders) = channel();
            to_servers.push(send);
            let (kills, turn, shelter) = (&kills, &one_at_a_time, shelter.cloned());
            let all = scene.devices;
            threads.push(
                scope.spawn(move || keep(server, &orders, kills, turn, shelter.as_deref(), all)),
            );
        }
        let mut to_redis = None;
        if let Some(redis) = &mut world.redis {
            let (send, orders) = channel();
            to_redis = Some(send);
            let (kills, turn) = (&kills, &one_at_a_time);
            threads.push(scope.spawn(move || keep_redis(redis, &orders, kills, turn)));
        }
        let began = Instant::now();
        for planned in story {
            let left = planned.at.saturating_sub(began.elapsed());
            thread::sleep(left);
            step.at(format!(
                "{} of {}",
                progress::duration(began.elapsed()),
                progress::duration(scene.length)
            ));
            perform(
                planned.fault,
                &proxies,
                &to_devices,
                &to_servers,
                to_redis.as_ref(),
                &kills,
            );
        }
        thread::sleep(scene.length.saturating_sub(began.elapsed()));
        common.over.store(true, Ordering::SeqCst);
        for proxy in &proxies {
            proxy.heal();
        }
        step.done();
        drop((to_devices, to_servers, to_redis));
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| broke_off())?)
            .collect::<Outcome<Vec<()>>>()
    });
    outcome.map(|_| kills)
}

fn perform(
    fault: Fault,
    proxies: &[Arc<Proxy>],
    devices: &[Sender<Order>],
    servers: &[Sender<Duration>],
    redis: Option<&Sender<Duration>>,
    kills: &Kills,
) {
    let with = |device: usize, act: &dyn Fn(&Proxy)| {
        if let Some(proxy) = proxies.get(device) {
            act(proxy);
        }
    };
    match fault {
        Fault::Cut { device } => with(device, &Proxy::cut),
        Fault::CutAll => proxies.iter().for_each(|proxy| proxy.cut()),
        Fault::Stall { device, span } => with(device, &|proxy| proxy.stall(span)),
        Fault::Half {
            device,
            from_client,
        } => with(device, &|proxy| proxy.halve(from_client)),
        Fault::Delay { device, each, span } => with(device, &|proxy| proxy.delay(each, span)),
        Fault::Refuse { device, span } => with(device, &|proxy| proxy.refuse(span)),
        Fault::LoseAnswer { device } => with(device, &Proxy::lose_answer),
        Fault::LoseRenewal { device } => with(device, &Proxy::lose_renewal),
        // Who is gone already says so at the end.
        Fault::KillClient { device, away } => {
            if let Some(device) = devices.get(device) {
                let told = device.send(Order::Kill { away });
                if told.is_ok() {
                    count(&kills.clients);
                }
            }
        }
        Fault::KillServer { server, away } => {
            let _ = servers.get(server).map(|server| server.send(away));
        }
        Fault::StopRedis { span } => {
            let _ = redis.map(|redis| redis.send(span));
        }
    }
}

/// Kills a server when told to, and starts it again; also where it ended by itself.
fn keep(
    server: &mut Server,
    orders: &Receiver<Duration>,
    kills: &Kills,
    turn: &Mutex<()>,
    shelter: Option<&Shelter>,
    devices: usize,
) -> Outcome {
    loop {
        match orders.recv_timeout(Duration::from_millis(500)) {
            Ok(away) => {
                let _turn = lock(turn);
                let killed = match shelter {
                    Some(shelter) => shelter.without(0..devices, || server.kill()),
                    None => {
                        server.kill();
                        true
                    }
                };
                if killed {
                    count(&kills.servers);
                    thread::sleep(away);
                    start_again(server)?;
                }
            }
            Err(RecvTimeoutError::Timeout) if server.is_running() => {}
            Err(RecvTimeoutError::Timeout) => {
                let _turn = lock(turn);
                count(&kills.died);
                start_again(server)?;
            }
            Err(RecvTimeoutError::Disconnected) if server.is_running() => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return start_again(server),
        }
    }
}

/// Its port may be somebody's for a moment.
fn start_again(server: &mut Server) -> Outcome {
    let mut last = Ok(());
    for _ in 0..5 {
        last = server.restart();
        if last.is_ok() {
            return last;
        }
        thread::sleep(Duration::from_millis(500));
    }
    last
}

fn keep_redis(
    redis: &mut Redis,
    orders: &Receiver<Duration>,
    kills: &Kills,
    turn: &Mutex<()>,
) -> Outcome {
    for span in orders {
        let _turn = lock(turn);
        redis.kill();
        count(&kills.redis);
        thread::sleep(span);
        redis.run()?;
    }
    Ok(())
}

/// What was counted, and what to say about it.
struct Counted {
    count: Verdict,
    rows: usize,
    notes: Vec<String>,
}

/// Waits until every device is live, has nothing unsent, and shows what the
/// server has; then counts once more, from the beginning. `false`: not in time.
fn agree(
    world: &mut World,
    devices: &mut [Device],
    common: &Common,
    kills: &Kills,
    bound: Duration,
    step: &mut Step,
) -> Outcome<(Counted, bool)> {
    let end = Instant::now() + bound;
    let mut agreed = false;
    loop {
        let late = Instant::now() > end;
        let mut waiting = Vec::new();
        // A Directus ends by itself when its Redis was away for ten seconds.
        for server in &mut world.servers {
            if !server.is_running() {
                count(&kills.died);
                start_again(server)?;
            }
        }
        for device in devices.iter_mut() {
            device.mend()?;
            let state = device.state();
            let unsent = device.unsent()?;
            if state != "live" || unsent > 0 {
                waiting.push(format!("device {} {state}, {unsent} unsent", device.number));
            }
        }
        if waiting.is_empty() || late {
            let (mut counted, whole) = look(world, devices, common)?;
            if whole && waiting.is_empty() && counted.count.clean() {
                if agreed {
                    return Ok((counted, true));
                }
                // Once more, from nothing: it must still be so.
                agreed = true;
                continue;
            }
            agreed = false;
            if late {
                counted.notes.extend(waiting);
                return Ok((counted, false));
            }
            let Verdict {
                lost,
                doubled,
                foreign,
                diverged,
                ..
            } = counted.count;
            step.at(format!(
                "not yet: lost={lost} doubled={doubled} foreign={foreign} diverged={diverged}"
            ));
        } else {
            step.at(waiting.join("; "));
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Reads ledger, server and devices, and counts. `false`: a device is still fetching.
fn look(world: &World, devices: &mut [Device], common: &Common) -> Outcome<(Counted, bool)> {
    let server = world.servers.first();
    let rows = world::rows(server.ok_or_else(|| Problem::new("There is no server."))?)?;
    let mut whole = true;
    let mut shown = Vec::new();
    for device in devices.iter_mut() {
        let mut shows = Shows::new();
        for person in &world.people {
            match device.conversation(&person.id)? {
                Some(messages) => {
                    shows.insert(person.id.clone(), messages);
                }
                None => whole = false,
            }
        }
        shown.push((device.person, shows));
    }
    let people: Vec<String> = world.people.iter().map(|p| p.id.clone()).collect();
    let count = verdict::count(&people, &common.ledger.all(), &rows, &shown);
    let counted = Counted {
        notes: count.notes.clone(),
        rows: rows.len(),
        count,
    };
    Ok((counted, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_what_is_not_known_is_refused() {
        let options = Options::read(&["--minutes", "1.5", "--seed", "7", "--redis"]).unwrap();
        assert_eq!((options.minutes, options.seed), (1.5, Some(7)));
        assert!(options.redis && !options.json_only);
        for wrong in [&["--minutes"][..], &["--minutes", "0"], &["--seeds", "3"]] {
            assert!(Options::read(wrong).is_err(), "{wrong:?}");
        }
    }
}
