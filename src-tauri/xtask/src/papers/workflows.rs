//! The pipelines in `.github/workflows`: what they may do, and whom they run.
//!
//! Owns four rules. An action is named by a commit's whole hash. Rights are none
//! until a job takes them. A secret reaches a step as a variable, never as a
//! word of its script, and docs/releasing.md says how to get it. A machine is
//! named by its version.

use super::{Faults, Papers, yaml};
use saphyr::Yaml;

const GUIDE: &str = "docs/releasing.md";

pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    let guide = papers.read(GUIDE, &mut faults);
    let files = papers.files(&[".github/workflows"], &[".yml", ".yaml"]);
    if files.is_empty() {
        faults.push(".github/workflows: there is no pipeline.".to_owned());
    }
    for file in files {
        let text = papers.read(&file, &mut faults);
        let Ok(whole) = yaml(&text) else {
            faults.push(format!("{file}: it is no YAML."));
            continue;
        };
        one(&file, &whole, &mut faults);
        for secret in secrets(&text) {
            if !guide.contains(&format!("`{secret}`")) {
                faults.push(format!(
                    "{file}: {GUIDE} does not say how `{secret}` is had."
                ));
            }
        }
    }
    faults
}

fn one(file: &str, whole: &Yaml<'_>, faults: &mut Faults) {
    match at(whole, "permissions").and_then(Yaml::as_mapping) {
        Some(rights) if rights.is_empty() => {}
        _ => faults.push(format!(
            "{file}: rights must be none at first (permissions: {{}})."
        )),
    }
    if let Some(events) = at(whole, "on")
        && (events.as_str() == Some("pull_request_target")
            || at(events, "pull_request_target").is_some())
    {
        faults.push(format!(
            "{file}: pull_request_target runs a stranger's code with our rights."
        ));
    }
    let Some(jobs) = at(whole, "jobs").and_then(Yaml::as_mapping) else {
        faults.push(format!("{file}: it has no jobs."));
        return;
    };
    for (name, job) in jobs {
        let name = name.as_str().unwrap_or_default();
        if at(job, "permissions").is_none() {
            faults.push(format!("{file}: job {name} does not say its rights."));
        }
        if at(job, "timeout-minutes").is_none() {
            faults.push(format!("{file}: job {name} may run for hours."));
        }
        if at(job, "runs-on")
            .and_then(Yaml::as_str)
            .is_some_and(|machine| machine.ends_with("-latest"))
        {
            faults.push(format!("{file}: job {name} runs on whatever is latest."));
        }
        for step in at(job, "steps")
            .and_then(Yaml::as_sequence)
            .into_iter()
            .flatten()
        {
            if let Some(action) = at(step, "uses").and_then(Yaml::as_str)
                && !pinned(action)
            {
                faults.push(format!("{file}: {action} is not named by a commit's hash."));
            }
            let script = at(step, "run").and_then(Yaml::as_str).unwrap_or_default();
            for word in [
                "${{ secrets.",
                "${{ github.event",
                "${{ github.head_ref",
                "${{ github.ref_name",
            ] {
                if script.contains(word) {
                    faults.push(format!(
                        "{file}: {word} stands within a script of job {name}."
                    ));
                }
            }
            if script.lines().any(|line| line.trim() == "set -x") {
                faults.push(format!(
                    "{file}: a script of job {name} prints what it does, secrets too."
                ));
            }
            if at(step, "uses")
                .and_then(Yaml::as_str)
                .is_some_and(|action| action.starts_with("actions/checkout@"))
                && at(step, "with")
                    .and_then(|with| at(with, "persist-credentials"))
                    .and_then(Yaml::as_bool)
                    != Some(false)
            {
                faults.push(format!(
                    "{file}: the checkout of job {name} leaves its token behind."
                ));
            }
        }
    }
}

fn at<'a, 'input>(node: &'a Yaml<'input>, key: &str) -> Option<&'a Yaml<'input>> {
    node.as_mapping_get(key)
}

/// `owner/name@` and the forty digits of a commit.
fn pinned(action: &str) -> bool {
    action.starts_with("./")
        || action.split_once('@').is_some_and(|(_, commit)| {
            commit.len() == 40 && commit.chars().all(|sign| sign.is_ascii_hexdigit())
        })
}

/// The names of the secrets that a pipeline asks for, but the one that each run has.
fn secrets(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .split("secrets.")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|sign| sign.is_ascii_alphanumeric() || *sign == '_')
                .collect()
        })
        .filter(|name: &String| name != "GITHUB_TOKEN" && !name.is_empty())
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Planted, one};
    use super::*;

    const FILE: &str = ".github/workflows/a.yml";
    const GOOD: &str = "on: push
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: { contents: read }
    steps:
      - uses: actions/checkout@0123456789012345678901234567890123456789
        with: { persist-credentials: false }
      - run: sign
        env: { KEY: \"${{ secrets.KEY }}\" }
";

    fn planted(text: &str) -> Planted {
        Planted::with(&[(FILE, text), (GUIDE, "`KEY` is had so")])
    }

    #[test]
    fn every_planted_fault_is_found() {
        assert_eq!(faults(&planted(GOOD).0), Faults::new());
        for (from, to, word) in [
            ("@0123456789012345678901234567890123456789", "@v6", "hash"),
            ("permissions: {}", "permissions: write-all", "none at first"),
            ("permissions: {}\n", "", "none at first"),
            (
                "    permissions: { contents: read }\n",
                "",
                "does not say its rights",
            ),
            ("    timeout-minutes: 5\n", "", "for hours"),
            ("ubuntu-24.04", "ubuntu-latest", "whatever is latest"),
            (
                "run: sign",
                "run: sign ${{ secrets.KEY }}",
                "within a script",
            ),
            (
                "run: sign",
                "run: sign ${{ github.ref_name }}",
                "within a script",
            ),
            (
                "run: sign",
                "run: |\n          set -x\n          sign",
                "prints",
            ),
            ("on: push", "on: { pull_request_target: {} }", "stranger"),
            ("persist-credentials: false", "fetch-depth: 0", "token"),
            ("secrets.KEY", "secrets.OTHER", "OTHER"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            one(&faults(&planted(&GOOD.replace(from, to)).0), word);
        }
    }

    #[test]
    fn there_has_to_be_a_pipeline() {
        one(&faults(&Planted::with(&[(GUIDE, "")]).0), "no pipeline");
    }
}
