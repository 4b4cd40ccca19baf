//! Baselines: what is usual on this host or for this user, so that what is not can be told.
//!
//! A baseline counts combinations of values within a scope, for example programs (`Image`) within a host (`Computer`).
//! Each scope learns for a while after it is first seen: on a new host everything would be new.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use kernel::Seconds;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::text::fold;

/// The most combinations, and the most scopes, that one baseline remembers; the one seen longest ago is let go.
pub const BASELINE_ENTRIES_MAX: usize = 100_000;

/// What a baseline counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineRule {
    /// The fields that name a scope, such as host or user.
    pub scope: Vec<String>,
    /// The fields whose values are counted within a scope.
    pub of: Vec<String>,
    /// How long a scope only learns.
    pub learn_for: Seconds,
    /// Up to which count a combination is rare.
    pub rare_up_to: u32,
    /// After how long without being seen a combination is forgotten.
    pub forget_after: Seconds,
}

impl BaselineRule {
    /// The same for rules that count the same things.
    fn identity(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.scope, &self.of).hash(&mut hasher);
        hasher.finish()
    }
}

/// How usual an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// One of the fields is missing, so nothing can be said.
    Untold,
    /// Its scope still learns.
    Learning,
    /// It was never seen in its scope before.
    FirstSeen,
    /// It was seen before, so often, this time included, and that is rare.
    Rare(u32),
    /// It was seen before, so often, this time included.
    Usual(u32),
}

/// Things seen, by the hash of what they are; bounded.
#[derive(Debug, Default)]
struct Seen {
    entries: HashMap<u64, Entry>,
    by_age: BTreeSet<(Timestamp, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    first: Timestamp,
    last: Timestamp,
    count: u32,
}

impl Seen {
    fn saved(&self) -> Vec<(u64, Entry)> {
        self.by_age.iter().filter_map(|(_, key)| Some((*key, *self.entries.get(key)?))).collect()
    }

    fn restored(saved: Vec<(u64, Entry)>) -> Self {
        let entries: HashMap<u64, Entry> = saved.into_iter().take(BASELINE_ENTRIES_MAX).collect();
        let by_age = entries.iter().map(|(key, entry)| (entry.last, *key)).collect();
        Self { entries, by_age }
    }

    /// Counts a thing; what is known of it then.
    fn count(&mut self, key: u64, at: Timestamp, forget_after: Seconds) -> Entry {
        while let Some((last, old)) = self.by_age.first().copied() {
            if forget_after.after(last) >= at
                && (self.entries.len() < BASELINE_ENTRIES_MAX || self.entries.contains_key(&key))
            {
                break;
            }
            self.by_age.remove(&(last, old));
            self.entries.remove(&old);
        }
        let entry = self.entries.entry(key).or_insert(Entry { first: at, last: at, count: 0 });
        self.by_age.remove(&(entry.last, key));
        // A late event makes nothing older than it is.
        *entry = Entry { first: entry.first.min(at), last: entry.last.max(at), count: entry.count.saturating_add(1) };
        self.by_age.insert((entry.last, key));
        *entry
    }
}

/// What a baseline remembers, in a form that outlives the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedBaseline {
    /// A hash of what is counted: what was remembered of another rule is of no use.
    of: u64,
    scopes: Vec<(u64, Entry)>,
    combinations: Vec<(u64, Entry)>,
}

/// A rule and what was seen under it.
#[derive(Debug)]
pub struct Baseline {
    rule: BaselineRule,
    scopes: Seen,
    combinations: Seen,
}

impl Baseline {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(rule: BaselineRule) -> Self {
        Self { rule, scopes: Seen::default(), combinations: Seen::default() }
    }

    /// Counts an event, and says how usual it is.
    pub fn observe(&mut self, event: &Event<'_>, at: Timestamp) -> Novelty {
        let mut hasher = DefaultHasher::new();
        let Some(()) = hash(&self.rule.scope, event, &mut hasher) else { return Novelty::Untold };
        let scope = hasher.finish();
        let Some(()) = hash(&self.rule.of, event, &mut hasher) else { return Novelty::Untold };
        let known_scope = self.scopes.count(scope, at, self.rule.forget_after);
        let known = self.combinations.count(hasher.finish(), at, self.rule.forget_after);
        match known.count {
            _ if at < self.rule.learn_for.after(known_scope.first) => Novelty::Learning,
            1 => Novelty::FirstSeen,
            count if count <= self.rule.rare_up_to => Novelty::Rare(count),
            count => Novelty::Usual(count),
        }
    }

    /// What is remembered, to be kept.
    #[must_use]
    pub fn saved(&self) -> SavedBaseline {
        SavedBaseline { of: self.rule.identity(), scopes: self.scopes.saved(), combinations: self.combinations.saved() }
    }

    /// Goes on with what was kept, when the same is counted.
    #[must_use]
    pub fn with_saved(self, saved: SavedBaseline) -> Self {
        if saved.of != self.rule.identity() {
            return self;
        }
        let (scopes, combinations) = (Seen::restored(saved.scopes), Seen::restored(saved.combinations));
        Self { scopes, combinations, ..self }
    }

    /// How many combinations are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.combinations.entries.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.combinations.entries.is_empty()
    }
}

/// Hashes the values of fields without case; nothing when one is missing.
fn hash(fields: &[String], event: &Event<'_>, hasher: &mut DefaultHasher) -> Option<()> {
    for field in fields {
        fold(&event.text(field)?).hash(hasher);
    }
    Some(())
}
