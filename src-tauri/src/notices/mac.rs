//! Notices on macOS: its `UNUserNotificationCenter`, through mac-usernotifications.
//!
//! The centre knows a notice by a name, so nothing need be kept here: the same
//! name again replaces it. The system asks a person once whether there may be
//! notices, when the first one is due. A program that is not an app, as one that
//! cargo has built, may not ask the centre anything.
//!
//! Never: which notice there is.

use mac_usernotifications::{
    Action, InterruptionLevel, Notification, NotificationResponse, check_bundle, close_delivered,
    request_auth,
};
use tokio::sync::mpsc;

use super::{Answer, Key, Order, Sign};

/// A press on the notice's button. Without one the centre does not tell that a
/// notice was put away.
const OPEN: &str = "open";
const REPLY: &str = "reply";

/// Does what is ordered and hands on what a person answers, until nobody orders any more.
pub async fn run(
    mut orders: mpsc::UnboundedReceiver<Order>,
    answers: mpsc::UnboundedSender<Answer>,
) {
    if check_bundle().is_err() {
        tracing::info!("not started as an app: no notices");
        return;
    }
    let mut asked = false;
    while let Some(order) = orders.recv().await {
        match order {
            Order::Show(sign) => {
                if !asked {
                    asked = true;
                    if !matches!(request_auth().await, Ok(true)) {
                        tracing::info!("the system does not let notices be shown");
                    }
                }
                show(sign, answers.clone()).await;
            }
            Order::Withdraw(key) => close_delivered(&name(&key)).await,
        }
    }
}

async fn show(sign: Sign, answers: mpsc::UnboundedSender<Answer>) {
    let notice = Notification::new()
        .id(&name(&sign.key))
        .thread_id(&sign.key.account)
        .title(sign.title)
        .message(sign.body);
    let notice = match sign.reply {
        Some(reply) => notice.action(Action::reply(REPLY, &reply, &reply, &reply)),
        None => notice.action(Action::button(OPEN, sign.open)),
    };
    // What only says the same in other words stays in the list and makes no sound.
    let notice = if sign.quiet {
        notice.interruption_level(InterruptionLevel::Passive)
    } else {
        notice.default_sound()
    };
    match notice.send().await {
        Ok(shown) => {
            // Ends as well when the same name is shown again.
            tauri::async_runtime::spawn(async move {
                if let Ok(response) = shown.response().await
                    && let Some(answer) = answer(sign.key, response)
                {
                    let _ = answers.send(answer);
                }
            });
        }
        Err(_) => tracing::debug!("a notice was not shown"),
    }
}

/// What a person's doing comes to.
fn answer(key: Key, response: NotificationResponse) -> Option<Answer> {
    if response.is_dismiss_action() {
        return Some(Answer::PutAway(key));
    }
    if response.is_default_action() || response.action_identifier == OPEN {
        return Some(Answer::Open(key));
    }
    let text = response.reply_text?;
    Some(Answer::Reply { key, text })
}

/// What the centre calls a notice.
fn name(key: &Key) -> String {
    let conversation = key.conversation.as_deref().unwrap_or_default();
    format!("{}/{conversation}", key.account)
}
