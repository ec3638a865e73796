//! Linux: NetworkManager and logind, over the system bus.
//!
//! Owns: what their signals mean. NetworkManager is only believed about
//! changes: where it manages nothing it says "disconnected" for ever, and the
//! network may be there all the same.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use zbus::{Connection, Proxy, proxy::CacheProperties, zvariant::Value};

use super::Messenger;

/// What the system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// There is a network, or there is none any more.
    Network(bool),
    /// The machine slept, or its way to the world is another: every socket is
    /// suspect.
    Resumed,
}

/// Hands on what is told until the bus is gone. Without one, ends at once.
pub async fn follow(messenger: &Messenger) {
    let bus = match Connection::system().await {
        Ok(bus) => bus,
        Err(error) => {
            tracing::debug!(%error, "no system bus");
            return;
        }
    };
    let (tell, mut told) = mpsc::channel(16);
    let listening = async move { follow_bus(&bus, &tell).await };
    let handing_on = async {
        while let Some(said) = told.recv().await {
            tracing::debug!(?said, "the system");
            match said {
                Said::Network(up) => messenger.network(up).await,
                Said::Resumed => messenger.resumed().await,
            }
        }
    };
    tokio::join!(listening, handing_on);
}

const NETWORK: &str = "org.freedesktop.NetworkManager";

async fn proxy<'a>(
    bus: &Connection,
    name: &'a str,
    path: &'a str,
    interface: &'a str,
) -> zbus::Result<Proxy<'a>> {
    zbus::proxy::Builder::new(bus)
        .destination(name)?
        .path(path)?
        .interface(interface)?
        .cache_properties(CacheProperties::No)
        .build()
        .await
}

/// Follows whichever of the two is there.
async fn follow_bus(bus: &Connection, tell: &mpsc::Sender<Said>) {
    let ended = tokio::join!(sleep(bus, tell), state(bus, tell), way(bus, tell));
    for error in [ended.0, ended.1, ended.2]
        .into_iter()
        .filter_map(Result::err)
    {
        tracing::debug!(%error, "the system tells no more");
    }
}

/// logind says true before a sleep and false after it.
async fn sleep(bus: &Connection, tell: &mpsc::Sender<Said>) -> zbus::Result<()> {
    let logind = proxy(
        bus,
        "org.freedesktop.login1",
        "/org/freedesktop/login1",
        "org.freedesktop.login1.Manager",
    )
    .await?;
    let mut signals = logind.receive_signal("PrepareForSleep").await?;
    while let Some(signal) = signals.next().await {
        if signal.body().deserialize::<bool>().ok() == Some(false) {
            let _ = tell.send(Said::Resumed).await;
        }
    }
    Ok(())
}

/// `NMState`: 20 disconnected, 30 and 40 on the way, from 50 on connected.
const fn meaning(state: u32) -> Option<Said> {
    match state {
        10 | 20 => Some(Said::Network(false)),
        50.. => Some(Said::Network(true)),
        _ => None,
    }
}

async fn state(bus: &Connection, tell: &mpsc::Sender<Said>) -> zbus::Result<()> {
    let manager = proxy(bus, NETWORK, "/org/freedesktop/NetworkManager", NETWORK).await?;
    let mut signals = manager.receive_signal("StateChanged").await?;
    while let Some(signal) = signals.next().await {
        let state = signal.body().deserialize::<u32>().unwrap_or_default();
        if let Some(said) = meaning(state) {
            let _ = tell.send(said).await;
        }
    }
    Ok(())
}

/// Another primary connection (from cable to wireless, through a VPN):
/// there is a network before and after, and every socket is dead.
async fn way(bus: &Connection, tell: &mpsc::Sender<Said>) -> zbus::Result<()> {
    let properties = proxy(
        bus,
        NETWORK,
        "/org/freedesktop/NetworkManager",
        "org.freedesktop.DBus.Properties",
    )
    .await?;
    let mut signals = properties.receive_signal("PropertiesChanged").await?;
    while let Some(signal) = signals.next().await {
        let body = signal.body();
        let Ok((interface, changed, _)) =
            body.deserialize::<(&str, HashMap<&str, Value<'_>>, Vec<&str>)>()
        else {
            continue;
        };
        let to = changed.get("PrimaryConnection");
        let gone = matches!(to, Some(Value::ObjectPath(path)) if path.as_str() == "/");
        if interface == NETWORK && to.is_some() && !gone {
            let _ = tell.send(Said::Resumed).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        io::{BufRead as _, BufReader},
        process::{Child, Command, Stdio},
        time::Duration,
    };

    use zbus::zvariant::{ObjectPath, Value};

    use super::*;

    /// A bus of our own, gone with the test.
    struct Bus(Child, String);

    impl Bus {
        fn start() -> Option<Self> {
            let mut child = Command::new("dbus-daemon")
                .args(["--session", "--nofork", "--print-address"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            let mut address = String::new();
            BufReader::new(child.stdout.take()?)
                .read_line(&mut address)
                .ok()?;
            Some(Self(child, address.trim().to_owned()))
        }

        async fn connect(&self, name: Option<&str>) -> Connection {
            let mut builder = zbus::connection::Builder::address(self.1.as_str()).unwrap();
            if let Some(name) = name {
                builder = builder.name(name.to_owned()).unwrap();
            }
            builder.build().await.unwrap()
        }
    }

    impl Drop for Bus {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn only_a_change_of_state_that_is_an_end_is_told() {
        let said = [10, 20, 30, 40, 50, 60, 70].map(meaning);
        let (down, up) = (Some(Said::Network(false)), Some(Said::Network(true)));
        assert_eq!(said, [down, down, None, None, up, up, up]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sleep_and_network_are_heard_on_the_bus() {
        let Some(bus) = Bus::start() else {
            // Without a bus there is nothing to hear; the states are tested above.
            return;
        };
        let logind = bus.connect(Some("org.freedesktop.login1")).await;
        let network = bus.connect(Some("org.freedesktop.NetworkManager")).await;
        let listener = bus.connect(None).await;
        let (tell, mut told) = mpsc::channel(64);
        let following = tokio::spawn(async move { follow_bus(&listener, &tell).await });
        const MANAGER: &str = "org.freedesktop.NetworkManager";
        const AT: &str = "/org/freedesktop/NetworkManager";
        let emit = async |what: &str| match what {
            "asleep" | "awake" => logind
                .emit_signal(
                    None::<()>,
                    "/org/freedesktop/login1",
                    "org.freedesktop.login1.Manager",
                    "PrepareForSleep",
                    &(what == "asleep"),
                )
                .await
                .unwrap(),
            "way" => {
                let path = ObjectPath::try_from("/active/2").unwrap();
                let changed = HashMap::from([("PrimaryConnection", Value::from(path))]);
                let body = (MANAGER, changed, Vec::<&str>::new());
                network
                    .emit_signal(
                        None::<()>,
                        AT,
                        "org.freedesktop.DBus.Properties",
                        "PropertiesChanged",
                        &body,
                    )
                    .await
                    .unwrap();
            }
            state => network
                .emit_signal(
                    None::<()>,
                    AT,
                    MANAGER,
                    "StateChanged",
                    &state.parse::<u32>().unwrap(),
                )
                .await
                .unwrap(),
        };
        // Said again until it is heard: the listener may not be there yet.
        for (what, wanted) in [
            ("awake", Said::Resumed),
            ("20", Said::Network(false)),
            ("70", Said::Network(true)),
            ("way", Said::Resumed),
        ] {
            let heard = async {
                loop {
                    emit(what).await;
                    let wait = tokio::time::timeout(Duration::from_millis(100), told.recv());
                    if let Ok(Some(said)) = wait.await
                        && said == wanted
                    {
                        return;
                    }
                }
            };
            tokio::time::timeout(Duration::from_secs(60), heard)
                .await
                .unwrap_or_else(|_| panic!("{what} is not heard"));
        }
        while told.try_recv().is_ok() {}
        emit("asleep").await;
        emit("40").await;
        emit("20").await;
        let mut next = told.recv().await;
        while next == Some(Said::Resumed) {
            next = told.recv().await;
        }
        assert_eq!(
            next,
            Some(Said::Network(false)),
            "neither of the others is told"
        );
        following.abort();
    }
}
