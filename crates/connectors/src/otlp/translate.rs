//! From OTLP's message to samples. A point becomes all of its samples, or it is rejected as one.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::sample::{METRIC_NAME, Sample};
use kernel::{Labels, Timestamp};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint, number_data_point,
};

use super::names::{self, Kind};
use super::totals::Sums;
use super::{Decoded, LABELS_BYTES_PER_REQUEST_MAX, SAMPLES_PER_REQUEST_MAX, SERIES_BYTES_MAX, exponential};

/// The flag of a point that says "there is no value now".
pub(super) const NO_RECORDED_VALUE: u32 = 1;
/// Attributes of the resource that are no labels: they say nothing about what is measured, or change with every start.
const NOT_LABELS: [&str; 4] = ["telemetry.", "process.", "os.", "service.version"];

const NO_VALUE: &str = "without a value";
const NO_DATA: &str = "of a metric without data";
const NO_NAME: &str = "of a metric without a name";
const NO_INSTANT: &str = "with a time that is no instant";
const DELTA: &str = "with delta temporality, which is not added up here";
const BUCKETS: &str = "whose buckets do not fit their bounds";
const LABELS: &str = "whose attributes pass the limits of labels";
const TOO_MANY: &str = "over the limit of samples in a request";
const TOO_WIDE: &str = "over the limit of bytes of labels in a request";
const UNSPECIFIED: &str = "without an aggregation temporality, cumulative or delta";

pub(super) type Pairs = BTreeMap<String, String>;

/// Everything a request holds. Deltas are added to `sums`, or rejected where there are none.
pub(super) fn request(request: ExportMetricsServiceRequest, received: Timestamp, sums: Option<&mut Sums>) -> Decoded {
    beside(request, (0, BTreeMap::new()), received, sums)
}

/// The same for what stands in one body with so many samples that were read elsewhere, and with what was rejected of them.
pub(super) fn beside(
    request: ExportMetricsServiceRequest,
    (elsewhere, rejected): (usize, BTreeMap<&'static str, u64>),
    received: Timestamp,
    sums: Option<&mut Sums>,
) -> Decoded {
    let mut sink = Sink { received, sums, is_delta: false, bytes: 0, elsewhere, kept: Decoded::default(), rejected };
    for resource in request.resource_metrics {
        let base = resource.resource.map(|resource| resource_labels(&resource.attributes)).unwrap_or_default();
        let wide = is_wide(&base);
        for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            if wide { sink.reject(LABELS, points(&metric)) } else { sink.metric(&base, metric) }
        }
    }
    sink.finish()
}

struct Sink<'a> {
    received: Timestamp,
    sums: Option<&'a mut Sums>,
    /// Whether the metric at hand tells what was added since its last point.
    is_delta: bool,
    /// How many bytes the labels have so far.
    bytes: usize,
    /// How many samples of the same body were read elsewhere.
    elsewhere: usize,
    kept: Decoded,
    rejected: BTreeMap<&'static str, u64>,
}

/// One point on its way to samples: its labels without the metric's name, and its instant.
struct Point {
    labels: Pairs,
    at: Timestamp,
}

impl Sink<'_> {
    fn finish(self) -> Decoded {
        let rejected = self.rejected.values().sum();
        let reasons = self.rejected.iter().map(|(reason, count)| format!("{count} data points {reason}"));
        Decoded { rejected, reason: reasons.collect::<Vec<_>>().join(", "), ..self.kept }
    }

    fn reject(&mut self, reason: &'static str, count: usize) {
        if count > 0 {
            *self.rejected.entry(reason).or_default() += count as u64;
        }
    }

    fn metric(&mut self, base: &Pairs, metric: Metric) {
        let count = points(&metric);
        if metric.name.is_empty() {
            return self.reject(NO_NAME, count);
        }
        let Ok(is_delta) = is_delta(&metric) else { return self.reject(UNSPECIFIED, count) };
        self.is_delta = is_delta;
        let name = |kind| names::metric(&metric.name, &metric.unit, kind);
        match metric.data {
            None => self.reject(NO_DATA, count),
            Some(Data::Gauge(gauge)) => self.each(gauge.data_points, base, &name(Kind::Gauge), number),
            Some(Data::Sum(sum)) => {
                let kind = if sum.is_monotonic { Kind::Counter } else { Kind::Gauge };
                self.each(sum.data_points, base, &name(kind), number);
            }
            Some(Data::Histogram(h)) => self.each(h.data_points, base, &name(Kind::Distribution), histogram),
            Some(Data::ExponentialHistogram(h)) => self.natives(h.data_points, base, &name(Kind::Distribution)),
            Some(Data::Summary(summary)) => self.each(summary.data_points, base, &name(Kind::Distribution), quantiles),
        }
    }

    fn each<P: DataPoint>(&mut self, points: Vec<P>, base: &Pairs, name: &str, form: impl Fn(&P) -> Form) {
        for point in points {
            if let Err(reason) = self.point(&point, base, name, &form) {
                self.reject(reason, 1);
            }
        }
    }

    fn point<P: DataPoint>(
        &mut self,
        data: &P,
        base: &Pairs,
        name: &str,
        form: impl Fn(&P) -> Form,
    ) -> Result<(), &'static str> {
        let values = form(data)?;
        self.has_room(values.len())?;
        let labels = labels(base, data);
        let bytes = values.len() * (bytes(&labels) + name.len());
        if self.bytes + bytes > LABELS_BYTES_PER_REQUEST_MAX {
            return Err(TOO_WIDE);
        }
        let point = Point { labels, at: self.instant(data.time())? };
        let samples: Result<Vec<Sample>, &'static str> =
            values.into_iter().map(|(suffix, extra, value)| point.sample(name, suffix, extra, value)).collect();
        let mut samples = samples?;
        if self.is_delta {
            self.sums.as_mut().ok_or(DELTA)?.add_up(&mut samples, self.received)?;
        }
        self.kept.samples.extend(samples);
        self.bytes += bytes;
        Ok(())
    }

    fn natives(&mut self, points: Vec<ExponentialHistogramDataPoint>, base: &Pairs, name: &str) {
        for point in points {
            if let Err(reason) = self.native(&point, base, name) {
                self.reject(reason, 1);
            }
        }
    }

    /// An exponential histogram is one sample of the series that has the metric's own name.
    fn native(&mut self, data: &ExponentialHistogramDataPoint, base: &Pairs, name: &str) -> Result<(), &'static str> {
        let point = Point { labels: labels(base, data), at: self.instant(data.time())? };
        let born = if data.start_time_unix_nano == 0 { None } else { Some(self.instant(data.start_time_unix_nano)?) };
        let series = promql::Labels::from_pairs(point.series(name, None)?.iter());
        let mut native = exponential::native(data, point.at, born)?;
        self.has_room(1)?;
        self.bytes += bytes(&point.labels) + name.len();
        if self.bytes > LABELS_BYTES_PER_REQUEST_MAX {
            return Err(TOO_WIDE);
        }
        if self.is_delta {
            self.sums.as_mut().ok_or(DELTA)?.add_up_native(&series, &mut native, self.received)?;
        }
        self.kept.histograms.push((series, native));
        Ok(())
    }

    fn has_room(&self, more: usize) -> Result<(), &'static str> {
        let had = self.elsewhere + self.kept.samples.len() + self.kept.histograms.len();
        let full = had + more > SAMPLES_PER_REQUEST_MAX;
        if full { Err(TOO_MANY) } else { Ok(()) }
    }

    fn instant(&self, nanoseconds: u64) -> Result<Timestamp, &'static str> {
        if nanoseconds == 0 {
            return Ok(self.received);
        }
        Timestamp::from_nanosecond(i128::from(nanoseconds)).map_err(|_| NO_INSTANT)
    }
}

/// The labels of a number's series.
pub(super) fn series_of(base: &Pairs, name: &str, data: &NumberDataPoint) -> Result<Labels, &'static str> {
    Point { labels: labels(base, data), at: Timestamp::UNIX_EPOCH }.series(name, None)
}

/// Whether the labels of a resource alone pass the limit of a series.
pub(super) fn is_wide(base: &Pairs) -> bool {
    bytes(base) > SERIES_BYTES_MAX
}

impl Point {
    fn sample(&self, name: &str, suffix: &str, extra: Extra, value: f64) -> Result<Sample, &'static str> {
        let series = self.series(&format!("{name}{suffix}"), extra)?;
        Ok(Sample { series, at: self.at, value })
    }

    fn series(&self, name: &str, extra: Extra) -> Result<Labels, &'static str> {
        let extra = extra.as_ref().map(|(label, value)| (*label, value.as_str()));
        let taken = |label: &str| label == METRIC_NAME || extra.is_some_and(|(name, _)| name == label);
        let own = self.labels.iter().map(|(label, value)| (label.as_str(), value.as_str()));
        let pairs = own.filter(|(label, _)| !taken(label)).chain([(METRIC_NAME, name)]).chain(extra);
        Labels::from_pairs(pairs).map_err(|_| LABELS)
    }
}

/// What all kinds of point have.
trait DataPoint {
    fn attributes(&self) -> &[KeyValue];
    fn time(&self) -> u64;
}

macro_rules! data_points {
    ($($name:ident)*) => {$(
        impl DataPoint for $name {
            fn attributes(&self) -> &[KeyValue] {
                &self.attributes
            }
            fn time(&self) -> u64 {
                self.time_unix_nano
            }
        }
    )*};
}
data_points!(NumberDataPoint HistogramDataPoint ExponentialHistogramDataPoint SummaryDataPoint);

/// A point's labels without the metric's name: the resource's, and its own, which win.
fn labels(base: &Pairs, data: &impl DataPoint) -> Pairs {
    let mut labels = base.clone();
    labels.extend(attributes(data.attributes()));
    labels
}

/// One more label than the point's own.
type Extra = Option<(&'static str, String)>;
/// The samples of a point: a suffix for the name, one more label, the value.
type Values = Vec<(&'static str, Extra, f64)>;
type Form = Result<Values, &'static str>;

/// A value, or a stale marker where the flags say that there is none.
fn unless_gone(flags: u32, value: f64) -> f64 {
    if flags & NO_RECORDED_VALUE == 0 { value } else { f64::from_bits(promql::STALE_BITS) }
}

fn number(point: &NumberDataPoint) -> Form {
    if point.flags & NO_RECORDED_VALUE != 0 {
        return Ok(vec![("", None, unless_gone(point.flags, 0.0))]);
    }
    match point.value {
        Some(number_data_point::Value::AsDouble(value)) => Ok(vec![("", None, value)]),
        Some(number_data_point::Value::AsInt(value)) => Ok(vec![("", None, value as f64)]),
        None => Err(NO_VALUE),
    }
}

fn histogram(point: &HistogramDataPoint) -> Form {
    let (counts, bounds) = (&point.bucket_counts, &point.explicit_bounds);
    let gone = point.flags & NO_RECORDED_VALUE != 0;
    if !gone && !counts.is_empty() && counts.len() != bounds.len() + 1 {
        return Err(BUCKETS);
    }
    let mut values = totals(point.flags, point.count, point.sum);
    let uppers = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
    let mut below = 0_u64;
    // One that is gone may have no counts, but all of its series end.
    let none = std::iter::repeat_n(&0, if gone { (bounds.len() + 1).saturating_sub(counts.len()) } else { 0 });
    for (count, upper) in counts.iter().chain(none).zip(uppers) {
        below = below.saturating_add(*count);
        values.push(("_bucket", Some(("le", upper)), unless_gone(point.flags, below as f64)));
    }
    Ok(values)
}

fn quantiles(point: &SummaryDataPoint) -> Form {
    let mut values = totals(point.flags, point.count, Some(point.sum));
    let quantile = |q: f64, value| ("", Some(("quantile", q.to_string())), value);
    values.extend(point.quantile_values.iter().map(|at| quantile(at.quantile, unless_gone(point.flags, at.value))));
    Ok(values)
}

fn totals(flags: u32, count: u64, sum: Option<f64>) -> Values {
    let gone = flags & NO_RECORDED_VALUE != 0;
    let sum = if gone { Some(0.0) } else { sum };
    let count = ("_count", None, unless_gone(flags, count as f64));
    std::iter::once(count).chain(sum.map(|sum| ("_sum", None, unless_gone(flags, sum)))).collect()
}

/// How many points a metric has; one without data counts as one.
fn points(metric: &Metric) -> usize {
    match &metric.data {
        None => 1,
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
    }
}

/// Whether each point tells what was added since the one before it.
///
/// # Errors
/// When the metric does not say, which OTLP calls invalid.
fn is_delta(metric: &Metric) -> Result<bool, Unspecified> {
    let temporality = match &metric.data {
        Some(Data::Sum(sum)) => sum.aggregation_temporality,
        Some(Data::Histogram(histogram)) => histogram.aggregation_temporality,
        Some(Data::ExponentialHistogram(histogram)) => histogram.aggregation_temporality,
        Some(Data::Gauge(_) | Data::Summary(_)) | None => return Ok(false),
    };
    match AggregationTemporality::try_from(temporality) {
        Ok(AggregationTemporality::Delta) => Ok(true),
        Ok(AggregationTemporality::Cumulative) => Ok(false),
        Ok(AggregationTemporality::Unspecified) | Err(_) => Err(Unspecified),
    }
}

struct Unspecified;

/// How many bytes labels have.
fn bytes(labels: &Pairs) -> usize {
    labels.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// The labels that a resource gives to its series.
pub(super) fn resource_labels(all: &[KeyValue]) -> Pairs {
    let kept = all.iter().filter(|attribute| !NOT_LABELS.iter().any(|prefix| attribute.key.starts_with(prefix)));
    let mut labels = attributes(kept);
    let namespace = labels.get("service_namespace").cloned();
    if let Some(service) = labels.remove("service_name") {
        let job = namespace.map_or_else(|| service.clone(), |namespace| format!("{namespace}/{service}"));
        labels.insert("job".to_owned(), job);
        labels.insert("service".to_owned(), service);
    }
    if let Some(instance) = labels.remove("service_instance_id") {
        labels.insert("instance".to_owned(), instance);
    }
    labels
}

/// Attributes as labels. Empty values are no labels; values whose keys become the same name are joined by `;`.
fn attributes<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> Pairs {
    let mut labels = Pairs::new();
    for attribute in attributes {
        let value = attribute.value.as_ref().map(text).unwrap_or_default();
        if attribute.key.is_empty() || value.is_empty() {
            continue;
        }
        labels
            .entry(names::label(&attribute.key))
            .and_modify(|joined| *joined = format!("{joined};{value}"))
            .or_insert(value);
    }
    labels
}

/// A value as text: lists and maps as JSON, bytes in base64.
fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(_) => match json(value) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        },
        None => String::new(),
    }
}

fn json(value: &AnyValue) -> serde_json::Value {
    match &value.value {
        None => serde_json::Value::Null,
        Some(Value::StringValue(text)) => text.as_str().into(),
        Some(Value::BoolValue(value)) => (*value).into(),
        Some(Value::IntValue(value)) => (*value).into(),
        Some(Value::DoubleValue(value)) if value.is_finite() => (*value).into(),
        Some(Value::DoubleValue(value)) => value.to_string().into(),
        Some(Value::BytesValue(bytes)) => STANDARD.encode(bytes).into(),
        Some(Value::ArrayValue(array)) => array.values.iter().map(json).collect(),
        Some(Value::KvlistValue(list)) => {
            let pair = |pair: &KeyValue| (pair.key.clone(), pair.value.as_ref().map_or(serde_json::Value::Null, json));
            list.values.iter().map(pair).collect::<serde_json::Map<_, _>>().into()
        }
        Some(_) => serde_json::Value::Null,
    }
}
