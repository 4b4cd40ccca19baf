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
