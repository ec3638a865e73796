//! `cargo xtask package`: the packages that Debian and Fedora install, and with `--check`
//! the life of one on a real system.
//!
//! ```text
//!  built --> apt installs it --> its files hold --> started from /usr/bin --> signed in
//!                                                                               |
//!  nothing left but the person's data <-- apt removes it <-- sent <-- a link opens the running one
//! ```
//!
//! Owns: how they are built, and what is looked at. Never: what stands in them, which is
//! `tauri.conf.json`'s; a package that somebody has installed here already.

use crate::demo;
use crate::desktop::{Display, Keychain};
use crate::http::{self, Request};
use crate::problem::{Doing, Outcome, Problem};
use crate::progress::{Step, say};
use crate::webdriver::Window;
use crate::{directus, licences, name, paths, process, progress, random, system, tauri};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What building and checking needs besides.
const NEEDED: &[&str] = &[
    "appstream",
    "dbus",
    "desktop-file-utils",
    "gnome-keyring",
    "libglib2.0-bin",
    "rpm",
    "webkit2gtk-driver",
    "xvfb",
];

/// The largest that a package may be, in bytes.
const LARGEST: u64 = 12 * 1024 * 1024;

/// Sizes of the icons that a desktop looks for.
const ICONS: [&str; 3] = ["32x32", "128x128", "256x256@2"];

/// Builds them, and with `--check` tries them.
///
/// # Errors
/// What does not hold.
pub fn run(words: &[&str]) -> Outcome {
    let check = match words {
        [] => false,
        ["--check"] => true,
        _ => return Err(Problem::new("package takes --check, or nothing.")),
    };
    if !cfg!(target_os = "linux") || !process::is_there("dpkg-deb") {
        return Err(Problem::new(
            "These packages are built where Debian's tools are; elsewhere: cargo xtask tauri build.",
        ));
    }
    system::install(system::TO_BUILD)?;
    system::install(NEEDED)?;
    licences::run(&["--check"])?;
    let step = Step::begin("the packages, built");
    tauri::run(&["build", "--bundles", "deb,rpm"])?;
    step.done();
    let packages = Packages::find()?;
    let (deb, rpm) = (size(&packages.deb)?, size(&packages.rpm)?);
    if deb > LARGEST {
        return Err(Problem::new(format!(
            "The .deb has {}, more than {}.",
            progress::bytes(deb),
            progress::bytes(LARGEST)
        )));
    }
    let installed = if check { packages.check()? } else { 0 };
    println!(
        "package: ok deb={} rpm={}{}",
        progress::bytes(deb),
        progress::bytes(rpm),
        match installed {
            0 => String::new(),
            size => format!(" installed={}", progress::bytes(size)),
        }
    );
    Ok(())
}

struct Packages {
    deb: PathBuf,
    rpm: PathBuf,
}

fn size(path: &Path) -> Outcome<u64> {
    let data = fs::metadata(path).doing(|| format!("look at {}", path.display()))?;
    Ok(data.len())
}

/// Whatever this program prints, or why it does not.
fn said(program: &str, arguments: &[&str]) -> Outcome<String> {
    let mut command = process::bound_command(program);
    command.args(arguments);
    process::output(program, command)
}

/// Debian's tools, which need every right.
fn apt(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(if system::is_root() { "apt-get" } else { "sudo" });
    if !system::is_root() {
        command.arg("apt-get");
    }
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    process::output("apt-get", command).map(drop)
}

impl Packages {
    fn find() -> Outcome<Self> {
        let bundle = paths::target().join("release/bundle");
        let version = env!("CARGO_PKG_VERSION");
        let of = |kind: &str| -> Outcome<PathBuf> {
            let folder = bundle.join(kind);
            let entries = fs::read_dir(&folder).doing(|| format!("read {}", folder.display()))?;
            entries
                .flatten()
                .map(|entry| entry.path())
                .find(|path| {
                    let named = path
                        .file_name()
                        .is_some_and(|file| file.to_string_lossy().contains(version));
                    named && path.extension().is_some_and(|end| end == kind)
                })
                .ok_or_else(|| Problem::new(format!("There is no .{kind} of {version}.")))
        };
        Ok(Self {
            deb: of("deb")?,
            rpm: of("rpm")?,
        })
    }

    /// How large it is once installed.
    fn check(&self) -> Outcome<u64> {
        let deb = self.deb.display().to_string();
        let package = said("dpkg-deb", &["--field", &deb, "Package"])?;
        let package = package.trim();
        if said("dpkg-query", &["--show", package]).is_ok() {
            return Err(Problem::with_line(
                format!("{package} is installed here already, and would be removed by this."),
                format!("sudo apt-get remove {package}"),
            ));
        }
        rpm_holds_the_same(&self.rpm, &deb)?;
        let step = Step::begin("installed with apt");
        apt(&["install", "-y", "--no-install-recommends", &deb])?;
        step.done();
        let files: Vec<PathBuf> = said("dpkg-query", &["--listfiles", package])?
            .lines()
            .map(PathBuf::from)
            .filter(|path| path.is_file())
            .collect();
        // Removed again whatever came of it.
        let held = files_hold(&files).and_then(|()| lives());
        let step = Step::begin("removed with apt");
        let removed = apt(&["purge", "-y", package]);
        step.done();
        let kept = held?;
        removed?;
        let installed = files.len();
        let left: Vec<String> = files
            .iter()
            .filter(|path| path.exists())
            .map(|path| path.display().to_string())
            .collect();
        if !left.is_empty() {
            return Err(Problem::new(format!("Left behind: {}.", left.join(", "))));
        }
        if !kept.data.join("accounts").is_dir() {
            return Err(Problem::new("The person's own data went with the package."));
        }
        say(format!(
            "{installed} files came and went; the person's data stayed."
        ));
        Ok(kept.installed)
    }
}

/// Both packages hold the same files.
fn rpm_holds_the_same(rpm: &Path, deb: &str) -> Outcome {
    let rpm = rpm.display().to_string();
    let mut theirs: Vec<String> = said("rpm", &["-qpl", "--nosignature", &rpm])?
        .lines()
        .filter(|line| line.starts_with('/'))
        .map(str::to_owned)
        .collect();
    let listing = said("dpkg-deb", &["--contents", deb])?;
    let mut ours: Vec<String> = listing
        .lines()
        .filter(|line| !line.starts_with('d'))
        .filter_map(|line| line.split_once("./").map(|(_, path)| format!("/{path}")))
        .collect();
    theirs.retain(|path| ours.contains(path) || !path.ends_with('/'));
    theirs.sort();
    ours.sort();
    let missing: Vec<&String> = ours.iter().filter(|path| !theirs.contains(path)).collect();
    match missing.as_slice() {
        [] => Ok(()),
        missing => Err(Problem::new(format!("The .rpm lacks {missing:?}."))),
    }
}

/// What a desktop reads of a package.
fn files_hold(files: &[PathBuf]) -> Outcome {
    let step = Step::begin("its files looked at");
    let ending = |end: &str| -> Outcome<&PathBuf> {
        let mut found = files
            .iter()
            .filter(|path| path.to_string_lossy().ends_with(end));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(Problem::new(format!("It brings no {end}."))),
            _ => Err(Problem::new(format!("It brings more than one {end}."))),
        }
    };
    let desktop = ending(".desktop")?;
    said("desktop-file-validate", &[&desktop.display().to_string()])?;
    let entry = fs::read_to_string(desktop).doing(|| format!("read {}", desktop.display()))?;
    let scheme = format!("x-scheme-handler/{};", name::program());
    for part in [&format!("Exec={} %u", name::program()), &scheme] {
        if !entry.contains(part) {
            return Err(Problem::new(format!(
                "{} does not say {part}.",
                desktop.display()
            )));
        }
    }
    let metainfo = ending(".metainfo.xml")?.display().to_string();
    said("appstreamcli", &["validate", "--no-net", &metainfo])?;
    for size in ICONS {
        ending(&format!("{size}/apps/{}.png", name::program()))?;
    }
    let notices = ending("THIRD-PARTY-NOTICES")?;
    let text = fs::read_to_string(notices).doing(|| format!("read {}", notices.display()))?;
    let kept = paths::repository().join("THIRD-PARTY-NOTICES");
    if text != fs::read_to_string(&kept).doing(|| format!("read {}", kept.display()))? {
        return Err(Problem::new(
            "It brings other notices than those kept here.",
        ));
    }
    step.done();
    Ok(())
}

/// What is left when it is gone.
struct Kept {
    data: PathBuf,
    installed: u64,
    _folder: Folder,
}

/// A folder of this run, gone with it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = paths::remove(&self.0);
    }
}

/// Installed, as its person uses it.
fn lives() -> Outcome<Kept> {
    let program = Path::new("/usr/bin").join(name::program());
    let installed = size(&program)?;
    let folder = Folder(std::env::temp_dir().join(format!("xtask-package-{}", random::word(8))));
    paths::make_private(&folder.0)?;
    let installation = directus::install()?;
    let (server, accounts) = demo::serve(&installation, &folder.0)?;
    let [(email, password), (other, _), _] = &accounts;
    let display = Display::start()?;
    let keychain = Keychain::start(&folder.0.join("keychain"), "test", Some(display.name()))?;
    let home = folder.0.join("home");
    let place = |name: &str| home.join(name).display().to_string();
    let mut environment = vec![
        ("DISPLAY".to_owned(), display.name().to_owned()),
        (
            "DBUS_SESSION_BUS_ADDRESS".to_owned(),
            keychain.address().to_owned(),
        ),
        ("HOME".to_owned(), home.display().to_string()),
    ];
    for (variable, name) in [
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_RUNTIME_DIR", "run"),
    ] {
        paths::make_private(&home.join(name))?;
        environment.push((variable.to_owned(), place(name)));
    }
    let step = Step::begin("started from /usr/bin, signed in");
    let window = Window::open_plain(&program, &environment)?;
    window.type_into("#server", &server.url())?;
    window.click("#continue")?;
    window.type_into("#email", email)?;
    window.type_into("#password", password)?;
    window.click("#continue")?;
    window.until(
        "the conversations",
        "return ['list', 'conversation'].includes(document.body.dataset.ready)",
        &json!([]),
    )?;
    step.done();

    let step = Step::begin("a link opens the running one");
    let token = server.administrator_token()?;
    let id = id_of(server.port(), &token, other)?;
    let link = format!(
        "{}://person/{id}?server={}",
        name::program(),
        http::encode(&server.url())
    );
    let mut open = process::bound_command("gio");
    open.args(["open", &link])
        .envs(environment.iter().map(|(name, value)| (name, value)));
    process::output("gio open", open)?;
    window.until(
        "the conversation that the link names",
        "return document.body.dataset.ready === 'conversation'
           && document.querySelector('[data-conversation][aria-current]')?.dataset.conversation === arguments[0]",
        &json!([format!("dm:{id}")]),
    )?;
    step.done();

    let step = Step::begin("terms accepted, sent");
    // Asked for where one would write, and pressed by script, for the dialog is still coming in.
    window.until(
        "the terms",
        "const accept = document.querySelector('#terms-accept');
         if (accept) accept.click();
         else document.querySelector('#gate-terms')?.click();
         return accept !== null",
        &json!([]),
    )?;
    window.until(
        "the terms, accepted",
        "return document.querySelector('dialog') === null",
        &json!([]),
    )?;
    let text = format!("From a package, {}", random::word(8));
    window.type_into("#composer", &format!("{text}\n"))?;
    let filter = json!({ "content": { "_eq": text } }).to_string();
    let path = format!(
        "/items/chat_messages?limit=-1&fields=id&filter={}",
        http::encode(&filter)
    );
    let rows = || -> Option<usize> {
        let answer = Request::get(&path).token(&token).send(server.port()).ok()?;
        answer.json()["data"].as_array().map(Vec::len)
    };
    process::poll(Duration::from_secs(60), || {
        rows().filter(|count| *count > 0)
    })
    .filter(|count| *count == 1)
    .ok_or_else(|| Problem::new("The message is not on the server once."))?;
    step.done();
    window.close();
    let data = home.join("data").join(name::identifier());
    Ok(Kept {
        data,
        installed,
        _folder: folder,
    })
}

fn id_of(port: u16, token: &str, email: &str) -> Outcome<String> {
    let filter = json!({ "email": { "_eq": email } }).to_string();
    let path = format!("/users?fields=id&filter={}", http::encode(&filter));
    let answer = Request::get(&path)
        .token(token)
        .send(port)
        .map_err(|error| Problem::new(format!("The server: {error}.")))?;
    let json = answer.json();
    let id = json.pointer("/data/0/id").and_then(Value::as_str);
    id.map(str::to_owned)
        .ok_or_else(|| Problem::new(format!("{email} is not on the server.")))
}
