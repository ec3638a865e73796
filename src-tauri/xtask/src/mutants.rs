//! `cargo xtask mutants`: changes one small thing of the engine at a time and
//! sees whether anything notices.
//!
//! ```text
//!  every Nth mutant of the engine --> the engine's own tests --missed--> worlds of the simulator
//!                                          |                                  |
//!                                        caught                       caught, or missed
//! ```
//! cargo-mutants makes the changes. What both miss is printed: it is either the
//! same engine (a bound that moves by one, a log that says less), or a test
//! that is wanting. `ACCEPTED` names those that were looked at, with a reason;
//! any other fails the run.
//!
//! Owns: cargo-mutants in the cache, its folders below cargo's own. Never: a
//! file of the repository, which is copied first.

use std::fs;
use std::path::Path;

use crate::problem::{Doing as _, Outcome, Problem};
use crate::progress::Step;
use crate::{paths, process, tools};

const CARGO_MUTANTS: &str = "27.1.0";
const CHANGED: &str = "src-tauri/core/src/engine/*.rs";
/// What takes longer, in seconds, is an engine that does not come to an end.
const LONGEST: &str = "300";

/// Mutants that nothing notices, and why that is right. By their name without
/// its place, which moves.
const ACCEPTED: [(&str, &str); 5] = [
    (
        "replace ^ with & in Engine::random_below",
        "another mixture of the same seed: how far the delays lie apart is tested",
    ),
    (
        "replace match guard until > end with true in Engine::history_came",
        "what lies within a range already is held by it",
    ),
    (
        "replace match guard count > 0 with true in Engine::end_of_page",
        "a page without rows has no last one",
    ),
    (
        "replace > with >= in Engine::questions",
        "a conversation held from the very instant of a day ago is compared with that day",
    ),
    (
        "replace > with >= in Engine::background",
        "names that were read an hour ago to the millisecond are read again, or a moment later",
    ),
];

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Every so manieth mutant is tried.
    pub every: u32,
    /// Which of them comes first.
    pub from: u32,
}

impl Options {
    /// Reads what stands behind `mutants`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn read(words: &[&str]) -> Outcome<Self> {
        let mut options = Self { every: 5, from: 0 };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let number = words.next().and_then(|word| word.parse().ok());
            let number =
                number.ok_or_else(|| Problem::new(format!("{word} is followed by a number.")))?;
            match *word {
                "--every" if number > 0 => options.every = number,
                "--from" => options.from = number,
                other => {
                    return Err(Problem::new(format!(
                        "\"{other}\" is not known to mutants."
                    )));
                }
            }
        }
        options.from %= options.every;
        Ok(options)
    }
}

/// What became of the mutants of one run.
#[derive(Debug, Default)]
struct Came {
    caught: Vec<String>,
    missed: Vec<String>,
    unviable: usize,
}

/// Tries the sample.
///
/// # Errors
/// A mutant that nothing notices and that is not accepted.
pub fn run(options: Options) -> Outcome {
    tools::compile("mutants", CARGO_MUTANTS)?;
    let sample = format!("{}/{}", options.from, options.every);
    let sample = ["--shard", &sample, "--sharding", "round-robin"];
    let first = pass("the engine's tests", &sample, &["--lib", "engine"])?;
    let mut second = Came::default();
    if !first.missed.is_empty() {
        let names: Vec<String> = first.missed.iter().map(|name| exactly(name)).collect();
        let only: Vec<&str> = names.iter().flat_map(|name| ["--re", name]).collect();
        // What is not changed is tried in the mutated package alone, which has no worlds.
        let package = ["--baseline", "skip", "--test-package", "whinchat-sim"];
        let only = [&package[..], &only].concat();
        second = pass("the simulator", &only, &["--test", "worlds"])?;
    }
    let (accepted, missed): (Vec<&String>, Vec<&String>) =
        second.missed.iter().partition(|name| accepted(name));
    for name in &missed {
        println!("  missed: {name}");
    }
    println!(
        "mutants: tried={} by-tests={} by-simulator={} accepted={} missed={} unviable={}",
        first.caught.len() + first.missed.len() + first.unviable,
        first.caught.len(),
        second.caught.len(),
        accepted.len(),
        missed.len(),
        first.unviable,
    );
    if missed.is_empty() {
        return Ok(());
    }
    Err(Problem::new(
        "Nothing notices the mutants that are named above. Each wants a test, or a reason in src-tauri/xtask/src/mutants.rs.",
    ))
}

/// A pattern for this mutant and no other.
fn exactly(name: &str) -> String {
    let mut pattern = String::from("^");
    for letter in name.chars() {
        // Behind a backslash these two mean where a word begins and ends.
        if letter.is_ascii_punctuation() && !matches!(letter, '<' | '>') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('$');
    pattern
}

/// Its name without file, line and column.
fn accepted(name: &str) -> bool {
    let what = name.split_once(": ").map_or(name, |(_, what)| what);
    ACCEPTED.iter().any(|(accepted, _)| *accepted == what)
}

fn pass(by: &str, which: &[&str], tests: &[&str]) -> Outcome<Came> {
    let step = Step::begin(format!("mutants, looked for by {by}"));
    let out = paths::target().join("mutants");
    fs::create_dir_all(&out).doing(|| format!("make {}", out.display()))?;
    let mut command = process::bound_command(tools::folder()?.join("cargo-mutants"));
    command
        .args(["mutants", "--package", "whinchat-core", "--file", CHANGED])
        .args(["--timeout", LONGEST, "--no-shuffle", "--colors", "never"])
        .arg("--output")
        .arg(&out)
        .args(which)
        .arg("--")
        .args(tests)
        .env("CARGO_TARGET_DIR", out.join("target"))
        .current_dir(paths::repository());
    // Its status says whether any was missed, which its files say in detail.
    let status = command
        .status()
        .doing(|| "start cargo-mutants".to_owned())?;
    let told = out.join("mutants.out");
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(Problem::new(format!(
            "cargo-mutants did not come to its end ({status}); {} says more.",
            told.join("log").display()
        )));
    }
    step.done();
    let mut caught = lines(&told.join("caught.txt"))?;
    caught.extend(lines(&told.join("timeout.txt"))?);
    Ok(Came {
        caught,
        missed: lines(&told.join("missed.txt"))?,
        unviable: lines(&told.join("unviable.txt"))?.len(),
    })
}

fn lines(path: &Path) -> Outcome<Vec<String>> {
    let text = fs::read_to_string(path).doing(|| format!("read {}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_one_mutant() {
        let name = "src/a.rs:1:2: replace A::b -> Option<u8> with Some(0)";
        assert_eq!(
            exactly(name),
            r"^src\/a\.rs\:1\:2\: replace A\:\:b \-> Option<u8> with Some\(0\)$"
        );
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let options = Options::read(&["--every", "20", "--from", "23"]).unwrap();
        assert_eq!(options, Options { every: 20, from: 3 });
        assert!(Options::read(&["--every", "0"]).is_err());
        assert!(Options::read(&["--from"]).is_err());
    }
}
