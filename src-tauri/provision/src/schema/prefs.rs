//! What somebody has set for a conversation: muted, pinned, archived. Seen by nobody else,
//! and so a collection of its own: a field list that depends on the row would answer filters
//! truthfully.

use super::{
    FieldType, Part, collection, flag, instant, may_create, may_read, may_update, me, plain,
    reading, stamp,
};
use serde_json::json;

pub(super) fn part() -> Part {
    let mut fields = reading::about_a_conversation();
    // Whatever group somebody names: a filter could look through a relation at it.
    for field in fields.iter_mut().filter(|field| field.name == "group_id") {
        *field = plain("group_id", FieldType::Uuid);
    }
    fields.extend([
        instant("muted_until"),
        flag("pinned"),
        flag("archived"),
        stamp("date_created", &["date-created"]),
        stamp("date_updated", &["date-updated"]),
    ]);
    let readable = fields.iter().map(|field| field.name).collect();
    let mine = json!({ "user_id": me() });
    let rules = vec![
        may_read("chat_prefs", readable, mine.clone()),
        may_create(
            "chat_prefs",
            vec![
                "id",
                "user_id",
                "peer_id",
                "group_id",
                "muted_until",
                "pinned",
                "archived",
            ],
            mine.clone(),
            json!({ "user_id": "$CURRENT_USER" }),
        ),
        may_update(
            super::CHAT,
            "chat_prefs",
            vec!["muted_until", "pinned", "archived"],
            mine,
        ),
    ];
    Part {
        collections: vec![collection("chat_prefs", "tune", fields)],
        rules,
    }
}
