//! `cargo xtask model`: the simulator's model of Directus, held against a real
//! one on SQLite and one on PostgreSQL.
//!
//! Owns: what that needs, and how it is built and run. Never: what a script
//! means, which `whinchat-model` itself says.

use crate::problem::{Outcome, Problem};
use crate::{compile, directus, paths, process, system};

const PROGRAM: &str = "whinchat-model";

/// Runs the scripts with these words; it prints its own last line.
pub fn run(words: &[&str]) -> Outcome {
    system::install(system::FOR_MODEL)?;
    directus::install()?;
    compile::programs(&[PROGRAM])?;
    let mut command = process::bound_command(paths::built(PROGRAM));
    command.args(words).current_dir(paths::repository());
    let status = process::run("the scripts", command)?;
    if status.success() {
        return Ok(());
    }
    Err(Problem::new(
        "The model is not held to the server; what was found stands above, with the seed to replay.",
    ))
}
