//! The simulated world that the sync engine is proven in.
//!
//! Several clients, each with the real engine and the real store, a model of
//! Directus with its measured quirks, a network with faults and people who
//! write to each other, all driven by one seed: the same seed gives the same
//! run, byte for byte. Nothing here knows tokio, a thread or a real clock.
//!
//! ```text
//! story --> world (virtual time, one queue) --> oracle: lost, doubled, foreign, diverged
//!            |  clients: real engine + real store
//!            |  network: cut, half open, lost, slow
//!            |  server:  rows, sessions, sockets
//!            |  page:    a screen fed by patches
//! ```

pub mod client;
pub mod log;
pub mod network;
pub mod oracle;
pub mod page;
pub mod quirk;
pub mod reasons;
pub mod replay;
pub mod rng;
pub mod run;
pub mod server;
pub mod shape;
pub mod story;
pub mod world;
