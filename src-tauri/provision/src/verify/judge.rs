//! What an answer comes to.
//!
//! A refusal counts only where the server says that it is one: an answer that the request
//! means nothing, or that the server failed, proves nothing, and is told as odd.

use crate::client::Answer;
use serde_json::Value;

/// What the server did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It refused, with this code.
    Refused(String),
    /// It did it, or gave an answer, in which nothing is.
    Bare,
    /// It did it, or gave an answer, with something in it.
    Shown,
    /// Neither: an error that is no refusal.
    Odd(String),
}

/// Directus' codes for "you may not".
const REFUSALS: [&str; 8] = [
    "FORBIDDEN",
    "FAILED_VALIDATION",
    "RECORD_NOT_UNIQUE",
    "INVALID_CREDENTIALS",
    "USER_SUSPENDED",
    // GraphQL's schema holds only what somebody may do: the rest is not known to it.
    "GRAPHQL_VALIDATION",
    // So says the socket of Directus' own collections.
    "INVALID_COLLECTION",
    "TOKEN_EXPIRED",
];

/// Reads it. `also` are codes that are a refusal of this one request.
pub(super) fn judge(answer: &Answer, also: &[&str]) -> Told {
    let code = answer
        .body
        .pointer("/errors/0/extensions/code")
        .or_else(|| answer.body.pointer("/error/code"))
        .and_then(Value::as_str);
    if let Some(code) = code {
        // GraphQL answers in parts: an error beside something that was done.
        let done = answer.body.get("data").is_some_and(|data| !is_bare(data));
        if done && answer.status < 300 {
            return Told::Shown;
        }
        return if REFUSALS.contains(&code) || also.contains(&code) {
            Told::Refused(code.to_owned())
        } else {
            Told::Odd(format!("{} {code}", answer.status))
        };
    }
    if answer.status >= 300 {
        return Told::Odd(answer.status.to_string());
    }
    // An export is the bare rows.
    let data = answer.body.get("data").unwrap_or(&answer.body);
    if is_bare(data) {
        Told::Bare
    } else {
        Told::Shown
    }
}

/// Whether nothing is told by it: no row, no count but zero.
fn is_bare(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0",
        Value::Array(items) => items.iter().all(is_bare),
        Value::Object(map) => map.values().all(is_bare),
    }
}

/// Whether a field of this name holds anything, anywhere in the answer.
pub(super) fn holds_field(value: &Value, name: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| holds_field(item, name)),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| (key == name && !is_bare(value)) || holds_field(value, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(status: u16, body: Value) -> Told {
        judge(&Answer { status, body }, &[])
    }

    #[test]
    fn only_a_refusal_is_a_refusal() {
        let error = |code: &str| json!({ "errors": [{ "extensions": { "code": code } }] });
        assert_eq!(
            told(403, error("FORBIDDEN")),
            Told::Refused("FORBIDDEN".to_owned())
        );
        assert!(matches!(told(400, error("INVALID_PAYLOAD")), Told::Odd(_)));
        assert!(matches!(
            told(500, error("INTERNAL_SERVER_ERROR")),
            Told::Odd(_)
        ));
        assert!(matches!(told(502, Value::Null), Told::Odd(_)));
        let answer = Answer {
            status: 400,
            body: error("INVALID_PAYLOAD"),
        };
        assert!(matches!(
            judge(&answer, &["INVALID_PAYLOAD"]),
            Told::Refused(_)
        ));
        let frame = json!({ "type": "items", "error": { "code": "FORBIDDEN" } });
        assert!(matches!(told(400, frame), Told::Refused(_)));
        let half = json!({ "data": { "a": { "id": "x" } }, "errors": [{ "extensions": { "code": "FORBIDDEN" } }] });
        assert_eq!(
            told(200, half),
            Told::Shown,
            "something was done all the same"
        );
    }

    #[test]
    fn an_answer_without_rows_and_with_counts_of_zero_tells_nothing() {
        for bare in [
            json!({ "data": [] }),
            json!({ "data": null }),
            json!({ "data": [{ "count": { "id": 0 } }] }),
            json!({ "data": [{ "count": "0", "max": { "date_created": null } }] }),
            json!({ "data": { "chat_messages": [] } }),
            json!([]),
        ] {
            assert_eq!(told(200, bare.clone()), Told::Bare, "{bare}");
        }
        for shown in [
            json!({ "data": [{ "id": "x" }] }),
            json!({ "data": [{ "count": "1" }] }),
            json!([{ "id": "x" }]),
        ] {
            assert_eq!(told(200, shown.clone()), Told::Shown, "{shown}");
        }
        assert_eq!(told(204, Value::Null), Told::Bare);
    }

    #[test]
    fn a_field_is_found_however_deep() {
        let body = json!({ "data": [{ "a": { "email": "x@y" }, "token": null }] });
        assert!(holds_field(&body, "email"));
        assert!(!holds_field(&body, "token"));
    }
}
