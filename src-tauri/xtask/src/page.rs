//! The page's tools from npm: the type check and the browser tests.

use crate::network::{Source, Way};
use crate::npm;
use crate::problem::{Outcome, Problem};
use crate::progress::{self, Step};
use crate::{paths, process};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// What the folder weighs when it is whole; for the progress line only.
const WHOLE_BYTES: u64 = 40_000_000;

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
    if fetch(&folder)? && fs::write(&stamp, lock).is_ok() {
        return Ok(());
    }
    Err(Problem::with_line(
        "npm could not install the page's tools.",
        "cd tests && npm ci --include=dev",
    ))
}

/// Whether npm says that all is there. Its errors go to the terminal.
fn fetch(folder: &Path) -> Outcome<bool> {
    let mut npm = npm::command(Source::Npm.way().unwrap_or(Way::AsSet))?;
    npm.args(["ci", "--ignore-scripts", "--include=dev"])
        .args(["--include=optional", "--include=peer"])
        .current_dir(folder)
        .stdout(Stdio::null());
    let mut step = Step::begin("the page's tools from npm");
    let mut running = process::start("npm", npm)?;
    let modules = folder.join("node_modules");
    loop {
        if let Some(status) = running.wait(Duration::from_secs(1)) {
            if status.success() {
                step.done();
            }
            return Ok(status.success());
        }
        step.at(progress::so_far(paths::size(&modules), WHOLE_BYTES));
    }
}
