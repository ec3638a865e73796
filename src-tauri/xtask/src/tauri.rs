//! `cargo xtask tauri …`: Tauri's own command line, in the one version that
//! everything here is built with.
//!
//! Owns that version and its place in the cache. Gradle and Xcode come back
//! through it (`gen/android`, `packaging/ios/project.yml`), so that nobody
//! needs it installed. It decides nothing: every word is handed on.

use crate::network::{Source, Way};
use crate::problem::{Doing, Outcome, Problem};
use crate::{npm, paths, process};
use std::path::PathBuf;

/// The package in npm's registry, and its version.
const PACKAGE: &str = "@tauri-apps/cli";
const VERSION: &str = "2.12.5";

/// Hands the words on, in the repository's folder.
pub fn run(words: &[&str]) -> Outcome {
    let script = install()?;
    let node = process::find("node").ok_or_else(|| {
        Problem::with_line(
            "Node is missing: it runs Tauri's tools.",
            npm::install_line("npm"),
        )
    })?;
    let mut command = process::bound_command(node);
    command
        .arg(script)
        .args(words)
        .current_dir(paths::repository());
    // What cargo says of this crate is not about the app.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST")
        }) {
            command.env_remove(name);
        }
    }
    let ended = command
        .status()
        .doing(|| "start Tauri's tools".to_owned())?;
    if ended.success() {
        return Ok(());
    }
    Err(Problem::new(format!(
        "tauri {} failed; it says why above.",
        words.first().unwrap_or(&"")
    )))
}

/// Fetches this version into the cache, unless it is there; where its script is.
fn install() -> Outcome<PathBuf> {
    let place = paths::cache()?.join(format!("tauri-cli-{VERSION}"));
    let package = place.join("node_modules").join(PACKAGE);
    let script = package.join("tauri.js");
    if package.join("package.json").exists() && script.exists() {
        return Ok(script);
    }
    std::fs::create_dir_all(&place).doing(|| format!("make {}", place.display()))?;
    let mut fetch = npm::command(Source::Npm.way().unwrap_or(Way::AsSet))?;
    fetch
        .args([
            "install",
            "--ignore-scripts",
            "--no-save",
            "--include=optional",
            "--prefix",
        ])
        .arg(&place)
        .arg(format!("{PACKAGE}@{VERSION}"))
        .current_dir(&place);
    process::output("npm install", fetch)?;
    Ok(script)
}
