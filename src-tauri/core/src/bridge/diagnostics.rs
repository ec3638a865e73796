//! What is said of a file that a person may hand to whoever looks for a fault.
//!
//! Owns: that shape. Never: what is in the file.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Diagnostics that were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct DiagnosticsSaved {
    /// The file.
    pub path: String,
    /// How large it is.
    #[ts(type = "number")]
    pub bytes: u64,
    /// How many inputs are in it.
    pub inputs: u32,
    /// Whether all since the account was opened is in it; otherwise the newest.
    pub from_the_beginning: bool,
}
