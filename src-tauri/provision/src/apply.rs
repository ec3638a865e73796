//! Performs a plan, one call a step.

use crate::plan::{Plan, Step, permission_body};
use crate::schema::{Collection, Field, Schema};
use crate::state::{MARK, State};
use crate::{Client, Error, plan};
use serde_json::{Value, json};

/// Brings the server to the schema and gives what was done. `told` hears each
/// step before it is performed, with its number and how many there are.
///
/// Broken off anywhere, it can be done again: the rest is planned anew.
pub async fn apply(
    client: &Client,
    schema: &Schema,
    mut told: impl FnMut(usize, usize, &Step),
) -> Result<Plan, Error> {
    let mut state = State::read(client, schema).await?;
    let planned = plan(schema, &state);
    for (index, step) in planned.steps.iter().enumerate() {
        told(index + 1, planned.steps.len(), step);
        perform(client, &mut state, step).await?;
    }
    Ok(planned)
}

async fn perform(client: &Client, state: &mut State, step: &Step) -> Result<(), Error> {
    match step {
        Step::MakeCollection(collection) => client
            .post("collections", &collection_body(collection))
            .await
            .map(drop),
        Step::AddField(collection, field) => client
            .post(&format!("fields/{collection}"), &field_body(field))
            .await
            .map(drop),
        Step::AddRelation(collection, field) => client
            .post("relations", &relation_body(collection, field))
            .await
            .map(drop),
        Step::SetFlags(collection, field) => {
            // Directus adds flags of its own, which say how a database keeps the value.
            let held = state.collections.get(*collection);
            let held = held.and_then(|fields| fields.get(field.name));
            let mut flags = field.special.to_vec();
            for flag in held.into_iter().flat_map(|field| &field.special) {
                if !flags.contains(&flag.as_str()) {
                    flags.push(flag);
                }
            }
            set_flags(client, collection, field.name, &flags).await
        }
        Step::MakeRole(name) => {
            let body = json!({ "name": name, "icon": "chat", "description": MARK });
            state.role = Some(id_of("roles", &client.post("roles", &body).await?)?);
            Ok(())
        }
        Step::MakePolicy(name) => {
            let body = json!({
                "name": name, "icon": "chat", "description": MARK,
                "app_access": false, "admin_access": false, "enforce_tfa": false,
            });
            let id = id_of("policies", &client.post("policies", &body).await?)?;
            state.policies.insert((*name).to_owned(), id);
            Ok(())
        }
        Step::AttachPolicy(name) => {
            let body = json!({ "role": role(state)?, "policy": policy(state, name)? });
            client.post("access", &body).await.map(drop)
        }
        Step::AddPermission(name, permission) => {
            let mut body = permission_body(permission, role(state)?);
            if let Value::Object(map) = &mut body {
                map.insert(
                    "policy".to_owned(),
                    Value::String(policy(state, name)?.to_owned()),
                );
            }
            client.post("permissions", &body).await.map(drop)
        }
        Step::SetPermission(_, id, permission) => {
            let body = permission_body(permission, role(state)?);
            client
                .patch(&format!("permissions/{id}"), &body)
                .await
                .map(drop)
        }
    }
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

fn role(state: &State) -> Result<&str, Error> {
    state
        .role
        .as_deref()
        .ok_or_else(|| Error::Shape("roles".to_owned(), "role of ours"))
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
    json!({
        "collection": collection.name,
        "meta": { "icon": collection.icon, "note": MARK, "hidden": false, "singleton": false },
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
    json!({
        "field": field.name,
        "type": field.kind.name(),
        "schema": schema,
        "meta": {
            "special": if field.special.is_empty() { Value::Null } else { json!(field.special) },
            "required": field.required,
            "note": MARK,
            "interface": if field.relation.is_some() { json!("select-dropdown-m2o") } else { Value::Null },
            "options": if field.relation.is_some() { json!({ "template": "{{first_name}} {{last_name}}" }) } else { Value::Null },
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
        "meta": { "one_field": null, "one_deselect_action": "nullify" },
    })
}
