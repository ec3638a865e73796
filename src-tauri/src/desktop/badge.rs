//! The number of unread messages on the app's picture in a Linux dock: the
//! signal `com.canonical.Unity.LauncherEntry.Update`, which Plasma, Dash to
//! Dock, Plank and others listen to.
//!
//! Owns: that signal. Our own, for Tauri's badge speaks only where Unity itself
//! runs and its library is installed.

use std::collections::HashMap;

use tokio::sync::watch;
use whinchat_core::product;
use zbus::{Connection, zvariant::Value};

const AT: &str = "/app/whinchat/launcher";
const ENTRY: &str = "com.canonical.Unity.LauncherEntry";

/// The badge.
pub struct Badge(watch::Sender<i64>);

impl Badge {
    /// No number yet.
    pub fn begin() -> Self {
        let (show, mut shown) = watch::channel(0);
        tauri::async_runtime::spawn(async move {
            // One connection for all of it: a dock takes a badge away with
            // whoever told it.
            let Ok(bus) = Connection::session().await else {
                return;
            };
            while shown.changed().await.is_ok() {
                let count = *shown.borrow_and_update();
                if let Err(error) = tell(&bus, count).await {
                    tracing::debug!(%error, "no badge");
                }
            }
        });
        Self(show)
    }

    /// Shows this number, and none for zero.
    pub fn show(&self, count: i64) {
        self.0.send_if_modified(|shown| {
            let news = *shown != count;
            *shown = count;
            news
        });
    }
}

async fn tell(bus: &Connection, count: i64) -> zbus::Result<()> {
    let app = format!("application://{}.desktop", product::NAME);
    let said = HashMap::from([
        ("count", Value::from(count)),
        ("count-visible", Value::from(count > 0)),
    ]);
    bus.emit_signal(None::<&str>, AT, ENTRY, "Update", &(app, said))
        .await
}
