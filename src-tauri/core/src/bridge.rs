//! What the core and an interface say to each other: the shapes of every
//! command's arguments and answer, and of the stream of changes.
//!
//! Owns: those shapes, their JSON and their TypeScript (`ui/types/bridge.ts`,
//! written by `WRITE_TYPES=1 cargo test -p whinchat-core types`). The window, `whinchat-rpc` and the tests all speak exactly
//! this. Never: behaviour, secrets, or a server's raw answer.
//!
//! All instants are UTC milliseconds since 1970. All integers are below 2^53.
//! Every field is always present (`null` when there is nothing), so that the
//! generated types and the JSON agree.

mod account;
mod biometrics;
mod command;
mod diagnostics;
mod messages;
mod problem;
mod safety;
mod search;
mod set_up;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use account::{
    AccountSummary, AppInfo, Connection, ConnectionState, ServerFound, SignIn, SignedOut, Unsent,
    VaultKind,
};
pub use biometrics::{BiometricsState, Biometry};
pub use command::{Command, Line};
pub use diagnostics::DiagnosticsSaved;
pub use messages::{
    Anchor, ConversationPage, ConversationRow, Depth, LastMessage, MessageRow, MessageState, Newer,
    Older, Page, PeoplePage, PersonRow,
};
pub use problem::{Action, Code, Problem};
pub use safety::{BlockReach, BlockedRow, ReportReason, Safety, TermsAccepted};
pub use search::{ConversationReach, Excerpt, Found, Mark, Reach, SearchPage};
pub use set_up::{
    SetUpAddresses, SetUpApplied, SetUpDeed, SetUpFinding, SetUpKept, SetUpKnown, SetUpObstacle,
    SetUpPlan, SetUpProgress, SetUpProof, SetUpRefusal, SetUpSignIn, SetUpStep, SetUpSubject,
    SetUpVerdict,
};

/// What an interface needs to show an account's first screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Opened {
    /// The account.
    pub account: AccountSummary,
    /// The connection now.
    pub connection: Connection,
    /// The first conversations.
    pub list: ConversationPage,
    /// Unread messages over all conversations.
    pub unread: i64,
    /// What a person should know about what is kept here, told once.
    pub problem: Option<Problem>,
}

/// One change on the stream. `upsert`s carry the whole row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Change {
    /// A message of the watched conversation came, moved or changed.
    Message(MessageRow),
    /// A message of the watched conversation is no longer there.
    MessageGone {
        /// Its conversation.
        conversation: String,
        /// Its id.
        id: String,
    },
    /// A conversation's row came or changed.
    Conversation(ConversationRow),
    /// What is held of a conversation's past has changed: ask for the page again.
    History {
        /// The conversation.
        conversation: String,
        /// What is before the oldest held message now.
        older: Older,
        /// Why the server could not be asked, if so.
        problem: Option<Problem>,
    },
    /// The state of the connection.
    Connection(Connection),
    /// The number of unread messages over all conversations.
    Unread(i64),
    /// A name became known or changed.
    Person(PersonRow),
    /// Blocks, reports, terms or what is known of the owner have changed.
    Safety(Safety),
}

/// What the stream sends: changes that belong together, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Batch {
    /// The account's local id.
    pub account: String,
    /// 1, 2, 3 … on this stream. A number missing: open the stream again.
    pub n: i64,
    /// Revision of the store after these changes.
    pub revision: i64,
    /// The changes, in the order in which they happened.
    pub changes: Vec<Change>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_that_the_page_is_checked_against_are_these() {
        let folder = tempfile::tempdir().unwrap();
        let config = ts_rs::Config::from_env().with_out_dir(folder.path());
        AccountSummary::export_all(&config).unwrap();
        AppInfo::export_all(&config).unwrap();
        Batch::export_all(&config).unwrap();
        Command::export_all(&config).unwrap();
        BiometricsState::export_all(&config).unwrap();
        DiagnosticsSaved::export_all(&config).unwrap();
        Opened::export_all(&config).unwrap();
        Page::export_all(&config).unwrap();
        PeoplePage::export_all(&config).unwrap();
        Safety::export_all(&config).unwrap();
        SearchPage::export_all(&config).unwrap();
        ServerFound::export_all(&config).unwrap();
        SetUpAddresses::export_all(&config).unwrap();
        SetUpApplied::export_all(&config).unwrap();
        SetUpProgress::export_all(&config).unwrap();
        SetUpProof::export_all(&config).unwrap();
        SetUpSignIn::export_all(&config).unwrap();
        SignIn::export_all(&config).unwrap();
        SignedOut::export_all(&config).unwrap();
        let written = std::fs::read_to_string(folder.path().join("bridge.ts")).unwrap();
        let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/types/bridge.ts");
        if std::env::var_os("WRITE_TYPES").is_some() {
            std::fs::write(kept, &written).unwrap();
        }
        assert!(
            std::fs::read_to_string(kept).unwrap() == written,
            "ui/types/bridge.ts is stale: run WRITE_TYPES=1 cargo test -p whinchat-core types"
        );
    }
}
