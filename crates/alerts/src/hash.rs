//! A small, quick, stable hash of texts: for the label index, and for keys that are written into facts, so it never
//! changes. Not for fingerprints: those are Prometheus's own. Nobody trusts equal hashes without looking.

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const WORD: u64 = 0xe703_7ed1_a0b4_28db;
const TAIL: u64 = 0x8ebc_6af0_9c88_c6e3;

/// The hash of nothing.
pub(crate) const EMPTY: u64 = SEED;

/// The hash of what `seed` is the hash of, followed by a text.
pub(crate) fn text(seed: u64, text: &str) -> u64 {
    let mut hash = seed ^ (text.len() as u64).wrapping_mul(SEED);
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        hash = fold(hash ^ u64::from_le_bytes(*word), WORD);
    }
    let tail = rest.iter().rev().fold(0_u64, |tail, byte| tail << 8 | u64::from(*byte));
    fold(hash ^ tail, TAIL)
}

/// The hash of one label.
pub(crate) fn pair(name: &str, value: &str) -> u64 {
    text(text(EMPTY, name), value)
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product ^ (product >> 64)) as u64
}

/// Passes hashes through a map unchanged.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Already(u64);

impl std::hash::Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| fold(hash ^ u64::from(*byte), WORD));
    }
    fn write_u64(&mut self, hash: u64) {
        // Fingerprints are FNV hashes, whose upper bits are weak; one multiplication mends that.
        self.0 = fold(hash ^ SEED, WORD);
    }
}

/// A map whose keys are hashes already.
pub(crate) type HashedMap<K, V> = hashbrown::HashMap<K, V, std::hash::BuildHasherDefault<Already>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_in_facts_never_change() {
        assert_eq!(format!("{:016x}", pair("alertname", "RequestLatencyHigh")), "ce707fcd393afa31");
        assert_eq!(format!("{:016x}", pair("", "")), "7890c2b1136df83c");
    }

    #[test]
    fn a_shift_of_the_border_is_another_hash() {
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
        assert_ne!(pair("a", ""), pair("", "a"));
        assert_ne!(text(EMPTY, "a\0"), text(EMPTY, "a"));
    }
}
