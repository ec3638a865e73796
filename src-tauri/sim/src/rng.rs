//! The only source of chance: a SplitMix64, so that a seed is a whole world.
//!
//! Owns: the state of one stream of numbers. Never: entropy from outside.

use uuid::Uuid;

/// One stream of numbers. Streams split off by name do not disturb each other,
/// so that a story with one event less stays much the same story.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The stream of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// A stream of its own for `name`.
    #[must_use]
    pub fn split(&self, name: &str) -> Self {
        let mut state = self.0;
        for byte in name.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut child = Self(state);
        child.next();
        child
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait)]
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` up to and including `high`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low).unsigned_abs() + 1;
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }

    /// Below `n`, which is at least 1.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap_or(0)
    }

    /// True `percent` times in a hundred.
    pub const fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// A random uuid (version 4).
    pub fn uuid(&mut self) -> Uuid {
        let bytes = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_u128(bytes)
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }

    /// A uuid of version 7 for this wall clock.
    pub fn uuid_at(&mut self, millis: i64) -> Uuid {
        let nth = u16::try_from(self.next() & 0xfff).unwrap_or(0);
        self.nth_uuid_at(millis, nth)
    }

    /// The same, the later of two in one millisecond being the larger.
    pub fn nth_uuid_at(&mut self, millis: i64, nth: u16) -> Uuid {
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(
            self.next()
                .to_le_bytes()
                .into_iter()
                .chain(self.next().to_le_bytes()),
        ) {
            *to = from;
        }
        if let Some(counter) = random.first_chunk_mut() {
            *counter = nth.to_be_bytes();
        }
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or(0), &random)
            .into_uuid()
    }
}
