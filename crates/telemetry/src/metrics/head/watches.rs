//! Standing selectors, seen from the head: which series belong to each, and which of them were written to.
//!
//! A new series meets only the selectors that share a label and value with it: each selector is filed under the values of
//! one of its conditions, the one whose drawers are emptiest. Only a selector without such a condition is tried on every
//! new series. What was written is one bit a selector, so that ten thousand of them fit into a processor's nearest memory.
//!
//! A query whose matchers are those of a standing selector is answered from its series, whoever asks: nothing is resolved.

use std::cmp;
use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use promql::ast::Matcher;
use promql::{Labels, METRIC_NAME, Millis};

use crate::metrics::matching::alternatives;

/// The most standing selectors.
pub const STANDING_MAX: usize = 200_000;
/// A selector is filed under at most so many values.
const DRAWERS_MAX: usize = 64;

/// All standing selectors.
#[derive(Debug, Default)]
pub(in crate::metrics) struct Watches {
    standing: Vec<Option<Watch>>,
    free: Vec<u32>,
    drawers: HashMap<Box<str>, HashMap<Box<str>, Vec<u32>>>,
    /// Those that are in no drawer.
    unfiled: Vec<u32>,
    /// All of them by their matchers.
    by_matchers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// A bit for each: whether it was written to since somebody looked.
    written: Vec<AtomicU64>,
}

/// One standing selector.
#[derive(Debug)]
pub(in crate::metrics) struct Watch {
    pub matchers: Box<[Matcher]>,
    /// How long a window over its series is; zero where only the newest points matter.
    pub window: Millis,
    /// Where it is filed.
    filed: Option<(Box<str>, Vec<String>)>,
    /// Its series; behind them those that came since somebody asked for their order.
    members: Vec<u32>,
    /// The same in order of labels, made when somebody asks.
    order: OnceLock<Vec<u32>>,
    /// Grows whenever `members` changes.
    pub generation: u64,
}

impl Watch {
    /// Its series in any order.
    pub(in crate::metrics) fn members(&self) -> &[u32] {
        self.order.get().unwrap_or(&self.members)
    }

    /// Its series in the order that `compare` says, which is always the same.
    pub(in crate::metrics) fn in_order(&self, compare: impl Fn(u32, u32) -> cmp::Ordering) -> &[u32] {
        self.order.get_or_init(|| {
            let mut order = self.members.clone();
            // Mostly in order already: see `change`.
            order.sort_by(|a, b| compare(*a, *b));
            order
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<u32>)) {
        if let Some(order) = self.order.take() {
            self.members = order;
        }
        change(&mut self.members);
        self.generation += 1;
    }
}

impl Watches {
    /// How many there are.
    pub(in crate::metrics) fn len(&self) -> usize {
        self.standing.len() - self.free.len()
    }

    pub(in crate::metrics) fn get(&self, id: u32) -> Option<&Watch> {
        self.standing.get(id as usize)?.as_ref()
    }

    /// A selector with these matchers, written in the same order.
    pub(in crate::metrics) fn of(&self, matchers: &[Matcher]) -> Option<&Watch> {
        if self.by_matchers.is_empty() {
            return None;
        }
        let is_it = |id: &u32| self.get(*id).is_some_and(|watch| *watch.matchers == *matchers);
        self.get(*self.by_matchers.find(hash(&self.hasher, matchers), is_it)?)
    }

    /// Adds a selector with the series that match now; `None` when there are too many already.
    pub(in crate::metrics) fn add(
        &mut self,
        matchers: Box<[Matcher]>,
        window: Millis,
        members: Vec<u32>,
    ) -> Option<u32> {
        if self.len() >= STANDING_MAX {
            return None;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.standing.push(None);
            self.standing.len() as u32 - 1
        });
        self.written.resize_with(self.standing.len().div_ceil(64), AtomicU64::default);
        let filed = self.emptiest(&matchers);
        match &filed {
            Some((name, values)) => {
                let drawers = self.drawers.entry(name.clone()).or_default();
                values.iter().for_each(|value| drawers.entry(value.as_str().into()).or_default().push(id));
            }
            None => self.unfiled.push(id),
        }
        let (hasher, standing) = (&self.hasher, &self.standing);
        let hash_of =
            |id: &u32| standing.get(*id as usize).and_then(Option::as_ref).map_or(0, |w| hash(hasher, &w.matchers));
        self.by_matchers.insert_unique(hash(hasher, &matchers), id, hash_of);
        let watch = Watch { matchers, window, filed, members, order: OnceLock::new(), generation: 1 };
        *self.standing.get_mut(id as usize)? = Some(watch);
        self.mark(id);
        Some(id)
    }

    /// The condition under whose values the fewest selectors are filed yet; the metric's name only where nothing is better.
    fn emptiest(&self, matchers: &[Matcher]) -> Option<(Box<str>, Vec<String>)> {
        let named = matchers.iter().filter_map(|matcher| Some((&matcher.name, alternatives(matcher)?)));
        let choice = named.filter(|(_, values)| values.len() <= DRAWERS_MAX).min_by_key(|(name, values)| {
            let drawers = self.drawers.get(name.as_str());
            let filed = |value: &String| drawers.and_then(|d| d.get(value.as_str())).map_or(0, Vec::len);
            (values.iter().map(filed).sum::<usize>(), *name == METRIC_NAME)
        })?;
        Some((choice.0.as_str().into(), choice.1))
    }

    /// Removes a selector and returns its members.
    pub(in crate::metrics) fn remove(&mut self, id: u32) -> Vec<u32> {
        let Some(watch) = self.standing.get_mut(id as usize).and_then(Option::take) else { return Vec::new() };
        if let Ok(entry) = self.by_matchers.find_entry(hash(&self.hasher, &watch.matchers), |other| *other == id) {
            entry.remove();
        }
        self.free.push(id);
        self.take_written(id);
        match &watch.filed {
            Some((name, values)) => values.iter().for_each(|value| self.unfile(name, value, id)),
            None => self.unfiled.retain(|other| *other != id),
        }
        watch.order.into_inner().unwrap_or(watch.members)
    }

    fn unfile(&mut self, name: &str, value: &str, id: u32) {
        let Some(drawers) = self.drawers.get_mut(name) else { return };
        if let Some(drawer) = drawers.get_mut(value) {
            drawer.retain(|other| *other != id);
            if drawer.is_empty() {
                drawers.remove(value);
            }
        }
    }

    /// Enters a new series into every selector that it matches, and returns those.
    pub(in crate::metrics) fn enter(&mut self, slot: u32, labels: &Labels) -> Vec<u32> {
        if self.len() == 0 {
            return Vec::new();
        }
        let drawer = |(name, value): (&str, &str)| self.drawers.get(name).and_then(|drawers| drawers.get(value));
        let filed = labels.iter().filter_map(drawer).flatten();
        let mut ids: Vec<u32> = filed.chain(&self.unfiled).copied().collect();
        let meets = |watch: &Watch| watch.matchers.iter().all(|matcher| matcher.holds(labels.get(&matcher.name)));
        ids.retain(|id| self.get(*id).is_some_and(meets));
        ids.sort_unstable();
        ids.dedup();
        for id in &ids {
            if let Some(Some(watch)) = self.standing.get_mut(*id as usize) {
                watch.change(|members| members.push(slot));
            }
        }
        ids
    }

    /// Takes series that are gone out of the selectors `concerned`.
    pub(in crate::metrics) fn bury(&mut self, dead: &HashSet<u32>, concerned: &HashSet<u32>) {
        for id in concerned {
            if let Some(Some(watch)) = self.standing.get_mut(*id as usize) {
                watch.change(|members| members.retain(|slot| !dead.contains(slot)));
            }
            self.mark(*id);
        }
    }

    /// Notes that a series of this selector was written to.
    #[inline]
    pub(in crate::metrics) fn mark(&mut self, id: u32) {
        if let Some(word) = self.written.get_mut(id as usize / 64) {
            *word.get_mut() |= 1 << (id % 64);
        }
    }

    /// Whether this selector was written to since this was last asked.
    pub(in crate::metrics) fn take_written(&self, id: u32) -> bool {
        let bit = 1 << (id % 64);
        let word = self.written.get(id as usize / 64);
        word.is_some_and(|word| word.fetch_and(!bit, Ordering::Relaxed) & bit != 0)
    }

    /// Appends all selectors that were written to since this was last asked, in ascending order.
    pub(in crate::metrics) fn take_all_written(&self, ids: &mut Vec<u32>) {
        for (word, first) in self.written.iter().zip((0..).step_by(64)) {
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = word.swap(0, Ordering::Relaxed);
            while bits != 0 {
                ids.push(first + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }
}

fn hash(hasher: &DefaultHashBuilder, matchers: &[Matcher]) -> u64 {
    hasher.hash_one(matchers)
}
