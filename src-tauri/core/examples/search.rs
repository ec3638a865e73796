//! How fast search is: `cargo run --release -p whinchat-core --example search -- 1000000`.
//!
//! Fills an encrypted database in a temporary folder with made-up messages
//! whose words are as unequal as a language's, then asks each query many times
//! at random and prints the median, the 99th percentile and the slowest. Each
//! is asked five times and the quickest counts, so that other programs on the
//! same machine matter little; the file is warm.

use std::{error::Error, path::Path, time::Instant as Clock};

use whinchat_core::{
    model::{ConversationId, Instant, Message, MessageId, PersonId},
    store::{self, Key, Place, held, messages, search::Search, words::Query},
};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of `count` things, the first the likeliest, as words are (Zipf).
    fn zipf(&mut self, count: usize) -> usize {
        let most = (count as f64).ln();
        ((self.unit() * most).exp() as usize)
            .saturating_sub(1)
            .min(count - 1)
    }
}

const VOCABULARY: usize = 40_000;
const PEOPLE: usize = 300;

fn word(number: usize) -> String {
    const SYLLABLES: [&str; 24] = [
        "an", "ber", "co", "da", "el", "fi", "ga", "ho", "in", "ka", "lo", "mi", "no", "or", "pe",
        "ra", "se", "ti", "un", "ve", "wi", "xa", "yo", "ze",
    ];
    let mut random = Random(number as u64 * 7_919 + 1);
    let long = 1 + (random.next() % 4) as usize;
    let mut word: String = (0..long)
        .filter_map(|_| SYLLABLES.get((random.next() % 24) as usize))
        .copied()
        .collect();
    if number >= 500 {
        // Few words of a language are the beginning of many others.
        word.push_str(SYLLABLES.get(number / 24 % 24).copied().unwrap_or_default());
        word.push_str(SYLLABLES.get(number % 24).copied().unwrap_or_default());
    }
    word
}

fn person(number: usize) -> PersonId {
    PersonId::new(uuid::Uuid::from_u128(0xA11CE + number as u128))
}

fn fill(path: &Path, key: &Key, count: usize) -> Result<(), Box<dyn Error>> {
    let mut random = Random(7);
    let mut database = store::open(Place::File(path), key)?;
    store::set_me(&database, person(0), "Me")?;
    store::before_transaction(&database, false)?;
    let words: Vec<String> = (0..VOCABULARY).map(word).collect();
    let begin = Clock::now();
    let mut stamp = 1_700_000_000_000_i64;
    let mut left = count;
    while left > 0 {
        let batch = left.min(1_000);
        left -= batch;
        let tx = database.transaction()?;
        for _ in 0..batch {
            // Bursts, and silence between them.
            stamp += if random.unit() < 0.9 {
                (random.unit() * 20_000.0) as i64
            } else {
                (random.unit() * 600_000.0) as i64
            };
            let peer = 1 + random.zipf(PEOPLE);
            let mine = random.unit() < 0.4;
            let long = 1 + (random.unit() * random.unit() * 30.0) as usize;
            let text: Vec<&str> = (0..long)
                .filter_map(|_| words.get(random.zipf(VOCABULARY)))
                .map(String::as_str)
                .collect();
            let mut content = text.join(" ");
            if random.unit() < 0.01 {
                content.push_str(" 東京タワー");
            }
            let id = uuid::Uuid::from_u64_pair(stamp.cast_unsigned() << 16 | 0x7000, random.next());
            let message = Message {
                id: MessageId::new(id),
                content,
                sender: person(if mine { 0 } else { peer }),
                receiver: person(if mine { peer } else { 0 }),
                stamp: Instant(stamp),
                updated: None,
            };
            messages::save(&tx, &message, ConversationId::Direct(person(peer)))?;
        }
        tx.commit()?;
    }
    let each = begin.elapsed().as_secs_f64() * 1e6 / count as f64;
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let bytes = std::fs::metadata(path)?.len() as f64 / count as f64;
    println!("{count} messages: {each:.0} µs and {bytes:.0} bytes each, index included");
    held::hold(
        &database,
        ConversationId::Direct(person(1)),
        &held::beginning(),
        &held::open_end(),
    )?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let count = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 100_000,
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("messages.db");
    let key = Key([9; 32]);
    fill(&path, &key, count)?;
    let reader = store::open_reader(&path, &key)?;
    let mut random = Random(3);
    let in_small = |query: &str| Search {
        query: Query::read(query),
        conversation: Some(ConversationId::Direct(person(PEOPLE - 1))),
        ..Search::default()
    };
    let plain = |query: String| Search {
        query: Query::read(&query),
        ..Search::default()
    };
    type Make<'a> = Box<dyn Fn(&mut Random) -> Search + 'a>;
    let letters = |random: &mut Random, long: usize| -> String {
        word(random.zipf(VOCABULARY)).chars().take(long).collect()
    };
    let cases: Vec<(&str, Make<'_>)> = vec![
        ("1 letter", Box::new(|r| plain(letters(r, 1)))),
        ("2 letters", Box::new(|r| plain(letters(r, 2)))),
        ("3 letters", Box::new(|r| plain(letters(r, 3)))),
        ("4 letters", Box::new(|r| plain(letters(r, 4)))),
        ("6 letters", Box::new(|r| plain(letters(r, 6)))),
        (
            "common word",
            Box::new(|r| plain(word((r.next() % 20) as usize))),
        ),
        (
            "rare word",
            Box::new(|r| plain(word(20_000 + (r.next() % 20_000) as usize))),
        ),
        ("no such word", Box::new(|_| plain("qqqqq".to_owned()))),
        (
            "two common words",
            Box::new(|r| {
                plain(format!(
                    "{} {}",
                    word((r.next() % 20) as usize),
                    word((r.next() % 20) as usize)
                ))
            }),
        ),
        (
            "common and rare",
            Box::new(|r| {
                plain(format!(
                    "{} {}",
                    word(0),
                    word(20_000 + (r.next() % 20_000) as usize)
                ))
            }),
        ),
        (
            "phrase of common",
            Box::new(|r| {
                plain(format!(
                    "\"{} {}\"",
                    word((r.next() % 20) as usize),
                    word((r.next() % 20) as usize)
                ))
            }),
        ),
        ("東京", Box::new(|_| plain("東京".to_owned()))),
        (
            "common, small conversation",
            Box::new(|r| in_small(&word((r.next() % 20) as usize))),
        ),
        (
            "1 letter, small conversation",
            Box::new(|r| in_small(&letters(r, 1))),
        ),
        (
            "common, one person",
            Box::new(|r| Search {
                sender: Some(person(PEOPLE - 2)),
                ..plain(word((r.next() % 20) as usize))
            }),
        ),
        (
            "common, a week long ago",
            Box::new(|r| Search {
                from: Some(Instant(1_700_000_000_000 + 86_400_000)),
                until: Some(Instant(1_700_000_000_000 + 8 * 86_400_000)),
                ..plain(word((r.next() % 20) as usize))
            }),
        ),
    ];
    println!(
        "{:<30} {:>9} {:>9} {:>9} {:>6}",
        "first 50 of", "p50 ms", "p99 ms", "max ms", "found"
    );
    for (name, make) in &cases {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..300 {
            let search = make(&mut random);
            let mut quickest = f64::INFINITY;
            for _ in 0..5 {
                let begin = Clock::now();
                let hits = store::search::find(&reader, &search, None, 50)?.len();
                quickest = quickest.min(begin.elapsed().as_secs_f64() * 1e3);
                found += hits;
            }
            times.push(quickest);
        }
        times.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = (times.len() as f64 * part) as usize;
            times
                .get(place.min(times.len() - 1))
                .copied()
                .unwrap_or_default()
        };
        println!(
            "{name:<30} {:>9.2} {:>9.2} {:>9.2} {:>6}",
            at(0.5),
            at(0.99),
            at(1.0),
            found / 1_500
        );
    }
    Ok(())
}
