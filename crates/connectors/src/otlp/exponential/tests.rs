//! Known distributions through the door and through PromQL, each rule of the table, and what is rejected.

use kernel::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Metric, ResourceMetrics, ScopeMetrics,
};
use promql::{Histogram, Labels, MemorySource, Millis, Options, Point, Value};
use proptest::prelude::*;

use super::super::{Decoded, Encoding, Totals, decode};
use super::NATIVE_BUCKETS_MAX;

const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;
/// An hour after 1970, in seconds; points come once a minute after it.
const START: u64 = 3600;

fn received() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// What an SDK would send for some values: bucket `i` holds what is in `(base^i, base^(i+1)]`.
fn recorded(values: &[f64], scale: i32) -> ExponentialHistogramDataPoint {
    let index = |value: f64| (value.abs().log2() * f64::from(scale).exp2()).ceil() as i32 - 1;
    let side = |sign: f64| {
        let indexes: Vec<i32> = values.iter().filter(|v| **v * sign > 0.0).map(|value| index(*value)).collect();
        let offset = indexes.iter().copied().min()?;
        let length = usize::try_from(indexes.iter().copied().max()? - offset + 1).ok()?;
        let mut bucket_counts = vec![0; length];
        indexes.iter().for_each(|index| bucket_counts[usize::try_from(index - offset).unwrap()] += 1);
        Some(Buckets { offset, bucket_counts })
    };
    ExponentialHistogramDataPoint {
        count: values.len() as u64,
        sum: Some(values.iter().sum()),
        scale,
        zero_count: values.iter().filter(|value| **value == 0.0).count() as u64,
        positive: side(1.0),
        negative: side(-1.0),
        start_time_unix_nano: START * 1_000_000_000,
        ..ExponentialHistogramDataPoint::default()
    }
}

fn at_minute(minute: u64, point: ExponentialHistogramDataPoint) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint { time_unix_nano: (START + minute * 60) * 1_000_000_000, ..point }
}

fn request(temporality: i32, data_points: Vec<ExponentialHistogramDataPoint>) -> ExportMetricsServiceRequest {
    let data = Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality: temporality });
    let metric = Metric { name: "took".into(), unit: "s".into(), data: Some(data), ..Metric::default() };
    let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

fn push(totals: &Totals, temporality: i32, point: ExponentialHistogramDataPoint) -> Decoded {
    totals.translate(request(temporality, vec![point]), received())
}

/// The histogram that a single point becomes.
fn one(point: ExponentialHistogramDataPoint) -> Histogram {
    let decoded = push(&Totals::default(), CUMULATIVE, at_minute(0, point));
    assert_eq!(decoded.reason, "");
    let [(labels, Point { value: Value::Histogram(histogram), .. })] = &*decoded.histograms else {
        unreachable!("{decoded:?}")
    };
    assert_eq!(labels.to_string(), "took_seconds");
    Histogram::clone(histogram)
}

fn reason(point: ExponentialHistogramDataPoint) -> String {
    let decoded = push(&Totals::default(), CUMULATIVE, at_minute(0, point));
    assert!(decoded.histograms.is_empty(), "{decoded:?}");
    decoded.reason
}

/// What a query says of points that were kept, five minutes after the start.
fn ask(query: &str, kept: impl IntoIterator<Item = Decoded>) -> f64 {
    let points = kept.into_iter().flat_map(|decoded| decoded.histograms).map(|(_, point)| point);
    let mut source = MemorySource::new();
    source.insert(Labels::from_pairs([("__name__", "took_seconds")]), points);
    let at = Millis::try_from((START + 300) * 1000).unwrap();
    let answer = promql::instant(&promql::parse(query).unwrap(), &source, at, &Options::default()).unwrap();
    let promql::Data::Vector(found) = answer.data else { unreachable!("{answer:?}") };
    found.first().and_then(|(_, point)| point.value.float()).unwrap_or_else(|| unreachable!("{query}: {found:?}"))
}

fn near(value: f64, expected: f64, share: f64) {
    assert!((value - expected).abs() <= expected.abs() * share, "{value} is not near {expected}");
}

/// One to a thousand, each once a minute.
fn even() -> Vec<f64> {
    (1..=1000).map(f64::from).collect()
}

#[test]
fn quantiles_of_a_known_distribution_are_right_whatever_the_scale() {
    for scale in [3, 6, 8, 11, 20] {
        let totals = Totals::default();
        let kept = (0..=5).map(|minute| {
            let so_far = even().repeat(usize::try_from(minute).unwrap());
            push(&totals, CUMULATIVE, at_minute(minute, recorded(&so_far, scale)))
        });
        let kept: Vec<Decoded> = kept.collect();
        for (quantile, expected) in [(0.1, 100.0), (0.5, 500.0), (0.9, 900.0), (0.99, 990.0)] {
            let query = format!("histogram_quantile({quantile}, rate(took_seconds[5m]))");
            near(ask(&query, kept.clone()), expected, if scale < 6 { 0.05 } else { 0.01 });
        }
        near(ask("histogram_count(rate(took_seconds[5m])) * 60", kept.clone()), 1000.0, 1e-9);
        near(ask("histogram_sum(rate(took_seconds[5m])) * 60", kept), 500_500.0, 1e-9);
    }
}

#[test]
fn deltas_say_the_same_as_what_is_counted_from_the_start() {
    let (deltas, totals) = (Totals::default(), Totals::default());
    let delta = (1..=5).map(|minute| push(&deltas, DELTA, at_minute(minute, recorded(&even(), 6)))).collect::<Vec<_>>();
    let total = (1..=5).map(|minute| {
        let so_far = even().repeat(usize::try_from(minute).unwrap());
        push(&totals, CUMULATIVE, at_minute(minute, recorded(&so_far, 6)))
    });
    assert_eq!(delta, total.collect::<Vec<_>>());
    let again = push(&deltas, DELTA, at_minute(5, recorded(&even(), 6)));
    assert_eq!(again.reason, "1 data points with delta temporality and a time not after the last one");
    let unknown = decode(b"", Encoding::Protobuf, received()).unwrap();
    assert_eq!(unknown.histograms, Vec::new());
}

#[test]
fn deltas_of_different_scales_are_added_in_the_lower_one() {
    let totals = Totals::default();
    push(&totals, DELTA, at_minute(1, recorded(&even(), 6)));
    let second = push(&totals, DELTA, at_minute(2, recorded(&even(), 2)));
    let (_, Point { value: Value::Histogram(sum), .. }) = &second.histograms[0] else { unreachable!() };
    assert_eq!((sum.schema, sum.count), (2, 2000.0));
    let twice = even().repeat(2);
    assert!(sum.equals(&one(recorded(&twice, 2))), "{sum} is not {}", one(recorded(&twice, 2)));
}

#[test]
fn buckets_keep_their_bounds_on_both_sides_of_zero() {
    let histogram = one(recorded(&[4.0, 4.1, -0.5, 0.0, 1.0], 0));
    // In base 2, 4 is the last value of (2, 4], 4.1 is in (4, 8], 0.5 the last of (0.25, 0.5], 1 the last of (0.5, 1].
    assert_eq!(histogram.positive, [(0, 1.0), (2, 1.0), (3, 1.0)]);
    assert_eq!((histogram.negative.clone(), histogram.zero_count), (vec![(-1, 1.0)], 1.0));
    assert_eq!((histogram.count, histogram.zero_threshold), (5.0, 1e-128));
    let wide = ExponentialHistogramDataPoint { zero_threshold: 0.125, ..recorded(&[0.0, 2.0], 0) };
    assert_eq!(one(wide).zero_threshold, 0.125);
}

#[test]
fn a_finer_scale_is_brought_down_and_a_coarser_one_has_no_native_form() {
    let values = even();
    assert!(one(recorded(&values, 12)).equals(&one(recorded(&values, 8))));
    assert_eq!(one(recorded(&[2.0, 1e9], -4)).schema, -4);
    for scale in [-5, 32, i32::MIN, i32::MAX] {
        let point = ExponentialHistogramDataPoint { scale, ..ExponentialHistogramDataPoint::default() };
        assert_eq!(reason(point), "1 data points whose scale is not from -4 to 31");
    }
}

#[test]
fn points_that_make_no_sense_are_rejected_with_the_reason() {
    let with = |change: fn(&mut ExponentialHistogramDataPoint)| {
        let mut point = recorded(&[1.0, 2.0], 0);
        change(&mut point);
        reason(point)
    };
    assert_eq!(with(|point| point.count = 3), "1 data points whose buckets do not add up to their count");
    assert_eq!(with(|point| point.zero_count = u64::MAX), "1 data points whose buckets do not add up to their count");
    assert_eq!(with(|point| point.zero_threshold = f64::NAN), "1 data points whose zero threshold is no width");
    let far = |point: &mut ExponentialHistogramDataPoint| {
        point.positive = Some(Buckets { offset: i32::MAX, bucket_counts: vec![2] });
    };
    assert_eq!(with(far), "1 data points with a bucket out of all range");
    let alone = decode(
        &prost::Message::encode_to_vec(&request(DELTA, vec![recorded(&[1.0], 0)])),
        Encoding::Protobuf,
        received(),
    );
    assert_eq!(alone.unwrap().reason, "1 data points with delta temporality, which is not added up here");
}

#[test]
fn a_reset_is_known_by_the_start_even_where_no_count_fell() {
    let totals = Totals::default();
    let born = |minute: u64, point| {
        let start_time_unix_nano = (START + minute * 60) * 1_000_000_000;
        ExponentialHistogramDataPoint { start_time_unix_nano, ..point }
    };
    let kept = [
        push(&totals, CUMULATIVE, at_minute(1, recorded(&even(), 4))),
        push(&totals, CUMULATIVE, at_minute(2, born(1, recorded(&even(), 4)))),
        push(&totals, CUMULATIVE, at_minute(3, born(1, recorded(&even().repeat(2), 4)))),
    ];
    // A thousand before the reset, two thousand after it; without the reset a thousand would be missing.
    near(ask("histogram_count(increase(took_seconds[2m1s] @ 3781))", kept), 2000.0, 0.02);
}

#[test]
fn no_value_now_ends_the_series() {
    let gone = ExponentialHistogramDataPoint { flags: 1, ..ExponentialHistogramDataPoint::default() };
    let decoded = push(&Totals::default(), CUMULATIVE, at_minute(1, gone));
    assert!(decoded.histograms[0].1.value.is_stale(), "{decoded:?}");
}

#[test]
fn both_encodings_say_the_same() {
    let json = br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"took","unit":"s","exponentialHistogram":{
        "aggregationTemporality":2,"dataPoints":[{"count":"6","sum":"7.5","scale":3,"zeroCount":"1","zeroThreshold":0.001,
        "startTimeUnixNano":"1000000000","timeUnixNano":"2000000000",
        "positive":{"offset":-2,"bucketCounts":["1","0",2]},"negative":{"offset":4,"bucketCounts":[2]}}]}}]}]}]}"#;
    let by_json = decode(json, Encoding::Json, received()).unwrap();
    let point = ExponentialHistogramDataPoint {
        count: 6,
        sum: Some(7.5),
        scale: 3,
        zero_count: 1,
        zero_threshold: 0.001,
        start_time_unix_nano: 1_000_000_000,
        time_unix_nano: 2_000_000_000,
        positive: Some(Buckets { offset: -2, bucket_counts: vec![1, 0, 2] }),
        negative: Some(Buckets { offset: 4, bucket_counts: vec![2] }),
        ..ExponentialHistogramDataPoint::default()
    };
    let body = prost::Message::encode_to_vec(&request(CUMULATIVE, vec![point]));
    assert_eq!(by_json, decode(&body, Encoding::Protobuf, received()).unwrap());
    assert_eq!((by_json.histograms[0].1.born, by_json.histograms[0].1.at), (1000, 2000));
}

proptest! {
    #[test]
    fn whatever_is_kept_is_bounded_and_counts_what_was_sent(
        scale in -6_i32..24, offset in -100_000_i32..100_000, counts in prop::collection::vec(0_u64..5, 0..900),
    ) {
        let count = counts.iter().sum();
        let positive = Some(Buckets { offset, bucket_counts: counts });
        let point = ExponentialHistogramDataPoint { scale, count, positive, ..ExponentialHistogramDataPoint::default() };
        let decoded = push(&Totals::default(), CUMULATIVE, at_minute(0, point));
        if let Some((_, Point { value: Value::Histogram(histogram), .. })) = decoded.histograms.first() {
            prop_assert!(histogram.positive.len() <= NATIVE_BUCKETS_MAX && (-4..=8).contains(&histogram.schema));
            let sum: f64 = histogram.positive.iter().map(|(_, count)| count).sum();
            prop_assert_eq!(sum, count as f64);
            prop_assert!(histogram.positive.is_sorted_by(|a, b| a.0 < b.0));
        } else {
            prop_assert!(!decoded.reason.is_empty());
        }
    }
}
