//! Why a server can't be made ready safely, found before anything is done. Pure.
//!
//! Each refusal says what was found and what the owner can do about it. Only
//! [`Kind::Full`] refuses; the smaller kinds are for tests and demonstrations, on servers
//! made for them.

use crate::schema::{Collection, Kind, MESSAGES, Schema};
use crate::state::{Dangling, HeldCollection, ServerFacts, State, major};
use serde::Serialize;
use std::fmt;

/// The oldest version that the rules were proven on.
pub const OLDEST: (u32, u32) = (11, 17);

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    /// The credentials are no administrator's.
    NotAdministrator,
    /// The rules were not proven on a version as old as this.
    OldDirectus {
        /// The version, where it is told.
        found: Option<String>,
    },
    /// The server's licence forbids permissions with rules.
    Licence {
        /// The server's version.
        version: String,
    },
    /// The server offers no WebSockets.
    WebSocketsOff,
    /// A newer program has been here.
    NewerSchema {
        /// The version recorded on the server.
        found: u32,
    },
    /// A collection of the same name that is something else.
    ForeignCollection {
        /// Its name.
        collection: String,
        /// What differs.
        because: String,
    },
    /// A field of the owner's that insists on a value which messages don't have.
    NeededField {
        /// `collection.field`.
        field: String,
    },
    /// Values that would point nowhere.
    DanglingKeys {
        /// `collection.field`.
        field: String,
        /// Which.
        #[serde(flatten)]
        found: Dangling,
    },
    /// A field of the owner's would go with the collection it points to.
    PointedAt {
        /// `collection.field`.
        field: String,
        /// The collection pointed to.
        to: String,
    },
    /// A chosen role is not there, or there are several of that name.
    UnknownRole {
        /// The name as it was given.
        name: String,
        /// How many roles have it.
        found: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAdministrator => write!(
                f,
                "These credentials are no administrator's. Sign in as somebody whose role has a \
                 policy with admin access, or make a static token for such a person."
            ),
            Self::OldDirectus { found } => write!(
                f,
                "This server runs {}. The rules were proven on Directus {}.{} and later: update it first.",
                found.as_ref().map_or_else(
                    || "a Directus that does not tell its version".to_owned(),
                    |version| { format!("Directus {version}") }
                ),
                OLDEST.0,
                OLDEST.1
            ),
            Self::Licence { version } => f.write_str(&licence(Some(version))),
            Self::WebSocketsOff => write!(
                f,
                "WebSockets are off, and messages would not arrive by themselves. Set \
                 WEBSOCKETS_ENABLED=true (and leave WEBSOCKETS_REST_ENABLED on) and start Directus again."
            ),
            Self::NewerSchema { found } => write!(
                f,
                "A newer Whinchat has made this server ready (schema version {found}). Use that one: \
                 this one would take away what it doesn't know."
            ),
            Self::ForeignCollection {
                collection,
                because,
            } => write!(
                f,
                "There is a collection {collection} that is something else: {because}. Rename or \
                 remove it, or give Whinchat a Directus of its own."
            ),
            Self::NeededField { field } => write!(
                f,
                "{field} insists on a value, and messages that have none could not be stored. Allow \
                 it to be empty (in the data model: Schema, Allow NULL)."
            ),
            Self::DanglingKeys { field, found } => write!(
                f,
                "{} of the rows hold a {field} that points to nothing in {} (e.g. {}). Empty that \
                 field there, or delete these rows, and try again.",
                found.rows, found.to, found.example
            ),
            Self::PointedAt { field, to } => write!(
                f,
                "{field} points to {to}, and Directus would remove that field with it. Remove the \
                 field first, or point it elsewhere."
            ),
            Self::UnknownRole { name, found: 0 } => write!(
                f,
                "There is no role named {name}. Look under Settings, User Roles, for how it is written."
            ),
            Self::UnknownRole { name, found } => write!(
                f,
                "There are {found} roles named {name}. Rename one, so that it is clear who may chat."
            ),
        }
    }
}

impl Refusal {
    /// Whether another version or licence of the server would help.
    pub(crate) fn is_about_version(&self) -> bool {
        matches!(self, Self::OldDirectus { .. } | Self::Licence { .. })
    }
}

/// What an owner needs to know where the licence forbids rules.
pub(crate) fn licence(version: Option<&str>) -> String {
    format!(
        "This server ({}) runs without a licence that allows permission rules \
         (custom_permission_rules_enabled), and without rules everybody could read everything. \
         Either use Directus 11.17, or get a key and set LICENSE_KEY, with PUBLIC_URL a full \
         address. A key is free for commercial use under the Open Innovation Grant for entities \
         with less than $5M a year and fewer than 50 employees: \
         https://directus.com/oig has the terms.",
        version.map_or_else(
            || "Directus 12".to_owned(),
            |held| format!("Directus {held}")
        )
    )
}

/// Everything that stands against bringing this schema to a server in this state.
pub(crate) fn refusals(schema: &Schema, state: &State) -> Vec<Refusal> {
    let mut all = Vec::new();
    let recorded = state.record.as_ref().and_then(|record| record.version);
    if let Some(found) = recorded.filter(|found| *found > schema.kind.version()) {
        all.push(Refusal::NewerSchema { found });
    }
    if schema.kind != Kind::Full {
        return all;
    }
    all.extend(state.server.iter().flat_map(of_server));
    for name in &schema.chosen_roles {
        let found = state.roles.values().filter(|held| *held == name).count();
        if found != 1 {
            let name = name.clone();
            all.push(Refusal::UnknownRole { name, found });
        }
    }
    for collection in schema.collections.iter().filter(|held| !held.directus) {
        if let Some(held) = state.collections.get(collection.name) {
            check_collection(&mut all, collection, held);
        }
    }
    for (field, found) in &state.dangling {
        all.push(Refusal::DanglingKeys {
            field: field.clone(),
            found: found.clone(),
        });
    }
    all
}

/// What stands against a server itself.
pub(crate) fn of_server(server: &ServerFacts) -> Vec<Refusal> {
    let mut all = Vec::new();
    let old = server
        .version
        .as_deref()
        .is_none_or(|version| first_two(version) < OLDEST);
    if !server.administrator {
        all.push(Refusal::NotAdministrator);
    }
    if old {
        let found = server.version.clone();
        all.push(Refusal::OldDirectus { found });
    }
    if !server.rules_allowed {
        let version = server.version.clone().unwrap_or_default();
        all.push(Refusal::Licence { version });
    }
    // Only an administrator is told.
    if !server.websockets && server.administrator {
        all.push(Refusal::WebSocketsOff);
    }
    all
}

fn check_collection(all: &mut Vec<Refusal>, collection: &Collection, held: &HeldCollection) {
    let foreign = |because: String| Refusal::ForeignCollection {
        collection: collection.name.to_owned(),
        because,
    };
    if !held.ours && collection.name != MESSAGES {
        all.push(foreign("Whinchat did not make it".to_owned()));
        return;
    }
    if !held.ours {
        // What the tutorial makes, by hand.
        for name in ["id", "content", "sender_id", "receiver_id", "timestamp"] {
            if !held.fields.contains_key(name) {
                all.push(foreign(format!("it has no field {name}")));
            }
        }
    }
    for field in &collection.fields {
        if let Some(found) = held.fields.get(field.name).filter(|found| !found.ours) {
            let fits = found.kind == field.kind.name()
                || field.also.iter().any(|kind| found.kind == kind.name());
            if !fits {
                all.push(foreign(format!(
                    "its field {} is {}, not {}",
                    field.name,
                    found.kind,
                    field.kind.name()
                )));
            }
        }
    }
    for (name, found) in &held.fields {
        // These three every message has.
        let given = ["id", "content", "sender_id"].contains(&name.as_str());
        if found.needed && !found.ours && !given {
            let field = format!("{}.{name}", collection.name);
            all.push(Refusal::NeededField { field });
        }
    }
}

fn first_two(version: &str) -> (u32, u32) {
    let minor = version.split('.').nth(1).and_then(|part| part.parse().ok());
    (major(version).unwrap_or(0), minor.unwrap_or(0))
}
