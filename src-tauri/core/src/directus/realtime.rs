//! The socket's frames: text in, values out.
//!
//! Owns: the shapes of frames, as recorded from a running 11.17.4. Pure.
//! Never: a socket, a token kept, a decision about what a frame means.
//!
//! A frame that is not understood is [`ServerFrame::Unknown`]: counted by who
//! reads it, and dropped. The caller bounds a frame's size; of what is kept of it
//! the JSON reader refuses more than 128 levels, and what is passed over costs no
//! stack, however deep.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    call::{By, ClientFrame, ServerFrame},
    rest,
    rows::{self, Given},
};

/// The longest `uid` that is taken from a frame, in characters.
const MAX_UID: usize = 64;

/// The text of a frame to the server.
#[must_use]
pub fn write(frame: &ClientFrame) -> String {
    match frame {
        // `query.filter`, for a filter at the top is ignored; no event, so that
        // creates, updates and deletes all come; no rows with the init.
        ClientFrame::Subscribe { stamps, uid } => json!({
            "type": "subscribe",
            "collection": rest::COLLECTION,
            "uid": uid,
            "query": {
                "fields": rest::fields(*stamps),
                "filter": rest::concerns_me(),
                "limit": 0,
            },
        }),
        ClientFrame::Ping { uid } => json!({"type": "ping", "uid": uid}),
        ClientFrame::Pong => json!({"type": "pong"}),
    }
    .to_string()
}

/// The text of the auth frame. Holds the token: never to be logged.
#[must_use]
pub fn write_auth(token: &str, uid: &str) -> String {
    json!({"type": "auth", "access_token": token, "uid": uid}).to_string()
}

/// A frame: which kind it is, and its rows still as text, for what they are
/// follows from that.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Given<'a>,
    #[serde(borrow, default)]
    event: Given<'a>,
    #[serde(borrow, default)]
    status: Given<'a>,
    #[serde(default)]
    uid: Value,
    #[serde(default)]
    error: Value,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Reads a text frame.
#[must_use]
pub fn parse(text: &str) -> ServerFrame {
    super::object(text.as_bytes()).map_or(ServerFrame::Unknown, |frame| read(&frame))
}

fn read(frame: &Frame<'_>) -> ServerFrame {
    let failed = frame.status.text() == Some("error");
    let uid = || uid(&frame.uid);
    let code = || frame.error.get("code").and_then(Value::as_str);
    match frame.kind.text() {
        Some("ping") => ServerFrame::Ping,
        Some("pong") => ServerFrame::Pong { uid: uid() },
        Some("auth") if failed => match code() {
            Some("TOKEN_EXPIRED") => ServerFrame::TokenExpired,
            _ => ServerFrame::AuthFailed { uid: uid() },
        },
        Some("auth") if frame.status.text() == Some("ok") => ServerFrame::AuthOk { uid: uid() },
        Some("subscribe") if failed => ServerFrame::SubscribeFailed {
            uid: uid(),
            forbidden: matches!(code(), Some("FORBIDDEN" | "INVALID_COLLECTION")),
        },
        Some("subscription") if !failed => subscription(frame).unwrap_or(ServerFrame::Unknown),
        Some("server") if failed && code() == Some("REQUESTS_EXCEEDED") => ServerFrame::TooFast,
        _ => ServerFrame::Unknown,
    }
}

fn subscription(frame: &Frame<'_>) -> Option<ServerFrame> {
    let uid = uid(&frame.uid);
    match frame.event.text()? {
        // Whatever rows an init brings: catching up is REST's work.
        "init" => Some(ServerFrame::Init { uid }),
        "create" | "update" => Some(ServerFrame::Rows {
            uid,
            rows: rows::messages(frame.data?, By::Created)?,
        }),
        "delete" => Some(ServerFrame::Deleted {
            uid,
            ids: rows::ids(&serde_json::from_str::<Vec<Value>>(frame.data?.get()).ok()?),
        }),
        _ => None,
    }
}

/// A `uid` comes back as it was sent, or as the server likes: as a number.
fn uid(uid: &Value) -> Option<String> {
    match uid {
        Value::String(uid) => (uid.chars().count() <= MAX_UID).then(|| uid.clone()),
        Value::Number(uid) => Some(uid.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::Stamps;

    #[derive(serde::Deserialize)]
    struct Recorded {
        recorded: String,
        frame: String,
    }

    fn kind(frame: &ServerFrame) -> &'static str {
        match frame {
            ServerFrame::AuthOk { .. } => "auth ok",
            ServerFrame::AuthFailed { .. } => "auth failed",
            ServerFrame::TokenExpired => "token expired",
            ServerFrame::Ping => "ping",
            ServerFrame::Pong { .. } => "pong",
            ServerFrame::Init { .. } => "init",
            ServerFrame::Rows { .. } => "rows",
            ServerFrame::Deleted { .. } => "deleted",
            ServerFrame::SubscribeFailed { .. } => "subscribe failed",
            ServerFrame::TooFast => "too fast",
            ServerFrame::Unknown => "unknown",
        }
    }

    #[test]
    fn every_recorded_frame_is_read_as_what_it_is() {
        let mut kinds = BTreeMap::new();
        let mut read = 0;
        for line in include_str!("../../fixtures/frames.jsonl").lines() {
            let recorded: Recorded = serde_json::from_str(line).unwrap();
            assert!(!recorded.recorded.is_empty());
            let frame = parse(&recorded.frame);
            *kinds.entry(kind(&frame)).or_insert(0) += 1;
            if let ServerFrame::Rows { rows, .. } = frame {
                let sent: Value = serde_json::from_str(&recorded.frame).unwrap();
                let sent = sent["data"].as_array().unwrap().len();
                assert_eq!(rows.messages.len() + rows.set_aside.len(), sent);
                read += rows.messages.len();
            }
        }
        let expected = [
            ("auth failed", 12),
            ("auth ok", 29),
            ("deleted", 12),
            ("init", 31),
            ("ping", 12),
            ("pong", 11),
            ("rows", 143),
            ("subscribe failed", 23),
            ("token expired", 7),
            ("too fast", 5),
            // Answers to `items` frames, collab, unsubscribe, bad payloads: none
            // of which we ask for.
            ("unknown", 30),
        ];
        assert_eq!(kinds, BTreeMap::from(expected));
        assert_eq!(read, ROWS_READ);
    }

    /// Of the recorded rows; the others are of other collections, or were
    /// asked for with other fields than ours.
    const ROWS_READ: usize = 136;

    #[test]
    fn rows_that_come_as_no_array_are_dropped() {
        for frame in [
            r#"{"type":"subscription","event":"create","data":{"id":"x"}}"#,
            r#"{"type":"subscription","event":"create"}"#,
            r#"{"type":"subscription","event":"explode","data":[]}"#,
            r#"{"type":"auth"}"#,
            r#"["ping"]"#,
            "[]",
            "null",
            "",
        ] {
            assert_eq!(parse(frame), ServerFrame::Unknown, "{frame}");
        }
    }

    #[test]
    fn a_frame_nested_without_end_is_dropped() {
        let deep = format!(
            r#"{{"type":"subscription","event":"create","data":{}}}"#,
            "[".repeat(1_000_000)
        );
        assert_eq!(parse(&deep), ServerFrame::Unknown);
    }

    #[test]
    fn depth_costs_no_stack_whether_it_is_passed_over_or_kept() {
        const DEEP: usize = 1_000_000;
        let nested = |open: &str, close: &str| {
            let row = format!("{}7{}", open.repeat(DEEP), close.repeat(DEEP));
            parse(&format!(
                r#"{{"type":"subscription","event":"create","data":[{row}]}}"#
            ))
        };
        let set_aside = |frame| match frame {
            ServerFrame::Rows { rows, .. } => rows.set_aside.len(),
            _ => 0,
        };
        assert_eq!(set_aside(nested("[", "]")), 1);
        assert_eq!(set_aside(nested(r#"{"other":"#, "}")), 1);
        // A row in a row is more than any server sends.
        assert_eq!(nested(r#"{"id":"#, "}"), ServerFrame::Unknown);
    }

    #[test]
    fn one_subscription_names_its_fields_and_filters_where_the_server_looks() {
        let frame = write(&ClientFrame::Subscribe {
            stamps: Stamps::Sender,
            uid: "m".to_owned(),
        });
        let frame: Value = serde_json::from_str(&frame).unwrap();
        assert_eq!(frame["query"]["filter"], rest::concerns_me());
        assert_eq!(frame["query"]["fields"].as_array().unwrap().len(), 5);
        assert_eq!(frame["query"]["limit"], 0);
        assert!(frame.get("filter").is_none() && frame.get("event").is_none());
    }

    #[test]
    fn a_token_is_written_as_data() {
        let frame: Value = serde_json::from_str(&write_auth("a\"b", "1")).unwrap();
        assert_eq!(frame["access_token"], "a\"b");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn no_row_makes_the_reader_panic(
            id in ".{0,40}", content in ".*", stamp in ".{0,40}", field in "[a-z_]{0,12}"
        ) {
            let frame = json!({"type": "subscription", "event": "create", "data": [
                {"id": id, "content": content, "timestamp": stamp, field: [1]}, id, 7,
            ]});
            let read_back = matches!(parse(&frame.to_string()), ServerFrame::Rows { .. });
            prop_assert!(read_back);
        }
    }
}
