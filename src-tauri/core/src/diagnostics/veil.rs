//! What stands for a text that nobody may read.
//!
//! Owns: the key, which is made here, told to nobody and gone with the journal.
//! Never: a text that is kept. Two texts that are the same have the same
//! stand-in, and so an engine decides over stand-ins as it did over texts.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::Digest;
use crate::model::MessageId;

/// Stands for nothing at all.
const EMPTY: u64 = 0;
/// Stands for blanks.
const BLANK: u64 = 1;

/// A placeholder is made no longer than this: no decision looks further.
const LONGEST: u32 = 5_000;

/// Around the number in a placeholder.
const MARK: char = '~';

/// A text, without its words: whether two are the same, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text {
    hash: u64,
    characters: u32,
}

impl Text {
    /// Nothing at all.
    pub const NONE: Self = Self {
        hash: EMPTY,
        characters: 0,
    };

    /// The number that is the same for the same text.
    #[must_use]
    pub const fn hash(self) -> u64 {
        self.hash
    }

    /// A text of that length to put in its place, from which this can be read
    /// again. Where it was shorter than that takes, it is longer.
    #[must_use]
    pub fn placeholder(self) -> String {
        let length = self.characters.min(LONGEST) as usize;
        match self.hash {
            EMPTY => String::new(),
            BLANK => " ".repeat(length.max(1)),
            hash => {
                let number = format!("{MARK}{hash:016x}{MARK}");
                format!("{number:.<length$}")
            }
        }
    }

    fn of_placeholder(text: &str) -> Option<u64> {
        let number = text.strip_prefix(MARK)?.get(..16)?;
        u64::from_str_radix(number, 16).ok()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}", self.hash, self.characters)
    }
}

impl FromStr for Text {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (hash, characters) = text.split_once(':')?;
            Some(Self {
                hash: u64::from_str_radix(hash, 16).ok()?,
                characters: characters.parse().ok()?,
            })
        };
        read().ok_or("no stand-in of a text")
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Puts stand-ins in the place of texts.
#[derive(Debug)]
pub enum Veil {
    /// Over what people wrote.
    Keyed(RandomState),
    /// Over placeholders: gives back what they stand for.
    Placeholders,
}

impl Veil {
    /// With a key of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::Keyed(RandomState::new())
    }

    /// What stands for a text.
    #[must_use]
    pub fn text(&self, text: &str) -> Text {
        if text.is_empty() {
            return Text::NONE;
        }
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let hash = if text.trim().is_empty() {
            BLANK
        } else {
            let hash = match self {
                Self::Keyed(key) => key.hash_one(text),
                Self::Placeholders => {
                    Text::of_placeholder(text).unwrap_or_else(|| Digest::of(text.as_bytes()))
                }
            };
            hash.max(BLANK + 1)
        };
        Text { hash, characters }
    }

    /// A word that is no secret as it is, and of every other what stands for it.
    #[must_use]
    pub fn word(&self, text: &str) -> Word {
        if is_plain(text) {
            Word::Plain(text.to_owned())
        } else {
            Word::Veiled(self.text(text))
        }
    }
}

impl Default for Veil {
    fn default() -> Self {
        Self::new()
    }
}

/// A word that a server or a program may have chosen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Word {
    /// One of those that anybody may read.
    Plain(String),
    /// Any other.
    Veiled(Text),
}

impl Word {
    /// As the engine is told it.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Plain(word) => word.clone(),
            Self::Veiled(text) => text.placeholder(),
        }
    }
}

/// Words that are no secret: the fields of the collection, and what facts and
/// problems say.
const PLAIN: &[&str] = &[
    "?",
    "content",
    "corrupt",
    "database",
    "date_created",
    "date_updated",
    "engine",
    "field",
    "file",
    "host",
    "id",
    "kind",
    "limit",
    "locked",
    "read_only",
    "receiver_id",
    "row",
    "seconds",
    "sender",
    "sender_id",
    "server",
    "status",
    "timestamp",
    "version",
];

/// What the engine's own names begin with, before a number.
const NAMED: &[&str] = &["auth-", "messages-", "ping-", "-", ""];

/// The longest number.
const DIGITS: usize = 20;

fn is_plain(word: &str) -> bool {
    let number = |digits: &str| {
        (1..=DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    PLAIN.contains(&word)
        || NAMED
            .iter()
            .any(|name| word.strip_prefix(name).is_some_and(number))
        || word
            .parse::<MessageId>()
            .is_ok_and(|id| id.to_string() == word)
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(word) => serializer.serialize_str(word),
            Self::Veiled(text) => serializer.collect_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if is_plain(&word) {
            return Ok(Self::Plain(word));
        }
        word.parse()
            .map(Self::Veiled)
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_the_same_stand_in_and_another_has_another() {
        let veil = Veil::new();
        assert_eq!(veil.text("lunch?"), veil.text("lunch?"));
        assert_ne!(veil.text("lunch?"), veil.text("Lunch?"));
        assert_ne!(veil.text("lunch?"), Veil::new().text("lunch?"));
        assert_eq!(veil.text("äöü").characters, 3);
    }

    #[test]
    fn a_placeholder_reads_back_as_what_it_stands_for() {
        let veil = Veil::new();
        for text in [
            "",
            " ",
            "\n\n ",
            "a",
            "about as long as a message is, or so",
            "é",
        ] {
            let stand_in = veil.text(text);
            let again = Veil::Placeholders.text(&stand_in.placeholder());
            assert_eq!(again.hash(), stand_in.hash(), "{text:?}");
            assert_eq!(
                stand_in.placeholder().trim().is_empty(),
                text.trim().is_empty()
            );
            assert_eq!(stand_in.to_string().parse(), Ok(stand_in));
        }
        let long = veil.text(&"x".repeat(4_001)).placeholder();
        assert_eq!(long.chars().count(), 4_001);
        let huge: Text = "00000000000000ff:4294967295".parse().unwrap();
        assert!(huge.placeholder().len() <= LONGEST as usize);
    }

    #[test]
    fn only_words_that_anybody_may_read_stay() {
        let veil = Veil::new();
        for word in [
            "sender_id",
            "auth-12",
            "-5",
            "503",
            "5463fbc0-a420-446b-a024-e58abb0969e5",
        ] {
            assert_eq!(veil.word(word), Word::Plain(word.to_owned()));
        }
        for word in [
            "",
            "chat.example.org",
            "auth-x",
            "auth-123456789012345678901",
            "5463FBC0-a420-446b-a024-e58abb0969e5",
            "secret",
        ] {
            let kept = veil.word(word);
            assert!(matches!(kept, Word::Veiled(_)), "{word}");
            let json = serde_json::to_string(&kept).unwrap();
            assert_eq!(serde_json::from_str::<Word>(&json).unwrap(), kept);
        }
    }
}
