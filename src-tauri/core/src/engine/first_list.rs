//! The first list: what is newest in every conversation, so that a screen has
//! something to show before anything older is fetched.
//!
//! Owns: where every conversation's range begins that reaches to now, and where
//! the cursors are set first. Never: what comes after, which is `sync`'s.

use std::collections::BTreeMap;

use super::{
    Engine,
    ingest::From,
    step::Step,
    sync::{Stage, Then},
};
use crate::{
    directus::call::{By, Call, MessagesQuery, Rows, Total},
    model::{ConversationId, Instant, Message, PersonId, Stamps},
    store::{StoreError, conversations, facts, held, messages},
};

/// No zone is farther ahead of UTC.
const FARTHEST_ZONE: i64 = 14 * 3_600_000;

impl Engine {
    pub(super) fn first_list(
        &mut self,
        s: &mut Step<'_>,
        totals: &[Total],
    ) -> Result<(), StoreError> {
        let mut newest: BTreeMap<PersonId, (PersonId, PersonId, Instant)> = BTreeMap::new();
        for total in totals {
            let (Some(stamp), Some(peer)) = (total.newest, self.peer_of(total)) else {
                continue;
            };
            let entry = (total.sender, total.receiver, stamp);
            newest
                .entry(peer)
                .and_modify(|known| {
                    if known.2 < stamp {
                        *known = entry;
                    }
                })
                .or_insert(entry);
        }
        let newest_of_all = newest.values().map(|entry| entry.2).max();
        let cursor = self.believed(s, newest_of_all.unwrap_or_default())?;
        self.sync.doubtful.clear();
        self.ask_newest(s, newest.into_values().collect(), Vec::new(), cursor)
    }

    pub(super) fn peer_of(&self, total: &Total) -> Option<PersonId> {
        if total.sender == self.me {
            Some(total.receiver)
        } else if total.receiver == self.me {
            Some(total.sender)
        } else {
            None
        }
    }

    pub(super) fn ask_newest(
        &mut self,
        s: &mut Step<'_>,
        mut rest: Vec<(PersonId, PersonId, Instant)>,
        alone: Vec<PersonId>,
        cursor: Instant,
    ) -> Result<(), StoreError> {
        if rest.is_empty() {
            return self.ask_alone(s, alone, cursor);
        }
        let asked = rest.split_off(
            rest.len()
                .saturating_sub(self.pages.newest.min(self.page() as usize)),
        );
        let call = Call::Newest {
            stamps: self.stamps,
            limit: self.newest_rows(asked.len()),
            of: asked.clone(),
        };
        let stage = Stage::Newest {
            asked,
            rest,
            alone,
            cursor,
        };
        self.ask(s, stage, call);
        Ok(())
    }

    /// Rows to ask for where so many pairs are asked for: several may share a
    /// stamp, and without a bound a million could.
    fn newest_rows(&self, pairs: usize) -> u32 {
        let several = u32::try_from(pairs.saturating_mul(4)).unwrap_or(u32::MAX);
        several.min(self.sync.most.unwrap_or(several))
    }

    /// How many rows a stage has asked for at once.
    pub(super) fn rows_asked_for(&self, stage: &Stage) -> u32 {
        match stage {
            Stage::Newest { asked, .. } => self.newest_rows(asked.len()),
            _ => self.page(),
        }
    }

    /// Who of these two is not me; I am, if both are.
    pub(super) fn other(&self, sender: PersonId, receiver: PersonId) -> PersonId {
        if sender == self.me { receiver } else { sender }
    }

    pub(super) fn ask_alone(
        &mut self,
        s: &mut Step<'_>,
        mut alone: Vec<PersonId>,
        cursor: Instant,
    ) -> Result<(), StoreError> {
        let Some(peer) = alone.pop() else {
            let doubtful = std::mem::take(&mut self.sync.doubtful);
            return self.verify_next(s, doubtful, Then::CatchUp(cursor));
        };
        let call = Call::Messages(MessagesQuery {
            stamps: self.stamps,
            peer: Some(peer),
            by: By::Created,
            ascending: false,
            from: None,
            until: None,
            except: Vec::new(),
            offset: 0,
            limit: self.history_page(),
        });
        let stage = Stage::Alone {
            peer,
            alone,
            cursor,
        };
        self.ask(s, stage, call);
        Ok(())
    }

    /// All that there is is in the list.
    pub(super) fn listed(&mut self, s: &mut Step<'_>, cursor: Instant) -> Result<(), StoreError> {
        facts::set(s.tx, facts::LISTED, "1")?;
        facts::set_instant(s.tx, facts::COMPARED_WHOLE, s.now.wall)?;
        facts::set_instant(s.tx, facts::CURSOR_CREATED, cursor)?;
        facts::set_instant(s.tx, facts::CURSOR_UPDATED, cursor)?;
        self.walk_from(s, By::Created, cursor);
        Ok(())
    }

    /// A cursor must not run ahead of the server's clock, or it would pass by
    /// what comes. The tutorial's stamps are whatever a sender wrote, in a zone
    /// that may not be known yet.
    pub(super) fn believed(&self, s: &Step<'_>, stamp: Instant) -> Result<Instant, StoreError> {
        let ahead = match self.stamps {
            Stamps::Server => return Ok(stamp),
            Stamps::Sender => match facts::known_offset(s.tx)? {
                Some(offset) => offset,
                None => FARTHEST_ZONE,
            },
        };
        Ok(stamp.min(s.now.wall.plus(self.skew).plus(ahead)))
    }

    pub(super) fn newest_came(
        &mut self,
        s: &mut Step<'_>,
        asked: &[(PersonId, PersonId, Instant)],
        mut rest: Vec<(PersonId, PersonId, Instant)>,
        mut alone: Vec<PersonId>,
        cursor: Instant,
        rows: Rows,
    ) -> Result<(), StoreError> {
        let kept = self.ingest(s, rows, From::History)?;
        let mut missing = Vec::new();
        for (sender, receiver, stamp) in asked {
            let peer = self.other(*sender, *receiver);
            let conversation = ConversationId::Direct(peer);
            if kept.iter().any(|(_, of)| *of == conversation) {
                self.hold_newest(s, peer, &kept)?;
            } else {
                missing.push((*sender, *receiver, *stamp));
            }
        }
        // The server caps its answers: what it left out is asked for again, as
        // long as that brings something.
        if missing.len() < asked.len() {
            rest.extend(missing);
        } else {
            alone.extend(missing.into_iter().map(|pair| self.other(pair.0, pair.1)));
        }
        self.ask_newest(s, rest, alone, cursor)
    }

    /// From the newest of these rows on, a conversation is held without a gap.
    /// With none of them only its end is: what is there was not readable.
    pub(super) fn hold_newest(
        &mut self,
        s: &mut Step<'_>,
        peer: PersonId,
        kept: &[(Message, ConversationId)],
    ) -> Result<(), StoreError> {
        let conversation = ConversationId::Direct(peer);
        let newest = kept
            .iter()
            .filter(|(_, of)| *of == conversation)
            .map(|(message, _)| (message.stamp.0, message.id.to_string()))
            .max();
        let Some(spot) = newest else {
            return held::hold(s.tx, conversation, &held::open_end(), &held::open_end());
        };
        held::hold(s.tx, conversation, &spot, &held::open_end())?;
        // What is here beyond it came over the socket: just now, or before it
        // was deleted.
        let beyond = messages::ids_within(s.tx, conversation, &spot, &held::open_end())?;
        self.sync.doubtful.extend(beyond);
        // All history counts as read at the first sign-in. The row of the
        // conversation must be there for the mark. Where a first list that was
        // broken off has left one, what came since is news.
        conversations::ensure(s.tx, conversation)?;
        if conversations::get(s.tx, conversation)?.is_none_or(|kept| kept.read.is_none()) {
            conversations::mark_read(s.tx, conversation, &spot, self.me)?;
        }
        s.touch_conversation(conversation);
        // Rows that came over the socket meanwhile are on the page now.
        if self.watching.contains(&conversation) {
            self.show_history(s, conversation, None)?;
        }
        Ok(())
    }
}
