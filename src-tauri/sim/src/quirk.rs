//! What was done to a client, and in which state of its connection it was:
//! the table that shows what a run of seeds has covered.
//!
//! Owns: names and counts. Never: a verdict about messages.

use std::{collections::BTreeMap, fmt::Write as _};

use whinchat_core::bridge::ConnectionState;

macro_rules! quirks {
    ($($name:ident => $words:literal,)*) => {
        /// One behaviour of a server, a network, a device or a power line.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Quirk { $(#[doc = $words] $name,)* }

        impl Quirk {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in the table.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

quirks! {
    EchoBeforeAnswer => "own echo before the POST's answer",
    EchoAfterAnswer => "own echo after the POST's answer",
    OutOfOrder => "event out of insertion order",
    LateCommit => "row visible more than a second after its stamp",
    EventLost => "event silently lost (Redis down)",
    NotUnique => "POST of an id that is there already",
    Validation => "POST refused by validation",
    ForeignKey => "POST to a person who is gone",
    Unauthorized => "401",
    TooFast => "429 with Retry-After",
    Busy => "503",
    AnswerLost => "answer lost after the server did it",
    RequestLost => "request lost before the server saw it",
    Cut => "connection cut",
    HalfOpen => "connection half open",
    Offline => "network gone",
    Slow => "network slow",
    UpgradeRefused => "socket refused, HTTP works",
    OpenFailed => "socket could not be opened",
    Pipelined => "subscription sent before auth ok, lost",
    TokenExpired => "TOKEN_EXPIRED on the socket",
    SystemRights => "foreign row delivered after TOKEN_EXPIRED",
    WindowForbidden => "event lost to FORBIDDEN after TOKEN_EXPIRED (12.x)",
    AuthTimeout => "AUTH_TIMEOUT and close",
    AuthFailed => "AUTH_FAILED and close",
    PingUnanswered => "server closed, its ping unanswered",
    ForeignDelete => "delete of a foreign id told",
    Deleted => "own row deleted on the server",
    Edited => "row edited on the server",
    BadRow => "row that can't be read",
    SocketTooFast => "REQUESTS_EXCEEDED on the socket",
    ServerKilled => "server killed",
    Rotated => "refresh token rotated",
    GraceRepeat => "session renewed twice within the grace",
    RefreshDead => "renewal refused, credential dead",
    KeychainFailed => "keychain write failed",
    CrashBeforeCommit => "client died before its commit",
    CrashAfterCommit => "client died between commit and effects",
    CrashMidEffects => "client died between two effects",
    CommitFailed => "commit failed, client goes on",
    PowerLoss => "power lost, unsynced commits undone",
    Suspended => "device suspended",
    ClockMoved => "wall clock moved",
    PatchesLost => "page lost a batch of patches",
}

/// States of a connection, and `down` for a client that does not run.
pub const STATES: &[(&str, Option<ConnectionState>)] = &[
    ("down", None),
    ("connecting", Some(ConnectionState::Connecting)),
    ("catching up", Some(ConnectionState::CatchingUp)),
    ("live", Some(ConnectionState::Live)),
    ("polling", Some(ConnectionState::Polling)),
    ("waiting", Some(ConnectionState::Waiting)),
    ("offline", Some(ConnectionState::Offline)),
    ("sign-in", Some(ConnectionState::SignInNeeded)),
];

/// How often each quirk met each state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table(BTreeMap<(Quirk, usize), u64>);

impl Table {
    /// Counts one.
    pub fn count(&mut self, quirk: Quirk, state: Option<ConnectionState>) {
        let column = STATES
            .iter()
            .position(|(_, known)| *known == state)
            .unwrap_or(0);
        *self.0.entry((quirk, column)).or_default() += 1;
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    /// How often a quirk was met at all.
    #[must_use]
    pub fn total(&self, quirk: Quirk) -> u64 {
        (0..STATES.len())
            .filter_map(|column| self.0.get(&(quirk, column)))
            .sum()
    }

    /// The table as text, with the empty cells named below it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{:<52}", "quirk");
        for (name, _) in STATES {
            let _ = write!(out, "{name:>12}");
        }
        out.push('\n');
        let mut empty = Vec::new();
        for quirk in Quirk::ALL {
            let _ = write!(out, "{:<52}", quirk.words());
            let mut zeros = Vec::new();
            for (column, (name, _)) in STATES.iter().enumerate() {
                let count = self.0.get(&(*quirk, column)).copied().unwrap_or(0);
                let _ = write!(out, "{count:>12}");
                if count == 0 {
                    zeros.push(*name);
                }
            }
            out.push('\n');
            if !zeros.is_empty() {
                empty.push(format!("  {}: {}", quirk.words(), zeros.join(", ")));
            }
        }
        let _ = write!(out, "empty cells:\n{}\n", empty.join("\n"));
        out
    }
}
