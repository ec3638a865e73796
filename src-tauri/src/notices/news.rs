//! Which notices follow from what the core tells of one account.
//!
//! Owns: what was unread of each conversation when it was last seen, and which
//! notices stand. Pure: no clock, no desktop, no setting of its own; what it
//! must know of them is an argument. Never: a word that a person reads.
//!
//! ```text
//!            behind --settled--> told at once, one notice a conversation
//!              ^ |                 |
//!   (begin) ---+ +-- what comes    +-- connection lost --> behind
//!                    is gathered
//! ```
//!
//! While the account is behind (it has just been opened, or the connection was
//! away) what comes in is a flood of the past: it is gathered, and told in one
//! sentence when the core says that it is whole.

use std::collections::{BTreeMap, BTreeSet};

use whinchat_core::bridge::{Change, ConnectionState, ConversationRow};

/// What is as it is at this moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment<'a> {
    /// Whether notices are wanted now: switched on, and no quiet hours.
    pub wanted: bool,
    /// The conversation that a person looks at, in a window with the focus.
    pub in_view: Option<&'a str>,
}

/// A notice of one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The conversation.
    pub conversation: String,
    /// Who it is with; empty if unknown.
    pub title: String,
    /// The last message, where it is the other's.
    pub text: Option<String>,
    /// How many messages came since it was last looked at.
    pub count: i64,
    /// Whether it only corrects one that stands: no sound, nothing new.
    pub again: bool,
}

/// What is to be done about a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Shows it, in place of the one of the same conversation.
    Show(Note),
    /// Takes back what this conversation had.
    Withdraw(String),
    /// Tells in one sentence what came while nobody was connected.
    Sum {
        /// How many messages.
        messages: i64,
        /// In how many conversations.
        conversations: i64,
    },
    /// Takes that sentence back.
    WithdrawSum,
}

/// A notice that stands.
#[derive(Debug)]
struct Standing {
    count: i64,
    named: bool,
}

/// What is known of one account.
#[derive(Debug, Default)]
pub struct News {
    unread: BTreeMap<String, i64>,
    settled: bool,
    /// What came while behind: the row as it is now, and how many are new.
    gathered: BTreeMap<String, (ConversationRow, i64)>,
    standing: BTreeMap<String, Standing>,
    summed: BTreeSet<String>,
}

/// Whether whatever comes from now on is news as it happens.
const fn settles(state: ConnectionState) -> bool {
    matches!(state, ConnectionState::Live | ConnectionState::Polling)
}

impl News {
    /// Begins with all conversations as they are. Nothing follows from them.
    #[must_use]
    pub fn begin(rows: &[ConversationRow], state: ConnectionState) -> Self {
        let unread = rows.iter().map(|row| (row.id.clone(), row.unread));
        Self {
            unread: unread.collect(),
            settled: settles(state),
            ..Self::default()
        }
    }

    /// Begins anew after something was missed: what is unread now and was not
    /// before is told as what came while behind is.
    pub fn begin_again(
        &mut self,
        rows: Vec<ConversationRow>,
        state: ConnectionState,
        moment: Moment<'_>,
    ) -> Vec<Deed> {
        self.settled = false;
        let mut deeds = Vec::new();
        for row in rows {
            deeds.extend(self.row(row, moment));
        }
        if settles(state) {
            deeds.extend(self.settle(moment));
        }
        deeds
    }

    /// What follows from a change.
    pub fn change(&mut self, change: &Change, moment: Moment<'_>) -> Vec<Deed> {
        match change {
            Change::Connection(connection) if settles(connection.state) => self.settle(moment),
            Change::Connection(_) => {
                self.settled = false;
                Vec::new()
            }
            Change::Conversation(row) => self.row(row.clone(), moment),
            _ => Vec::new(),
        }
    }

    /// A person has come to the window.
    pub fn seen(&mut self) -> Vec<Deed> {
        let summed = std::mem::take(&mut self.summed);
        (!summed.is_empty())
            .then_some(Deed::WithdrawSum)
            .into_iter()
            .collect()
    }

    /// The account is closed: none of its notices is left.
    pub fn end(&mut self) -> Vec<Deed> {
        let standing = std::mem::take(&mut self.standing);
        self.gathered.clear();
        let mut deeds: Vec<Deed> = standing.into_keys().map(Deed::Withdraw).collect();
        deeds.extend(self.seen());
        deeds
    }

    /// A person has put this conversation's notice away: the next one counts
    /// from there.
    pub fn put_away(&mut self, conversation: &str) {
        self.standing.remove(conversation);
    }

    fn row(&mut self, row: ConversationRow, moment: Moment<'_>) -> Vec<Deed> {
        let before = self.unread.insert(row.id.clone(), row.unread).unwrap_or(0);
        let came = row.unread - before;
        // Of somebody who is blocked nothing is told, and what stood is taken back.
        if row.unread == 0 || row.blocked {
            return self.read(&row.id);
        }
        if came <= 0 {
            // A name that came after its message is put in its place.
            let unnamed = self.standing.get(&row.id).filter(|it| !it.named);
            return match unnamed.map(|it| it.count) {
                Some(count) if !row.title.is_empty() => self.show(&row, count, true),
                _ => Vec::new(),
            };
        }
        if moment.in_view == Some(row.id.as_str()) || !moment.wanted {
            return Vec::new();
        }
        if !self.settled {
            let gathered = self.gathered.get(&row.id).map_or(0, |(_, count)| *count);
            self.gathered
                .insert(row.id.clone(), (row, gathered.saturating_add(came)));
            return Vec::new();
        }
        let stood = self.standing.get(&row.id).map_or(0, |it| it.count);
        self.show(&row, stood.saturating_add(came), false)
    }

    fn read(&mut self, conversation: &str) -> Vec<Deed> {
        self.gathered.remove(conversation);
        let mut deeds = Vec::new();
        if self.standing.remove(conversation).is_some() {
            deeds.push(Deed::Withdraw(conversation.to_owned()));
        }
        if self.summed.remove(conversation) && self.summed.is_empty() {
            deeds.push(Deed::WithdrawSum);
        }
        deeds
    }

    fn show(&mut self, row: &ConversationRow, count: i64, again: bool) -> Vec<Deed> {
        let standing = Standing {
            count,
            named: !row.title.is_empty(),
        };
        self.standing.insert(row.id.clone(), standing);
        let last = row.last.as_ref().filter(|last| !last.is_me);
        vec![Deed::Show(Note {
            conversation: row.id.clone(),
            title: row.title.clone(),
            text: last.map(|last| last.text.clone()),
            count,
            again,
        })]
    }

    fn settle(&mut self, moment: Moment<'_>) -> Vec<Deed> {
        self.settled = true;
        let mut gathered = std::mem::take(&mut self.gathered);
        if let Some(seen) = moment.in_view {
            gathered.remove(seen);
        }
        if !moment.wanted {
            return Vec::new();
        }
        if gathered.len() <= 1 {
            return gathered
                .into_values()
                .flat_map(|(row, came)| {
                    let stood = self.standing.get(&row.id).map_or(0, |it| it.count);
                    self.show(&row, stood.saturating_add(came), false)
                })
                .collect();
        }
        let messages = gathered
            .values()
            .fold(0_i64, |sum, (_, count)| sum.saturating_add(*count));
        let conversations = i64::try_from(gathered.len()).unwrap_or(i64::MAX);
        self.summed.extend(gathered.into_keys());
        vec![Deed::Sum {
            messages,
            conversations,
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whinchat_core::bridge::{Connection, LastMessage, MessageState};

    const WANTED: Moment<'static> = Moment {
        wanted: true,
        in_view: None,
    };

    fn row(id: &str, unread: i64, text: &str) -> ConversationRow {
        ConversationRow {
            id: format!("dm:{id}"),
            person: id.to_owned(),
            title: id.to_owned(),
            last: Some(LastMessage {
                text: text.to_owned(),
                at: 0,
                is_me: false,
                state: MessageState::Sent,
            }),
            unread,
            draft: None,
            blocked: false,
            sort: String::new(),
        }
    }

    fn state(state: ConnectionState) -> Change {
        Change::Connection(Connection {
            state,
            retry_at: None,
            problem: None,
        })
    }

    fn told(id: &str, unread: i64, text: &str) -> Change {
        Change::Conversation(row(id, unread, text))
    }

    fn note(id: &str, count: i64, text: &str) -> Deed {
        Deed::Show(Note {
            conversation: format!("dm:{id}"),
            title: id.to_owned(),
            text: Some(text.to_owned()),
            count,
            again: false,
        })
    }

    fn live(rows: &[ConversationRow]) -> News {
        News::begin(rows, ConnectionState::Live)
    }

    #[test]
    fn nothing_is_told_of_somebody_who_is_blocked_and_what_stood_is_taken_back() {
        let mut news = News::begin(&[row("bob", 0, "")], ConnectionState::Live);
        let told = news.change(&Change::Conversation(row("bob", 1, "Hi")), WANTED);
        assert!(matches!(told.as_slice(), [Deed::Show(_)]), "{told:?}");
        let blocked = ConversationRow {
            blocked: true,
            ..row("bob", 1, "Hi")
        };
        let told = news.change(&Change::Conversation(blocked.clone()), WANTED);
        assert_eq!(told, [Deed::Withdraw("dm:bob".to_owned())]);
        let more = ConversationRow {
            unread: 2,
            ..blocked
        };
        assert_eq!(news.change(&Change::Conversation(more), WANTED), []);
        // Not blocked any more: what came meanwhile is no news.
        let back = Change::Conversation(row("bob", 2, "Hi"));
        assert_eq!(news.change(&back, WANTED), []);
    }

    #[test]
    fn a_message_is_told_and_the_next_replaces_it_and_reading_withdraws_it() {
        let mut news = live(&[row("bob", 0, "old"), row("carol", 2, "old")]);
        assert_eq!(
            news.change(&told("bob", 1, "Hi"), WANTED),
            [note("bob", 1, "Hi")]
        );
        assert_eq!(
            news.change(&told("bob", 2, "There?"), WANTED),
            [note("bob", 2, "There?")]
        );
        // What was unread before the start does not count.
        assert_eq!(
            news.change(&told("carol", 3, "New"), WANTED),
            [note("carol", 1, "New")]
        );
        let read = news.change(&told("bob", 0, "There?"), WANTED);
        assert_eq!(read, [Deed::Withdraw("dm:bob".to_owned())]);
        assert_eq!(news.change(&told("bob", 0, "There?"), WANTED), []);
        assert_eq!(
            news.change(&told("bob", 1, "So"), WANTED),
            [note("bob", 1, "So")]
        );
    }

    #[test]
    fn what_changes_nothing_unread_raises_nothing() {
        let mut news = live(&[row("bob", 1, "Hi")]);
        assert_eq!(news.change(&told("bob", 1, "edited"), WANTED), []);
        let mut mine = row("carol", 0, "mine");
        mine.last = mine.last.map(|last| LastMessage {
            is_me: true,
            ..last
        });
        assert_eq!(news.change(&Change::Conversation(mine), WANTED), []);
        assert_eq!(news.change(&Change::Unread(7), WANTED), []);
        assert_eq!(
            news.change(&told("bob", 0, "edited"), WANTED),
            [],
            "none stood"
        );
    }

    #[test]
    fn nothing_is_told_of_what_is_looked_at_nor_when_it_is_not_wanted() {
        let mut news = live(&[]);
        let looking = Moment {
            in_view: Some("dm:bob"),
            ..WANTED
        };
        assert_eq!(news.change(&told("bob", 1, "Hi"), looking), []);
        assert_eq!(
            news.change(&told("carol", 1, "Hi"), looking),
            [note("carol", 1, "Hi")],
            "another conversation is told"
        );
        let quiet = Moment::default();
        assert_eq!(news.change(&told("dora", 1, "Hi"), quiet), []);
        // Nothing of it is told later: it stands in the list.
        assert_eq!(
            news.change(&told("dora", 2, "Hi?"), WANTED),
            [note("dora", 1, "Hi?")]
        );
        // Reading is done whether notices are wanted or not.
        let read = news.change(&told("carol", 0, "Hi"), quiet);
        assert_eq!(read, [Deed::Withdraw("dm:carol".to_owned())]);
    }

    #[test]
    fn what_came_while_away_is_told_in_one_sentence() {
        let mut news = News::begin(&[row("bob", 1, "old")], ConnectionState::Connecting);
        for (id, unread) in [("bob", 4), ("carol", 5), ("dora", 1), ("carol", 9)] {
            assert_eq!(news.change(&told(id, unread, "x"), WANTED), []);
        }
        assert_eq!(news.change(&state(ConnectionState::CatchingUp), WANTED), []);
        assert_eq!(
            news.change(&state(ConnectionState::Live), WANTED),
            [Deed::Sum {
                messages: 13,
                conversations: 3
            }]
        );
        assert_eq!(news.change(&state(ConnectionState::Live), WANTED), []);
        // Each that was in it is read: it goes with the last.
        assert_eq!(news.change(&told("bob", 0, "x"), WANTED), []);
        assert_eq!(news.change(&told("carol", 0, "x"), WANTED), []);
        assert_eq!(
            news.change(&told("dora", 0, "x"), WANTED),
            [Deed::WithdrawSum]
        );
        assert_eq!(news.seen(), []);
    }

    #[test]
    fn what_one_person_wrote_meanwhile_is_told_as_theirs() {
        let mut news = live(&[]);
        assert_eq!(
            news.change(&told("bob", 1, "a"), WANTED),
            [note("bob", 1, "a")]
        );
        news.change(&state(ConnectionState::Waiting), WANTED);
        assert_eq!(news.change(&told("bob", 3, "c"), WANTED), []);
        assert_eq!(
            news.change(&state(ConnectionState::Polling), WANTED),
            [note("bob", 3, "c")]
        );
        // Read while behind: nothing is told of it, and what stood goes.
        news.change(&state(ConnectionState::Connecting), WANTED);
        news.change(&told("carol", 1, "x"), WANTED);
        assert_eq!(news.change(&told("carol", 0, "x"), WANTED), []);
        let read = news.change(&told("bob", 0, "c"), WANTED);
        assert_eq!(read, [Deed::Withdraw("dm:bob".to_owned())]);
        assert_eq!(news.change(&state(ConnectionState::Live), WANTED), []);
    }

    #[test]
    fn coming_to_the_window_takes_the_sum_back_and_closing_takes_all() {
        let mut news = News::begin(&[], ConnectionState::CatchingUp);
        news.change(&told("bob", 1, "x"), WANTED);
        news.change(&told("carol", 1, "x"), WANTED);
        let settled = news.change(&state(ConnectionState::Live), WANTED);
        assert!(matches!(settled.as_slice(), [Deed::Sum { .. }]));
        assert_eq!(news.seen(), [Deed::WithdrawSum]);
        assert_eq!(news.seen(), []);
        news.change(&told("bob", 2, "y"), WANTED);
        assert_eq!(news.end(), [Deed::Withdraw("dm:bob".to_owned())]);
        assert_eq!(news.end(), []);
    }

    #[test]
    fn a_name_that_comes_later_is_put_into_the_notice_once() {
        let mut news = live(&[]);
        let nobody = ConversationRow {
            title: String::new(),
            ..row("bob", 1, "Hi")
        };
        let first = news.change(&Change::Conversation(nobody), WANTED);
        assert!(matches!(first.as_slice(), [Deed::Show(note)] if note.title.is_empty()));
        let again = news.change(&told("bob", 1, "Hi"), WANTED);
        assert!(
            matches!(again.as_slice(), [Deed::Show(note)] if note.title == "bob" && note.again)
        );
        assert_eq!(news.change(&told("bob", 1, "Hi"), WANTED), []);
    }

    #[test]
    fn what_was_put_away_is_counted_anew() {
        let mut news = live(&[]);
        news.change(&told("bob", 2, "x"), WANTED);
        news.put_away("dm:bob");
        assert_eq!(
            news.change(&told("bob", 3, "y"), WANTED),
            [note("bob", 1, "y")]
        );
    }

    #[test]
    fn after_a_gap_in_the_stream_what_is_new_is_told_and_what_was_read_is_withdrawn() {
        let mut news = live(&[row("bob", 0, "x")]);
        news.change(&told("carol", 1, "x"), WANTED);
        let deeds = news.begin_again(
            vec![row("bob", 2, "z"), row("carol", 0, "x")],
            ConnectionState::Live,
            WANTED,
        );
        let withdrawn = Deed::Withdraw("dm:carol".to_owned());
        assert_eq!(deeds, [withdrawn, note("bob", 2, "z")]);
    }
}
