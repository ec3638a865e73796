//! A display, a message bus and a keychain that belong to one run.
//!
//! The bus and the keychain are private on purpose: a demonstration asks
//! nobody to unlock their own keychain, and leaves nothing in it. Everything
//! ends with this process.

use crate::paths;
use crate::problem::{Outcome, Problem};
use crate::process::{self, Running};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(20);

/// A display that nobody sees.
#[derive(Debug)]
pub struct Display {
    _server: Running,
    name: String,
}

impl Display {
    /// Starts one on a number that is free.
    pub fn start() -> Outcome<Self> {
        Self::start_with(&[])
    }

    /// Starts one whose picture stands in the file `Xvfb_screen0` of this folder, in the
    /// shape of `xwd`: whoever looks at it there disturbs nobody who draws.
    pub fn start_pictured(folder: &Path) -> Outcome<Self> {
        let folder = folder.to_string_lossy();
        Self::start_with(&["-fbdir", &folder])
    }

    fn start_with(arguments: &[&str]) -> Outcome<Self> {
        let mut command = process::clean_command("Xvfb");
        command
            .args(["-displayfd", "1", "-screen", "0", "1600x1000x24"])
            .args(["-nolisten", "tcp"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = process::start("Xvfb", command)?;
        let number = first_line(&mut server)?;
        Ok(Self {
            _server: server,
            name: format!(":{number}"),
        })
    }

    /// As `DISPLAY` has it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A bus with an unlocked keychain on it, whose entries live in a folder.
#[derive(Debug)]
pub struct Keychain {
    _daemon: Running,
    _bus: Running,
    address: String,
}

impl Keychain {
    /// Starts it. `folder` keeps the entries between runs, readable with `password` only.
    pub fn start(folder: &Path, password: &str, display: Option<&str>) -> Outcome<Self> {
        let run = folder.join("run");
        paths::remove(&run)?;
        paths::make_private(&run)?;
        let mut bus = process::bound_command("dbus-daemon");
        bus.args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(display) = display {
            bus.env("DISPLAY", display);
        }
        let mut bus = process::start("the message bus", bus)?;
        let address = first_line(&mut bus)?;

        let mut daemon = process::clean_command("gnome-keyring-daemon");
        daemon
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder.join("data"))
            .env("XDG_RUNTIME_DIR", &run)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut daemon = process::start("the keychain", daemon)?;
        if let Some(mut input) = daemon.child().stdin.take() {
            // A daemon that is gone already is noticed below.
            let _ = input.write_all(password.as_bytes());
        }
        let ready = process::poll(BOUND, || owned(&address).then_some(()));
        ready.ok_or_else(|| {
            Problem::with_line(
                "The keychain of the demonstration did not start.",
                "sudo apt-get install -y gnome-keyring dbus",
            )
        })?;
        Ok(Self {
            _daemon: daemon,
            _bus: bus,
            address,
        })
    }

    /// As `DBUS_SESSION_BUS_ADDRESS` has it.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Whether somebody on this bus keeps secrets.
fn owned(address: &str) -> bool {
    let mut ask = Command::new("dbus-send");
    ask.arg(format!("--bus={address}"))
        .args(["--print-reply", "--dest=org.freedesktop.DBus", "/"])
        .arg("org.freedesktop.DBus.NameHasOwner")
        .arg("string:org.freedesktop.secrets");
    process::output("dbus-send", ask).is_ok_and(|answer| answer.contains("boolean true"))
}

/// What a server says first: its number or address. What it and the services it starts
/// say later is read and forgotten, so that none of them meets a closed pipe.
fn first_line(server: &mut Running) -> Outcome<String> {
    let what = server.what().to_owned();
    let silent = || Problem::new(format!("{what} did not start."));
    let mut output = BufReader::new(server.child().stdout.take().ok_or_else(silent)?);
    let mut line = String::new();
    Read::by_ref(&mut output)
        .take(4096)
        .read_line(&mut line)
        .map_err(|_| silent())?;
    // Ends when the last of them has closed the pipe.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    let line = line.trim().to_owned();
    if line.is_empty() {
        return Err(silent());
    }
    Ok(line)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_display_and_a_keychain_start_and_end_with_their_owner() {
        if !process::is_there("Xvfb") || !process::is_there("gnome-keyring-daemon") {
            panic!("the packages of system::FOR_TESTS are missing: run cargo xtask test");
        }
        let folder = std::env::temp_dir().join(format!("xtask-desktop-{}", std::process::id()));
        let display = Display::start().unwrap();
        assert!(display.name().starts_with(':'));
        let keychain = Keychain::start(&folder, "open", Some(display.name())).unwrap();
        let address = keychain.address().to_owned();
        assert!(owned(&address));
        drop(keychain);
        assert!(!owned(&address), "the bus is gone with its owner");
        paths::remove(&folder).unwrap();
    }
}
