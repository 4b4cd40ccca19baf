//! Which alerts have a label. It only narrows the search: whoever asks compares the labels themselves.

use hashbrown::hash_map::Entry;
use kernel::matcher::Comparison;
use kernel::{Labels, Matcher};

use crate::hash::{self, HashedMap};
use crate::slab::Slab;

/// The bit that says that an entry is the number of a roster and not of an alert.
const MANY: u32 = 1 << 31;

/// Slots of alerts, some of which may have left; the caller looks.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    slots: Vec<u32>,
    left: u32,
}

impl Roster {
    pub(crate) fn push(&mut self, slot: u32) {
        self.slots.push(slot);
    }

    /// Notes that one has left; once half of them have, they are cleared away by asking who is `here`.
    pub(crate) fn leave(&mut self, here: impl Fn(u32) -> bool) {
        self.left += 1;
        if self.left as usize * 2 > self.slots.len() {
            self.slots.sort_unstable();
            self.slots.dedup();
            self.slots.retain(|slot| here(*slot));
            self.slots.shrink_to(self.slots.len() * 2);
            self.left = 0;
        }
    }

    pub(crate) fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// Whether nobody is left, and nothing needs to be kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

/// Which alerts have a label: from its hash to one slot, or to a roster of many.
#[derive(Debug, Default)]
pub(crate) struct LabelIndex {
    entries: HashedMap<u64, u32>,
    rosters: Slab<Roster>,
}

/// Where to look for alerts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Candidates<'a> {
    /// Among all.
    All,
    /// Among these; some may have left, and one may occur twice.
    These(&'a [u32]),
    /// Nowhere.
    None,
    /// At this one.
    One(u32),
}

impl LabelIndex {
    /// Adds an alert under each of its labels.
    pub(crate) fn add(&mut self, labels: &Labels, slot: u32) {
        for (name, value) in labels.iter() {
            match self.entries.entry(hash::pair(name, value)) {
                Entry::Vacant(entry) => {
                    entry.insert(slot);
                }
                Entry::Occupied(mut entry) if entry.get() & MANY == 0 => {
                    let roster = Roster { slots: vec![*entry.get(), slot], left: 0 };
                    entry.insert(self.rosters.insert(roster) | MANY);
                }
                Entry::Occupied(entry) => {
                    if let Some(roster) = self.rosters.get_mut(entry.get() & !MANY) {
                        roster.push(slot);
                    }
                }
            }
        }
    }

    /// Takes an alert out; `has` says whether the alert that is in a slot now has a label.
    pub(crate) fn remove(&mut self, labels: &Labels, slot: u32, has: impl Fn(u32, &str, &str) -> bool) {
        for (name, value) in labels.iter() {
            let Entry::Occupied(entry) = self.entries.entry(hash::pair(name, value)) else { continue };
            let found = *entry.get();
            if found & MANY == 0 {
                if found == slot {
                    entry.remove();
                }
                continue;
            }
            let Some(roster) = self.rosters.get_mut(found & !MANY) else { continue };
            roster.leave(|slot| has(slot, name, value));
            if roster.is_empty() {
                self.rosters.remove(found & !MANY);
                entry.remove();
            }
        }
    }

    /// The smallest place where everything that meets the matchers can be found.
    pub(crate) fn candidates(&self, matchers: &[Matcher]) -> Candidates<'_> {
        let mut best = Candidates::All;
        for matcher in matchers {
            if matcher.comparison() != Comparison::Equal || matcher.value().is_empty() {
                continue;
            }
            match self.entries.get(&hash::pair(matcher.name(), matcher.value())) {
                None => return Candidates::None,
                Some(slot) if slot & MANY == 0 => best = Candidates::One(*slot),
                Some(entry) => {
                    let slots = self.rosters.get(entry & !MANY).map_or(&[][..], Roster::slots);
                    match best {
                        Candidates::One(_) => {}
                        Candidates::These(others) if others.len() <= slots.len() => {}
                        _ => best = Candidates::These(slots),
                    }
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_is_cleared_away_in_the_end() {
        let mut index = LabelIndex::default();
        let sets: Vec<Labels> = (0..100)
            .map(|pod| Labels::from_pairs([("service", "shop".to_owned()), ("pod", pod.to_string())]).unwrap())
            .collect();
        let shop: Vec<Matcher> = vec!["service=shop".parse().unwrap()];
        for round in 0..3 {
            for (slot, labels) in (0..).zip(&sets) {
                index.add(labels, slot);
            }
            assert!(matches!(index.candidates(&shop), Candidates::These(slots) if slots.len() == 100), "round {round}");
            let mut gone = Vec::new();
            for (slot, labels) in (0..).zip(&sets) {
                gone.push(slot);
                index.remove(labels, slot, |slot, _, _| !gone.contains(&slot));
                let left = 99 - slot as usize;
                match index.candidates(&shop) {
                    Candidates::These(slots) => assert!(slots.len() <= left * 2 + 1, "{} for {left}", slots.len()),
                    other => assert_eq!((other, left), (Candidates::None, 0)),
                }
            }
            assert!(index.entries.is_empty());
            assert_eq!(index.rosters.len(), 0);
        }
    }

    #[test]
    fn the_smallest_roster_is_searched() {
        let mut index = LabelIndex::default();
        for slot in 0..10_u32 {
            let pairs = [("all", "x".to_owned()), ("half", (slot % 2).to_string()), ("one", slot.to_string())];
            index.add(&Labels::from_pairs(pairs).unwrap(), slot);
        }
        let candidates = |texts: &[&str]| {
            let matchers: Vec<Matcher> = texts.iter().map(|text| text.parse().unwrap()).collect();
            match index.candidates(&matchers) {
                Candidates::All => 10,
                Candidates::These(slots) => slots.len(),
                Candidates::One(_) => 1,
                Candidates::None => 0,
            }
        };
        let table: [(&[&str], usize); 7] = [
            (&[], 10),
            (&["all=x"], 10),
            (&["all=x", "half=1"], 5),
            (&["one=3", "half=0", "all=x"], 1),
            (&["all=y"], 0),
            (&["all=~\"x\""], 10),
            (&["none=\"\""], 10),
        ];
        for (texts, expected) in table {
            assert_eq!(candidates(texts), expected, "{texts:?}");
        }
    }
}
