//! Notices on phones, through the phone's own side.
//!
//! What is ordered while the system gives a job time in the background goes to that job,
//! which shows it without a window. Presses come back as what the phone tells.

use serde::Serialize;
use tauri::{AppHandle, Manager as _, Runtime};
use tokio::sync::mpsc;
use whinchat_phone::{Notice, Phone, Taken};

use super::{Key, Order, Sign};

/// Shows and takes back what is ordered, until nobody orders any more.
pub async fn run<R: Runtime>(app: AppHandle<R>, mut orders: mpsc::UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        let Some(phone) = app.try_state::<Phone<R>>() else {
            continue;
        };
        let part = in_parts(order);
        #[cfg(target_os = "android")]
        let Some(part) = crate::mobile::gathers(&app, part) else {
            continue;
        };
        match part {
            Part::Show(notice) => phone.show(notice).await,
            Part::Withdraw(taken) => phone.withdraw(taken).await,
        }
    }
}

/// An order in the phone's own words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "order")]
pub enum Part {
    /// Show this.
    Show(Notice),
    /// Take this one back.
    Withdraw(Taken),
}

/// What the phone is told of an order. An answer can be written in the app alone.
pub fn in_parts(order: Order) -> Part {
    match order {
        Order::Show(Sign {
            key: Key {
                account,
                conversation,
            },
            title,
            body,
            quiet,
            ..
        }) => Part::Show(Notice {
            account,
            conversation,
            title,
            body,
            quiet,
        }),
        Order::Withdraw(Key {
            account,
            conversation,
        }) => Part::Withdraw(Taken {
            account,
            conversation,
        }),
    }
}
