//! The page's tools from npm: the type check and the browser tests.

use crate::problem::{Outcome, Problem};
use crate::{paths, process};
use std::fs;
use std::process::Command;

/// Installs what `tests/package-lock.json` names, unless just that is there.
pub fn install() -> Outcome {
    let folder = paths::repository().join("tests");
    let lock = fs::read(folder.join("package-lock.json")).map_err(|_| {
        Problem::new("tests/package-lock.json is missing: the checkout is not whole.")
    })?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    if !process::is_there("npm") {
        return Err(Problem::with_line(
            "npm is missing.",
            "sudo apt-get install -y npm",
        ));
    }
    println!("  the page's tools from npm …");
    let done = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .status();
    if done.is_ok_and(|status| status.success()) && fs::write(&stamp, lock).is_ok() {
        return Ok(());
    }
    Err(Problem::with_line(
        "npm could not install the page's tools.",
        "cd tests && npm ci",
    ))
}
