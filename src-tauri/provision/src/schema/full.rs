//! The whole schema: every part, in the order the collections are made.
//!
//! One role, three policies. A permission lists its fields, and no field list of a read
//! depends on the row: what is private has a collection of its own.

use super::{
    CHAT, Collection, GROUP_ADMIN, Kind, OWN_ROWS, Part, Policy, Schema, attachments, blocks,
    directory, groups, messages, prefs, presence, reactions, reading, reports, setup, typing,
};

/// The folder of pictures that everybody who may chat can see.
const AVATARS: &str = "chat-avatars";

pub(super) fn schema() -> Schema {
    let parts = [
        setup::part(),
        groups::part(),
        messages::part(),
        attachments::part(),
        reactions::part(),
        reading::part(),
        prefs::part(),
        typing::part(),
        presence::part(),
        blocks::part(),
        reports::part(),
        directory::part(),
    ];
    let mut collections: Vec<Collection> = Vec::new();
    let mut policies: Vec<Policy> = [CHAT, OWN_ROWS, GROUP_ADMIN]
        .map(|name| Policy {
            name,
            permissions: Vec::new(),
        })
        .into();
    for Part {
        collections: made,
        rules,
    } in parts
    {
        collections.extend(made);
        for (name, permission) in rules {
            for policy in policies.iter_mut().filter(|policy| policy.name == name) {
                policy.permissions.push(permission.clone());
            }
        }
    }
    Schema {
        kind: Kind::Full,
        collections,
        role: CHAT,
        chosen_roles: Vec::new(),
        folder: Some(AVATARS),
        policies,
        addresses: crate::addresses::Addresses::default(),
    }
}
