//! Chance from a number, the same every time: SplitMix64, and words that are
//! as unequal as a language's.

/// See the module.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of so many.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// One of so many, the first the likeliest, as words are (Zipf).
    pub fn zipf(&mut self, count: usize) -> usize {
        let most = (count as f64).ln();
        ((self.unit() * most).exp() as usize)
            .saturating_sub(1)
            .min(count.saturating_sub(1))
    }
}

/// How many words the made-up language has.
pub const VOCABULARY: usize = 40_000;

/// The n-th word, the first the commonest.
pub fn word(number: usize) -> String {
    const SYLLABLES: [&str; 24] = [
        "an", "ber", "co", "da", "el", "fi", "ga", "ho", "in", "ka", "lo", "mi", "no", "or", "pe",
        "ra", "se", "ti", "un", "ve", "wi", "xa", "yo", "ze",
    ];
    let mut random = Random(number as u64 * 7_919 + 1);
    let long = 1 + (random.next() % 4) as usize;
    let mut word: String = (0..long)
        .filter_map(|_| SYLLABLES.get((random.next() % 24) as usize))
        .copied()
        .collect();
    if number >= 500 {
        // Few words of a language are the beginning of many others.
        word.push_str(SYLLABLES.get(number / 24 % 24).copied().unwrap_or_default());
        word.push_str(SYLLABLES.get(number % 24).copied().unwrap_or_default());
    }
    word
}

/// Something that somebody may have said.
pub fn text(random: &mut Random, words: &[String]) -> String {
    let long = 1 + (random.unit() * random.unit() * 30.0) as usize;
    let said: Vec<&str> = (0..long)
        .filter_map(|_| words.get(random.zipf(words.len())))
        .map(String::as_str)
        .collect();
    let mut text = said.join(" ");
    if random.unit() < 0.01 {
        text.push_str(" 東京タワー");
    }
    text
}

/// All words, the commonest first.
pub fn words() -> Vec<String> {
    (0..VOCABULARY).map(word).collect()
}
