//! Links between the documents: each leads to something, also within a page.

use super::{Faults, Papers};

/// Where documents are, besides those at the root.
const FOLDERS: &[&str] = &["docs"];
const ROOT: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "PRIVACY.md",
    "TERMS.md",
];

pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    let mut files = papers.files(FOLDERS, &[".md"]);
    files.extend(ROOT.iter().map(|file| (*file).to_owned()));
    for file in files {
        let text = papers.read(&file, &mut faults);
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") || target.starts_with('@') {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let place = if path.is_empty() {
                file.clone()
            } else {
                beside(&file, path)
            };
            if !papers.path(&place).exists() {
                faults.push(format!("{file}: {target} leads nowhere."));
            } else if !anchor.is_empty() && place.ends_with(".md") {
                let there = papers.read(&place, &mut faults);
                if !headings(&there).any(|heading| heading == anchor) {
                    faults.push(format!("{file}: {place} has no heading #{anchor}."));
                }
            }
        }
    }
    faults
}

/// What stands between the round brackets of links, outside of code.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push(target.to_owned());
        }
    }
    found
}

/// A path that is written in a file, from the root.
fn beside(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Headings as a page names them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|sign| sign.is_alphanumeric() || [' ', '-', '_'].contains(sign))
                .map(|sign| if sign == ' ' { '-' } else { sign })
                .collect()
        })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Planted, one};
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let mut files: Vec<_> = ROOT.iter().map(|file| (*file, "")).collect();
        files.push((
            "docs/a/b.md",
            "# One & two\n[c](../c.md#one-two) [x](https://example.com/no) [r](../../README.md)",
        ));
        files.push((
            "docs/c.md",
            "## One, two!\n```\n[code](is-none.md)\n```\n[here](#one-two)",
        ));
        let planted = Planted::with(&files);
        assert_eq!(faults(&planted.0), Faults::new());
        planted.plant("docs/d.md", b"[gone](gone.md)");
        one(&faults(&planted.0), "gone.md leads nowhere");
        planted.plant("docs/d.md", b"[c](c.md#three)");
        one(&faults(&planted.0), "no heading #three");
    }
}
