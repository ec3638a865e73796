//! The window at home on a desktop: a daemon for notices, a panel with a tray
//! and a dock stand on a bus of this test alone, and see what a person would.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use whinchat_tests::{Kind, Options, ServerFixture, eventually_some};
use xtask::{Outcome, desktop::Keychain, webdriver::Window};
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, MatchRule, MessageStream, message::Type};

use super::{BOUND, app, folders, live, open_with, sign_in, told};

const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
const NOTICES: &str = "org.freedesktop.Notifications";
const NOTICES_AT: &str = "/org/freedesktop/Notifications";
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const WATCHER_AT: &str = "/StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const ITEM_AT: &str = "/StatusNotifierItem";

/// What the desktop is asked, or hears.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Notice {
        number: u32,
        title: String,
        body: String,
    },
    Close(u32),
    Tray(String),
    Badge(i64, bool),
}

struct Daemon {
    told: mpsc::Sender<Asked>,
    next: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    #[expect(clippy::unused_self, reason = "zbus calls it on an object")]
    fn get_capabilities(&self) -> Vec<&'static str> {
        vec!["actions", "body"]
    }

    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &mut self,
        _name: &str,
        replaces: u32,
        _icon: &str,
        title: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expire: i32,
    ) -> u32 {
        if replaces == 0 {
            self.next += 1;
        }
        let number = if replaces == 0 { self.next } else { replaces };
        let _ = self.told.send(Asked::Notice {
            number,
            title,
            body,
        });
        number
    }

    fn close_notification(&self, number: u32) {
        let _ = self.told.send(Asked::Close(number));
    }
}

struct Panel(mpsc::Sender<Asked>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Panel {
    fn register_status_notifier_item(&self, item: String) {
        let _ = self.0.send(Asked::Tray(item));
    }

    #[zbus(property)]
    #[expect(clippy::unused_self, reason = "zbus calls it on an object")]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    #[expect(clippy::unused_self, reason = "zbus calls it on an object")]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// The desktop, and everything that it was asked so far.
struct Desktop {
    runtime: tokio::runtime::Runtime,
    bus: Connection,
    asked: mpsc::Receiver<Asked>,
    heard: Vec<Asked>,
    /// Where what is waited for begins.
    since: usize,
}

impl Desktop {
    fn start(bus: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (tell, asked) = mpsc::channel();
        let bus = runtime.block_on(async {
            let daemon = Daemon {
                told: tell.clone(),
                next: 0,
            };
            let bus = zbus::connection::Builder::address(bus)?
                .name(NOTICES)?
                .name(WATCHER)?
                .serve_at(NOTICES_AT, daemon)?
                .serve_at(WATCHER_AT, Panel(tell.clone()))?
                .build()
                .await?;
            let rule = MatchRule::builder()
                .msg_type(Type::Signal)
                .interface("com.canonical.Unity.LauncherEntry")?
                .member("Update")?
                .build();
            let mut badges = MessageStream::for_match_rule(rule, &bus, None).await?;
            tokio::spawn(async move {
                while let Some(Ok(badge)) = badges.next().await {
                    let body = badge.body();
                    let Ok((whose, said)) = body.deserialize::<(&str, HashMap<&str, Value<'_>>)>()
                    else {
                        continue;
                    };
                    if whose != "application://Whinchat.desktop" {
                        continue;
                    }
                    let count = said.get("count").and_then(|it| it.downcast_ref().ok());
                    let seen = said.get("count-visible");
                    let seen = seen.and_then(|it| it.downcast_ref().ok());
                    let told = Asked::Badge(count.unwrap_or(0), seen.unwrap_or(false));
                    if tell.send(told).is_err() {
                        break;
                    }
                }
            });
            zbus::Result::Ok(bus)
        });
        Self {
            bus: bus.expect("a bus, as cargo xtask test gives"),
            runtime,
            asked,
            heard: Vec::new(),
            since: 0,
        }
    }

    fn listen(&mut self) {
        while let Ok(one) = self.asked.recv_timeout(Duration::from_millis(20)) {
            self.heard.push(one);
        }
    }

    /// What was asked before this does not count any more.
    fn forget_what_was(&mut self) {
        self.listen();
        self.since = self.heard.len();
    }

    /// Waits for something that it is asked, in any order.
    fn wait<T>(&mut self, what: &str, wanted: impl Fn(&Asked) -> Option<T>) -> T {
        eventually_some(what, BOUND, || {
            self.listen();
            let since = self.heard.get(self.since..).unwrap_or_default();
            since.iter().find_map(&wanted)
        })
    }

    /// A name may come after a message: then the same notice is shown again with it.
    fn notice_of(&mut self, name: &str, body: &str) -> u32 {
        self.wait(
            &format!("a notice of {name}: {body}"),
            |asked| match asked {
                Asked::Notice {
                    number,
                    title,
                    body: said,
                } if said == body && title.starts_with(name) => Some(*number),
                _ => None,
            },
        )
    }

    fn notice(&mut self, body: &str) -> (u32, String) {
        self.wait(&format!("a notice: {body}"), |asked| match asked {
            Asked::Notice {
                number,
                title,
                body: said,
            } if said == body => Some((*number, title.clone())),
            _ => None,
        })
    }

    fn press(&self, number: u32) {
        let body = (number, "default");
        let said = self
            .bus
            .emit_signal(None::<&str>, NOTICES_AT, NOTICES, "ActionInvoked", &body);
        self.runtime.block_on(said).expect("the press is said");
    }

    /// What the item in the tray says when one points at it.
    fn tooltip(&self, item: &str) -> String {
        let proxy = zbus::Proxy::new(&self.bus, item.to_owned(), ITEM_AT, ITEM);
        let tooltip = self.runtime.block_on(async {
            let value: OwnedValue = proxy.await.ok()?.get_property("ToolTip").await.ok()?;
            let (_, _, _, said) =
                <(String, Vec<(i32, i32, Vec<u8>)>, String, String)>::try_from(value).ok()?;
            Some(said)
        });
        tooltip.unwrap_or_default()
    }
}

/// Starts the app once more on the same folder, as the desktop does with a link.
fn start_again(data: &std::path::Path, link: &str, bus: &str) {
    let ended = Command::new(app())
        .arg("--data")
        .arg(data)
        .arg(link)
        .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
        .env(BUS, bus)
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert!(ended.status.success(), "{ended:?}");
}

fn shows(window: &Window, conversation: &str) -> Outcome {
    window
        .until(
            "the conversation",
            "return document.body.dataset.ready === 'conversation'
               && !!document.querySelector(`[data-conversation=\"${arguments[0]}\"] [aria-current=true],
                                            [data-conversation=\"${arguments[0]}\"][aria-current=true]`)",
            &json!([conversation]),
        )
        .map(drop)
}

fn leave(window: &Window) -> Outcome {
    window.run(
        "document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))",
        &json!([]),
    )?;
    window
        .until(
            "the list",
            "return document.body.dataset.ready === 'list'",
            &json!([]),
        )
        .map(drop)
}

fn at_home() -> Outcome {
    // Other windows have trays as well, and tell of their messages.
    let place = tempfile::tempdir().expect("a temporary folder");
    let display = std::env::var("DISPLAY").ok();
    let keychain = Keychain::start(place.path(), "test", display.as_deref())?;
    let bus = keychain.address();
    let mut desktop = Desktop::start(bus);
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let (alice, bob) = (server.alice().clone(), server.bob().clone());
    let folders = folders();
    let window = Window::open_with(&app(), &folders.alice, &[(BUS.to_owned(), bus.to_owned())])?;
    let item = desktop.wait("an item in the tray", |asked| match asked {
        Asked::Tray(item) => Some(item.clone()),
        _ => None,
    });
    sign_in(&window, &server.url(), &alice)?;
    live(&window)?;
    let says = |text: &str| {
        server.as_person(&bob).insert_rows(&json!([{
            "id": uuid::Uuid::now_v7().to_string(), "content": text,
            "sender_id": bob.id, "receiver_id": alice.id, "timestamp": "2026-01-01T00:00:00Z",
        }]));
    };
    let dm = format!("dm:{}", bob.id);

    desktop.forget_what_was();
    says("Are you there?");
    let number = desktop.notice_of(&bob.first_name, "Are you there?");
    desktop.wait("a badge", |asked| {
        (*asked == Asked::Badge(1, true)).then_some(())
    });
    eventually_some("the tray tells of it", BOUND, || {
        (desktop.tooltip(&item) == "1 unread message").then_some(())
    });

    // One more is told in its place, and a press on it leads there.
    says("Hello?");
    let (again, title) = desktop.notice("Hello?");
    assert_eq!(again, number, "it replaces the first");
    assert!(title.ends_with("(2)"), "{title}");
    desktop.forget_what_was();
    desktop.press(number);
    shows(&window, &dm)?;
    super::shown_once(&window, "Hello?", "sent")?;
    // What is read here is told no more.
    window.run("window.focus()", &json!([]))?;
    desktop.wait("the notice is withdrawn", |asked| {
        (*asked == Asked::Close(number)).then_some(())
    });
    desktop.wait("the badge goes", |asked| {
        matches!(asked, Asked::Badge(_, false)).then_some(())
    });

    // A link into the running program, by a second start.
    leave(&window)?;
    let encoded = server.url().replace(':', "%3A").replace('/', "%2F");
    let link = format!("whinchat://person/{}?server={encoded}", bob.id);
    start_again(&folders.alice, &link, bus);
    shows(&window, &dm)?;
    leave(&window)?;
    let foreign = format!("whinchat://person/{}?server=evil.example", bob.id);
    start_again(&folders.alice, &foreign, bus);
    let said = window.until(
        "the refusal",
        "return document.querySelector('#link-dialog')?.innerText",
        &json!([]),
    )?;
    assert!(said.as_str().unwrap_or_default().contains("evil.example"));
    window.click("#link-dialog button")?;

    // A person lets notices say only who wrote.
    window.click("#menu")?;
    window.click("#settings-open")?;
    window.click("#setting-show-text")?;
    window.until(
        "it is kept",
        "return !document.querySelector('#setting-show-text').checked",
        &json!([]),
    )?;
    window.click("#settings-close")?;
    says("A secret");
    desktop.notice("New message");
    open_with(&window, &bob)?;
    super::shown_once(&window, "A secret", "sent")?;
    let told_text = desktop.heard.iter().any(
        |asked| matches!(asked, Asked::Notice { body, title, .. } if format!("{title}{body}").contains("A secret")),
    );
    assert!(!told_text, "{:?}", desktop.heard);
    window.close();
    Ok(())
}

#[test]
fn a_desktop_is_told_of_messages_and_leads_back_to_them() {
    told(at_home());
}
