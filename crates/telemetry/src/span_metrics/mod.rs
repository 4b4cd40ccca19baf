//! Series made of spans, so that every rule and query can use traces: how many calls, how many failed, how long they took,
//! and which service calls which.
//!
//! ```text
//!  spans -> Batch: counted by name, before they are kept
//!             | once they are kept
//!             v
//!          running counts -- every ten seconds --> samples of every series
//! ```
//!
//! Names and labels are those of the OpenTelemetry Collector's connectors `spanmetrics` and `servicegraph`:
//!
//! | series | labels |
//! |---|---|
//! | `traces_span_metrics_calls_total` | `service_name`, `span_name`, `span_kind`, `status_code` |
//! | `traces_span_metrics_duration_seconds_bucket`, `_sum`, `_count` | the same, and `le` |
//! | `traces_service_graph_request_total`, `traces_service_graph_request_failed_total` | `client`, `server` |
//! | `traces_service_graph_unpaired_spans_total`, `traces_service_graph_dropped_spans_total` | none |
//!
//! A span counts when it comes, whatever its own time. A series begins with a zero at the beat before, so that its first
//! calls are a rise. Everything is bounded: what is over [`CALLS_MAX`] or [`EDGES_MAX`] counts in one series with the label
//! `otel_metric_overflow="true"`, and what nobody calls for [`FORGOTTEN_AFTER`] ends and makes room.

mod calls;
mod edges;
#[cfg(test)]
mod tests;

use hashbrown::HashMap;
use kernel::sample::{METRIC_NAME, Sample};
use kernel::{Labels, Seconds, Span, Timestamp, time};
use parking_lot::Mutex;
use promql::STALE_BITS;

use calls::{Call, CallRef, Calls};
use edges::{Edge, Half, Pairs};

/// How often the samples are due.
pub const SAMPLE_EVERY: Seconds = Seconds(10);
/// The most kinds of call that are counted apart; each has 19 series.
pub const CALLS_MAX: usize = 2_000;
/// The most pairs of services that are counted apart.
pub const EDGES_MAX: usize = 2_000;
/// How long a series goes on after the last span of its own.
pub const FORGOTTEN_AFTER: Seconds = Seconds::hours(1);
/// The longest name in a label, in bytes; longer ones are cut.
pub const NAME_BYTES_MAX: usize = 256;

/// What stands in the place of labels when there are too many kinds.
const OVERFLOW: (&str, &str) = ("otel_metric_overflow", "true");

/// The running counts of all spans since the start. One for all doors.
#[derive(Debug)]
pub struct SpanMetrics(Mutex<Counts>);

/// What some spans count for, to be added once they are kept.
#[derive(Debug, Default)]
pub struct Batch {
    calls: HashMap<Call, Calls>,
    halves: Vec<Half>,
}

#[derive(Debug)]
struct Counts {
    calls: Meters<Call, Calls>,
    edges: Meters<Edge, edges::Requests>,
    pairs: Pairs,
    strays: Meters<(), edges::Strays>,
    /// When samples were last taken; at first, when counting began.
    sampled: Timestamp,
}

/// Something of which there are series.
trait Count: Default {
    /// The series' values, in the order of [`Named::series`].
    fn values(&self) -> Vec<f64>;
    /// Adds other counts of the same.
    fn add(&mut self, other: &Self);
}

/// What names series.
trait Named: Clone + Eq + std::hash::Hash {
    /// The series; those of what is over the limit when there is no name.
    fn series(of: Option<&Self>) -> Vec<Labels>;
}

/// Counts by name, bounded.
#[derive(Debug)]
struct Meters<K, C> {
    limit: usize,
    of: HashMap<K, Meter<C>>,
    overflow: Option<Meter<C>>,
}

#[derive(Debug)]
struct Meter<C> {
    series: Vec<Labels>,
    counts: C,
    /// When something was last counted.
    heard: Timestamp,
    /// Whether samples of it were taken.
    told: bool,
}

impl Batch {
    /// Counts spans.
    #[must_use]
    pub fn of(spans: &[Span]) -> Self {
        let mut batch = Self::default();
        spans.iter().for_each(|span| batch.note(span));
        batch
    }

    fn note(&mut self, span: &Span) {
        let call = CallRef::of(span);
        // Most spans of a batch are of few kinds: a name is copied for the first of each only.
        match self.calls.get_mut(&call) {
            Some(known) => known.note(span),
            None => self.calls.entry(Call::from(&call)).or_default().note(span),
        }
        self.halves.extend(Half::of(span));
    }
}

impl SpanMetrics {
    /// Begins to count.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Counts {
            calls: Meters::new(CALLS_MAX),
            edges: Meters::new(EDGES_MAX),
            pairs: Pairs::default(),
            strays: Meters::new(1),
            sampled: now,
        }))
    }

    /// Adds what some spans count for.
    pub fn add(&self, batch: Batch, now: Timestamp) {
        let mut counts = self.0.lock();
        let Counts { calls, edges, pairs, strays, .. } = &mut *counts;
        batch.calls.iter().for_each(|(call, more)| calls.add(call, more, now));
        for half in batch.halves {
            if let Some((edge, failed)) = pairs.take(half, now) {
                edges.add(&edge, &edges::Requests::one(failed), now);
            }
        }
        let more = pairs.strays(now);
        if more != edges::Strays::default() {
            strays.add(&(), &more, now);
        }
    }

    /// The samples of all series when they are due, at most once in [`SAMPLE_EVERY`].
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Vec<Sample>> {
        let mut counts = self.0.lock();
        let before = counts.sampled;
        if time::between(before, now) < SAMPLE_EVERY {
            return None;
        }
        counts.sampled = now;
        let mut samples = Vec::new();
        counts.calls.sample(before, now, &mut samples);
        counts.edges.sample(before, now, &mut samples);
        counts.strays.sample(before, now, &mut samples);
        Some(samples)
    }
}

impl<K: Named, C: Count> Meters<K, C> {
    fn new(limit: usize) -> Self {
        Self { limit, of: HashMap::new(), overflow: None }
    }

    fn add(&mut self, key: &K, more: &C, now: Timestamp) {
        let has_room = self.of.len() < self.limit;
        let meter = match self.of.get_mut(key) {
            Some(known) => known,
            None if has_room => self.of.entry(key.clone()).or_insert_with(|| Meter::new(K::series(Some(key)), now)),
            None => self.overflow.get_or_insert_with(|| Meter::new(K::series(None), now)),
        };
        meter.counts.add(more);
        meter.heard = now;
    }

    /// Writes a sample of each series, a zero before the first, and a marker of the end after the last.
    fn sample(&mut self, before: Timestamp, now: Timestamp, samples: &mut Vec<Sample>) {
        let over = |meter: &Meter<C>| time::between(meter.heard, now) >= FORGOTTEN_AFTER;
        for meter in self.of.values_mut().chain(&mut self.overflow) {
            if over(meter) {
                meter.write(now, samples, |_| f64::from_bits(STALE_BITS));
                continue;
            }
            if !meter.told {
                meter.write(before, samples, |_| 0.0);
                meter.told = true;
            }
            meter.write(now, samples, |value| value);
        }
        self.of.retain(|_, meter| !over(meter));
        self.overflow = self.overflow.take().filter(|meter| !over(meter));
    }
}

impl<C: Count> Meter<C> {
    fn new(series: Vec<Labels>, now: Timestamp) -> Self {
        Self { series, counts: C::default(), heard: now, told: false }
    }

    fn write(&self, at: Timestamp, samples: &mut Vec<Sample>, value: impl Fn(f64) -> f64) {
        let values = self.counts.values();
        let sample = |(series, counted): (&Labels, f64)| Sample { series: series.clone(), at, value: value(counted) };
        samples.extend(self.series.iter().zip(values).map(sample));
    }
}

/// The labels of a series; a name without a value is left out. What is said here is within the limits of labels.
fn labels<'a>(metric: &'a str, pairs: &[(&'a str, &'a str)]) -> Labels {
    let named = pairs.iter().filter(|(_, value)| !value.is_empty()).copied();
    Labels::from_pairs(named.chain([(METRIC_NAME, metric)])).unwrap_or_default()
}

/// A name that is no longer than one may be.
fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or(name)
}
