//! The series of a test and what it expects of answers, out of the notation of `promqltest`.

use std::sync::Arc;
use std::time::Duration;

use kernel::book::unit::{InputSeries, Test};
use promql::{CUSTOM_BUCKETS, Histogram, Labels, Millis, Point, ResetHint, Series, Value};

use super::{Failure, SAMPLES_MAX};

/// The series of a test with all their samples.
///
/// # Errors
/// When one is written wrong, or there are too many samples.
pub(super) fn series(test: &Test) -> Result<Vec<Series>, Failure> {
    let mut left = SAMPLES_MAX;
    test.input.iter().map(|input| one(test, input, &mut left)).collect()
}

fn one(test: &Test, input: &InputSeries, left: &mut usize) -> Result<Series, Failure> {
    let wrong = |message: String| Failure { line: input.at.line, message: format!("{}: {message}", input.series) };
    let labels = metric(&input.series).map_err(wrong)?;
    let values = promql::script::sequence(&input.values).map_err(wrong)?;
    *left = left.checked_sub(values.len()).ok_or_else(|| wrong(format!("more than {SAMPLES_MAX} samples")))?;
    let mut points: Vec<Point> = Vec::with_capacity(values.len());
    for (step, sample) in (0..).zip(values) {
        let Some(sample) = sample else { continue };
        let at = at(test, step).ok_or_else(|| wrong("its samples reach beyond the end of time".to_owned()))?;
        let value = settled(points.last(), sample.value);
        points.push(Point { at, born: 0, value });
    }
    Ok(Series { labels, points })
}

/// When a sample is.
fn at(test: &Test, step: Millis) -> Option<Millis> {
    step.checked_mul(millis(test.interval)?)?.checked_add(test.start)
}

fn millis(duration: Duration) -> Option<Millis> {
    Millis::try_from(duration.as_millis()).ok()
}

/// A value as a store gives it back: it knows of a histogram that follows another whether the counter was reset between
/// them, and forgets what was said of the first.
fn settled(before: Option<&Point>, value: Value) -> Value {
    let stale = value.is_stale();
    let Value::Histogram(histogram) = value else { return value };
    if stale || histogram.reset == ResetHint::Gauge {
        return Value::Histogram(histogram);
    }
    let follows = match before.map(|point| &point.value) {
        Some(Value::Histogram(before)) => {
            before.reset != ResetHint::Gauge && same_layout(before, &histogram) && !fell(before, &histogram)
        }
        _ => false,
    };
    let reset = if follows { ResetHint::NoReset } else { ResetHint::Unknown };
    Value::Histogram(Arc::new(Histogram { reset, ..(*histogram).clone() }))
}

fn same_layout(a: &Histogram, b: &Histogram) -> bool {
    let custom = a.schema == CUSTOM_BUCKETS;
    a.schema == b.schema
        && a.zero_threshold.to_bits() == b.zero_threshold.to_bits()
        && (!custom || a.bounds == b.bounds)
}

fn fell(before: &Histogram, now: &Histogram) -> bool {
    let forgotten = Histogram { reset: ResetHint::Unknown, ..now.clone() };
    forgotten.is_reset_after(before)
}

/// A series' name and labels: `up{job="a"}`, `{}`.
///
/// # Errors
/// When it is not written like that.
pub(super) fn metric(text: &str) -> Result<Labels, String> {
    promql::series_name(text.trim()).map_err(|error| error.to_string())
}

/// A single histogram: `{{schema:1 count:3 sum:5 buckets:[1 2]}}`.
///
/// # Errors
/// When it is not one.
pub(super) fn histogram(text: &str) -> Result<Histogram, String> {
    let mut values = promql::script::sequence(text)?;
    match (values.pop(), values.is_empty()) {
        (Some(Some(promql::script::Sample { value: Value::Histogram(histogram), .. })), true) => {
            Ok((*histogram).clone())
        }
        (Some(_), true) => Err(format!("expected a histogram, got {text:?}")),
        (_, _) => Err(format!("expected 1 value, got {text:?}")),
    }
}
