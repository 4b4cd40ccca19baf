//! Numbers read here against the same body read as a message.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Histogram, HistogramDataPoint, Sum, metric, number_data_point};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{Decoded, Encoding, Totals, decode};
use super::*;

const NOW: Millis = 1_700_000_000_000;

fn now() -> Timestamp {
    Timestamp::from_millisecond(NOW).unwrap()
}

/// A series, an instant, and a value's bits.
type Kept = (Labels, Millis, u64);

/// What a body holds, by this module where it reads it: numbers, what stands beside them, and the numbers' keys.
fn split(body: &[u8], resources: &Resources) -> Option<(Vec<Kept>, Decoded, Vec<Vec<u8>>)> {
    let mut plain = Plain::read(body, resources, now())?;
    plain.name(&(0..plain.len()).collect::<Vec<_>>())?;
    let keys = plain.numbers().map(|number| number.key.to_vec()).collect();
    let named = |number: Number<'_>| (number.labels.unwrap().clone(), number.at, number.value.to_bits());
    let numbers = plain.numbers().map(named).collect();
    Some((numbers, Totals::default().beside(plain, now()), keys))
}

fn of(decoded: &Decoded) -> Vec<Kept> {
    let samples = decoded.samples.iter();
    samples.map(|sample| (sample.series.clone(), sample.at.as_millisecond(), sample.value.to_bits())).collect()
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let value = prop_oneof![
        select(vec!["", "a", "b/c", "\u{1}"]).prop_map(|text| any_value::Value::StringValue(text.into())),
        (-2_i64..3).prop_map(any_value::Value::IntValue),
        any::<bool>().prop_map(any_value::Value::BoolValue),
    ];
    let key = select(vec!["", "a", "a.b", "a_b", "service.name", "__name__", "process.pid"]);
    proptest::collection::vec((key, value).prop_map(|(key, value)| attribute(key, value)), 0..4)
}

fn number() -> impl Strategy<Value = NumberDataPoint> {
    use number_data_point::Value;
    let value = prop_oneof![
        any::<f64>().prop_map(|value| Some(Value::AsDouble(value))),
        any::<i64>().prop_map(|value| Some(Value::AsInt(value))),
        Just(None),
    ];
    let time = select(vec![0, 1, 1_700_000_000_123_456_789, u64::MAX]);
    (attributes(), value, time, 0_u32..4).prop_map(|(attributes, value, time_unix_nano, flags)| NumberDataPoint {
        attributes,
        value,
        time_unix_nano,
        flags,
        start_time_unix_nano: 7,
        ..NumberDataPoint::default()
    })
}

fn metric_of() -> impl Strategy<Value = Metric> {
    let points = || proptest::collection::vec(number(), 0..4);
    let histogram = |attributes| HistogramDataPoint {
        attributes,
        count: 3,
        sum: Some(1.5),
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![0.5],
        ..HistogramDataPoint::default()
    };
    let data = prop_oneof![
        points().prop_map(|data_points| metric::Data::Gauge(Gauge { data_points })),
        (points(), 0_i32..4, any::<bool>()).prop_map(|(data_points, aggregation_temporality, is_monotonic)| {
            metric::Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
        }),
        attributes().prop_map(move |attributes| {
            let data_points = vec![histogram(attributes)];
            metric::Data::Histogram(Histogram { data_points, aggregation_temporality: 2 })
        }),
    ];
    let (name, unit) = (select(vec!["", "m", "m.n_total"]), select(vec!["", "s", "1", "By/s"]));
    (name, unit, proptest::option::weighted(0.9, data)).prop_map(|(name, unit, data)| Metric {
        name: name.into(),
        description: "what it is".into(),
        unit: unit.into(),
        data,
        ..Metric::default()
    })
}

fn request() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let scope = || {
        let metrics = proptest::collection::vec(metric_of(), 0..4);
        metrics.prop_map(|metrics| ScopeMetrics {
            scope: Some(InstrumentationScope { name: "lib".into(), ..InstrumentationScope::default() }),
            metrics,
            schema_url: "https://example.org".into(),
        })
    };
    let resource = (attributes(), proptest::collection::vec(scope(), 0..3)).prop_map(|(attributes, scope_metrics)| {
        let resource = Some(Resource { attributes, ..Resource::default() });
        ResourceMetrics { resource, scope_metrics, schema_url: String::new() }
    });
    proptest::collection::vec(resource, 0..3)
        .prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}

proptest! {
    #[test]
    fn a_body_holds_the_same_whichever_way_it_is_read(request in request()) {
        let (body, resources) = (request.encode_to_vec(), Resources::default());
        let whole = Totals::default().decode(&body, Encoding::Protobuf, now()).unwrap();
        let (numbers, beside, keys) = split(&body, &resources).unwrap();
        prop_assert_eq!(whole.rejected, beside.rejected);
        let (mut expected, mut found) = (of(&whole), numbers.clone());
        found.extend(of(&beside));
        expected.sort();
        found.sort();
        prop_assert_eq!(expected, found);
        // The same key always means the same labels, in this body and in the next.
        let again = split(&body, &resources).unwrap();
        let mut known: HashMap<Vec<u8>, Labels> = HashMap::new();
        let all = keys.into_iter().chain(again.2).zip(numbers.iter().chain(&again.0));
        for (key, (labels, ..)) in all {
            prop_assert_eq!(known.entry(key).or_insert_with(|| labels.clone()), labels);
        }
    }

    #[test]
    fn a_body_that_is_no_message_is_read_nowhere(request in request(), cut in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let (mut body, resources) = (request.encode_to_vec(), Resources::default());
        if !body.is_empty() {
            let place = cut.index(body.len());
            body[place] ^= 1 << bit;
        }
        if let Some((numbers, beside, _)) = split(&body, &resources) {
            let whole = decode(&body, Encoding::Protobuf, now());
            prop_assert!(whole.is_ok(), "read {} numbers of a body that is no message: {:?}", numbers.len(), whole);
            let whole = Totals::default().decode(&body, Encoding::Protobuf, now()).unwrap();
            let (mut expected, mut found) = (of(&whole), numbers);
            found.extend(of(&beside));
            expected.sort();
            found.sort();
            prop_assert_eq!(expected, found);
        }
    }
}
