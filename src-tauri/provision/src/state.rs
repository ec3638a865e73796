//! What a server has, as far as the schema asks. Reads only.

use crate::ids;
use crate::schema::{Action, Collection, Field, Kind, MESSAGES, SETUP, SETUP_ROW, Schema};
use crate::{Client, Error};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Stands in the description of everything made here.
pub(crate) const MARK: &str = "Made by Whinchat; safe to upgrade with it.";

/// What is there now. Empty: a fresh server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// What the server says of itself; only asked for [`Kind::Full`].
    pub server: Option<ServerFacts>,
    /// Collections of the schema that exist.
    pub collections: BTreeMap<String, HeldCollection>,
    /// Fields that a relation starts from, as `collection.field`.
    pub relations: BTreeMap<String, HeldRelation>,
    /// The id of the role of ours.
    pub role: Option<String>,
    /// Names of all roles by id.
    pub roles: BTreeMap<String, String>,
    /// The id of the folder of ours.
    pub folder: Option<String>,
    /// Our policies' ids by name.
    pub policies: BTreeMap<String, String>,
    /// Which of our policies hang on which roles: policy id, role id.
    pub attached: BTreeSet<(String, String)>,
    /// Permissions in our policies, by policy name, collection and action.
    pub permissions: BTreeMap<(String, String, Action), HeldPermission>,
    /// Permissions that somebody put into our policies beside those: policy, collection, action.
    pub strange_permissions: BTreeSet<(String, String, String)>,
    /// What is recorded on the server about ours.
    pub record: Option<Record>,
    /// What rows from before lack; not asked once the version is recorded.
    pub unfilled: BTreeSet<Fill>,
    /// Fields outside of the schema that point to its collections: `collection.field`, to which.
    pub pointed_at: BTreeMap<String, String>,
    /// Values that would point nowhere, by `collection.field`.
    pub dangling: BTreeMap<String, Dangling>,
}

/// What a server says of itself to an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerFacts {
    /// Its version, e.g. `11.17.4`; an old one does not tell.
    pub version: Option<String>,
    /// Whether it offers WebSockets at `/websocket`.
    pub websockets: bool,
    /// Whether who asks is an administrator.
    pub administrator: bool,
    /// Whether its licence lets permissions have rules. Before version 12 all do.
    pub rules_allowed: bool,
}

/// A collection as the server holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeldCollection {
    /// Whether it was made here.
    pub ours: bool,
    /// Whether the server keeps what rows were before.
    pub history: bool,
    /// Its fields by name.
    pub fields: BTreeMap<String, HeldField>,
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
    /// Whether a row can't be made without a value.
    pub needed: bool,
}

/// A relation as the server holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRelation {
    /// The collection pointed to.
    pub to: String,
    /// What happens when that row is deleted; of a relation without a key in the database, nothing.
    pub on_delete: Option<String>,
    /// The field on the other side.
    pub reverse: Option<String>,
}

/// A permission as the server holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldPermission {
    /// Its id.
    pub id: String,
    /// Its `fields`, `permissions`, `validation` and `presets`.
    pub content: Value,
}

/// From this version on messages have the keys of people in plain fields.
const WITH_KEYS: u32 = 2;

/// What [`crate::apply`] has written down on the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The version that is there in full; none while the first is being made.
    pub version: Option<u32>,
    /// Where the owner is reached.
    pub contact: Option<String>,
    /// Where the owner's terms are.
    pub terms: Option<String>,
}

/// Something that rows from before a field lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// `date_created`, taken from the sender's own time.
    DateCreated,
    /// `sender_key`, copied from `sender_id`.
    SenderKey,
    /// `receiver_key`, copied from `receiver_id`.
    ReceiverKey,
}

impl Fill {
    /// All of them, in the order they are done.
    pub const ALL: [Self; 3] = [Self::DateCreated, Self::SenderKey, Self::ReceiverKey];

    /// The field that is filled, and the one it is taken from.
    pub fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::DateCreated => ("date_created", "timestamp"),
            Self::SenderKey => ("sender_key", "sender_id"),
            Self::ReceiverKey => ("receiver_key", "receiver_id"),
        }
    }
}

/// Values of a field that point to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dangling {
    /// How many rows have one.
    pub rows: u64,
    /// One of the values.
    pub example: String,
    /// The collection they should point to.
    pub to: String,
}

impl State {
    /// Reads it. Nothing is changed.
    pub async fn read(client: &Client, schema: &Schema) -> Result<Self, Error> {
        let mut state = Self::default();
        if schema.kind == Kind::Full {
            let facts = ServerFacts::read(client).await?;
            let administrator = facts.administrator;
            state.server = Some(facts);
            if !administrator {
                // The rest is for administrators; that they are none is refusal enough.
                return Ok(state);
            }
        }
        state.read_collections(client, schema).await?;
        state.read_access(client, schema).await?;
        state.read_record(client).await?;
        if schema.kind == Kind::Full {
            // Written last: since then, what lacks a key was sent without one.
            let recorded = state.record.as_ref().and_then(|record| record.version);
            if recorded.is_none_or(|recorded| recorded < WITH_KEYS) {
                state.read_unfilled(client).await?;
            }
            state.read_dangling(client, schema).await?;
        }
        Ok(state)
    }

    /// Whether a collection has this field.
    pub(crate) fn has_field(&self, collection: &str, field: &str) -> bool {
        let held = self.collections.get(collection);
        held.is_some_and(|held| held.fields.contains_key(field))
    }

    async fn read_collections(&mut self, client: &Client, schema: &Schema) -> Result<(), Error> {
        let reverses = schema.reverses();
        let known = |name: &str| {
            schema.collection(name).is_some()
                || reverses.iter().any(|reverse| reverse.collection == name)
        };
        for row in rows(client.get("collections").await?) {
            let Some(name) = text(&row, "collection").filter(|name| known(name) || name == SETUP)
            else {
                continue;
            };
            let held = HeldCollection {
                ours: row.pointer("/meta/note").and_then(Value::as_str) == Some(MARK),
                history: !row
                    .pointer("/meta/accountability")
                    .is_none_or(Value::is_null),
                fields: BTreeMap::new(),
            };
            self.collections.insert(name, held);
        }
        for row in rows(client.get("fields").await?) {
            if let Some(held) = text(&row, "collection")
                .and_then(|collection| self.collections.get_mut(&collection))
                && let (Some(name), Some(field)) = (text(&row, "field"), held_field(&row))
            {
                held.fields.insert(name, field);
            }
        }
        for row in rows(client.get("relations").await?) {
            if let (Some(collection), Some(field), Some(to)) = (
                text(&row, "collection"),
                text(&row, "field"),
                text(&row, "related_collection"),
            ) {
                let in_schema = |field: &str| {
                    schema
                        .collection(&collection)
                        .is_some_and(|held| held.fields.iter().any(|held| held.name == field))
                };
                if !in_schema(&field) {
                    if schema.collection(&to).is_some() {
                        self.pointed_at.insert(format!("{collection}.{field}"), to);
                    }
                    continue;
                }
                let at = |pointer| row.pointer(pointer).and_then(Value::as_str);
                let held = HeldRelation {
                    to,
                    on_delete: at("/schema/on_delete").map(str::to_owned),
                    reverse: at("/meta/one_field").map(str::to_owned),
                };
                self.relations.insert(format!("{collection}.{field}"), held);
            }
        }
        Ok(())
    }

    async fn read_access(&mut self, client: &Client, schema: &Schema) -> Result<(), Error> {
        let ours = |row: &Value, name: &str, id: Option<&str>| {
            (text(row, "name").as_deref() == Some(name)
                && text(row, "description").as_deref() == Some(MARK))
                || (id.is_some() && text(row, "id").as_deref() == id)
        };
        let path = "roles?limit=-1&fields=id,name,description&sort=id";
        for row in rows(client.get(path).await?) {
            let (Some(id), Some(name)) = (text(&row, "id"), text(&row, "name")) else {
                continue;
            };
            if self.role.is_none() && ours(&row, schema.role, Some(ids::ROLE)) {
                self.role = Some(id.clone());
            }
            self.roles.insert(id, name);
        }
        let path = "policies?limit=-1&fields=id,name,description&sort=id";
        let policies = rows(client.get(path).await?);
        for policy in &schema.policies {
            if let Some(id) = policies
                .iter()
                .find(|row| ours(row, policy.name, ids::policy(policy.name)))
                .and_then(|row| text(row, "id"))
            {
                self.policies.insert(policy.name.to_owned(), id);
            }
        }
        for (name, id) in self.policies.clone() {
            let path = format!("access?limit=-1&fields=role&filter[policy][_eq]={id}");
            for row in rows(client.get(&path).await?) {
                if let Some(role) = text(&row, "role") {
                    self.attached.insert((id.clone(), role));
                }
            }
            let path = format!(
                "permissions?limit=-1&sort=id&fields=id,collection,action,fields,permissions,validation,presets&filter[policy][_eq]={id}"
            );
            for row in rows(client.get(&path).await?) {
                self.take_permission(schema, &name, row);
            }
        }
        if schema.folder.is_some() {
            let path = format!("folders?limit=1&fields=id&filter[id][_eq]={}", ids::FOLDER);
            let held = rows(client.get(&path).await?);
            self.folder = held.first().and_then(|row| text(row, "id"));
        }
        Ok(())
    }

    fn take_permission(&mut self, schema: &Schema, policy: &str, row: Value) {
        let (Some(collection), Some(word), Some(id)) = (
            text(&row, "collection"),
            text(&row, "action"),
            row.get("id")
                .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)),
        ) else {
            return;
        };
        let declared = Action::ALL.into_iter().find(|action| {
            action.name() == word
                && schema.rules().any(|(name, permission)| {
                    name == policy
                        && permission.collection == collection
                        && permission.action == *action
                })
        });
        let key = declared.map(|action| (policy.to_owned(), collection.clone(), action));
        match key {
            Some(key) if !self.permissions.contains_key(&key) => {
                let held = HeldPermission { id, content: row };
                self.permissions.insert(key, held);
            }
            _ => {
                let strange = (policy.to_owned(), collection, word);
                self.strange_permissions.insert(strange);
            }
        }
    }

    async fn read_record(&mut self, client: &Client) -> Result<(), Error> {
        if !self.collections.get(SETUP).is_some_and(|held| held.ours) {
            return Ok(());
        }
        // Version 2 had no addresses.
        let there = ["version", "contact", "terms"].into_iter().filter(|name| {
            self.collections
                .get(SETUP)
                .is_some_and(|held| held.fields.contains_key(*name))
        });
        let fields = there.collect::<Vec<_>>().join(",");
        let path = format!("items/{SETUP}?limit=1&fields={fields}&filter[id][_eq]={SETUP_ROW}");
        let held = rows(client.get(&path).await?);
        self.record = held.first().map(|row| Record {
            contact: text(row, "contact"),
            terms: text(row, "terms"),
            version: row
                .get("version")
                .and_then(Value::as_u64)
                .and_then(|version| u32::try_from(version).ok()),
        });
        Ok(())
    }

    /// Which of the fields that older rows lack have to be filled.
    async fn read_unfilled(&mut self, client: &Client) -> Result<(), Error> {
        let Some(messages) = self.collections.get(MESSAGES) else {
            return Ok(());
        };
        let has = |name: &str| messages.fields.contains_key(name);
        if !has("id") {
            return Ok(());
        }
        for fill in Fill::ALL {
            let (to, from) = fill.fields();
            if !has(from) {
                continue;
            }
            let mut filter = json!({ from: { "_nnull": true } });
            if has(to) {
                filter = json!({ "_and": [filter, { to: { "_null": true } }] });
            }
            let found = client
                .get_with(
                    &format!("items/{MESSAGES}"),
                    &[
                        ("limit", "1"),
                        ("fields", "id"),
                        ("filter", &filter.to_string()),
                    ],
                )
                .await?;
            if !rows(found).is_empty() {
                self.unfilled.insert(fill);
            }
        }
        Ok(())
    }

    /// Looks at the values of fields of ours that are still to get a relation: Directus answers
    /// 500 to one whose keys point nowhere.
    async fn read_dangling(&mut self, client: &Client, schema: &Schema) -> Result<(), Error> {
        for collection in &schema.collections {
            let Some(held) = self.collections.get(collection.name) else {
                continue;
            };
            for field in &collection.fields {
                let name = format!("{}.{}", collection.name, field.name);
                let there = held.fields.get(field.name).is_some_and(|held| held.ours);
                let Some(relation) = &field.relation else {
                    continue;
                };
                if !there || self.relations.contains_key(&name) {
                    continue;
                }
                let target = self.collections.contains_key(relation.to)
                    || relation.to.starts_with("directus_");
                if let Some(found) =
                    find_dangling(client, collection, field, relation.to, target).await?
                {
                    self.dangling.insert(name, found);
                }
            }
        }
        Ok(())
    }
}

impl ServerFacts {
    /// Asks the server. Nothing is changed.
    pub async fn read(client: &Client) -> Result<Self, Error> {
        let info = client.get("server/info").await?;
        let administrator = match client.get("policies/me/globals").await {
            Ok(globals) => globals.get("admin_access") == Some(&Value::Bool(true)),
            // Before version 11 there are no policies; the version is then refused.
            Err(Error::Refused { .. }) => false,
            Err(error) => return Err(error),
        };
        let version = text(&info, "version");
        let mut rules_allowed = true;
        if administrator
            && version
                .as_deref()
                .is_some_and(|held| major(held) >= Some(12))
        {
            // Where it can't be learned, `apply` will be told at the first rule.
            let licence = client.get("license").await.unwrap_or_default();
            let entitled = licence.pointer("/entitlements/custom_permission_rules_enabled");
            rules_allowed = entitled.is_none_or(entitled_to);
        }
        Ok(Self {
            version,
            websockets: info
                .pointer("/websocket/rest")
                .is_some_and(Value::is_object),
            administrator,
            rules_allowed,
        })
    }
}

/// An entitlement is a plain yes or no, or a default that may be overridden.
fn entitled_to(value: &Value) -> bool {
    let flag = |key: &str| value.get(key).and_then(Value::as_bool);
    value
        .as_bool()
        .or_else(|| flag("override"))
        .or_else(|| flag("default"))
        .unwrap_or(true)
}

/// The first number of a version.
pub(crate) fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

async fn find_dangling(
    client: &Client,
    collection: &Collection,
    field: &Field,
    to: &str,
    target_exists: bool,
) -> Result<Option<Dangling>, Error> {
    let filter = json!({ field.name: { "_nnull": true } }).to_string();
    let mut found: Option<Dangling> = None;
    for page in 1_u32.. {
        let values = client
            .get_with(
                &format!("items/{}", collection.name),
                &[
                    ("groupBy[]", field.name),
                    ("aggregate[count]", "id"),
                    ("filter", &filter),
                    ("sort", field.name),
                    ("limit", "50"),
                    ("page", &page.to_string()),
                ],
            )
            .await?;
        let counted: BTreeMap<String, u64> = rows(values)
            .iter()
            .filter_map(|row| Some((text(row, field.name)?, count(row)?)))
            .collect();
        let mut there = BTreeSet::new();
        if target_exists && !counted.is_empty() {
            let ids: Vec<&String> = counted.keys().collect();
            let path = match to {
                "directus_users" => "users".to_owned(),
                "directus_files" => "files".to_owned(),
                other => format!("items/{other}"),
            };
            let filter = json!({ "id": { "_in": ids } }).to_string();
            let query = [("limit", "-1"), ("fields", "id"), ("filter", &filter)];
            match client.get_with(&path, &query).await {
                Ok(held) => there.extend(rows(held).iter().filter_map(|row| text(row, "id"))),
                // A value that is no uuid at all makes PostgreSQL refuse the whole question.
                Err(Error::Refused { status: 400, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        for (value, rows) in &counted {
            if !there.contains(value) {
                let found = found.get_or_insert_with(|| Dangling {
                    rows: 0,
                    example: value.clone(),
                    to: to.to_owned(),
                });
                found.rows += rows;
            }
        }
        if counted.len() < 50 {
            break;
        }
    }
    Ok(found)
}

/// A number on SQLite, a text on PostgreSQL.
fn count(row: &Value) -> Option<u64> {
    let count = row.pointer("/count/id")?;
    count
        .as_u64()
        .or_else(|| count.as_str().and_then(|text| text.parse().ok()))
}

pub(crate) fn rows(data: Value) -> Vec<Value> {
    match data {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}

pub(crate) fn text(row: &Value, key: &str) -> Option<String> {
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
    let schema = |key: &str| row.pointer(&format!("/schema/{key}"));
    let yes = |key: &str| schema(key) == Some(&Value::Bool(true));
    Some(HeldField {
        kind: field_type(row)?,
        special: flags.map(str::to_owned).collect(),
        ours: row.pointer("/meta/note").and_then(Value::as_str) == Some(MARK),
        needed: schema("is_nullable") == Some(&Value::Bool(false))
            && schema("default_value").is_none_or(Value::is_null)
            && !yes("has_auto_increment")
            && !yes("is_generated"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_read_in_both_of_its_shapes() {
        assert!(entitled_to(&json!(true)));
        assert!(!entitled_to(&json!(false)));
        assert!(!entitled_to(&json!({ "default": false, "override": null })));
        assert!(entitled_to(&json!({ "default": false, "override": true })));
    }

    #[test]
    fn the_first_number_of_a_version_counts() {
        assert_eq!(major("11.17.4"), Some(11));
        assert_eq!(major("12.0.0-rc.1"), Some(12));
        assert_eq!(major("none"), None);
    }
}
