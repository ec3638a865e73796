//! Performs a plan, step by step.
//!
//! Broken off anywhere, it can be done again: what is left is planned anew. What is made
//! once has a key that is known beforehand, so that a request whose answer was lost makes
//! no second one.

use crate::ids;
use crate::plan::{Ids, Plan, Step, chat_roles, permission_body};
use crate::schema::{Collection, Field, FieldType, MESSAGES, Reverse, SETUP, SETUP_ROW, Schema};
use crate::state::{Fill, MARK, State, rows, text};
use crate::{Client, Error, plan};
use serde_json::{Value, json};

/// How many rows are filled in at once.
const BATCH: usize = 200;

/// Brings the server to the schema and gives what was done. `told` hears each
/// step before it is performed, with its number and how many there are.
///
/// # Errors
/// [`Error::NotSafe`] where the plan holds refusals: then nothing was done.
pub async fn apply(
    client: &Client,
    schema: &Schema,
    told: impl FnMut(usize, usize, &Step),
) -> Result<Plan, Error> {
    apply_planned(client, schema, None, told).await
}

/// The same, if the plan still has this hash.
///
/// # Errors
/// [`Error::OtherPlan`] where it does not: then nothing was done.
pub async fn apply_planned(
    client: &Client,
    schema: &Schema,
    hash: Option<&str>,
    mut told: impl FnMut(usize, usize, &Step),
) -> Result<Plan, Error> {
    let mut state = State::read(client, schema).await?;
    let planned = plan(schema, &state);
    if !planned.refusals.is_empty() {
        return Err(Error::NotSafe(planned.refusals));
    }
    if hash.is_some_and(|hash| hash != planned.hash()) {
        return Err(Error::OtherPlan(planned.hash()));
    }
    for (index, step) in planned.steps.iter().enumerate() {
        told(index + 1, planned.steps.len(), step);
        perform(client, schema, &mut state, step).await?;
    }
    Ok(planned)
}

async fn perform(
    client: &Client,
    schema: &Schema,
    state: &mut State,
    step: &Step,
) -> Result<(), Error> {
    match step {
        Step::MakeCollection(collection) => client
            .post("collections", &collection_body(collection))
            .await
            .map(drop),
        Step::EndHistory(collection) => {
            let body = json!({ "meta": { "accountability": null } });
            let path = format!("collections/{collection}");
            client.patch(&path, &body).await.map(drop)
        }
        Step::AddField(collection, field) => client
            .post(&format!("fields/{collection}"), &field_body(field))
            .await
            .map(drop),
        Step::AddRelation(collection, field) => client
            .post("relations", &relation_body(collection, field))
            .await
            .map(drop),
        Step::SetRelation(collection, field) => {
            // All of it: with `meta` alone Directus ends the whole server.
            let path = format!("relations/{collection}/{}", field.name);
            let body = relation_body(collection, field);
            client.patch(&path, &body).await.map(drop)
        }
        Step::AddReverse(reverse) => client
            .post(
                &format!("fields/{}", reverse.collection),
                &reverse_body(reverse),
            )
            .await
            .map(drop),
        Step::ClearStamp(collection, field) => {
            let held = flags_of(client, collection, field.name).await?;
            let kept: Vec<&str> = held
                .iter()
                .map(String::as_str)
                .filter(|flag| !field.special.contains(flag))
                .collect();
            set_flags(client, collection, field.name, &kept).await
        }
        Step::SetFlags(collection, field) => {
            // Directus adds flags of its own, which say how a database keeps the value.
            let held = flags_of(client, collection, field.name).await?;
            let mut flags = field.special.to_vec();
            for flag in &held {
                if !flags.contains(&flag.as_str()) {
                    flags.push(flag);
                }
            }
            set_flags(client, collection, field.name, &flags).await
        }
        Step::MakeRole(name) => {
            let body = json!({
                "id": ids::ROLE, "name": name, "icon": "chat", "description": MARK,
            });
            let id = id_of("roles", &client.post("roles", &body).await?)?;
            state.roles.insert(id.clone(), (*name).to_owned());
            state.role = Some(id);
            Ok(())
        }
        Step::MakeFolder(name) => {
            let body = json!({ "id": ids::FOLDER, "name": name });
            state.folder = Some(id_of("folders", &client.post("folders", &body).await?)?);
            Ok(())
        }
        Step::MakePolicy(name) => {
            let mut body = json!({
                "name": name, "icon": "chat", "description": MARK,
                "app_access": false, "admin_access": false, "enforce_tfa": false,
            });
            if let (Some(id), Value::Object(map)) = (ids::policy(name), &mut body) {
                map.insert("id".to_owned(), json!(id));
            }
            let id = id_of("policies", &client.post("policies", &body).await?)?;
            state.policies.insert((*name).to_owned(), id);
            Ok(())
        }
        Step::AttachPolicy(name, role) => {
            let policy = policy(state, name)?.to_owned();
            let role = chat_roles(schema, state)
                .into_iter()
                .find(|held| held.name == *role)
                .and_then(|held| held.id)
                .ok_or_else(|| Error::Shape("roles".to_owned(), "role of ours"))?;
            let body = json!({ "role": role, "policy": policy });
            client.post("access", &body).await?;
            state.attached.insert((policy, role));
            Ok(())
        }
        Step::AddPermission(name, permission) => {
            let mut body = permission_body(permission, &placeholders(schema, state)?);
            if let Value::Object(map) = &mut body {
                map.insert(
                    "policy".to_owned(),
                    Value::String(policy(state, name)?.to_owned()),
                );
            }
            client.post("permissions", &body).await.map(drop)
        }
        Step::SetPermission(_, id, permission) => {
            let body = permission_body(permission, &placeholders(schema, state)?);
            client
                .patch(&format!("permissions/{id}"), &body)
                .await
                .map(drop)
        }
        Step::FillIn(Fill::DateCreated) => fill_dates(client).await,
        Step::FillIn(fill) => {
            let (to, from) = fill.fields();
            fill_keys(client, to, from).await
        }
        Step::RecordAddress(field, address) => {
            write_record(client, &json!({ *field: address })).await
        }
        Step::RecordVersion(version) => write_record(client, &json!({ "version": version })).await,
    }
}

/// Changes the one row of the record, or makes it.
pub(crate) async fn write_record(client: &Client, change: &Value) -> Result<(), Error> {
    let path = format!("items/{SETUP}?limit=1&fields=id&filter[id][_eq]={SETUP_ROW}");
    if rows(client.get(&path).await?).is_empty() {
        let mut row = change.clone();
        if let Value::Object(map) = &mut row {
            map.insert("id".to_owned(), json!(SETUP_ROW));
        }
        client.post(&format!("items/{SETUP}"), &row).await.map(drop)
    } else {
        let path = format!("items/{SETUP}/{SETUP_ROW}");
        client.patch(&path, change).await.map(drop)
    }
}

/// Gives rows that were there before the server stamped any the time that their sender told.
/// The value is written as it was read: the server takes both for its own zone.
async fn fill_dates(client: &Client) -> Result<(), Error> {
    let filter = json!({ "_and": [
        { "date_created": { "_null": true } }, { "timestamp": { "_nnull": true } },
    ] })
    .to_string();
    let limit = BATCH.to_string();
    let path = format!("items/{MESSAGES}");
    loop {
        let query = [
            ("limit", limit.as_str()),
            ("fields", "id,timestamp"),
            ("sort", "timestamp"),
            ("filter", &filter),
        ];
        let found = rows(client.get_with(&path, &query).await?);
        let changes: Vec<Value> = found
            .iter()
            .filter_map(|row| {
                let (id, at) = (text(row, "id")?, text(row, "timestamp")?);
                Some(json!({ "id": id, "date_created": at }))
            })
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        let path = format!("{path}?fields=id&limit=1");
        client.patch(&path, &Value::Array(changes)).await?;
    }
}

/// Copies a key into its plain field, for one person after the other.
async fn fill_keys(client: &Client, to: &str, from: &str) -> Result<(), Error> {
    let path = format!("items/{MESSAGES}");
    let lacking = json!({ "_and": [{ from: { "_nnull": true } }, { to: { "_null": true } }] });
    let lacking = lacking.to_string();
    loop {
        let query = [
            ("groupBy[]", from),
            ("aggregate[count]", "id"),
            ("filter", &lacking),
            ("limit", "100"),
        ];
        let found = rows(client.get_with(&path, &query).await?);
        let people: Vec<String> = found.iter().filter_map(|row| text(row, from)).collect();
        if people.is_empty() {
            return Ok(());
        }
        for person in people {
            let body = json!({
                "query": {
                    "filter": { "_and": [{ from: { "_eq": person } }, { to: { "_null": true } }] },
                    "limit": BATCH,
                },
                "data": { to: person },
            });
            client
                .patch(&format!("{path}?fields=id&limit=1"), &body)
                .await?;
        }
    }
}

/// The flags that a field has now.
async fn flags_of(client: &Client, collection: &str, field: &str) -> Result<Vec<String>, Error> {
    let held = client.get(&format!("fields/{collection}/{field}")).await?;
    let special = held.pointer("/meta/special").and_then(Value::as_array);
    Ok(special
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect())
}

fn placeholders(schema: &Schema, state: &State) -> Result<Ids, Error> {
    Ids::of(schema, state).ok_or_else(|| Error::Shape("roles".to_owned(), "role of ours"))
}

/// Sets a field's flags, and nothing else of it.
pub(crate) async fn set_flags(
    client: &Client,
    collection: &str,
    field: &str,
    flags: &[&str],
) -> Result<(), Error> {
    let special = if flags.is_empty() {
        Value::Null
    } else {
        json!(flags)
    };
    let body = json!({ "meta": { "special": special } });
    let path = format!("fields/{collection}/{field}");
    client.patch(&path, &body).await.map(drop)
}

fn policy<'a>(state: &'a State, name: &str) -> Result<&'a str, Error> {
    state
        .policies
        .get(name)
        .map(String::as_str)
        .ok_or_else(|| Error::Shape("policies".to_owned(), "policy of ours"))
}

fn id_of(path: &str, row: &Value) -> Result<String, Error> {
    row.get("id")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| Error::Shape(path.to_owned(), "id"))
}

fn collection_body(collection: &Collection) -> Value {
    let mut meta = json!({
        "icon": collection.icon, "note": MARK, "hidden": false, "singleton": false,
    });
    if let (false, Value::Object(map)) = (collection.history, &mut meta) {
        map.insert("accountability".to_owned(), Value::Null);
    }
    json!({
        "collection": collection.name,
        "meta": meta,
        "schema": {},
        "fields": collection.fields.iter().map(field_body).collect::<Vec<_>>(),
    })
}

fn field_body(field: &Field) -> Value {
    let key = field.name == "id";
    let mut schema = json!({ "is_nullable": !key });
    if key {
        schema = json!({ "is_primary_key": true, "has_auto_increment": false });
    } else if field.indexed {
        schema = json!({ "is_nullable": true, "is_indexed": true });
    }
    if let Value::Object(map) = &mut schema {
        if !field.default.is_null() {
            map.insert("default_value".to_owned(), field.default.clone());
        }
        if let Some(longest) = field.longest.filter(|_| field.kind == FieldType::String) {
            map.insert("max_length".to_owned(), json!(longest));
        }
    }
    let person = field
        .relation
        .as_ref()
        .is_some_and(|relation| relation.to == "directus_users");
    let (interface, options) = match &field.relation {
        Some(_) if person => (
            json!("select-dropdown-m2o"),
            json!({ "template": "{{first_name}} {{last_name}}" }),
        ),
        Some(relation) if relation.to == "directus_files" => (json!("file"), Value::Null),
        Some(_) => (json!("select-dropdown-m2o"), Value::Null),
        None => (Value::Null, Value::Null),
    };
    json!({
        "field": field.name,
        "type": field.kind.name(),
        "schema": schema,
        "meta": {
            "special": if field.special.is_empty() { Value::Null } else { json!(field.special) },
            "required": field.required,
            "note": MARK,
            "interface": interface,
            "options": options,
        },
    })
}

fn reverse_body(reverse: &Reverse) -> Value {
    json!({
        "field": reverse.name,
        "type": "alias",
        "schema": null,
        "meta": {
            "special": ["o2m"], "interface": "list-o2m", "note": MARK,
            "hidden": reverse.collection.starts_with("directus_"),
        },
    })
}

fn relation_body(collection: &str, field: &Field) -> Value {
    let relation = field.relation.as_ref();
    json!({
        "collection": collection,
        "field": field.name,
        "related_collection": relation.map(|relation| relation.to),
        "schema": { "on_delete": relation.map(|relation| relation.on_delete) },
        "meta": {
            "one_field": relation.and_then(|relation| relation.reverse),
            "one_deselect_action": "nullify",
        },
    })
}
