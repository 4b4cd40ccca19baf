//! What correlations remember, in a form that outlives the process. Bounded: of the most events, the newest groups are kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::window::{Group, Item};
use super::{Correlations, GROUPS_MAX, ITEMS_TOTAL_MAX, Key, Uncounted};

/// The most events that are saved; of more, those of the groups with the newest ones.
pub const SAVED_ITEMS_MAX: usize = 100_000;

/// What correlations remember.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedCorrelations {
    newest: i64,
    correlations: Vec<SavedCorrelation>,
    uncounted: Uncounted,
    /// How many events were left out, because there are more than [`SAVED_ITEMS_MAX`].
    left_out: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedCorrelation {
    identity: u64,
    closed_to: i64,
    groups: Vec<SavedGroup>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedGroup {
    bucket: i64,
    values: Vec<String>,
    items: Vec<Item>,
    reported: Vec<i64>,
}

impl SavedCorrelations {
    /// How many events were left out, because there are more than [`SAVED_ITEMS_MAX`].
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl Correlations {
    /// What is remembered, to be kept.
    #[must_use]
    pub fn saved(&self) -> SavedCorrelations {
        let mut room = Room { items: SAVED_ITEMS_MAX, left_out: 0 };
        let plans = self.plans.plans.iter().zip(&self.memory);
        let saved = plans.map(|(plan, memory)| {
            let mut groups: Vec<(&Key, &Group)> = memory.groups.iter().collect();
            groups.sort_by_key(|(key, group)| (std::cmp::Reverse(group.last_at()), *key));
            let groups = groups.into_iter().filter_map(|(key, group)| room.take(key, group)).collect();
            SavedCorrelation { identity: plan.identity, closed_to: memory.closed_to, groups }
        });
        let correlations = saved.collect();
        SavedCorrelations { newest: self.newest, correlations, uncounted: self.uncounted, left_out: room.left_out }
    }

    /// Goes on with what was kept, as far as the same correlations are in use.
    #[must_use]
    pub fn with_saved(mut self, saved: SavedCorrelations) -> Self {
        let plans = Arc::clone(&self.plans);
        self.newest = self.newest.max(saved.newest);
        self.uncounted = saved.uncounted;
        for kept in saved.correlations {
            let place = plans.plans.iter().position(|plan| plan.identity == kept.identity);
            let Some((plan, memory)) = place.and_then(|at| plans.plans.get(at).zip(self.memory.get_mut(at))) else {
                continue;
            };
            memory.closed_to = memory.closed_to.max(kept.closed_to);
            for group in kept.groups {
                if memory.groups.len() >= GROUPS_MAX || self.items + group.items.len() > ITEMS_TOTAL_MAX {
                    break;
                }
                let key: Key = (group.bucket, group.values.into());
                let restored = Group::restored(plan, group.items, group.reported);
                self.items += restored.len();
                memory.groups.insert(key.clone(), restored);
                memory.arm(plan, &key);
            }
        }
        self
    }
}

/// How many events may still be saved.
struct Room {
    items: usize,
    left_out: u64,
}

impl Room {
    fn take(&mut self, (bucket, values): &Key, group: &Group) -> Option<SavedGroup> {
        let Some(rest) = self.items.checked_sub(group.len()) else {
            self.left_out = self.left_out.saturating_add(group.len() as u64);
            return None;
        };
        self.items = rest;
        let (items, reported) = group.kept();
        Some(SavedGroup { bucket: *bucket, values: values.to_vec(), items, reported })
    }
}
