//! Chance that repeats itself: the same seed gives the same bytes. Never good enough for a secret.

use kernel::port::Chance;
use parking_lot::Mutex;

/// SplitMix64 from a seed.
#[derive(Debug)]
pub struct SeededChance(Mutex<u64>);

impl SeededChance {
    /// Chance that begins at a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// A number below `end`, which is more than zero.
    pub fn below(&self, end: u64) -> u64 {
        step(&mut self.0.lock()) % end.max(1)
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock();
        for chunk in bytes.chunks_mut(8) {
            let word = step(&mut state).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let draw = |seed| (SeededChance::new(seed).number(), SeededChance::new(seed).below(1_000_000));
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let chance = SeededChance::new(7);
        assert_ne!(chance.number(), chance.number());
    }
}
