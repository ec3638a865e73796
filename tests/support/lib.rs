//! What tests that cross the seams share: a provisioned Directus of their own
//! with Alice, Bob, Carol and an administrator on it, and waiting for a condition.
//!
//! Everything here blocks and may be called from any thread, also inside an
//! async test. Nothing here knows the app or the core.

mod admin;
mod relay;
mod server;
mod waiting;

pub use admin::{Admin, Row};
pub use relay::Relay;
pub use server::{Options, Person, ServerFixture};
pub use waiting::{eventually, eventually_some};
pub use whinchat_provision::Kind;
