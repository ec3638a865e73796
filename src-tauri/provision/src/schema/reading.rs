//! How far somebody has received and read a conversation: one row for a person and a peer
//! or group, with a key made from them (UUIDv5). Seen by the other side.

use super::{Part, collection, instant, may_create, may_read, may_update, me, stamp};
use serde_json::{Value, json};

pub(super) fn part() -> Part {
    let mut fields = about_a_conversation();
    fields.extend([
        instant("delivered_until"),
        instant("read_until"),
        stamp("date_created", &["date-created"]),
        stamp("date_updated", &["date-updated"]),
    ]);
    let readable = fields.iter().map(|field| field.name).collect();
    let rules = vec![
        may_read("chat_read_states", readable, seen_by_the_other_side()),
        may_create(
            "chat_read_states",
            vec![
                "id",
                "user_id",
                "peer_id",
                "group_id",
                "delivered_until",
                "read_until",
            ],
            mine_to_one_target(),
            my_presets(),
        ),
        may_update(
            super::CHAT,
            "chat_read_states",
            vec!["delivered_until", "read_until"],
            mine(),
        ),
    ];
    Part {
        collections: vec![collection("chat_read_states", "done_all", fields)],
        rules,
    }
}

/// Key, whose row it is, and the peer or group it is about.
pub(super) fn about_a_conversation() -> Vec<super::Field> {
    let target = |name, to| super::Field {
        required: false,
        ..super::owned_by(name, to)
    };
    vec![
        super::key(),
        super::owned_by("user_id", "directus_users"),
        target("peer_id", "directus_users"),
        target("group_id", "chat_groups"),
    ]
}

/// Of a group that somebody has left, nothing: see [`super::concerns_me`].
pub(super) fn seen_by_the_other_side() -> Value {
    json!({ "_or": [
        { "_and": [{ "user_id": me() }, { "group_id": { "_null": true } }] },
        { "peer_id": me() },
        super::in_its_group(),
    ] })
}

/// Mine, and about a person or a group that I am in.
pub(super) fn mine() -> Value {
    json!({ "_and": [
        { "user_id": me() },
        { "_or": [{ "group_id": { "_null": true } }, super::in_its_group()] },
    ] })
}

/// As me, about exactly one of: a person, a group that I am in.
pub(super) fn mine_to_one_target() -> Value {
    json!({ "_and": [
        { "user_id": me() },
        { "_or": [
            { "_and": [{ "group_id": { "_null": true } }, { "peer_id": { "_nnull": true } }] },
            { "_and": [
                { "peer_id": { "_null": true } },
                // For whoever is in no group at all, nothing is one of theirs.
                { "group_id": { "_nnull": true } },
                { "group_id": { "_in": "$CURRENT_USER.chat_memberships.group_id" } },
            ] },
        ] },
    ] })
}

pub(super) fn my_presets() -> Value {
    json!({ "user_id": "$CURRENT_USER", "peer_id": null, "group_id": null })
}
