//! Direct messages only: the tutorial's collection, and the same with the server's stamps.
//!
//! The rules are the part of [`super::full`] that direct messages need.

use super::{
    Action, CHAT, Collection, Field, FieldType, Kind, MESSAGES, Permission, Policy,
    ROLE_PLACEHOLDER, Schema, key, me, plain, points_to, stamp,
};
use serde_json::{Value, json};

pub(super) fn schema(kind: Kind) -> Schema {
    let stamped = kind != Kind::Tutorial;
    let person = |name| Field {
        indexed: stamped,
        ..points_to(name, "directus_users")
    };
    let mut fields = vec![
        key(),
        plain("content", FieldType::Text),
        person("sender_id"),
        person("receiver_id"),
        Field {
            indexed: stamped,
            ..plain("timestamp", FieldType::DateTime)
        },
    ];
    if stamped {
        fields.push(stamp("date_created", &["date-created"]));
        fields.push(stamp("date_updated", &["date-updated"]));
    }
    let readable = fields.iter().map(|field| field.name).collect();
    Schema {
        kind,
        collections: vec![Collection {
            name: MESSAGES,
            icon: "chat",
            fields,
            directus: false,
            history: true,
        }],
        role: CHAT,
        chosen_roles: Vec::new(),
        folder: None,
        policies: vec![Policy {
            name: CHAT,
            permissions: permissions(readable, stamped),
        }],
        addresses: crate::addresses::Addresses::default(),
    }
}

fn permissions(readable: Vec<&'static str>, stamped: bool) -> Vec<Permission> {
    let me = me();
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
