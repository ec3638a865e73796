//! The plugin as Tauri knows it, and each of its commands.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use tauri::{
    Manager as _, Runtime,
    ipc::{Channel, InvokeResponseBody},
    plugin::{Builder, PluginHandle, TauriPlugin},
};

#[cfg(target_os = "android")]
use crate::{Given, Question, given::Written};
use crate::{Notice, Permission, Taken, Told};

#[cfg(target_os = "ios")]
tauri::ios_plugin_binding!(init_plugin_phone);

/// How long an answer is waited for that no person gives. Without an activity none comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The package of `PhonePlugin.kt`.
#[cfg(target_os = "android")]
const PACKAGE: &str = "app.whinchat.phone";

/// The plugin; its [`Phone`] is the app's to ask.
#[must_use]
pub fn init<R: Runtime>() -> TauriPlugin<R> {
    Builder::new("phone")
        .setup(|app, api| {
            #[cfg(target_os = "android")]
            let handle = api.register_android_plugin(PACKAGE, "PhonePlugin")?;
            #[cfg(target_os = "ios")]
            let handle = api.register_ios_plugin(init_plugin_phone)?;
            app.manage(Phone(handle));
            Ok(())
        })
        .build()
}

/// The phone's side. Nothing here waits, but what gives an answer.
pub struct Phone<R: Runtime>(PluginHandle<R>);

impl<R: Runtime> Clone for Phone<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Serialize)]
struct Listen {
    channel: Channel<serde_json::Value>,
    notices: String,
}

#[derive(Serialize)]
struct On {
    on: bool,
}

#[derive(Serialize)]
struct Badge {
    count: i64,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(serde::Deserialize)]
struct Permitted {
    state: Permission,
}

impl<R: Runtime> Phone<R> {
    /// Hears everything that is told from now on, and what was told before anybody
    /// listened. `notices` is what the system's settings call the app's notices.
    pub fn listen(&self, notices: String, hear: impl Fn(Told) + Send + Sync + 'static) {
        let channel = Channel::new(move |body| {
            let told = match &body {
                InvokeResponseBody::Json(json) => Told::read(json),
                InvokeResponseBody::Raw(_) => None,
            };
            match told {
                Some(told) => hear(told),
                // Not what it was: it may be another app's text.
                None => tracing::warn!("the phone told what nobody understands"),
            }
            Ok(())
        });
        self.tell("listen", Listen { channel, notices });
    }

    /// Whether the page has something that going back would close. Without, going back
    /// leaves the app.
    pub fn hold_back(&self, on: bool) {
        self.tell("holdBack", On { on });
    }

    /// Whether pictures of the screen, and the system's overview, show nothing of it.
    pub fn protect(&self, on: bool) {
        self.tell("protect", On { on });
    }

    /// Whether notices may be shown.
    pub async fn may_notify(&self) -> Permission {
        self.permission("mayNotify").await
    }

    /// Lets the system ask a person whether notices may be shown.
    pub async fn ask_to_notify(&self) -> Permission {
        self.permission("askToNotify").await
    }

    async fn permission(&self, command: &'static str) -> Permission {
        let asked: Option<Permitted> = self.ask(command, Nothing {}).await;
        asked.map_or(Permission::Denied, |permitted| permitted.state)
    }

    /// Shows a notice, in place of the one of the same conversation.
    pub async fn show(&self, notice: Notice) {
        self.soon("show", notice).await;
    }

    /// Takes a notice back, if it stands.
    pub async fn withdraw(&self, taken: Taken) {
        self.soon("withdraw", taken).await;
    }

    /// How many are unread, on the app's picture.
    pub fn badge(&self, count: i64) {
        self.tell("badge", Badge { count });
    }

    /// Whether the system gives time in the background to look for news.
    pub fn refresh(&self, on: bool) {
        self.tell("refresh", On { on });
    }

    /// Nothing is connected any more: the system may put the app to rest.
    pub fn rest(&self) {
        self.tell("rest", Nothing {});
    }

    fn tell(&self, command: &'static str, payload: impl Serialize + Send + 'static) {
        let phone = self.clone();
        tauri::async_runtime::spawn(async move { phone.soon(command, payload).await });
    }

    async fn soon(&self, command: &'static str, payload: impl Serialize) {
        let asked = self.ask::<()>(command, payload);
        let _ = tokio::time::timeout(PATIENCE, asked).await;
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        command: &'static str,
        payload: impl Serialize,
    ) -> Option<T> {
        let answer = self.0.run_mobile_plugin_async(command, payload).await;
        answer
            // Not what it says: that may hold what was handed in.
            .map_err(|_| tracing::warn!(command, "the phone refused"))
            .ok()
    }
}

#[cfg(target_os = "android")]
#[derive(serde::Deserialize)]
struct Recognises {
    on: bool,
}

#[cfg(target_os = "android")]
#[derive(Serialize)]
struct Named {
    name: String,
}

/// What Android alone needs Kotlin for: Apple's biometrics are asked by Rust itself.
#[cfg(target_os = "android")]
impl<R: Runtime> Phone<R> {
    /// Whether somebody could be recognised now, strongly enough to guard a key.
    pub async fn recognises(&self) -> bool {
        let asked = self.android("recognises", Nothing {});
        let asked: Option<Recognises> = tokio::time::timeout(PATIENCE, asked).await.ok().flatten();
        asked.is_some_and(|recognises| recognises.on)
    }

    /// A new key of this name, given to its recognised person alone.
    pub async fn make_key(&self, question: Question) -> Given {
        self.given("makeKey", question).await
    }

    /// The key of this name.
    pub async fn give_key(&self, question: Question) -> Given {
        self.given("giveKey", question).await
    }

    /// Lets go of the key of this name.
    pub async fn forget_key(&self, name: String) {
        let asked = self.android::<()>("forgetKey", Named { name });
        let _ = tokio::time::timeout(PATIENCE, asked).await;
    }

    /// A person is asked, who may take their time.
    async fn given(&self, command: &'static str, question: Question) -> Given {
        let written: Option<Written> = self.android(command, question).await;
        written.map_or(Given::Unavailable, Given::from)
    }

    async fn android<T: DeserializeOwned>(
        &self,
        command: &'static str,
        payload: impl Serialize,
    ) -> Option<T> {
        self.ask(command, payload).await
    }
}
