//! Words and keys of a block as bloom filters: "certainly not in here" without unpacking.
//!
//! A word is a run of letters, digits and `_`, in lower case. Source of the scheme: Kirsch and Mitzenmacher 2006, two
//! hashes stand in for many.

use std::collections::BTreeSet;

/// The size of the filter of words in bytes; about 6,500 words a block at one false answer in a hundred.
pub(super) const BYTES: usize = 8 * 1024;
/// The size of a filter of keys, in bits a key: one false answer in two thousand, because many keys are asked for at once.
const BITS_PER_KEY: usize = 20;
/// The largest filter of keys, in bytes: for as many keys as a block has records.
const KEYS_BYTES_MAX: usize = 128 * 1024;
/// The smallest one, so that few keys leave room as well.
const KEYS_BYTES_MIN: usize = 16;
/// How many bits a word sets.
const BITS_PER_WORD: u64 = 5;
/// Longer words are cut, so that a search for one finds no more than its beginning in the filter.
const WORD_BYTES_MAX: usize = 64;

/// Calls `each` with the hash of every word of a text.
pub(super) fn words(text: &str, each: &mut dyn FnMut(u64)) {
    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()) {
        each(hash(word));
    }
}

/// The hash of a word in lower case: FNV-1a, spread once more.
pub(super) fn hash(word: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut left = WORD_BYTES_MAX;
    for c in word.chars().flat_map(char::to_lowercase) {
        let Some(rest) = left.checked_sub(c.len_utf8()) else { break };
        left = rest;
        hash = (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^ (hash >> 29)
}

/// A filter of keys, given by their hashes, as large as they are many.
pub(super) fn of_keys(keys: &BTreeSet<u64>) -> Vec<u8> {
    let mut filter = vec![0; (keys.len() * BITS_PER_KEY).div_ceil(8).clamp(KEYS_BYTES_MIN, KEYS_BYTES_MAX)];
    keys.iter().for_each(|key| add(&mut filter, *key));
    filter
}

fn places(hash: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let (first, step) = (hash & 0xffff_ffff, (hash >> 32) | 1);
    let bits = (bytes as u64 * 8).max(1);
    (0..BITS_PER_WORD).map(move |i| usize::try_from(first.wrapping_add(i.wrapping_mul(step)) % bits).unwrap_or(0))
}

pub(super) fn add(filter: &mut [u8], word: u64) {
    for place in places(word, filter.len()) {
        if let Some(byte) = filter.get_mut(place / 8) {
            *byte |= 1 << (place % 8);
        }
    }
}

/// Whether the word may be in the filter; false answers are certain. An empty filter knows nothing and says yes.
pub(super) fn may_hold(filter: &[u8], word: u64) -> bool {
    places(word, filter.len()).all(|place| filter.get(place / 8).is_none_or(|byte| byte & (1 << (place % 8)) != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_keys_is_as_large_as_they_are_many() {
        for many in [1_u32, 100, 50_000] {
            let keys = (0..many).map(|i| hash(&format!("{i:032x}"))).collect();
            let filter = of_keys(&keys);
            assert!(keys.iter().all(|key| may_hold(&filter, *key)));
            let wrong = (0..10_000).filter(|i| may_hold(&filter, hash(&format!("f{i:031x}")))).count();
            assert!(wrong < 50, "{wrong} of 10,000 absent keys are held among {many}");
        }
        assert!(!may_hold(&of_keys(&BTreeSet::new()), hash("x")), "no key is held where there is none");
        assert!(may_hold(&[], hash("x")), "an empty filter knows nothing");
    }

    #[test]
    fn what_was_added_may_be_held_and_little_else() {
        let mut filter = vec![0; BYTES];
        for i in 0..5000 {
            words(&format!("Word{i} says"), &mut |word| add(&mut filter, word));
        }
        let holds = |text: &str| {
            let mut all = true;
            words(text, &mut |word| all &= may_hold(&filter, word));
            all
        };
        assert!((0..5000).all(|i| holds(&format!("word{i}"))));
        let wrong = (0..10_000).filter(|i| holds(&format!("other{i}"))).count();
        assert!(wrong < 300, "{wrong} of 10,000 absent words are held");
    }
}
