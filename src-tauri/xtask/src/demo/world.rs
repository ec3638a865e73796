//! Who is on the demonstration's server, and what they have said so far.

use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Somebody in the demonstration.
pub struct Person {
    pub first: &'static str,
    pub last: &'static str,
}

/// Alice and Bob get windows; Carol is somebody to find.
pub const PEOPLE: [Person; 3] = [
    Person {
        first: "Alice",
        last: "Archer",
    },
    Person {
        first: "Bob",
        last: "Baker",
    },
    Person {
        first: "Carol",
        last: "Cooper",
    },
];

impl Person {
    /// The e-mail they sign in with.
    pub fn email(&self) -> String {
        format!("{}@example.com", self.first.to_lowercase())
    }
}

/// From, to, minutes before now, text.
type Said = (&'static str, &'static str, u64, &'static str);

const DAY: u64 = 24 * 60;

/// Oldest first.
const HISTORY: &[Said] = &[
    (
        "Carol",
        "Alice",
        3 * DAY + 190,
        "Hi Alice! Is the reading group still on for Thursday?",
    ),
    (
        "Alice",
        "Carol",
        3 * DAY + 184,
        "It is. Seven o'clock, at the library this time.",
    ),
    (
        "Carol",
        "Alice",
        3 * DAY + 183,
        "Perfect, I'll bring the tea ☕",
    ),
    (
        "Alice",
        "Bob",
        2 * DAY + 320,
        "Did you see the whinchats by the river path?",
    ),
    ("Bob", "Alice", 2 * DAY + 312, "Not yet! Where exactly?"),
    (
        "Alice",
        "Bob",
        2 * DAY + 311,
        "Past the second bridge, on the fence posts.",
    ),
    (
        "Alice",
        "Bob",
        2 * DAY + 310,
        "Three of them this morning. They don't mind people at all.",
    ),
    (
        "Bob",
        "Alice",
        2 * DAY + 290,
        "I'll take the long way home then.",
    ),
    (
        "Bob",
        "Carol",
        DAY + 400,
        "Carol, could you send me the address of the bicycle shop?",
    ),
    (
        "Carol",
        "Bob",
        DAY + 371,
        "Mill Lane 4, next to the bakery. Ask for Ruth.",
    ),
    ("Bob", "Carol", DAY + 370, "Thanks!"),
    (
        "Bob",
        "Alice",
        DAY + 45,
        "Found them! Two on the fence, one on the old signpost.",
    ),
    (
        "Bob",
        "Alice",
        DAY + 44,
        "My pictures are all blurred, of course 😄",
    ),
    (
        "Alice",
        "Bob",
        DAY + 12,
        "That's how you know they're real.",
    ),
    (
        "Carol",
        "Alice",
        95,
        "I've finished the book. No spoilers, but: wow.",
    ),
    (
        "Alice",
        "Bob",
        31,
        "Coffee tomorrow? I have the proofs of the bird guide with me.",
    ),
    ("Bob", "Alice", 27, "Yes please. Ten at the usual place?"),
];

/// The history as the provisioning program takes it, the last of it just before `now`. Each
/// message has the same id at every start, so that it is there once.
pub fn history(now: SystemTime) -> Vec<Value> {
    let email = |first: &str| format!("{}@example.com", first.to_lowercase());
    let mut messages = Vec::new();
    for (index, (from, to, minutes, text)) in HISTORY.iter().enumerate() {
        let when = now - Duration::from_secs(minutes * 60);
        messages.push(json!({
            "id": format!("01936000-0000-7000-8000-{index:012x}"),
            "from": email(from),
            "to": email(to),
            "content": text,
            "timestamp": utc(when),
        }));
    }
    messages
}

/// `2026-11-23T08:15:00Z`.
fn utc(when: SystemTime) -> String {
    let seconds = when
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 1 March of the year 0, so that a leap day ends a year;
    // 146,097 days make 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + carry;
    format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_795_428_000), "2026-11-23T10:00:00Z");
        assert_eq!(at(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn history_is_told_from_old_to_new() {
        let minutes: Vec<u64> = HISTORY.iter().map(|said| said.2).collect();
        assert!(minutes.is_sorted_by(|one, next| one > next));
    }
}
