//! Numbers that look like chance and come from one seed.

use std::time::Duration;

/// A stream of numbers (SplitMix64). The same seed gives the same stream.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// A stream of its own for one part of a run, so that what one part asks for
    /// changes nothing for another.
    pub fn part(seed: u64, part: u64) -> Self {
        Self(seed ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to.saturating_sub(from) + 1)
    }

    /// An index below `count`, which is not 0.
    pub fn index(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(1).max(1);
        usize::try_from(self.next() % count).unwrap_or_default()
    }

    /// A span of so many milliseconds, both ends included.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.between(from, to))
    }

    /// Yes, once in `of` times.
    pub fn once_in(&mut self, of: u64) -> bool {
        self.next().is_multiple_of(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_stream_and_its_parts_differ() {
        let stream = |mut chance: Chance| [chance.next(), chance.next(), chance.next()];
        assert_eq!(stream(Chance::part(7, 1)), stream(Chance::part(7, 1)));
        assert_ne!(stream(Chance::part(7, 1)), stream(Chance::part(7, 2)));
        let mut chance = Chance::part(7, 1);
        assert!((0..1000).all(|_| (3..=5).contains(&chance.between(3, 5))));
    }
}
