//! What can go wrong, and what a person can do about it.
//!
//! Owns: every code, its arguments and its action. Never: a sentence, which is
//! the interface's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
