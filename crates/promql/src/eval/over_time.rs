//! Functions that make one value of all values of a window: `avg_over_time` and its like.

use std::sync::Arc;

use super::extended::{Reaching, reaching};
use super::float;
use super::groups::{average, total};
use super::kahan::{Kahan, Mean};
use super::notes::Notes;
use super::numbers;
use super::when::SECOND;
use super::window::{Sample, View};
use crate::ast::WindowMode;
use crate::{Histogram, Millis, Value};

/// The numbers of a window; notes that its histograms are ignored. None when there are no numbers.
pub(super) fn numbers_only<'a>(view: &View<'a>, notes: &Notes) -> Option<&'a [Sample<f64>]> {
    if view.floats.is_empty() {
        return None;
    }
    if !view.histograms.is_empty() {
        notes.ignored_in_window(view.metric());
    }
    Some(view.floats)
}

/// `sum_over_time` and `avg_over_time`.
pub(super) fn sum_or_average(view: &View<'_>, mean: bool, notes: &Notes) -> Option<Value> {
    match (view.floats, view.histograms) {
        (floats, []) if mean => float(average_of(floats)?),
        (floats, []) => float(floats.iter().fold(Kahan::default(), |sum, sample| sum.plus(sample.value)).total()),
        ([], histograms) => {
            let all = histograms.iter().map(|sample| (view.metric(), &sample.value));
            let result = if mean { average(all, notes) } else { total(all, notes) };
            Some(Value::Histogram(Arc::new(result?)))
        }
        _ => {
            notes.mixed(view.metric());
            None
        }
    }
}

fn average_of(samples: &[Sample<f64>]) -> Option<f64> {
    let mut mean = Mean::default();
    samples.iter().for_each(|sample| mean.add(sample.value));
    mean.result()
}

/// `count_over_time`
pub(super) fn count(view: &View<'_>) -> Option<Value> {
    float((view.floats.len() + view.histograms.len()) as f64)
}

/// `first_over_time` and `last_over_time`
pub(super) fn end(view: &View<'_>, last: bool) -> Option<Value> {
    let (float_end, histogram_end) = ends(view, last);
    match (float_end, histogram_end) {
        (Some(sample), Some(other)) if (sample.at > other.at) == last && sample.at != other.at => float(sample.value),
        (_, Some(sample)) => Some(Value::Histogram(Arc::clone(&sample.value))),
        (sample, None) => float(sample?.value),
    }
}

/// `ts_of_first_over_time` and `ts_of_last_over_time`
pub(super) fn instant_of_end(view: &View<'_>, last: bool) -> Option<Value> {
    let (float_end, histogram_end) = ends(view, last);
    let instants = [float_end.map(|sample| sample.at), histogram_end.map(|sample| sample.at)].into_iter().flatten();
    let at = if last { instants.max() } else { instants.min() };
    seconds(at?)
}

type Ends<'a> = (Option<&'a Sample<f64>>, Option<&'a Sample<Arc<Histogram>>>);

fn ends<'a>(view: &View<'a>, last: bool) -> Ends<'a> {
    if last { (view.floats.last(), view.histograms.last()) } else { (view.floats.first(), view.histograms.first()) }
}

fn seconds(at: Millis) -> Option<Value> {
    float(at as f64 / SECOND)
}

/// `min_over_time` and `max_over_time`. What is not a number counts only where there is nothing else.
pub(super) fn extreme(view: &View<'_>, largest: bool, notes: &Notes) -> Option<Value> {
    let beats = |new: f64, old: f64| old.is_nan() || if largest { new > old } else { new < old };
    float(best(numbers_only(view, notes)?, beats)?.value)
}

/// `ts_of_min_over_time` and `ts_of_max_over_time`: of the last one where there are several.
pub(super) fn instant_of_extreme(view: &View<'_>, largest: bool, notes: &Notes) -> Option<Value> {
    let beats = |new: f64, old: f64| old.is_nan() || if largest { new >= old } else { new <= old };
    seconds(best(numbers_only(view, notes)?, beats)?.at)
}

fn best(samples: &[Sample<f64>], beats: impl Fn(f64, f64) -> bool) -> Option<&Sample<f64>> {
    samples.iter().reduce(|best, sample| if beats(sample.value, best.value) { sample } else { best })
}

/// `stdvar_over_time` and, of its root, `stddev_over_time`.
pub(super) fn variance(view: &View<'_>, root: bool, notes: &Notes) -> Option<Value> {
    let (mut count, mut mean, mut sum) = (0.0, Kahan::default(), Kahan::default());
    for Sample { value, .. } in numbers_only(view, notes)? {
        count += 1.0;
        let delta = value - (mean.sum + mean.lost);
        mean = mean.plus(delta / count);
        sum = sum.plus(delta * (value - (mean.sum + mean.lost)));
    }
    let variance = (sum.sum + sum.lost) / count;
    float(if root { variance.sqrt() } else { variance })
}

/// `quantile_over_time`
pub(super) fn quantile(view: &View<'_>, q: f64, notes: &Notes) -> Option<Value> {
    if !view.floats.is_empty() {
        notes.quantile(q);
    }
    float(numbers::quantile(q, values(numbers_only(view, notes)?)))
}

fn values(samples: &[Sample<f64>]) -> Vec<f64> {
    samples.iter().map(|sample| sample.value).collect()
}

/// `mad_over_time`: the median distance from the median.
pub(super) fn median_deviation(view: &View<'_>, notes: &Notes) -> Option<Value> {
    let samples = values(numbers_only(view, notes)?);
    let median = numbers::quantile(0.5, samples.clone());
    float(numbers::quantile(0.5, samples.into_iter().map(|value| (value - median).abs()).collect()))
}

/// `changes`: how often the value is not the one before. A number after a histogram is a change, and the other way round.
pub(super) fn changes(view: &View<'_>) -> Option<Value> {
    let changed = |a: f64, b: f64| a != b && !(a.is_nan() && b.is_nan());
    count_pairs(view, changed, |before, now| !now.equals(before))
}

/// `resets`: how often a counter began anew. A number after a histogram is a reset, and the other way round.
pub(super) fn resets(view: &View<'_>) -> Option<Value> {
    count_pairs(view, |before, now| now < before, |before, now| now.is_reset_after(before))
}

fn count_pairs(
    view: &View<'_>,
    floats_differ: impl Fn(f64, f64) -> bool,
    histograms_differ: impl Fn(&Histogram, &Histogram) -> bool,
) -> Option<Value> {
    let Reaching { floats, histograms } = match view.mode {
        WindowMode::Plain => Reaching { floats: view.floats, histograms: view.histograms },
        WindowMode::Anchored | WindowMode::Smoothed => reaching(view),
    };
    if floats.is_empty() && histograms.is_empty() {
        return None;
    }
    let of_floats = pairs(floats).filter(|(a, b)| floats_differ(a.value, b.value));
    let of_histograms = pairs(histograms).filter(|(a, b)| histograms_differ(&a.value, &b.value));
    if histograms.is_empty() {
        return float(of_floats.count() as f64);
    }
    if floats.is_empty() {
        return float(of_histograms.count() as f64);
    }
    let apart = |from: Millis, to: Millis| !holds_between(floats, histograms, from, to);
    let of_floats = of_floats.filter(|(a, b)| apart(a.at, b.at)).count();
    let of_histograms = of_histograms.filter(|(a, b)| apart(a.at, b.at)).count();
    float((of_floats + of_histograms + alternations(floats, histograms)) as f64)
}

fn pairs<T>(samples: &[T]) -> impl Iterator<Item = (&T, &T)> {
    samples.iter().zip(samples.iter().skip(1))
}

/// Whether a sample of either kind lies between two instants.
fn holds_between<A, B>(a: &[Sample<A>], b: &[Sample<B>], from: Millis, to: Millis) -> bool {
    let between = |at: Millis| at > from && at < to;
    let near = |first: Option<Millis>| first.is_some_and(between);
    near(a.get(a.partition_point(|s| s.at <= from)).map(|s| s.at))
        || near(b.get(b.partition_point(|s| s.at <= from)).map(|s| s.at))
}

/// How often a sample of one kind follows one of the other.
fn alternations<A, B>(a: &[Sample<A>], b: &[Sample<B>]) -> usize {
    let mut all: Vec<(Millis, bool)> = a.iter().map(|s| (s.at, true)).chain(b.iter().map(|s| (s.at, false))).collect();
    all.sort_by_key(|(at, _)| *at);
    pairs(&all).filter(|(before, now)| before.1 != now.1).count()
}
