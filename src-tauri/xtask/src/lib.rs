//! What `cargo xtask` and the tests share: installing and starting a Directus,
//! processes that never outlive their parent, a display and a keychain of their
//! own, and a driver for windows.
//!
//! Owns the cache folder (see [`paths`]). Never touches a person's own Node,
//! npm settings or keychain, and knows nothing of the app's schema: that is
//! the `provision` crate's.

pub mod bench;
pub mod cache;
pub mod clean;
pub mod compile;
pub mod demo;
pub mod desktop;
pub mod directus;
pub mod flatpak;
pub mod fuzz;
pub mod http;
pub mod licences;
pub mod mobile;
pub mod model;
pub mod mutants;
pub mod name;
pub mod network;
pub mod npm;
pub mod package;
pub mod page;
pub mod papers;
pub mod paths;
pub mod phone;
pub mod problem;
pub mod process;
pub mod progress;
pub mod random;
pub mod review;
pub mod rpc;
pub mod sim;
pub mod soak;
pub mod suites;
pub mod system;
pub mod targets;
pub mod tauri;
pub mod tools;
pub mod updates;
pub mod verify;
pub mod webdriver;
pub mod wine;

pub use problem::{Outcome, Problem};
