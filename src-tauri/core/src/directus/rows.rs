//! Rows as a server sends them, read one by one.
//!
//! Owns: what a row must look like, and how large it may be. Everything here
//! is hostile until checked; a bad row is set aside and never stops its page.
//! Never: a decision about whom a row concerns.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::call::{BadRow, By, DayTotal, Rows, Total};
use crate::model::{Instant, Message, MessageId, Person, PersonId};

/// The longest text that is kept whole, in bytes; the rest is cut off.
///
/// A server takes 1 MB by REST but 100 MiB over a socket.
pub const MAX_CONTENT: usize = 1 << 20;

/// The longest name that is kept whole, in bytes.
const MAX_NAME: usize = 512;

/// The longest id of a row set aside that is kept for counting, in characters.
const MAX_BAD_ID: usize = 64;

/// Cuts at a character's end, at most `limit` bytes.
fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn text<'a>(row: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    row.get(field).and_then(Value::as_str)
}

fn instant(row: &Map<String, Value>, field: &str) -> Option<Instant> {
    text(row, field).and_then(Instant::parse)
}

fn person(row: &Map<String, Value>, field: &str) -> Option<PersonId> {
    text(row, field)?.parse().ok()
}

/// What a server gave where a row or a text belongs. Of anything else nothing is
/// kept, and an object is a row wherever it stands.
#[derive(Default)]
pub(super) enum Given<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    Row(Box<Row<'a>>),
    Other,
}

impl Given<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn instant(&self) -> Option<Instant> {
        self.text().and_then(Instant::parse)
    }

    fn person(&self) -> Option<PersonId> {
        self.text()?.parse().ok()
    }

    /// The stamp of a row by which a page may be ordered.
    fn stamp(&self, by: By) -> Option<Instant> {
        match (self, by) {
            (Self::Row(row), By::Created) => row.stamp(),
            (Self::Row(row), By::Updated) => row.updated.instant(),
            _ => None,
        }
    }

    fn message(self) -> Result<Message, BadRow> {
        match self {
            Self::Row(row) => row.message(),
            _ => Err(Row::default().bad("row")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Given<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Given::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Given::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Given::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Given::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Given::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut of: A) -> Result<Self::Value, A::Error> {
        while of.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Given::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut of: A) -> Result<Self::Value, A::Error> {
        let mut row = Box::<Row<'de>>::default();
        while let Some(name) = of.next_key()? {
            let field = match name {
                Name::Id => &mut row.id,
                Name::Content => &mut row.content,
                Name::SenderId => &mut row.sender,
                Name::ReceiverId => &mut row.receiver,
                Name::Timestamp => &mut row.timestamp,
                Name::DateCreated => &mut row.created,
                Name::DateUpdated => &mut row.updated,
                Name::Other => {
                    of.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = of.next_value()?;
        }
        Ok(Given::Row(row))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    Id,
    Content,
    SenderId,
    ReceiverId,
    Timestamp,
    DateCreated,
    DateUpdated,
    #[serde(other)]
    Other,
}

/// A row of messages as it came. Whatever else it holds is passed over.
#[derive(Default)]
pub(super) struct Row<'a> {
    id: Given<'a>,
    content: Given<'a>,
    sender: Given<'a>,
    receiver: Given<'a>,
    timestamp: Given<'a>,
    created: Given<'a>,
    updated: Given<'a>,
}

impl Row<'_> {
    /// `date_created` where it was asked for and is there, else `timestamp`.
    fn stamp(&self) -> Option<Instant> {
        let created = self.created.instant();
        created.or_else(|| self.timestamp.instant())
    }

    fn bad(&self, reason: &'static str) -> BadRow {
        let id = self.id.text();
        BadRow {
            id: id.map(|id| id.chars().take(MAX_BAD_ID).collect()),
            reason,
            at: None,
        }
    }

    fn message(self) -> Result<Message, BadRow> {
        let id = self.id.text().and_then(|id| id.parse().ok());
        let id: MessageId = id.ok_or_else(|| self.bad("id"))?;
        if !matches!(self.content, Given::Text(_) | Given::Null) {
            return Err(self.bad("content"));
        }
        let updated = match &self.updated {
            Given::Absent | Given::Null => None,
            given => Some(given.instant().ok_or_else(|| self.bad("date_updated"))?),
        };
        let sender = self.sender.person();
        let sender = sender.ok_or_else(|| self.bad("sender_id"))?;
        let receiver = self.receiver.person();
        let receiver = receiver.ok_or_else(|| self.bad("receiver_id"))?;
        let stamp = self.stamp().ok_or_else(|| self.bad("timestamp"))?;
        let content = match self.content {
            Given::Text(Cow::Owned(text)) if text.len() <= MAX_CONTENT => text,
            Given::Text(text) => cut(&text, MAX_CONTENT).to_owned(),
            _ => String::new(),
        };
        Ok(Message {
            id,
            content,
            sender,
            receiver,
            stamp,
            updated,
        })
    }
}

/// Reads one message.
///
/// A text that is `null` is shown as empty: somebody made that row, and
/// hiding it would leave a hole. A text over [`MAX_CONTENT`] is cut.
///
/// # Errors
/// Which field was wrong.
pub fn message<'de>(row: impl Deserializer<'de>) -> Result<Message, BadRow> {
    Given::deserialize(row).unwrap_or_default().message()
}

/// Reads a page of messages, each before the next is looked at. `by` says
/// which stamp ordered it. `None` where there is no array, or one that is no JSON.
pub fn messages<'de>(data: impl Deserializer<'de>, by: By) -> Option<Rows> {
    Page(by).deserialize(data).ok()
}

struct Page(By);

impl<'de> DeserializeSeed<'de> for Page {
    type Value = Rows;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Rows, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Page {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut of: A) -> Result<Rows, A::Error> {
        let mut rows = Rows::default();
        while let Some(given) = of.next_element::<Given<'de>>()? {
            rows.count = rows.count.saturating_add(1);
            let at = given.stamp(self.0);
            rows.last = at.or(rows.last);
            match given.message() {
                Ok(message) => rows.messages.push(message),
                Err(bad) => rows.set_aside.push(BadRow { at, ..bad }),
            }
        }
        Ok(rows)
    }
}

/// Reads ids of deleted rows; what is no uuid is dropped.
#[must_use]
pub fn ids(data: &[Value]) -> Vec<MessageId> {
    data.iter()
        .filter_map(|id| id.as_str()?.parse().ok())
        .collect()
}

/// What the key of every account begins with that `whinchat-provision verify` makes: nobody
/// to write to, and gone in minutes.
pub const PROBES: &str = "01936f00-c4a8-7000-8000-";

/// Reads one person of the directory; none of a verification. Names are cut at 512 bytes; control
/// characters and the marks that turn the direction of text are taken out, so
/// that a name can't dress up as something else.
#[must_use]
pub fn one_person(row: &Value) -> Option<Person> {
    let row = row.as_object()?;
    if text(row, "id").is_some_and(|id| id.to_lowercase().starts_with(PROBES)) {
        return None;
    }
    let id = person(row, "id")?;
    let mut name = String::new();
    for part in ["first_name", "last_name"] {
        let part = text(row, part).unwrap_or_default();
        if !name.is_empty() && !part.trim().is_empty() {
            name.push(' ');
        }
        name.extend(cut(part, MAX_NAME).chars().filter(|c| {
            !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        }));
    }
    Some(Person {
        id,
        name: name.trim().to_owned(),
    })
}

/// A count, which databases give as a number or, for large ones, as a text.
fn count(row: &Map<String, Value>) -> Option<u64> {
    match row.get("count")? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        Value::Object(by_field) => match by_field.get("*").or_else(|| by_field.get("id"))? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// Reads totals per sender and receiver; rows without both are dropped, for
/// they concern nobody.
#[must_use]
pub fn totals(data: &[Value], stamp: &str) -> Vec<Total> {
    let read = |row: &Value| {
        let row = row.as_object()?;
        Some(Total {
            sender: person(row, "sender_id")?,
            receiver: person(row, "receiver_id")?,
            count: count(row)?,
            newest: row
                .get("max")
                .and_then(Value::as_object)
                .and_then(|max| instant(max, stamp)),
        })
    };
    data.iter().filter_map(read).collect()
}

/// Reads totals per sender, receiver and day. The server names the parts
/// `timestamp_year`, `timestamp_month` and `timestamp_day`.
#[must_use]
pub fn days(data: &[Value]) -> Vec<DayTotal> {
    let read = |row: &Value| {
        let row = row.as_object()?;
        let part = |name: &str| match row.get(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let (year, month, day) = (
            part("timestamp_year")?,
            part("timestamp_month")?,
            part("timestamp_day")?,
        );
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        Some(DayTotal {
            sender: person(row, "sender_id")?,
            receiver: person(row, "receiver_id")?,
            day: Instant::parse(&format!("{year:04}-{month:02}-{day:02}T00:00:00"))?,
            count: count(row)?,
        })
    };
    data.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ALICE: &str = "5463fbc0-a420-446b-a024-e58abb0969e5";
    const BOB: &str = "718239f7-4723-4b29-a8e4-7b2c49a6320b";

    fn row() -> Value {
        json!({
            "id": "019ab000-0000-7000-8000-000000000001", "content": "Hi Bob",
            "sender_id": ALICE, "receiver_id": BOB, "timestamp": "2026-11-23T03:00:00",
        })
    }

    #[test]
    fn the_five_fields_of_the_tutorial_are_a_message() {
        let message = message(row()).unwrap();
        assert_eq!(message.content, "Hi Bob");
        assert_eq!(message.sender.to_string(), ALICE);
        assert_eq!(message.receiver.to_string(), BOB);
        assert_eq!(message.stamp.to_naive(), "2026-11-23T03:00:00");
        assert!(message.is_me(ALICE.parse().unwrap()));
        assert!(!message.is_me(BOB.parse().unwrap()));
    }

    #[test]
    fn the_servers_stamp_goes_before_the_senders() {
        let mut row = row();
        row["date_created"] = json!("2026-11-23T03:39:24.271Z");
        let read = message(&row).unwrap();
        assert_eq!(read.stamp.to_zoned(), "2026-11-23T03:39:24.271Z");
        // Rows that are older than the field keep the stamp they had.
        row["date_created"] = Value::Null;
        let read = message(&row).unwrap();
        assert_eq!(read.stamp.to_naive(), "2026-11-23T03:00:00");
    }

    #[test]
    fn a_row_without_text_is_shown_empty() {
        let mut row = row();
        row["content"] = Value::Null;
        assert_eq!(message(&row).unwrap().content, "");
    }

    #[test]
    fn a_bad_row_is_set_aside_by_the_field_that_is_wrong() {
        for (field, value) in [
            ("id", json!("1795404803591")),
            ("id", json!(7)),
            ("content", json!({"a": 1})),
            ("sender_id", Value::Null),
            ("receiver_id", json!({"id": BOB})),
            ("timestamp", Value::Null),
            ("timestamp", json!("yesterday")),
            ("date_updated", json!(5)),
        ] {
            let mut row = row();
            row[field] = value;
            assert_eq!(message(&row).unwrap_err().reason, field);
        }
        assert_eq!(message(json!("row")).unwrap_err().reason, "row");
        let long = json!({"id": "ä".repeat(1000)});
        assert_eq!(message(&long).unwrap_err().id.unwrap().chars().count(), 64);
    }

    #[test]
    fn a_row_is_read_from_its_text_as_json_has_it() {
        let read = |more: &str| {
            let text = format!(
                r#"{{"other": [[{{}}], 1e9], "id": "019ab000-0000-7000-8000-000000000001",
                  "sender_id": "{ALICE}", "receiver_id": "{BOB}", "content": "first",
                  "timestamp": "2026-11-23T03:00:00", {more}}}"#
            );
            message(&mut serde_json::Deserializer::from_str(&text))
        };
        // Written as it is, escaped, and given twice: then the last holds.
        for (content, text) in [
            (r#""Grüße""#, "Grüße"),
            (r#""a\"b\\c\u00e9\ud83d\ude00""#, "a\"b\\cé😀"),
            ("null", ""),
        ] {
            let read = read(&format!(r#""content": {content}, "id_": 5"#)).unwrap();
            assert_eq!(read.content, text);
        }
        for content in ["5", "true", "-1", "1.5", "[[]]", r#"{"id": {"id": 7}}"#] {
            let bad = read(&format!(r#""content": {content}"#)).unwrap_err();
            assert_eq!(bad.reason, "content", "{content}");
        }
        assert_eq!(read(r#""content": "\ud83d""#).unwrap_err().reason, "row");
    }

    #[test]
    fn a_bad_row_stops_neither_its_page_nor_the_cursor() {
        let mut bad = row();
        bad["sender_id"] = Value::Null;
        bad["timestamp"] = json!("2026-11-23T04:00:00");
        let rows = messages(json!([row(), bad, null]), By::Created).unwrap();
        assert_eq!((rows.messages.len(), rows.set_aside.len()), (1, 2));
        assert_eq!(rows.count, 3);
        assert_eq!(rows.last.unwrap().to_naive(), "2026-11-23T04:00:00");
        assert_eq!(messages(json!([row()]), By::Updated).unwrap().last, None);
        assert_eq!(messages(row(), By::Created), None);
    }

    #[test]
    fn a_text_larger_than_a_server_takes_is_cut_at_a_character() {
        let mut row = row();
        row["content"] = json!("€".repeat(MAX_CONTENT));
        let content = message(&row).unwrap().content;
        assert!(content.len() <= MAX_CONTENT && content.len() > MAX_CONTENT - 3);
        assert!(content.chars().all(|c| c == '€'));
    }

    #[test]
    fn a_name_cannot_turn_the_direction_of_what_follows() {
        let person = one_person(&json!({
            "id": ALICE, "first_name": " Al\u{202e}ice\n", "last_name": null,
        }))
        .unwrap();
        assert_eq!(person.name, "Alice");
        let person =
            one_person(&json!({"id": ALICE, "first_name": "Alice", "last_name": "Test"})).unwrap();
        assert_eq!(person.name, "Alice Test");
        assert!(one_person(&json!({"id": "x"})).is_none());
        let probe = format!("{PROBES}000000000101");
        assert!(one_person(&json!({"id": probe, "first_name": "Eve"})).is_none());
    }

    #[test]
    fn totals_and_days_are_read_as_both_databases_write_them() {
        let data = [
            json!({"sender_id": ALICE, "receiver_id": BOB, "count": 500,
                "max": {"date_created": "2026-11-23T03:40:37.806Z"}}),
            json!({"sender_id": BOB, "receiver_id": ALICE, "count": "513", "max": {"date_created": null}}),
            json!({"sender_id": null, "receiver_id": ALICE, "count": 2}),
        ];
        let totals = totals(&data, "date_created");
        assert_eq!(totals.len(), 2);
        assert_eq!((totals[0].count, totals[1].count), (500, 513));
        assert_eq!(
            totals[0].newest.unwrap().to_zoned(),
            "2026-11-23T03:40:37.806Z"
        );
        assert_eq!(totals[1].newest, None);
        let data = [
            json!({"sender_id": ALICE, "receiver_id": BOB, "count": 3,
                "timestamp_year": 2026, "timestamp_month": 11, "timestamp_day": 23}),
            json!({"sender_id": ALICE, "receiver_id": BOB, "count": 3,
                "timestamp_year": 2026, "timestamp_month": 13, "timestamp_day": 23}),
        ];
        let days = days(&data);
        assert_eq!(days.len(), 1);
        assert_eq!(days[0].day.to_naive(), "2026-11-23T00:00:00");
    }
}
