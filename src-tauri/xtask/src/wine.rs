//! `cargo xtask test --wine`: the programs for Windows, run.
//!
//! ```text
//! tests of the core, and its program  --mingw-->  .exe  --wine-->  the tests pass;
//!                                   Alice and Bob talk through a Directus that runs here
//! ```
//! Built as for a release: Windows' own SQLCipher with the OpenSSL that is compiled
//! along, and Windows' own keychain (Credential Manager), which wine has too. The
//! standard library comes from its source where rustup has none for Windows.
//!
//! Owns: `wine` below cargo's own folder: what is built, and a Windows of its own
//! that is made anew for each run. Never: a person's `~/.wine`.

use crate::directus::{self, Server};
use crate::problem::{Doing, Outcome, Problem};
use crate::progress::{Step, say};
use crate::rpc::Account;
use crate::{demo, name, paths, process, system, targets};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TRIPLE: &str = "x86_64-pc-windows-gnu";
/// A compiler for Windows, and what runs its programs.
const PACKAGES: &[&str] = &["gcc-mingw-w64-x86-64", "wine", "wine64"];
/// How often Alice and Bob write to each other.
const TURNS: usize = 10;
/// How long a message may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Builds, tests, talks.
///
/// # Errors
/// One of them does not work; on another system than Linux there is no need of it.
pub fn run() -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(Problem::new(
            "Windows' programs are run here on Linux alone, with wine.",
        ));
    }
    let begun = Instant::now();
    system::install(PACKAGES)?;
    let built = build()?;
    let machine = Machine::make()?;
    let mut tests = machine.command(&built.tests);
    // As cargo sets it (`.cargo/config.toml`).
    tests.env("TS_RS_LARGE_INT", "number");
    let status = process::run("the core's tests", tests)?;
    if !status.success() {
        return Err(Problem::new("The core's tests fail as a Windows program."));
    }
    let messages = talk(&machine, &built.rpc)?;
    println!(
        "wine: ok messages={messages} in {:.1} min",
        begun.elapsed().as_secs_f64() / 60.0
    );
    Ok(())
}

fn folder() -> PathBuf {
    paths::target().join("wine")
}

/// The programs for Windows.
struct Built {
    tests: PathBuf,
    rpc: PathBuf,
}

/// Both at once: built apart they would have other features of the same libraries, and
/// OpenSSL would be compiled twice.
fn build() -> Outcome<Built> {
    let step = Step::begin("Windows' programs, compiled");
    let core = format!("{}-core", name::program());
    let mut cargo = process::bound_command("cargo");
    cargo
        .args(["build", "--lib", "--bins", "--tests", "--package", &core])
        .args(["--package", &name::rpc()])
        .arg(format!("--features={core}/runtime"))
        .args(["--target", TRIPLE, "--message-format=json", "--quiet"])
        .env("CARGO_TARGET_DIR", folder())
        .current_dir(paths::repository());
    if let Err(why) = targets::with_std(TRIPLE, &mut cargo)? {
        return Err(Problem::new(format!(
            "There is no standard library for Windows: {why}."
        )));
    }
    let built = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .doing(|| "start cargo".to_owned())?;
    if !built.status.success() {
        return Err(Problem::new(
            "What stands above can't be built for Windows.",
        ));
    }
    let said = String::from_utf8_lossy(&built.stdout);
    let found = |name: &str, test: bool| {
        executable(&said, name, test)
            .ok_or_else(|| Problem::new(format!("cargo told of no program of {name}.")))
    };
    let built = Built {
        tests: found(&core, true)?,
        rpc: found(&name::rpc(), false)?,
    };
    step.done();
    Ok(built)
}

/// Where cargo has put the program of this package, or its own tests.
fn executable(said: &str, package: &str, test: bool) -> Option<PathBuf> {
    let target = package.replace('-', "_");
    said.lines().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let name = line.pointer("/target/name")?.as_str()?;
        let program = line.get("executable")?.as_str()?;
        let tests = line.pointer("/profile/test")?.as_bool()?;
        (name.replace('-', "_") == target && tests == test).then(|| PathBuf::from(program))
    })
}

/// A Windows of its own. Dropped, all its programs end.
struct Machine {
    folder: PathBuf,
}

impl Machine {
    fn make() -> Outcome<Self> {
        let machine = Self {
            folder: folder().join("machine"),
        };
        paths::remove(&machine.folder)?;
        paths::make_private(&machine.folder)?;
        let step = Step::begin("a Windows of its own");
        let mut boot = machine.wine();
        boot.args(["wineboot", "--init"]);
        process::output("wineboot", boot)?;
        machine.lend_randomness()?;
        step.done();
        Ok(machine)
    }

    /// Rust's standard library takes its randomness from `ProcessPrng`, which wine had
    /// none of before its ninth version.
    fn lend_randomness(&self) -> Outcome {
        let library = "drive_c/windows/system32/bcryptprimitives.dll";
        let library = self.folder.join(library);
        if library.exists() {
            return Ok(());
        }
        let source = self.folder.join("randomness.c");
        fs::write(&source, RANDOMNESS).doing(|| format!("write {}", source.display()))?;
        let mut compiler = process::bound_command("x86_64-w64-mingw32-gcc");
        compiler
            .args(["-shared", "-O", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ladvapi32");
        process::output("mingw's compiler", compiler).map(drop)
    }

    /// Windows' side of this machine, and nothing of the person's.
    fn wine(&self) -> Command {
        let mut wine = process::clean_command("wine");
        wine.env("WINEPREFIX", &self.folder)
            .env("WINEDEBUG", "-all")
            // No browser, no .NET and no menu is asked for or made.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=")
            .env("HOME", &self.folder)
            .current_dir(&self.folder);
        wine
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = self.wine();
        command.arg(program);
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The folder goes with the next run in any case.
        let mut end = process::clean_command("wineserver");
        end.env("WINEPREFIX", &self.folder).arg("--kill");
        let _ = process::output("wineserver", end);
        let _ = paths::remove(&self.folder);
    }
}

const RANDOMNESS: &str = r#"#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return RtlGenRandom(data, (ULONG)length);
}
"#;

/// Alice and Bob write to each other in turns, then Alice's program ends and comes
/// back: how many messages the server has, each once.
fn talk(machine: &Machine, rpc: &Path) -> Outcome<usize> {
    let installation = directus::install()?;
    let folder = machine.folder.join("talk");
    paths::make_private(&folder)?;
    let home = folder.join("server");
    let server = Server::start(&installation, &home, directus::Settings::default())?;
    let [alice, bob, _] = demo::people(&server, &folder)?;
    let ids = [id(&server, &alice.0)?, id(&server, &bob.0)?];
    let sign_in = |who: &str, (email, password): &(String, String)| {
        let folder = folder.join(who);
        paths::make_private(&folder)?;
        let data = format!("Z:{}", folder.join("data").display());
        let program = |words: &[&str]| {
            let mut command = machine.command(rpc);
            command.args(words).args(["--data", &data]);
            command
        };
        Account::sign_in_with(&folder, &server.url(), email, password, "keychain", program)
    };
    let step = Step::begin("Alice and Bob, on Windows");
    let mut alices = sign_in("alice", &alice)?;
    alices.live()?;
    let mut bobs = sign_in("bob", &bob)?;
    bobs.live()?;
    let mut expected = Vec::new();
    for turn in 0..TURNS {
        let (from, to, whose) = if turn % 2 == 0 {
            (&mut alices, &mut bobs, &ids[1])
        } else {
            (&mut bobs, &mut alices, &ids[0])
        };
        let text = format!("{turn}: \u{1f426} from Windows");
        from.send(&format!("dm:{whose}"), &text)?;
        let heard = to.heard(PATIENCE).unwrap_or_default();
        if heard.get("text").and_then(Value::as_str) != Some(&text) {
            return Err(Problem::new(format!("Message {turn} did not arrive.")));
        }
        expected.push(text);
    }
    drop(alices);
    drop(bobs);
    step.done();
    let mut there = texts(&server)?;
    there.sort();
    if there != expected {
        return Err(Problem::new(format!(
            "The server has {} messages, and {} were sent.",
            there.len(),
            expected.len()
        )));
    }
    say("What is on the server is what was sent.");
    Ok(there.len())
}

/// A person's id on the server.
fn id(server: &Server, email: &str) -> Outcome<String> {
    let rows = server.rows("/users?limit=-1&fields=id,email")?;
    rows.iter()
        .find(|row| row.get("email").and_then(Value::as_str) == Some(email))
        .and_then(|row| row.get("id")?.as_str())
        .map(str::to_owned)
        .ok_or_else(|| Problem::new(format!("{email} is not on the server.")))
}

fn texts(server: &Server) -> Outcome<Vec<String>> {
    let rows = server.rows("/items/chat_messages?limit=-1&fields=content")?;
    Ok(rows
        .iter()
        .filter_map(|row| row.get("content")?.as_str().map(str::to_owned))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_has_built_is_found_by_its_package() {
        let built = |name: &str, test: bool, program: &str| {
            format!(
                "{{\"target\":{{\"name\":\"{name}\"}},\"profile\":{{\"test\":{test}}},\"executable\":{program}}}\n"
            )
        };
        let said = [
            built("serde", false, "null"),
            "no json\n".to_owned(),
            built("one_core", true, "\"/t/one-1.exe\""),
            built("one-rpc", true, "\"/t/rpc-1.exe\""),
            built("one-rpc", false, "\"/t/rpc.exe\""),
        ]
        .concat();
        let found = |name, test| executable(&said, name, test);
        assert_eq!(found("one-core", true), Some(PathBuf::from("/t/one-1.exe")));
        assert_eq!(found("one-rpc", false), Some(PathBuf::from("/t/rpc.exe")));
        assert_eq!(found("serde", false), None);
    }
}
