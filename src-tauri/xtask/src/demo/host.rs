//! The machine as the checks see it: one trait, so that every refusal can be
//! tested on a machine that lacks just that. Asking changes nothing.

use super::display::{self, Seen};
use crate::network::{self, Source};
use crate::{directus, name, paths, process, system};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Which system it is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// With Debian's packages.
    Debian,
    /// Another Linux.
    OtherLinux,
    /// Apple's.
    MacOs,
    /// Microsoft's.
    Windows,
}

/// What must be there where no packages of Debian's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Apple's command line tools.
    AppleTools,
    /// What windows are drawn with on Windows.
    WebView2,
    /// Microsoft's compiler.
    BuildTools,
    /// What the app's database is encrypted with on Windows.
    OpenSsl,
}

/// What is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Directus, in the cache.
    Directus,
    /// The app, compiled before.
    App,
    /// The crates it is made of, fetched before.
    Crates,
}

/// The machine.
pub trait Host {
    /// Which system it is.
    fn system(&self) -> System;
    /// What `rustc --version` says; empty where there is none.
    fn rust(&self) -> String;
    /// The display that windows would be shown on.
    fn display(&self) -> Seen;
    /// Which of these Debian packages are missing.
    fn missing<'a>(&self, packages: &[&'a str]) -> Vec<&'a str>;
    /// Whether a program is on the search path.
    fn has(&self, program: &str) -> bool;
    /// Whether a tool is there.
    fn has_tool(&self, tool: Tool) -> bool;
    /// Whether a part is there.
    fn has_part(&self, part: Part) -> bool;
    /// Whether this process may do everything.
    fn is_root(&self) -> bool;
    /// Whether sudo could ask its person, or has no need to.
    fn can_ask_sudo(&self) -> bool;
    /// Bytes free where this folder is or will be; `None` where nobody says.
    fn free_space(&self, folder: &Path) -> Option<u64>;
    /// Whether a source answers.
    fn reaches(&self, source: Source) -> bool;
}

/// The one this runs on.
pub struct ThisMachine;

impl Host for ThisMachine {
    fn system(&self) -> System {
        if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else if process::is_there("dpkg-query") {
            System::Debian
        } else {
            System::OtherLinux
        }
    }

    fn rust(&self) -> String {
        let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(program);
        command.arg("--version");
        process::output("rustc", command).unwrap_or_default()
    }

    fn display(&self) -> Seen {
        display::look()
    }

    fn missing<'a>(&self, packages: &[&'a str]) -> Vec<&'a str> {
        system::missing(packages)
    }

    fn has(&self, program: &str) -> bool {
        process::is_there(program)
    }

    fn has_tool(&self, tool: Tool) -> bool {
        match tool {
            Tool::AppleTools => answers("xcode-select", &["-p"]),
            Tool::WebView2 => has_webview2(),
            Tool::BuildTools => has_build_tools(),
            Tool::OpenSsl => ["OPENSSL_DIR", "OPENSSL_LIB_DIR"]
                .iter()
                .any(|name| std::env::var_os(name).is_some_and(|value| Path::new(&value).is_dir())),
        }
    }

    fn has_part(&self, part: Part) -> bool {
        match part {
            Part::Directus => directus::is_installed(),
            Part::App => paths::built(name::program()).is_file(),
            Part::Crates => {
                let (rpc, provision) = (name::rpc(), name::provision());
                !network::crates_are_missing(&[name::program(), &rpc, &provision])
            }
        }
    }

    fn is_root(&self) -> bool {
        system::is_root()
    }

    fn can_ask_sudo(&self) -> bool {
        std::io::stdin().is_terminal() || answers("sudo", &["-n", "true"])
    }

    fn free_space(&self, folder: &Path) -> Option<u64> {
        paths::free_space(folder)
    }

    fn reaches(&self, source: Source) -> bool {
        source.way().is_some()
    }
}

/// Microsoft's updater writes the runtime's version for the machine or for the person.
fn has_webview2() -> bool {
    const RUNTIME: &str = r"Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}";
    [
        r"HKLM\SOFTWARE\WOW6432Node",
        r"HKLM\SOFTWARE",
        r"HKCU\Software",
    ]
    .iter()
    .any(|root| answers("reg", &["query", &format!(r"{root}\{RUNTIME}"), "/v", "pv"]))
}

/// As rustc finds them: through Visual Studio's installer. Rust for GNU brings its own linker.
fn has_build_tools() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.arg("-vV");
    if process::output("rustc", rustc).is_ok_and(|said| said.contains("-windows-gnu")) {
        return true;
    }
    let programs = std::env::var_os("ProgramFiles(x86)").map(PathBuf::from);
    let finder = programs
        .unwrap_or_default()
        .join(r"Microsoft Visual Studio\Installer\vswhere.exe");
    let mut ask = Command::new(finder);
    ask.args(["-products", "*", "-property", "installationPath"])
        .args(["-requires", "Microsoft.VisualStudio.Component.VC.Tools.*"]);
    process::output("vswhere", ask).is_ok_and(|said| !said.trim().is_empty())
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
