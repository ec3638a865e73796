//! One step under way: the transaction it runs in, and what it has gathered.
//!
//! Owns: the effects in their order, and what has to be shown. Never: a
//! decision; it only remembers what the decisions touched, so that each
//! conversation is brought up to date once a step however many rows came, and
//! the index of words is written once for all of them.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use rusqlite::Connection;

use super::effect::{Effect, Notice, Ticket};
use crate::{
    bridge::{Change, Problem},
    model::{ConversationId, MessageId, Now},
    store::{StoreError, conversations, facts, held, index, messages},
    view::{self, Eyes},
};

/// A message that a step wrote or took away, and what it was before; `None`
/// where it was not there.
pub type Replaced = (MessageId, Option<Box<messages::Kept>>);

pub(super) struct Step<'tx> {
    pub tx: &'tx Connection,
    pub now: Now,
    pub effects: Vec<Effect>,
    /// What has changed; with the row where it is known as it stands now.
    messages: BTreeMap<MessageId, (ConversationId, Option<messages::Kept>)>,
    conversations: BTreeSet<ConversationId>,
    changes: Vec<Change>,
    /// Orders that wait for the row of a message they made.
    queued: Vec<(Ticket, MessageId)>,
    /// What messages were before this step wrote them.
    pub replaced: Vec<Replaced>,
}

impl<'tx> Step<'tx> {
    pub fn new(tx: &'tx Connection, now: Now) -> Self {
        Self {
            tx,
            now,
            effects: Vec::new(),
            messages: BTreeMap::new(),
            conversations: BTreeSet::new(),
            changes: Vec::new(),
            queued: Vec::new(),
            replaced: Vec::new(),
        }
    }

    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// A message has changed, and with it its conversation.
    pub fn touch(&mut self, id: MessageId, conversation: ConversationId) {
        self.messages.insert(id, (conversation, None));
        self.conversations.insert(conversation);
    }

    /// The same of one that was just written so, and need not be read again to
    /// be shown. After [`Self::replaces`], which is told whenever one is written.
    pub fn touch_row(&mut self, kept: messages::Kept, conversation: ConversationId) {
        self.conversations.insert(conversation);
        self.messages
            .insert(kept.message.id, (conversation, Some(kept)));
    }

    /// A conversation's draft or read mark has changed.
    pub fn touch_conversation(&mut self, conversation: ConversationId) {
        self.conversations.insert(conversation);
    }

    /// A message is written or gone; `before` is what it was.
    pub fn replaces(&mut self, id: MessageId, before: Option<messages::Kept>) {
        if let Some((_, kept)) = self.messages.get_mut(&id) {
            *kept = None;
        }
        self.replaced.push((id, before.map(Box::new)));
    }

    pub fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub fn reply_with_row(&mut self, ticket: Ticket, id: MessageId) {
        self.queued.push((ticket, id));
    }

    pub fn refuse(&mut self, ticket: Ticket, problem: Problem) {
        self.effect(Effect::Reply(ticket, Err(problem)));
    }

    /// Brings the list and the index up to date, raises the revision if anything
    /// is to be shown, and gives the effects.
    pub fn finish(
        mut self,
        watching: &BTreeSet<ConversationId>,
        unread_shown: &mut Option<i64>,
    ) -> Result<Vec<Effect>, StoreError> {
        for id in &self.conversations {
            conversations::refresh(self.tx, *id)?;
        }
        index::update(self.tx)?;
        let eyes = Eyes::open(self.tx)?;
        let mut changes = Vec::new();
        let mut ranges = BTreeMap::new();
        for (id, (conversation, kept)) in std::mem::take(&mut self.messages) {
            if !watching.contains(&conversation) {
                continue;
            }
            let row = match kept {
                Some(kept) => Some(view::message_row(self.tx, eyes, kept)?),
                None => view::message(self.tx, eyes, id)?,
            };
            let Some(row) = row else {
                continue;
            };
            let ranges = match ranges.entry(conversation) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(held::ranges(self.tx, conversation)?),
            };
            changes.push(if view::on_page(&row, ranges) {
                Change::Message(row)
            } else {
                // Before the range that pages show: on none, even if it was
                // while it was pending.
                Change::MessageGone {
                    conversation: row.conversation,
                    id: row.id,
                }
            });
        }
        let mut silent = BTreeSet::new();
        for id in &self.conversations {
            let row = view::conversation(self.tx, eyes, *id)?;
            if row.blocked {
                silent.insert(row.id.clone());
            }
            changes.push(Change::Conversation(row));
        }
        // Nobody is told of a message of somebody who is blocked.
        self.effects.retain(|effect| match effect {
            Effect::Notify(Notice::Arrived(row)) => !silent.contains(&row.conversation),
            _ => true,
        });
        changes.append(&mut self.changes);
        if !self.conversations.is_empty() {
            let unread = view::unread(self.tx)?;
            if *unread_shown != Some(unread) {
                *unread_shown = Some(unread);
                changes.push(Change::Unread(unread));
            }
        }
        if !changes.is_empty() {
            let revision = facts::raise_revision(self.tx)?;
            self.effects.push(Effect::Show(revision, changes));
        }
        for (ticket, id) in std::mem::take(&mut self.queued) {
            if let Some(row) = view::message(self.tx, eyes, id)? {
                let reply = super::effect::Reply::Queued(Box::new(row));
                self.effects.push(Effect::Reply(ticket, Ok(reply)));
            }
        }
        Ok(self.effects)
    }
}
