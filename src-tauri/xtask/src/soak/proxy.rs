//! The bad network: one relay a device, on loopback, between a core and its server.
//!
//! Owns: threads that copy bytes, what is wrong with the network just now, and
//! counts of what was done. It understands the first line of a request and of
//! an answer, and nothing else. Never changes a byte.
//!
//! ```text
//!  device --> relay --> server        a piece is passed on late, never, or the
//!                 \                   connection is cut before, in or after it
//!                  +-- shelter: one kind of request that nothing happens to
//! ```
//!
//! **The shelter.** A `mode: json` renewal has no grace: the server forgets the
//! old token when it answers, so whoever loses that answer is signed out by
//! Directus itself, and no client can help it. Where a run promises that nobody
//! has to sign in, that one exchange is sheltered from its first byte until its
//! answer had time to reach the vault: neither is its connection touched, nor
//! are client and server killed. `--json-only` runs without a shelter.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long after its answer a sheltered renewal is taken to be in the vault.
const STORED: Duration = Duration::from_secs(2);
/// A kill that finds no moment without a sheltered renewal is left out after this.
const PATIENCE: Duration = Duration::from_secs(40);

/// What was done to the network.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections that were cut.
    pub cuts: AtomicU64,
    /// Times when nothing passed for a while.
    pub stalls: AtomicU64,
    /// Connections that lost one of their directions.
    pub halves: AtomicU64,
    /// Times when everything came late.
    pub delays: AtomicU64,
    /// Connections that were turned away.
    pub refused: AtomicU64,
    /// Answers that were lost after the server gave them.
    pub lost_answers: AtomicU64,
    /// Answers "too fast" that were passed on.
    pub limited: AtomicU64,
    /// Renewals of a session, and of the json spare.
    pub renewals: [AtomicU64; 2],
}

/// Adds one.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::SeqCst);
}

/// How many there are.
pub fn counted(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::SeqCst)
}

/// Locks; a thread that panicked leaves nothing half-done here.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who is in the shelter, and who may not enter because something is being killed.
#[derive(Debug, Default)]
pub struct Shelter {
    state: Mutex<Sheltered>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Sheltered {
    inside: BTreeMap<usize, u32>,
    closed: BTreeSet<usize>,
}

impl Shelter {
    /// Does something to these devices while none of them is inside; `false`
    /// if no such moment came.
    pub fn without(&self, devices: impl Iterator<Item = usize>, mut act: impl FnMut()) -> bool {
        let devices: BTreeSet<usize> = devices.collect();
        let mut state = lock(&self.state);
        state.closed.extend(&devices);
        let end = Instant::now() + PATIENCE;
        let free = loop {
            if devices
                .iter()
                .all(|device| !state.inside.contains_key(device))
            {
                break true;
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                break false;
            };
            state = self.wait(state, left);
        };
        if free {
            drop(state);
            act();
            state = lock(&self.state);
        }
        state.closed.retain(|device| !devices.contains(device));
        drop(state);
        self.changed.notify_all();
        free
    }

    fn enter(self: &Arc<Self>, device: usize) -> Place {
        let mut state = lock(&self.state);
        while state.closed.contains(&device) {
            state = self.wait(state, PATIENCE);
        }
        *state.inside.entry(device).or_default() += 1;
        Place {
            shelter: Arc::clone(self),
            device,
        }
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, Sheltered>,
        bound: Duration,
    ) -> MutexGuard<'a, Sheltered> {
        self.changed
            .wait_timeout(state, bound)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

/// A place in the shelter; dropped, it is free again.
#[derive(Debug)]
struct Place {
    shelter: Arc<Shelter>,
    device: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = lock(&self.shelter.state);
        if let Some(inside) = state.inside.get_mut(&self.device) {
            *inside -= 1;
            if *inside == 0 {
                state.inside.remove(&self.device);
            }
        }
        drop(state);
        self.shelter.changed.notify_all();
    }
}

/// The relay of one device.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    device: usize,
    to: u16,
    weather: Mutex<Weather>,
    open: Mutex<BTreeMap<usize, Arc<Link>>>,
    counts: Arc<Counts>,
    shelter: Option<Arc<Shelter>>,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct Weather {
    stalled: Option<Instant>,
    late: Option<(Duration, Instant)>,
    refusing: Option<Instant>,
    lose_answers: u32,
    lose_renewals: u32,
}

/// One connection through the relay.
#[derive(Debug)]
struct Link {
    client: TcpStream,
    server: TcpStream,
    deaf: AtomicBool,
    dumb: AtomicBool,
    losing: AtomicBool,
    closed: AtomicBool,
    place: Mutex<Option<Arc<Place>>>,
}

impl Link {
    fn sheltered(&self) -> bool {
        lock(&self.place).is_some()
    }

    /// Gives up the place that is held now, once its answer is stored. One that
    /// the same connection takes meanwhile, after an answer "too fast", stays.
    fn leave_later(self: &Arc<Self>) {
        let Some(answered) = lock(&self.place).clone() else {
            return;
        };
        let link = Arc::clone(self);
        thread::spawn(move || {
            thread::sleep(STORED);
            let mut place = lock(&link.place);
            if place
                .as_ref()
                .is_some_and(|now| Arc::ptr_eq(now, &answered))
            {
                place.take();
            }
        });
    }

    fn cut(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // An end that is closed already is what was wanted.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl Proxy {
    /// Relays from a free port to this one, for this device.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(
        device: usize,
        to: u16,
        counts: &Arc<Counts>,
        shelter: Option<&Arc<Shelter>>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let inside = Arc::new(Inside {
            device,
            to,
            weather: Mutex::default(),
            open: Mutex::default(),
            counts: Arc::clone(counts),
            shelter: shelter.cloned(),
            stopped: AtomicBool::new(false),
        });
        let mine = Arc::clone(&inside);
        thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                if mine.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let mine = Arc::clone(&mine);
                thread::spawn(move || mine.relay(client, number));
            }
        });
        Ok(Self { port, inside })
    }

    /// Where the device finds its server.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Cuts what is open.
    pub fn cut(&self) {
        self.inside.each(|link| {
            link.cut();
            count(&self.inside.counts.cuts);
        });
    }

    /// Lets nothing pass for so long.
    pub fn stall(&self, span: Duration) {
        self.inside.weather().stalled = Some(Instant::now() + span);
        count(&self.inside.counts.stalls);
    }

    /// What is open now hears, or is heard, no more.
    pub fn halve(&self, from_client: bool) {
        self.inside.each(|link| {
            let way = if from_client { &link.dumb } else { &link.deaf };
            way.store(true, Ordering::SeqCst);
            count(&self.inside.counts.halves);
        });
    }

    /// For so long every piece comes late by `each`.
    pub fn delay(&self, each: Duration, span: Duration) {
        self.inside.weather().late = Some((each, Instant::now() + span));
        count(&self.inside.counts.delays);
    }

    /// Turns away whoever connects for so long.
    pub fn refuse(&self, span: Duration) {
        self.inside.weather().refusing = Some(Instant::now() + span);
    }

    /// The answer to the next message is lost.
    pub fn lose_answer(&self) {
        self.inside.weather().lose_answers += 1;
    }

    /// The answer to the next renewal is lost.
    pub fn lose_renewal(&self) {
        self.inside.weather().lose_renewals += 1;
    }

    /// The weather is good from now on. What is half-open stays so: finding
    /// that out is the client's business.
    pub fn heal(&self) {
        *self.inside.weather() = Weather::default();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.inside.stopped.store(true, Ordering::SeqCst);
        // Wakes who waits for a client.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        for link in lock(&self.inside.open).values() {
            link.cut();
        }
    }
}

impl Inside {
    fn weather(&self) -> MutexGuard<'_, Weather> {
        lock(&self.weather)
    }

    /// Does something to every connection that is not sheltered.
    fn each(&self, act: impl Fn(&Link)) {
        let open: Vec<Arc<Link>> = lock(&self.open).values().cloned().collect();
        for link in open {
            // Held meanwhile, so that none becomes sheltered in between.
            let place = lock(&link.place);
            if place.is_none() {
                act(&link);
            }
        }
    }

    fn relay(self: Arc<Self>, client: TcpStream, number: usize) {
        let refusing = self.weather().refusing;
        if refusing.is_some_and(|until| Instant::now() < until) {
            count(&self.counts.refused);
            return;
        }
        // A server that is away: the client's connection closes.
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.to)) else {
            return;
        };
        let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else {
            return;
        };
        // Pieces are passed on as they come.
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        let link = Arc::new(Link {
            client,
            server,
            deaf: AtomicBool::new(false),
            dumb: AtomicBool::new(false),
            losing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            place: Mutex::new(None),
        });
        lock(&self.open).insert(number, Arc::clone(&link));
        let (up, link_up) = (Arc::clone(&self), Arc::clone(&link));
        let upward = thread::spawn(move || up.upward(from_client, &link_up));
        self.downward(from_server, &link);
        link.cut();
        // It ends when its end is cut.
        let _ = upward.join();
        lock(&link.place).take();
        lock(&self.open).remove(&number);
    }

    fn upward(&self, mut from: TcpStream, link: &Link) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let piece = bytes.get(..read).unwrap_or_default();
            if !self.announced(piece, link) {
                break;
            }
            self.hold(link);
            if link.dumb.load(Ordering::SeqCst) {
                continue;
            }
            if (&link.server).write_all(piece).is_err() {
                break;
            }
        }
        // The other direction ends with the server's end.
        let _ = link.server.shutdown(Shutdown::Both);
    }

    /// Looks at the first line of a request; `false` if it must not be sent.
    fn announced(&self, piece: &[u8], link: &Link) -> bool {
        if piece.starts_with(b"POST /auth/refresh") {
            // A session is renewed with its cookie, the spare without one.
            let head = String::from_utf8_lossy(piece).to_ascii_lowercase();
            let spare = !head.contains("\r\ncookie:");
            let [session_renewals, spare_renewals] = &self.counts.renewals;
            count(if spare {
                spare_renewals
            } else {
                session_renewals
            });
            if let (true, Some(shelter)) = (spare, &self.shelter) {
                let entered = shelter.enter(self.device);
                let mut place = lock(&link.place);
                let broken = [&link.deaf, &link.dumb, &link.closed]
                    .iter()
                    .any(|flag| flag.load(Ordering::SeqCst));
                // Killed since it asked: nobody would hear the answer.
                if broken || has_ended(&link.client) {
                    // Not sent, so nothing is lost.
                    return false;
                }
                *place = Some(Arc::new(entered));
                return true;
            }
            let mut weather = self.weather();
            if weather.lose_renewals > 0 {
                weather.lose_renewals -= 1;
                link.losing.store(true, Ordering::SeqCst);
            }
        } else if piece.starts_with(b"POST /items/") {
            let mut weather = self.weather();
            if weather.lose_answers > 0 {
                weather.lose_answers -= 1;
                link.losing.store(true, Ordering::SeqCst);
            }
        }
        true
    }

    fn downward(&self, mut from: TcpStream, link: &Arc<Link>) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if link.losing.swap(false, Ordering::SeqCst) {
                count(&self.counts.lost_answers);
                return;
            }
            let piece = bytes.get(..read).unwrap_or_default();
            if piece.starts_with(b"HTTP/1.1 429") {
                count(&self.counts.limited);
            }
            self.hold(link);
            if link.deaf.load(Ordering::SeqCst) {
                continue;
            }
            if (&link.client).write_all(piece).is_err() {
                return;
            }
            if piece.starts_with(b"HTTP/1.1 ") {
                link.leave_later();
            }
        }
    }

    /// Waits as long as the weather keeps a piece.
    fn hold(&self, link: &Link) {
        let mut late = None;
        loop {
            if link.sheltered() || link.closed.load(Ordering::SeqCst) {
                return;
            }
            let now = Instant::now();
            let weather = self.weather();
            let stalled = weather.stalled.filter(|until| now < *until);
            if late.is_none() {
                let each = weather.late.filter(|(_, until)| now < *until);
                late = Some(each.map_or(now, |(each, _)| now + each));
            }
            drop(weather);
            let until = stalled.max(late);
            let Some(left) = until.and_then(|until| until.checked_duration_since(now)) else {
                return;
            };
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(Duration::from_millis(20)));
        }
    }
}

/// Whether the other side has closed its end. Only for who reads from it.
fn has_ended(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let ended = match stream.peek(&mut [0]) {
        Ok(seen) => seen == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).is_err() || ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};

    /// A server that answers every line with itself.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut lines = BufReader::new(client.try_clone().unwrap());
                    let mut line = String::new();
                    while let Ok(1..) = lines.read_line(&mut line) {
                        if (&client).write_all(line.as_bytes()).is_err() {
                            return;
                        }
                        line.clear();
                    }
                });
            }
        });
        port
    }

    struct Client(BufReader<TcpStream>);

    impl Client {
        fn new(proxy: &Proxy) -> Self {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            Self(BufReader::new(stream))
        }

        /// What comes back, or `None` where the connection is closed.
        fn say(&mut self, line: &str) -> Option<String> {
            self.0.get_mut().write_all(line.as_bytes()).ok()?;
            let mut answer = String::new();
            matches!(self.0.read_line(&mut answer), Ok(1..)).then_some(answer)
        }
    }

    fn proxy(shelter: Option<&Arc<Shelter>>) -> (Proxy, Arc<Counts>) {
        let counts = Arc::new(Counts::default());
        (Proxy::start(0, echo(), &counts, shelter).unwrap(), counts)
    }

    #[test]
    fn what_passes_is_unchanged_and_a_cut_ends_it() {
        let (proxy, counts) = proxy(None);
        let mut client = Client::new(&proxy);
        assert_eq!(client.say("one\n").as_deref(), Some("one\n"));
        proxy.delay(Duration::from_millis(1), Duration::from_secs(60));
        assert_eq!(client.say("two\n").as_deref(), Some("two\n"));
        proxy.cut();
        assert_eq!(client.say("three\n"), None);
        assert_eq!(counted(&counts.cuts), 1);
    }

    #[test]
    fn an_answer_is_lost_after_the_request_arrived() {
        let (proxy, counts) = proxy(None);
        proxy.lose_answer();
        let mut client = Client::new(&proxy);
        assert_eq!(client.say("POST /items/x\n"), None);
        assert_eq!(counted(&counts.lost_answers), 1);
        let mut client = Client::new(&proxy);
        assert!(client.say("POST /items/x\n").is_some());
    }

    #[test]
    fn a_renewal_of_the_spare_is_sheltered_and_one_of_a_session_is_not() {
        let shelter = Arc::new(Shelter::default());
        let (proxy, _) = proxy(Some(&shelter));
        let mut client = Client::new(&proxy);
        assert!(client.say("POST /auth/refresh HTTP/1.1\r\n").is_some());
        proxy.cut();
        assert!(client.say("again\n").is_some(), "it is not cut");
        // The answer was none of HTTP, so the place is kept until the end.
        drop(client);
        assert!(shelter.without(0..1, || {}), "then it is free");

        let mut client = Client::new(&proxy);
        let session = "POST /auth/refresh HTTP/1.1\r\ncookie: x\r\n";
        assert!(client.say(session).is_some());
        proxy.cut();
        while client.say("again\n").is_some() {}
    }
}
