//! Text as words: the same way for the index, for a query, and for the marks
//! in what was found.
//!
//! Owns: normal forms, where a word begins and ends, and a query's reading.
//! Never: SQL, nor a look at what is stored.
//!
//! Words of scripts that are written without spaces (Chinese, Japanese, Thai,
//! Lao, Khmer, Myanmar) and of Korean, whose words grow endings, are indexed a
//! character at a time and looked for as a phrase: FTS5's tokenizers would
//! take a whole sentence for one word and find no part of it.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use crate::model::{ConversationId, PersonId};

/// No text holds these: private use is taken out of texts and queries.
const CONVERSATION: char = '\u{E000}';
const SENDER: char = '\u{E001}';

/// The longest query that is read, in characters.
const LONGEST: usize = 256;
/// Up to how many letters of a beginning have a list of their own in the
/// index; `migrations/002.sql` says the same.
const INDEXED: usize = 3;
/// The most pieces of a query that are looked for.
const MOST: usize = 16;
/// How much of a text is searched for marks, in bytes: it may have a megabyte.
const MARKED: usize = 64 << 10;
/// How long an excerpt is, and how much of it stands before the first mark.
const EXCERPT: usize = 160;
const BEFORE: usize = 48;

/// The compatibility form, without what is written or left out at will.
fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let apart = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let kept: String = apart.chars().filter(|c| !is_optional_mark(*c)).collect();
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&kept)
        .into_owned()
}

/// Marks that are written or left out at will: accents, Hebrew and Arabic vowels.
const fn is_optional_mark(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0591}'..='\u{05BD}' | '\u{05BF}' | '\u{05C1}'..='\u{05C2}'
        | '\u{05C4}'..='\u{05C5}' | '\u{0610}'..='\u{061A}' | '\u{0640}' | '\u{064B}'..='\u{065F}'
        | '\u{0670}')
}

const fn is_private(c: char) -> bool {
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}')
}

/// Whether a character is a word of its own.
const fn is_apart(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' // Thai, Lao
        | '\u{1000}'..='\u{109F}' | '\u{A9E0}'..='\u{A9FF}' | '\u{AA60}'..='\u{AA7F}' // Myanmar
        | '\u{1100}'..='\u{11FF}' | '\u{AC00}'..='\u{D7A3}' // Korean
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}'
        | '\u{309D}'..='\u{309F}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{31BF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9D}' | '\u{20000}'..='\u{3FFFF}')
}

/// Vowel signs and the like, which belong to the word before them.
const fn is_mark(c: char) -> bool {
    is_optional_mark(c)
        || matches!(c,
            '\u{0900}'..='\u{0903}' | '\u{093A}'..='\u{094F}' | '\u{0951}'..='\u{0957}'
            | '\u{0962}'..='\u{0963}' | '\u{0981}'..='\u{0DF3}' | '\u{0F18}'..='\u{0FBC}'
            | '\u{3099}'..='\u{309A}')
}

fn is_word(c: char) -> bool {
    !is_private(c) && (c.is_alphanumeric() || is_mark(c))
}

/// A text as the index reads it.
#[must_use]
pub fn indexed(text: &str) -> String {
    let text = plain(text);
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_apart(c) {
            out.push(' ');
            out.push(c);
            out.push(' ');
        } else if is_private(c) || c == '\0' {
            out.push(' ');
        } else {
            out.push(c);
        }
    }
    out
}

/// The two words by which a message is found in its conversation and by its sender.
#[must_use]
pub fn about(conversation: &str, sender: &str) -> String {
    let hex = |text: &str| -> String { text.chars().filter(char::is_ascii_hexdigit).collect() };
    // `dm:` has a `d` of its own.
    let conversation = conversation.rsplit(':').next().unwrap_or_default();
    format!(
        "{CONVERSATION}{} {SENDER}{}",
        hex(conversation),
        hex(sender)
    )
}

/// The same of ids, whose digits need not be picked out.
pub(super) fn about_ids(conversation: ConversationId, sender: PersonId) -> String {
    let (conversation, sender) = (conversation.peer().uuid(), sender.uuid());
    format!(
        "{CONVERSATION}{} {SENDER}{}",
        conversation.as_simple(),
        sender.as_simple()
    )
}

/// How words are compared: without case and accents.
fn fold(word: &str) -> String {
    plain(word).chars().flat_map(char::to_lowercase).collect()
}

/// A word of a text: where it stands, in bytes.
struct Word<'a> {
    from: usize,
    text: &'a str,
}

/// The words of a text, in order.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut begun: Option<usize> = None;
    let mut close = |begun: &mut Option<usize>, until: usize| {
        if let Some(from) = begun.take()
            && let Some(text) = text.get(from..until)
        {
            words.push(Word { from, text });
        }
    };
    for (at, c) in text.char_indices() {
        if is_apart(c) {
            close(&mut begun, at);
            begun = Some(at);
            close(&mut begun, at + c.len_utf8());
        } else if is_word(c) {
            begun.get_or_insert(at);
        } else {
            close(&mut begun, at);
        }
    }
    close(&mut begun, text.len());
    words
}

/// Something to look for: words that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// As FTS5 is given it: no quotes, no private use.
    text: String,
    /// The words, folded.
    words: Vec<String>,
    /// Whether the last word may go on.
    prefix: bool,
}

impl Piece {
    fn new(text: &str, prefix: bool) -> Option<Self> {
        let text: String = indexed(text)
            .chars()
            .map(|c| if c == '"' { ' ' } else { c })
            .collect();
        let words: Vec<String> = words(&text).iter().map(|word| fold(word.text)).collect();
        // Nothing but signs would be found nowhere.
        let something = words.iter().any(|word| !word.is_empty());
        something.then_some(Self {
            text,
            words,
            prefix,
        })
    }

    /// Whether it is a beginning for which the index has no list of its own;
    /// only where folding is beyond doubt.
    fn is_long(&self) -> bool {
        self.prefix
            && self.words.len() == 1
            && self.text.len() > INDEXED
            && self.text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether these folded words of a text are the piece's.
    fn fits(&self, there: &[String]) -> bool {
        let last = self.words.len().saturating_sub(1);
        there
            .iter()
            .zip(&self.words)
            .enumerate()
            .all(|(n, (there, wanted))| {
                if self.prefix && n == last {
                    there.starts_with(wanted.as_str())
                } else {
                    there == wanted
                }
            })
    }
}

/// A query as a person typed it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    pieces: Vec<Piece>,
}

/// A mark in an excerpt, in UTF-16 units, as JavaScript counts.
pub type Mark = (u32, u32);

impl Query {
    /// Reads a query: words that must all be there, each from its beginning;
    /// what stands in quotes as it is, in that order. Anything can be read.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text: String = text
            .chars()
            .take(LONGEST)
            .map(|c| match c {
                '“' | '”' | '„' | '«' | '»' => '"',
                c => c,
            })
            .collect();
        let mut pieces = Vec::new();
        let parts: Vec<&str> = text.split('"').collect();
        let last = parts.len().saturating_sub(1);
        for (n, part) in parts.iter().enumerate() {
            if n % 2 == 1 {
                // A quote that is still open is still being typed.
                pieces.extend(Piece::new(part, n == last));
                continue;
            }
            for word in part.split_whitespace() {
                for run in runs(&plain(word)) {
                    let apart = run.chars().next().is_some_and(is_apart);
                    pieces.extend(Piece::new(run, !apart));
                }
            }
        }
        pieces.truncate(MOST);
        Self { pieces }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// As FTS5 reads it, within a conversation and by a sender; `None` where
    /// that asks for nothing.
    #[must_use]
    pub fn expression(
        &self,
        conversation: Option<ConversationId>,
        sender: Option<PersonId>,
    ) -> Option<String> {
        let mut all: Vec<String> = Vec::new();
        // The rarest first is for SQLite to find out; order means nothing.
        for piece in &self.pieces {
            let star = if piece.prefix { " *" } else { "" };
            all.push(format!("words : \"{}\"{star}", piece.text));
        }
        if let Some(id) = conversation {
            all.push(format!(
                "about : \"{CONVERSATION}{}\"",
                id.peer().uuid().as_simple()
            ));
        }
        if let Some(id) = sender {
            all.push(format!("about : \"{SENDER}{}\"", id.uuid().as_simple()));
        }
        (!all.is_empty()).then(|| all.join(" AND "))
    }

    /// The same query with every long beginning cut to the three letters that
    /// the index has a list for, but for the piece of this number; `None` where
    /// that changes nothing. What it finds must be looked at with
    /// [`Query::fits`].
    #[must_use]
    pub fn shortened(&self, but: Option<usize>) -> Option<Self> {
        let mut short = self.clone();
        let mut cut = false;
        for (at, piece) in short.pieces.iter_mut().enumerate() {
            if but != Some(at) && piece.is_long() {
                piece.text.truncate(INDEXED);
                cut = true;
            }
        }
        cut.then_some(short)
    }

    /// Which of the long beginnings seems to be the rarest, by how often each
    /// piece stood in texts that were looked at; of equals the longest.
    #[must_use]
    pub fn rarest(&self, stood: &[usize]) -> Option<usize> {
        let long = self.pieces.iter().enumerate();
        long.filter(|(_, piece)| piece.is_long())
            .min_by_key(|(at, piece)| {
                let times = stood.get(*at).copied().unwrap_or_default();
                (times, std::cmp::Reverse(piece.text.len()))
            })
            .map(|(at, _)| at)
    }

    /// Whether every piece stands in a text.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        self.standing(text).into_iter().all(|stands| stands)
    }

    /// Which pieces stand in a text.
    #[must_use]
    pub fn standing(&self, text: &str) -> Vec<bool> {
        // One plain word in plain text, which is nearly all of it, needs no
        // copy of the text.
        let simple = text.is_ascii() && self.pieces.iter().all(|piece| piece.words.len() == 1);
        if simple {
            let words = words(text);
            let stands = |piece: &Piece| {
                let wanted = piece.words.first().map_or(&[][..], |word| word.as_bytes());
                words.iter().any(|word| {
                    let there = word.text.as_bytes();
                    let part = if piece.prefix {
                        there.get(..wanted.len())
                    } else {
                        Some(there)
                    };
                    part.is_some_and(|part| part.eq_ignore_ascii_case(wanted))
                })
            };
            return self.pieces.iter().map(stands).collect();
        }
        let words: Vec<String> = words(text).iter().map(|word| fold(word.text)).collect();
        let stands = |piece: &Piece| {
            words
                .windows(piece.words.len().max(1))
                .any(|window| piece.fits(window))
        };
        self.pieces.iter().map(stands).collect()
    }

    /// Where the pieces stand in a text, in bytes, in order and apart.
    fn hits(&self, text: &str) -> Vec<(usize, usize)> {
        let until = (0..=MARKED.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let words = words(text.get(..until).unwrap_or_default());
        let folded: Vec<String> = words.iter().map(|word| fold(word.text)).collect();
        let mut hits: Vec<(usize, usize)> = Vec::new();
        for piece in &self.pieces {
            let long = piece.words.len();
            for (at, window) in folded.windows(long.max(1)).enumerate() {
                if piece.fits(window)
                    && let (Some(first), Some(last)) = (words.get(at), words.get(at + long - 1))
                {
                    hits.push((first.from, last.from + last.text.len()));
                }
            }
        }
        hits.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::new();
        for (from, until) in hits {
            match apart.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(until),
                _ => apart.push((from, until)),
            }
        }
        apart
    }

    /// The part of a text around the first hit, on one line, with marks.
    #[must_use]
    pub fn excerpt(&self, text: &str) -> (String, Vec<Mark>) {
        let hits = self.hits(text);
        let first = hits.first().map_or(0, |hit| hit.0);
        let start = start_of_excerpt(text, first);
        let mut out = String::new();
        let mut marks: Vec<Mark> = Vec::new();
        let mut units = 0_u32;
        let mut put = |out: &mut String, c: char| {
            out.push(c);
            units += u32::try_from(c.len_utf16()).unwrap_or(1);
            units
        };
        let mut at_unit = 0_u32;
        if start > 0 {
            at_unit = put(&mut out, '…');
        }
        let mut hits = hits.into_iter().filter(|hit| hit.0 >= start).peekable();
        let mut open: Option<(u32, usize)> = None;
        let mut space = true;
        let mut cut = false;
        for (count, (offset, c)) in text
            .get(start..)
            .unwrap_or_default()
            .char_indices()
            .enumerate()
        {
            let at = start + offset;
            if let Some((from, until)) = open
                && at >= until
            {
                marks.push((from, at_unit));
                open = None;
            }
            if count >= EXCERPT {
                cut = true;
                break;
            }
            if c.is_whitespace() {
                if !space {
                    at_unit = put(&mut out, ' ');
                }
                space = true;
                continue;
            }
            space = false;
            if let Some((from, until)) = hits.peek().copied()
                && at >= from
            {
                open = Some((at_unit, until));
                hits.next();
            }
            at_unit = put(&mut out, c);
        }
        if let Some((from, _)) = open {
            marks.push((from, at_unit));
        }
        if cut {
            put(&mut out, '…');
        }
        (out, marks)
    }
}

/// Where an excerpt begins, so that the first hit stands in it: at a word.
fn start_of_excerpt(text: &str, hit: usize) -> usize {
    let head = text.get(..hit).unwrap_or_default();
    let mut back = head.char_indices().rev();
    let Some((early, _)) = back.nth(BEFORE) else {
        return 0;
    };
    let rest = text.get(early..hit).unwrap_or_default();
    rest.find(char::is_whitespace)
        .map_or(early, |space| early + space + 1)
        .min(hit)
}

/// A word cut where scripts with and without spaces meet.
fn runs(word: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut from = 0;
    let mut apart: Option<bool> = None;
    for (at, c) in word.char_indices() {
        let now = is_apart(c);
        if apart.is_some_and(|before| before != now && !is_mark(c)) {
            runs.extend(word.get(from..at));
            from = at;
        }
        if apart.is_none() || !is_mark(c) {
            apart = Some(now);
        }
    }
    runs.extend(word.get(from..));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(query: &str, text: &str) -> String {
        let (excerpt, marks) = Query::read(query).excerpt(text);
        let units: Vec<u16> = excerpt.encode_utf16().collect();
        let mut out = String::new();
        let mut at = 0;
        for (from, until) in marks {
            let part = |a: usize, b: usize| String::from_utf16(&units[a..b]).unwrap();
            out += &part(at, from as usize);
            out += &format!("[{}]", part(from as usize, until as usize));
            at = until as usize;
        }
        out + &String::from_utf16(&units[at..]).unwrap()
    }

    #[test]
    fn an_excerpt_marks_what_was_found_and_counts_as_javascript_does() {
        assert_eq!(
            marked("hel", "Say Hello to hélène"),
            "Say [Hello] to [hélène]"
        );
        assert_eq!(
            marked("\"say hello\"", "Say  hello, say"),
            "[Say hello], say"
        );
        assert_eq!(marked("東京", "😀 私は東京に住む"), "😀 私は[東京]に住む");
        assert_eq!(
            marked("Köln", "nach koln\nund Ko\u{308}ln"),
            "nach [koln] und [Ko\u{308}ln]"
        );
        assert_eq!(marked("nothing", "short"), "short");
    }

    #[test]
    fn a_long_text_is_cut_around_its_first_hit() {
        let text = format!("{}needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let excerpt = marked("need", &text);
        assert!(excerpt.starts_with("…hay"), "{excerpt}");
        assert!(excerpt.contains("[needle]") && excerpt.ends_with('…'));
        assert!(excerpt.chars().count() < EXCERPT + 8);
    }

    #[test]
    fn a_query_reads_words_as_beginnings_and_runs_without_spaces_as_phrases() {
        let expression = |text: &str| Query::read(text).expression(None, None).unwrap_or_default();
        assert_eq!(expression("ab c"), "words : \"ab\" * AND words : \"c\" *");
        assert_eq!(expression("漢字"), "words : \" 漢  字 \"");
        assert_eq!(expression("x漢"), "words : \"x\" * AND words : \" 漢 \"");
        assert_eq!(expression("\"a b\""), "words : \"a b\"");
        assert_eq!(expression("\"a b"), "words : \"a b\" *");
        for nothing in ["", " ", "\"", "\"\"", "?! *", "\u{E000}"] {
            assert!(Query::read(nothing).is_empty(), "{nothing:?}");
        }
    }
}
