//! What a screen shows, read from the store: rows, pages and lists.
//!
//! Owns: how kept rows become the bridge's rows, and the sort keys. Never:
//! a write. Each public function is one short read; call it inside a read
//! transaction when its revision matters.
//!
//! A message's sort key is `<0 confirmed | 1 pending><stamp, 16 hex digits,
//! offset so that text order is number order><id>`; a conversation's is the
//! same of its last activity, without the first digit.

pub mod safety;
#[cfg(test)]
mod tests;

use rusqlite::Connection;

use crate::{
    bridge::{
        Anchor, ConversationPage, ConversationReach, ConversationRow, Excerpt, Found, LastMessage,
        Mark, MessageRow, MessageState, Newer, Older, Page, PeoplePage, PersonRow, Reach,
        SearchPage,
    },
    model::{ConversationId, Instant, MessageId, PersonId},
    store::{
        StoreError, conversations,
        facts::{self, LISTED},
        held, messages,
        outbox::{self, JobState},
        people, safety as blocks,
        search::{self, Search},
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
    write_sort(kept.pending, kept.message.stamp.0, kept.message.id)
}

/// A message's sort key.
#[must_use]
pub fn write_sort(pending: bool, stamp: i64, id: impl std::fmt::Display) -> String {
    let rank = u8::from(pending);
    format!("{rank}{}{id}", hex(stamp))
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

/// A kept message as a screen shows it; of one that waits to be sent, its job
/// is looked up.
///
/// # Errors
/// SQLite's.
pub fn message_row(
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

/// Whether a message lies in one of its conversation's ranges, which pages show:
/// what is held without a gap, and what waits to be sent.
#[must_use]
pub fn on_page(row: &MessageRow, ranges: &[(held::Spot, held::Spot)]) -> bool {
    let Some((pending, stamp, id)) = read_sort(&row.sort) else {
        return false;
    };
    let spot = (stamp, id.to_owned());
    let within = |(from, until): &(held::Spot, held::Spot)| *from <= spot && spot <= *until;
    pending || ranges.iter().any(within)
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
        blocked: kept.blocked,
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
    let kept = match conversations::get(connection, id)? {
        Some(kept) => kept,
        None => conversations::Kept {
            id,
            last_message: None,
            activity: 0,
            unread: 0,
            read: None,
            draft: None,
            blocked: blocks::is_blocked(connection, id.peer())?,
        },
    };
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

/// What a search finds, newest first, after a message's sort key if one is
/// given; one that is none starts at the top. `limit` is clamped to 1..=200.
/// The instants of `search` are those that a person means, in UTC.
///
/// # Errors
/// SQLite's.
pub fn search(
    connection: &Connection,
    search: &Search,
    after: Option<&str>,
    limit: u32,
) -> Result<SearchPage, StoreError> {
    let eyes = Eyes::open(connection)?;
    let limit = limit.clamp(1, MOST) as usize;
    let stamped = |at: Option<Instant>| at.map(|at| at.plus(eyes.offset));
    let of_stamps = Search {
        from: stamped(search.from),
        until: stamped(search.until),
        ..search.clone()
    };
    let before = after.and_then(read_sort);
    let mut kept = search::find(connection, &of_stamps, before, limit + 1)?;
    let more = kept.len() > limit;
    kept.truncate(limit);
    let mut found = Vec::with_capacity(kept.len());
    let mut reaches: Vec<ConversationReach> = Vec::new();
    for kept in kept {
        let message = message_row(connection, eyes, kept)?;
        let id: ConversationId = message
            .conversation
            .parse()
            .map_err(|_| StoreError::Corrupt("message.conversation"))?;
        if !reaches
            .iter()
            .any(|of| of.conversation == message.conversation)
        {
            reaches.push(ConversationReach {
                conversation: message.conversation.clone(),
                reach: reach(held::newest_from(connection, id)?, eyes),
            });
        }
        let (text, marks) = search.query.excerpt(&message.text);
        let marks = marks.into_iter().map(|(from, until)| Mark { from, until });
        found.push(Found {
            title: people::name(connection, id.peer())?.unwrap_or_default(),
            message,
            excerpt: Excerpt {
                text,
                marks: marks.collect(),
            },
        });
    }
    let reach = match search.conversation {
        Some(id) if older(connection, id)? == Older::Beginning => Reach::Beginning,
        Some(id) => reach(held::newest_from(connection, id)?, eyes),
        None if facts::get(connection, LISTED)?.is_none() => Reach::Nothing,
        None => reach(held::least(connection)?, eyes),
    };
    Ok(SearchPage {
        revision: facts::revision(connection)?,
        found,
        more,
        reach,
        reaches,
    })
}

fn reach(from: Option<held::Spot>, eyes: Eyes) -> Reach {
    match from {
        None => Reach::Nothing,
        Some(from) if from == held::beginning() => Reach::Beginning,
        Some((stamp, _)) => Reach::Instant(stamp.saturating_sub(eyes.offset)),
    }
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

/// Rows of a page, oldest first, and what lies around them.
struct Slice {
    rows: Vec<messages::Kept>,
    older: Older,
    newer: Newer,
}

/// A page of a conversation; `None` where neither conversation nor person is
/// known, or the anchor is no sort key or no message. `limit` is clamped to
/// 1..=200. A page lies within one range that is held without a gap.
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
    let Some(slice) = slice(connection, eyes, id, anchor, limit)? else {
        return Ok(None);
    };
    Ok(Some(Page {
        revision: facts::revision(connection)?,
        messages: slice
            .rows
            .into_iter()
            .map(|kept| message_row(connection, eyes, kept))
            .collect::<Result<_, _>>()?,
        older: slice.older,
        newer: slice.newer,
        read_until: known
            .and_then(|kept| kept.read)
            .map(|(stamp, id)| format!("0{}{id}", hex(stamp))),
        conversation: conversation(connection, eyes, id)?,
    }))
}

/// The range that reaches to now; what waits to be sent is in it even where
/// nothing else is.
fn newest_range(
    connection: &Connection,
    id: ConversationId,
) -> Result<(Option<held::Spot>, held::Spot), StoreError> {
    Ok((held::newest_from(connection, id)?, held::open_end()))
}

fn slice(
    connection: &Connection,
    eyes: Eyes,
    id: ConversationId,
    anchor: &Anchor,
    limit: u32,
) -> Result<Option<Slice>, StoreError> {
    // A place in the range that the page lies in.
    let mut inside: held::Spot = held::open_end();
    // Where to look from, and how many before and after it.
    let (place, before, after) = match anchor {
        Anchor::Newest => (None, limit, 0),
        Anchor::Before(sort) | Anchor::After(sort) => {
            let Some((pending, stamp, message)) = read_sort(sort) else {
                return Ok(None);
            };
            inside = (stamp, message.to_owned());
            let place = Some((pending, stamp, message.to_owned()));
            match anchor {
                Anchor::Before(_) => (place, limit, 0),
                _ => (place, 0, limit),
            }
        }
        Anchor::Around(message) => {
            let kept = match message.parse() {
                Ok(message) => messages::get(connection, message)?,
                Err(_) => None,
            };
            let Some(kept) = kept.filter(|kept| kept.message.conversation(eyes.me) == Some(id))
            else {
                return Ok(None);
            };
            let message = kept.message.id.to_string();
            // The message itself is the first after the place before it.
            let just_before = message
                .strip_suffix(|_: char| true)
                .unwrap_or_default()
                .to_owned();
            inside = (kept.message.stamp.0, message);
            if !kept.pending && held::around(connection, id, &inside)?.is_none() {
                return Ok(Some(Slice {
                    rows: vec![kept],
                    older: Older::Server,
                    newer: Newer::Server,
                }));
            }
            let place = (kept.pending, kept.message.stamp.0, just_before);
            (Some(place), limit, limit)
        }
        Anchor::At(at) => {
            let stamp = Instant(*at).plus(eyes.offset).0;
            inside = (stamp, String::new());
            let place = (false, stamp, String::new());
            (Some(place), limit, limit)
        }
    };
    let (from, until) = match &place {
        None | Some((true, ..)) => newest_range(connection, id)?,
        Some((false, ..)) => match held::around(connection, id, &inside)? {
            Some((from, until)) => (Some(from), until),
            None if older(connection, id)? == Older::Beginning => newest_range(connection, id)?,
            None => {
                return Ok(Some(Slice {
                    rows: Vec::new(),
                    older: Older::Server,
                    newer: Newer::Server,
                }));
            }
        },
    };
    let at = place
        .as_ref()
        .map(|(pending, stamp, message)| (*pending, *stamp, message.as_str()));
    let mut later = match at {
        Some(at) if after > 0 => messages::after(connection, id, at, &until, after + 1)?,
        _ => Vec::new(),
    };
    let mut rows = if before > 0 {
        messages::before(connection, id, from.as_ref(), at, before + 1)?
    } else {
        Vec::new()
    };
    // Around a place half of each, and more of one where the other has less.
    let limit = limit as usize;
    let half = limit.saturating_sub(later.len()).max(limit / 2);
    let most = if after > 0 { half } else { limit };
    let more_older = rows.len() > most || matches!(anchor, Anchor::After(_));
    rows.truncate(most);
    let room = limit - rows.len();
    let more_newer = later.len() > room;
    later.truncate(room);
    rows.reverse();
    rows.extend(later);
    let older = match &from {
        _ if more_older => Older::Held,
        Some(from) if *from == held::beginning() => Older::Beginning,
        Some(_) if until != held::open_end() => Older::Server,
        _ => older(connection, id)?,
    };
    let newer = if more_newer || matches!(anchor, Anchor::Before(_)) {
        Newer::Held
    } else if until == held::open_end() {
        Newer::Newest
    } else {
        Newer::Server
    };
    Ok(Some(Slice { rows, older, newer }))
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
