//! Phones: in the background there is no connection, and in the foreground the
//! page shows what comes. Nothing is shown until the part of the app that runs
//! in the background is there.

use tokio::sync::mpsc;

use super::{Answer, Order};

/// Takes what is ordered, until nobody orders any more.
pub async fn run(
    mut orders: mpsc::UnboundedReceiver<Order>,
    _answers: mpsc::UnboundedSender<Answer>,
) {
    while orders.recv().await.is_some() {}
}
