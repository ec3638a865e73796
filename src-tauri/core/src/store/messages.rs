//! Messages: rows as the server has them, and mine that it does not have yet.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{StoreError, held::Spot};
use crate::model::{ConversationId, Instant, Message, MessageId, PersonId};

/// A day of the server's stamps, in milliseconds.
const DAY: i64 = 86_400_000;

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The message; for a pending one the stamp is its number in the outbox.
    pub message: Message,
    /// Whether it waits in the outbox.
    pub pending: bool,
    /// When it was typed, for a pending one.
    pub typed: Option<Instant>,
}

/// What became of a row from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upsert {
    /// It was not known.
    New,
    /// It was pending here: now it is sent.
    Confirmed,
    /// Its text or stamp is new.
    Changed,
    /// It was known as it is, or a newer form of it.
    Same,
}

pub(super) const COLUMNS: &str = "id, sender, receiver, content, stamp, updated, pending, typed";

fn corrupt(column: &'static str) -> impl Fn(crate::model::IdError) -> StoreError {
    move |_| StoreError::Corrupt(column)
}

pub(super) type Raw = (
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    bool,
    Option<i64>,
);

pub(super) fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
    ))
}

pub(super) fn kept(raw: Raw) -> Result<Kept, StoreError> {
    let (id, sender, receiver, content, stamp, updated, pending, typed) = raw;
    Ok(Kept {
        message: Message {
            id: id.parse().map_err(corrupt("message.id"))?,
            content,
            sender: sender.parse().map_err(corrupt("message.sender"))?,
            receiver: receiver.parse().map_err(corrupt("message.receiver"))?,
            stamp: Instant(stamp),
            updated: updated.map(Instant),
        },
        pending,
        typed: typed.map(Instant),
    })
}

/// One message.
///
/// # Errors
/// SQLite's.
pub fn get(tx: &Connection, id: MessageId) -> Result<Option<Kept>, StoreError> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM message WHERE id = ?1"))?
        .query_row([id.to_string()], raw)
        .optional()?
        .map(kept)
        .transpose()
}

/// A row that was written: what became of it, and what stood there before.
#[derive(Debug)]
pub struct Saved {
    /// What became of it.
    pub upsert: Upsert,
    /// What was kept with its id.
    pub before: Option<Kept>,
}

/// Writes a row that came from the server. It takes the place of a pending
/// one with the same id, whose job in the outbox is then done.
///
/// # Errors
/// SQLite's.
pub fn save(
    tx: &Connection,
    message: &Message,
    conversation: ConversationId,
) -> Result<Upsert, StoreError> {
    let saved = save_all(tx, [(message, conversation)])?;
    Ok(saved.first().map_or(Upsert::Same, |saved| saved.upsert))
}

/// The same for many, in their order; what became of each. Most are new: those
/// are counted and indexed together, and what is there is only read where
/// something is.
///
/// # Errors
/// SQLite's.
pub fn save_all<'m>(
    tx: &Connection,
    rows: impl IntoIterator<Item = (&'m Message, ConversationId)>,
) -> Result<Vec<Saved>, StoreError> {
    let mut saved = Vec::new();
    let mut added = Vec::new();
    let mut there = BTreeSet::new();
    for (message, conversation) in rows {
        // The number of unread messages is kept in it.
        if there.insert(conversation) {
            super::conversations::ensure(tx, conversation)?;
        }
        if let Some(place) = add(tx, message, conversation)? {
            added.push(Added {
                place,
                message,
                conversation,
            });
            saved.push(Saved {
                upsert: Upsert::New,
                before: None,
            });
            continue;
        }
        let before = get(tx, message.id)?.ok_or(StoreError::Corrupt("message.id"))?;
        let upsert = if is_known(&before, message) {
            Upsert::Same
        } else {
            // It may be one of these, and what it was must be counted before
            // it is counted anew.
            count_and_index(tx, std::mem::take(&mut added))?;
            save_over(tx, &before, message, conversation)?
        };
        saved.push(Saved {
            upsert,
            before: Some(before),
        });
    }
    count_and_index(tx, added)?;
    Ok(saved)
}

/// A row that is written, and not yet counted nor indexed.
struct Added<'m> {
    place: i64,
    message: &'m Message,
    conversation: ConversationId,
}

/// Writes a row unless its id is known; says where it stands then.
fn add(
    tx: &Connection,
    message: &Message,
    conversation: ConversationId,
) -> Result<Option<i64>, StoreError> {
    let place = free_place(tx, message.stamp)?;
    let added = tx
        .prepare_cached(
            "INSERT INTO message
               (place, id, conversation, sender, receiver, content, pending, stamp, updated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            place,
            message.id.to_string(),
            conversation.to_string(),
            message.sender.to_string(),
            message.receiver.to_string(),
            message.content,
            message.stamp.0,
            message.updated.map(|at| at.0),
        ])?;
    Ok((added > 0).then_some(place))
}

/// What triggers do for a row that changes or goes, for all that came at once.
fn count_and_index(tx: &Connection, mut added: Vec<Added<'_>>) -> Result<(), StoreError> {
    if added.is_empty() {
        return Ok(());
    }
    let me = super::facts::me(tx)?;
    let mut tallies = BTreeMap::<_, i64>::new();
    let mut others = BTreeMap::<_, Vec<&Message>>::new();
    for row in &added {
        let day = row.message.stamp.0.div_euclid(DAY);
        let tally = (row.conversation, row.message.sender, day);
        *tallies.entry(tally).or_default() += 1;
        if row.message.sender != me {
            others
                .entry(row.conversation)
                .or_default()
                .push(row.message);
        }
    }
    for ((conversation, sender, day), count) in tallies {
        tx.prepare_cached(
            "INSERT INTO tally (conversation, sender, day, messages) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (conversation, sender, day)
             DO UPDATE SET messages = messages + excluded.messages",
        )?
        .execute(params![
            conversation.to_string(),
            sender.to_string(),
            day,
            count
        ])?;
    }
    for (conversation, theirs) in others {
        super::conversations::count_unread(tx, conversation, &theirs)?;
    }
    added.sort_unstable_by_key(|row| row.place);
    super::index::add(
        tx,
        added
            .iter()
            .map(|row| (row.place, row.message, row.conversation)),
    )
}

/// Whether what is kept is a row from the server, the same or a newer form of it.
fn is_known(before: &Kept, message: &Message) -> bool {
    !before.pending && (before.message == *message || before.message.updated > message.updated)
}

/// Writes a row over the one that is kept with its id.
fn save_over(
    tx: &Connection,
    before: &Kept,
    message: &Message,
    conversation: ConversationId,
) -> Result<Upsert, StoreError> {
    let moves = before.pending || before.message.stamp != message.stamp;
    let place = if moves {
        Some(free_place(tx, message.stamp)?)
    } else {
        None
    };
    tx.prepare_cached(
        "UPDATE message SET place = coalesce(?1, place), conversation = ?3, sender = ?4,
           receiver = ?5, content = ?6, pending = 0, stamp = ?7, updated = ?8, typed = NULL
         WHERE id = ?2",
    )?
    .execute(params![
        place,
        message.id.to_string(),
        conversation.to_string(),
        message.sender.to_string(),
        message.receiver.to_string(),
        message.content,
        message.stamp.0,
        message.updated.map(|at| at.0),
    ])?;
    if before.pending {
        super::outbox::remove(tx, message.id)?;
        return Ok(Upsert::Confirmed);
    }
    Ok(Upsert::Changed)
}

/// Where places of pending messages begin; all confirmed ones lie below.
pub(super) const PENDING: i64 = 1 << 62;

/// Rows whose places share all but these bits stand in no order among themselves.
const SLOTS: u32 = 16;
/// How much time shares a place's upper bits: 2^13 ms.
const SPAN: u32 = 13;
/// Stamps beyond this, some two hundred thousand years, all have one place.
const FAR: i64 = 1 << 55;

/// The first place of a stamp's span. `migrations/002.sql` says the same.
#[must_use]
pub fn span_start(stamp: i64) -> i64 {
    (stamp.clamp(-FAR, FAR) >> SPAN) << SLOTS
}

/// The last place of the span that a place is in.
#[must_use]
pub const fn span_end(place: i64) -> i64 {
    place | ((1 << SLOTS) - 1)
}

/// A place that no message has, for a confirmed one with this stamp.
fn free_place(tx: &Connection, stamp: Instant) -> Result<i64, StoreError> {
    let mut start = span_start(stamp.0);
    // A span has room for 65,536 messages. Should a server fill one, those
    // beyond are searched as if they were a little older.
    for _ in 0..1_000 {
        let last: Option<i64> = tx
            .prepare_cached("SELECT max(place) FROM message WHERE place BETWEEN ?1 AND ?2")?
            .query_row([start, span_end(start)], |row| row.get(0))?;
        match last {
            None => return Ok(start),
            Some(last) if last < span_end(start) => return Ok(last + 1),
            Some(_) => start -= 1 << SLOTS,
        }
    }
    Err(StoreError::Corrupt("message.place"))
}

/// Writes a message of mine that the server does not have yet, with its job.
///
/// # Errors
/// SQLite's, an id that is there already among them.
pub fn queue(
    tx: &Connection,
    id: MessageId,
    me: PersonId,
    conversation: ConversationId,
    content: &str,
    typed: Instant,
) -> Result<(), StoreError> {
    let number = super::outbox::next_number(tx)?;
    let place = PENDING.saturating_add(number);
    tx.prepare_cached(
        "INSERT INTO message
           (place, id, conversation, sender, receiver, content, pending, stamp, typed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8)",
    )?
    .execute(params![
        place,
        id.to_string(),
        conversation.to_string(),
        me.to_string(),
        conversation.peer().to_string(),
        content,
        number,
        typed.0,
    ])?;
    super::index::note(tx, place)?;
    super::outbox::add(tx, number, id, conversation)
}

/// Takes a message away; its job goes with it. Says which conversation it was in.
///
/// # Errors
/// SQLite's.
pub fn remove(tx: &Connection, id: MessageId) -> Result<Option<ConversationId>, StoreError> {
    tx.prepare_cached("DELETE FROM message WHERE id = ?1 RETURNING conversation")?
        .query_row([id.to_string()], |row| row.get::<_, String>(0))
        .optional()?
        .map(|text| text.parse().map_err(corrupt("message.conversation")))
        .transpose()
}

/// Confirmed messages of a conversation from `from` on, newest first, before
/// the place `(pending, stamp, id)` if one is given, pending ones included.
///
/// # Errors
/// SQLite's.
pub fn before(
    tx: &Connection,
    conversation: ConversationId,
    from: Option<&Spot>,
    place: Option<(bool, i64, &str)>,
    limit: u32,
) -> Result<Vec<Kept>, StoreError> {
    let (pending, stamp, id) = place.unwrap_or((true, i64::MAX, ""));
    // Without a range nothing confirmed may be shown.
    let (from_stamp, from_id) = from.map_or((i64::MAX, "~"), |spot| (spot.0, spot.1.as_str()));
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM message
         WHERE conversation = ?1 AND (pending, stamp, id) < (?2, ?3, ?4)
           AND (pending, stamp, id) >= (0, ?5, ?6)
         ORDER BY pending DESC, stamp DESC, id DESC LIMIT ?7"
    ))?;
    let rows = statement.query_map(
        params![
            conversation.to_string(),
            pending,
            stamp,
            id,
            from_stamp,
            from_id,
            limit
        ],
        raw,
    )?;
    rows.map(|row| kept(row?)).collect()
}

/// Messages of a conversation after the place, oldest first, up to the end of
/// a range; up to the open end, pending ones included.
///
/// # Errors
/// SQLite's.
pub fn after(
    tx: &Connection,
    conversation: ConversationId,
    place: (bool, i64, &str),
    until: &Spot,
    limit: u32,
) -> Result<Vec<Kept>, StoreError> {
    let (pending, stamp, id) = if until.0 == i64::MAX {
        (true, i64::MAX, "~")
    } else {
        (false, until.0, until.1.as_str())
    };
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM message
         WHERE conversation = ?1 AND (pending, stamp, id) > (?2, ?3, ?4)
           AND (pending, stamp, id) <= (?5, ?6, ?7)
         ORDER BY pending, stamp, id LIMIT ?8"
    ))?;
    let rows = statement.query_map(
        params![
            conversation.to_string(),
            place.0,
            place.1,
            place.2,
            pending,
            stamp,
            id,
            limit
        ],
        raw,
    )?;
    rows.map(|row| kept(row?)).collect()
}

/// Whether a conversation has so many confirmed messages from a place on.
///
/// # Errors
/// SQLite's.
pub fn at_least(
    tx: &Connection,
    conversation: ConversationId,
    from: &Spot,
    count: u32,
) -> Result<bool, StoreError> {
    let row: Option<i64> = tx
        .prepare_cached(
            "SELECT 1 FROM message WHERE conversation = ?1 AND pending = 0
               AND (stamp, id) >= (?2, ?3) ORDER BY stamp, id LIMIT 1 OFFSET ?4",
        )?
        .query_row(
            params![
                conversation.to_string(),
                from.0,
                from.1,
                count.saturating_sub(1)
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(row.is_some() || count == 0)
}

/// Confirmed messages of a conversation with exactly this stamp, or within
/// its second.
///
/// # Errors
/// SQLite's.
pub fn ids_between(
    tx: &Connection,
    conversation: ConversationId,
    from: Instant,
    until: Instant,
) -> Result<Vec<MessageId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id FROM message WHERE conversation = ?1 AND pending = 0
           AND stamp BETWEEN ?2 AND ?3 ORDER BY stamp, id",
    )?;
    let rows = statement.query_map(params![conversation.to_string(), from.0, until.0], |row| {
        row.get::<_, String>(0)
    })?;
    rows.map(|row| row?.parse().map_err(corrupt("message.id")))
        .collect()
}

/// Confirmed messages of a conversation that lie between two places, which are
/// not part of the span.
///
/// # Errors
/// SQLite's.
pub fn ids_within(
    tx: &Connection,
    conversation: ConversationId,
    from: &Spot,
    until: &Spot,
) -> Result<Vec<MessageId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id FROM message WHERE conversation = ?1 AND pending = 0
           AND (stamp, id) > (?2, ?3) AND (stamp, id) < (?4, ?5) ORDER BY stamp, id",
    )?;
    let rows = statement.query_map(
        params![conversation.to_string(), from.0, from.1, until.0, until.1],
        |row| row.get::<_, String>(0),
    )?;
    rows.map(|row| row?.parse().map_err(corrupt("message.id")))
        .collect()
}

/// How many confirmed messages one person wrote in a conversation, with a
/// stamp in this span. Whole days are kept counted; only what is left of the
/// days at its ends is counted now.
///
/// # Errors
/// SQLite's.
pub fn count(
    tx: &Connection,
    conversation: ConversationId,
    sender: PersonId,
    from: Instant,
    until: Instant,
) -> Result<u64, StoreError> {
    if until < from {
        return Ok(0);
    }
    let day = from.0.div_euclid(DAY) + i64::from(from.0.rem_euclid(DAY) > 0);
    let last_day = match until.0 {
        i64::MAX => i64::MAX,
        at => at.saturating_add(1).div_euclid(DAY) - 1,
    };
    if last_day < day {
        return count_rows(tx, conversation, sender, from.0, until.0);
    }
    let whole: i64 = tx
        .prepare_cached(
            "SELECT coalesce(sum(messages), 0) FROM tally
             WHERE conversation = ?1 AND sender = ?2 AND day BETWEEN ?3 AND ?4",
        )?
        .query_row(
            params![conversation.to_string(), sender.to_string(), day, last_day],
            |row| row.get(0),
        )?;
    let mut count = whole.unsigned_abs();
    let first = day.saturating_mul(DAY);
    if from.0 < first {
        count += count_rows(tx, conversation, sender, from.0, first - 1)?;
    }
    if last_day < i64::MAX {
        let rest = last_day.saturating_add(1).saturating_mul(DAY);
        if rest <= until.0 {
            count += count_rows(tx, conversation, sender, rest, until.0)?;
        }
    }
    Ok(count)
}

fn count_rows(
    tx: &Connection,
    conversation: ConversationId,
    sender: PersonId,
    from: i64,
    until: i64,
) -> Result<u64, StoreError> {
    let count: i64 = tx
        .prepare_cached(
            "SELECT count(*) FROM message WHERE conversation = ?1 AND pending = 0
               AND stamp BETWEEN ?3 AND ?4 AND sender = ?2",
        )?
        .query_row(
            params![conversation.to_string(), sender.to_string(), from, until],
            |row| row.get(0),
        )?;
    Ok(count.unsigned_abs())
}

/// Whose confirmed messages of which days there are: conversation, sender,
/// start of the day.
///
/// # Errors
/// SQLite's.
pub fn days(tx: &Connection) -> Result<Vec<(ConversationId, PersonId, Instant)>, StoreError> {
    // Division rounds towards zero: moved, so that days before 1970 are days.
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT conversation, sender,
           (stamp + 1000000 * ?1) / ?1 * ?1 - 1000000 * ?1
         FROM message WHERE pending = 0 ORDER BY 1, 2, 3",
    )?;
    let rows = statement.query_map([DAY], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, i64>(2)?,
        ))
    })?;
    rows.map(|row| {
        let (conversation, sender, day) = row?;
        Ok((
            conversation
                .parse()
                .map_err(corrupt("message.conversation"))?,
            sender.parse().map_err(corrupt("message.sender"))?,
            Instant(day),
        ))
    })
    .collect()
}

/// Notes a row that could not be read.
///
/// # Errors
/// SQLite's.
pub fn set_aside(tx: &Connection, id: &str, reason: &str, now: Instant) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO set_aside (id, reason, seen) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, seen = excluded.seen",
    )?
    .execute(params![id, reason, now.0])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::store::{self, Key, Place, conversations, index};

    fn person(n: u128) -> PersonId {
        PersonId::new(Uuid::from_u128(n))
    }

    fn id(n: u8) -> MessageId {
        MessageId::new(Uuid::from_u128(0x1000 + u128::from(n)))
    }

    const WITH_BOB: fn() -> ConversationId = || ConversationId::Direct(person(2));

    #[derive(Debug, Clone)]
    enum Deed {
        /// A row of the server: id, mine, stamp.
        Row(u8, bool, i64),
        /// Some of them at once, the same among them.
        Rows(Vec<(u8, bool, i64)>),
        /// A message of mine is queued.
        Queue(u8),
        /// A row goes.
        Remove(u8),
        /// Read up to here.
        Read(i64, u8),
        /// All is fetched anew.
        Forget,
    }

    fn deed() -> impl Strategy<Value = Deed> {
        let stamp = -200_000_000_i64..400_000_000;
        let row = (0..12_u8, any::<bool>(), stamp.clone());
        prop_oneof![
            4 => row.clone().prop_map(|(n, mine, at)| Deed::Row(n, mine, at)),
            4 => prop::collection::vec(row, 0..9).prop_map(Deed::Rows),
            2 => (0..12_u8).prop_map(Deed::Queue),
            2 => (0..12_u8).prop_map(Deed::Remove),
            2 => (stamp, 0..12_u8).prop_map(|(at, n)| Deed::Read(at, n)),
            1 => Just(Deed::Forget),
        ]
    }

    fn act(tx: &Connection, deed: &Deed, updated: i64) {
        let row = |n: u8, mine: bool, at: i64| Message {
            id: id(n),
            content: format!("text {n} at {at}"),
            sender: person(if mine { 1 } else { 2 }),
            receiver: person(if mine { 2 } else { 1 }),
            stamp: Instant(at),
            updated: Some(Instant(updated)),
        };
        // Nobody else's row has the id of one that waits here.
        let waits = |n| get(tx, id(n)).unwrap().is_some_and(|kept| kept.pending);
        match *deed {
            Deed::Row(n, mine, at) => {
                save(tx, &row(n, mine || waits(n), at), WITH_BOB()).unwrap();
            }
            Deed::Rows(ref rows) => {
                let rows: Vec<_> = rows
                    .iter()
                    .map(|&(n, mine, at)| row(n, mine || waits(n), at))
                    .collect();
                save_all(tx, rows.iter().map(|row| (row, WITH_BOB()))).unwrap();
            }
            Deed::Queue(n) => {
                if get(tx, id(n)).unwrap().is_none() {
                    queue(tx, id(n), person(1), WITH_BOB(), "mine", Instant(5)).unwrap();
                }
            }
            Deed::Remove(n) => {
                remove(tx, id(n)).unwrap();
            }
            Deed::Read(at, n) => {
                conversations::mark_read(tx, WITH_BOB(), &(at, id(n).to_string()), person(1))
                    .unwrap();
            }
            Deed::Forget => store::forget_fetched(tx).unwrap(),
        }
        conversations::refresh(tx, WITH_BOB()).unwrap();
        // Not after each: what becomes of a row in between must come out right too.
        if updated % 3 == 0 {
            index::update(tx).unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn what_is_kept_counted_is_what_counting_would_give(deeds in prop::collection::vec(deed(), 1..40)) {
            let tx = store::open(Place::Memory, &Key([2; 32])).unwrap();
            store::set_me(&tx, person(1), "Alice").unwrap();
            for (n, deed) in deeds.iter().enumerate() {
                act(&tx, deed, n as i64);
                let unread: i64 = tx.query_row(
                    "SELECT count(*) FROM message AS m JOIN conversation AS c ON c.id = m.conversation
                     WHERE m.pending = 0 AND m.sender <> ?1
                       AND (m.stamp, m.id) > (coalesce(c.read_stamp, -9223372036854775808), coalesce(c.read_id, ''))",
                    [person(1).to_string()], |row| row.get(0)).unwrap();
                prop_assert_eq!(conversations::unread(&tx).unwrap(), unread);
                for sender in [1, 2] {
                    for (from, until) in [(-200_000_000, 400_000_000), (-1, 86_400_000), (5, 6), (0, i64::MAX), (86_400_000, 172_799_999)] {
                        let counted: i64 = tx.query_row(
                            "SELECT count(*) FROM message WHERE pending = 0 AND sender = ?1 AND stamp BETWEEN ?2 AND ?3",
                            params![person(sender).to_string(), from, until], |row| row.get(0)).unwrap();
                        let kept = count(&tx, WITH_BOB(), person(sender), Instant(from), Instant(until)).unwrap();
                        prop_assert_eq!(kept, counted.unsigned_abs(), "{} {} {}", sender, from, until);
                    }
                }
                if n % 3 > 0 {
                    continue;
                }
                let indexed: Vec<i64> = tx.prepare("SELECT rowid FROM found ORDER BY rowid").unwrap()
                    .query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
                let placed: Vec<i64> = tx.prepare("SELECT place FROM message ORDER BY place").unwrap()
                    .query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
                prop_assert_eq!(indexed, placed);
            }
        }
    }

    #[test]
    fn places_go_with_stamps_and_a_full_span_takes_the_one_before() {
        let tx = store::open(Place::Memory, &Key([2; 32])).unwrap();
        let start = span_start(1_795_000_000_000);
        assert!(span_start(-5) < span_start(9_000) && span_start(9_000) < start);
        assert!(span_start(i64::MAX) < PENDING);
        assert!(span_start(i64::MIN) > i64::MIN);
        let stamp = Instant(1_795_000_000_000);
        assert_eq!(free_place(&tx, stamp).unwrap(), start);
        let put = |place: i64, n: u8| {
            tx.execute(
                "INSERT INTO message (place, id, conversation, sender, receiver, content, pending, stamp)
                 VALUES (?1, ?2, 'dm:x', 'a', 'b', '', 0, 0)",
                params![place, id(n).to_string()],
            )
            .unwrap();
        };
        put(start, 1);
        assert_eq!(free_place(&tx, stamp).unwrap(), start + 1);
        put(span_end(start), 2);
        assert_eq!(free_place(&tx, stamp).unwrap(), start - (1 << SLOTS));
    }

    #[test]
    fn no_statement_of_a_step_reads_all_that_is_stored() {
        let tx = store::open(Place::Memory, &Key([2; 32])).unwrap();
        let plan = |sql: &str| -> String {
            let plan: Vec<String> = tx
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap()
                .query_map([], |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            plan.join("; ")
        };
        let total = plan("SELECT coalesce(sum(unread), 0) FROM conversation WHERE unread > 0");
        assert!(total.contains("conversation_unread"), "{total}");
        for sql in [
            "SELECT id, pending, stamp, typed FROM message WHERE conversation = 'c'
             ORDER BY pending DESC, stamp DESC, id DESC LIMIT 1",
            "SELECT stamp, id FROM message WHERE conversation = 'c' AND pending = 0
             ORDER BY stamp DESC, id DESC LIMIT 1",
            "SELECT 1 FROM message WHERE conversation = 'c' AND pending = 0
             AND (stamp, id) >= (1, 'x') ORDER BY stamp, id LIMIT 1 OFFSET 3",
            "SELECT max(place) FROM message WHERE place BETWEEN 1 AND 2",
            "SELECT sum(messages) FROM tally WHERE conversation = 'c' AND sender = 's'
             AND day BETWEEN 1 AND 2",
            "SELECT id FROM conversation WHERE activity >= 5 ORDER BY activity DESC, id DESC",
        ] {
            let plan = plan(sql);
            assert!(
                !plan.contains("SCAN") && !plan.contains("B-TREE"),
                "{sql}: {plan}"
            );
        }
    }
}
