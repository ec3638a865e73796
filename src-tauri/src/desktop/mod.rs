//! What is a desktop's own: the tray, one program a folder, where the window
//! stood, starting at login, the badge.
//!
//! Owns: one half of an API that `mobile.rs` has too, so that the rest of the
//! shell asks nobody which system it is on. Never: a decision about messages.
//!
//! | file | what |
//! |---|---|
//! | `instance` | one program a data folder |
//! | `place` | where the window stood |
//! | `tray` | the item in the tray |
//! | `menu` | macOS: the menu at the top of the screen |
//! | `badge` | Linux: the number in the dock |
//! | `graphics` | Linux without a card that works |
//! | `spelling` | Linux: spell-checking |
//! | `updates` | a newer version, where the build may bring one |

#[cfg(target_os = "linux")]
mod badge;
#[cfg(target_os = "linux")]
mod graphics;
mod instance;
#[cfg(target_os = "macos")]
mod menu;
mod place;
#[cfg(target_os = "linux")]
mod spelling;
mod tray;
mod updates;

#[cfg(all(test, target_os = "linux"))]
pub use graphics::usual;

use std::path::Path;

use tauri::{
    AppHandle, Manager, PhysicalPosition, PhysicalSize, Runtime, WebviewWindow,
    WebviewWindowBuilder, Window, WindowEvent, Wry,
};
use tauri_plugin_autostart::ManagerExt as _;
use whinchat_core::bridge::{Code, Problem};
use whinchat_phone::{Insets, Permission};

use crate::{
    Arguments, HIDDEN, heard,
    notices::{Notices, Standing},
    settings::{Choices, Device},
    words::Words,
};
use place::{Place, Screen};
use tray::{Pressed, Shown, Tray};
pub use updates::{
    Newer, are_offered as updates_are_offered, look as look_for_update, take as take_update,
};

/// Before anything else. May begin the program again, in its own place.
pub fn before(arguments: &Arguments) {
    #[cfg(target_os = "linux")]
    graphics::decide(arguments.data.as_deref());
    #[cfg(not(target_os = "linux"))]
    let _ = arguments;
}

/// The plugins of a desktop.
pub fn with_plugins(
    mut builder: tauri::Builder<Wry>,
    arguments: &Arguments,
) -> tauri::Builder<Wry> {
    let data = arguments.data.as_deref();
    // The first of all: what comes after it is not done by a second program.
    if let Some(one) = instance::plugin(data, |app, words| {
        if let Ok(arguments) = Arguments::of(words.into_iter().skip(1)) {
            heard(app, &arguments);
        }
        front(app);
    }) {
        builder = builder.plugin(one);
    }
    if data.is_none() {
        builder = builder.plugin(tauri_plugin_autostart::Builder::new().arg(HIDDEN).build());
    }
    builder
}

/// Takes the data folder, which is there.
///
/// # Errors
/// Where another program has it, and the two can't speak to each other.
pub fn take<R: Runtime>(app: &AppHandle<R>, data: &Path) -> std::io::Result<()> {
    let Some(lock) = instance::lock(data)? else {
        let words = app.state::<Words>().say("already-open", &[]);
        return Err(std::io::Error::other(words));
    };
    app.manage(lock);
    Ok(())
}

/// The window's size, and that it is not seen before it is in its place.
pub fn dress<'a, R: Runtime, M: Manager<R>>(
    builder: WebviewWindowBuilder<'a, R, M>,
) -> WebviewWindowBuilder<'a, R, M> {
    builder
        .inner_size(1040.0, 720.0)
        .min_inner_size(320.0, 420.0)
        .visible(false)
}

/// The window is made: puts it where it stood, and shows it unless it begins
/// in the tray.
pub fn made<R: Runtime>(app: &AppHandle<R>, window: &WebviewWindow<R>, hidden: bool) {
    if let Some(device) = app.try_state::<Device>() {
        #[cfg(target_os = "linux")]
        graphics::begun(device.data());
        if let Some(place) = Place::read(device.data()) {
            let put = place.on(&screens(window));
            let _ = window.set_size(PhysicalSize::new(put.size.0, put.size.1));
            if let Some((x, y)) = put.corner {
                let _ = window.set_position(PhysicalPosition::new(x, y));
            }
            if put.maximized {
                let _ = window.maximize();
            }
        }
    }
    #[cfg(target_os = "linux")]
    {
        app.manage(badge::Badge::begin());
        mend(app, window);
    }
    updates::begin(app);
    #[cfg(target_os = "macos")]
    if let Err(error) = menu::begin(app, &app.state::<Words>()) {
        tracing::warn!(%error, "there is no menu");
    }
    let first = shown(app, &[]);
    let handle = app.clone();
    let tray = Tray::begin(app, first, move |pressed| match pressed {
        Pressed::Open => front(&handle),
        Pressed::Quit => handle.exit(0),
        Pressed::Gone => bring_out(handle.clone()),
    });
    app.manage(tray);
    if hidden {
        bring_out(app.clone());
    } else {
        let _ = window.show();
    }
}

/// How long a host for the tray may be away, at login or while a panel begins
/// anew, before what is hidden is shown.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// What is hidden and could be reached by nobody is shown.
fn bring_out<R: Runtime>(app: AppHandle<R>) {
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        let Some(window) = app.get_webview_window("main") else {
            return;
        };
        if !has_tray(&app) && matches!(window.is_visible(), Ok(false)) {
            let _ = window.show();
        }
    });
}

/// Linux: spells, and goes on when the page's process dies.
#[cfg(target_os = "linux")]
fn mend<R: Runtime>(app: &AppHandle<R>, window: &WebviewWindow<R>) {
    use webkit2gtk::{WebProcessTerminationReason, WebViewExt as _};
    let app = app.clone();
    let _ = window.with_webview(move |view| {
        let view = view.inner();
        graphics::draw_plainly(&view);
        spelling::check(&view);
        view.connect_web_process_terminated(move |view, why| {
            tracing::warn!(?why, "the page's process ended");
            if why != WebProcessTerminationReason::Crashed {
                return;
            }
            let device = app.try_state::<Device>();
            let begun = device.is_some_and(|device| {
                let begun = graphics::is_begun(device.data());
                if begun {
                    graphics::give_up(device.data());
                }
                begun
            });
            if begun && graphics::in_use() {
                crate::shut_down(&app);
                let error = graphics::begin_again();
                tracing::warn!(%error, "can't begin again");
            }
            view.reload();
        });
    });
}

fn screens<R: Runtime>(window: &WebviewWindow<R>) -> Vec<Screen> {
    let monitors = window.available_monitors().unwrap_or_default();
    let screens = monitors.iter().map(|monitor| Screen {
        x: monitor.position().x,
        y: monitor.position().y,
        width: monitor.size().width,
        height: monitor.size().height,
    });
    screens.collect()
}

/// The page has asked for something: it is there.
pub fn page_is_there<R: Runtime>(app: &AppHandle<R>) {
    #[cfg(target_os = "linux")]
    if let Some(device) = app.try_state::<Device>() {
        graphics::fine(device.data());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = app;
}

/// What happens to the window.
pub fn window_event<R: Runtime>(window: &Window<R>, event: &WindowEvent) {
    let app = window.app_handle();
    match event {
        WindowEvent::Focused(focused) => {
            if let Some(notices) = app.try_state::<Notices>() {
                notices.focused(*focused);
            }
            if !focused {
                keep_place(window);
            }
        }
        WindowEvent::CloseRequested { api, .. } => {
            keep_place(window);
            let device = app.try_state::<Device>();
            let stays = device.is_some_and(|device| device.settings().choices.close_to_tray);
            if stays && has_tray(app) {
                api.prevent_close();
                let _ = window.hide();
            }
        }
        _ => {}
    }
}

fn keep_place<R: Runtime>(window: &Window<R>) {
    let Some(device) = window.try_state::<Device>() else {
        return;
    };
    let before = Place::read(device.data());
    let (Ok(corner), Ok(size)) = (window.outer_position(), window.inner_size()) else {
        return;
    };
    // Minimized or hidden it has no place.
    let seen = window.is_visible().unwrap_or(false) && !window.is_minimized().unwrap_or(true);
    if !seen || size.width == 0 {
        return;
    }
    let now = Place {
        x: corner.x,
        y: corner.y,
        width: size.width,
        height: size.height,
        maximized: window.is_maximized().unwrap_or(false),
    };
    // Filling the screen it still has the place that it goes back to.
    let kept = match before {
        Some(before) if now.maximized => Place {
            maximized: true,
            ..before
        },
        _ => now,
    };
    kept.write(device.data());
}

/// Brings the window forward, from wherever it is.
pub fn front<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window("main") {
        let _ = window.show();
        let _ = window.unminimize();
        let _ = window.set_focus();
    }
}

/// What is unread and connected now, for the tray and the badge.
pub fn tell<R: Runtime>(app: &AppHandle<R>, standings: &[Standing]) {
    let shown = shown(app, standings);
    #[cfg(target_os = "linux")]
    if let Some(badge) = app.try_state::<badge::Badge>() {
        badge.show(shown.unread);
    }
    #[cfg(not(target_os = "linux"))]
    if let Some(window) = app.get_webview_window("main") {
        let unread = (shown.unread > 0).then_some(shown.unread);
        #[cfg(not(windows))]
        let _ = window.set_badge_count(unread);
        #[cfg(windows)]
        let _ = window.set_overlay_icon(unread.map(|_| tray::dot()));
    }
    if let Some(tray) = app.try_state::<Tray>() {
        tray.show(shown);
    }
}

fn shown<R: Runtime>(app: &AppHandle<R>, standings: &[Standing]) -> Shown {
    let words = app.state::<Words>();
    let unread = standings.iter().map(|standing| standing.unread).sum();
    let account = |standing: &Standing| {
        let state = serde_json::to_value(standing.state).ok();
        let state = state.as_ref().and_then(serde_json::Value::as_str);
        words.say(
            "tray-account",
            &[
                ("name", standing.name.as_str().into()),
                ("state", state.unwrap_or_default().into()),
            ],
        )
    };
    Shown {
        unread,
        tooltip: words.say("tray-tooltip", &[("unread", unread.into())]),
        accounts: standings.iter().map(account).collect(),
        open: words.say("tray-open", &[]),
        quit: words.say("tray-quit", &[]),
    }
}

/// Whether there is a tray that a person can see.
pub fn has_tray<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.try_state::<Tray>().is_some_and(|tray| tray.is_there())
}

/// What a person chose is the page's and the notices' to follow.
pub fn chosen<R: Runtime>(_app: &AppHandle<R>, _choices: &Choices) {}

/// A desktop asks nobody about notices: this is no phone.
pub async fn may_notify<R: Runtime>(_app: &AppHandle<R>) -> Option<Permission> {
    None
}

/// A desktop asks nobody about notices.
pub async fn ask_to_notify<R: Runtime>(_app: &AppHandle<R>) -> Permission {
    Permission::Granted
}

/// A window has its own edges.
pub fn insets<R: Runtime>(_app: &AppHandle<R>) -> Option<Insets> {
    None
}

/// There is no way back but the page's.
pub fn hold_back<R: Runtime>(_app: &AppHandle<R>, _on: bool) {}

/// Whether the program starts at login; `None` where that can't be chosen: on
/// a data folder that is not the usual one.
pub fn starts_at_login<R: Runtime>(app: &AppHandle<R>) -> Option<bool> {
    app.try_state::<tauri_plugin_autostart::AutoLaunchManager>()?;
    app.autolaunch().is_enabled().ok()
}

/// Starts the program at login from now on, hidden in the tray, or no more.
///
/// # Errors
/// `storage_failed` where the system can't be told.
pub fn start_at_login<R: Runtime>(app: &AppHandle<R>, on: bool) -> Result<(), Problem> {
    let failed = || Problem::new(Code::StorageFailed).with("kind", "login");
    if app
        .try_state::<tauri_plugin_autostart::AutoLaunchManager>()
        .is_none()
    {
        return Err(failed());
    }
    let told = if on {
        app.autolaunch().enable()
    } else {
        app.autolaunch().disable()
    };
    told.map_err(|error| {
        tracing::warn!(%error, "the start at login was not changed");
        failed()
    })
}
