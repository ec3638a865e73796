//! Android's look for news: the system starts a service, which calls in here.
//!
//! Owns: that a look and a window never meet half-way. Where the app runs already, the
//! look is the app's own; otherwise it has a core of its own, which is gone when the
//! look ends. A window that begins meanwhile ends the look and waits for that. Never:
//! showing anything; what is to be shown is handed back.
//!
//! ```text
//!  job --refresh--> the app runs: its core looks, its notices are gathered -----+--> orders
//!               +-> it does not: ndk-context borrowed, a core, a look, shutdown -+    as JSON
//!  activity --windowBegins--> a look without a window is ended and waited for, then Tauri begins
//! ```
#![allow(unsafe_code, reason = "Java finds these by the names of their symbols")]

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use jni::{
    EnvUnowned,
    objects::{JClass, JObject, JString},
};
use tauri::{AppHandle, Manager as _, Runtime};
use tokio::sync::mpsc;
use whinchat_core::runtime::{Config, Messenger};
use whinchat_phone::android;

use crate::{
    log,
    notices::{Host, Notices, Order, Part, Standing, in_parts},
    refresh::{STOP, look},
    settings::{Choices, Device},
    words::Words,
};

/// Held by the one look that there is, and by a window while it begins.
static TURN: Mutex<()> = Mutex::new(());
/// The app that runs: looks, and gives what was ordered meanwhile.
static APP: OnceLock<Box<dyn Fn() -> Vec<Part> + Send + Sync>> = OnceLock::new();

/// The app runs from now on.
pub fn app_is_there<R: Runtime>(app: &AppHandle<R>) {
    app.manage(Gathered::default());
    let app = app.clone();
    let _ = APP.set(Box::new(move || {
        let gathered = app.state::<Gathered>();
        gathered.begin();
        tauri::async_runtime::block_on(super::refresh(&app));
        gathered.end()
    }));
}

/// What is ordered during a look, for whoever started it.
#[derive(Default)]
pub struct Gathered(Mutex<Option<Vec<Part>>>);

impl Gathered {
    fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    fn end(&self) -> Vec<Part> {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.take().unwrap_or_default()
    }

    /// Keeps it where a look is under way, and gives it back otherwise.
    pub fn keep(&self, part: Part) -> Option<Part> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(parts) => {
                parts.push(part);
                None
            }
            None => Some(part),
        }
    }
}

/// A core without a window.
#[derive(Clone)]
struct Alone(Arc<(Messenger, Device, Words)>);

impl Host for Alone {
    fn core(&self) -> Messenger {
        self.0.0.clone()
    }

    fn choices(&self) -> Choices {
        self.0.1.settings().choices
    }

    fn say<T>(&self, say: impl FnOnce(&Words) -> T) -> T {
        say(&self.0.2)
    }

    /// There is nothing to tell it to.
    fn tell(&self, _standings: &[Standing]) {}
}

/// A look on this data folder, by a core of its own.
async fn alone(data: PathBuf) -> Vec<Part> {
    let core = match Messenger::new(Config::new(data.clone())).await {
        Ok(core) => core,
        Err(problem) => {
            tracing::warn!(code = ?problem.code, "no look for news");
            return Vec::new();
        }
    };
    log::start(&data);
    let host = Alone(Arc::new((core, Device::open(&data), Words::english())));
    let (notices, orders) = Notices::with_orders();
    look(&host, &notices, &STOP).await;
    host.core().shutdown().await;
    drop(notices);
    drain(orders)
}

fn drain(mut orders: mpsc::UnboundedReceiver<Order>) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Ok(order) = orders.try_recv() {
        parts.push(in_parts(order));
    }
    parts
}

/// `Core.windowBegins`: before anything else of an activity.
#[unsafe(no_mangle)]
pub extern "system" fn Java_app_whinchat_phone_Core_windowBegins(
    mut env: EnvUnowned<'_>,
    _class: JClass<'_>,
    context: JObject<'_>,
) {
    STOP.first(|| {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        android::window_begins(&mut env, &context);
    });
}

/// `Core.refresh`: looks, and answers what is to be shown as JSON.
#[unsafe(no_mangle)]
pub extern "system" fn Java_app_whinchat_phone_Core_refresh<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'_>,
    context: JObject<'_>,
    data: JString<'_>,
) -> JString<'local> {
    let data = PathBuf::from(android::text(&mut env, &data));
    let parts = {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        match APP.get() {
            Some(app) => app(),
            None if android::job_begins(&mut env, &context) => {
                let parts = tauri::async_runtime::block_on(alone(data));
                android::give_back();
                parts
            }
            None => Vec::new(),
        }
    };
    let json = serde_json::to_string(&parts).unwrap_or_default();
    android::java_text(&mut env, &json)
}

/// `Core.stop`: the system wants its time back.
#[unsafe(no_mangle)]
pub extern "system" fn Java_app_whinchat_phone_Core_stop(_env: EnvUnowned<'_>, _class: JClass<'_>) {
    STOP.now();
}

/// Whether a look under way has taken this order.
pub fn gathers<R: Runtime>(app: &AppHandle<R>, part: Part) -> Option<Part> {
    match app.try_state::<Gathered>() {
        Some(gathered) => gathered.keep(part),
        None => Some(part),
    }
}
