//! The metric store as the ruler and the query API use it.

use async_trait::async_trait;
use connectors::sources;
use engine::ruler::{Queries, SeriesStore, Unanswered, Watch};
use kernel::Timestamp;
use kernel::book::source::Source;
use promql::ast::Matcher;
use promql::{Data, Each, Labels, Millis, Point, Series, SeriesSource, SourceFailure, Value, Wanted};
use telemetry::metrics::{Appended, Store};

/// The embedded store.
#[derive(Debug, Clone)]
pub struct Embedded(pub Store);

/// What the keys of samples begin with that are labelled here; see [`telemetry::metrics::Appender::series`].
const MARK: u8 = 0xfe;

impl Embedded {
    /// Appends samples, and says what became of them.
    ///
    /// # Errors
    /// When nothing can be kept now; says why.
    pub fn append(&self, samples: &[(Labels, Point)], now: Timestamp) -> Result<Appended, String> {
        let mut appender = self.0.appender(now.as_millisecond()).map_err(|failure| failure.to_string())?;
        let mut key = Vec::new();
        for (labels, point) in samples {
            write_key(labels, &mut key);
            appender.series(&key, || Ok::<_, std::convert::Infallible>(labels.iter().collect()));
            match &point.value {
                Value::Float(value) => appender.float(point.at, point.born, *value),
                Value::Histogram(histogram) => appender.histogram(point.at, point.born, histogram),
            }
        }
        appender.finish().map_err(|failure| failure.to_string())
    }
}

impl SeriesSource for Embedded {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        self.0.select(wanted)
    }

    fn newest(&self, wanted: Wanted<'_>, each: Each<'_>) -> Result<usize, SourceFailure> {
        self.0.newest(wanted, each)
    }
}

impl SeriesStore for Embedded {
    fn write(&self, samples: Vec<(Labels, Point)>, now: Timestamp) -> Result<(), String> {
        if samples.is_empty() {
            return Ok(());
        }
        let appended = self.append(&samples, now)?;
        match appended.tally.refused_all() {
            0 => Ok(()),
            refused => Err(format!("{refused} of {} samples were refused: {appended}", samples.len())),
        }
    }

    fn watch(&self, matchers: &[Matcher], window: Millis) -> Option<Watch> {
        let standing = self.0.watch_window(matchers, window).ok()?;
        Some(Watch { id: standing.id().0, held: Box::new(standing) })
    }

    fn listen(&self, tell: Box<dyn Fn() + Send + Sync>) {
        self.0.listen(tell);
    }

    fn take_written(&self) -> Vec<u32> {
        let mut written = Vec::new();
        self.0.take_written(&mut written);
        written.into_iter().map(|id| id.0).collect()
    }
}

/// Existing stores, asked over HTTP.
pub struct Elsewhere(pub sources::Asker);

#[async_trait]
impl Queries for Elsewhere {
    async fn ask(&self, source: &Source, query: &str, at: Millis) -> Result<Data, Unanswered> {
        self.0.ask(source, query, at).await.map_err(|why| match why {
            sources::Unanswered::Refused(why) => Unanswered::Refused(why),
            sources::Unanswered::Failed(why) => Unanswered::Failed(why),
        })
    }
}

/// A key that means these labels and no others: each text after its length.
fn write_key(labels: &Labels, key: &mut Vec<u8>) {
    key.clear();
    key.push(MARK);
    for (name, value) in labels.iter() {
        for text in [name, value] {
            key.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use promql::METRIC_NAME;
    use telemetry::metrics::Settings;

    use super::*;

    #[test]
    fn what_the_store_refuses_of_a_rule_is_an_error_and_a_repetition_is_none() {
        let data = tempfile::tempdir().unwrap();
        let store = Embedded(Store::open(data.path(), Settings::default()).unwrap());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let labels = Labels::from_pairs([(METRIC_NAME, "job:up:sum")]);
        let write = |value| store.write(vec![(labels.clone(), Point::float(now.as_millisecond(), value))], now);
        assert_eq!((write(1.0), write(1.0)), (Ok(()), Ok(())));
        let refused = write(2.0).unwrap_err();
        assert!(
            refused.starts_with("1 of 1 samples were refused: 1 with another value at the same instant"),
            "{refused}"
        );
    }
}
