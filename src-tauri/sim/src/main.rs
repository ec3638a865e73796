//! `whinchat-sim --seeds N [--from S] [--clients C] [--kind both|sender|server] [--until-caught] [--seed S [--trace]] [--diagnostics DIR]`
//! `whinchat-sim --replay FILE`
//!
//! Prints each failing seed's shortest story, the table of what was met, and
//! last `sim: seeds=N lost=0 doubled=0 foreign=0 diverged=0`. Exits with 1
//! when any is not 0, and, over enough seeds, when a cell of the table is
//! empty without a reason. With `--until-caught` it stops at the first
//! finding and prints `caught: seeds=N kind seed words`, which is what a
//! planted defect is for. With `--replay` it tells again what somebody handed
//! over, and prints `replay: inputs=N same=N from_the_beginning=yes findings=0`;
//! `--diagnostics` writes what each client would hand over at the end.
//! The worlds are single-threaded; seeds are shared out
//! over the processors, and told in their order.

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use whinchat_core::{
    diagnostics::{Bundle, Entry},
    model::{Instant, Stamps},
    store::StoreError,
};
use whinchat_sim::{
    replay::replay,
    run::{self, Sum},
    world::{Outcome, Setting},
};

const USAGE: &str = "usage: whinchat-sim [--seeds N] [--from S] [--clients C] [--kind both|sender|server] [--seed S] [--trace] [--no-shrink] [--until-caught] [--diagnostics DIR]
       whinchat-sim --replay FILE";

/// How many failing seeds are made shorter.
const SHRUNK: usize = 3;

#[derive(Clone)]
struct Arguments {
    seeds: u64,
    from: u64,
    kind: Option<Stamps>,
    clients: Option<usize>,
    trace: bool,
    shrink: bool,
    until_caught: bool,
    replay: Option<PathBuf>,
    diagnostics: Option<PathBuf>,
}

fn arguments() -> Result<Arguments, String> {
    let mut all = Arguments {
        seeds: 200,
        from: 1,
        kind: None,
        clients: None,
        trace: false,
        shrink: true,
        until_caught: false,
        replay: None,
        diagnostics: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--replay" {
            all.replay = Some(words.next().ok_or("--replay needs a file")?.into());
            continue;
        }
        if word == "--diagnostics" {
            let folder = words.next().ok_or("--diagnostics needs a folder")?;
            all.diagnostics = Some(folder.into());
            continue;
        }
        let mut number = || -> Result<u64, String> {
            let value = words.next().ok_or(format!("{word} needs a number"))?;
            value.parse().map_err(|_| format!("{value} is no number"))
        };
        match word.as_str() {
            "--seeds" => all.seeds = number()?,
            "--from" => all.from = number()?,
            "--clients" => all.clients = usize::try_from(number()?.clamp(1, 8)).ok(),
            "--seed" => {
                all.from = number()?;
                all.seeds = 1;
            }
            "--trace" => all.trace = true,
            "--no-shrink" => all.shrink = false,
            "--until-caught" => all.until_caught = true,
            "--kind" => {
                all.kind = match words.next().as_deref() {
                    Some("both") => None,
                    Some("sender") => Some(Stamps::Sender),
                    Some("server") => Some(Stamps::Server),
                    _ => return Err("--kind is both, sender or server".to_owned()),
                }
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(all)
}

impl Arguments {
    fn setting(&self, seed: u64) -> Setting {
        Setting {
            kind: self.kind,
            clients: self.clients,
            trace: self.trace,
            journals: self.diagnostics.is_some(),
            ..Setting::of(seed)
        }
    }
}

/// What the threads have done and the teller has not told yet.
#[derive(Default)]
struct Done {
    outcomes: BTreeMap<u64, Result<Outcome, StoreError>>,
}

/// Runs the seeds on every processor, and tells each in its turn.
fn run_all(arguments: &Arguments, mut tell: impl FnMut(u64, Result<Outcome, StoreError>) -> bool) {
    let end = arguments.from.saturating_add(arguments.seeds);
    let next = AtomicU64::new(arguments.from);
    let over = AtomicBool::new(false);
    let done = Mutex::new(Done::default());
    let (say, heard) = std::sync::mpsc::channel();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            let say = say.clone();
            let (next, over, done) = (&next, &over, &done);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let outcome = run::seed(&arguments.setting(seed));
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.outcomes.insert(seed, outcome);
                    if say.send(()).is_err() {
                        break;
                    }
                }
            });
        }
        drop(say);
        let mut turn = arguments.from;
        while heard.recv().is_ok() {
            loop {
                let outcome = {
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.outcomes.remove(&turn)
                };
                let Some(outcome) = outcome else { break };
                if !tell(turn, outcome) {
                    over.store(true, Ordering::Relaxed);
                    return;
                }
                turn += 1;
            }
        }
    });
}

/// Tells what went wrong with a seed, and the shortest story that shows it.
fn tell_failure(setting: &Setting, outcome: &Outcome, shrink: bool) {
    println!("seed {} fails:", setting.seed);
    for finding in outcome.findings.iter().take(5) {
        println!("  at {} {:?}: {}", finding.at, finding.kind, finding.words);
    }
    let (Some(first), true) = (outcome.findings.first(), shrink) else {
        return;
    };
    match run::shrink(setting, run::story(setting), first.kind) {
        Ok(scenes) => {
            println!("  shortest story, {} events:", scenes.len());
            for scene in scenes {
                println!("  {:>9} {:?}", scene.at, scene.what);
            }
        }
        Err(error) => println!("  not shortened: {error}"),
    }
}

/// Tells a story again that somebody handed over.
fn tell_again(file: &Path) -> Result<bool, Box<dyn std::error::Error>> {
    let bundle = Bundle::read(BufReader::new(File::open(file)?))?;
    let about = &bundle.about;
    println!(
        "version {} on {} ({}), {} messages, {} inputs after {} that were dropped",
        about.version,
        about.system,
        about.interface,
        bundle.messages.len(),
        about.inputs,
        about.dropped
    );
    for entry in &bundle.entries {
        if let Entry::Undone(undone) = entry {
            println!(
                "undone at {}: {:?}, {} steps with it",
                Instant(undone.wall),
                undone.code,
                undone.steps
            );
        }
    }
    let replayed = replay(&bundle)?;
    if let Some(difference) = &replayed.differs {
        print!("{difference}");
    }
    for (input, kind, words) in &replayed.findings {
        println!("  after input {input} {kind:?}: {words}");
    }
    println!("{}", replayed.line());
    Ok(replayed.findings.is_empty())
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(file) = &arguments.replay {
        return match tell_again(file) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                ExitCode::FAILURE
            }
        };
    }
    let mut sum = Sum::default();
    let mut broken = false;
    run_all(&arguments, |seed, outcome| {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                eprintln!("seed {seed}: {error}");
                broken = true;
                // An engine that is broken on purpose may break its database.
                return false;
            }
        };
        print!("{}", outcome.trace);
        if let Some(folder) = &arguments.diagnostics {
            for (number, bundle) in (1..).zip(&outcome.bundles) {
                let file = folder.join(format!("seed-{seed}-{number}.jsonl"));
                if let Err(error) = std::fs::write(&file, bundle) {
                    eprintln!("{}: {error}", file.display());
                    broken = true;
                }
            }
        }
        sum.add(seed, &outcome);
        if let Some(first) = outcome.findings.first() {
            if arguments.until_caught {
                println!(
                    "caught: seeds={} {:?} seed={seed} {}",
                    sum.seeds, first.kind, first.words
                );
                return false;
            }
            let shrink = arguments.shrink && sum.failed.len() <= SHRUNK && !arguments.trace;
            tell_failure(&arguments.setting(seed), &outcome, shrink);
        }
        true
    });
    if arguments.until_caught {
        return if sum.failed.is_empty() && !broken {
            println!("not caught: seeds={}", sum.seeds);
            ExitCode::SUCCESS
        } else {
            if broken {
                println!("caught: seeds={} the database is broken", sum.seeds + 1);
            }
            ExitCode::FAILURE
        };
    }
    print!("{}", sum.table.text());
    let gaps = sum.table.gaps(sum.seeds);
    for gap in &gaps {
        println!("table: {gap}");
    }
    println!(
        "steps={} requests={} messages={} slowest-healing={} s uncountable={} failed={:?}",
        sum.steps,
        sum.requests,
        sum.messages,
        sum.slowest / 1000,
        sum.uncountable,
        sum.failed,
    );
    println!("{}", sum.line());
    if sum.failed.is_empty() && gaps.is_empty() && !broken {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
