//! `cargo xtask papers`: whether everything that is handed to a store or a
//! package says what it must, before a store says so.
//!
//! Owns which kinds of paper there are; each module below knows one, finds its
//! faults in a folder that it is given, and changes nothing. `--release` also
//! asks for what only a release needs; `--fill` puts the publisher's values into
//! the checkout it runs in, which a pipeline throws away afterwards.

mod android;
mod apple;
mod links;
mod phone;
mod pictures;
mod programs;
mod publisher;
mod same;
mod texts;
mod workflows;

pub(crate) use programs::desktop_file;

use crate::paths;
use crate::problem::{Outcome, Problem};
use std::fs;
use std::path::{Path, PathBuf};

/// What is wrong, a line each: `file: sentence`.
type Faults = Vec<String>;

/// Finds what is wrong with one kind of paper.
type Check = fn(&Papers) -> Faults;

/// What is looked at, and by what.
const KINDS: &[(&str, Check)] = &[
    ("XML", xml),
    ("JSON and YAML", data),
    ("one name, one version", same::faults),
    ("Apple", apple::faults),
    ("Android", android::faults),
    ("Kotlin, Swift and Rust", phone::faults),
    ("listings", texts::faults),
    ("pictures", pictures::faults),
    ("pipelines", workflows::faults),
    ("links", links::faults),
    ("the publisher's values", publisher::faults),
];

/// Runs every check; with `--release [TAG]` also what only a release needs.
pub fn run(words: &[&str]) -> Outcome {
    let papers = Papers::at(&paths::repository());
    let release = match words {
        [] => None,
        ["--release"] => Some(None),
        ["--release", tag] => Some(Some(*tag)),
        ["--fill"] => return publisher::fill(&papers),
        _ => {
            return Err(Problem::new(
                "papers takes nothing, --release [TAG] or --fill.",
            ));
        }
    };
    let mut all = Vec::new();
    for (kind, faults) in KINDS {
        let faults = faults(&papers);
        println!("{kind:<24} {}", said(&faults));
        all.extend(faults);
    }
    for (program, result) in programs::run(&papers) {
        match result {
            programs::Result::Found(faults) => {
                println!("{program:<24} {}", said(&faults));
                all.extend(faults);
            }
            programs::Result::Skipped(because) => {
                println!("{program:<24} skipped, because {because}");
            }
        }
    }
    if let Some(tag) = release {
        all.extend(publisher::missing(&papers));
        all.extend(same::release(&papers, tag));
        all.extend(pictures::missing(&papers));
    }
    if all.is_empty() {
        println!("papers: ok");
        return Ok(());
    }
    Err(Problem::new(format!(
        "{}\n\npapers: {} faults",
        all.join("\n"),
        all.len()
    )))
}

fn said(faults: &Faults) -> String {
    match faults.len() {
        0 => "ok".to_owned(),
        count => format!("{count} wrong"),
    }
}

/// A checkout, or a folder that looks like one.
pub(crate) struct Papers {
    root: PathBuf,
}

impl Papers {
    fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// A file's text; that it is missing is a fault.
    fn read(&self, file: &str, faults: &mut Faults) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_else(|_| {
            faults.push(format!("{file}: it is missing, or no text."));
            String::new()
        })
    }

    /// Every file below some folders whose name ends in one of these.
    fn files(&self, folders: &[&str], ends: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        let mut open: Vec<PathBuf> = folders.iter().map(|folder| self.path(folder)).collect();
        while let Some(place) = open.pop() {
            for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = entry.file_name().to_string_lossy().into_owned();
                if path.is_dir() {
                    if !["target", "node_modules", "build", ".gradle"].contains(&name.as_str()) {
                        open.push(path);
                    }
                } else if ends.iter().any(|end| name.ends_with(end))
                    && let Ok(path) = path.strip_prefix(&self.root)
                {
                    found.push(path.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        found
    }
}

/// Folders that hold papers.
const FOLDERS: &[&str] = &[
    "src-tauri/packaging",
    "src-tauri/phone/android/src",
    "gen/android",
    "fastlane",
    ".github",
];

/// Property lists, manifests, resources and metainfo: all well-formed, and there.
fn xml(papers: &Papers) -> Faults {
    let ends = [".xml", ".plist", ".entitlements", ".xcprivacy"];
    let files = papers.files(FOLDERS, &ends);
    let mut faults = Vec::new();
    if files.is_empty() {
        faults.push("src-tauri/packaging: there is no XML at all.".to_owned());
    }
    for file in files {
        let text = papers.read(&file, &mut faults);
        if let Err(error) = parse(&text) {
            faults.push(format!("{file}: {error}."));
        }
    }
    faults
}

/// XML, with the document type that property lists begin with.
fn parse(text: &str) -> Result<roxmltree::Document<'_>, roxmltree::Error> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    roxmltree::Document::parse_with_options(text, options)
}

fn data(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    for file in papers.files(FOLDERS, &[".json"]) {
        let text = papers.read(&file, &mut faults);
        if let Err(error) = serde_json::from_str::<serde_json::Value>(&text) {
            faults.push(format!("{file}: {error}."));
        }
    }
    for file in papers.files(FOLDERS, &[".yml", ".yaml"]) {
        let text = papers.read(&file, &mut faults);
        let text = if file.ends_with("ios/project.yml") {
            apple::filled(&text)
        } else {
            text
        };
        if let Err(sentence) = yaml(&text) {
            faults.push(format!("{file}: {sentence}"));
        }
    }
    faults
}

/// The one document of a YAML file, which must be a mapping.
fn yaml(text: &str) -> Result<saphyr::Yaml<'_>, String> {
    use saphyr::LoadableYamlNode as _;
    let mut all = saphyr::Yaml::load_from_str(text).map_err(|error| format!("{error}."))?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) if one.is_mapping() => Ok(one),
        _ => Err("it is not one mapping.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    /// A folder of planted files, removed with it.
    pub(crate) struct Planted(pub(crate) Papers);

    impl Planted {
        pub(crate) fn with(files: &[(&str, &str)]) -> Self {
            let name = format!("xtask-papers-{}", random::word(8));
            let planted = Self(Papers::at(&std::env::temp_dir().join(name)));
            for (file, text) in files {
                planted.plant(file, text.as_bytes());
            }
            planted
        }

        pub(crate) fn plant(&self, file: &str, bytes: &[u8]) {
            let path = self.0.path(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }

        /// The repository's own file, changed.
        pub(crate) fn changed(&self, file: &str, from: &str, to: &str) {
            let text = fs::read_to_string(paths::repository().join(file)).unwrap();
            assert!(text.contains(from), "{file} has {from}");
            self.plant(file, text.replace(from, to).as_bytes());
        }
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            let _ = paths::remove(&self.0.root);
        }
    }

    /// One fault, and it says this.
    pub(crate) fn one(faults: &Faults, word: &str) {
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(word), "{faults:?}");
    }

    #[test]
    fn xml_that_is_not_well_formed_is_found() {
        let planted = Planted::with(&[("src-tauri/packaging/a.plist", "<plist><dict></plist>")]);
        one(&xml(&planted.0), "a.plist");
        planted.plant("src-tauri/packaging/a.plist", b"<!DOCTYPE plist><plist/>");
        assert!(xml(&planted.0).is_empty());
    }

    #[test]
    fn json_and_yaml_that_cannot_be_read_are_found() {
        let planted = Planted::with(&[(".github/workflows/a.yml", "jobs: [a\n")]);
        one(&data(&planted.0), "a.yml");
        planted.plant(".github/workflows/a.yml", b"jobs: [a]\n");
        assert!(data(&planted.0).is_empty());
        planted.plant("src-tauri/packaging/b.json", b"{\"a\": }");
        one(&data(&planted.0), "b.json");
    }

    #[test]
    fn nothing_is_wrong_here() {
        let papers = Papers::at(&paths::repository());
        for (kind, faults) in KINDS {
            assert_eq!(faults(&papers), Faults::new(), "{kind}");
        }
    }
}
