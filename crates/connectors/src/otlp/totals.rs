//! Delta temporality: what a sender adds with each point is added up, so that only ever-growing series go further.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::sample::Sample;
use kernel::{Labels, Seconds, Timestamp, time};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use promql::{Histogram, Millis, Point, Value};

use super::{DecodeError, Decoded, Encoding, Plain, exponential, request, translate};

/// The most series whose deltas are added up.
pub const DELTA_SERIES_MAX: usize = 50_000;
/// The most native histograms whose deltas are added up: each may have [`super::NATIVE_BUCKETS_MAX`] buckets.
pub const DELTA_HISTOGRAMS_MAX: usize = 10_000;
/// For how long a total is remembered after its last point; then the series begins from zero, as after a restart.
pub const TOTALS_KEPT_FOR: Seconds = Seconds::minutes(15);

const NOT_LATER: &str = "with delta temporality and a time not after the last one";
const TOO_MANY: &str = "over the limit of series with delta temporality";

/// Running totals of all series that come as deltas; one for all requests.
#[derive(Debug, Default)]
pub struct Totals(Mutex<Sums>);

/// The totals by series.
#[derive(Debug, Default)]
pub(super) struct Sums {
    series: BTreeMap<Labels, Sum>,
    natives: BTreeMap<promql::Labels, Native>,
    swept: Option<Timestamp>,
}

#[derive(Debug)]
struct Sum {
    value: f64,
    /// The time of the last point.
    at: Timestamp,
    /// When it came in.
    heard: Timestamp,
}

#[derive(Debug)]
struct Native {
    /// Nothing yet, where only "no value now" came.
    total: Option<Arc<Histogram>>,
    born: Millis,
    at: Millis,
    heard: Timestamp,
}

impl Totals {
    /// Reads a body like [`super::decode`], and adds up what has delta temporality.
    ///
    /// # Errors
    /// When the body as a whole cannot be read; a single bad point is rejected instead.
    pub fn decode(&self, body: &[u8], encoding: Encoding, received: Timestamp) -> Result<Decoded, DecodeError> {
        request(body, encoding).map(|request| self.translate(request, received))
    }

    /// What stands in a body beside its plain numbers, as [`Totals::decode`] reads it; and how many of those were rejected.
    #[must_use]
    pub fn beside(&self, plain: Plain<'_>, received: Timestamp) -> Decoded {
        let (request, elsewhere, rejected) = plain.into_others();
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        translate::beside(request, (elsewhere, rejected), received, Some(&mut sums))
    }

    /// The samples of a request that was read already, such as one by gRPC; what has delta temporality is added up.
    #[must_use]
    pub fn translate(&self, request: ExportMetricsServiceRequest, received: Timestamp) -> Decoded {
        // Each point is added whole or not at all, so sums that a panicking thread left behind are still right.
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        translate::request(request, received, Some(&mut sums))
    }
}

impl Sums {
    /// Turns the samples of one point from what was added into what there is in total.
    pub(super) fn add_up(&mut self, samples: &mut [Sample], received: Timestamp) -> Result<(), &'static str> {
        self.sweep(received);
        let known = samples.iter().filter_map(|sample| self.series.get(&sample.series).map(|sum| (sum.at, sample.at)));
        let (count, is_later) = known.fold((0, true), |(count, later), (last, at)| (count + 1, later && at > last));
        if !is_later {
            return Err(NOT_LATER);
        }
        if self.series.len() + samples.len() - count > DELTA_SERIES_MAX {
            return Err(TOO_MANY);
        }
        for sample in samples {
            let fresh = Sum { value: 0.0, at: sample.at, heard: received };
            let sum = self.series.entry(sample.series.clone()).or_insert(fresh);
            (sum.at, sum.heard) = (sample.at, received);
            // No number says "nothing is known now"; it adds nothing.
            if !sample.value.is_nan() {
                sum.value += sample.value;
                sample.value = sum.value;
            }
        }
        Ok(())
    }

    /// Turns a native histogram from what was added into what there is in total.
    pub(super) fn add_up_native(
        &mut self,
        series: &promql::Labels,
        point: &mut Point,
        received: Timestamp,
    ) -> Result<(), &'static str> {
        self.sweep(received);
        let at = point.at;
        let (mut total, born) = match self.natives.get(series) {
            Some(known) if at <= known.at => return Err(NOT_LATER),
            Some(known) => (known.total.clone(), known.born),
            None if self.natives.len() >= DELTA_HISTOGRAMS_MAX => return Err(TOO_MANY),
            None => (None, exponential::born_of(point)),
        };
        if let Value::Histogram(more) = &point.value {
            let sum = Arc::new(exponential::added(total.as_deref(), more));
            point.value = Value::Histogram(Arc::clone(&sum));
            total = Some(sum);
        }
        point.born = born;
        self.natives.insert(series.clone(), Native { total, born, at, heard: received });
        Ok(())
    }

    /// Forgets series that are no longer sent, at most once in a while.
    fn sweep(&mut self, now: Timestamp) {
        if self.swept.is_none_or(|swept| time::between(swept, now) >= TOTALS_KEPT_FOR) {
            self.series.retain(|_, sum| time::between(sum.heard, now) < TOTALS_KEPT_FOR);
            self.natives.retain(|_, native| time::between(native.heard, now) < TOTALS_KEPT_FOR);
            self.swept = Some(now);
        }
    }
}
