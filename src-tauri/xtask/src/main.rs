//! Every chore of the project.

use std::process::ExitCode;
use xtask::{
    Outcome, Problem, bench, clean, demo, directus, flatpak, fuzz, licences, mobile, model,
    mutants, package, papers, phone, process, review, sim, soak, suites, targets, tauri, updates,
    verify, wine,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    process::whole_program(|| run(&arguments))
}

const HELP: &str = "\
cargo xtask demo           two windows, Alice's and Bob's, talk through a Directus on this machine
cargo xtask demo --fresh   the same from nothing: erases the demonstration's messages first
cargo xtask demo --check   the same without a person: both windows send, receive and are pictured
cargo xtask test           every test suite; --all adds the longer proofs, and --wine
                           alone runs the core and the program without a window as Windows' own
cargo xtask sim            the simulated world: --seeds N [--from S] [--clients C], or --seed S to replay
cargo xtask sim --replay F  tells again what a person's app saved as its diagnostics
cargo xtask sim --defects  plants every defect in turn and sees it caught; a name picks one
cargo xtask model          the simulated server held against real ones: --scripts N, --from S,
                           --seed S to replay one, --database sqlite or postgres for one alone
cargo xtask verify-schema  the whole schema applied, attacked, weakened, removed: --db postgres,
                           --servers 2 (behind Redis), --without-mutations, --from N,
                           --without-licence (Directus 12 refused)
cargo xtask soak           eight cores write to each other through faults: --minutes M, --seed S,
                           --redis (two servers, and Redis stopped), --json-only (no sessions)
cargo xtask fuzz           every fuzz target for --minutes M: --only NAME; --keep keeps some of what it finds
cargo xtask mutants        changes one thing of the engine at a time, every --every N of them, and sees it noticed
cargo xtask bench          every figure beside its floor: --quick, --only NAME, --json,
                           --write (puts the table into docs/performance.md)
cargo xtask check-targets  the whole workspace type-checked for Android, iOS, macOS and Windows;
                           a target's name picks one
cargo xtask licences       writes THIRD-PARTY-NOTICES; --check says whether it is up to date
cargo xtask package        the .deb and the .rpm; --check installs, starts, talks and removes
cargo xtask papers         what stores and packages are given, checked; --release TAG asks for all that
                           a release needs, --fill puts the publisher's values in
cargo xtask mobile         android or ios: what is needed to build for phones, and the build
cargo xtask phone          android or ios, and an APP: on a running emulator or simulator it signs in and
                           sends a message, which the server must have once
cargo xtask review-server  FOLDER --host NAME: a server for reviewers, with people to sign in as and one
                           who answers, every night as on the first evening; --port N, --check
cargo xtask flatpak        writes what a Flatpak is built from; --tag TAG COMMIT from the published source
cargo xtask updates        FOLDER DAY: writes latest.json for the signed files in it
cargo xtask tauri          Tauri's own command line, in the version that is built with
cargo xtask clean          removes the demonstration and what was fetched for it
cargo xtask install        only fetches the Directus that demonstration and tests run against";

fn run(arguments: &[String]) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["demo"] => demo::run(demo::Mode::Talk),
        ["demo", "--fresh"] => demo::run(demo::Mode::Fresh),
        ["demo", "--check"] => demo::check(),
        ["test"] => suites::run(false),
        ["test", "--all"] => suites::run(true),
        ["test", "--wine"] => wine::run(),
        ["sim", "--defects"] => sim::defects(""),
        ["sim", "--defects", name] => sim::defects(name),
        ["sim", words @ ..] => sim::run(words),
        ["model", words @ ..] => model::run(words),
        ["verify-schema", words @ ..] => verify::run(words),
        ["soak", options @ ..] => soak::run(soak::Options::read(options)?),
        ["fuzz", options @ ..] => fuzz::run(&fuzz::Options::read(options)?),
        ["mutants", options @ ..] => mutants::run(mutants::Options::read(options)?),
        ["bench", words @ ..] => bench::run(words),
        ["check-targets", names @ ..] => targets::run(names),
        ["licences", words @ ..] => licences::run(words),
        ["package", words @ ..] => package::run(words),
        ["papers", words @ ..] => papers::run(words),
        ["mobile", words @ ..] => mobile::run(words),
        ["phone", words @ ..] => phone::run(words),
        ["review-server", words @ ..] => review::run(words),
        ["flatpak", words @ ..] => flatpak::run(words),
        ["updates", words @ ..] => updates::run(words),
        ["tauri", words @ ..] => tauri::run(words),
        ["clean"] => clean::run(),
        ["install"] => directus::install().map(drop),
        ["--help" | "-h" | "help"] => {
            println!("{HELP}");
            Ok(())
        }
        [] => Err(Problem::new(format!("What shall be done?\n\n{HELP}"))),
        words => Err(Problem::new(format!(
            "\"{}\" is none of the chores:\n\n{HELP}",
            words.join(" ")
        ))),
    }
}
