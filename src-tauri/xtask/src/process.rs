//! Processes that never outlive the one that started them.
//!
//! ```text
//! start -> running -> ended | killed | stopped | over its limit
//!             \-- a signal, once end_on_signals() was called: every group is ended
//! ```
//! Each child leads a process group. When the leader has ended, however that
//! came about, what is left of its group is ended too. On Linux every child
//! also asks the kernel to be killed when its parent dies (`setpriv
//! --pdeathsig`), so that not even `kill -9` leaves it behind. That signal
//! follows the *thread* that started the child, so one thread, which lives as
//! long as the process, starts them all.
//!
//! Never ends a process by name.

use crate::problem::{Outcome, Problem};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long a group may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// Variables that any program needs to run at all. Everything else a person has
/// set (Node options, Directus settings, proxies) stays outside.
const BASICS: &[&str] = &[
    "PATH",
    "LANG",
    "LC_ALL",
    "TZDIR",
    "SystemRoot",
    "SYSTEMROOT",
    "ComSpec",
    "PATHEXT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "windir",
];

/// The process groups now running, so that [`end_all`] can reach them.
static GROUPS: Mutex<Groups> = Mutex::new(Groups {
    running: BTreeSet::new(),
    ending: false,
});

struct Groups {
    running: BTreeSet<u32>,
    /// From here on nothing is started any more.
    ending: bool,
}

/// Whether somebody has asked this process to end.
static ASKED: AtomicBool = AtomicBool::new(false);
/// Whether the first such request is left to the one who looks at [`asked_to_end`].
static IN_ORDER: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C, a closed terminal and a plain `kill` end every group that
/// [`start`] has started, and then this process, with status 130.
pub fn end_on_signals() -> Outcome {
    ctrlc::set_handler(|| {
        let again = ASKED.swap(true, Ordering::SeqCst);
        if IN_ORDER.load(Ordering::SeqCst) && !again {
            return;
        }
        // The terminal may be gone.
        let _ = writeln!(io::stdout(), "\nBroken off: ending what was started.");
        let first = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tidy_up) = first {
            tidy_up();
        }
        end_all();
        std::process::exit(130);
    })
    .map_err(|error| Problem::new(format!("Signals can't be heard: {error}.")))
}

/// What a signal does first.
static FIRST: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Has `tidy_up` done when a signal has come and before everything is ended, in place of
/// what was to be done before: for what must be asked in its own way, and for what no
/// process' end takes away.
pub fn tidy_up_on_signals(tidy_up: impl FnOnce() + Send + 'static) {
    *FIRST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(tidy_up));
}

/// From now on the first signal only makes [`asked_to_end`] true, for somebody who ends
/// things in their order. A second one ends everything at once.
pub fn end_in_order() {
    IN_ORDER.store(true, Ordering::SeqCst);
}

/// The whole of a program: whatever ends it, what it has started ends, too; what went wrong
/// is told on stderr.
pub fn whole_program(work: impl FnOnce() -> Outcome) -> std::process::ExitCode {
    let outcome = end_on_signals().and_then(|()| work());
    wait_for_the_end();
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Waits for the end of this process, if a signal is ending everything now: whoever has just
/// seen a child end is not to tell it as a failure, nor to end this process half-way.
pub fn wait_for_the_end() {
    while asked_to_end() && !IN_ORDER.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Whether a signal has come that asks this process to end.
pub fn asked_to_end() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// A command that ends with this process and starts with an empty environment but for the basics.
pub fn clean_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = bound_command(program);
    command.env_clear();
    for name in BASICS {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// A command that the kernel ends when this process dies, where it can; with this process's environment.
pub fn bound_command(program: impl AsRef<OsStr>) -> Command {
    if cfg!(target_os = "linux") && is_there("setpriv") {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        return command;
    }
    Command::new(program)
}

/// A running process in a group of its own; dropped, it is killed with its group.
#[derive(Debug)]
pub struct Running {
    child: Child,
    what: String,
    status: Option<ExitStatus>,
    limit: Option<Sender<()>>,
    overran: Arc<AtomicBool>,
}

/// Starts a command made by [`clean_command`] or [`bound_command`] in a process group of its own.
/// `what` names it in messages.
pub fn start(what: &str, command: Command) -> Outcome<Running> {
    #[cfg(unix)]
    let command = {
        use std::os::unix::process::CommandExt;
        let mut command = command;
        command.process_group(0);
        command
    };
    let child = spawn_from_lasting_thread(command)
        .map_err(|error| Problem::new(format!("Could not start {what}: {error}.")))?;
    let ending = groups(|groups| {
        groups.running.insert(child.id());
        groups.ending
    });
    let running = Running {
        child,
        what: what.to_owned(),
        status: None,
        limit: None,
        overran: Arc::default(),
    };
    if ending {
        // Dropped here, it is killed: the signal has come between its start and now.
        return Err(Problem::new(format!("Ending: {what} is not started.")));
    }
    Ok(running)
}

impl Running {
    /// The process id, which is its group's too.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What was started, for messages.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The child's pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, or `None` while it runs. Its end is its group's end: what it has
    /// left behind is killed when this first tells so.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
            if self.status.is_some() {
                self.limit = None;
                signal_group("KILL", self.child.id());
                groups(|groups| groups.running.remove(&self.child.id()));
            }
        }
        self.status
    }

    /// Waits until it ends by itself; `None` when it still runs after `bound`.
    pub fn wait(&mut self, bound: Duration) -> Option<ExitStatus> {
        poll(bound, || self.ended())
    }

    /// Gives it this long, counted from now: then its group is asked to end, and killed
    /// when it has not. So whoever reads its output meets the output's end.
    pub fn limit(&mut self, span: Duration) {
        let (alive, gone) = channel();
        let overran = Arc::clone(&self.overran);
        let id = self.child.id();
        std::thread::spawn(move || {
            if gone.recv_timeout(span) == Err(RecvTimeoutError::Timeout) {
                overran.store(true, Ordering::SeqCst);
                let family = Family::below(id, [id]);
                family.signal("TERM");
                if gone.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                    family.signal("KILL");
                }
            }
        });
        self.limit = Some(alive);
    }

    /// Whether it was ended because its [`limit`](Self::limit) was over.
    pub fn overran(&self) -> bool {
        self.overran.load(Ordering::SeqCst)
    }

    /// Ends it at once, as `kill -9` does, with all its group.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let id = self.child.id();
            Family::below(id, [id]).signal("KILL");
            // The group is gone, or this system has none: the child itself is left to end.
            let _ = self.child.kill();
            self.status = self.child.wait().ok();
        }
        self.limit = None;
        groups(|groups| groups.running.remove(&self.child.id()));
    }

    /// Asks it to end, and kills it when it has not after `bound`.
    pub fn stop(&mut self, bound: Duration) {
        if self.ended().is_none() {
            signal_group("TERM", self.child.id());
            self.wait(bound);
        }
        self.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ends every process group that is still running, and lets no other begin: for the
/// moment before this process ends. They are asked first, so that they can tidy up.
pub fn end_all() {
    let started = groups(|groups| {
        groups.ending = true;
        std::mem::take(&mut groups.running)
    });
    let family = Family::below(std::process::id(), started);
    family.signal("TERM");
    poll(GRACE, || (!family.lives()).then_some(()));
    family.signal("KILL");
}

/// A process as `/proc` tells of it.
struct Known {
    id: u32,
    parent: u32,
    group: u32,
    /// It has ended, and nobody has asked for it yet.
    over: bool,
}

/// Every process there is; `None` on a system that has no `/proc`.
fn processes() -> Option<Vec<Known>> {
    let processes = std::fs::read_dir("/proc").ok()?;
    let known = processes.flatten().filter_map(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        // The name before may hold anything.
        let (id, rest) = (stat.split(' ').next()?, stat.rsplit_once(") ")?.1);
        let mut words = rest.split(' ');
        Some(Known {
            id: id.parse().ok()?,
            over: matches!(words.next()?, "Z" | "X"),
            parent: words.next()?.parse().ok()?,
            group: words.next()?.parse().ok()?,
        })
    });
    Some(known.collect())
}

/// Groups, and everybody who descends from a process, with the groups that these have made
/// for themselves, as a test does for the servers it starts.
struct Family {
    groups: BTreeSet<u32>,
    /// Also one by one: between being seen and being told, a process may leave its group.
    members: BTreeSet<u32>,
}

impl Family {
    fn below(ancestor: u32, groups: impl IntoIterator<Item = u32>) -> Self {
        let mut family = Self {
            groups: groups.into_iter().collect(),
            members: BTreeSet::new(),
        };
        let all = processes().unwrap_or_default();
        let own = all.iter().find(|known| known.id == std::process::id());
        let own = own.map(|known| known.group);
        let mut open = vec![ancestor];
        while let Some(parent) = open.pop() {
            for child in all.iter().filter(|known| known.parent == parent) {
                open.push(child.id);
                // Whoever is in this process' own group is not ours to end, nor is init.
                if Some(child.group) != own && child.group > 1 {
                    family.groups.insert(child.group);
                    family.members.insert(child.id);
                }
            }
        }
        family
    }

    fn signal(&self, signal: &str) {
        for id in &self.groups {
            signal_group(signal, *id);
        }
        if cfg!(unix) && !self.members.is_empty() {
            let mut command = Command::new("sh");
            command.args(["-c", "kill -s \"$0\" -- \"$@\"", signal]);
            command.args(self.members.iter().map(u32::to_string));
            succeeds(command);
        }
    }

    fn lives(&self) -> bool {
        match processes() {
            Some(all) => all.iter().any(|known| {
                let of_us = self.groups.contains(&known.group) || self.members.contains(&known.id);
                of_us && !known.over
            }),
            None => self.groups.iter().any(|id| signal_group("0", *id)),
        }
    }
}

/// Looks until `found` answers, at most for `bound`; looks once at least.
pub fn poll<T>(bound: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + bound;
    loop {
        if let Some(found) = found() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a command to its end, with nothing to read. What it says goes where the command sends it.
pub fn run(what: &str, mut command: Command) -> Outcome<ExitStatus> {
    command.stdin(Stdio::null());
    let mut running = start(what, command)?;
    loop {
        if let Some(status) = running.wait(Duration::from_secs(3600)) {
            return Ok(status);
        }
    }
}

/// Runs a short command to its end and gives what it printed; a failure tells its last line.
pub fn output(what: &str, mut command: Command) -> Outcome<String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = start(what, command)?;
    let errors = running.child().stderr.take().map(|mut errors| {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            // What was said until then is told.
            let _ = errors.read_to_end(&mut said);
            said
        })
    });
    let mut printed = Vec::new();
    if let Some(output) = &mut running.child().stdout {
        // Cut short, it is told by the status.
        let _ = output.read_to_end(&mut printed);
    }
    let status = loop {
        if let Some(status) = running.wait(Duration::from_secs(3600)) {
            break status;
        }
    };
    if status.success() {
        return Ok(String::from_utf8_lossy(&printed).into_owned());
    }
    let said = errors.and_then(|errors| errors.join().ok());
    let said = said.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let last = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing");
    Err(Problem::new(format!(
        "{what} failed ({status}): {}",
        last.trim()
    )))
}

/// Whether a program of this name can be found.
pub fn is_there(program: &str) -> bool {
    find(program).is_some()
}

/// Where a program of this name is, as a shell would find it.
pub fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names: &[&str] = if cfg!(windows) {
        &[".exe", ".cmd", ".bat"]
    } else {
        &[""]
    };
    std::env::split_paths(&path)
        .flat_map(|folder| {
            names
                .iter()
                .map(move |ending| folder.join(format!("{program}{ending}")))
        })
        .find(|path| path.is_file())
}

/// The last `count` lines of a log, for a message about a process that did not start.
pub fn tail(log: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(count)..)
        .unwrap_or_default()
        .join("\n")
}

fn groups<T>(with: impl FnOnce(&mut Groups) -> T) -> T {
    with(&mut GROUPS.lock().unwrap_or_else(PoisonError::into_inner))
}

fn spawn_from_lasting_thread(command: Command) -> io::Result<Child> {
    type Order = (Command, Sender<io::Result<Child>>);
    static STARTER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (send, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                // Nobody waits any more only if the asking thread died: the child is dropped then.
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(send)
    });
    let (send, answer) = channel();
    starter
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, send))
        .map_err(|_| io::Error::other("the starting thread is gone"))?;
    answer
        .recv()
        .map_err(|_| io::Error::other("the starting thread is gone"))?
}

/// Whether it reached somebody. The signal `0` only asks.
fn signal_group(signal: &str, id: u32) -> bool {
    let command = if cfg!(windows) {
        let mut command = Command::new("taskkill");
        command.args(["/F", "/T", "/PID", &id.to_string()]);
        command
    } else {
        // The shell's own `kill`: a small system may have no program of that name.
        let mut command = Command::new("sh");
        command.args(["-c", "kill -s \"$0\" -- \"-$1\"", signal, &id.to_string()]);
        command
    };
    // A group that is gone already is what was wanted.
    succeeds(command)
}

/// Runs a command that says nothing, in this process' own group.
fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    const BOUND: Duration = Duration::from_secs(20);

    fn lives(id: &str) -> bool {
        Command::new("sh")
            .args(["-c", "kill -0 \"$0\" 2>/dev/null", id])
            .status()
            .unwrap()
            .success()
    }

    fn is_gone(id: &str) -> bool {
        poll(BOUND, || (!lives(id)).then_some(())).is_some()
    }

    /// A shell with a child, and the child's id.
    fn with_a_child(script: &str) -> (Running, String) {
        let mut command = clean_command("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        let mut running = start("a shell", command).unwrap();
        let mut line = String::new();
        let stdout = running.child().stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        (running, line.trim().to_owned())
    }

    #[test]
    #[cfg(unix)]
    fn killing_a_process_ends_its_children_too() {
        for apart in ["", "setsid "] {
            let (mut running, child) = with_a_child(&format!("{apart}sleep 600 & echo $!; wait"));
            assert!(lives(&child), "the grandchild runs first");
            running.kill();
            assert!(is_gone(&child), "then it is gone");
        }
    }

    #[test]
    #[cfg(unix)]
    fn what_a_process_leaves_behind_ends_with_it() {
        let (mut running, child) = with_a_child("sleep 600 & echo $!");
        assert!(running.wait(BOUND).is_some(), "it ends by itself");
        assert!(is_gone(&child), "and what it has started ends too");
    }

    #[test]
    #[cfg(unix)]
    fn a_process_over_its_limit_is_ended_with_its_group_and_its_output() {
        let mut command = clean_command("sh");
        command
            .args(["-c", "trap '' TERM; sleep 600 & echo $!; wait; wait"])
            .stdout(Stdio::piped());
        let mut running = start("a shell", command).unwrap();
        running.limit(Duration::from_millis(300));
        let mut said = String::new();
        let mut output = running.child().stdout.take().unwrap();
        output.read_to_string(&mut said).unwrap();
        assert!(running.wait(BOUND).is_some_and(|status| !status.success()));
        assert!(running.overran());
        assert!(is_gone(said.trim()));
    }

    #[test]
    fn a_process_within_its_limit_ends_as_it_likes() {
        let mut running = start("true", clean_command("true")).unwrap();
        running.limit(BOUND);
        assert!(running.wait(BOUND).is_some_and(|status| status.success()));
        assert!(!running.overran());
    }

    #[test]
    #[cfg(unix)]
    fn a_failure_tells_the_last_line_said() {
        let shell = |script: &str| {
            let mut command = clean_command("sh");
            command.args(["-c", script]);
            output("a shell", command)
        };
        assert_eq!(shell("echo well").unwrap(), "well\n");
        let problem = shell("echo first >&2; echo last >&2; exit 3").unwrap_err();
        assert!(problem.sentence.contains("exit status: 3"), "{problem}");
        assert!(problem.sentence.ends_with("last"), "{problem}");
    }

    /// What [`a_signal_ends_every_group`] sends signals to: this test again, in a process
    /// of its own, which the variable tells from the ordinary run.
    #[test]
    #[cfg(unix)]
    fn somebody_who_ends_on_signals() {
        if std::env::var_os("XTASK_TO_BE_ENDED").is_none() {
            return;
        }
        end_on_signals().unwrap();
        tidy_up_on_signals(|| println!("tidied up"));
        let (_asks, one) = with_a_child("sleep 600 & echo $!; wait");
        let (_stubborn, other) =
            with_a_child("trap '' HUP INT TERM; sleep 600 & echo $!; wait; wait");
        let (_apart, third) = with_a_child("setsid sleep 600 & echo $!; wait");
        println!("\nchildren {one} {other} {third}");
        io::stdout().flush().unwrap();
        poll(Duration::from_secs(120), || asked_to_end().then_some(()));
        wait_for_the_end();
        panic!("nobody has ended it");
    }

    #[test]
    #[cfg(unix)]
    fn a_signal_ends_every_group() {
        std::thread::scope(|scope| {
            for signal in ["TERM", "HUP", "INT"] {
                scope.spawn(move || ends_every_group(signal));
            }
        });
    }

    fn ends_every_group(signal: &str) {
        let mut command = clean_command(std::env::current_exe().unwrap());
        command
            .args(["--exact", "--nocapture"])
            .arg("process::tests::somebody_who_ends_on_signals")
            .env("XTASK_TO_BE_ENDED", "1")
            .stdout(Stdio::piped());
        let mut running = start("the tests", command).unwrap();
        let output = running.child().stdout.take().unwrap();
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let children: Vec<String> = lines
            .find_map(|line| {
                let ids = line.strip_prefix("children ")?;
                Some(ids.split(' ').map(str::to_owned).collect())
            })
            .expect("it says whom it has started");
        assert!(children.iter().all(|child| lives(child)));
        // To it alone, not to its group: what follows is its own doing.
        let mut kill = clean_command("sh");
        kill.args(["-c", "kill -s \"$0\" \"$1\"", signal])
            .arg(running.id().to_string());
        super::output("kill", kill).unwrap();
        let status = running.wait(BOUND).expect("it ends");
        assert_eq!(status.code(), Some(130), "after SIG{signal}");
        assert!(lines.any(|line| line == "tidied up"), "after SIG{signal}");
        for child in &children {
            assert!(is_gone(child), "{child} is gone after SIG{signal}");
        }
    }

    #[test]
    fn a_clean_command_inherits_only_the_basics() {
        let command = clean_command("program");
        for (name, _) in command.get_envs() {
            assert!(
                BASICS.iter().any(|basic| name == *basic),
                "{name:?} is no basic"
            );
        }
    }
}
