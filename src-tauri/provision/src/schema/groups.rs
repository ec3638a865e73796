//! Groups and who is in them.
//!
//! `owner_id` owns a group; `chat_members.admin_id` holds a member's own id where they
//! administer it (`role` is only its label), the owner's among them: whose row has one is
//! put out by the owner only. A group and its first members are made in one
//! request. Leaving is deleting one's row. When the owner's account is deleted the group
//! stays, and belongs to the first of its administrators who takes it. Where there is none,
//! people go on writing and the server's operator names an owner: "there is no administrator"
//! can't be a rule, since `_none` looks only at the rows that the person may change.

use super::{
    FieldType, GROUP_ADMIN, OWN_ROWS, Part, collection, file, instant, key, may_create, may_delete,
    may_read, may_update, me, owned_by, plain, points_to, stamp, word,
};
use serde_json::json;

pub(super) fn part() -> Part {
    let groups = collection(
        "chat_groups",
        "groups",
        vec![
            key(),
            super::Field {
                required: true,
                ..plain("name", FieldType::String)
            },
            file("avatar"),
            points_to("owner_id", "directus_users").listed_as("chat_owned_groups"),
            super::Field {
                special: &["m2o", "user-created"],
                ..points_to("created_by", "directus_users")
            },
            instant("deleted_at"),
            instant("bumped_at"),
            stamp("date_created", &["date-created"]),
            stamp("date_updated", &["date-updated"]),
        ],
    );
    let members = collection(
        "chat_members",
        "group_add",
        vec![
            key(),
            owned_by("group_id", "chat_groups").listed_as("members"),
            owned_by("user_id", "directus_users").listed_as("chat_memberships"),
            points_to("admin_id", "directus_users").listed_as("chat_admin_of"),
            super::Field {
                required: true,
                default: json!("member"),
                ..word("role", 16)
            },
            super::Field {
                indexed: false,
                ..stamp("joined_at", &["date-created"])
            },
            stamp("date_updated", &["date-updated"]),
        ],
    );
    let owner_is_me = json!({ "owner_id": me() });
    let member_is_me = json!({ "members": { "user_id": me() } });
    let admin_is_me = json!({ "members": { "admin_id": me() } });
    let rules = vec![
        may_read(
            "chat_groups",
            vec![
                "id",
                "name",
                "avatar",
                "owner_id",
                "created_by",
                "deleted_at",
                "bumped_at",
                "date_created",
                "date_updated",
                "members",
                "messages",
            ],
            json!({ "_or": [owner_is_me, member_is_me] }),
        ),
        may_create(
            "chat_groups",
            vec!["id", "name", "avatar", "owner_id", "members"],
            json!({ "_and": [owner_is_me, super::picture_within_reach()] }),
            json!({ "owner_id": "$CURRENT_USER" }),
        ),
        super::may_update_with(
            GROUP_ADMIN,
            "chat_groups",
            vec!["name", "avatar", "members"],
            json!({ "_or": [owner_is_me, admin_is_me] }),
            super::picture_within_reach(),
        ),
        // Sending to a group by the object form touches `bumped_at`.
        may_update(
            super::CHAT,
            "chat_groups",
            vec!["bumped_at"],
            member_is_me.clone(),
        ),
        // Handing on, ending, and taking a group that has no owner.
        may_update(
            OWN_ROWS,
            "chat_groups",
            vec!["owner_id", "deleted_at"],
            json!({ "_or": [
                owner_is_me,
                { "_and": [{ "owner_id": { "_null": true } }, admin_is_me] },
            ] }),
        ),
        may_read(
            "chat_members",
            vec![
                "id",
                "group_id",
                "user_id",
                "admin_id",
                "role",
                "joined_at",
                "date_updated",
            ],
            json!({ "_or": [
                { "user_id": me() },
                { "group_id": owner_is_me },
                { "group_id": member_is_me },
            ] }),
        ),
        may_create(
            "chat_members",
            vec!["id", "group_id", "user_id", "role", "admin_id"],
            json!({ "_and": [{ "group_id": { "_submitted": true } }, { "group_id": { "_nnull": true } }, { "_or": [
                { "group_id": { "_in": "$CURRENT_USER.chat_owned_groups.id" } },
                { "_and": [
                    { "group_id": { "_in": "$CURRENT_USER.chat_admin_of.group_id" } },
                    { "role": { "_eq": "member" } },
                    { "admin_id": { "_null": true } },
                ] },
            ] }] }),
            json!({ "role": "member", "admin_id": null }),
        ),
        may_update(
            OWN_ROWS,
            "chat_members",
            vec!["role", "admin_id"],
            json!({ "group_id": owner_is_me }),
        ),
        may_delete(
            "chat_members",
            json!({ "_or": [
                { "user_id": me() },
                { "group_id": owner_is_me },
                { "_and": [{ "admin_id": { "_null": true } }, { "group_id": admin_is_me }] },
            ] }),
        ),
    ];
    Part {
        collections: vec![groups, members],
        rules,
    }
}
