//! Search: the first 50 of what the largest database finds, kind by kind.
//!
//! Each query is asked five times and the quickest counts, so that other
//! programs on the machine matter little. The floor is the bare statement with
//! the whole query, as FTS5 answers it; where that is worse than ours, ours
//! reads less of the index.

use rusqlite::{Connection, params};
use whinchat_core::{
    model::{ConversationId, Instant},
    store::{self, search::Search, words::Query},
};

use crate::{
    Outcome, Size,
    figure::{Budget, Figure, Runs, Section},
    history::{self, BEGINNING, PEOPLE, key, person},
    ingest::{grouped, timed},
    random::{Random, VOCABULARY, word},
};

/// How many hits a page has.
const PAGE: usize = 50;
/// How often each query is asked.
const ASKED: usize = 5;
/// What has taken so many milliseconds is not asked again.
const LONG: f64 = 100.0;
/// What 99 of 100 queries must be answered within, in milliseconds.
const LIMIT: f64 = 5.0;

const BARE: &str = "SELECT m.id, m.sender, m.receiver, m.content, m.stamp
  FROM found CROSS JOIN message AS m ON m.place = found.rowid
  WHERE found MATCH ?1 AND found.rowid BETWEEN ?2 AND ?3
  ORDER BY found.rowid DESC LIMIT 51";

type Make = Box<dyn Fn(&mut Random) -> Search>;

fn plain(query: &str) -> Search {
    Search {
        query: Query::read(query),
        ..Search::default()
    }
}

fn common(random: &mut Random) -> String {
    word(random.below(20))
}

fn rare(random: &mut Random) -> String {
    word(20_000 + random.below(20_000))
}

fn letters(long: usize) -> impl Fn(&mut Random) -> String {
    move |random| word(random.zipf(VOCABULARY)).chars().take(long).collect()
}

/// What people look for, by kind.
fn kinds() -> Vec<(&'static str, Make)> {
    let small = Some(ConversationId::Direct(person(PEOPLE - 1)));
    let mut kinds: Vec<(&str, Make)> = Vec::new();
    for (name, long) in [
        ("1 letter", 1),
        ("2 letters", 2),
        ("3 letters", 3),
        ("4 letters", 4),
        ("6 letters", 6),
    ] {
        let make = letters(long);
        kinds.push((name, Box::new(move |random| plain(&make(random)))));
    }
    kinds.push(("a common word", Box::new(|random| plain(&common(random)))));
    kinds.push(("a rare word", Box::new(|random| plain(&rare(random)))));
    kinds.push(("no such word", Box::new(|_| plain("qqqqq"))));
    kinds.push((
        "two common words",
        Box::new(|random| plain(&format!("{} {}", common(random), common(random)))),
    ));
    kinds.push((
        "a common and a rare word",
        Box::new(|random| plain(&format!("{} {}", word(0), rare(random)))),
    ));
    kinds.push((
        "a phrase of common words",
        Box::new(|random| plain(&format!("\"{} {}\"", common(random), common(random)))),
    ));
    kinds.push(("東京", Box::new(|_| plain("東京"))));
    kinds.push((
        "a common word, small conversation",
        Box::new(move |random| Search {
            conversation: small,
            ..plain(&common(random))
        }),
    ));
    let one = letters(1);
    kinds.push((
        "1 letter, small conversation",
        Box::new(move |random| Search {
            conversation: small,
            ..plain(&one(random))
        }),
    ));
    kinds.push((
        "a common word, one person",
        Box::new(|random| Search {
            sender: Some(person(PEOPLE - 2)),
            ..plain(&common(random))
        }),
    ));
    kinds.push((
        "a common word, a week long ago",
        Box::new(|random| Search {
            from: Some(Instant(BEGINNING + 86_400_000)),
            until: Some(Instant(BEGINNING + 8 * 86_400_000)),
            ..plain(&common(random))
        }),
    ));
    kinds
}

fn bare(database: &Connection, search: &Search) -> Outcome<usize> {
    let Some(expression) = search.query.expression(search.conversation, search.sender) else {
        return Ok(0);
    };
    let span = |at: Option<Instant>, or: i64| at.map_or(or, |at| store::messages::span_start(at.0));
    let mut statement = database.prepare_cached(BARE)?;
    let mut rows = statement.query(params![
        expression,
        span(search.from, i64::MIN),
        span(search.until, i64::MAX)
    ])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        bytes += row.get::<_, String>(3)?.len();
    }
    Ok(bytes)
}

/// The quickest of several, in milliseconds; what is slow varies little.
fn quickest(mut work: impl FnMut() -> Outcome<usize>) -> Outcome<f64> {
    let (mut least, mut all) = (f64::INFINITY, 0.0);
    for _ in 0..ASKED {
        let took = timed(&mut work)? * 1e3;
        least = least.min(took);
        all += took;
        if all > LONG {
            break;
        }
    }
    Ok(least)
}

/// Measures search in the largest database.
pub fn measure(size: &Size) -> Outcome<Section> {
    let held = size.stored.last().copied().unwrap_or_default();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("messages.db");
    history::copied(held, &path)?;
    let writer = store::open(store::Place::File(&path), &key())?;
    let reader = store::open_reader(&path, &key())?;
    let mut random = Random(3);
    let mut figures = Vec::new();
    for (name, make) in kinds() {
        let (mut ours, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..size.searches {
            let search = make(&mut random);
            ours.push(quickest(|| {
                Ok(store::search::find(&reader, &search, None, PAGE)?.len())
            })?);
            floors.push(quickest(|| bare(&reader, &search))?);
        }
        let pairs: Vec<(f64, f64)> = ours.iter().copied().zip(floors.iter().copied()).collect();
        figures.push(Figure::paired(format!("{name}, p50"), "ms", &pairs));
        let [ours, floors] = [ours, floors].map(|runs| Runs::of(runs).at(0.99));
        let mut worst =
            Figure::derived(format!("{name}, p99"), "ms", ours, size.searches).beside(floors);
        worst.budget = Some(Budget::at_most(ours, LIMIT, "<= 5 ms"));
        figures.push(worst);
    }
    drop(writer);
    Ok(Section {
        title: format!("Search in {} messages", grouped(held)),
        words: "The first 50 hits, newest first, warm, in an encrypted file; the quickest of five \
                askings, in CPU time. Floor: FTS5 asked for the whole query in one bare statement."
            .to_owned(),
        figures,
    })
}
