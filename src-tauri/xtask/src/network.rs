//! Whether what has to be fetched can be fetched, and by which way.
//!
//! A person's proxies are tried first, for some networks have no other way out.
//! Where they answer nothing and the direct way does, the direct way is taken:
//! a proxy that is gone does no harm. Each source is asked once, by the program
//! that fetches from it later, so that mirrors and certificates count as they
//! will then. Nothing is changed.

use crate::{npm, paths, process, random};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a source may take to answer.
const BOUND: Duration = Duration::from_secs(30);

/// By which variables programs find a proxy; npm's own among them.
const PROXIES: &[&str] = &[
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "CARGO_HTTP_PROXY",
    "npm_config_proxy",
    "npm_config_https_proxy",
    "npm_config_http_proxy",
    "NPM_CONFIG_PROXY",
    "NPM_CONFIG_HTTPS_PROXY",
    "NPM_CONFIG_HTTP_PROXY",
];

/// A way to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As the person has set it, through their proxies if there are any.
    AsSet,
    /// Through no proxy.
    Direct,
}

/// Where something is fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Debian's servers: system packages.
    Debian,
    /// npm's registry: Directus and the page's tools.
    Npm,
    /// crates.io: what the app is made of.
    Crates,
}

impl Way {
    /// Makes a command go this way.
    pub fn set(self, command: &mut Command) {
        if self == Self::Direct {
            for name in PROXIES {
                command.env_remove(name);
            }
        }
    }
}

impl Source {
    /// The way by which it answers, or `None` where it does not; asked once.
    pub fn way(self) -> Option<Way> {
        static DEBIAN: OnceLock<Option<Way>> = OnceLock::new();
        static NPM: OnceLock<Option<Way>> = OnceLock::new();
        static CRATES: OnceLock<Option<Way>> = OnceLock::new();
        let (known, asked): (_, fn(Way) -> bool) = match self {
            Self::Debian => (&DEBIAN, debian_answers),
            Self::Npm => (&NPM, npm::registry_answers),
            Self::Crates => (&CRATES, crates_answer),
        };
        *known.get_or_init(|| {
            let proxies = PROXIES.iter().any(|name| std::env::var_os(name).is_some());
            choose(proxies || npm::has_proxy(), asked)
        })
    }
}

/// The first way by which there is an answer. Without proxies there is but one.
fn choose(proxies: bool, answers: impl Fn(Way) -> bool) -> Option<Way> {
    if answers(Way::AsSet) {
        return Some(Way::AsSet);
    }
    (proxies && answers(Way::Direct)).then_some(Way::Direct)
}

/// Fetches the first file that `apt-get update` would, with apt's own settings.
fn debian_answers(way: Way) -> bool {
    let mut ask = process::bound_command("apt-get");
    ask.args(["update", "--print-uris"]);
    let said = process::output("apt-get", ask).unwrap_or_default();
    let Some(address) = said.split('\'').nth(1) else {
        return false;
    };
    let name = format!("xtask-{}-InRelease", random::word(8));
    let place = std::env::temp_dir().join(name);
    let mut fetch = process::bound_command("/usr/lib/apt/apt-helper");
    fetch
        .args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=0"])
        .arg("download-file")
        .arg(address)
        .arg(&place);
    way.set(&mut fetch);
    let answers = succeeds("apt-helper", fetch);
    // Where it did not answer, there is none.
    let _ = std::fs::remove_file(place);
    answers
}

/// Asks cargo about a crate, outside of every workspace.
fn crates_answer(way: Way) -> bool {
    let mut ask = process::bound_command(cargo());
    ask.args(["info", "--quiet", "serde"])
        .env("CARGO_NET_RETRY", "0")
        .env("CARGO_NET_OFFLINE", "false")
        .current_dir(std::env::temp_dir());
    way.set(&mut ask);
    succeeds("cargo", ask)
}

/// Whether crates are missing that the app is made of. Asks no network.
pub fn crates_are_missing(packages: &[&str]) -> bool {
    let mut ask = process::bound_command(cargo());
    ask.args(["tree", "--frozen", "--quiet", "--edges", "normal,build"])
        .current_dir(paths::repository());
    for package in packages {
        ask.args(["--package", package]);
    }
    !succeeds("cargo", ask)
}

/// The cargo that runs this, or the one on the search path.
pub fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn succeeds(what: &str, mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    process::start(what, command)
        .ok()
        .and_then(|mut running| running.wait(BOUND))
        .is_some_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_works_is_used_and_one_that_is_gone_does_no_harm() {
        assert_eq!(choose(true, |_| true), Some(Way::AsSet));
        assert_eq!(choose(true, |way| way == Way::Direct), Some(Way::Direct));
        assert_eq!(choose(true, |_| false), None);
        assert_eq!(
            choose(false, |way| way == Way::Direct),
            None,
            "without a proxy the direct way was tried already"
        );
    }

    #[test]
    fn the_direct_way_knows_no_proxy() {
        let mut command = Command::new("program");
        command.env("HTTPS_PROXY", "http://127.0.0.1:9");
        Way::AsSet.set(&mut command);
        assert!(command.get_envs().any(|(_, value)| value.is_some()));
        Way::Direct.set(&mut command);
        assert!(command.get_envs().all(|(_, value)| value.is_none()));
    }
}
