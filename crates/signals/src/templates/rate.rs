//! "The rate of a template changed": lines a minute against what was usual in the hour before.
//!
//! The test is robust and knows no season: the minute is compared with the median of the minutes before it, in units of
//! their spread, which is the median absolute deviation made comparable with a standard deviation, and never less than
//! what counts have by chance alone (a Poisson variable with mean m spreads by the root of m). A change is reported once;
//! the next report of the template waits until its rate was usual again.
//!
//! Bounded: [`TEMPLATES_MAX`] templates with [`MINUTES`] counts each. Minutes close a while after their end, so that late
//! lines count in their own minute; lines that are later still, or too far ahead, are counted in [`Skipped`].

use std::collections::{BTreeMap, VecDeque};

use kernel::Seconds;
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::TemplateId;

/// How many closed minutes are remembered.
pub const MINUTES: usize = 60;
/// The most templates whose rates are followed.
pub const TEMPLATES_MAX: usize = 5_000;
/// The most minutes that are open at one time.
pub const OPEN_MINUTES_MAX: i64 = 10;
/// A median absolute deviation times this is a standard deviation, where counts are normal.
const NORMAL: f64 = 1.4826;

/// When a rate has changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// How many spreads from the usual rate.
    pub spreads: f64,
    /// And how many lines a minute, so that what is rare does not alarm.
    pub lines_min: u32,
    /// How many minutes must be known first.
    pub minutes_min: usize,
    /// How long a minute stays open after its end.
    pub lateness: Seconds,
}

impl Default for Policy {
    /// Eight spreads and thirty lines, after half an hour; a minute for what is late.
    fn default() -> Self {
        Self { spreads: 8.0, lines_min: 30, minutes_min: 30, lateness: Seconds::minutes(1) }
    }
}

/// Which way a rate changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More lines than usual.
    Up,
    /// Fewer lines than usual.
    Down,
}

/// A template whose rate changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateChange {
    /// Which.
    pub id: TemplateId,
    /// The start of the minute.
    pub minute: Timestamp,
    /// Its lines in that minute.
    pub lines: u32,
    /// The median of the minutes before.
    pub usual: f64,
    /// Their spread, in lines.
    pub spread: f64,
    /// Which way.
    pub direction: Direction,
}

/// Lines that were not counted, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Skipped {
    /// Their minute was closed.
    pub late: u64,
    /// Their minute is [`OPEN_MINUTES_MAX`] or more after the last closed one.
    pub ahead: u64,
    /// [`TEMPLATES_MAX`] templates are followed already.
    pub over: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct History {
    /// Lines of closed minutes, the newest last.
    closed: VecDeque<u32>,
    /// Lines of open minutes, by number of the minute.
    open: BTreeMap<i64, u32>,
    /// The change that was reported and is not over.
    changed: Option<Direction>,
}

/// Finds changes of rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    policy: Policy,
    histories: BTreeMap<TemplateId, History>,
    /// The minute that closes next, counted from 1970.
    next: i64,
    skipped: Skipped,
}

impl Rates {
    /// A detector that has seen nothing. Lines of minutes that are closed at `now` are late.
    #[must_use]
    pub fn new(policy: Policy, now: Timestamp) -> Self {
        let next = minute_of(policy.lateness.before(now));
        Self { policy, histories: BTreeMap::new(), next, skipped: Skipped::default() }
    }

    /// Goes by another policy from now on.
    pub fn adopt(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Goes on after a break in which nothing was counted: minutes up to the one that holds `now` are neither closed nor
    /// counted, for they would look as if lines had stopped.
    pub fn resume(&mut self, now: Timestamp) {
        self.histories.values_mut().for_each(|history| history.open.clear());
        self.next = self.next.max(minute_of(now) + 1);
    }

    /// Follows a template again that was known and silent for so many minutes, unless it is followed already: so that its
    /// return is a change, and not a beginning.
    pub fn welcome(&mut self, id: TemplateId, silent: usize) {
        if self.histories.len() < TEMPLATES_MAX && !self.histories.contains_key(&id) {
            let closed = VecDeque::from(vec![0; silent.min(MINUTES)]);
            self.histories.insert(id, History { closed, ..History::default() });
        }
    }

    /// Which way the rate of a template is off the usual now, where it is.
    #[must_use]
    pub fn changed(&self, id: TemplateId) -> Option<Direction> {
        self.histories.get(&id)?.changed
    }

    /// The lines of the last closed minutes, the oldest first; at most [`MINUTES`].
    pub fn closed(&self, id: TemplateId) -> impl Iterator<Item = u32> {
        self.histories.get(&id).into_iter().flat_map(|history| history.closed.iter().copied())
    }

    /// Counts a line of a template at the time that the line states.
    pub fn count(&mut self, at: Timestamp, id: TemplateId) {
        let minute = minute_of(at);
        if minute < self.next {
            self.skipped.late += 1;
        } else if minute >= self.next + OPEN_MINUTES_MAX {
            self.skipped.ahead += 1;
        } else if self.histories.len() >= TEMPLATES_MAX && !self.histories.contains_key(&id) {
            self.skipped.over += 1;
        } else {
            let lines = self.histories.entry(id).or_default().open.entry(minute).or_default();
            *lines = lines.saturating_add(1);
        }
    }

    /// Makes one history of two, when a template became part of another.
    pub fn merge(&mut self, part: TemplateId, into: TemplateId) {
        let Some(part) = self.histories.remove(&part) else { return };
        let whole = self.histories.entry(into).or_default();
        let longer = whole.closed.len().max(part.closed.len());
        let newest_first = |history: &VecDeque<u32>, at: usize| history.iter().rev().nth(at).copied().unwrap_or(0);
        let sums =
            (0..longer).rev().map(|at| newest_first(&whole.closed, at).saturating_add(newest_first(&part.closed, at)));
        whole.closed = sums.collect();
        for (minute, lines) in part.open {
            let sum = whole.open.entry(minute).or_default();
            *sum = sum.saturating_add(lines);
        }
    }

    /// Closes the minutes that are over at `now` and says which rates changed in them. Call it once in a while, even when
    /// no line comes. After a long silence the minutes of an hour are closed, and the rest never were.
    pub fn advance(&mut self, now: Timestamp) -> Vec<RateChange> {
        let over = minute_of(self.policy.lateness.before(now));
        let next = self.next;
        let horizon = i64::try_from(MINUTES).unwrap_or(i64::MAX);
        let first = next.max(over.saturating_sub(horizon));
        if first > next {
            self.histories.values_mut().for_each(|history| history.open.clear());
        }
        let changes = (first..over).flat_map(|minute| self.close(minute)).collect();
        self.next = next.max(over);
        changes
    }

    /// Lines that were not counted.
    #[must_use]
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    fn close(&mut self, minute: i64) -> Vec<RateChange> {
        let policy = self.policy;
        let mut changes = Vec::new();
        self.histories.retain(|id, history| {
            let lines = history.open.remove(&minute).unwrap_or(0);
            changes.extend(history.close(&policy, lines).map(|(direction, usual, spread)| RateChange {
                id: *id,
                minute: Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MAX),
                lines,
                usual,
                spread,
                direction,
            }));
            // A template that was silent for all that is remembered gives its place to another.
            !history.open.is_empty() || history.closed.iter().any(|lines| *lines > 0)
        });
        changes
    }
}

impl History {
    /// Closes a minute, and says how its rate changed with what was usual before and its spread.
    fn close(&mut self, policy: &Policy, lines: u32) -> Option<(Direction, f64, f64)> {
        let known = self.closed.len();
        let (usual, spread) = usual(&self.closed);
        if known == MINUTES {
            self.closed.pop_front();
        }
        self.closed.push_back(lines);
        if known < policy.minutes_min.clamp(1, MINUTES) {
            return None;
        }
        let away = f64::from(lines) - usual;
        let direction = if away > 0.0 { Direction::Up } else { Direction::Down };
        let far = away.abs() >= policy.spreads * spread && away.abs() >= f64::from(policy.lines_min);
        if !far {
            let near = away.abs() < policy.spreads * spread / 2.0 || away.abs() < f64::from(policy.lines_min) / 2.0;
            self.changed = self.changed.filter(|changed| !near && *changed == direction);
            return None;
        }
        let reported = self.changed.replace(direction) == Some(direction);
        (!reported).then_some((direction, usual, spread))
    }
}

/// The median of counts, and their spread.
fn usual(counts: &VecDeque<u32>) -> (f64, f64) {
    let mut sorted: Vec<f64> = counts.iter().copied().map(f64::from).collect();
    let usual = median(&mut sorted);
    sorted.iter_mut().for_each(|count| *count = (*count - usual).abs());
    let spread = NORMAL * median(&mut sorted);
    (usual, spread.max(usual.sqrt()).max(1.0))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |at: usize| values.get(at).copied().unwrap_or(0.0);
    if values.len() % 2 == 1 { at(middle) } else { (at(middle) + at(middle.saturating_sub(1))) / 2.0 }
}

/// The number of a minute, counted from 1970.
fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}
