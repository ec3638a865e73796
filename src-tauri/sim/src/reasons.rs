//! Why a quirk cannot meet a state of the connection, or the engine at all.
//!
//! Owns: the written reasons. A run over enough seeds fails for an empty cell
//! of the table without one, and any run fails for a cell with one that is not
//! empty: so the reasons stay true. Never: a count.

use crate::quirk::Quirk;

/// Why a cell may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It cannot be: a count would be a mistake of the simulator, or of this reason.
    Never(&'static str),
    /// It can be, and takes more than some thousand seeds may bring.
    Rare(&'static str),
}

/// The reason why `quirk` does not meet the state of this name; `None` where
/// it is expected to.
#[must_use]
pub fn reason(quirk: Quirk, state: &str) -> Option<Why> {
    REASONS
        .iter()
        .find(|(quirks, states, _)| quirks.contains(&quirk) && states.contains(&state))
        .map(|(.., why)| *why)
}

/// States in which no socket is open.
const UNSOCKETED: &[&str] = &["down", "polling", "waiting", "offline", "sign-in"];
/// States in which a request can only be one that was under way before.
const UNASKED: &[&str] = &["down", "waiting", "offline", "sign-in"];

const REASONS: &[(&[Quirk], &[&str], Why)] = {
    use Quirk as Q;
    use Why::{Never, Rare};
    &[
        (
            &[Q::Pipelined],
            &[
                "down",
                "connecting",
                "catching up",
                "live",
                "polling",
                "waiting",
                "offline",
                "sign-in",
            ],
            Never("the engine subscribes when it has heard auth ok, and not before"),
        ),
        (
            &[
                Q::OutOfOrder,
                Q::LateCommit,
                Q::EventLost,
                Q::TokenExpired,
                Q::SystemRights,
                Q::Reauthenticated,
                Q::ReauthenticatedLate,
                Q::WindowForbidden,
                Q::AuthTimeout,
                Q::AuthFailed,
                Q::PingUnanswered,
                Q::ServerPing,
                Q::Pong,
                Q::ForeignDelete,
                Q::BatchUpdated,
                Q::EventError,
                Q::FrameTooLarge,
                Q::AdministratorHears,
                Q::SocketTooFast,
            ],
            UNSOCKETED,
            Never("no socket is open then"),
        ),
        (
            &[Q::Reauthenticated, Q::ReauthenticatedLate],
            &["connecting"],
            Never(
                "while connecting a token is renewed before there is a socket, or a new socket is opened",
            ),
        ),
        (
            &[Q::Pong],
            &["connecting"],
            Never("pings are sent once the subscription stands"),
        ),
        (
            &[
                Q::OutOfOrder,
                Q::LateCommit,
                Q::EventLost,
                Q::ForeignDelete,
                Q::BatchUpdated,
                Q::EventError,
                Q::FrameTooLarge,
                Q::AdministratorHears,
                Q::SystemRights,
                Q::WindowForbidden,
                Q::TokenExpired,
                Q::ServerPing,
                Q::PingUnanswered,
            ],
            &["connecting", "catching up"],
            Rare(
                "takes an event, or the end of a token, within the second between subscription and live",
            ),
        ),
        (
            &[
                Q::Pong,
                Q::AuthTimeout,
                Q::SocketTooFast,
                Q::ReauthenticatedLate,
                Q::Reauthenticated,
            ],
            &["catching up"],
            Rare("takes a silence, or a token's end, within a catch-up"),
        ),
        (
            &[Q::AuthFailed],
            &["catching up", "live"],
            Rare("takes sessions that end between a renewal and the auth frame that follows it"),
        ),
        (
            &[Q::UpgradeRefused, Q::OpenFailed],
            &[
                "down",
                "catching up",
                "live",
                "polling",
                "waiting",
                "offline",
                "sign-in",
            ],
            Never("a socket is opened only while connecting"),
        ),
        (
            &[
                Q::EchoBeforeAnswer,
                Q::EchoAfterAnswer,
                Q::NotUnique,
                Q::Validation,
                Q::ForeignKey,
                Q::PayloadTooLarge,
                Q::Unauthorized,
                Q::TooFast,
                Q::Busy,
                Q::ProxyPage,
                Q::AnswerLost,
                Q::RequestLost,
                Q::Slow,
                Q::BodyTooLarge,
                Q::NotThere,
                Q::CountAsText,
                Q::LimitRefused,
                Q::Searched,
                Q::ZoneShifted,
                Q::HiddenMillis,
                Q::AdministratorReads,
                Q::ComparisonRefused,
                Q::Rotated,
                Q::GraceRepeat,
                Q::RefreshDead,
                Q::RefreshLost,
                Q::KeychainFailed,
            ],
            UNASKED,
            Rare("only a request that was under way when the client got there"),
        ),
        (
            &[
                Q::Searched,
                Q::BodyTooLarge,
                Q::CountAsText,
                Q::ComparisonRefused,
                Q::LimitRefused,
            ],
            &["connecting"],
            Rare("only a request that was under way when the connection was given up"),
        ),
        (
            &[Q::Searched],
            &["live", "polling"],
            Rare("a SEARCH is the first list's; else only across a reconnect"),
        ),
        (
            &[Q::ComparisonRefused],
            &["catching up", "polling"],
            Rare("a comparison comes after the catch-up; else only across a reconnect"),
        ),
        (
            &[
                Q::NotThere,
                Q::BodyTooLarge,
                Q::PayloadTooLarge,
                Q::NotUnique,
                Q::Validation,
                Q::ForeignKey,
                Q::ProxyPage,
                Q::Busy,
                Q::TooFast,
                Q::Unauthorized,
                Q::AnswerLost,
                Q::RequestLost,
                Q::GraceRepeat,
                Q::RefreshDead,
                Q::RefreshLost,
                Q::KeychainFailed,
                Q::Rotated,
                Q::Slow,
            ],
            &["connecting", "catching up", "polling"],
            Rare(
                "takes the fault within a second of a story, or in a world whose socket is refused",
            ),
        ),
        (
            &[Q::PatchesLost],
            &["down"],
            Never(
                "a process that has shown nothing has no screen, and what it shows first says its state",
            ),
        ),
        (
            &[
                Q::CrashBeforeCommit,
                Q::CrashAfterCommit,
                Q::CrashInCommit,
                Q::CrashMidEffects,
                Q::CommitFailed,
                Q::StepFailed,
                Q::PowerLoss,
                Q::KeychainFailed,
            ],
            &[
                "down",
                "catching up",
                "polling",
                "waiting",
                "offline",
                "sign-in",
            ],
            Rare("takes a death at one of the few steps that are taken in that state"),
        ),
        (
            &[
                Q::Cut,
                Q::HalfOpen,
                Q::Offline,
                Q::Deleted,
                Q::Edited,
                Q::Moved,
                Q::BatchCreated,
                Q::BatchRefused,
                Q::UpperCase,
                Q::BadRow,
                Q::Revoked,
                Q::AccountSuspended,
                Q::ServerKilled,
                Q::Suspended,
                Q::ClockMoved,
                Q::PatchesLost,
            ],
            &[
                "down",
                "connecting",
                "catching up",
                "polling",
                "waiting",
                "offline",
                "sign-in",
            ],
            Rare("takes that event of a story within the moments of that state"),
        ),
    ]
};

/// Behaviours of directus.md that have no row in the table, and why they cannot
/// reach the engine.
pub const OUT_OF_REACH: &[(&str, &str)] = &[
    (
        "12.x refuses permission rules, field lists and presets without a licence key",
        "a server without them is never provisioned; whoever signs in meets NotProvisioned",
    ),
    (
        "25 wrong passwords suspend a person, static tokens included",
        "passwords are the runtime's; suspension itself is in the table",
    ),
    (
        "auth with e-mail and password or with a refresh token on the socket",
        "the engine asks to authenticate with the token that was granted last, and nothing else",
    ),
    (
        "protocol-level pings are not answered, pongs ignored",
        "the engine knows only frames; it pings with {\"type\":\"ping\"}",
    ),
    (
        "a top-level filter of a subscription is ignored",
        "directus/realtime writes query.filter; the model ignores any other, so a mistake shows as a foreign row",
    ),
    (
        "the same uid again replaces a subscription; each costs the server a query an event",
        "one subscription a socket, with a uid of its own",
    ),
    (
        "query.limit truncates a batch update",
        "directus/realtime writes limit 0; the model reports any other",
    ),
    (
        "relational fields",
        "the engine's fields are the collection's own",
    ),
    (
        "a create over the socket that fails validation is not answered; a frame over 100 MiB closes with 1009",
        "creates are POSTed, and no frame of the engine's is larger than a kilobyte",
    ),
    (
        "nothing is broadcast without a write; last_access changes only at login and refresh",
        "the engine has no presence",
    ),
    (
        "an id that is no uuid is refused with 403",
        "ids are made as uuids, by type",
    ),
    (
        "no token: 403",
        "a request leaves only while a token is held; a bad or ended one is in the table as 401",
    ),
    (
        "eight renewals at once of mode json all answer 200 and one token works",
        "renewals are single flight; a second at once is a finding, and the model answers it as measured",
    ),
    (
        "renewal of a session without the cookie, logout without a token, logout with a predecessor",
        "the cookie is the keeper's, logout the runtime's",
    ),
    (
        "an empty _in or _nin is 400, _lt on a uuid is 400, _nin skips null",
        "never asked; the model refuses as measured and reports any query that is refused",
    ),
    (
        "update by query needs limit -1",
        "the engine updates nothing",
    ),
    (
        "files, thumbnails, e-mail in the directory",
        "the engine asks for none of them",
    ),
    (
        "200 subscriptions on one socket delay the last frame; speeds",
        "one subscription; time is virtual and every delay the story's",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quirk::STATES;

    #[test]
    fn every_reason_names_states_that_there_are() {
        for (quirks, states, why) in REASONS {
            let (Why::Never(words) | Why::Rare(words)) = why;
            assert!(!quirks.is_empty() && !words.is_empty());
            for state in *states {
                assert!(STATES.iter().any(|(name, _)| name == state), "{state}");
            }
        }
    }

    #[test]
    fn every_quirk_is_expected_to_be_met_but_the_one_that_cannot_be() {
        for quirk in Quirk::ALL {
            let expected = STATES
                .iter()
                .any(|(name, _)| reason(*quirk, name).is_none());
            assert_eq!(expected, *quirk != Quirk::Pipelined, "{}", quirk.words());
        }
        assert!(
            OUT_OF_REACH
                .iter()
                .all(|(what, why)| !what.is_empty() && !why.is_empty())
        );
    }
}
