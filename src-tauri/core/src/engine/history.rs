//! The past of a conversation: pages that a person asks for, and what is
//! fetched unasked, down to the depth that was chosen.
//!
//! Owns: what is asked of the server before, after and around what is held,
//! and which range its answer makes. Never: news, which `sync` brings.
//!
//! ```text
//!   before a range: newest first, from its start ----------+
//!   after a range: oldest first, from its end -------------+-> rows -> hold(range)
//!   around an instant: oldest first from it,               |     touching ranges are one
//!                      then newest first up to it ---------+
//! ```
//!
//! The socket may have brought a row that lay in no range. Where a page reaches
//! over it and does not show it, the server may have it no more: it is asked for
//! by its id, and the range is held once the answer is there.
//!
//! A page around an instant is a range of its own, with unknown ranges on both
//! sides, until walking joins it with the others. A page that brings nothing
//! is an end: the beginning, or now.
//!
//! The job that fetches unasked does so only on a connection that is whole and
//! has nothing else to ask, a page at a time, with a pause after each. Where it
//! has come to stands in the ranges held, so that it goes on after a stop. Once
//! the depth is reached it sets no timer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    Engine,
    effect::{Effect, RequestId, Timer},
    ingest::From,
    step::Step,
    sync::{Stage, fewer, name_or_skip},
};
use crate::{
    bridge::{Anchor, Change, Code, Depth, Older, Problem},
    directus::call::{Answer, By, Call, Fault, MessagesQuery, Reason, Rows},
    model::{ConversationId, Instant, Message, MessageId, Stamps},
    store::{
        StoreError, conversations, facts,
        held::{self, Spot},
        messages,
    },
    view,
};

/// Between two pages that nobody asked for.
const PAUSE: i64 = 2_000;
/// After a refusal for now that does not say for how long, and after silence.
const LONG_PAUSE: i64 = 30_000;
/// How many conversations are looked at in one step.
const LOOKED_AT: usize = 50;
const DAY: i64 = 24 * 3_600_000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// What is before this start of a range.
    Before(Option<Spot>),
    /// What is after this end of a range.
    After(Spot),
    /// What is at and after this instant.
    Around(Instant),
    /// What is at and before it; what came after it reaches so far.
    AroundBefore(Instant, Until, BTreeSet<MessageId>),
    /// Which instant a message has.
    Find(MessageId),
    /// Whether the server still has a message that its page did not show.
    Check(MessageId, Vec<MessageId>, Span),
}

/// What a page has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    from: Spot,
    until: Spot,
    /// It was shorter than asked for: the beginning, or the server's cap.
    short: bool,
}

/// How far a page read forwards has come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Until {
    /// To this message.
    Spot(Spot),
    /// To now: nothing came.
    Now,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    conversation: ConversationId,
    part: Part,
    /// Nobody waits for it.
    unasked: bool,
}

#[derive(Debug, Default)]
pub(super) struct History {
    asked: BTreeMap<RequestId, Asked>,
    /// What the job still has to look at; `None` before it has begun.
    deepen: Option<VecDeque<ConversationId>>,
    failures: u32,
}

impl Engine {
    /// The connection is given up: nothing more is heard of requests under way.
    pub(super) fn stop_history(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.history.deepen = None;
        s.effect(Effect::StopTimer(Timer::History));
        for asked in std::mem::take(&mut self.history.asked).into_values() {
            if !asked.unasked {
                self.show_history(s, asked.conversation, Some(Problem::new(Code::Offline)))?;
            }
        }
        Ok(())
    }

    /// A person wants what is before the oldest message held up to now.
    pub(super) fn fetch_older(
        &mut self,
        s: &mut Step<'_>,
        conversation: ConversationId,
    ) -> Result<(), StoreError> {
        if view::older(s.tx, conversation)? == Older::Beginning {
            return self.show_history(s, conversation, None);
        }
        let from = held::newest_from(s.tx, conversation)?;
        self.fetch_part(s, conversation, Part::Before(from))
    }

    /// A person wants what a page there lacks.
    pub(super) fn fetch(
        &mut self,
        s: &mut Step<'_>,
        conversation: ConversationId,
        anchor: &Anchor,
    ) -> Result<Result<(), Problem>, StoreError> {
        let unknown = Ok(Err(Problem::new(Code::Unknown)));
        let part = match anchor {
            Anchor::Newest => {
                self.fetch_older(s, conversation)?;
                return Ok(Ok(()));
            }
            Anchor::Before(sort) | Anchor::After(sort) => {
                let Some((pending, stamp, id)) = view::read_sort(sort) else {
                    return unknown;
                };
                let spot = (stamp, id.to_owned());
                let range = if pending {
                    None
                } else {
                    held::around(s.tx, conversation, &spot)?
                };
                match (anchor, range) {
                    (_, None) if pending => {
                        self.fetch_older(s, conversation)?;
                        return Ok(Ok(()));
                    }
                    (_, None) => Part::Around(Instant(stamp)),
                    (Anchor::Before(_), Some((from, _))) if from == held::beginning() => {
                        self.show_history(s, conversation, None)?;
                        return Ok(Ok(()));
                    }
                    (Anchor::Before(_), Some((from, _))) => Part::Before(Some(from)),
                    (_, Some((_, until))) if until == held::open_end() => {
                        self.show_history(s, conversation, None)?;
                        return Ok(Ok(()));
                    }
                    (_, Some((_, until))) => Part::After(until),
                }
            }
            Anchor::Around(id) => {
                let Ok(id) = id.parse::<MessageId>() else {
                    return unknown;
                };
                match messages::get(s.tx, id)? {
                    Some(kept) if kept.message.conversation(self.me) != Some(conversation) => {
                        return unknown;
                    }
                    Some(kept) if kept.pending => {
                        self.show_history(s, conversation, None)?;
                        return Ok(Ok(()));
                    }
                    Some(kept) => Part::Around(kept.message.stamp),
                    None => Part::Find(id),
                }
            }
            Anchor::At(at) => Part::Around(Instant(*at).plus(facts::offset(s.tx)?)),
        };
        self.fetch_part(s, conversation, part)?;
        Ok(Ok(()))
    }

    /// Asks once; an answer that is under way is as good.
    fn fetch_part(
        &mut self,
        s: &mut Step<'_>,
        conversation: ConversationId,
        part: Part,
    ) -> Result<(), StoreError> {
        let mut same = false;
        for asked in self.history.asked.values_mut() {
            if asked.conversation == conversation && asked.part == part {
                asked.unasked = false;
                same = true;
            }
        }
        if same {
            return Ok(());
        }
        if !self.link.reachable(s.now.wall) {
            return self.show_history(s, conversation, Some(Problem::new(Code::Offline)));
        }
        let asked = Asked {
            conversation,
            part,
            unasked: false,
        };
        self.ask_history(s, asked)
    }

    fn ask_history(&mut self, s: &mut Step<'_>, asked: Asked) -> Result<(), StoreError> {
        // Where only the end is held, what is before it is all there is.
        let at_start = |spot: &Option<Spot>| {
            spot.as_ref()
                .filter(|spot| **spot != held::open_end())
                .map(|spot| Instant(spot.0))
        };
        let (ascending, from, until, known) = match &asked.part {
            Part::Find(id) | Part::Check(id, ..) => {
                let (id, stamps) = (*id, self.stamps);
                let request = self.request(s, Call::Message { id, stamps });
                self.history.asked.insert(request, asked);
                return Ok(());
            }
            Part::Before(start) => (false, None, at_start(start), at_start(start)),
            Part::After(end) => {
                let at = Instant(end.0);
                let from = match self.stamps {
                    Stamps::Sender => at.floor_second(),
                    Stamps::Server => at,
                };
                (true, Some(from), None, Some(at))
            }
            Part::Around(at) => (true, Some(*at), None, None),
            Part::AroundBefore(at, ..) => (false, None, Some(*at), None),
        };
        let except = match known {
            Some(at) => {
                // The rest of its second too, where milliseconds are hidden.
                let (low, high) = match self.stamps {
                    Stamps::Sender => (at.floor_second(), at.floor_second().plus(999)),
                    Stamps::Server => (at, at),
                };
                messages::ids_between(s.tx, asked.conversation, low, high)?
            }
            None => Vec::new(),
        };
        let (except, offset) = name_or_skip(except, self.pages.named);
        let call = Call::Messages(MessagesQuery {
            stamps: self.stamps,
            peer: Some(asked.conversation.peer()),
            by: By::Created,
            ascending,
            from,
            until,
            except,
            offset,
            limit: self.history_page(),
        });
        let request = self.request(s, call);
        self.history.asked.insert(request, asked);
        Ok(())
    }

    /// Whether the answer was for a page of the past.
    pub(super) fn history_answered(
        &mut self,
        s: &mut Step<'_>,
        request: RequestId,
        result: &Result<Answer, Fault>,
    ) -> Result<bool, StoreError> {
        let Some(asked) = self.history.asked.remove(&request) else {
            return Ok(false);
        };
        let problem = match result {
            Ok(Answer::Messages(rows)) => {
                self.history.failures = 0;
                self.history_came(s, asked, rows.clone())?;
                return Ok(true);
            }
            Ok(_) => Problem::new(Code::ServerError),
            Err(Fault::SignIn | Fault::Network) => Problem::new(Code::Offline),
            Err(Fault::Transient { .. }) => Problem::new(Code::ServerBusy),
            Err(Fault::Permanent(refusal))
                if matches!(refusal.reason, Reason::Forbidden | Reason::TooLarge)
                    && matches!(asked.part, Part::Check(..)) =>
            {
                self.checked(s, asked, refusal.reason == Reason::Forbidden)?;
                return Ok(true);
            }
            Err(Fault::Permanent(_)) if matches!(asked.part, Part::Find(_)) => {
                Problem::new(Code::Unknown)
            }
            Err(Fault::Permanent(refusal))
                if refusal.reason == Reason::TooLarge && self.history_page() > 1 =>
            {
                self.sync.page = Some(self.history_page() / 2);
                self.ask_history(s, asked)?;
                return Ok(true);
            }
            Err(Fault::Permanent(refusal))
                if refusal.reason == Reason::TooMany && self.history_page() > 1 =>
            {
                self.sync.most = Some(fewer(self.history_page()));
                self.ask_history(s, asked)?;
                return Ok(true);
            }
            Err(Fault::Permanent(_)) => Problem::new(Code::NotAllowed),
        };
        if asked.unasked {
            self.deepening_failed(s, result.as_ref().err());
        } else {
            self.show_history(s, asked.conversation, Some(problem))?;
        }
        if let Err(Fault::SignIn) = result {
            self.token_rejected(s)?;
        }
        Ok(true)
    }

    fn history_came(
        &mut self,
        s: &mut Step<'_>,
        mut asked: Asked,
        rows: Rows,
    ) -> Result<(), StoreError> {
        let conversation = asked.conversation;
        let (count, last) = (rows.count, rows.last);
        let kept = self.ingest(s, rows, From::History)?;
        let kept: Vec<&Message> = kept
            .iter()
            .filter(|(_, of)| *of == conversation)
            .map(|(message, _)| message)
            .collect();
        let mut shown: BTreeSet<MessageId> = kept.iter().map(|message| message.id).collect();
        let mut spots: Vec<Spot> = kept
            .iter()
            .map(|message| (message.stamp.0, message.id.to_string()))
            .collect();
        spots.sort_unstable();
        let mut short = false;
        let (from, until) = match asked.part {
            Part::Before(start) => {
                let start = start.unwrap_or_else(held::open_end);
                short = count < self.history_page();
                // Only what is held came again, for its id is another text to
                // the server and can't be left out: there is no more.
                let again = spots.first().is_some_and(|spot| *spot >= start);
                let from = if again && short {
                    held::beginning()
                } else {
                    start_of_page(count, &spots, last).min(start.clone())
                };
                (from, start)
            }
            Part::After(end) => match self.end_of_page(count, &spots, last) {
                Until::Now => (end, held::open_end()),
                Until::Spot(until) => (end.clone(), until.max(end)),
            },
            Part::Around(at) => {
                asked.part = Part::AroundBefore(at, self.end_of_page(count, &spots, last), shown);
                return self.ask_history(s, asked);
            }
            Part::AroundBefore(at, until, after) => {
                shown.extend(after);
                // Between the two pages nothing is missing: both hold the instant.
                let middle = (at.0, String::new());
                let from = start_of_page(count, &spots, last).min(middle.clone());
                let until = match until {
                    Until::Now => held::open_end(),
                    Until::Spot(spot) => spot.max(middle),
                };
                (from, until)
            }
            Part::Find(id) => {
                let found = kept.iter().find(|message| message.id == id);
                return match found {
                    Some(message) => self.fetch_part(s, conversation, Part::Around(message.stamp)),
                    None => self.show_history(s, conversation, Some(Problem::new(Code::Unknown))),
                };
            }
            Part::Check(..) => return self.checked(s, asked, false),
        };
        let mut doubtful = Vec::new();
        for (from, until) in held::gaps(s.tx, conversation, &from, &until)? {
            let there = messages::ids_within(s.tx, conversation, &from, &until)?;
            doubtful.extend(there.into_iter().filter(|id| !shown.contains(id)));
        }
        let span = Span { from, until, short };
        self.check_next(s, conversation, asked.unasked, doubtful, span)
    }

    /// Asks for the next that a page did not show; holds the page's range once
    /// none is left.
    fn check_next(
        &mut self,
        s: &mut Step<'_>,
        conversation: ConversationId,
        unasked: bool,
        mut doubtful: Vec<MessageId>,
        span: Span,
    ) -> Result<(), StoreError> {
        if let Some(id) = doubtful.pop() {
            let part = Part::Check(id, doubtful, span);
            return self.ask_history(
                s,
                Asked {
                    conversation,
                    part,
                    unasked,
                },
            );
        }
        held::hold(s.tx, conversation, &span.from, &span.until)?;
        let whole = span.from == held::beginning();
        if whole {
            // One of which nothing is left is in the list no more.
            s.touch_conversation(conversation);
        }
        if unasked {
            if self.watching.contains(&conversation) {
                self.show_history(s, conversation, None)?;
            }
            s.effect(Effect::SetTimer(Timer::History, PAUSE));
            return Ok(());
        }
        if span.short && !whole {
            // Asking settles why.
            let part = Part::Before(Some(span.from));
            return self.ask_history(
                s,
                Asked {
                    conversation,
                    part,
                    unasked,
                },
            );
        }
        self.show_history(s, conversation, None)?;
        self.prefetch_next(s)
    }

    fn checked(&mut self, s: &mut Step<'_>, asked: Asked, gone: bool) -> Result<(), StoreError> {
        let Part::Check(id, rest, span) = asked.part else {
            return Ok(());
        };
        if gone {
            self.forget(s, id)?;
        }
        self.check_next(s, asked.conversation, asked.unasked, rest, span)
    }

    /// How far a page read forwards holds everything.
    fn end_of_page(&self, count: u32, spots: &[Spot], last: Option<Instant>) -> Until {
        let Some(newest) = spots.last() else {
            return match last {
                // Only rows that can't be read: they are stepped over.
                Some(last) if count > 0 => Until::Spot((last.0, String::new())),
                _ => Until::Now,
            };
        };
        if self.stamps == Stamps::Sender
            && let Some(first) = spots.first()
        {
            // The server orders by milliseconds that it hides: the last second
            // may have more rows, in any order of their ids.
            let second = Instant(newest.0).floor_second();
            if Instant(first.0).floor_second() < second {
                return Until::Spot((second.0.saturating_sub(1), "~".to_owned()));
            }
        }
        Until::Spot(newest.clone())
    }

    pub(super) fn prefetch_next(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        while let Some(conversation) = self.sync.prefetch.pop_front() {
            let from = held::newest_from(s.tx, conversation)?;
            let full = from.as_ref().map_or(Ok(false), |from| {
                messages::at_least(s.tx, conversation, from, self.pages.history)
            })?;
            if !full && view::older(s.tx, conversation)? == Older::Server {
                return self.fetch_older(s, conversation);
            }
        }
        // Then what nobody asked for, if anything of it is left.
        if self
            .history
            .deepen
            .as_ref()
            .is_none_or(|left| !left.is_empty())
        {
            s.effect(Effect::SetTimer(Timer::History, PAUSE));
        }
        Ok(())
    }

    // --- what is fetched unasked ---

    /// The depth was chosen anew: begins again.
    pub(super) fn set_depth(&mut self, s: &mut Step<'_>, depth: Depth) -> Result<(), StoreError> {
        facts::set_depth(s.tx, depth)?;
        self.history.deepen = None;
        if self.link.online() {
            s.effect(Effect::SetTimer(Timer::History, PAUSE));
        }
        Ok(())
    }

    /// Whether nothing else is asked of the server now.
    fn idle(&self, now: Instant) -> bool {
        self.link.online()
            && self.link.reachable(now)
            && self.sync.whole
            && self.sync.stage == Stage::Idle
            && self.history.asked.is_empty()
    }

    /// The next page that nobody asked for.
    pub(super) fn deepen(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        if !self.link.online() {
            // The next connection begins anew.
            return Ok(());
        }
        if !self.idle(s.now.wall) {
            s.effect(Effect::SetTimer(Timer::History, PAUSE));
            return Ok(());
        }
        let depth = facts::depth(s.tx)?;
        if self.history.deepen.is_none() {
            self.history.deepen = Some(conversations::ids(s.tx)?.into());
        }
        for _ in 0..LOOKED_AT {
            let next = self.history.deepen.as_ref().and_then(|left| left.front());
            let Some(conversation) = next.copied() else {
                return Ok(());
            };
            if self.deep_enough(s, conversation, depth)? {
                self.history.deepen.as_mut().and_then(VecDeque::pop_front);
                continue;
            }
            let part = Part::Before(held::newest_from(s.tx, conversation)?);
            return self.ask_history(
                s,
                Asked {
                    conversation,
                    part,
                    unasked: true,
                },
            );
        }
        s.effect(Effect::SetTimer(Timer::History, PAUSE));
        Ok(())
    }

    fn deep_enough(
        &self,
        s: &Step<'_>,
        conversation: ConversationId,
        depth: Depth,
    ) -> Result<bool, StoreError> {
        if view::older(s.tx, conversation)? == Older::Beginning {
            return Ok(true);
        }
        let from = held::newest_from(s.tx, conversation)?;
        Ok(match (depth, from) {
            (Depth::Everything, _) => false,
            (Depth::Days(0) | Depth::Messages(0), _) => true,
            (_, None) => false,
            (Depth::Days(days), Some(from)) => {
                let now = s.now.wall.plus(self.skew).plus(facts::offset(s.tx)?);
                from.0 <= now.0.saturating_sub(DAY.saturating_mul(i64::from(days)))
            }
            (Depth::Messages(count), Some(from)) => {
                messages::at_least(s.tx, conversation, &from, count)?
            }
        })
    }

    fn deepening_failed(&mut self, s: &mut Step<'_>, fault: Option<&Fault>) {
        let pause = match fault {
            Some(Fault::Transient {
                retry_after: Some(after),
                ..
            }) => (*after).clamp(PAUSE, 600_000),
            Some(Fault::Permanent(_)) | None => {
                // This conversation gives no more; the others may.
                self.history.deepen.as_mut().and_then(VecDeque::pop_front);
                PAUSE
            }
            Some(Fault::Transient { .. } | Fault::Network | Fault::SignIn) => {
                let more = self.jitter(self.history.failures);
                LONG_PAUSE.saturating_add(more)
            }
        };
        self.history.failures = self.history.failures.saturating_add(1);
        s.effect(Effect::SetTimer(Timer::History, pause));
    }

    pub(super) fn show_history(
        &mut self,
        s: &mut Step<'_>,
        conversation: ConversationId,
        problem: Option<Problem>,
    ) -> Result<(), StoreError> {
        let older = view::older(s.tx, conversation)?;
        s.change(Change::History {
            conversation: conversation.to_string(),
            older,
            problem,
        });
        Ok(())
    }
}

/// From where on a page read backwards holds everything.
fn start_of_page(count: u32, spots: &[Spot], last: Option<Instant>) -> Spot {
    match (count, spots.first(), last) {
        (0, ..) | (_, None, None) => held::beginning(),
        (_, Some(spot), _) => spot.clone(),
        // Only rows that can't be read: step over them.
        (_, None, Some(last)) => (last.0.saturating_sub(1), String::new()),
    }
}
