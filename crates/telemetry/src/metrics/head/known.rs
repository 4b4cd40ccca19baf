//! Keys that came before: from the bytes in which a sender writes a series' labels to the series, without parsing them.
//!
//! Senders repeat themselves: the series that follows another one did so the last time. So each key remembers the one that
//! came after it, and that guess is tried first; then no hash is computed and memory is read in order. A guess or a hash
//! that hits is always verified by comparing the whole key.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashSet, HashTable};

/// The most keys that lead to one series. A sender that keeps changing the order of labels is served the slow way.
pub(in crate::metrics) const KEYS_PER_SERIES_MAX: u8 = 4;
/// No key.
pub(in crate::metrics) const NOWHERE: u32 = u32::MAX;

/// All keys.
#[derive(Debug, Default)]
pub(in crate::metrics) struct Known {
    hasher: DefaultHashBuilder,
    table: HashTable<u32>,
    keys: Vec<Key>,
    free: Vec<u32>,
    bytes: u64,
}

#[derive(Debug)]
struct Key {
    /// What a sender writes; empty when the place is free.
    text: Box<[u8]>,
    hash: u64,
    slot: u32,
    /// The key that came after this one.
    next: u32,
}

impl Known {
    /// The place of a key and the series that it leads to. `previous` is the place of the key before it.
    #[inline]
    pub(in crate::metrics) fn find(&mut self, previous: u32, text: &[u8]) -> Option<(u32, u32)> {
        let guess = self.keys.get(previous as usize).map_or(NOWHERE, |key| key.next);
        match self.keys.get(guess as usize) {
            Some(key) if *key.text == *text && !text.is_empty() => Some((guess, key.slot)),
            _ => self.look_up(previous, text),
        }
    }

    fn look_up(&mut self, previous: u32, text: &[u8]) -> Option<(u32, u32)> {
        let hash = self.hasher.hash_one(text);
        let keys = &self.keys;
        let is_it = |place: &u32| keys.get(*place as usize).is_some_and(|key| key.hash == hash && *key.text == *text);
        let place = *self.table.find(hash, is_it)?;
        self.follow(previous, place);
        Some((place, self.keys.get(place as usize)?.slot))
    }

    fn follow(&mut self, previous: u32, place: u32) {
        if let Some(before) = self.keys.get_mut(previous as usize) {
            before.next = place;
        }
    }

    /// Remembers a key that is not known yet, and returns its place.
    pub(in crate::metrics) fn learn(&mut self, previous: u32, text: &[u8], slot: u32) -> u32 {
        let hash = self.hasher.hash_one(text);
        let key = Key { text: text.into(), hash, slot, next: NOWHERE };
        self.bytes += text.len() as u64;
        let place = match self.free.pop() {
            Some(place) => place,
            None => self.keys.len() as u32,
        };
        match self.keys.get_mut(place as usize) {
            Some(free) => *free = key,
            None => self.keys.push(key),
        }
        let keys = &self.keys;
        let hash_of = |place: &u32| keys.get(*place as usize).map_or(0, |key| key.hash);
        self.table.insert_unique(hash, place, hash_of);
        self.follow(previous, place);
        place
    }

    /// Forgets the keys of series that are gone.
    pub(in crate::metrics) fn forget(&mut self, dead: &HashSet<u32>) {
        let Self { table, keys, free, bytes, .. } = self;
        table.retain(|place| {
            let Some(key) = keys.get_mut(*place as usize) else { return false };
            let gone = dead.contains(&key.slot);
            if gone {
                *bytes -= key.text.len() as u64;
                key.text = Box::default();
                free.push(*place);
            }
            !gone
        });
    }

    /// How many bytes the keys have.
    pub(in crate::metrics) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_guess_and_by_hash_and_forgotten_with_their_series() {
        let mut known = Known::default();
        assert_eq!(known.find(NOWHERE, b"a"), None);
        let a = known.learn(NOWHERE, b"a", 7);
        let b = known.learn(a, b"b", 8);
        assert_eq!(known.find(a, b"b"), Some((b, 8)));
        assert_eq!(known.find(NOWHERE, b"b"), Some((b, 8)));
        assert_eq!(known.find(b, b"a"), Some((a, 7)));
        assert_eq!(known.find(b, b"a"), Some((a, 7)));
        known.forget(&HashSet::from_iter([8]));
        assert_eq!((known.find(a, b"b"), known.find(a, b""), known.bytes()), (None, None, 1));
        assert_eq!(known.learn(a, b"c", 9), b);
    }
}
