//! What the schema can't tell: who may run a group, how blocking holds, files and their
//! thumbnails, the rest of Directus' doors, and the limits of its rules.

use super::call::{Call, Way};
use super::trial::{Expect, Trial};
use super::world::{
    Who, World, avatar, eves_file, eves_group, file, group, member, message, message_to_group,
    ownerless_group,
};
use super::writing::Writing;
use crate::Error;
use crate::ids::probe;
use crate::schema::{Action, MESSAGES};
use reqwest::Method;
use serde_json::{Value, json};

/// A role, policy, folder and flow that somebody would make.
pub(super) fn forged_setting() -> String {
    probe(0x2f0)
}

/// Each story as a whole: a trial counts on those before it.
pub(super) fn stories(writing: &Writing, port: u16) -> Vec<Vec<Trial>> {
    vec![groups(writing), blocking(writing), files(), doors(port)]
}

/// Members, administrators, owners.
fn groups(writing: &Writing) -> Vec<Trial> {
    let attack = |action, c: &'static str, who: Who, call: Call, what: &str| {
        Trial::new((c, action, Way::Rest), who, call, Expect::Refusal, what)
            .would("a group taken or entered")
            .or(&["INVALID_FOREIGN_KEY"])
    };
    let may = |action, c: &'static str, who: Who, call: Call, what: &str| {
        Trial::new((c, action, Way::Rest), who, call, Expect::Done, what)
    };
    let (groups, members) = ("chat_groups", "chat_members");
    let the_group = format!("items/chat_groups/{}", group());
    let row = |who: Who| format!("items/chat_members/{}", member(who));
    let mut all = Vec::new();
    for (field, value) in [
        ("owner_id", json!(Who::Ben.id())),
        ("deleted_at", json!("2026-01-01T00:00:00Z")),
    ] {
        let call = Call::patch(the_group.clone(), json!({ field: value }));
        let what = format!("{field} by one of its administrators");
        all.push(attack(Action::Update, groups, Who::Ben, call, &what).watching(groups, group()));
    }
    let take = |who: Who| {
        let path = format!("items/chat_groups/{}", ownerless_group());
        Call::patch(path, json!({ "owner_id": who.id() }))
    };
    for (who, what) in [
        (Who::Carla, "a group without owner taken by a member"),
        (Who::Eve, "a group without owner taken from outside"),
    ] {
        let attack = attack(Action::Update, groups, who, take(who), what);
        all.push(attack.watching(groups, ownerless_group()));
    }
    all.push(may(
        Action::Update,
        groups,
        Who::Ben,
        take(Who::Ben),
        "a group without owner taken by one of its administrators, who may",
    ));
    let rename = Call::patch(the_group.clone(), json!({ "name": super::world::SECRET }));
    all.push(may(
        Action::Update,
        groups,
        Who::Ben,
        rename,
        "its name by one of its administrators, who may",
    ));
    let call = Call::patch(
        the_group.clone(),
        json!({ "members": { "create": [], "update": [{ "id": member(Who::Ben), "role": "owner" }], "delete": [] } }),
    );
    all.push(
        attack(
            Action::Update,
            members,
            Who::Ben,
            call,
            "a role, in the group's list, by one of its administrators",
        )
        .watching(members, member(Who::Ben)),
    );
    for (who, more, what) in [
        (Who::Carla, json!({}), "somebody added by a member"),
        (
            Who::Ben,
            json!({ "role": "admin" }),
            "somebody added as administrator by an administrator",
        ),
        (
            Who::Ben,
            json!({ "admin_id": Who::Fay.id() }),
            "somebody given rights by an administrator",
        ),
        (
            Who::Eve,
            json!({ "user_id": Who::Eve.id() }),
            "oneself added from outside",
        ),
        (
            Who::Eve,
            json!({ "user_id": Who::Eve.id(), "admin_id": Who::Eve.id() }),
            "oneself added with rights from outside",
        ),
    ] {
        let key = writing.new_key();
        let mut new = json!({ "id": key, "group_id": group(), "user_id": Who::Fay.id() });
        super::world::merge(&mut new, more);
        all.push(
            attack(
                Action::Create,
                members,
                who,
                Call::post("items/chat_members", new),
                what,
            )
            .watching(members, key),
        );
    }
    let key = writing.new_key();
    let new = json!({ "id": key, "group_id": group(), "user_id": Who::Fay.id() });
    all.push(may(
        Action::Create,
        members,
        Who::Ben,
        Call::post("items/chat_members", new),
        "somebody added by an administrator, who may",
    ));
    // A server that remembers answers gives this one again to who was put out.
    let of_the_group = format!("items/chat_messages/{}", message_to_group());
    all.push(Trial::new(
        (MESSAGES, Action::Read, Way::Rest),
        Who::Fay,
        Call::get(of_the_group, &[]),
        Expect::Given,
        "of a group by who was just added, who may",
    ));
    for (who, of, what) in [
        (Who::Carla, Who::Ben, "an administrator put out by a member"),
        (Who::Carla, Who::Anna, "the owner put out by a member"),
        (Who::Ben, Who::Anna, "the owner put out by an administrator"),
    ] {
        all.push(
            attack(
                Action::Delete,
                members,
                who,
                Call::delete(row(of), None),
                what,
            )
            .watching(members, member(of)),
        );
    }
    all.push(may(
        Action::Delete,
        members,
        Who::Ben,
        Call::delete(format!("items/chat_members/{key}"), None),
        "a member put out by an administrator, who may",
    ));
    let post = |who: Who, group_id: Value, what: &'static str, works: bool| {
        let key = writing.new_key();
        let body = json!({ "id": key, "content": "Verification", "group_id": group_id });
        let call = Call::post("items/chat_messages", body);
        if works {
            may(Action::Create, MESSAGES, who, call, what)
        } else {
            attack(Action::Create, MESSAGES, who, call, what).watching(MESSAGES, key)
        }
    };
    let object = || json!({ "id": group(), "bumped_at": "2026-01-01T00:00:00Z" });
    all.push(post(
        Who::Carla,
        json!(group()),
        "to the group by a member, who may",
        true,
    ));
    all.push(post(
        Who::Carla,
        object(),
        "to the group in the object form by a member, who may",
        true,
    ));
    all.push(post(
        Who::Fay,
        json!(group()),
        "to the group by who was put out",
        false,
    ));
    all.push(post(
        Who::Fay,
        object(),
        "to the group in the object form by who was put out",
        false,
    ));
    let path = format!("items/chat_messages/{}", message_to_group());
    let read = Call::get(path, &[]);
    all.push(
        Trial::new(
            (MESSAGES, Action::Read, Way::Rest),
            Who::Fay,
            read,
            Expect::Nothing,
            "of a group by who was put out",
        )
        .would("what a group writes on"),
    );
    // With a member's row that belongs to another group, in a group of one's own.
    let new = json!({ "id": writing.new_key(), "name": "Verification", "members": { "create": [], "update": [{ "id": member(Who::Carla), "group_id": eves_group() }], "delete": [] } });
    all.push(
        attack(
            Action::Create,
            groups,
            Who::Eve,
            Call::post("items/chat_groups", new),
            "with a member's row of another group",
        )
        .watching(members, member(Who::Carla)),
    );
    all
}

/// Anna has blocked Fay.
fn blocking(writing: &Writing) -> Vec<Trial> {
    let mut all = Vec::new();
    let anna = Who::Anna.id();
    let would = "a message to somebody who does not want it";
    let forms: Vec<(&str, Value)> = vec![
        ("to who has blocked her", json!(anna)),
        (
            "to who has blocked her, as an object",
            json!({ "id": anna }),
        ),
        ("to who has blocked her, as a list", json!([anna])),
        (
            "to who has blocked her, in capitals",
            json!(anna.to_uppercase()),
        ),
        (
            "to who has blocked her, as text of an object",
            json!(json!({ "id": anna }).to_string()),
        ),
    ];
    for (what, receiver) in forms {
        let key = writing.new_key();
        let row = json!({ "id": key, "content": "Verification", "receiver_id": receiver });
        all.push(
            Trial::new(
                (MESSAGES, Action::Create, Way::Rest),
                Who::Fay,
                Call::post("items/chat_messages", row),
                Expect::Refusal,
                what,
            )
            .would(would)
            .or(&["INVALID_FOREIGN_KEY"])
            .watching(MESSAGES, key),
        );
    }
    let (good, bad) = (writing.new_key(), writing.new_key());
    let rows = json!([
        { "id": good, "content": "Verification", "receiver_id": Who::Ben.id() },
        { "id": bad, "content": "Verification", "receiver_id": anna },
    ]);
    all.push(
        Trial::new(
            (MESSAGES, Action::Create, Way::Batch),
            Who::Fay,
            Call::post("items/chat_messages", rows),
            Expect::Refusal,
            "to who has blocked her, behind one to somebody else",
        )
        .would(would)
        .watching(MESSAGES, good)
        .watching(MESSAGES, bad),
    );
    let row =
        json!({ "id": writing.new_key(), "content": "Verification", "receiver_id": Who::Ben.id() });
    let call = Call::post("items/chat_messages", row);
    all.push(Trial::new(
        (MESSAGES, Action::Create, Way::Rest),
        Who::Fay,
        call,
        Expect::Done,
        "to who has not blocked her, as Fay who may",
    ));
    // A server that remembers what rules know of a person still lets her through.
    let to_carla = || {
        let key = writing.new_key();
        let row = json!({ "id": key, "content": "Verification", "receiver_id": Who::Carla.id() });
        (key, Call::post("items/chat_messages", row))
    };
    let send = (MESSAGES, Action::Create, Way::Rest);
    let (_, call) = to_carla();
    let what = "to who is about to block her, as Fay who may";
    all.push(Trial::new(send, Who::Fay, call, Expect::Done, what));
    let block = json!({ "id": writing.new_key(), "blocked_id": Who::Fay.id() });
    all.push(Trial::new(
        ("chat_blocks", Action::Create, Way::Rest),
        Who::Carla,
        Call::post("items/chat_blocks", block),
        Expect::Done,
        "of Fay, as Carla who may",
    ));
    let (key, call) = to_carla();
    let what = "to who has just blocked her";
    all.push(
        Trial::new(send, Who::Fay, call, Expect::Refusal, what)
            .would(would)
            .watching(MESSAGES, key),
    );
    let listing = Call::get("items/chat_blocks", &[("fields", "id,user_id")]);
    all.push(
        Trial::new(
            ("chat_blocks", Action::Read, Way::Rest),
            Who::Fay,
            listing,
            Expect::Nothing,
            "who has blocked one",
        )
        .would("who has blocked whom"),
    );
    let key = probe(0x291);
    let lift = Call::delete(format!("items/chat_blocks/{key}"), None);
    all.push(
        Trial::new(
            ("chat_blocks", Action::Delete, Way::Rest),
            Who::Fay,
            lift,
            Expect::Refusal,
            "lifted by who is blocked",
        )
        .would(would)
        .watching("chat_blocks", key),
    );
    all
}

/// Contents and thumbnails.
fn files() -> Vec<Trial> {
    let c = "directus_files";
    let mut all = Vec::new();
    let cell = (c, Action::Read, Way::Rest);
    for (query, what) in [
        (vec![], "its content"),
        (
            vec![("width", "64"), ("height", "64"), ("fit", "cover")],
            "a thumbnail of it",
        ),
        (
            vec![("key", "system-small-cover")],
            "a ready thumbnail of it",
        ),
        (vec![("download", "true")], "its content, as a download"),
    ] {
        let call = |id: &str| Call::get(format!("assets/{id}"), &query);
        for who in [Who::Eve, Who::Visitor, Who::Otto, Who::Carla] {
            all.push(
                Trial::new(
                    cell,
                    who,
                    call(&file()),
                    Expect::Refusal,
                    format!("{what}, as {}", who.name()),
                )
                .would("a file of others"),
            );
        }
        for who in [Who::Anna, Who::Ben] {
            let what = format!("{what}, as {} who may", who.name());
            all.push(Trial::new(cell, who, call(&file()), Expect::Done, what));
        }
        let visitor = format!("{what}: a picture of a person, as a visitor");
        all.push(
            Trial::new(
                cell,
                Who::Visitor,
                call(&avatar()),
                Expect::Refusal,
                visitor,
            )
            .would("who is here"),
        );
        let what = format!("{what}: a picture of a person, as Eve who may");
        all.push(Trial::new(
            cell,
            Who::Eve,
            call(&avatar()),
            Expect::Done,
            what,
        ));
    }
    let touched = |id: &str| json!({ "id": id, "chat_attached_at": "2026-01-01T00:00:00Z" });
    for (picture, what) in [
        (json!(file()), "a file of others by its key"),
        (touched(&file()), "a file of others"),
        (
            json!({ "id": file() }),
            "a file of others as an object without a touch",
        ),
        (json!(eves_file()), "a file by its key"),
    ] {
        for (c, path, id) in [
            ("directus_users", "users", Who::Eve.id()),
            ("chat_groups", "items/chat_groups", eves_group()),
        ] {
            let call = Call::patch(format!("{path}/{id}"), json!({ "avatar": picture }));
            all.push(
                Trial::new(
                    (c, Action::Update, Way::Rest),
                    Who::Eve,
                    call,
                    Expect::Refusal,
                    format!("her picture is {what}"),
                )
                .would("what is known of a file of others, by filters through the picture")
                .watching(c, id),
            );
        }
    }
    let replace = Call::patch(
        format!("files/{}", file()),
        json!({ "title": "x", "filename_disk": format!("{}.png", eves_file()) }),
    );
    all.push(
        Trial::new(
            (c, Action::Update, Way::Rest),
            Who::Anna,
            replace,
            Expect::Refusal,
            "pointing one's file at another's content",
        )
        .would("a file of others")
        .watching(c, file()),
    );
    all
}

/// Everything else that Directus offers: none of it is a messenger's.
fn doors(port: u16) -> Vec<Trial> {
    let mut all = Vec::new();
    let settings = "directus_settings";
    let mut knock = |call: Call, expect: Expect, what: String, would: &str| {
        let action = match &call {
            Call::Rest { method, .. } if *method == Method::GET => Action::Read,
            Call::Rest { method, .. } if *method == Method::PATCH => Action::Update,
            Call::Rest { method, .. } if *method == Method::DELETE => Action::Delete,
            _ => Action::Create,
        };
        let way = if matches!(call, Call::GraphQl { .. }) {
            Way::GraphQl
        } else {
            Way::Rest
        };
        all.push(
            Trial::new((settings, action, way), Who::Eve, call, expect, what)
                .would(would)
                .or(&[
                    "ROUTE_NOT_FOUND",
                    // So says the import of an address that may not be fetched.
                    "SERVICE_UNAVAILABLE",
                ]),
        );
    };
    for path in [
        "roles",
        "policies",
        "permissions",
        "access",
        "activity",
        "revisions",
        "flows",
        "operations",
        "presets",
        "notifications",
        "shares",
        "versions",
        "translations",
        "dashboards",
        "panels",
        "comments",
        "folders",
        "settings",
        "extensions",
        "schema/snapshot",
        "metrics",
        "deployments",
    ] {
        let what = format!("/{path} read");
        knock(
            Call::get(path, &[]),
            Expect::Nothing,
            what,
            "how the server is set up, and what people did",
        );
    }
    let key = forged_setting();
    let policy = json!({ "id": key, "name": "Forged", "admin_access": true });
    let makings: Vec<(&str, Value)> = vec![
        ("roles", json!({ "id": key, "name": "Forged" })),
        ("policies", policy),
        (
            "permissions",
            json!({ "policy": crate::ids::policy("Chat"), "collection": "directus_activity", "action": "read", "fields": ["*"] }),
        ),
        (
            "access",
            json!({ "user": Who::Eve.id(), "policy": crate::ids::policy("Chat") }),
        ),
        (
            "flows",
            json!({ "id": key, "name": "Forged", "trigger": "manual", "status": "inactive" }),
        ),
        (
            "operations",
            json!({ "name": "Forged", "key": "forged", "type": "log", "position_x": 1, "position_y": 1 }),
        ),
        ("folders", json!({ "id": key, "name": "Forged" })),
        (
            "shares",
            json!({ "collection": MESSAGES, "item": message(), "name": "Forged" }),
        ),
        (
            "presets",
            json!({ "collection": MESSAGES, "user": Who::Anna.id() }),
        ),
        (
            "notifications",
            json!({ "recipient": Who::Anna.id(), "subject": "Forged" }),
        ),
        (
            "comments",
            json!({ "collection": MESSAGES, "item": message(), "comment": "Forged" }),
        ),
        (
            "versions",
            json!({ "collection": MESSAGES, "item": message(), "key": "forged" }),
        ),
        (
            "translations",
            json!({ "language": "en-US", "key": "forged", "value": "x" }),
        ),
        ("dashboards", json!({ "name": "Forged" })),
        (
            "collections",
            json!({ "collection": "chat_forged", "schema": {}, "meta": {} }),
        ),
        (
            "fields/chat_messages",
            json!({ "field": "forged", "type": "string" }),
        ),
        (
            "relations",
            json!({ "collection": MESSAGES, "field": "forged", "related_collection": "directus_users" }),
        ),
        (
            "users/invite",
            json!({ "email": "verify-invited@invalid.example.com", "role": "3f1c6a9e-5b72-4d08-9e41-7a6b2c8d0f15" }),
        ),
        ("utils/cache/clear", json!({})),
        ("utils/revert/1", json!({})),
        ("schema/diff", json!({ "version": 1 })),
        ("schema/apply", json!({ "hash": "x", "diff": {} })),
    ];
    for (path, body) in makings {
        let what = format!("/{path} written");
        knock(
            Call::post(path, body),
            Expect::Refusal,
            what,
            "the server set up anew",
        );
    }
    let import = json!({ "url": format!("http://127.0.0.1:{port}/server/ping"), "data": { "title": "Forged" } });
    knock(
        Call::post("files/import", import),
        Expect::Refusal,
        "a file fetched from the server's own network".to_owned(),
        "what only the server can reach",
    );
    knock(
        Call::patch("settings", json!({ "project_name": "Forged" })),
        Expect::Refusal,
        "/settings written".to_owned(),
        "the server set up anew",
    );
    knock(
        Call::patch(
            "collections/chat_messages",
            json!({ "meta": { "note": "Forged" } }),
        ),
        Expect::Refusal,
        "/collections written".to_owned(),
        "the server set up anew",
    );
    knock(
        Call::delete("collections/chat_forged", None),
        Expect::Refusal,
        "/collections deleted".to_owned(),
        "everything deleted",
    );
    knock(
        Call::delete("fields/chat_messages/forged", None),
        Expect::Refusal,
        "/fields deleted".to_owned(),
        "everything deleted",
    );
    for (text, what) in [
        ("{ roles { id } }", "roles by GraphQL"),
        ("{ permissions { id } }", "permissions by GraphQL"),
        ("{ activity { id } }", "the activity log by GraphQL"),
        (
            "mutation { create_roles_item(data: { name: \"Forged\" }) { id } }",
            "a role made by GraphQL",
        ),
        (
            "mutation { create_policies_item(data: { name: \"Forged\", admin_access: true }) { id } }",
            "a policy made by GraphQL",
        ),
        (
            "mutation { update_settings(data: { project_name: \"Forged\" }) { project_name } }",
            "settings by GraphQL",
        ),
        (
            "mutation { create_shares_item(data: { collection: \"chat_messages\", item: \"x\" }) { id } }",
            "a share by GraphQL",
        ),
    ] {
        let call = Call::GraphQl {
            system: true,
            text: text.to_owned(),
        };
        knock(
            call,
            Expect::Refusal,
            what.to_owned(),
            "how the server is set up",
        );
    }
    all
}

/// Why somebody blocked by very many can write to some of them.
const MANY_BLOCKS: &str = "A rule sees the first QUERY_LIMIT_DEFAULT rows (100 unless raised) of those \
     who have blocked somebody: who is blocked more often than that, also by one accomplice who blocks \
     them again and again, can write to the others. Raise QUERY_LIMIT_DEFAULT on the server.";

/// The limits of a rule's view, which need very many rows. Made, tried, and swept with the rest.
pub(super) async fn limits(world: &World, writing: &Writing<'_>) -> Result<Vec<Trial>, Error> {
    let many = 100;
    let blocks: Vec<Value> = (0..many)
        .map(|number| json!({ "id": probe(0x400 + number), "user_id": Who::Ben.id(), "blocked_id": Who::Otto.id() }))
        .collect();
    let last =
        json!({ "id": probe(0x500), "user_id": Who::Anna.id(), "blocked_id": Who::Otto.id() });
    // Otto may chat for this.
    let role = json!({ "role": world.role });
    world
        .admin
        .patch(&format!("users/{}?fields=id", Who::Otto.id()), &role)
        .await?;
    world
        .admin
        .post("items/chat_blocks?fields=id&limit=1", &Value::Array(blocks))
        .await?;
    world
        .admin
        .post("items/chat_blocks?fields=id", &last)
        .await?;
    let groups: Vec<Value> = (0..=many)
        .map(|number| {
            json!({
                "id": probe(0x600 + number), "name": "Verification", "owner_id": Who::Fay.id(),
                "members": [{ "id": probe(0x700 + number), "user_id": Who::Fay.id() }],
            })
        })
        .collect();
    world
        .admin
        .post("items/chat_groups?fields=id&limit=1", &Value::Array(groups))
        .await?;
    let key = writing.new_key();
    let row = json!({ "id": key, "content": "Verification", "receiver_id": Who::Anna.id() });
    let cell = (MESSAGES, Action::Create, Way::Rest);
    let mut all = vec![
        Trial::new(
            cell,
            Who::Otto,
            Call::post("items/chat_messages", row),
            Expect::Refusal,
            "to who has blocked somebody whom a hundred others have blocked, too",
        )
        .would("a message to somebody who does not want it")
        .watching(MESSAGES, key)
        .known_if(Some(MANY_BLOCKS)),
    ];
    let last = probe(0x600 + many);
    let object = json!({ "id": last, "bumped_at": "2026-01-01T00:00:00Z" });
    let row = json!({ "id": writing.new_key(), "content": "Verification", "group_id": object });
    all.push(Trial::new(
        cell,
        Who::Fay,
        Call::post("items/chat_messages", row),
        Expect::Done,
        "to the last of a hundred and one groups, in the object form, as Fay who may",
    ));
    Ok(all)
}
