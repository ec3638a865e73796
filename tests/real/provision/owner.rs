//! What an owner had before: a collection made by hand after the tutorial, roles and rules
//! of their own; and how all of a server's set-up is compared.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use whinchat_tests::{Admin, ServerFixture};

/// How the tutorial's collection came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// By hand, its people as plain ids.
    Plain,
    /// By hand, its people as relations.
    Related,
    /// By us, and broken off before the relations.
    HalfWay,
}

/// Makes the tutorial's collection, as its reader does in the admin app.
pub fn make_tutorial(admin: &Admin, made: Made) {
    let note = match made {
        Made::HalfWay => json!("Made by Whinchat; safe to upgrade with it."),
        Made::Plain | Made::Related => Value::Null,
    };
    let field = |name: &str, kind: &str, special: Value, schema: Value| {
        let meta = json!({ "special": special, "note": note });
        json!({ "field": name, "type": kind, "schema": schema, "meta": meta })
    };
    let special = match made {
        Made::Plain => Value::Null,
        Made::Related | Made::HalfWay => json!(["m2o"]),
    };
    let body = json!({
        "collection": "chat_messages",
        "meta": { "icon": "forum", "note": note },
        "schema": {},
        "fields": [
            field("id", "uuid", json!(["uuid"]), json!({ "is_primary_key": true })),
            field("content", "text", Value::Null, json!({})),
            field("sender_id", "uuid", special.clone(), json!({})),
            field("receiver_id", "uuid", special, json!({})),
            field("timestamp", "dateTime", Value::Null, json!({})),
        ],
    });
    admin.call("POST", "/collections", Some(&body));
    if made == Made::Related {
        for name in ["sender_id", "receiver_id"] {
            let body = json!({
                "collection": "chat_messages", "field": name, "related_collection": "directus_users",
                "schema": { "on_delete": "SET NULL" }, "meta": { "sort_field": null },
            });
            admin.call("POST", "/relations", Some(&body));
        }
    }
}

/// Makes a role with a policy that lets it read the owner's own collection.
pub fn make_staff(admin: &Admin) -> String {
    let body = json!({
        "collection": "recipes",
        "schema": {},
        "meta": {},
        "fields": [{ "field": "id", "type": "uuid", "schema": { "is_primary_key": true }, "meta": { "special": ["uuid"] } }],
    });
    admin.call("POST", "/collections", Some(&body));
    let role = admin.call("POST", "/roles", Some(&json!({ "name": "Staff" })));
    let policy = admin.call("POST", "/policies", Some(&json!({ "name": "Cooks" })));
    let rule = json!({
        "policy": policy["id"], "collection": "recipes", "action": "read", "fields": ["*"],
        "permissions": {}, "validation": {},
    });
    admin.call("POST", "/permissions", Some(&rule));
    let access = json!({ "role": role["id"], "policy": policy["id"] });
    admin.call("POST", "/access", Some(&access));
    role["id"].as_str().unwrap().to_owned()
}

/// Everything of a server's set-up, without the numbers that a database gives.
pub fn set_up(server: &ServerFixture) -> BTreeMap<String, Value> {
    let admin = server.fresh_admin();
    let mut all = BTreeMap::new();
    for (path, names) in [
        ("/collections", ["collection", "collection"]),
        ("/fields", ["collection", "field"]),
        ("/relations", ["collection", "field"]),
        (
            "/roles?limit=-1&fields=id,name,icon,description,parent,policies.policy",
            ["id", "name"],
        ),
        (
            "/policies?limit=-1&fields=id,name,icon,description,ip_access,enforce_tfa,admin_access,app_access",
            ["id", "name"],
        ),
        ("/folders?limit=-1&fields=*", ["id", "name"]),
        (
            "/permissions?limit=-1&sort=policy,collection,action&fields=*",
            ["policy", "collection"],
        ),
    ] {
        let plain = path.split('?').next().unwrap();
        let rows = admin.call("GET", path, None);
        for mut row in rows.as_array().unwrap().clone() {
            let name = names.map(|name| row[name].as_str().unwrap_or("-").to_owned());
            if let Some(meta) = row.pointer_mut("/meta").and_then(Value::as_object_mut) {
                meta.remove("id");
            }
            if let Some(schema) = row.pointer_mut("/schema").and_then(Value::as_object_mut) {
                // How SQLite wrote the table down; fields and relations are compared by themselves.
                schema.remove("sql");
            }
            if plain == "/permissions" {
                row.as_object_mut().unwrap().remove("id");
            }
            let action = row["action"].as_str().unwrap_or_default().to_owned();
            all.insert(format!("{plain} {} {} {action}", name[0], name[1]), row);
        }
    }
    all
}

/// Fails with what differs, not with two whole set-ups.
#[track_caller]
pub fn assert_same(what: &str, left: &BTreeMap<String, Value>, right: &BTreeMap<String, Value>) {
    assert!(left.len() > 100, "{what}: there is something to compare");
    let mut differing = Vec::new();
    for key in left.keys().chain(right.keys()) {
        if left.get(key) != right.get(key) {
            differing.push(format!(
                "{key}\n  {:?}\n  {:?}",
                left.get(key),
                right.get(key)
            ));
        }
    }
    differing.sort();
    differing.dedup();
    assert!(differing.is_empty(), "{what}:\n{}", differing.join("\n"));
}
