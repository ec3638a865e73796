//! `cargo xtask mobile android|ios`: builds the app for phones on a machine that
//! has the tools, and says of each that is missing how to get it.
//!
//! Owns the list of needs and the versions that are enough. Looks at a
//! [`Machine`], which tests plant; installs nothing.

use crate::problem::{Outcome, Problem};
use crate::{paths, process, tauri};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first NDK that aligns to pages of 16 KB by itself.
const NDK: u32 = 28;
/// What Android's own build tools run on.
const JAVA: u32 = 17;
const PLATFORM: &str = "android-37";
/// The first Xcode whose apps Apple still takes.
const XCODE: u32 = 26;

const ANDROID: &[&str] = &[
    "aarch64-linux-android",
    "armv7-linux-androideabi",
    "i686-linux-android",
    "x86_64-linux-android",
];
const IOS: &[&str] = &["aarch64-apple-ios", "aarch64-apple-ios-sim"];

/// What is needed: its name, what was found, and otherwise what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Need {
    what: &'static str,
    found: Result<String, String>,
}

impl Need {
    fn new(what: &'static str, found: Option<String>, how: impl Into<String>) -> Self {
        Self {
            what,
            found: found.ok_or_else(|| how.into()),
        }
    }
}

/// What is asked of a machine.
#[derive(Default)]
struct Machine {
    macos: bool,
    variables: BTreeMap<&'static str, PathBuf>,
    /// The first line that `java -version`, `xcodebuild -version` and the like say.
    says: BTreeMap<&'static str, String>,
    /// Compilation targets that rustup has.
    targets: Vec<String>,
    repository: PathBuf,
}

impl Machine {
    fn here() -> Self {
        let names = [
            "JAVA_HOME",
            "ANDROID_HOME",
            "NDK_HOME",
            "APPLE_DEVELOPMENT_TEAM",
        ];
        let variable = |name: &'static str| Some((name, PathBuf::from(std::env::var_os(name)?)));
        let asked: [(&str, &[&str]); 4] = [
            ("java", &["-version"]),
            ("xcodebuild", &["-version"]),
            ("xcodegen", &["--version"]),
            ("rustup", &["--version"]),
        ];
        let installed = first_lines("rustup", &["target", "list", "--installed"]);
        Self {
            macos: cfg!(target_os = "macos"),
            variables: names.into_iter().filter_map(variable).collect(),
            says: asked
                .into_iter()
                .filter_map(|(program, words)| {
                    let said = first_lines(program, words)?;
                    Some((program, said.lines().next().unwrap_or_default().to_owned()))
                })
                .collect(),
            targets: installed
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect(),
            repository: paths::repository(),
        }
    }

    fn variable(&self, name: &str) -> Option<&Path> {
        self.variables.get(name).map(PathBuf::as_path)
    }

    /// What a program says, if the first number in it is large enough.
    fn program(&self, name: &str, least: u32) -> Option<String> {
        let said = self.says.get(name)?;
        (first_number(said)? >= least).then(|| said.clone())
    }

    fn targets(&self, wanted: &[&str]) -> Need {
        let missing: Vec<_> = wanted
            .iter()
            .filter(|target| !self.targets.iter().any(|has| has == *target))
            .copied()
            .collect();
        let found = missing.is_empty().then(|| wanted.join(" "));
        Need::new(
            "Rust for phones",
            found,
            format!("rustup target add {}", missing.join(" ")),
        )
    }

    /// Phones load the app as a library: `cdylib` on Android, `staticlib` on iOS.
    fn library(&self, kind: &str) -> Need {
        let manifest = fs::read_to_string(self.repository.join("Cargo.toml")).unwrap_or_default();
        let line = manifest.lines().find(|line| line.starts_with("crate-type"));
        let shell = fs::read_to_string(self.repository.join("src-tauri/src/lib.rs"));
        let entered = shell.is_ok_and(|text| text.contains("tauri::mobile_entry_point"));
        let kind_of = |line: &&str| line.contains(&format!("\"{kind}\""));
        let found = line.filter(kind_of).filter(|_| entered);
        Need::new(
            "the app as a library",
            found.map(str::to_owned),
            format!(
                "Cargo.toml: crate-type of [lib] needs \"{kind}\", and src-tauri/src/lib.rs an entry point for phones (tauri::mobile_entry_point)"
            ),
        )
    }
}

fn first_lines(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(process::find(program)?)
        .args(words)
        .output()
        .ok()?;
    // Java says its version on the other stream.
    let said = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&said).into_owned())
}

fn first_number(text: &str) -> Option<u32> {
    let digits = text
        .split(|sign: char| !sign.is_ascii_digit())
        .find(|part| !part.is_empty())?;
    digits.parse().ok()
}

/// The newest NDK: the one that `NDK_HOME` names, or the SDK's own.
fn ndk(machine: &Machine) -> Option<String> {
    let revision = |folder: &Path| {
        let text = fs::read_to_string(folder.join("source.properties")).ok()?;
        let line = text.lines().find_map(|line| {
            line.split_once('=')
                .filter(|(key, _)| key.trim() == "Pkg.Revision")
        });
        line.map(|(_, value)| value.trim().to_owned())
    };
    let own = machine.variable("NDK_HOME").map(Path::to_path_buf);
    let inside = machine.variable("ANDROID_HOME").map(|sdk| sdk.join("ndk"));
    let all = inside
        .and_then(|folder| fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    own.into_iter()
        .chain(all)
        .filter_map(|folder| revision(&folder))
        .max_by_key(|revision| first_number(revision))
        .filter(|revision| first_number(revision) >= Some(NDK))
}

fn android(machine: &Machine) -> Vec<Need> {
    let sdk = machine.variable("ANDROID_HOME").filter(|sdk| sdk.is_dir());
    let inside = |path: &str| {
        sdk.map(|sdk| sdk.join(path))
            .filter(|path| path.is_dir())
            .map(|path| path.display().to_string())
    };
    let tools = inside("build-tools")
        .filter(|folder| fs::read_dir(folder).is_ok_and(|mut all| all.next().is_some()));
    vec![
        Need::new(
            "a JDK",
            machine.program("java", JAVA),
            format!(
                "install JDK {JAVA} or newer, e.g. apt-get install openjdk-{JAVA}-jdk-headless, and set JAVA_HOME"
            ),
        ),
        Need::new(
            "the Android SDK",
            sdk.map(|sdk| sdk.display().to_string()),
            "install Android Studio or its command-line tools, and set ANDROID_HOME to the SDK's folder",
        ),
        Need::new(
            "its platform",
            inside(&format!("platforms/{PLATFORM}")),
            format!("sdkmanager \"platforms;{PLATFORM}\""),
        ),
        Need::new(
            "its build tools",
            tools,
            "sdkmanager \"build-tools;36.0.0\"",
        ),
        Need::new("its licences", inside("licenses"), "sdkmanager --licenses"),
        Need::new(
            "the NDK",
            ndk(machine),
            format!(
                "sdkmanager \"ndk;{NDK}.2.13676358\", or set NDK_HOME to one of version {NDK} or newer"
            ),
        ),
        Need::new(
            "rustup",
            machine.says.get("rustup").cloned(),
            "install Rust by rustup: a system's own Rust has no other targets",
        ),
        machine.targets(ANDROID),
        machine.library("cdylib"),
    ]
}

fn ios(machine: &Machine) -> Vec<Need> {
    vec![
        Need::new(
            "macOS",
            machine.macos.then(|| "this is one".to_owned()),
            "iOS apps are built on a Mac alone",
        ),
        Need::new(
            "Xcode",
            machine.program("xcodebuild", XCODE),
            format!(
                "install Xcode {XCODE} or newer, start it once, and sudo xcode-select -s /Applications/Xcode.app"
            ),
        ),
        Need::new(
            "XcodeGen",
            machine.says.get("xcodegen").cloned(),
            "brew install xcodegen",
        ),
        Need::new(
            "a team",
            machine
                .variable("APPLE_DEVELOPMENT_TEAM")
                .map(|team| team.display().to_string()),
            "set APPLE_DEVELOPMENT_TEAM to the ten signs of your team (developer.apple.com, Membership details)",
        ),
        Need::new(
            "rustup",
            machine.says.get("rustup").cloned(),
            "install Rust by rustup: a system's own Rust has no other targets",
        ),
        machine.targets(IOS),
        machine.library("staticlib"),
    ]
}

/// Checks every need, and builds when all is there.
pub fn run(words: &[&str]) -> Outcome {
    let (needs, steps): (_, &[&[&str]]) = match words {
        ["android"] => (
            android(&Machine::here()),
            &[&["android", "build", "--apk", "--aab", "--ci"]],
        ),
        ["ios"] => (
            ios(&Machine::here()),
            &[
                &["ios", "init", "--ci"],
                &[
                    "ios",
                    "build",
                    "--ci",
                    "--export-method",
                    "app-store-connect",
                ],
            ],
        ),
        _ => return Err(Problem::new("mobile takes android or ios.")),
    };
    let missing = told(&needs);
    if missing > 0 {
        return Err(Problem::new(format!(
            "{missing} of {} needs are missing; what to do stands beside each.",
            needs.len()
        )));
    }
    steps.iter().try_for_each(|step| tauri::run(step))
}

/// Says each need; how many are missing.
fn told(needs: &[Need]) -> usize {
    for need in needs {
        match &need.found {
            Ok(found) => println!("  {:<22} {found}", need.what),
            Err(how) => println!("  {:<22} missing: {how}", need.what),
        }
    }
    needs.iter().filter(|need| need.found.is_err()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    /// A machine that has everything, below a folder of its own.
    fn whole() -> Machine {
        let place = std::env::temp_dir().join(format!("xtask-mobile-{}", random::word(8)));
        for folder in ["sdk/licenses", "sdk/build-tools/36.0.0", "sdk/ndk/28.2.1"] {
            fs::create_dir_all(place.join(folder)).unwrap();
        }
        fs::create_dir_all(place.join("sdk/platforms").join(PLATFORM)).unwrap();
        fs::write(
            place.join("sdk/ndk/28.2.1/source.properties"),
            "Pkg.Desc = Android NDK\nPkg.Revision = 28.2.1\n",
        )
        .unwrap();
        fs::write(
            place.join("Cargo.toml"),
            "[lib]\ncrate-type = [\"staticlib\", \"cdylib\", \"rlib\"]\n",
        )
        .unwrap();
        fs::create_dir_all(place.join("src-tauri/src")).unwrap();
        fs::write(
            place.join("src-tauri/src/lib.rs"),
            "#[cfg_attr(mobile, tauri::mobile_entry_point)]\n",
        )
        .unwrap();
        let says = [
            ("java", "openjdk version \"21.0.2\""),
            ("xcodebuild", "Xcode 26.1"),
            ("xcodegen", "Version: 2.44"),
            ("rustup", "rustup 1.28"),
        ];
        Machine {
            macos: true,
            variables: [
                ("ANDROID_HOME", place.join("sdk")),
                ("APPLE_DEVELOPMENT_TEAM", "ABCDE12345".into()),
            ]
            .into(),
            says: says
                .map(|(program, said)| (program, said.to_owned()))
                .into(),
            targets: [ANDROID, IOS]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            repository: place,
        }
    }

    fn missing(needs: &[Need]) -> Vec<&str> {
        needs
            .iter()
            .filter(|need| need.found.is_err())
            .map(|need| need.what)
            .collect()
    }

    #[test]
    fn a_machine_that_has_everything_is_known_as_one() {
        let machine = whole();
        assert_eq!(missing(&android(&machine)), Vec::<&str>::new());
        assert_eq!(missing(&ios(&machine)), Vec::<&str>::new());
        paths::remove(&machine.repository).unwrap();
    }

    #[test]
    fn each_need_of_android_is_missed_alone() {
        type Break = fn(&mut Machine);
        let broken: [(&str, Break); 8] = [
            ("a JDK", |machine| {
                drop(
                    machine
                        .says
                        .insert("java", "openjdk version \"11.0.1\"".to_owned()),
                )
            }),
            ("its platform", |machine| {
                fs::remove_dir(machine.repository.join("sdk/platforms").join(PLATFORM)).unwrap()
            }),
            ("its build tools", |machine| {
                fs::remove_dir(machine.repository.join("sdk/build-tools/36.0.0")).unwrap()
            }),
            ("its licences", |machine| {
                fs::remove_dir(machine.repository.join("sdk/licenses")).unwrap()
            }),
            ("the NDK", |machine| {
                fs::write(
                    machine.repository.join("sdk/ndk/28.2.1/source.properties"),
                    "Pkg.Revision = 27.2\n",
                )
                .unwrap()
            }),
            ("rustup", |machine| drop(machine.says.remove("rustup"))),
            ("Rust for phones", |machine| {
                machine
                    .targets
                    .retain(|target| target != "i686-linux-android")
            }),
            ("the app as a library", |machine| {
                fs::write(
                    machine.repository.join("Cargo.toml"),
                    "crate-type = [\"rlib\"]\n",
                )
                .unwrap()
            }),
        ];
        for (need, how) in broken {
            let mut machine = whole();
            how(&mut machine);
            assert_eq!(missing(&android(&machine)), [need]);
            paths::remove(&machine.repository).unwrap();
        }
        let bare = Machine::default();
        assert_eq!(missing(&android(&bare)).len(), 9, "nothing is there");
    }

    #[test]
    fn each_need_of_ios_is_missed_alone() {
        type Break = fn(&mut Machine);
        let broken: [(&str, Break); 6] = [
            ("the app as a library", |machine| {
                fs::write(
                    machine.repository.join("src-tauri/src/lib.rs"),
                    "pub fn run() {}\n",
                )
                .unwrap()
            }),
            ("macOS", |machine| machine.macos = false),
            ("Xcode", |machine| {
                drop(machine.says.insert("xcodebuild", "Xcode 16.2".to_owned()))
            }),
            ("XcodeGen", |machine| drop(machine.says.remove("xcodegen"))),
            ("a team", |machine| {
                drop(machine.variables.remove("APPLE_DEVELOPMENT_TEAM"))
            }),
            ("Rust for phones", |machine| machine.targets.clear()),
        ];
        for (need, how) in broken {
            let mut machine = whole();
            how(&mut machine);
            assert_eq!(missing(&ios(&machine)), [need]);
            paths::remove(&machine.repository).unwrap();
        }
    }

    #[test]
    fn what_is_missing_comes_with_what_to_do() {
        let mut machine = whole();
        machine.targets.clear();
        let needs = ios(&machine);
        let how = needs
            .iter()
            .find_map(|need| need.found.as_ref().err())
            .unwrap();
        assert_eq!(
            how,
            "rustup target add aarch64-apple-ios aarch64-apple-ios-sim"
        );
        assert_eq!(told(&needs), 1);
        paths::remove(&machine.repository).unwrap();
    }
}
