//! Notices on Windows: its toasts, through the system's own interface.
//!
//! A toast is known by its group, which is the account, and its tag, which is the
//! conversation. The system shows it under the name of the app that its installer
//! has entered in the start menu; without one it refuses it. What was pressed in a
//! run that is over is told to nobody.
//!
//! Never: which notice there is, nor how it is written (`toast`).

use tokio::sync::mpsc;
use whinchat_core::product;
use windows::{
    Data::Xml::Dom::XmlDocument,
    Foundation::{IPropertyValue, TypedEventHandler},
    UI::Notifications::{
        ToastActivatedEventArgs, ToastDismissalReason, ToastNotification, ToastNotificationManager,
    },
    core::{HSTRING, Interface as _},
};

use super::{
    Answer, Key, Order, Sign,
    toast::{REPLY, toast},
};

/// Does what is ordered and hands on what a person answers, until nobody orders any more.
pub async fn run(
    mut orders: mpsc::UnboundedReceiver<Order>,
    answers: mpsc::UnboundedSender<Answer>,
) {
    while let Some(order) = orders.recv().await {
        let answers = answers.clone();
        // The system may take its time.
        let done = tokio::task::spawn_blocking(move || match order {
            Order::Show(sign) => show(&sign, &answers),
            Order::Withdraw(key) => withdraw(&key),
        });
        if !matches!(done.await, Ok(Ok(()))) {
            tracing::debug!("a notice was not shown, or not taken back");
        }
    }
}

fn app() -> HSTRING {
    HSTRING::from(product::IDENTIFIER)
}

/// The tag and the group that a notice is known by.
fn name(key: &Key) -> (HSTRING, HSTRING) {
    let tag = key.conversation.as_deref().unwrap_or("all");
    (HSTRING::from(tag), HSTRING::from(key.account.as_str()))
}

fn show(sign: &Sign, answers: &mpsc::UnboundedSender<Answer>) -> windows::core::Result<()> {
    let text = XmlDocument::new()?;
    text.LoadXml(&HSTRING::from(toast(sign)))?;
    let shown = ToastNotification::CreateToastNotification(&text)?;
    let (tag, group) = name(&sign.key);
    shown.SetTag(&tag)?;
    shown.SetGroup(&group)?;
    // What only says the same in other words does not come up again.
    shown.SetSuppressPopup(sign.quiet)?;
    let (key, tell) = (sign.key.clone(), answers.clone());
    shown.Activated(&TypedEventHandler::new(
        move |_, how: windows::core::Ref<'_, windows::core::IInspectable>| {
            let how = how.ok()?.cast::<ToastActivatedEventArgs>()?;
            let key = key.clone();
            let answer = if how.Arguments()? == HSTRING::from(REPLY) {
                let written = how.UserInput()?.Lookup(&HSTRING::from(REPLY))?;
                let text = written.cast::<IPropertyValue>()?.GetString()?.to_string();
                Answer::Reply { key, text }
            } else {
                Answer::Open(key)
            };
            let _ = tell.send(answer);
            Ok(())
        },
    ))?;
    let (key, tell) = (sign.key.clone(), answers.clone());
    shown.Dismissed(
        &TypedEventHandler::new(
            move |_,
                  why: windows::core::Ref<
                '_,
                windows::UI::Notifications::ToastDismissedEventArgs,
            >| {
                if why.ok()?.Reason()? == ToastDismissalReason::UserCanceled {
                    let _ = tell.send(Answer::PutAway(key.clone()));
                }
                Ok(())
            },
        ),
    )?;
    ToastNotificationManager::CreateToastNotifierWithId(&app())?.Show(&shown)
}

fn withdraw(key: &Key) -> windows::core::Result<()> {
    let (tag, group) = name(key);
    ToastNotificationManager::History()?.RemoveGroupedTagWithId(&tag, &group, &app())
}
