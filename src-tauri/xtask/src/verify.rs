//! `cargo xtask verify-schema`: the whole schema proven on a real Directus, by attack.
//!
//! Owns: what that needs, and how it is built and run. Never: what is attacked, which the
//! program says that it starts.

use crate::problem::{Outcome, Problem};
use crate::{compile, directus, name, paths, process, system};

/// Proves it with these words; it prints its own lines.
pub fn run(words: &[&str]) -> Outcome {
    system::install(system::FOR_MODEL)?;
    directus::install()?;
    let program = format!("{}-verify-schema", name::program());
    compile::programs(&[&program])?;
    let mut command = process::bound_command(paths::built(&program));
    command.args(words).current_dir(paths::repository());
    let status = process::run("the proof", command)?;
    if status.success() {
        return Ok(());
    }
    Err(Problem::new(
        "The schema is not proven; what was found stands above.",
    ))
}
