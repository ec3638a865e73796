//! What is a phone's own.
//!
//! Owns: the other half of the API that `desktop` has, and what follows from what the
//! phone's side tells: the app is connected while it is seen, links and texts of other
//! apps lead somewhere, the edges are the page's to know. A phone's system keeps one
//! instance, places the only window, and has neither tray nor a start at login. Never:
//! a decision about messages.
//!
//! | file | what |
//! |---|---|
//! | `job` | Android: a look for news, with or without a window |

#[cfg(target_os = "android")]
mod job;
#[cfg(target_os = "android")]
pub use job::gathers;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tauri::{
    AppHandle, Emitter as _, Manager, Runtime, WebviewWindow, WebviewWindowBuilder, Window,
    WindowEvent, Wry,
};
use tokio::sync::mpsc;
use whinchat_core::{
    bridge::{Code, Problem},
    runtime::Messenger,
};
use whinchat_phone::{Insets, Permission, Phone, Told};

use crate::{
    Arguments,
    destination::Destination,
    life::{Deed, Life},
    notices::{Answer, Notices, Standing, lead},
    refresh::{STOP, look},
    settings::{Choices, Device},
    words::Words,
};

/// How long what was just sent may still leave, once nobody sees the app. iOS gives
/// five seconds unasked.
const GRACE: Duration = Duration::from_secs(4);

/// The life of the app.
#[derive(Default)]
struct Alive(Mutex<Life>);

impl Alive {
    fn change(&self, change: impl FnOnce(&mut Life) -> Option<Deed>) -> Option<Deed> {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the system draws over the page's edges, as it was told last.
#[derive(Default)]
struct Edges(Mutex<Option<Insets>>);

/// Who is told that a notice was pressed.
struct Presses(mpsc::UnboundedSender<Answer>);

/// Nothing comes before the rest.
pub fn before(_arguments: &Arguments) {}

/// The phone's side.
pub fn with_plugins(builder: tauri::Builder<Wry>, _arguments: &Arguments) -> tauri::Builder<Wry> {
    builder.plugin(whinchat_phone::init())
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

/// Presses on notices are told here.
pub fn presses<R: Runtime>(app: &AppHandle<R>, answers: mpsc::UnboundedSender<Answer>) {
    app.manage(Presses(answers));
}

/// The window is made, and shown: from now on the phone's side is heard.
pub fn made<R: Runtime>(app: &AppHandle<R>, _window: &WebviewWindow<R>, _hidden: bool) {
    app.manage(Alive::default());
    app.manage(Edges::default());
    #[cfg(target_os = "android")]
    job::app_is_there(app);
    let Some(phone) = app.try_state::<Phone<R>>() else {
        return;
    };
    let name = app.state::<Words>().say("notice-channel", &[]);
    let handle = app.clone();
    phone.listen(name, move |told| heard(&handle, told));
    if let Some(device) = app.try_state::<Device>() {
        chosen(app, &device.settings().choices);
    }
}

/// What follows from what the phone's side tells.
fn heard<R: Runtime>(app: &AppHandle<R>, told: Told) {
    match told {
        Told::Insets(insets) => {
            let edges = app.state::<Edges>();
            *edges.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(insets);
            let _ = app.emit("insets", insets);
        }
        Told::Back => {
            let _ = app.emit("back", ());
        }
        Told::Paused => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                let alive = app.state::<Alive>();
                let mut left = 0;
                alive.change(|life| {
                    left = life.leaves();
                    None
                });
                tokio::time::sleep(GRACE).await;
                let deed = alive.change(|life| life.rests(left));
                follow(&app, deed).await;
            });
        }
        Told::Resumed => {
            // Locked before anything is seen, where it is time.
            if let Some(device) = app.try_state::<Device>() {
                device.look();
            }
            live(app, Life::seen);
        }
        Told::Network { up } => live(app, move |life| life.network(up)),
        Told::Shared { text } => lead(app, Destination::Share { text }),
        Told::SharedOther => lead(app, Destination::ShareOther),
        Told::Pressed {
            account,
            conversation,
        } => {
            let accounts = app.state::<Messenger>().accounts();
            if let Some(answer) = Answer::pressed(account, conversation, &accounts) {
                let _ = app.state::<Presses>().0.send(answer);
            }
        }
        Told::Refresh => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move { refresh(&app).await });
        }
        Told::Expired => STOP.now(),
    }
}

/// Changes what is known of the app's life, and does what follows.
fn live<R: Runtime>(
    app: &AppHandle<R>,
    change: impl FnOnce(&mut Life) -> Option<Deed> + Send + 'static,
) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let deed = app.state::<Alive>().change(change);
        follow(&app, deed).await;
    });
}

async fn follow<R: Runtime>(app: &AppHandle<R>, deed: Option<Deed>) {
    let core = app.state::<Messenger>().inner().clone();
    match deed {
        Some(Deed::Connect) => core.network(true).await,
        Some(Deed::GoOn) => core.resumed().await,
        Some(Deed::Disconnect) => {
            core.network(false).await;
            if let Some(phone) = app.try_state::<Phone<R>>() {
                phone.rest();
            }
        }
        None => {}
    }
}

/// A look for news in the time that the system gives, in an app that runs already.
async fn refresh<R: Runtime>(app: &AppHandle<R>) {
    let alive = app.state::<Alive>();
    let notices = app.state::<Notices>().inner().clone();
    let deed = alive.change(|life| life.looking(true));
    follow(app, deed).await;
    look(app, &notices, &STOP).await;
    let deed = alive.change(|life| life.looking(false));
    follow(app, deed).await;
    // Also where somebody came meanwhile: the system's time is given back.
    if let Some(phone) = app.try_state::<Phone<R>>() {
        phone.rest();
    }
}

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

/// How many are unread, on the app's picture.
pub fn tell<R: Runtime>(app: &AppHandle<R>, standings: &[Standing]) {
    if let Some(phone) = app.try_state::<Phone<R>>() {
        phone.badge(standings.iter().map(|standing| standing.unread).sum());
    }
}

/// What a person chose and the phone's side follows.
pub fn chosen<R: Runtime>(app: &AppHandle<R>, choices: &Choices) {
    if let Some(phone) = app.try_state::<Phone<R>>() {
        phone.protect(choices.hide_screen);
        phone.refresh(choices.notices);
    }
}

/// Whether the system lets notices be shown.
pub async fn may_notify<R: Runtime>(app: &AppHandle<R>) -> Option<Permission> {
    let phone = app.try_state::<Phone<R>>()?.inner().clone();
    Some(phone.may_notify().await)
}

/// Lets the system ask a person whether notices may be shown.
pub async fn ask_to_notify<R: Runtime>(app: &AppHandle<R>) -> Permission {
    match app.try_state::<Phone<R>>() {
        Some(phone) => phone.inner().clone().ask_to_notify().await,
        None => Permission::Denied,
    }
}

/// What the system draws over the page's edges.
pub fn insets<R: Runtime>(app: &AppHandle<R>) -> Option<Insets> {
    let edges = app.try_state::<Edges>()?;
    *edges.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the page has something that going back would close.
pub fn hold_back<R: Runtime>(app: &AppHandle<R>, on: bool) {
    if let Some(phone) = app.try_state::<Phone<R>>() {
        phone.hold_back(on);
    }
}

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
