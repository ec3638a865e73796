//! What is looked at before anything is changed, and what is then going to be done.
//!
//! ```text
//! audience -> Rust -> display -> tools -> rights -> disk -> npm -> network
//! ```
//! In the order in which a person can do something about them: what costs the
//! least to look at, and what nothing else can be done without, comes first.
//! Each refusal is a sentence, and the exact line to run where one helps.

use super::display::Seen;
use super::entries;
use super::host::{Host, Part, System, Tool};
use crate::network::Source;
use crate::problem::{Outcome, Problem};
use crate::progress::say;
use crate::{name, npm, paths, progress, system};
use std::path::Path;

/// The Rust that the workspace asks for: major and minor.
const RUST: (u32, u32) = (1, 95);
const DIRECTUS_BYTES: u64 = 1_300_000_000;
const BUILD_BYTES: u64 = 3_000_000_000;
const PACKAGES_BYTES: u64 = 500_000_000;
const SERVER_BYTES: u64 = 50_000_000;

/// For whom the demonstration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Somebody who looks at the windows and closes them.
    Person,
    /// Nobody: the windows are driven and pictured.
    Nobody,
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Work {
    /// Debian packages to install.
    pub packages: Vec<&'static str>,
    /// Whether Directus has to be fetched.
    pub directus: bool,
    /// Whether the app was never compiled here.
    pub build: bool,
    /// Whether crates have to be fetched.
    pub crates: bool,
}

/// Looks at everything that is needed. Changes nothing.
pub fn look(host: &impl Host, demo: &Path, audience: Audience) -> Outcome<Work> {
    let system = host.system();
    audience_fits(system, audience)?;
    rust(&host.rust())?;
    if audience == Audience::Person && matches!(system, System::Debian | System::OtherLinux) {
        display(host.display())?;
    }
    tools(host, system)?;
    let mut wanted = system::TO_BUILD.to_vec();
    wanted.extend(system::FOR_DEMO);
    if audience == Audience::Nobody {
        wanted.extend(system::FOR_DEMO_CHECK);
    }
    let packages = match system {
        System::Debian => host.missing(&wanted),
        _ => Vec::new(),
    };
    rights(host, &packages)?;
    let work = Work {
        packages,
        directus: !host.has_part(Part::Directus),
        build: !host.has_part(Part::App),
        crates: !host.has_part(Part::Crates),
    };
    disk(host, demo, &work)?;
    if work.directus && !host.has("npm") {
        return Err(Problem::with_line(
            "npm is missing: it fetches Directus.",
            npm::install_line("npm"),
        ));
    }
    network(host, &work)?;
    Ok(work)
}

/// Says what will be done, how much it is and how long it takes about.
pub fn tell(work: &Work) {
    say("Steps:");
    if !work.packages.is_empty() {
        say(format!(
            "  system packages        112 MB to fetch   about 1 min   {}",
            work.packages.join(" ")
        ));
    }
    say(match work.directus {
        true => "  Directus from npm      834 MB            about 2 min",
        false => "  Directus               is in the cache",
    });
    say(match work.build {
        true => "  the app, compiled      1.5 GB            about 6 min (at the same time)",
        false => "  the app, compiled      what has changed",
    });
    say("  the server, started    20 MB             about 20 s, the first time 1 min");
    say("  two windows");
    if entries::IN_THE_PERSONS {
        say(format!(
            "Alice's and Bob's keys are filed in your keychain under {}, as entries of their own, \
             which `cargo xtask clean` removes. It may ask you whether they may be read.",
            name::identifier()
        ));
    }
}

fn audience_fits(system: System, audience: Audience) -> Outcome {
    if audience == Audience::Nobody && matches!(system, System::MacOs | System::Windows) {
        return Err(Problem::with_line(
            "Without a person the demonstration drives WebKitGTK's windows, which only Linux has. With a person:",
            "cargo xtask demo",
        ));
    }
    Ok(())
}

fn rust(said: &str) -> Outcome {
    match version(said) {
        Some(version) if version >= RUST => Ok(()),
        _ => Err(Problem::with_line(
            format!(
                "Rust {}.{} or newer is needed; here is: {}.",
                RUST.0,
                RUST.1,
                if said.is_empty() { "none" } else { said.trim() }
            ),
            "rustup update stable",
        )),
    }
}

/// From `rustc 1.95.0 (…)`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split(' ').nth(1)?.split('.');
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

fn display(seen: Seen) -> Outcome {
    let what = match seen {
        Seen::Answers => return Ok(()),
        Seen::None => "There is no display to show two windows on.".to_owned(),
        Seen::Dead(name, why) => {
            format!("The display {name} {why}, so two windows can't be shown on it.")
        }
    };
    Err(Problem::with_line(
        format!("{what} Without a person, in windows that nobody sees:"),
        "cargo xtask demo --check",
    ))
}

/// What is needed where there are no Debian packages.
fn tools(host: &impl Host, system: System) -> Outcome {
    let wanted: &[(Tool, &str, &str)] = match system {
        System::Debian => &[],
        System::OtherLinux => {
            say(
                "This is not Debian: WebKitGTK 4.1, GTK 3, OpenSSL (with headers), a C compiler, D-Bus and \
                 gnome-keyring must be there; they are not installed for you.",
            );
            &[]
        }
        System::MacOs => &[(
            Tool::AppleTools,
            "Apple's command line tools are missing: they compile the app.",
            "xcode-select --install",
        )],
        System::Windows => &[
            (
                Tool::WebView2,
                "WebView2 is missing: it draws the app's windows. It is part of Windows 11; for Windows 10:",
                "winget install Microsoft.EdgeWebView2Runtime",
            ),
            (
                Tool::BuildTools,
                "Microsoft's C++ build tools are missing: they compile and link the app.",
                "winget install Microsoft.VisualStudio.2022.BuildTools --override \"--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended\"",
            ),
            (
                Tool::OpenSsl,
                "OpenSSL is missing, or OPENSSL_DIR does not name its folder: it encrypts the app's database. In a new terminal afterwards:",
                "winget install ShiningLight.OpenSSL.Dev && setx OPENSSL_DIR \"C:\\Program Files\\OpenSSL-Win64\"",
            ),
        ],
    };
    for (tool, sentence, line) in wanted {
        if !host.has_tool(*tool) {
            return Err(Problem::with_line(*sentence, *line));
        }
    }
    if system == System::OtherLinux {
        for program in ["gnome-keyring-daemon", "dbus-daemon", "setpriv"] {
            if !host.has(program) {
                return Err(Problem::new(format!(
                    "{program} is missing: install it with your system's packages, then start again."
                )));
            }
        }
    }
    Ok(())
}

fn rights(host: &impl Host, packages: &[&str]) -> Outcome {
    if packages.is_empty() || host.is_root() {
        return Ok(());
    }
    let line = system::install_line(packages);
    if !host.has("sudo") {
        let line = line.replace("sudo ", "");
        return Err(Problem::with_line(
            "System packages are missing, and there is no sudo. As root, run this, then start again:",
            line,
        ));
    }
    if host.can_ask_sudo() {
        return Ok(());
    }
    Err(Problem::with_line(
        "System packages are missing, and sudo would ask for a password where nobody can type one. Run this, then start again:",
        line,
    ))
}

fn disk(host: &impl Host, demo: &Path, work: &Work) -> Outcome {
    let (cache, target) = (paths::cache()?, paths::target());
    let places = [
        (cache.as_path(), work.directus, DIRECTUS_BYTES),
        (&target, work.build, BUILD_BYTES),
        (Path::new("/usr"), !work.packages.is_empty(), PACKAGES_BYTES),
        (demo, true, SERVER_BYTES),
    ];
    // They are usually on one disk: together they must fit on each.
    let due = places.iter().filter(|(_, due, _)| *due);
    let needed: u64 = due.clone().map(|(_, _, bytes)| bytes).sum();
    for (place, _, _) in due {
        if let Some(free) = host.free_space(place).filter(|free| *free < needed) {
            let depth = match host.system() {
                System::MacOs => "-d 1",
                _ => "--max-depth=1",
            };
            return Err(Problem::with_line(
                format!(
                    "{} are needed, and only {} are free where {} is. This shows what takes the most:",
                    progress::bytes(needed),
                    progress::bytes(free),
                    place.display()
                ),
                format!("du -xh {depth} ~ | sort -h | tail"),
            ));
        }
    }
    Ok(())
}

fn network(host: &impl Host, work: &Work) -> Outcome {
    let sources = [
        (
            !work.packages.is_empty(),
            Source::Debian,
            "System packages are missing, and Debian's servers don't answer. With a network, this must work:",
            "sudo apt-get update",
        ),
        (
            work.directus,
            Source::Npm,
            "npm does not reach its registry, and Directus is not in the cache yet. With a network, this must work:",
            "npm ping",
        ),
        (
            work.crates,
            Source::Crates,
            "crates.io does not answer, and what the app is made of is not fetched yet. With a network, this must work:",
            "cargo fetch",
        ),
    ];
    for (needed, source, sentence, line) in sources {
        if needed && !host.reaches(source) {
            return Err(Problem::with_line(sentence, line));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that has everything, but for what a test takes away.
    #[derive(Clone)]
    struct Machine {
        system: System,
        rust: &'static str,
        display: Seen,
        missing: Vec<&'static str>,
        lacks: Vec<&'static str>,
        lacks_tool: Option<Tool>,
        lacks_parts: Vec<Part>,
        root: bool,
        can_ask: bool,
        free: u64,
        silent: Option<Source>,
    }

    const ALL: Machine = Machine {
        system: System::Debian,
        rust: "rustc 1.95.0 (f2d3ce0bd 2026-03-21)",
        display: Seen::Answers,
        missing: Vec::new(),
        lacks: Vec::new(),
        lacks_tool: None,
        lacks_parts: Vec::new(),
        root: false,
        can_ask: true,
        free: 100_000_000_000,
        silent: None,
    };

    impl Host for Machine {
        fn system(&self) -> System {
            self.system
        }
        fn rust(&self) -> String {
            self.rust.to_owned()
        }
        fn display(&self) -> Seen {
            self.display.clone()
        }
        fn missing<'a>(&self, packages: &[&'a str]) -> Vec<&'a str> {
            let missing = |name: &&str| self.missing.contains(name);
            packages.iter().copied().filter(missing).collect()
        }
        fn has(&self, program: &str) -> bool {
            !self.lacks.contains(&program)
        }
        fn has_tool(&self, tool: Tool) -> bool {
            self.lacks_tool != Some(tool)
        }
        fn has_part(&self, part: Part) -> bool {
            !self.lacks_parts.contains(&part)
        }
        fn is_root(&self) -> bool {
            self.root
        }
        fn can_ask_sudo(&self) -> bool {
            self.can_ask
        }
        fn free_space(&self, _: &Path) -> Option<u64> {
            Some(self.free)
        }
        fn reaches(&self, source: Source) -> bool {
            self.silent != Some(source)
        }
    }

    fn looked(machine: &Machine, audience: Audience) -> Outcome<Work> {
        look(machine, Path::new("/home/alice/demo"), audience)
    }

    /// The sentence and the line with which a machine is refused.
    #[track_caller]
    fn refused(machine: &Machine, audience: Audience) -> (String, String) {
        let problem = looked(machine, audience).expect_err("this machine lacks something");
        (
            problem.sentence,
            problem.run.expect("there is a line to run"),
        )
    }

    #[test]
    fn a_machine_that_has_everything_has_nothing_to_fetch() {
        for audience in [Audience::Person, Audience::Nobody] {
            let work = looked(&ALL, audience).unwrap();
            assert_eq!(
                work,
                Work {
                    packages: Vec::new(),
                    directus: false,
                    build: false,
                    crates: false
                }
            );
        }
    }

    #[test]
    fn an_old_rust_is_refused() {
        assert_eq!(
            version("rustc 1.95.0 (f2d3ce0bd 2026-03-21)\n"),
            Some((1, 95))
        );
        for (rust, here) in [
            ("rustc 1.63.0 (4b91a6ea7)", "rustc 1.63.0 (4b91a6ea7)"),
            ("", "none"),
        ] {
            let (sentence, line) = refused(&Machine { rust, ..ALL }, Audience::Person);
            assert_eq!(
                sentence,
                format!("Rust 1.95 or newer is needed; here is: {here}.")
            );
            assert_eq!(line, "rustup update stable");
        }
        let newer = Machine {
            rust: "rustc 2.0.0",
            ..ALL
        };
        assert!(looked(&newer, Audience::Person).is_ok());
    }

    #[test]
    fn a_display_that_is_not_there_or_does_not_answer_is_refused_before_anything_is_fetched() {
        let dead = |why| Seen::Dead(":7".to_owned(), why);
        for (display, sentence) in [
            (
                Seen::None,
                "There is no display to show two windows on. Without a person, in windows that nobody sees:",
            ),
            (
                dead("does not answer"),
                "The display :7 does not answer, so two windows can't be shown on it. Without a person, in windows that nobody sees:",
            ),
            (
                dead("does not let this person in"),
                "The display :7 does not let this person in, so two windows can't be shown on it. Without a person, in windows that nobody sees:",
            ),
        ] {
            let machine = Machine { display, ..ALL };
            let told = refused(&machine, Audience::Person);
            assert_eq!(told.0, sentence);
            assert_eq!(told.1, "cargo xtask demo --check");
            assert!(looked(&machine, Audience::Nobody).is_ok());
        }
    }

    #[test]
    fn packages_without_sudo_are_refused_with_the_line_for_root() {
        let machine = Machine {
            missing: vec!["patchelf", "xvfb"],
            lacks: vec!["sudo"],
            ..ALL
        };
        let (sentence, line) = refused(&machine, Audience::Nobody);
        assert_eq!(
            sentence,
            "System packages are missing, and there is no sudo. As root, run this, then start again:"
        );
        assert_eq!(
            line,
            "apt-get update && apt-get install -y --no-install-recommends patchelf xvfb"
        );
        let (_, line) = refused(&machine, Audience::Person);
        assert!(line.ends_with(" patchelf"), "a person needs no Xvfb");
        let root = Machine {
            root: true,
            ..machine
        };
        let work = looked(&root, Audience::Nobody).unwrap();
        assert_eq!(work.packages, ["patchelf", "xvfb"]);
    }

    #[test]
    fn a_password_that_nobody_can_type_is_refused() {
        let machine = Machine {
            missing: vec!["patchelf"],
            can_ask: false,
            ..ALL
        };
        let (sentence, line) = refused(&machine, Audience::Person);
        assert_eq!(
            sentence,
            "System packages are missing, and sudo would ask for a password where nobody can type one. Run this, then start again:"
        );
        assert_eq!(
            line,
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends patchelf"
        );
    }

    #[test]
    fn a_full_disk_is_refused_with_what_is_needed() {
        let needs = [Part::Directus, Part::App];
        let machine = Machine {
            free: 4_000_000_000,
            lacks_parts: needs.to_vec(),
            ..ALL
        };
        let (sentence, line) = refused(&machine, Audience::Person);
        let cache = paths::cache().unwrap();
        assert_eq!(
            sentence,
            format!(
                "4350 MB are needed, and only 4000 MB are free where {} is. This shows what takes the most:",
                cache.display()
            )
        );
        assert_eq!(line, "du -xh --max-depth=1 ~ | sort -h | tail");
        let built = Machine {
            lacks_parts: Vec::new(),
            ..machine
        };
        assert!(looked(&built, Audience::Person).is_ok());
    }

    #[test]
    fn npm_is_needed_only_for_what_it_fetches() {
        let machine = Machine {
            lacks: vec!["npm"],
            lacks_parts: vec![Part::Directus],
            ..ALL
        };
        let (sentence, line) = refused(&machine, Audience::Person);
        assert_eq!(sentence, "npm is missing: it fetches Directus.");
        assert_eq!(line, npm::install_line("npm"));
        let cached = Machine {
            lacks_parts: Vec::new(),
            ..machine
        };
        assert!(looked(&cached, Audience::Person).is_ok());
    }

    #[test]
    fn a_source_that_is_needed_and_silent_is_refused_with_what_must_work() {
        for (silent, missing, part, sentence, line) in [
            (
                Source::Debian,
                vec!["patchelf"],
                None,
                "System packages are missing, and Debian's servers don't answer. With a network, this must work:",
                "sudo apt-get update",
            ),
            (
                Source::Npm,
                Vec::new(),
                Some(Part::Directus),
                "npm does not reach its registry, and Directus is not in the cache yet. With a network, this must work:",
                "npm ping",
            ),
            (
                Source::Crates,
                Vec::new(),
                Some(Part::Crates),
                "crates.io does not answer, and what the app is made of is not fetched yet. With a network, this must work:",
                "cargo fetch",
            ),
        ] {
            let needs = Machine {
                missing,
                lacks_parts: part.into_iter().collect(),
                silent: Some(silent),
                ..ALL
            };
            let told = refused(&needs, Audience::Person);
            assert_eq!((told.0.as_str(), told.1.as_str()), (sentence, line));
            let has = Machine {
                silent: Some(silent),
                ..ALL
            };
            assert!(
                looked(&has, Audience::Person).is_ok(),
                "nothing is fetched from {silent:?}, so it may be silent"
            );
        }
    }

    #[test]
    fn macos_and_windows_are_checked_for_what_compiles_and_draws() {
        for (system, tool, sentence, line) in [
            (
                System::MacOs,
                Tool::AppleTools,
                "Apple's command line tools are missing: they compile the app.",
                "xcode-select --install",
            ),
            (
                System::Windows,
                Tool::WebView2,
                "WebView2 is missing: it draws the app's windows. It is part of Windows 11; for Windows 10:",
                "winget install Microsoft.EdgeWebView2Runtime",
            ),
            (
                System::Windows,
                Tool::BuildTools,
                "Microsoft's C++ build tools are missing: they compile and link the app.",
                "winget install Microsoft.VisualStudio.2022.BuildTools --override \"--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended\"",
            ),
            (
                System::Windows,
                Tool::OpenSsl,
                "OpenSSL is missing, or OPENSSL_DIR does not name its folder: it encrypts the app's database. In a new terminal afterwards:",
                "winget install ShiningLight.OpenSSL.Dev && setx OPENSSL_DIR \"C:\\Program Files\\OpenSSL-Win64\"",
            ),
        ] {
            let machine = Machine {
                system,
                display: Seen::None,
                lacks_tool: Some(tool),
                ..ALL
            };
            let told = refused(&machine, Audience::Person);
            assert_eq!((told.0.as_str(), told.1.as_str()), (sentence, line));
            let whole = Machine {
                lacks_tool: None,
                ..machine
            };
            assert!(looked(&whole, Audience::Person).is_ok());
            assert_eq!(
                refused(&whole, Audience::Nobody),
                (
                    "Without a person the demonstration drives WebKitGTK's windows, which only Linux has. With a person:".to_owned(),
                    "cargo xtask demo".to_owned()
                )
            );
        }
    }
}
