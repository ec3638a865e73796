//! What is looked at before anything is changed, and what is then going to be done.

use crate::problem::{Outcome, Problem};
use crate::{directus, name, npm, paths, process, progress, system};
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The Rust that the workspace asks for: major and minor.
const RUST: (u32, u32) = (1, 95);
const DIRECTUS_BYTES: u64 = 1_300_000_000;
const BUILD_BYTES: u64 = 3_000_000_000;
const SERVER_BYTES: u64 = 50_000_000;

/// What there is to do.
pub struct Work {
    /// Debian packages to install.
    pub packages: Vec<&'static str>,
    /// Whether Directus has to be fetched.
    pub directus: bool,
    /// Whether the app was never compiled here.
    pub build: bool,
}

/// Looks at Rust, display, packages, disk and network, in the order in which a
/// person can do something about them. Changes nothing.
pub fn look(demo: &Path, with_person: bool) -> Outcome<Work> {
    rust()?;
    if with_person {
        display()?;
    }
    let mut wanted = system::TO_BUILD.to_vec();
    wanted.extend(system::FOR_DEMO);
    if !with_person {
        wanted.extend(system::FOR_DEMO_CHECK);
    }
    let work = Work {
        packages: system::missing(&wanted),
        directus: !directus::is_installed(),
        build: !paths::built(name::program()).is_file(),
    };
    other_systems()?;
    rights(&work.packages)?;
    disk(demo, &work)?;
    network(&work)?;
    Ok(work)
}

/// Says what will be done, how much it is and how long it takes about.
pub fn tell(work: &Work) {
    println!("Steps:");
    if !work.packages.is_empty() {
        println!(
            "  system packages        112 MB to fetch   about 1 min   {}",
            work.packages.join(" ")
        );
    }
    match work.directus {
        true => println!("  Directus from npm      834 MB            about 2 min"),
        false => println!("  Directus               is in the cache"),
    }
    match work.build {
        true => {
            println!("  the app, compiled      1.5 GB            about 6 min (at the same time)")
        }
        false => println!("  the app, compiled      what has changed"),
    }
    println!("  the server, started    20 MB             about 20 s, the first time 1 min");
    println!("  two windows");
}

fn rust() -> Outcome {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.arg("--version");
    let said = process::output("rustc", command).unwrap_or_default();
    match version(&said) {
        Some(version) if version >= RUST => Ok(()),
        _ => Err(Problem::with_line(
            format!(
                "Rust {}.{} or newer is needed; here is: {}.",
                RUST.0,
                RUST.1,
                if said.is_empty() { "none" } else { said.trim() }
            ),
            "rustup update stable",
        )),
    }
}

/// From `rustc 1.95.0 (…)`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split(' ').nth(1)?.split('.');
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

fn display() -> Outcome {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY") {
        return Ok(());
    }
    Err(Problem::with_line(
        "There is no display to show two windows on. Without a person, in windows that nobody sees:",
        "cargo xtask demo --check",
    ))
}

/// What is needed where there are no Debian packages.
fn other_systems() -> Outcome {
    if cfg!(target_os = "macos") && !Path::new("/Library/Developer/CommandLineTools").exists() {
        let mut command = Command::new("xcode-select");
        command.arg("-p");
        return process::output("xcode-select", command)
            .map(drop)
            .map_err(|_| {
                Problem::with_line(
                    "Apple's command line tools are missing: they compile the app.",
                    "xcode-select --install",
                )
            });
    }
    if cfg!(target_os = "linux") && !process::is_there("dpkg-query") {
        println!(
            "This is not Debian: WebKitGTK 4.1, GTK 3, OpenSSL (with headers), a C compiler, D-Bus and \
             gnome-keyring must be there; they are not installed for you."
        );
    }
    if cfg!(windows) {
        println!(
            "On Windows the app needs WebView2 (part of Windows 11) and the C++ build tools of Visual Studio."
        );
    }
    Ok(())
}

fn rights(packages: &[&str]) -> Outcome {
    if packages.is_empty() || system::is_root() {
        return Ok(());
    }
    let line = system::install_line(packages);
    if !process::is_there("sudo") {
        let line = line.replace("sudo ", "");
        return Err(Problem::with_line(
            "System packages are missing, and there is no sudo. As root, run this, then start again:",
            line,
        ));
    }
    let mut asks_nothing = Command::new("sudo");
    asks_nothing
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let free = asks_nothing.status().is_ok_and(|status| status.success());
    if free || std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Problem::with_line(
        "System packages are missing, and sudo would ask for a password where nobody can type one. Run this, then start again:",
        line,
    ))
}

fn disk(demo: &Path, work: &Work) -> Outcome {
    let cache = paths::cache()?;
    let places = [
        (cache.as_path(), work.directus, DIRECTUS_BYTES),
        (&paths::target(), work.build, BUILD_BYTES),
        (demo, true, SERVER_BYTES),
    ];
    // They are usually on one disk: together they must fit on each.
    let needed: u64 = places
        .iter()
        .filter(|(_, due, _)| *due)
        .map(|(_, _, bytes)| bytes)
        .sum();
    for (place, due, _) in places {
        let Some(free) = paths::free_space(place).filter(|_| due) else {
            continue;
        };
        if free < needed {
            return Err(Problem::with_line(
                format!(
                    "{} are needed, and only {} are free where {} is. This shows what takes the most:",
                    progress::bytes(needed),
                    progress::bytes(free),
                    place.display()
                ),
                "du -xh --max-depth=1 ~ | sort -h | tail",
            ));
        }
    }
    Ok(())
}

fn network(work: &Work) -> Outcome {
    if !work.directus {
        return Ok(());
    }
    let npm = process::find("npm").ok_or_else(|| {
        Problem::with_line("npm is missing: it fetches Directus.", npm::install_line("npm"))
    })?;
    let mut ping = process::bound_command(npm);
    // The person's own settings say how the registry is reached; nothing else of them matters here.
    ping.args(["ping", "--loglevel=error", "--fetch-retries=0"])
        .env_remove("NODE_OPTIONS")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut ping = process::start("npm", ping)?;
    match ping.wait(Duration::from_secs(30)) {
        Some(status) if status.success() => Ok(()),
        _ => Err(Problem::with_line(
            "npm does not reach its registry, and Directus is not in the cache yet. With a network, this must work:",
            "npm ping",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn an_old_rust_is_told_from_a_new_one() {
        assert_eq!(
            version("rustc 1.95.0 (f2d3ce0bd 2026-03-21)\n"),
            Some((1, 95))
        );
        assert!(version("rustc 1.63.0").is_some_and(|old| old < super::RUST));
        assert!(version("rustc 2.0.0").is_some_and(|new| new > super::RUST));
        assert_eq!(version(""), None);
    }
}
