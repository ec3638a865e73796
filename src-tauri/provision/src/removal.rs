//! Takes away what was made here, and nothing else.
//!
//! ```text
//! the version -> fields in the owner's collection
//!     -> collections, last made first -> fields of Directus' own -> folder, policies, role
//!     -> the record
//! ```
//! What was made is known by its mark; the record goes last. Broken off anywhere, it can be
//! done again. With `keep_messages` messages and groups stay.

use crate::apply::write_record;
use crate::refusal::Refusal;
use crate::schema::{Kind, MESSAGES, SETUP, Schema};
use crate::state::State;
use crate::{Client, Error, ids};
use serde::Serialize;
use serde_json::json;
use std::fmt;

/// Groups are what messages to them point to: they are kept together.
const KEPT: [&str; 2] = ["chat_groups", MESSAGES];

/// What is to be taken away, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Removal {
    /// Why it can't be done. With any of these, nothing is.
    pub refusals: Vec<Refusal>,
    /// Each step is one call, but for the role: its people are let go first.
    pub steps: Vec<RemovalStep>,
    /// What goes with it although an owner put it there.
    pub also_lost: Vec<String>,
}

/// One thing that is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalStep {
    /// The note that the schema is there in full.
    ForgetVersion,
    /// A field, and its values.
    DropField(&'static str, &'static str),
    /// A collection, and its rows.
    DropCollection(&'static str),
    /// The folder; the files in it stay.
    DropFolder(&'static str),
    /// A policy with its permissions, by name and id.
    DropPolicy(&'static str, String),
    /// The role, by name and id; its people stay, without a role.
    DropRole(&'static str, String),
}

impl fmt::Display for RemovalStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForgetVersion => write!(f, "forget the version"),
            Self::DropField(collection, field) => {
                write!(f, "remove the field {collection}.{field}")
            }
            Self::DropCollection(name) => write!(f, "remove the collection {name}"),
            Self::DropFolder(name) => write!(f, "remove the folder {name} (its files stay)"),
            Self::DropPolicy(name, _) => write!(f, "remove the policy {name}"),
            Self::DropRole(name, _) => {
                write!(
                    f,
                    "remove the role {name} (its people stay, without a role)"
                )
            }
        }
    }
}

/// Looks at the server and says what [`remove`] would take away.
pub async fn look_at_removal(client: &Client, keep_messages: bool) -> Result<Removal, Error> {
    let schema = Schema::of(Kind::Full);
    let state = State::read(client, &schema).await?;
    Ok(removal(&schema, &state, keep_messages))
}

/// Takes it away and gives what was done. `told` hears each step before it is performed.
///
/// # Errors
/// [`Error::NotSafe`] where there are refusals: then nothing was done.
pub async fn remove(
    client: &Client,
    keep_messages: bool,
    mut told: impl FnMut(usize, usize, &RemovalStep),
) -> Result<Removal, Error> {
    let planned = look_at_removal(client, keep_messages).await?;
    if !planned.refusals.is_empty() {
        return Err(Error::NotSafe(planned.refusals));
    }
    for (index, step) in planned.steps.iter().enumerate() {
        told(index + 1, planned.steps.len(), step);
        let path = match step {
            RemovalStep::ForgetVersion => {
                write_record(client, &json!({ "version": null })).await?;
                continue;
            }
            RemovalStep::DropField(collection, field) => format!("fields/{collection}/{field}"),
            RemovalStep::DropCollection(name) => format!("collections/{name}"),
            RemovalStep::DropFolder(_) => format!("folders/{}", ids::FOLDER),
            RemovalStep::DropPolicy(_, id) => format!("policies/{id}"),
            RemovalStep::DropRole(_, id) => {
                release_people(client, id).await?;
                format!("roles/{id}")
            }
        };
        client.delete(&path).await?;
    }
    Ok(planned)
}

/// Takes a role from its people. Directus would suspend them with it.
async fn release_people(client: &Client, role: &str) -> Result<(), Error> {
    let body = json!({
        "query": { "filter": { "role": { "_eq": role } }, "limit": -1 },
        "data": { "role": null },
    });
    client
        .patch("users?fields=id&limit=1", &body)
        .await
        .map(drop)
}

/// What is to be taken away from a server in this state. `schema` is the whole one.
pub fn removal(schema: &Schema, state: &State, keep_messages: bool) -> Removal {
    let mut plan = Removal::default();
    if state
        .server
        .as_ref()
        .is_some_and(|server| !server.administrator)
    {
        plan.refusals.push(Refusal::NotAdministrator);
        return plan;
    }
    if state
        .record
        .as_ref()
        .is_some_and(|record| record.version.is_some())
    {
        plan.steps.push(RemovalStep::ForgetVersion);
    }
    let kept = |name: &str| keep_messages && KEPT.contains(&name);
    let dropped =
        |name: &str| state.collections.get(name).is_some_and(|held| held.ours) && !kept(name);
    for (field, to) in &state.pointed_at {
        if dropped(to) {
            let (field, to) = (field.clone(), to.clone());
            plan.refusals.push(Refusal::PointedAt { field, to });
        }
    }
    plan_owners(&mut plan, schema, state, &kept);
    for collection in schema.collections.iter().rev() {
        if dropped(collection.name) && collection.name != SETUP {
            plan.steps
                .push(RemovalStep::DropCollection(collection.name));
            plan_lost(&mut plan, schema, state, collection.name);
        }
    }
    plan_directus(&mut plan, schema, state, &dropped);
    if let Some(name) = schema.folder.filter(|_| state.folder.is_some()) {
        plan.steps.push(RemovalStep::DropFolder(name));
    }
    for policy in &schema.policies {
        if let Some(id) = state.policies.get(policy.name) {
            plan.steps
                .push(RemovalStep::DropPolicy(policy.name, id.clone()));
        }
    }
    for (policy, collection, action) in &state.strange_permissions {
        plan.also_lost
            .push(format!("that {policy} may {action} {collection}"));
    }
    if let Some(id) = &state.role {
        plan.steps
            .push(RemovalStep::DropRole(schema.role, id.clone()));
    }
    if dropped(SETUP) {
        plan.steps.push(RemovalStep::DropCollection(SETUP));
    }
    plan
}

/// Fields of ours in collections of the owner's.
fn plan_owners(plan: &mut Removal, schema: &Schema, state: &State, kept: &dyn Fn(&str) -> bool) {
    for collection in schema.collections.iter().filter(|held| !held.directus) {
        let Some(held) = state.collections.get(collection.name) else {
            continue;
        };
        if held.ours || kept(collection.name) {
            continue;
        }
        let fields: Vec<_> = collection
            .fields
            .iter()
            .filter(|field| held.fields.get(field.name).is_some_and(|held| held.ours))
            .map(|field| field.name)
            .collect();
        for name in fields {
            plan.steps
                .push(RemovalStep::DropField(collection.name, name));
        }
    }
}

/// What an owner put into a collection of ours goes with it.
fn plan_lost(plan: &mut Removal, schema: &Schema, state: &State, name: &str) {
    let reverses = schema.reverses();
    let fields = state
        .collections
        .get(name)
        .into_iter()
        .flat_map(|held| &held.fields);
    for (field, held) in fields {
        let ours = held.ours
            || reverses
                .iter()
                .any(|reverse| reverse.collection == name && reverse.name == field);
        if !ours {
            plan.also_lost.push(format!("the field {name}.{field}"));
        }
    }
}

/// Fields in Directus' own collections. The lists of what points there go with what points.
fn plan_directus(
    plan: &mut Removal,
    schema: &Schema,
    state: &State,
    dropped: &dyn Fn(&str) -> bool,
) {
    for collection in schema.collections.iter().filter(|held| held.directus) {
        for field in &collection.fields {
            let held = state
                .collections
                .get(collection.name)
                .and_then(|held| held.fields.get(field.name));
            if held.is_some_and(|held| held.ours) {
                plan.steps
                    .push(RemovalStep::DropField(collection.name, field.name));
            }
        }
    }
    for reverse in schema.reverses() {
        let relation = state
            .relations
            .get(&format!("{}.{}", reverse.from, reverse.field));
        let listed =
            relation.is_some_and(|relation| relation.reverse.as_deref() == Some(reverse.name));
        // A list that lost its relation is left over.
        let gone_with = listed || dropped(reverse.collection);
        if !gone_with && state.has_field(reverse.collection, reverse.name) {
            plan.steps
                .push(RemovalStep::DropField(reverse.collection, reverse.name));
        }
    }
}
