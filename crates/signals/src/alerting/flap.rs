//! Yes or no in the last evaluations, and how often it changed.
//!
//! The weighted share of changes is Nagios' ("Detection and Handling of State Flapping"): 21 looks have 20 changes
//! between them; the oldest counts 0.8, the newest 1.2, those between in steps.

use serde::{Deserialize, Serialize};

/// How many evaluations are looked at for changes.
pub(super) const LOOKS: u32 = 21;
/// The weight of the oldest change.
const WEIGHT_OLDEST: f64 = 0.8;
/// The weight of the newest change.
const WEIGHT_NEWEST: f64 = 1.2;

/// Yes or no in up to 64 evaluations; the newest is the lowest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(super) struct History {
    bits: u64,
    count: u8,
}

impl History {
    /// Adds an evaluation.
    pub fn push(&mut self, yes: bool) {
        self.bits = self.bits << 1 | u64::from(yes);
        self.count = self.count.saturating_add(1).min(64);
    }

    /// In how many of the last `of` evaluations it was yes.
    pub fn yes_of(self, of: u8) -> u8 {
        let mask = if of >= 64 { u64::MAX } else { (1 << of) - 1 };
        u8::try_from((self.bits & mask).count_ones()).unwrap_or(u8::MAX)
    }

    /// The weighted share of changes among the last [`LOOKS`], from 0 to 1. Before the first evaluation it was no.
    pub fn changes(self) -> f64 {
        let steps = LOOKS - 1;
        let step = (WEIGHT_NEWEST - WEIGHT_OLDEST) / f64::from(steps - 1);
        let changed = self.bits ^ (self.bits >> 1);
        let newest_first = (0..steps).filter(|age| changed >> age & 1 == 1);
        let sum: f64 = newest_first.map(|age| WEIGHT_NEWEST - step * f64::from(age)).sum();
        sum / f64::from(steps)
    }

    /// Whether the last [`LOOKS`] were all no.
    pub fn is_quiet(self) -> bool {
        self.bits & ((1 << LOOKS) - 1) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(looks: &str) -> History {
        let mut history = History::default();
        looks.chars().for_each(|c| history.push(c == '1'));
        history
    }

    #[test]
    fn changes_are_weighted_as_nagios_does() {
        let every = history(&"01".repeat(20));
        assert!((every.changes() - 1.0).abs() < 1e-9, "{}", every.changes());
        assert!((history("0000000000000000000001").changes() - 0.06).abs() < 1e-9);
        assert!((history("0011111111111111111111").changes() - 0.04).abs() < 1e-9);
        assert!(history("000").changes().abs() < 1e-9);
        assert!(history("1000000000000000000000").is_quiet());
    }

    #[test]
    fn the_last_evaluations_are_counted() {
        let mixed = history("110101");
        assert_eq!((mixed.yes_of(1), mixed.yes_of(3), mixed.yes_of(6), mixed.yes_of(64)), (1, 2, 4, 4));
    }
}
