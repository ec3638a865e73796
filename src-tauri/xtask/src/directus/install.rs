//! Fetches Directus and its Node from npm into the cache.
//!
//! ```text
//! nothing -> <cache>/directus-V.part-PID (npm, sqlite3, isolated-vm, tried out)
//!         -> stamp written -> renamed to <cache>/directus-V
//! ```
//! Only a folder with its stamp counts as installed, and the stamp is written
//! last, so a broken-off install is never taken for a whole one. No package's
//! install script runs, except `sqlite3`'s own.

use super::{VERSION, node_package};
use crate::paths;
use crate::problem::{Doing, Outcome, Problem};
use crate::process;
use crate::progress::{self, Step};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What the folder weighs when it is whole; for the progress line only.
const WHOLE_BYTES: u64 = 834_000_000;
const STAMP: &str = "installed.txt";

/// A Directus that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    folder: PathBuf,
}

impl Installation {
    /// Its folder in the cache.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The Node program it runs on.
    pub fn node(&self) -> PathBuf {
        let package = node_package().map_or("node", |(name, _)| name);
        let inside = if cfg!(windows) {
            "bin/node.exe"
        } else {
            "bin/node"
        };
        self.folder.join("node_modules").join(package).join(inside)
    }

    /// Directus' command line, to be run by [`Self::node`].
    pub fn cli(&self) -> PathBuf {
        self.folder.join("node_modules/directus/cli.js")
    }
}

/// Whether a whole install is in the cache.
pub fn is_installed() -> bool {
    find().is_ok()
}

/// The install in the cache, or the line that makes it.
pub fn find() -> Outcome<Installation> {
    let folder = home()?;
    let stamp = fs::read_to_string(folder.join(STAMP)).unwrap_or_default();
    if stamp == stamp_text() {
        return Ok(Installation { folder });
    }
    Err(Problem::with_line(
        "The Directus that the tests run against is not installed yet.",
        "cargo xtask test",
    ))
}

/// Installs Directus unless it is there, telling how far it is.
pub fn install() -> Outcome<Installation> {
    paths::make_private(&paths::cache()?)?;
    let lock = fs::File::create(paths::cache()?.join("directus.lock"))
        .doing(|| "write into the cache".to_owned())?;
    // Two at once: the second waits, and finds it done.
    lock.lock()
        .doing(|| "wait for another install".to_owned())?;
    if let Ok(there) = find() {
        return Ok(there);
    }
    let home = home()?;
    sweep(&home)?;
    let part = home.with_extension(format!("part-{}", std::process::id()));
    paths::make_private(&part)?;
    fetch(&part)?;
    let unfinished = Installation {
        folder: part.clone(),
    };
    leave_out_isolated_vm(&part)?;
    make_sqlite_work(&unfinished)?;
    paths::write_private(&part.join(STAMP), &stamp_text())?;
    fs::rename(&part, &home).doing(|| format!("move Directus to {}", home.display()))?;
    find()
}

fn home() -> Outcome<PathBuf> {
    Ok(paths::cache()?.join(format!("directus-{VERSION}")))
}

fn stamp_text() -> String {
    let (name, version) = node_package().unwrap_or(("node", "none"));
    format!("directus {VERSION}\n{name} {version}\nlayout 1\n")
}

/// Removes what broken-off installs left behind.
fn sweep(home: &Path) -> Outcome {
    paths::remove(home)?;
    let (Some(parent), Some(name)) = (
        home.parent(),
        home.file_name().and_then(|name| name.to_str()),
    ) else {
        return Ok(());
    };
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    for entry in fs::read_dir(parent)
        .doing(|| format!("read {}", parent.display()))?
        .flatten()
    {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(&format!("{stem}.part-"))
        {
            paths::remove(&entry.path())?;
        }
    }
    Ok(())
}

fn fetch(part: &Path) -> Outcome {
    let (node, node_version) = node_package().ok_or_else(|| {
        Problem::new(
            "Directus' Node 22 has no npm package for this system: use Linux, macOS or Windows.",
        )
    })?;
    let manifest = format!(
        "{{\"name\":\"directus-here\",\"private\":true,\"dependencies\":{{\"directus\":\"{VERSION}\",\"{node}\":\"{node_version}\"}}}}\n"
    );
    paths::write_private(&part.join("package.json"), &manifest)?;
    let log = part.join("npm.log");
    let output = fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
    let errors = output
        .try_clone()
        .doing(|| format!("write {}", log.display()))?;
    let settings = part.join("npmrc");
    paths::write_private(&settings, &connection_settings())?;

    let mut npm = npm()?;
    npm.args([
        "install",
        "--ignore-scripts",
        "--include=prod",
        "--include=optional",
        "--omit=dev",
    ])
    .args([
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--no-package-lock",
        "--no-global",
        "--no-dry-run",
    ])
    .args([
        "--engine-strict=false",
        "--legacy-peer-deps=false",
        "--force=false",
        "--offline=false",
    ])
    .args([
        "--workspaces=false",
        "--install-strategy=hoisted",
        "--loglevel=error",
        "--progress=false",
    ])
    .arg("--prefix")
    .arg(part)
    .arg("--userconfig")
    .arg(&settings)
    .current_dir(part)
    .stdin(Stdio::null())
    .stdout(output)
    .stderr(errors);
    let mut step = Step::begin(format!("Directus {VERSION} from npm"));
    let mut running = process::start("npm", npm)?;
    let modules = part.join("node_modules");
    let status = loop {
        if let Some(status) = running.wait(Duration::from_secs(2)) {
            break status;
        }
        step.at(format!(
            "{}/{}",
            progress::bytes(paths::size(&modules)),
            progress::bytes(WHOLE_BYTES)
        ));
    };
    paths::remove_file(&settings)?;
    let whole = modules.join("directus/cli.js").is_file();
    if !status.success() || !whole {
        return Err(Problem::with_line(
            format!(
                "npm could not fetch Directus ({status}):\n{}\nWith a network, try:",
                process::tail(&log, 12)
            ),
            "npm ping",
        ));
    }
    step.done();
    Ok(())
}

/// npm with the person's way to the registry, and none of the settings that would change what is installed.
fn npm() -> Outcome<Command> {
    let program = process::find("npm").ok_or_else(|| {
        Problem::with_line("npm is missing: it fetches Directus.", install_line("npm"))
    })?;
    let mut npm = process::clean_command(program);
    for (name, value) in std::env::vars_os() {
        if name.to_str().is_some_and(carries_connection) {
            npm.env(name, value);
        }
    }
    for name in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"] {
        if let Some(value) = std::env::var_os(name) {
            npm.env(name, value);
        }
    }
    Ok(npm)
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
        || matches!(
            key,
            "registry"
                | "cafile"
                | "ca"
                | "ca[]"
                | "cert"
                | "key"
                | "proxy"
                | "https-proxy"
                | "http-proxy"
                | "noproxy"
                | "strict-ssl"
                | "local-address"
                | "maxsockets"
                | "cache"
        )
}

/// The person's .npmrc, reduced to how the registry is reached.
fn connection_settings() -> String {
    let person = std::env::home_dir().map(|home| home.join(".npmrc"));
    let text = person
        .and_then(|path| fs::read_to_string(path).ok())
        .unwrap_or_default();
    text.lines()
        .filter(|line| {
            line.split_once('=')
                .is_some_and(|(key, _)| is_connection_key(key.trim()))
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The line that installs npm here.
pub fn npm_line() -> String {
    install_line("npm")
}

/// The line that installs a system package here.
pub(crate) fn install_line(package: &str) -> String {
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

/// Replaces isolated-vm, which needs a compiler, by an empty module: only "Run Script"
/// operations and sandboxed extensions use it, and these servers have none.
fn leave_out_isolated_vm(part: &Path) -> Outcome {
    let entry = part.join("node_modules/isolated-vm/isolated-vm.js");
    fs::write(&entry, "module.exports = {};\n").doing(|| format!("write {}", entry.display()))
}

/// One way to get a SQLite module that Directus' Node loads.
type Way = fn(&Installation) -> Outcome;

fn make_sqlite_work(unfinished: &Installation) -> Outcome {
    let step = Step::begin("SQLite for Directus");
    let ways: [(&str, Way); 3] = [
        ("its own install script", sqlite_by_own_script),
        ("Debian's build of it", sqlite_from_debian),
        ("compiling it, about 4 minutes", sqlite_by_compiling),
    ];
    let mut said = Vec::new();
    for (name, way) in ways {
        match way(unfinished).and_then(|()| try_sqlite(unfinished)) {
            Ok(()) => {
                step.done();
                return Ok(());
            }
            Err(problem) => said.push(format!("- {name}: {}", problem.sentence)),
        }
    }
    Err(Problem::with_line(
        format!(
            "Directus' SQLite module could not be made ready:\n{}\nA compiler would help:",
            said.join("\n")
        ),
        install_line("build-essential python3 patchelf"),
    ))
}

fn try_sqlite(unfinished: &Installation) -> Outcome {
    let script = "const s=require('sqlite3');new s.Database(':memory:').get('select 41+1 as n',(e,r)=>process.exit(!e&&r.n===42?0:1))";
    let mut node = process::clean_command(unfinished.node());
    node.args(["-e", script]).current_dir(unfinished.folder());
    process::output("SQLite inside Node", node).map(drop)
}

fn sqlite_by_own_script(unfinished: &Installation) -> Outcome {
    let folder = unfinished.folder().join("node_modules/sqlite3");
    let script = [
        unfinished
            .folder()
            .join("node_modules/prebuild-install/bin.js"),
        folder.join("node_modules/prebuild-install/bin.js"),
    ]
    .into_iter()
    .find(|path| path.is_file())
    .ok_or_else(|| Problem::new("it has none."))?;
    let mut node = process::clean_command(unfinished.node());
    for (name, value) in std::env::vars_os() {
        if name.to_str().is_some_and(carries_connection) {
            node.env(name, value);
        }
    }
    node.arg(script).args(["-r", "napi"]).current_dir(&folder);
    node.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut running = process::start("sqlite3's install script", node)?;
    match running.wait(Duration::from_secs(60)) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Problem::new(format!(
            "its release host gave nothing ({status})."
        ))),
        None => Err(Problem::new(
            "its release host did not answer within a minute.",
        )),
    }
}

/// Debian's package holds a build for any Node, but names Debian's own Node library.
fn sqlite_from_debian(unfinished: &Installation) -> Outcome {
    for program in ["apt-get", "dpkg-deb", "patchelf"] {
        if !process::is_there(program) {
            return Err(Problem::new(format!("{program} is missing.")));
        }
    }
    let work = unfinished.folder().join("debian");
    paths::make_private(&work)?;
    let mut download = process::bound_command("apt-get");
    download
        .args([
            "download",
            "-q",
            "-o",
            "APT::Sandbox::User=root",
            "node-sqlite3",
        ])
        .current_dir(&work);
    process::output("apt-get download node-sqlite3", download)?;
    let package =
        first_ending(&work, ".deb").ok_or_else(|| Problem::new("apt-get brought no package."))?;
    let mut unpack = process::bound_command("dpkg-deb");
    unpack.arg("-x").arg(&package).arg(work.join("tree"));
    process::output("dpkg-deb", unpack)?;
    let module = find_below(&work.join("tree"), "node_sqlite3.node")
        .ok_or_else(|| Problem::new("Debian's package has no module inside."))?;
    let mut needed = process::bound_command("patchelf");
    needed.arg("--print-needed").arg(&module);
    for library in process::output("patchelf", needed)?
        .lines()
        .filter(|line| line.starts_with("libnode.so"))
    {
        let mut patch = process::bound_command("patchelf");
        patch.args(["--remove-needed", library]).arg(&module);
        process::output("patchelf", patch)?;
    }
    let release = unfinished
        .folder()
        .join("node_modules/sqlite3/build/Release");
    fs::create_dir_all(&release).doing(|| format!("make {}", release.display()))?;
    fs::copy(&module, release.join("node_sqlite3.node"))
        .doing(|| "copy the SQLite module".to_owned())?;
    paths::remove(&work)
}

fn sqlite_by_compiling(unfinished: &Installation) -> Outcome {
    let node = unfinished.node();
    let headers = node
        .parent()
        .and_then(Path::parent)
        .unwrap_or(unfinished.folder())
        .to_path_buf();
    let mut npm = npm()?;
    let mut path = OsString::from(node.parent().unwrap_or(unfinished.folder()));
    path.push(if cfg!(windows) { ";" } else { ":" });
    path.push(std::env::var_os("PATH").unwrap_or_default());
    npm.env("PATH", path)
        .env("npm_config_nodedir", &headers)
        .args([
            "rebuild",
            "sqlite3",
            "--build-from-source",
            "--ignore-scripts=false",
            "--foreground-scripts",
        ])
        .arg("--prefix")
        .arg(unfinished.folder())
        .current_dir(unfinished.folder());
    process::output("npm rebuild sqlite3", npm).map(drop)
}

fn first_ending(folder: &Path, ending: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(ending))
}

fn find_below(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if entry.file_name() == name {
                return Some(path);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

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
        }
        for dropped in [
            "NODE_OPTIONS",
            "npm_config_ignore_scripts",
            "npm_config_nodedir",
            "npm_config_omit",
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
        assert!(is_connection_key("//registry.example.com/:_authToken"));
        assert!(!is_connection_key("node-options"));
    }
}
