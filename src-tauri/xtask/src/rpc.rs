//! The messenger without a window, as a chore uses it: one account in a data
//! folder whose secrets lie under a passphrase, for a machine without a keychain.
//!
//! Owns: how credentials reach the program, by descriptor only (a password on
//! stdin, the passphrase as descriptor 3), and its lines of JSON. Never: what
//! is said.

use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::{name, paths, random};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Signing in, or any answer, also on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

/// The program with these words, to be spoken to through pipes; the passphrase stands in a file.
pub fn command(data: &Path, passphrase: &Path, words: &[&str]) -> Command {
    let mut command = process::clean_command("sh");
    command
        .args(["-c", "exec \"$@\" 3<\"$0\""])
        .arg(passphrase)
        .arg(paths::built(&name::rpc()))
        .args(words)
        .arg("--data")
        .arg(data)
        .args(["--passphrase-fd", "3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// An account that is signed in and open. Dropped, it ends.
pub struct Account {
    running: Running,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    id: String,
}

impl Account {
    /// Signs in, into a fresh folder, and opens the account.
    ///
    /// # Errors
    /// The server is away, or does not know the person.
    pub fn sign_in(folder: &Path, server: &str, email: &str, password: &str) -> Outcome<Self> {
        paths::remove(folder)?;
        paths::make_private(folder)?;
        let passphrase = folder.join("passphrase");
        paths::write_private(&passphrase, &random::word(20))?;
        let data = folder.join("data");
        let program = |words: &[&str]| command(&data, &passphrase, words);
        Self::sign_in_with(folder, server, email, password, "passphrase", program)
    }

    /// The same with any build of the program, whose secrets lie in this vault; `program`
    /// gives it with these words, for the same data folder each time.
    ///
    /// # Errors
    /// As [`Self::sign_in`].
    pub fn sign_in_with(
        folder: &Path,
        server: &str,
        email: &str,
        password: &str,
        vault: &str,
        program: impl Fn(&[&str]) -> Command,
    ) -> Outcome<Self> {
        let words = [
            "sign-in",
            "--server",
            server,
            "--email",
            email,
            "--password-fd",
            "0",
            "--vault",
            vault,
            "--accept-terms",
        ];
        let (mut running, lines) = start(program(&words), folder)?;
        if let Some(mut input) = running.child().stdin.take() {
            // One that has ended already has said why.
            let _ = writeln!(input, "{password}");
        }
        let answer = lines.recv_timeout(BOUND).unwrap_or_default();
        running.wait(BOUND);
        let Some(id) = answer.pointer("/ok/id").and_then(Value::as_str) else {
            return Err(Problem::new(format!(
                "{email} could not sign in: {}",
                answer.pointer("/error/code").unwrap_or(&Value::Null)
            )));
        };
        let words = ["serve", "--events", "--unlock", id];
        // A keychain needs no unlocking by us.
        let words = words.get(..if vault == "passphrase" { 4 } else { 2 });
        let (mut running, lines) = start(program(words.unwrap_or_default()), folder)?;
        let mut account = Self {
            stdin: running.child().stdin.take(),
            running,
            lines,
            id: id.to_owned(),
        };
        account.ask("open", json!({}))?;
        account.wait("its answer to open", |line| {
            (line.get("id") == Some(&json!("open"))).then_some(())
        })?;
        Ok(account)
    }

    /// Asks for something; the answer has the command's name as its id.
    ///
    /// # Errors
    /// The program has ended.
    pub fn ask(&mut self, command: &str, mut args: Value) -> Outcome {
        if let Some(args) = args.as_object_mut() {
            args.insert("account".to_owned(), json!(self.id));
        }
        let line = json!({ "id": command, "command": command, "args": args });
        let input = self.stdin.as_mut();
        let written = input.is_some_and(|input| writeln!(input, "{line}").is_ok());
        if written {
            Ok(())
        } else {
            Err(Problem::new(format!("{} has ended.", name::rpc())))
        }
    }

    /// Says something.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn send(&mut self, conversation: &str, text: &str) -> Outcome {
        self.ask(
            "send",
            json!({ "conversation": conversation, "text": text }),
        )
    }

    /// The next message that somebody else has written, if one comes in time.
    pub fn heard(&mut self, patience: Duration) -> Option<Value> {
        self.next(patience, |line| {
            let event = line.get("event").and_then(Value::as_str);
            (event == Some("message"))
                .then(|| line.pointer("/value/message").cloned())
                .flatten()
        })
    }

    /// Waits until it is told of what happens as it happens. Only then is what somebody
    /// writes told as new; before, it belongs to what there was.
    ///
    /// # Errors
    /// The server is out of reach, or the program has ended.
    pub fn live(&mut self) -> Outcome {
        self.wait("a connection", |line| {
            let event = line.get("event").and_then(Value::as_str);
            let state = line
                .pointer("/value/connection/state")
                .and_then(Value::as_str);
            (event == Some("connection") && state == Some("live")).then_some(())
        })
    }

    /// Whether the program is there.
    pub fn is_running(&mut self) -> bool {
        self.running.ended().is_none()
    }

    fn wait<T>(&mut self, what: &str, found: impl Fn(&Value) -> Option<T>) -> Outcome<T> {
        let found = self.next(BOUND, found);
        found.ok_or_else(|| Problem::new(format!("{} did not give {what}.", name::rpc())))
    }

    /// The first line within this time in which `found` finds something.
    fn next<T>(&self, patience: Duration, found: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        loop {
            let left = patience.checked_sub(begun.elapsed())?;
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    if let Some(found) = found(&line) {
                        return Some(found);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

/// Starts it; what it says comes through the channel, what goes wrong into `log`.
fn start(mut command: Command, folder: &Path) -> Outcome<(Running, Receiver<Value>)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let path = folder.join("log");
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .doing(|| format!("write {}", path.display()))?;
    command.stderr(log);
    let mut running = process::start(&name::rpc(), command)?;
    let (send, lines) = channel();
    if let Some(output) = running.child().stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_default();
                if send.send(value).is_err() {
                    return;
                }
            }
        });
    }
    Ok((running, lines))
}
