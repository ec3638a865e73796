//! Pictures for the stores: their sizes, and that they are opaque.
//!
//! Owns which pictures a listing has. They are made by `npm run store` in
//! `tests` and not kept: what is there is measured, and a release must have all.

use super::{Faults, Papers};
use std::fs;
use std::path::Path;

/// How the paths of pictures begin, and the one size that they have.
const PLACES: &[(&str, u32, u32)] = &[
    (
        "fastlane/metadata/android/en-US/images/phoneScreenshots/",
        1080,
        1920,
    ),
    (
        "fastlane/metadata/android/en-US/images/tenInchScreenshots/",
        1600,
        2560,
    ),
    ("fastlane/screenshots/en-US/iphone-", 1320, 2868),
    ("fastlane/screenshots/en-US/ipad-", 2064, 2752),
    ("fastlane/mac/en-US/", 2880, 1800),
];

/// Single pictures.
const SINGLE: &[(&str, u32, u32)] = &[
    ("fastlane/metadata/android/en-US/images/icon.png", 512, 512),
    (
        "fastlane/metadata/android/en-US/images/featureGraphic.png",
        1024,
        500,
    ),
];

/// How many a listing may have in one place: what the strictest store takes.
const MOST: usize = 8;

/// What the head of a PNG says.
pub(super) struct Seen {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) alpha: bool,
}

/// Reads the head of a PNG.
pub(super) fn look(path: &Path) -> Option<Seen> {
    let bytes = fs::read(path).ok()?;
    let head = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let kind = *head.get(9)?;
    let transparent = bytes.windows(4).any(|word| word == b"tRNS");
    Some(Seen {
        width: number(0)?,
        height: number(4)?,
        alpha: kind == 4 || kind == 6 || transparent,
    })
}

/// The files whose path begins so.
fn there(papers: &Papers, beginning: &str) -> Vec<String> {
    let folder = beginning.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut files = papers.files(&[folder], &[""]);
    files.retain(|file| file.starts_with(beginning));
    files
}

/// What is there and wrong.
pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    let mut measure = |file: &str, width: u32, height: u32| match look(&papers.path(file)) {
        Some(seen) if (seen.width, seen.height) != (width, height) => faults.push(format!(
            "{file}: it is {} by {} and must be {width} by {height}.",
            seen.width, seen.height
        )),
        Some(seen) if seen.alpha && !file.ends_with("icon.png") => {
            faults.push(format!("{file}: it may not be transparent."));
        }
        Some(_) => {}
        None => faults.push(format!("{file}: it is no PNG.")),
    };
    for (folder, width, height) in PLACES {
        for file in there(papers, folder) {
            measure(&file, *width, *height);
        }
    }
    for (file, width, height) in SINGLE {
        if papers.path(file).exists() {
            measure(file, *width, *height);
        }
    }
    faults
}

/// What a release has not got.
pub(super) fn missing(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    for (folder, ..) in PLACES {
        let count = there(papers, folder).len();
        if !(2..=MOST).contains(&count) {
            faults.push(format!(
                "{folder}: {count} pictures, and 2 to {MOST} are wanted: cd tests && npm run store"
            ));
        }
    }
    for (file, ..) in SINGLE {
        if !papers.path(file).exists() {
            faults.push(format!("{file}: it is missing: cd tests && npm run store"));
        }
    }
    faults
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{Planted, one};
    use super::*;

    /// The head of a PNG of that size and kind of colour.
    pub(in super::super) fn png(width: u32, height: u32, kind: u8) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, kind, 0, 0, 0]);
        bytes
    }

    #[test]
    fn a_picture_of_another_size_or_transparent_is_found() {
        for (folder, width, height) in PLACES {
            let planted = Planted::with(&[]);
            let file = format!("{folder}1.png");
            planted.plant(&file, &png(*width, *height, 2));
            assert_eq!(faults(&planted.0), Faults::new());
            planted.plant(&file, &png(*height, *width, 2));
            one(&faults(&planted.0), &format!("must be {width} by {height}"));
            planted.plant(&file, &png(*width, *height, 6));
            one(&faults(&planted.0), "transparent");
            planted.plant(&file, b"GIF");
            one(&faults(&planted.0), "no PNG");
        }
    }

    #[test]
    fn a_release_without_pictures_is_refused() {
        let planted = Planted::with(&[]);
        assert_eq!(missing(&planted.0).len(), PLACES.len() + SINGLE.len());
        for (folder, width, height) in PLACES {
            for number in 1..=2 {
                planted.plant(&format!("{folder}{number}.png"), &png(*width, *height, 2));
            }
        }
        for (file, width, height) in SINGLE {
            planted.plant(file, &png(*width, *height, 2));
        }
        assert_eq!(missing(&planted.0), Faults::new());
        let (folder, width, height) = PLACES[0];
        for number in 3..=9 {
            planted.plant(&format!("{folder}{number}.png"), &png(width, height, 2));
        }
        one(&missing(&planted.0), "9 pictures");
    }
}
