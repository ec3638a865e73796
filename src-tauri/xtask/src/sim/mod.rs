//! `cargo xtask sim`: the simulated world, and its planted defects.
//!
//! Owns: how the simulator is built and run. Never: what a run means, which
//! `whinchat-sim` itself says.

mod defects;
mod patch;

use crate::paths;
use crate::problem::{Outcome, Problem};
use crate::process;

pub use defects::run as defects;

/// Runs the simulator with these words; it prints its own last line.
pub fn run(words: &[&str]) -> Outcome {
    let mut command = process::bound_command("cargo");
    command
        .args(["run", "--quiet", "--profile", "sim"])
        .args(["--package", "whinchat-sim", "--"])
        .args(words)
        .current_dir(paths::repository());
    let status = process::run("the simulator", command)?;
    if status.success() {
        return Ok(());
    }
    Err(Problem::new(
        "The simulator has found something; it stands above, with the seed to replay.",
    ))
}
