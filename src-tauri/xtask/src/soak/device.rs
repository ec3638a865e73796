//! One device: a process of the messenger without a window, what its person does
//! with it, and how it is killed and started again.
//!
//! Owns: the process, its data folder and its clock. Credentials reach it by
//! descriptor only: the password on stdin, the passphrase of its vault as
//! descriptor 3. Never: a conclusion; what was said goes to the ledger.

use super::ledger::Ledger;
use super::proxy::{Proxy, Shelter, count, counted, lock};
use super::seed::Chance;
use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::{name, paths, random, rpc};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, atomic::Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longer than anything a core is asked takes on a busy machine.
const BOUND: Duration = Duration::from_secs(60);
/// How often a sign-in is tried while the network is bad.
const SIGN_INS_TRIED: u32 = 60;
/// Rows a page asks for.
const PAGE: u64 = 200;

/// Somebody with an account.
#[derive(Clone)]
pub struct Person {
    /// The id on the server.
    pub id: String,
    /// The e-mail to sign in with.
    pub email: String,
    /// The password.
    pub password: String,
}

/// What all devices share.
pub struct Common {
    /// Everybody.
    pub people: Vec<Person>,
    /// What was said.
    pub ledger: Ledger,
    /// How often the password was given after the first time.
    pub sign_ins: AtomicU64,
    /// Programs that ended without being asked to.
    pub crashes: AtomicU64,
    /// The least and the most that a device's clock was seen to be off, in ms.
    pub skew: [AtomicI64; 2],
    /// Set when the bad weather is over: nothing more is said.
    pub over: AtomicBool,
    /// The seed, for the texts.
    pub seed: u64,
    /// `libfaketime`, where the system has it.
    pub faketime: Option<PathBuf>,
}

/// What the story tells a device to do.
#[derive(Debug, Clone, Copy)]
pub enum Order {
    /// Be killed, and come back after a while.
    Kill {
        /// How long it is away.
        away: Duration,
    },
}

/// A message as a device shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub sender: String,
    /// The text.
    pub text: String,
    /// What has become of it.
    pub state: String,
}

/// A device. Its process runs, but for moments.
pub struct Device {
    /// Which.
    pub number: usize,
    /// Whose, as an index of people.
    pub person: usize,
    /// Its way to the server.
    pub proxy: Arc<Proxy>,
    common: Arc<Common>,
    folder: PathBuf,
    account: String,
    clock: i64,
    serve: Option<Serve>,
    chance: Chance,
    said: u64,
}

struct Serve {
    running: Running,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    asked: u64,
    /// Sends that are not answered yet: the number of the call, and the place in the ledger.
    sending: BTreeMap<u64, usize>,
    sign_in_needed: bool,
    state: String,
}

impl Device {
    /// Signs in for the first time, and opens the account.
    ///
    /// # Errors
    /// It could not, with a good network.
    pub fn start(
        number: usize,
        person: usize,
        common: &Arc<Common>,
        proxy: Arc<Proxy>,
        folder: &Path,
        clock: i64,
    ) -> Outcome<Self> {
        let folder = folder.join(format!("device-{number}"));
        paths::make_private(&folder)?;
        paths::write_private(&folder.join("passphrase"), &random::word(20))?;
        let mut device = Self {
            number,
            person,
            proxy,
            common: Arc::clone(common),
            folder,
            account: String::new(),
            clock,
            serve: None,
            chance: Chance::part(common.seed, 100 + u64::try_from(number).unwrap_or_default()),
            said: 0,
        };
        let mut last = Problem::new("No sign-in was tried.");
        // The rate limiter may say "later".
        for _ in 0..SIGN_INS_TRIED {
            match device.sign_in() {
                Ok(account) => {
                    device.account = account;
                    device.serve()?;
                    return Ok(device);
                }
                Err(problem) => last = problem,
            }
            thread::sleep(Duration::from_millis(500));
        }
        Err(last)
    }

    fn me(&self) -> Outcome<&Person> {
        let mine = self.common.people.get(self.person);
        mine.ok_or_else(|| Problem::new("A device without a person."))
    }

    /// The messenger without a window, with these words, the passphrase as descriptor 3, and this device's clock.
    fn program(&self, words: &[&str]) -> Command {
        let data = self.folder.join("data");
        let mut command = rpc::command(&data, &self.folder.join("passphrase"), words);
        if let (Some(library), true) = (&self.common.faketime, self.clock != 0) {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME", format!("{:+}s", self.clock))
                // Only the wall clock is wrong, as on a real device.
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
    }

    fn log(&self) -> Outcome<std::fs::File> {
        let path = self.folder.join("log");
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .doing(|| format!("write {}", path.display()))
    }

    fn sign_in(&self) -> Outcome<String> {
        let me = self.me()?;
        let url = self.proxy.url();
        let mut words = vec!["sign-in", "--server", &url, "--email", &me.email];
        words.extend([
            "--password-fd",
            "0",
            "--vault",
            "passphrase",
            "--accept-terms",
        ]);
        if !self.account.is_empty() {
            words.extend(["--account", &self.account]);
        }
        let mut command = self.program(&words);
        command.stderr(self.log()?);
        let mut running = start(&format!("{} sign-in", name::rpc()), command)?;
        if let Some(mut input) = running.child().stdin.take() {
            // One that has ended already has said why.
            let _ = input.write_all(format!("{}\n", me.password).as_bytes());
        }
        let mut line = String::new();
        if let Some(output) = running.child().stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .doing(|| "hear what came of a sign-in".to_owned())?;
        }
        running.wait(BOUND);
        let answer: Value = serde_json::from_str(&line).unwrap_or_default();
        let id = answer.pointer("/ok/id").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| {
            Problem::new(format!(
                "Device {} could not sign in: {}",
                self.number,
                answer.pointer("/error/code").unwrap_or(&Value::Null)
            ))
        })
    }

    /// Starts the program and opens the account.
    fn serve(&mut self) -> Outcome {
        let account = self.account.clone();
        let words = ["serve", "--events", "--log", "info", "--unlock", &account];
        let mut command = self.program(&words);
        command.stderr(self.log()?);
        let mut running = start(&name::rpc(), command)?;
        let stdin = running.child().stdin.take();
        let (send, lines) = channel();
        if let Some(output) = running.child().stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let value = serde_json::from_str(&line).unwrap_or(Value::Null);
                    if send.send(value).is_err() {
                        return;
                    }
                }
            });
        }
        self.serve = Some(Serve {
            running,
            stdin,
            lines,
            asked: 0,
            sending: BTreeMap::new(),
            sign_in_needed: false,
            state: String::new(),
        });
        let opened = self.call("open", json!({}))?;
        let state = opened.pointer("/ok/connection/state");
        match state.and_then(Value::as_str) {
            Some(state) => {
                let state = state.to_owned();
                if let Some(serve) = &mut self.serve {
                    serve.sign_in_needed |= state == "sign_in_needed";
                    serve.state = state;
                }
                Ok(())
            }
            None => Err(Problem::new(format!(
                "Device {} could not open its account: {opened}",
                self.number
            ))),
        }
    }

    /// Says what its person says until the weather is good again, and does what the story orders.
    ///
    /// # Errors
    /// The program does not do what it must.
    pub fn live(&mut self, orders: &Receiver<Order>, shelter: Option<&Shelter>) -> Outcome {
        let mut next = Instant::now() + self.chance.millis(0, 2000);
        loop {
            let pause = next.saturating_duration_since(Instant::now());
            self.hear(Duration::ZERO);
            match orders.recv_timeout(pause.min(Duration::from_millis(50))) {
                Ok(Order::Kill { away }) => self.killed(away, shelter)?,
                Err(RecvTimeoutError::Disconnected) => return self.answered(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.mend()?;
            if Instant::now() < next || self.common.over.load(Ordering::SeqCst) {
                continue;
            }
            if self.chance.once_in(25) {
                // Pasted in one go: twelve at once.
                for _ in 0..12 {
                    self.say()?;
                }
            } else {
                self.say()?;
            }
            next = Instant::now() + self.chance.millis(400, 2600);
        }
    }

    /// Brings the program back where it ended, and the session where it is gone.
    ///
    /// # Errors
    /// It does not come back.
    pub fn mend(&mut self) -> Outcome {
        let Some(serve) = &mut self.serve else {
            return self.serve();
        };
        if let Some(status) = serve.running.ended() {
            count(&self.common.crashes);
            println!("  device {} ended by itself ({status})", self.number);
            self.end();
            return self.serve();
        }
        if !serve.sign_in_needed {
            return Ok(());
        }
        // The program holds the account: it has to end first.
        self.end();
        let mut last = Problem::new("No sign-in was tried.");
        for _ in 0..SIGN_INS_TRIED {
            match self.sign_in() {
                Ok(_) => {
                    count(&self.common.sign_ins);
                    return self.serve();
                }
                Err(problem) => last = problem,
            }
            thread::sleep(Duration::from_millis(500));
        }
        Err(last)
    }

    /// Kills it, now and then with texts on their way to it.
    fn killed(&mut self, away: Duration, shelter: Option<&Shelter>) -> Outcome {
        let typing = self.chance.between(0, 3);
        if !self.common.over.load(Ordering::SeqCst) {
            for _ in 0..typing {
                self.say()?;
            }
        }
        let beat = self.chance.millis(0, 40);
        thread::sleep(beat);
        let number = self.number;
        match shelter {
            Some(shelter) => {
                shelter.without(std::iter::once(number), || self.end());
            }
            None => self.end(),
        }
        thread::sleep(away);
        if self.serve.is_none() {
            self.serve()?;
        }
        Ok(())
    }

    /// Kills the program; what it had answered by then is heard.
    fn end(&mut self) {
        let Some(mut serve) = self.serve.take() else {
            return;
        };
        serve.running.kill();
        // The reader ends with the pipe.
        while let Ok(line) = serve.lines.recv_timeout(BOUND) {
            heard(&mut serve, &self.common, self.clock, &line);
        }
    }

    /// Hands one text over, without waiting for the answer.
    fn say(&mut self) -> Outcome {
        self.said += 1;
        let to = self.chance.index(self.common.people.len());
        let length = match self.chance.between(0, 9) {
            0 => self.chance.index(4000),
            _ => self.chance.index(80),
        };
        let filler: String = (0..length)
            .map(|_| ['a', 'b', ' ', 'ä', '語', '☕', '"', '\\'][self.chance.index(8)])
            .collect();
        let text = format!(
            "{:x}-{}-{} {filler}.",
            self.common.seed, self.number, self.said
        );
        let person = self.common.people.get(to);
        let conversation = format!("dm:{}", person.map_or("", |person| person.id.as_str()));
        let place = self.common.ledger.about_to(self.person, to, text.clone());
        let arguments = json!({"conversation": conversation, "text": text});
        if let Some(number) = self.ask("send", arguments)
            && let Some(serve) = &mut self.serve
        {
            serve.sending.insert(number, place);
        }
        Ok(())
    }

    /// Writes a command; `None` where the program is gone.
    fn ask(&mut self, command: &str, mut arguments: Value) -> Option<u64> {
        if let Value::Object(arguments) = &mut arguments {
            arguments.insert("account".to_owned(), json!(self.account));
        }
        let serve = self.serve.as_mut()?;
        serve.asked += 1;
        let number = serve.asked;
        let line = json!({"id": number, "command": command, "args": arguments});
        let written = writeln!(serve.stdin.as_mut()?, "{line}");
        written.is_ok().then_some(number)
    }

    /// Hears what was said meanwhile.
    fn hear(&mut self, bound: Duration) {
        let Some(serve) = &mut self.serve else {
            return;
        };
        while let Ok(line) = serve.lines.recv_timeout(bound) {
            heard(serve, &self.common, self.clock, &line);
        }
    }

    /// Asks, and waits for the answer.
    fn call(&mut self, command: &str, arguments: Value) -> Outcome<Value> {
        let number = self.ask(command, arguments);
        let silent = || Problem::new(format!("Device {} is silent.", self.number));
        let number = number.ok_or_else(silent)?;
        let serve = self.serve.as_mut().ok_or_else(silent)?;
        let end = Instant::now() + BOUND;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = serve.lines.recv_timeout(left).map_err(|_| silent())?;
            if line.get("id").and_then(Value::as_u64) == Some(number) {
                return Ok(line);
            }
            heard(serve, &self.common, self.clock, &line);
        }
    }

    /// Waits until every send is answered.
    fn answered(&mut self) -> Outcome {
        let end = Instant::now() + BOUND;
        loop {
            self.hear(Duration::from_millis(50));
            match &self.serve {
                Some(serve) if !serve.sending.is_empty() => {}
                _ => return Ok(()),
            }
            if Instant::now() > end {
                return Err(Problem::new(format!(
                    "Device {} left sends unanswered.",
                    self.number
                )));
            }
            self.mend()?;
        }
    }

    /// The state of its connection, as it said last.
    pub fn state(&mut self) -> String {
        self.hear(Duration::ZERO);
        self.serve
            .as_ref()
            .map(|serve| serve.state.clone())
            .unwrap_or_default()
    }

    /// How many messages it says are not sent.
    ///
    /// # Errors
    /// It is silent.
    pub fn unsent(&mut self) -> Outcome<usize> {
        let answer = self.call("unsent_messages", json!({}))?;
        let rows = answer.get("ok").and_then(Value::as_array);
        rows.map(Vec::len)
            .ok_or_else(|| Problem::new(format!("Device {}: {answer}", self.number)))
    }

    /// A conversation as paging shows it, oldest first. Older pages that are
    /// not held are asked for: `None` where one is on its way.
    ///
    /// # Errors
    /// It is silent, or pages never end.
    pub fn conversation(&mut self, with: &str) -> Outcome<Option<Vec<Shown>>> {
        let conversation = format!("dm:{with}");
        let mut all: Vec<Shown> = Vec::new();
        let mut anchor = json!({"at": "newest"});
        // More pages than any run of this makes.
        for _ in 0..10_000 {
            let arguments = json!({"conversation": conversation, "anchor": anchor, "limit": PAGE});
            let answer = self.call("page", arguments)?;
            if answer.pointer("/error/code").and_then(Value::as_str) == Some("unknown") {
                return Ok(Some(Vec::new()));
            }
            let rows = answer.pointer("/ok/messages").and_then(Value::as_array);
            let rows =
                rows.ok_or_else(|| Problem::new(format!("Device {}: {answer}", self.number)))?;
            let text = |row: &Value, field: &str| {
                let value = row.get(field).and_then(Value::as_str);
                value.unwrap_or_default().to_owned()
            };
            let page: Vec<Shown> = rows
                .iter()
                .map(|row| Shown {
                    id: text(row, "id"),
                    sender: text(row, "sender"),
                    text: text(row, "text"),
                    state: text(row, "state"),
                })
                .collect();
            let first = rows.first().map(|row| text(row, "sort"));
            all.splice(0..0, page);
            match answer.pointer("/ok/older").and_then(Value::as_str) {
                Some("beginning") => return Ok(Some(all)),
                Some("held") if first.is_some() => {
                    anchor = json!({"at": "before", "sort": first});
                }
                _ => {
                    self.call("fetch_older", json!({"conversation": conversation}))?;
                    return Ok(None);
                }
            }
        }
        Err(Problem::new(format!(
            "Device {} has pages without end.",
            self.number
        )))
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        process::tail(&self.folder.join("log"), 6)
    }
}

/// Takes a line that answers no call that is waited for.
fn heard(serve: &mut Serve, common: &Common, clock: i64, line: &Value) {
    let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str);
    if let Some(number) = line.get("id").and_then(Value::as_u64) {
        let Some(place) = serve.sending.remove(&number) else {
            return;
        };
        match text("/ok/id") {
            Some(id) => common.ledger.returned(place, id.to_owned()),
            None => println!(
                "  a send was refused: {}",
                line.get("error").unwrap_or(line)
            ),
        }
        let queued = text("/ok/state") == Some("queued");
        if let (Some(at), true) = (line.pointer("/ok/at").and_then(Value::as_i64), queued) {
            note_skew(common, at, clock);
        }
        return;
    }
    match text("/event") {
        Some("connection") => {
            if let Some(state) = text("/value/connection/state") {
                serve.sign_in_needed |= state == "sign_in_needed";
                serve.state = state.to_owned();
            }
        }
        Some("session") if text("/value/state") == Some("sign_in_needed") => {
            serve.sign_in_needed = true;
        }
        _ => {}
    }
}

/// By how much a device's clock is off, from the moment it says that it took a text.
fn note_skew(common: &Common, at: i64, clock: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    let off = at - now;
    // What was heard late looks slow: only a clock that was set apart counts.
    if clock != 0 && (off - clock * 1000).abs() < 30_000 {
        let [least, most] = &common.skew;
        least.fetch_min(off, Ordering::SeqCst);
        most.fetch_max(off, Ordering::SeqCst);
    }
}

/// Programs whose clock was wrong, or might have been; `None` once no more may be started.
static CLOCKS: Mutex<Option<Vec<u32>>> = Mutex::new(Some(Vec::new()));

fn start(what: &str, command: Command) -> Outcome<Running> {
    let mut clocks = lock(&CLOCKS);
    let clocks = clocks
        .as_mut()
        .ok_or_else(|| Problem::new("The run is ending."))?;
    let running = process::start(what, command)?;
    clocks.push(running.id());
    Ok(running)
}

/// For the end of a run: no device starts a program from now on, and what
/// `libfaketime` leaves of one that was killed is removed: a piece of shared
/// memory and a semaphore, named by the program's number.
pub fn end_clocks() {
    let clocks = lock(&CLOCKS).take();
    process::end_all();
    for id in clocks.into_iter().flatten() {
        for name in ["faketime_shm", "sem.faketime_sem"] {
            // Most have none.
            let _ = std::fs::remove_file(format!("/dev/shm/{name}_{id}"));
        }
    }
}

/// How many times the password was given again so far.
pub fn sign_ins(common: &Common) -> u64 {
    counted(&common.sign_ins)
}
