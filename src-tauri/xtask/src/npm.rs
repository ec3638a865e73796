//! npm, with the person's way to the registry and none of their settings that
//! would change what is installed.
//!
//! What their `.npmrc` says about reaching the registry goes along as variables
//! (`npm_config_registry` and its like), nothing else of it, and no file is
//! written: it may hold a secret, and a killed process tidies up nothing.

use crate::network::Way;
use crate::problem::{Outcome, Problem};
use crate::process;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long the registry may take to answer.
const BOUND: Duration = Duration::from_secs(30);

/// What holds whatever a settings file of the system says.
const ALWAYS: &[&str] = &[
    "--offline=false",
    "--prefer-offline=false",
    "--engine-strict=false",
    "--legacy-peer-deps=false",
    "--force=false",
    "--workspaces=false",
    "--no-global",
    "--no-dry-run",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
    "--progress=false",
];

/// Whose npm it is: their variables and their home.
struct Person {
    variables: Vec<(OsString, OsString)>,
    home: Option<PathBuf>,
}

impl Person {
    fn here() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            home: std::env::home_dir(),
        }
    }

    fn variable(&self, name: &str) -> Option<&OsString> {
        let mut all = self.variables.iter();
        all.find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Their `.npmrc`, reduced to how the registry is reached: keys and values. What a
    /// variable says as well is left out, for npm believes the variable.
    fn connection_settings(&self, way: Way) -> Vec<(String, String)> {
        let path = self.home.as_ref().map(|home| home.join(".npmrc"));
        let text = path.and_then(|path| fs::read_to_string(path).ok());
        let mut settings: Vec<(String, String)> = Vec::new();
        for line in text.unwrap_or_default().lines() {
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let key = key.trim();
            if !is_connection_key(key)
                || (way == Way::Direct && is_proxy_key(key))
                || self.says_in_a_variable(key)
            {
                continue;
            }
            let key = key.trim_end_matches("[]");
            let value = self.filled_in(value.trim().trim_matches(['"', '\'']));
            match settings.iter_mut().find(|(known, _)| known == key) {
                // Several authorities: between two values npm wants an empty line.
                Some((_, values)) if key == "ca" => *values = format!("{values}\n\n{value}"),
                Some((_, last)) => *last = value,
                None => settings.push((key.to_owned(), value)),
            }
        }
        settings
    }

    fn says_in_a_variable(&self, key: &str) -> bool {
        let wanted = format!("npm_config_{}", key.trim_end_matches("[]")).replace('-', "_");
        let mut names = self.variables.iter().filter_map(|(name, _)| name.to_str());
        names.any(|name| name.eq_ignore_ascii_case(&wanted))
    }

    /// `${NAME}` in a setting is a variable's value: npm itself does not see these variables.
    fn filled_in(&self, value: &str) -> String {
        let Some((before, rest)) = value.split_once("${") else {
            return value.to_owned();
        };
        let Some((name, after)) = rest.split_once('}') else {
            return value.to_owned();
        };
        let filled = self.variable(name.trim_end_matches('?'));
        let filled = filled.map_or_else(
            || format!("${{{name}}}"),
            |value| value.to_string_lossy().into_owned(),
        );
        format!("{before}{filled}{}", self.filled_in(after))
    }
}

/// npm, ready for its arguments; started, its process' group is its own.
pub fn command(way: Way) -> Outcome<Command> {
    command_of(&Person::here(), way)
}

fn command_of(person: &Person, way: Way) -> Outcome<Command> {
    let program = process::find("npm").ok_or_else(|| {
        Problem::with_line("npm is missing: it fetches Directus.", install_line("npm"))
    })?;
    let mut npm = process::clean_command(program);
    for (key, value) in person.connection_settings(way) {
        npm.env(format!("npm_config_{key}"), value);
    }
    for (name, value) in &person.variables {
        if name.to_str().is_some_and(carries_connection) {
            npm.env(name, value);
        }
    }
    way.set(&mut npm);
    for name in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
        if let Some(value) = person.variable(name) {
            npm.env(name, value);
        }
    }
    npm.args(ALWAYS)
        .args([
            "--userconfig",
            if cfg!(windows) { "NUL" } else { "/dev/null" },
        ])
        .stdin(Stdio::null());
    Ok(npm)
}

/// Whether the registry answers by this way.
pub(crate) fn registry_answers(way: Way) -> bool {
    answers(&Person::here(), way)
}

fn answers(person: &Person, way: Way) -> bool {
    let Ok(mut npm) = command_of(person, way) else {
        return false;
    };
    npm.args(["ping", "--fetch-retries=0"])
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let ping = process::start("npm", npm);
    let ended = ping.ok().and_then(|mut ping| ping.wait(BOUND));
    ended.is_some_and(|status| status.success())
}

/// Whether the person's `.npmrc` names a proxy.
pub(crate) fn has_proxy() -> bool {
    let settings = Person::here().connection_settings(Way::AsSet);
    settings.iter().any(|(key, _)| is_proxy_key(key))
}

/// The variables of this process that say how the network is reached.
pub(crate) fn connection_variables() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(carries_connection))
}

/// Takes the person's Node and npm settings away from a command that runs scripts of ours.
pub fn without_node_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(changes_scripts) {
            command.env_remove(name);
        }
    }
}

fn changes_scripts(variable: &str) -> bool {
    let lower = variable.to_ascii_lowercase();
    matches!(lower.as_str(), "node_options" | "node_env" | "node_path")
        || (lower.starts_with("npm_config_") && !carries_connection(variable))
}

/// Whether a variable says how to reach the network, rather than what to install.
fn carries_connection(variable: &str) -> bool {
    let lower = variable.to_ascii_lowercase();
    match lower.strip_prefix("npm_config_") {
        Some(key) => is_connection_key(&key.replace('_', "-")),
        None => matches!(
            lower.as_str(),
            "http_proxy"
                | "https_proxy"
                | "no_proxy"
                | "all_proxy"
                | "node_extra_ca_certs"
                | "ssl_cert_file"
                | "ssl_cert_dir"
        ),
    }
}

fn is_connection_key(key: &str) -> bool {
    key.starts_with("//")
        || key.ends_with(":registry")
        || key.starts_with("fetch-")
        || is_proxy_key(key)
        || matches!(
            key,
            "registry"
                | "cafile"
                | "ca"
                | "ca[]"
                | "cert"
                | "key"
                | "noproxy"
                | "strict-ssl"
                | "local-address"
                | "maxsockets"
                | "cache"
        )
}

fn is_proxy_key(key: &str) -> bool {
    matches!(key, "proxy" | "https-proxy" | "http-proxy")
}

/// The line that installs a package of programs here.
pub fn install_line(package: &str) -> String {
    if cfg!(target_os = "macos") {
        format!(
            "brew install {}",
            if package == "npm" { "node" } else { package }
        )
    } else if cfg!(windows) {
        "winget install OpenJS.NodeJS.LTS".to_owned()
    } else {
        format!("sudo apt-get install -y {package}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{paths, random};
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn npm_learns_the_way_to_the_registry_and_nothing_that_changes_the_install() {
        for kept in [
            "HTTPS_PROXY",
            "npm_config_registry",
            "NPM_CONFIG_CAFILE",
            "NODE_EXTRA_CA_CERTS",
            "npm_config_https_proxy",
        ] {
            assert!(
                carries_connection(kept),
                "{kept} says how to reach the registry"
            );
            assert!(!changes_scripts(kept), "{kept} stays with scripts");
        }
        for dropped in [
            "NODE_OPTIONS",
            "npm_config_ignore_scripts",
            "npm_config_nodedir",
            "npm_config_omit",
            "npm_config_offline",
            "npm_config_prefix",
            "NVM_DIR",
            "DB_CLIENT",
            "DIRECTUS_TOKEN",
        ] {
            assert!(
                !carries_connection(dropped),
                "{dropped} would change what is installed"
            );
        }
        for dropped in ["NODE_OPTIONS", "NODE_ENV", "npm_config_omit"] {
            assert!(changes_scripts(dropped), "{dropped} would change scripts");
        }
        assert!(is_connection_key("//registry.example.com/:_authToken"));
        assert!(!is_connection_key("node-options"));
    }

    /// Answers everything with an empty object.
    fn registry() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
                );
            }
        });
        port
    }

    /// Somebody whose settings would break every install.
    fn hostile(npmrc: &str, more: &[(&str, &str)]) -> Person {
        let home = std::env::temp_dir().join(format!("xtask-home-{}", random::word(8)));
        fs::create_dir(&home).unwrap();
        fs::write(home.join(".npmrc"), npmrc).unwrap();
        let variables = [
            ("HOME", home.to_str().unwrap()),
            ("NODE_OPTIONS", "--require=/nonexistent"),
            ("NODE_ENV", "production"),
            ("npm_config_offline", "true"),
            ("npm_config_omit", "dev"),
        ];
        Person {
            variables: variables
                .iter()
                .chain(more)
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            home: Some(home),
        }
    }

    #[test]
    fn the_registry_is_reached_whatever_the_persons_settings_are() {
        let npmrc = format!(
            "offline=true\nomit=dev\nnode-options=--require=/nonexistent\nregistry=http://127.0.0.1:{}/\n",
            registry()
        );
        let person = hostile(&npmrc, &[]);
        assert!(answers(&person, Way::AsSet), "settings do no harm");
        paths::remove(&person.home.unwrap()).unwrap();

        let gone = [("HTTP_PROXY", "http://127.0.0.1:9")];
        let person = hostile(&format!("proxy=http://127.0.0.1:9\n{npmrc}"), &gone);
        assert!(!answers(&person, Way::AsSet), "a proxy that is gone");
        assert!(answers(&person, Way::Direct), "and the way around it");
        paths::remove(&person.home.unwrap()).unwrap();
    }

    #[test]
    fn what_npmrc_says_about_the_registry_goes_along_with_its_secrets_filled_in() {
        let text = "; mine\n//registry.example.com/:_authToken=${TOKEN}\n_auth=${OTHER}\n\
                    ca[]=\"one\"\nca[] = two\nfetch-timeout=${NONE}\nstrict-ssl=false\n";
        let more = [("TOKEN", "secret"), ("NPM_CONFIG_STRICT_SSL", "true")];
        let person = hostile(text, &more);
        let settings = person.connection_settings(Way::AsSet);
        let told: Vec<_> = settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("//registry.example.com/:_authToken", "secret"),
                ("ca", "one\n\ntwo"),
                ("fetch-timeout", "${NONE}"),
            ]
        );
        let npm = command_of(&person, Way::AsSet).unwrap();
        let variables: Vec<_> = npm.get_envs().map(|(name, _)| name.to_owned()).collect();
        let has = |name: &str| variables.iter().any(|variable| variable == name);
        assert!(has("npm_config_//registry.example.com/:_authToken"));
        assert!(has("NPM_CONFIG_STRICT_SSL"));
        assert!(!has("TOKEN") && !has("npm_config__auth") && !has("NODE_ENV"));
        paths::remove(&person.home.unwrap()).unwrap();
    }
}
