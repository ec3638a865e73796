//! The judges. They look at the log of what people did, at the server's rows,
//! at what a client shows, and at every cell of its database; never at what
//! an engine says about itself.
//!
//! Owns: the verdicts. Never: a change to the world.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use rusqlite::{Connection, types::ValueRef};
use whinchat_core::{
    bridge::{Anchor, ConversationRow, MessageRow, MessageState, Older},
    model::{ConversationId, PersonId, Stamps},
    store::{
        StoreError,
        search::{self, Search},
        words::Query,
    },
    view,
};

use crate::{
    client::{Client, Ordered},
    log::{Log, numbers},
    server::{Row, Server},
    shape::Shape,
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

/// What the judges look at in a client's database. It is read again only when the
/// database has changed, for most devices sleep most of the time.
pub struct Stored {
    /// Rows that the connection had changed in all when this was read.
    changes: u64,
    /// The list of conversations.
    pub list: Vec<ConversationRow>,
    /// What is unread in all.
    pub unread: i64,
    unsent: Vec<MessageRow>,
    numbers: BTreeSet<usize>,
    held: BTreeMap<ConversationId, Held>,
}

impl Stored {
    /// What is there now: `before`, if nothing has changed since.
    ///
    /// # Errors
    /// The store's.
    pub fn now(store: &Connection, before: Option<Self>) -> Result<Self, StoreError> {
        let changes = store.total_changes();
        if let Some(before) = before.filter(|before| before.changes == changes) {
            return Ok(before);
        }
        Ok(Self {
            changes,
            list: view::conversations(store, "", None, 200)?.conversations,
            unread: view::unread(store)?,
            unsent: view::unsent(store)?,
            numbers: cells(store)?,
            held: BTreeMap::new(),
        })
    }

    /// The conversations in the list.
    #[must_use]
    pub fn listed(&self) -> Vec<ConversationId> {
        let ids = self.list.iter().map(|row| row.id.parse());
        ids.filter_map(Result::ok).collect()
    }

    fn held(
        &mut self,
        store: &Connection,
        conversation: ConversationId,
    ) -> Result<&Held, StoreError> {
        Ok(match self.held.entry(conversation) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(held(store, conversation)?),
        })
    }
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
    stored: &mut Stored,
    index: usize,
) -> Result<Vec<(Kind, String)>, StoreError> {
    let mut found = Vec::new();
    let store = &client.store;
    found.extend(drafts(client, stored));
    let unsent: BTreeSet<String> = stored.unsent.iter().map(|row| row.id.clone()).collect();
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
        let again = there || (written.client == Some(index) && unsent.contains(&id));
        if written.discarded && again {
            found.push((
                Kind::Doubled,
                format!("#{}# was discarded and is there again", written.number),
            ));
        }
        if written.declined && again {
            found.push((
                Kind::Doubled,
                format!("#{}# was called not kept and is there", written.number),
            ));
        }
    }
    for number in stored.numbers.iter().copied() {
        if let Some(written) = log.written.get(number)
            && written.sender != client.me
            && written.receiver != client.me
            && !written.given.contains(&client.me)
        {
            found.push((
                Kind::Foreign,
                format!("{} keeps #{number}#, which is not theirs", client.name),
            ));
        }
    }
    for conversation in stored.listed() {
        let held = stored.held(store, conversation)?;
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
        let theirs: BTreeMap<String, usize> = server
            .conversation(client.me, conversation.peer())
            .into_iter()
            .enumerate()
            .map(|(place, row)| (row.id.to_lowercase(), place))
            .collect();
        // One that was deleted and tried again has come again, with another stamp:
        // whoever was away meanwhile has it where it was.
        let stayed = |row: &&MessageRow| !server.deleted_once.contains(&row.id);
        let mut at = 0;
        for row in held.rows.iter().filter(|row| sent(row)).filter(stayed) {
            let Some(place) = theirs.get(&row.id).copied() else {
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

/// What must hold of a store whatever people did, of which nobody tells.
///
/// # Errors
/// The store's.
pub fn alone(store: &Connection, stored: &mut Stored) -> Result<Vec<(Kind, String)>, StoreError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for conversation in stored.listed() {
        for row in &stored.held(store, conversation)?.rows {
            if !seen.insert(row.id.clone()) {
                found.push((Kind::Doubled, format!("{} is shown twice", row.id)));
            }
        }
    }
    let mut foreign = store.prepare_cached(
        "SELECT id FROM message WHERE (SELECT value FROM fact WHERE name = 'me')
           NOT IN (sender, receiver) ORDER BY id",
    )?;
    for id in foreign.query_map([], |row| row.get::<_, String>(0))? {
        found.push((Kind::Foreign, format!("{} is somebody else's", id?)));
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

/// What a person typed is kept as it was said to be.
fn drafts(client: &Client, stored: &Stored) -> Vec<(Kind, String)> {
    let mut found = Vec::new();
    let sure = client
        .drafts
        .iter()
        .filter_map(|(conversation, draft)| Some((conversation, draft.as_ref()?)));
    let under_way = client
        .tickets
        .values()
        .any(|ordered| matches!(ordered, Ordered::Draft(..)));
    if under_way {
        return found;
    }
    for (conversation, draft) in sure {
        let id = conversation.to_string();
        let kept = stored
            .list
            .iter()
            .find(|row| row.id == id)
            .and_then(|row| row.draft.clone());
        if kept != *draft {
            found.push((
                Kind::Lost,
                format!(
                    "{} keeps the draft {kept:?}, and {draft:?} was typed",
                    client.name
                ),
            ));
        }
    }
    found
}

/// What must hold once everything is healed and quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiet {
    /// Minutes after: what is gone from the server and older than a day may
    /// still be shown where the stamps are the server's.
    Soon,
    /// A day after: nothing is shown that is gone, and of the last week nothing
    /// hides.
    NextDay,
    /// The same as soon, and everybody has scrolled up to the beginning.
    ScrolledUp,
}

/// What was found, once everything is healed and quiet.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// What is wrong.
    pub problems: Vec<(Kind, String)>,
    /// Rows that are gone, and that only tomorrow's comparison must find.
    pub old: usize,
    /// Rows that counting alone can't tell apart: see [`uncountable`].
    pub uncountable: usize,
}

/// Whether a row that is in no conversation of a client's was in one: it was
/// deleted, or given to another receiver, and nobody tells who was away of either.
fn went(server: &Server, id: &str) -> bool {
    server.deleted_once.contains(id) || server.rows.all.contains_key(id)
}

/// On the tutorial's collection only counts by day tell of what came late and of
/// what is gone. Where nobody heard of either, and one person has as many of
/// the one as of the other on one day of a conversation, they hide each other.
/// Gives the ids of both, if there are such, each with the end of its day.
fn uncountable(server: &Server, ours: &[&MessageRow], theirs: &[&Row]) -> Vec<(String, i64)> {
    const DAY: i64 = 24 * 3_600_000;
    if server.settings.stamps == Stamps::Server {
        return Vec::new();
    }
    let there: BTreeSet<String> = theirs.iter().map(|row| row.id.to_lowercase()).collect();
    let here: BTreeSet<&str> = ours.iter().map(|row| row.id.as_str()).collect();
    // A person's day: what is still here of it, and what never came.
    let mut days: BTreeMap<(String, i64), (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for row in ours.iter().filter(|row| !there.contains(&row.id)) {
        let stamp = view::read_sort(&row.sort).map_or(0, |(_, stamp, _)| stamp);
        if went(server, &row.id) {
            let day = (row.sender.clone(), stamp.div_euclid(DAY));
            days.entry(day).or_default().0.insert(row.id.clone());
        }
    }
    for row in theirs {
        let id = row.id.to_lowercase();
        if !here.contains(id.as_str()) {
            let stamp = row.stamp(server.settings.stamps);
            let day = (row.sender.to_string(), stamp.div_euclid(DAY));
            days.entry(day).or_default().1.insert(id);
        }
    }
    days.into_iter()
        .filter(|(_, (gone, late))| gone.len() == late.len())
        .flat_map(|((_, day), (gone, late))| {
            let end = (day + 1) * DAY;
            gone.into_iter().chain(late).map(move |id| (id, end))
        })
        .collect()
}

/// Stamps this much younger than a day must be right soon; the comparison goes
/// back a day from the moment it was made.
const RECENT: i64 = 22 * 3_600_000;

/// Days that ended no longer ago are read again once a day; less a day, for
/// that is by the clock of the moment when it was done.
const WEEK: i64 = 6 * 24 * 3_600_000;

/// What clients are held against.
#[derive(Clone, Copy)]
pub struct Truth<'a> {
    /// The server.
    pub server: &'a Server,
    /// What people did.
    pub log: &'a Log,
    /// What the world is like.
    pub shape: &'a Shape,
    /// Its time.
    pub now: i64,
}

/// What must hold for one client once everything is healed and quiet.
///
/// # Errors
/// The store's.
pub fn quiet(
    truth: &Truth<'_>,
    client: &Client,
    stored: &mut Stored,
    index: usize,
    when: Quiet,
) -> Result<Verdict, StoreError> {
    let Truth {
        server,
        log,
        shape,
        now,
    } = *truth;
    let mut verdict = Verdict::default();
    let found = &mut verdict.problems;
    let store = &client.store;
    let name = &client.name;
    for row in &stored.unsent {
        if row.state != MessageState::Failed || row.problem.is_none() {
            found.push((
                Kind::Lost,
                format!("{name} still has {} in state {:?}", row.text, row.state),
            ));
        } else if !server.refused.contains(&row.id) {
            found.push((
                Kind::Lost,
                format!("{name} calls {} failed, which nobody refused", row.text),
            ));
        }
    }
    found.extend(read_marks(client, stored)?);
    let listed = stored.listed();
    let mut peers: BTreeSet<PersonId> = server.people.keys().copied().collect();
    peers.extend(listed.iter().map(|conversation| conversation.peer()));
    for peer in peers {
        let conversation = ConversationId::Direct(peer);
        let theirs: Vec<_> = server
            .conversation(client.me, peer)
            .into_iter()
            .filter(|row| row.timestamp.is_some() || server.settings.stamps == Stamps::Server)
            .collect();
        if !theirs.is_empty() && !listed.contains(&conversation) {
            found.push((
                Kind::Diverged,
                format!("{name} has no conversation with {}", title(server, peer)),
            ));
            continue;
        }
        let held = stored.held(store, conversation)?;
        let ids: BTreeSet<String> = theirs.iter().map(|row| row.id.to_lowercase()).collect();
        let mut ours: Vec<&MessageRow> = held.rows.iter().filter(|row| sent(row)).collect();
        // Soon, only the last day must be right: of what lies before it, nobody
        // tells who was away.
        // Only the tutorial's stamps are in the server's own zone, which a client
        // may have learned, or not yet: the later of both is what it looks back to.
        let zone = match server.settings.stamps {
            Stamps::Sender => server.settings.zone.max(0),
            Stamps::Server => 0,
        };
        let since = server.wall(0, now) + zone - RECENT;
        let soon = when != Quiet::NextDay;
        let before = ours.len();
        let with_old = ours.clone();
        ours.retain(|row| {
            let old = view::read_sort(&row.sort).is_some_and(|(_, stamp, _)| stamp < since);
            !(soon && old) || ids.contains(&row.id) || !went(server, &row.id)
        });
        verdict.old += before - ours.len();
        if theirs.is_empty() && ours.is_empty() {
            continue;
        }
        let from = match (held.older, ours.first()) {
            (Older::Beginning, _) => 0,
            (_, Some(first)) => theirs
                .iter()
                .position(|row| row.id.to_lowercase() == first.id)
                .unwrap_or(0),
            // Nothing of it held: not even its newest.
            (_, None) => 0,
        };
        if when == Quiet::ScrolledUp && held.older != Older::Beginning {
            found.push((
                Kind::Diverged,
                format!(
                    "{name} never reached the beginning with {}",
                    title(server, peer)
                ),
            ));
        }
        let all: Vec<_> = theirs.get(from..).unwrap_or(&[]).to_vec();
        let mut hidden = uncountable(server, &with_old, &all);
        if when == Quiet::NextDay {
            // The last week was read again since.
            let week = server.wall(0, now) + zone - WEEK;
            hidden.retain(|(_, end)| *end < week);
        }
        let hidden: BTreeSet<String> = hidden.into_iter().map(|(id, _)| id).collect();
        verdict.uncountable += hidden.len();
        ours.retain(|row| !hidden.contains(&row.id));
        let all: Vec<_> = all
            .into_iter()
            .filter(|row| !hidden.contains(&row.id.to_lowercase()))
            .collect();
        let shown: BTreeSet<&str> = ours.iter().map(|row| row.id.as_str()).collect();
        let expected: Vec<_> = all
            .iter()
            .filter(|row| {
                // Only the tutorial's stamps can say that a new row is old.
                let old = server.settings.stamps == Stamps::Sender
                    && row.stamp(server.settings.stamps) < since;
                !(soon && old) || shown.contains(row.id.to_lowercase().as_str())
            })
            .copied()
            .collect();
        verdict.old += all.len() - expected.len();
        let same = ours.len() == expected.len()
            && ours.iter().zip(&expected).all(|(ours, theirs)| {
                ours.id == theirs.id.to_lowercase()
                    && ours.text == theirs.content.as_deref().unwrap_or_default()
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
                    title(server, peer),
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
        found.extend(in_the_order_written(
            server, log, client, index, shape, &theirs,
        ));
    }
    Ok(verdict)
}

/// Who writes two messages to one person has written the first one first. The
/// server's stamps say so whatever the device's clock shows; the tutorial's
/// do where all clocks agree.
fn in_the_order_written(
    server: &Server,
    log: &Log,
    client: &Client,
    index: usize,
    shape: &Shape,
    rows: &[&Row],
) -> Option<(Kind, String)> {
    let clocks_tell =
        server.settings.stamps == Stamps::Server || (shape.clocks_agree && !client.clock_moved);
    if !clocks_tell {
        return None;
    }
    let mut last = None;
    for row in rows {
        let Some(written) = row
            .id
            .parse()
            .ok()
            .and_then(|id| log.with_id(id))
            .and_then(|number| log.written.get(number))
        else {
            continue;
        };
        let counts = written.client == Some(index)
            && !written.refused
            && !server.deleted_once.contains(&row.id);
        if !counts {
            continue;
        }
        if last.is_some_and(|last| last > written.number) {
            return Some((
                Kind::Diverged,
                format!(
                    "{} wrote #{}# before #{}#, and the server has it after",
                    client.name,
                    written.number,
                    last.unwrap_or_default()
                ),
            ));
        }
        last = Some(written.number);
    }
    None
}

/// After "read up to here", what is unread is what others wrote after it, and
/// the divider stands there or further on, never further back.
fn read_marks(client: &Client, stored: &mut Stored) -> Result<Vec<(Kind, String)>, StoreError> {
    let mut found = Vec::new();
    let me = client.me.to_string();
    for row in stored.list.clone() {
        let Ok(conversation) = row.id.parse::<ConversationId>() else {
            continue;
        };
        let Some(read) = client.read.get(&conversation) else {
            continue;
        };
        let held = stored.held(&client.store, conversation)?;
        let unread = held
            .rows
            .iter()
            .filter(|shown| sent(shown) && shown.sender != me && shown.sort > *read)
            .count();
        // A row that came after a younger one, dated ahead, may wait behind it
        // for who scrolls up.
        let reaches = held.older == Older::Beginning
            || held.rows.first().is_some_and(|first| first.sort <= *read);
        let divider = view::page(&client.store, conversation, &Anchor::Newest, 1)?
            .and_then(|page| page.read_until);
        if divider.as_ref().is_none_or(|divider| divider < read) {
            found.push((
                Kind::Diverged,
                format!(
                    "{} read with {conversation} up to {read}, and its divider is at {divider:?}",
                    client.name
                ),
            ));
        }
        let unread = i64::try_from(unread).unwrap_or(i64::MAX);
        if row.unread < unread || (reaches && row.unread != unread) {
            found.push((
                Kind::Diverged,
                format!(
                    "{} calls {} unread with {conversation}, and {unread} are",
                    client.name, row.unread
                ),
            ));
        }
    }
    Ok(found)
}

/// Numbers that are looked for in a client's messages, besides two words.
const LOOKED_FOR: usize = 12;

/// A search finds every message that holds what is looked for, and no other.
///
/// # Errors
/// The store's.
pub fn searched(client: &Client) -> Result<Option<(Kind, String)>, StoreError> {
    let mut kept = client
        .store
        .prepare_cached("SELECT id, content FROM message ORDER BY id")?;
    let kept: Vec<(String, String)> = kept
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut wanted = vec!["word".to_owned(), "changed".to_owned()];
    let some = kept.iter().step_by(kept.len() / LOOKED_FOR + 1);
    wanted.extend(
        some.flat_map(|(_, text)| numbers(text))
            .map(|n| n.to_string()),
    );
    for word in wanted {
        let search = Search {
            query: Query::read(&format!("\"{word}\"")),
            ..Search::default()
        };
        let found: BTreeSet<String> = search::find(&client.store, &search, None, kept.len() + 1)?
            .into_iter()
            .map(|kept| kept.message.id.to_string())
            .collect();
        let there: BTreeSet<String> = kept
            .iter()
            .filter(|(_, text)| {
                text.split(|c: char| !c.is_alphanumeric())
                    .any(|w| w == word)
            })
            .map(|(id, _)| id.clone())
            .collect();
        if found != there {
            let words = format!(
                "{} finds {word} in {} messages, and {} have it",
                client.name,
                found.len(),
                there.len()
            );
            return Ok(Some((Kind::Diverged, words)));
        }
    }
    Ok(None)
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
