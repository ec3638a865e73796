//! Catch-up: what was missed while away, from the socket's subscription to
//! everything being here.
//!
//! Ours is an account of the whole runtime, opened again and again as it was
//! before the rows came. The floor asks a server for the same pages one after
//! the other, reads them with serde into a plain struct, and throws them away.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant as Clock,
};

use rusqlite::Connection;
use whinchat_core::{
    directus::call::{By, Call, MessagesQuery},
    model::{AccountId, Instant, MessageId, Stamps},
    runtime::{Config, Messenger},
};

use crate::{
    Outcome, Size, block_on,
    figure::{Figure, Section, slope},
    ingest::grouped,
    send::until_live,
    server::{BareRest, Directus, PASSPHRASE},
};

/// Rows a page of the catch-up asks for, as the engine does.
const PAGE: u32 = 100;
/// How far back it looks again, as the engine does.
const OVERLAP: i64 = 60_000;

/// Measures it.
pub fn measure(size: &Size) -> Outcome<Section> {
    block_on(missed(size))
}

async fn missed(size: &Size) -> Outcome<Section> {
    let server = Directus::start().await?;
    let folder = tempfile::tempdir()?;
    let rest = BareRest::new(&server, &server.alice)?;
    let mut rows = Rows::begin(&server, &rest).await?;
    let home = folder.path().join("home");
    let (messenger, account) = server.sign_in(home.clone(), &server.alice).await?;
    let mut stream = messenger.subscribe(account)?;
    messenger.open(account).await?;
    until_live(&mut stream).await?;
    messenger.shutdown().await;
    drop(messenger);

    let mut figures = Vec::new();
    let mut points = Vec::new();
    for &(missed, runs) in size.missed {
        rows.missed(missed)?;
        let mut pairs = Vec::new();
        // The first pair warms the server and does not count.
        for run in 0..=runs {
            let ours_first = run % 2 == 0;
            let mut ours = 0.0;
            if ours_first {
                ours = ours_once(&home, folder.path(), account).await?;
            }
            let begun = Clock::now();
            let came = bare(&rest, rows.cursor).await?;
            let floor = begun.elapsed().as_secs_f64();
            if came < missed {
                return Err(format!("only {came} of {missed} rows came").into());
            }
            if !ours_first {
                ours = ours_once(&home, folder.path(), account).await?;
            }
            pairs.extend((run > 0).then_some((ours * 1e3, floor * 1e3)));
        }
        let name = format!("{} missed", grouped(missed));
        let figure = Figure::paired(name, "ms", &pairs).within_ratio(1.3);
        let floor = figure.floor.map_or(0.0, |floor| floor.median);
        points.push((missed as f64, figure.ours.median, floor));
        figures.push(figure);
    }
    let each = |at: fn(&(f64, f64, f64)) -> f64| {
        let points: Vec<(f64, f64)> = points.iter().map(|point| (point.0, at(point))).collect();
        slope(&points)
    };
    figures.push(
        Figure::derived(
            "slope: for a missed message",
            "ms",
            each(|point| point.1),
            points.len(),
        )
        .beside(each(|point| point.2)),
    );
    Ok(Section {
        title: "Catch-up".to_owned(),
        words: "From the subscription to the connection being live, pages of 100 by REST, committed \
                and in the index. Floor: a bare client that asks the same Directus for the same pages \
                and throws them away once parsed."
            .to_owned(),
        figures,
    })
}

/// Opens the account as it was, and says how long it caught up, in seconds.
async fn ours_once(home: &Path, beside: &Path, account: AccountId) -> Outcome<f64> {
    let data = beside.join("run");
    let _ = fs::remove_dir_all(&data);
    copy(home, &data)?;
    let messenger = Messenger::new(Config::new(data)).await?;
    messenger
        .unlock(account, PASSPHRASE.to_owned().into())
        .await?;
    let mut stream = messenger.subscribe(account)?;
    messenger.open(account).await?;
    let (begun, live) = until_live(&mut stream).await?;
    messenger.shutdown().await;
    Ok(live.duration_since(begun).as_secs_f64())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &name)?;
        } else {
            fs::copy(entry.path(), name)?;
        }
    }
    Ok(())
}

/// Fetches what a catch-up from this cursor fetches; gives how many rows came.
async fn bare(rest: &BareRest, cursor: Instant) -> Outcome<usize> {
    let mut came = 0;
    let start = cursor.plus(-OVERLAP);
    let (mut from, mut except) = (start, Vec::<MessageId>::new());
    loop {
        let page = rest.page(&call(By::Created, from, except.clone())).await?;
        let Some(last) = page.last() else {
            break;
        };
        came += page.len();
        let newest = last.date_created.as_deref().and_then(Instant::parse);
        let newest = newest.ok_or("a row without a stamp")?;
        if newest > from {
            from = newest;
            except.clear();
        }
        for row in &page {
            if row.date_created.as_deref().and_then(Instant::parse) >= Some(from) {
                except.push(row.id.parse().map_err(|_| "a row without an id")?);
            }
        }
    }
    rest.page(&call(By::Updated, start, Vec::new())).await?;
    Ok(came)
}

fn call(by: By, from: Instant, except: Vec<MessageId>) -> Call {
    Call::Messages(MessagesQuery {
        stamps: Stamps::Server,
        peer: None,
        by,
        ascending: true,
        from: Some(from),
        until: None,
        except,
        offset: 0,
        limit: PAGE,
    })
}

/// The rows on the server, put into its own database: by REST ten thousand
/// would take longer than everything else.
struct Rows {
    database: PathBuf,
    /// The stamp of the one row that is held.
    cursor: Instant,
    columns: Vec<String>,
    there: usize,
}

impl Rows {
    /// Sends one message, and makes it an hour old.
    async fn begin(server: &Directus, rest: &BareRest) -> Outcome<Self> {
        use whinchat_core::directus::call::Outgoing;
        rest.send(&Call::Create(Outgoing {
            id: MessageId::new(uuid::Uuid::now_v7()),
            content: "the one that is held".to_owned(),
            sender: server.alice.id,
            receiver: server.bob.id,
            timestamp: Instant(1_795_000_000_000),
            stamps: Stamps::Server,
        }))
        .await?;
        let path = server.database();
        let database = Connection::open(&path)?;
        let columns = database
            .prepare("SELECT name FROM pragma_table_info('chat_messages')")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<Vec<String>, _>>()?;
        database.execute(
            "UPDATE chat_messages SET date_created = date_created - 3600000",
            [],
        )?;
        let cursor = database.query_row("SELECT date_created FROM chat_messages", [], |row| {
            row.get(0)
        })?;
        Ok(Self {
            database: path,
            cursor: Instant(cursor),
            columns,
            there: 0,
        })
    }

    /// From now on so many are missed, each a millisecond after the one before.
    fn missed(&mut self, missed: usize) -> Outcome {
        let mut database = Connection::open(&self.database)?;
        database.busy_timeout(std::time::Duration::from_secs(10))?;
        let tx = database.transaction()?;
        let values: Vec<&str> = self
            .columns
            .iter()
            .map(|column| match column.as_str() {
                "id" => "?1",
                "content" => "?2",
                "date_created" => "date_created + ?3",
                other => other,
            })
            .collect();
        let insert = format!(
            "INSERT INTO chat_messages ({}) SELECT {} FROM chat_messages WHERE content = 'the one that is held'",
            self.columns.join(", "),
            values.join(", ")
        );
        while self.there < missed {
            self.there += 1;
            let id = uuid::Uuid::from_u128(
                0x0190_0000_0000_7000_8000_0000_0000_0000 + self.there as u128,
            );
            let text = format!("missed {}, as long as many a message is", self.there);
            let after = i64::try_from(self.there)?;
            tx.prepare_cached(&insert)?
                .execute((id.to_string(), text, after))?;
        }
        tx.commit()?;
        Ok(())
    }
}
