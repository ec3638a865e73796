//! What was done to a client, and in which state of its connection it was:
//! the table that shows what a run of seeds has covered.
//!
//! Owns: names and counts. Never: a verdict about messages.

use std::{collections::BTreeMap, fmt::Write as _};

use whinchat_core::bridge::ConnectionState;

use crate::reasons::{self, Why};

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
    Reauthenticated => "authenticated again before the token's end",
    ReauthenticatedLate => "authenticated again after the token's end",
    WindowForbidden => "event lost to FORBIDDEN after TOKEN_EXPIRED (12.x)",
    AuthTimeout => "AUTH_TIMEOUT and close",
    AuthFailed => "AUTH_FAILED and close",
    ServerPing => "ping from the server",
    Pong => "pong from the server",
    PingUnanswered => "server closed, its ping unanswered",
    ForeignDelete => "delete of a foreign id told",
    Deleted => "own row deleted on the server",
    Edited => "row edited on the server",
    Moved => "row given to another receiver",
    BatchCreated => "rows created in one request, a frame each",
    BatchUpdated => "rows updated in one request, one frame for all",
    BatchRefused => "batch rolled back for one bad row",
    UpperCase => "row with an id in capital letters",
    BadRow => "row that can't be read",
    EventError => "error frame in place of an event",
    FrameTooLarge => "frame over 16 MiB",
    BodyTooLarge => "answer over 32 MiB",
    PayloadTooLarge => "POST over the server's limit",
    ProxyPage => "a proxy's page in place of an answer",
    NotThere => "row asked for by its id is not there",
    CountAsText => "counts as text (PostgreSQL)",
    LimitRefused => "limit beyond QUERY_LIMIT_MAX refused",
    Searched => "query in the body of a SEARCH",
    ZoneShifted => "dateTime read in the server's zone",
    HiddenMillis => "dateTime with hidden milliseconds",
    AdministratorReads => "administrator reads, and may read everything",
    AdministratorHears => "foreign event that only the filter keeps from an administrator",
    ComparisonRefused => "counts for a comparison refused",
    SocketTooFast => "REQUESTS_EXCEEDED on the socket",
    ServerKilled => "server killed",
    Rotated => "refresh token rotated",
    GraceRepeat => "session renewed twice within the grace",
    RefreshDead => "renewal refused, credential dead",
    RefreshLost => "answer to a renewal lost",
    Revoked => "all sessions ended",
    AccountSuspended => "account suspended",
    KeychainFailed => "keychain write failed",
    CrashBeforeCommit => "client died before its commit",
    CrashAfterCommit => "client died between commit and effects",
    CrashMidEffects => "client died between two effects",
    CrashInCommit => "client died inside a commit",
    StepFailed => "step failed, rolled back alone",
    CommitFailed => "commit failed, client goes on",
    PowerLoss => "power lost, unsynced commits undone",
    Suspended => "device suspended",
    ClockMoved => "wall clock moved",
    PatchesLost => "page lost a batch of patches",
}

/// From so many seeds on, every cell of the table must be met or have a reason.
pub const ENOUGH: u64 = 2_000;

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

    /// What is wrong with the table over so many seeds: an empty cell without a
    /// reason, or a reason for a cell that is not empty. Nothing is expected of
    /// fewer seeds than [`ENOUGH`].
    #[must_use]
    pub fn gaps(&self, seeds: u64) -> Vec<String> {
        let mut gaps = Vec::new();
        for quirk in Quirk::ALL {
            for (column, (name, _)) in STATES.iter().enumerate() {
                let count = self.0.get(&(*quirk, column)).copied().unwrap_or(0);
                let reason = reasons::reason(*quirk, name);
                let words = quirk.words();
                match (count, reason) {
                    (0, None) if seeds >= ENOUGH => {
                        gaps.push(format!(
                            "\"{words}\" never met {name}, and no reason is given"
                        ));
                    }
                    (1.., Some(Why::Never(reason))) => gaps.push(format!(
                        "\"{words}\" met {name} {count} times, which cannot be: {reason}"
                    )),
                    _ => {}
                }
            }
        }
        gaps
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
                if count == 0 && reasons::reason(*quirk, name).is_none() {
                    zeros.push(*name);
                }
            }
            out.push('\n');
            if !zeros.is_empty() {
                empty.push(format!("  {}: {}", quirk.words(), zeros.join(", ")));
            }
        }
        if !empty.is_empty() {
            let _ = write!(out, "empty cells:\n{}\n", empty.join("\n"));
        }
        out
    }
}
