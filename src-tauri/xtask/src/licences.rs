//! `cargo xtask licences`: writes THIRD-PARTY-NOTICES, the full texts under
//! which everything in the shipped programs may be passed on; `--check` only
//! says whether the kept file is what would be written.
//!
//! Owns the list of shipped systems and of the texts that some crates leave out
//! of their packages. What is shipped is asked of cargo, system by system. A
//! part without a text fails, and so does a kept text that nothing needs. Never
//! decides which licences are allowed: `deny.toml` does.

use crate::problem::{Doing, Outcome, Problem};
use crate::{name, network, paths, process};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The systems that something is shipped for.
const TARGETS: &[&str] = &[
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "aarch64-linux-android",
    "armv7-linux-androideabi",
    "x86_64-linux-android",
    "aarch64-apple-ios",
];

/// The kept file, at the root.
pub const FILE: &str = "THIRD-PARTY-NOTICES";

/// Crates whose packages have no text, and ours of the same text, below the
/// repository. A name that ends in `*` stands for all that begin so.
const KEPT: &[(&str, &str)] = &[
    (
        "alloc-stdlib",
        "src-tauri/packaging/licences/alloc-stdlib.txt",
    ),
    ("block2", OBJC),
    ("dispatch2", OBJC),
    ("dlopen2", "src-tauri/packaging/licences/dlopen2.txt"),
    ("fluent-langneg", APACHE),
    ("intl_pluralrules", APACHE),
    ("jni", APACHE),
    ("libappindicator-sys", APACHE),
    ("mac-usernotifications", APACHE),
    ("ndk*", APACHE),
    ("objc2*", OBJC),
    ("rustls-platform-verifier-android", APACHE),
    ("selectors", "src-tauri/packaging/licences/MPL-2.0.txt"),
    ("ts-rs", "src-tauri/packaging/licences/ts-rs.txt"),
    (
        "webview2-com*",
        "src-tauri/packaging/licences/webview2-com.txt",
    ),
];
const OBJC: &str = "src-tauri/packaging/licences/objc2.txt";
/// The same for every work, with no name in it: ours serves.
const APACHE: &str = "LICENSE-APACHE";

/// What else is in the programs: a name, and its text.
const BESIDES: &[(&str, &str)] = &[
    (
        "Rust's standard library",
        "src-tauri/packaging/licences/rust.txt",
    ),
    (
        "tslib, within @tauri-apps/api",
        "src-tauri/packaging/licences/tslib.txt",
    ),
];

/// Libraries of the Android app, by how their names begin, and their text. What
/// these bring along comes from the same hands under the same licence.
const ANDROID: &[(&str, &str)] = &[
    ("androidx.", APACHE),
    ("org.rustls:", APACHE),
    ("com.google.android.material:", APACHE),
    ("org.jetbrains.kotlin", APACHE),
];

/// Who is named above a text.
type Named = BTreeSet<String>;

/// A crate in a shipped program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    licence: String,
    folder: PathBuf,
}

/// Writes the file, or with `--check` compares it.
pub fn run(words: &[&str]) -> Outcome {
    let check = match words {
        [] => false,
        ["--check"] => true,
        _ => return Err(Problem::new("licences takes nothing, or --check.")),
    };
    let (text, count) = notices(&paths::repository())?;
    let place = paths::repository().join(FILE);
    if check {
        let kept = fs::read_to_string(&place).unwrap_or_default();
        // Windows may check it out with other line ends.
        if kept.replace("\r\n", "\n") != text {
            return Err(Problem::with_line(
                format!("{FILE} is not what the shipped programs are made of now."),
                "cargo xtask licences",
            ));
        }
    } else {
        fs::write(&place, &text).doing(|| format!("write {}", place.display()))?;
    }
    println!("licences: ok, {count} parts, {} bytes", text.len());
    Ok(())
}

/// The whole file, and how many parts it names.
fn notices(root: &Path) -> Outcome<(String, usize)> {
    let mut parts = BTreeSet::new();
    for target in TARGETS {
        parts.extend(shipped(&metadata(root, target)?));
    }
    if parts.is_empty() {
        return Err(Problem::new("cargo names no crates: nothing was compared."));
    }
    let mut texts: BTreeMap<String, Named> = BTreeMap::new();
    let mut problems = crates(root, &parts, KEPT, &mut texts)?;
    for (what, file) in BESIDES {
        add(&mut texts, read(&root.join(file))?, (*what).to_owned());
    }
    problems.extend(page(root, &mut texts)?);
    problems.extend(android(root, &mut texts)?);
    if !problems.is_empty() {
        return Err(Problem::new(problems.join("\n")));
    }
    let count = texts.values().flatten().collect::<BTreeSet<_>>().len();
    Ok((written(&texts), count))
}

/// What cargo knows, with only what this system gets.
fn metadata(root: &Path, target: &str) -> Outcome<Value> {
    let mut ask = process::bound_command(network::cargo());
    ask.args(["metadata", "--format-version", "1", "--locked", "--quiet"])
        .args(["--filter-platform", target])
        .current_dir(root);
    let said = process::output("cargo metadata", ask)?;
    serde_json::from_str(&said).map_err(|_| Problem::new("cargo metadata is not JSON."))
}

/// The crates that end up in the shipped programs: what these use, without what
/// only builds them, but with C sources (`…-src`) that are compiled in.
fn shipped(metadata: &Value) -> BTreeSet<Part> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let word = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> = list(metadata, "packages")
        .into_iter()
        .map(|package| (word(&package, "id"), package))
        .collect();
    let nodes: BTreeMap<String, Value> = list(&metadata["resolve"], "nodes")
        .into_iter()
        .map(|node| (word(&node, "id"), node))
        .collect();
    let programs = [name::program().to_owned(), name::rpc(), name::provision()];
    let mut open: Vec<String> = packages
        .iter()
        .filter(|(_, package)| {
            package["source"].is_null() && programs.contains(&word(package, "name"))
        })
        .map(|(id, _)| id.clone())
        .collect();
    let mut seen = BTreeSet::new();
    let mut parts = BTreeSet::new();
    while let Some(id) = open.pop() {
        let (Some(package), Some(node)) = (packages.get(&id), nodes.get(&id)) else {
            continue;
        };
        let macros = list(package, "targets")
            .iter()
            .any(|target| target["kind"][0] == "proc-macro");
        if macros || !seen.insert(id) {
            continue;
        }
        if !package["source"].is_null() {
            let manifest = PathBuf::from(word(package, "manifest_path"));
            parts.insert(Part {
                name: word(package, "name"),
                version: word(package, "version"),
                licence: word(package, "license"),
                folder: manifest.parent().unwrap_or(&manifest).to_path_buf(),
            });
        }
        for edge in list(node, "deps") {
            let to = word(&edge, "pkg");
            let sources = packages
                .get(&to)
                .is_some_and(|package| word(package, "name").ends_with("-src"));
            let kinds = list(&edge, "dep_kinds");
            if kinds
                .iter()
                .any(|kind| kind["kind"].is_null() || (sources && kind["kind"] == "build"))
            {
                open.push(to);
            }
        }
    }
    parts
}

/// Adds every crate's texts, and says what is missing or kept in vain.
fn crates(
    root: &Path,
    parts: &BTreeSet<Part>,
    kept: &[(&str, &str)],
    texts: &mut BTreeMap<String, Named>,
) -> Outcome<Vec<String>> {
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    for part in parts {
        let named = format!("{} {} ({})", part.name, part.version, part.licence);
        let mut files = licence_files(&part.folder)?;
        choose(&part.licence, &mut files);
        if files.is_empty()
            && let Some((pattern, file)) = kept.iter().find(|(name, _)| fits(name, &part.name))
        {
            used.insert(*pattern);
            files.push(root.join(file));
        }
        if files.is_empty() {
            problems.push(format!(
                "{named} has no licence text in its package: keep one, looked up where it is made."
            ));
        }
        for file in files {
            add(texts, read(&file)?, named.clone());
        }
    }
    for (pattern, _) in kept {
        if !used.contains(pattern) {
            problems.push(format!(
                "The text that is kept for {pattern} is not needed."
            ));
        }
    }
    Ok(problems)
}

/// Where MIT may be chosen and has a text, it is chosen: a third of the length.
fn choose(licence: &str, files: &mut Vec<PathBuf>) {
    let named = |file: &Path, word: &str| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.to_lowercase().contains(word)
    };
    let words: Vec<_> = licence.split([' ', '/']).collect();
    let free = words.contains(&"MIT") && !words.contains(&"AND");
    if free && files.iter().any(|file| named(file, "mit")) {
        files.retain(|file| {
            !["apache", "zlib", "unlicense"]
                .iter()
                .any(|word| named(file, word))
        });
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// Adds what the page is served with, one folder a package.
fn page(root: &Path, texts: &mut BTreeMap<String, Named>) -> Outcome<Vec<String>> {
    let vendor = root.join("ui/vendor");
    let hashes: Value = serde_json::from_str(&read(&vendor.join("hashes.json"))?)
        .map_err(|_| Problem::new("ui/vendor/hashes.json is not JSON."))?;
    let mut named = BTreeMap::new();
    for package in hashes["packages"].as_array().into_iter().flatten() {
        let word = |key: &str| package[key].as_str().unwrap_or_default();
        let what = format!("{} {} ({})", word("name"), word("version"), word("license"));
        named.insert(word("folder").to_owned(), what);
    }
    let mut problems = Vec::new();
    for entry in fs::read_dir(&vendor).doing(|| format!("read {}", vendor.display()))? {
        let path = entry.doing(|| "read ui/vendor".to_owned())?.path();
        if !path.is_dir() {
            continue;
        }
        let folder = path.file_name().unwrap_or_default().to_string_lossy();
        let files = licence_files(&path)?;
        match named.get(folder.as_ref()) {
            Some(what) if !files.is_empty() => {
                for file in files {
                    add(texts, read(&file)?, what.clone());
                }
            }
            Some(_) => problems.push(format!("ui/vendor/{folder} has no licence text.")),
            None => problems.push(format!("ui/vendor/hashes.json does not name {folder}.")),
        }
    }
    Ok(problems)
}

/// Adds the libraries that the Android app and its plugin name.
fn android(root: &Path, texts: &mut BTreeMap<String, Named>) -> Outcome<Vec<String>> {
    let gradle: String = ["gen/android/app", "src-tauri/phone/android"]
        .iter()
        .filter_map(|folder| fs::read_to_string(root.join(folder).join("build.gradle.kts")).ok())
        .collect();
    let mut problems = Vec::new();
    let named: BTreeSet<&str> = gradle.lines().map(str::trim).collect();
    for line in named {
        let Some(rest) = line.strip_prefix("implementation(\"") else {
            continue;
        };
        let library = rest.split('"').next().unwrap_or_default();
        match ANDROID.iter().find(|(group, _)| library.starts_with(group)) {
            Some((_, file)) => add(texts, read(&root.join(file))?, library.to_owned()),
            None => problems.push(format!("The licence of {library} (Android) is not known.")),
        }
    }
    Ok(problems)
}

/// Every licence, notice and copyright file in a folder and below it.
fn licence_files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).doing(|| format!("read {}", folder.display()))?;
        for entry in entries {
            let path = entry.doing(|| format!("read {}", folder.display()))?.path();
            let name = path.file_name().unwrap_or_default();
            let name = name.to_string_lossy().to_lowercase();
            let code = name.rsplit_once('.').is_some_and(|(_, end)| {
                matches!(
                    end,
                    "rs" | "c" | "h" | "js" | "ts" | "html" | "json" | "toml" | "png"
                )
            });
            if path.is_dir() {
                open.push(path);
            } else if !code
                && [
                    "license",
                    "licence",
                    "copying",
                    "notice",
                    "unlicense",
                    "copyright",
                ]
                .iter()
                .any(|word| name.starts_with(word))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Outcome<String> {
    let bytes = fs::read(path).doing(|| format!("read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn add(texts: &mut BTreeMap<String, Named>, text: String, who: String) {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    let text = lines.join("\n").trim_matches('\n').to_owned();
    if !text.is_empty() {
        texts.entry(text).or_default().insert(who);
    }
}

fn written(texts: &BTreeMap<String, Named>) -> String {
    let rule = "-".repeat(80);
    let mut sections: Vec<_> = texts.iter().collect();
    sections.sort_by_key(|(text, who)| (who.first(), *text));
    let mut file = format!(
        "What {} is made of besides its own code, and the terms of each part.\n\
         Where a licence, behind the name, says OR and MIT, MIT was chosen.\n\
         `cargo xtask licences` writes this file.\n",
        name::product()
    );
    for (text, who) in sections {
        file.push_str(&format!("\n{rule}\n"));
        for who in who {
            file.push_str(&format!("{who}\n"));
        }
        file.push_str(&format!("\n{text}\n"));
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;
    use serde_json::json;

    fn place() -> PathBuf {
        let place = std::env::temp_dir().join(format!("xtask-licences-{}", random::word(8)));
        fs::create_dir_all(&place).unwrap();
        place
    }

    fn part(folder: &Path, name: &str) -> Part {
        Part {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: "MIT".to_owned(),
            folder: folder.to_path_buf(),
        }
    }

    #[test]
    fn what_builds_a_program_is_not_in_it_and_c_sources_are() {
        let package = |name: &str, kind: &str, source: Value| {
            json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT", "source": source,
                   "manifest_path": format!("/crates/{name}/Cargo.toml"), "targets": [{"kind": [kind]}]})
        };
        let edge = |to: &str, kind: Value| json!({"pkg": to, "dep_kinds": [{"kind": kind}]});
        let ours = name::program();
        let metadata = json!({
            "packages": [
                package(ours, "bin", Value::Null), package("used", "lib", json!("registry")),
                package("macros", "proc-macro", json!("registry")), package("builds", "lib", json!("registry")),
                package("tests", "lib", json!("registry")), package("sql-src", "lib", json!("registry")),
            ],
            "resolve": {"nodes": [
                {"id": ours, "deps": [edge("used", Value::Null), edge("macros", Value::Null), edge("tests", json!("dev"))]},
                {"id": "used", "deps": [edge("builds", json!("build")), edge("sql-src", json!("build"))]},
                {"id": "macros", "deps": []}, {"id": "builds", "deps": []}, {"id": "tests", "deps": []}, {"id": "sql-src", "deps": []},
            ]},
        });
        let names: Vec<_> = shipped(&metadata)
            .into_iter()
            .map(|part| part.name)
            .collect();
        assert_eq!(names, ["sql-src", "used"]);
    }

    #[test]
    fn a_crate_without_a_text_fails_and_a_kept_text_mends_it() {
        let root = place();
        let parts = BTreeSet::from([part(&root.join("bare"), "bare")]);
        fs::create_dir(root.join("bare")).unwrap();
        fs::write(root.join("bare/license.rs"), "no text").unwrap();
        fs::write(root.join("kept.txt"), "Kept words").unwrap();

        let mut texts = BTreeMap::new();
        let problems = crates(&root, &parts, &[], &mut texts).unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("bare 1.0.0"), "{problems:?}");

        let kept = [("bar*", "kept.txt")];
        assert!(crates(&root, &parts, &kept, &mut texts).unwrap().is_empty());
        assert!(written(&texts).contains("\nbare 1.0.0 (MIT)\n\nKept words\n"));

        fs::write(root.join("bare/LICENSE"), "Its own").unwrap();
        let problems = crates(&root, &parts, &kept, &mut texts).unwrap();
        assert!(problems[0].contains("not needed"), "{problems:?}");
        paths::remove(&root).unwrap();
    }

    #[test]
    fn mit_is_chosen_only_where_there_is_a_choice_and_a_text() {
        let chosen = |licence: &str, names: &[&str]| {
            let mut files: Vec<_> = names.iter().map(PathBuf::from).collect();
            choose(licence, &mut files);
            files
        };
        let both = ["LICENSE-APACHE", "LICENSE-MIT", "NOTICE"];
        let mit = ["LICENSE-MIT", "NOTICE"].map(PathBuf::from);
        assert_eq!(chosen("MIT OR Apache-2.0", &both), mit);
        assert_eq!(chosen("MIT/Apache-2.0", &both), mit);
        assert_eq!(chosen("MIT AND Apache-2.0", &both).len(), 3);
        assert_eq!(chosen("Apache-2.0", &both).len(), 3);
        assert_eq!(chosen("Apache-2.0 OR MIT", &["LICENSE_APACHE"]).len(), 1);
    }

    #[test]
    fn a_text_stands_once_below_all_whom_it_is_for() {
        let mut texts = BTreeMap::new();
        add(&mut texts, "Words \r\nmore\n\n".to_owned(), "b".to_owned());
        add(&mut texts, "\nWords\nmore".to_owned(), "a".to_owned());
        assert!(written(&texts).ends_with("\na\nb\n\nWords\nmore\n"));
        assert_eq!(texts.len(), 1);
    }

    #[test]
    fn a_part_of_the_page_without_a_text_fails() {
        let root = place();
        fs::create_dir_all(root.join("ui/vendor/thing")).unwrap();
        let hashes =
            r#"{"packages":[{"name":"thing","version":"1","license":"MIT","folder":"thing"}]}"#;
        fs::write(root.join("ui/vendor/hashes.json"), hashes).unwrap();
        let mut texts = BTreeMap::new();
        assert_eq!(
            page(&root, &mut texts).unwrap(),
            ["ui/vendor/thing has no licence text."]
        );
        fs::write(root.join("ui/vendor/thing/LICENSE"), "Words").unwrap();
        assert!(page(&root, &mut texts).unwrap().is_empty());
        assert!(texts.contains_key("Words"));
        fs::create_dir(root.join("ui/vendor/stray")).unwrap();
        assert_eq!(page(&root, &mut texts).unwrap().len(), 1);
        paths::remove(&root).unwrap();
    }

    #[test]
    fn a_library_of_the_android_app_whose_licence_is_not_known_fails() {
        let root = place();
        let folder = root.join("gen/android/app");
        fs::create_dir_all(&folder).unwrap();
        let plugin = root.join("src-tauri/phone/android");
        fs::create_dir_all(&plugin).unwrap();
        let more = "implementation(\"com.example:odder:1\")\n";
        fs::write(plugin.join("build.gradle.kts"), more).unwrap();
        fs::write(root.join(APACHE), "Terms").unwrap();
        let lines = "    implementation(\"androidx.webkit:webkit:1.14.0\")\n    implementation(\"com.example:odd:1\")\n";
        fs::write(folder.join("build.gradle.kts"), lines).unwrap();
        let mut texts = BTreeMap::new();
        let problems = android(&root, &mut texts).unwrap();
        assert_eq!(
            problems,
            [
                "The licence of com.example:odd:1 (Android) is not known.",
                "The licence of com.example:odder:1 (Android) is not known.",
            ]
        );
        assert!(texts["Terms"].contains("androidx.webkit:webkit:1.14.0"));
        paths::remove(&root).unwrap();
    }
}
