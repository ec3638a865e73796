//! What should be on the server, declared, in three kinds that build on each
//! other: [`Kind::Tutorial`] (version 0), [`Kind::Stamped`] (1), [`Kind::Full`] (3; 2 was without
//! reports and the owner's addresses).
//!
//! ```text
//! direct (Tutorial, Stamped)        full = messages + groups + attachments + reactions
//!                                        + reading + prefs + typing + presence + blocks
//!                                        + reports + directory + setup
//! ```
//! Each of the parts holds the fields and the rules of its collections, together.
//! [`Schema::rules`] lists every permission with its policy: what may be done is
//! exactly that, so that every other thing is an attack. Nothing here knows a server.
//!
//! Ids that only a server knows stand in the rules as placeholders:
//! [`ROLE_PLACEHOLDER`], [`FOLDER_PLACEHOLDER`].

mod attachments;
mod blocks;
mod direct;
mod directory;
mod full;
mod groups;
mod messages;
mod prefs;
mod presence;
mod reactions;
mod reading;
mod reports;
mod setup;
mod typing;

pub use reports::{REASONS, REPORTS};
pub use setup::{SETUP, SETUP_ROW};

use crate::addresses::Addresses;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The collection of messages, named as the tutorial names it.
pub const MESSAGES: &str = "chat_messages";
/// Stands in a rule for the id of the role; in a list, for the ids of all roles that may chat.
pub const ROLE_PLACEHOLDER: &str = "<chat role>";
/// Stands in a rule for the id of the folder of avatars.
pub const FOLDER_PLACEHOLDER: &str = "<chat-avatars folder>";

/// Which collection of messages a server gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Exactly the tutorial's five fields, with a `dateTime`.
    Tutorial,
    /// The same and the server's own stamps, `date_created` and `date_updated`.
    Stamped,
    /// Everything: groups, attachments, reactions, read states, settings, typing,
    /// presence, blocks, reports.
    Full,
}

impl Kind {
    /// The number that is recorded on a server for it.
    pub fn version(self) -> u32 {
        match self {
            Self::Tutorial => 0,
            Self::Stamped => 1,
            Self::Full => 3,
        }
    }
}

/// Everything that should be there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schema {
    /// Which one it is.
    pub kind: Kind,
    /// The collections, in the order they are made.
    pub collections: Vec<Collection>,
    /// The name of the role that people of the chat have, unless others are chosen.
    pub role: &'static str,
    /// Names of the roles that may chat, where the owner has chosen some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chosen_roles: Vec<String>,
    /// The folder that holds pictures of people and groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<&'static str>,
    /// The policies of the roles that may chat.
    pub policies: Vec<Policy>,
    /// What the owner says of themselves, where that is to be changed.
    #[serde(skip)]
    pub addresses: Addresses,
}

/// A collection with a uuid key `id`, or one of Directus' own that gets more fields.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collection {
    /// Its name.
    pub name: &'static str,
    /// Its icon in the admin app.
    pub icon: &'static str,
    /// Its fields, `id` first. Of Directus' own: only the fields that are added.
    pub fields: Vec<Field>,
    /// Whether it is one of Directus' own, `directus_…`.
    #[serde(skip_serializing_if = "is_false")]
    pub directus: bool,
    /// Whether Directus keeps a copy of what a row was before each change. Without, what is
    /// deleted is gone.
    #[serde(skip_serializing_if = "is_true")]
    pub history: bool,
}

/// A column, or the other end of a relation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: FieldType,
    /// Other types that serve as well, where an owner made the field.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub also: &'static [FieldType],
    /// Directus' `special` flags.
    pub special: &'static [&'static str],
    /// Whether the admin app insists on a value.
    pub required: bool,
    /// Whether the database keeps an index.
    pub indexed: bool,
    /// The collection it points to.
    pub relation: Option<Relation>,
    /// What the database fills in.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub default: Value,
    /// At most this many characters, of a [`FieldType::String`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<u16>,
}

/// A many-to-one relation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relation {
    /// The collection pointed to.
    pub to: &'static str,
    /// What happens to the row when that one is deleted, as SQL names it.
    pub on_delete: &'static str,
    /// The field of that collection which lists the rows that point to it; rules need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse: Option<&'static str>,
}

/// Directus' type names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FieldType {
    /// A lower-case uuid.
    Uuid,
    /// Text of any length.
    Text,
    /// A short text.
    String,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// Any JSON.
    Json,
    /// An instant without milliseconds and zone, as the tutorial has it.
    DateTime,
    /// An instant in UTC with milliseconds.
    Timestamp,
}

impl FieldType {
    /// As Directus writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Text => "text",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Json => "json",
            Self::DateTime => "dateTime",
            Self::Timestamp => "timestamp",
        }
    }
}

/// A named set of permissions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// Its permissions; at most one for each collection and action.
    pub permissions: Vec<Permission>,
}

/// One allowed action on one collection. Fields are always listed, never `*`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Permission {
    /// The collection.
    pub collection: &'static str,
    /// What may be done.
    pub action: Action,
    /// With which fields; of a deletion there are none.
    pub fields: Vec<&'static str>,
    /// On which rows; null: on every row (of a create).
    pub rule: Value,
    /// What the new content must satisfy.
    pub validation: Value,
    /// What is filled in where nothing is given.
    pub presets: Value,
}

/// What a permission allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Reading, also live.
    Read,
    /// Making a row.
    Create,
    /// Changing a row.
    Update,
    /// Deleting a row for good.
    Delete,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Update, Self::Delete];

    /// As Directus writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Schema {
    /// The schema of one kind of server.
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Tutorial | Kind::Stamped => direct::schema(kind),
            Kind::Full => full::schema(),
        }
    }

    /// The same for these roles of the owner's; with none, for a role of ours.
    #[must_use]
    pub fn for_roles(mut self, names: Vec<String>) -> Self {
        self.chosen_roles = names;
        self
    }

    /// The same with these addresses of the owner's.
    #[must_use]
    pub fn with_addresses(mut self, addresses: Addresses) -> Self {
        self.addresses = addresses;
        self
    }

    /// Every permission, with the name of its policy.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, &Permission)> {
        self.policies.iter().flat_map(|policy| {
            policy
                .permissions
                .iter()
                .map(|permission| (policy.name, permission))
        })
    }

    /// Every field that lists the rows pointing to its collection: that collection, the
    /// field's name, and the collection and field that point there.
    pub fn reverses(&self) -> Vec<Reverse> {
        let mut all = Vec::new();
        for collection in &self.collections {
            for field in &collection.fields {
                if let Some(relation) = &field.relation
                    && let Some(name) = relation.reverse
                {
                    all.push(Reverse {
                        collection: relation.to,
                        name,
                        from: collection.name,
                        field: field.name,
                    });
                }
            }
        }
        all
    }

    /// A collection by its name.
    pub fn collection(&self, name: &str) -> Option<&Collection> {
        self.collections
            .iter()
            .find(|collection| collection.name == name)
    }
}

/// The other end of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reverse {
    /// The collection that is pointed to.
    pub collection: &'static str,
    /// The name of its field.
    pub name: &'static str,
    /// The collection that points.
    pub from: &'static str,
    /// The field that points.
    pub field: &'static str,
}

/// What one part brings to the schema: fields and rules of one subject.
#[derive(Default)]
struct Part {
    collections: Vec<Collection>,
    rules: Vec<(&'static str, Permission)>,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_true(value: &bool) -> bool {
    *value
}

// How the parts write fields.

fn plain(name: &'static str, kind: FieldType) -> Field {
    Field {
        name,
        kind,
        also: &[],
        special: &[],
        required: false,
        indexed: false,
        relation: None,
        default: Value::Null,
        longest: None,
    }
}

fn key() -> Field {
    Field {
        special: &["uuid"],
        ..plain("id", FieldType::Uuid)
    }
}

/// A stamp of the server's.
fn stamp(name: &'static str, special: &'static [&'static str]) -> Field {
    Field {
        special,
        indexed: true,
        ..plain(name, FieldType::Timestamp)
    }
}

fn instant(name: &'static str) -> Field {
    plain(name, FieldType::Timestamp)
}

fn word(name: &'static str, longest: u16) -> Field {
    Field {
        longest: Some(longest),
        ..plain(name, FieldType::String)
    }
}

fn flag(name: &'static str) -> Field {
    Field {
        special: &["cast-boolean"],
        ..plain(name, FieldType::Boolean)
    }
}

/// A field that points to `to`. Emptied when that row is deleted, unless it is [`owned_by`].
fn points_to(name: &'static str, to: &'static str) -> Field {
    Field {
        special: &["m2o"],
        indexed: true,
        relation: Some(Relation {
            to,
            on_delete: "SET NULL",
            reverse: None,
        }),
        ..plain(name, FieldType::Uuid)
    }
}

/// A field that points to a file.
fn file(name: &'static str) -> Field {
    Field {
        special: &["file"],
        ..points_to(name, "directus_files")
    }
}

/// A field whose row is nothing without the row it points to, and is deleted with it.
fn owned_by(name: &'static str, to: &'static str) -> Field {
    let mut field = Field {
        required: true,
        ..points_to(name, to)
    };
    if let Some(relation) = &mut field.relation {
        relation.on_delete = "CASCADE";
    }
    field
}

impl Field {
    /// The same, with a field on the other side that lists the rows.
    fn listed_as(mut self, reverse: &'static str) -> Self {
        if let Some(relation) = &mut self.relation {
            relation.reverse = Some(reverse);
        }
        self
    }
}

fn collection(name: &'static str, icon: &'static str, fields: Vec<Field>) -> Collection {
    Collection {
        name,
        icon,
        fields,
        directus: false,
        history: false,
    }
}

// How the parts write rules.

/// Whatever is done by those who may chat.
const CHAT: &str = "Chat";
/// What somebody may do with rows that are theirs, with fields that others may not touch.
const OWN_ROWS: &str = "Chat own rows";
/// What the administrators of a group may do.
const GROUP_ADMIN: &str = "Chat group admin";

fn me() -> Value {
    json!({ "_eq": "$CURRENT_USER" })
}

/// I am in the group that `group_id` points to. `_some` is no way to write this: below
/// another relation Directus answers 400 or ignores it.
fn in_its_group() -> Value {
    json!({ "group_id": { "members": { "user_id": me() } } })
}

/// A message was sent by me to a person, or to me, or to a group that I am in; `of` leads to
/// the message. What I sent to a group goes with the group: Directus lets a filter look
/// through any relation of a row that may be read, whatever the rules of the row behind it,
/// so that a row in sight must point to nothing that is not.
fn concerns_me(of: fn(Value) -> Value) -> Value {
    json!({ "_or": [
        { "_and": [
            of(json!({ "sender_id": me() })),
            of(json!({ "group_id": { "_null": true } })),
        ] },
        of(json!({ "receiver_id": me() })),
        of(in_its_group()),
    ] })
}

/// The content names a picture in the object form, which is held against the right to touch
/// that file; or none.
fn picture_within_reach() -> Value {
    json!({ "_or": [
        { "avatar": { "_null": true } },
        { "avatar": { "chat_attached_at": { "_submitted": true } } },
    ] })
}

fn may_read(
    collection: &'static str,
    fields: Vec<&'static str>,
    rule: Value,
) -> (&'static str, Permission) {
    (
        CHAT,
        Permission {
            collection,
            action: Action::Read,
            fields,
            rule,
            validation: Value::Null,
            presets: Value::Null,
        },
    )
}

fn may_create(
    collection: &'static str,
    fields: Vec<&'static str>,
    validation: Value,
    presets: Value,
) -> (&'static str, Permission) {
    (
        CHAT,
        Permission {
            collection,
            action: Action::Create,
            fields,
            rule: Value::Null,
            validation,
            presets,
        },
    )
}

fn may_update(
    policy: &'static str,
    collection: &'static str,
    fields: Vec<&'static str>,
    rule: Value,
) -> (&'static str, Permission) {
    (
        policy,
        Permission {
            collection,
            action: Action::Update,
            fields,
            rule,
            validation: Value::Null,
            presets: Value::Null,
        },
    )
}

/// The same where the new content is bounded, too.
fn may_update_with(
    policy: &'static str,
    collection: &'static str,
    fields: Vec<&'static str>,
    rule: Value,
    validation: Value,
) -> (&'static str, Permission) {
    let (policy, permission) = may_update(policy, collection, fields, rule);
    (
        policy,
        Permission {
            validation,
            ..permission
        },
    )
}

fn may_delete(collection: &'static str, rule: Value) -> (&'static str, Permission) {
    (
        CHAT,
        Permission {
            collection,
            action: Action::Delete,
            fields: Vec::new(),
            rule,
            validation: Value::Null,
            presets: Value::Null,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tutorials_collection_has_its_five_fields_and_no_more() {
        let schema = Schema::of(Kind::Tutorial);
        let fields: Vec<_> = schema.collections[0]
            .fields
            .iter()
            .map(|field| (field.name, field.kind.name()))
            .collect();
        let five = [
            ("id", "uuid"),
            ("content", "text"),
            ("sender_id", "uuid"),
            ("receiver_id", "uuid"),
            ("timestamp", "dateTime"),
        ];
        assert_eq!(fields, five);
    }

    #[test]
    fn no_permission_is_open_to_every_field_or_every_row() {
        for kind in [Kind::Tutorial, Kind::Stamped, Kind::Full] {
            for (_, permission) in Schema::of(kind).rules() {
                assert!(!permission.fields.contains(&"*"), "{permission:?}");
                assert_eq!(
                    permission.fields.is_empty(),
                    permission.action == Action::Delete,
                    "{permission:?}"
                );
                let bound = if permission.action == Action::Create {
                    &permission.validation
                } else {
                    &permission.rule
                };
                assert!(!bound.is_null(), "always bounded: {permission:?}");
            }
        }
    }

    #[test]
    fn every_field_that_a_permission_names_is_declared() {
        let schema = Schema::of(Kind::Full);
        let reverses = schema.reverses();
        for (policy, permission) in schema.rules() {
            let Some(collection) = schema
                .collection(permission.collection)
                .filter(|collection| !collection.directus)
            else {
                continue;
            };
            for name in &permission.fields {
                let here = collection.fields.iter().any(|field| field.name == *name)
                    || reverses.iter().any(|reverse| {
                        reverse.collection == collection.name && reverse.name == *name
                    });
                assert!(here, "{policy}: {}.{name}", collection.name);
            }
        }
    }

    #[test]
    fn a_policy_has_one_permission_for_each_collection_and_action() {
        for policy in Schema::of(Kind::Full).policies {
            let mut seen = std::collections::BTreeSet::new();
            for permission in &policy.permissions {
                let key = (permission.collection, permission.action);
                assert!(seen.insert(key), "{}: {key:?} twice", policy.name);
            }
        }
    }

    /// Deleting one person must not take what others hold.
    #[test]
    fn no_message_and_no_group_is_deleted_with_a_person() {
        for name in [MESSAGES, "chat_groups"] {
            let schema = Schema::of(Kind::Full);
            for field in &schema.collection(name).unwrap().fields {
                if let Some(relation) = &field.relation
                    && relation.to == "directus_users"
                {
                    assert_eq!(relation.on_delete, "SET NULL", "{name}.{}", field.name);
                }
            }
        }
    }

    #[test]
    fn the_whole_schema_holds_every_field_of_the_earlier_ones() {
        let full = Schema::of(Kind::Full);
        let messages = full.collection(MESSAGES).unwrap();
        for kind in [Kind::Tutorial, Kind::Stamped] {
            for field in &Schema::of(kind).collections[0].fields {
                let same = messages.fields.iter().find(|held| held.name == field.name);
                let same = same.unwrap_or_else(|| panic!("{}", field.name));
                assert!(
                    same.kind == field.kind || same.also.contains(&field.kind),
                    "{}",
                    field.name
                );
            }
        }
    }
}
