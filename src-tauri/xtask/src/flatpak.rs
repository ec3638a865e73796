//! `cargo xtask flatpak`: writes what flatpak-builder builds from, without a
//! network, into `target/flatpak`.
//!
//! ```text
//! Cargo.lock -> cargo-sources.json (every crate, with its checksum)
//! packaging/flatpak/ID.yml, packaging/linux/app.desktop -> filled in, beside it
//! ```
//! With `--tag TAG COMMIT` the manifest takes the published source, as Flathub
//! wants it, instead of this checkout.

use crate::problem::{Doing, Outcome, Problem};
use crate::{name, papers, paths};
use serde_json::{Value, json};
use std::fs;

/// Where crates are published.
const CRATES: &str = "https://static.crates.io/crates";

/// Writes the folder.
pub fn run(words: &[&str]) -> Outcome {
    let published = match words {
        [] => None,
        ["--tag", tag, commit] => Some((*tag, *commit)),
        _ => return Err(Problem::new("flatpak takes nothing, or --tag TAG COMMIT.")),
    };
    let root = paths::repository();
    let read = |file: &str| fs::read_to_string(root.join(file)).doing(|| format!("read {file}"));
    let manifest = format!("{}.yml", name::identifier());
    let mut text = read(&format!("src-tauri/packaging/flatpak/{manifest}"))?;
    if let Some((tag, commit)) = published {
        let values: Value =
            serde_json::from_str(&read("src-tauri/packaging/publisher.json")?).unwrap_or_default();
        let source = values["SOURCE"].as_str().unwrap_or_default();
        if source.is_empty() {
            return Err(Problem::new(
                "src-tauri/packaging/publisher.json does not say where the source is published.",
            ));
        }
        text = from_published(&text, source, tag, commit)?;
    }
    let sources = sources(&read("Cargo.lock")?);
    let count = sources.len() / 2;
    let desktop = papers::desktop_file(
        &read("src-tauri/packaging/linux/app.desktop")?,
        name::identifier(),
    );
    let place = paths::target().join("flatpak");
    fs::create_dir_all(&place).doing(|| format!("make {}", place.display()))?;
    for (file, text) in [
        (manifest, text),
        (format!("{}.desktop", name::identifier()), desktop),
        (
            "cargo-sources.json".to_owned(),
            format!("{:#}\n", Value::Array(sources)),
        ),
    ] {
        fs::write(place.join(&file), text).doing(|| format!("write {file}"))?;
    }
    println!("flatpak: {count} crates; {}", place.display());
    Ok(())
}

/// The manifest with the published source in place of the checkout.
fn from_published(manifest: &str, source: &str, tag: &str, commit: &str) -> Outcome<String> {
    let here = "      - type: dir\n        path: ../..\n";
    if !manifest.contains(here) {
        return Err(Problem::new(
            "The Flatpak's manifest does not take this checkout where it should.",
        ));
    }
    let there = format!(
        "      - type: git\n        url: {source}\n        tag: {tag}\n        commit: {commit}\n"
    );
    Ok(manifest.replace(here, &there))
}

/// Every crate of a lock file that is published, for flatpak-builder, and how
/// cargo finds them.
fn sources(lock: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            package.lines().find_map(|line| {
                line.strip_prefix(key)?
                    .strip_prefix(" = \"")?
                    .strip_suffix('"')
            })
        };
        let (Some(name), Some(version), Some(checksum)) =
            (value("name"), value("version"), value("checksum"))
        else {
            continue;
        };
        let folder = format!("cargo/vendor/{name}-{version}");
        all.push(json!({
            "type": "archive", "archive-type": "tar-gzip",
            "url": format!("{CRATES}/{name}/{name}-{version}.crate"),
            "sha256": checksum, "dest": folder,
        }));
        all.push(json!({
            "type": "inline", "dest": folder, "dest-filename": ".cargo-checksum.json",
            "contents": format!("{{\"package\":\"{checksum}\",\"files\":{{}}}}"),
        }));
    }
    all.push(json!({
        "type": "inline", "dest": "cargo", "dest-filename": "config.toml",
        "contents": "[source.crates-io]\nreplace-with = \"vendored-sources\"\n\n[source.vendored-sources]\ndirectory = \"cargo/vendor\"\n",
    }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_crate_comes_with_its_checksum_and_ours_do_not() {
        let lock = "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+x\"\nchecksum = \"abc\"\n";
        let all = sources(lock);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0]["url"], format!("{CRATES}/serde/serde-1.0.1.crate"));
        assert_eq!(all[0]["sha256"], "abc");
        assert_eq!(all[1]["dest"], "cargo/vendor/serde-1.0.1");
    }

    #[test]
    fn the_kept_manifest_can_take_the_published_source() {
        let file = format!("src-tauri/packaging/flatpak/{}.yml", name::identifier());
        let text = fs::read_to_string(paths::repository().join(file)).unwrap();
        let text = from_published(&text, "https://whom.org/s", "v1", "0123").unwrap();
        assert!(
            text.contains("tag: v1\n        commit: 0123\n") && !text.contains("type: dir"),
            "{text}"
        );
        assert!(from_published("sources: []", "", "", "").is_err());
    }
}
