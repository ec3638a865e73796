//! What the system tells: that the network came, went or changed, and that the
//! machine goes on after a sleep.
//!
//! Owns: hearing it. Never: what follows from it, which is the engine's. What
//! is not told is found out anyway: two clocks that drift apart tell of a
//! sleep, and a socket that stays silent is asked; being told is only sooner.
//!
//! | system | network | sleep |
//! |---|---|---|
//! | Linux | NetworkManager, over the system bus | logind, over the same |
//! | macOS, Windows | not told | not told: the clocks |
//! | Android, iOS | the shell, which is told: [`Messenger::network`] | the app's life: the shell calls that, too, and [`Messenger::resumed`] |

#[cfg(target_os = "linux")]
mod linux;

use super::Messenger;

impl Messenger {
    /// Hands on what the system tells, until the program ends. Where nothing
    /// is told this ends at once. To be spawned once.
    pub async fn follow_system(&self) {
        #[cfg(target_os = "linux")]
        linux::follow(self).await;
    }
}
