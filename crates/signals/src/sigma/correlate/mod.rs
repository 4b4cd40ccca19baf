//! Correlations: what several events say together.
//!
//! Everything goes by the time at which events happened. A late event counts in the windows it belongs to, as long as it
//! is not later than the *lateness* that is allowed: the *watermark* stands so much behind the newest event, and what
//! lies before it is closed. A condition that more events can only meet is reported as soon as it is met; any other,
//! such as a sum, an average or "fewer than", when the watermark has passed the end of its window. Windows of one group
//! that overlap are reported once.

mod plan;
mod saved;
mod window;

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use jiff::Timestamp;
use kernel::Seconds;

use super::event::Event;
use super::rule::Rule;
use super::rules::{Match, Rules};
pub(super) use plan::Plans;
pub use plan::{CHAIN_MAX, CORRELATIONS_MAX, GROUP_FIELDS_MAX, INPUTS_MAX, TIMESPAN_MAX_MS};
use plan::{Field, Mode, Plan};
pub use saved::{SAVED_ITEMS_MAX, SavedCorrelations};
pub use window::ITEMS_MAX;
use window::{Found, Group, Input, Item};

/// The most groups that one correlation keeps; beyond, the one that would be forgotten first is let go and counted.
pub const GROUPS_MAX: usize = 50_000;
/// The most events of all groups of all correlations; beyond, groups are let go as above.
pub const ITEMS_TOTAL_MAX: usize = 2_000_000;
/// The most bytes that the values of a group may have together; an event with longer ones is not counted.
pub const GROUP_BYTES_MAX: usize = 4096;
/// How far in the future an event may say that it happened; what is further counts as happening now.
pub const FUTURE_MAX: Seconds = Seconds::minutes(5);

/// A correlation that found something.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlated {
    /// The correlation rule.
    pub rule: Arc<Rule>,
    /// The fields by which it groups, and their values here.
    pub group: Vec<(String, String)>,
    /// The first event of the window.
    pub from: Timestamp,
    /// The last event of the window.
    pub to: Timestamp,
    /// The count, sum, average or percentile; for temporal conditions the number of events or steps.
    pub value: f64,
}

/// Events that were not counted, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Uncounted {
    /// They happened before the watermark.
    pub too_late: u64,
    /// They lack a field by which the correlation groups, counts or sums, or it is too long.
    pub without_field: u64,
    /// They were let go for newer ones: see [`ITEMS_MAX`].
    pub crowded_out: u64,
    /// They were in groups that were let go: see [`GROUPS_MAX`].
    pub groups_let_go: u64,
}

/// The values of a group, and for tumbling windows the number of the window.
type Key = (i64, Arc<[String]>);

/// What is remembered of one correlation.
#[derive(Debug, Default)]
struct Memory {
    groups: HashMap<Key, Group>,
    /// When each group is to be looked at again, in milliseconds of event time.
    due: BTreeSet<(i64, Key)>,
    closed_to: i64,
}

/// What is remembered of events that rules matched.
#[derive(Debug)]
pub struct Correlations {
    plans: Arc<Plans>,
    memory: Vec<Memory>,
    lateness: i64,
    newest: i64,
    /// How many events are kept.
    items: usize,
    uncounted: Uncounted,
}

/// An event or a finding, as it is counted by a plan.
trait Source {
    fn text(&self, field: &str) -> Option<String>;
    fn number(&self, field: &str) -> Option<f64>;
}

struct Matched<'m>(&'m Event<'m>, Match<'m>);

impl Source for Matched<'_> {
    fn text(&self, field: &str) -> Option<String> {
        self.0.text(&self.1.map.name(field)).map(std::borrow::Cow::into_owned)
    }

    fn number(&self, field: &str) -> Option<f64> {
        self.0.values(&self.1.map.name(field)).find_map(super::event::Scalar::number)
    }
}

impl Source for Correlated {
    fn text(&self, field: &str) -> Option<String> {
        self.group.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone())
    }

    fn number(&self, field: &str) -> Option<f64> {
        self.text(field)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }
}

impl Correlations {
    /// The correlations of these rules, with nothing seen yet.
    #[must_use]
    pub fn new(rules: &Rules, lateness: Seconds) -> Self {
        let plans = Arc::clone(&rules.correlations);
        let fresh = |_: &Plan| Memory { closed_to: i64::MIN, ..Memory::default() };
        let memory = plans.plans.iter().map(fresh).collect();
        let lateness = i64::from(lateness.0) * 1000;
        Self { plans, memory, lateness, newest: i64::MIN, items: 0, uncounted: Uncounted::default() }
    }

    /// Goes on with other rules, after a change of files. Correlations that say the same keep what they remember.
    #[must_use]
    pub fn with_rules(mut self, rules: &Rules) -> Self {
        let plans = Arc::clone(&rules.correlations);
        let old = Arc::clone(&self.plans);
        let mut kept = |plan: &Plan| {
            let place = old.plans.iter().position(|old| old.identity == plan.identity);
            let memory = place.and_then(|place| self.memory.get_mut(place)).map(std::mem::take);
            memory.unwrap_or_else(|| Memory { closed_to: i64::MIN, ..Memory::default() })
        };
        let memory: Vec<Memory> = plans.plans.iter().map(&mut kept).collect();
        let items = memory.iter().flat_map(|memory| memory.groups.values()).map(Group::len).sum();
        Self { plans, memory, items, ..self }
    }

    /// Allows another lateness from now on.
    #[must_use]
    pub fn with_lateness(mut self, lateness: Seconds) -> Self {
        self.lateness = i64::from(lateness.0) * 1000;
        self
    }

    /// Counts an event that happened `at`, with the rules it matched.
    pub fn observe(
        &mut self,
        event: &Event<'_>,
        matches: &[Match<'_>],
        at: Timestamp,
        now: Timestamp,
    ) -> Vec<Correlated> {
        let at = if at > FUTURE_MAX.after(now) { now } else { at }.as_millisecond();
        let plans = Arc::clone(&self.plans);
        let mut found = Vec::new();
        for matched in matches {
            for (plan, input) in plans.fed_by_rule(matched.place) {
                let source = Matched(event, *matched);
                self.count(&plans, (*plan, *input), &source, at, &mut found);
            }
        }
        // A clock that is ahead makes nobody else late.
        self.newest = self.newest.max(at.min(now.as_millisecond()));
        self.advance(&plans, self.watermark(self.newest), &mut found);
        found
    }

    /// Closes windows although no event came: call it when it has been silent for a while.
    pub fn silence(&mut self, now: Timestamp) -> Vec<Correlated> {
        let plans = Arc::clone(&self.plans);
        let mut found = Vec::new();
        self.advance(&plans, self.watermark(now.as_millisecond()), &mut found);
        found
    }

    /// What was not counted so far.
    #[must_use]
    pub fn uncounted(&self) -> Uncounted {
        self.uncounted
    }

    /// How many groups are remembered.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.memory.iter().map(|memory| memory.groups.len()).sum()
    }

    /// How many events, groups and notes of groups are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize, usize) {
        (self.items, self.groups(), self.memory.iter().map(|memory| memory.due.len()).sum())
    }

    /// The last moment of which no event is awaited any more, when this is the newest.
    fn watermark(&self, newest: i64) -> i64 {
        newest.saturating_sub(self.lateness).saturating_sub(1)
    }

    fn count(
        &mut self,
        plans: &Plans,
        (place, input): (usize, Input),
        source: &dyn Source,
        at: i64,
        found: &mut Vec<Correlated>,
    ) {
        let (Some(plan), Some(memory)) = (plans.plans.get(place), self.memory.get_mut(place)) else { return };
        if at <= memory.closed_to {
            self.uncounted.too_late += 1;
            return;
        }
        let (Some(values), Some(item)) = (group(plan, input, source), item(plan, input, source, at)) else {
            self.uncounted.without_field += 1;
            return;
        };
        let key = (plan.bucket(at), values);
        let crowded = memory.groups.len() >= GROUPS_MAX && !memory.groups.contains_key(&key);
        if crowded || self.items >= ITEMS_TOTAL_MAX {
            self.items -= memory.let_go().min(self.items);
            self.uncounted.groups_let_go += 1;
        }
        let group = memory.groups.entry(key.clone()).or_default();
        let before = group.len();
        self.uncounted.crowded_out += u64::from(group.insert(plan, item));
        self.items += group.len() - before;
        let hit = if plan.is_monotone() { group.look(plan, at) } else { None };
        memory.arm(plan, &key);
        if let Some(hit) = hit {
            self.report(plans, place, &key, hit, found);
        }
    }

    /// Reports a finding, and counts it in the correlations that refer to this one.
    fn report(&mut self, plans: &Plans, place: usize, key: &Key, hit: Found, found: &mut Vec<Correlated>) {
        let Some(plan) = plans.plans.get(place) else { return };
        let time = |at: i64| Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
        let names = plan.group_by.iter().map(|field| field.name.clone());
        let group = names.zip(key.1.iter().cloned()).collect();
        let (rule, from, to) = (Arc::clone(&plan.rule), time(hit.from), time(hit.to));
        let correlated = Correlated { rule, group, from, to, value: hit.number };
        found.push(correlated.clone());
        // Plans stand behind those they refer to, so this ends.
        for (next, input) in plans.fed_by_plan(place) {
            self.count(plans, (*next, *input), &correlated, hit.to, found);
        }
    }

    /// Closes what ends before the watermark; those that others refer to first.
    fn advance(&mut self, plans: &Plans, watermark: i64, found: &mut Vec<Correlated>) {
        for (place, plan) in plans.plans.iter().enumerate() {
            let Some(memory) = self.memory.get_mut(place).filter(|memory| memory.closed_to < watermark) else {
                continue;
            };
            let after = std::mem::replace(&mut memory.closed_to, watermark);
            let mut hits = Vec::new();
            for key in memory.due_until(watermark) {
                let Some(group) = memory.groups.get_mut(&key) else { continue };
                if !plan.is_monotone() {
                    hits.extend(group.close(plan, after, watermark).into_iter().map(|hit| (key.clone(), hit)));
                }
                let before = group.len();
                group.forget(plan.forgotten(watermark));
                self.items -= (before - group.len()).min(self.items);
                memory.arm(plan, &key);
            }
            for (key, hit) in hits {
                self.report(plans, place, &key, hit, found);
            }
        }
    }
}

impl Memory {
    /// The groups that are due, each once. None of them is noted any more.
    fn due_until(&mut self, watermark: i64) -> Vec<Key> {
        let mut keys = Vec::new();
        while self.due.first().is_some_and(|(due, _)| *due <= watermark) {
            keys.extend(self.due.pop_first().map(|(_, key)| key));
        }
        keys
    }

    /// Notes when a group is to be looked at again, or forgets it when there is nothing left of it.
    fn arm(&mut self, plan: &Plan, key: &Key) {
        let Some(group) = self.groups.get_mut(key) else { return };
        let next = group.next_due(plan, self.closed_to);
        let noted = std::mem::replace(&mut group.due, next);
        if noted != next
            && let Some(noted) = noted
        {
            self.due.remove(&(noted, key.clone()));
        }
        match next {
            Some(next) => drop(self.due.replace((next, key.clone()))),
            None => drop(self.groups.remove(key)),
        }
    }

    /// Lets the group go that is due first; how many events it had.
    fn let_go(&mut self) -> usize {
        let first = self.due.pop_first();
        first.and_then(|(_, key)| self.groups.remove(&key)).map_or(0, |group| group.len())
    }
}

impl Plan {
    /// The number of the tumbling window of a moment; the same for all moments when windows do not tumble.
    fn bucket(&self, at: i64) -> i64 {
        if self.mode == Mode::Tumbling { at.div_euclid(self.span) } else { 0 }
    }

    /// Up to which moment events can be forgotten.
    fn forgotten(&self, watermark: i64) -> i64 {
        match self.mode {
            Mode::Sliding => watermark.saturating_sub(self.span),
            Mode::Tumbling => i64::MAX,
            Mode::Session { gap } => watermark.saturating_sub(self.span).saturating_sub(gap),
        }
    }
}

/// The values by which an event is grouped.
fn group(plan: &Plan, input: Input, source: &dyn Source) -> Option<Arc<[String]>> {
    let value = |field: &Field| source.text(field.of(input));
    let values: Vec<String> = plan.group_by.iter().map(value).collect::<Option<_>>()?;
    let bytes: usize = values.iter().map(String::len).sum();
    (bytes <= GROUP_BYTES_MAX).then(|| values.into())
}

/// The event as the correlation counts it.
fn item(plan: &Plan, input: Input, source: &dyn Source, at: i64) -> Option<Item> {
    let mut item = Item { at, input, value: 0, number: 0.0 };
    match plan.kind {
        plan::Kind::Values => {
            let mut hasher = DefaultHasher::new();
            for field in &plan.fields {
                source.text(field.of(input))?.hash(&mut hasher);
            }
            item.value = hasher.finish();
        }
        plan::Kind::Sum | plan::Kind::Average | plan::Kind::Percentile(_) => {
            item.number = source.number(plan.fields.first()?.of(input))?;
        }
        plan::Kind::Events | plan::Kind::Temporal(_) | plan::Kind::Ordered => {}
    }
    Some(item)
}
