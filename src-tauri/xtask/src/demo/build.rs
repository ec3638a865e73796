//! Compiling the app while Directus is fetched, telling how many crates are done.

use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::progress::Step;
use crate::{name, paths};
use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A compile on its way.
pub struct Build {
    cargo: Running,
    said: Receiver<String>,
    step: Step,
    log: PathBuf,
}

/// Begins to compile the app, its program without a window, and the one that makes a server ready.
pub fn begin() -> Outcome<Build> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = process::bound_command(cargo);
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
    let step = Step::begin("the app, compiled");
    let mut cargo = process::start("cargo", command)?;
    let (send, said) = channel();
    let output = cargo.child().stderr.take();
    // Ends with cargo, when its pipe closes.
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        let Some(mut output) = output else { return };
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            let text = String::from_utf8_lossy(bytes.get(..count).unwrap_or_default());
            if send.send(text.into_owned()).is_err() {
                return;
            }
        }
    });
    let log = paths::target().join("demo").join("build.log");
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).doing(|| format!("make {}", folder.display()))?;
    }
    Ok(Build {
        cargo,
        said,
        step,
        log,
    })
}

impl Build {
    /// Waits until it is done.
    pub fn finish(mut self) -> Outcome {
        let mut text = String::new();
        let status = loop {
            while let Ok(more) = self.said.recv_timeout(Duration::from_millis(100)) {
                text.push_str(&more);
                if let Some(far) = far(&text) {
                    self.step.at(far);
                }
            }
            if let Some(status) = self.cargo.ended() {
                break status;
            }
        };
        text.extend(self.said.try_iter());
        std::fs::write(&self.log, &text).doing(|| format!("write {}", self.log.display()))?;
        if status.success() {
            self.step.done();
            return Ok(());
        }
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
            "cargo build",
        ))
    }
}

/// `45/512 crates` from the last progress line that cargo wrote, as in
/// `Building [==>   ] 45/512: serde`.
fn far(text: &str) -> Option<String> {
    let line = text.rsplit(['\r', '\n']).find(|line| line.contains("] "))?;
    let (_, rest) = line.split_once("] ")?;
    let (count, _) = rest.split_once(':')?;
    let (done, all) = count.trim().split_once('/')?;
    let number = |text: &str| text.parse::<u32>().ok();
    Some(format!("{}/{} crates", number(done)?, number(all)?))
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
    }
}
