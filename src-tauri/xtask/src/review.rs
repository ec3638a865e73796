//! `cargo xtask review-server FOLDER --host NAME`: a server for whoever reviews
//! the app in a store, who has no Directus: with two people to sign in as, a
//! third who answers, and every night all of it as it was on the first evening.
//!
//! ```text
//! first time:  Directus -> people -> a copy of it, stopped -> what they have said
//! each start:  Directus, Carol -+-> one of them ended: started again
//!                               +-> 03:00 UTC: the copy put back, said anew
//!                               +-> a signal: both end
//! ```
//! Owns the folder: the server, the copy (`first`), Carol's data, and what its
//! owner needs (`accounts.txt`, `Caddyfile`, `review-server.service`). The server
//! is reached from this machine only; https in front of it is the owner's.
//! Never: a message of a reviewer's after the night.

use crate::directus::{self, Server};
use crate::problem::{Doing, Outcome, Problem};
use crate::process;
use crate::progress::{Step, say};
use crate::rpc::Account;
use crate::{compile, demo, http, name, network, paths};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The port of a server that was given none.
const PORT: u16 = 8055;
/// When the night's work begins, in seconds after midnight UTC.
const NIGHT: u64 = 3 * 60 * 60;
const DAY: u64 = 24 * 60 * 60;
/// How long one waits for a message before looking whether all is well.
const PAUSE: Duration = Duration::from_secs(2);
/// Longer than an answer ever takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the server's folder keeps that a reviewer may have changed.
const CHANGED: [&str; 3] = ["data.db", "data.db-wal", "data.db-shm"];

/// Runs it.
///
/// # Errors
/// Wrong words, a port that is taken, a server that does not start.
pub fn run(words: &[&str]) -> Outcome {
    if words == ["--check"] {
        return check();
    }
    let options = Options::read(words)?;
    if !http::is_free(options.port) {
        return Err(Problem::new(format!(
            "Port {} is taken by another program: give a free one with --port.",
            options.port
        )));
    }
    build()?;
    let mut review = Review::begin(&options.folder, options.port)?;
    write_papers(&options, &review.accounts)?;
    say(format!(
        "The server for reviewers answers at {}, and {} in front of it. In {}:\n  \
         accounts.txt             who may sign in: for the store's fields, nowhere else\n  \
         Caddyfile                https in front of it, with Caddy\n  \
         review-server.service    starts this again with the machine, with systemd\n\
         Every night at 03:00 UTC it is as it was. Ctrl-C ends it.",
        review.server.url(),
        options.host,
        options.folder.display()
    ));
    process::end_in_order();
    while !process::asked_to_end() {
        let until = night_after(SystemTime::now());
        while SystemTime::now() < until && !process::asked_to_end() {
            review.attend(PAUSE)?;
        }
        if !process::asked_to_end() {
            review.reset()?;
        }
    }
    Ok(())
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    folder: PathBuf,
    host: String,
    port: u16,
}

impl Options {
    fn read(words: &[&str]) -> Outcome<Self> {
        let usage = || {
            Problem::new(
                "cargo xtask review-server FOLDER --host NAME [--port N], as in \
                 review --host chat.example.org",
            )
        };
        let [folder, rest @ ..] = words else {
            return Err(usage());
        };
        if folder.starts_with('-') {
            return Err(usage());
        }
        let (mut host, mut port) = (None, PORT);
        for pair in rest.chunks(2) {
            match pair {
                ["--host", name] if is_host(name) => host = Some((*name).to_owned()),
                ["--host", name] => {
                    return Err(Problem::new(format!(
                        "{name} is no name of a machine: chat.example.org is one."
                    )));
                }
                ["--port", number] => {
                    port = number.parse().map_err(|_| {
                        Problem::new(format!("{number} is no port: one is 1 to 65535."))
                    })?;
                }
                _ => return Err(usage()),
            }
        }
        let folder = std::path::absolute(folder).doing(|| format!("find {folder}"))?;
        Ok(Self {
            folder,
            host: host.ok_or_else(usage)?,
            port,
        })
    }
}

/// It goes into files that other programs read.
fn is_host(name: &str) -> bool {
    name.contains('.')
        && name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

/// The next instant at which the night's work begins.
fn night_after(now: SystemTime) -> SystemTime {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let nights = (seconds + DAY - NIGHT) / DAY;
    UNIX_EPOCH + Duration::from_secs(nights * DAY + NIGHT)
}

fn build() -> Outcome {
    let step = Step::begin("what makes a server ready, and who answers, compiled");
    compile::programs(&[&name::provision(), &name::rpc()])?;
    step.done();
    Ok(())
}

/// The server, and Carol.
struct Review {
    // In the order in which they end.
    carol: Account,
    server: Server,
    folder: PathBuf,
    accounts: demo::Accounts,
}

impl Review {
    /// Starts it, made ready the first time.
    fn begin(folder: &Path, port: u16) -> Outcome<Self> {
        let installation = directus::install()?;
        paths::make_private(folder)?;
        let home = folder.join("server");
        let first = folder.join("first");
        let step = Step::begin("Directus, started");
        let settings = directus::Settings::default().port(port);
        let mut server = Server::start(&installation, &home, settings)?;
        step.done();
        let accounts = demo::people(&server, folder)?;
        if !first.join("data.db").is_file() {
            server.stop();
            keep(&home, &first)?;
            server.restart()?;
        }
        demo::history(&server, folder)?;
        let carol = carol(&server, folder, &accounts)?;
        Ok(Self {
            carol,
            server,
            folder: folder.to_path_buf(),
            accounts,
        })
    }

    /// Answers whoever writes, for a while; brings back what has ended.
    fn attend(&mut self, patience: Duration) -> Outcome {
        if !self.server.is_running() {
            say("The server has ended; it is started again.");
            self.server.restart()?;
        }
        if !self.carol.is_running() {
            say("Carol has ended; she signs in again.");
            self.carol = carol(&self.server, &self.folder, &self.accounts)?;
        }
        if let Some(message) = self.carol.heard(patience) {
            // One that can't be answered is looked at again above.
            let _ = answer(&mut self.carol, &message);
        }
        Ok(())
    }

    /// Puts everything back as it was on the first evening.
    fn reset(&mut self) -> Outcome {
        let step = Step::begin("the night's work: everything as it was");
        self.server.stop();
        let home = self.folder.join("server");
        put_back(&self.folder.join("first"), &home)?;
        self.server.restart()?;
        demo::history(&self.server, &self.folder)?;
        // Her session is gone with all others.
        self.carol = carol(&self.server, &self.folder, &self.accounts)?;
        step.done();
        Ok(())
    }
}

fn carol(server: &Server, folder: &Path, accounts: &demo::Accounts) -> Outcome<Account> {
    let [.., (email, password)] = accounts;
    Account::sign_in(&folder.join("carol"), &server.url(), email, password)
}

/// Says back what was said, and that a program did.
fn answer(carol: &mut Account, message: &Value) -> Outcome {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let (Some(conversation), Some(said), Some(sort)) =
        (text("conversation"), text("text"), text("sort"))
    else {
        return Ok(());
    };
    let words = format!(
        "I am a program that answers, so that you see a message come in. You wrote:\n{said}"
    );
    carol.send(conversation, &words)?;
    carol.ask(
        "mark_read",
        json!({ "conversation": conversation, "until": sort }),
    )
}

/// Copies what makes a stopped server into `first`; its name is only given to what is whole.
fn keep(home: &Path, first: &Path) -> Outcome {
    let part = first.with_extension("part");
    paths::remove(&part)?;
    paths::make_private(&part)?;
    for name in CHANGED {
        copy(&home.join(name), &part.join(name))?;
    }
    fs::rename(&part, first).doing(|| format!("move {}", first.display()))
}

/// Puts the copy back under a stopped server. Broken off, it is done again the next night.
fn put_back(first: &Path, home: &Path) -> Outcome {
    paths::remove(&home.join("uploads"))?;
    for name in CHANGED {
        let target = home.join(name);
        if target.is_file() {
            paths::remove_file(&target)?;
        }
        copy(&first.join(name), &target)?;
    }
    Ok(())
}

/// A stopped database may have nothing beside it.
fn copy(from: &Path, to: &Path) -> Outcome {
    if from.is_file() {
        fs::copy(from, to).doing(|| format!("copy to {}", to.display()))?;
    }
    Ok(())
}

/// What the owner of the machine and whoever fills in a store's fields need.
fn write_papers(options: &Options, accounts: &demo::Accounts) -> Outcome {
    let Options { folder, host, port } = options;
    let [alice, bob, (carol, _)] = accounts;
    let text = format!(
        "For App Store Connect (App Review Information) and Play (App access), nowhere else.\n\n\
         Server   https://{host}\n\
         Account  {}  password {}\n\
         Account  {}  password {}\n\n\
         {carol} is a program: whoever writes to Carol gets an answer.\n\
         Every night at 03:00 UTC all is as it was, and both accounts have to sign in again.\n",
        alice.0, alice.1, bob.0, bob.1
    );
    paths::write_private(&folder.join("accounts.txt"), &text)?;
    let caddy = format!("{host} {{\n\treverse_proxy 127.0.0.1:{port}\n}}\n");
    paths::write_private(&folder.join("Caddyfile"), &caddy)?;
    let service = format!(
        "[Unit]\nDescription={} for reviewers\nAfter=network-online.target\nWants=network-online.target\n\n\
         [Service]\nWorkingDirectory={}\n\
         ExecStart={} xtask review-server {} --host {host} --port {port}\n\
         KillSignal=SIGTERM\nTimeoutStopSec=60\nRestart=always\nRestartSec=30\n\n\
         [Install]\nWantedBy=default.target\n",
        name::product(),
        escaped(&paths::repository()),
        escaped(Path::new(&network::cargo())),
        escaped(folder)
    );
    paths::write_private(&folder.join("review-server.service"), &service)
}

/// As systemd reads a path with spaces or percent signs.
fn escaped(path: &Path) -> String {
    path.display()
        .to_string()
        .replace('%', "%%")
        .replace(' ', "\\x20")
}

/// Sets one up, talks to Carol, lets a night pass, and talks to her again.
fn check() -> Outcome {
    let begun = Instant::now();
    build()?;
    let folder = paths::target().join("review");
    paths::remove(&folder)?;
    let port = http::free_port().doing(|| "find a free port".to_owned())?;
    let options = Options {
        folder: folder.clone(),
        host: "chat.example.org".to_owned(),
        port,
    };
    let mut review = Review::begin(&folder, port)?;
    write_papers(&options, &review.accounts)?;
    let before = count(&review.server)?;
    let mut answered = 0;
    for night in [false, true] {
        if night {
            review.reset()?;
            let after = count(&review.server)?;
            if after != before {
                return Err(Problem::new(format!(
                    "After the night there are {after} messages, and there were {before}."
                )));
            }
        }
        let [alice, ..] = review.accounts.clone();
        let at = folder.join("alice");
        let mut alice = Account::sign_in(&at, &review.server.url(), &alice.0, &alice.1)?;
        let carol = person(&review.server, &review.accounts)?;
        alice.send(&format!("dm:{carol}"), "Good evening")?;
        review.attend(PATIENCE)?;
        let heard = alice.heard(PATIENCE).unwrap_or_default();
        let text = heard.get("text").and_then(Value::as_str);
        if !text.is_some_and(|text| text.ends_with("Good evening")) {
            return Err(Problem::new("Carol did not answer."));
        }
        answered += 1;
    }
    // One that ends is brought back.
    review.server.kill();
    review.attend(Duration::ZERO)?;
    count(&review.server)?;
    drop(review);
    paths::remove(&folder)?;
    say(format!(
        "review-server: ok messages={before} answered={answered} nights=1 in {} s",
        begun.elapsed().as_secs()
    ));
    Ok(())
}

/// How many messages the server has.
fn count(server: &Server) -> Outcome<usize> {
    let rows = server.rows("/items/chat_messages?limit=-1&fields=id")?;
    Ok(rows.len())
}

/// Carol's id on the server.
fn person(server: &Server, accounts: &demo::Accounts) -> Outcome<String> {
    let [.., (email, _)] = accounts;
    let filter = json!({ "email": { "_eq": email } }).to_string();
    let path = format!("/users?fields=id&filter={}", http::encode(&filter));
    let rows = server.rows(&path)?;
    let id = rows.first().and_then(|row| row.get("id")?.as_str());
    id.map(str::to_owned)
        .ok_or_else(|| Problem::new(format!("{email} is not on the server.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_is_the_next_three_oclock() {
        let after = |seconds| {
            let night = night_after(UNIX_EPOCH + Duration::from_secs(seconds));
            night.duration_since(UNIX_EPOCH).unwrap().as_secs()
        };
        assert_eq!(after(0), NIGHT);
        assert_eq!(after(NIGHT - 1), NIGHT);
        assert_eq!(after(NIGHT), DAY + NIGHT);
        assert_eq!(after(DAY + NIGHT - 1), DAY + NIGHT);
    }

    #[test]
    fn what_goes_into_other_programs_files_is_a_machines_name() {
        let read = |words: &[&str]| Options::read(words);
        let options = read(&["review", "--host", "chat.example.org", "--port", "8056"]).unwrap();
        assert_eq!(
            (options.host.as_str(), options.port),
            ("chat.example.org", 8056)
        );
        assert!(options.folder.is_absolute());
        for bad in [
            "localhost",
            "a b.example",
            "x.example {",
            "-a.example",
            "a..b",
            "",
        ] {
            assert!(read(&["review", "--host", bad]).is_err(), "{bad}");
        }
        for words in [
            &[][..],
            &["review"],
            &["--host", "a.example"],
            &["review", "--port", "0x1"],
        ] {
            assert!(read(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_copy_is_whole_or_not_there_and_takes_away_what_came_later() {
        let folder = std::env::temp_dir().join(format!("xtask-review-{}", crate::random::word(8)));
        let (home, first) = (folder.join("server"), folder.join("first"));
        fs::create_dir_all(home.join("uploads")).unwrap();
        fs::write(home.join("data.db"), "first").unwrap();
        keep(&home, &first).unwrap();
        fs::write(home.join("data.db"), "second").unwrap();
        fs::write(home.join("data.db-wal"), "later").unwrap();
        fs::write(home.join("uploads/picture"), "theirs").unwrap();
        put_back(&first, &home).unwrap();
        assert_eq!(fs::read_to_string(home.join("data.db")).unwrap(), "first");
        assert!(!home.join("data.db-wal").exists() && !home.join("uploads").exists());
        paths::remove(&folder).unwrap();
    }
}
