//! `cargo xtask test`: installs what the tests need, runs every suite, tells
//! each one's minutes, and ends with the line `N passed, N failed, N skipped`.
//!
//! Owns the table of suites and how a runner's output is counted. A suite whose
//! runner fails without counting anything counts as one failure, so that
//! nothing can pass by not running.

use crate::problem::{Doing, Outcome, Problem};
use crate::{directus, paths, process, system};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a suite's output is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    /// `test result: ok. 4 passed; 0 failed; 0 ignored; …`, one line a binary.
    Cargo,
    /// `ℹ pass 4`, `ℹ fail 0`, `ℹ skipped 0`, as node's test runner ends.
    Node,
    /// It passes or fails as a whole.
    Whole,
}

/// How long a suite may take before it is ended and counts as failed.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The same for one that is only in `--all`.
const LONG_LIMIT: Duration = Duration::from_secs(6 * 60 * 60);

/// A suite: what a person calls it, and what is run.
struct Suite {
    name: &'static str,
    count: Count,
    /// Words with spaces between them; `built` and a name is a program of this workspace.
    command: &'static str,
    folder: &'static str,
    /// Only in `--all`.
    long: bool,
    /// Below a display and a keychain of its own.
    desktop: bool,
}

const fn suite(name: &'static str, count: Count, command: &'static str) -> Suite {
    Suite {
        name,
        count,
        command,
        folder: ".",
        long: false,
        desktop: false,
    }
}

impl Suite {
    const fn long(self) -> Self {
        Self { long: true, ..self }
    }

    const fn on_a_desktop(self) -> Self {
        Self {
            desktop: true,
            ..self
        }
    }

    const fn inside(self, folder: &'static str) -> Self {
        Self { folder, ..self }
    }

    fn words(&self) -> Vec<&'static str> {
        self.command.split(' ').collect()
    }
}

/// Every suite, in the order in which they are run: what fails soonest first. All ask
/// cargo for the whole workspace (see `compile`), so that it compiles each crate once.
/// The soak of every run tells the same story each time; the long ones new ones.
#[rustfmt::skip]
const SUITES: &[Suite] = &[
    suite("format", Count::Whole, "cargo fmt --all --check"),
    suite("spelling", Count::Whole, "typos"),
    suite("dependencies", Count::Whole, "cargo-deny --log-level error check --deny warnings bans licenses sources"),
    suite("licences", Count::Whole, "cargo xtask licences --check"),
    suite("papers", Count::Whole, "cargo xtask papers"),
    suite("clippy", Count::Whole, "cargo clippy --quiet --workspace --all-targets -- -D warnings"),
    suite("build", Count::Whole, "cargo build --quiet --workspace --all-targets"),
    suite("units", Count::Cargo, "cargo test --workspace --lib --bins --no-fail-fast").on_a_desktop(),
    suite("fuzz corpus", Count::Cargo, "cargo test --workspace --test corpus"),
    suite("counts", Count::Cargo, "cargo test --workspace --test counts"),
    suite("simulator", Count::Whole, "cargo xtask sim --seeds 2000"),
    suite("sim's own", Count::Cargo, "cargo test --profile sim --package whinchat-sim --tests"),
    suite("page", Count::Node, "npm test --silent").inside("tests"),
    suite("real server", Count::Cargo, "cargo test --workspace --no-fail-fast --test messenger --test provision --test window -- --test-threads=2").on_a_desktop(),
    suite("attacks", Count::Whole, "cargo xtask verify-schema --without-mutations"),
    suite("model", Count::Whole, "cargo xtask model --scripts 60"),
    suite("demonstration", Count::Cargo, "cargo test --workspace --test demo"),
    suite("soak", Count::Whole, "cargo xtask soak --minutes 1 --seed 25549311"),
    // That the bench works; what it measures of a debug build means nothing.
    suite("bench", Count::Whole, "built whinchat-bench --quick --only ingest --only reading --only search"),
    suite("simulator, more", Count::Whole, "cargo xtask sim --seeds 2000 --from 2001").long(),
    suite("bench, server", Count::Whole, "built whinchat-bench --quick --only catch-up --only send").long(),
    suite("model, long", Count::Whole, "cargo xtask model --from 61 --scripts 440").long(),
    suite("attacks, mutations", Count::Whole, "cargo xtask verify-schema").long(),
    suite("attacks, postgres", Count::Whole, "cargo xtask verify-schema --db postgres --without-mutations").long(),
    suite("attacks, two servers", Count::Whole, "cargo xtask verify-schema --servers 2 --without-mutations").long(),
    suite("attacks, licence", Count::Whole, "cargo xtask verify-schema --without-licence").long(),
    suite("package", Count::Whole, "cargo xtask package --check").long(),
    suite("reviewers", Count::Whole, "cargo xtask review-server --check").long(),
    suite("targets", Count::Whole, "cargo xtask check-targets").long(),
    suite("windows", Count::Cargo, "cargo xtask test --wine").long(),
    suite("soak, json", Count::Whole, "cargo xtask soak --json-only --minutes 4").long(),
    suite("soak, long", Count::Whole, "cargo xtask soak --minutes 15").long(),
    suite("soak, redis", Count::Whole, "cargo xtask soak --redis --minutes 5").long(),
    suite("defects", Count::Whole, "cargo xtask sim --defects").long(),
    suite("mutants", Count::Whole, "cargo xtask mutants").long(),
];

/// What a suite came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counted {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counted {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Adds what one line of a runner's output says.
    fn line(&mut self, count: Count, line: &str) {
        match count {
            Count::Cargo => {
                let Some((_, rest)) = line.split_once("test result: ") else {
                    return;
                };
                let number = |word: &str| {
                    rest.split(['.', ';'])
                        .find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u64>().ok())
                        .unwrap_or_default()
                };
                self.add(Self {
                    passed: number("passed"),
                    failed: number("failed"),
                    skipped: number("ignored"),
                });
            }
            Count::Node => {
                let mut words = line.trim_start_matches(['ℹ', '#', ' ']).split(' ');
                let (Some(name), Some(Ok(number)), None) = (
                    words.next(),
                    words.next().map(str::parse::<u64>),
                    words.next(),
                ) else {
                    return;
                };
                match name {
                    "pass" => self.passed += number,
                    "fail" | "cancelled" => self.failed += number,
                    "skipped" | "todo" => self.skipped += number,
                    _ => {}
                }
            }
            Count::Whole => {}
        }
    }
}

/// Runs every suite; `all` adds the long ones.
pub fn run(all: bool) -> Outcome {
    let started = Instant::now();
    println!("cargo xtask test: installs what is missing, then runs every suite.");
    system::install(&[system::TO_BUILD, system::FOR_TESTS, system::FOR_MODEL].concat())?;
    let node = directus::install()?.node();
    crate::page::install()?;
    crate::tools::install()?;
    let mut sum = Counted::default();
    let mut lines = Vec::new();
    for suite in SUITES.iter().filter(|suite| all || !suite.long) {
        println!("\n== {} ==", suite.name);
        let began = Instant::now();
        let counted = run_one(suite, &node)?;
        sum.add(counted);
        let line = format!(
            "{:<14} {:>5.1} min   {} passed, {} failed, {} skipped",
            suite.name,
            began.elapsed().as_secs_f64() / 60.0,
            counted.passed,
            counted.failed,
            counted.skipped
        );
        println!("{line}");
        lines.push(line);
    }
    println!("\n{}", lines.join("\n"));
    println!(
        "{:<14} {:>5.1} min",
        "all",
        started.elapsed().as_secs_f64() / 60.0
    );
    println!(
        "{} passed, {} failed, {} skipped",
        sum.passed, sum.failed, sum.skipped
    );
    if sum.failed > 0 {
        return Err(Problem::new(
            "Some tests failed; each says above what it expected.",
        ));
    }
    Ok(())
}

fn run_one(suite: &Suite, node: &Path) -> Outcome<Counted> {
    let mut command = if suite.desktop {
        system::on_a_desktop(&suite.words())?
    } else {
        plain(&suite.words())
    };
    command
        .env("PATH", search_path(node)?)
        .current_dir(paths::repository().join(suite.folder))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    crate::npm::without_node_settings(&mut command);
    let mut running = process::start(suite.name, command)?;
    running.limit(if suite.long { LONG_LIMIT } else { LIMIT });
    let mut counted = Counted::default();
    if let Some(output) = running.child().stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.doing(|| format!("read what {} says", suite.name))?;
            println!("{line}");
            counted.line(suite.count, &line);
        }
    }
    let ended = running
        .wait(Duration::from_secs(30))
        .is_some_and(|status| status.success());
    match (suite.count, ended) {
        (Count::Whole, true) => counted.passed = 1,
        (_, false) if counted.failed == 0 => counted.failed = 1,
        (Count::Cargo | Count::Node, true) if counted.passed == 0 => counted.failed = 1,
        _ => {}
    }
    if running.overran() {
        println!("{} was ended: it took longer than it may.", suite.name);
    }
    Ok(counted)
}

/// The search path with the servers' Node before a person's, which may be too
/// old for the browser tests, and the tools of the cache at its end: a person's
/// Python stays theirs.
fn search_path(node: &Path) -> Outcome<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = node
        .parent()
        .map(Path::to_path_buf)
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain([crate::tools::folder()?]);
    std::env::join_paths(all).map_err(|_| Problem::new("PATH holds a name that cannot be."))
}

fn plain(words: &[&str]) -> Command {
    let (program, words) = match words {
        ["built", name, words @ ..] => (paths::built(name), words),
        [program, words @ ..] => (program.into(), words),
        [] => ("true".into(), words),
    };
    let mut command = process::bound_command(program);
    command.args(words);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runners_say_is_counted() {
        let mut counted = Counted::default();
        counted.line(
            Count::Cargo,
            "test result: FAILED. 44 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out",
        );
        counted.line(
            Count::Cargo,
            "test result: ok. 6 passed; 0 failed; 0 ignored; 0 measured",
        );
        assert_eq!(
            counted,
            Counted {
                passed: 50,
                failed: 2,
                skipped: 1
            }
        );
        let mut counted = Counted::default();
        for line in [
            "ℹ tests 9",
            "ℹ pass 7",
            "ℹ fail 1",
            "ℹ cancelled 0",
            "ℹ skipped 1",
            "✔ pass 5 messages",
        ] {
            counted.line(Count::Node, line);
        }
        assert_eq!(
            counted,
            Counted {
                passed: 7,
                failed: 1,
                skipped: 1
            }
        );
    }

    #[test]
    fn only_what_belongs_there_stands_at_the_root() {
        let known = [
            ".cargo",
            ".ci",
            ".git",
            ".github",
            ".gitignore",
            ".taurignore",
            ".editorconfig",
            "ARCHITECTURE.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "Cargo.lock",
            "Cargo.toml",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "PRIVACY.md",
            "README.md",
            "TERMS.md",
            "THIRD-PARTY-NOTICES",
            "_typos.toml",
            "clippy.toml",
            "deny.toml",
            "docs",
            "fastlane",
            "gen",
            "rustfmt.toml",
            "src-tauri",
            "target",
            "tauri.conf.json",
            "tests",
            "ui",
        ];
        for entry in std::fs::read_dir(paths::repository()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                known.contains(&name.as_str()),
                "{name} does not belong at the root"
            );
        }
    }
}
