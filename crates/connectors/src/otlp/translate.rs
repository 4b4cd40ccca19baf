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
use super::{Decoded, SAMPLES_PER_REQUEST_MAX, exponential};

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

type Pairs = BTreeMap<String, String>;

/// Everything a request holds. Deltas are added to `sums`, or rejected where there are none.
pub(super) fn request(request: ExportMetricsServiceRequest, received: Timestamp, sums: Option<&mut Sums>) -> Decoded {
    let mut sink = Sink { received, sums, is_delta: false, kept: Decoded::default(), rejected: BTreeMap::new() };
    for resource in request.resource_metrics {
        let base = resource.resource.map(|resource| resource_labels(&resource.attributes)).unwrap_or_default();
        for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            sink.metric(&base, metric);
        }
    }
    sink.finish()
}

struct Sink<'a> {
    received: Timestamp,
    sums: Option<&'a mut Sums>,
    /// Whether the metric at hand tells what was added since its last point.
    is_delta: bool,
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
        self.is_delta = is_delta(&metric);
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
        let point = Point { labels: labels(base, data), at: self.instant(data.time())? };
        let values = form(data)?;
        self.has_room(values.len())?;
        let samples: Result<Vec<Sample>, &'static str> =
            values.into_iter().map(|(suffix, extra, value)| point.sample(name, suffix, extra, value)).collect();
        let mut samples = samples?;
        if self.is_delta {
            self.sums.as_mut().ok_or(DELTA)?.add_up(&mut samples, self.received)?;
        }
        self.kept.samples.extend(samples);
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
        if self.is_delta {
            self.sums.as_mut().ok_or(DELTA)?.add_up_native(&series, &mut native, self.received)?;
        }
        self.kept.histograms.push((series, native));
        Ok(())
    }

    fn has_room(&self, more: usize) -> Result<(), &'static str> {
        let full = self.kept.samples.len() + self.kept.histograms.len() + more > SAMPLES_PER_REQUEST_MAX;
        if full { Err(TOO_MANY) } else { Ok(()) }
    }

    fn instant(&self, nanoseconds: u64) -> Result<Timestamp, &'static str> {
        if nanoseconds == 0 {
            return Ok(self.received);
        }
        Timestamp::from_nanosecond(i128::from(nanoseconds)).map_err(|_| NO_INSTANT)
    }
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

fn number(point: &NumberDataPoint) -> Form {
    if point.flags & NO_RECORDED_VALUE != 0 {
        return Ok(vec![("", None, f64::NAN)]);
    }
    match point.value {
        Some(number_data_point::Value::AsDouble(value)) => Ok(vec![("", None, value)]),
        Some(number_data_point::Value::AsInt(value)) => Ok(vec![("", None, value as f64)]),
        None => Err(NO_VALUE),
    }
}

fn histogram(point: &HistogramDataPoint) -> Form {
    let (counts, bounds) = (&point.bucket_counts, &point.explicit_bounds);
    if !counts.is_empty() && counts.len() != bounds.len() + 1 {
        return Err(BUCKETS);
    }
    let mut values = totals(point.flags, point.count, point.sum);
    let uppers = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
    let mut below = 0_u64;
    for (count, upper) in counts.iter().zip(uppers) {
        below = below.saturating_add(*count);
        values.push(("_bucket", Some(("le", upper)), below as f64));
    }
    Ok(values)
}

fn quantiles(point: &SummaryDataPoint) -> Form {
    let mut values = totals(point.flags, point.count, Some(point.sum));
    let quantile = |q: f64, value| ("", Some(("quantile", q.to_string())), value);
    values.extend(point.quantile_values.iter().map(|at| quantile(at.quantile, at.value)));
    Ok(values)
}

fn totals(flags: u32, count: u64, sum: Option<f64>) -> Values {
    if flags & NO_RECORDED_VALUE != 0 {
        return vec![("_count", None, f64::NAN), ("_sum", None, f64::NAN)];
    }
    let count = ("_count", None, count as f64);
    std::iter::once(count).chain(sum.map(|sum| ("_sum", None, sum))).collect()
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

fn is_delta(metric: &Metric) -> bool {
    let temporality = match &metric.data {
        Some(Data::Sum(sum)) => sum.aggregation_temporality,
        Some(Data::Histogram(histogram)) => histogram.aggregation_temporality,
        Some(Data::ExponentialHistogram(histogram)) => histogram.aggregation_temporality,
        Some(Data::Gauge(_) | Data::Summary(_)) | None => return false,
    };
    temporality == AggregationTemporality::Delta as i32
}

/// The labels that a resource gives to its series.
fn resource_labels(all: &[KeyValue]) -> Pairs {
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
