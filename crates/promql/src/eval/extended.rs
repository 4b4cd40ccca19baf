//! Windows that are extended to their edges: `anchored` takes the sample before the window along, `smoothed`
//! interpolates at both edges.

use std::sync::Arc;

use super::notes::Notes;
use super::window::{Sample, View};
use crate::ast::WindowMode;
use crate::{Histogram, Millis, ResetHint, Value};

/// The functions that may stand around an anchored window.
pub(super) const ANCHORED: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];
/// The functions that may stand around a smoothed window.
pub(super) const SMOOTHED: [&str; 3] = ["delta", "increase", "rate"];

/// A value that lies on a line between two others.
pub(super) trait Linear: Clone {
    /// The value at an instant on the line between two samples. A counter that fell between them began at zero. None when
    /// the two cannot be combined.
    fn between(before: &Sample<Self>, after: &Sample<Self>, at: Millis, counter: bool) -> Option<Self>;
}

fn share<T>(before: &Sample<T>, after: &Sample<T>, at: Millis) -> f64 {
    at.saturating_sub(before.at) as f64 / after.at.saturating_sub(before.at) as f64
}

impl Linear for f64 {
    fn between(before: &Sample<Self>, after: &Sample<Self>, at: Millis, counter: bool) -> Option<Self> {
        let low = if counter && after.value < before.value { 0.0 } else { before.value };
        Some(low + (after.value - low) * share(before, after, at))
    }
}

impl Linear for Arc<Histogram> {
    fn between(before: &Sample<Self>, after: &Sample<Self>, at: Millis, counter: bool) -> Option<Self> {
        let share = share(before, after, at);
        let high = after.value.times(share);
        if counter && after.value.is_reset_after(&before.value) {
            return Some(Self::new(high));
        }
        let low = before.value.times(1.0 - share);
        let hint = if after.value.reset == ResetHint::Gauge { ResetHint::Gauge } else { ResetHint::Unknown };
        Some(Self::new(low.add(&high).ok()?.histogram.with_hint(hint)))
    }
}

/// The samples that count for a window: from the last one before it on, up to its end or, where it is smoothed, to the first
/// one after that.
pub(super) struct Reaching<'a> {
    /// The numbers among them.
    pub floats: &'a [Sample<f64>],
    /// The histograms among them.
    pub histograms: &'a [Sample<Arc<Histogram>>],
}

/// What counts for a window; nothing when there is no sample after its start.
pub(super) fn reaching<'a>(view: &View<'a>) -> Reaching<'a> {
    reach(view.floats, view.histograms, (view.from, view.to), view.mode)
}

fn reach<'a>(
    floats: &'a [Sample<f64>],
    histograms: &'a [Sample<Arc<Histogram>>],
    (from, to): (Millis, Millis),
    mode: WindowMode,
) -> Reaching<'a> {
    let first = last_until(floats, from).max(last_until(histograms, from)).unwrap_or(from);
    let next = [first_since(floats, to), first_since(histograms, to)].into_iter().flatten().min();
    let last = next.filter(|_| mode == WindowMode::Smoothed).unwrap_or(to);
    let all = Reaching { floats: part(floats, first, last), histograms: part(histograms, first, last) };
    let ends = [all.floats.last().map(|sample| sample.at), all.histograms.last().map(|sample| sample.at)];
    if ends.into_iter().flatten().any(|at| at > from) { all } else { Reaching { floats: &[], histograms: &[] } }
}

fn last_until<T>(samples: &[Sample<T>], at: Millis) -> Option<Millis> {
    let next = samples.partition_point(|sample| sample.at <= at);
    next.checked_sub(1).and_then(|last| samples.get(last)).map(|sample| sample.at)
}

fn first_since<T>(samples: &[Sample<T>], at: Millis) -> Option<Millis> {
    samples.get(samples.partition_point(|sample| sample.at < at)).map(|sample| sample.at)
}

fn part<T>(samples: &[Sample<T>], first: Millis, last: Millis) -> &[Sample<T>] {
    let low = samples.partition_point(|sample| sample.at < first);
    let high = samples.partition_point(|sample| sample.at <= last);
    samples.get(low..high).unwrap_or_default()
}

/// A window with its two edges.
struct Extent<'a, T> {
    left: T,
    right: T,
    /// The samples between the edges, none of them on one.
    inside: &'a [Sample<T>],
}

impl<'a, T: Linear> Extent<'a, T> {
    fn of(reaching: &'a [Sample<T>], (from, to): (Millis, Millis), smooth: bool, counter: bool) -> Option<Self> {
        let (first, last) = (reaching.first()?, reaching.last()?);
        let left = match reaching.get(1) {
            Some(second) if smooth && first.at < from => T::between(first, second, from, counter)?,
            _ => first.value.clone(),
        };
        let right = match reaching.len().checked_sub(2).and_then(|at| reaching.get(at)) {
            Some(before) if smooth && last.at > to => T::between(before, last, to, counter)?,
            _ => last.value.clone(),
        };
        let low = usize::from(first.at <= from);
        let high = reaching.len() - usize::from(last.at >= to);
        Some(Self { left, right, inside: reaching.get(low..high).unwrap_or_default() })
    }

    /// The values after the left edge, with the right one.
    fn after_left(&self) -> impl Iterator<Item = &T> {
        self.inside.iter().map(|sample| &sample.value).chain([&self.right])
    }
}

/// By how much a series changed from one edge of its window to the other; what a counter lost at resets is added.
pub(super) fn change(view: &View<'_>, counter: bool, notes: &Notes) -> Option<Value> {
    let smooth = view.mode == WindowMode::Smoothed;
    let edges = (view.from, view.to);
    let reaching = reaching(view);
    match (reaching.floats, reaching.histograms) {
        (floats, []) => Some(Value::Float(of_floats(&Extent::of(floats, edges, smooth, counter)?, counter))),
        ([], histograms) => {
            note_kinds(histograms, counter, view.metric(), notes);
            let changed = Extent::of(histograms, edges, smooth, counter).and_then(|e| of_histograms(&e, counter));
            if changed.is_none() {
                notes.mixed_schemas(view.metric());
            }
            changed.map(|histogram| Value::Histogram(Arc::new(histogram)))
        }
        _ => {
            notes.mixed(view.metric());
            None
        }
    }
}

fn of_floats(extent: &Extent<'_, f64>, counter: bool) -> f64 {
    let mut change = extent.right - extent.left;
    if counter {
        let mut before = extent.left;
        for value in extent.after_left() {
            if *value < before {
                change += before;
            }
            before = *value;
        }
    }
    change
}

fn of_histograms(extent: &Extent<'_, Arc<Histogram>>, counter: bool) -> Option<Histogram> {
    let mut change = extent.right.sub(&extent.left).ok()?.histogram;
    if counter {
        let mut before = &extent.left;
        for value in extent.after_left() {
            if value.is_reset_after(before) {
                change = change.add(before).ok()?.histogram;
            }
            before = value;
        }
    }
    Some(change.with_hint(ResetHint::Gauge).compacted())
}

/// Notes histograms of the other kind than the function is for.
pub(super) fn note_kinds(samples: &[Sample<Arc<Histogram>>], counter: bool, metric: &str, notes: &Notes) {
    let is_gauge = |sample: &Sample<Arc<Histogram>>| sample.value.reset == ResetHint::Gauge;
    if counter && samples.iter().any(is_gauge) {
        notes.not_counter(metric);
    }
    let ends_are_gauges = samples.first().is_some_and(is_gauge) && samples.last().is_some_and(is_gauge);
    if !counter && !ends_are_gauges {
        notes.not_gauge(metric);
    }
}

/// The samples of a window with one at each of its edges.
pub(super) fn extended(
    floats: &[Sample<f64>],
    histograms: &[Sample<Arc<Histogram>>],
    edges: (Millis, Millis),
    mode: WindowMode,
) -> (Vec<Sample<f64>>, Vec<Sample<Arc<Histogram>>>) {
    let reaching = reach(floats, histograms, edges, mode);
    let smooth = mode == WindowMode::Smoothed;
    (with_edges(reaching.floats, edges, smooth), with_edges(reaching.histograms, edges, smooth))
}

fn with_edges<T: Linear>(samples: &[Sample<T>], edges: (Millis, Millis), smooth: bool) -> Vec<Sample<T>> {
    let Some(extent) = Extent::of(samples, edges, smooth, false) else { return Vec::new() };
    let edge = |at, value| Sample { at, born: 0, value };
    let mut all = vec![edge(edges.0, extent.left)];
    all.extend_from_slice(extent.inside);
    all.push(edge(edges.1, extent.right));
    all
}
