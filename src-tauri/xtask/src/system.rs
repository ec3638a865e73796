//! What the system itself must have: packages, and a display and a keychain
//! for tests that need a desktop.
//!
//! Owns the lists of Debian packages. Installs only what is missing, and only
//! where Debian's `apt-get` is; elsewhere it says what is needed.

use crate::network::{Source, Way};
use crate::problem::{Doing, Outcome, Problem};
use crate::process;
use crate::progress::say;
use std::path::Path;
use std::process::Command;

/// What building the app needs.
pub const TO_BUILD: &[&str] = &[
    "build-essential",
    "file",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "libxdo-dev",
    "patchelf",
    "pkg-config",
];

/// What the tests need besides.
pub const FOR_TESTS: &[&str] = &[
    "chromium-headless-shell",
    "dbus",
    "dbus-x11",
    "fonts-noto-color-emoji",
    "fonts-noto-core",
    "gnome-keyring",
    "imagemagick",
    "iproute2",
    "libfaketime",
    "python3-venv",
    "webkit2gtk-driver",
    "xauth",
    "xvfb",
];

/// What the soak needs: clocks that are wrong.
pub const FOR_SOAK: &[&str] = &["libfaketime", "util-linux"];

/// What the scripts on a model and on real servers need.
pub const FOR_MODEL: &[&str] = &["postgresql", "util-linux"];

/// What the soak of two servers needs besides.
pub const FOR_TWO_SERVERS: &[&str] = &["postgresql", "redis-server"];

/// What the bench needs: a display and a keychain of its own.
pub const FOR_BENCH: &[&str] = &["dbus", "gnome-keyring", "util-linux", "xvfb"];

/// What the demonstration needs besides: a keychain of its own.
pub const FOR_DEMO: &[&str] = &["dbus", "gnome-keyring", "util-linux"];

/// What a demonstration that nobody watches needs besides.
pub const FOR_DEMO_CHECK: &[&str] = &["webkit2gtk-driver", "xvfb"];

/// Which of these packages are missing. None on systems that have no Debian packages.
pub fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    if !cfg!(target_os = "linux") || !process::is_there("dpkg-query") {
        return Vec::new();
    }
    packages.iter().copied().filter(|name| !has(name)).collect()
}

/// The line that installs these packages.
pub fn install_line(packages: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Installs the packages that are missing.
pub fn install(packages: &[&str]) -> Outcome {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    let line = install_line(&missing);
    say(format!("Missing system packages: {}", missing.join(" ")));
    let root = is_root();
    if !root && !process::is_there("sudo") {
        return Err(Problem::with_line(
            "These packages are missing, and there is no sudo to install them.",
            line,
        ));
    }
    let way = Source::Debian.way().unwrap_or(Way::AsSet);
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if root { "apt-get" } else { "sudo" });
        if !root {
            command.arg("apt-get");
        }
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        way.set(&mut command);
        // sudo asks for a password at the terminal, which only the terminal's own group
        // may read; there Ctrl-C reaches it as well.
        let ended = match root {
            true => process::run("apt-get", command),
            false => command.status().doing(|| "start sudo".to_owned()),
        };
        ended.is_ok_and(|status| status.success())
    };
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(&missing);
    if apt(&["update"]) && apt(&arguments) {
        Ok(())
    } else {
        Err(Problem::with_line(
            "The system packages could not be installed.",
            line,
        ))
    }
}

fn has(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// A command below a bus, an unlocked keychain and a display that live and die
/// with it. The person's own keychain and settings are never touched: the
/// folders in which desktop programs keep theirs are new and empty.
pub fn on_a_desktop(words: &[&str]) -> Outcome<Command> {
    if !cfg!(target_os = "linux") {
        let mut words = words.iter();
        let mut command = process::bound_command(words.next().copied().unwrap_or("true"));
        command.args(words);
        return Ok(command);
    }
    let script = r#"
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -m 700 "$place/data" "$place/config" "$place/run"
export XDG_DATA_HOME="$place/data" XDG_CONFIG_HOME="$place/config" XDG_RUNTIME_DIR="$place/run"
export WEBKIT_DISABLE_DMABUF_RENDERER=1 NO_AT_BRIDGE=1 GTK_A11Y=none
exec 3>&1
xvfb-run --auto-servernum --server-args='-screen 0 1600x1000x24' \
  dbus-run-session -- sh -c 'printf "test\n" | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"' sh "$@"
"#;
    if !Path::new("/usr/bin/xvfb-run").exists() {
        return Err(Problem::with_line(
            "There is no xvfb-run to test windows with.",
            "sudo apt-get install -y xvfb xauth",
        ));
    }
    let mut command = process::bound_command("bash");
    command.args(["-c", script, "bash"]).args(words);
    Ok(command)
}
