//! The table of every collection by action by way: how many attacks there were, and why
//! there are none where there are none.

use super::call::Way;
use super::report::{Cell, Finding};
use crate::schema::{Action, Schema};

pub(super) fn table(schema: &Schema, findings: &[Finding]) -> Vec<Cell> {
    let mut collections: Vec<&str> = schema
        .collections
        .iter()
        .map(|collection| collection.name)
        .collect();
    for (_, rule) in schema.rules() {
        if !collections.contains(&rule.collection) {
            collections.push(rule.collection);
        }
    }
    let mut all = Vec::new();
    for collection in collections {
        for action in Action::ALL {
            for way in Way::ALL {
                let attacks = findings
                    .iter()
                    .filter(|finding| {
                        finding.attack
                            && finding.collection == collection
                            && finding.action == action
                            && finding.way == way
                    })
                    .count();
                all.push(Cell {
                    collection: collection.to_owned(),
                    action,
                    way,
                    attacks,
                    reason: (attacks == 0)
                        .then(|| reason(collection, action, way))
                        .flatten(),
                });
            }
        }
    }
    all
}

fn reason(collection: &str, action: Action, way: Way) -> Option<&'static str> {
    let no_way_there = [
        "chat_setup",
        "chat_read_states",
        "chat_prefs",
        "chat_typing",
        "chat_presence",
        "chat_blocks",
        "chat_reports",
    ];
    match (action, way) {
        (Action::Create | Action::Update | Action::Delete, Way::Oracle) => {
            Some("an oracle is a way of reading")
        }
        (Action::Create, Way::Batch) if collection == "directus_files" => {
            Some("Directus takes one file at a time")
        }
        (Action::Create, Way::Query) => Some("Directus makes nothing by a filter"),
        (Action::Create | Action::Update | Action::Delete, Way::Socket)
            if collection.starts_with("directus_") =>
        {
            Some("the socket takes no requests for Directus' own collections")
        }
        (Action::Read, Way::Nested) if no_way_there.contains(&collection) => {
            Some("no field that may be read leads there")
        }
        (Action::Create | Action::Update | Action::Delete, Way::Nested)
            if no_way_there.contains(&collection) =>
        {
            Some("no field that may be written leads there")
        }
        (Action::Delete, Way::Nested) if collection.starts_with("directus_") => {
            Some("Directus deletes by lists only what points to the row, and no list has these")
        }
        _ => None,
    }
}
