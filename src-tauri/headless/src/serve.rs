//! Commands in, answers, batches and events out, until stdin ends.
//!
//! The protocol is written down in `docs/rpc.md`; the tests below hold it to
//! what the program really speaks.

use std::{collections::BTreeSet, process::ExitCode};

use serde_json::{Value, json};
use tokio::{
    io::{self, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    sync::{broadcast::error::RecvError, mpsc},
    task::JoinHandle,
};
use whinchat_core::{
    bridge::{Code, Command, Line, Problem},
    model::AccountId,
    product,
    runtime::Messenger,
};

/// The longest line that is taken, in bytes.
const LONGEST: u64 = 4 << 20;

/// The protocol's version, as `docs/rpc.md` counts it.
const PROTOCOL: u32 = 1;

/// How many lines may wait to be written.
const WAITING: usize = 1024;

/// Serves until stdin ends, stdout is closed, or a signal comes.
pub async fn serve(messenger: Messenger, events: bool) -> ExitCode {
    let (out, lines) = mpsc::channel(WAITING);
    let writer = tokio::spawn(write(lines));
    if events {
        tokio::spawn(tell_events(messenger.clone(), out.clone()));
    }
    let system = messenger.clone();
    tokio::spawn(async move { system.follow_system().await });
    tokio::select! {
        () = answer_all(&messenger, &out) => {}
        () = out.closed() => {}
        () = asked_to_stop() => {}
    }
    messenger.shutdown().await;
    // What waits before this is still written.
    let _ = out.send(END).await;
    finish(writer).await
}

/// After this line nothing is written.
const END: Value = Value::Null;

async fn finish(writer: JoinHandle<io::Result<()>>) -> ExitCode {
    let patience = std::time::Duration::from_secs(2);
    match tokio::time::timeout(patience, writer).await {
        Ok(Ok(Err(_))) => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

async fn write(mut lines: mpsc::Receiver<Value>) -> io::Result<()> {
    let mut stdout = io::stdout();
    while let Some(line) = lines.recv().await {
        if line == END {
            break;
        }
        let mut text = line.to_string();
        text.push('\n');
        stdout.write_all(text.as_bytes()).await?;
        if lines.is_empty() {
            stdout.flush().await?;
        }
    }
    stdout.flush().await
}

async fn answer_all(messenger: &Messenger, out: &mpsc::Sender<Value>) {
    let mut stdin = BufReader::new(io::stdin());
    let mut streams = BTreeSet::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut stdin)
            .take(LONGEST)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if !line.ends_with(b"\n") && u64::try_from(line.len()) == Ok(LONGEST) {
            // What follows can't be told from a command.
            say(out, &Value::Null, Err(Problem::new(Code::BadCommand))).await;
            return;
        }
        let Line { id, command } = match Line::read(&line) {
            Ok(line) => line,
            Err(id) => {
                let answer = if asks_for_protocol(&line) {
                    Ok(json!({"protocol": PROTOCOL, "version": product::VERSION}))
                } else {
                    Err(Problem::new(Code::BadCommand))
                };
                say(out, &id, answer).await;
                continue;
            }
        };
        // These take their time, and one of them breaks off another.
        if let Command::Discover { .. }
        | Command::SetUpPlan
        | Command::SetUpApply { .. }
        | Command::SetUpVerify
        | Command::SetUpStop
        | Command::SetUpEnd = command
        {
            let (messenger, out) = (messenger.clone(), out.clone());
            tokio::spawn(async move {
                let answer = messenger.call(command).await;
                say(&out, &id, answer).await;
            });
            continue;
        }
        // Subscribed before it is opened, so that nothing is missed between.
        if let Command::Open { account } = &command
            && let Ok(account) = account.parse()
        {
            stream(messenger, account, &mut streams, out);
        }
        let answer = messenger.call(command).await;
        say(out, &id, answer).await;
    }
}

fn stream(
    messenger: &Messenger,
    account: AccountId,
    streams: &mut BTreeSet<AccountId>,
    out: &mpsc::Sender<Value>,
) {
    if !streams.insert(account) {
        return;
    }
    let Ok(mut stream) = messenger.subscribe(account) else {
        streams.remove(&account);
        return;
    };
    let out = out.clone();
    tokio::spawn(async move {
        while let Some(batch) = stream.next().await {
            if out.send(json!({"batch": batch})).await.is_err() {
                return;
            }
        }
    });
}

async fn tell_events(messenger: Messenger, out: mpsc::Sender<Value>) {
    let mut events = messenger.events();
    loop {
        let line = match events.recv().await {
            Ok(event) => serde_json::to_value(event).unwrap_or_default(),
            Err(RecvError::Lagged(missed)) => json!({"event": "missed", "value": missed}),
            Err(RecvError::Closed) => return,
        };
        if out.send(line).await.is_err() {
            return;
        }
    }
}

/// The one command that is no messenger's: what is spoken here.
fn asks_for_protocol(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_ok_and(|line| line["command"] == "protocol")
}

async fn say(out: &mpsc::Sender<Value>, id: &Value, answer: Result<Value, Problem>) {
    let line = match answer {
        Ok(value) => json!({"id": id, "ok": value}),
        Err(problem) => json!({"id": id, "error": problem}),
    };
    // A closed stdout ends the program elsewhere.
    let _ = out.send(line).await;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/rpc.md");
    const TYPES: &str = include_str!("../../../ui/types/bridge.ts");

    /// The first cells of the table rows in a section of the document.
    fn listed(section: &str) -> BTreeSet<&'static str> {
        let (_, after) = DOCUMENT.split_once(&format!("\n## {section}")).unwrap();
        let part = after.split("\n## ").next().unwrap();
        part.lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect()
    }

    /// The names that a tagged type has in the generated types.
    fn named(tag: &str) -> BTreeSet<&'static str> {
        let mark = format!("\"{tag}\": \"");
        TYPES
            .match_indices(&mark)
            .filter_map(|(at, _)| TYPES.get(at + mark.len()..)?.split('"').next())
            .collect()
    }

    #[test]
    fn the_document_lists_every_command_change_and_code_and_no_other() {
        let mut commands = named("command");
        assert!(commands.len() > 15, "{commands:?}");
        commands.insert("protocol");
        assert_eq!(listed("Commands"), commands);
        let changes = named("kind");
        assert!(changes.len() > 5, "{changes:?}");
        assert_eq!(listed("Batches"), changes);
        let codes: Vec<String> = Code::ALL
            .iter()
            .map(|code| {
                serde_json::to_value(code)
                    .unwrap()
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let codes: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
        assert_eq!(listed("Errors"), codes);
        for code in Code::ALL {
            let name = serde_json::to_value(code).unwrap();
            let action = serde_json::to_value(code.action()).unwrap();
            let row = format!(
                "| `{}` | `{}` |",
                name.as_str().unwrap(),
                action.as_str().unwrap()
            );
            assert!(DOCUMENT.contains(&row), "{row}");
        }
        let events = BTreeSet::from([
            "message",
            "connection",
            "unread",
            "session",
            "set_up",
            "missed",
        ]);
        assert_eq!(listed("Events"), events);
        assert!(DOCUMENT.contains(&format!("Version **{PROTOCOL}**")));
    }

    #[test]
    fn every_example_in_the_document_is_a_command() {
        let lines = DOCUMENT.lines().filter(|line| line.starts_with("{\"id\":"));
        let mut seen = BTreeSet::new();
        for line in lines {
            let raw: Value = serde_json::from_str(line).unwrap();
            let name = raw["command"].as_str().unwrap().to_owned();
            let ours = asks_for_protocol(line.as_bytes());
            assert_ne!(ours, Line::read(line.as_bytes()).is_ok(), "{line}");
            seen.insert(name);
        }
        let seen: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
        assert_eq!(seen, listed("Commands"), "each has an example");
    }
}
