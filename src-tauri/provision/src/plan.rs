//! From what should be and what is there, to the steps between. Pure.
//!
//! ```text
//! collections, fields -> relations -> role, folder, policies, rules
//!     -> what older rows lack -> stamps -> the version
//! ```
//! The version is recorded last: a run that was broken off leaves none, and what is left to
//! do is planned anew.

use crate::addresses::AddressKind;
use crate::hash;
use crate::refusal::{Refusal, refusals};
use crate::schema::{
    Collection, FOLDER_PLACEHOLDER, Field, Kind, MESSAGES, Permission, ROLE_PLACEHOLDER, Relation,
    Reverse, SETUP, Schema,
};
use crate::state::{Fill, HeldCollection, HeldField, State};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// What is to be done, in order, what is left as it is, and what forbids to do it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// Why it can't be done. With any of these, nothing is.
    pub refusals: Vec<Refusal>,
    /// Each step is one call, but for filling what older rows lack.
    pub steps: Vec<Step>,
    /// Where the server differs in something that is its owner's.
    pub differences: Vec<Difference>,
    /// Names of the roles that may chat afterwards.
    pub roles: Vec<String>,
}

/// One change. Ids of what is made on the way are found when it is applied.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A collection with all its fields.
    MakeCollection(Collection),
    /// Keeps no copies any more of what the rows of a collection of ours were before.
    EndHistory(&'static str),
    /// A field in a collection that is there.
    AddField(&'static str, Field),
    /// The relation of a field that is there.
    AddRelation(&'static str, Field),
    /// A relation of ours that is not as it should be.
    SetRelation(&'static str, Field),
    /// The field that lists the rows which point to a collection.
    AddReverse(Reverse),
    /// Takes a stamp's flag away, so that filling does not count as a change.
    ClearStamp(&'static str, Field),
    /// The flags of a field of ours that does not have them.
    SetFlags(&'static str, Field),
    /// The role.
    MakeRole(&'static str),
    /// The folder.
    MakeFolder(&'static str),
    /// A policy, empty.
    MakePolicy(&'static str),
    /// Hangs a policy on the role of this name.
    AttachPolicy(&'static str, String),
    /// A permission in a policy.
    AddPermission(&'static str, Permission),
    /// A permission of ours that is not as it should be.
    SetPermission(&'static str, String, Permission),
    /// What rows from before lack.
    FillIn(Fill),
    /// Writes down, or takes away, an address of the owner's: the field, and the address.
    RecordAddress(&'static str, Option<String>),
    /// Writes down which version is there.
    RecordVersion(u32),
}

/// Something of the owner's that is not as the schema has it, and stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `collection.field`, or what else it is.
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

    /// A fingerprint of the plan: the same server asked for the same gives the same one.
    pub fn hash(&self) -> String {
        hash::of(&serde_json::to_value(self).unwrap_or_default())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeCollection(collection) => {
                write!(f, "make the collection {}", collection.name)
            }
            Self::EndHistory(collection) => {
                write!(f, "keep no copies of what {collection} held before")
            }
            Self::AddField(collection, field) => {
                write!(f, "add the field {collection}.{}", field.name)
            }
            Self::AddRelation(collection, field) => write!(f, "relate {collection}.{}", field.name),
            Self::SetRelation(collection, field) => {
                write!(f, "correct the relation of {collection}.{}", field.name)
            }
            Self::AddReverse(reverse) => write!(
                f,
                "list in {}.{} what {} holds",
                reverse.collection, reverse.name, reverse.from
            ),
            Self::ClearStamp(collection, field) => write!(
                f,
                "stop stamping {collection}.{} while older rows are filled in",
                field.name
            ),
            Self::SetFlags(collection, field) => {
                write!(f, "flag {collection}.{} again", field.name)
            }
            Self::MakeRole(name) => write!(f, "make the role {name}"),
            Self::MakeFolder(name) => write!(f, "make the folder {name}"),
            Self::MakePolicy(name) => write!(f, "make the policy {name}"),
            Self::AttachPolicy(name, role) => {
                write!(f, "give the role {role} the policy {name}")
            }
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
            Self::FillIn(fill) => {
                let (to, from) = fill.fields();
                write!(f, "fill in {MESSAGES}.{to} of older rows from {from}")
            }
            Self::RecordAddress(field, Some(address)) => {
                write!(f, "record the owner's {field}, {address}")
            }
            Self::RecordAddress(field, None) => {
                write!(f, "take away the owner's {field}")
            }
            Self::RecordVersion(version) => write!(f, "record version {version}"),
        }
    }
}

/// What has to be done so that a server in this state has this schema.
pub fn plan(schema: &Schema, state: &State) -> Plan {
    let roles = chat_roles(schema, state);
    let mut plan = Plan {
        refusals: refusals(schema, state),
        roles: roles.iter().map(|role| role.name.clone()).collect(),
        ..Plan::default()
    };
    let mut stamps = Vec::new();
    for collection in &schema.collections {
        plan_collection(&mut plan, &mut stamps, collection, state);
    }
    plan_relations(&mut plan, schema, state);
    for reverse in schema.reverses() {
        let held = state.collections.get(reverse.collection);
        if !held.is_some_and(|held| held.fields.contains_key(reverse.name)) {
            plan.steps.push(Step::AddReverse(reverse));
        }
    }
    plan_access(&mut plan, schema, state, &roles);
    if let Some(ClearedStamp { field, held }) = stamp_to_clear(schema, state) {
        if held {
            plan.steps.push(Step::ClearStamp(MESSAGES, field.clone()));
        }
        if !stamps
            .iter()
            .any(|step| *step == Step::SetFlags(MESSAGES, field.clone()))
        {
            stamps.push(Step::SetFlags(MESSAGES, field));
        }
    }
    if schema.kind == Kind::Full {
        let fills = Fill::ALL
            .into_iter()
            .filter(|fill| state.unfilled.contains(fill));
        plan.steps.extend(fills.map(Step::FillIn));
    }
    plan.steps.extend(stamps);
    for (kind, wanted) in schema.addresses.wanted() {
        let held = state.record.as_ref().and_then(|record| match kind {
            AddressKind::Contact => record.contact.as_ref(),
            AddressKind::Terms => record.terms.as_ref(),
        });
        if held != wanted {
            plan.steps
                .push(Step::RecordAddress(kind.field(), wanted.cloned()));
        }
    }
    let version = schema.kind.version();
    let recorded = state.record.as_ref().and_then(|record| record.version);
    if schema.collection(SETUP).is_some() && recorded != Some(version) {
        plan.steps.push(Step::RecordVersion(version));
    }
    plan
}

fn plan_collection(
    plan: &mut Plan,
    stamps: &mut Vec<Step>,
    collection: &Collection,
    state: &State,
) {
    let Some(held) = state.collections.get(collection.name) else {
        if collection.directus {
            add_fields(plan, collection, &HeldCollection::default(), state);
        } else {
            plan.steps.push(Step::MakeCollection(collection.clone()));
        }
        return;
    };
    if held.ours && held.history && !collection.history {
        plan.steps.push(Step::EndHistory(collection.name));
    }
    add_fields(plan, collection, held, state);
    for field in &collection.fields {
        if let Some(found) = held.fields.get(field.name) {
            plan_field(plan, stamps, collection.name, field, found);
        }
    }
}

fn add_fields(plan: &mut Plan, collection: &Collection, held: &HeldCollection, state: &State) {
    for field in &collection.fields {
        if held.fields.contains_key(field.name) {
            continue;
        }
        let mut field = field.clone();
        let late = field.name == "date_updated" && !state.unfilled.is_empty();
        if late && collection.name == MESSAGES {
            // Flagged when the older rows are filled in, or each of them would be new.
            field.special = &[];
        }
        plan.steps.push(Step::AddField(collection.name, field));
    }
}

struct ClearedStamp {
    field: Field,
    /// Whether the server stamps it now.
    held: bool,
}

/// The stamp of changes, if it is ours and there is something to fill in meanwhile.
fn stamp_to_clear(schema: &Schema, state: &State) -> Option<ClearedStamp> {
    if schema.kind != Kind::Full || state.unfilled.is_empty() {
        return None;
    }
    let fields = &schema.collection(MESSAGES)?.fields;
    let field = fields.iter().find(|field| field.name == "date_updated")?;
    let held = state.collections.get(MESSAGES)?.fields.get(field.name);
    match held {
        Some(held) if !held.ours => None,
        held => Some(ClearedStamp {
            field: field.clone(),
            held: held.is_some_and(|held| {
                field
                    .special
                    .iter()
                    .all(|flag| held.special.iter().any(|has| has == flag))
            }),
        }),
    }
}

/// The relations of all fields. A field of the owner's that has none gets none: the rules do
/// not need it, and SQLite's Directus could not take it away again (it leaves the key in the
/// database).
fn plan_relations(plan: &mut Plan, schema: &Schema, state: &State) {
    for collection in &schema.collections {
        for field in &collection.fields {
            let Some(relation) = &field.relation else {
                continue;
            };
            let name = format!("{}.{}", collection.name, field.name);
            let owners = state
                .collections
                .get(collection.name)
                .and_then(|held| held.fields.get(field.name))
                .is_some_and(|held| !held.ours);
            match state.relations.get(&name) {
                None if owners => plan.differences.push(Difference {
                    field: name,
                    expected: format!("a relation to {}", relation.to),
                    found: "no relation".to_owned(),
                }),
                None => plan
                    .steps
                    .push(Step::AddRelation(collection.name, field.clone())),
                Some(found) if found.to != relation.to => plan.differences.push(Difference {
                    field: name,
                    expected: format!("a relation to {}", relation.to),
                    found: format!("a relation to {}", found.to),
                }),
                Some(found) => {
                    let same = found.on_delete.as_deref() == Some(relation.on_delete);
                    let listed = found.reverse.as_deref() == relation.reverse;
                    if schema.kind != Kind::Full || (same && listed) {
                        continue;
                    }
                    if !owners {
                        plan.steps
                            .push(Step::SetRelation(collection.name, field.clone()));
                    } else if !same {
                        plan.differences
                            .push(on_delete_differs(name, relation, found));
                    }
                }
            }
        }
    }
}

fn on_delete_differs(
    field: String,
    relation: &Relation,
    found: &crate::state::HeldRelation,
) -> Difference {
    let held = found.on_delete.as_deref().unwrap_or("nothing");
    Difference {
        field,
        expected: format!("{} when what it points to is deleted", relation.on_delete),
        found: held.to_owned(),
    }
}

fn plan_access(plan: &mut Plan, schema: &Schema, state: &State, roles: &[ChatRole]) {
    if roles.iter().any(|role| role.id.is_none()) {
        plan.steps.push(Step::MakeRole(schema.role));
    }
    if let Some(name) = schema.folder
        && state.folder.is_none()
    {
        plan.steps.push(Step::MakeFolder(name));
    }
    let ids = Ids::of(schema, state);
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
                    let same = ids
                        .as_ref()
                        .is_some_and(|ids| same(permission, ids, &held.content));
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
        for role in roles {
            let attached = match (id, &role.id) {
                (Some(id), Some(role)) => state.attached.contains(&(id.clone(), role.clone())),
                _ => false,
            };
            if !attached {
                plan.steps
                    .push(Step::AttachPolicy(policy.name, role.name.clone()));
            }
        }
    }
    for (policy, collection, action) in &state.strange_permissions {
        plan.differences.push(Difference {
            field: format!("the policy {policy}"),
            expected: "without it".to_owned(),
            found: format!("somebody lets it {action} {collection}"),
        });
    }
}

fn plan_field(
    plan: &mut Plan,
    stamps: &mut Vec<Step>,
    collection: &'static str,
    field: &Field,
    found: &HeldField,
) {
    let mut differs = |expected: String, found: String| {
        plan.differences.push(Difference {
            field: format!("{collection}.{}", field.name),
            expected,
            found,
        });
    };
    let fits =
        found.kind == field.kind.name() || field.also.iter().any(|kind| found.kind == kind.name());
    if !fits {
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
        Some(_) if found.ours => stamps.push(Step::SetFlags(collection, field.clone())),
        Some(flag) => differs(format!("stamped by {flag}"), "not stamped".to_owned()),
        None => {}
    }
}

/// A role that may chat.
pub(crate) struct ChatRole {
    /// Its name.
    pub name: String,
    /// Its id; none while it is still to be made.
    pub id: Option<String>,
}

/// Which roles may chat: those that were chosen, and those that have a policy of ours
/// already; with none of these, the role of ours.
pub(crate) fn chat_roles(schema: &Schema, state: &State) -> Vec<ChatRole> {
    let ours = || ChatRole {
        name: schema.role.to_owned(),
        id: state.role.clone(),
    };
    if schema.kind != Kind::Full {
        return vec![ours()];
    }
    let mut chosen: BTreeMap<String, String> = state
        .attached
        .iter()
        .filter_map(|(_, role)| Some((role.clone(), state.roles.get(role)?.clone())))
        .collect();
    for name in &schema.chosen_roles {
        let with_name = state.roles.iter().filter(|(_, held)| *held == name);
        chosen.extend(with_name.map(|(id, name)| (id.clone(), name.clone())));
    }
    if chosen.is_empty() {
        return vec![ours()];
    }
    chosen
        .into_iter()
        .map(|(id, name)| ChatRole { name, id: Some(id) })
        .collect()
}

/// What stands for the placeholders in rules.
pub(crate) struct Ids {
    roles: Vec<String>,
    folder: Option<String>,
}

impl Ids {
    /// None while something of it is still to be made.
    pub(crate) fn of(schema: &Schema, state: &State) -> Option<Self> {
        let roles: Option<Vec<String>> = chat_roles(schema, state)
            .into_iter()
            .map(|role| role.id)
            .collect();
        if schema.folder.is_some() && state.folder.is_none() {
            return None;
        }
        Some(Self {
            roles: roles?,
            folder: state.folder.clone(),
        })
    }
}

/// A permission as it is written to the server, with ids in its rules.
pub(crate) fn permission_body(permission: &Permission, ids: &Ids) -> Value {
    let filled = |rule: &Value| fill(rule, ids);
    json!({
        "collection": permission.collection,
        "action": permission.action.name(),
        "fields": permission.fields,
        "permissions": filled(&permission.rule),
        "validation": filled(&permission.validation),
        "presets": filled(&permission.presets),
    })
}

fn fill(rule: &Value, ids: &Ids) -> Value {
    match rule {
        Value::String(text) if text == ROLE_PLACEHOLDER => json!(ids.roles.first()),
        Value::String(text) if text == FOLDER_PLACEHOLDER => json!(ids.folder),
        Value::Array(items) if *items == [json!(ROLE_PLACEHOLDER)] => json!(ids.roles),
        Value::Array(items) => items.iter().map(|item| fill(item, ids)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), fill(value, ids)))
            .collect(),
        other => other.clone(),
    }
}

fn same(permission: &Permission, ids: &Ids, held: &Value) -> bool {
    let wanted = permission_body(permission, ids);
    ["fields", "permissions", "validation", "presets"]
        .into_iter()
        .all(|key| nothing_is_null(wanted.get(key)) == nothing_is_null(held.get(key)))
}

/// Directus answers an empty rule as null or as `{}`, and no fields as null or as `[]`.
fn nothing_is_null(value: Option<&Value>) -> Value {
    match value {
        Some(Value::Object(map)) if map.is_empty() => Value::Null,
        Some(Value::Array(items)) if items.is_empty() => Value::Null,
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Action;
    use crate::state::{Dangling, HeldPermission, HeldRelation, Record, ServerFacts};

    fn held(field: &Field) -> HeldField {
        HeldField {
            kind: field.kind.name().to_owned(),
            special: field.special.iter().map(ToString::to_string).collect(),
            ours: true,
            needed: false,
        }
    }

    fn complete(schema: &Schema) -> State {
        let mut state = State {
            role: Some("role-1".to_owned()),
            folder: Some("folder-1".to_owned()),
            roles: [("role-1".to_owned(), "Chat".to_owned())].into(),
            ..State::default()
        };
        for collection in &schema.collections {
            let fields = collection
                .fields
                .iter()
                .map(|field| (field.name.to_owned(), held(field)));
            let held = HeldCollection {
                ours: !collection.directus,
                history: collection.history,
                fields: fields.collect(),
            };
            state.collections.insert(collection.name.to_owned(), held);
            for field in &collection.fields {
                if let Some(relation) = &field.relation {
                    let held = HeldRelation {
                        to: relation.to.to_owned(),
                        on_delete: Some(relation.on_delete.to_owned()),
                        reverse: relation.reverse.map(str::to_owned),
                    };
                    let name = format!("{}.{}", collection.name, field.name);
                    state.relations.insert(name, held);
                }
            }
        }
        for reverse in schema.reverses() {
            let field = HeldField {
                kind: "alias".to_owned(),
                special: vec!["o2m".to_owned()],
                ours: true,
                needed: false,
            };
            let held = state.collections.entry(reverse.collection.to_owned());
            let fields = &mut held.or_default().fields;
            fields.insert(reverse.name.to_owned(), field);
        }
        if schema.kind == Kind::Full {
            state.server = Some(good_server());
            state.record = Some(Record {
                version: Some(schema.kind.version()),
                ..Record::default()
            });
        }
        for (index, policy) in schema.policies.iter().enumerate() {
            let policy_id = format!("policy-{index}");
            state
                .policies
                .insert(policy.name.to_owned(), policy_id.clone());
            state.attached.insert((policy_id, "role-1".to_owned()));
        }
        let ids = Ids::of(schema, &state).unwrap();
        for (id, (policy, permission)) in schema.rules().enumerate() {
            state.permissions.insert(
                (
                    policy.to_owned(),
                    permission.collection.to_owned(),
                    permission.action,
                ),
                HeldPermission {
                    id: id.to_string(),
                    content: permission_body(permission, &ids),
                },
            );
        }
        state
    }

    fn good_server() -> ServerFacts {
        ServerFacts {
            version: Some("11.17.4".to_owned()),
            websockets: true,
            administrator: true,
            rules_allowed: true,
        }
    }

    fn words(plan: &Plan) -> Vec<String> {
        plan.steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_server_that_has_everything_needs_nothing() {
        for kind in [Kind::Tutorial, Kind::Stamped, Kind::Full] {
            let schema = Schema::of(kind);
            let nothing = Plan {
                roles: vec!["Chat".to_owned()],
                ..Plan::default()
            };
            assert_eq!(plan(&schema, &complete(&schema)), nothing);
        }
    }

    #[test]
    fn a_tutorial_server_gains_fields_and_loses_nothing() {
        let state = complete(&Schema::of(Kind::Tutorial));
        let plan = plan(&Schema::of(Kind::Stamped), &state);
        assert_eq!(
            words(&plan),
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
        let fields = &mut state.collections.get_mut("chat_messages").unwrap().fields;
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
        let fields = &mut state.collections.get_mut("chat_messages").unwrap().fields;
        fields.get_mut("date_created").unwrap().special.clear();
        let ours = plan(&schema, &state);
        assert!(matches!(
            ours.steps.as_slice(),
            [Step::SetFlags("chat_messages", _)]
        ));
        let fields = &mut state.collections.get_mut("chat_messages").unwrap().fields;
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

    /// What the tutorial's reader makes by hand: no marks, no relations.
    fn by_hand(state: &mut State) {
        let five = Schema::of(Kind::Tutorial);
        let fields = five.collections[0].fields.iter().map(|field| {
            let held = HeldField {
                ours: false,
                special: Vec::new(),
                ..held(field)
            };
            (field.name.to_owned(), held)
        });
        let held = HeldCollection {
            ours: false,
            history: true,
            fields: fields.collect(),
        };
        state.server = Some(good_server());
        state.collections.insert(MESSAGES.to_owned(), held);
    }

    #[test]
    fn a_tutorial_made_by_hand_keeps_its_fields_as_they_are() {
        let mut state = State::default();
        by_hand(&mut state);
        state.unfilled = Fill::ALL.into();
        let plan = plan(&Schema::of(Kind::Full), &state);
        assert_eq!(plan.refusals, []);
        let words = words(&plan);
        let at = |text: &str| {
            let found = words.iter().position(|word| word == text);
            found.unwrap_or_else(|| panic!("{text} in {words:#?}"))
        };
        assert!(!words.contains(&"relate chat_messages.sender_id".to_owned()));
        let left: Vec<&str> = plan
            .differences
            .iter()
            .map(|difference| difference.field.as_str())
            .collect();
        assert_eq!(
            left,
            ["chat_messages.sender_id", "chat_messages.receiver_id"]
        );
        assert!(!words.contains(&"make the collection chat_messages".to_owned()));
        assert!(!words.contains(&"add the field chat_messages.content".to_owned()));
        assert!(
            !words
                .iter()
                .any(|word| word.starts_with("keep no copies of what chat_messages"))
        );
        let filled = at("fill in chat_messages.date_created of older rows from timestamp");
        assert!(at("let Chat create chat_messages") < filled);
        assert!(filled < at("flag chat_messages.date_updated again"));
        assert_eq!(words.last().unwrap(), "record version 3");
        let added = plan.steps.iter().find_map(|step| match step {
            Step::AddField(MESSAGES, field) if field.name == "date_updated" => Some(field),
            _ => None,
        });
        assert!(
            added.unwrap().special.is_empty(),
            "not stamped while filling"
        );
    }

    #[test]
    fn filling_in_does_not_count_as_a_change_of_every_message() {
        let mut state = complete(&Schema::of(Kind::Full));
        state.unfilled = [Fill::SenderKey].into();
        let schema = Schema::of(Kind::Full);
        let steps = words(&plan(&schema, &state));
        let expected = [
            "stop stamping chat_messages.date_updated while older rows are filled in",
            "fill in chat_messages.sender_key of older rows from sender_id",
            "flag chat_messages.date_updated again",
        ];
        assert_eq!(steps, expected);
        // Broken off in between: the flag is off, and comes back.
        let fields = &mut state.collections.get_mut(MESSAGES).unwrap().fields;
        fields.get_mut("date_updated").unwrap().special.clear();
        assert_eq!(words(&plan(&schema, &state)), expected[1..]);
        state.unfilled.clear();
        assert_eq!(words(&plan(&schema, &state)), expected[2..]);
    }

    #[test]
    fn chosen_roles_get_the_policies_and_stand_in_the_directory() {
        let schema = Schema::of(Kind::Full);
        let mut state = complete(&schema);
        state.roles.insert("role-2".to_owned(), "Staff".to_owned());
        let plan = plan(&schema.for_roles(vec!["Staff".to_owned()]), &state);
        assert_eq!(
            plan.roles,
            ["Chat", "Staff"],
            "whoever could chat still can"
        );
        let steps = words(&plan);
        assert_eq!(
            steps,
            [
                "correct how Chat may read directus_users",
                "give the role Staff the policy Chat",
                "give the role Staff the policy Chat own rows",
                "give the role Staff the policy Chat group admin",
            ]
        );
    }

    #[test]
    fn with_a_chosen_role_none_of_ours_is_made() {
        let mut state = State {
            server: Some(good_server()),
            ..State::default()
        };
        state.roles.insert("role-2".to_owned(), "Staff".to_owned());
        let schema = Schema::of(Kind::Full).for_roles(vec!["Staff".to_owned()]);
        assert!(!words(&plan(&schema, &state)).contains(&"make the role Chat".to_owned()));
        state.roles.insert("role-3".to_owned(), "Staff".to_owned());
        let found = &plan(&schema, &state).refusals[0];
        assert!(
            matches!(found, Refusal::UnknownRole { found: 2, .. }),
            "{found:?}"
        );
        state.roles.clear();
        let found = &plan(&schema, &state).refusals[0];
        assert!(
            matches!(found, Refusal::UnknownRole { found: 0, .. }),
            "{found:?}"
        );
    }

    #[test]
    fn a_permission_that_somebody_put_into_our_policy_is_told_and_stays() {
        let schema = Schema::of(Kind::Full);
        let mut state = complete(&schema);
        let strange = ["Chat", "chat_messages", "delete"].map(str::to_owned);
        state.strange_permissions.insert(strange.into());
        let plan = plan(&schema, &state);
        assert!(plan.is_empty(), "{:?}", plan.steps);
        assert_eq!(plan.differences.len(), 1);
    }

    #[test]
    fn what_can_not_be_done_safely_is_refused_with_its_reason() {
        type Change = fn(&mut State);
        let cases: [(&str, Change); 12] = [
            ("not_administrator", |state| {
                state.server.as_mut().unwrap().administrator = false;
            }),
            ("old_directus", |state| {
                state.server.as_mut().unwrap().version = Some("11.16.9".to_owned());
            }),
            ("old_directus", |state| {
                state.server.as_mut().unwrap().version = Some("10.13.1".to_owned());
            }),
            ("licence", |state| {
                let server = state.server.as_mut().unwrap();
                server.version = Some("12.4.0".to_owned());
                server.rules_allowed = false;
            }),
            ("web_sockets_off", |state| {
                state.server.as_mut().unwrap().websockets = false;
            }),
            ("newer_schema", |state| {
                state.record.as_mut().unwrap().version = Some(4);
            }),
            ("foreign_collection", |state| {
                state.collections.get_mut("chat_groups").unwrap().ours = false;
            }),
            ("foreign_collection", |state| {
                by_hand(state);
                let fields = &mut state.collections.get_mut(MESSAGES).unwrap().fields;
                fields.get_mut("receiver_id").unwrap().kind = "integer".to_owned();
            }),
            ("foreign_collection", |state| {
                by_hand(state);
                let fields = &mut state.collections.get_mut(MESSAGES).unwrap().fields;
                fields.remove("content");
            }),
            ("needed_field", |state| {
                by_hand(state);
                let fields = &mut state.collections.get_mut(MESSAGES).unwrap().fields;
                fields.get_mut("receiver_id").unwrap().needed = true;
            }),
            ("needed_field", |state| {
                let fields = &mut state.collections.get_mut(MESSAGES).unwrap().fields;
                let mut colour = fields["content"].clone();
                (colour.ours, colour.needed) = (false, true);
                fields.insert("colour".to_owned(), colour);
            }),
            ("dangling_keys", |state| {
                let found = Dangling {
                    rows: 2,
                    example: "nobody".to_owned(),
                    to: "directus_users".to_owned(),
                };
                state
                    .dangling
                    .insert("chat_messages.sender_id".to_owned(), found);
            }),
        ];
        let schema = Schema::of(Kind::Full);
        for (code, change) in cases {
            let mut state = complete(&schema);
            change(&mut state);
            let refusals = plan(&schema, &state).refusals;
            let codes: Vec<Value> = refusals.iter().map(|refusal| json!(refusal)).collect();
            assert_eq!(codes.len(), 1, "{code}: {codes:?}");
            assert_eq!(codes[0]["code"], code, "{codes:?}");
        }
    }

    #[test]
    fn an_earlier_kind_is_not_put_over_a_later_one() {
        let full = Schema::of(Kind::Full);
        for kind in [Kind::Tutorial, Kind::Stamped] {
            let refusals = plan(&Schema::of(kind), &complete(&full)).refusals;
            assert_eq!(refusals, [Refusal::NewerSchema { found: 3 }], "{kind:?}");
        }
    }

    #[test]
    fn the_owners_addresses_are_recorded_where_they_differ_and_before_the_version() {
        let mut state = complete(&Schema::of(Kind::Full));
        let contact = "mailto:owner@example.com".to_owned();
        let schema = || {
            Schema::of(Kind::Full).with_addresses(crate::Addresses {
                contact: Some(Some(contact.clone())),
                terms: Some(None),
            })
        };
        state.record.as_mut().unwrap().version = Some(2);
        assert_eq!(
            words(&plan(&schema(), &state)),
            [
                "record the owner's contact, mailto:owner@example.com",
                "record version 3"
            ]
        );
        let record = state.record.as_mut().unwrap();
        record.version = Some(3);
        record.contact = Some(contact.clone());
        record.terms = Some("https://example.com/terms".to_owned());
        assert_eq!(
            words(&plan(&schema(), &state)),
            ["take away the owner's terms"]
        );
        assert!(plan(&Schema::of(Kind::Full), &state).is_empty());
    }

    #[test]
    fn the_same_plan_has_the_same_hash_and_another_has_another() {
        let schema = Schema::of(Kind::Full);
        let mut state = State {
            server: Some(good_server()),
            ..State::default()
        };
        let first = plan(&schema, &state).hash();
        assert_eq!(first, plan(&schema, &state).hash());
        state.folder = Some("folder-1".to_owned());
        assert_ne!(first, plan(&schema, &state).hash());
    }
}
