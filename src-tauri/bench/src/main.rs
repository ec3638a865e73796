//! How fast it is: every figure beside its floor, in one run.
//!
//! ```text
//!  cargo xtask bench -> builds, starts this -> sections, one after the other -> a table
//! ```
//! It measures and never judges: a figure beyond its budget is printed as such,
//! and the exit code says only whether everything could be measured. Times are
//! of this machine as it was; the ratios are the point. What does not vary
//! (queries, requests, transactions, patches) is asserted in the core's tests.
//!
//! Owns: its databases in the cache, a folder in the system's place for
//! temporary files, and every process that it starts. Never: a person's data.

mod catch_up;
mod core;
mod desk;
mod figure;
mod history;
mod ingest;
mod random;
mod reading;
mod search;
mod send;
mod server;
mod window;
mod written;

use std::{error::Error, process::ExitCode};

use figure::Section;

/// What may go wrong is only told, so any error will do.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How much is measured.
struct Size {
    /// Messages held, for ingest.
    ingest: &'static [usize],
    /// Messages held, for everything else: a small and a large number.
    stored: &'static [usize],
    /// Runs of each measure.
    runs: usize,
    /// Queries of each kind of search.
    searches: usize,
    /// Messages missed, and runs of each.
    missed: &'static [(usize, usize)],
    /// Pairs of messages sent.
    pairs: usize,
    /// Starts of the core.
    starts: usize,
    /// Starts of the window.
    windows: usize,
}

const FULL: Size = Size {
    ingest: &[1_000, 10_000, 100_000, 1_000_000],
    stored: &[1_000, 1_000_000],
    runs: 20,
    searches: 200,
    missed: &[(0, 30), (100, 30), (10_000, 6)],
    pairs: 500,
    starts: 20,
    windows: 10,
};

const QUICK: Size = Size {
    ingest: &[1_000, 10_000],
    stored: &[1_000, 10_000],
    runs: 3,
    searches: 5,
    missed: &[(0, 2), (100, 2)],
    pairs: 10,
    starts: 2,
    windows: 1,
};

/// A part of the bench: its name for `--only`, and what measures it.
type Part = (&'static str, fn(&Size) -> Outcome<Section>);

const PARTS: &[Part] = &[
    ("ingest", ingest::measure),
    ("reading", reading::measure),
    ("search", search::measure),
    ("catch-up", catch_up::measure),
    ("send", send::measure),
    ("core", core::measure),
    ("window", window::measure),
];

/// Runs what needs a runtime.
fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// What is asked for.
#[derive(Default)]
struct Options {
    quick: bool,
    json: bool,
    write: bool,
    only: Vec<String>,
}

impl Options {
    fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--write" => options.write = true,
                "--only" => {
                    let name = words.next().unwrap_or_default();
                    if !PARTS.iter().any(|(part, _)| *part == name) {
                        let known: Vec<&str> = PARTS.iter().map(|part| part.0).collect();
                        return Err(format!("--only takes one of {}.", known.join(", ")));
                    }
                    options.only.push(name);
                }
                other => return Err(format!("\"{other}\" is not known to bench.")),
            }
        }
        if options.write && (options.quick || !options.only.is_empty()) {
            return Err("--write takes the whole bench: no --quick, no --only.".to_owned());
        }
        Ok(options)
    }
}

/// What this program does as a part of its own measures.
fn as_a_part(words: &[String]) -> Option<Outcome> {
    match words {
        [word, account] if word == desk::KEEP => Some(desk::keep_secrets(account)),
        [word, path] if word == core::BARE => Some(core::bare(path.as_ref())),
        _ => None,
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(done) = as_a_part(&words) {
        return match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let options = match Options::read(words.into_iter()) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    if let Err(problem) = xtask::process::end_on_signals() {
        eprintln!("{problem}");
        return ExitCode::FAILURE;
    }
    let size = if options.quick { QUICK } else { FULL };
    let mut sections = Vec::new();
    let mut failed = false;
    for (name, measure) in PARTS {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == name) {
            continue;
        }
        eprintln!("{name}");
        match measure(&size) {
            Ok(section) => sections.push(section),
            Err(error) => {
                eprintln!("{name} could not be measured: {error}");
                failed = true;
            }
        }
    }
    if options.json {
        match serde_json::to_string_pretty(&sections) {
            Ok(json) => println!("{json}"),
            Err(error) => {
                eprintln!("{error}");
                failed = true;
            }
        }
    } else {
        print!("{}", figure::table(&sections));
    }
    if options.write && !failed {
        match written::write(&sections) {
            Ok(path) => eprintln!("written into {}", path.display()),
            Err(error) => {
                eprintln!("the table could not be written: {error}");
                failed = true;
            }
        }
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
