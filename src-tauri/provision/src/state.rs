//! What a server has, as far as the schema asks.

use crate::schema::{Action, Schema};
use crate::{Client, Error};
use serde_json::Value;
use std::collections::BTreeMap;

/// Stands in the description of everything made here.
pub(crate) const MARK: &str = "Made by Whinchat; safe to upgrade with it.";

/// What is there now. Empty: a fresh server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Collections of the schema that exist, with their fields by name.
    pub collections: BTreeMap<String, BTreeMap<String, HeldField>>,
    /// Fields that a relation starts from, as `collection.field`, with the collection they lead to.
    pub relations: BTreeMap<String, String>,
    /// The role's id.
    pub role: Option<String>,
    /// Our policies' ids by name.
    pub policies: BTreeMap<String, String>,
    /// Ids of the policies that hang on the role.
    pub attached: Vec<String>,
    /// Permissions in our policies, by policy name, collection and action.
    pub permissions: BTreeMap<(String, String, Action), HeldPermission>,
}

/// A field as the server holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldField {
    /// Its type, as Directus names it.
    pub kind: String,
    /// Its flags.
    pub special: Vec<String>,
    /// Whether it was made here.
    pub ours: bool,
}

/// A permission as the server holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldPermission {
    /// Its id.
    pub id: String,
    /// Its `fields`, `permissions`, `validation` and `presets`.
    pub content: Value,
}

impl State {
    /// Reads it. Nothing is changed.
    pub async fn read(client: &Client, schema: &Schema) -> Result<Self, Error> {
        let mut state = Self::default();
        let present: Vec<String> = rows(client.get("collections").await?)
            .iter()
            .filter_map(|row| text(row, "collection"))
            .collect();
        for collection in &schema.collections {
            if !present.iter().any(|name| name == collection.name) {
                continue;
            }
            let fields = rows(client.get(&format!("fields/{}", collection.name)).await?);
            let types = fields
                .iter()
                .filter_map(|row| Some((text(row, "field")?, held_field(row)?)))
                .collect();
            state.collections.insert(collection.name.to_owned(), types);
            for row in rows(
                client
                    .get(&format!("relations/{}", collection.name))
                    .await?,
            ) {
                if let (Some(field), Some(to)) =
                    (text(&row, "field"), text(&row, "related_collection"))
                {
                    state
                        .relations
                        .insert(format!("{}.{field}", collection.name), to);
                }
            }
        }
        let ours = |row: &Value, name: &str| {
            text(row, "name").as_deref() == Some(name)
                && text(row, "description").as_deref() == Some(MARK)
        };
        let roles = rows(
            client
                .get("roles?limit=-1&fields=id,name,description&sort=id")
                .await?,
        );
        state.role = roles
            .iter()
            .find(|row| ours(row, schema.role))
            .and_then(|row| text(row, "id"));
        let policies = rows(
            client
                .get("policies?limit=-1&fields=id,name,description&sort=id")
                .await?,
        );
        for policy in &schema.policies {
            if let Some(id) = policies
                .iter()
                .find(|row| ours(row, policy.name))
                .and_then(|row| text(row, "id"))
            {
                state.policies.insert(policy.name.to_owned(), id);
            }
        }
        if let Some(role) = &state.role {
            let path = format!("access?limit=-1&fields=policy&filter[role][_eq]={role}");
            state.attached = rows(client.get(&path).await?)
                .iter()
                .filter_map(|row| text(row, "policy"))
                .collect();
        }
        for (name, id) in state.policies.clone() {
            let path = format!(
                "permissions?limit=-1&fields=id,collection,action,fields,permissions,validation,presets&filter[policy][_eq]={id}"
            );
            for row in rows(client.get(&path).await?) {
                let action = match text(&row, "action").as_deref() {
                    Some("read") => Action::Read,
                    Some("create") => Action::Create,
                    Some("update") => Action::Update,
                    _ => continue,
                };
                let (Some(collection), Some(id)) = (text(&row, "collection"), row.get("id")) else {
                    continue;
                };
                let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                let held = HeldPermission { id, content: row };
                state
                    .permissions
                    .insert((name.clone(), collection, action), held);
            }
        }
        Ok(state)
    }
}

fn rows(data: Value) -> Vec<Value> {
    match data {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}

fn text(row: &Value, key: &str) -> Option<String> {
    row.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// A field's type. SQLite has no uuid: Directus keeps one in 36 characters there, and
/// calls it a string when nothing but a relation says otherwise.
fn field_type(row: &Value) -> Option<String> {
    let kind = text(row, "type")?;
    let schema = |key: &str| row.pointer(&format!("/schema/{key}"));
    let uuid_sized = schema("max_length").and_then(Value::as_u64) == Some(36)
        && schema("data_type").and_then(Value::as_str) == Some("char");
    Some(if kind == "string" && uuid_sized {
        "uuid".to_owned()
    } else {
        kind
    })
}

fn held_field(row: &Value) -> Option<HeldField> {
    let special = row.pointer("/meta/special").and_then(Value::as_array);
    let flags = special.into_iter().flatten().filter_map(Value::as_str);
    Some(HeldField {
        kind: field_type(row)?,
        special: flags.map(str::to_owned).collect(),
        ours: row.pointer("/meta/note").and_then(Value::as_str) == Some(MARK),
    })
}
