//! Samples as the rooms know them: a way in for what does not come series by series, and the windows that rules look at.

use kernel::Labels;
use kernel::matcher::{Comparison, Matcher};
use kernel::port::SampleSource;
use kernel::sample::{METRIC_NAME, Sample, Window};
use promql::ast::{self, Test};
use promql::{Millis, Series, SeriesSource, Wanted};

use super::codec::bytes::{put_number, put_text};
use super::store::Store;
use super::{Appended, Failure};

/// How keys of this way in begin; no other way in begins its keys so.
const MARK: u8 = 0xff;

impl Store {
    /// Takes samples in; see [`Appender::finish`](super::Appender::finish).
    ///
    /// # Errors
    /// When the log could not be written.
    pub fn push(&self, samples: &[Sample], now: kernel::Timestamp) -> Result<Appended, Failure> {
        let mut appender = self.appender(now.as_millisecond())?;
        let mut key = Vec::new();
        for sample in samples {
            key_of(sample, &mut key);
            appender.series(&key, || Ok::<_, std::convert::Infallible>(sample.series.iter().collect()));
            appender.float(sample.at.as_millisecond(), 0, sample.value);
        }
        appender.finish()
    }
}

impl SampleSource for Store {
    /// Numbers only; stale markers are left out. A query that is refused gives nothing, and is told as a trouble.
    fn windows(
        &self,
        metric: &str,
        matchers: &[Matcher],
        from: kernel::Timestamp,
        to: kernel::Timestamp,
    ) -> Vec<Window> {
        let named = ast::Matcher { name: METRIC_NAME.to_owned(), test: Test::Is(metric.to_owned()) };
        let equal = matchers.iter().filter(|matcher| matcher.comparison() == Comparison::Equal);
        let equal = equal.map(|m| ast::Matcher { name: m.name().to_owned(), test: Test::Is(m.value().to_owned()) });
        let wanted: Vec<_> = equal.chain([named]).collect();
        let wanted = Wanted { matchers: &wanted, after: from.as_millisecond(), until: to.as_millisecond() };
        match self.select(wanted) {
            Ok(found) => {
                let mut windows: Vec<_> = found.into_iter().filter_map(|series| window(&series, matchers)).collect();
                windows.sort_by(|a, b| a.series.cmp(&b.series));
                windows
            }
            Err(failure) => {
                self.0.tell(failure.to_string());
                Vec::new()
            }
        }
    }
}

/// A series as the rooms know it, where it meets all conditions and has numbers.
fn window(series: &Series, matchers: &[Matcher]) -> Option<Window> {
    let labels = &series.labels;
    if !matchers.iter().all(|matcher| matcher.accepts(labels.get(matcher.name()))) {
        return None;
    }
    let numbers = series.points.iter().filter(|point| !point.value.is_stale());
    let points: Vec<_> = numbers.filter_map(|point| Some((instant(point.at), point.value.float()?))).collect();
    if points.is_empty() {
        return None;
    }
    Some(Window { series: Labels::from_pairs(labels.iter()).ok()?, points })
}

fn key_of(sample: &Sample, key: &mut Vec<u8>) {
    key.clear();
    key.push(MARK);
    put_number(key, sample.series.len() as u64);
    for (name, value) in sample.series.iter() {
        put_text(key, name);
        put_text(key, value);
    }
}

/// An instant as the rooms know it.
#[must_use]
pub fn instant(at: Millis) -> kernel::Timestamp {
    let last = if at < 0 { kernel::Timestamp::MIN } else { kernel::Timestamp::MAX };
    kernel::Timestamp::from_millisecond(at).unwrap_or(last)
}
