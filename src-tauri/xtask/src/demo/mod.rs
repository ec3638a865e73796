//! `cargo xtask demo`: two windows that talk through a real Directus.
//!
//! ```text
//! checks -> lock -> packages -> (Directus | compile) -> server -> people, history
//!        -> keychain -> sign in -> windows -> until both are closed, or a signal
//! ```
//! Owns the demonstration's folder: server, both data folders, keychain and
//! `state.json`. Nothing is changed before every check has passed and the steps
//! were told. A window that dies is a failure. Whatever ends it, each child ends
//! too (see [`crate::process`]).

mod build;
mod checks;
mod display;
mod entries;
mod host;
mod stage;
mod world;

use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::progress::{self, say};
use crate::webdriver::Window;
use crate::{desktop, directus, name, paths, system};
use checks::{Audience, Work};
use host::ThisMachine;
use serde_json::json;
use stage::Stage;
pub(crate) use stage::{Accounts, erase, history, people, serve};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How the demonstration begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With the messages of the last time.
    Talk,
    /// From nothing.
    Fresh,
}

/// Runs the demonstration until both windows are closed.
pub fn run(mode: Mode) -> Outcome {
    say(format!(
        "{}: Alice and Bob talk through a Directus on this machine.",
        name::product()
    ));
    let folder = paths::demo()?;
    let work = checks::look(&ThisMachine, &folder, Audience::Person)?;
    let lock = lock(&folder)?;
    checks::tell(&work);
    if mode == Mode::Fresh {
        begin_again(&folder)?;
    }
    let display = std::env::var("DISPLAY").ok();
    let stage = prepare(&work, &folder, display.as_deref())?;
    let mut windows = [
        TalkingWindow::open(&stage, "Alice")?,
        TalkingWindow::open(&stage, "Bob")?,
    ];
    process::end_in_order();
    stage.introduce();
    say("Both windows are open. Close them, or press Ctrl-C, to end.");
    let ended = wait_for(&mut windows);
    say("Ending the windows and the server …");
    drop(windows);
    drop(stage);
    ended?;
    say(format!(
        "Ended. The messages are kept in {} ({}). To go on: cargo xtask demo",
        folder.display(),
        progress::bytes(paths::size(&folder))
    ));
    drop(lock);
    Ok(())
}

/// Runs it without a person: both windows send and receive, each is pictured.
pub fn check() -> Outcome {
    say(format!(
        "{}: Alice and Bob talk, and nobody has to watch.",
        name::product()
    ));
    let started = Instant::now();
    let pictures = paths::target().join("demo");
    let folder = pictures.join("world");
    let work = checks::look(&ThisMachine, &folder, Audience::Nobody)?;
    let lock = lock(&folder)?;
    checks::tell(&work);
    begin_again(&folder)?;
    system::install(&work.packages)?;
    // One display each, for a window that another one covers is not painted, and so
    // cannot be pictured. Nobody's own display is used: the windows would be in the way.
    let displays = [desktop::Display::start()?, desktop::Display::start()?];
    let [hers, his] = &displays;
    let stage = prepare(&work, &folder, Some(hers.name()))?;
    let open = |who: &str, display: &desktop::Display| {
        let mut environment = stage.environment().to_vec();
        environment.push(("DISPLAY".to_owned(), display.name().to_owned()));
        let app = paths::built(name::program());
        Window::open_with(&app, &stage.data(who), &environment)
    };
    let (hers, his) = (open("alice", hers)?, open("bob", his)?);
    let talked = talk(&stage, &hers, &his);
    // Pictured either way: of what went wrong, a picture says most.
    let pictured = [(&hers, "alice.png"), (&his, "bob.png")]
        .map(|(window, name)| window.picture(&pictures.join(name)));
    let (sent, received) = talked?;
    pictured.into_iter().collect::<Outcome>()?;
    hers.close();
    his.close();
    drop(stage);
    paths::remove(&folder)?;
    drop(lock);
    say(format!(
        "Pictures: {} and bob.png beside it",
        pictures.join("alice.png").display()
    ));
    say(format!(
        "demo: ok sent={sent} received={received} in {}",
        progress::duration(started.elapsed())
    ));
    Ok(())
}

/// Everything up to the windows.
fn prepare(work: &Work, folder: &Path, display: Option<&str>) -> Outcome<Stage> {
    system::install(&work.packages)?;
    let compiling = build::begin(work.crates)?;
    let installation = directus::install()?;
    let server = stage::start_server(&installation, folder)?;
    compiling.finish()?;
    Stage::set(server, folder, display)
}

/// Each says three things in turn; each must stand in both windows, once.
fn talk(stage: &Stage, hers: &Window, his: &Window) -> Outcome<(usize, usize)> {
    let (mut sent, mut received) = (0, 0);
    for (window, other) in [(hers, "bob"), (his, "alice")] {
        window.click(&format!("[data-conversation=\"dm:{}\"]", stage.id(other)?))?;
    }
    for round in 1..=3 {
        let lines = [
            (hers, his, format!("Hello Bob, this is line {round}.")),
            (his, hers, format!("Hello Alice, I have read line {round}.")),
        ];
        for (from, to, text) in lines {
            from.type_into("#composer", &text)?;
            from.click("#send")?;
            shown_once(from, &text)?;
            sent += 1;
            shown_once(to, &text)?;
            received += 1;
        }
    }
    let stored = stage.count("Hello ")?;
    if stored != sent {
        return Err(Problem::new(format!(
            "{sent} messages were sent, and {stored} are on the server."
        )));
    }
    Ok((sent, received))
}

fn shown_once(window: &Window, text: &str) -> Outcome {
    window
        .until(
            &format!("\"{text}\", once and sent"),
            "const found = [...document.querySelectorAll('[data-message]')]
               .filter(bubble => bubble.innerText.includes(arguments[0]));
             return found.length === 1 && found[0].dataset.state === 'sent'",
            &json!([text]),
        )
        .map(drop)
}

/// A window that a person closes.
struct TalkingWindow {
    running: Running,
    log: PathBuf,
}

impl TalkingWindow {
    /// Opens the window of `who`, a first name.
    fn open(stage: &Stage, who: &str) -> Outcome<Self> {
        let data = stage.data(&who.to_lowercase());
        beside_the_other(&data, who)?;
        let mut command = process::bound_command(paths::built(name::program()));
        command.arg("--data").arg(&data);
        let environment = stage.environment().iter();
        command.envs(environment.map(|(name, value)| (name, value)));
        Self::start(who, command, data.with_extension("log"))
    }

    fn start(who: &str, mut command: std::process::Command, log: PathBuf) -> Outcome<Self> {
        let output = File::create(&log).doing(|| format!("write {}", log.display()))?;
        let errors = output
            .try_clone()
            .doing(|| format!("write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let running = process::start(&format!("{who}'s window"), command)?;
        Ok(Self { running, log })
    }
}

/// Puts a window that has never stood anywhere beside the other's place, so that both
/// are seen at once on a screen of 1366 pixels; a person moves them as they like.
fn beside_the_other(data: &Path, who: &str) -> Outcome {
    let place = data.join("window.json");
    if place.exists() {
        return Ok(());
    }
    let x = if who == "Alice" { 16 } else { 688 };
    let stands = json!({ "x": x, "y": 48, "width": 656, "height": 680, "maximized": false });
    std::fs::write(&place, stands.to_string()).doing(|| format!("write {}", place.display()))
}

/// Waits until every window was closed, or until somebody asks for the end. A window that
/// ends in another way than by being closed is a failure, told with its log.
fn wait_for(windows: &mut [TalkingWindow]) -> Outcome {
    while !process::asked_to_end() {
        let mut open = 0;
        for window in windows.iter_mut() {
            match window.running.ended() {
                None => open += 1,
                Some(status) if status.success() => {}
                Some(status) => {
                    return Err(Problem::new(format!(
                        "{} ended by itself ({status}). Its log, {}, ends so:\n{}",
                        window.running.what(),
                        window.log.display(),
                        process::tail(&window.log, 12)
                    )));
                }
            }
        }
        if open == 0 {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
    for window in windows {
        window.running.stop(Duration::from_secs(5));
    }
    Ok(())
}

/// Holds the demonstration's folder for this process; refused while another has it.
pub fn lock(folder: &Path) -> Outcome<File> {
    paths::make_private(folder)?;
    let path = lock_path(folder);
    let mut lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .doing(|| format!("write {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Only for the sentence; the lock itself has refused already.
            let _ = lock.read_to_string(&mut owner);
            return Err(Problem::with_line(
                format!(
                    "A demonstration is running already, as process {}: close its windows, or end it by",
                    owner.trim()
                ),
                format!("kill {}", owner.trim()),
            ));
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).doing(|| format!("lock {}", path.display()));
        }
    }
    lock.set_len(0)
        .and_then(|()| write!(lock, "{}", std::process::id()))
        .doing(|| format!("write {}", path.display()))?;
    Ok(lock)
}

/// Beside the folder, so that erasing the folder leaves the lock in force.
fn lock_path(folder: &Path) -> PathBuf {
    folder.with_extension("lock")
}

/// Erases what was there, says what that frees, and makes the folder anew.
fn begin_again(folder: &Path) -> Outcome {
    let freed = erase(folder)?;
    if freed > 0 {
        say(format!(
            "Erased the demonstration in {}: {} are free.",
            folder.display(),
            progress::bytes(freed)
        ));
    }
    paths::make_private(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_demonstration_at_once_is_refused_with_the_process_that_has_it() {
        let place = std::env::temp_dir().join(format!("xtask-lock-{}", std::process::id()));
        let folder = place.join("demo");
        let first = lock(&folder).unwrap();
        let refused = lock(&folder).unwrap_err();
        let pid = std::process::id().to_string();
        assert!(refused.sentence.contains(&pid), "{}", refused.sentence);
        begin_again(&folder).unwrap();
        assert!(
            lock(&folder).is_err(),
            "erasing the folder does not free it"
        );
        drop(first);
        // A child that another test is just starting holds a copy of every open
        // file for the moment until it becomes its own program.
        let free = process::poll(Duration::from_secs(10), || lock(&folder).ok());
        assert!(free.is_some(), "ended, it leaves the folder free");
        paths::remove(&place).unwrap();
    }

    fn window(script: &str, log: &Path) -> TalkingWindow {
        let mut command = process::clean_command("sh");
        command.args(["-c", script]);
        TalkingWindow::start("Alice", command, log.to_path_buf()).unwrap()
    }

    #[test]
    fn both_windows_are_seen_at_once_until_somebody_moves_them() {
        let folder = std::env::temp_dir().join(format!("xtask-beside-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let kept = || std::fs::read_to_string(folder.join("window.json")).unwrap();
        let stands = |who: &str| {
            beside_the_other(&folder, who).unwrap();
            let place: serde_json::Value = serde_json::from_str(&kept()).unwrap();
            let at = |name: &str| place[name].as_i64().unwrap();
            (at("x"), at("x") + at("width"))
        };
        let (_, hers_ends) = stands("Alice");
        assert_eq!(stands("Bob").1, hers_ends, "what stands there stays");
        std::fs::remove_file(folder.join("window.json")).unwrap();
        let (his, his_ends) = stands("Bob");
        assert!(hers_ends < his && his_ends <= 1366);
        paths::remove(&folder).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_window_that_dies_is_a_failure_told_with_its_log() {
        let place = std::env::temp_dir().join(format!("xtask-windows-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        let log = place.join("alice.log");
        let dies = window("echo cannot open display: :7 >&2; exit 1", &log);
        let stays = window("exec sleep 600", &place.join("bob.log"));
        let problem = wait_for(&mut [stays, dies]).unwrap_err();
        assert_eq!(
            problem.sentence,
            format!(
                "Alice's window ended by itself (exit status: 1). Its log, {}, ends so:\ncannot open display: :7",
                log.display()
            )
        );
        let closed = || window("exit 0", &log);
        assert_eq!(wait_for(&mut [closed(), closed()]), Ok(()));
        paths::remove(&place).unwrap();
    }

    #[test]
    fn beginning_again_removes_the_demonstration_and_nothing_beside_it() {
        let place = std::env::temp_dir().join(format!("xtask-again-{}", std::process::id()));
        let folder = place.join("demo");
        let beside = place.join("demo-of-another");
        for folder in [&folder, &beside] {
            std::fs::create_dir_all(folder.join("server")).unwrap();
            std::fs::write(folder.join("server/data.db"), [0; 5000]).unwrap();
        }
        assert_eq!(erase(&folder), Ok(5000), "it knows what it frees");
        begin_again(&folder).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        assert_eq!(paths::size(&beside), 5000);
        paths::remove(&place).unwrap();
    }
}
