//! `whinchat-sim --seeds N [--from S] [--kind both|sender|server] [--trace --seed S]`
//!
//! Prints each failing seed's shortest story, the table of what was met, and
//! last `sim: seeds=N lost=0 doubled=0 foreign=0 diverged=0`. Exits with 1
//! when any is not 0.

use std::process::ExitCode;

use whinchat_core::model::Stamps;
use whinchat_sim::{
    run::{self, Sum},
    world::Setting,
};

const USAGE: &str = "usage: whinchat-sim [--seeds N] [--from S] [--kind both|sender|server] [--devices D] [--seed S] [--trace] [--no-shrink]";

struct Arguments {
    seeds: u64,
    from: u64,
    kind: Option<Stamps>,
    devices: usize,
    trace: bool,
    shrink: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut all = Arguments {
        seeds: 200,
        from: 1,
        kind: None,
        devices: 1,
        trace: false,
        shrink: true,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let value = words.next().ok_or(format!("{word} needs a number"))?;
            value.parse().map_err(|_| format!("{value} is no number"))
        };
        match word.as_str() {
            "--seeds" => all.seeds = number()?,
            "--from" => all.from = number()?,
            "--devices" => all.devices = usize::try_from(number()?.clamp(1, 8)).unwrap_or(1),
            "--seed" => {
                all.from = number()?;
                all.seeds = 1;
            }
            "--trace" => all.trace = true,
            "--no-shrink" => all.shrink = false,
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

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut sum = Sum::default();
    let mut shrunk = 0;
    for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
        let setting = Setting {
            kind: arguments.kind,
            devices: arguments.devices,
            trace: arguments.trace,
            ..Setting::of(seed)
        };
        let outcome = match run::seed(&setting) {
            Ok(outcome) => outcome,
            Err(error) => {
                eprintln!("seed {seed}: {error}");
                return ExitCode::FAILURE;
            }
        };
        print!("{}", outcome.trace);
        sum.add(seed, &outcome);
        if let Some(first) = outcome.findings.first() {
            println!("seed {seed} fails:");
            for finding in outcome.findings.iter().take(5) {
                println!("  at {} {:?}: {}", finding.at, finding.kind, finding.words);
            }
            if arguments.shrink && shrunk < 5 && !arguments.trace {
                shrunk += 1;
                match run::shrink(&setting, run::story(&setting), first.kind) {
                    Ok(scenes) => {
                        println!("  shortest story, {} events:", scenes.len());
                        for scene in scenes {
                            println!("  {:>9} {:?}", scene.at, scene.what);
                        }
                    }
                    Err(error) => println!("  not shortened: {error}"),
                }
            }
        }
    }
    print!("{}", sum.table.text());
    println!(
        "steps={} requests={} messages={} slowest-healing={} s failed={:?}",
        sum.steps,
        sum.requests,
        sum.messages,
        sum.slowest / 1000,
        sum.failed,
    );
    println!("{}", sum.line());
    if sum.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
