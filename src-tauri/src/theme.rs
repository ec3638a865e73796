//! Light or dark, as a person chose it or as the desktop has it, and the size
//! of text, before the first paint.
//!
//! Owns: asking for it, and telling when it changes. On Linux WebKitGTK often reports light under a dark
//! desktop, so the desktop portal is asked; elsewhere, and where no portal
//! answers, the page's own `prefers-color-scheme` decides.

use crate::settings::{Choices, Theme};

/// The desktop's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark text on light ground.
    Light,
    /// Light text on dark ground.
    Dark,
}

impl Scheme {
    /// As the page names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A script that marks the document before it is painted. What a person chose
/// goes before the desktop's choice.
pub fn script(desktop: Option<Scheme>, choices: &Choices) -> String {
    let scheme = match choices.theme {
        Theme::Light => Some(Scheme::Light),
        Theme::Dark => Some(Scheme::Dark),
        Theme::System => desktop,
    };
    let mut script = String::from("const root = document.documentElement;\n");
    if let Some(scheme) = scheme {
        let name = scheme.name();
        script.push_str(&format!("root?.setAttribute('data-theme', '{name}');\n"));
    }
    if choices.text_size != 100 {
        let size = choices.text_size;
        script.push_str(&format!("if (root) root.style.fontSize = '{size}%';\n"));
    }
    if choices.compact {
        script.push_str("root?.setAttribute('data-room', 'compact');\n");
    }
    // A name of its own for each document, and none that the page sees.
    format!("(() => {{\n{script}}})();")
}

/// What the portal's `color-scheme` means: 1 dark, 2 light, 0 no preference
/// (org.freedesktop.portal.Settings, namespace org.freedesktop.appearance).
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
const fn of_portal(value: u32) -> Option<Scheme> {
    match value {
        1 => Some(Scheme::Dark),
        2 => Some(Scheme::Light),
        _ => None,
    }
}

/// Asks the desktop, for at most 300 ms.
#[cfg(target_os = "linux")]
pub async fn ask() -> Option<Scheme> {
    let asked = async {
        let bus = zbus::Connection::session().await.ok()?;
        portal::read(&bus).await
    };
    tokio::time::timeout(std::time::Duration::from_millis(300), asked)
        .await
        .ok()
        .flatten()
}

/// Tells each further choice of the desktop, for as long as `tell` says yes.
#[cfg(target_os = "linux")]
pub async fn follow(tell: impl FnMut(Option<Scheme>) -> bool) {
    if let Ok(bus) = zbus::Connection::session().await {
        // A desktop without a portal has no choice to tell.
        let _ = portal::follow(&bus, tell).await;
    }
}

/// Elsewhere the page's own media query tells the truth.
#[cfg(not(target_os = "linux"))]
pub async fn ask() -> Option<Scheme> {
    None
}

/// Elsewhere the page's own media query follows by itself.
#[cfg(not(target_os = "linux"))]
pub async fn follow(_tell: impl FnMut(Option<Scheme>) -> bool) {}

/// The desktop portal's settings (org.freedesktop.portal.Settings).
#[cfg(target_os = "linux")]
mod portal {
    use super::{Scheme, of_portal};
    use futures_util::StreamExt as _;
    use zbus::{MatchRule, MessageStream, message::Type, zvariant::OwnedValue};

    pub const NAME: &str = "org.freedesktop.portal.Desktop";
    pub const PATH: &str = "/org/freedesktop/portal/desktop";
    const SETTINGS: &str = "org.freedesktop.portal.Settings";
    const NAMESPACE: &str = "org.freedesktop.appearance";
    const KEY: &str = "color-scheme";

    fn scheme(value: OwnedValue) -> Option<Scheme> {
        of_portal(u32::try_from(value).ok()?)
    }

    pub async fn read(bus: &zbus::Connection) -> Option<Scheme> {
        let answer = bus
            .call_method(
                Some(NAME),
                PATH,
                Some(SETTINGS),
                "ReadOne",
                &(NAMESPACE, KEY),
            )
            .await
            .ok()?;
        scheme(answer.body().deserialize().ok()?)
    }

    /// Ends when the bus does, or when nobody wants to know any more.
    pub async fn follow(
        bus: &zbus::Connection,
        mut tell: impl FnMut(Option<Scheme>) -> bool,
    ) -> zbus::Result<()> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(NAME)?
            .interface(SETTINGS)?
            .member("SettingChanged")?
            .arg(0, NAMESPACE)?
            .arg(1, KEY)?
            .build();
        let mut changes = MessageStream::for_match_rule(rule, bus, None).await?;
        while let Some(change) = changes.next().await {
            let body = change?.body();
            let Ok((_, _, value)) = body.deserialize::<(String, String, OwnedValue)>() else {
                continue;
            };
            if !tell(scheme(value)) {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktops_choice_is_marked_before_the_first_paint() {
        assert_eq!(of_portal(1), Some(Scheme::Dark));
        assert_eq!(of_portal(2), Some(Scheme::Light));
        assert_eq!(of_portal(0), None);
        let usual = Choices::default();
        assert!(script(Some(Scheme::Dark), &usual).contains("'data-theme', 'dark'"));
        for untouched in ["data-theme", "fontSize", "data-room"] {
            assert!(!script(None, &usual).contains(untouched));
        }
    }

    #[test]
    fn what_a_person_chose_goes_before_the_desktops_choice() {
        let chosen = Choices {
            theme: Theme::Light,
            text_size: 125,
            compact: true,
            ..Choices::default()
        };
        let script = script(Some(Scheme::Dark), &chosen);
        assert!(script.contains("'light'") && !script.contains("'dark'"));
        assert!(script.contains("'125%'") && script.contains("'compact'"));
    }

    /// A bus of this test's own, with a desktop on it.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_desktops_further_choices_are_told() {
        use std::io::{BufRead as _, BufReader};
        use std::process::{Child, Command, Stdio};
        use tokio::sync::mpsc;
        use zbus::zvariant::Value;

        struct Bus(Child);
        impl Drop for Bus {
            fn drop(&mut self) {
                let _ = self.0.kill();
                let _ = self.0.wait();
            }
        }
        struct Settings;
        #[zbus::interface(name = "org.freedesktop.portal.Settings")]
        impl Settings {
            #[expect(clippy::unused_self, reason = "zbus calls it on an object")]
            fn read_one(&self, _namespace: &str, _key: &str) -> Value<'static> {
                Value::U32(1)
            }
        }

        let mut bus = Bus(Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is installed (cargo xtask test installs it)"));
        let mut address = String::new();
        BufReader::new(bus.0.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        let connect = || zbus::connection::Builder::address(address.trim()).unwrap();
        let desktop = connect()
            .name(portal::NAME)
            .unwrap()
            .serve_at(portal::PATH, Settings)
            .unwrap()
            .build()
            .await
            .unwrap();
        let app = connect().build().await.unwrap();
        assert_eq!(portal::read(&app).await, Some(Scheme::Dark));

        let (told, mut changes) = mpsc::unbounded_channel();
        let following = tokio::spawn(async move {
            portal::follow(&app, move |scheme| told.send(scheme).is_ok()).await
        });
        let say = async |namespace: &str, value: u32| {
            let body = (namespace, "color-scheme", Value::U32(value));
            let interface = "org.freedesktop.portal.Settings";
            desktop
                .emit_signal(
                    None::<&str>,
                    portal::PATH,
                    interface,
                    "SettingChanged",
                    &body,
                )
                .await
                .unwrap();
        };
        // Whether it listens yet is seen from outside: it is told when it does.
        let appearance = "org.freedesktop.appearance";
        let patience = std::time::Duration::from_secs(30);
        let first = tokio::time::timeout(patience, async {
            loop {
                say(appearance, 2).await;
                let brief = std::time::Duration::from_millis(100);
                if let Ok(first) = tokio::time::timeout(brief, changes.recv()).await {
                    break first.unwrap();
                }
            }
        });
        assert_eq!(first.await.unwrap(), Some(Scheme::Light));
        say("org.gnome.desktop.interface", 2).await;
        say(appearance, 1).await;
        say(appearance, 0).await;
        let rest = tokio::time::timeout(patience, async {
            let mut rest = Vec::new();
            while rest.last() != Some(&None) {
                rest.push(changes.recv().await.unwrap());
            }
            rest
        });
        let mut rest = rest.await.unwrap();
        // Those that asked whether it listens.
        rest.retain(|scheme| *scheme != Some(Scheme::Light));
        assert_eq!(rest, [Some(Scheme::Dark), None]);
        // It ends when nobody wants to know any more.
        drop(changes);
        say(appearance, 1).await;
        let ended = tokio::time::timeout(patience, following).await.unwrap();
        ended.unwrap().unwrap();
    }
}
