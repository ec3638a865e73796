//! Compiling programs of this workspace.
//!
//! Owns: that a program is asked for out of the whole workspace. Cargo gives a crate
//! the features that the packages on its command line want together, so that each
//! choice of packages would compile most crates again. Never: what is shipped, which is
//! compiled for itself.

use crate::problem::{Outcome, Problem};
use crate::{network, paths, process};

/// Builds these programs, to be found by [`paths::built`].
///
/// # Errors
/// They can't be compiled; cargo has said why.
pub fn programs(names: &[&str]) -> Outcome {
    let chosen: Vec<&str> = names.iter().flat_map(|name| ["--bin", name]).collect();
    let mut command = process::bound_command(network::cargo());
    command
        .args(["build", "--quiet", "--workspace"])
        .args(&chosen)
        .current_dir(paths::repository());
    let built = process::run("cargo", command).is_ok_and(|status| status.success());
    if built {
        return Ok(());
    }
    Err(Problem::with_line(
        format!("{} could not be compiled.", names.join(" and ")),
        format!("cargo build --workspace {}", chosen.join(" ")),
    ))
}
