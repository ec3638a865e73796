//! Reading: the conversation list, the newest 50 of a conversation, a page in
//! its middle.
//!
//! Ours is what the core answers an interface with: rows read in one read
//! transaction, with everything that a screen shows. The floor is the bare SQL
//! statement that finds the same rows.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};
use whinchat_core::{bridge::Anchor, model::ConversationId, store, view};

use crate::{
    Outcome, Size,
    figure::{Figure, Section, slope},
    history::{self, key, with},
    ingest::{grouped, in_turn},
};

/// Reads that make a run.
const READS: usize = 20;
/// Rows a page has.
const PAGE: u32 = 50;

const LIST: &str =
    "SELECT c.id, p.name, c.unread, c.draft, c.activity, m.content, m.stamp, m.sender
  FROM conversation AS c LEFT JOIN message AS m ON m.id = c.last_message
  LEFT JOIN person AS p ON p.id = c.person
  ORDER BY c.activity DESC, c.id DESC LIMIT 50";

const BEFORE: &str = "SELECT id, sender, receiver, content, stamp, updated, pending, typed
  FROM message WHERE conversation = ?1 AND (pending, stamp, id) < (?2, ?3, ?4)
  ORDER BY pending DESC, stamp DESC, id DESC LIMIT 50";

fn in_transaction<T>(
    database: &Connection,
    work: impl FnOnce() -> Result<T, store::StoreError>,
) -> Outcome<T> {
    database.execute_batch("BEGIN")?;
    let read = work();
    database.execute_batch("COMMIT")?;
    Ok(read?)
}

fn list(database: &Connection) -> Outcome<usize> {
    let page = in_transaction(database, || view::conversations(database, "", None, PAGE))?;
    Ok(page.conversations.len())
}

fn page(database: &Connection, id: ConversationId, anchor: &Anchor) -> Outcome<usize> {
    let page = in_transaction(database, || view::page(database, id, anchor, PAGE))?;
    Ok(page.ok_or("no such conversation")?.messages.len())
}

fn bare_list(database: &Connection) -> Outcome<usize> {
    let mut statement = database.prepare_cached(LIST)?;
    let mut rows = statement.query([])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let (id, name): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let (unread, draft): (i64, Option<String>) = (row.get(2)?, row.get(3)?);
        let (activity, text): (i64, Option<String>) = (row.get(4)?, row.get(5)?);
        let (stamp, sender): (Option<i64>, Option<String>) = (row.get(6)?, row.get(7)?);
        std::hint::black_box((&name, unread, &draft, activity, &text, stamp, &sender));
        bytes += id.len();
    }
    Ok(bytes)
}

fn bare_page(database: &Connection, id: &str, before: (bool, i64, &str)) -> Outcome<usize> {
    let mut statement = database.prepare_cached(BEFORE)?;
    let mut rows = statement.query(params![id, before.0, before.1, before.2])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let (id, sender, receiver): (String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let (content, stamp, updated): (String, i64, Option<i64>) =
            (row.get(3)?, row.get(4)?, row.get(5)?);
        std::hint::black_box((&id, &sender, &receiver, stamp, updated));
        bytes += content.len();
    }
    Ok(bytes)
}

const NEWEST: (bool, i64, &str) = (true, i64::MAX, "");

/// Opens the file as barely as SQLCipher allows.
pub fn bare_open(path: &Path) -> Outcome<Connection> {
    let database = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let hex: String = key().0.iter().map(|byte| format!("{byte:02x}")).collect();
    database.execute_batch(&format!("PRAGMA key = \"x'{hex}'\""))?;
    Ok(database)
}

/// The list and the newest 50 of the largest conversation, barely.
pub fn bare_first(database: &Connection) -> Outcome<usize> {
    Ok(bare_list(database)? + bare_page(database, &with(1).to_string(), NEWEST)?)
}

fn several(mut read: impl FnMut() -> Outcome<usize>) -> Outcome<usize> {
    let mut all = 0;
    for _ in 0..READS {
        all += read()?;
    }
    Ok(all)
}

fn pairs(
    size: &Size,
    scale: f64,
    mut ours: impl FnMut() -> Outcome<usize>,
    mut floor: impl FnMut() -> Outcome<usize>,
) -> Outcome<Vec<(f64, f64)>> {
    let mut pairs = Vec::new();
    for run in 0..=2 * size.runs {
        let pair = in_turn(run, &mut ours, &mut floor)?;
        pairs.extend((run > 0).then_some((pair.0 * scale, pair.1 * scale)));
    }
    Ok(pairs)
}

/// The conversation with the fewest messages from a hundred on, and how many.
fn of_about_a_hundred(database: &Connection) -> Outcome<(ConversationId, usize)> {
    let (id, count): (String, u32) = database.query_row(
        "SELECT conversation, sum(messages) AS held FROM tally GROUP BY 1
         ORDER BY abs(held - 100) LIMIT 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let id = id.parse().map_err(|_| "no conversation")?;
    Ok((id, usize::try_from(count)?))
}

/// Measures reading at two sizes.
pub fn measure(size: &Size) -> Outcome<Section> {
    let mut figures = Vec::new();
    let mut totals = Vec::new();
    let each = 1e6 / READS as f64;
    for &held in size.stored {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("messages.db");
        history::copied(held, &path)?;
        // The writer of a program that runs: else each reader that is opened recovers the log.
        let writer = store::open(store::Place::File(&path), &key())?;
        let reader = store::open_reader(&path, &key())?;
        let bare = bare_open(&path)?;
        let large = with(1);
        let name = large.to_string();
        let at = grouped(held);

        let opened = pairs(
            size,
            1e3,
            || {
                let reader = store::open_reader(&path, &key())?;
                Ok(list(&reader)? + page(&reader, large, &Anchor::Newest)?)
            },
            || {
                let bare = bare_open(&path)?;
                Ok(bare_list(&bare)? + bare_page(&bare, &name, NEWEST)?)
            },
        )?;
        let figure = Figure::paired(
            format!("file opened, list of 50 and newest 50, {at} held"),
            "ms",
            &opened,
        );
        totals.push(figure.ours.median);
        figures.push(figure);

        let listed = pairs(
            size,
            each,
            || several(|| list(&reader)),
            || several(|| bare_list(&bare)),
        )?;
        figures.push(Figure::paired(
            format!("list of 50, {at} held"),
            "µs",
            &listed,
        ));
        let newest = pairs(
            size,
            each,
            || several(|| page(&reader, large, &Anchor::Newest)),
            || several(|| bare_page(&bare, &name, NEWEST)),
        )?;
        figures.push(Figure::paired(
            format!("newest 50, {at} held"),
            "µs",
            &newest,
        ));

        let (stamp, id): (i64, String) = reader.query_row(
            "SELECT stamp, id FROM message WHERE conversation = ?1 AND pending = 0
             ORDER BY stamp, id LIMIT 1 OFFSET (SELECT sum(messages) / 2 FROM tally WHERE conversation = ?1)",
            [&name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let sort = format!("0{:016x}{id}", stamp.cast_unsigned() ^ (1 << 63));
        let anchor = Anchor::Before(sort);
        let middle = pairs(
            size,
            each,
            || several(|| page(&reader, large, &anchor)),
            || several(|| bare_page(&bare, &name, (false, stamp, &id))),
        )?;
        figures.push(Figure::paired(
            format!("page of 50 in the middle, {at} held"),
            "µs",
            &middle,
        ));

        if Some(&held) == size.stored.last() {
            let (small, count) = of_about_a_hundred(&reader)?;
            let most: u32 = reader.query_row(
                "SELECT sum(messages) FROM tally WHERE conversation = ?1",
                [&name],
                |row| row.get(0),
            )?;
            let compared = pairs(
                size,
                each,
                || several(|| page(&reader, large, &Anchor::Newest)),
                || several(|| page(&reader, small, &Anchor::Newest)),
            )?;
            figures.push(
                Figure::paired(
                    format!(
                        "newest 50 of a conversation of {} (floor: of {})",
                        grouped(usize::try_from(most)?),
                        grouped(count)
                    ),
                    "µs",
                    &compared,
                )
                .within_ratio(1.2),
            );
        }
        drop(writer);
    }
    if let [small, large] = totals.as_slice() {
        let all = size.stored.last().copied().unwrap_or_default();
        figures.push(
            Figure::derived(
                format!(
                    "file opened, list and newest 50: {} held over 1,000",
                    grouped(all)
                ),
                "ms",
                *large,
                2 * size.runs,
            )
            .beside(*small),
        );
    }
    figures.push(by_conversations(size)?);
    Ok(Section {
        title: "List, newest 50, page".to_owned(),
        words:
            "What the core answers an interface with, in one read transaction, everything warm, in CPU time. \
                Floor: the bare statement that finds the same rows on a bare connection."
                .to_owned(),
        figures,
    })
}

/// Whether a list of 50 costs more where there are more conversations.
fn by_conversations(size: &Size) -> Outcome<Figure> {
    let mut points = Vec::new();
    for count in [100, 1_000, 10_000] {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("messages.db");
        history::fill(&path, count, count, 0.0)?;
        let reader = store::open_reader(&path, &key())?;
        let runs = pairs(
            size,
            1e6 / READS as f64,
            || several(|| list(&reader)),
            || several(|| list(&reader)),
        )?;
        let figure = Figure::paired("", "µs", &runs);
        points.push((count as f64, figure.ours.median));
    }
    let each = slope(&points) * 1_000.0;
    Ok(Figure::derived(
        "slope, list of 50: for 1,000 more conversations (100 to 10,000)",
        "µs",
        each,
        points.len() * 2 * size.runs,
    ))
}
