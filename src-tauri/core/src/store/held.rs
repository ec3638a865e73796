//! Which parts of a conversation are held without a gap.
//!
//! A range has both ends included. The open end is [`OPEN`]: from there on the
//! catch-up and the socket keep it whole. [`BEGINNING`] is before every message.

use std::cmp::Ordering;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;
use crate::model::{ConversationId, Message};

/// A place in a conversation's confirmed messages: stamp and id.
pub type Spot = (i64, String);

/// Whether a confirmed message lies after a place.
#[must_use]
pub fn is_after(message: &Message, spot: &Spot) -> bool {
    match message.stamp.0.cmp(&spot.0) {
        Ordering::Equal => message.id.to_string() > spot.1,
        by_stamp => by_stamp.is_gt(),
    }
}

/// Before every message.
#[must_use]
pub fn beginning() -> Spot {
    (i64::MIN, String::new())
}

/// After every message.
#[must_use]
pub fn open_end() -> Spot {
    (i64::MAX, String::new())
}

/// The start of the range that reaches to now, if there is one.
///
/// # Errors
/// SQLite's.
pub fn newest_from(
    tx: &Connection,
    conversation: ConversationId,
) -> Result<Option<Spot>, StoreError> {
    Ok(ranges(tx, conversation)?
        .into_iter()
        .find(|(_, until)| until.0 == i64::MAX)
        .map(|(from, _)| from))
}

/// The range that a place lies in, if it lies in one.
///
/// # Errors
/// SQLite's.
pub fn around(
    tx: &Connection,
    conversation: ConversationId,
    spot: &Spot,
) -> Result<Option<(Spot, Spot)>, StoreError> {
    let range: Option<(Spot, Spot)> = tx
        .prepare_cached(
            "SELECT from_stamp, from_id, until_stamp, until_id FROM held
             WHERE conversation = ?1 AND (from_stamp, from_id) <= (?2, ?3)
             ORDER BY from_stamp DESC, from_id DESC LIMIT 1",
        )?
        .query_row(params![conversation.to_string(), spot.0, spot.1], |row| {
            Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?)))
        })
        .optional()?;
    Ok(range.filter(|(_, until)| spot <= until))
}

/// The latest start among all conversations' ranges that reach to now: since
/// then everything is held. [`beginning`] where there is no conversation;
/// `None` where one has messages and no such range.
///
/// # Errors
/// SQLite's.
pub fn least(tx: &Connection) -> Result<Option<Spot>, StoreError> {
    let missing: bool = tx
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM conversation WHERE last_message IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM held AS h WHERE h.conversation = conversation.id
                 AND h.until_stamp = 9223372036854775807)
               AND EXISTS (SELECT 1 FROM message AS m WHERE m.conversation = conversation.id
                 AND m.pending = 0))",
        )?
        .query_row([], |row| row.get(0))?;
    if missing {
        return Ok(None);
    }
    let latest = tx
        .prepare_cached(
            "SELECT from_stamp, from_id FROM held WHERE until_stamp = 9223372036854775807
             ORDER BY from_stamp DESC, from_id DESC LIMIT 1",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(Some(latest.unwrap_or_else(beginning)))
}

/// All ranges, oldest first.
///
/// # Errors
/// SQLite's.
pub fn ranges(
    tx: &Connection,
    conversation: ConversationId,
) -> Result<Vec<(Spot, Spot)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT from_stamp, from_id, until_stamp, until_id FROM held
         WHERE conversation = ?1 ORDER BY from_stamp, from_id",
    )?;
    let rows = statement.query_map([conversation.to_string()], |row| {
        Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What of a span is not held yet, oldest first: between these ends, which are
/// not part of it.
///
/// # Errors
/// SQLite's.
pub fn gaps(
    tx: &Connection,
    conversation: ConversationId,
    from: &Spot,
    until: &Spot,
) -> Result<Vec<(Spot, Spot)>, StoreError> {
    let mut gaps = Vec::new();
    let mut from = from.clone();
    for (other_from, other_until) in ranges(tx, conversation)? {
        if other_until < from || *until < other_from {
            continue;
        }
        if from < other_from {
            gaps.push((from, other_from));
        }
        from = other_until;
    }
    if from < *until {
        gaps.push((from, until.clone()));
    }
    Ok(gaps)
}

/// Notes that everything from `from` to `until` is held, and joins it with
/// the ranges that it touches.
///
/// # Errors
/// SQLite's.
pub fn hold(
    tx: &Connection,
    conversation: ConversationId,
    from: &Spot,
    until: &Spot,
) -> Result<(), StoreError> {
    let (mut from, mut until) = (from.clone(), until.clone());
    for (other_from, other_until) in ranges(tx, conversation)? {
        if other_from <= until && from <= other_until {
            tx.prepare_cached(
                "DELETE FROM held WHERE conversation = ?1 AND from_stamp = ?2 AND from_id = ?3",
            )?
            .execute(params![
                conversation.to_string(),
                other_from.0,
                other_from.1
            ])?;
            from = from.min(other_from);
            until = until.max(other_until);
        }
    }
    tx.prepare_cached(
        "INSERT INTO held (conversation, from_stamp, from_id, until_stamp, until_id)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        conversation.to_string(),
        from.0,
        from.1,
        until.0,
        until.1
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::PersonId,
        store::{Key, Place, open},
    };

    fn spot(stamp: i64) -> Spot {
        (stamp, "m".to_owned())
    }

    #[test]
    fn ranges_that_touch_are_one_and_others_stay_apart() {
        let tx = open(Place::Memory, &Key([0; 32])).unwrap();
        let with_bob = ConversationId::Direct(PersonId::new(uuid::Uuid::from_u128(2)));
        hold(&tx, with_bob, &spot(50), &open_end()).unwrap();
        hold(&tx, with_bob, &spot(10), &spot(20)).unwrap();
        assert_eq!(ranges(&tx, with_bob).unwrap().len(), 2);
        assert_eq!(newest_from(&tx, with_bob).unwrap(), Some(spot(50)));
        hold(&tx, with_bob, &spot(20), &spot(50)).unwrap();
        assert_eq!(ranges(&tx, with_bob).unwrap(), vec![(spot(10), open_end())]);
        hold(&tx, with_bob, &beginning(), &spot(10)).unwrap();
        assert_eq!(newest_from(&tx, with_bob).unwrap(), Some(beginning()));
    }

    #[test]
    fn what_lies_between_ranges_is_not_held() {
        let tx = open(Place::Memory, &Key([0; 32])).unwrap();
        let with_bob = ConversationId::Direct(PersonId::new(uuid::Uuid::from_u128(2)));
        let between = |from: i64, until: Spot| gaps(&tx, with_bob, &spot(from), &until).unwrap();
        assert_eq!(between(1, spot(9)), [(spot(1), spot(9))]);
        hold(&tx, with_bob, &spot(10), &spot(20)).unwrap();
        hold(&tx, with_bob, &spot(30), &spot(40)).unwrap();
        assert_eq!(between(12, spot(18)), []);
        assert_eq!(between(20, spot(30)), [(spot(20), spot(30))]);
        assert_eq!(between(15, spot(35)), [(spot(20), spot(30))]);
        assert_eq!(
            between(5, open_end()),
            [
                (spot(5), spot(10)),
                (spot(20), spot(30)),
                (spot(40), open_end())
            ]
        );
        assert_eq!(between(45, spot(50)), [(spot(45), spot(50))]);
    }
}
