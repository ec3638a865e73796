//! Locking by itself, where nobody has used the app for as long as was chosen.
//!
//! Owns: when it was used last, by the wall clock, so that a machine's sleep
//! counts. Never: what locking does, which is the core's.
//!
//! ```text
//!  waiting --used--> waiting, from now on
//!     |  so long has passed
//!     v
//!  core locks; then waiting again
//! ```

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tauri::{AppHandle, Manager as _, Runtime};
use whinchat_core::runtime::Messenger;

use crate::settings::Device;

/// How often the clock is looked at: after a sleep it is late by no more.
const LOOK: Duration = Duration::from_secs(30);

/// When somebody used the app last.
pub struct LastUsed(Mutex<SystemTime>);

impl Default for LastUsed {
    fn default() -> Self {
        Self(Mutex::new(SystemTime::now()))
    }
}

impl LastUsed {
    /// Somebody uses it now.
    pub fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = SystemTime::now();
    }

    fn at(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long it may still stay open; nothing where it is over. A clock that was
/// set back begins the span anew.
fn left(last: SystemTime, now: SystemTime, span: Duration) -> Option<Duration> {
    let gone = now.duration_since(last).unwrap_or_default();
    span.checked_sub(gone).filter(|left| !left.is_zero())
}

/// Locks whenever it is time, until the program ends.
pub async fn follow<R: Runtime>(app: AppHandle<R>) {
    loop {
        let minutes = app.state::<Device>().settings().choices.lock_after;
        let Some(minutes) = minutes else {
            // Chosen later: then it is used, and so in time.
            app.state::<Device>().changed().await;
            continue;
        };
        let span = Duration::from_secs(u64::from(minutes) * 60);
        let used = app.state::<LastUsed>();
        match left(used.at(), SystemTime::now(), span) {
            Some(left) => {
                let changed = app.state::<Device>();
                let _ = tokio::time::timeout(left.min(LOOK), changed.changed()).await;
            }
            None => {
                app.state::<Messenger>().inner().clone().lock().await;
                used.now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_after_the_last_use_also_over_a_sleep() {
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let span = Duration::from_secs(60);
        assert_eq!(left(last, at(1_000), span), Some(span));
        assert_eq!(left(last, at(1_059), span), Some(Duration::from_secs(1)));
        assert_eq!(left(last, at(1_060), span), None);
        assert_eq!(left(last, at(90_000), span), None);
        assert_eq!(
            left(last, at(10), span),
            Some(span),
            "the clock was set back"
        );
    }
}
