//! Calls: how many there were of each kind, and how long they took.

use hashbrown::Equivalent;
use kernel::{Labels, Span};

use super::{Count, Named, OVERFLOW, cut, labels};

/// The upper bounds of the buckets of durations, in seconds; those of the Collector's connector.
pub(super) const BOUNDS: [f64; 16] =
    [0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0];
/// The kinds of span by OpenTelemetry's number.
const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
/// The statuses of a span by OpenTelemetry's number.
const STATUSES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
const SECOND: f64 = 1e9;

/// A kind of call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Call {
    service: String,
    name: String,
    kind: u8,
    status: u8,
}

/// The same, as a span says it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CallRef<'a> {
    service: &'a str,
    name: &'a str,
    kind: u8,
    status: u8,
}

impl<'a> CallRef<'a> {
    pub(super) fn of(span: &'a Span) -> Self {
        let (service, name) = (cut(span.origin.service()), cut(&span.name));
        Self { service, name, kind: span.kind, status: span.status }
    }
}

impl From<&CallRef<'_>> for Call {
    fn from(call: &CallRef<'_>) -> Self {
        Self { service: call.service.to_owned(), name: call.name.to_owned(), kind: call.kind, status: call.status }
    }
}

impl Equivalent<Call> for CallRef<'_> {
    fn equivalent(&self, call: &Call) -> bool {
        *self == CallRef { service: &call.service, name: &call.name, kind: call.kind, status: call.status }
    }
}

impl Named for Call {
    fn series(of: Option<&Self>) -> Vec<Labels> {
        let word = |words: &[&'static str], number: u8| words.get(usize::from(number)).copied().unwrap_or("");
        let named = of.map(|call| {
            [
                ("service_name", &*call.service),
                ("span_name", &*call.name),
                ("span_kind", word(&KINDS, call.kind)),
                ("status_code", word(&STATUSES, call.status)),
            ]
        });
        let pairs = named.as_ref().map_or(&[OVERFLOW][..], |named| &named[..]);
        let whole = ["calls_total", "duration_seconds_count", "duration_seconds_sum"];
        let whole = whole.map(|what| labels(&format!("traces_span_metrics_{what}"), pairs));
        let uppers = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let bucket = |upper: String| {
            let pairs: Vec<_> = pairs.iter().copied().chain([("le", &*upper)]).collect();
            labels("traces_span_metrics_duration_seconds_bucket", &pairs)
        };
        whole.into_iter().chain(uppers.map(bucket)).collect()
    }
}

/// The counts of one kind of call.
#[derive(Debug, Default)]
pub(super) struct Calls {
    count: u64,
    seconds: f64,
    /// How many took longer than the bound before and no longer than this one.
    within: [u64; BOUNDS.len()],
}

impl Calls {
    /// Counts a span.
    pub(super) fn note(&mut self, span: &Span) {
        let seconds = span.duration() as f64 / SECOND;
        self.count += 1;
        self.seconds += seconds;
        if let Some(within) = self.within.get_mut(BOUNDS.partition_point(|bound| *bound < seconds)) {
            *within += 1;
        }
    }
}

impl Count for Calls {
    fn values(&self) -> Vec<f64> {
        let count = self.count as f64;
        let mut below = 0;
        let buckets = self.within.iter().map(|within| {
            below += within;
            below as f64
        });
        [count, count, self.seconds].into_iter().chain(buckets).chain([count]).collect()
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.seconds += other.seconds;
        self.within.iter_mut().zip(other.within).for_each(|(mine, more)| *mine += more);
    }
}
