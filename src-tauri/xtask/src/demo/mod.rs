//! `cargo xtask demo`: two windows that talk through a real Directus.
//!
//! ```text
//! checks -> lock -> packages -> (Directus | compile) -> server -> people, history
//!        -> keychain -> sign in -> windows -> until both are closed, or a signal
//! ```
//! Owns the demonstration's folder: server, both data folders, keychain and
//! `state.json`. Nothing is changed before every check has passed. Whatever
//! ends it, each child ends too (see [`crate::process`]).

mod build;
mod checks;
mod stage;
mod world;

use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::progress;
use crate::webdriver::Window;
use crate::{desktop, directus, name, paths, system};
use serde_json::json;
use stage::Stage;
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
    println!(
        "{}: Alice and Bob talk through a Directus on this machine.",
        name::product()
    );
    let folder = paths::demo()?;
    let work = checks::look(&folder, true)?;
    let lock = lock(&folder)?;
    if mode == Mode::Fresh {
        erase(&folder)?;
    }
    checks::tell(&work);
    let display = std::env::var("DISPLAY").ok();
    let stage = prepare(&work, &folder, display.as_deref())?;
    let windows = ["alice", "bob"].map(|who| open_window(&stage, who));
    let [hers, his] = windows;
    process::end_in_order();
    stage.introduce();
    say("Both windows are open. Close them, or press Ctrl-C, to end.");
    wait_for(&mut [hers?, his?]);
    say("Ending the windows and the server …");
    drop(stage);
    say(&format!(
        "Ended. The messages are kept in {} ({}). To go on: cargo xtask demo",
        folder.display(),
        progress::bytes(paths::size(&folder))
    ));
    drop(lock);
    Ok(())
}

/// Runs it without a person: both windows send and receive, each is pictured.
pub fn check() -> Outcome {
    println!(
        "{}: Alice and Bob talk, and nobody has to watch.",
        name::product()
    );
    let started = Instant::now();
    let pictures = paths::target().join("demo");
    let folder = pictures.join("world");
    let work = checks::look(&folder, false)?;
    checks::tell(&work);
    let lock = lock(&folder)?;
    erase(&folder)?;
    system::install(&work.packages)?;
    // One display each, for a window that another one covers is not painted, and so
    // cannot be pictured. Nobody's own display is used: the windows would be in the way.
    let mut displays = Vec::new();
    if cfg!(target_os = "linux") {
        displays = vec![desktop::Display::start()?, desktop::Display::start()?];
    }
    let stage = prepare(&work, &folder, displays.first().map(desktop::Display::name))?;
    let open = |who: &str, display: Option<&desktop::Display>| {
        let mut environment = stage.environment().to_vec();
        environment.extend(display.map(|it| ("DISPLAY".to_owned(), it.name().to_owned())));
        Window::open_with(
            &paths::built(name::program()),
            &stage.data(who),
            &environment,
        )
    };
    let (hers, his) = (
        open("alice", displays.first())?,
        open("bob", displays.get(1))?,
    );
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
    println!(
        "Pictures: {} and bob.png beside it",
        pictures.join("alice.png").display()
    );
    println!(
        "demo: ok sent={sent} received={received} in {}",
        progress::duration(started.elapsed())
    );
    Ok(())
}

/// Everything up to the windows.
fn prepare(work: &checks::Work, folder: &Path, display: Option<&str>) -> Outcome<Stage> {
    system::install(&work.packages)?;
    let compiling = build::begin()?;
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

fn open_window(stage: &Stage, who: &str) -> Outcome<Running> {
    let log = stage.data(who).with_extension("log");
    let output = File::create(&log).doing(|| format!("write {}", log.display()))?;
    let errors = output
        .try_clone()
        .doing(|| format!("write {}", log.display()))?;
    let mut command = process::bound_command(paths::built(name::program()));
    command
        .arg("--data")
        .arg(stage.data(who))
        .envs(
            stage
                .environment()
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors);
    process::start(&format!("the window of {who}"), command)
}

fn wait_for(windows: &mut [Running]) {
    while !process::asked_to_end() {
        if windows.iter_mut().all(|window| window.ended().is_some()) {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
    for window in windows {
        window.stop(Duration::from_secs(5));
    }
}

/// Prints a line where there still is somebody to read it: the terminal may be gone.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
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

fn erase(folder: &Path) -> Outcome {
    let size = paths::size(folder);
    if size > 0 {
        println!(
            "Erasing the demonstration in {}: frees {}.",
            folder.display(),
            progress::bytes(size)
        );
    }
    paths::remove(folder)?;
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
        erase(&folder).unwrap();
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
}
