//! Against messages that a generic encoder wrote, and against bytes that nobody wrote.

use promql::{CUSTOM_BUCKETS, Histogram, ResetHint, STALE_BITS};
use proptest::prelude::*;
use prost::Message;

use super::*;

/// `prometheus.WriteRequest` as its schema says.
mod v1 {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct WriteRequest {
        #[prost(message, repeated, tag = "1")]
        pub timeseries: Vec<TimeSeries>,
        #[prost(message, repeated, tag = "3")]
        pub metadata: Vec<Text>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TimeSeries {
        #[prost(message, repeated, tag = "1")]
        pub labels: Vec<Label>,
        #[prost(message, repeated, tag = "2")]
        pub samples: Vec<Sample>,
        #[prost(message, repeated, tag = "3")]
        pub exemplars: Vec<Text>,
        #[prost(message, repeated, tag = "4")]
        pub histograms: Vec<Histogram>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Label {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(string, tag = "2")]
        pub value: String,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Sample {
        #[prost(double, tag = "1")]
        pub value: f64,
        #[prost(int64, tag = "2")]
        pub timestamp: i64,
        /// In 2.0 only.
        #[prost(int64, tag = "3")]
        pub start: i64,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Text {
        #[prost(string, tag = "2")]
        pub text: String,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Histogram {
        #[prost(oneof = "Count", tags = "1, 2")]
        pub count: Option<Count>,
        #[prost(double, tag = "3")]
        pub sum: f64,
        #[prost(sint32, tag = "4")]
        pub schema: i32,
        #[prost(double, tag = "5")]
        pub zero_threshold: f64,
        #[prost(oneof = "ZeroCount", tags = "6, 7")]
        pub zero_count: Option<ZeroCount>,
        #[prost(message, repeated, tag = "8")]
        pub negative_spans: Vec<Span>,
        #[prost(sint64, repeated, tag = "9")]
        pub negative_deltas: Vec<i64>,
        #[prost(double, repeated, tag = "10")]
        pub negative_counts: Vec<f64>,
        #[prost(message, repeated, tag = "11")]
        pub positive_spans: Vec<Span>,
        #[prost(sint64, repeated, packed = "false", tag = "12")]
        pub positive_deltas: Vec<i64>,
        #[prost(double, repeated, packed = "false", tag = "13")]
        pub positive_counts: Vec<f64>,
        #[prost(int32, tag = "14")]
        pub reset_hint: i32,
        #[prost(int64, tag = "15")]
        pub timestamp: i64,
        #[prost(double, repeated, tag = "16")]
        pub custom_values: Vec<f64>,
        /// In 2.0 only.
        #[prost(int64, tag = "17")]
        pub start: i64,
    }
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Count {
        #[prost(uint64, tag = "1")]
        Int(u64),
        #[prost(double, tag = "2")]
        Float(f64),
    }
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum ZeroCount {
        #[prost(uint64, tag = "6")]
        Int(u64),
        #[prost(double, tag = "7")]
        Float(f64),
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Span {
        #[prost(sint32, tag = "1")]
        pub offset: i32,
        #[prost(uint32, tag = "2")]
        pub length: u32,
    }
}

/// `io.prometheus.write.v2.Request`, likewise.
mod v2 {
    use super::v1::{Histogram, Sample, Text};

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Request {
        #[prost(string, repeated, tag = "4")]
        pub symbols: Vec<String>,
        #[prost(message, repeated, tag = "5")]
        pub timeseries: Vec<TimeSeries>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TimeSeries {
        #[prost(uint32, repeated, tag = "1")]
        pub labels_refs: Vec<u32>,
        #[prost(message, repeated, tag = "2")]
        pub samples: Vec<Sample>,
        #[prost(message, repeated, tag = "3")]
        pub histograms: Vec<Histogram>,
        #[prost(message, repeated, tag = "4")]
        pub exemplars: Vec<Text>,
        #[prost(message, optional, tag = "5")]
        pub metadata: Option<Text>,
        #[prost(int64, tag = "6")]
        pub created: i64,
    }
}

/// What came, in words that compare bit by bit.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    series: Vec<Result<Vec<(String, String)>, BadLabels>>,
    keys: Vec<Vec<u8>>,
    floats: Vec<(usize, i64, i64, u64)>,
    histograms: Vec<(usize, i64, i64, Histogram)>,
}

impl Sink for Seen {
    fn series(&mut self, labels: LabelBytes<'_>) {
        let owned = |pairs: Vec<(&str, &str)>| pairs.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        self.series.push(labels.pairs().map(owned));
        self.keys.push(labels.key().to_vec());
    }
    fn float(&mut self, at: i64, born: i64, value: f64) {
        self.floats.push((self.series.len(), at, born, value.to_bits()));
    }
    fn histogram(&mut self, at: i64, born: i64, histogram: Histogram) {
        self.histograms.push((self.series.len(), at, born, histogram));
    }
}

fn seen(version: Version, message: &[u8]) -> (Result<Contents, Malformed>, Seen) {
    let mut seen = Seen::default();
    (read(version, message, &mut seen), seen)
}

type Labels = Vec<(String, String)>;

fn labels() -> impl Strategy<Value = Labels> {
    let text = || prop_oneof!["[a-z]{0,6}", "\\PC{0,4}", "[x]{120,140}"];
    prop::collection::vec((text(), text()), 0..5)
}

fn sample() -> impl Strategy<Value = v1::Sample> {
    (any::<u64>(), any::<i64>(), prop_oneof![Just(0), any::<i64>()]).prop_map(|(bits, timestamp, start)| v1::Sample {
        value: f64::from_bits(bits),
        timestamp,
        start,
    })
}

fn texts() -> impl Strategy<Value = Vec<v1::Text>> {
    prop::collection::vec("[a-z]{0,5}".prop_map(|text| v1::Text { text }), 0..3)
}

fn as_v1(series: &[(Labels, Vec<v1::Sample>, Vec<v1::Text>)]) -> v1::WriteRequest {
    let label = |(name, value): &(String, String)| v1::Label { name: name.clone(), value: value.clone() };
    let one = |(labels, samples, exemplars): &(Labels, Vec<v1::Sample>, Vec<v1::Text>)| v1::TimeSeries {
        labels: labels.iter().map(label).collect(),
        samples: samples.clone(),
        exemplars: exemplars.clone(),
        histograms: vec![],
    };
    v1::WriteRequest { timeseries: series.iter().map(one).collect(), metadata: vec![] }
}

fn as_v2(series: &[(Labels, Vec<v1::Sample>, Vec<v1::Text>)], created: i64) -> v2::Request {
    let mut symbols = vec![String::new()];
    let mut symbol = |text: &String| {
        let place = symbols.iter().position(|known| known == text).unwrap_or_else(|| {
            symbols.push(text.clone());
            symbols.len() - 1
        });
        place as u32
    };
    let one = |(labels, samples, exemplars): &(Labels, Vec<v1::Sample>, Vec<v1::Text>)| v2::TimeSeries {
        labels_refs: labels.iter().flat_map(|(name, value)| [symbol(name), symbol(value)]).collect(),
        samples: samples.clone(),
        exemplars: exemplars.clone(),
        metadata: exemplars.first().cloned(),
        created,
        histograms: vec![],
    };
    let timeseries = series.iter().map(one).collect();
    v2::Request { symbols, timeseries }
}

proptest! {
    #[test]
    fn both_versions_say_what_was_encoded(
        series in prop::collection::vec((labels(), prop::collection::vec(sample(), 0..4), texts()), 0..5),
        metadata in texts(),
        created in prop_oneof![Just(0), any::<i64>()],
    ) {
        let floats: Vec<_> = series.iter().zip(1..).flat_map(|((_, samples, _), place)| samples.iter().map(move |s| (place, s))).collect();
        let exemplars: u64 = series.iter().map(|(_, _, exemplars)| exemplars.len() as u64).sum();
        let (one, two) = (v1::WriteRequest { metadata: metadata.clone(), ..as_v1(&series) }, as_v2(&series, created));
        let (read_one, seen_one) = seen(Version::V1, &one.encode_to_vec());
        let (read_two, seen_two) = seen(Version::V2, &two.encode_to_vec());
        let expected: Vec<_> = series.iter().map(|(labels, ..)| Ok(labels.clone())).collect();
        prop_assert_eq!(&seen_one.series, &expected);
        prop_assert_eq!(&seen_two.series, &expected);
        let starts = |s: &v1::Sample| if s.start == 0 { created } else { s.start };
        prop_assert_eq!(seen_one.floats, floats.iter().map(|(p, s)| (*p, s.timestamp, s.start, s.value.to_bits())).collect::<Vec<_>>());
        prop_assert_eq!(seen_two.floats, floats.iter().map(|(p, s)| (*p, s.timestamp, starts(s), s.value.to_bits())).collect::<Vec<_>>());
        // The same labels have the same key, unless a sender of 1.0 leaves empty texts out, as this encoder does.
        if series.iter().all(|(labels, ..)| labels.iter().all(|(n, v)| !n.is_empty() && !v.is_empty())) {
            prop_assert_eq!(seen_one.keys, seen_two.keys);
        }
        let counts = |c: &Contents| (c.series, c.floats, c.exemplars);
        let expected = (series.len() as u64, floats.len() as u64, exemplars);
        prop_assert_eq!((counts(&read_one.clone().unwrap()), read_one.unwrap().metadata), (expected, metadata.len() as u64));
        prop_assert_eq!(counts(&read_two.unwrap()), expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for version in [Version::V1, Version::V2] {
            let _ = seen(version, &bytes);
        }
        let _ = Unpacker::default().unpack(&bytes);
    }

    #[test]
    fn no_damage_makes_it_panic(
        series in prop::collection::vec((labels(), prop::collection::vec(sample(), 0..4), texts()), 1..4),
        histograms in prop::collection::vec(histogram(), 1..3),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: prop::sample::Index,
    ) {
        let mut one = as_v1(&series);
        let mut two = as_v2(&series, 5);
        one.timeseries[0].histograms = histograms.clone();
        two.timeseries[0].histograms = histograms;
        for (version, mut bytes) in [(Version::V1, one.encode_to_vec()), (Version::V2, two.encode_to_vec())] {
            let _ = seen(version, &bytes[..cut.index(bytes.len())]);
            for (place, byte) in &damage {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
                // What the generic decoder takes is no malformed message here either; it knows fewer of the types.
                let _ = seen(version, &bytes);
            }
        }
    }

    #[test]
    fn histograms_of_whole_numbers_and_of_floats_are_the_same(
        buckets in prop::collection::btree_map(-500_i32..500, 0_u32..1000, 0..20),
        negative in prop::collection::btree_map(-500_i32..500, 0_u32..1000, 0..20),
        hint in 0_i32..4,
    ) {
        let floats = |buckets: &std::collections::BTreeMap<i32, u32>| buckets.iter().map(|(i, c)| (*i, f64::from(*c))).collect::<Vec<_>>();
        let expected = Histogram {
            reset: [ResetHint::Unknown, ResetHint::Reset, ResetHint::NoReset, ResetHint::Gauge][hint as usize],
            schema: 2, zero_threshold: 0.5, zero_count: 7.0, count: 99.0, sum: -3.5,
            positive: floats(&buckets), negative: floats(&negative), bounds: [].into(),
        };
        let base = v1::Histogram { sum: -3.5, schema: 2, zero_threshold: 0.5, reset_hint: hint, timestamp: 77, ..v1::Histogram::default() };
        let (spans, negative_spans) = (spans(&expected.positive), spans(&expected.negative));
        let whole = v1::Histogram {
            count: Some(v1::Count::Int(99)), zero_count: Some(v1::ZeroCount::Int(7)),
            positive_spans: spans.clone(), negative_spans: negative_spans.clone(),
            positive_deltas: deltas(&expected.positive), negative_deltas: deltas(&expected.negative), ..base.clone()
        };
        let counts = |buckets: &[(i32, f64)]| buckets.iter().map(|(_, count)| *count).collect();
        let float = v1::Histogram {
            count: Some(v1::Count::Float(99.0)), zero_count: Some(v1::ZeroCount::Float(7.0)), start: 66,
            positive_spans: spans, negative_spans,
            positive_counts: counts(&expected.positive), negative_counts: counts(&expected.negative), ..base
        };
        let series = v2::TimeSeries { histograms: vec![whole, float], created: 55, ..v2::TimeSeries::default() };
        let request = v2::Request { symbols: vec![], timeseries: vec![series] };
        let (contents, seen) = seen(Version::V2, &request.encode_to_vec());
        prop_assert_eq!(contents.unwrap().histograms, 2);
        prop_assert_eq!(seen.histograms, [(1, 77, 55, expected.clone()), (1, 77, 66, expected)]);
    }
}

fn spans(buckets: &[(i32, f64)]) -> Vec<v1::Span> {
    let (mut spans, mut next): (Vec<v1::Span>, _) = (vec![], 0);
    for (index, _) in buckets {
        match spans.last_mut() {
            Some(span) if *index == next => span.length += 1,
            _ => spans.push(v1::Span { offset: *index - next, length: 1 }),
        }
        next = *index + 1;
    }
    spans
}

fn deltas(buckets: &[(i32, f64)]) -> Vec<i64> {
    let mut before = 0;
    let delta = |(_, count): &(i32, f64)| {
        let delta = *count as i64 - before;
        before = *count as i64;
        delta
    };
    buckets.iter().map(delta).collect()
}

fn histogram() -> impl Strategy<Value = v1::Histogram> {
    let span = || (any::<i32>(), 0_u32..9).prop_map(|(offset, length)| v1::Span { offset, length });
    let spans = || prop::collection::vec(span(), 0..4);
    let deltas = || prop::collection::vec(-9_i64..9, 0..9);
    (spans(), spans(), deltas(), deltas(), prop::collection::vec(any::<f64>(), 0..5), -60_i32..10).prop_map(
        |(positive_spans, negative_spans, positive_deltas, negative_deltas, custom_values, schema)| v1::Histogram {
            positive_spans,
            negative_spans,
            positive_deltas,
            negative_deltas,
            custom_values,
            schema,
            ..v1::Histogram::default()
        },
    )
}

#[test]
fn custom_bounds_and_stale_markers_come_through() {
    let custom = v1::Histogram {
        schema: CUSTOM_BUCKETS,
        custom_values: vec![0.1, 1.0],
        positive_spans: vec![v1::Span { offset: 1, length: 2 }],
        positive_deltas: vec![3, -1],
        ..v1::Histogram::default()
    };
    let stale = v1::Histogram { sum: f64::from_bits(STALE_BITS), ..v1::Histogram::default() };
    let series = v1::TimeSeries { histograms: vec![custom, stale], ..v1::TimeSeries::default() };
    let (_, seen) = seen(Version::V1, &v1::WriteRequest { timeseries: vec![series], metadata: vec![] }.encode_to_vec());
    let [(.., custom), (.., stale)] = seen.histograms.as_slice() else { panic!("{seen:?}") };
    assert_eq!((custom.positive.as_slice(), &*custom.bounds), ([(1, 3.0), (2, 2.0)].as_slice(), [0.1, 1.0].as_slice()));
    assert_eq!(stale.sum.to_bits(), STALE_BITS);
}

#[test]
fn a_histogram_that_makes_no_sense_is_counted_and_the_rest_is_read() {
    type Change = fn(&mut v1::Histogram);
    let bad = |change: Change| {
        let mut histogram = v1::Histogram {
            positive_spans: vec![v1::Span { offset: 0, length: 2 }],
            positive_deltas: vec![1, 1],
            ..v1::Histogram::default()
        };
        change(&mut histogram);
        let series = v1::TimeSeries {
            histograms: vec![histogram],
            samples: vec![v1::Sample { value: 1.0, timestamp: 2, start: 0 }],
            ..v1::TimeSeries::default()
        };
        let (contents, seen) =
            seen(Version::V1, &v1::WriteRequest { timeseries: vec![series], metadata: vec![] }.encode_to_vec());
        let contents = contents.unwrap();
        assert_eq!((seen.floats.len(), seen.histograms.len(), contents.bad_histograms), (1, 0, 1));
        contents.why.unwrap()
    };
    let table: [(Change, &str); 8] = [
        (|h| h.schema = 9, "has a schema that is neither -53 nor from -4 to 8"),
        (|h| h.positive_deltas.truncate(1), "has fewer counts than its spans have buckets"),
        (|h| h.positive_deltas.push(1), "has more counts than its spans have buckets"),
        (|h| h.positive_deltas[1] = -2, "has a count below zero"),
        (|h| h.positive_spans.push(v1::Span { offset: -1, length: 0 }), "has spans that overlap"),
        (|h| h.positive_spans[0].offset = i32::MAX, "has a bucket out of all range"),
        (|h| h.schema = CUSTOM_BUCKETS, "has custom bounds, and buckets outside of them"),
        (|h| h.custom_values = vec![1.0, 1.0], "has bounds that do not ascend"),
    ];
    for (change, why) in table {
        assert_eq!(bad(change), format!("series 1: a histogram {why}"));
    }
}

#[test]
fn labels_that_do_not_stand_together_and_come_last_are_read_as_well() {
    let label = |name: &str| v1::Label { name: name.into(), value: "1".into() }.encode_to_vec();
    let sample = v1::Sample { value: 1.5, timestamp: 9, start: 0 }.encode_to_vec();
    let field = |tag: u8, body: &[u8]| [&[tag, body.len() as u8], body].concat();
    let series =
        [field(0x12, &sample), field(0x0a, &label("a")), field(0x12, &sample), field(0x0a, &label("b"))].concat();
    let (contents, seen) = seen(Version::V1, &field(0x0a, &series));
    assert_eq!(contents.unwrap().floats, 2);
    let pair = |name: &str| (name.to_owned(), "1".to_owned());
    assert_eq!((seen.series, seen.floats.len()), (vec![Ok(vec![pair("a"), pair("b")])], 2));
}

#[test]
fn references_that_lead_nowhere_or_too_far_spoil_their_series_only() {
    let long = "x".repeat(LABELS_BYTES_MAX / 2);
    let series = |labels_refs: Vec<u32>| v2::TimeSeries { labels_refs, ..v2::TimeSeries::default() };
    let many = (0..=LABELS_MAX).flat_map(|_| [1, 1]).collect();
    let timeseries =
        vec![series(vec![1, 9]), series(vec![1, 2]), series(vec![1]), series(vec![3, 3, 3, 3]), series(many)];
    let request = v2::Request { symbols: vec![String::new(), "a".into(), "b".into(), long], timeseries };
    let (_, seen) = seen(Version::V2, &request.encode_to_vec());
    let good = Ok(vec![("a".to_owned(), "b".to_owned())]);
    let bad = [BadLabels::NoSymbol, BadLabels::Odd, BadLabels::TooLong, BadLabels::TooMany].map(Err);
    let [no_symbol, odd, too_long, too_many] = bad;
    assert_eq!(seen.series, [no_symbol, good, odd, too_long, too_many]);
    assert!(seen.keys.iter().zip(&seen.series).all(|(key, labels)| key.is_empty() == labels.is_err()));
}

#[test]
fn a_message_that_is_none_says_where() {
    let mut message = as_v1(&[(vec![("a".into(), "b".into())], vec![], vec![])]).encode_to_vec();
    message.extend([0x0a, 9, 1]);
    let (contents, seen) = seen(Version::V1, &message);
    assert_eq!(
        contents.unwrap_err().to_string(),
        "series 1 (counted from one): the message ends in the middle of a field"
    );
    assert_eq!(seen.series.len(), 1);
}

#[test]
fn bodies_are_unpacked_within_a_limit_that_is_checked_first() {
    let mut unpacker = Unpacker::default();
    for length in [0, 10, 6 << 20, 3] {
        let message = vec![7; length];
        let body = snap::raw::Encoder::new().compress_vec(&message).unwrap();
        assert_eq!(unpacker.unpack(&body).unwrap(), message);
    }
    // A length of four gigabytes, and nothing behind it.
    let error = unpacker.unpack(&[0xff, 0xff, 0xff, 0xff, 0x0f]).unwrap_err();
    assert_eq!(error, BadBody::TooLong(u32::MAX as usize));
    assert!(matches!(unpacker.unpack(b"\x05hello"), Err(BadBody::Snappy(_))));
}

#[test]
fn content_types_name_the_message() {
    let table = [
        ("application/x-protobuf", Some(Version::V1)),
        ("application/x-protobuf;proto=prometheus.WriteRequest", Some(Version::V1)),
        ("application/x-protobuf; proto=io.prometheus.write.v2.Request", Some(Version::V2)),
        ("application/x-protobuf;proto=io.prometheus.write.v3.Request", None),
        ("application/json", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(Version::of(text).ok(), expected, "{text}");
    }
}
