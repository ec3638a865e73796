//! Messages, to one person or to a group: the tutorial's five fields and more.
//!
//! `sender_key` and `receiver_key` are plain copies of the ids, for when an account is
//! deleted and the relation is emptied: they keep such conversations apart. The sender's is
//! proven; the receiver's is the sender's word, and only the sender ever reads by it.
//! Deleting is a stamp (`deleted_at`), never the end of a row.

use super::{
    Field, FieldType, MESSAGES, OWN_ROWS, Part, collection, in_its_group, instant, key, may_create,
    may_read, may_update, me, owned_by, plain, points_to, stamp, word,
};
use serde_json::{Value, json};

pub(super) fn part() -> Part {
    let fields = vec![
        key(),
        Field {
            also: &[FieldType::String],
            ..plain("content", FieldType::Text)
        },
        points_to("sender_id", "directus_users"),
        points_to("receiver_id", "directus_users"),
        Field {
            also: &[FieldType::DateTime],
            indexed: true,
            ..plain("timestamp", FieldType::Timestamp)
        },
        plain("sender_key", FieldType::Uuid),
        plain("receiver_key", FieldType::Uuid),
        Field {
            required: false,
            ..owned_by("group_id", "chat_groups").listed_as("messages")
        },
        // No relation: a filter could look through it at a message of others.
        plain("reply_to", FieldType::Uuid),
        Field {
            default: json!("text"),
            ..word("kind", 16)
        },
        instant("edited_at"),
        instant("deleted_at"),
        instant("reacted_at"),
        instant("attached_at"),
        stamp("date_created", &["date-created"]),
        stamp("date_updated", &["date-updated"]),
    ];
    let mut readable: Vec<_> = fields.iter().map(|field| field.name).collect();
    readable.extend(["attachments", "reactions"]);
    let concerns_me = super::concerns_me(|rule| rule);
    let rules = vec![
        may_read(MESSAGES, readable, concerns_me.clone()),
        may_create(
            MESSAGES,
            vec![
                "id",
                "content",
                "sender_id",
                "receiver_id",
                "timestamp",
                "sender_key",
                "receiver_key",
                "group_id",
                "reply_to",
                "kind",
                "attached_at",
            ],
            sending(),
            json!({
                "sender_id": "$CURRENT_USER", "sender_key": "$CURRENT_USER", "receiver_id": null,
                "receiver_key": null, "group_id": null, "reply_to": null,
            }),
        ),
        may_update(
            OWN_ROWS,
            MESSAGES,
            vec!["content", "edited_at", "deleted_at", "attached_at"],
            json!({ "_and": [
                { "sender_id": me() },
                { "_or": [{ "group_id": { "_null": true } }, in_its_group()] },
            ] }),
        ),
        // A reaction touches the message, so that whoever catches up sees it.
        may_update(super::CHAT, MESSAGES, vec!["reacted_at"], concerns_me),
    ];
    Part {
        collections: vec![collection(MESSAGES, "chat", fields)],
        rules,
    }
}

/// As me, with content, and to exactly one of: a person who has not blocked me; a group that
/// I am in, among my first 100; a group in the object form, which is held against the right
/// to touch `bumped_at` and has no such limit.
fn sending() -> Value {
    let uuid = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
    json!({ "_and": [
        { "sender_id": me() },
        { "sender_key": me() },
        { "_or": [{ "receiver_key": { "_null": true } }, { "receiver_key": { "_regex": uuid } }] },
        { "content": { "_submitted": true } },
        { "content": { "_nnull": true } },
        { "_or": [
            { "_and": [
                { "group_id": { "_null": true } },
                // As an object it would be none of those who blocked me.
                { "receiver_id": { "_regex": uuid } },
                { "receiver_id": { "_nin": "$CURRENT_USER.chat_blocked_by.user_id" } },
            ] },
            { "_and": [
                { "receiver_id": { "_null": true } },
                // To somebody who is in no group at all, nothing is one of theirs.
                { "group_id": { "_nnull": true } },
                { "group_id": { "_in": "$CURRENT_USER.chat_memberships.group_id" } },
            ] },
            { "_and": [
                { "receiver_id": { "_null": true } },
                { "group_id": { "id": { "_submitted": true } } },
                { "group_id": { "bumped_at": { "_submitted": true } } },
            ] },
        ] },
    ] })
}
