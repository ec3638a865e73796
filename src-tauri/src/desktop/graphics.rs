//! A Linux without a graphics card that works: the page is drawn all the same.
//!
//! Owns: whether WebKitGTK may share buffers with the graphics card, decided
//! before it starts, and two marks in the data folder. Never: a person's own
//! choice, which stands in the same variable and is left alone.
//!
//! ```text
//! start ──card usable──> the view is made ──page asks──> fine
//!   │                         │ mark `view.begun`  │ mark taken away
//!   │                         └──its process dies, or the program ends──┐
//!   └──no card, a driver known for trouble, or mark `view.plain` <──────┘
//!            WEBKIT_DISABLE_DMABUF_RENDERER=1, and no layers
//! ```
//!
//! WebKitGTK reads the variable once, when it begins. So it is set before the
//! first thread is there; where the page's process dies later, the program
//! takes its own place (`exec`).

use std::{
    fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebView, WebViewExt};
use whinchat_core::{product, vault::write_private};

/// What tells WebKitGTK to do without.
const PLAIN: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
/// The page was begun and has not asked for anything yet.
const BEGUN: &str = "view.begun";
/// The page could not be drawn with the card: the version that found it out.
const FAILED: &str = "view.plain";

/// What is known before the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Known {
    /// Somebody has decided already.
    decided: bool,
    /// A card can be opened for drawing.
    card: bool,
    /// The driver is one that WebKitGTK's shared buffers stay blank with.
    troubled: bool,
    /// It has failed before, with this version.
    failed: bool,
}

const fn plain(known: Known) -> bool {
    !known.decided && (!known.card || known.troubled || known.failed)
}

/// The usual data folder, as Tauri will name it.
pub fn usual() -> Option<PathBuf> {
    let variable = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = variable
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(std::env::home_dir()?.join(".local/share")))?;
    Some(data.join(product::IDENTIFIER))
}

/// Whether one of these can be opened as a card is.
fn card(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"renderD"))
        .any(|entry| {
            let mut options = fs::OpenOptions::new();
            options.read(true).write(true).open(entry.path()).is_ok()
        })
}

/// Whether the page was begun before and never asked for anything, or this
/// version has given the card up already.
fn failed(data: &Path) -> bool {
    let given_up = fs::read(data.join(FAILED)).is_ok_and(|by| by == product::VERSION.as_bytes());
    given_up || is_begun(data)
}

/// Whether a program runs on this folder: its page may only be on its way.
fn running(data: &Path) -> bool {
    matches!(super::instance::lock(data), Ok(None))
}

/// Before anything else, and before there is a second thread: decides whether
/// the card is used.
pub fn decide(data: Option<&Path>) {
    let data = data.map(Path::to_owned).or_else(usual);
    let known = Known {
        decided: std::env::var_os(PLAIN).is_some(),
        card: card(Path::new("/dev/dri")),
        troubled: Path::new("/proc/driver/nvidia/version").exists(),
        failed: data
            .as_deref()
            .is_some_and(|data| failed(data) && !running(data)),
    };
    if plain(known) {
        if let Some(data) = data.filter(|_| known.failed) {
            give_up(&data);
        }
        without_the_card();
    }
}

/// Tells WebKitGTK, which asks when it begins and hands it on to its processes.
#[allow(unsafe_code)]
fn without_the_card() {
    // SAFETY: the first thing that the program does, while it has one thread.
    // To begin again with another environment would load 150 libraries twice.
    unsafe { std::env::set_var(PLAIN, "1") };
}

/// Takes this process's own place, without the card. Comes back only with an
/// error.
pub fn begin_again() -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(PLAIN, "1")
        .exec()
}

/// The card is in use: whether there is anything left to give up.
pub fn in_use() -> bool {
    std::env::var_os(PLAIN).is_none()
}

/// Where there is no card the page is drawn straight into the window: layers
/// that would be put together in memory by a card's stand-in cost half of the
/// start and tens of megabytes.
pub fn draw_plainly(view: &WebView) {
    if in_use() {
        return;
    }
    if let Some(settings) = WebViewExt::settings(view) {
        settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
    }
}

/// The view is about to be made.
pub fn begun(data: &Path) {
    if in_use() {
        let _ = write_private(&data.join(BEGUN), b"");
    }
}

/// Whether the page was begun and has not asked for anything.
pub fn is_begun(data: &Path) -> bool {
    data.join(BEGUN).exists()
}

/// The page is there.
pub fn fine(data: &Path) {
    let _ = fs::remove_file(data.join(BEGUN));
}

/// The card is not to be used by this version any more.
pub fn give_up(data: &Path) {
    fine(data);
    let _ = write_private(&data.join(FAILED), product::VERSION.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_is_done_without_where_it_is_missing_troubled_or_has_failed() {
        let fine = Known {
            card: true,
            ..Known::default()
        };
        assert!(!plain(fine));
        assert!(plain(Known::default()), "there is none");
        let troubled = Known {
            troubled: true,
            ..fine
        };
        let failed = Known {
            failed: true,
            ..fine
        };
        assert!(plain(troubled) && plain(failed));
        for known in [Known::default(), troubled, failed] {
            let decided = Known {
                decided: true,
                ..known
            };
            assert!(!plain(decided), "a person's own choice, or ours before");
        }
    }

    #[test]
    fn a_card_is_what_can_be_opened_for_drawing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!card(folder.path()) && !card(&folder.path().join("none")));
        fs::write(folder.path().join("card0"), b"").unwrap();
        assert!(!card(folder.path()), "a screen is no card");
        fs::create_dir(folder.path().join("renderD129")).unwrap();
        assert!(!card(folder.path()), "it can't be opened");
        fs::write(folder.path().join("renderD128"), b"").unwrap();
        assert!(card(folder.path()));
    }

    #[test]
    fn a_page_that_never_asked_gives_the_card_up_until_another_version() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        assert!(!failed(data));
        write_private(&data.join(BEGUN), b"").unwrap();
        assert!(failed(data), "the program ended before the page asked");
        fine(data);
        assert!(!failed(data));
        give_up(data);
        assert!(failed(data), "for good");
        fs::write(data.join(FAILED), b"0.0.1").unwrap();
        assert!(!failed(data), "found out by another version");
    }
}
