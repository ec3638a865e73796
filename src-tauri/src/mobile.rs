//! What is a phone's own.
//!
//! Owns: the other half of the API that `desktop` has. A phone's system keeps
//! one instance, places the only window, and has neither tray nor a start at
//! login: so most of it has nothing to do here. Never: a decision about messages.

use std::path::Path;

use tauri::{
    AppHandle, Manager, Runtime, WebviewWindow, WebviewWindowBuilder, Window, WindowEvent, Wry,
};
use whinchat_core::bridge::{Code, Problem};

use crate::{
    Arguments,
    notices::{Notices, Standing},
};

/// Nothing comes before the rest.
pub fn before(_arguments: &Arguments) {}

/// No plugin but those that every system has.
pub fn with_plugins(builder: tauri::Builder<Wry>, _arguments: &Arguments) -> tauri::Builder<Wry> {
    builder
}

/// The system starts one program only.
///
/// # Errors
/// None here.
pub fn take<R: Runtime>(_app: &AppHandle<R>, _data: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The window fills the screen.
pub fn dress<'a, R: Runtime, M: Manager<R>>(
    builder: WebviewWindowBuilder<'a, R, M>,
) -> WebviewWindowBuilder<'a, R, M> {
    builder
}

/// The window is made, and shown.
pub fn made<R: Runtime>(_app: &AppHandle<R>, _window: &WebviewWindow<R>, _hidden: bool) {}

/// The page has asked for something.
pub fn page_is_there<R: Runtime>(_app: &AppHandle<R>) {}

/// What happens to the window.
pub fn window_event<R: Runtime>(window: &Window<R>, event: &WindowEvent) {
    if let WindowEvent::Focused(focused) = event
        && let Some(notices) = window.try_state::<Notices>()
    {
        notices.focused(*focused);
    }
}

/// The system brings the app forward itself.
pub fn front<R: Runtime>(_app: &AppHandle<R>) {}

/// There is neither tray nor badge yet.
pub fn tell<R: Runtime>(_app: &AppHandle<R>, _standings: &[Standing]) {}

/// There is no tray.
pub fn has_tray<R: Runtime>(_app: &AppHandle<R>) -> bool {
    false
}

/// A newer version, which only the store brings.
#[derive(Debug, serde::Serialize)]
pub enum Newer {}

/// The store brings them.
pub fn updates_are_offered<R: Runtime>(_app: &AppHandle<R>) -> bool {
    false
}

/// The store brings them.
///
/// # Errors
/// `update_failed`, always.
pub async fn look_for_update<R: Runtime>(_app: &AppHandle<R>) -> Result<Option<Newer>, Problem> {
    Err(Problem::new(Code::UpdateFailed).with("kind", "install"))
}

/// The store brings them.
///
/// # Errors
/// `update_failed`, always.
pub async fn take_update<R: Runtime>(_app: &AppHandle<R>) -> Result<(), Problem> {
    Err(Problem::new(Code::UpdateFailed).with("kind", "install"))
}

/// Starting is the system's.
pub fn starts_at_login<R: Runtime>(_app: &AppHandle<R>) -> Option<bool> {
    None
}

/// Starting is the system's.
///
/// # Errors
/// `storage_failed`, always.
pub fn start_at_login<R: Runtime>(_app: &AppHandle<R>, _on: bool) -> Result<(), Problem> {
    Err(Problem::new(Code::StorageFailed).with("kind", "login"))
}
