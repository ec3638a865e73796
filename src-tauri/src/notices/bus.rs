//! Notices on a Linux desktop: `org.freedesktop.Notifications`, the Desktop
//! Notifications Specification 1.2, and KDE's `inline-reply`.
//!
//! Owns: which number the desktop gave to which notice, so that it can be
//! replaced and withdrawn. Never: which notice there is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use whinchat_core::product;
use zbus::{Connection, MatchRule, MessageStream, message::Type, zvariant::Value};

use super::{Answer, Key, Order, Sign};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The default action: a press on the notice itself.
const PRESS: &str = "default";
const REPLY: &str = "inline-reply";
/// Why it was closed: a person put it away.
const PUT_AWAY: u32 = 2;

/// The notices that stand on one desktop.
struct Desk {
    bus: Connection,
    abilities: BTreeSet<String>,
    numbers: BTreeMap<Key, u32>,
}

/// Does what is ordered and hands on what a person answers, until nobody
/// orders any more. Where there is no session bus nothing is shown.
pub async fn run(orders: mpsc::UnboundedReceiver<Order>, answers: mpsc::UnboundedSender<Answer>) {
    match Connection::session().await {
        Ok(bus) => {
            if let Err(error) = run_on(bus, orders, answers).await {
                tracing::warn!(%error, "no more notices");
            }
        }
        Err(error) => tracing::info!(%error, "no session bus: no notices"),
    }
}

/// [`run`], on this bus.
pub(super) async fn run_on(
    bus: Connection,
    mut orders: mpsc::UnboundedReceiver<Order>,
    answers: mpsc::UnboundedSender<Answer>,
) -> zbus::Result<()> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .interface(NAME)?
        .path(PATH)?
        .build();
    let mut signals = MessageStream::for_match_rule(rule, &bus, Some(64)).await?;
    let mut desk = Desk {
        bus,
        abilities: BTreeSet::new(),
        numbers: BTreeMap::new(),
    };
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                // A desktop without a daemon for notices has none.
                Some(order) => if let Err(error) = desk.obey(order).await {
                    tracing::debug!(%error, "a notice was not shown");
                },
                None => return Ok(()),
            },
            signal = signals.next() => match signal {
                Some(Ok(signal)) => if let Some(answer) = desk.hear(&signal) {
                    let _ = answers.send(answer);
                },
                Some(Err(error)) => tracing::debug!(%error, "a signal can't be read"),
                None => return Ok(()),
            },
        }
    }
}

impl Desk {
    async fn obey(&mut self, order: Order) -> zbus::Result<()> {
        match order {
            Order::Show(sign) => self.show(sign).await,
            Order::Withdraw(key) => match self.numbers.remove(&key) {
                Some(number) => self
                    .bus
                    .call_method(Some(NAME), PATH, Some(NAME), "CloseNotification", &number)
                    .await
                    .map(drop),
                None => Ok(()),
            },
        }
    }

    /// What this desktop can do is asked each time that it has no notice of
    /// ours: another daemon may have come.
    async fn ask_abilities(&mut self) -> zbus::Result<()> {
        if self.numbers.is_empty() {
            let answer = self
                .bus
                .call_method(Some(NAME), PATH, Some(NAME), "GetCapabilities", &())
                .await?;
            self.abilities = answer.body().deserialize()?;
        }
        Ok(())
    }

    async fn show(&mut self, sign: Sign) -> zbus::Result<()> {
        self.ask_abilities().await?;
        let can = |ability: &str| self.abilities.contains(ability);
        let body = if can("body-markup") {
            escaped(&sign.body)
        } else {
            sign.body
        };
        let mut actions = Vec::new();
        if can("actions") {
            actions.extend([PRESS, sign.open.as_str()]);
            if let Some(reply) = sign.reply.as_deref().filter(|_| can(REPLY)) {
                actions.extend([REPLY, reply]);
            }
        }
        let entry = product::NAME;
        let mut hints = HashMap::from([
            ("desktop-entry", Value::from(entry)),
            ("category", Value::from("im.received")),
            ("urgency", Value::from(1_u8)),
        ]);
        if sign.quiet {
            hints.insert("suppress-sound", Value::from(true));
        }
        if let Some(reply) = &sign.reply {
            hints.insert("x-kde-reply-placeholder-text", Value::from(reply.as_str()));
        }
        let replaced = self.numbers.get(&sign.key).copied().unwrap_or(0);
        let icon = product::NAME.to_lowercase();
        let answer = self
            .bus
            .call_method(
                Some(NAME),
                PATH,
                Some(NAME),
                "Notify",
                &(
                    product::NAME,
                    replaced,
                    icon,
                    sign.title,
                    body,
                    actions,
                    hints,
                    -1_i32,
                ),
            )
            .await?;
        self.numbers.insert(sign.key, answer.body().deserialize()?);
        Ok(())
    }

    /// What a signal says about a notice of ours. Those of other programs come
    /// as well: only numbers that are known here are looked at.
    fn hear(&mut self, signal: &zbus::Message) -> Option<Answer> {
        let header = signal.header();
        let body = signal.body();
        let of = |number: u32, numbers: &BTreeMap<Key, u32>| {
            let mut all = numbers.iter();
            all.find(|(_, known)| **known == number)
                .map(|(key, _)| key.clone())
        };
        match header.member()?.as_str() {
            "ActionInvoked" => {
                let (number, action) = body.deserialize::<(u32, &str)>().ok()?;
                let key = of(number, &self.numbers)?;
                (action == PRESS).then_some(Answer::Open(key))
            }
            "NotificationReplied" => {
                let (number, text) = body.deserialize::<(u32, &str)>().ok()?;
                let key = of(number, &self.numbers)?;
                let text = text.to_owned();
                Some(Answer::Reply { key, text })
            }
            "NotificationClosed" => {
                let (number, why) = body.deserialize::<(u32, u32)>().ok()?;
                let key = of(number, &self.numbers)?;
                self.numbers.remove(&key);
                (why == PUT_AWAY).then_some(Answer::PutAway(key))
            }
            _ => None,
        }
    }
}

/// Text that a desktop which reads markup shows as it was written.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::{
        io::{BufRead as _, BufReader},
        process::{Child, Command, Stdio},
        time::Duration,
    };
    use zbus::object_server::SignalEmitter;
    use zbus::zvariant::OwnedValue;

    /// A bus of a test's own.
    pub struct Bus(Child, String);

    impl Bus {
        pub fn start() -> Self {
            let mut child = Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("dbus-daemon is installed (cargo xtask test installs it)");
            let mut address = String::new();
            BufReader::new(child.stdout.take().unwrap())
                .read_line(&mut address)
                .unwrap();
            Self(child, address.trim().to_owned())
        }

        pub fn connection(&self) -> zbus::connection::Builder<'_> {
            zbus::connection::Builder::address(self.1.as_str()).unwrap()
        }
    }

    impl Drop for Bus {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// What a desktop was asked to do.
    #[derive(Debug, PartialEq, Eq)]
    pub enum Asked {
        Notify {
            number: u32,
            replaces: u32,
            title: String,
            body: String,
            actions: Vec<String>,
            hints: BTreeSet<String>,
        },
        Close(u32),
    }

    /// A desktop that has these abilities, and tells what it was asked.
    pub struct Desktop {
        abilities: &'static [&'static str],
        next: u32,
        told: mpsc::UnboundedSender<Asked>,
    }

    #[zbus::interface(name = "org.freedesktop.Notifications")]
    impl Desktop {
        fn get_capabilities(&self) -> Vec<&'static str> {
            self.abilities.to_vec()
        }

        #[expect(clippy::too_many_arguments, reason = "the specification's")]
        fn notify(
            &mut self,
            name: &str,
            replaces: u32,
            icon: &str,
            title: String,
            body: String,
            actions: Vec<String>,
            hints: HashMap<String, OwnedValue>,
            _expire: i32,
        ) -> u32 {
            assert_eq!((name, icon), ("Whinchat", "whinchat"));
            let number = if replaces == 0 {
                self.next += 1;
                self.next
            } else {
                replaces
            };
            let hints = hints.into_keys().collect();
            let asked = Asked::Notify {
                number,
                replaces,
                title,
                body,
                actions,
                hints,
            };
            self.told.send(asked).unwrap();
            number
        }

        async fn close_notification(
            &self,
            number: u32,
            #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        ) {
            self.told.send(Asked::Close(number)).unwrap();
            Self::notification_closed(&emitter, number, 3)
                .await
                .unwrap();
        }

        #[zbus(signal)]
        async fn notification_closed(
            emitter: &SignalEmitter<'_>,
            number: u32,
            why: u32,
        ) -> zbus::Result<()>;
    }

    pub async fn desktop(
        bus: &Bus,
        abilities: &'static [&'static str],
    ) -> (Connection, mpsc::UnboundedReceiver<Asked>) {
        let (told, asked) = mpsc::unbounded_channel();
        let desktop = Desktop {
            abilities,
            next: 40,
            told,
        };
        let served = bus.connection().name(NAME).unwrap();
        let served = served.serve_at(PATH, desktop).unwrap();
        (served.build().await.unwrap(), asked)
    }

    pub async fn soon<T>(what: impl Future<Output = Option<T>>) -> T {
        tokio::time::timeout(Duration::from_secs(30), what)
            .await
            .expect("in time")
            .expect("it goes on")
    }

    fn key(conversation: &str) -> Key {
        Key {
            account: "one".to_owned(),
            conversation: Some(conversation.to_owned()),
        }
    }

    fn sign(conversation: &str, body: &str) -> Order {
        Order::Show(Sign {
            key: key(conversation),
            title: "Bob <b>".to_owned(),
            body: body.to_owned(),
            open: "Open".to_owned(),
            reply: Some("Reply".to_owned()),
            quiet: false,
        })
    }

    pub async fn emit(
        desktop: &Connection,
        signal: &str,
        body: &(impl serde::Serialize + zbus::zvariant::DynamicType),
    ) {
        desktop
            .emit_signal(None::<&str>, PATH, NAME, signal, body)
            .await
            .unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_notice_is_shown_replaced_answered_and_withdrawn() {
        let bus = Bus::start();
        let (daemon, mut asked) =
            desktop(&bus, &["actions", "body", "body-markup", "inline-reply"]).await;
        let (order, orders) = mpsc::unbounded_channel();
        let (answers, mut answered) = mpsc::unbounded_channel();
        let app = bus.connection().build().await.unwrap();
        let running = tokio::spawn(run_on(app, orders, answers));

        order.send(sign("dm:bob", "<b>1 & 2</b>")).unwrap();
        let first = soon(asked.recv()).await;
        let Asked::Notify {
            number,
            replaces: 0,
            title,
            body,
            actions,
            hints,
        } = first
        else {
            panic!("{first:?}")
        };
        assert_eq!((number, title.as_str()), (41, "Bob <b>"));
        assert_eq!(body, "&lt;b&gt;1 &amp; 2&lt;/b&gt;", "markup is text");
        assert_eq!(actions, ["default", "Open", "inline-reply", "Reply"]);
        assert!(hints.contains("desktop-entry") && !hints.contains("suppress-sound"));

        order.send(sign("dm:bob", "again")).unwrap();
        order.send(sign("dm:carol", "another")).unwrap();
        let again = soon(asked.recv()).await;
        assert!(matches!(
            again,
            Asked::Notify {
                number: 41,
                replaces: 41,
                ..
            }
        ));
        let other = soon(asked.recv()).await;
        assert!(matches!(
            other,
            Asked::Notify {
                number: 42,
                replaces: 0,
                ..
            }
        ));

        // A press on another program's notice is not ours.
        emit(&daemon, "ActionInvoked", &(7_u32, "default")).await;
        emit(&daemon, "ActionInvoked", &(41_u32, "default")).await;
        assert_eq!(soon(answered.recv()).await, Answer::Open(key("dm:bob")));
        emit(&daemon, "NotificationReplied", &(42_u32, "On my way")).await;
        let reply = Answer::Reply {
            key: key("dm:carol"),
            text: "On my way".to_owned(),
        };
        assert_eq!(soon(answered.recv()).await, reply);
        emit(&daemon, "NotificationClosed", &(42_u32, PUT_AWAY)).await;
        assert_eq!(
            soon(answered.recv()).await,
            Answer::PutAway(key("dm:carol"))
        );

        order.send(Order::Withdraw(key("dm:carol"))).unwrap();
        order.send(Order::Withdraw(key("dm:bob"))).unwrap();
        assert_eq!(soon(asked.recv()).await, Asked::Close(41), "hers is gone");
        // What was withdrawn is not replaced.
        order.send(sign("dm:bob", "new")).unwrap();
        let new = soon(asked.recv()).await;
        assert!(matches!(
            new,
            Asked::Notify {
                number: 43,
                replaces: 0,
                ..
            }
        ));
        drop(order);
        running.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_desktop_that_can_do_less_is_asked_for_less_and_none_is_no_harm() {
        let bus = Bus::start();
        let (order, orders) = mpsc::unbounded_channel();
        let (answers, _answered) = mpsc::unbounded_channel();
        let app = bus.connection().build().await.unwrap();
        let running = tokio::spawn(run_on(app, orders, answers));
        // Nobody shows notices yet: the order is lost, and it goes on.
        order.send(sign("dm:bob", "lost")).unwrap();
        order.send(Order::Withdraw(key("dm:bob"))).unwrap();
        let (_daemon, mut asked) = desktop(&bus, &["body"]).await;
        // Whether the first was lost already is seen from outside.
        order.send(sign("dm:bob", "a < b")).unwrap();
        let told = loop {
            match soon(asked.recv()).await {
                Asked::Notify { body, .. } if body == "lost" => {}
                Asked::Close(_) => {}
                told => break told,
            }
        };
        let Asked::Notify { body, actions, .. } = told else {
            panic!("{told:?}")
        };
        assert_eq!(body, "a < b", "no markup, nothing to escape");
        assert!(actions.is_empty());
        drop(order);
        running.await.unwrap().unwrap();
    }
}
