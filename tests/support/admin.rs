//! What an administrator sees and does on a server, by REST: the tests' way to
//! know the truth.

use serde_json::{Value, json};
use xtask::http::{Answer, Request, encode};

/// A message as the server holds it: every field it has.
pub type Row = Value;

/// An administrator's calls. Each fails the test when the server refuses it.
#[derive(Debug, Clone)]
pub struct Admin {
    port: u16,
    token: String,
}

impl Admin {
    pub(crate) fn new(port: u16, token: String) -> Self {
        Self { port, token }
    }

    /// Every message there is, oldest first by the time it was sent.
    #[track_caller]
    pub fn messages(&self) -> Vec<Row> {
        self.messages_where(&json!({}))
    }

    /// The messages that a Directus filter finds, oldest first.
    #[track_caller]
    pub fn messages_where(&self, filter: &Value) -> Vec<Row> {
        let path = format!(
            "/items/chat_messages?limit=-1&sort=timestamp,id&filter={}",
            encode(&filter.to_string())
        );
        match self.call("GET", &path, None) {
            Value::Array(rows) => rows,
            other => panic!("messages are a list, not {other}"),
        }
    }

    /// How many messages there are.
    #[track_caller]
    pub fn count(&self) -> usize {
        let path = "/items/chat_messages?aggregate[count]=id";
        let data = self.call("GET", path, None);
        let count = data.pointer("/0/count/id").cloned().unwrap_or_default();
        // A number on SQLite, a text on PostgreSQL.
        let text = count
            .as_str()
            .map_or_else(|| count.to_string(), str::to_owned);
        text.parse().expect("a count is a number")
    }

    /// Puts a message there that `sender` has sent to `receiver` (ids), and gives its row.
    #[track_caller]
    pub fn insert(
        &self,
        id: &str,
        sender: &str,
        receiver: &str,
        content: &str,
        timestamp: &str,
    ) -> Row {
        let row = json!({
            "id": id, "content": content, "sender_id": sender, "receiver_id": receiver, "timestamp": timestamp,
        });
        self.insert_rows(&Value::Array(vec![row]))
            .pop()
            .expect("one row was made")
    }

    /// Puts rows there as they are, all or none, and gives them as stored.
    #[track_caller]
    pub fn insert_rows(&self, rows: &Value) -> Vec<Row> {
        match self.call("POST", "/items/chat_messages?limit=-1", Some(rows)) {
            Value::Array(rows) => rows,
            other => panic!("made rows are a list, not {other}"),
        }
    }

    /// Changes a message.
    #[track_caller]
    pub fn change(&self, id: &str, change: &Value) -> Row {
        self.call("PATCH", &format!("/items/chat_messages/{id}"), Some(change))
    }

    /// Deletes a message for good.
    #[track_caller]
    pub fn delete(&self, id: &str) {
        self.call("DELETE", &format!("/items/chat_messages/{id}"), None);
    }

    /// Suspends a person: they can no longer sign in or renew a session.
    #[track_caller]
    pub fn suspend(&self, person: &str) {
        self.set_person(person, &json!({ "status": "suspended" }));
    }

    /// Changes a person's account.
    #[track_caller]
    pub fn set_person(&self, person: &str, change: &Value) {
        self.call("PATCH", &format!("/users/{person}"), Some(change));
    }

    /// Deletes a person.
    #[track_caller]
    pub fn delete_person(&self, person: &str) {
        self.call("DELETE", &format!("/users/{person}"), None);
    }

    /// Any call; gives the answer's `data`.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.ask(method, path, body);
        assert!(
            answer.ok(),
            "{method} {path} answered {}: {}",
            answer.status,
            answer.text
        );
        answer
            .json()
            .get_mut("data")
            .map(Value::take)
            .unwrap_or_default()
    }

    /// Any call; gives the answer as it is, also a refusal.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let mut request = Request::get(path).token(&self.token);
        request.method = method;
        request.body = body;
        match request.send(self.port) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }
}
