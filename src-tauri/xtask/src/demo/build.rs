//! Compiling the app while Directus is fetched, telling how many crates are done.

use crate::network::{self, Source};
use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::progress::Step;
use crate::{name, paths};
use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread::JoinHandle;
use std::time::Duration;

/// Closing its output, cargo has all but ended.
const BOUND: Duration = Duration::from_secs(60);

/// A compile on its way, told by a thread of its own whatever else goes on.
pub struct Build {
    cargo: Running,
    /// Gives the step back, and everything that cargo has said.
    listening: JoinHandle<(Step, String)>,
    log: PathBuf,
}

/// Begins to compile, fetching crates first where some are missing: the app, its program without a window, and the one that makes a server ready.
pub fn begin(crates: bool) -> Outcome<Build> {
    let mut command = process::bound_command(network::cargo());
    if crates && let Some(way) = Source::Crates.way() {
        way.set(&mut command);
    }
    command
        .args(["build", "--package", name::program()])
        .args(["--package", &name::rpc()])
        .args(["--package", &name::provision()])
        .current_dir(paths::repository())
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "80")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut step = Step::begin("the app, compiled");
    let mut cargo = process::start("cargo", command)?;
    let output = cargo.child().stderr.take();
    // Ends with cargo, when its pipe closes.
    let listening = std::thread::spawn(move || {
        let (mut said, mut bytes) = (String::new(), [0; 4096]);
        if let Some(mut output) = output {
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let text = bytes.get(..count).unwrap_or_default();
                said.push_str(&String::from_utf8_lossy(text));
                if let Some(far) = far(&said) {
                    step.at(far);
                }
            }
        }
        (step, said)
    });
    let log = paths::target().join("demo").join("build.log");
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).doing(|| format!("make {}", folder.display()))?;
    }
    Ok(Build {
        cargo,
        listening,
        log,
    })
}

impl Build {
    /// Waits until it is done.
    pub fn finish(mut self) -> Outcome {
        let broken_off = |_| Problem::new("Listening to cargo broke off.");
        let (step, text) = self.listening.join().map_err(broken_off)?;
        std::fs::write(&self.log, &text).doing(|| format!("write {}", self.log.display()))?;
        let ended = self.cargo.wait(BOUND);
        if ended.is_some_and(|status| status.success()) {
            step.done();
            return Ok(());
        }
        drop(step);
        let errors: Vec<&str> = text
            .split(['\n', '\r'])
            .filter(|line| line.starts_with("error"))
            .take(8)
            .collect();
        Err(Problem::with_line(
            format!(
                "The app could not be compiled:\n{}\nAll of it stands in {}. To see it again:",
                errors.join("\n"),
                self.log.display()
            ),
            format!("cargo build --package {}", name::program()),
        ))
    }
}

/// `45/512 crates` from the last progress line that cargo wrote, as in
/// `Building [==>   ] 45/512: serde`, or how much is left to fetch, as in
/// `Downloading 3 crates, remaining bytes: 1.2MiB`.
fn far(text: &str) -> Option<String> {
    let lines = text.rsplit(['\r', '\n']);
    lines.take(64).find_map(|line| {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Downloading ")
            && rest.contains("remaining bytes")
        {
            return Some(format!("fetching {rest}"));
        }
        let (_, rest) = line.split_once("] ")?;
        let (count, _) = rest.split_once(':').unwrap_or((rest, ""));
        let (done, all) = count.trim().split_once('/')?;
        let number = |text: &str| text.trim().parse::<u32>().ok();
        Some(format!("{}/{} crates", number(done)?, number(all)?))
    })
}

#[cfg(test)]
mod tests {
    use super::far;

    #[test]
    fn cargos_progress_is_told_in_crates() {
        let text =
            "   Compiling serde v1.0\n    Building [===>     ] 45/512: serde, tauri(build)\r";
        assert_eq!(far(text).as_deref(), Some("45/512 crates"));
        assert_eq!(far("   Compiling serde v1.0\n"), None);
        let text = "   Downloading 3 crates, remaining bytes: 1.2MiB\r";
        let told = "fetching 3 crates, remaining bytes: 1.2MiB";
        assert_eq!(far(text).as_deref(), Some(told));
    }
}
