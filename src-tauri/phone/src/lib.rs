//! What a phone's system does for the app: one API over Kotlin (`android`) and Swift
//! (`ios`), as a plugin of Tauri's.
//!
//! Owns: the names of their commands, and that what they tell is read as carefully as
//! what a server says, for other apps speak through them. Never: a decision, a file, a
//! connection or a word that a person reads; all sentences are handed in.
//!
//! ```text
//!  the shell --Phone: show, protect, rest ...--> PhonePlugin (Kotlin, Swift)
//!      ^                                              |
//!      +------ Told: insets, back, shared ... <-------+  one channel, asked for once
//! ```
//!
//! The page can call none of it: the plugin has no permissions, and `cargo xtask papers`
//! finds a command that only one of the three sides knows.

mod given;
mod told;

#[cfg(target_os = "android")]
pub mod android;
#[cfg(mobile)]
mod plugin;

pub use given::{Given, Question};
#[cfg(mobile)]
pub use plugin::{Phone, init};
pub use told::{Insets, LONGEST_SHARED, Told};

use serde::{Deserialize, Serialize};

/// Whether the system lets the app show notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// It does.
    Granted,
    /// A person has not been asked yet.
    Ask,
    /// A person has said no; only the system's settings change that.
    Denied,
}

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The account's local id.
    pub account: String,
    /// The conversation; none for the sum of an account.
    pub conversation: Option<String>,
    /// Its first line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// Whether it makes no sound.
    pub quiet: bool,
}

/// Which notice to take back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The account's local id.
    pub account: String,
    /// The conversation; none for the sum of an account.
    pub conversation: Option<String>,
}
