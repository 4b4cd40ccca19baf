//! The events of one group in order of time, and the windows over them.

use std::collections::{HashMap, VecDeque};

use super::plan::{Kind, Mode, Plan};

/// The most events of one group that are kept; beyond, the oldest are let go and counted.
pub const ITEMS_MAX: usize = 10_000;

/// Which of a correlation's rules an event matched.
pub(in crate::sigma) type Input = u16;

/// An event as far as a correlation needs it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Item {
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    pub input: Input,
    /// The counted value, hashed.
    pub value: u64,
    /// The summed value.
    pub number: f64,
}

/// A window in which the condition held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub from: i64,
    pub to: i64,
    /// The count, sum, average or percentile; for temporal conditions the number of events.
    pub number: f64,
}

/// The events of one group.
#[derive(Debug, Default)]
pub(super) struct Group {
    items: VecDeque<Item>,
    /// What the sliding window counts that ends with the newest event, and where that window begins. Only kept for
    /// conditions that may be met by one more event.
    running: Tally,
    start: usize,
    /// The ends of the windows that were reported.
    reported: Vec<i64>,
    /// When it is to be looked at again; what its memory has noted for it.
    pub due: Option<i64>,
}

impl Group {
    /// A group with these events, of which these windows were reported.
    pub fn restored(plan: &Plan, items: Vec<Item>, reported: Vec<i64>) -> Self {
        let mut group = Self { reported, ..Self::default() };
        for item in items.into_iter().take(ITEMS_MAX) {
            group.insert(plan, item);
        }
        group
    }

    /// Its events, and the ends of the windows that were reported.
    pub fn kept(&self) -> (Vec<Item>, Vec<i64>) {
        (self.items.iter().copied().collect(), self.reported.clone())
    }

    /// When its newest event happened.
    pub fn last_at(&self) -> Option<i64> {
        self.items.back().map(|item| item.at)
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// When it is to be looked at again, if all up to a moment is closed: when a window ends, or an event is forgotten.
    /// Nothing when there is nothing to remember.
    pub fn next_due(&self, plan: &Plan, closed_to: i64) -> Option<i64> {
        let Some(first) = self.at(0) else {
            return self.reported.iter().min().map(|end| end.saturating_add(plan.span));
        };
        let open = |gap: i64| {
            let place = self.items.partition_point(|item| item.at.saturating_add(gap) <= closed_to);
            self.at(place).filter(|_| !plan.is_monotone()).map_or(i64::MAX, |at| at.saturating_add(gap))
        };
        Some(match plan.mode {
            Mode::Sliding => first.saturating_add(plan.span).min(open(0)),
            Mode::Tumbling => plan.bucket(first).saturating_add(1).saturating_mul(plan.span),
            Mode::Session { gap } => first.saturating_add(gap).saturating_add(plan.span).min(open(gap)),
        })
    }

    /// Puts an event in its place; true when an older one had to go.
    pub fn insert(&mut self, plan: &Plan, item: Item) -> bool {
        let place = self.items.partition_point(|known| known.at <= item.at);
        self.items.insert(place, item);
        if plan.is_tallied() {
            self.run(plan.span, place, &item);
        }
        self.items.len() > ITEMS_MAX && self.drop_first(1)
    }

    /// Moves the running window on, so that it ends with the newest event.
    fn run(&mut self, span: i64, place: usize, item: &Item) {
        let begin = self.items.back().map_or(i64::MIN, |newest| newest.at.saturating_sub(span));
        if place < self.start || item.at <= begin {
            self.start += 1;
        } else {
            self.running.add(item, 1);
        }
        while let Some(old) = self.items.get(self.start).filter(|old| old.at <= begin) {
            self.running.add(old, -1);
            self.start += 1;
        }
    }

    /// Lets the oldest events go; true when there were any.
    fn drop_first(&mut self, count: usize) -> bool {
        for (at, item) in self.items.drain(..count).enumerate() {
            if at >= self.start && !self.running.is_empty() {
                self.running.add(&item, -1);
            }
        }
        self.start = self.start.saturating_sub(count);
        count > 0
    }

    /// Forgets what lies before a moment.
    pub fn forget(&mut self, before: i64) {
        let gone = self.items.partition_point(|item| item.at <= before);
        self.drop_first(gone);
        self.reported.retain(|end| *end > before);
    }

    /// Looks at every window that a new event at this moment lies in, for conditions that only more events can meet.
    pub fn look(&mut self, plan: &Plan, at: i64) -> Option<Found> {
        let found = match (plan.mode, &plan.kind) {
            (Mode::Sliding, Kind::Ordered) => self.chain(plan, at),
            (Mode::Sliding, Kind::Events) => self.count(plan, at),
            (Mode::Sliding, _) if self.items.back().is_some_and(|newest| newest.at == at) => self.newest(plan),
            (Mode::Sliding, _) => self.slide(plan, at),
            (Mode::Tumbling, _) => self.whole(plan, 0..self.items.len()),
            (Mode::Session { gap }, _) => {
                let session = self.sessions(plan.span, gap).find(|session| self.covers(session, at))?;
                self.whole(plan, session)
            }
        };
        found.filter(|found| self.report(plan, found.to))
    }

    /// Looks at the windows that are now closed: those that end between two moments.
    pub fn close(&mut self, plan: &Plan, after: i64, until: i64) -> Vec<Found> {
        let closed = |end: i64| end > after && end <= until;
        let mut windows: Vec<std::ops::Range<usize>> = match plan.mode {
            Mode::Sliding => {
                let (first, last) = (
                    self.items.partition_point(|item| item.at <= after),
                    self.items.partition_point(|item| item.at <= until),
                );
                let ends = (first + 1..=last).filter(|end| self.at(*end) != self.at(end - 1));
                ends.map(|end| self.start(plan.span, end)..end).collect()
            }
            Mode::Tumbling => std::iter::once(0..self.items.len()).collect(),
            Mode::Session { gap } => {
                let over = |session: &std::ops::Range<usize>| {
                    self.at(session.end.saturating_sub(1)).is_some_and(|last| closed(last.saturating_add(gap)))
                };
                self.sessions(plan.span, gap).filter(over).collect()
            }
        };
        windows.retain(|window| !window.is_empty());
        let found: Vec<Found> = windows.into_iter().filter_map(|window| self.whole(plan, window)).collect();
        found.into_iter().filter(|found| self.report(plan, found.to)).collect()
    }

    /// Notes that a window is reported; false when one that overlaps it was.
    fn report(&mut self, plan: &Plan, end: i64) -> bool {
        if self.reported.iter().any(|known| known.abs_diff(end) < plan.span.unsigned_abs()) {
            return false;
        }
        self.reported.push(end);
        true
    }

    fn at(&self, place: usize) -> Option<i64> {
        self.items.get(place).map(|item| item.at)
    }

    /// Where the window begins that ends with the item before `end`: it is open at its start.
    fn start(&self, span: i64, end: usize) -> usize {
        let Some(last) = end.checked_sub(1).and_then(|last| self.at(last)) else { return 0 };
        self.items.partition_point(|item| item.at <= last.saturating_sub(span))
    }

    fn covers(&self, window: &std::ops::Range<usize>, at: i64) -> bool {
        let (first, last) = (self.at(window.start), self.at(window.end.saturating_sub(1)));
        first.is_some_and(|first| first <= at) && last.is_some_and(|last| last >= at)
    }

    /// Counts the events of the windows in which the moment lies.
    fn count(&self, plan: &Plan, at: i64) -> Option<Found> {
        let first = self.items.partition_point(|item| item.at < at);
        let last = self.items.partition_point(|item| item.at < at.saturating_add(plan.span));
        let ends = (first + 1..=last).filter(|end| self.at(*end) != self.at(end - 1));
        ends.map(|end| self.start(plan.span, end)..end).find_map(|window| {
            let (from, to) = (self.at(window.start)?, self.at(window.end - 1)?);
            let number = window.len() as f64;
            plan.accepts(number).then_some(Found { from, to, number })
        })
    }

    /// The window that ends with the newest event.
    fn newest(&self, plan: &Plan) -> Option<Found> {
        let (from, to) = (self.at(self.start)?, self.items.back()?.at);
        self.running.holds(plan).then(|| Found { from, to, number: self.running.number(plan) })
    }

    /// Slides over the windows in which the moment lies, adding and taking away single events.
    fn slide(&self, plan: &Plan, at: i64) -> Option<Found> {
        let mut tally = Tally::default();
        let first = self.items.partition_point(|item| item.at <= at.saturating_sub(plan.span));
        let mut start = first;
        for (end, item) in self.items.iter().enumerate().skip(first) {
            if item.at >= at.saturating_add(plan.span) {
                break;
            }
            tally.add(item, 1);
            while let Some(old) = self.items.get(start).filter(|old| old.at <= item.at.saturating_sub(plan.span)) {
                tally.add(old, -1);
                start += 1;
            }
            // Events of one moment are in the same window.
            let whole = self.at(end + 1) != Some(item.at);
            if whole && item.at >= at && tally.holds(plan) {
                let from = self.at(start).unwrap_or(item.at);
                return Some(Found { from, to: item.at, number: tally.number(plan) });
            }
        }
        None
    }

    /// One event of each input, in the order of the inputs, within the span: for each step the latest start of a chain.
    fn chain(&self, plan: &Plan, at: i64) -> Option<Found> {
        let mut starts: Vec<Option<i64>> = vec![None; plan.inputs];
        let (low, high) = (at.saturating_sub(plan.span), at.saturating_add(plan.span));
        for item in self.items.iter().filter(|item| item.at > low && item.at < high) {
            let step = usize::from(item.input);
            let start = if step == 0 { Some(item.at) } else { starts.get(step - 1).copied().flatten() };
            let live = start.filter(|start| item.at.saturating_sub(*start) < plan.span);
            if let (Some(start), Some(slot)) = (live, starts.get_mut(step)) {
                *slot = Some(start);
                if step + 1 == plan.inputs
                    && !self.reported.iter().any(|end| end.abs_diff(item.at) < plan.span.unsigned_abs())
                {
                    return Some(Found { from: start, to: item.at, number: f64::from(item.input) + 1.0 });
                }
            }
        }
        None
    }

    /// The sessions: events no further from each other than the gap, all of it shorter than the span.
    fn sessions(&self, span: i64, gap: i64) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let first = self.at(start)?;
            let mut end = start + 1;
            while let (Some(before), Some(next)) = (self.at(end - 1), self.at(end)) {
                if next.saturating_sub(before) > gap || next.saturating_sub(first) >= span {
                    break;
                }
                end += 1;
            }
            let session = start..end;
            start = end;
            Some(session)
        })
    }

    /// Whether the condition holds over these events.
    fn whole(&self, plan: &Plan, window: std::ops::Range<usize>) -> Option<Found> {
        let (from, to) = (self.at(window.start)?, self.at(window.end.checked_sub(1)?)?);
        let items = || self.items.range(window.clone());
        let number = match plan.kind {
            Kind::Sum => items().map(|item| item.number).sum(),
            Kind::Average => items().map(|item| item.number).sum::<f64>() / window.len() as f64,
            Kind::Percentile(rank) => percentile(items().map(|item| item.number).collect(), rank)?,
            Kind::Ordered => {
                let steps = u16::try_from(plan.inputs).unwrap_or(u16::MAX);
                let reached = items().fold(0_u16, |step, item| if item.input == step { step + 1 } else { step });
                return (reached >= steps).then(|| Found { from, to, number: f64::from(reached) });
            }
            _ => {
                let mut tally = Tally::default();
                items().for_each(|item| tally.add(item, 1));
                return tally.holds(plan).then(|| Found { from, to, number: tally.number(plan) });
            }
        };
        plan.accepts(number).then_some(Found { from, to, number })
    }
}

/// Counts over a window.
#[derive(Debug, Default)]
struct Tally {
    events: i64,
    values: HashMap<u64, i64>,
    inputs: HashMap<Input, i64>,
}

impl Tally {
    fn is_empty(&self) -> bool {
        self.events == 0
    }

    fn add(&mut self, item: &Item, change: i64) {
        self.events += change;
        bump(&mut self.values, item.value, change);
        bump(&mut self.inputs, item.input, change);
    }

    fn number(&self, plan: &Plan) -> f64 {
        match plan.kind {
            Kind::Values => self.values.len() as f64,
            _ => self.events as f64,
        }
    }

    fn holds(&self, plan: &Plan) -> bool {
        match &plan.kind {
            Kind::Temporal(logic) => logic.holds(&|input| self.inputs.contains_key(&input)),
            _ => plan.accepts(self.number(plan)),
        }
    }
}

fn bump<K: std::hash::Hash + Eq + Copy>(counts: &mut HashMap<K, i64>, key: K, change: i64) {
    let count = counts.entry(key).or_default();
    *count += change;
    if *count == 0 {
        counts.remove(&key);
    }
}

/// The value below which this share of the values lies, between two values on the line through them.
fn percentile(mut values: Vec<f64>, rank: f64) -> Option<f64> {
    let place = rank / 100.0 * (values.len().checked_sub(1)? as f64);
    let (_, low, above) = values.select_nth_unstable_by(place.floor() as usize, f64::total_cmp);
    let low = *low;
    let high = if place.fract() > 0.0 { above.iter().copied().min_by(f64::total_cmp)? } else { low };
    Some(low + (high - low) * place.fract())
}
