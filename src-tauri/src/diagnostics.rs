//! Diagnostics, as the window saves them: where they may go, and what the shell
//! knows of where it runs.
//!
//! Owns: the list of places, so that a page names one and never a path, and
//! which choices of this device are let in. Never: what the core lets in, nor
//! sending it anywhere.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager as _, Runtime};
use whinchat_core::{
    bridge::{Code, Problem},
    diagnostics::Surroundings,
};

use crate::settings::{Choices, Device};

/// Where a person may want a file of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// What was fetched from elsewhere.
    Downloads,
    /// What a person wrote; on a phone the app's own part of it.
    Documents,
    /// What lies on the desktop.
    Desktop,
    /// A folder beside the accounts: where nothing else may be written.
    App,
}

/// A place, and the folder that it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavePlace {
    /// Which.
    pub place: Place,
    /// The folder.
    pub path: PathBuf,
}

/// The places that there are here, the usual one first.
pub fn places<R: Runtime>(app: &AppHandle<R>) -> Vec<SavePlace> {
    let paths = app.path();
    let own = app.state::<Device>().data().join("diagnostics");
    let known = vec![
        #[cfg(desktop)]
        (Place::Downloads, paths.download_dir().ok()),
        (Place::Documents, paths.document_dir().ok()),
        #[cfg(desktop)]
        (Place::Desktop, paths.desktop_dir().ok()),
    ];
    there(known, own)
}

fn there(known: Vec<(Place, Option<PathBuf>)>, own: PathBuf) -> Vec<SavePlace> {
    let mut places: Vec<SavePlace> = Vec::new();
    for (place, path) in known {
        // A desktop without such a folder may name another in its place.
        if let Some(path) = path.filter(|path| path.is_dir())
            && !places.iter().any(|known| known.path == path)
        {
            places.push(SavePlace { place, path });
        }
    }
    places.push(SavePlace {
        place: Place::App,
        path: own,
    });
    places
}

/// The folder of a place.
///
/// # Errors
/// `file_not_saved` where it is not there, or can't be made.
pub fn folder<R: Runtime>(app: &AppHandle<R>, place: Place) -> Result<PathBuf, Problem> {
    let missing = || Problem::new(Code::FileNotSaved).with("kind", "missing");
    let found = places(app).into_iter().find(|one| one.place == place);
    let path = found.ok_or_else(missing)?.path;
    if place == Place::App {
        fs::create_dir_all(&path).map_err(|_| missing())?;
    }
    Ok(path)
}

/// What the shell knows of where it runs, without anything that is somebody's.
#[must_use]
pub fn surroundings(choices: Choices) -> Surroundings {
    let Choices {
        theme,
        text_size,
        compact,
        notices,
        show_text,
        quiet,
        close_to_tray,
        lock_after,
        hide_screen,
    } = choices;
    Surroundings {
        interface: "window",
        engine: tauri::webview_version().ok(),
        choices: BTreeMap::from([
            ("theme", format!("{theme:?}").to_lowercase()),
            ("text_size", text_size.to_string()),
            ("compact", compact.to_string()),
            ("notices", notices.to_string()),
            ("show_text", show_text.to_string()),
            // Whether, and not when somebody sleeps.
            ("quiet", quiet.is_some().to_string()),
            ("close_to_tray", close_to_tray.to_string()),
            ("lock_after", lock_after.is_some().to_string()),
            ("hide_screen", hide_screen.to_string()),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_are_there_are_offered_each_once_and_the_apps_own_last() {
        let home = tempfile::tempdir().unwrap();
        let downloads = home.path().join("Downloads");
        fs::create_dir(&downloads).unwrap();
        let known = vec![
            (Place::Downloads, Some(downloads.clone())),
            (Place::Documents, Some(home.path().join("none"))),
            (Place::Desktop, Some(downloads.clone())),
        ];
        let places = there(known, home.path().join("own"));
        let offered: Vec<Place> = places.iter().map(|one| one.place).collect();
        assert_eq!(offered, [Place::Downloads, Place::App]);
    }

    #[test]
    fn what_the_shell_knows_says_nothing_of_anybodys_hours() {
        let choices = Choices {
            quiet: Some(crate::settings::Quiet {
                from: 1_234,
                until: 432,
            }),
            lock_after: Some(57),
            ..Choices::default()
        };
        let known = surroundings(choices);
        assert_eq!(known.choices["quiet"], "true");
        let said = format!("{:?}", known.choices);
        for number in ["1234", "432", "57"] {
            assert!(!said.contains(number), "{said}");
        }
    }
}
