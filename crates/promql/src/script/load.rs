//! `load`: samples as a store would hold them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::{Load, LoadLine};
use super::{POINTS_MAX, notation};
use crate::histogram::{CUSTOM_BUCKETS, Histogram, ResetHint};
use crate::{Labels, METRIC_NAME, MemorySource, Millis, Point, Value};

/// What was loaded so far.
#[derive(Debug, Default)]
pub(super) struct Store {
    source: MemorySource,
    points: usize,
}

impl Store {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn source(&self) -> &MemorySource {
        &self.source
    }

    pub(super) fn into_source(self) -> MemorySource {
        self.source
    }

    /// Adds samples to what is there.
    pub(super) fn load(&mut self, load: &Load) -> Result<(), String> {
        for line in &load.lines {
            let points = points_of(line, load.interval)?;
            self.insert(&line.labels, points)?;
        }
        if load.with_custom_buckets {
            for (labels, points) in converted(load)? {
                self.insert(&labels, points)?;
            }
        }
        Ok(())
    }

    fn insert(&mut self, labels: &Labels, mut points: Vec<Point>) -> Result<(), String> {
        self.points += points.len();
        if self.points > POINTS_MAX {
            return Err(format!("a script loads at most {POINTS_MAX} points"));
        }
        let mut before = self.source.points(labels).last().cloned();
        for point in &mut points {
            settle_hint(before.as_ref(), point);
            before = Some(point.clone());
        }
        self.source.insert(labels.clone(), points);
        Ok(())
    }
}

fn points_of(line: &LoadLine, interval: Millis) -> Result<Vec<Point>, String> {
    let mut all = Vec::new();
    let births = line.births.iter().copied().chain(std::iter::repeat(None));
    for ((step, sample), birth) in (0i64..).zip(&line.values).zip(births) {
        let Some(sample) = sample else { continue };
        if let Value::Histogram(histogram) = &sample.value
            && let Some(fault) = notation::fault(histogram)
        {
            return Err(format!("{}: {fault}", line.labels));
        }
        let at = step.checked_mul(interval).ok_or_else(|| format!("{}: its time is out of range", line.labels))?;
        let born = birth.map_or(0, |offset| at.saturating_add(offset));
        all.push(Point { at, born, value: sample.value.clone() });
    }
    Ok(all)
}

/// What a store knows of a histogram's resets when it gives it back: that there was none, where it follows a histogram
/// of the same layout and no count fell. What a script says of a counter is looked at and then forgotten.
fn settle_hint(before: Option<&Point>, point: &mut Point) {
    let stale = point.value.is_stale();
    let Value::Histogram(histogram) = &mut point.value else { return };
    if stale || histogram.reset == ResetHint::Gauge {
        return;
    }
    let follows = match before.map(|point| &point.value) {
        Some(Value::Histogram(last)) if last.reset != ResetHint::Gauge => {
            let same = last.schema == histogram.schema
                && last.zero_threshold == histogram.zero_threshold
                && last.bounds == histogram.bounds;
            // Where a script says that there was no reset, the counts are believed more.
            let said = histogram.reset == ResetHint::Reset;
            same && !said && !(**histogram).clone().with_hint(ResetHint::Unknown).is_reset_after(last)
        }
        _ => false,
    };
    Arc::make_mut(histogram).reset = if follows { ResetHint::NoReset } else { ResetHint::Unknown };
}

/// A classic histogram at one instant.
#[derive(Debug, Default)]
struct Classic {
    /// Upper bounds and the counts up to them.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    born: Millis,
}

/// The classic histograms of a load as histograms with custom buckets.
fn converted(load: &Load) -> Result<Vec<(Labels, Vec<Point>)>, String> {
    let mut all: BTreeMap<Labels, BTreeMap<Millis, Classic>> = BTreeMap::new();
    for line in &load.lines {
        let Some((base, part)) = part_of(&line.labels) else { continue };
        let by_time = all.entry(base).or_default();
        for point in points_of(line, load.interval)? {
            let Some(value) = point.value.float().filter(|_| !point.value.is_stale()) else { continue };
            let classic = by_time.entry(point.at).or_default();
            classic.born = point.born;
            match part {
                Part::Bucket(bound) => classic.buckets.push((bound, value)),
                Part::Count => classic.count = Some(value),
                Part::Sum => classic.sum = value,
            }
        }
    }
    let mut series = Vec::new();
    for (labels, by_time) in all {
        let by_time = by_time.into_iter().filter(|(_, classic)| !classic.buckets.is_empty());
        let points = by_time.map(|(at, classic)| classic.point(at).map_err(|reason| format!("{labels}: {reason}")));
        series.push((labels.clone(), points.collect::<Result<_, _>>()?));
    }
    Ok(series)
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

/// The classic histogram that a series belongs to, and as what.
fn part_of(labels: &Labels) -> Option<(Labels, Part)> {
    let name = labels.name();
    let base = |name: &str| labels.without("le").with(METRIC_NAME, name);
    if let Some(name) = name.strip_suffix("_bucket") {
        let bound = notation::number(labels.get("le")).filter(|(bound, rest)| rest.is_empty() && !bound.is_nan())?.0;
        return Some((base(name), Part::Bucket(bound)));
    }
    let (name, part) = name
        .strip_suffix("_count")
        .map(|name| (name, Part::Count))
        .or(name.strip_suffix("_sum").map(|name| (name, Part::Sum)))?;
    Some((base(name), part))
}

impl Classic {
    fn point(mut self, at: Millis) -> Result<Point, String> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = self.buckets.last().map_or(0.0, |bucket| bucket.1);
        let count = self.count.unwrap_or(last);
        if self.buckets.last().is_none_or(|bucket| bucket.0.is_finite()) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut below = 0.0;
        let mut positive = Vec::with_capacity(self.buckets.len());
        for (index, (_, cumulative)) in (0i32..).zip(&self.buckets) {
            if *cumulative < below {
                return Err("the counts of a classic histogram fall".to_owned());
            }
            positive.push((index, cumulative - below));
            below = *cumulative;
        }
        let bounds = self.buckets.iter().map(|bucket| bucket.0).filter(|bound| bound.is_finite()).collect();
        let histogram =
            Histogram { schema: CUSTOM_BUCKETS, count, sum: self.sum, positive, bounds, ..Histogram::default() }
                .compacted();
        Ok(Point { at, born: self.born, value: Value::Histogram(Arc::new(histogram)) })
    }
}
