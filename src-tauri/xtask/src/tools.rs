//! Tools that come from a registry of programs rather than from Debian: kept in
//! the cache, found by the suites after everything of the person's own.

use crate::paths;
use crate::problem::{Outcome, Problem};
use crate::process;
use std::path::PathBuf;
use std::process::Command;

const TYPOS: &str = "1.52.0";

/// Where their programs are.
pub fn folder() -> Outcome<PathBuf> {
    Ok(paths::cache()?.join("tools").join("bin"))
}

/// Installs `typos`, which finds misspelt words, unless this version is there.
pub fn install() -> Outcome {
    let program = folder()?.join("typos");
    let mut ask = Command::new(&program);
    ask.arg("--version");
    if process::output("typos", ask).is_ok_and(|said| said.trim().ends_with(TYPOS)) {
        return Ok(());
    }
    println!("  typos {TYPOS} …");
    let place = paths::cache()?.join("tools");
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&place);
    let mut fetch = Command::new(folder()?.join("pip"));
    fetch
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .arg(format!("typos=={TYPOS}"));
    process::output("python3 -m venv", make)
        .and_then(|_| process::output("pip install typos", fetch))
        .map(drop)
        .map_err(|problem| {
            Problem::with_line(
                format!(
                    "{} A network, and Python with venv, are needed:",
                    problem.sentence
                ),
                "sudo apt-get install -y python3-venv",
            )
        })
}
