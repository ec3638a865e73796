//! What the phone's side tells, read once and carefully: what was shared or pressed
//! comes from other apps.
//!
//! Owns: which of it is believed. Never: what follows from it.

use serde::{Deserialize, Serialize};

/// The longest text that may be shared into the app, in bytes: what fits into one
/// message of a server as it is installed. More is cut off at a letter.
pub const LONGEST_SHARED: usize = 60_000;
/// The longest name of an account or a conversation, in bytes.
const LONGEST_NAME: usize = 128;
/// No edge is wider than this, in CSS pixels.
const WIDEST: f64 = 2_000.0;

/// What the system draws over the page's edges, in CSS pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Insets {
    /// Status bar and cutout.
    pub top: f64,
    /// At the right.
    pub right: f64,
    /// Navigation bar.
    pub bottom: f64,
    /// At the left.
    pub left: f64,
    /// The keyboard on the screen, where it does not make the page smaller itself.
    pub keyboard: f64,
}

impl Insets {
    fn sane(self) -> Option<Self> {
        let edges = [self.top, self.right, self.bottom, self.left, self.keyboard];
        edges
            .iter()
            .all(|edge| edge.is_finite() && (0.0..=WIDEST).contains(edge))
            .then_some(self)
    }
}

/// What the phone's side tells.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "told")]
pub enum Told {
    /// The edges are others now.
    Insets(Insets),
    /// A person went back, and the page has something to close.
    Back,
    /// The app is no longer seen.
    Paused,
    /// It is seen again.
    Resumed,
    /// There is a network, or none; whichever it was before, the way is another.
    Network {
        /// Whether there is one.
        up: bool,
    },
    /// Another app shared a text.
    Shared {
        /// The text, as it was given.
        text: String,
    },
    /// Another app shared what is no text.
    SharedOther,
    /// A notice was pressed.
    Pressed {
        /// The account's local id.
        account: String,
        /// The conversation; none for the sum of an account.
        conversation: Option<String>,
    },
    /// The system gives a little time in the background, to look for news.
    Refresh,
    /// That time ends.
    Expired,
}

impl Told {
    /// Reads what was told; what is not exactly one of these is none.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        match serde_json::from_str(json).ok()? {
            Self::Insets(insets) => insets.sane().map(Self::Insets),
            Self::Shared { text } => Some(Self::Shared {
                text: clean(&text)?,
            }),
            Self::Pressed {
                account,
                conversation,
            } => {
                let names = [Some(&account), conversation.as_ref()];
                let short = names.iter().flatten().all(|name| is_name(name));
                short.then_some(Self::Pressed {
                    account,
                    conversation,
                })
            }
            told => Some(told),
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':'))
}

/// A shared text without what only controls a terminal or the direction of what is
/// around it; none where nothing is left.
fn clean(text: &str) -> Option<String> {
    let kept = |c: &char| {
        (matches!(c, '\n' | '\t') || !c.is_control())
            && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut clean: String = text.replace("\r\n", "\n").chars().filter(kept).collect();
    if clean.len() > LONGEST_SHARED {
        let mut end = LONGEST_SHARED;
        while !clean.is_char_boundary(end) {
            end -= 1;
        }
        clean.truncate(end);
    }
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(text: &str) -> Option<String> {
        let json = serde_json::json!({"told": "shared", "text": text}).to_string();
        match Told::read(&json)? {
            Told::Shared { text } => Some(text),
            told => panic!("{told:?}"),
        }
    }

    #[test]
    fn what_is_told_is_read_and_what_is_not_known_is_none() {
        let insets = r#"{"told":"insets","top":24.5,"right":0,"bottom":48,"left":0,"keyboard":0}"#;
        let Some(Told::Insets(insets)) = Told::read(insets) else {
            panic!("insets");
        };
        assert_eq!((insets.top, insets.bottom), (24.5, 48.0));
        assert_eq!(Told::read(r#"{"told":"back"}"#), Some(Told::Back));
        let network = Told::read(r#"{"told":"network","up":false}"#);
        assert_eq!(network, Some(Told::Network { up: false }));
        assert_eq!(Told::read(r#"{"told":"refresh"}"#), Some(Told::Refresh));
        for bad in [
            "",
            "{}",
            r#"{"told":"send"}"#,
            r#"{"told":"network"}"#,
            r#"{"told":"insets","top":-1,"right":0,"bottom":0,"left":0,"keyboard":0}"#,
            r#"{"told":"insets","top":1e9,"right":0,"bottom":0,"left":0,"keyboard":0}"#,
        ] {
            assert_eq!(Told::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_shared_text_is_cut_and_controls_nothing() {
        assert_eq!(
            shared("a\r\nb\u{7}\u{202e}c\u{2066} ").as_deref(),
            Some("a\nbc")
        );
        assert_eq!(shared(" \u{0} \n"), None);
        let long = shared(&"ä".repeat(LONGEST_SHARED)).unwrap();
        assert_eq!(long.len(), LONGEST_SHARED);
        let odd = shared(&format!("a{}", "ä".repeat(LONGEST_SHARED))).unwrap();
        assert_eq!(odd.len(), LONGEST_SHARED - 1, "no letter is cut in two");
    }

    #[test]
    fn a_press_names_an_account_and_a_conversation_and_nothing_else() {
        let pressed = |account: &str, conversation: &str| {
            let told = serde_json::json!({
                "told": "pressed", "account": account, "conversation": conversation,
            });
            Told::read(&told.to_string())
        };
        let id = "5463fbc0-a420-446b-a024-e58abb0969e5";
        assert!(pressed(id, &format!("dm:{id}")).is_some());
        let sum = format!(r#"{{"told":"pressed","account":"{id}","conversation":null}}"#);
        assert!(Told::read(&sum).is_some());
        for bad in ["", "../x", "a b", "ä", &"a".repeat(200)] {
            assert_eq!(pressed(bad, "dm:x"), None, "{bad}");
            assert_eq!(pressed(id, bad), None, "{bad}");
        }
    }
}
