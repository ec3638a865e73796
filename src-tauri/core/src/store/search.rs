//! Search over every message that is held, newest first.
//!
//! Owns: the query of the index, and paging through what it finds. Never: what
//! a word is; that is `words`.
//!
//! The index is read by place, newest first, and no further than the page
//! needs: a common word costs no more than a rare one. Two things would read
//! all of it, and are avoided:
//!
//! * The beginning of a word of more than three letters has no list of its
//!   own: FTS5 merges those of every word that begins so. Its first three
//!   letters have one, so what that list brings is tried first, each text
//!   looked at for the whole beginning. If too few fit, the beginning is rare
//!   enough to merge; of several words the one that stood in the fewest of
//!   those texts, for the others may still be common.
//! * A common word in one conversation, or by one person, would be looked for
//!   among everybody's: the index has a word for each of both.

use rusqlite::{Connection, params};

use super::{
    StoreError,
    messages::{self, Kept},
    words::Query,
};
use crate::model::{ConversationId, Instant, PersonId};

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// The words; without any, all messages that the rest allows.
    pub query: Query,
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Only by this person.
    pub sender: Option<PersonId>,
    /// Only with a stamp at or after this.
    pub from: Option<Instant>,
    /// Only with a stamp before this.
    pub until: Option<Instant>,
}

/// How many texts are looked at for the rest of a word's beginning.
#[derive(Clone, Copy)]
struct Look {
    /// At most.
    most: usize,
    /// After so many it is clear what will come of all, if it is after any.
    clear: Option<usize>,
}

/// A text costs a page of the file, so those that bring too little are given up
/// early.
const FIRST_LOOK: Look = Look {
    most: 150,
    clear: Some(50),
};
/// With the rarest beginning merged; the next would be to merge them all.
const SECOND_LOOK: Look = Look {
    most: 600,
    clear: None,
};

impl Look {
    /// Whether to give up after so many texts, of which so few fitted: where
    /// not half of what is wanted would come of all.
    fn is_over(self, looked_at: usize, fitted: usize, wanted: usize) -> bool {
        let too_few = |clear: usize| 2 * fitted * self.most < wanted * clear;
        looked_at == self.most
            || self
                .clear
                .is_some_and(|clear| looked_at == clear && too_few(clear))
    }
}

/// A message's order: pending, stamp, id.
pub type Place<'a> = (bool, i64, &'a str);

fn place(kept: &Kept) -> (bool, i64, String) {
    (
        kept.pending,
        kept.message.stamp.0,
        kept.message.id.to_string(),
    )
}

/// Messages that were found, newest first, before `before` if one is given;
/// at most `limit`. A search for nothing finds nothing.
///
/// # Errors
/// SQLite's.
pub fn find(
    tx: &Connection,
    search: &Search,
    before: Option<Place<'_>>,
    limit: usize,
) -> Result<Vec<Kept>, StoreError> {
    let of = |query: &Query| query.expression(search.conversation, search.sender);
    let mut rarest = None;
    for look in [FIRST_LOOK, SECOND_LOOK] {
        if let Some(short) = search.query.shortened(rarest)
            && let Some(expression) = of(&short)
        {
            match read(tx, search, &expression, before, limit, Some(look))? {
                Read::Page(found) => return Ok(found),
                Read::Rare(stood) => rarest = search.query.rarest(&stood),
            }
        }
    }
    let Some(expression) = of(&search.query) else {
        return Ok(Vec::new());
    };
    match read(tx, search, &expression, before, limit, None)? {
        Read::Page(found) => Ok(found),
        Read::Rare(_) => Ok(Vec::new()),
    }
}

/// What came of reading the index.
enum Read {
    /// The page.
    Page(Vec<Kept>),
    /// As many texts as allowed were looked at before the page was full, or so
    /// many that not half of it would come: in so many of them stood each piece
    /// of the query.
    Rare(Vec<usize>),
}

fn read(
    tx: &Connection,
    search: &Search,
    expression: &str,
    before: Option<Place<'_>>,
    limit: usize,
    look: Option<Look>,
) -> Result<Read, StoreError> {
    let lowest = search
        .from
        .map_or(i64::MIN, |from| messages::span_start(from.0));
    let mut highest = i64::MAX;
    if let Some(until) = search.until {
        highest = messages::span_end(messages::span_start(until.0));
    }
    if let Some((pending, stamp, _)) = before {
        highest = highest.min(if pending {
            messages::PENDING.saturating_add(stamp)
        } else {
            messages::span_end(messages::span_start(stamp))
        });
    }
    let before = before.map(|(pending, stamp, id)| (pending, stamp, id.to_owned()));
    let mut statement = tx.prepare_cached(FIND)?;
    let mut rows = statement.query(params![expression, lowest, highest])?;
    let mut found: Vec<Kept> = Vec::new();
    // What shares a span stands in no order, so a page ends with a whole one.
    let mut span = None;
    let mut looked_at = 0;
    let mut stood = Vec::new();
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(8)?;
        let now = messages::span_end(at);
        if span != Some(now) && found.len() >= limit {
            break;
        }
        span = Some(now);
        let kept = messages::kept(messages::raw(row)?)?;
        if let Some(look) = look {
            if look.is_over(looked_at, found.len(), limit) {
                return Ok(Read::Rare(stood));
            }
            looked_at += 1;
            let standing = search.query.standing(&kept.message.content);
            stood.resize(standing.len(), 0);
            for (times, stands) in stood.iter_mut().zip(&standing) {
                *times += usize::from(*stands);
            }
            if standing.contains(&false) {
                continue;
            }
        }
        let stamp = kept.message.stamp;
        let outside = !kept.pending
            && (search.from.is_some_and(|from| stamp < from)
                || search.until.is_some_and(|until| stamp >= until));
        let pending_of_the_past = kept.pending && search.until.is_some();
        if outside || pending_of_the_past {
            continue;
        }
        if before.as_ref().is_none_or(|before| place(&kept) < *before) {
            found.push(kept);
        }
    }
    found.sort_by_cached_key(|kept| std::cmp::Reverse(place(kept)));
    found.truncate(limit);
    Ok(Read::Page(found))
}

/// Newest first, row by row as they are read: nothing is sorted.
const FIND: &str = "SELECT m.id, m.sender, m.receiver, m.content, m.stamp, m.updated, m.pending,
    m.typed, found.rowid
  FROM found CROSS JOIN message AS m ON m.place = found.rowid
  WHERE found MATCH ?1 AND found.rowid BETWEEN ?2 AND ?3
  ORDER BY found.rowid DESC";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Message, MessageId},
        store::{self, Key, held, index},
    };
    use uuid::Uuid;

    const START: i64 = 1_795_000_000_000;

    fn person(n: u128) -> PersonId {
        PersonId::new(Uuid::from_u128(n))
    }

    fn store() -> Connection {
        let tx = store::open(store::Place::Memory, &Key([3; 32])).unwrap();
        store::set_me(&tx, person(1), "Alice").unwrap();
        tx
    }

    /// Number `n` comes from person `from`, at `at` ms.
    fn put(tx: &Connection, n: u128, from: u128, at: i64, text: &str) {
        let message = Message {
            id: MessageId::new(Uuid::from_u128(n)),
            content: text.to_owned(),
            sender: person(from),
            receiver: person(1),
            stamp: Instant(START + at),
            updated: None,
        };
        messages::save(tx, &message, ConversationId::Direct(person(from))).unwrap();
        index::update(tx).unwrap();
    }

    fn ask(tx: &Connection, search: &Search) -> Vec<u128> {
        numbers(&find(tx, search, None, 50).unwrap())
    }

    fn numbers(found: &[Kept]) -> Vec<u128> {
        found
            .iter()
            .map(|kept| kept.message.id.uuid().as_u128())
            .collect()
    }

    fn words(tx: &Connection, text: &str) -> Vec<u128> {
        ask(
            tx,
            &Search {
                query: Query::read(text),
                ..Search::default()
            },
        )
    }

    #[test]
    fn words_are_found_by_their_beginning_in_every_script_and_without_accents() {
        let tx = store();
        let texts = [
            "The quick brown fox",
            "Crème brûlée à Zürich",
            "creme de la creme",
            "私は東京に住んでいます",
            "สวัสดีครับ เพื่อน",
            "한국어를 공부합니다",
            "नमस्ते दुनिया",
            "مَرْحَبًا بالعالم",
            "ｆｕｌｌ ｗｉｄｔｈ ①",
            "Ελλάδα и Россия",
            "don't_stop: believing! 2026-11-25",
            "cafe\u{301} combining",
        ];
        for (n, text) in texts.iter().enumerate() {
            put(&tx, n as u128 + 1, 2, n as i64 * 60_000, text);
        }
        let cases: &[(&str, &[u128])] = &[
            ("q", &[1]),
            ("bro", &[1]),
            ("brown", &[1]),
            ("rown", &[]),
            ("fox quick", &[1]),
            ("fox creme", &[]),
            ("CREME", &[3, 2]),
            ("crèm brulee", &[2]),
            ("zuri", &[2]),
            ("東京", &[4]),
            ("京", &[4]),
            ("京東", &[]),
            ("住んで", &[4]),
            ("สวัสดี", &[5]),
            ("เพื่อ", &[5]),
            ("국어", &[6]),
            ("नमस्", &[7]),
            ("दुनिया", &[7]),
            ("مرحبا", &[8]),
            ("full wid", &[9]),
            ("ελλαδα", &[10]),
            ("росс", &[10]),
            ("don't", &[11]),
            ("stop", &[11]),
            ("2026-11", &[11]),
            ("café", &[12]),
            ("\"quick brown\"", &[1]),
            ("\"brown quick\"", &[]),
            ("\"quick bro\"", &[]),
            ("\"quick bro", &[1]),
            ("“creme de”", &[3]),
            ("nothing", &[]),
        ];
        for (query, wanted) in cases {
            assert_eq!(words(&tx, query), *wanted, "{query}");
        }
    }

    #[test]
    fn no_query_is_an_error_of_syntax() {
        let tx = store();
        put(&tx, 1, 2, 0, "AND OR NOT NEAR words:about plain");
        for query in [
            "\"",
            "\"\"\"",
            "a\"b",
            "AND",
            "OR OR",
            "NOT x",
            "NEAR(a b)",
            "words:x",
            "about : y",
            "*",
            "a*",
            "^a",
            "a + b",
            "(",
            ")",
            "{a b}:c",
            "-",
            "a - b",
            "'",
            "\\",
            "\0",
            "a\0b",
            "\u{E000}",
            "\u{10FFFF}",
            "💥",
            "％",
            "ﷺ",
            "\u{0301}",
            "\u{200D}",
            "--",
            ";",
            "a;b",
            "“a",
            "¨",
            "ª",
            "²",
        ] {
            find(
                &tx,
                &Search {
                    query: Query::read(query),
                    ..Search::default()
                },
                None,
                5,
            )
            .unwrap_or_else(|error| panic!("{query:?}: {error}"));
        }
        assert_eq!(words(&tx, "near AND"), [1]);
        assert_eq!(words(&tx, "words:about"), [1]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_is_a_query(query in ".{0,40}", text in ".{0,60}") {
            let tx = store();
            put(&tx, 1, 2, 0, &text);
            let search = Search { query: Query::read(&query), ..Search::default() };
            find(&tx, &search, None, 5).unwrap();
            let (excerpt, marks) = search.query.excerpt(&text);
            let long = u32::try_from(excerpt.encode_utf16().count()).unwrap();
            for (from, until) in marks {
                assert!(from < until && until <= long);
            }
        }
    }

    #[test]
    fn what_comes_changes_is_confirmed_or_goes_is_so_in_the_index() {
        let tx = store();
        let with_bob = ConversationId::Direct(person(2));
        let id = MessageId::new(Uuid::from_u128(9));
        messages::queue(
            &tx,
            id,
            person(1),
            with_bob,
            "pending words",
            Instant(START),
        )
        .unwrap();
        index::update(&tx).unwrap();
        put(&tx, 1, 2, 90_000_000, "confirmed words");
        assert_eq!(words(&tx, "words"), [9, 1], "what waits is newest");
        let mut mine = messages::get(&tx, id).unwrap().unwrap().message;
        mine.stamp = Instant(START - 5);
        messages::save(&tx, &mine, with_bob).unwrap();
        index::update(&tx).unwrap();
        assert_eq!(words(&tx, "words"), [1, 9], "it has its stamp now");
        mine.content = "other text".to_owned();
        mine.updated = Some(Instant(START));
        messages::save(&tx, &mine, with_bob).unwrap();
        index::update(&tx).unwrap();
        assert_eq!(words(&tx, "words"), [1]);
        assert_eq!(words(&tx, "pending"), []);
        assert_eq!(words(&tx, "other"), [9]);
        messages::remove(&tx, id).unwrap();
        index::update(&tx).unwrap();
        assert_eq!(words(&tx, "other"), []);
        store::forget_fetched(&tx).unwrap();
        index::update(&tx).unwrap();
        assert_eq!(words(&tx, "words"), []);
        tx.execute_batch("INSERT INTO found (found) VALUES ('integrity-check')")
            .unwrap();
    }

    #[test]
    fn history_that_comes_in_backwards_is_still_newest_first_and_pages_meet() {
        let tx = store();
        // Many in one span and one second, in no order of their ids.
        for n in (0..300_u128).rev() {
            let at = (n as i64 / 40) * 1_000;
            put(&tx, (n * 7_919) % 4_001 + 1, 2, at, "same word again");
        }
        let search = Search {
            query: Query::read("again"),
            ..Search::default()
        };
        let all = find(&tx, &search, None, 1_000).unwrap();
        assert_eq!(all.len(), 300);
        let mut sorted = all.clone();
        sorted.sort_by_key(|kept| std::cmp::Reverse(place(kept)));
        assert_eq!(numbers(&all), numbers(&sorted));
        let mut paged: Vec<Kept> = Vec::new();
        loop {
            let last = paged.last().map(place);
            let before = last
                .as_ref()
                .map(|(pending, stamp, id)| (*pending, *stamp, id.as_str()));
            let page = find(&tx, &search, before, 7).unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(numbers(&paged), numbers(&all));
    }

    #[test]
    fn it_is_found_by_person_conversation_and_date() {
        let tx = store();
        const DAY: i64 = 86_400_000;
        put(&tx, 1, 2, 0, "lunch with Bob");
        put(&tx, 2, 3, DAY, "lunch with Carol");
        put(&tx, 3, 2, 2 * DAY, "dinner with Bob");
        let lunch = |more: Search| Search {
            query: Query::read("lunch"),
            ..more
        };
        let with = |n| Some(ConversationId::Direct(person(n)));
        assert_eq!(ask(&tx, &lunch(Search::default())), [2, 1]);
        let in_bobs = Search {
            conversation: with(2),
            ..Search::default()
        };
        assert_eq!(ask(&tx, &lunch(in_bobs.clone())), [1]);
        assert_eq!(ask(&tx, &in_bobs), [3, 1], "all of it, without a word");
        let by_carol = Search {
            sender: Some(person(3)),
            ..Search::default()
        };
        assert_eq!(ask(&tx, &lunch(by_carol)), [2]);
        for (from, until, wanted) in [
            (0, 2 * DAY, &[2, 1][..]),
            (1, 2 * DAY, &[2]),
            (0, DAY, &[1]),
            (DAY, DAY + 1, &[2]),
            (2 * DAY, 9 * DAY, &[]),
        ] {
            let span = Search {
                from: Some(Instant(START + from)),
                until: Some(Instant(START + until)),
                ..Search::default()
            };
            assert_eq!(ask(&tx, &lunch(span)), wanted, "{from} {until}");
        }
        assert_eq!(ask(&tx, &Search::default()), []);
    }

    #[test]
    fn a_search_reads_the_index_in_its_order_and_sorts_nothing() {
        let tx = store();
        let plan: Vec<String> = tx
            .prepare(&format!("EXPLAIN QUERY PLAN {FIND}"))
            .unwrap()
            .query_map(params!["words : \"a\" *", 0, 1], |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let said = plan.join("; ");
        assert!(!said.contains("TEMP B-TREE"), "{said}");
        assert!(said.contains("INTEGER PRIMARY KEY"), "{said}");
        // Counted, not timed: a common word does not read more than a rare one.
        for n in 0..3_000_u128 {
            put(
                &tx,
                n + 1,
                2 + n % 3,
                n as i64 * 60_000,
                "common words everywhere",
            );
        }
        held::hold(
            &tx,
            ConversationId::Direct(person(2)),
            &held::beginning(),
            &held::open_end(),
        )
        .unwrap();
        for query in ["common", "c", "com", "everyw", "common words"] {
            let search = Search {
                query: Query::read(query),
                ..Search::default()
            };
            let statement = tx.prepare_cached(FIND).unwrap();
            statement.reset_status(rusqlite::StatementStatus::VmStep);
            drop(statement);
            assert_eq!(find(&tx, &search, None, 50).unwrap().len(), 50);
            let statement = tx.prepare_cached(FIND).unwrap();
            let steps = statement.get_status(rusqlite::StatementStatus::VmStep);
            assert!((1..2_000).contains(&steps), "{query}: {steps} steps");
        }
    }
}
