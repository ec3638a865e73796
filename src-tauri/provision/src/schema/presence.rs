//! When somebody was last seen, and whether they want that to be known.
//!
//! One row a person, whose key is that person's own id: nobody can make another's, or a
//! second one. `seen_at` is the server's stamp of the last write, so it can't be set ahead.
//! Whoever hides (`hidden`, anything but false) is read by nobody else: the server doesn't
//! give the row, its changes or a count of it, whatever app asks.

use super::{
    Field, Part, collection, flag, key, may_create, may_read, may_update, me, owned_by, stamp,
};
use serde_json::json;

pub(super) fn part() -> Part {
    let fields = vec![
        key(),
        owned_by("user_id", "directus_users"),
        flag("online"),
        Field {
            default: json!(false),
            ..flag("hidden")
        },
        stamp("seen_at", &["date-created", "date-updated"]),
    ];
    let readable = fields.iter().map(|field| field.name).collect();
    let rules = vec![
        may_read(
            "chat_presence",
            readable,
            json!({ "_or": [{ "user_id": me() }, { "hidden": { "_eq": false } }] }),
        ),
        may_create(
            "chat_presence",
            vec!["id", "user_id", "online", "hidden"],
            json!({ "_and": [{ "id": me() }, { "user_id": me() }] }),
            json!({ "id": "$CURRENT_USER", "user_id": "$CURRENT_USER" }),
        ),
        may_update(
            super::CHAT,
            "chat_presence",
            vec!["online", "hidden"],
            json!({ "user_id": me() }),
        ),
    ];
    Part {
        collections: vec![collection("chat_presence", "visibility", fields)],
        rules,
    }
}
