//! Totals per sender and receiver, however many there are.
//!
//! Owns: in how many requests they are asked for, and when they are whole.
//! Never: what follows from them, which is `sync`'s and `reconcile`'s.
//!
//! ```text
//!   all at once --fewer than asked for--> whole
//!        | as many as asked for: there may be more
//!        v
//!   sent, page by page --the last--> received, page by page --the last--> whole
//! ```
//!
//! Who asks for all groups (`limit=-1`) is given no more than `QUERY_LIMIT_MAX`
//! and not told; a limit beyond it is refused. So a limit is always named, and an
//! answer with fewer groups is known to be whole. There are pages only of what
//! one direction has, for Directus orders groups by the first field that makes
//! them and by no other: on PostgreSQL any other order fails for whoever has
//! permissions.

use crate::{
    directus::call::{DayTotal, Direction, Groups, Total},
    model::PersonId,
};

/// More groups than this are nobody's: a server that gives them gives the same
/// ones again.
const MOST: usize = 1_000_000;

/// A group, as far as pages are concerned.
pub(super) trait Group {
    /// Sender and receiver.
    fn pair(&self) -> (PersonId, PersonId);
}

impl Group for Total {
    fn pair(&self) -> (PersonId, PersonId) {
        (self.sender, self.receiver)
    }
}

impl Group for DayTotal {
    fn pair(&self) -> (PersonId, PersonId) {
        (self.sender, self.receiver)
    }
}

/// Groups that are being asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gathering<T> {
    asked: Groups,
    /// Whose group ended the page before.
    last: Option<PersonId>,
    got: Vec<T>,
}

/// What an answer has made of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gathered<T> {
    /// There may be more.
    More(Gathering<T>),
    /// That is all of them; one may be there twice.
    Whole(Vec<T>),
    /// Groups went away between two pages, so that one may have been passed by.
    Moved,
}

impl<T: Group> Gathering<T> {
    /// Nothing is asked for yet; so many are to be asked for at a time.
    pub const fn new(limit: u32) -> Self {
        Self {
            asked: Groups {
                of: Direction::Both,
                offset: 0,
                limit,
            },
            last: None,
            got: Vec::new(),
        }
    }

    /// What to ask for.
    pub const fn groups(&self) -> Groups {
        self.asked
    }

    /// The same with fewer at a time.
    pub const fn at_most(mut self, limit: u32) -> Self {
        self.asked.limit = limit;
        self
    }

    /// An answer came.
    pub fn came(mut self, page: Vec<T>) -> Gathered<T> {
        let count = u32::try_from(page.len()).unwrap_or(u32::MAX);
        let full = count >= self.asked.limit;
        let of = self.asked.of;
        let other = |group: &T| match (of, group.pair()) {
            (Direction::Received, (sender, _)) => sender,
            (_, (_, receiver)) => receiver,
        };
        if of == Direction::Both {
            if !full {
                return Gathered::Whole(page);
            }
            return Gathered::More(self.turned(Direction::Sent));
        }
        if self.last.is_some() && page.first().map(other) != self.last {
            return Gathered::Moved;
        }
        let last = page.last().map(other);
        self.got.extend(page);
        if full && self.got.len() < MOST {
            // The next begins with the group that this one ends with.
            let overlap = u32::from(self.asked.limit > 1);
            self.asked.offset = self.asked.offset.saturating_add(count - overlap);
            self.last = last.filter(|_| overlap > 0);
            return Gathered::More(self);
        }
        match of {
            Direction::Sent => Gathered::More(self.turned(Direction::Received)),
            _ => Gathered::Whole(self.got),
        }
    }

    fn turned(mut self, of: Direction) -> Self {
        self.asked.of = of;
        self.asked.offset = 0;
        self.last = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ME: u128 = 50;

    fn group(sender: u128, receiver: u128) -> Total {
        let [sender, receiver] = [sender, receiver].map(|n| PersonId::new(Uuid::from_u128(n)));
        Total {
            sender,
            receiver,
            count: 1,
            newest: None,
        }
    }

    /// What a server with these groups answers, never more than `most`.
    fn answer(all: &[Total], asked: Groups, most: u32) -> Vec<Total> {
        assert!(asked.limit <= most, "refused");
        let me = PersonId::new(Uuid::from_u128(ME));
        let mut of: Vec<Total> = all
            .iter()
            .filter(|total| match asked.of {
                Direction::Both => true,
                Direction::Sent => total.sender == me,
                Direction::Received => total.receiver == me,
            })
            .copied()
            .collect();
        match asked.of {
            // In no order at all.
            Direction::Both => of.reverse(),
            Direction::Sent => of.sort_by_key(|total| total.receiver),
            Direction::Received => of.sort_by_key(|total| total.sender),
        }
        let page = of.into_iter().skip(asked.offset as usize);
        page.take(asked.limit as usize).collect()
    }

    /// Everybody has written to me, and I to every second, myself included.
    fn talks(people: u128) -> Vec<Total> {
        (0..people)
            .flat_map(|n| {
                let mine = n.is_multiple_of(2).then(|| group(ME, n));
                [Some(group(n, ME)), mine]
            })
            .flatten()
            .collect()
    }

    #[test]
    fn all_groups_come_whatever_their_number_and_the_servers_limit() {
        for people in [0, 1, 2, 5, 30, 90] {
            let all = talks(people);
            for limit in [1, 2, 3, 7, 44, 45, 46, 100, 1_000] {
                let mut gathering = Gathering::new(limit);
                let mut requests = 0;
                let whole = loop {
                    requests += 1;
                    let page = answer(&all, gathering.groups(), limit);
                    match gathering.came(page) {
                        Gathered::More(more) => gathering = more,
                        Gathered::Whole(whole) => break whole,
                        Gathered::Moved => panic!("nothing has moved"),
                    }
                };
                let pairs = |totals: &[Total]| {
                    let pairs = totals.iter().map(Group::pair);
                    pairs.collect::<std::collections::BTreeSet<_>>()
                };
                assert_eq!(
                    pairs(&whole),
                    pairs(&all),
                    "{people} people, {limit} at a time"
                );
                if all.len() < limit as usize {
                    assert_eq!(requests, 1);
                }
            }
        }
    }

    #[test]
    fn a_group_that_goes_away_between_two_pages_is_noticed() {
        let all: Vec<Total> = (1..=5).map(|n| group(ME, n)).collect();
        let Gathered::More(sent) =
            Gathering::new(3).came(answer(&all, Gathering::<Total>::new(3).groups(), 3))
        else {
            panic!("a full page may not be all");
        };
        let Gathered::More(second) = sent.clone().came(answer(&all, sent.groups(), 3)) else {
            panic!("there are two more");
        };
        let page = answer(&all[1..], second.groups(), 3);
        assert_eq!(second.came(page), Gathered::Moved);
    }
}
