//! Files sent with messages, and which files may be seen.
//!
//! One request makes attachment, link and message, in the object form: touching
//! `chat_attached_at` proves the right to the file, `attached_at` the right to the message.
//! A file is read by whoever uploaded it, by the people of a message it hangs on, and by
//! everybody if it lies in the folder of avatars; its thumbnails likewise.

use super::{
    Collection, FOLDER_PLACEHOLDER, Field, FieldType, MESSAGES, Part, collection, instant, key,
    may_create, may_read, may_update, me, owned_by, plain, stamp, word,
};
use serde_json::{Value, json};

pub(super) fn part() -> Part {
    let attachments = collection(
        "chat_attachments",
        "attach_file",
        vec![
            key(),
            owned_by("message_id", MESSAGES).listed_as("attachments"),
            Field {
                special: &["file"],
                ..owned_by("file", "directus_files").listed_as("chat_attachments")
            },
            word("kind", 16),
            plain("sort", FieldType::Integer),
            Field {
                special: &["cast-json"],
                ..plain("meta", FieldType::Json)
            },
            stamp("date_created", &["date-created"]),
        ],
    );
    let files = Collection {
        directus: true,
        history: true,
        ..collection("directus_files", "", vec![instant("chat_attached_at")])
    };
    // What somebody sent they could reach before, by one of the three.
    let reachable = vec![
        json!({ "uploaded_by": me() }),
        json!({ "chat_attachments": { "message_id": { "receiver_id": me() } } }),
        json!({ "chat_attachments": { "message_id": super::in_its_group() } }),
    ];
    let mut visible = reachable.clone();
    visible.insert(1, json!({ "folder": { "_eq": FOLDER_PLACEHOLDER } }));
    let rules = vec![
        may_read(
            "chat_attachments",
            vec![
                "id",
                "message_id",
                "file",
                "kind",
                "sort",
                "meta",
                "date_created",
            ],
            super::concerns_me(|rule| json!({ "message_id": rule })),
        ),
        may_create(
            "chat_attachments",
            vec!["id", "message_id", "file", "kind", "sort", "meta"],
            json!({ "_and": [
                { "file": { "_submitted": true } },
                { "message_id": { "_submitted": true } },
                { "file": { "chat_attached_at": { "_submitted": true } } },
                { "message_id": { "id": { "_submitted": true } } },
                { "message_id": { "attached_at": { "_submitted": true } } },
            ] }),
            Value::Null,
        ),
        may_read(
            "directus_files",
            vec![
                "id",
                "title",
                "type",
                "filesize",
                "width",
                "height",
                "filename_download",
                "uploaded_by",
                "folder",
                "created_on",
                "duration",
            ],
            json!({ "_or": visible }),
        ),
        may_create(
            "directus_files",
            vec![
                "id",
                "title",
                "type",
                "filename_download",
                "folder",
                "storage",
                "description",
            ],
            json!({ "_or": [
                { "folder": { "_null": true } },
                { "folder": { "_eq": FOLDER_PLACEHOLDER } },
            ] }),
            Value::Null,
        ),
        may_update(
            super::CHAT,
            "directus_files",
            vec!["chat_attached_at"],
            json!({ "_or": reachable }),
        ),
    ];
    Part {
        collections: vec![attachments, files],
        rules,
    }
}
