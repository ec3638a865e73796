//! A screen, as an interface keeps it: fed by snapshots and patches alone.
//!
//! It subscribes first, then reads the snapshot, and drops patches that are
//! not above its revision. A missing number or a change of history makes it
//! ask for the snapshot again.
//!
//! Owns: the replica, and the comparison with what the store would show now.
//! Never: a look into the store between two snapshots.

use std::collections::BTreeMap;

use rusqlite::Connection;
use whinchat_core::{
    bridge::{Anchor, Change, ConversationRow, MessageRow, Older},
    model::ConversationId,
    store::StoreError,
    view,
};

use crate::oracle::Stored;

/// Rows of a snapshot.
const LIMIT: u32 = 20;

/// What the stream sends.
#[derive(Debug, Clone)]
pub struct Batch {
    /// 1, 2, 3 … on this stream.
    pub n: i64,
    /// Revision after these changes.
    pub revision: i64,
    /// The changes.
    pub changes: Vec<Change>,
}

/// One screen: the list, and one conversation.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The conversation that is open.
    pub watching: Option<ConversationId>,
    /// Number of the newest batch that was seen.
    pub seen: i64,
    revision: i64,
    /// Messages below this sort key are not on the screen.
    floor: Option<String>,
    messages: BTreeMap<String, MessageRow>,
    list: BTreeMap<String, ConversationRow>,
    unread: i64,
}

impl Page {
    /// Reads the snapshot, in one read transaction.
    ///
    /// # Errors
    /// The store's.
    pub fn open(&mut self, store: &Connection) -> Result<(), StoreError> {
        let list = view::conversations(store, "", None, 200)?;
        self.revision = list.revision;
        self.list = list
            .conversations
            .into_iter()
            .map(|row| (row.id.clone(), row))
            .collect();
        self.unread = view::unread(store)?;
        self.messages.clear();
        self.floor = None;
        if let Some(conversation) = self.watching
            && let Some(page) = view::page(store, conversation, &Anchor::Newest, LIMIT)?
        {
            // A whole conversation has no floor: whatever comes is on it.
            self.floor = match page.older {
                Older::Beginning => None,
                _ => Some(
                    page.messages
                        .first()
                        .map_or_else(|| "1".to_owned(), |row| row.sort.clone()),
                ),
            };
            self.messages = page
                .messages
                .into_iter()
                .map(|row| (row.id.clone(), row))
                .collect();
        }
        Ok(())
    }

    /// Takes a batch; `true` when the snapshot has to be read again.
    pub fn take(&mut self, batch: &Batch) -> bool {
        if batch.n <= self.seen {
            return false;
        }
        let gap = batch.n != self.seen + 1;
        self.seen = batch.n;
        if gap {
            return true;
        }
        if batch.revision <= self.revision {
            return false;
        }
        self.revision = batch.revision;
        let watched = self.watching.map(|conversation| conversation.to_string());
        let mut again = false;
        for change in &batch.changes {
            match change {
                Change::Message(row) => {
                    if Some(&row.conversation) == watched.as_ref() {
                        self.messages.insert(row.id.clone(), row.clone());
                    }
                }
                Change::MessageGone { conversation, id } => {
                    if Some(conversation) == watched.as_ref() {
                        self.messages.remove(id);
                    }
                }
                Change::Conversation(row) => {
                    self.list.insert(row.id.clone(), row.clone());
                }
                Change::History { conversation, .. } => {
                    again |= Some(conversation) == watched.as_ref();
                }
                Change::Unread(unread) => self.unread = *unread,
                Change::Person(person) => {
                    for row in self.list.values_mut() {
                        if row.person == person.id {
                            row.title.clone_from(&person.name);
                        }
                    }
                }
                Change::Connection(_) | Change::Safety(_) => {}
            }
        }
        again
    }

    /// Where the screen contradicts the store, in words; `None` if nowhere.
    ///
    /// # Errors
    /// The store's.
    pub fn contradiction(
        &self,
        store: &Connection,
        stored: &Stored,
    ) -> Result<Option<String>, StoreError> {
        if stored.unread != self.unread {
            return Ok(Some(format!("unread {} on the screen", self.unread)));
        }
        for row in &stored.list {
            match self.list.get(&row.id) {
                Some(shown) if shown == row => {}
                shown => {
                    return Ok(Some(format!("list shows {shown:?}, store has {row:?}")));
                }
            }
        }
        for shown in self.list.values() {
            let empty = shown.last.is_none() && shown.draft.is_none();
            if !empty && !stored.list.iter().any(|row| row.id == shown.id) {
                return Ok(Some(format!("list shows {}, store has none", shown.id)));
            }
        }
        let Some(conversation) = self.watching else {
            return Ok(None);
        };
        let Some(page) = view::page(store, conversation, &Anchor::Newest, 200)? else {
            return Ok(None);
        };
        let floor = self.floor.clone().unwrap_or_default();
        let mut shown: Vec<&MessageRow> = self
            .messages
            .values()
            .filter(|row| row.sort >= floor)
            .collect();
        shown.sort_by(|a, b| a.sort.cmp(&b.sort));
        let held: Vec<&MessageRow> = page
            .messages
            .iter()
            .filter(|row| row.sort >= floor)
            .collect();
        if shown == held {
            return Ok(None);
        }
        let differing = shown
            .iter()
            .zip(&held)
            .position(|(a, b)| a != b)
            .unwrap_or_else(|| shown.len().min(held.len()));
        Ok(Some(format!(
            "page of {conversation} shows {} rows, store has {}; at {differing}: {:?} and {:?}",
            shown.len(),
            held.len(),
            shown.get(differing),
            held.get(differing),
        )))
    }
}
