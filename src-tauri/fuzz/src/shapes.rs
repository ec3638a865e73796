//! Bytes as JSON of the shapes that a server sends, nearly right more often
//! than not: that is where a reader goes wrong.

use arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

/// People and messages that come again and again.
pub const IDS: [&str; 6] = [
    "5463fbc0-a420-446b-a024-e58abb0969e5",
    "718239f7-4723-4b29-a8e4-7b2c49a6320b",
    "019ab000-0000-7000-8000-000000000001",
    "019ab000-0000-7000-8000-000000000002",
    "5463FBC0-A420-446B-A024-E58ABB0969E5",
    "1795404803591",
];

/// Instants, at the ends of what can be written and beyond.
const INSTANTS: [&str; 12] = [
    "2026-11-23T03:39:24.271Z",
    "2026-11-23T03:39:24",
    "2026-11-23T03:39:25.000Z",
    "2026-11-23 03:39:24.5",
    "2026-11-23T07:00:00+02:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "+262142-12-31T23:59:59Z",
    "2016-12-31T23:59:60Z",
    "1970-01-01T00:00:00.000Z",
];

const FIELDS: [&str; 16] = [
    "id",
    "content",
    "sender_id",
    "receiver_id",
    "timestamp",
    "date_created",
    "date_updated",
    "first_name",
    "last_name",
    "count",
    "max",
    "timestamp_year",
    "timestamp_month",
    "timestamp_day",
    "*",
    "data",
];

/// A word: an id, an instant, or whatever the bytes say.
fn word(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(match u.int_in_range(0..=3)? {
        0 => (*u.choose(&IDS)?).to_owned(),
        1 => (*u.choose(&INSTANTS)?).to_owned(),
        2 => "ä\u{202e}☕".repeat(u.int_in_range(0..=64)?),
        _ => u.arbitrary()?,
    })
}

/// Any JSON, not deep.
pub fn any(u: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    Ok(match u.int_in_range(0..=if depth == 0 { 5 } else { 7 })? {
        0 => Value::Null,
        1 => json!(u.arbitrary::<bool>()?),
        2 => json!(u.arbitrary::<i64>()?),
        3 => json!(u.arbitrary::<u64>()?),
        4 => json!(u.arbitrary::<f64>()?),
        5 => json!(word(u)?),
        6 => {
            let count = u.int_in_range(0..=4)?;
            let all: Result<Vec<Value>> = (0..count).map(|_| any(u, depth - 1)).collect();
            Value::Array(all?)
        }
        _ => {
            let mut object = Map::new();
            for _ in 0..u.int_in_range(0..=4)? {
                let name = (*u.choose(&FIELDS)?).to_owned();
                object.insert(name, any(u, depth - 1)?);
            }
            Value::Object(object)
        }
    })
}

/// A row of messages, totals, days or people: right, with one field in eight wrong.
pub fn row(u: &mut Unstructured<'_>) -> Result<Value> {
    let id = |u: &mut Unstructured<'_>| u.choose(&IDS).map(|id| json!(id));
    let at = |u: &mut Unstructured<'_>| u.choose(&INSTANTS).map(|at| json!(at));
    let mut object = Map::new();
    for name in FIELDS {
        if u.ratio(1, 16)? {
            continue;
        }
        let value = if u.ratio(1, 8)? {
            any(u, 2)?
        } else {
            match name {
                "id" | "sender_id" | "receiver_id" => id(u)?,
                "timestamp" | "date_created" | "date_updated" => at(u)?,
                "max" => json!({"date_created": at(u)?, "timestamp": at(u)?}),
                "count" => json!(u.arbitrary::<u64>()?),
                "timestamp_year" => json!(u.int_in_range(0..=10_000_i64)?),
                "timestamp_month" => json!(u.int_in_range(0..=13)?),
                "timestamp_day" => json!(u.int_in_range(0..=32)?),
                _ => json!(word(u)?),
            }
        };
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}

/// Rows, a few.
pub fn rows(u: &mut Unstructured<'_>) -> Result<Value> {
    let count = u.int_in_range(0..=6)?;
    let rows: Result<Vec<Value>> = (0..count)
        .map(|_| if u.ratio(1, 16)? { any(u, 2) } else { row(u) })
        .collect();
    Ok(Value::Array(rows?))
}

/// The text of a frame.
pub fn frame(u: &mut Unstructured<'_>) -> Result<String> {
    let mut object = Map::new();
    let kinds = [
        "subscription",
        "subscribe",
        "auth",
        "ping",
        "pong",
        "server",
        "items",
    ];
    let events = ["create", "update", "delete", "init", "explode"];
    let codes = [
        "TOKEN_EXPIRED",
        "AUTH_FAILED",
        "FORBIDDEN",
        "REQUESTS_EXCEEDED",
        "INVALID_COLLECTION",
        "X",
    ];
    object.insert("type".to_owned(), json!(u.choose(&kinds)?));
    if u.arbitrary()? {
        let status = if u.arbitrary()? { "ok" } else { "error" };
        object.insert("status".to_owned(), json!(status));
    }
    if u.arbitrary()? {
        object.insert("event".to_owned(), json!(u.choose(&events)?));
    }
    if u.arbitrary()? {
        object.insert("uid".to_owned(), any(u, 1)?);
    }
    if u.arbitrary()? {
        object.insert("error".to_owned(), json!({"code": u.choose(&codes)?}));
    }
    let data = if u.ratio(1, 8)? {
        any(u, 3)?
    } else if u.ratio(1, 4)? {
        json!([u.choose(&IDS)?, u.choose(&IDS)?, any(u, 1)?])
    } else {
        rows(u)?
    };
    object.insert("data".to_owned(), data);
    Ok(Value::Object(object).to_string())
}

/// Status and body of a REST answer.
pub fn answer(u: &mut Unstructured<'_>) -> Result<(u16, Vec<u8>)> {
    let codes = [
        "RECORD_NOT_UNIQUE",
        "FORBIDDEN",
        "FAILED_VALIDATION",
        "INVALID_FOREIGN_KEY",
        "INVALID_PAYLOAD",
        "TOKEN_EXPIRED",
        "INVALID_CREDENTIALS",
        "CONTENT_TOO_LARGE",
        "ROUTE_NOT_FOUND",
    ];
    let refused = [400, 401, 403, 404, 408, 413, 425, 429, 500, 503, 302];
    Ok(match u.int_in_range(0..=9)? {
        0 => {
            let extensions = json!({"code": u.choose(&codes)?, "field": any(u, 1)?});
            let body = json!({"errors": [{"message": "no", "extensions": extensions}]});
            (*u.choose(&refused)?, body.to_string().into_bytes())
        }
        1 => (u.arbitrary()?, any(u, 3)?.to_string().into_bytes()),
        2 => (204, Vec::new()),
        3 => (200, json!({"data": row(u)?}).to_string().into_bytes()),
        4 => (200, json!({"data": any(u, 3)?}).to_string().into_bytes()),
        _ => (200, json!({"data": rows(u)?}).to_string().into_bytes()),
    })
}
