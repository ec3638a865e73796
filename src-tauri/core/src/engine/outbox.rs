//! Sending: once, in order, whatever happens.
//!
//! Owns: which job is tried next, and what its answer means. A message's uuid
//! is the server's key, so trying again can never make a second one.
//!
//! ```text
//!              drain                  answer: created, or not unique and mine
//!   queued ------------> sending ------------------------------------> (gone: sent)
//!     ^  ^                 | | |                                            ^
//!     |  |  401, 429       | | |  no answer, 5xx, stopped                   |
//!     |  +-----------------+ | +-----------> unknown --drain--> sending ----+
//!     |                      |                  |  the echo, or a page, brings the row
//!     |  a person retries    | refused          +-------------------------> (gone: sent)
//!     +-------------- refused
//! ```
//!
//! An attempt is recorded before its request leaves. One request a
//! conversation is under way at a time, so that the server's stamps keep the
//! order; a refused job does not hold up the next, and no conversation waits
//! for another.

use std::collections::BTreeMap;

use super::{
    Engine,
    effect::{Effect, RequestId, Timer},
    step::Step,
};
use crate::{
    bridge::{Change, Code, Older, Problem},
    directus::call::{Answer, Call, Fault, Outgoing, Reason, Refusal},
    model::{Instant, Message, MessageId, Stamps},
    store::{
        StoreError, conversations, facts, messages,
        outbox::{self as jobs, JobState},
    },
};

#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// With the timestamp that was written, where this is the first attempt.
    creating: BTreeMap<RequestId, (MessageId, Option<Instant>)>,
    looking: BTreeMap<RequestId, MessageId>,
    failures: u32,
    /// Nothing is tried before this instant of the monotonic clock.
    not_before: Option<i64>,
}

impl Outbox {
    /// The row came by another way while its request was under way. Gives the
    /// timestamp that this request wrote, if the row can only be its doing.
    pub fn confirmed(&mut self, id: MessageId) -> Option<Instant> {
        let written = self
            .creating
            .values()
            .find_map(|(message, written)| (*message == id).then_some(*written)?);
        self.creating.retain(|_, (message, _)| *message != id);
        self.looking.retain(|_, message| *message != id);
        written
    }
}

/// Zones lie at quarters of an hour.
const QUARTER: i64 = 15 * 60_000;

impl Engine {
    /// Tries what may be tried now.
    pub(super) fn drain(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        if !self.link.reachable(s.now.wall) {
            return Ok(());
        }
        if let Some(at) = self.outbox.not_before {
            let left = at.saturating_sub(s.now.mono);
            if left > 0 {
                s.effect(Effect::SetTimer(Timer::Outbox, left));
                return Ok(());
            }
            self.outbox.not_before = None;
        }
        for job in jobs::next(s.tx)? {
            let Some(kept) = messages::get(s.tx, job.message)? else {
                return Err(StoreError::Corrupt("outbox.message"));
            };
            jobs::set_state(s.tx, job.message, JobState::Sending, None)?;
            s.touch(job.message, job.conversation);
            let timestamp = s.now.wall.plus(self.skew).floor_second();
            let request = self.request(
                s,
                Call::Create(Outgoing {
                    id: job.message,
                    content: kept.message.content,
                    sender: self.me,
                    receiver: kept.message.receiver,
                    timestamp,
                    stamps: self.stamps,
                }),
            );
            let written = (job.attempts == 0).then_some(timestamp);
            self.outbox.creating.insert(request, (job.message, written));
        }
        Ok(())
    }

    /// The connection is given up: nothing more is heard of requests under way.
    pub(super) fn stop_sending(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        let creating = std::mem::take(&mut self.outbox.creating);
        let looking = std::mem::take(&mut self.outbox.looking);
        for id in creating
            .into_values()
            .map(|(id, _)| id)
            .chain(looking.into_values())
        {
            self.job_state(s, id, JobState::Unknown, None)?;
        }
        self.outbox.not_before = None;
        Ok(())
    }

    fn job_state(
        &mut self,
        s: &mut Step<'_>,
        id: MessageId,
        state: JobState,
        problem: Option<&Problem>,
    ) -> Result<(), StoreError> {
        if let Some(job) = jobs::get(s.tx, id)? {
            jobs::set_state(s.tx, id, state, problem)?;
            s.touch(id, job.conversation);
        }
        Ok(())
    }

    /// Whether the answer was for a job.
    pub(super) fn job_answered(
        &mut self,
        s: &mut Step<'_>,
        request: RequestId,
        result: &Result<Answer, Fault>,
    ) -> Result<bool, StoreError> {
        if let Some((id, written)) = self.outbox.creating.remove(&request) {
            match result {
                Ok(Answer::Created(Some(row))) if row.id == id => {
                    if let Some(written) = written {
                        self.learn_offset(s, row, written)?;
                    }
                    self.confirm(s, row)?;
                }
                // Created, and not shown: its stamp has to be asked for.
                Ok(_) => self.look_up(s, id)?,
                Err(Fault::Permanent(refusal)) if refusal.reason == Reason::NotUnique => {
                    self.look_up(s, id)?;
                }
                Err(fault) => self.job_failed(s, id, fault)?,
            }
            return Ok(true);
        }
        let Some(id) = self.outbox.looking.remove(&request) else {
            return Ok(false);
        };
        match result {
            Ok(Answer::Messages(rows)) => {
                let mine = rows
                    .messages
                    .iter()
                    .find(|row| row.id == id && row.sender == self.me);
                match mine {
                    Some(row) => self.confirm(s, row)?,
                    // Somebody else's row has this id.
                    None => self.refused(s, id, &Problem::new(Code::NotAllowed))?,
                }
            }
            Ok(_) => self.job_failed(s, id, &Fault::Network)?,
            Err(fault) => self.job_failed(s, id, fault)?,
        }
        Ok(true)
    }

    fn look_up(&mut self, s: &mut Step<'_>, id: MessageId) -> Result<(), StoreError> {
        let stamps = self.stamps;
        let request = self.request(s, Call::Message { id, stamps });
        self.outbox.looking.insert(request, id);
        Ok(())
    }

    fn confirm(&mut self, s: &mut Step<'_>, row: &Message) -> Result<(), StoreError> {
        self.outbox.failures = 0;
        let rows = crate::directus::call::Rows {
            messages: vec![row.clone()],
            count: 1,
            last: None,
            set_aside: Vec::new(),
        };
        self.ingest(s, rows, super::ingest::From::News)?;
        self.drain(s)
    }

    fn refused(
        &mut self,
        s: &mut Step<'_>,
        id: MessageId,
        problem: &Problem,
    ) -> Result<(), StoreError> {
        self.job_state(s, id, JobState::Refused, Some(problem))?;
        self.drain(s)
    }

    fn job_failed(
        &mut self,
        s: &mut Step<'_>,
        id: MessageId,
        fault: &Fault,
    ) -> Result<(), StoreError> {
        match fault {
            Fault::Permanent(refusal) => self.refused(s, id, &refusal_problem(refusal)),
            Fault::SignIn => {
                self.job_state(s, id, JobState::Queued, None)?;
                self.token_rejected(s)
            }
            Fault::Network => {
                self.job_state(s, id, JobState::Unknown, None)?;
                let delay = self.jitter(self.outbox.failures);
                self.hold_back(s, delay);
                Ok(())
            }
            Fault::Transient {
                retry_after,
                status,
            } => {
                // 429 is refused at the door; of the others nothing is known.
                let state = if *status == 429 {
                    JobState::Queued
                } else {
                    JobState::Unknown
                };
                self.job_state(s, id, state, None)?;
                let delay = match retry_after {
                    Some(delay) => (*delay).clamp(500, 600_000),
                    None => self.jitter(self.outbox.failures),
                };
                self.hold_back(s, delay);
                Ok(())
            }
        }
    }

    fn hold_back(&mut self, s: &mut Step<'_>, delay: i64) {
        self.outbox.failures = self.outbox.failures.saturating_add(1);
        self.outbox.not_before = Some(s.now.mono.saturating_add(delay));
        s.effect(Effect::SetTimer(Timer::Outbox, delay));
    }

    /// The tutorial's `dateTime` comes back in the server's own zone: what was
    /// written and what is read, in the answer or in the echo before it, tell
    /// by how much.
    pub(super) fn learn_offset(
        &mut self,
        s: &mut Step<'_>,
        row: &Message,
        written: Instant,
    ) -> Result<(), StoreError> {
        if self.stamps != Stamps::Sender {
            return Ok(());
        }
        let shift = row.stamp.0.saturating_sub(written.0);
        let offset = (shift + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
        let exact = shift.abs_diff(offset) <= 1_000 && offset.abs() <= 15 * 3_600_000;
        if !exact {
            return Ok(());
        }
        let before = facts::known_offset(s.tx)?;
        if before.is_none() {
            facts::set_offset(s.tx, offset)?;
        }
        if offset != before.unwrap_or_default() {
            facts::set_offset(s.tx, offset)?;
            // Every time on a screen has moved: in the list, and on the pages,
            // which are to be read again.
            for kept in conversations::list(s.tx, "", None, u32::MAX)? {
                s.touch_conversation(kept.id);
            }
            for conversation in &self.watching {
                s.change(Change::History {
                    conversation: conversation.to_string(),
                    older: Older::Held,
                    problem: None,
                });
            }
        }
        Ok(())
    }
}

fn refusal_problem(refusal: &Refusal) -> Problem {
    let problem = match refusal.reason {
        Reason::ForeignKey => Problem::new(Code::ReceiverGone),
        Reason::TooLarge => Problem::new(Code::TextTooLong),
        Reason::Forbidden | Reason::Validation | Reason::NotUnique | Reason::Suspended => {
            Problem::new(Code::NotAllowed)
        }
        Reason::TooMany | Reason::Other => {
            Problem::new(Code::ServerError).with("status", refusal.status)
        }
    };
    match &refusal.field {
        Some(field) => problem.with("field", field),
        None => problem,
    }
}
