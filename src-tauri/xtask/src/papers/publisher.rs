//! Who publishes: addresses and names that no repository can know.
//!
//! Owns `src-tauri/packaging/publisher.json`, the one place for them. Papers
//! write `@NAME@` where a value goes. None is made up: an empty value is no
//! fault until a release, and then it is one.

use super::{Faults, Papers};
use crate::problem::{Doing, Outcome, Problem};
use std::collections::BTreeMap;
use std::fs;

const FILE: &str = "src-tauri/packaging/publisher.json";
/// Values that only become links of the metainfo.
const LINKED: &[&str] = &["HOMEPAGE", "SOURCE", "PICTURES"];
/// Where papers with such values are.
const FOLDERS: &[&str] = &["src-tauri/packaging", "fastlane"];
const ROOT: &[&str] = &["PRIVACY.md", "TERMS.md"];

fn values(papers: &Papers, faults: &mut Faults) -> BTreeMap<String, String> {
    let text = papers.read(FILE, faults);
    serde_json::from_str(&text).unwrap_or_else(|error| {
        faults.push(format!("{FILE}: {error}."));
        BTreeMap::new()
    })
}

/// The papers that hold `@NAME@`, and the names.
fn places(papers: &Papers) -> Vec<(String, Vec<String>)> {
    let ends = [".txt", ".xml", ".json", ".yml", ".entitlements", ".plist"];
    let mut files = papers.files(FOLDERS, &ends);
    files.extend(ROOT.iter().map(|file| (*file).to_owned()));
    files
        .into_iter()
        .filter_map(|file| {
            let text = fs::read_to_string(papers.path(&file)).ok()?;
            let names = names(&text);
            (!names.is_empty()).then_some((file, names))
        })
        .collect()
}

/// Capital letters between two `@`.
fn names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .split('@')
        .filter(|word| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|sign| sign.is_ascii_uppercase() || sign == '_')
        })
        .filter(|word| text.contains(&format!("@{word}@")))
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Names that nothing fills, and values that nothing uses.
pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    let values = values(papers, &mut faults);
    let places = places(papers);
    for (file, names) in &places {
        for name in names {
            if !values.contains_key(name) && !made(name) {
                faults.push(format!("{file}: {FILE} has no {name}."));
            }
        }
    }
    for (name, value) in &values {
        if !places.iter().any(|(_, names)| names.contains(name)) && !LINKED.contains(&name.as_str())
        {
            faults.push(format!("{FILE}: nothing uses {name}."));
        }
        if let Some(sentence) = wrong(name, value) {
            faults.push(format!("{FILE}: {name} {sentence}."));
        }
    }
    faults
}

/// Names that are made of values: the links of the metainfo.
fn made(name: &str) -> bool {
    name == "LINKS"
}

/// What is wrong with a value that is there.
fn wrong(name: &str, value: &str) -> Option<&'static str> {
    let address = value.starts_with("https://") && !value.contains([' ', '<', '>', '"']);
    let example = ["example.", "invalid", "localhost"]
        .iter()
        .any(|word| value.contains(word));
    match name {
        _ if value.is_empty() => None,
        _ if example => Some("is an example, which nobody reads"),
        "CONTACT" if !value.contains('@') && !address => {
            Some("must be an e-mail address or begin with https://")
        }
        "HOMEPAGE" | "SOURCE" | "PICTURES" | "PRIVACY" | "TERMS" | "UPDATES" | "SIGN_ENDPOINT"
            if !address =>
        {
            Some("must begin with https://")
        }
        "APPLE_TEAM" if value.len() != 10 => Some("must be the ten signs that Apple gave"),
        _ => None,
    }
}

/// Values that a release has not got.
pub(super) fn missing(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    for (name, value) in values(papers, &mut faults) {
        if value.trim().is_empty() {
            faults.push(format!(
                "{FILE}: {name} is not filled in, and a release needs it."
            ));
        }
    }
    faults
}

/// Puts the values into the papers of this checkout; refuses while one is missing.
pub(super) fn fill(papers: &Papers) -> Outcome {
    let faults: Vec<_> = faults(papers).into_iter().chain(missing(papers)).collect();
    if !faults.is_empty() {
        return Err(Problem::new(faults.join("\n")));
    }
    let mut values = values(papers, &mut Vec::new());
    values.insert("LINKS".to_owned(), links(&values));
    let places = places(papers);
    for (file, names) in &places {
        let path = papers.path(file);
        let mut text = fs::read_to_string(&path).doing(|| format!("read {file}"))?;
        for name in names {
            let value = values.get(name).map(String::as_str).unwrap_or_default();
            text = text
                .replace(&format!("<!-- @{name}@ -->"), value)
                .replace(&format!("@{name}@"), value);
        }
        fs::write(&path, text).doing(|| format!("write {file}"))?;
    }
    println!(
        "papers: {} filled in; they are for a release, not for a commit",
        places.len()
    );
    Ok(())
}

/// The metainfo's links.
fn links(values: &BTreeMap<String, String>) -> String {
    let value = |name: &str| values.get(name).map(String::as_str).unwrap_or_default();
    // An address of e-mail is no page, and AppStream takes pages alone.
    let urls: Vec<_> = [
        ("homepage", "HOMEPAGE"),
        ("vcs-browser", "SOURCE"),
        ("contact", "CONTACT"),
    ]
    .into_iter()
    .filter(|(_, name)| value(name).starts_with("https://"))
    .map(|(kind, name)| format!("<url type=\"{kind}\">{}</url>", value(name)))
    .collect();
    let folder = value("PICTURES").trim_end_matches('/');
    let pictures = [(" type=\"default\"", "conversation"), ("", "search")].map(|(kind, name)| {
        format!("<screenshot{kind}><image>{folder}/{name}.png</image></screenshot>")
    });
    format!(
        "{}\n  <screenshots>\n    {}\n  </screenshots>",
        urls.join("\n  "),
        pictures.join("\n    ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::super::tests::{Planted, one};
    use super::*;

    const VALUES: &str = r#"{"CONTACT":"","HOMEPAGE":"","SOURCE":"","PICTURES":""}"#;

    fn planted(values: &str) -> Planted {
        Planted::with(&[
            (FILE, values),
            ("PRIVACY.md", "Write to @CONTACT@ (a@b.org, not @here)."),
            ("src-tauri/packaging/linux/a.xml", "<a><!-- @LINKS@ --></a>"),
        ])
    }

    #[test]
    fn a_name_without_a_value_and_a_value_without_a_use_are_found() {
        assert_eq!(faults(&planted(VALUES).0), Faults::new());
        one(
            &faults(&planted(r#"{"HOMEPAGE":"","SOURCE":"","PICTURES":""}"#).0),
            "has no CONTACT",
        );
        one(
            &faults(&planted(&VALUES.replace('{', r#"{"MORE":"","#)).0),
            "nothing uses MORE",
        );
        one(
            &faults(&planted(&VALUES.replace(r#"CONTACT":""#, r#"CONTACT":"a@example.org"#)).0),
            "an example",
        );
        one(
            &faults(&planted(&VALUES.replace(r#"SOURCE":""#, r#"SOURCE":"http://a.org"#)).0),
            "https://",
        );
    }

    #[test]
    fn a_release_is_refused_until_all_is_filled_in() {
        let planted = planted(VALUES);
        assert_eq!(missing(&planted.0).len(), 4);
        let refused = fill(&planted.0).unwrap_err();
        assert!(
            refused.sentence.contains("CONTACT is not filled in"),
            "{refused}"
        );
        let text = fs::read_to_string(planted.0.path("PRIVACY.md")).unwrap();
        assert!(text.contains("@CONTACT@"), "nothing was written");

        planted.plant(FILE, br#"{"CONTACT":"us@whom.org","HOMEPAGE":"https://whom.org","SOURCE":"https://whom.org/s","PICTURES":"https://whom.org/p"}"#);
        fill(&planted.0).unwrap();
        let text = fs::read_to_string(planted.0.path("PRIVACY.md")).unwrap();
        assert_eq!(text, "Write to us@whom.org (a@b.org, not @here).");
        let text = fs::read_to_string(planted.0.path("src-tauri/packaging/linux/a.xml")).unwrap();
        assert!(text.contains("<url type=\"homepage\">https://whom.org</url>"));
        assert!(!text.contains("us@whom.org"), "a page is wanted: {text}");
        assert!(text.contains("<image>https://whom.org/p/search.png</image>"));
        assert!(parse(&text).is_ok(), "{text}");
    }
}
