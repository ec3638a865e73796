//! Who is writing, until when: one row for a person and a target, changed again and again,
//! since Directus tells nothing without a write.

use super::{Part, collection, instant, may_create, may_read, may_update, reading, stamp};

pub(super) fn part() -> Part {
    let mut fields = reading::about_a_conversation();
    fields.extend([instant("until"), stamp("date_updated", &["date-updated"])]);
    let readable = fields.iter().map(|field| field.name).collect();
    let rules = vec![
        may_read("chat_typing", readable, reading::seen_by_the_other_side()),
        may_create(
            "chat_typing",
            vec!["id", "user_id", "peer_id", "group_id", "until"],
            reading::mine_to_one_target(),
            reading::my_presets(),
        ),
        may_update(super::CHAT, "chat_typing", vec!["until"], reading::mine()),
    ];
    Part {
        collections: vec![collection("chat_typing", "edit_note", fields)],
        rules,
    }
}
