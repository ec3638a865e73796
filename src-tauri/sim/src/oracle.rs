//! The judges. They look at the log of what people did, at the server's rows,
//! at what a client shows, and at every cell of its database; never at what
//! an engine says about itself.
//!
//! Owns: the verdicts. Never: a change to the world.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, types::ValueRef};
use whinchat_core::{
    bridge::{Anchor, MessageRow, MessageState, Older},
    model::{ConversationId, PersonId},
    store::StoreError,
    view,
};

use crate::{
    client::Client,
    log::{Log, numbers},
    server::Server,
};

/// What was found wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A promised message is nowhere.
    Lost,
    /// A message is somewhere twice, or came back after it was discarded.
    Doubled,
    /// Somebody else's message is stored.
    Foreign,
    /// A client, a screen or the order differs from the server.
    Diverged,
    /// The simulator met what it does not know, or the engine gave up.
    Broken,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Of which kind.
    pub kind: Kind,
    /// When.
    pub at: i64,
    /// In words.
    pub words: String,
}

/// What a client shows of a conversation, back to the oldest held without a gap.
pub struct Held {
    /// Oldest first.
    pub rows: Vec<MessageRow>,
    /// What is before them.
    pub older: Older,
}

/// Pages back through a conversation.
///
/// # Errors
/// The store's.
pub fn held(store: &Connection, conversation: ConversationId) -> Result<Held, StoreError> {
    let mut rows: Vec<MessageRow> = Vec::new();
    let mut anchor = Anchor::Newest;
    for _ in 0..1000 {
        let Some(page) = view::page(store, conversation, &anchor, 7)? else {
            break;
        };
        let first = page.messages.first().map(|row| row.sort.clone());
        let older = page.older;
        rows.splice(0..0, page.messages);
        match (older, first) {
            (Older::Held, Some(sort)) => anchor = Anchor::Before(sort),
            _ => return Ok(Held { rows, older }),
        }
    }
    Ok(Held {
        rows,
        older: Older::Server,
    })
}

fn sent(row: &MessageRow) -> bool {
    row.state == MessageState::Sent
}

/// What must hold at any time.
///
/// # Errors
/// The store's.
pub fn always(
    server: &Server,
    log: &Log,
    client: &Client,
    index: usize,
) -> Result<Vec<(Kind, String)>, StoreError> {
    let mut found = Vec::new();
    let store = &client.store;
    let unsent: BTreeSet<String> = view::unsent(store)?.into_iter().map(|row| row.id).collect();
    for written in &log.written {
        let id = written.id.to_string();
        let there = server.rows.all.contains_key(&id) || server.deleted.contains(&id);
        if written.client == Some(index)
            && written.promised
            && !written.discarded
            && !written.doubtful
            && !there
            && !unsent.contains(&id)
        {
            found.push((
                Kind::Lost,
                format!(
                    "#{}# was promised by {} and is nowhere",
                    written.number, client.name
                ),
            ));
        }
        if written.discarded && (there || (written.client == Some(index) && unsent.contains(&id))) {
            found.push((
                Kind::Doubled,
                format!("#{}# was discarded and is there again", written.number),
            ));
        }
    }
    for number in cells(store)? {
        if let Some(written) = log.written.get(number)
            && written.sender != client.me
            && written.receiver != client.me
        {
            found.push((
                Kind::Foreign,
                format!("{} keeps #{number}#, which is not theirs", client.name),
            ));
        }
    }
    for conversation in conversations(store)? {
        let held = held(store, conversation)?;
        let mut seen = BTreeMap::new();
        for row in &held.rows {
            for number in numbers(&row.text) {
                if seen.insert(number, &row.id).is_some() {
                    found.push((
                        Kind::Doubled,
                        format!("{} shows #{number}# twice", client.name),
                    ));
                }
            }
        }
        let theirs: Vec<&str> = server
            .conversation(client.me, conversation.peer())
            .into_iter()
            .map(|row| row.id.as_str())
            .collect();
        let mut at = 0;
        for row in held.rows.iter().filter(|row| sent(row)) {
            let Some(place) = theirs.iter().position(|id| *id == row.id) else {
                continue;
            };
            if place < at {
                found.push((
                    Kind::Diverged,
                    format!(
                        "{} shows {} out of the server's order",
                        client.name, row.text
                    ),
                ));
                break;
            }
            at = place;
        }
    }
    Ok(found)
}

/// The conversations in a client's list.
///
/// # Errors
/// The store's.
pub fn conversations(store: &Connection) -> Result<Vec<ConversationId>, StoreError> {
    let page = view::conversations(store, "", None, 200)?;
    Ok(page
        .conversations
        .iter()
        .filter_map(|row| row.id.parse().ok())
        .collect())
}

/// What must hold once everything is healed and quiet.
///
/// # Errors
/// The store's.
pub fn quiet(
    server: &Server,
    log: &Log,
    client: &Client,
    people: &[PersonId],
    whole: bool,
) -> Result<Vec<(Kind, String)>, StoreError> {
    let mut found = Vec::new();
    let store = &client.store;
    let name = &client.name;
    for row in view::unsent(store)? {
        if row.state != MessageState::Failed || row.problem.is_none() {
            found.push((
                Kind::Lost,
                format!("{name} still has {} in state {:?}", row.text, row.state),
            ));
        }
    }
    let listed = conversations(store)?;
    for peer in people {
        let conversation = ConversationId::Direct(*peer);
        let theirs: Vec<_> = server
            .conversation(client.me, *peer)
            .into_iter()
            .filter(|row| row.content.is_some() && row.timestamp.is_some())
            .collect();
        if theirs.is_empty() {
            continue;
        }
        if !listed.contains(&conversation) {
            found.push((
                Kind::Diverged,
                format!("{name} has no conversation with {}", title(server, *peer)),
            ));
            continue;
        }
        let held = held(store, conversation)?;
        let ours: Vec<&MessageRow> = held
            .rows
            .iter()
            // Whoever was away is told of a hard delete by nobody; only the
            // comparison finds it, and not on every server.
            .filter(|row| sent(row) && !server.deleted.contains(&row.id))
            .collect();
        let from = match (held.older, ours.first()) {
            (Older::Beginning, _) => 0,
            (_, Some(first)) => theirs
                .iter()
                .position(|row| row.id == first.id)
                .unwrap_or(0),
            // Nothing of it held: not even its newest.
            (_, None) => 0,
        };
        if whole && held.older != Older::Beginning {
            found.push((
                Kind::Diverged,
                format!(
                    "{name} never reached the beginning with {}",
                    title(server, *peer)
                ),
            ));
        }
        let expected: Vec<_> = theirs.get(from..).unwrap_or(&[]).to_vec();
        let same = ours.len() == expected.len()
            && ours.iter().zip(&expected).all(|(ours, theirs)| {
                ours.id == theirs.id
                    && Some(&ours.text) == theirs.content.as_ref()
                    && ours.sender == theirs.sender.to_string()
            });
        if !same {
            let numbers_of = |texts: Vec<&str>| -> String {
                texts
                    .into_iter()
                    .flat_map(numbers)
                    .map(|number| number.to_string())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            found.push((
                Kind::Diverged,
                format!(
                    "{name} with {}: shows {} [{}], server has {} [{}] from there ({:?} before)",
                    title(server, *peer),
                    ours.len(),
                    numbers_of(ours.iter().map(|row| row.text.as_str()).collect()),
                    expected.len(),
                    numbers_of(
                        expected
                            .iter()
                            .filter_map(|row| row.content.as_deref())
                            .collect()
                    ),
                    held.older,
                ),
            ));
        }
    }
    let _ = log;
    Ok(found)
}

fn title(server: &Server, person: PersonId) -> String {
    server
        .people
        .get(&person)
        .map_or_else(|| person.to_string(), |account| account.first.clone())
}

/// The numbers of messages that stand anywhere in a database, whatever its schema.
///
/// # Errors
/// The store's.
pub fn cells(store: &Connection) -> Result<BTreeSet<usize>, StoreError> {
    let mut tables = store.prepare_cached(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let names: Vec<String> = tables
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut found = BTreeSet::new();
    for name in names {
        let mut all = store.prepare_cached(&format!("SELECT * FROM \"{name}\""))?;
        let columns = all.column_count();
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                if let ValueRef::Text(text) = row.get_ref(column)?
                    && text.contains(&b'#')
                {
                    found.extend(numbers(&String::from_utf8_lossy(text)));
                }
            }
        }
    }
    Ok(found)
}
