//! Whom somebody does not want to hear from. Only they see the row; who is blocked can tell
//! by the refusal.

use super::{Part, collection, key, may_create, may_delete, may_read, me, owned_by, stamp};
use serde_json::json;

pub(super) fn part() -> Part {
    let mine = json!({ "user_id": me() });
    let rules = vec![
        may_read(
            "chat_blocks",
            vec!["id", "user_id", "blocked_id", "date_created"],
            mine.clone(),
        ),
        may_create(
            "chat_blocks",
            vec!["id", "user_id", "blocked_id"],
            mine.clone(),
            json!({ "user_id": "$CURRENT_USER" }),
        ),
        may_delete("chat_blocks", mine),
    ];
    Part {
        collections: vec![collection(
            "chat_blocks",
            "block",
            vec![
                key(),
                owned_by("user_id", "directus_users").listed_as("chat_blocks"),
                owned_by("blocked_id", "directus_users").listed_as("chat_blocked_by"),
                stamp("date_created", &["date-created"]),
            ],
        )],
        rules,
    }
}
