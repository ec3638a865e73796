//! What was missed in silence, and what is gone.
//!
//! Owns: the comparison of counts with the server, and the repair of what
//! differs. A socket that says nothing proves nothing: events between servers
//! are lost without a word, and hard deletes are told to nobody who was away.
//!
//! On a server with its own stamps the last day's totals are compared. The
//! tutorial's stamps are the senders', so that a late row may lie anywhere:
//! there the days of all that is held are compared. Only what is held without
//! a gap can be compared at all. A conversation that differs is read again for
//! that span; what is here and was not in it is asked for by its id, and only
//! a refusal of that id removes it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Engine,
    ingest::From,
    step::Step,
    sync::{Stage, Walk},
};
use crate::{
    directus::call::{By, Call, DayTotal, Rows, Total},
    model::{ConversationId, Instant, MessageId, PersonId, Stamps},
    store::{StoreError, conversations, held, messages},
};

const DAY: i64 = 24 * 3_600_000;

/// A span of a conversation that may differ from the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Doubt {
    pub peer: PersonId,
    pub from: Instant,
    pub until: Option<Instant>,
}

impl Engine {
    pub(super) fn compare(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        match self.stamps {
            Stamps::Server => {
                let since = s.now.wall.plus(self.skew).plus(-DAY).floor_second();
                let call = Call::Totals {
                    stamps: Stamps::Server,
                    since: Some(since),
                };
                self.ask(s, Stage::Compare { since }, call);
            }
            Stamps::Sender => {
                self.ask(s, Stage::CompareDays, Call::Days { since: None });
            }
        }
        Ok(())
    }

    /// Whether all of `from..` is held, so that counts can be compared. Where
    /// nothing is held the conversation was in no list: it has begun since,
    /// and all of it is missing here.
    fn comparable(
        &self,
        s: &Step<'_>,
        conversation: ConversationId,
        from: Instant,
    ) -> Result<bool, StoreError> {
        Ok(held::newest_from(s.tx, conversation)?.is_none_or(|spot| spot.0 < from.0))
    }

    pub(super) fn compared(
        &mut self,
        s: &mut Step<'_>,
        since: Instant,
        totals: &[Total],
    ) -> Result<(), StoreError> {
        let mut theirs: BTreeMap<(PersonId, PersonId), u64> = BTreeMap::new();
        let mut peers: BTreeSet<PersonId> = conversations::active_since(s.tx, since)?
            .into_iter()
            .map(ConversationId::peer)
            .collect();
        for total in totals {
            if let Some(peer) = self.peer_of(total) {
                theirs.insert((peer, total.sender), total.count);
                peers.insert(peer);
            }
        }
        let mut doubts = Vec::new();
        for peer in peers {
            let conversation = ConversationId::Direct(peer);
            if !self.comparable(s, conversation, since)? {
                continue;
            }
            for sender in BTreeSet::from([self.me, peer]) {
                let ours = messages::count(s.tx, conversation, sender, since, Instant(i64::MAX))?;
                if ours != theirs.get(&(peer, sender)).copied().unwrap_or_default() {
                    doubts.push(Doubt {
                        peer,
                        from: since,
                        until: None,
                    });
                    break;
                }
            }
        }
        self.repair_next(s, doubts)
    }

    pub(super) fn days_compared(
        &mut self,
        s: &mut Step<'_>,
        days: &[DayTotal],
    ) -> Result<(), StoreError> {
        let mut doubts = BTreeSet::new();
        for day in days {
            let total = Total {
                sender: day.sender,
                receiver: day.receiver,
                count: day.count,
                newest: None,
            };
            let Some(peer) = self.peer_of(&total) else {
                continue;
            };
            let conversation = ConversationId::Direct(peer);
            let until = day.day.plus(DAY - 1);
            if self.comparable(s, conversation, day.day)?
                && messages::count(s.tx, conversation, day.sender, day.day, until)? != day.count
            {
                doubts.insert(Doubt {
                    peer,
                    from: day.day,
                    until: Some(until),
                });
            }
        }
        self.repair_next(s, doubts.into_iter().collect())
    }

    fn repair_next(&mut self, s: &mut Step<'_>, mut rest: Vec<Doubt>) -> Result<(), StoreError> {
        let Some(doubt) = rest.pop() else {
            return self.background(s);
        };
        let walk = Walk {
            by: By::Created,
            peer: Some(doubt.peer),
            from: Some(doubt.from),
            until: doubt.until,
            except: BTreeSet::new(),
        };
        let call = walk.call(self.stamps, self.page(), self.pages.named);
        let stage = Stage::Repair {
            walk,
            seen: BTreeSet::new(),
            rest: {
                rest.push(doubt);
                rest
            },
        };
        self.ask(s, stage, call);
        Ok(())
    }

    pub(super) fn repaired(
        &mut self,
        s: &mut Step<'_>,
        mut walk: Walk,
        mut seen: BTreeSet<MessageId>,
        mut rest: Vec<Doubt>,
        rows: Rows,
    ) -> Result<(), StoreError> {
        seen.extend(rows.messages.iter().map(|message| message.id));
        let more = walk.advance(&rows, self.stamps);
        self.ingest(s, rows, From::News)?;
        if more {
            let call = walk.call(self.stamps, self.page(), self.pages.named);
            self.ask(s, Stage::Repair { walk, seen, rest }, call);
            return Ok(());
        }
        let Some(doubt) = rest.pop() else {
            return self.background(s);
        };
        let missing: Vec<MessageId> = messages::ids_between(
            s.tx,
            ConversationId::Direct(doubt.peer),
            doubt.from,
            doubt.until.unwrap_or(Instant(i64::MAX)),
        )?
        .into_iter()
        .filter(|id| !seen.contains(id))
        .collect();
        self.verify_next(s, missing, rest)
    }

    fn verify_next(
        &mut self,
        s: &mut Step<'_>,
        mut rest: Vec<MessageId>,
        doubts: Vec<Doubt>,
    ) -> Result<(), StoreError> {
        let Some(id) = rest.pop() else {
            return self.repair_next(s, doubts);
        };
        let stamps = self.stamps;
        self.ask(
            s,
            Stage::Verify { id, rest, doubts },
            Call::Message { id, stamps },
        );
        Ok(())
    }

    pub(super) fn verified(
        &mut self,
        s: &mut Step<'_>,
        id: MessageId,
        gone: bool,
        rest: Vec<MessageId>,
        doubts: Vec<Doubt>,
    ) -> Result<(), StoreError> {
        if gone {
            self.forget(s, id)?;
        }
        self.verify_next(s, rest, doubts)
    }
}
