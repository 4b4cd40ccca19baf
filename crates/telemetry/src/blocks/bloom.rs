//! Words of a block as a bloom filter: "certainly not in here" without unpacking.
//!
//! A word is a run of letters, digits and `_`, in lower case. Source of the scheme: Kirsch and Mitzenmacher 2006, two
//! hashes stand in for many.

/// The size of a filter in bytes; about 6,500 words a block at one false answer in a hundred.
pub(super) const BYTES: usize = 8 * 1024;
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
fn hash(word: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut left = WORD_BYTES_MAX;
    for c in word.chars().flat_map(char::to_lowercase) {
        let Some(rest) = left.checked_sub(c.len_utf8()) else { break };
        left = rest;
        hash = (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^ (hash >> 29)
}

fn places(hash: u64) -> impl Iterator<Item = usize> {
    let (first, step) = (hash & 0xffff_ffff, (hash >> 32) | 1);
    let bits = BYTES as u64 * 8;
    (0..BITS_PER_WORD).map(move |i| usize::try_from(first.wrapping_add(i.wrapping_mul(step)) % bits).unwrap_or(0))
}

pub(super) fn add(filter: &mut [u8], word: u64) {
    for place in places(word) {
        if let Some(byte) = filter.get_mut(place / 8) {
            *byte |= 1 << (place % 8);
        }
    }
}

/// Whether the word may be in the filter; false answers are certain. A filter that is cut short says yes.
pub(super) fn may_hold(filter: &[u8], word: u64) -> bool {
    places(word).all(|place| filter.get(place / 8).is_none_or(|byte| byte & (1 << (place % 8)) != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

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
