//! What is said about people who should not be heard, and to the owner of the
//! server: blocks, reports, terms, addresses.
//!
//! Owns: those shapes. Never: a sentence.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What an interface needs to know of all that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Safety {
    /// The version of the app's terms.
    pub terms_version: u32,
    /// The terms that this account accepted last; nothing can be sent before
    /// those of `terms_version` are.
    pub accepted: Option<TermsAccepted>,
    /// Where the owner is reached: `mailto:` or `https:`. Checked, but not theirs
    /// for certain: whoever administers the server wrote it.
    pub contact: Option<String>,
    /// Where the owner's terms are: `https:`.
    pub owner_terms: Option<String>,
    /// Whether the server refuses what blocked people send; otherwise a block
    /// holds on this device only.
    pub blocks_on_server: bool,
    /// Whether the server takes reports, which only its administrators read.
    pub reports_on_server: bool,
    /// Who is blocked, by name.
    pub blocked: Vec<BlockedRow>,
    /// How many reports wait to be sent.
    pub reports_waiting: u32,
    /// How many reports the server refused.
    pub reports_refused: u32,
    /// When the owner was asked to delete this account.
    pub deletion_asked: Option<i64>,
}

/// Terms that were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct TermsAccepted {
    /// Which version.
    pub version: u32,
    /// When.
    pub at: i64,
}

/// Somebody who is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct BlockedRow {
    /// The person's uuid.
    pub person: String,
    /// Their name, empty if unknown.
    pub name: String,
    /// Since when.
    pub since: i64,
    /// How far it reaches.
    pub reach: BlockReach,
}

/// How far a block reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum BlockReach {
    /// The server refuses what they send, and other devices know.
    Server,
    /// The server is to be told, and will be.
    Waiting,
    /// This device only: the server has no place for it, or refused it.
    Device,
}

/// Why something is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// Advertising, or the same again and again.
    Spam,
    /// Insults and persecution.
    Harassment,
    /// Threats of violence.
    Threats,
    /// Sexual content that was not asked for.
    Sexual,
    /// Harm to children.
    Children,
    /// Something illegal.
    Illegal,
    /// Somebody is not who they say.
    Impersonation,
    /// Something else.
    Other,
    /// No complaint: the owner is asked to delete this account.
    AccountDeletion,
}

impl ReportReason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Spam,
        Self::Harassment,
        Self::Threats,
        Self::Sexual,
        Self::Children,
        Self::Illegal,
        Self::Impersonation,
        Self::Other,
        Self::AccountDeletion,
    ];

    /// As the server keeps it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Harassment => "harassment",
            Self::Threats => "threats",
            Self::Sexual => "sexual",
            Self::Children => "children",
            Self::Illegal => "illegal",
            Self::Impersonation => "impersonation",
            Self::Other => "other",
            Self::AccountDeletion => "account_deletion",
        }
    }

    /// Reads what [`ReportReason::name`] wrote.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}
