//! Fetches Directus and its Node from npm into the cache.
//!
//! ```text
//! nothing -> <cache>/directus-V.part-PID (npm, sqlite3, isolated-vm, tried out)
//!         -> stamp written -> renamed to <cache>/directus-V
//! ```
//! V is the version: nearly always [`super::VERSION`].
//! Only a folder with its stamp counts as installed, and the stamp is written
//! last, so a broken-off install is never taken for a whole one. No package's
//! install script runs, except `sqlite3`'s own.

use super::{VERSION, node_package};
use crate::cache;
use crate::network::{Source, Way};
use crate::npm;
use crate::paths;
use crate::problem::{Doing, Outcome, Problem};
use crate::process;
use crate::progress::{self, Step};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// What the folder weighs when it is whole; for the progress line only.
const WHOLE_BYTES: u64 = 834_000_000;
/// How many packages npm looks up before it fetches the first; for the progress line only.
const LOOKED_UP: usize = 1_098;
/// What compiling SQLite leaves, with everything on the way; for the progress line only.
const COMPILED_BYTES: u64 = 30_000_000;
/// How long sqlite3's own script may take.
const SCRIPT_SECONDS: u64 = 60;
const STAMP: &str = "installed.txt";

/// A Directus that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    version: &'static str,
    folder: PathBuf,
}

impl Installation {
    /// Directus' version.
    pub fn version(&self) -> &'static str {
        self.version
    }

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

    /// Where Node keeps what it has compiled of Directus, so that a start need not
    /// do it again. It fills when a process ends by itself, as a bootstrap does.
    pub(super) fn compiled(&self) -> PathBuf {
        self.folder.join("compiled")
    }

    /// How many changes to its tables this version brings.
    pub(super) fn count_migrations(&self) -> usize {
        let folder = "node_modules/@directus/api/dist/database/migrations";
        let entries = fs::read_dir(self.folder.join(folder));
        let names = entries.into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
            .filter(|name| name.ends_with(".js"))
            .count()
    }
}

/// Whether a whole install is in the cache. Changes nothing, and keeps nobody from removing it.
pub fn is_installed() -> bool {
    paths::cache().is_ok_and(|cache| find_in(&cache, VERSION).is_some())
}

/// The install in the cache, which stays there until this process ends; or the line that makes it.
pub fn find() -> Outcome<Installation> {
    cache::share()?;
    find_in(&paths::cache()?, VERSION).ok_or_else(|| {
        Problem::with_line(
            "The Directus that the tests run against is not installed yet.",
            "cargo xtask test",
        )
    })
}

/// Installs Directus unless it is there, telling how far it is.
pub fn install() -> Outcome<Installation> {
    install_version(VERSION)
}

/// Installs another Directus than the one that everything runs against, unless it is there.
pub fn install_version(version: &'static str) -> Outcome<Installation> {
    cache::share()?;
    install_into(&paths::cache()?, version, |unfinished| {
        fetch(unfinished)?;
        leave_out_isolated_vm(unfinished.folder())?;
        shorten_exports(unfinished.folder(), "date-fns")?;
        make_sqlite_work(unfinished)
    })
}

fn find_in(cache: &Path, version: &'static str) -> Option<Installation> {
    let folder = home(cache, version);
    let stamp = fs::read_to_string(folder.join(STAMP)).unwrap_or_default();
    (stamp == stamp_text(version)).then_some(Installation { version, folder })
}

/// Has an install made beside its place, and moves it there when it is whole.
fn install_into(
    cache: &Path,
    version: &'static str,
    make: impl FnOnce(&Installation) -> Outcome,
) -> Outcome<Installation> {
    paths::make_private(cache)?;
    let lock = fs::File::create(cache.join("directus.lock"))
        .doing(|| "write into the cache".to_owned())?;
    // Two at once: the second waits, and finds it done.
    lock.lock()
        .doing(|| "wait for another install".to_owned())?;
    if let Some(there) = find_in(cache, version) {
        return Ok(there);
    }
    let home = home(cache, version);
    sweep(&home)?;
    let unfinished = Installation {
        version,
        folder: home.with_extension(format!("part-{}", std::process::id())),
    };
    paths::make_private(unfinished.folder())?;
    make(&unfinished)?;
    paths::write_private(&unfinished.folder().join(STAMP), &stamp_text(version))?;
    fs::rename(unfinished.folder(), &home)
        .doing(|| format!("move Directus to {}", home.display()))?;
    find_in(cache, version)
        .ok_or_else(|| Problem::new("The install vanished as soon as it was made."))
}

fn home(cache: &Path, version: &str) -> PathBuf {
    cache.join(format!("directus-{version}"))
}

fn stamp_text(version: &str) -> String {
    let (node, node_version) = node_package().unwrap_or(("node", "none"));
    format!("directus {version}\n{node} {node_version}\nlayout 2\n")
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

fn fetch(unfinished: &Installation) -> Outcome {
    let (version, part) = (unfinished.version(), unfinished.folder());
    let (node, node_version) = node_package().ok_or_else(|| {
        Problem::new(
            "Directus' Node 22 has no npm package for this system: use Linux, macOS or Windows.",
        )
    })?;
    let manifest = format!(
        "{{\"name\":\"directus-here\",\"private\":true,\"dependencies\":{{\"directus\":\"{version}\",\"{node}\":\"{node_version}\"}}}}\n"
    );
    paths::write_private(&part.join("package.json"), &manifest)?;
    let log = part.join("npm.log");
    let output = fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
    let errors = output
        .try_clone()
        .doing(|| format!("write {}", log.display()))?;
    let mut npm = npm::command(Source::Npm.way().unwrap_or(Way::AsSet))?;
    npm.args(["install", "--ignore-scripts", "--install-strategy=hoisted"])
        .args(["--include=prod", "--include=optional", "--omit=dev"])
        // Of two the last holds: each request is a line in the log.
        .args(["--no-package-lock", "--loglevel=http"])
        .arg("--prefix")
        .arg(part)
        .current_dir(part)
        .stdout(output)
        .stderr(errors);
    let mut step = Step::begin(format!("Directus {version} from npm"));
    let mut running = process::start("npm", npm)?;
    let modules = part.join("node_modules");
    let status = loop {
        if let Some(status) = running.wait(Duration::from_secs(2)) {
            break status;
        }
        step.at(match paths::size(&modules) {
            0 => format!("{}/{LOOKED_UP} packages looked up", looked_up(&log)),
            bytes => progress::so_far(bytes, WHOLE_BYTES),
        });
    };
    let whole = modules.join("directus/cli.js").is_file();
    if !status.success() || !whole {
        return Err(Problem::with_line(
            format!(
                "npm could not fetch Directus ({status}):\n{}\nWith a network, try:",
                errors_in(&log)
            ),
            "npm ping",
        ));
    }
    step.done();
    Ok(())
}

const REQUEST: &str = "npm http ";

/// How many packages npm has asked the registry or its own cache about so far.
fn looked_up(log: &Path) -> usize {
    let said = fs::read_to_string(log).unwrap_or_default();
    said.matches(REQUEST).count().min(LOOKED_UP)
}

/// What npm has said but for its requests, the end of it.
fn errors_in(log: &Path) -> String {
    let said = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with(REQUEST))
        .collect();
    let from = lines.len().saturating_sub(12);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// Replaces isolated-vm, which needs a compiler, by an empty module: only "Run Script"
/// operations and sandboxed extensions use it, and these servers have none.
fn leave_out_isolated_vm(part: &Path) -> Outcome {
    let entry = part.join("node_modules/isolated-vm/isolated-vm.js");
    fs::write(&entry, "module.exports = {};\n").doing(|| format!("write {}", entry.display()))
}

/// Says in one line what a package's manifest says of each of its hundreds of
/// files: Node reads the whole list again for every file that it loads, which was
/// a quarter of Directus' start. Where the list says anything else it stays.
fn shorten_exports(part: &Path, package: &str) -> Outcome {
    let path = part.join(format!("node_modules/{package}/package.json"));
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(());
    };
    let Some(short) = with_short_exports(&text) else {
        return Ok(());
    };
    fs::write(&path, short).doing(|| format!("write {}", path.display()))
}

fn with_short_exports(manifest: &str) -> Option<String> {
    let mut manifest: Value = serde_json::from_str(manifest).ok()?;
    let exports = manifest.get_mut("exports")?.as_object_mut()?;
    let same = |name: &str, what: &Value| {
        let place = |way: &str| what.pointer(way).and_then(Value::as_str);
        place("/require/default") == Some(format!("{name}.cjs").as_str())
            && place("/import/default") == Some(format!("{name}.js").as_str())
    };
    let (kept, files): (Vec<_>, Vec<_>) = std::mem::take(exports)
        .into_iter()
        .partition(|(name, _)| name == "." || name == "./package.json");
    if !files.iter().all(|(name, what)| same(name, what)) {
        return None;
    }
    exports.extend(kept);
    let every = json!({ "require": "./*.cjs", "import": "./*.js" });
    exports.insert("./*".to_owned(), every);
    Some(manifest.to_string())
}

/// One way to get a SQLite module that Directus' Node loads.
type Attempt = fn(&Installation, &mut Step) -> Outcome;

fn make_sqlite_work(unfinished: &Installation) -> Outcome {
    let mut step = Step::begin("SQLite for Directus");
    let attempts: [(&str, Attempt); 3] = [
        ("its own install script", sqlite_by_own_script),
        ("Debian's build of it", sqlite_from_debian),
        ("compiling it", sqlite_by_compiling),
    ];
    let mut said = Vec::new();
    for (name, attempt) in attempts {
        match attempt(unfinished, &mut step).and_then(|()| try_sqlite(unfinished)) {
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
        npm::install_line("build-essential python3 patchelf"),
    ))
}

fn try_sqlite(unfinished: &Installation) -> Outcome {
    let script = "const s=require('sqlite3');new s.Database(':memory:').get('select 41+1 as n',(e,r)=>process.exit(!e&&r.n===42?0:1))";
    let mut node = process::clean_command(unfinished.node());
    node.args(["-e", script]).current_dir(unfinished.folder());
    process::output("SQLite inside Node", node).map(drop)
}

fn sqlite_by_own_script(unfinished: &Installation, step: &mut Step) -> Outcome {
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
    node.envs(npm::connection_variables());
    Source::Npm.way().unwrap_or(Way::AsSet).set(&mut node);
    node.arg(script).args(["-r", "napi"]).current_dir(&folder);
    node.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut running = process::start("sqlite3's install script", node)?;
    let built = folder.join("build");
    for second in 0..SCRIPT_SECONDS {
        match running.wait(Duration::from_secs(1)) {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                return Err(Problem::new(format!(
                    "its release host gave nothing ({status})."
                )));
            }
            None => step.at(format!(
                "asking its release host, {}, {second}/{SCRIPT_SECONDS} s",
                progress::bytes(paths::size(&built))
            )),
        }
    }
    Err(Problem::new(
        "its release host did not answer within a minute.",
    ))
}

/// Debian's package holds a build for any Node, but names Debian's own Node library.
fn sqlite_from_debian(unfinished: &Installation, step: &mut Step) -> Outcome {
    for program in ["apt-get", "dpkg-deb", "patchelf"] {
        if !process::is_there(program) {
            return Err(Problem::new(format!("{program} is missing.")));
        }
    }
    step.at("Debian's build of it, 2 MB");
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

fn sqlite_by_compiling(unfinished: &Installation, step: &mut Step) -> Outcome {
    let node = unfinished.node();
    let headers = node
        .parent()
        .and_then(Path::parent)
        .unwrap_or(unfinished.folder())
        .to_path_buf();
    let mut npm = npm::command(Source::Npm.way().unwrap_or(Way::AsSet))?;
    let mut path = OsString::from(node.parent().unwrap_or(unfinished.folder()));
    path.push(if cfg!(windows) { ";" } else { ":" });
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let log = unfinished.folder().join("sqlite.log");
    let output = fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
    let errors = output
        .try_clone()
        .doing(|| format!("write {}", log.display()))?;
    npm.env("PATH", path)
        .env("npm_config_nodedir", &headers)
        .args(["rebuild", "sqlite3", "--build-from-source"])
        .args(["--ignore-scripts=false", "--foreground-scripts"])
        .arg("--prefix")
        .arg(unfinished.folder())
        .current_dir(unfinished.folder())
        .stdout(output)
        .stderr(errors);
    let mut running = process::start("npm", npm)?;
    let built = unfinished.folder().join("node_modules/sqlite3/build");
    loop {
        match running.wait(Duration::from_secs(2)) {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                return Err(Problem::new(format!(
                    "it failed ({status}): {}",
                    process::tail(&log, 3)
                )));
            }
            None => step.at(format!(
                "compiling it, {} in about 4 minutes",
                progress::so_far(paths::size(&built), COMPILED_BYTES)
            )),
        }
    }
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
    use crate::random;

    fn cache() -> PathBuf {
        std::env::temp_dir().join(format!("xtask-cache-{}", random::word(8)))
    }

    fn put(unfinished: &Installation, file: &str) {
        let path = unfinished.folder().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn an_install_that_was_broken_off_is_never_taken_for_a_whole_one() {
        let cache = cache();
        let broken = install_into(&cache, VERSION, |unfinished| {
            put(unfinished, "node_modules/directus/cli.js");
            Err(Problem::new("The network is gone."))
        });
        assert_eq!(broken, Err(Problem::new("The network is gone.")));
        assert_eq!(find_in(&cache, VERSION), None, "half of it is there");

        // Killed while it was made, before or after its stamp was written, and by an
        // earlier version that moved it without one.
        let parts = ["directus-11.17.part-1", "directus-11.17.part-2"];
        for part in parts
            .map(|part| cache.join(part))
            .iter()
            .chain([&home(&cache, VERSION)])
        {
            put(
                &Installation {
                    version: VERSION,
                    folder: part.clone(),
                },
                "left-behind",
            );
        }
        fs::write(cache.join(parts[1]).join(STAMP), stamp_text(VERSION)).unwrap();
        assert_eq!(find_in(&cache, VERSION), None);

        let whole = install_into(&cache, VERSION, |unfinished| {
            let entries = fs::read_dir(unfinished.folder()).unwrap();
            assert_eq!(entries.count(), 0, "it begins with nothing");
            put(unfinished, "node_modules/directus/cli.js");
            Ok(())
        })
        .unwrap();
        assert_eq!(find_in(&cache, VERSION), Some(whole.clone()));
        assert!(whole.cli().is_file());
        assert!(!whole.folder().join("left-behind").exists());
        for part in parts {
            assert!(!cache.join(part).exists(), "{part} is swept away");
        }
        let again = install_into(&cache, VERSION, |_| Err(Problem::new("It is made twice.")));
        assert_eq!(again, Ok(whole), "what is whole is used again");
        paths::remove(&cache).unwrap();
    }

    #[test]
    fn an_install_of_another_version_or_layout_is_made_anew() {
        let cache = cache();
        let old = Installation {
            version: VERSION,
            folder: home(&cache, VERSION),
        };
        put(&old, "left-behind");
        for stamp in ["", "directus 11.17.3\n", &stamp_text(VERSION)[1..]] {
            fs::write(old.folder().join(STAMP), stamp).unwrap();
            assert_eq!(
                find_in(&cache, VERSION),
                None,
                "{stamp:?} is another's stamp"
            );
        }
        install_into(&cache, VERSION, |_| Ok(())).unwrap();
        assert!(!old.folder().join("left-behind").exists());
        paths::remove(&cache).unwrap();
    }

    #[test]
    fn a_manifest_is_shortened_only_where_it_says_the_same_of_every_file() {
        let file = |name: &str| {
            json!({ "require": { "types": "./t.d.cts", "default": format!("{name}.cjs") },
                    "import": { "types": "./t.d.ts", "default": format!("{name}.js") } })
        };
        let mut long = json!({ "name": "dates", "exports": {
            "./package.json": "./package.json",
            ".": file("./index"),
            "./add": file("./add"),
            "./fp/add": file("./fp/add"),
        }});
        let short = with_short_exports(&long.to_string()).unwrap();
        let short: Value = serde_json::from_str(&short).unwrap();
        assert_eq!(
            short,
            json!({ "name": "dates", "exports": {
                "./package.json": "./package.json",
                ".": file("./index"),
                "./*": { "require": "./*.cjs", "import": "./*.js" },
            }})
        );
        long["exports"]["./add"] = file("./elsewhere");
        assert_eq!(with_short_exports(&long.to_string()), None);
    }

    #[test]
    fn npms_log_tells_how_far_it_is_and_what_went_wrong() {
        let cache = cache();
        fs::create_dir_all(&cache).unwrap();
        let log = cache.join("npm.log");
        assert_eq!(looked_up(&log), 0);
        let said = "npm http fetch GET 200 https://registry.example/directus 312ms\n\
                    npm http cache https://registry.example/sqlite3 4ms (cache hit)\n\
                    npm error code ENOTFOUND\n";
        fs::write(&log, said).unwrap();
        assert_eq!(looked_up(&log), 2);
        assert_eq!(errors_in(&log), "npm error code ENOTFOUND");
        paths::remove(&cache).unwrap();
    }

    #[test]
    fn a_second_install_at_once_waits_and_finds_it_done() {
        let cache = cache();
        let (begun, wait) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                install_into(&cache, VERSION, |unfinished| {
                    begun.send(()).unwrap();
                    put(unfinished, "file");
                    Ok(())
                })
            });
            wait.recv().unwrap();
            let second = install_into(&cache, VERSION, |_| Err(Problem::new("It is made twice.")));
            assert_eq!(first.join().unwrap(), second);
        });
        paths::remove(&cache).unwrap();
    }
}
