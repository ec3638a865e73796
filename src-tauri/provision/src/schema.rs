//! What should be on the server, declared: two kinds so far.
//!
//! The rules are the ones proven against 140 hostile requests; here is the part
//! that direct messages need. `<chat role>` in a rule stands for the role's id,
//! which is found at run time.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The collection of messages, named as the tutorial names it.
pub const MESSAGES: &str = "chat_messages";
/// Stands in a rule for the id of the role.
pub const ROLE_PLACEHOLDER: &str = "<chat role>";

/// Which collection of messages a server gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Exactly the tutorial's five fields, with a `dateTime`.
    Tutorial,
    /// The same and the server's own stamps, `date_created` and `date_updated`.
    Stamped,
}

/// Everything that should be there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schema {
    /// The collections, in the order they are made.
    pub collections: Vec<Collection>,
    /// The name of the role that people of the chat have.
    pub role: &'static str,
    /// The policies of that role.
    pub policies: Vec<Policy>,
}

/// A collection with a uuid key `id`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collection {
    /// Its name.
    pub name: &'static str,
    /// Its icon in the admin app.
    pub icon: &'static str,
    /// Its fields, `id` first.
    pub fields: Vec<Field>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: FieldType,
    /// Directus' `special` flags.
    pub special: &'static [&'static str],
    /// Whether the admin app insists on a value.
    pub required: bool,
    /// Whether the database keeps an index.
    pub indexed: bool,
    /// The collection it points to.
    pub relation: Option<Relation>,
}

/// A many-to-one relation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relation {
    /// The collection pointed to.
    pub to: &'static str,
    /// What happens to the row when that one is deleted, as SQL names it.
    pub on_delete: &'static str,
}

/// Directus' type names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FieldType {
    /// A lower-case uuid.
    Uuid,
    /// Text of any length.
    Text,
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
    /// Its permissions.
    pub permissions: Vec<Permission>,
}

/// One allowed action on one collection. Fields are always listed, never `*`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Permission {
    /// The collection.
    pub collection: &'static str,
    /// What may be done.
    pub action: Action,
    /// With which fields.
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
}

impl Action {
    /// As Directus writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

impl Schema {
    /// The schema of one kind of server.
    pub fn of(kind: Kind) -> Self {
        let stamped = kind == Kind::Stamped;
        let mut fields = vec![
            Field {
                special: &["uuid"],
                ..plain("id", FieldType::Uuid)
            },
            plain("content", FieldType::Text),
            person("sender_id", stamped),
            person("receiver_id", stamped),
            Field {
                indexed: stamped,
                ..plain("timestamp", FieldType::DateTime)
            },
        ];
        if stamped {
            let stamp = |name, special| Field {
                special,
                indexed: true,
                ..plain(name, FieldType::Timestamp)
            };
            fields.push(stamp("date_created", &["date-created"]));
            fields.push(stamp("date_updated", &["date-updated"]));
        }
        let readable = fields.iter().map(|field| field.name).collect();
        Self {
            collections: vec![Collection {
                name: MESSAGES,
                icon: "chat",
                fields,
            }],
            role: "Chat",
            policies: vec![Policy {
                name: "Chat",
                permissions: permissions(readable, stamped),
            }],
        }
    }
}

fn plain(name: &'static str, kind: FieldType) -> Field {
    Field {
        name,
        kind,
        special: &[],
        required: false,
        indexed: false,
        relation: None,
    }
}

/// A relation to a person. When a person is deleted, what others hold stays: the key is emptied.
fn person(name: &'static str, indexed: bool) -> Field {
    let relation = Some(Relation {
        to: "directus_users",
        on_delete: "SET NULL",
    });
    Field {
        special: &["m2o"],
        indexed,
        relation,
        ..plain(name, FieldType::Uuid)
    }
}

fn permissions(readable: Vec<&'static str>, stamped: bool) -> Vec<Permission> {
    let me = json!({ "_eq": "$CURRENT_USER" });
    let mut permissions = vec![
        Permission {
            collection: MESSAGES,
            action: Action::Read,
            fields: readable,
            rule: json!({ "_or": [{ "sender_id": me }, { "receiver_id": me }] }),
            validation: Value::Null,
            presets: Value::Null,
        },
        Permission {
            collection: MESSAGES,
            action: Action::Create,
            fields: vec!["id", "content", "sender_id", "receiver_id", "timestamp"],
            rule: Value::Null,
            validation: json!({ "_and": [
                { "sender_id": me },
                { "content": { "_submitted": true } },
                { "content": { "_nnull": true } },
                { "receiver_id": { "_submitted": true } },
                { "receiver_id": { "_nnull": true } },
            ] }),
            presets: json!({ "sender_id": "$CURRENT_USER", "receiver_id": null }),
        },
        Permission {
            collection: "directus_users",
            action: Action::Read,
            fields: vec!["id", "first_name", "last_name", "avatar"],
            rule: json!({ "_and": [
                { "status": { "_eq": "active" } },
                { "role": { "_eq": ROLE_PLACEHOLDER } },
            ] }),
            validation: Value::Null,
            presets: Value::Null,
        },
        Permission {
            collection: "directus_users",
            action: Action::Update,
            fields: vec!["first_name", "last_name", "avatar"],
            rule: json!({ "id": me }),
            validation: Value::Null,
            presets: Value::Null,
        },
    ];
    if stamped {
        permissions.push(Permission {
            collection: MESSAGES,
            action: Action::Update,
            fields: vec!["content"],
            rule: json!({ "sender_id": me }),
            validation: json!({ "content": { "_nnull": true } }),
            presets: Value::Null,
        });
    }
    permissions
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
    fn no_permission_is_open_to_every_field_or_every_row_read() {
        for kind in [Kind::Tutorial, Kind::Stamped] {
            for permission in Schema::of(kind)
                .policies
                .iter()
                .flat_map(|policy| &policy.permissions)
            {
                assert!(
                    !permission.fields.is_empty() && !permission.fields.contains(&"*"),
                    "{permission:?}"
                );
                assert!(
                    permission.action == Action::Create || !permission.rule.is_null(),
                    "rows are always bounded: {permission:?}"
                );
            }
        }
    }
}
