//! What Android answers to whoever asks for a key that a finger or a face gives.
//!
//! Owns: how it is read. Never: the key in a log or a message; it is wiped when it was
//! used.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What is asked for, with the words of the system's prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Under which name the key is kept.
    pub name: String,
    /// What the prompt is for.
    pub title: String,
    /// What its other button says, which breaks it off.
    pub other: String,
}

/// A key, or why there is none.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    /// The key.
    Key(Zeroizing<[u8; 32]>),
    /// Nobody can be recognised, or not now.
    Unavailable,
    /// Somebody broke it off.
    Cancelled,
    /// It was somebody else.
    NotRecognised,
    /// Too many tries.
    TooManyTries,
    /// Android has let go of the key.
    Gone,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "Key(..)",
            Self::Unavailable => "Unavailable",
            Self::Cancelled => "Cancelled",
            Self::NotRecognised => "NotRecognised",
            Self::TooManyTries => "TooManyTries",
            Self::Gone => "Gone",
        })
    }
}

/// The same as Kotlin writes it.
#[derive(Deserialize)]
pub(crate) struct Written {
    given: String,
    #[serde(default)]
    key: Zeroizing<String>,
}

impl From<Written> for Given {
    fn from(written: Written) -> Self {
        match written.given.as_str() {
            "key" => from_hex(&written.key).map_or(Self::Gone, Self::Key),
            "cancelled" => Self::Cancelled,
            "not_recognised" => Self::NotRecognised,
            "too_many_tries" => Self::TooManyTries,
            "gone" => Self::Gone,
            _ => Self::Unavailable,
        }
    }
}

fn from_hex(hex: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in key.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_and_what_is_none_is_not_taken_for_one() {
        let read = |json: &str| Given::from(serde_json::from_str::<Written>(json).unwrap());
        let hex = "00ff".repeat(16);
        let given = read(&format!(r#"{{"given":"key","key":"{hex}"}}"#));
        let Given::Key(key) = &given else {
            panic!("{given:?}");
        };
        assert_eq!(key[..4], [0, 255, 0, 255]);
        assert_eq!(format!("{given:?}"), "Key(..)", "it is in no log");
        for bad in [
            "",
            "00",
            &"zz".repeat(32),
            &"+1".repeat(32),
            &"00".repeat(33),
        ] {
            let given = read(&format!(r#"{{"given":"key","key":"{bad}"}}"#));
            assert_eq!(given, Given::Gone, "{bad}");
        }
        for (word, given) in [
            ("cancelled", Given::Cancelled),
            ("not_recognised", Given::NotRecognised),
            ("too_many_tries", Given::TooManyTries),
            ("gone", Given::Gone),
            ("unavailable", Given::Unavailable),
            ("what", Given::Unavailable),
        ] {
            assert_eq!(read(&format!(r#"{{"given":"{word}"}}"#)), given);
        }
    }
}
