//! What the product is called, as `tauri.conf.json` says it: the name a person
//! reads, the programs, the folders and the variables that are made of it.
//!
//! Owns no name itself. Whoever ships this under another name changes it there
//! (and in the core's `product.rs`, which a test compares with it); a test here
//! finds a name that is written out in this crate.

use serde_json::Value;
use std::sync::OnceLock;

/// Read when this is compiled, so that a chore needs no file to know its name.
const CONFIGURATION: &str = include_str!("../../../tauri.conf.json");

struct Names {
    product: String,
    program: String,
    identifier: String,
    summary: String,
    version: String,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let configuration: Value = serde_json::from_str(CONFIGURATION).unwrap_or_default();
        let text = |key: &str| {
            let text = configuration.get(key).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let product = text("productName");
        Names {
            program: product.to_lowercase(),
            identifier: text("identifier"),
            summary: {
                let summary = configuration.pointer("/bundle/shortDescription");
                summary
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            },
            version: text("version"),
            product,
        }
    })
}

/// The name that a person reads.
pub fn product() -> &'static str {
    &names().product
}

/// The app's program and cargo package; also how folders begin.
pub fn program() -> &'static str {
    &names().program
}

/// The name under which the system's keychain files the app's entries.
pub fn identifier() -> &'static str {
    &names().identifier
}

/// What it is, in half a sentence.
pub fn summary() -> &'static str {
    &names().summary
}

/// The version that is built.
pub fn version() -> &'static str {
    &names().version
}

/// The program and package without a window.
pub fn rpc() -> String {
    format!("{}-rpc", program())
}

/// The program and package that makes a Directus ready.
pub fn provision() -> String {
    format!("{}-provision", program())
}

/// The program and package that measures.
pub fn bench() -> String {
    format!("{}-bench", program())
}

/// A variable of the chores' own, e.g. `NAME_XTASK_CACHE` for `CACHE`.
pub fn variable(what: &str) -> String {
    format!("{}_XTASK_{what}", program().to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths;
    use std::path::{Path, PathBuf};

    #[test]
    fn the_programs_are_called_as_cargo_makes_them() {
        assert!(!product().is_empty() && !identifier().is_empty());
        let package = |folder: &str| {
            let manifest = paths::repository().join(folder).join("Cargo.toml");
            std::fs::read_to_string(manifest).unwrap()
        };
        for (folder, name) in [
            (".", program().to_owned()),
            ("src-tauri/headless", rpc()),
            ("src-tauri/provision", provision()),
            ("src-tauri/bench", bench()),
        ] {
            assert!(
                package(folder).contains(&format!("\nname = \"{name}\"\n")),
                "{folder} makes no {name}"
            );
        }
    }

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    #[test]
    fn the_name_is_written_out_nowhere_in_this_crate() {
        let mut all = Vec::new();
        files(Path::new(env!("CARGO_MANIFEST_DIR")), &mut all);
        assert!(all.len() > 20, "this crate's files were found");
        for path in all {
            // Its table names cargo's packages, which are no words of ours to choose there.
            if path.ends_with("src/suites.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
            // Packages that no person meets, and cargo's tables about them.
            let text = ["sim", "core", "tests", "model"]
                .iter()
                .fold(text, |text, package| {
                    text.replace(&format!("{}-{package}", program()), "")
                });
            // In the demonstration's history people watch the bird.
            let text = text.replace(&format!("{}s by the river", program()), "");
            assert!(
                !text.contains(program()),
                "{} writes the name out: take it from name.rs",
                path.display()
            );
        }
    }
}
