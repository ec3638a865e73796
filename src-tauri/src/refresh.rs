//! One look at what is new, while nobody sees the app.
//!
//! Owns: that each account that may be opened is opened, brought up to date and closed
//! again, and that the look ends: when all is told, when the system wants its time
//! back, or when it has taken too long. A locked account is left alone. Never: which
//! notices follow, or how they are shown.
//!
//! ```text
//!  not locked, not open --open--> listened to --all is told, stopped, too long--> closed
//!  open already         ---------> (as it is) -----------------------------------> stays open
//! ```

use std::time::Duration;

use tokio::sync::watch;
use whinchat_core::model::AccountId;

use crate::notices::{Host, Notices};

/// The longest that one look takes: iOS gives 30 seconds.
const PATIENCE: Duration = Duration::from_secs(25);

/// Who ends the look that there is.
#[cfg(mobile)]
pub static STOP: std::sync::LazyLock<Stop> = std::sync::LazyLock::new(Stop::default);

/// Who may end a look before its time.
#[derive(Debug)]
pub struct Stop(watch::Sender<(usize, u64)>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new((0, 0)))
    }
}

impl Stop {
    /// The system wants its time back: the look that is under way ends.
    pub fn now(&self) {
        self.0.send_modify(|(_, times)| *times += 1);
    }

    /// While `of` waits for its turn no look goes on.
    #[cfg(any(target_os = "android", test))]
    pub fn first<T>(&self, of: impl FnOnce() -> T) -> T {
        self.0.send_modify(|(waiting, _)| *waiting += 1);
        let done = of();
        self.0.send_modify(|(waiting, _)| *waiting -= 1);
        done
    }

    /// Waits until a look that begins now is to end.
    fn told(&self) -> impl Future<Output = ()> + use<> {
        let mut stops = self.0.subscribe();
        let (_, begun) = *stops.borrow();
        async move {
            let _ = stops
                .wait_for(|(waiting, times)| *waiting > 0 || *times != begun)
                .await;
        }
    }
}

/// Looks once. What is to be told has been ordered when this ends.
pub async fn look<H: Host>(host: &H, notices: &Notices, stop: &Stop) {
    let told = stop.told();
    let mut opened = Vec::new();
    let looking = async {
        for account in host.core().accounts() {
            if account.problem.is_none()
                && let Ok(id) = account.id.parse::<AccountId>()
                && notices.looks(id)
            {
                opened.push(id);
                begin(host, notices, id).await;
            }
        }
        notices.whole().await;
    };
    tokio::select! {
        () = looking => tracing::info!("looked for news"),
        () = told => tracing::info!("the look for news was ended"),
        () = tokio::time::sleep(PATIENCE) => tracing::info!("the look for news took too long"),
    }
    for account in opened {
        if notices.looked(account) {
            host.core().close(account).await;
        }
    }
}

async fn begin<H: Host>(host: &H, notices: &Notices, account: AccountId) {
    let core = host.core();
    let Ok(stream) = core.subscribe(account) else {
        return;
    };
    match core.open(account).await {
        Ok(opened) => notices.listen(host, account, stream, &opened),
        Err(problem) => tracing::info!(code = ?problem.code, "an account was not looked at"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{notices::Standing, settings::Choices, words::Words};
    use whinchat_core::runtime::{Config, Messenger};

    #[derive(Clone)]
    struct Alone(Messenger);

    impl Host for Alone {
        fn core(&self) -> Messenger {
            self.0.clone()
        }
        fn choices(&self) -> Choices {
            Choices::default()
        }
        fn say<T>(&self, say: impl FnOnce(&Words) -> T) -> T {
            say(&Words::english())
        }
        fn tell(&self, _: &[Standing]) {}
    }

    async fn alone(data: &std::path::Path) -> Alone {
        let config = Config {
            keychain_service: "app.whinchat.Whinchat.tests".to_owned(),
            ..Config::new(data.to_owned())
        };
        Alone(Messenger::new(config).await.unwrap())
    }

    #[tokio::test]
    async fn where_there_is_no_account_a_look_ends_at_once() {
        let data = tempfile::tempdir().unwrap();
        let host = alone(data.path()).await;
        look(&host, &Notices::silent(), &Stop::default()).await;
        assert!(host.0.accounts().is_empty());
    }

    /// An account as a start finds it, with nothing behind it.
    fn keep(data: &std::path::Path, vault: &str) -> AccountId {
        let id = "5463fbc0-a420-446b-a024-e58abb0969e5";
        let folder = data.join("accounts").join(id);
        std::fs::create_dir_all(&folder).unwrap();
        let record = serde_json::json!({
            "id": id, "server": "https://chat.example", "email": "alice@example.com", "name": "",
            "person": id, "vault": vault, "stage": "ready",
        });
        std::fs::write(folder.join("account.json"), record.to_string()).unwrap();
        id.parse().unwrap()
    }

    #[tokio::test]
    async fn a_locked_account_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let account = keep(data.path(), "passphrase");
        let host = alone(data.path()).await;
        let found = host.0.accounts();
        assert_eq!(found.len(), 1, "it is there");
        let problem = found[0].problem.as_ref().unwrap();
        assert_eq!(problem.code, whinchat_core::bridge::Code::PassphraseNeeded);
        let notices = Notices::silent();
        look(&host, &notices, &Stop::default()).await;
        assert!(!notices.keeps(account), "nobody listens to it");
        assert!(
            !data
                .path()
                .join("accounts")
                .join(account.to_string())
                .join("messages.db")
                .exists()
        );
    }

    #[tokio::test]
    async fn an_account_that_cannot_be_opened_holds_up_nothing() {
        let data = tempfile::tempdir().unwrap();
        let account = keep(data.path(), "keychain");
        let host = alone(data.path()).await;
        assert!(host.0.accounts()[0].problem.is_none(), "it would be opened");
        let notices = Notices::silent();
        let stop = Stop::default();
        let looked = look(&host, &notices, &stop);
        let within = tokio::time::timeout(PATIENCE / 2, looked);
        within
            .await
            .expect("it ends by itself, long before its time");
        assert!(!notices.keeps(account));
        assert!(notices.looks(account), "it is looked at the next time");
    }

    fn ends(told: &mut std::pin::Pin<Box<impl Future<Output = ()>>>) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        told.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn a_look_ends_when_the_system_wants_its_time_back_or_a_window_comes() {
        let stop = Stop::default();
        stop.now();
        let mut look = Box::pin(stop.told());
        assert!(!ends(&mut look), "an earlier word is not for this look");
        stop.now();
        assert!(ends(&mut look));
        let mut look = Box::pin(stop.told());
        stop.first(|| {
            assert!(ends(&mut look), "whoever waits goes first");
            let mut during = Box::pin(stop.told());
            assert!(ends(&mut during), "and none begins meanwhile");
        });
        let mut after = Box::pin(stop.told());
        assert!(!ends(&mut after));
    }

    #[tokio::test]
    async fn what_a_page_opened_meanwhile_is_not_closed_after_a_look() {
        let notices = Notices::silent();
        let account: AccountId = "5463fbc0-a420-446b-a024-e58abb0969e5".parse().unwrap();
        assert!(notices.looks(account));
        assert!(!notices.looks(account), "one look at a time");
        assert!(!notices.keeps(account), "nobody listens yet");
        assert!(!notices.looked(account), "it is the page's now");
        assert!(notices.looks(account));
        assert!(notices.looked(account));
    }
}
