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
//! | Android, iOS | not told | the app's life: the shell calls [`Messenger::resumed`] |

#[cfg(not(any(target_os = "android", target_os = "ios")))]
mod desktop;
#[cfg(any(target_os = "android", target_os = "ios"))]
mod mobile;

#[cfg(not(any(target_os = "android", target_os = "ios")))]
use desktop::follow;
#[cfg(any(target_os = "android", target_os = "ios"))]
use mobile::follow;

use tokio::sync::mpsc;

use super::Messenger;

/// What a system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// There is a network, or there is none any more.
    Network(bool),
    /// The machine slept, or its way to the world is another: every socket is
    /// suspect.
    Resumed,
}

impl Messenger {
    /// Hands on what the system tells, until the program ends. Where nothing
    /// is told this ends at once. To be spawned once.
    pub async fn follow_system(&self) {
        let (tell, mut told) = mpsc::channel(16);
        let hand_on = async {
            while let Some(said) = told.recv().await {
                tracing::debug!(?said, "the system");
                match said {
                    Said::Network(up) => self.network(up).await,
                    Said::Resumed => self.resumed().await,
                }
            }
        };
        tokio::join!(follow(tell), hand_on);
    }
}
