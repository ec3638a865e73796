//! Whether Kotlin, Swift and Rust speak of the same things: none of them is compiled
//! together with another, so only this finds a name that one of them alone has.
//!
//! Owns the comparison of commands, of what is told, of what a question for a key is
//! answered with, of where iOS leaves a shared text, of Java's way into Rust, of package
//! names and versions; that the page can reach none of it; and what the plugin's manifest
//! asks for. Reads text, as it stands: it knows how these files are written, and nothing
//! of the languages.

use super::{Faults, Papers, parse};
use crate::name;
use std::collections::BTreeSet;

const RUST: &str = "src-tauri/phone/src/plugin.rs";
const TOLD: &str = "src-tauri/phone/src/told.rs";
const GIVEN: &str = "src-tauri/phone/src/given.rs";
const KEYS: &str = "src-tauri/phone/android/src/main/java/Keys.kt";
const JOB: &str = "src-tauri/src/mobile/job.rs";
const FOLDER: &str = "src-tauri/phone/android";
const KOTLIN: &str = "src-tauri/phone/android/src/main/java/PhonePlugin.kt";
const CORE: &str = "src-tauri/phone/android/src/main/java/Core.kt";
const MANIFEST: &str = "src-tauri/phone/android/src/main/AndroidManifest.xml";
const SWIFT: &str = "src-tauri/phone/ios/Sources/PhonePlugin.swift";
const EXTENSION: &str = "src-tauri/phone/ios/Share/ShareViewController.swift";
const ARRIVALS: &str = "src-tauri/phone/android/src/main/java/Arrivals.kt";
const CAPABILITIES: &str = "src-tauri/capabilities";
const APP: &str = "gen/android/app/build.gradle.kts";

/// What the plugin adds to what the app's own manifest asks for.
const PERMISSIONS: &[&str] = &[
    "android.permission.ACCESS_NETWORK_STATE",
    "android.permission.RECEIVE_BOOT_COMPLETED",
    "android.permission.USE_BIOMETRIC",
];

pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    commands(papers, &mut faults);
    told(papers, &mut faults);
    given(papers, &mut faults);
    shared(papers, &mut faults);
    entries(papers, &mut faults);
    packages(papers, &mut faults);
    versions(papers, &mut faults);
    manifest(papers, &mut faults);
    for file in papers.files(&[CAPABILITIES], &[".json"]) {
        if papers.read(&file, &mut faults).contains("\"phone:") {
            faults.push(format!(
                "{file}: the page may call none of the phone's commands."
            ));
        }
    }
    faults
}

/// The words that stand right behind each of these marks, up to another sign.
fn behind(text: &str, marks: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for mark in marks {
        for rest in text.split(mark).skip(1) {
            let is_word = |sign: &char| sign.is_alphanumeric() || *sign == '_';
            let word: String = rest.chars().take_while(is_word).collect();
            if !word.is_empty() {
                found.insert(word);
            }
        }
    }
    found
}

/// Says what one side has and the other has not.
fn compare(
    faults: &mut Faults,
    (file, ours): (&str, &BTreeSet<String>),
    (other, theirs): (&str, &BTreeSet<String>),
) {
    if ours.is_empty() {
        faults.push(format!("{file}: none is found to compare with {other}."));
    }
    for word in ours.difference(theirs) {
        faults.push(format!("{file}: \"{word}\" is not in {other}."));
    }
    for word in theirs.difference(ours) {
        faults.push(format!("{file}: \"{word}\" of {other} is missing."));
    }
}

fn commands(papers: &Papers, faults: &mut Faults) {
    let text = papers.read(RUST, faults);
    let rust = behind(&text, &[".tell(\"", ".soon(\"", ".permission(\""]);
    let mut androids = behind(&text, &[".given(\"", ".android(\"", ".android::<()>(\""]);
    androids.extend(rust.iter().cloned());
    let kotlin = papers.read(KOTLIN, faults);
    let kotlin = behind(&kotlin, &["@Command\n  fun "]);
    let swift = papers.read(SWIFT, faults);
    let swift = behind(&swift, &["@objc public func "]);
    compare(faults, (KOTLIN, &kotlin), (RUST, &androids));
    compare(faults, (SWIFT, &swift), (RUST, &rust));
}

/// Everything that is told is understood, and everything that is understood is told by
/// one of the two at least.
fn told(papers: &Papers, faults: &mut Faults) {
    let text = papers.read(TOLD, faults);
    let known: BTreeSet<String> = text
        .split_once("pub enum Told {")
        .and_then(|(_, rest)| rest.split_once("\n}"))
        .map(|(variants, _)| variants)
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with("    ") && !line.starts_with("     "))
        .map(str::trim)
        .filter(|line| line.starts_with(|sign: char| sign.is_ascii_uppercase()))
        .map(|line| snake(line.split(['{', '(', ',', ' ']).next().unwrap_or_default()))
        .collect();
    let kotlin = papers.read(KOTLIN, faults);
    let mut said = behind(&kotlin, &["tell(\"", "put(\"told\", \""]);
    let swift = papers.read(SWIFT, faults);
    let swift = swift
        .lines()
        .filter(|line| line.contains("forKey: .told"))
        .collect::<Vec<_>>()
        .join("\n");
    said.extend(behind(&swift, &["encode(\""]));
    compare(faults, (TOLD, &known), ("Kotlin and Swift", &said));
}

/// What becomes of a question for a key: every word that Kotlin says is read, and every
/// word that is read is said.
fn given(papers: &Papers, faults: &mut Faults) {
    let rust = papers.read(GIVEN, faults);
    let mut known: BTreeSet<String> = rust
        .split_once("match written.given.as_str() {")
        .and_then(|(_, rest)| rest.split_once("_ =>"))
        .map(|(arms, _)| arms)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split('"').next())
        .map(str::to_owned)
        .collect();
    // Whatever else is said means it.
    known.insert("unavailable".to_owned());
    let kotlin = papers.read(KEYS, faults);
    let said = behind(&kotlin, &["Given(\"", "-> \""]);
    compare(faults, (KEYS, &said), (GIVEN, &known));
}

/// A shared text lies where the app looks for it, is cut to the same length everywhere, and
/// the extension that leaves it there connects to nothing.
fn shared(papers: &Papers, faults: &mut Faults) {
    let extension = papers.read(EXTENSION, faults);
    let app = papers.read(SWIFT, faults);
    let file = word_after(&extension, "let file = \"");
    if file.is_empty() || word_after(&app, "let file = \"") != file {
        faults.push(format!("{SWIFT}: a shared text lies in \"{file}\"."));
    }
    let number = |text: &str, mark: &str| -> u64 {
        let digits = text.split_once(mark).map_or("", |(_, rest)| rest);
        let digits = digits.lines().next().unwrap_or_default().replace('_', "");
        digits.trim().parse().unwrap_or_default()
    };
    let longest = number(&extension, "let longest = ");
    let arrivals = papers.read(ARRIVALS, faults);
    if longest == 0 || number(&arrivals, "const val LONGEST = ") != longest {
        faults.push(format!("{EXTENSION}: a text must be cut as in {ARRIVALS}."));
    }
    // A code point has four bytes at most.
    if number(&app, "let longest = ") != longest * 4 {
        faults.push(format!(
            "{SWIFT}: what is longer than four times {longest} is no text."
        ));
    }
    for word in ["URLSession", "NWConnection", "UserDefaults", "openURL"] {
        if extension.contains(word) {
            faults.push(format!(
                "{EXTENSION}: it only leaves a text, without {word}."
            ));
        }
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for sign in name.chars() {
        if sign.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(sign.to_ascii_lowercase());
    }
    snake
}

/// Java finds what it calls in Rust by a name made of package, class and function.
fn entries(papers: &Papers, faults: &mut Faults) {
    let kotlin = papers.read(CORE, faults);
    let package = package(&kotlin).replace('.', "_");
    let wanted = behind(&kotlin, &["external fun "])
        .into_iter()
        .map(|function| format!("Java_{package}_Core_{function}"))
        .collect();
    let rust = papers.read(JOB, faults);
    let made = behind(&rust, &["extern \"system\" fn "]);
    compare(faults, (JOB, &made), (CORE, &wanted));
    let manifest = papers.read("Cargo.toml", faults);
    let library = manifest
        .split_once("[lib]\nname = \"")
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or_default();
    if !kotlin.contains(&format!("System.loadLibrary(\"{library}\")")) {
        faults.push(format!("{CORE}: the library is \"{library}\"."));
    }
}

fn package(kotlin: &str) -> &str {
    let line = kotlin
        .lines()
        .find_map(|line| line.strip_prefix("package "));
    line.unwrap_or_default().trim()
}

/// The app's own package is its identifier, in a folder of that name; the plugin's is
/// the one that Gradle and Rust name.
fn packages(papers: &Papers, faults: &mut Faults) {
    let identifier = name::identifier();
    let folder = format!(
        "gen/android/app/src/main/java/{}/",
        identifier.replace('.', "/")
    );
    for file in papers.files(&["gen/android/app/src/main/java"], &[".kt"]) {
        let text = papers.read(&file, faults);
        // What Tauri's tools write beside it is not kept.
        if !file.contains("/generated/")
            && (package(&text) != identifier || !file.starts_with(&folder))
        {
            faults.push(format!("{file}: its package must be {identifier}."));
        }
    }
    let gradle = papers.read(&format!("{FOLDER}/build.gradle.kts"), faults);
    let wanted = word_after(&gradle, "namespace = \"");
    let rust = papers.read(RUST, faults);
    if word_after(&rust, "PACKAGE: &str = \"") != wanted {
        faults.push(format!("{RUST}: Kotlin's package is {wanted}."));
    }
    for file in papers.files(&[&format!("{FOLDER}/src/main/java")], &[".kt"]) {
        let text = papers.read(&file, faults);
        if package(&text) != wanted {
            faults.push(format!("{file}: its package must be {wanted}."));
        }
    }
}

fn word_after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark)
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or_default()
}

/// The plugin is built for the systems that the app is built for, and the verification
/// of certificates is the one that Rust was built with.
fn versions(papers: &Papers, faults: &mut Faults) {
    let app = papers.read(APP, faults);
    let file = format!("{FOLDER}/build.gradle.kts");
    let plugin = papers.read(&file, faults);
    let number = |text: &str, key: &str| {
        let mut lines = text.lines().map(str::trim);
        lines.find_map(|line| line.strip_prefix(key).map(str::to_owned))
    };
    for key in ["compileSdk = ", "minSdk = "] {
        if number(&app, key) != number(&plugin, key) {
            faults.push(format!("{file}: {key}must be as in {APP}."));
        }
    }
    let lock = papers.read("Cargo.lock", faults);
    let version = word_after(
        &lock,
        "name = \"rustls-platform-verifier-android\"\nversion = \"",
    );
    if version.is_empty() || !app.contains(&format!("rustls-platform-verifier:{version}\"")) {
        faults.push(format!(
            "{APP}: rustls-platform-verifier must be {version}, as in Cargo.lock."
        ));
    }
}

fn manifest(papers: &Papers, faults: &mut Faults) {
    const NAMESPACE: &str = "http://schemas.android.com/apk/res/android";
    let text = papers.read(MANIFEST, faults);
    let Ok(document) = parse(&text) else { return };
    let attribute = |node: roxmltree::Node<'_, '_>, name: &str| {
        node.attribute((NAMESPACE, name))
            .unwrap_or_default()
            .to_owned()
    };
    let asked: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("uses-permission"))
        .map(|node| attribute(node, "name"))
        .collect();
    if asked != PERMISSIONS {
        faults.push(format!(
            "{MANIFEST}: it asks for {asked:?}, not for {PERMISSIONS:?}."
        ));
    }
    let parts = document
        .descendants()
        .filter(|node| node.has_tag_name("application"))
        .flat_map(|application| application.children())
        .filter(roxmltree::Node::is_element);
    for part in parts {
        let guarded = attribute(part, "permission") == "android.permission.BIND_JOB_SERVICE";
        if attribute(part, "exported") != "false" || !guarded {
            faults.push(format!(
                "{MANIFEST}: only the system may start {}.",
                attribute(part, "name")
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Planted, one};
    use super::*;

    fn here() -> Planted {
        let planted = Planted::with(&[]);
        let ours = Papers::at(&crate::paths::repository());
        let mut files = ours.files(
            &[
                "src-tauri/phone/src",
                "src-tauri/phone/android/src",
                "src-tauri/phone/ios/Sources",
                "src-tauri/phone/ios/Share",
                "gen/android/app/src/main/java",
                CAPABILITIES,
            ],
            &[".rs", ".kt", ".swift", ".xml", ".json"],
        );
        let gradle = format!("{FOLDER}/build.gradle.kts");
        files.extend([JOB, APP, gradle.as_str(), "Cargo.toml", "Cargo.lock"].map(str::to_owned));
        for file in files {
            planted.changed(&file, "", "");
        }
        assert_eq!(faults(&planted.0), Faults::new());
        planted
    }

    #[test]
    fn every_planted_fault_is_found() {
        let gradle = format!("{FOLDER}/build.gradle.kts");
        let main = format!(
            "gen/android/app/src/main/java/{}/MainActivity.kt",
            name::identifier().replace('.', "/")
        );
        let capability = format!("{CAPABILITIES}/main.json");
        for (file, from, to, word) in [
            (KOTLIN, "fun holdBack(", "fun keepBack(", "2:holdBack"),
            (SWIFT, "func protect(", "func guard(", "2:guard"),
            (SWIFT, "encode(\"expired\"", "encode(\"late\"", "2:late"),
            (
                KOTLIN,
                "tell(\"back\")",
                "tell(\"paused\")",
                "\"back\" is not",
            ),
            (KOTLIN, "fun giveKey(", "fun handKey(", "2:handKey"),
            (
                RUST,
                ".android(\"recognises\"",
                ".ask(\"knows\"",
                "recognises",
            ),
            (KEYS, "\"too_many_tries\"", "\"locked_out\"", "2:locked_out"),
            (GIVEN, "\"gone\" =>", "\"lost\" =>", "2:lost"),
            (SWIFT, "shared.txt", "other.txt", "a shared text lies"),
            (SWIFT, "400_000", "500_000", "four times"),
            (ARRIVALS, "100_000", "90_000", "must be cut"),
            (
                EXTENSION,
                "import UIKit",
                "import UIKit // URLSession",
                "URLSession",
            ),
            (RUST, ".tell(\"rest\"", ".tell(\"sleep\"", "4:sleep"),
            (CORE, "external fun stop", "external fun end", "2:Core_end"),
            (CORE, "loadLibrary(\"", "loadLibrary(\"x", "the library is"),
            (CORE, "package app", "package org", "7:its package must be"),
            (
                main.as_str(),
                "package ",
                "package x.",
                "its package must be",
            ),
            (gradle.as_str(), "minSdk = 24", "minSdk = 21", "minSdk"),
            (APP, "verifier:0", "verifier:9", "as in Cargo.lock"),
            (MANIFEST, "ACCESS_NETWORK_STATE", "CAMERA", "CAMERA"),
            (
                MANIFEST,
                "exported=\"false\"",
                "exported=\"true\"",
                "only the system",
            ),
            (
                capability.as_str(),
                "\"messenger\"",
                "\"phone:default\"",
                "the page may",
            ),
        ] {
            let planted = here();
            planted.changed(file, from, to);
            let found = faults(&planted.0);
            let (count, word) = word.split_once(':').unwrap_or(("1", word));
            if count == "1" {
                one(&found, word);
                continue;
            }
            assert!(found.iter().any(|fault| fault.contains(word)), "{found:?}");
            assert_eq!(found.len().to_string(), count, "{found:?}");
        }
    }
}
