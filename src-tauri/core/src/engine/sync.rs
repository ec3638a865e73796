//! What to fetch, and when it is whole.
//!
//! Owns: the stages, the catch-up with its cursors, names. Never: the first list,
//! which is `first_list`'s; a conclusion from silence, which `reconcile` asks
//! about; nor the past, which is `history`'s.
//!
//! ```text
//!   no cursor:  Totals -> Newest of each -> Alone (what that did not show)
//!      +--- cursor set <- Verify (what is here and came in no list) <-----+
//!      v
//!   cursor: Walk created -> Walk updated -> whole
//!                                             |
//!   done <- People <- History <- Verify <- Repair <- Compare
//! ```
//!
//! A cursor is a server stamp. It moves only when its page is in, and every
//! catch-up starts 60 s before it, since a row's stamp is set before its
//! transaction commits. A page that brings nothing is the end; a short one may
//! only mean that the server caps its pages.

use std::collections::{BTreeSet, VecDeque};

use super::{
    Engine,
    effect::{Effect, RequestId, Timer},
    groups::{Gathered, Gathering, Group},
    ingest::From,
    reconcile::{Doubt, FIRST, Question},
    step::Step,
};
use crate::{
    bridge::{Change, Code},
    directus::call::{Answer, By, Call, DayTotal, Fault, MessagesQuery, Reason, Rows, Total},
    model::{ConversationId, Instant, Message, MessageId, PersonId, Stamps},
    store::{StoreError, conversations, facts, people},
};

/// How far back every catch-up looks again.
const OVERLAP: i64 = 60_000;
/// Names are read again after this long.
const PEOPLE_FRESH: i64 = 3_600_000;
/// How often a live connection is compared with the server.
const COMPARE: i64 = 5 * 60_000;

/// Rows at the end of a page are named, so that the next leaves them out. A
/// stamp that very many rows share is skipped by number instead: should one
/// slip in between meanwhile, the overlap or the next comparison brings it.
pub(super) fn name_or_skip(rows: Vec<MessageId>, named: usize) -> (Vec<MessageId>, u32) {
    if rows.len() <= named {
        return (rows, 0);
    }
    (Vec::new(), u32::try_from(rows.len()).unwrap_or(u32::MAX))
}

/// How many to ask for where so many were refused: half, and one only where two
/// are too many, for a page of one can overlap with no other.
pub(super) const fn fewer(asked: u32) -> u32 {
    match asked {
        ..=2 => 1,
        3..=4 => 2,
        _ => asked / 2,
    }
}

/// A walk through a keyset, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    pub by: By,
    pub peer: Option<PersonId>,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
    /// Rows at `from` that are in already.
    pub except: BTreeSet<MessageId>,
}

impl Walk {
    pub fn call(&self, stamps: Stamps, limit: u32, named: usize) -> Call {
        let (except, offset) = name_or_skip(self.except.iter().copied().collect(), named);
        Call::Messages(MessagesQuery {
            stamps,
            peer: self.peer,
            by: self.by,
            ascending: true,
            from: self.from,
            until: self.until,
            except,
            offset,
            limit,
        })
    }

    /// Moves past a page. `false`: it brought nothing, so this is the end.
    pub fn advance(&mut self, rows: &Rows, stamps: Stamps) -> bool {
        if rows.count == 0 {
            return false;
        }
        let before = self.except.len();
        let from = self.from;
        let stamp = |message: &Message| match self.by {
            By::Created => Some(message.stamp),
            By::Updated => message.updated,
        };
        if let Some(last) = rows.last {
            // The tutorial's stamps are shown without the milliseconds that
            // the server orders by: all of the second must be named.
            let last = if stamps == Stamps::Sender {
                last.floor_second()
            } else {
                last
            };
            if self.from.is_none_or(|from| last > from) {
                self.from = Some(last);
                self.except.clear();
            }
        }
        let at = self.from;
        self.except.extend(
            rows.messages
                .iter()
                .filter(|message| stamp(message) >= at)
                .map(|message| message.id),
        );
        self.except.extend(
            rows.set_aside
                .iter()
                // One that lies before would be counted among those to skip.
                .filter(|bad| bad.at.is_none() || bad.at >= at)
                .filter_map(|bad| bad.id.as_deref()?.parse::<MessageId>().ok()),
        );
        if self.from == from && self.except.len() == before {
            // Only rows that can't be named: step over them.
            let step = if stamps == Stamps::Sender { 1_000 } else { 1 };
            match self.from {
                Some(at) => self.from = Some(at.plus(step)),
                None => return false,
            }
        }
        true
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Stage {
    #[default]
    Idle,
    Totals(Gathering<Total>),
    Newest {
        asked: Vec<(PersonId, PersonId, Instant)>,
        rest: Vec<(PersonId, PersonId, Instant)>,
        alone: Vec<PersonId>,
        cursor: Instant,
    },
    /// The newest page of one conversation whose newest row did not come:
    /// deleted meanwhile, unreadable, or one of many with the same stamp.
    Alone {
        peer: PersonId,
        alone: Vec<PersonId>,
        cursor: Instant,
    },
    Walk(Walk),
    /// Comparing by totals.
    Compare {
        since: Instant,
        gathering: Gathering<Total>,
    },
    /// Comparing by days.
    CompareDays(Gathering<DayTotal>),
    Repair {
        walk: Walk,
        seen: BTreeSet<MessageId>,
        rest: Vec<Doubt>,
    },
    Verify {
        id: MessageId,
        rest: Vec<MessageId>,
        then: Then,
    },
    People {
        offset: u32,
    },
}

/// What comes once it is known which messages are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Then {
    /// What else differs.
    Repair(Vec<Doubt>),
    /// The first list is whole: the catch-up begins here.
    CatchUp(Instant),
}

impl Stage {
    /// How many totals it has asked for at once, if any.
    const fn asked_for(&self) -> Option<u32> {
        match self {
            Self::Totals(gathering) | Self::Compare { gathering, .. } => {
                Some(gathering.groups().limit)
            }
            Self::CompareDays(gathering) => Some(gathering.groups().limit),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Sync {
    pub stage: Stage,
    request: Option<RequestId>,
    /// Something asked for a catch-up while one was under way.
    again: bool,
    /// The catch-up since the connection came up is whole.
    pub whole: bool,
    /// Compare once the catch-up is whole.
    pub compare: bool,
    /// What is still to be compared.
    pub questions: BTreeSet<Question>,
    /// What is being compared, until its repairs are done.
    pub question: Option<Question>,
    /// What of the daily comparison has no answer yet.
    pub unanswered: Option<BTreeSet<Question>>,
    /// What is here and is newer than what the first list showed.
    pub doubtful: Vec<MessageId>,
    /// From here on the tutorial's rows are to be read again.
    pub reading_again: Option<Instant>,
    pub people_wanted: bool,
    /// Rows a page may ask for now; halved when an answer is too large.
    pub page: Option<u32>,
    /// Rows the server lets be asked for, as far as it has refused more.
    pub most: Option<u32>,
    /// Totals that may be asked for at once; fewer when that was refused.
    groups: Option<u32>,
    pub prefetch: VecDeque<ConversationId>,
    pub failures: u32,
}

impl Engine {
    /// Fetches what is new; once more if it is under way.
    pub(super) fn start_sync(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        if !self.link.online() || !self.link.reachable(s.now.wall) {
            return Ok(());
        }
        if self.sync.stage != Stage::Idle {
            self.sync.again = true;
            return Ok(());
        }
        if !self.sync.whole {
            self.sync.compare = true;
        }
        match facts::instant(s.tx, facts::CURSOR_CREATED)? {
            None => {
                let gathering = self.gathering();
                self.ask_groups(s, Stage::Totals(gathering));
            }
            Some(cursor) => self.walk_from(s, By::Created, cursor),
        }
        Ok(())
    }

    pub(super) fn walk_from(&mut self, s: &mut Step<'_>, by: By, cursor: Instant) {
        let walk = Walk {
            by,
            peer: None,
            from: Some(cursor.plus(-OVERLAP)),
            until: None,
            except: BTreeSet::new(),
        };
        let call = walk.call(self.stamps, self.page(), self.pages.named);
        self.ask(s, Stage::Walk(walk), call);
    }

    /// Rows a page may ask for now.
    pub(super) fn page(&self) -> u32 {
        let page = self.sync.page.unwrap_or(self.pages.catch_up);
        page.min(self.sync.most.unwrap_or(page))
    }

    /// The same for a page of history.
    pub(super) fn history_page(&self) -> u32 {
        self.pages.history.min(self.page())
    }

    /// Totals, of which none is asked for yet.
    pub(super) fn gathering<T: Group>(&self) -> Gathering<T> {
        Gathering::new(self.sync.groups.unwrap_or(self.pages.groups))
    }

    /// Asks for the totals that a stage wants next.
    pub(super) fn ask_groups(&mut self, s: &mut Step<'_>, stage: Stage) {
        let stamps = self.stamps;
        let call = match &stage {
            Stage::Totals(gathering) => Call::Totals {
                stamps,
                since: None,
                groups: gathering.groups(),
            },
            Stage::Compare { since, gathering } => Call::Totals {
                stamps,
                since: (*since > FIRST).then_some(*since),
                groups: gathering.groups(),
            },
            Stage::CompareDays(gathering) => Call::Days {
                since: None,
                groups: gathering.groups(),
            },
            _ => return,
        };
        self.ask(s, stage, call);
    }

    pub(super) fn ask(&mut self, s: &mut Step<'_>, stage: Stage, call: Call) {
        self.sync.stage = stage;
        let request = self.request(s, call);
        self.sync.request = Some(request);
    }

    /// The connection is given up: nothing more is heard of requests under way.
    pub(super) fn stop_requests(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.sync.stage = Stage::Idle;
        self.sync.request = None;
        self.sync.again = false;
        self.sync.whole = false;
        self.sync.prefetch.clear();
        self.sync.questions.clear();
        self.sync.question = None;
        self.sync.unanswered = None;
        self.stop_history(s)?;
        s.effect(Effect::StopTimer(Timer::Poll));
        s.effect(Effect::StopTimer(Timer::Reconcile));
        self.stop_sending(s)
    }

    pub(super) fn answered(
        &mut self,
        s: &mut Step<'_>,
        request: RequestId,
        result: Result<Answer, Fault>,
    ) -> Result<(), StoreError> {
        if self.probe_answered(s, request, &result)? || self.job_answered(s, request, &result)? {
            return Ok(());
        }
        if self.history_answered(s, request, &result)? {
            return Ok(());
        }
        if self.sync.request != Some(request) {
            return Ok(());
        }
        self.sync.request = None;
        let stage = std::mem::take(&mut self.sync.stage);
        match result {
            Ok(answer) => {
                self.sync.failures = 0;
                self.sync_answered(s, stage, answer)
            }
            Err(fault) => self.sync_failed(s, stage, fault),
        }
    }

    fn sync_answered(
        &mut self,
        s: &mut Step<'_>,
        stage: Stage,
        answer: Answer,
    ) -> Result<(), StoreError> {
        match (stage, answer) {
            (Stage::Totals(gathering), Answer::Totals(totals)) => match gathering.came(totals) {
                Gathered::Whole(totals) => self.first_list(s, &totals),
                Gathered::More(gathering) => {
                    self.ask_groups(s, Stage::Totals(gathering));
                    Ok(())
                }
                Gathered::Moved => self.sync_later(s, None),
            },
            (
                Stage::Newest {
                    asked,
                    rest,
                    alone,
                    cursor,
                },
                Answer::Messages(rows),
            ) => self.newest_came(s, &asked, rest, alone, cursor, rows),
            (
                Stage::Alone {
                    peer,
                    alone,
                    cursor,
                },
                Answer::Messages(rows),
            ) => {
                let kept = self.ingest(s, rows, From::History)?;
                self.hold_newest(s, peer, &kept)?;
                self.ask_alone(s, alone, cursor)
            }
            (Stage::Walk(walk), Answer::Messages(rows)) => self.walked(s, walk, rows),
            (Stage::Compare { since, gathering }, Answer::Totals(totals)) => {
                match gathering.came(totals) {
                    Gathered::Whole(totals) => self.compared(s, since, &totals),
                    Gathered::More(gathering) => {
                        self.ask_groups(s, Stage::Compare { since, gathering });
                        Ok(())
                    }
                    Gathered::Moved => self.sync_later(s, None),
                }
            }
            (Stage::CompareDays(gathering), Answer::Days(days)) => match gathering.came(days) {
                Gathered::Whole(days) => self.days_compared(s, &days),
                Gathered::More(gathering) => {
                    self.ask_groups(s, Stage::CompareDays(gathering));
                    Ok(())
                }
                Gathered::Moved => self.sync_later(s, None),
            },
            (Stage::Repair { walk, seen, rest }, Answer::Messages(rows)) => {
                self.repaired(s, walk, seen, rest, rows)
            }
            (Stage::Verify { id, rest, then }, Answer::Messages(rows)) => {
                // Where it was given to another receiver it may begin a conversation.
                self.ingest(s, rows, From::News)?;
                self.verified(s, id, false, rest, then)
            }
            (Stage::People { offset }, Answer::People { people, rows }) => {
                self.people_came(s, offset, &people, rows)
            }
            // An answer of another kind than was asked for: start over later.
            (_, _) => self.sync_later(s, None),
        }
    }

    fn sync_failed(
        &mut self,
        s: &mut Step<'_>,
        stage: Stage,
        fault: Fault,
    ) -> Result<(), StoreError> {
        match fault {
            Fault::SignIn => self.token_rejected(s),
            Fault::Network => self.sync_later(s, None),
            Fault::Transient { retry_after, .. } => self.sync_later(s, retry_after),
            Fault::Permanent(refusal) => match (refusal.reason, stage) {
                // Proof that a row in doubt is gone.
                (Reason::Forbidden, Stage::Verify { id, rest, then }) => {
                    self.verified(s, id, true, rest, then)
                }
                // It is there.
                (Reason::TooLarge, Stage::Verify { id, rest, then }) => {
                    self.verified(s, id, false, rest, then)
                }
                (Reason::TooMany | Reason::TooLarge, stage)
                    if stage.asked_for().is_some_and(|asked| asked > 1) =>
                {
                    self.sync.groups = stage.asked_for().map(|asked| match asked {
                        ..=100 => fewer(asked),
                        _ => asked / 10,
                    });
                    self.ask_smaller(s, stage)
                }
                (Reason::TooMany, stage) if self.rows_asked_for(&stage) > 1 => {
                    self.sync.most = Some(fewer(self.rows_asked_for(&stage)));
                    self.ask_smaller(s, stage)
                }
                (Reason::TooLarge, stage) if self.page() > 1 => {
                    self.sync.page = Some(self.page() / 2);
                    self.ask_smaller(s, stage)
                }
                // Large rows that share the newest stamp all come at once: alone
                // they come one at a time.
                (
                    Reason::TooLarge,
                    Stage::Newest {
                        asked,
                        rest,
                        mut alone,
                        cursor,
                    },
                ) => {
                    alone.extend(asked.into_iter().map(|pair| self.other(pair.0, pair.1)));
                    self.ask_newest(s, rest, alone, cursor)
                }
                // Not even one row of it can be had.
                (
                    Reason::TooLarge,
                    Stage::Alone {
                        peer,
                        alone,
                        cursor,
                    },
                ) => {
                    self.hold_newest(s, peer, &[])?;
                    self.ask_alone(s, alone, cursor)
                }
                // The directory may be closed to us; messages are not.
                (_, Stage::People { .. }) => {
                    facts::set_instant(s.tx, facts::PEOPLE_READ, s.now.wall)?;
                    self.after_people(s)
                }
                // Without aggregates there is no first list and no comparison,
                // but what the socket and the cursors bring still comes.
                (_, Stage::Compare { .. } | Stage::CompareDays(_)) => {
                    self.answered_for();
                    self.background(s)
                }
                // A field or the collection is no longer ours to read.
                _ => self.wait(s, Code::NotAllowed),
            },
        }
    }

    /// An answer was too large: the same again with a smaller page. Where it was
    /// no page that was too large, from the start.
    fn ask_smaller(&mut self, s: &mut Step<'_>, stage: Stage) -> Result<(), StoreError> {
        let groups = self.sync.groups.unwrap_or(self.pages.groups);
        match stage {
            Stage::Totals(gathering) => {
                self.ask_groups(s, Stage::Totals(gathering.at_most(groups)));
                Ok(())
            }
            Stage::Compare { since, gathering } => {
                let gathering = gathering.at_most(groups);
                self.ask_groups(s, Stage::Compare { since, gathering });
                Ok(())
            }
            Stage::CompareDays(gathering) => {
                self.ask_groups(s, Stage::CompareDays(gathering.at_most(groups)));
                Ok(())
            }
            Stage::Walk(walk) => {
                let call = walk.call(self.stamps, self.page(), self.pages.named);
                self.ask(s, Stage::Walk(walk), call);
                Ok(())
            }
            Stage::Repair { walk, seen, rest } => {
                let call = walk.call(self.stamps, self.page(), self.pages.named);
                self.ask(s, Stage::Repair { walk, seen, rest }, call);
                Ok(())
            }
            Stage::Newest {
                mut asked,
                mut rest,
                alone,
                cursor,
            } => {
                rest.append(&mut asked);
                self.ask_newest(s, rest, alone, cursor)
            }
            Stage::Alone {
                peer,
                mut alone,
                cursor,
            } => {
                alone.push(peer);
                self.ask_alone(s, alone, cursor)
            }
            Stage::People { offset } => {
                self.ask_people(s, offset);
                Ok(())
            }
            _ => self.start_sync(s),
        }
    }

    fn sync_later(&mut self, s: &mut Step<'_>, retry_after: Option<i64>) -> Result<(), StoreError> {
        let delay = match retry_after {
            Some(delay) => delay.clamp(500, 600_000),
            None => self.jitter(self.sync.failures.saturating_add(1)),
        };
        self.sync.failures = self.sync.failures.saturating_add(1);
        self.sync.stage = Stage::Idle;
        self.sync.again = false;
        s.effect(Effect::SetTimer(Timer::Poll, delay));
        Ok(())
    }

    // --- the catch-up ---

    fn walked(&mut self, s: &mut Step<'_>, mut walk: Walk, rows: Rows) -> Result<(), StoreError> {
        let cursor = match walk.by {
            By::Created => facts::CURSOR_CREATED,
            By::Updated => facts::CURSOR_UPDATED,
        };
        let more = walk.advance(&rows, self.stamps);
        if let Some(last) = rows.last {
            let last = self.believed(s, last)?;
            if facts::instant(s.tx, cursor)?.is_none_or(|at| last > at) {
                facts::set_instant(s.tx, cursor, last)?;
            }
        }
        self.ingest(s, rows, From::News)?;
        if more {
            let call = walk.call(self.stamps, self.page(), self.pages.named);
            self.ask(s, Stage::Walk(walk), call);
            return Ok(());
        }
        if walk.by == By::Created && self.stamps == Stamps::Server {
            let cursor = facts::instant(s.tx, facts::CURSOR_UPDATED)?.unwrap_or_default();
            self.walk_from(s, By::Updated, cursor);
            return Ok(());
        }
        self.sync.page = None;
        self.sync.whole = true;
        self.caught_up(s)?;
        self.background(s)
    }

    /// What is done once the catch-up is whole, one after the other.
    pub(super) fn background(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.sync.stage = Stage::Idle;
        if self.sync.again {
            self.sync.again = false;
            return self.start_sync(s);
        }
        if std::mem::take(&mut self.sync.compare) {
            return self.compare(s);
        }
        if self.compare_next(s)? {
            return Ok(());
        }
        let read = facts::instant(s.tx, facts::PEOPLE_READ)?;
        let stale = read.is_none_or(|at| s.now.wall.0.saturating_sub(at.0) > PEOPLE_FRESH);
        if stale || std::mem::take(&mut self.sync.people_wanted) {
            self.ask_people(s, 0);
            return Ok(());
        }
        s.effect(Effect::SetTimer(Timer::Reconcile, COMPARE));
        self.prefetch_next(s)
    }

    pub(super) fn reconcile_due(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.sync.compare = true;
        self.start_sync(s)
    }

    // --- names ---

    fn ask_people(&mut self, s: &mut Step<'_>, offset: u32) {
        let call = Call::People {
            offset,
            limit: self.pages.people.min(self.page()),
        };
        self.ask(s, Stage::People { offset }, call);
    }

    fn people_came(
        &mut self,
        s: &mut Step<'_>,
        offset: u32,
        came: &[crate::model::Person],
        rows: u32,
    ) -> Result<(), StoreError> {
        for person in came {
            if people::save(s.tx, person)? {
                let conversation = ConversationId::Direct(person.id);
                if conversations::get(s.tx, conversation)?.is_some() {
                    s.touch_conversation(conversation);
                }
                s.change(Change::Person(crate::bridge::PersonRow {
                    id: person.id.to_string(),
                    name: person.name.clone(),
                    is_me: person.id == self.me,
                }));
            }
        }
        if rows > 0 && offset < 10_000 {
            self.ask_people(s, offset.saturating_add(rows));
            return Ok(());
        }
        facts::set_instant(s.tx, facts::PEOPLE_READ, s.now.wall)?;
        self.after_people(s)
    }

    fn after_people(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        // Once a connection, the newest pages are fetched before they are asked for.
        self.sync.prefetch = conversations::list(s.tx, "", None, self.pages.prefetch)?
            .into_iter()
            .map(|kept| kept.id)
            .collect();
        self.background(s)
    }
}
