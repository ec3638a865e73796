//! Secrets for servers and people that live on this machine for a while.

use std::hash::{BuildHasher, Hasher, RandomState};

/// `count` letters and digits that nobody can guess.
///
/// From the system's generator; where that has no file, from the standard
/// library's hash keys, which the system seeds.
pub fn word(count: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    bytes(count)
        .into_iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
        .collect()
}

fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    if read_system(&mut bytes).is_err() {
        for chunk in bytes.chunks_mut(8) {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_usize(chunk.len());
            let fresh = hasher.finish().to_le_bytes();
            for (byte, fresh) in chunk.iter_mut().zip(fresh) {
                *byte = fresh;
            }
        }
    }
    bytes
}

fn read_system(bytes: &mut [u8]) -> std::io::Result<()> {
    use std::io::Read;
    std::fs::File::open("/dev/urandom")?.read_exact(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_words_differ_and_have_the_length_asked_for() {
        let (one, other) = (super::word(24), super::word(24));
        assert_eq!(one.len(), 24);
        assert_ne!(one, other, "24 letters never repeat by chance");
    }
}
