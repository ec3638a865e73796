//! Send to receive: from a person's Enter to the other side's core having it.
//!
//! ```text
//!  ours:  Alice's core: queued, committed -> POST -> Directus -> socket -> Bob's core: committed, patched
//!  floor: a bare POST                             -> Directus -> a bare socket: parsed
//! ```
//! In pairs, one right after the other, on one server to which both cores and
//! the bare socket are connected all the time, so that it has the same to do
//! for either. The next begins when everybody has the last.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant as Clock},
};

use tokio::{sync::mpsc, time::timeout};
use whinchat_core::{
    bridge::{Change, ConnectionState, MessageState},
    directus::call::{Call, Outgoing},
    model::{AccountId, ConversationId, Instant, MessageId, PersonId, Stamps},
    runtime::{Messenger, Subscription},
};

use crate::{
    Outcome, Size, block_on,
    figure::{Budget, Figure, Runs, Section},
    server::{BareRest, BareSocket, Directus},
};

/// Longer than any message takes.
const BOUND: Duration = Duration::from_secs(60);

/// Who has heard something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ear {
    AlicesCore,
    BobsCore,
    Bare,
}

/// A text was heard then.
type Heard = (Ear, String, Clock);

/// Tells of every message that a core shows as sent.
async fn listen(ear: Ear, mut stream: Subscription, to: mpsc::UnboundedSender<Heard>) {
    while let Some(batch) = stream.next().await {
        let at = Clock::now();
        for change in batch.changes {
            if let Change::Message(row) = change
                && row.state == MessageState::Sent
                && to.send((ear, row.text, at)).is_err()
            {
                return;
            }
        }
    }
}

async fn listen_barely(mut socket: BareSocket, to: mpsc::UnboundedSender<Heard>) {
    while let Ok(rows) = socket.rows().await {
        let at = Clock::now();
        for row in rows {
            let text = row.content.unwrap_or_default();
            if to.send((Ear::Bare, text, at)).is_err() {
                return;
            }
        }
    }
}

/// Opens an account, watches a conversation, and waits until it is live.
async fn open(messenger: &Messenger, account: AccountId, with: PersonId) -> Outcome<Subscription> {
    let mut first = messenger.subscribe(account)?;
    let stream = messenger.subscribe(account)?;
    messenger.open(account).await?;
    messenger
        .watch(
            account,
            Some(stream.id()),
            Some(ConversationId::Direct(with)),
        )
        .await?;
    until_live(&mut first).await?;
    Ok(stream)
}

/// Waits until a connection is live; gives when it began to catch up and when it had.
pub async fn until_live(stream: &mut Subscription) -> Outcome<(Clock, Clock)> {
    let mut begun = None;
    let live = timeout(BOUND, async {
        while let Some(batch) = stream.next().await {
            for change in batch.changes {
                let Change::Connection(connection) = change else {
                    continue;
                };
                match connection.state {
                    ConnectionState::CatchingUp => begun = Some(Clock::now()),
                    ConnectionState::Live => return Some(Clock::now()),
                    _ => {}
                }
            }
        }
        None
    });
    match (live.await?, begun) {
        (Some(live), Some(begun)) => Ok((begun, live)),
        (live, _) => Err(format!("no catch-up was seen, live: {}", live.is_some()).into()),
    }
}

/// Waits until everybody has a text; gives when who had it.
async fn heard_by_all(
    ears: &mut mpsc::UnboundedReceiver<Heard>,
    text: &str,
) -> Outcome<BTreeMap<Ear, Clock>> {
    let mut heard = BTreeMap::new();
    while heard.len() < 3 {
        let next = timeout(BOUND, ears.recv()).await;
        let next = next.map_err(|_| format!("\"{text}\" was heard by {heard:?} alone"))?;
        let (ear, what, at) = next.ok_or("nobody listens any more")?;
        if what == text {
            heard.entry(ear).or_insert(at);
        }
    }
    Ok(heard)
}

/// Measures it.
pub fn measure(size: &Size) -> Outcome<Section> {
    block_on(pairs(size.pairs))
}

async fn pairs(count: usize) -> Outcome<Section> {
    let server = Directus::start().await?;
    let folder = tempfile::tempdir()?;
    let (hers, her_account) = server
        .sign_in(folder.path().join("alice"), &server.alice)
        .await?;
    let (his, his_account) = server
        .sign_in(folder.path().join("bob"), &server.bob)
        .await?;
    let (to, mut ears) = mpsc::unbounded_channel();
    let with_bob = ConversationId::Direct(server.bob.id);
    let stream = open(&hers, her_account, server.bob.id).await?;
    tokio::spawn(listen(Ear::AlicesCore, stream, to.clone()));
    let stream = open(&his, his_account, server.alice.id).await?;
    tokio::spawn(listen(Ear::BobsCore, stream, to.clone()));
    let socket = BareSocket::subscribe(&server, &server.bob).await?;
    tokio::spawn(listen_barely(socket, to));
    let rest = BareRest::new(&server, &server.alice)?;

    let mut runs: Vec<(f64, f64)> = Vec::new();
    // The first ten pairs warm the server and do not count.
    for pair in 0..count + 10 {
        let mut took = [0.0; 2];
        for turn in 0..2 {
            let ours = (pair + turn) % 2 == 0;
            let text = format!("{} of pair {pair}", if ours { "ours" } else { "bare" });
            let begun = Clock::now();
            let heard = if ours {
                hers.send(her_account, with_bob, &text).await?;
                heard_by_all(&mut ears, &text).await?
            } else {
                let call = Call::Create(Outgoing {
                    id: MessageId::new(uuid::Uuid::now_v7()),
                    content: text.clone(),
                    sender: server.alice.id,
                    receiver: server.bob.id,
                    timestamp: now()?.floor_second(),
                    stamps: Stamps::Server,
                });
                let (posted, heard) =
                    tokio::join!(rest.send(&call), heard_by_all(&mut ears, &text));
                posted?;
                heard?
            };
            let ear = if ours { Ear::BobsCore } else { Ear::Bare };
            let at = heard.get(&ear).ok_or("it was not heard")?;
            if let Some(took) = took.get_mut(usize::from(!ours)) {
                *took = at.duration_since(begun).as_secs_f64() * 1e3;
            }
        }
        runs.extend((pair >= 10).then_some((took[0], took[1])));
    }
    hers.shutdown().await;
    his.shutdown().await;
    Ok(section(&runs))
}

fn now() -> Outcome<Instant> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Instant(i64::try_from(now.as_millis())?))
}

fn section(pairs: &[(f64, f64)]) -> Section {
    let median = Figure::paired("send to receive, p50", "ms", pairs);
    let ours = Runs::of(pairs.iter().map(|pair| pair.0));
    let floor = Runs::of(pairs.iter().map(|pair| pair.1));
    let apart = Runs::of(pairs.iter().map(|pair| pair.0 - pair.1));
    let (low, high) = apart.median_interval();
    let mut difference = Figure::alone(
        "median of the paired differences (95 % interval)",
        "ms",
        &apart,
    );
    difference.ours.low = low;
    difference.ours.high = high;
    difference.budget = Some(Budget::at_most(apart.median(), 3.0, "<= 3 ms"));
    let (ours, floor) = (ours.at(0.99), floor.at(0.99));
    let worst = Figure::derived("send to receive, p99", "ms", ours, pairs.len()).beside(floor);
    let mut worst_apart = Figure::derived("difference of the p99", "ms", ours - floor, pairs.len());
    worst_apart.budget = Some(Budget::at_most(ours - floor, 10.0, "<= 10 ms"));
    Section {
        title: "Send to receive".to_owned(),
        words:
            "One person's core is told to send until the other's has committed it and patched its \
                interface; pairs with a bare POST and a bare socket, in turn, on one Directus with \
                SQLite. Ours includes a commit that survives a loss of power."
                .to_owned(),
        figures: vec![median, worst, difference, worst_apart],
    }
}
