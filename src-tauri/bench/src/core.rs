//! The core: from its start to the list and the newest 50 of a conversation,
//! and the memory that it has then.
//!
//! Ours is `whinchat-rpc` on an account that is offline: data folder, keychain,
//! engine, everything. The floor is a program with tokio that opens the same
//! file with SQLCipher and reads the same rows with bare statements.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant as Clock},
};

use serde_json::{Value, json};
use xtask::{name, paths, process};

use crate::{
    Outcome, Size, block_on,
    desk::{self, Desk},
    figure::{Budget, Figure, Runs, Section},
    history::with,
    ingest::grouped,
    reading,
};

/// The word that makes this program be the floor.
pub const BARE: &str = "--bare-core-on";
/// Longer than an answer takes.
const BOUND: Duration = Duration::from_secs(5);

/// Is the floor: opens, reads, says so, and waits for the end of its input.
pub fn bare(path: &Path) -> Outcome {
    block_on(async {
        let path = path.to_path_buf();
        let opened = tokio::task::spawn_blocking(move || {
            let database = reading::bare_open(&path)?;
            reading::bare_first(&database)?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(database)
        });
        let _database = opened.await??;
        println!("read");
        std::io::stdin().read_to_end(&mut Vec::new())?;
        Ok(())
    })
}

/// Starts a program, asks it these lines, and gives how long it was until it had
/// answered so many lines that `counts`, and its memory then.
fn once(
    mut command: Command,
    asked: &[String],
    counts: impl Fn(&str) -> bool,
) -> Outcome<(f64, f64)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let begun = Clock::now();
    let mut running = process::start("a core", command)?;
    let mut input = running.child().stdin.take().ok_or("no input")?;
    for line in asked {
        writeln!(input, "{line}")?;
    }
    let output = running.child().stdout.take().ok_or("no output")?;
    let mut left = asked.len().max(1);
    for line in BufReader::new(output).lines() {
        if counts(&line?) {
            left -= 1;
        }
        if left == 0 {
            break;
        }
    }
    let took = begun.elapsed().as_secs_f64() * 1e3;
    if left > 0 {
        return Err("a core ended before it had answered".into());
    }
    let memory = desk::memory(running.id())?;
    drop(input);
    running.stop(BOUND);
    Ok((took, memory))
}

/// Measures it at two sizes.
pub fn measure(size: &Size) -> Outcome<Section> {
    let desk = Desk::start()?;
    let mut figures = Vec::new();
    let mut ours_at = Vec::new();
    for &held in size.stored {
        let (data, account) = desk.account(held)?;
        let line = |id: u32, command: &str, more: Value| {
            let mut args = json!({"account": account.to_string()});
            if let (Some(args), Value::Object(more)) = (args.as_object_mut(), more) {
                args.extend(more);
            }
            json!({"id": id, "command": command, "args": args}).to_string()
        };
        let newest = json!({
            "conversation": with(1).to_string(), "anchor": {"at": "newest"}, "limit": 50,
        });
        let asked = [line(1, "open", json!({})), line(2, "page", newest)];
        let ours = || {
            let mut command = desk.command(&paths::released(&name::rpc()));
            command.arg("serve").arg("--data").arg(&data);
            once(command, &asked, |line| {
                line.starts_with("{\"id\"") && line.contains("\"ok\"")
            })
        };
        let file: PathBuf = data
            .join("accounts")
            .join(account.to_string())
            .join("messages.db");
        let floor = || {
            let mut command = desk.command(&std::env::current_exe()?);
            command.arg(BARE).arg(&file);
            once(command, &[], |line| line == "read")
        };
        let (mut starts, mut memories) = (Vec::new(), Vec::new());
        // The first warms the file and does not count.
        for run in 0..=size.starts {
            let (ours, floor) = if run % 2 == 0 {
                let first = ours()?;
                (first, floor()?)
            } else {
                let first = floor()?;
                (ours()?, first)
            };
            if run > 0 {
                starts.push((ours.0, floor.0));
                memories.push((ours.1, floor.1));
            }
        }
        let at = grouped(held);
        figures.push(Figure::paired(
            format!("start to list and newest 50, {at} held"),
            "ms",
            &starts,
        ));
        figures.push(Figure::paired(
            format!("memory then, {at} held"),
            "MB",
            &memories,
        ));
        let median = |of: &[(f64, f64)]| Runs::of(of.iter().map(|pair| pair.0)).median();
        ours_at.push((held, median(&starts), median(&memories)));
    }
    figures.extend(growth(&ours_at, size.starts));
    Ok(Section {
        title: "The core".to_owned(),
        words: "`whinchat-rpc` on an account that is offline, from its start to `open` and `page` \
                answered, keychain included; memory is PSS. Floor: a program with tokio that opens the \
                same file with SQLCipher and reads the same rows with bare statements."
            .to_owned(),
        figures,
    })
}

/// The large beside the small, and what a million messages more cost.
pub fn growth(at: &[(usize, f64, f64)], runs: usize) -> Vec<Figure> {
    let [small, large] = at else {
        return Vec::new();
    };
    let mut figures = Vec::new();
    for (what, unit, small, large) in [
        ("start", "ms", small.1, large.1),
        ("memory", "MB", small.2, large.2),
    ] {
        let name = format!(
            "{what}, {} held (floor: {})",
            grouped(at[1].0),
            grouped(at[0].0)
        );
        let mut figure = Figure::derived(name, unit, large, runs).beside(small);
        figure.budget = Some(Budget::at_most(large / small, 1.1, "<= 1.1 x"));
        figures.push(figure);
    }
    let more = (large.0 - small.0) as f64 / 1e6;
    figures.push(Figure::derived(
        "slope: memory for a million messages",
        "MB",
        (large.2 - small.2) / more,
        runs,
    ));
    figures
}
