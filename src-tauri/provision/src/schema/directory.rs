//! Who can be written to: names and pictures of active people in the roles that may chat,
//! and no e-mail, not even by guessing.

use super::{CHAT, Part, ROLE_PLACEHOLDER, may_read, may_update_with, me};
use serde_json::json;

pub(super) fn part() -> Part {
    Part {
        collections: Vec::new(),
        rules: vec![
            may_read(
                "directus_users",
                vec!["id", "first_name", "last_name", "avatar"],
                json!({ "_and": [
                    { "status": { "_eq": "active" } },
                    { "role": { "_in": [ROLE_PLACEHOLDER] } },
                ] }),
            ),
            may_update_with(
                CHAT,
                "directus_users",
                vec!["first_name", "last_name", "avatar"],
                json!({ "id": me() }),
                super::picture_within_reach(),
            ),
        ],
    }
}
