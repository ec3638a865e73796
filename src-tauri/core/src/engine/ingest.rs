//! What a row from the server changes here.
//!
//! Owns: the check that a row concerns me, and what a live row may do. Live
//! rows are applied at once, for they are idempotent, but they never move a
//! cursor nor close a gap.

use super::{
    Engine,
    effect::{Effect, Notice},
    step::Step,
};
use crate::{
    directus::call::Rows,
    model::{ConversationId, Message, MessageId},
    store::{
        StoreError, conversations,
        facts::{self, LISTED},
        held, messages,
        messages::Upsert,
        people,
    },
    view::{self, Eyes},
};

/// Where a row came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// The socket, or the catch-up: it is news.
    News,
    /// A page of history.
    History,
}

impl Engine {
    pub(super) fn live_rows(&mut self, s: &mut Step<'_>, rows: Rows) -> Result<(), StoreError> {
        self.ingest(s, rows, From::News).map(|_| ())
    }

    /// Writes rows down; gives those that concern me, with their conversations.
    pub(super) fn ingest(
        &mut self,
        s: &mut Step<'_>,
        rows: Rows,
        from: From,
    ) -> Result<Vec<(Message, ConversationId)>, StoreError> {
        for bad in &rows.set_aside {
            let id = bad.id.as_deref().unwrap_or("?");
            messages::set_aside(s.tx, id, bad.reason, s.now.wall)?;
        }
        let listed = facts::get(s.tx, LISTED)?.is_some();
        let mut kept = Vec::with_capacity(rows.messages.len());
        for message in rows.messages {
            let Some(conversation) = message.conversation(self.me) else {
                self.foreign = self.foreign.saturating_add(1);
                continue;
            };
            self.write(s, &message, conversation, from, listed)?;
            kept.push((message, conversation));
        }
        Ok(kept)
    }

    fn write(
        &mut self,
        s: &mut Step<'_>,
        message: &Message,
        conversation: ConversationId,
        from: From,
        listed: bool,
    ) -> Result<(), StoreError> {
        let before = messages::get(s.tx, message.id)?;
        let upsert = messages::save(s.tx, message, conversation)?;
        let spot = (message.stamp.0, message.id.to_string());
        if from == From::News && listed {
            let begins = match held::newest_from(s.tx, conversation)? {
                // The list of conversations was whole and this was not in it: it
                // has begun since, and the catch-up brings it all. What came of
                // it before the list was there is on the page from now on.
                None => Some(held::beginning()),
                // It was in the list, and nothing of it could be read.
                // Those of the same stamp come with it, in any order.
                Some(end) if end == held::open_end() => Some((spot.0, String::new())),
                Some(_) => None,
            };
            if let Some(begins) = begins {
                held::hold(s.tx, conversation, &begins, &held::open_end())?;
                if self.watching.contains(&conversation) {
                    self.show_history(s, conversation, None)?;
                }
            }
        }
        if upsert == Upsert::Same {
            return Ok(());
        }
        s.touch(message.id, conversation);
        let elsewhere = before
            .and_then(|before| before.message.conversation(self.me))
            .filter(|was| *was != conversation);
        if let Some(was) = elsewhere {
            // Given to another receiver: it is no longer where it was.
            s.touch_conversation(was);
            s.change(crate::bridge::Change::MessageGone {
                conversation: was.to_string(),
                id: message.id.to_string(),
            });
        }
        if upsert == Upsert::Confirmed {
            if let Some(written) = self.outbox.confirmed(message.id) {
                self.learn_offset(s, message, written)?;
            }
            s.effect(Effect::SetTimer(super::Timer::Outbox, 0));
        }
        if from == From::History {
            return Ok(());
        }
        // What lies before the read mark is history, though it is new here.
        let read = conversations::get(s.tx, conversation)?.and_then(|kept| kept.read);
        if upsert == Upsert::New && !message.is_me(self.me) && read.is_none_or(|read| read < spot) {
            if people::name(s.tx, message.sender)?.is_none() {
                self.sync.people_wanted = true;
            }
            let eyes = Eyes::open(s.tx)?;
            if let Some(row) = view::message(s.tx, eyes, message.id)? {
                s.effect(Effect::Notify(Notice::Arrived(Box::new(row))));
            }
        }
        Ok(())
    }

    /// Every subscriber is told of every deleted id; what is not held is
    /// nobody's business here.
    pub(super) fn told_deleted(
        &mut self,
        s: &mut Step<'_>,
        ids: Vec<MessageId>,
    ) -> Result<(), StoreError> {
        for id in ids {
            if messages::get(s.tx, id)?.is_some_and(|kept| !kept.pending) {
                self.forget(s, id)?;
            }
        }
        Ok(())
    }

    /// A message is no longer on the server.
    pub(super) fn forget(&mut self, s: &mut Step<'_>, id: MessageId) -> Result<(), StoreError> {
        if let Some(conversation) = messages::remove(s.tx, id)? {
            s.touch_conversation(conversation);
            s.change(crate::bridge::Change::MessageGone {
                conversation: conversation.to_string(),
                id: id.to_string(),
            });
        }
        Ok(())
    }
}
