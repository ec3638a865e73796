//! Counting, from three sources that know nothing of each other: the
//! harness's ledger, the server's rows, and what every device shows.

use super::device::Shown;
use super::ledger::Said;
use std::collections::{BTreeMap, BTreeSet};

/// A row as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub id: String,
    /// The text.
    pub text: String,
    /// Who wrote it.
    pub sender: String,
    /// Whom it is for.
    pub receiver: String,
}

/// What one device shows: by the other person's id.
pub type Shows = BTreeMap<String, Vec<Shown>>;

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Sends that returned.
    pub sent: usize,
    /// Promises that are missing on the server or on a device.
    pub lost: usize,
    /// Texts that are on the server, or shown, more than once.
    pub doubled: usize,
    /// Rows that nobody wrote so, or that are shown to whom they don't concern.
    pub foreign: usize,
    /// Conversations of which two devices of a person show another order, or
    /// whose messages are not shown as sent.
    pub diverged: usize,
    /// What was wrong, in words; at most a few.
    pub notes: Vec<String>,
}

const MOST_NOTES: usize = 20;

impl Verdict {
    /// Whether nothing is wrong.
    pub fn clean(&self) -> bool {
        self.lost + self.doubled + self.foreign + self.diverged == 0
    }

    fn note(&mut self, note: String) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(note);
        }
    }
}

/// Counts. `people` are ids; `devices` are each one's person and what it shows.
pub fn count(
    people: &[String],
    said: &[Said],
    rows: &[Row],
    devices: &[(usize, Shows)],
) -> Verdict {
    let mut verdict = Verdict {
        sent: said.iter().filter(|said| said.id.is_some()).count(),
        ..Verdict::default()
    };
    let name = |index: usize| people.get(index).map_or("", String::as_str);
    let by_text: BTreeMap<&str, &Said> = said.iter().map(|s| (s.text.as_str(), s)).collect();
    let by_id: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();

    // The server against the ledger.
    let mut texts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *texts.entry(&row.text).or_default() += 1;
        let said = by_text.get(row.text.as_str());
        let as_said = said.is_some_and(|said| {
            name(said.from) == row.sender
                && name(said.to) == row.receiver
                && said.id.as_ref().is_none_or(|id| *id == row.id)
        });
        if !as_said {
            verdict.foreign += 1;
            verdict.note(format!("the server has {} that nobody wrote so", row.id));
        }
    }
    for (text, times) in texts {
        if times > 1 {
            verdict.doubled += 1;
            verdict.note(format!("the server has {times} of {}", head(text)));
        }
    }
    if by_id.len() != rows.len() {
        verdict.doubled += rows.len() - by_id.len();
        verdict.note("the server has two rows of one key".to_owned());
    }
    for said in said {
        let Some(id) = &said.id else { continue };
        if !by_id.contains_key(id.as_str()) {
            verdict.lost += 1;
            verdict.note(format!("the server lacks {id}, {}", head(&said.text)));
        }
    }

    // Every device against the server.
    for (number, (person, shows)) in devices.iter().enumerate() {
        let me = name(*person);
        for other in people {
            let should: BTreeMap<&str, &Row> = rows
                .iter()
                .filter(|row| {
                    (row.sender == me && row.receiver == *other)
                        || (row.sender == *other && row.receiver == me)
                })
                .map(|row| (row.id.as_str(), row))
                .collect();
            let shown = shows.get(other).map_or(&[][..], Vec::as_slice);
            let mut seen = BTreeSet::new();
            for message in shown {
                if !seen.insert(message.id.as_str()) {
                    verdict.doubled += 1;
                    verdict.note(format!("device {number} shows {} twice", message.id));
                }
                match should.get(message.id.as_str()) {
                    Some(row) if row.text == message.text && row.sender == message.sender => {
                        if message.state != "sent" {
                            verdict.diverged += 1;
                            verdict.note(format!(
                                "device {number} shows {} as {}",
                                message.id, message.state
                            ));
                        }
                    }
                    Some(_) => {
                        verdict.diverged += 1;
                        verdict.note(format!("device {number} shows another {}", message.id));
                    }
                    None => {
                        verdict.foreign += 1;
                        verdict.note(format!(
                            "device {number} shows {} ({}), which is not there for it",
                            message.id, message.state
                        ));
                    }
                }
            }
            for id in should.keys().filter(|id| !seen.contains(**id)) {
                verdict.lost += 1;
                verdict.note(format!("device {number} lacks {id}"));
            }
        }
    }

    // The devices against each other: one order.
    let mut orders: BTreeMap<(String, String), (usize, Vec<&str>)> = BTreeMap::new();
    for (number, (person, shows)) in devices.iter().enumerate() {
        let me = name(*person).to_owned();
        for (other, shown) in shows {
            let pair = if me <= *other {
                (me.clone(), other.clone())
            } else {
                (other.clone(), me.clone())
            };
            let order: Vec<&str> = shown.iter().map(|message| message.id.as_str()).collect();
            match orders.get(&pair) {
                None => {
                    orders.insert(pair, (number, order));
                }
                Some((first, known)) if *known != order => {
                    let first = *first;
                    verdict.diverged += 1;
                    verdict.note(format!(
                        "devices {first} and {number} show a conversation in another order"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    verdict
}

/// The beginning of a text, which says whose it is.
fn head(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Vec<String> {
        vec!["alice".to_owned(), "bob".to_owned()]
    }

    fn said(n: usize, id: Option<&str>) -> Said {
        Said {
            from: 0,
            to: 1,
            text: format!("text-{n}"),
            id: id.map(str::to_owned),
        }
    }

    fn row(n: usize, id: &str) -> Row {
        Row {
            id: id.to_owned(),
            text: format!("text-{n}"),
            sender: "alice".to_owned(),
            receiver: "bob".to_owned(),
        }
    }

    fn shows(other: &str, rows: &[(usize, &str)]) -> Shows {
        let shown = rows.iter().map(|(n, id)| Shown {
            id: (*id).to_owned(),
            sender: "alice".to_owned(),
            text: format!("text-{n}"),
            state: "sent".to_owned(),
        });
        BTreeMap::from([(other.to_owned(), shown.collect())])
    }

    #[test]
    fn what_arrived_once_everywhere_is_clean_and_what_was_never_taken_is_no_promise() {
        let said = [said(1, Some("a")), said(2, None), said(3, None)];
        let rows = [row(1, "a"), row(3, "c")];
        let devices = [
            (0, shows("bob", &[(1, "a"), (3, "c")])),
            (1, shows("alice", &[(1, "a"), (3, "c")])),
        ];
        let verdict = count(&people(), &said, &rows, &devices);
        assert!(verdict.clean(), "{:?}", verdict.notes);
        assert_eq!(verdict.sent, 1);
    }

    #[test]
    fn a_promise_that_the_server_lacks_is_lost() {
        let verdict = count(&people(), &[said(1, Some("a"))], &[], &[]);
        assert_eq!((verdict.sent, verdict.lost), (1, 1));
    }

    #[test]
    fn a_row_that_one_device_lacks_is_lost_and_one_it_shows_twice_is_doubled() {
        let said = [said(1, Some("a")), said(2, Some("b"))];
        let rows = [row(1, "a"), row(2, "b")];
        let devices = [
            (0, shows("bob", &[(1, "a"), (2, "b"), (2, "b")])),
            (1, shows("alice", &[(1, "a")])),
        ];
        let verdict = count(&people(), &said, &rows, &devices);
        assert_eq!((verdict.lost, verdict.doubled), (1, 1));
    }

    #[test]
    fn a_text_under_two_keys_is_doubled() {
        let rows = [row(1, "a"), row(1, "b")];
        let verdict = count(&people(), &[said(1, Some("a"))], &rows, &[]);
        assert_eq!(verdict.doubled, 1);
        assert_eq!(verdict.foreign, 1, "and its key was never given");
    }

    #[test]
    fn another_order_on_another_device_is_a_divergence() {
        let said = [said(1, Some("a")), said(2, Some("b"))];
        let rows = [row(1, "a"), row(2, "b")];
        let devices = [
            (0, shows("bob", &[(1, "a"), (2, "b")])),
            (1, shows("alice", &[(2, "b"), (1, "a")])),
        ];
        assert_eq!(count(&people(), &said, &rows, &devices).diverged, 1);
    }

    #[test]
    fn what_is_still_on_its_way_or_not_for_these_eyes_is_not_clean() {
        let mut pending = shows("bob", &[(1, "a")]);
        for shown in pending.values_mut().flatten() {
            "queued".clone_into(&mut shown.state);
        }
        let said = [said(1, Some("a"))];
        let verdict = count(&people(), &said, &[row(1, "a")], &[(0, pending)]);
        assert_eq!(verdict.diverged, 1);
        let verdict = count(&people(), &said, &[], &[(1, shows("alice", &[(1, "a")]))]);
        assert_eq!((verdict.lost, verdict.foreign), (1, 1));
    }
}
