//! What was missed in silence, and what is gone.
//!
//! Owns: the comparison of counts with the server, and the repair of what
//! differs. A socket that says nothing proves nothing: events between servers
//! are lost without a word, and hard deletes are told to nobody who was away.
//!
//! On a server with its own stamps the last day's totals are compared, and once
//! a day those of all that is held. Only what is held without a gap can be
//! compared at all, so that a conversation of which less than the day is held
//! has a span of its own. The tutorial's stamps are the senders', so that a
//! late row may lie anywhere: there all days that are held whole are compared,
//! every time, and the spans come on top. What is gone and what came late can
//! hide each other from a count there, so that once a day the last week is read
//! again as it is. The day counts as compared once every question has its answer: one that
//! is lost is asked again at the next comparison. A conversation that differs is read again for
//! that span; what is here and was not in it is asked for by its id, and only
//! a refusal of that id removes it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Engine,
    ingest::From,
    step::Step,
    sync::{Stage, Then, Walk},
};
use crate::{
    directus::call::{By, Call, DayTotal, Rows, Total},
    model::{ConversationId, Instant, MessageId, PersonId, Stamps},
    store::{StoreError, conversations, facts, held, messages},
};

const DAY: i64 = 24 * 3_600_000;
/// How far back the tutorial's rows are read again once a day.
const READ_AGAIN: i64 = 7 * DAY;
/// Spans that a comparison asks about, but for the daily one.
const SPANS: usize = 50;
/// A conversation that is held whole is compared from here on.
pub(super) const FIRST: Instant = Instant(i64::MIN + 1);

/// A span of a conversation that may differ from the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Doubt {
    pub peer: PersonId,
    pub from: Instant,
    pub until: Option<Instant>,
}

/// What a comparison asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    /// All days that are held whole; of the tutorial's stamps.
    Days,
    /// From here on.
    Since(Instant),
}

/// The first instant of the next day.
const fn end_of_day(at: Instant) -> Instant {
    Instant(at.0.div_euclid(DAY).saturating_add(1).saturating_mul(DAY))
}

impl Engine {
    pub(super) fn compare(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.sync.question = None;
        self.sync.questions = self.questions(s)?;
        // There is always one.
        self.compare_next(s).map(drop)
    }

    /// The last day, and from where on less is held; once a day everything that is held.
    fn questions(&mut self, s: &Step<'_>) -> Result<BTreeSet<Question>, StoreError> {
        let zone = facts::offset(s.tx)?;
        let day = s.now.wall.plus(self.skew.saturating_add(zone)).plus(-DAY);
        let day = day.floor_second();
        let last = facts::instant(s.tx, facts::COMPARED_WHOLE)?;
        let whole = last.is_none_or(|at| s.now.wall.0.abs_diff(at.0) >= DAY.unsigned_abs());
        let mut all = BTreeSet::new();
        let mut spans = BTreeSet::new();
        if self.stamps == Stamps::Server {
            spans.insert(day);
        }
        for kept in conversations::list(s.tx, "", None, u32::MAX)? {
            let Some(from) = held::newest_from(s.tx, kept.id)? else {
                continue;
            };
            let from = Instant(from.0).max(FIRST);
            all.insert(Question::Since(from));
            // Of the tutorial's days the oldest is held in part, and can't be
            // compared by itself.
            let reaches = match self.stamps {
                Stamps::Server => from,
                Stamps::Sender => end_of_day(from),
            };
            // Where nothing is held there is nothing to compare. When something happened
            // last says nothing of it: what waits to be sent has this device's time.
            if reaches > day && from.0 < held::open_end().0 {
                spans.insert(from);
            }
        }
        let mut questions: BTreeSet<Question> =
            spans.into_iter().take(SPANS).map(Question::Since).collect();
        if self.stamps == Stamps::Sender {
            questions.insert(Question::Days);
        }
        if whole && self.sync.unanswered.is_none() {
            // At the first time all of it has just been read.
            self.sync.reading_again = last.map(|_| day.plus(DAY - READ_AGAIN));
            all.extend(&questions);
            self.sync.unanswered = Some(all);
        }
        questions.extend(self.sync.unanswered.iter().flatten());
        Ok(questions)
    }

    /// Compares what comes next, if something is left.
    pub(super) fn compare_next(&mut self, s: &mut Step<'_>) -> Result<bool, StoreError> {
        let Some(question) = self.sync.questions.pop_first() else {
            if self
                .sync
                .unanswered
                .as_ref()
                .is_some_and(BTreeSet::is_empty)
            {
                self.sync.unanswered = None;
                facts::set_instant(s.tx, facts::COMPARED_WHOLE, s.now.wall)?;
            }
            return Ok(false);
        };
        self.sync.question = Some(question);
        match question {
            Question::Days => {
                let gathering = self.gathering();
                self.ask_groups(s, Stage::CompareDays(gathering));
            }
            Question::Since(since) => {
                let gathering = self.gathering();
                self.ask_groups(s, Stage::Compare { since, gathering });
            }
        }
        Ok(true)
    }

    /// What was in question is known, and mended where it had to be.
    pub(super) fn answered_for(&mut self) {
        let question = self.sync.question.take();
        if question == Some(Question::Days) {
            self.sync.reading_again = None;
        }
        if let (Some(question), Some(left)) = (question, &mut self.sync.unanswered) {
            left.remove(&question);
        }
    }

    /// Whether all of `from..` is held, so that counts can be compared; should
    /// rows share the first stamp of which only some are held, they differ
    /// once, and the repair brings the others. Where nothing is held the conversation was in no list: it has begun since,
    /// and all of it is missing here.
    fn comparable(
        &self,
        s: &Step<'_>,
        conversation: ConversationId,
        from: Instant,
    ) -> Result<bool, StoreError> {
        Ok(held::newest_from(s.tx, conversation)?.is_none_or(|spot| spot.0 <= from.0))
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
        let told: BTreeSet<_> = days
            .iter()
            .map(|day| (day.sender, day.receiver, day.day))
            .collect();
        // A day of which nothing is left on the server is in no answer.
        for (conversation, sender, day) in messages::days(s.tx)? {
            let receiver = if sender == self.me {
                conversation.peer()
            } else {
                self.me
            };
            if !told.contains(&(sender, receiver, day)) && self.comparable(s, conversation, day)? {
                doubts.insert(Doubt {
                    peer: conversation.peer(),
                    from: day,
                    until: Some(day.plus(DAY - 1)),
                });
            }
        }
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
        if let Some(since) = self.sync.reading_again {
            doubts.retain(|doubt| doubt.from < since);
            for conversation in conversations::active_since(s.tx, since)? {
                if let Some(held) = held::newest_from(s.tx, conversation)? {
                    doubts.insert(Doubt {
                        peer: conversation.peer(),
                        from: Instant(held.0).max(since),
                        until: None,
                    });
                }
            }
        }
        self.repair_next(s, doubts.into_iter().collect())
    }

    fn repair_next(&mut self, s: &mut Step<'_>, mut rest: Vec<Doubt>) -> Result<(), StoreError> {
        let Some(doubt) = rest.pop() else {
            self.answered_for();
            return self.background(s);
        };
        let walk = Walk {
            by: By::Created,
            peer: Some(doubt.peer),
            from: (doubt.from > FIRST).then_some(doubt.from),
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
        self.verify_next(s, missing, Then::Repair(rest))
    }

    pub(super) fn verify_next(
        &mut self,
        s: &mut Step<'_>,
        mut rest: Vec<MessageId>,
        then: Then,
    ) -> Result<(), StoreError> {
        let Some(id) = rest.pop() else {
            return match then {
                Then::Repair(doubts) => self.repair_next(s, doubts),
                Then::CatchUp(cursor) => self.listed(s, cursor),
            };
        };
        let stamps = self.stamps;
        self.ask(
            s,
            Stage::Verify { id, rest, then },
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
        then: Then,
    ) -> Result<(), StoreError> {
        if gone {
            self.forget(s, id)?;
        }
        self.verify_next(s, rest, then)
    }
}
