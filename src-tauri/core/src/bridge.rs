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

mod biometrics;
mod diagnostics;
mod safety;
mod set_up;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use biometrics::{BiometricsState, Biometry};
pub use diagnostics::DiagnosticsSaved;
pub use safety::{BlockReach, BlockedRow, ReportReason, Safety, TermsAccepted};
pub use set_up::{
    SetUpAddresses, SetUpApplied, SetUpDeed, SetUpFinding, SetUpKept, SetUpKnown, SetUpObstacle,
    SetUpPlan, SetUpProgress, SetUpProof, SetUpRefusal, SetUpSignIn, SetUpStep, SetUpSubject,
    SetUpVerdict,
};

/// What went wrong, in a form that an interface can show in its own language.
///
/// The sentence a person reads is `error-<code>` in the interface's locale
/// files, filled with `args`; `action` says which button stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[ts(export, export_to = "bridge.ts")]
#[error("{code:?}")]
pub struct Problem {
    /// Stable name of what happened.
    pub code: Code,
    /// Values for the sentence: host names, counts, seconds. Never secrets or
    /// message text.
    pub args: BTreeMap<String, String>,
    /// What the person can do about it.
    pub action: Action,
}

impl Problem {
    /// A problem without arguments, with the action that its code implies.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self {
            code,
            args: BTreeMap::new(),
            action: code.action(),
        }
    }

    /// The same problem with one more argument for its sentence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.args.insert(name.to_owned(), value.to_string());
        self
    }
}

/// What a person can do about a [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Try the same again, now or later.
    Retry,
    /// Give e-mail, password or code again.
    SignIn,
    /// Change what was typed (the address, the text).
    ChangeInput,
    /// Ask whoever runs the server.
    TellOwner,
    /// Choose how secrets are kept on this device.
    ChooseVault,
    /// Give the passphrase that this account's secrets are kept under.
    Unlock,
    /// Decide about messages that were not sent yet.
    DecideUnsent,
    /// Set up the server.
    SetUp,
    /// Read and accept the terms.
    AcceptTerms,
    /// Nothing to be done by the person.
    None,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $action:ident,)*) => {
        /// Stable names of everything that can go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
        #[ts(export, export_to = "bridge.ts")]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, for the test that each has a sentence and an action.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The action that belongs to this code.
            #[must_use]
            pub const fn action(self) -> Action {
                match self { $(Self::$name => Action::$action,)* }
            }
        }
    };
}

codes! {
    /// The address can't be read as one. No args.
    AddressInvalid => ChangeInput,
    /// http was asked for, and the host is not this machine. args: host.
    AddressInsecure => ChangeInput,
    /// The name does not resolve. args: host.
    HostUnknown => ChangeInput,
    /// Nothing answers there, or not in time. args: host.
    HostSilent => Retry,
    /// The server's certificate is not trusted by this device. args: host.
    CertificateUntrusted => TellOwner,
    /// Something answers, but it is no Directus. args: host.
    NotDirectus => ChangeInput,
    /// This Directus is older than what Whinchat can speak to. args: version.
    ServerTooOld => TellOwner,
    /// WebSockets are switched off on this server. args: host.
    WebsocketsOff => TellOwner,
    /// The chat collection is not there or this person may not read it. args: host.
    ChatMissing => TellOwner,
    /// The server is not ready for chat, and this person administers it. args: host.
    SetUpNeeded => SetUp,
    /// Setting up takes an administrator, and this person is none. args: host.
    NotAdministrator => ChangeInput,
    /// The session for setting up is over.
    SetUpEnded => SignIn,
    /// The server is not as it was when the plan was made: nothing was done.
    SetUpChanged => Retry,
    /// The plan holds refusals: nothing was done. args: count.
    SetUpNotSafe => Retry,
    /// The server refused a step. args: status, reason.
    SetUpRefused => Retry,
    /// That is no address that is taken. args: field (`contact` or `terms`).
    OwnersAddressInvalid => ChangeInput,
    /// E-mail or password is wrong.
    PasswordWrong => ChangeInput,
    /// The account wants a one-time code as well.
    CodeNeeded => ChangeInput,
    /// The one-time code is wrong or too old.
    CodeWrong => ChangeInput,
    /// The account is suspended or not active.
    Suspended => TellOwner,
    /// Too many tries. args: seconds (how long to wait).
    TooManyTries => Retry,
    /// No session is left: e-mail and password are needed again.
    SignInNeeded => SignIn,
    /// There is no network, or the server is out of reach.
    Offline => Retry,
    /// The server is overloaded or restarting. args: seconds, if it said so.
    ServerBusy => Retry,
    /// The server answered what it should not. args: status.
    ServerError => TellOwner,
    /// The server refuses this message or this reader. args: field, if named.
    NotAllowed => TellOwner,
    /// The person this is for is no longer on the server.
    ReceiverGone => None,
    /// The text is longer than the server takes. args: bytes, limit.
    TextTooLong => ChangeInput,
    /// The text is blank.
    TextBlank => ChangeInput,
    /// The terms are not accepted yet, or not in this version. args: version.
    TermsNeeded => AcceptTerms,
    /// The server has no place for reports: its owner is told in another way.
    ReportsMissing => TellOwner,
    /// The keychain can't be used on this device, or is locked.
    VaultUnavailable => ChooseVault,
    /// The keychain is there but this account's entry could not be read.
    VaultUnreadable => Retry,
    /// This account's secrets are kept under a passphrase, which is needed now.
    PassphraseNeeded => Unlock,
    /// That is not the passphrase.
    PassphraseWrong => Unlock,
    /// The passphrase is shorter than 8 characters.
    PassphraseShort => ChangeInput,
    /// This system has no biometrics for this account, or they were not turned on.
    BiometricsUnavailable => Unlock,
    /// Its person broke off being recognised.
    BiometricsCancelled => Unlock,
    /// The system did not recognise its person.
    BiometricsRefused => Unlock,
    /// Too many tries: the system asks for its own code first.
    BiometricsLockedOut => Unlock,
    /// The system has let go of the key, as when a finger is added: they are off.
    BiometricsGone => Unlock,
    /// Another program holds this account open.
    AccountInUse => None,
    /// No such account on this device.
    AccountUnknown => None,
    /// This person is signed in to this server on this device already.
    AccountExists => None,
    /// Messages are waiting to be sent. args: count.
    UnsentMessages => DecideUnsent,
    /// The message can't be changed, cancelled or retried in its state.
    MessageState => None,
    /// No such message, conversation or person here.
    Unknown => None,
    /// The disk is full.
    DiskFull => Retry,
    /// The local data can't be read or written. args: kind (`read_only`,
    /// `locked` by another program, or a word for a report).
    StorageFailed => Retry,
    /// The local data was damaged: it was set aside, and all is fetched again.
    /// args: unsent, drafts (how many were saved).
    StorageRebuilt => None,
    /// The local data was written by a newer Whinchat. args: found, known.
    StorageTooNew => None,
    /// A file could not be written where it was to be. args: kind (`full`,
    /// `denied`, `missing` or `other`).
    FileNotSaved => Retry,
    /// There may be a newer version, and it could not be had. args: kind
    /// (`network`, `signature`, `install`).
    UpdateFailed => Retry,
    /// A command had a shape that the core does not know.
    BadCommand => None,
}

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

/// What has become of a message that I wrote; others' are always `Sent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Kept here; waits for the connection or for its turn.
    Queued,
    /// On its way, or its answer was lost and it is being asked for.
    Sending,
    /// The server has it.
    Sent,
    /// The server refused it for good; `problem` says why.
    Failed,
}

/// One message as a screen shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct MessageRow {
    /// The message's uuid, the same on the server.
    pub id: String,
    /// `dm:<person>`; later `group:<id>`.
    pub conversation: String,
    /// Person who wrote it.
    pub sender: String,
    /// Whether that is me. Computed, never stored.
    pub is_me: bool,
    /// The text as written.
    pub text: String,
    /// When: the server's instant, or that of typing while it is pending.
    pub at: i64,
    /// Order in the conversation: compare as text, ascending is older first.
    pub sort: String,
    /// What has become of it.
    pub state: MessageState,
    /// Why it failed or waits, if there is something to say.
    pub problem: Option<Problem>,
}

/// A person on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct PersonRow {
    /// The person's uuid on the server.
    pub id: String,
    /// First and last name, or empty where the server tells none.
    pub name: String,
    /// Whether that is me.
    pub is_me: bool,
}

/// The last message of a conversation, for the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct LastMessage {
    /// Its text, cut to 200 characters, on one line.
    pub text: String,
    /// When, as [`MessageRow::at`].
    pub at: i64,
    /// Whether I wrote it.
    pub is_me: bool,
    /// What has become of it.
    pub state: MessageState,
}

/// One conversation as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct ConversationRow {
    /// `dm:<person>`.
    pub id: String,
    /// The other person's uuid.
    pub person: String,
    /// The other person's name, empty if unknown.
    pub title: String,
    /// Its last message, null for one that was only opened or has a draft.
    pub last: Option<LastMessage>,
    /// How many messages of others are unread.
    pub unread: i64,
    /// What was typed and not sent, if anything.
    pub draft: Option<String>,
    /// Whether the other person is blocked: then it is in no list.
    pub blocked: bool,
    /// Order in the list: compare as text, **descending** is newest first.
    pub sort: String,
}

/// What lies before the oldest message of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum Older {
    /// More is held here: ask for the page before.
    Held,
    /// More may be on the server: `fetch_older`, then a `history` change tells.
    Server,
    /// This is the beginning of the conversation.
    Beginning,
}

/// What lies after the newest message of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum Newer {
    /// More is held here: ask for the page after.
    Held,
    /// What comes next is not held: `fetch` with this page's end, then a
    /// `history` change tells.
    Server,
    /// These are the newest.
    Newest,
}

/// How much of every conversation is fetched unasked and kept here. What is
/// held already is never thrown away for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case", tag = "to", content = "count")]
pub enum Depth {
    /// So many days; 0 for nothing.
    Days(u32),
    /// So many messages; 0 for nothing.
    Messages(u32),
    /// To the beginning.
    Everything,
}

impl Default for Depth {
    fn default() -> Self {
        Self::Days(90)
    }
}

/// A page of messages, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Page {
    /// Revision of the store that this page shows; patches at or below it are
    /// already in it.
    pub revision: i64,
    /// The messages, oldest first, without a gap between them.
    pub messages: Vec<MessageRow>,
    /// What lies before the first.
    pub older: Older,
    /// What lies after the last.
    pub newer: Newer,
    /// The newest message that was read, for the unread divider: its `sort`.
    pub read_until: Option<String>,
    /// The conversation itself: title, draft, unread.
    pub conversation: ConversationRow,
}

/// Where a page lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case", tag = "at", content = "sort")]
pub enum Anchor {
    /// The newest messages.
    Newest,
    /// Those before this sort key.
    Before(String),
    /// Those after this sort key.
    After(String),
    /// Those around this message. One that lies outside of what is held without
    /// a gap stands alone on its page, with `server` on both sides.
    Around(String),
    /// Those around this instant. Where nothing is held then, the page is
    /// empty, with `server` on both sides.
    At(i64),
}

/// A part of the conversation list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct ConversationPage {
    /// Revision of the store that this shows.
    pub revision: i64,
    /// The conversations, newest first.
    pub conversations: Vec<ConversationRow>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// People to pick from, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct PeoplePage {
    /// The people, by name; I am among them (talking to oneself is allowed).
    pub people: Vec<PersonRow>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// A part of an excerpt that was looked for. Counted in UTF-16 units, as
/// JavaScript's `slice` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Mark {
    /// Where it begins.
    pub from: u32,
    /// Where it has ended.
    pub until: u32,
}

/// The part of a message around what was found, on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Excerpt {
    /// Plain text, about 160 characters; `…` where something is left out.
    pub text: String,
    /// What was found in it, in order and apart. May be empty.
    pub marks: Vec<Mark>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct Found {
    /// The message. It may lie outside of what is held without a gap.
    pub message: MessageRow,
    /// Its conversation's title, empty if unknown.
    pub title: String,
    /// The part of it that was found.
    pub excerpt: Excerpt,
}

/// How far back everything is held, without a gap up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case", tag = "to", content = "at")]
pub enum Reach {
    /// To the beginning.
    Beginning,
    /// To this instant; what is older may be on the server.
    Instant(i64),
    /// Not at all: nothing was fetched yet.
    Nothing,
}

/// How far back one conversation is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct ConversationReach {
    /// The conversation.
    pub conversation: String,
    /// How far back.
    pub reach: Reach,
}

/// What a search found, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct SearchPage {
    /// Revision of the store that was searched.
    pub revision: i64,
    /// What was found, newest first; what waits to be sent counts as newest.
    pub found: Vec<Found>,
    /// Whether there is more after the last.
    pub more: bool,
    /// How far back all of what was searched is held: as far as the
    /// conversation that is held least.
    pub reach: Reach,
    /// The same for each conversation that something was found in.
    pub reaches: Vec<ConversationReach>,
}

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
