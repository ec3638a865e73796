//! One request of somebody's, in every way there is to ask Directus, and its answer.
//!
//! ```text
//! REST     GET SEARCH POST PATCH DELETE on /items/c, /users, /files
//! GraphQL  POST /graphql, /graphql/system
//! socket   {"type": "items", ...} on /websocket
//! ```
//! Knows how a request is written, never what should become of it.

use super::world::{Who, World};
use crate::Error;
use crate::client::Answer;
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt;

/// A request that is not made yet.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Rest {
        method: Method,
        path: String,
        query: Vec<(&'static str, String)>,
        body: Option<Value>,
    },
    GraphQl {
        /// Of Directus' own collections.
        system: bool,
        text: String,
    },
    /// A frame of type `items`.
    Socket(Value),
}

impl Call {
    pub(super) fn get(path: impl Into<String>, query: &[(&'static str, &str)]) -> Self {
        Self::Rest {
            method: Method::GET,
            path: path.into(),
            query: query
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            body: None,
        }
    }

    pub(super) fn with(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self::Rest {
            method,
            path: path.into(),
            query: Vec::new(),
            body: Some(body),
        }
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self::with(Method::POST, path, body)
    }

    pub(super) fn patch(path: impl Into<String>, body: Value) -> Self {
        Self::with(Method::PATCH, path, body)
    }

    pub(super) fn delete(path: impl Into<String>, body: Option<Value>) -> Self {
        Self::Rest {
            method: Method::DELETE,
            path: path.into(),
            query: Vec::new(),
            body,
        }
    }

    /// SEARCH: the query stands in the body.
    pub(super) fn search(path: impl Into<String>, query: Value) -> Self {
        let method = Method::from_bytes(b"SEARCH").unwrap_or(Method::GET);
        Self::with(method, path, json!({ "query": query }))
    }

    /// Makes it.
    pub(super) async fn make(&self, world: &World, who: Who) -> Result<Answer, Error> {
        let hand = world.hand(who);
        match self {
            Self::Rest {
                method,
                path,
                query,
                body,
            } => {
                let query: Vec<(&str, &str)> = query
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                hand.ask(method.clone(), path, &query, body.as_ref()).await
            }
            Self::GraphQl { system, text } => {
                let path = if *system { "graphql/system" } else { "graphql" };
                let body = json!({ "query": text });
                hand.ask(Method::POST, path, &[], Some(&body)).await
            }
            Self::Socket(frame) => super::socket::ask(hand, frame).await,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rest {
                method,
                path,
                query,
                body,
            } => {
                write!(f, "{method} /{path}")?;
                for (index, (name, value)) in query.iter().enumerate() {
                    write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
                }
                body.as_ref().map_or(Ok(()), |body| write!(f, " {body}"))
            }
            Self::GraphQl { system, text } => {
                write!(
                    f,
                    "POST /graphql{} {text}",
                    if *system { "/system" } else { "" }
                )
            }
            Self::Socket(frame) => write!(f, "socket {frame}"),
        }
    }
}

/// Where a collection is asked for by REST.
pub(super) fn path(collection: &str) -> String {
    match collection.strip_prefix("directus_") {
        Some(own) => own.to_owned(),
        None => format!("items/{collection}"),
    }
}

/// What GraphQL calls it, and whether it is one of Directus' own.
pub(super) fn graphql_name(collection: &str) -> (bool, &str) {
    match collection.strip_prefix("directus_") {
        Some(own) => (true, own),
        None => (false, collection),
    }
}

/// JSON as GraphQL writes it: keys stand bare.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}:{}", literal(value)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        plain => plain.to_string(),
    }
}

/// The way in which something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A row by its key, or a list, by REST.
    Rest,
    /// As a part of another row.
    Nested,
    /// Several in one request.
    Batch,
    /// By a filter instead of keys.
    Query,
    /// Over the WebSocket: requests, and what is told live.
    Socket,
    /// By GraphQL, also live.
    #[serde(rename = "graphql")]
    GraphQl,
    /// Nothing of the row in the answer, but something about it: counts, groups, orders.
    Oracle,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Rest,
        Self::Nested,
        Self::Batch,
        Self::Query,
        Self::Socket,
        Self::GraphQl,
        Self::Oracle,
    ];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Nested => "nested",
            Self::Batch => "batch",
            Self::Query => "query",
            Self::Socket => "socket",
            Self::GraphQl => "graphql",
            Self::Oracle => "oracle",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_its_server_reads_it() {
        let value = json!({ "id": "a", "data": [{ "n": 1, "none": null }] });
        assert_eq!(literal(&value), r#"{data:[{n:1,none:null}],id:"a"}"#);
        assert_eq!(path("chat_groups"), "items/chat_groups");
        assert_eq!(path("directus_users"), "users");
        assert_eq!(graphql_name("directus_files"), (true, "files"));
        let call = Call::get("items/a", &[("fields", "id"), ("limit", "1")]);
        assert_eq!(call.to_string(), "GET /items/a?fields=id&limit=1");
    }
}
