//! Lines and curves through the samples of a window: `deriv`, `predict_linear`, `double_exponential_smoothing`,
//! `integral`.

use super::float;
use super::kahan::Kahan;
use super::notes::Notes;
use super::when::SECOND;
use super::window::{Sample, View};
use crate::{Error, Millis, Value};

/// The numbers of a window when there are at least two.
fn at_least_two<'a>(view: &View<'a>, notes: &Notes) -> Option<&'a [Sample<f64>]> {
    let samples = super::over_time::numbers_only(view, notes)?;
    if samples.len() < 2 { None } else { Some(samples) }
}

/// A line: its slope a second, and its value at an instant.
struct Line {
    slope: f64,
    value: f64,
}

/// The line with the least squares of distances to the samples.
fn line(samples: &[Sample<f64>], at: Millis) -> Line {
    let first = samples.first().map_or(f64::NAN, |sample| sample.value);
    if samples.iter().all(|sample| sample.value == first) {
        let (slope, value) = if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
        return Line { slope, value };
    }
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) =
        (Kahan::default(), Kahan::default(), Kahan::default(), Kahan::default());
    for sample in samples {
        let x = sample.at.saturating_sub(at) as f64 / SECOND;
        x_sum = x_sum.plus(x);
        y_sum = y_sum.plus(sample.value);
        xy_sum = xy_sum.plus(x * sample.value);
        xx_sum = xx_sum.plus(x * x);
    }
    let count = samples.len() as f64;
    let whole = |sum: Kahan| sum.sum + sum.lost;
    let (x, y, xy, xx) = (whole(x_sum), whole(y_sum), whole(xy_sum), whole(xx_sum));
    let slope = (xy - x * y / count) / (xx - x * x / count);
    Line { slope, value: y / count - slope * x / count }
}

/// `deriv`: the slope of the line through the samples.
pub(super) fn slope(view: &View<'_>, notes: &Notes) -> Option<Value> {
    let samples = at_least_two(view, notes)?;
    float(line(samples, samples.first()?.at).slope)
}

/// `predict_linear`: where the line will be after so many seconds.
pub(super) fn predicted(view: &View<'_>, seconds: f64, notes: &Notes) -> Option<Value> {
    let line = line(at_least_two(view, notes)?, view.at);
    float(line.slope * seconds + line.value)
}

/// `double_exponential_smoothing`: a value and a trend, each kept as a weighted mean of old and new.
pub(super) fn smoothed(view: &View<'_>, factor: f64, trend: f64, notes: &Notes) -> Result<Option<Value>, Error> {
    for (name, value) in [("smoothing", factor), ("trend", trend)] {
        if value <= 0.0 || value >= 1.0 {
            let sign = if name == "smoothing" { "sf" } else { "tf" };
            let text = format!("invalid {name} factor. Expected: 0 < {sign} < 1, got: {value:.6}");
            return Err(Error::Evaluation(text));
        }
    }
    let Some([first, second, rest @ ..]) = at_least_two(view, notes) else { return Ok(None) };
    let mut slope = second.value - first.value;
    let mut before = first.value;
    let mut now = factor * second.value + (1.0 - factor) * (before + slope);
    for sample in rest {
        slope = trend * (now - before) + (1.0 - trend) * slope;
        (before, now) = (now, factor * sample.value + (1.0 - factor) * (now + slope));
    }
    Ok(float(now))
}

/// `integral`: the area under the samples, in seconds. `strategy` says how high it is between two of them: as the first
/// (0), as the second (1), or as their mean (2).
pub(super) fn integral(view: &View<'_>, strategy: f64, notes: &Notes) -> Result<Option<Value>, Error> {
    let share = match strategy {
        0.0 => 0.0,
        1.0 => 1.0,
        2.0 => 0.5,
        _ => return Err(Error::Evaluation(format!("invalid integral strategy {strategy}: it must be 0, 1 or 2"))),
    };
    let Some(samples) = at_least_two(view, notes) else { return Ok(None) };
    let areas = samples.iter().zip(samples.iter().skip(1)).map(|(a, b)| {
        let height = a.value * (1.0 - share) + b.value * share;
        height * (b.at.saturating_sub(a.at) as f64 / SECOND)
    });
    Ok(float(areas.fold(Kahan::default(), Kahan::plus).total()))
}
