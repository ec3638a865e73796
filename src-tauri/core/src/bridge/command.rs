//! Every command that an interface gives.
//!
//! Owns: their names, arguments and the line that `whinchat-rpc` reads one from.
//! Never: a password, which comes by a way of its own.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Anchor, Depth, ReportReason, Unsent};

/// Every command, as `whinchat-rpc` reads it and as the window's commands map
/// onto it: `{"command":"send","args":{…}}`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case", tag = "command", content = "args")]
pub enum Command {
    /// The accounts on this device -> `AccountSummary[]`.
    Accounts,
    /// Made-up conversations in memory to look around in, in place of those that were
    /// there; to be opened, and gone when the program ends -> [`AccountSummary`].
    LookAround,
    /// Finds the server at an address as typed -> [`ServerFound`].
    Discover {
        /// What the person typed.
        address: String,
    },
    /// Opens an account: its engine runs from now on -> [`Opened`].
    Open {
        /// The account.
        account: String,
    },
    /// A part of the conversation list -> [`ConversationPage`].
    Conversations {
        /// The account.
        account: String,
        /// Part of a name to look for; empty for all.
        query: String,
        /// `sort` of the last row held, for the next part.
        after: Option<String>,
        /// How many, 1 to 200.
        limit: u32,
    },
    /// People to pick from -> [`PeoplePage`].
    People {
        /// The account.
        account: String,
        /// Part of a name to look for; empty for all.
        query: String,
        /// How many to leave out at the start.
        offset: u32,
        /// How many, 1 to 200.
        limit: u32,
    },
    /// Searches every message that is held -> [`SearchPage`]. Every word must
    /// be there, each from its beginning; words in quotes follow each other.
    Search {
        /// The account.
        account: String,
        /// The words as typed; blank for all messages that the rest allows.
        query: String,
        /// Only this conversation, or null.
        conversation: Option<String>,
        /// Only what this person wrote, or null.
        person: Option<String>,
        /// Only at or after this instant, or null.
        from: Option<i64>,
        /// Only before this instant, or null.
        until: Option<i64>,
        /// `sort` of the last message found, for the next part.
        after: Option<String>,
        /// How many, 1 to 200.
        limit: u32,
    },
    /// A page of a conversation, from what is held -> [`Page`].
    Page {
        /// The account.
        account: String,
        /// The conversation.
        conversation: String,
        /// Where.
        anchor: Anchor,
        /// How many, 1 to 200.
        limit: u32,
    },
    /// Asks the server for the page before the oldest held -> null; a
    /// `history` change follows.
    FetchOlder {
        /// The account.
        account: String,
        /// The conversation.
        conversation: String,
    },
    /// Asks the server for what a page there lacks: what is before the first or
    /// after the last held, or around a message or an instant -> null; a
    /// `history` change follows.
    Fetch {
        /// The account.
        account: String,
        /// The conversation.
        conversation: String,
        /// Where.
        anchor: Anchor,
    },
    /// How much of every conversation is fetched unasked -> [`Depth`].
    HistoryDepth {
        /// The account.
        account: String,
    },
    /// Chooses how much of every conversation is fetched unasked -> null.
    SetHistoryDepth {
        /// The account.
        account: String,
        /// How much.
        depth: Depth,
    },
    /// Names the conversation whose messages the stream carries -> null.
    Watch {
        /// The account.
        account: String,
        /// The conversation, or null for none.
        conversation: Option<String>,
    },
    /// Queues a message durably -> [`MessageRow`].
    Send {
        /// The account.
        account: String,
        /// The conversation.
        conversation: String,
        /// The text; trimmed at both ends before it is kept.
        text: String,
    },
    /// Tries a failed message again -> null.
    Retry {
        /// The account.
        account: String,
        /// The message.
        message: String,
    },
    /// Takes back a message that failed or was never tried -> null.
    Discard {
        /// The account.
        account: String,
        /// The message.
        message: String,
    },
    /// Keeps what is typed and not sent -> null. Blank forgets it.
    SaveDraft {
        /// The account.
        account: String,
        /// The conversation.
        conversation: String,
        /// The text as it stands.
        text: String,
    },
    /// All up to this one is read -> null.
    MarkRead {
        /// The account.
        account: String,
        /// The conversation.
        conversation: String,
        /// `sort` of the newest message seen.
        until: String,
    },
    /// Blocks, reports, terms and the owner's addresses -> [`Safety`].
    Safety {
        /// The account.
        account: String,
    },
    /// Accepts the app's terms, of this version -> null. Before that nothing
    /// can be sent.
    AcceptTerms {
        /// The account.
        account: String,
        /// `terms_version` as it was shown.
        version: u32,
    },
    /// Blocks somebody -> null: their conversation is in no list, and nothing
    /// of it is told. Kept, and told to a server that has a place for it.
    Block {
        /// The account.
        account: String,
        /// Who.
        person: String,
    },
    /// Lifts that -> null. All that was said is there again.
    Unblock {
        /// The account.
        account: String,
        /// Who.
        person: String,
    },
    /// Reports a message or a person to the owner, or asks them to delete this
    /// account -> null. Kept, and sent once; only where `reports_on_server`.
    Report {
        /// The account.
        account: String,
        /// Who, or null where a message says it.
        person: Option<String>,
        /// Which message of theirs, or null.
        message: Option<String>,
        /// Why. `account_deletion` has neither person nor message.
        reason: ReportReason,
        /// In one's own words; at most 4,000 characters.
        comment: String,
        /// Whether a copy of the message goes with it.
        with_text: bool,
    },
    /// A person asks for a connection now -> null.
    Reconnect {
        /// The account.
        account: String,
    },
    /// Messages that were not sent yet, to copy out -> `MessageRow[]`.
    UnsentMessages {
        /// The account.
        account: String,
    },
    /// Writes what this account's engine was told, without a text, a name or an
    /// address, into a new file -> [`DiagnosticsSaved`].
    SaveDiagnostics {
        /// The account, which is open.
        account: String,
        /// The folder to write it to.
        folder: String,
    },
    /// Signs out and erases -> [`SignedOut`].
    SignOut {
        /// The account.
        account: String,
        /// What happens to unsent messages.
        unsent: Unsent,
    },
    /// Whether a locked account may be opened by the system's biometrics -> [`BiometricsState`].
    Biometrics {
        /// The account.
        account: String,
    },
    /// Opens the vault of an account by the system's biometrics, which asks its
    /// person -> [`AccountSummary`].
    UnlockByBiometrics {
        /// The account.
        account: String,
    },
    /// Lets the passphrase alone open an account again -> null.
    ForgetBiometrics {
        /// The account.
        account: String,
    },
    /// Closes an account without signing out: no socket is left -> null.
    Close {
        /// The account.
        account: String,
    },
    /// What would be done to the server that is being set up -> [`SetUpPlan`].
    SetUpPlan,
    /// Writes the owner's addresses into a server that is ready -> [`SetUpAddresses`] as
    /// they are kept. Blank takes one away.
    SetUpAddresses {
        /// An e-mail address, or `https:`.
        contact: String,
        /// `https:`.
        terms: String,
    },
    /// Does it, if the plan still has this hash -> [`SetUpApplied`]. Each step
    /// is told as the event `set_up`.
    SetUpApply {
        /// The plan's hash.
        plan: String,
    },
    /// Attacks the server, which is ready, with people made for it and taken away
    /// again -> [`SetUpProof`], or null where it was broken off. Each attempt is told as
    /// the event `set_up`.
    SetUpVerify,
    /// Breaks off what is being done to the server -> null. It can be done again.
    SetUpStop,
    /// Ends the session for setting up -> null.
    SetUpEnd,
}

/// A command as `whinchat-rpc` reads it: one JSON object a line.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Whatever the asking program chose; comes back with the answer.
    pub id: serde_json::Value,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// The id to refuse it under; `null` where not even that could be read.
    pub fn read(line: &[u8]) -> Result<Self, serde_json::Value> {
        #[derive(Deserialize)]
        struct Raw {
            id: serde_json::Value,
            #[serde(flatten)]
            command: serde_json::Value,
        }
        let Ok(Raw { id, command }) = serde_json::from_slice(line) else {
            return Err(serde_json::Value::Null);
        };
        match Command::deserialize(command) {
            Ok(command) => Ok(Self { id, command }),
            Err(_) => Err(id),
        }
    }
}
