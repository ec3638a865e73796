//! The menu at the top of a Mac's screen.
//!
//! Owns: what stands in it and where each of its own items leads, which is where the
//! page leads as well. Copying, pasting, hiding and windows are the system's own. Never:
//! a word; they stand with all others in `ui/locales`.
//!
//! ```text
//!  the app          Edit          View             Window
//!  About            Undo, Redo    Full screen      Minimise, Zoom
//!  Settings  ⌘,     Cut, Copy                      Close
//!  Services         Paste                          All to the front
//!  Hide … Quit ⌘Q   Select all
//! ```

use tauri::{
    AppHandle, Runtime,
    menu::{Menu, MenuItem, PredefinedMenuItem as System, Submenu, WINDOW_SUBMENU_ID},
};

use crate::{destination::Destination, notices::lead, system, words::Words};

const SETTINGS: &str = "settings";
const ABOUT: &str = "about";

/// Puts the menu up, and does what is chosen in it.
///
/// # Errors
/// The system's.
pub fn begin<R: Runtime>(app: &AppHandle<R>, words: &Words) -> tauri::Result<()> {
    app.set_menu(menu(app, words)?)?;
    app.on_menu_event(|app, event| {
        if let Some(to) = leads(event.id().as_ref()) {
            system::front(app);
            lead(app, to);
        }
    });
    Ok(())
}

/// Where an item of ours leads; the system's own lead nowhere.
fn leads(id: &str) -> Option<Destination> {
    match id {
        SETTINGS => Some(Destination::Settings),
        ABOUT => Some(Destination::About),
        _ => None,
    }
}

fn menu<R: Runtime>(app: &AppHandle<R>, words: &Words) -> tauri::Result<Menu<R>> {
    let say = |id: &str| words.say(id, &[]);
    let separator = || System::separator(app);
    let own = |id: &str, text: String, keys| MenuItem::with_id(app, id, text, true, keys);
    let program = Submenu::with_items(
        app,
        whinchat_core::product::NAME,
        true,
        &[
            &own(ABOUT, say("menu-about"), None)?,
            &separator()?,
            &own(SETTINGS, say("settings-menu"), Some("CmdOrCtrl+,"))?,
            &separator()?,
            &System::services(app, Some(&say("menu-services")))?,
            &separator()?,
            &System::hide(app, Some(&say("menu-hide")))?,
            &System::hide_others(app, Some(&say("menu-hide-others")))?,
            &System::show_all(app, Some(&say("menu-show-all")))?,
            &separator()?,
            &System::quit(app, Some(&say("tray-quit")))?,
        ],
    )?;
    let edit = Submenu::with_items(
        app,
        say("menu-edit"),
        true,
        &[
            &System::undo(app, Some(&say("menu-undo")))?,
            &System::redo(app, Some(&say("menu-redo")))?,
            &separator()?,
            &System::cut(app, Some(&say("menu-cut")))?,
            &System::copy(app, Some(&say("menu-copy")))?,
            &System::paste(app, Some(&say("menu-paste")))?,
            &System::select_all(app, Some(&say("menu-select-all")))?,
        ],
    )?;
    let view = Submenu::with_items(
        app,
        say("menu-view"),
        true,
        &[&System::fullscreen(app, Some(&say("menu-full-screen")))?],
    )?;
    let window = Submenu::with_id_and_items(
        app,
        WINDOW_SUBMENU_ID,
        say("menu-window"),
        true,
        &[
            &System::minimize(app, Some(&say("menu-minimise")))?,
            &System::maximize(app, Some(&say("menu-zoom")))?,
            &separator()?,
            &System::close_window(app, Some(&say("menu-close")))?,
            &separator()?,
            &System::bring_all_to_front(app, Some(&say("menu-all-to-front")))?,
        ],
    )?;
    Menu::with_items(app, &[&program, &edit, &view, &window])
}
