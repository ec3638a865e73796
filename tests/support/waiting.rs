//! Waiting for a condition, never for time.

use std::time::Duration;

/// Waits until `holds` answers yes; fails with `what` when it has not within `bound`.
#[track_caller]
pub fn eventually(what: &str, bound: Duration, mut holds: impl FnMut() -> bool) {
    eventually_some(what, bound, || holds().then_some(()));
}

/// Waits until `found` finds something, and gives it; fails with `what` when it has not within `bound`.
#[track_caller]
pub fn eventually_some<T>(what: &str, bound: Duration, found: impl FnMut() -> Option<T>) -> T {
    match xtask::process::poll(bound, found) {
        Some(found) => found,
        None => panic!(
            "within {} s this never came true: {what}",
            bound.as_secs_f32()
        ),
    }
}
