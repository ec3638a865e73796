//! What the listings say, in `fastlane/metadata`: lengths, and nothing that a
//! store refuses in a text.
//!
//! Owns the stores' limits, in characters as they count them.

use super::{Faults, Papers};
use crate::name;

const PLAY: &str = "fastlane/metadata/android/en-US";
const APPLE: &str = "fastlane/metadata/apple/en-US";

/// A text and how long it may be. Texts that hold a value of the publisher's
/// are measured again when that is filled in.
const LIMITS: &[(&str, &str, usize)] = &[
    (PLAY, "title.txt", 30),
    (PLAY, "short_description.txt", 80),
    (PLAY, "full_description.txt", 4000),
    (APPLE, "name.txt", 30),
    (APPLE, "subtitle.txt", 30),
    (APPLE, "keywords.txt", 100),
    (APPLE, "promotional_text.txt", 170),
    (APPLE, "description.txt", 4000),
    (APPLE, "release_notes.txt", 4000),
    (APPLE, "support_url.txt", 255),
    (APPLE, "privacy_url.txt", 255),
    (
        "fastlane/metadata/apple/review_information",
        "notes.txt",
        4000,
    ),
];

/// What Play shows of a release.
const PLAY_CHANGES: usize = 500;

/// Words that stores refuse in a listing: rank, price, other stores.
const REFUSED: &[&str] = &[
    "#1",
    "best",
    "free",
    "sale",
    "google play",
    "app store",
    "android",
    "iphone",
];

pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    for (folder, file, limit) in LIMITS {
        let file = format!("{folder}/{file}");
        let text = papers.read(&file, &mut faults);
        length(&file, &text, *limit, &mut faults);
    }
    for file in papers.files(&[&format!("{PLAY}/changelogs")], &[".txt"]) {
        let text = papers.read(&file, &mut faults);
        length(&file, &text, PLAY_CHANGES, &mut faults);
    }
    for file in [format!("{PLAY}/title.txt"), format!("{APPLE}/name.txt")] {
        let text = papers.read(&file, &mut faults);
        if !text.starts_with(name::product()) {
            faults.push(format!("{file}: it must begin with {}.", name::product()));
        }
    }
    for file in [
        format!("{PLAY}/title.txt"),
        format!("{PLAY}/short_description.txt"),
        format!("{APPLE}/name.txt"),
        format!("{APPLE}/subtitle.txt"),
        format!("{APPLE}/keywords.txt"),
    ] {
        let text = papers.read(&file, &mut faults).to_lowercase();
        for word in REFUSED {
            let mut words = text.split(|sign: char| !sign.is_alphanumeric() && sign != '#');
            let said = if word.contains(' ') {
                text.contains(word)
            } else {
                words.any(|said| said == *word)
            };
            if said {
                faults.push(format!("{file}: stores refuse \"{word}\" there."));
            }
        }
    }
    let keywords = papers.read(&format!("{APPLE}/keywords.txt"), &mut faults);
    if keywords.contains(", ") {
        faults.push(format!(
            "{APPLE}/keywords.txt: spaces after commas count, and are for nothing."
        ));
    }
    faults
}

fn length(file: &str, text: &str, limit: usize, faults: &mut Faults) {
    let count = text.trim_end().chars().count();
    if count == 0 {
        faults.push(format!("{file}: it is empty."));
    } else if count > limit {
        faults.push(format!(
            "{file}: {count} characters, and {limit} may stand there."
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Planted, one};
    use super::*;

    fn here() -> Planted {
        let planted = Planted::with(&[]);
        let ours = Papers::at(&crate::paths::repository());
        for file in ours.files(&["fastlane"], &[".txt"]) {
            planted.changed(&file, "", "");
        }
        assert_eq!(faults(&planted.0), Faults::new());
        planted
    }

    #[test]
    fn every_text_that_is_too_long_is_found() {
        for (folder, file, limit) in LIMITS {
            let planted = here();
            let file = format!("{folder}/{file}");
            let text = format!("{} {}", name::product(), "é".repeat(*limit));
            planted.plant(&file, text.as_bytes());
            one(&faults(&planted.0), &format!("{limit} may stand"));
        }
        let planted = here();
        planted.plant(
            &format!("{PLAY}/changelogs/7.txt"),
            "x".repeat(501).as_bytes(),
        );
        one(&faults(&planted.0), "501");
    }

    #[test]
    fn an_empty_text_another_name_and_a_refused_word_are_found() {
        let planted = here();
        planted.plant(&format!("{APPLE}/description.txt"), b"\n");
        one(&faults(&planted.0), "empty");
        let planted = here();
        planted.plant(&format!("{PLAY}/title.txt"), b"Messenger");
        one(&faults(&planted.0), "must begin with");
        let planted = here();
        planted.plant(&format!("{APPLE}/subtitle.txt"), b"The best messenger");
        one(&faults(&planted.0), "best");
        let planted = here();
        planted.plant(&format!("{APPLE}/keywords.txt"), b"chat, message");
        one(&faults(&planted.0), "commas");
    }
}
