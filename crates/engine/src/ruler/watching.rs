//! What the rules read: every selector of theirs stands once in the store of series, however many rules have it, and what
//! is written of it is told to the rules that fire at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use promql::Millis;
use promql::ast::Matcher;

use super::group::Group;
use super::{SeriesStore, Watch};

/// The selectors of all rules.
#[derive(Default)]
pub(super) struct Watching {
    watches: HashMap<Vec<Matcher>, Standing>,
    /// By the number of the watch: a group by its place, and one of its prompts by its number.
    prompts: HashMap<u32, Vec<(usize, usize)>>,
}

/// A selector that stands, for windows of this length.
#[derive(Clone)]
struct Standing {
    window: Millis,
    watch: Arc<Watch>,
}

impl Watching {
    /// Watches what these groups read. What was watched before and still is goes on. A selector for which the store has no
    /// room is looked up whenever it is asked, and its rules wait for their beat.
    #[expect(clippy::mutable_key_type, reason = "patterns are hashed and compared by how they are written")]
    pub(super) fn of(groups: &[Group], before: &Self, series: &dyn SeriesStore) -> Self {
        let mut windows: HashMap<&[Matcher], Millis> = HashMap::new();
        for (selector, window) in groups.iter().flat_map(|group| group.plan.reads()) {
            let longest = windows.entry(&selector.matchers).or_default();
            *longest = window.max(*longest);
        }
        let stand = |(matchers, window): (&[Matcher], Millis)| {
            let known = before.watches.get(matchers).filter(|known| known.window >= window).cloned();
            let make = || Some(Standing { window, watch: Arc::new(series.watch(matchers, window)?) });
            Some((matchers.to_vec(), known.or_else(make)?))
        };
        let watches = windows.into_iter().filter_map(stand).collect();
        let mut watching = Self { watches, prompts: HashMap::new() };
        for (place, group) in groups.iter().enumerate() {
            for (number, prompt) in group.prompts.iter().enumerate() {
                for standing in prompt.inputs.iter().filter_map(|matchers| watching.watches.get(matchers)) {
                    watching.prompts.entry(standing.watch.id).or_default().push((place, number));
                }
            }
        }
        watching
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
