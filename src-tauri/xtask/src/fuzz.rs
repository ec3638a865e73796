//! `cargo xtask fuzz`: every target of `src-tauri/fuzz` for so many minutes.
//!
//! Owns: cargo-fuzz in the cache, the working corpus below the target folder.
//! What a run finds stays there; `corpus/` in the repository is what was worth
//! keeping (`--keep` adds of the smallest set that reaches the same code), and
//! the core's test `corpus` tries it in every run of the tests.
//!
//! No sanitizer: the core forbids unsafe code, so that one would only watch
//! SQLite, at a tenth of the speed. Overflows, bounds and assertions are
//! checked without it.
//!
//! cargo-fuzz wants a nightly compiler for its flags. The stable one has them
//! too, where `RUSTC_BOOTSTRAP=1` says that one knows what one does.

use crate::problem::{Doing, Outcome, Problem};
use crate::progress::{self, Step};
use crate::{paths, process, system, tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CARGO_FUZZ: &str = "0.13.2";

/// Every target, and the longest input that is worth trying.
const TARGETS: [(&str, u32); 7] = [
    ("frame", 4096),
    ("answer", 4096),
    ("address", 256),
    ("link", 1100),
    ("keys", 128),
    ("line", 2048),
    ("engine", 4096),
];

/// The files of a corpus in the repository are no larger than this together.
const KEPT_BYTES: u64 = 36 * 1024;
/// Nor are there more of them at once.
const KEPT_FILES: usize = 150;

/// What kind of run it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How long each target is run.
    pub minutes: f64,
    /// The targets; all of them where none is named.
    pub only: Vec<String>,
    /// Whether the corpus in the repository grows by some of what was found.
    pub keep: bool,
}

impl Options {
    /// Reads what stands behind `fuzz`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn read(words: &[&str]) -> Outcome<Self> {
        let mut options = Self {
            minutes: 1.0,
            only: Vec::new(),
            keep: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--keep" => options.keep = true,
                "--only" => {
                    let known = |word: &&&str| TARGETS.iter().any(|(target, _)| *target == **word);
                    let name = words.next().filter(known);
                    let name = name.ok_or_else(|| {
                        let all: Vec<&str> = TARGETS.iter().map(|(target, _)| *target).collect();
                        Problem::new(format!("--only takes one of: {}.", all.join(", ")))
                    })?;
                    options.only.push((*name).to_owned());
                }
                "--minutes" => {
                    let minutes = words.next().and_then(|word| word.parse().ok());
                    options.minutes = minutes
                        .filter(|minutes| (0.05..=1440.0).contains(minutes))
                        .ok_or_else(|| {
                            Problem::new("--minutes takes a number from 0.05 to 1440.")
                        })?;
                }
                other => return Err(Problem::new(format!("\"{other}\" is not known to fuzz."))),
            }
        }
        Ok(options)
    }
}

/// Runs every target, one after the other.
///
/// # Errors
/// A crash, a hang or a leak, with the line that shows it again.
pub fn run(options: &Options) -> Outcome {
    system::install(&["build-essential", "libssl-dev", "pkg-config"])?;
    tools::compile("fuzz", CARGO_FUZZ)?;
    let mut lines = Vec::new();
    let wanted =
        |target: &str| options.only.is_empty() || options.only.iter().any(|only| only == target);
    for (target, longest) in TARGETS.into_iter().filter(|(target, _)| wanted(target)) {
        lines.push(run_one(target, longest, options.minutes)?);
        if options.keep {
            keep(target)?;
        }
    }
    println!("{}", lines.join("\n"));
    println!("fuzz: targets={} crashes=0", lines.len());
    Ok(())
}

fn home() -> PathBuf {
    paths::repository().join("src-tauri/fuzz")
}

/// What is in the repository.
fn kept(target: &str) -> PathBuf {
    home().join("corpus").join(target)
}

/// What runs here have found so far.
fn working(target: &str) -> PathBuf {
    paths::target().join("fuzz").join("corpus").join(target)
}

fn command(verb: &str, target: &str) -> Outcome<Command> {
    let mut command = process::bound_command(tools::folder()?.join("cargo-fuzz"));
    command
        .args(["fuzz", verb, "--sanitizer", "none", "--fuzz-dir"])
        .arg(home())
        .arg(target)
        // SQLite's C is not what is tried here, and takes minutes otherwise.
        .env("CFLAGS", "-O1 -g0")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", paths::target().join("fuzz"))
        .current_dir(home())
        .stdin(Stdio::null());
    Ok(command)
}

/// One target's line in the table.
fn run_one(target: &str, longest: u32, minutes: f64) -> Outcome<String> {
    fs::create_dir_all(working(target)).doing(|| "make the working corpus".to_owned())?;
    recorded(target)?;
    let mut build = command("build", target)?;
    let step = Step::begin(format!("{target}, compiled"));
    build.stdout(Stdio::null()).stderr(Stdio::null());
    if !build.status().is_ok_and(|status| status.success()) {
        return Err(Problem::with_line(
            format!("The target {target} could not be compiled."),
            format!(
                "RUSTC_BOOTSTRAP=1 cargo fuzz build -s none --fuzz-dir src-tauri/fuzz {target}"
            ),
        ));
    }
    step.done();
    let span = Duration::from_secs_f64(minutes * 60.0);
    let step = Step::begin(format!("{target} for {}", progress::duration(span)));
    let log = paths::target().join("fuzz").join(format!("{target}.log"));
    let output = fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
    let mut fuzz = command("run", target)?;
    fuzz.arg(working(target))
        .arg(kept(target))
        .arg("--")
        .arg(format!("-max_total_time={}", span.as_secs().max(1)))
        .arg(format!("-max_len={longest}"))
        // What takes longer is a hang; what takes more is a leak.
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .stdout(Stdio::null())
        .stderr(output);
    let began = Instant::now();
    let mut running = process::start(target, fuzz)?;
    let ended = running.wait(span + Duration::from_secs(600));
    if !ended.is_some_and(|status| status.success()) {
        return Err(Problem::with_line(
            format!(
                "{target} found something:\n{}\nTo see it again, with the file that is named there:",
                process::tail(&log, 12)
            ),
            format!(
                "RUSTC_BOOTSTRAP=1 cargo fuzz run -s none --fuzz-dir src-tauri/fuzz {target} FILE"
            ),
        ));
    }
    step.done();
    let said = fs::read_to_string(&log).unwrap_or_default();
    let number = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().last())
            .unwrap_or("?")
            .to_owned()
    };
    Ok(format!(
        "{target:<8} {:>7} {:>12} executions, {:>6} new units",
        progress::duration(began.elapsed()),
        number("stat::number_of_executed_units:"),
        number("stat::new_units_added:"),
    ))
}

/// Puts what a running server once said where the target begins.
fn recorded(target: &str) -> Outcome {
    let fixtures = paths::repository().join("src-tauri/core/fixtures");
    let (file, field) = match target {
        "frame" => ("frames.jsonl", "frame"),
        "answer" => ("refusals.jsonl", "body"),
        _ => return Ok(()),
    };
    let text = fs::read_to_string(fixtures.join(file)).doing(|| format!("read {file}"))?;
    for (number, line) in text.lines().enumerate() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let Some(said) = value.get(field).and_then(serde_json::Value::as_str) else {
            continue;
        };
        // As the target reads a body: `@`, the call, the status.
        let said = match value.get("status").and_then(serde_json::Value::as_u64) {
            Some(status) => format!("@{}{status}{said}", number % 9),
            None => said.to_owned(),
        };
        let path = working(target).join(format!("recorded-{number:03}"));
        fs::write(&path, said).doing(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Adds to the repository's corpus: of the smallest set that reaches the same code
/// some of every size, as far as there is room.
fn keep(target: &str) -> Outcome {
    let mut shrink = command("cmin", target)?;
    shrink
        .arg(working(target))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !shrink.status().is_ok_and(|status| status.success()) {
        return Err(Problem::new(format!(
            "The corpus of {target} could not be made smaller."
        )));
    }
    let mut files: Vec<(u64, PathBuf)> = files(&working(target))?;
    files.sort();
    let kept = kept(target);
    fs::create_dir_all(&kept).doing(|| format!("make {}", kept.display()))?;
    let mut room = KEPT_BYTES;
    let step = files.len().div_ceil(KEPT_FILES).max(1);
    for (size, file) in files.into_iter().step_by(step) {
        let Some(left) = room.checked_sub(size) else {
            break;
        };
        let Some(name) = file.file_name() else {
            continue;
        };
        // What is there already, a recorded seed for one, stays.
        if fs::copy(&file, kept.join(name)).is_ok() {
            room = left;
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Outcome<Vec<(u64, PathBuf)>> {
    let entries = fs::read_dir(folder).doing(|| format!("read {}", folder.display()))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.len(), entry.path())))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_named_has_a_file_and_a_corpus() {
        let manifest = fs::read_to_string(home().join("Cargo.toml")).unwrap();
        for (target, _) in TARGETS {
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target}"
            );
            assert!(home().join(format!("fuzz_targets/{target}.rs")).is_file());
            assert!(!files(&kept(target)).unwrap().is_empty(), "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }

    #[test]
    fn what_the_repository_keeps_is_small() {
        for (target, _) in TARGETS {
            let all: u64 = files(&kept(target))
                .unwrap()
                .iter()
                .map(|(size, _)| size)
                .sum();
            assert!(all < 3 * KEPT_BYTES, "{target} has {all} bytes");
        }
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let options = Options::read(&["--minutes", "10", "--keep"]).unwrap();
        assert_eq!(options.minutes, 10.0);
        assert!(options.keep);
        assert!(Options::read(&["--minutes", "x"]).is_err());
    }
}
