//! `cargo xtask sim --defects`: proves that the simulator can fail.
//!
//! Each file of `src-tauri/sim/defects` breaks one thing. The core and the
//! simulator are copied into a folder of their own, the patch is applied, the
//! simulator is built there and run with seeds 1, 2, 3 … until it finds
//! something. A defect that is not found, or whose patch no longer applies,
//! fails the run with its name.
//!
//! Cargo's folder is the repository's own, so that what the two crates need is
//! built once for both; only the program has another name.
//!
//! Owns: that folder, below cargo's own. Never: a file of the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::patch;
use crate::paths;
use crate::problem::{Doing, Outcome, Problem};
use crate::process;

/// A defect must be found within so many seeds.
const MOST: &str = "2000";

/// What is copied, from the repository's root: the two crates, and what the
/// core's manifest names, for cargo reads that even where it is not built.
const COPIED: [&str; 5] = [
    "src-tauri/core/src",
    "src-tauri/core/fixtures",
    "src-tauri/provision/src",
    "src-tauri/sim/src",
    "src-tauri/sim/tests",
];
const FILES: [&str; 3] = [
    "Cargo.lock",
    "src-tauri/core/Cargo.toml",
    "src-tauri/provision/Cargo.toml",
];
/// What the program is called that has a defect.
const PROGRAM: &str = "whinchat-sim-with-a-defect";

struct Defect {
    name: String,
    says: String,
    text: String,
}

/// Runs every defect whose name holds `only`; all where it is empty.
pub fn run(only: &str) -> Outcome {
    let began = Instant::now();
    let defects: Vec<Defect> = all()?
        .into_iter()
        .filter(|defect| defect.name.contains(only))
        .collect();
    let place = Place::make()?;
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for defect in &defects {
        let line = match place.catch(defect)? {
            Ok(how) => format!("{:<34} {how}", defect.name),
            Err(why) => {
                failed.push(defect.name.clone());
                format!("{:<34} NOT CAUGHT: {why}", defect.name)
            }
        };
        println!("{line}    ({})", defect.says);
        lines.push(line);
    }
    println!("\n{}", lines.join("\n"));
    println!(
        "defects: planted={} caught={} in {:.1} min",
        defects.len(),
        defects.len() - failed.len(),
        began.elapsed().as_secs_f64() / 60.0
    );
    if failed.is_empty() {
        return Ok(());
    }
    Err(Problem::new(format!(
        "The simulator does not see these defects, or they can no longer be planted: {}.",
        failed.join(", ")
    )))
}

fn all() -> Outcome<Vec<Defect>> {
    let folder = paths::repository().join("src-tauri/sim/defects");
    let mut defects = BTreeMap::new();
    for entry in fs::read_dir(&folder).doing(|| format!("read {}", folder.display()))? {
        let path = entry.doing(|| format!("read {}", folder.display()))?.path();
        if path.extension().is_none_or(|ending| ending != "patch") {
            continue;
        }
        let text = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
        let name = path
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let says = text.lines().next().unwrap_or_default().to_owned();
        defects.insert(name.clone(), Defect { name, says, text });
    }
    Ok(defects.into_values().collect())
}

/// The copied workspace.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn make() -> Outcome<Self> {
        let folder = paths::target().join("sim-defects");
        let place = Self { folder };
        let from = paths::repository();
        for name in COPIED {
            copy_folder(&from.join(name), &place.folder.join(name))?;
        }
        for name in FILES {
            copy_file(&from.join(name), &place.folder.join(name))?;
        }
        let manifest = from.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).doing(|| "read Cargo.toml".to_owned())?;
        write(&place.folder.join("Cargo.toml"), &workspace(&text))?;
        let manifest = place.folder.join("src-tauri/sim/Cargo.toml");
        let text = fs::read_to_string(from.join("src-tauri/sim/Cargo.toml"))
            .doing(|| "read the simulator's Cargo.toml".to_owned())?;
        let program = format!("{text}\n[[bin]]\nname = \"{PROGRAM}\"\npath = \"src/main.rs\"\n");
        write(&manifest, &program)?;
        Ok(place)
    }

    /// `Ok(Ok(words))` when it was caught, `Ok(Err(words))` when it was not.
    fn catch(&self, defect: &Defect) -> Outcome<Result<String, String>> {
        let planted = match self.plant(defect)? {
            Ok(planted) => planted,
            Err(why) => return Ok(Err(why)),
        };
        let caught = self.build_and_run();
        for (path, before) in planted {
            write(&path, &before)?;
        }
        caught
    }

    fn plant(&self, defect: &Defect) -> Outcome<Result<Vec<(PathBuf, String)>, String>> {
        let files = match patch::read(&defect.text) {
            Ok(files) => files,
            Err(why) => return Ok(Err(format!("its patch can't be read: {why}"))),
        };
        let mut changed = Vec::new();
        for file in &files {
            let path = self.folder.join(&file.path);
            let before = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
            match file.apply(&before) {
                Ok(after) => changed.push((path, before, after)),
                Err(why) => return Ok(Err(format!("its patch no longer applies: {why}"))),
            }
        }
        let mut planted = Vec::new();
        for (path, before, after) in changed {
            write(&path, &after)?;
            planted.push((path, before));
        }
        Ok(Ok(planted))
    }

    fn build_and_run(&self) -> Outcome<Result<String, String>> {
        let target = paths::target();
        let mut build = process::bound_command("cargo");
        build
            .args(["build", "--quiet", "--offline", "--package", "whinchat-sim"])
            .env("CARGO_TARGET_DIR", &target)
            .current_dir(&self.folder);
        // What it warns of does not matter: a defect leaves things unused.
        let built = build.output().doing(|| "start cargo".to_owned())?;
        if !built.status.success() {
            println!("{}", String::from_utf8_lossy(&built.stderr));
            return Ok(Err("it can't be built".to_owned()));
        }
        let program = target.join("debug").join(PROGRAM);
        let mut run = process::bound_command(&program);
        run.args(["--until-caught", "--seeds", MOST]);
        let output = run
            .output()
            .doing(|| format!("start {}", program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = text.lines().last().unwrap_or_default();
        // An engine that panics is caught as well; one that somebody ended is not.
        if output.status.code() == Some(101) && last.is_empty() {
            return Ok(Ok("seeds=1 the engine stopped".to_owned()));
        }
        Ok(match last.strip_prefix("caught: ") {
            Some(how) => Ok(how.chars().take(150).collect()),
            None => Err(last.to_owned()),
        })
    }
}

/// The workspace's manifest with the two crates alone, and without the package
/// at the root. Both crates are built quickly, as in any development build, for
/// most defects are caught by the first few seeds.
fn workspace(manifest: &str) -> String {
    let mut out = String::new();
    let mut skipping = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            skipping = matches!(
                line,
                "[workspace]"
                    | "[package]"
                    | "[lib]"
                    | "[[bin]]"
                    | "[build-dependencies]"
                    | "[dependencies]"
                    | "[dev-dependencies]"
                    | "[lints]"
            ) || line.starts_with("[target.")
                || line.starts_with("[profile.sim");
        }
        if !skipping {
            out.push_str(line);
            out.push('\n');
        }
    }
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"src-tauri/core\", \"src-tauri/sim\"]\n\n{out}"
    )
}

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    for entry in fs::read_dir(from).doing(|| format!("read {}", from.display()))? {
        let entry = entry.doing(|| format!("read {}", from.display()))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            copy_file(&from, &to)?;
        }
    }
    Ok(())
}

/// Copies what differs, so that what is the same is not built again.
fn copy_file(from: &Path, to: &Path) -> Outcome {
    let new = fs::read(from).doing(|| format!("read {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).doing(|| format!("make {}", folder.display()))?;
    }
    fs::write(to, new).doing(|| format!("write {}", to.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).doing(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_says_what_it_breaks_and_applies_to_the_core_as_it_is() {
        let defects = all().unwrap();
        assert!(defects.len() >= 20, "{} defects", defects.len());
        for defect in defects {
            assert!(!defect.says.starts_with("---"), "{}", defect.name);
            for file in patch::read(&defect.text).unwrap() {
                let path = paths::repository().join(&file.path);
                let before = fs::read_to_string(path).unwrap();
                let after = file.apply(&before);
                assert!(after.is_ok(), "{}: {after:?}", defect.name);
            }
        }
    }

    #[test]
    fn cargo_can_read_the_copied_workspace() {
        let place = Place::make().unwrap();
        let read = process::bound_command("cargo")
            .args([
                "metadata",
                "--offline",
                "--no-deps",
                "--format-version",
                "1",
            ])
            .current_dir(&place.folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success(), "{said}");
    }

    #[test]
    fn the_copied_workspace_has_the_two_crates_and_is_built_quickly() {
        let manifest = fs::read_to_string(paths::repository().join("Cargo.toml")).unwrap();
        let made = workspace(&manifest);
        assert!(made.contains("[workspace.dependencies]"));
        assert!(!made.contains("\n[package]") && !made.contains("tauri-build"));
        assert!(made.contains("\n[profile.dev]\n") && !made.contains("\n[profile.sim"));
    }
}
