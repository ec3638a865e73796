//! Makes a Directus ready for Whinchat: collections, fields, relations, the
//! role, its policies and their rules.
//!
//! ```text
//! schema (what should be) + state (what the server has) -> plan -> steps, one by one
//! ```
//! Owns the declared [`Schema`] and everything on a server that carries its
//! mark. Never deletes, narrows or converts what it did not make: where a
//! server differs in something of its owner's, the plan says so and leaves it.
//! Doing it twice changes nothing the second time.
//!
//! Credentials are handed over in memory, never by argument or environment.

mod apply;
mod client;
mod error;
mod people;
mod plan;
mod schema;
mod state;

pub use apply::apply;
pub use client::{Client, Credentials};
pub use error::Error;
pub use people::{NewMessage, NewPerson, add_messages, ensure_person};
pub use plan::{Difference, Plan, Step, plan};
pub use schema::{
    Action, Collection, Field, FieldType, Kind, Permission, Policy, Relation, Schema,
};
pub use state::{HeldField, HeldPermission, State};

/// Looks at the server and says what [`apply`] would do.
pub async fn look(client: &Client, schema: &Schema) -> Result<Plan, Error> {
    let state = State::read(client, schema).await?;
    Ok(plan(schema, &state))
}
