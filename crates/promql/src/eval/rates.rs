//! How fast series change: `rate`, `increase`, `delta`, and of the last two samples `irate` and `idelta`.

use std::sync::Arc;

use super::extended;
use super::float;
use super::notes::Notes;
use super::when::SECOND;
use super::window::{Sample, View};
use crate::ast::WindowMode;
use crate::{Histogram, Millis, ResetHint, Value};

/// What is computed of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// `rate`: of a counter, a second.
    Rate,
    /// `increase`: of a counter, over the window.
    Increase,
    /// `delta`: of a gauge, over the window.
    Delta,
}

impl Change {
    fn of_counter(self) -> bool {
        self != Self::Delta
    }
}

/// Samples further from the edge of a window than this many mean distances are taken to be the series' first or last.
const NEAR: f64 = 1.1;

/// `rate`, `increase` and `delta`, extrapolated to the edges of the window.
pub(super) fn change(view: &View<'_>, change: Change, notes: &Notes) -> Option<Value> {
    let per = if change == Change::Rate { view.seconds() } else { 1.0 };
    if view.mode != WindowMode::Plain {
        return Some(match extended::change(view, change.of_counter(), notes)? {
            Value::Float(change) => Value::Float(change / per),
            Value::Histogram(change) => Value::Histogram(Arc::new(change.divided_by(per))),
        });
    }
    match (view.floats, view.histograms) {
        (floats, []) => {
            let (first, last) = (floats.first()?, floats.last()?);
            let raised = raised(view, change.of_counter())?;
            let zero = change.of_counter().then_some((first.value, raised));
            float(raised * factor(view, (first.at, last.at), floats.len(), zero, per))
        }
        ([], histograms) => {
            let (first, last) = (histograms.first()?, histograms.last()?);
            let raised = raised_histogram(histograms, change.of_counter(), view.metric(), notes)?;
            let zero = change.of_counter().then_some((first.value.count, raised.count));
            let factor = factor(view, (first.at, last.at), histograms.len(), zero, per);
            Some(Value::Histogram(Arc::new(raised.times(factor))))
        }
        _ => {
            notes.mixed(view.metric());
            None
        }
    }
}

/// By how much numbers rose from the first to the last; what a counter lost at resets is added.
fn raised(view: &View<'_>, counter: bool) -> Option<f64> {
    let [first, .., last] = view.floats else { return None };
    let mut raised = last.value - first.value;
    if counter {
        let resets = view.track.resets();
        let from = resets.partition_point(|place| *place <= view.place);
        let within = view.place..view.place.saturating_add(view.floats.len());
        for place in resets.iter().skip(from).take_while(|place| within.contains(place)) {
            raised += view.track.floats.get(place.saturating_sub(1)).map_or(0.0, |before| before.value);
        }
    }
    Some(raised)
}

/// Whether a counter began anew between two numbers.
pub(super) fn is_anew(before: &Sample<f64>, now: &Sample<f64>) -> bool {
    now.value < before.value || is_born_between(before, now)
}

/// Whether a counter was born anew between two samples, by what they say of its birth.
fn is_born_between<T>(before: &Sample<T>, now: &Sample<T>) -> bool {
    if now.born == 0 || now.born > now.at || now.born < before.at {
        return false;
    }
    // Born just at the sample before: so are deltas, but so are also counters whose birth nobody knew before.
    now.born > before.at || before.born != 0
}

/// What the change between the first and the last sample is multiplied by to be the change over the window.
///
/// A counter (`zero`: its first value and its rise) is not extrapolated to before it was zero.
fn factor(view: &View<'_>, ends: (Millis, Millis), samples: usize, zero: Option<(f64, f64)>, per: f64) -> f64 {
    let seconds = |from: Millis, to: Millis| to.saturating_sub(from) as f64 / SECOND;
    let (first, last) = ends;
    let sampled = seconds(first, last);
    let distance = sampled / samples.saturating_sub(1) as f64;
    let to_edge = |seconds: f64| if seconds >= distance * NEAR { distance / 2.0 } else { seconds };
    let mut before = to_edge(seconds(view.from, first));
    let after = to_edge(seconds(last, view.to));
    if let Some((value, raised)) = zero
        && raised > 0.0
        && value >= 0.0
    {
        before = before.min(sampled * (value / raised));
    }
    (sampled + before + after) / sampled / per
}

/// By how much histograms rose from the first to the last; what a counter lost at resets is added.
fn raised_histogram(
    samples: &[Sample<Arc<Histogram>>],
    counter: bool,
    metric: &str,
    notes: &Notes,
) -> Option<Histogram> {
    let [first, rest @ ..] = samples else { return None };
    let (second, last) = (rest.first()?, rest.last()?);
    extended::note_kinds(samples, counter, metric, notes);
    let mut before = Arc::clone(&first.value);
    if counter && is_reset(first, second, &before) {
        // Whatever layout the first had does not matter then.
        let (schema, bounds) = (second.value.schema, Arc::clone(&second.value.bounds));
        before = Arc::new(Histogram { schema, bounds, ..Histogram::default() });
    }
    let between = if counter { rest } else { rest.get(rest.len() - 1..).unwrap_or_default() };
    if between.iter().any(|sample| sample.value.is_custom() != before.is_custom()) {
        notes.mixed_schemas(metric);
        return None;
    }
    let schema = between.iter().map(|sample| sample.value.schema).fold(before.schema, i32::min);
    let mut raised = last.value.lowered(schema).sub(&before).ok()?;
    let mut reconciled = raised.bounds_reconciled;
    if reconciled {
        notes.bounds_reconciled("subtraction");
    }
    if counter {
        reconciled = false;
        let mut sample = first;
        for now in rest {
            if is_reset(sample, now, &before) {
                raised = raised.histogram.add(&before).ok()?;
                reconciled |= raised.bounds_reconciled;
            }
            (before, sample) = (Arc::clone(&now.value), now);
        }
        if reconciled {
            notes.bounds_reconciled("addition");
        }
    }
    Some(raised.histogram.with_hint(ResetHint::Gauge).compacted())
}

fn is_reset(before: &Sample<Arc<Histogram>>, now: &Sample<Arc<Histogram>>, state: &Histogram) -> bool {
    is_born_between(before, now) || now.value.is_reset_after(state)
}

/// The last two samples of a window, whatever they are.
fn last_two(view: &View<'_>) -> Option<(Sample<Value>, Sample<Value>)> {
    let floats =
        view.floats.iter().rev().take(2).map(|s| Sample { at: s.at, born: s.born, value: Value::Float(s.value) });
    let histograms = view.histograms.iter().rev().take(2);
    let histograms =
        histograms.map(|s| Sample { at: s.at, born: s.born, value: Value::Histogram(Arc::clone(&s.value)) });
    let mut last: Vec<_> = floats.chain(histograms).collect();
    last.sort_by_key(|sample| sample.at);
    let now = last.pop()?;
    Some((last.pop()?, now))
}

/// `irate` (of a counter, a second) and `idelta` (of a gauge).
pub(super) fn of_last_two(view: &View<'_>, counter: bool, notes: &Notes) -> Option<Value> {
    let (before, now) = last_two(view)?;
    let seconds = now.at.saturating_sub(before.at) as f64 / SECOND;
    if seconds == 0.0 {
        return None;
    }
    let per = if counter { seconds } else { 1.0 };
    match (&before.value, &now.value) {
        (Value::Float(was), Value::Float(is)) => {
            let reset = counter && (is < was || is_born_between(&before, &now));
            float(if reset { *is } else { is - was } / per)
        }
        (Value::Histogram(was), Value::Histogram(is)) => {
            let born = is_born_between(&before, &now);
            let raised = last_histograms(was, is, counter, born, view.metric(), notes)?;
            let raised = if counter { raised.divided_by(per) } else { raised };
            Some(Value::Histogram(Arc::new(raised)))
        }
        _ => {
            notes.mixed(view.metric());
            None
        }
    }
}

fn last_histograms(
    was: &Histogram,
    is: &Histogram,
    counter: bool,
    born: bool,
    metric: &str,
    notes: &Notes,
) -> Option<Histogram> {
    let gauges = [was, is].into_iter().filter(|h| h.reset == ResetHint::Gauge).count();
    if counter && gauges > 0 {
        notes.not_counter(metric);
    }
    if !counter && gauges < 2 {
        notes.not_gauge(metric);
    }
    let raised = if counter && (born || is.is_reset_after(was)) {
        is.clone()
    } else {
        let Ok(difference) = is.sub(was) else {
            notes.mixed_schemas(metric);
            return None;
        };
        if difference.bounds_reconciled {
            notes.bounds_reconciled("subtraction");
        }
        difference.histogram
    };
    Some(raised.with_hint(ResetHint::Gauge).compacted())
}
