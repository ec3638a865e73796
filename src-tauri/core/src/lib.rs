//! The whole messenger without a window.
//!
//! ```text
//! interface --order--> runtime --input--> engine --(one transaction)--> store
//! interface <--patch-- runtime <--effect-- engine
//! ```
//!
//! Data walks one way: an interface asks, the engine decides and stores in one
//! transaction, and after the commit its effects are performed.
#![forbid(unsafe_code)]

pub mod bridge;
pub mod diagnostics;
pub mod directus;
pub mod engine;
pub mod link;
pub mod model;
pub mod product;
#[cfg(feature = "runtime")]
pub mod runtime;
pub mod store;
#[cfg(feature = "runtime")]
pub mod vault;
pub mod view;
