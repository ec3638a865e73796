//! `cargo xtask bench`: everything that is measured, built as it is shipped.
//!
//! Owns: how the bench is built and run. Never: what is measured, and the
//! table, which are the bench's own.

use crate::problem::{Outcome, Problem};
use crate::progress::Step;
use crate::{directus, name, network, paths, process, system};

/// Builds what is measured and the bench, and runs it with these words; it
/// prints its own table.
///
/// # Errors
/// Something could not be built or measured.
pub fn run(words: &[&str]) -> Outcome {
    let part = |name: &str| {
        let named = words.contains(&"--only");
        !named || words.windows(2).any(|pair| pair == ["--only", name])
    };
    system::install(system::FOR_BENCH)?;
    if part("catch-up") || part("send") {
        directus::install()?;
    }
    build(part("core") || part("window"))?;
    let mut command = process::bound_command(paths::released(&name::bench()));
    command.args(words).current_dir(paths::repository());
    let status = process::run("the bench", command)?;
    if status.success() {
        return Ok(());
    }
    Err(Problem::new(
        "Not everything could be measured; what stood in the way is told above.",
    ))
}

/// The programs apart from the bench, which asks for more of the crates that they
/// share: so they are what is shipped.
fn build(programs: bool) -> Outcome {
    let step = Step::begin("what is measured, compiled as it is shipped");
    let (rpc, bench) = (name::rpc(), name::bench());
    if programs {
        cargo(&["--package", name::program(), "--package", &rpc])?;
    }
    cargo(&["--package", &bench, "--bins", "--examples"])?;
    step.done();
    Ok(())
}

fn cargo(words: &[&str]) -> Outcome {
    let mut command = process::bound_command(network::cargo());
    command
        .args(["build", "--quiet", "--release"])
        .args(words)
        .current_dir(paths::repository());
    let built = process::run("cargo", command).is_ok_and(|status| status.success());
    if built {
        return Ok(());
    }
    Err(Problem::with_line(
        "What is measured could not be compiled.",
        format!("cargo build --release {}", words.join(" ")),
    ))
}
