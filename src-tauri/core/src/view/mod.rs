//! What a screen shows, read from the store: rows, pages and lists.
//!
//! Owns: how kept rows become the bridge's rows, and the sort keys. Never:
//! a write. Each public function is one short read; call it inside a read
//! transaction when its revision matters.
//!
//! A message's sort key is `<0 confirmed | 1 pending><stamp, 16 hex digits,
//! offset so that text order is number order><id>`; a conversation's is the
//! same of its last activity, without the first digit.

use rusqlite::Connection;

use crate::{
    bridge::{
        Anchor, ConversationPage, ConversationRow, LastMessage, MessageRow, MessageState, Older,
        Page, PeoplePage, PersonRow,
    },
    model::{ConversationId, MessageId, PersonId},
    store::{
        StoreError, conversations,
        facts::{self, LISTED},
        held, messages,
        outbox::{self, JobState},
        people,
    },
};

const MOST: u32 = 200;
const LAST_TEXT: usize = 200;

/// What every row needs to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Eyes {
    /// Whose screen it is.
    pub me: PersonId,
    /// By how much stamps lie ahead of UTC.
    pub offset: i64,
}

impl Eyes {
    /// As the store has them.
    ///
    /// # Errors
    /// SQLite's.
    pub fn open(connection: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            me: facts::me(connection)?,
            offset: facts::offset(connection)?,
        })
    }
}

fn hex(number: i64) -> String {
    format!("{:016x}", number.cast_unsigned() ^ (1 << 63))
}

fn unhex(text: &str) -> Option<i64> {
    let number = u64::from_str_radix(text, 16).ok()?;
    Some((number ^ (1 << 63)).cast_signed())
}

fn message_sort(kept: &messages::Kept) -> String {
    let rank = u8::from(kept.pending);
    format!("{rank}{}{}", hex(kept.message.stamp.0), kept.message.id)
}

/// Reads a message's sort key: pending, stamp, id. `None` if it is none.
#[must_use]
pub fn read_sort(sort: &str) -> Option<(bool, i64, &str)> {
    let pending = match sort.get(..1)? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    Some((pending, unhex(sort.get(1..17)?)?, sort.get(17..)?))
}

fn message_row(
    connection: &Connection,
    eyes: Eyes,
    kept: messages::Kept,
) -> Result<MessageRow, StoreError> {
    let sort = message_sort(&kept);
    let messages::Kept {
        message,
        pending,
        typed,
    } = kept;
    let (state, problem) = if pending {
        match outbox::get(connection, message.id)? {
            Some(job) => match job.state {
                JobState::Queued => (MessageState::Queued, None),
                JobState::Sending | JobState::Unknown => (MessageState::Sending, None),
                JobState::Refused => (MessageState::Failed, job.problem),
            },
            None => return Err(StoreError::Corrupt("outbox")),
        }
    } else {
        (MessageState::Sent, None)
    };
    let at = typed.unwrap_or(message.stamp.plus(-eyes.offset)).0;
    Ok(MessageRow {
        conversation: message
            .conversation(eyes.me)
            .ok_or(StoreError::Corrupt("message.conversation"))?
            .to_string(),
        sender: message.sender.to_string(),
        is_me: message.is_me(eyes.me),
        id: message.id.to_string(),
        text: message.content,
        at,
        sort,
        state,
        problem,
    })
}

/// One message as a screen shows it.
///
/// # Errors
/// SQLite's.
pub fn message(
    connection: &Connection,
    eyes: Eyes,
    id: MessageId,
) -> Result<Option<MessageRow>, StoreError> {
    messages::get(connection, id)?
        .map(|kept| message_row(connection, eyes, kept))
        .transpose()
}

/// Whether a message lies in the range that a conversation's pages show:
/// what is held without a gap up to now, and what waits to be sent.
///
/// # Errors
/// SQLite's.
pub fn on_page(connection: &Connection, row: &MessageRow) -> Result<bool, StoreError> {
    let (Some((pending, stamp, id)), Ok(conversation)) =
        (read_sort(&row.sort), row.conversation.parse())
    else {
        return Ok(false);
    };
    Ok(pending
        || held::newest_from(connection, conversation)?
            .is_some_and(|from| (from.0, from.1.as_str()) <= (stamp, id)))
}

fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > LAST_TEXT {
            break;
        }
    }
    line.chars().take(LAST_TEXT).collect()
}

fn conversation_row(
    connection: &Connection,
    eyes: Eyes,
    kept: conversations::Kept,
) -> Result<ConversationRow, StoreError> {
    let last = match kept.last_message {
        Some(id) => message(connection, eyes, id)?.map(|row| LastMessage {
            text: one_line(&row.text),
            at: row.at,
            is_me: row.is_me,
            state: row.state,
        }),
        None => None,
    };
    Ok(ConversationRow {
        id: kept.id.to_string(),
        person: kept.id.peer().to_string(),
        title: people::name(connection, kept.id.peer())?.unwrap_or_default(),
        last,
        unread: kept.unread,
        draft: kept.draft,
        sort: format!("{}{}", hex(kept.activity), kept.id),
    })
}

/// One conversation as the list shows it; one that has nothing yet is empty.
///
/// # Errors
/// SQLite's.
pub fn conversation(
    connection: &Connection,
    eyes: Eyes,
    id: ConversationId,
) -> Result<ConversationRow, StoreError> {
    let kept = conversations::get(connection, id)?.unwrap_or(conversations::Kept {
        id,
        last_message: None,
        activity: 0,
        unread: 0,
        read: None,
        draft: None,
    });
    conversation_row(connection, eyes, kept)
}

/// A part of the conversation list. `limit` is clamped to 1..=200; an `after`
/// that is no sort key starts at the top.
///
/// # Errors
/// SQLite's.
pub fn conversations(
    connection: &Connection,
    query: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<ConversationPage, StoreError> {
    let eyes = Eyes::open(connection)?;
    let limit = limit.clamp(1, MOST);
    let after = after.and_then(|sort| Some((unhex(sort.get(..16)?)?, sort.get(16..)?)));
    let mut kept = conversations::list(connection, query, after, limit + 1)?;
    let more = kept.len() > limit as usize;
    kept.truncate(limit as usize);
    Ok(ConversationPage {
        revision: facts::revision(connection)?,
        conversations: kept
            .into_iter()
            .map(|kept| conversation_row(connection, eyes, kept))
            .collect::<Result<_, _>>()?,
        more,
    })
}

/// People to pick from, by name. `limit` is clamped to 1..=200.
///
/// # Errors
/// SQLite's.
pub fn people(
    connection: &Connection,
    query: &str,
    offset: u32,
    limit: u32,
) -> Result<PeoplePage, StoreError> {
    let me = facts::me(connection)?;
    let limit = limit.clamp(1, MOST);
    let mut found = people::find(connection, query, offset, limit + 1)?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    Ok(PeoplePage {
        people: found
            .into_iter()
            .map(|person| PersonRow {
                is_me: person.id == me,
                id: person.id.to_string(),
                name: person.name,
            })
            .collect(),
        more,
    })
}

/// What lies before the oldest message that is held without a gap.
///
/// # Errors
/// SQLite's.
pub fn older(connection: &Connection, id: ConversationId) -> Result<Older, StoreError> {
    Ok(match held::newest_from(connection, id)? {
        Some(from) if from == held::beginning() => Older::Beginning,
        Some(_) => Older::Server,
        // The list of conversations was complete, and this was not in it.
        None if facts::get(connection, LISTED)?.is_some()
            && conversations::get(connection, id)?.is_none() =>
        {
            Older::Beginning
        }
        None => Older::Server,
    })
}

/// A page of a conversation; `None` where neither conversation nor person is
/// known, or the anchor is no sort key. `limit` is clamped to 1..=200.
///
/// # Errors
/// SQLite's.
pub fn page(
    connection: &Connection,
    id: ConversationId,
    anchor: &Anchor,
    limit: u32,
) -> Result<Option<Page>, StoreError> {
    let eyes = Eyes::open(connection)?;
    let limit = limit.clamp(1, MOST);
    let known = conversations::get(connection, id)?;
    if known.is_none() && people::name(connection, id.peer())?.is_none() {
        return Ok(None);
    }
    let from = held::newest_from(connection, id)?;
    let beyond = limit as usize;
    let (rows, more_older, newer) = match anchor {
        Anchor::Newest | Anchor::Before(_) => {
            let place = match anchor {
                Anchor::Before(sort) => match read_sort(sort) {
                    Some(place) => Some(place),
                    None => return Ok(None),
                },
                _ => None,
            };
            let mut rows = messages::before(
                connection,
                id,
                from.as_ref(),
                place,
                limit.saturating_add(1),
            )?;
            let more = rows.len() > beyond;
            rows.truncate(beyond);
            rows.reverse();
            (rows, more, place.is_some())
        }
        Anchor::After(sort) => {
            let Some(place) = read_sort(sort) else {
                return Ok(None);
            };
            let mut rows = messages::after(connection, id, place, limit.saturating_add(1))?;
            let newer = rows.len() > beyond;
            rows.truncate(beyond);
            (rows, true, newer)
        }
    };
    let older = if more_older {
        Older::Held
    } else {
        older(connection, id)?
    };
    Ok(Some(Page {
        revision: facts::revision(connection)?,
        messages: rows
            .into_iter()
            .map(|kept| message_row(connection, eyes, kept))
            .collect::<Result<_, _>>()?,
        older,
        newer,
        read_until: known
            .and_then(|kept| kept.read)
            .map(|(stamp, id)| format!("0{}{id}", hex(stamp))),
        conversation: conversation(connection, eyes, id)?,
    }))
}

/// Messages that were not sent yet, in the order in which they will be.
///
/// # Errors
/// SQLite's.
pub fn unsent(connection: &Connection) -> Result<Vec<MessageRow>, StoreError> {
    let eyes = Eyes::open(connection)?;
    let mut rows = Vec::new();
    for job in outbox::all(connection)? {
        rows.extend(message(connection, eyes, job.message)?);
    }
    Ok(rows)
}

/// Unread messages over all conversations.
///
/// # Errors
/// SQLite's.
pub fn unread(connection: &Connection) -> Result<i64, StoreError> {
    conversations::unread(connection)
}
