//! OTLP's JSON form, read by hand-written shapes, because the generated ones lose data in silence or refuse what the
//! specification allows: numbers written as text (`"NaN"`, `"5.5"`, every 64-bit integer), `null` for a default, and
//! empty lists that are left out. Unknown fields are ignored; enums are numbers only, as OTLP says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::metrics::v1 as proto;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    exponential_histogram_data_point, number_data_point, summary_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads the JSON form of a request for metrics.
pub(super) fn read(body: &[u8]) -> Result<ExportMetricsServiceRequest, serde_json::Error> {
    let request: Request = serde_json::from_slice(body)?;
    Ok(ExportMetricsServiceRequest { resource_metrics: all(request.resource_metrics) })
}

/// A list in which each element becomes its counterpart.
fn all<A: Into<B>, B>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(Into::into).collect()
}

/// A field that may be `null`, which means its default.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Declares shapes whose fields may all be absent or `null`. Only objects are such a shape: serde alone would also take a
/// list of the fields in order.
macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default, remote = "Self")]
        struct $name {
            $(#[serde(deserialize_with = "nullable")] $field: $type,)*
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Seen;
                impl<'de> Visitor<'de> for Seen {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        $name::deserialize(MapAccessDeserializer::new(map))
                    }
                }
                deserializer.deserialize_map(Seen)
            }
        }
    )*};
}

mod logs;
mod spans;

pub(super) use logs::read as read_logs;
pub(super) use spans::read as read_spans;

shapes! {
    Request { resource_metrics: Vec<ResourceMetrics> }
    ResourceMetrics { resource: Attributed, scope_metrics: Vec<ScopeMetrics> }
    Attributed { attributes: Vec<Pair>, dropped_attributes_count: u32 }
    Scope { name: String, version: String, attributes: Vec<Pair>, dropped_attributes_count: u32 }
    ScopeMetrics { metrics: Vec<Metric> }
    Metric {
        name: String,
        unit: String,
        gauge: Option<Numbers>,
        sum: Option<Numbers>,
        histogram: Option<Histograms>,
        exponential_histogram: Option<Exponentials>,
        summary: Option<Summaries>,
    }
    /// Both gauges and sums.
    Numbers { data_points: Vec<NumberPoint>, aggregation_temporality: i32, is_monotonic: bool }
    Histograms { data_points: Vec<HistogramPoint>, aggregation_temporality: i32 }
    Exponentials { data_points: Vec<ExponentialPoint>, aggregation_temporality: i32 }
    Summaries { data_points: Vec<SummaryPoint> }
    NumberPoint {
        attributes: Vec<Pair>,
        start_time_unix_nano: Unsigned,
        time_unix_nano: Unsigned,
        as_double: Option<Double>,
        as_int: Option<Signed>,
        flags: u32,
    }
    HistogramPoint {
        attributes: Vec<Pair>,
        start_time_unix_nano: Unsigned,
        time_unix_nano: Unsigned,
        count: Unsigned,
        sum: Option<Double>,
        bucket_counts: Vec<Unsigned>,
        explicit_bounds: Vec<Double>,
        flags: u32,
    }
    ExponentialPoint {
        attributes: Vec<Pair>,
        start_time_unix_nano: Unsigned,
        time_unix_nano: Unsigned,
        count: Unsigned,
        sum: Option<Double>,
        scale: Signed,
        zero_count: Unsigned,
        zero_threshold: Double,
        positive: Option<Buckets>,
        negative: Option<Buckets>,
        flags: u32,
    }
    Buckets { offset: Signed, bucket_counts: Vec<Unsigned> }
    SummaryPoint {
        attributes: Vec<Pair>,
        start_time_unix_nano: Unsigned,
        time_unix_nano: Unsigned,
        count: Unsigned,
        sum: Double,
        quantile_values: Vec<Quantile>,
        flags: u32,
    }
    Quantile { quantile: Double, value: Double }
    Pair { key: String, value: Option<Any> }
    Any {
        string_value: Option<String>,
        bool_value: Option<bool>,
        int_value: Option<Signed>,
        double_value: Option<Double>,
        array_value: Option<Anys>,
        kvlist_value: Option<Pairs>,
        bytes_value: Option<String>,
    }
    Anys { values: Vec<Any> }
    Pairs { values: Vec<Pair> }
}

impl From<ResourceMetrics> for proto::ResourceMetrics {
    fn from(of: ResourceMetrics) -> Self {
        Self { resource: Some(of.resource.into()), scope_metrics: all(of.scope_metrics), ..Self::default() }
    }
}

impl From<Attributed> for Resource {
    fn from(of: Attributed) -> Self {
        let dropped_attributes_count = of.dropped_attributes_count;
        Self { attributes: all(of.attributes), dropped_attributes_count, ..Self::default() }
    }
}

impl From<Scope> for InstrumentationScope {
    fn from(of: Scope) -> Self {
        let dropped_attributes_count = of.dropped_attributes_count;
        Self { name: of.name, version: of.version, attributes: all(of.attributes), dropped_attributes_count }
    }
}

impl From<ScopeMetrics> for proto::ScopeMetrics {
    fn from(of: ScopeMetrics) -> Self {
        Self { metrics: all(of.metrics), ..Self::default() }
    }
}

impl From<Metric> for proto::Metric {
    fn from(of: Metric) -> Self {
        let gauge = of.gauge.map(|gauge| Data::Gauge(proto::Gauge { data_points: all(gauge.data_points) }));
        let sum = of.sum.map(|sum| Data::Sum(sum.into()));
        let histogram = of.histogram.map(|histogram| Data::Histogram(histogram.into()));
        let exponential = of.exponential_histogram.map(|histogram| Data::ExponentialHistogram(histogram.into()));
        let summary = of.summary.map(|s| Data::Summary(proto::Summary { data_points: all(s.data_points) }));
        let data = gauge.or(sum).or(histogram).or(exponential).or(summary);
        Self { name: of.name, unit: of.unit, data, ..Self::default() }
    }
}

impl From<Numbers> for proto::Sum {
    fn from(of: Numbers) -> Self {
        let (aggregation_temporality, is_monotonic) = (of.aggregation_temporality, of.is_monotonic);
        Self { data_points: all(of.data_points), aggregation_temporality, is_monotonic }
    }
}

impl From<Histograms> for proto::Histogram {
    fn from(of: Histograms) -> Self {
        Self { data_points: all(of.data_points), aggregation_temporality: of.aggregation_temporality }
    }
}

impl From<Exponentials> for proto::ExponentialHistogram {
    fn from(of: Exponentials) -> Self {
        Self { data_points: all(of.data_points), aggregation_temporality: of.aggregation_temporality }
    }
}

impl From<NumberPoint> for proto::NumberDataPoint {
    fn from(of: NumberPoint) -> Self {
        let double = of.as_double.map(|value| number_data_point::Value::AsDouble(value.0));
        Self {
            attributes: all(of.attributes),
            start_time_unix_nano: of.start_time_unix_nano.0,
            time_unix_nano: of.time_unix_nano.0,
            flags: of.flags,
            value: double.or_else(|| of.as_int.map(|value| number_data_point::Value::AsInt(value.0))),
            ..Self::default()
        }
    }
}

impl From<HistogramPoint> for proto::HistogramDataPoint {
    fn from(of: HistogramPoint) -> Self {
        Self {
            attributes: all(of.attributes),
            start_time_unix_nano: of.start_time_unix_nano.0,
            time_unix_nano: of.time_unix_nano.0,
            count: of.count.0,
            sum: of.sum.map(|sum| sum.0),
            bucket_counts: of.bucket_counts.into_iter().map(|count| count.0).collect(),
            explicit_bounds: of.explicit_bounds.into_iter().map(|bound| bound.0).collect(),
            flags: of.flags,
            ..Self::default()
        }
    }
}

impl From<ExponentialPoint> for proto::ExponentialHistogramDataPoint {
    fn from(of: ExponentialPoint) -> Self {
        Self {
            attributes: all(of.attributes),
            start_time_unix_nano: of.start_time_unix_nano.0,
            time_unix_nano: of.time_unix_nano.0,
            count: of.count.0,
            sum: of.sum.map(|sum| sum.0),
            scale: narrow(of.scale),
            zero_count: of.zero_count.0,
            zero_threshold: of.zero_threshold.0,
            positive: of.positive.map(Into::into),
            negative: of.negative.map(Into::into),
            flags: of.flags,
            ..Self::default()
        }
    }
}

impl From<Buckets> for exponential_histogram_data_point::Buckets {
    fn from(of: Buckets) -> Self {
        let bucket_counts = of.bucket_counts.into_iter().map(|count| count.0).collect();
        Self { offset: narrow(of.offset), bucket_counts }
    }
}

/// What does not fit becomes the furthest that does, which no histogram can have.
fn narrow(number: Signed) -> i32 {
    i32::try_from(number.0).unwrap_or(if number.0 < 0 { i32::MIN } else { i32::MAX })
}

impl From<SummaryPoint> for proto::SummaryDataPoint {
    fn from(of: SummaryPoint) -> Self {
        let quantile = |q: Quantile| summary_data_point::ValueAtQuantile { quantile: q.quantile.0, value: q.value.0 };
        Self {
            attributes: all(of.attributes),
            start_time_unix_nano: of.start_time_unix_nano.0,
            time_unix_nano: of.time_unix_nano.0,
            count: of.count.0,
            sum: of.sum.0,
            quantile_values: of.quantile_values.into_iter().map(quantile).collect(),
            flags: of.flags,
        }
    }
}

impl From<Pair> for KeyValue {
    fn from(of: Pair) -> Self {
        Self { key: of.key, value: of.value.map(Into::into), ..Self::default() }
    }
}

impl From<Any> for AnyValue {
    fn from(of: Any) -> Self {
        let text = of.string_value.map(Value::StringValue);
        let number = of.int_value.map(|value| Value::IntValue(value.0));
        let double = of.double_value.map(|value| Value::DoubleValue(value.0));
        let list = of.array_value.map(|list| Value::ArrayValue(ArrayValue { values: all(list.values) }));
        let pairs = of.kvlist_value.map(|pairs| Value::KvlistValue(KeyValueList { values: all(pairs.values) }));
        // What is not base64 stays as the text that it is: nothing else can be known of it.
        let bytes =
            of.bytes_value.map(|text| STANDARD.decode(&text).map_or(Value::StringValue(text), Value::BytesValue));
        let value = text.or(of.bool_value.map(Value::BoolValue)).or(number).or(double).or(list).or(pairs).or(bytes);
        Self { value }
    }
}

/// An id in hexadecimal digits, of either case. What is none is kept as its bytes, which have the wrong length for one.
fn id(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| if let [high, low] = pair { Some(digit(*high)? << 4 | digit(*low)?) } else { None });
    bytes.collect::<Option<Vec<u8>>>().unwrap_or_else(|| text.as_bytes().iter().copied().take(WRONG_ID_BYTES).collect())
}

/// No id has so many bytes.
const WRONG_ID_BYTES: usize = 7;

/// A number that may be written as text, in one of three kinds.
#[derive(Default, Clone, Copy)]
struct Double(f64);
#[derive(Default, Clone, Copy)]
struct Signed(i64);
#[derive(Default, Clone, Copy)]
struct Unsigned(u64);

macro_rules! numbers {
    ($($name:ident $expecting:literal, $u64:expr, $i64:expr, $f64:expr, $text:expr;)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Seen;
                impl Visitor<'_> for Seen {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_u64<E: Error>(self, value: u64) -> Result<$name, E> {
                        $u64(value).map($name).ok_or_else(|| E::custom(format!("{value} is not {}", $expecting)))
                    }
                    fn visit_i64<E: Error>(self, value: i64) -> Result<$name, E> {
                        $i64(value).map($name).ok_or_else(|| E::custom(format!("{value} is not {}", $expecting)))
                    }
                    fn visit_f64<E: Error>(self, value: f64) -> Result<$name, E> {
                        $f64(value).map($name).ok_or_else(|| E::custom(format!("{value} is not {}", $expecting)))
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        $text(text).map($name).ok_or_else(|| E::custom(format!("{text:?} is not {}", $expecting)))
                    }
                }
                deserializer.deserialize_any(Seen)
            }
        }
    )*};
}

numbers! {
    Double "a number, or one as text",
        |value| Some(value as f64), |value| Some(value as f64), Some, double;
    Signed "a 64-bit integer, or one as text",
        |value| i64::try_from(value).ok(), Some, |value| whole(value).and_then(|v| i64::try_from(v).ok()), parsed;
    Unsigned "a 64-bit integer that is not negative, or one as text",
        Some, |value| u64::try_from(value).ok(), |value| whole(value).and_then(|v| u64::try_from(v).ok()), parsed;
}

fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// Protobuf's JSON knows three words for what is no finite number, and no other spellings.
fn double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        number => number.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// An integer that was written as `1e3` or `5.0`.
fn whole(value: f64) -> Option<i128> {
    (value.fract() == 0.0 && value.abs() < 1e19).then_some(value as i128)
}
