//! `cargo xtask updates FOLDER`: writes `latest.json`, which tells an installed
//! app that there is a newer one.
//!
//! Owns which file is for which system. Every signature is a file that Tauri's
//! tools wrote beside what they signed; one that is missing fails. Never signs
//! and never publishes: that is a person's approval (docs/releasing.md).

use crate::problem::{Doing, Outcome, Problem};
use crate::{name, paths};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

/// A system as the updater names it, and how the name of its file ends.
const FILES: &[(&str, &str)] = &[
    ("linux-x86_64", ".AppImage"),
    ("darwin-x86_64", ".app.tar.gz"),
    ("darwin-aarch64", ".app.tar.gz"),
    ("windows-x86_64", "-setup.exe"),
];

/// Writes the manifest for what lies in a folder.
pub fn run(words: &[&str]) -> Outcome {
    let [folder, day] = words else {
        return Err(Problem::new(
            "updates takes the folder of a release, and its day (2026-12-31).",
        ));
    };
    let file = paths::repository().join("src-tauri/packaging/publisher.json");
    let text = fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
    let values: Value = serde_json::from_str(&text).unwrap_or_default();
    let manifest = manifest(
        Path::new(folder),
        values["UPDATES"].as_str().unwrap_or_default(),
        day,
    )?;
    let place = Path::new(folder).join("latest.json");
    fs::write(&place, format!("{manifest:#}\n")).doing(|| format!("write {}", place.display()))?;
    println!("updates: {} systems in {}", FILES.len(), place.display());
    Ok(())
}

/// `updates` is the address of `latest.json`; the files lie beside it.
fn manifest(folder: &Path, updates: &str, day: &str) -> Outcome<Value> {
    let Some((place, "latest.json")) = updates.rsplit_once('/') else {
        return Err(Problem::new(
            "publisher.json: UPDATES must be the address of latest.json.",
        ));
    };
    let entries = fs::read_dir(folder).doing(|| format!("read {}", folder.display()))?;
    let names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|file| !file.contains("offline"))
        .collect();
    let mut systems = Map::new();
    for (system, end) in FILES {
        let all: Vec<_> = names.iter().filter(|file| file.ends_with(end)).collect();
        let [file] = all.as_slice() else {
            return Err(Problem::new(format!(
                "{} files end in {end}, and one is wanted for {system}.",
                all.len()
            )));
        };
        let signature = folder.join(format!("{file}.sig"));
        let signature = fs::read_to_string(&signature)
            .doing(|| format!("read the signature {}", signature.display()))?;
        let entry = json!({"signature": signature.trim(), "url": format!("{place}/{file}")});
        systems.insert((*system).to_owned(), entry);
    }
    Ok(
        json!({"version": name::version(), "pub_date": format!("{day}T00:00:00Z"), "platforms": systems}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    #[test]
    fn each_system_gets_its_file_with_its_signature_and_a_missing_one_fails() {
        let folder = std::env::temp_dir().join(format!("xtask-updates-{}", random::word(8)));
        fs::create_dir_all(&folder).unwrap();
        for file in [
            "a_amd64.AppImage",
            "a.app.tar.gz",
            "a-setup.exe",
            "a-offline-setup.exe",
        ] {
            fs::write(folder.join(file), "").unwrap();
            fs::write(
                folder.join(format!("{file}.sig")),
                format!("signed {file}\n"),
            )
            .unwrap();
        }
        let address = "https://whom.org/updates/latest.json";
        let all = manifest(&folder, address, "2026-12-31").unwrap();
        assert_eq!(all["version"], name::version());
        assert_eq!(
            all["platforms"]["windows-x86_64"]["signature"],
            "signed a-setup.exe"
        );
        assert_eq!(
            all["platforms"]["linux-x86_64"]["url"],
            "https://whom.org/updates/a_amd64.AppImage"
        );
        assert_eq!(all["platforms"].as_object().unwrap().len(), FILES.len());

        assert!(manifest(&folder, "", "2026-12-31").is_err(), "no address");
        fs::remove_file(folder.join("a.app.tar.gz.sig")).unwrap();
        let refused = manifest(&folder, address, "2026-12-31").unwrap_err();
        assert!(refused.sentence.contains("a.app.tar.gz.sig"), "{refused}");
        fs::remove_file(folder.join("a.app.tar.gz")).unwrap();
        assert!(
            manifest(&folder, address, "2026-12-31")
                .unwrap_err()
                .sentence
                .contains("0 files")
        );
        paths::remove(&folder).unwrap();
    }
}
