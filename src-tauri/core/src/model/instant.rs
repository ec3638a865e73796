//! Instants: UTC milliseconds, and how Directus writes them.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970 UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// Years outside 1 to 9999 can't be written for a server.
    const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

    /// Reads what Directus writes: `2026-11-23T03:39:24.271Z` of a `timestamp`
    /// field, `2026-11-23T07:00:00` of a `dateTime` field (which has no zone
    /// and is read as if it were UTC). `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 40 {
            return None;
        }
        let millis = DateTime::parse_from_rfc3339(text)
            .map(|at| at.timestamp_millis())
            .or_else(|_| {
                NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                    .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
                    .map(|at| at.and_utc().timestamp_millis())
            })
            .ok()?;
        Self::RANGE.contains(&millis).then_some(Self(millis))
    }

    fn utc(self) -> DateTime<Utc> {
        let millis = self.0.clamp(*Self::RANGE.start(), *Self::RANGE.end());
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }

    /// `2026-11-23T03:39:24.271Z`, for `timestamp` fields.
    #[must_use]
    pub fn to_zoned(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// `2026-11-23T03:39:24`, as `dateTime` fields are written and filtered.
    #[must_use]
    pub fn to_naive(self) -> String {
        self.utc().format("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// The start of its second, never past the ends.
    #[must_use]
    pub const fn floor_second(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(1000)))
    }

    /// This instant moved by milliseconds, never past the ends.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_zoned())
    }
}

/// The time at which a step is taken. Both clocks come from outside, so that
/// a simulated day passes at once and a suspended machine is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: Instant,
    /// Milliseconds on a clock that never goes back; its zero is arbitrary.
    pub mono: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_in_which_directus_writes_an_instant_are_read() {
        let zoned = Instant::parse("2026-11-23T03:39:24.271Z").unwrap();
        assert_eq!(zoned.to_zoned(), "2026-11-23T03:39:24.271Z");
        assert_eq!(zoned.to_naive(), "2026-11-23T03:39:24");
        assert_eq!(zoned.floor_second().to_zoned(), "2026-11-23T03:39:24.000Z");
        let naive = Instant::parse("2026-11-23T07:00:00").unwrap();
        assert_eq!(naive.to_zoned(), "2026-11-23T07:00:00.000Z");
        assert_eq!(
            Instant::parse("2026-11-23T07:00:00+02:00")
                .unwrap()
                .to_naive(),
            "2026-11-23T05:00:00"
        );
    }

    #[test]
    fn the_ends_of_time_have_a_second_too() {
        for end in [Instant(i64::MIN), Instant(i64::MAX)] {
            assert!(end.floor_second() <= end);
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for bad in [
            "",
            "now",
            "2026-13-01T00:00:00Z",
            "1795404803591",
            "+99999-01-01T00:00:00Z",
            "2026-11-23",
        ] {
            assert_eq!(Instant::parse(bad), None, "{bad}");
        }
    }
}
