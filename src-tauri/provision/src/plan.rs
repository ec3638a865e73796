//! From what should be and what is there, to the steps between. Pure.

use crate::schema::{Collection, Field, Permission, ROLE_PLACEHOLDER, Schema};
use crate::state::{HeldField, State};
use serde_json::{Value, json};
use std::fmt;

/// What is to be done, in order, and what is left as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Each step is one call.
    pub steps: Vec<Step>,
    /// Where the server differs in something that is its owner's.
    pub differences: Vec<Difference>,
}

/// One change. Ids of what is made on the way are found when it is applied.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A collection with all its fields.
    MakeCollection(Collection),
    /// A field in a collection that is there.
    AddField(&'static str, Field),
    /// The relation of a field that is there.
    AddRelation(&'static str, Field),
    /// The flags of a field of ours that has lost them.
    SetFlags(&'static str, Field),
    /// The role.
    MakeRole(&'static str),
    /// A policy, empty.
    MakePolicy(&'static str),
    /// Hangs a policy on the role.
    AttachPolicy(&'static str),
    /// A permission in a policy.
    AddPermission(&'static str, Permission),
    /// A permission of ours that is not as it should be.
    SetPermission(&'static str, String, Permission),
}

/// Something of the owner's that is not as the schema has it, and stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `collection.field`.
    pub field: String,
    /// What the schema says.
    pub expected: String,
    /// What the server has.
    pub found: String,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeCollection(collection) => {
                write!(f, "make the collection {}", collection.name)
            }
            Self::AddField(collection, field) => {
                write!(f, "add the field {collection}.{}", field.name)
            }
            Self::AddRelation(collection, field) => write!(f, "relate {collection}.{}", field.name),
            Self::SetFlags(collection, field) => {
                write!(f, "flag {collection}.{} again", field.name)
            }
            Self::MakeRole(name) => write!(f, "make the role {name}"),
            Self::MakePolicy(name) => write!(f, "make the policy {name}"),
            Self::AttachPolicy(name) => write!(f, "give the role the policy {name}"),
            Self::AddPermission(policy, permission) => {
                write!(
                    f,
                    "let {policy} {} {}",
                    permission.action.name(),
                    permission.collection
                )
            }
            Self::SetPermission(policy, _, permission) => {
                write!(
                    f,
                    "correct how {policy} may {} {}",
                    permission.action.name(),
                    permission.collection
                )
            }
        }
    }
}

/// What has to be done so that a server in this state has this schema.
pub fn plan(schema: &Schema, state: &State) -> Plan {
    let mut plan = Plan::default();
    for collection in &schema.collections {
        plan_collection(&mut plan, collection, state);
    }
    if state.role.is_none() {
        plan.steps.push(Step::MakeRole(schema.role));
    }
    for policy in &schema.policies {
        let id = state.policies.get(policy.name);
        if id.is_none() {
            plan.steps.push(Step::MakePolicy(policy.name));
        }
        // The rules first: a role never has a policy that is not whole.
        for permission in &policy.permissions {
            let key = (
                policy.name.to_owned(),
                permission.collection.to_owned(),
                permission.action,
            );
            match state.permissions.get(&key) {
                None => plan
                    .steps
                    .push(Step::AddPermission(policy.name, permission.clone())),
                Some(held) => {
                    let same = state
                        .role
                        .as_deref()
                        .is_some_and(|role| same(permission, role, &held.content));
                    if !same {
                        plan.steps.push(Step::SetPermission(
                            policy.name,
                            held.id.clone(),
                            permission.clone(),
                        ));
                    }
                }
            }
        }
        if !id.is_some_and(|id| state.attached.contains(id)) {
            plan.steps.push(Step::AttachPolicy(policy.name));
        }
    }
    plan
}

fn plan_collection(plan: &mut Plan, collection: &Collection, state: &State) {
    let held = state.collections.get(collection.name);
    match held {
        None => plan.steps.push(Step::MakeCollection(collection.clone())),
        Some(held) => {
            for field in &collection.fields {
                match held.get(field.name) {
                    None => plan
                        .steps
                        .push(Step::AddField(collection.name, field.clone())),
                    Some(found) => plan_field(plan, collection.name, field, found),
                }
            }
        }
    }
    for field in &collection.fields {
        let Some(relation) = &field.relation else {
            continue;
        };
        let name = format!("{}.{}", collection.name, field.name);
        match state.relations.get(&name) {
            None => plan
                .steps
                .push(Step::AddRelation(collection.name, field.clone())),
            Some(found) if found != relation.to => plan.differences.push(Difference {
                field: name,
                expected: format!("a relation to {}", relation.to),
                found: format!("a relation to {found}"),
            }),
            Some(_) => {}
        }
    }
}

fn plan_field(plan: &mut Plan, collection: &'static str, field: &Field, found: &HeldField) {
    let mut differs = |expected: String, found: String| {
        plan.differences.push(Difference {
            field: format!("{collection}.{}", field.name),
            expected,
            found,
        });
    };
    if found.kind != field.kind.name() {
        return differs(field.kind.name().to_owned(), found.kind.clone());
    }
    // Only a stamp's flag changes what is stored.
    let stamp = |flag: &&&str| flag.starts_with("date-");
    let lost = field
        .special
        .iter()
        .filter(stamp)
        .find(|flag| !found.special.iter().any(|held| held == *flag));
    match lost {
        Some(_) if found.ours => plan.steps.push(Step::SetFlags(collection, field.clone())),
        Some(flag) => differs(format!("stamped by {flag}"), "not stamped".to_owned()),
        None => {}
    }
}

/// A permission as it is written to the server, with the role's id in its rules.
pub(crate) fn permission_body(permission: &Permission, role: &str) -> Value {
    let filled = |rule: &Value| fill(rule, role);
    json!({
        "collection": permission.collection,
        "action": permission.action.name(),
        "fields": permission.fields,
        "permissions": filled(&permission.rule),
        "validation": filled(&permission.validation),
        "presets": filled(&permission.presets),
    })
}

fn fill(rule: &Value, role: &str) -> Value {
    match rule {
        Value::String(text) if text == ROLE_PLACEHOLDER => Value::String(role.to_owned()),
        Value::Array(items) => items.iter().map(|item| fill(item, role)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), fill(value, role)))
            .collect(),
        other => other.clone(),
    }
}

fn same(permission: &Permission, role: &str, held: &Value) -> bool {
    let wanted = permission_body(permission, role);
    ["fields", "permissions", "validation", "presets"]
        .into_iter()
        .all(|key| nothing_is_null(wanted.get(key)) == nothing_is_null(held.get(key)))
}

/// Directus answers an empty rule as null or as `{}`.
fn nothing_is_null(value: Option<&Value>) -> Value {
    match value {
        Some(Value::Object(map)) if map.is_empty() => Value::Null,
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Action, Kind};
    use crate::state::HeldPermission;

    fn held(field: &Field) -> HeldField {
        HeldField {
            kind: field.kind.name().to_owned(),
            special: field.special.iter().map(ToString::to_string).collect(),
            ours: true,
        }
    }

    fn complete(schema: &Schema) -> State {
        let mut state = State {
            role: Some("role-1".to_owned()),
            ..State::default()
        };
        for collection in &schema.collections {
            let types = collection
                .fields
                .iter()
                .map(|field| (field.name.to_owned(), held(field)));
            state
                .collections
                .insert(collection.name.to_owned(), types.collect());
            for field in collection
                .fields
                .iter()
                .filter(|field| field.relation.is_some())
            {
                let to = field.relation.as_ref().unwrap().to.to_owned();
                state
                    .relations
                    .insert(format!("{}.{}", collection.name, field.name), to);
            }
        }
        for policy in &schema.policies {
            state
                .policies
                .insert(policy.name.to_owned(), "policy-1".to_owned());
            state.attached.push("policy-1".to_owned());
            for (id, permission) in policy.permissions.iter().enumerate() {
                state.permissions.insert(
                    (
                        policy.name.to_owned(),
                        permission.collection.to_owned(),
                        permission.action,
                    ),
                    HeldPermission {
                        id: id.to_string(),
                        content: permission_body(permission, "role-1"),
                    },
                );
            }
        }
        state
    }

    #[test]
    fn a_server_that_has_everything_needs_nothing() {
        for kind in [Kind::Tutorial, Kind::Stamped] {
            let schema = Schema::of(kind);
            assert_eq!(plan(&schema, &complete(&schema)), Plan::default());
        }
    }

    #[test]
    fn a_tutorial_server_gains_fields_and_loses_nothing() {
        let state = complete(&Schema::of(Kind::Tutorial));
        let plan = plan(&Schema::of(Kind::Stamped), &state);
        let words: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "add the field chat_messages.date_created",
                "add the field chat_messages.date_updated",
                "correct how Chat may read chat_messages",
                "let Chat update chat_messages",
            ]
        );
        assert_eq!(plan.differences, []);
    }

    #[test]
    fn a_field_of_another_type_is_told_and_left() {
        let schema = Schema::of(Kind::Stamped);
        let mut state = complete(&schema);
        let fields = state.collections.get_mut("chat_messages").unwrap();
        fields.get_mut("timestamp").unwrap().kind = "timestamp".to_owned();
        let colour = fields["content"].clone();
        fields.insert("colour".to_owned(), colour);
        let plan = plan(&schema, &state);
        assert!(
            plan.is_empty(),
            "the owner's fields are the owner's: {:?}",
            plan.steps
        );
        assert_eq!(plan.differences.len(), 1);
    }

    #[test]
    fn a_stamp_of_ours_that_lost_its_flag_gets_it_back_and_an_owners_is_told() {
        let schema = Schema::of(Kind::Stamped);
        let mut state = complete(&schema);
        let fields = state.collections.get_mut("chat_messages").unwrap();
        fields.get_mut("date_created").unwrap().special.clear();
        let ours = plan(&schema, &state);
        assert!(matches!(
            ours.steps.as_slice(),
            [Step::SetFlags("chat_messages", _)]
        ));
        let fields = state.collections.get_mut("chat_messages").unwrap();
        fields.get_mut("date_created").unwrap().ours = false;
        let owners = plan(&schema, &state);
        assert_eq!((owners.steps.len(), owners.differences.len()), (0, 1));
    }

    #[test]
    fn a_rule_that_somebody_opened_is_closed_again() {
        let schema = Schema::of(Kind::Stamped);
        let mut state = complete(&schema);
        let key = ("Chat".to_owned(), "chat_messages".to_owned(), Action::Read);
        state.permissions.get_mut(&key).unwrap().content["permissions"] = json!({});
        let plan = plan(&schema, &state);
        assert!(
            matches!(plan.steps.as_slice(), [Step::SetPermission("Chat", _, _)]),
            "{:?}",
            plan.steps
        );
    }
}
