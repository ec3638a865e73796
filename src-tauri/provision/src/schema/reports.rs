//! What people tell the server's owner: a message or a person that should not be, or that
//! their account is to be deleted.
//!
//! Whoever may chat can make a row, in their own name, and that is all they can do: nobody but
//! an administrator reads, changes or deletes one, its writer included. So nobody learns who
//! was reported, and nobody takes a report back out of the owner's sight.
//!
//! `message_id` is a plain key: a relation would tell by its refusal whether there is such a
//! message. `message_text` is the reporter's own copy, and there only if they chose to add it.

use super::{
    Field, FieldType, Part, collection, flag, key, may_create, me, plain, points_to, stamp, word,
};
use serde_json::{Value, json};

/// The collection of reports.
pub const REPORTS: &str = "chat_reports";
/// Why something is reported; the last is a wish to be deleted.
pub const REASONS: [&str; 9] = [
    "spam",
    "harassment",
    "threats",
    "sexual",
    "children",
    "illegal",
    "impersonation",
    "other",
    "account_deletion",
];

pub(super) fn part() -> Part {
    let rules = vec![may_create(
        REPORTS,
        vec![
            "id",
            "reporter_id",
            "about_id",
            "message_id",
            "reason",
            "comment",
            "message_text",
        ],
        json!({ "_and": [
            { "reporter_id": me() },
            { "reason": { "_submitted": true } },
            { "reason": { "_in": REASONS } },
        ] }),
        json!({ "reporter_id": "$CURRENT_USER" }),
    )];
    Part {
        collections: vec![collection(
            REPORTS,
            "flag",
            vec![
                key(),
                points_to("reporter_id", "directus_users"),
                points_to("about_id", "directus_users"),
                plain("message_id", FieldType::Uuid),
                word("reason", 32),
                plain("comment", FieldType::Text),
                plain("message_text", FieldType::Text),
                Field {
                    default: Value::Bool(false),
                    ..flag("handled")
                },
                stamp("date_created", &["date-created"]),
            ],
        )],
        rules,
    }
}
