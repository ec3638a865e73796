//! People and messages put on a server by its administrator: for a
//! demonstration, for tests, and for probing what a person may do.

use crate::apply::set_flags;
use crate::schema::{MESSAGES, Schema};
use crate::state::State;
use crate::{Client, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Somebody who should have an account.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewPerson {
    /// The e-mail to sign in with; people are told apart by it.
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The password to sign in with.
    pub password: String,
}

/// A message that somebody sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewMessage {
    /// The message's uuid, made by whoever sends it.
    pub id: String,
    /// The text.
    pub content: String,
    /// The sender's id.
    pub sender_id: String,
    /// The receiver's id.
    pub receiver_id: String,
    /// When it was sent: `2026-11-23T08:15:00Z`.
    pub timestamp: String,
}

/// Makes sure that this person exists with the schema's role, and gives their id.
/// An account that is there keeps its name; role and password are set.
pub async fn ensure_person(
    client: &Client,
    schema: &Schema,
    person: &NewPerson,
) -> Result<String, Error> {
    let state = State::read(client, schema).await?;
    let role = state
        .role
        .ok_or_else(|| Error::Shape("roles".to_owned(), "role of ours"))?;
    let filter = json!({ "email": { "_eq": person.email } }).to_string();
    let query: String =
        reqwest::Url::parse_with_params("http://localhost/", [("filter", filter.as_str())])
            .ok()
            .and_then(|url| url.query().map(str::to_owned))
            .unwrap_or_default();
    let found = client
        .get(&format!("users?limit=1&fields=id&{query}"))
        .await?;
    let id = |row: &Value| row.get("id").and_then(Value::as_str).map(str::to_owned);
    if let Some(id) = found.get(0).and_then(id) {
        let body = json!({ "role": role, "password": person.password, "status": "active" });
        client.patch(&format!("users/{id}"), &body).await?;
        return Ok(id);
    }
    let body = json!({
        "email": person.email, "first_name": person.first_name, "last_name": person.last_name,
        "password": person.password, "role": role, "status": "active",
    });
    let made = client.post("users", &body).await?;
    id(&made).ok_or_else(|| Error::Shape("users".to_owned(), "id"))
}

/// Puts those messages there that are not yet, all or none, and gives how many were new.
/// On a stamped server each gets its own time as `date_created`, so that history is in
/// the order it was spoken in. Not for a server on which people are writing just now.
pub async fn add_messages(
    client: &Client,
    schema: &Schema,
    messages: &[NewMessage],
) -> Result<usize, Error> {
    let has = |name: &str| {
        let fields = schema.collection(MESSAGES).into_iter();
        let mut fields = fields.flat_map(|collection| &collection.fields);
        fields.any(|field| field.name == name)
    };
    let (stamped, keyed) = (has("date_created"), has("sender_key"));
    let mut rows = Vec::new();
    for message in messages {
        let path = format!(
            "items/{MESSAGES}?fields=id&limit=1&filter[id][_eq]={}",
            message.id
        );
        if client.get(&path).await?.get(0).is_some() {
            continue;
        }
        let mut row = json!(message);
        if let (true, Value::Object(map)) = (stamped, &mut row) {
            map.insert("date_created".to_owned(), json!(message.timestamp));
        }
        if let (true, Value::Object(map)) = (keyed, &mut row) {
            map.insert("sender_key".to_owned(), json!(message.sender_id));
            map.insert("receiver_key".to_owned(), json!(message.receiver_id));
        }
        rows.push(row);
    }
    let new = rows.len();
    if new == 0 {
        return Ok(0);
    }
    // Directus stamps what is created, whoever creates it: the flag is off for this one call.
    // Should this break off in between, the next `apply` finds it missing and sets it again.
    let state = State::read(client, schema).await?;
    let field = state
        .collections
        .get(MESSAGES)
        .and_then(|held| held.fields.get("date_created"))
        .filter(|_| stamped);
    let flags: Vec<&str> = field.map_or_else(Vec::new, |field| {
        field.special.iter().map(String::as_str).collect()
    });
    let without: Vec<&str> = flags
        .iter()
        .copied()
        .filter(|flag| *flag != "date-created")
        .collect();
    if stamped {
        set_flags(client, MESSAGES, "date_created", &without).await?;
    }
    let path = format!("items/{MESSAGES}?fields=id");
    let stored = client.post(&path, &Value::Array(rows)).await;
    if stamped {
        set_flags(client, MESSAGES, "date_created", &flags).await?;
    }
    stored.map(|_| new)
}
