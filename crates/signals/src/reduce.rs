//! From windows of samples to looks: one number for each rule and series. Judges nothing.

use kernel::book::{Reduce, Rule};
use kernel::port::SampleSource;
use kernel::sample::Window;
use kernel::{Book, Timestamp};

use crate::command::Look;

/// What every rule of the watchbook sees now, in order of rule and series.
#[must_use]
pub fn looks(book: &Book, source: &dyn SampleSource, now: Timestamp) -> Vec<Look> {
    let mut looks = Vec::new();
    for (name, rule) in &book.rules {
        let windows = source.windows(&rule.metric, &rule.matchers, rule.window.before(now), now);
        looks.extend(windows.into_iter().map(|window| {
            let value = reduce(&window, rule);
            Look { rule: name.clone(), series: window.series, value }
        }));
    }
    looks
}

/// A window as one number, as the rule asks; `None` when it holds no number, or for a rate fewer than two.
#[must_use]
pub fn reduce(window: &Window, rule: &Rule) -> Option<f64> {
    let numbers = || window.points.iter().map(|(_, value)| *value).filter(|value| !value.is_nan());
    match rule.reduce {
        // A newest value that is no number says that nothing is known now; an older one must not stand in for it.
        Reduce::Last => window.points.last().map(|(_, value)| *value).filter(|value| !value.is_nan()),
        Reduce::Mean => mean(numbers()),
        Reduce::Min => numbers().reduce(f64::min),
        Reduce::Max => numbers().reduce(f64::max),
        Reduce::Rate => rate(&window.points),
    }
}

fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = numbers.fold((0_u32, 0.0), |(count, sum), value| (count.saturating_add(1), sum + value));
    let mean = sum / f64::from(count);
    (count > 0 && !mean.is_nan()).then_some(mean)
}

/// The increase per second between the first and the last number; a fall counts as a restart from zero.
fn rate(points: &[(Timestamp, f64)]) -> Option<f64> {
    let mut numbers = points.iter().filter(|(_, value)| !value.is_nan());
    let (start, mut previous) = *numbers.next()?;
    let (mut end, mut increase) = (start, 0.0);
    for &(at, value) in numbers {
        increase += if value < previous { value } else { value - previous };
        (end, previous) = (at, value);
    }
    let seconds = end.duration_since(start).as_secs_f64();
    let rate = increase / seconds;
    (seconds > 0.0 && !rate.is_nan()).then_some(rate)
}
