//! Notices on macOS and Windows, through notify-rust.
//!
//! They are shown. Neither system's part of that crate tells of a press or
//! takes a notice back, so what was read here stays until a person puts it
//! away, and a press does what the system does: on macOS it brings the app to
//! the front.

use tokio::sync::mpsc;

use super::{Answer, Order};

/// Shows what is ordered, until nobody orders any more.
pub async fn run(
    mut orders: mpsc::UnboundedReceiver<Order>,
    _answers: mpsc::UnboundedSender<Answer>,
) {
    while let Some(order) = orders.recv().await {
        let Order::Show(sign) = order else { continue };
        // The same text again would only be a second notice.
        if sign.quiet {
            continue;
        }
        // Showing may wait for the system.
        let shown = tokio::task::spawn_blocking(move || {
            let mut notice = notify_rust::Notification::new();
            notice
                .appname(whinchat_core::product::NAME)
                .summary(&sign.title)
                .body(&sign.body);
            #[cfg(windows)]
            notice.app_id(whinchat_core::product::IDENTIFIER);
            notice.show().map(drop)
        });
        if !matches!(shown.await, Ok(Ok(()))) {
            tracing::debug!("a notice was not shown");
        }
    }
}
