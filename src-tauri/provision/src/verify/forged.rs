//! What is wrong with a row, collection by collection: the few things that the schema can't
//! tell, because they are about what a condition means.
//!
//! Owns: values that forge something, and rows that break one condition each. Never: who asks,
//! and in which way, which is `writing`'s.

use super::world::{
    Who, eves_file, eves_group, eves_message, file, foreign_folder, group, member, message,
};
use crate::ids::probe;
use crate::schema::{MESSAGES, REPORTS};
use serde_json::{Map, Value, json};

/// Directus' own fields: something that would give more than somebody should have.
pub(super) fn of_directus(name: &str) -> Value {
    match name {
        "email" => json!("verify-other@invalid.example.com"),
        "status" => json!("archived"),
        "policies" => json!([{ "policy": crate::ids::policy("Chat") }]),
        "role" => json!(crate::ids::ROLE),
        "tags" => json!(["changed"]),
        "email_notifications" | "text_direction_auto" => json!(false),
        "filesize" | "width" | "height" | "duration" | "focal_point_x" | "focal_point_y" => {
            json!(7)
        }
        "uploaded_by" | "modified_by" => json!(Who::Ben.id()),
        "created_on" | "uploaded_on" | "modified_on" | "last_access" => {
            json!("2001-02-03T04:05:06Z")
        }
        "metadata" | "embed" | "auth_data" | "theme_dark_overrides" | "theme_light_overrides" => {
            json!({ "changed": true })
        }
        "id" => json!(probe(0xfff)),
        "folder" => Value::Null,
        name if name.starts_with("chat_") => json!([]),
        _ => json!("changed"),
    }
}

/// A row of a collection of which nobody may make one.
pub(super) fn invented(c: &str) -> Value {
    match c {
        "directus_users" => {
            json!({ "first_name": "Forged", "email": "verify-forged@invalid.example.com" })
        }
        _ => json!({ "version": 99 }),
    }
}

/// As an inner row: what it belongs to is left to the row around it.
pub(super) fn invented_or(valid: &Value, c: &str) -> Value {
    match valid.as_object() {
        Some(map) if !map.is_empty() => valid.clone(),
        _ => Value::Object(invented(c).as_object().cloned().unwrap_or_else(Map::new)),
    }
}

/// What is wrong with a row in a way of its own; each breaks one of the rules' conditions.
pub(super) fn broken(c: &str) -> Vec<(String, Value)> {
    let out = json!({ "left": "out" });
    let at = "2026-01-01T00:00:00Z";
    let all: Vec<(&str, Value)> = match c {
        MESSAGES => vec![
            ("without content", json!({ "content": out })),
            ("with content of null", json!({ "content": null })),
            ("to nobody", json!({ "receiver_id": null })),
            ("with no word on to whom", json!({ "receiver_id": out })),
            (
                "to a person and a group",
                json!({ "group_id": eves_group() }),
            ),
            (
                "to a group of others",
                json!({ "receiver_id": null, "group_id": group() }),
            ),
            (
                "to a group of others, in the object form",
                json!({ "receiver_id": null, "group_id": { "id": group(), "bumped_at": at } }),
            ),
            (
                "to a group of others, as an object without a touch",
                json!({ "receiver_id": null, "group_id": { "id": group() } }),
            ),
            (
                "to a person and a group, in the object form",
                json!({ "group_id": { "id": eves_group(), "bumped_at": at } }),
            ),
            (
                "to a group that it makes",
                json!({ "receiver_id": null, "group_id": { "name": "New", "bumped_at": at } }),
            ),
            (
                "to a person as an object",
                json!({ "receiver_id": { "id": Who::Ben.id() } }),
            ),
            (
                "with a receiver's key that is none",
                json!({ "receiver_key": "x".repeat(36) }),
            ),
            ("as if deleted", json!({ "deleted_at": at })),
        ],
        "chat_members" => vec![
            (
                "in a group of others",
                json!({ "group_id": group(), "user_id": Who::Eve.id() }),
            ),
            ("in no group", json!({ "group_id": null })),
            ("with no word on the group", json!({ "group_id": out })),
            (
                "as administrator of a group of others",
                json!({ "group_id": group(), "user_id": Who::Eve.id(), "admin_id": Who::Eve.id(), "role": "admin" }),
            ),
            (
                "in a group of others, as an object",
                json!({ "group_id": { "id": group() }, "user_id": Who::Eve.id() }),
            ),
        ],
        "chat_attachments" => vec![
            ("a file by its key", json!({ "file": eves_file() })),
            (
                "a file as an object without a touch",
                json!({ "file": { "id": eves_file() } }),
            ),
            ("a file of others by its key", json!({ "file": file() })),
            (
                "a file of others",
                json!({ "file": { "id": file(), "chat_attached_at": at } }),
            ),
            (
                "to a message by its key",
                json!({ "message_id": eves_message() }),
            ),
            (
                "to a message as an object without a touch",
                json!({ "message_id": { "id": eves_message() } }),
            ),
            (
                "to a message of others by its key",
                json!({ "message_id": message() }),
            ),
            (
                "to a message of others",
                json!({ "message_id": { "id": message(), "attached_at": at } }),
            ),
            ("to no message", json!({ "message_id": null })),
            ("with no word on the message", json!({ "message_id": out })),
            (
                "of a file that it makes",
                json!({ "file": { "title": "Forged", "type": "text/plain", "storage": "local", "filename_download": "x.txt", "chat_attached_at": at } }),
            ),
            ("of no file", json!({ "file": null })),
            ("with no word on the file", json!({ "file": out })),
            (
                "to a message that it makes",
                json!({ "message_id": { "content": "Forged", "receiver_id": Who::Ben.id(), "attached_at": at } }),
            ),
        ],
        "chat_reactions" => vec![
            (
                "to a message by its key",
                json!({ "message_id": eves_message() }),
            ),
            (
                "to a message as an object without a touch",
                json!({ "message_id": { "id": eves_message() } }),
            ),
            (
                "to a message of others by its key",
                json!({ "message_id": message() }),
            ),
            (
                "to a message of others",
                json!({ "message_id": { "id": message(), "reacted_at": at } }),
            ),
            (
                "to a message that it makes",
                json!({ "message_id": { "content": "Forged", "receiver_id": Who::Ben.id(), "reacted_at": at } }),
            ),
            ("to no message", json!({ "message_id": null })),
            ("with no word on the message", json!({ "message_id": out })),
        ],
        "chat_read_states" | "chat_typing" => vec![
            ("about nobody", json!({ "peer_id": null })),
            (
                "about a person and a group",
                json!({ "group_id": eves_group() }),
            ),
            (
                "about a group of others",
                json!({ "peer_id": null, "group_id": group() }),
            ),
        ],
        "directus_files" => vec![
            (
                "in a folder that is not for it",
                json!({ "folder": foreign_folder() }),
            ),
            (
                "as uploaded by another",
                json!({ "uploaded_by": Who::Ben.id() }),
            ),
            (
                "with a place on the disk",
                json!({ "filename_disk": "../data.db" }),
            ),
        ],
        REPORTS => vec![
            ("for a reason that is none", json!({ "reason": "because" })),
            ("for no reason", json!({ "reason": null })),
            ("with no word on the reason", json!({ "reason": out })),
        ],
        "chat_groups" => vec![
            (
                "with a member's row of another group",
                json!({ "members": [{ "id": member(Who::Carla), "role": "owner" }] }),
            ),
            (
                "with a picture of others by its key",
                json!({ "avatar": file() }),
            ),
            (
                "with a picture of others",
                json!({ "avatar": { "id": file(), "chat_attached_at": at } }),
            ),
        ],
        _ => Vec::new(),
    };
    all.into_iter()
        .map(|(what, patch)| (what.to_owned(), patch))
        .collect()
}
