//! People who should not be heard, and what the owner is told.
//!
//! Owns: when the server is asked for blocks and for the owner's addresses,
//! and when it is told of blocks and reports. A block or a report is a promise
//! like a message: kept in the transaction of the order, sent with a key that
//! is the same at every try, and gone (or told) only by the server's answer.
//!
//! ```text
//!   whole again --> owner? --403--> owner without addresses? --403--> a plain server
//!                     | has blocks                  | has blocks
//!                     v                             v
//!                  blocks? -------> what waits, one after the other -----> nothing to do
//!                     ^                             | no answer, 429, 5xx
//!                     +-------- Timer::Safety ------+
//! ```
//!
//! One request at a time: a list of blocks that was asked for before a block
//! was told must not take that block away again.
//!
//! Off unless the engine is made [`Engine::with_safety`]: a world without the
//! whole schema has nothing to ask.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    Engine,
    effect::{Effect, RequestId, Timer},
    input::NewReport,
    step::Step,
};
use crate::{
    bridge::{Change, Code, Problem, ReportReason},
    directus::{
        call::{Answer, Call, Fault, Reason},
        safety::{Ask, Owner, Report, Told},
    },
    model::{ConversationId, PersonId},
    product,
    store::{
        StoreError, conversations, facts, messages, people,
        safety::{self as kept, Accepted, Block, BlockState},
    },
    view,
};

/// The longest that is said in one's own words, in characters.
const LONGEST: usize = 4_000;

#[derive(Debug, Default)]
pub(super) struct Safety {
    on: bool,
    /// The server was asked since it was reached.
    fresh: bool,
    due: Option<Due>,
    /// Nothing waits: not looked for again at every step.
    quiet: bool,
    busy: Option<(RequestId, Doing)>,
    failures: u32,
    /// Nothing is asked before this instant of the monotonic clock.
    not_before: Option<i64>,
}

/// What is to be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Owner,
    Version,
    Blocks,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Doing {
    Read(Due),
    Block(PersonId, bool),
    Report(Uuid),
}

impl Engine {
    /// The same engine, which asks for blocks and tells of them.
    #[must_use]
    pub const fn with_safety(mut self) -> Self {
        self.safety.on = true;
        self
    }

    /// At the end of every step: begins what is due.
    pub(super) fn look_after_safety(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        if !self.safety.on {
            return Ok(());
        }
        if !(self.link.online() && self.link.reachable(s.now.wall)) {
            // What was under way is asked again: its key is the same.
            self.safety.busy = None;
            self.safety.fresh = false;
            self.safety.not_before = None;
            return Ok(());
        }
        if !self.sync.whole && !self.safety.fresh {
            return Ok(());
        }
        if !self.safety.fresh {
            self.safety.fresh = true;
            self.safety.failures = 0;
            self.safety.due = Some(Due::Owner);
            self.safety.quiet = false;
        }
        if self.safety.quiet {
            return Ok(());
        }
        self.safety_next(s)
    }

    pub(super) fn safety_due(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.safety.not_before = None;
        self.look_after_safety(s)
    }

    fn safety_next(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        let held_back = self.safety.not_before.is_some_and(|at| at > s.now.mono);
        if self.safety.busy.is_some() || held_back {
            return Ok(());
        }
        if let Some(due) = self.safety.due {
            let ask = match due {
                Due::Owner => Ask::Owner { addresses: true },
                Due::Version => Ask::Owner { addresses: false },
                Due::Blocks => Ask::Blocks,
            };
            self.safety_ask(s, Doing::Read(due), ask);
            return Ok(());
        }
        let owner = kept::owner(s.tx)?.unwrap_or_default();
        if owner.has_blocks() {
            let waiting = kept::blocks(s.tx)?
                .into_iter()
                .find(|block| block.state == BlockState::Waiting);
            if let Some(block) = waiting {
                let person = block.person;
                let ask = if block.wanted {
                    Ask::Block {
                        key: block.key,
                        me: self.me,
                        person,
                    }
                } else {
                    Ask::Unblock { person }
                };
                self.safety_ask(s, Doing::Block(person, block.wanted), ask);
                return Ok(());
            }
        }
        if owner.has_reports()
            && let Some(report) = kept::next_report(s.tx)?
        {
            let doing = Doing::Report(report.id);
            let me = self.me;
            self.safety_ask(s, doing, Ask::Report { me, report });
            return Ok(());
        }
        self.safety.quiet = true;
        Ok(())
    }

    fn safety_ask(&mut self, s: &mut Step<'_>, doing: Doing, ask: Ask) {
        let request = self.request(s, Call::Safety(ask));
        self.safety.busy = Some((request, doing));
    }

    /// Whether the answer was for one of these.
    pub(super) fn safety_answered(
        &mut self,
        s: &mut Step<'_>,
        request: RequestId,
        result: &Result<Answer, Fault>,
    ) -> Result<bool, StoreError> {
        let Some((_, doing)) = self.safety.busy.take_if(|(busy, _)| *busy == request) else {
            return Ok(false);
        };
        self.safety.quiet = false;
        match result {
            Ok(Answer::Safety(told)) => {
                self.safety.failures = 0;
                self.safety_told(s, &doing, told)?;
            }
            Ok(_) => self.safety_later(s, None),
            Err(Fault::Permanent(refusal)) => self.safety_refused(s, &doing, refusal.reason)?,
            Err(Fault::SignIn) => self.token_rejected(s)?,
            Err(Fault::Network) => self.safety_later(s, None),
            Err(Fault::Transient { retry_after, .. }) => self.safety_later(s, *retry_after),
        }
        Ok(true)
    }

    /// What it asked for is still due; it is asked for again after a while.
    fn safety_later(&mut self, s: &mut Step<'_>, after: Option<i64>) {
        let delay = match after {
            Some(delay) => delay.clamp(500, 600_000),
            None => self.jitter(self.safety.failures),
        };
        self.safety.failures = self.safety.failures.saturating_add(1);
        self.safety.not_before = Some(s.now.mono.saturating_add(delay));
        s.effect(Effect::SetTimer(Timer::Safety, delay));
    }

    fn safety_told(
        &mut self,
        s: &mut Step<'_>,
        doing: &Doing,
        told: &Told,
    ) -> Result<(), StoreError> {
        match (doing, told) {
            (Doing::Read(Due::Owner | Due::Version), Told::Owner(owner)) => {
                self.owner_told(s, owner)
            }
            (Doing::Read(Due::Blocks), Told::Blocks(people)) => {
                self.safety.due = None;
                self.blocks_told(s, people)
            }
            (Doing::Block(person, wanted), _) => {
                self.block_told(s, *person, *wanted, BlockState::Told)
            }
            (Doing::Report(id), _) => {
                kept::forget_report(s.tx, *id)?;
                show(s)
            }
            (Doing::Read(_), _) => {
                self.safety.due = None;
                Ok(())
            }
        }
    }

    fn safety_refused(
        &mut self,
        s: &mut Step<'_>,
        doing: &Doing,
        reason: Reason,
    ) -> Result<(), StoreError> {
        match doing {
            // An older version has no addresses; a plain server has nothing.
            Doing::Read(Due::Owner) => {
                self.safety.due = Some(Due::Version);
                Ok(())
            }
            Doing::Read(Due::Version) => self.owner_told(s, &Owner::default()),
            Doing::Read(Due::Blocks) => {
                self.safety.due = None;
                Ok(())
            }
            Doing::Block(person, wanted) => {
                // There already, or nobody is there to be blocked.
                let state = match reason {
                    Reason::NotUnique | Reason::ForeignKey => BlockState::Told,
                    _ => BlockState::Refused,
                };
                self.block_told(s, *person, *wanted, state)
            }
            Doing::Report(id) if reason == Reason::NotUnique => {
                kept::forget_report(s.tx, *id)?;
                show(s)
            }
            Doing::Report(id) => {
                kept::refuse_report(s.tx, *id)?;
                show(s)
            }
        }
    }

    fn owner_told(&mut self, s: &mut Step<'_>, owner: &Owner) -> Result<(), StoreError> {
        self.safety.due = owner.has_blocks().then_some(Due::Blocks);
        let mut changed = kept::set_owner(s.tx, owner)?;
        if !owner.has_blocks() {
            // Here it holds on this device: what was lifted is lifted.
            for block in kept::blocks(s.tx)? {
                if !block.wanted {
                    kept::forget_block(s.tx, block.person)?;
                    changed = true;
                } else if block.state != BlockState::Waiting {
                    // The server has lost its place for it; should it come back, it is told.
                    kept::save_block(
                        s.tx,
                        &Block {
                            state: BlockState::Waiting,
                            ..block
                        },
                    )?;
                    changed = true;
                }
            }
        }
        if changed { show(s) } else { Ok(()) }
    }

    /// The server's whole list, against what is known here: what waits to be
    /// told stands, and of everything else the server is right.
    fn blocks_told(&mut self, s: &mut Step<'_>, people: &[PersonId]) -> Result<(), StoreError> {
        let there: BTreeSet<PersonId> = people.iter().copied().collect();
        let here = kept::blocks(s.tx)?;
        let mut changed = Vec::new();
        for block in &here {
            if block.state == BlockState::Told && !there.contains(&block.person) {
                kept::forget_block(s.tx, block.person)?;
                changed.push(block.person);
            }
        }
        for person in there {
            let known = here.iter().find(|block| block.person == person);
            if known.is_some_and(|block| block.state != BlockState::Refused || !block.wanted) {
                continue;
            }
            kept::save_block(
                s.tx,
                &Block {
                    person,
                    // Never written: the row is there, under a key of its own.
                    key: Uuid::nil(),
                    wanted: true,
                    state: BlockState::Told,
                    since: known.map_or(s.now.wall, |block| block.since),
                },
            )?;
            changed.push(person);
        }
        for person in &changed {
            s.touch_conversation(ConversationId::Direct(*person));
        }
        if changed.is_empty() { Ok(()) } else { show(s) }
    }

    fn block_told(
        &mut self,
        s: &mut Step<'_>,
        person: PersonId,
        wanted: bool,
        state: BlockState,
    ) -> Result<(), StoreError> {
        let block = kept::blocks(s.tx)?
            .into_iter()
            .find(|block| block.person == person);
        // Meanwhile somebody may have thought better of it: then that waits.
        let Some(block) = block.filter(|block| block.wanted == wanted) else {
            return Ok(());
        };
        if wanted {
            kept::save_block(s.tx, &Block { state, ..block })?;
        } else {
            kept::forget_block(s.tx, person)?;
        }
        show(s)
    }

    // --- orders ---

    /// Blocks somebody, or lifts that. `key` is fresh.
    pub(super) fn block(
        &mut self,
        s: &mut Step<'_>,
        person: PersonId,
        wanted: bool,
        key: Uuid,
    ) -> Result<Result<(), Problem>, StoreError> {
        let conversation = ConversationId::Direct(person);
        let known = people::name(s.tx, person)?.is_some()
            || conversations::get(s.tx, conversation)?.is_some();
        let before = kept::blocks(s.tx)?
            .into_iter()
            .find(|block| block.person == person);
        if person == self.me || !(known || before.is_some()) {
            return Ok(Err(Problem::new(Code::Unknown)));
        }
        if before.as_ref().is_some_and(|block| block.wanted) == wanted {
            return Ok(Ok(()));
        }
        let plain = kept::owner(s.tx)?.is_some_and(|owner| !owner.has_blocks());
        if !wanted && plain {
            kept::forget_block(s.tx, person)?;
        } else {
            kept::save_block(
                s.tx,
                &Block {
                    person,
                    key,
                    wanted,
                    state: BlockState::Waiting,
                    since: s.now.wall,
                },
            )?;
        }
        self.safety.quiet = false;
        s.touch_conversation(conversation);
        show(s)?;
        Ok(Ok(()))
    }

    /// Keeps a report for the owner.
    pub(super) fn report(
        &mut self,
        s: &mut Step<'_>,
        new: NewReport,
    ) -> Result<Result<(), Problem>, StoreError> {
        if !kept::owner(s.tx)?.is_some_and(|owner| owner.has_reports()) {
            return Ok(Err(Problem::new(Code::ReportsMissing)));
        }
        if new.comment.chars().count() > LONGEST {
            return Ok(Err(Problem::new(Code::TextTooLong)
                .with("bytes", new.comment.len())
                .with("limit", LONGEST)));
        }
        let message = match new.message {
            Some(id) => match messages::get(s.tx, id)? {
                // One's own is no matter for the owner.
                Some(found) if found.message.sender != self.me => Some(found.message),
                _ => return Ok(Err(Problem::new(Code::Unknown))),
            },
            None => None,
        };
        let about = message.as_ref().map(|message| message.sender).or(new.about);
        let leaving = new.reason == ReportReason::AccountDeletion;
        let sound = if leaving {
            about.is_none()
        } else {
            about.is_some_and(|person| person != self.me)
        };
        if !sound {
            return Ok(Err(Problem::new(Code::Unknown)));
        }
        let report = Report {
            id: new.id,
            about,
            message: message.as_ref().map(|message| message.id),
            reason: new.reason,
            comment: new.comment,
            copy: message
                .filter(|_| new.with_text)
                .map(|message| message.content),
        };
        kept::save_report(s.tx, &report)?;
        self.safety.quiet = false;
        if leaving {
            facts::set_instant(s.tx, kept::DELETION, s.now.wall)?;
        }
        show(s)?;
        Ok(Ok(()))
    }

    /// The terms of this version are accepted; another's are none.
    pub(super) fn accept_terms(
        &mut self,
        s: &mut Step<'_>,
        version: u32,
    ) -> Result<Result<(), Problem>, StoreError> {
        if version != product::TERMS {
            return Ok(Err(
                Problem::new(Code::TermsNeeded).with("version", product::TERMS)
            ));
        }
        let at = s.now.wall.0;
        kept::set_accepted(s.tx, Accepted { version, at })?;
        show(s)?;
        Ok(Ok(()))
    }
}

fn show(s: &mut Step<'_>) -> Result<(), StoreError> {
    let safety = view::safety::safety(s.tx)?;
    s.change(Change::Safety(safety));
    Ok(())
}
