//! `cargo xtask check-targets`: the whole workspace type-checked for systems that are not
//! this one.
//!
//! Nothing is linked, so no other system's tools are needed: a stand-in for the C compiler
//! writes empty objects, and where rustup has no standard library for a target, it is
//! checked from its source along with everything else. That source is the compiler's own
//! version or none: rustup's `rust-src`, or Debian's package of that name in a suite of
//! backports, of which only `library/` is unpacked.
//!
//! ```text
//!  target --its std is installed------------------------------> cargo check
//!     |                                                            ^   |
//!     +--no--> source: rustup's, Debian's --found--> -Zbuild-std --+   +--> ok, or what is wrong
//!                        |
//!                        +--none of this version--> skipped, with the reason
//! ```
//!
//! Owns: `rust-src-V` in the cache, and the stand-ins below the target folder. Never: a
//! program that runs.

use crate::network::{Source, Way};
use crate::problem::{Doing, Outcome, Problem};
use crate::progress::Step;
use crate::{cache, paths, process, system};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What type-checking for Windows asks of Debian: import libraries and resources.
const FOR_WINDOWS: &[&str] = &["binutils-mingw-w64-x86-64"];

/// One system.
struct Target {
    triple: &'static str,
    /// By which variable Apple's compiler is told the oldest system that is built for, and
    /// where `tauri.conf.json` names it.
    oldest: Option<(&'static str, &'static str)>,
}

const TARGETS: [Target; 4] = [
    Target {
        triple: "aarch64-linux-android",
        oldest: None,
    },
    Target {
        triple: "aarch64-apple-ios",
        oldest: Some((
            "IPHONEOS_DEPLOYMENT_TARGET",
            "/bundle/iOS/minimumSystemVersion",
        )),
    },
    Target {
        triple: "aarch64-apple-darwin",
        oldest: Some((
            "MACOSX_DEPLOYMENT_TARGET",
            "/bundle/macOS/minimumSystemVersion",
        )),
    },
    Target {
        triple: "x86_64-pc-windows-gnu",
        oldest: None,
    },
];

impl Target {
    fn is_apples(&self) -> bool {
        self.triple.contains("-apple-")
    }
}

/// Checks those that are named, or all.
///
/// # Errors
/// One that does not pass, or a name that is none.
pub fn run(names: &[&str]) -> Outcome {
    let unknown = |name: &&&str| !TARGETS.iter().any(|target| target.triple == **name);
    if let Some(name) = names.iter().find(unknown) {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.triple).collect();
        return Err(Problem::new(format!(
            "\"{name}\" is none of the targets: {}.",
            known.join(", ")
        )));
    }
    let (mut ok, mut skipped, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for target in &TARGETS {
        if !names.is_empty() && !names.contains(&target.triple) {
            continue;
        }
        match check(target)? {
            Checked::Ok => ok.push(target.triple),
            Checked::Skipped(why) => skipped.push(format!("{} ({why})", target.triple)),
            Checked::Wrong => wrong.push(target.triple),
        }
    }
    for one in &skipped {
        println!("skipped: {one}");
    }
    println!(
        "targets: ok={} skipped={} wrong={}: {}",
        ok.len(),
        skipped.len(),
        wrong.len(),
        ok.join(" ")
    );
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Problem::new(format!(
        "{} does not pass; what is wrong stands above.",
        wrong.join(", ")
    )))
}

enum Checked {
    Ok,
    Skipped(String),
    Wrong,
}

fn check(target: &Target) -> Outcome<Checked> {
    let mut cargo = process::bound_command("cargo");
    cargo
        .args(["check", "--workspace", "--keep-going", "--color=never"])
        .args(["--target", target.triple])
        .env("CARGO_TARGET_DIR", folder())
        .current_dir(paths::repository());
    if let Err(why) = with_std(target.triple, &mut cargo)? {
        return Ok(Checked::Skipped(why));
    }
    if target.triple.contains("windows") && cfg!(target_os = "linux") {
        system::install(FOR_WINDOWS)?;
    }
    let step = Step::begin(target.triple);
    if let Some((name, pointer)) = target.oldest {
        cargo.env(name, configured(pointer)?);
    }
    stand_in(target, &mut cargo)?;
    let said = cargo.output().doing(|| "start cargo check".to_owned())?;
    let text = String::from_utf8_lossy(&said.stderr);
    if said.status.success() && warnings(&text) == 0 {
        step.done();
        return Ok(Checked::Ok);
    }
    eprintln!("{}", complaints(&text));
    Ok(Checked::Wrong)
}

/// Lets cargo have the standard library of another system: the installed one, or else the
/// one made from its source along with everything else. Or why it can't be had.
pub(crate) fn with_std(triple: &str, cargo: &mut Command) -> Outcome<Result<(), String>> {
    if installed_std(triple)? {
        return Ok(Ok(()));
    }
    Ok(library()?.map(|library| {
        // The stable compiler has this too, where one says that one knows what one does.
        cargo
            .arg("-Zbuild-std")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
    }))
}

/// What the app's configuration says there.
fn configured(pointer: &str) -> Outcome<String> {
    let path = paths::repository().join("tauri.conf.json");
    let text = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let found = json.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| Problem::new(format!("{} has no {pointer}.", path.display())))
}

fn folder() -> PathBuf {
    paths::target().join("targets")
}

/// Puts stand-ins where a build script would ask for the system's C compiler.
fn stand_in(target: &Target, cargo: &mut Command) -> Outcome {
    if cfg!(target_os = "macos") && target.is_apples() {
        return Ok(());
    }
    let folder = folder().join("stand-ins");
    fs::create_dir_all(&folder).doing(|| format!("make {}", folder.display()))?;
    let compiler = folder.join("c-compiler");
    write_program(&compiler, C_COMPILER)?;
    let name = target.triple.replace('-', "_");
    for variable in ["CC", "CXX"] {
        cargo.env(format!("{variable}_{name}"), &compiler);
    }
    cargo.env(format!("AR_{name}"), "ar");
    cargo.env(format!("RANLIB_{name}"), "true");
    // Each alone in its folder: a `cc` beside it would be taken for this machine's own.
    if target.is_apples() {
        let apples = on_the_path(cargo, &folder.join("apple"), "xcrun", XCRUN)?;
        cargo.env("SDKROOT", &apples).env("STAND_IN", &compiler);
    } else if target.triple.contains("windows") && !process::is_there(WINDOWS_COMPILER) {
        on_the_path(
            cargo,
            &folder.join("windows"),
            WINDOWS_COMPILER,
            PREPROCESSOR,
        )?;
    }
    Ok(())
}

/// Makes a program that is found by its name before any other of it.
fn on_the_path(cargo: &mut Command, folder: &Path, name: &str, text: &str) -> Outcome<PathBuf> {
    fs::create_dir_all(folder).doing(|| format!("make {}", folder.display()))?;
    write_program(&folder.join(name), text)?;
    let mut path = folder.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    cargo.env("PATH", path);
    Ok(folder.to_path_buf())
}

/// By which name windres asks for a preprocessor.
const WINDOWS_COMPILER: &str = "x86_64-w64-mingw32-gcc";

const PREPROCESSOR: &str = r#"#!/bin/sh
# Stands for Windows' compiler where a list of resources is read: this machine's own does.
exec cc "$@"
"#;

const C_COMPILER: &str = r#"#!/bin/sh
# Stands for a C compiler where only types are checked: it calls itself clang, and each
# object that it makes is empty. Headers are read by this machine's own preprocessor.
case "$*" in
  *detect_compiler_family*) echo '#pragma message "clang"'; exit;;
esac
for word in "$@"; do
  case "$word" in
    -E) exec cc -E $(for w in "$@"; do case "$w" in *.c|*.h|-I*|-D*|/*) echo "$w";; esac; done);;
    '-?') exit 1;;
  esac
done
while [ $# -gt 0 ]; do
  case "$1" in
    -o) shift; : > "$1";;
    -o*) : > "${1#-o}";;
  esac
  shift
done
"#;

const XCRUN: &str = r#"#!/bin/sh
# Stands for Apple's: what build scripts ask it.
case "$*" in
  *--show-sdk-path*) echo "$SDKROOT";;
  *--show-sdk-version*) echo 18.0;;
  *--find*) echo "$STAND_IN";;
  *) exec "$STAND_IN" "$@";;
esac
"#;

fn write_program(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).doing(|| format!("write {}", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .doing(|| format!("let {} be run", path.display()))?;
    }
    Ok(())
}

/// How many warnings cargo counts in the workspace's own crates; those of others it caps.
fn warnings(said: &str) -> usize {
    said.lines()
        .filter(|line| line.starts_with("warning: `") && line.contains(" generated "))
        .count()
}

/// What is wrong, without what went well.
fn complaints(said: &str) -> String {
    let quiet = [
        "Compiling",
        "Checking",
        "Downloading",
        "Downloaded",
        "Finished",
    ];
    said.lines()
        .filter(|line| !quiet.iter().any(|word| line.trim_start().starts_with(word)))
        .collect::<Vec<_>>()
        .join("\n")
}

fn rustc(arguments: &[&str]) -> Outcome<String> {
    let mut rustc = process::bound_command("rustc");
    rustc.args(arguments).current_dir(paths::repository());
    process::output("rustc", rustc)
}

fn installed_std(triple: &str) -> Outcome<bool> {
    let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
    Ok(sysroot
        .join("lib/rustlib")
        .join(triple)
        .join("lib")
        .is_dir())
}

/// The standard library's source of this very compiler, or why there is none.
fn library() -> Outcome<Result<PathBuf, String>> {
    let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
    let rustups = sysroot.join("lib/rustlib/src/rust/library");
    if rustups.join("Cargo.lock").is_file() {
        return Ok(Ok(rustups));
    }
    let said = rustc(&["--version"])?;
    let Some(version) = version_of(&said) else {
        return Ok(Err(format!("\"{}\" names no version", said.trim())));
    };
    cache::share()?;
    let home = paths::cache()?.join(format!("rust-src-{version}"));
    if home.join("library/Cargo.lock").is_file() {
        return Ok(Ok(home.join("library")));
    }
    Ok(from_debian(version, &home))
}

/// `1.95.0` of `rustc 1.95.0 (…)`.
fn version_of(said: &str) -> Option<&str> {
    let version = said.split_whitespace().nth(1)?;
    version
        .chars()
        .all(|c| c.is_ascii_digit() || c == '.')
        .then_some(version)
}

fn from_debian(version: &str, home: &Path) -> Result<PathBuf, String> {
    let wanted = "rustup component add rust-src brings what it lacks";
    for program in ["apt-get", "apt-cache", "dpkg-deb"] {
        if !process::is_there(program) {
            return Err(format!("its standard library is not installed; {wanted}"));
        }
    }
    let step = Step::begin(format!("the standard library's source, {version}"));
    let part = home.with_extension(format!("part-{}", std::process::id()));
    let brought = Backports::open(&part).and_then(|backports| backports.bring(version, home));
    let _ = paths::remove(&part);
    match brought {
        Ok(()) => {
            step.done();
            Ok(home.join("library"))
        }
        Err(problem) => Err(format!("{} {wanted}", problem.sentence)),
    }
}

/// Debian's suite with newer packages, asked beside the system's own lists and never
/// installed from.
struct Backports {
    folder: PathBuf,
}

impl Backports {
    fn open(folder: &Path) -> Outcome<Self> {
        let archive = archive().ok_or_else(|| {
            Problem::new("This system's lists name no Debian archive for a package of it.")
        })?;
        for name in ["lists/partial", "cache/archives/partial", "parts"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).doing(|| format!("make {}", path.display()))?;
        }
        let list = format!(
            "Types: deb\nURIs: {archive}\nSuites: trixie-backports\nComponents: main\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        );
        let path = folder.join("parts/backports.sources");
        fs::write(&path, list).doing(|| format!("write {}", path.display()))?;
        Ok(Self {
            folder: folder.to_path_buf(),
        })
    }

    fn apt(&self, program: &str, words: &[&str]) -> Outcome<String> {
        let mut apt = process::bound_command(program);
        let inside = |name: &str| self.folder.join(name).display().to_string();
        for (setting, value) in [
            ("Dir::Etc::SourceList", "/dev/null".to_owned()),
            ("Dir::Etc::SourceParts", inside("parts")),
            ("Dir::State::Lists", inside("lists")),
            ("Dir::Cache", inside("cache")),
            ("APT::Sandbox::User", "root".to_owned()),
        ] {
            apt.arg("-o").arg(format!("{setting}={value}"));
        }
        apt.args(words).current_dir(&self.folder);
        Source::Debian.way().unwrap_or(Way::AsSet).set(&mut apt);
        process::output(program, apt)
    }

    fn bring(&self, version: &str, home: &Path) -> Outcome {
        self.apt("apt-get", &["update", "-qq"])?;
        let offered = self.apt("apt-cache", &["madison", "rust-src"])?;
        let package = exactly(&offered, version).ok_or_else(|| {
            Problem::new(format!(
                "Debian's backports have no rust-src of version {version}."
            ))
        })?;
        self.apt(
            "apt-get",
            &["download", "-qq", &format!("rust-src={package}")],
        )?;
        let packages = fs::read_dir(&self.folder).doing(|| "find what came".to_owned())?;
        let file = packages
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|end| end == "deb"))
            .ok_or_else(|| Problem::new("apt-get brought no package."))?;
        let tree = self.folder.join("tree");
        let mut unpack = process::bound_command("dpkg-deb");
        unpack.arg("-x").arg(&file).arg(&tree);
        process::output("dpkg-deb", unpack)?;
        let library = tree.join(format!("usr/src/rustc-{version}/library"));
        paths::make_private(home)?;
        let place = home.join("library");
        paths::remove(&place)?;
        fs::rename(&library, &place).doing(|| format!("move {}", library.display()))
    }
}

/// Debian's archive as this system's own lists name it.
fn archive() -> Option<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = fs::read_dir("/etc/apt/sources.list.d").ok();
    files.extend(
        parts
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    let texts = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    texts.into_iter().find_map(|text| archive_in(&text))
}

fn archive_in(list: &str) -> Option<String> {
    let words = list
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace);
    words
        .filter(|word| word.contains("://"))
        .find(|word| word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

/// The package of this upstream version, in what `apt-cache madison` says.
fn exactly<'a>(offered: &'a str, version: &str) -> Option<&'a str> {
    offered
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|package| {
            package
                .strip_prefix(version)
                .is_some_and(|rest| rest.starts_with(['+', '-', '~']))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_package_of_the_compilers_own_version_is_taken() {
        let offered = "  rust-src | 1.96.1+dfsg1-2~bpo13+1 | trixie-backports/main amd64 Packages\n  \
                       rust-src | 1.95.0+dfsg1-2~bpo13+1 | trixie-backports/main amd64 Packages\n";
        assert_eq!(exactly(offered, "1.95.0"), Some("1.95.0+dfsg1-2~bpo13+1"));
        assert_eq!(exactly(offered, "1.95"), None);
        assert_eq!(exactly(offered, "1.94.0"), None);
        assert_eq!(
            version_of("rustc 1.95.0 (59807616e 2026-04-14)"),
            Some("1.95.0")
        );
        assert_eq!(version_of("rustc 1.97.0-nightly (0 2026-04-14)"), None);
    }

    #[test]
    fn the_archive_is_the_one_that_the_systems_lists_name() {
        let modern = "Types: deb\n# http://snapshot.example/archive/debian/\nURIs: https://mirror.example/debian\n";
        assert_eq!(archive_in(modern).unwrap(), "https://mirror.example/debian");
        let old = "deb http://mirror.example/debian/ bookworm main\n";
        assert_eq!(archive_in(old).unwrap(), "http://mirror.example/debian/");
        let others = "deb http://mirror.example/debian-security bookworm-security main\n";
        assert_eq!(archive_in(others), None);
    }

    #[test]
    fn a_warning_of_ours_is_seen_and_what_went_well_is_not_repeated() {
        let said = "    Checking a v1.0.0\nwarning: unused variable: `x`\n --> src/lib.rs:1:1\n\
                    warning: `a` (lib) generated 1 warning\n    Finished `dev` profile\n";
        assert_eq!(warnings(said), 1);
        assert_eq!(warnings("    Checking a v1.0.0\n"), 0);
        let told = complaints(said);
        assert!(told.contains("unused variable") && !told.contains("Checking"));
    }

    #[test]
    fn a_name_that_is_no_target_is_refused() {
        let problem = run(&["aarch64-unknown-toaster"]).unwrap_err();
        assert!(problem.sentence.contains("x86_64-pc-windows-gnu"));
    }
}
