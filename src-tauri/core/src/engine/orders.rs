//! What a person asks for.

use super::{
    Engine,
    effect::{Effect, Reply, Ticket},
    input::Order,
    step::Step,
};
use crate::{
    bridge::{Code, Problem},
    model::{ConversationId, MessageId},
    store::{
        StoreError, conversations, messages,
        outbox::{self as jobs, JobState},
    },
    view,
};

impl Engine {
    pub(super) fn order(
        &mut self,
        s: &mut Step<'_>,
        ticket: Ticket,
        order: Order,
    ) -> Result<(), StoreError> {
        let done = match order {
            Order::Send {
                id,
                conversation,
                text,
            } => return self.send(s, ticket, id, conversation, &text),
            Order::Retry(id) => self.retry(s, id)?,
            Order::Discard(id) => self.discard(s, id)?,
            Order::SaveDraft(conversation, text) => {
                let text = Some(text.as_str()).filter(|text| !text.trim().is_empty());
                conversations::set_draft(s.tx, conversation, text, s.now.wall)?;
                s.touch_conversation(conversation);
                Ok(())
            }
            Order::MarkRead(conversation, until) => self.mark_read(s, conversation, &until)?,
            Order::FetchOlder(conversation) => {
                self.fetch_older(s, conversation)?;
                Ok(())
            }
            Order::Fetch(conversation, anchor) => self.fetch(s, conversation, &anchor)?,
            Order::SetDepth(depth) => {
                self.set_depth(s, depth)?;
                Ok(())
            }
            Order::Reconnect => {
                self.resumed(s)?;
                Ok(())
            }
            Order::Block(person, wanted, key) => self.block(s, person, wanted, key)?,
            Order::Report(report) => self.report(s, report)?,
            Order::AcceptTerms(version) => self.accept_terms(s, version)?,
        };
        s.effect(Effect::Reply(ticket, done.map(|()| Reply::Done)));
        Ok(())
    }

    fn send(
        &mut self,
        s: &mut Step<'_>,
        ticket: Ticket,
        id: MessageId,
        conversation: ConversationId,
        text: &str,
    ) -> Result<(), StoreError> {
        if text.trim().is_empty() {
            s.refuse(ticket, Problem::new(Code::TextBlank));
            return Ok(());
        }
        if messages::get(s.tx, id)?.is_none() {
            messages::queue(s.tx, id, self.me, conversation, text, s.now.wall)?;
            // What was typed has become the message, whatever is heard of it:
            // a stop between the two would leave it here and there.
            conversations::set_draft(s.tx, conversation, None, s.now.wall)?;
            s.touch(id, conversation);
            s.replaces(id, None);
        }
        s.reply_with_row(ticket, id);
        self.drain(s)
    }

    fn retry(
        &mut self,
        s: &mut Step<'_>,
        id: MessageId,
    ) -> Result<Result<(), Problem>, StoreError> {
        let Some(job) = jobs::get(s.tx, id)?.filter(|job| job.state == JobState::Refused) else {
            return Ok(Err(Problem::new(Code::MessageState)));
        };
        jobs::set_state(s.tx, id, JobState::Queued, None)?;
        s.touch(id, job.conversation);
        self.drain(s)?;
        Ok(Ok(()))
    }

    /// Only what the server certainly does not have may be taken back here.
    fn discard(
        &mut self,
        s: &mut Step<'_>,
        id: MessageId,
    ) -> Result<Result<(), Problem>, StoreError> {
        let Some(job) = jobs::get(s.tx, id)? else {
            return Ok(Err(Problem::new(Code::MessageState)));
        };
        if !matches!(job.state, JobState::Queued | JobState::Refused) {
            return Ok(Err(Problem::new(Code::MessageState)));
        }
        self.forget(s, id)?;
        Ok(Ok(()))
    }

    fn mark_read(
        &mut self,
        s: &mut Step<'_>,
        conversation: ConversationId,
        until: &str,
    ) -> Result<Result<(), Problem>, StoreError> {
        let Some((pending, stamp, id)) = view::read_sort(until) else {
            return Ok(Err(Problem::new(Code::Unknown)));
        };
        // A pending message stands after every confirmed one.
        let spot = if pending {
            let newest = messages::before(
                s.tx,
                conversation,
                Some(&crate::store::held::beginning()),
                Some((true, i64::MIN, "")),
                1,
            )?;
            match newest.first() {
                Some(kept) => (kept.message.stamp.0, kept.message.id.to_string()),
                None => return Ok(Ok(())),
            }
        } else {
            (stamp, id.to_owned())
        };
        if conversations::mark_read(s.tx, conversation, &spot, self.me)? {
            s.touch_conversation(conversation);
        }
        Ok(Ok(()))
    }
}
