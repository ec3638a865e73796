//! Processes that never outlive the one that started them.
//!
//! On Linux every child asks the kernel to be killed when its parent dies
//! (`setpriv --pdeathsig`), so that not even `kill -9` leaves one behind. That
//! signal follows the *thread* that started the child, so one thread, which
//! lives as long as the process, starts them all. Elsewhere, and for the
//! children's own children, [`end_all`] ends the process groups by their ids.
//!
//! Never ends a process by name.

use crate::problem::{Outcome, Problem};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

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
static GROUPS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

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
}

/// Starts a command made by [`clean_command`] or [`bound_command`] in a process group of its own.
/// `what` names it in messages.
pub fn start(what: &str, mut command: Command) -> Outcome<Running> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    let child = spawn_from_lasting_thread(command)
        .map_err(|error| Problem::new(format!("Could not start {what}: {error}.")))?;
    groups(|groups| groups.insert(child.id()));
    Ok(Running {
        child,
        what: what.to_owned(),
    })
}

impl Running {
    /// The process id.
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

    /// How it ended, or `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it ends by itself; `None` when it still runs after `bound`.
    pub fn wait(&mut self, bound: Duration) -> Option<ExitStatus> {
        poll(bound, || self.ended())
    }

    /// Ends it at once, as `kill -9` does, with all its group.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            signal_group("KILL", self.child.id());
            // The group is gone, or this system has none: the child itself is left to end.
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        groups(|groups| groups.remove(&self.child.id()));
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

/// Kills every process group that is still running: for the moment before this process ends.
pub fn end_all() {
    for id in groups(std::mem::take) {
        signal_group("KILL", id);
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

/// Runs a short command to its end and gives what it printed; a failure tells its last line.
pub fn output(what: &str, mut command: Command) -> Outcome<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Problem::new(format!("Could not start {what}: {error}.")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing");
    Err(Problem::new(format!(
        "{what} failed ({}): {}",
        output.status,
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

fn groups<T>(with: impl FnOnce(&mut BTreeSet<u32>) -> T) -> T {
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

fn signal_group(signal: &str, id: u32) {
    let mut command = if cfg!(windows) {
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
    let _ = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn killing_a_process_ends_its_children_too() {
        let mut command = clean_command("sh");
        command
            .args(["-c", "sleep 600 & echo $!; wait"])
            .stdout(Stdio::piped());
        let mut running = start("a shell", command).unwrap();
        let mut line = String::new();
        let stdout = running.child().stdout.take().unwrap();
        io::BufRead::read_line(&mut io::BufReader::new(stdout), &mut line).unwrap();
        let lives = || {
            Command::new("sh")
                .args(["-c", "kill -0 \"$0\" 2>/dev/null", line.trim()])
                .status()
                .unwrap()
                .success()
        };
        assert!(lives(), "the grandchild runs first");
        running.kill();
        assert_eq!(
            poll(Duration::from_secs(10), || (!lives()).then_some(())),
            Some(()),
            "then it is gone"
        );
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
