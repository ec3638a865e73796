//! What a row from the server changes here.
//!
//! Owns: the check that a row concerns me, and what a live row may do. Live
//! rows are applied at once, for they are idempotent, but they never move a
//! cursor nor close a gap.

use std::collections::{BTreeMap, btree_map::Entry};

use rusqlite::Connection;

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
        held::{self, Spot},
        messages::{self, Saved, Upsert},
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

/// What rows are held against, read once for all that come together: nothing
/// else changes it while it is decided what follows from them.
struct Known {
    from: From,
    /// Whether the list of conversations is whole.
    listed: bool,
    eyes: Option<Eyes>,
    talks: BTreeMap<ConversationId, Talk>,
}

/// What is known of a conversation.
struct Talk {
    /// Where the range begins that reaches to now.
    held_from: Option<Spot>,
    /// Up to where it was read.
    read: Option<Spot>,
    /// Whoever writes in it has a name here.
    named: bool,
}

impl Known {
    fn eyes(&mut self, tx: &Connection) -> Result<Eyes, StoreError> {
        Ok(match self.eyes {
            Some(eyes) => eyes,
            None => *self.eyes.insert(Eyes::open(tx)?),
        })
    }

    fn talk(
        &mut self,
        tx: &Connection,
        conversation: ConversationId,
    ) -> Result<&mut Talk, StoreError> {
        Ok(match self.talks.entry(conversation) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(Talk {
                held_from: held::newest_from(tx, conversation)?,
                read: conversations::get(tx, conversation)?.and_then(|kept| kept.read),
                named: false,
            }),
        })
    }
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
        let mut mine = Vec::with_capacity(rows.messages.len());
        for message in rows.messages {
            match message.conversation(self.me) {
                Some(conversation) => mine.push((message, conversation)),
                None => self.foreign = self.foreign.saturating_add(1),
            }
        }
        let saved = messages::save_all(s.tx, mine.iter().map(|(message, with)| (message, *with)))?;
        let mut known = Known {
            from,
            listed: facts::get(s.tx, LISTED)?.is_some(),
            eyes: None,
            talks: BTreeMap::new(),
        };
        for ((message, conversation), saved) in mine.iter().zip(saved) {
            self.written(s, &mut known, message, *conversation, saved)?;
        }
        Ok(mine)
    }

    /// What follows from a row that was written.
    fn written(
        &mut self,
        s: &mut Step<'_>,
        known: &mut Known,
        message: &Message,
        conversation: ConversationId,
        saved: Saved,
    ) -> Result<(), StoreError> {
        let Saved { upsert, before } = saved;
        if known.from == From::News && known.listed {
            let talk = known.talk(s.tx, conversation)?;
            let begins = match &talk.held_from {
                // The list of conversations was whole and this was not in it: it
                // has begun since, and the catch-up brings it all. What came of
                // it before the list was there is on the page from now on.
                None => Some(held::beginning()),
                // It was in the list, and nothing of it could be read.
                // Those of the same stamp come with it, in any order.
                Some(end) if *end == held::open_end() => Some((message.stamp.0, String::new())),
                Some(_) => None,
            };
            if let Some(begins) = begins {
                held::hold(s.tx, conversation, &begins, &held::open_end())?;
                talk.held_from = held::newest_from(s.tx, conversation)?;
                if self.watching.contains(&conversation) {
                    self.show_history(s, conversation, None)?;
                }
            }
        }
        if upsert == Upsert::Same {
            return Ok(());
        }
        let elsewhere = before
            .as_ref()
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
                known.eyes = None;
            }
            s.effect(Effect::SetTimer(super::Timer::Outbox, 0));
        }
        s.replaces(message.id, before);
        let kept = || messages::Kept {
            message: message.clone(),
            pending: false,
            typed: None,
        };
        if self.watching.contains(&conversation) {
            s.touch_row(kept(), conversation);
        } else {
            s.touch(message.id, conversation);
        }
        if known.from == From::History {
            return Ok(());
        }
        // What lies before the read mark is history, though it is new here.
        if upsert != Upsert::New || message.is_me(self.me) {
            return Ok(());
        }
        let talk = known.talk(s.tx, conversation)?;
        if talk
            .read
            .as_ref()
            .is_none_or(|read| held::is_after(message, read))
        {
            talk.named = talk.named || people::name(s.tx, message.sender)?.is_some();
            self.sync.people_wanted |= !talk.named;
            let row = view::message_row(s.tx, known.eyes(s.tx)?, kept())?;
            s.effect(Effect::Notify(Notice::Arrived(Box::new(row))));
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
        let before = messages::get(s.tx, id)?;
        let Some(conversation) = messages::remove(s.tx, id)? else {
            return Ok(());
        };
        s.replaces(id, before);
        s.touch_conversation(conversation);
        s.change(crate::bridge::Change::MessageGone {
            conversation: conversation.to_string(),
            id: id.to_string(),
        });
        // It was all that was held of a conversation that goes further back.
        let left = messages::at_least(s.tx, conversation, &held::beginning(), 1)?;
        if !left && self.link.reachable(s.now.wall) {
            self.fetch_older(s, conversation)?;
        }
        Ok(())
    }
}
