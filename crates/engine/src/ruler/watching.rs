//! What the rules read: every selector of theirs stands once in the store of series, however many rules have it, and what
//! is written of it is told to the rules that fire at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use promql::ast::Matcher;

use super::group::Group;
use super::{SeriesStore, Watch};

/// The selectors of all rules.
#[derive(Default)]
pub(super) struct Watching {
    watches: HashMap<Vec<Matcher>, Arc<Watch>>,
    /// By the number of the watch: a group by its place, and one of its prompts by its number.
    prompts: HashMap<u32, Vec<(usize, usize)>>,
}

impl Watching {
    /// Watches what these groups read. What was watched before and still is goes on.
    pub(super) fn of(groups: &[Group], before: &Self, series: &dyn SeriesStore) -> Self {
        let mut watching = Self::default();
        for (place, group) in groups.iter().enumerate() {
            for selector in group.plan.selectors() {
                watching.watch(&selector.matchers, before, series);
            }
            for (number, prompt) in group.prompts.iter().enumerate() {
                for matchers in &prompt.inputs {
                    if let Some(id) = watching.watch(matchers, before, series) {
                        watching.prompts.entry(id).or_default().push((place, number));
                    }
                }
            }
        }
        watching
    }

    /// The number of the watch over these; `None` where the store has no room for it.
    fn watch(&mut self, matchers: &[Matcher], before: &Self, series: &dyn SeriesStore) -> Option<u32> {
        if let Some(watch) = self.watches.get(matchers) {
            return Some(watch.id);
        }
        let watch = match before.watches.get(matchers) {
            Some(watch) => Arc::clone(watch),
            None => Arc::new(series.watch(matchers)?),
        };
        let id = watch.id;
        self.watches.insert(matchers.to_vec(), watch);
        Some(id)
    }

    /// Whether no rule wants to hear of anything.
    pub(super) fn is_deaf(&self) -> bool {
        self.prompts.is_empty()
    }

    /// The groups by their places and their prompts by their numbers that read what was written.
    pub(super) fn heard(&self, written: &[u32]) -> BTreeSet<(usize, usize)> {
        written.iter().filter_map(|id| self.prompts.get(id)).flatten().copied().collect()
    }
}
