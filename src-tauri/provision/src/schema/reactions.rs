//! Reactions to messages. Taking one back is a flag, so that it reaches whoever catches up.
//!
//! Made in the object form: `message_id` is `{"id", "reacted_at"}`, which is held against
//! the right to touch that message.

use super::{
    Field, MESSAGES, Part, collection, flag, key, may_create, may_read, may_update, me, owned_by,
    stamp, word,
};
use serde_json::json;

pub(super) fn part() -> Part {
    let fields = vec![
        key(),
        owned_by("message_id", MESSAGES).listed_as("reactions"),
        owned_by("user_id", "directus_users"),
        Field {
            required: true,
            ..word("emoji", 32)
        },
        Field {
            default: json!(false),
            ..flag("removed")
        },
        stamp("date_created", &["date-created"]),
        stamp("date_updated", &["date-updated"]),
    ];
    let readable = fields.iter().map(|field| field.name).collect();
    let rules = vec![
        may_read(
            "chat_reactions",
            readable,
            super::concerns_me(|rule| json!({ "message_id": rule })),
        ),
        may_create(
            "chat_reactions",
            vec!["id", "message_id", "user_id", "emoji", "removed"],
            json!({ "_and": [
                { "user_id": me() },
                { "message_id": { "_submitted": true } },
                { "message_id": { "reacted_at": { "_submitted": true } } },
            ] }),
            json!({ "user_id": "$CURRENT_USER" }),
        ),
        may_update(
            super::CHAT,
            "chat_reactions",
            vec!["removed"],
            json!({ "user_id": me() }),
        ),
    ];
    Part {
        collections: vec![collection("chat_reactions", "add_reaction", fields)],
        rules,
    }
}
