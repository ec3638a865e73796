//! An account, its server, its connection, and how it is signed in and out.
//!
//! Owns: those shapes. Never: a token or a key; a password only on its way in.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Problem;

/// How secrets are kept on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// The system's keychain.
    Keychain,
    /// A file encrypted under a passphrase that is asked for at every start.
    Passphrase,
    /// Nowhere: the database is in memory, quitting signs out.
    SessionOnly,
}

/// An account on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct AccountSummary {
    /// Local id (uuid); also the name of its folder.
    pub id: String,
    /// The server's address as a person knows it: `https://chat.example`.
    pub server: String,
    /// E-mail that was signed in with.
    pub email: String,
    /// The person's own name, empty until it is known.
    pub name: String,
    /// The person's id on the server, so that `sender` can be compared.
    pub person: String,
    /// Where its secrets are kept.
    pub vault: VaultKind,
    /// Made-up conversations to look around in: it has no server and sends nothing.
    pub sample: bool,
    /// Why it can't be opened now, if so.
    pub problem: Option<Problem>,
}

/// A Directus that was found at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct ServerFound {
    /// Normalised address, without a trailing slash; what `sign_in` takes.
    pub url: String,
    /// The project's name, empty where the server tells none.
    pub project: String,
    /// The version, where the server tells it.
    pub version: Option<String>,
}

/// The connection, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// A first or renewed attempt is under way.
    Connecting,
    /// Connected; what was missed is being fetched.
    CatchingUp,
    /// Connected, whole, and told of changes as they happen.
    Live,
    /// The socket can't be had; the server is asked every few seconds.
    Polling,
    /// The next attempt is at `retry_at`.
    Waiting,
    /// The system says that there is no network.
    Offline,
    /// No session is left.
    SignInNeeded,
    /// The chat collection is missing or not permitted.
    NotProvisioned,
}

/// State of the connection, with what a person wants to know about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Connection {
    /// The state.
    pub state: ConnectionState,
    /// When the next attempt is made, in `Waiting`.
    pub retry_at: Option<i64>,
    /// Why, where there is a reason to tell.
    pub problem: Option<Problem>,
}

/// What happens to unsent messages at sign-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum Unsent {
    /// Refuse with `unsent_messages` if there are any.
    Ask,
    /// Throw them away.
    Discard,
}

/// What signing out did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SignedOut {
    /// Whether the server was told; if not, its session ends by itself.
    pub server_told: bool,
    /// Whether the keychain refused to let go of the account's entries. They are
    /// erased at a later start.
    pub secrets_left: bool,
}

/// What signing in takes. Not a [`Command`]: it carries a password, so it has
/// no `Debug`, is never serialised by the core and never logged.
#[derive(Clone, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SignIn {
    /// The server, as [`ServerFound::url`] or as typed.
    pub server: String,
    /// E-mail.
    pub email: String,
    /// Password.
    pub password: String,
    /// One-time code, where asked for.
    pub code: Option<String>,
    /// Where secrets are to be kept.
    pub vault: VaultKind,
    /// For [`VaultKind::Passphrase`]: at least 8 characters.
    pub passphrase: Option<String>,
    /// The account to sign in again, with its data kept; null for a new one.
    pub account: Option<String>,
}

/// What the interface needs before any account is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct AppInfo {
    /// The product's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Server address to start with, empty where none is built in.
    pub default_server: String,
    /// Ways to keep secrets that work on this device now, best first.
    pub vaults: Vec<VaultKind>,
    /// `linux`, `macos`, `windows`, `android` or `ios`.
    pub platform: String,
}
