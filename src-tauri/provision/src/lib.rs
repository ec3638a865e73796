//! Makes a Directus ready for Whinchat: collections, fields, relations, the
//! role, its policies and their rules.
//!
//! ```text
//! schema (what should be) + state (what the server has) -> plan    -> steps, one by one
//!                                                       -> removal -> steps, one by one
//!                            facts (what can be seen)   -> findings of the doctor
//! schema (what may be done) -> attacks (everything else) -> report of the verification
//! ```
//! Owns the declared [`Schema`] and everything on a server that carries its
//! mark. Never deletes, narrows or converts what it did not make: where a
//! server differs in something of its owner's, the plan says so and leaves it.
//! Doing it twice changes nothing the second time.
//!
//! Credentials are handed over in memory, never by argument or environment.

mod addresses;
mod apply;
mod client;
mod doctor;
mod error;
mod export;
mod hash;
mod ids;
mod people;
mod plan;
mod refusal;
mod removal;
mod schema;
mod state;
pub mod verify;

pub use addresses::{AddressKind, Addresses, LONGEST, set_addresses};
pub use apply::{apply, apply_planned};
pub use client::{Client, Credentials};
pub use doctor::{Facts, Finding, Level, diagnose, examine};
pub use error::Error;
pub use export::export;
pub use people::{NewMessage, NewPerson, add_messages, ensure_person};
pub use plan::{Difference, Plan, Step, plan};
pub use refusal::{OLDEST, Refusal};
pub use removal::{Removal, RemovalStep, look_at_removal, removal, remove};
pub use schema::{
    Action, Collection, FOLDER_PLACEHOLDER, Field, FieldType, Kind, MESSAGES, Permission, Policy,
    REASONS, REPORTS, ROLE_PLACEHOLDER, Relation, Reverse, SETUP, SETUP_ROW, Schema,
};
pub use state::{
    Dangling, Fill, HeldCollection, HeldField, HeldPermission, HeldRelation, Record, ServerFacts,
    State,
};

/// Looks at the server and says what [`apply`] would do.
pub async fn look(client: &Client, schema: &Schema) -> Result<Plan, Error> {
    let state = State::read(client, schema).await?;
    Ok(plan(schema, &state))
}
