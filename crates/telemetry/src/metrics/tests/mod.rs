//! The store from outside, on a real directory.

mod bounds;
mod durable;
mod index;
mod model;
mod same;
mod standing;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use promql::ast::{Matcher, Pattern, Test};
use promql::{Histogram, Millis, Point, STALE_BITS, Series, SeriesSource, Value, Wanted};

use super::codec::bytes::put_text;
use super::{Appended, Reason, Settings, Store};

/// The first instant of these tests.
pub(super) const T0: Millis = 1_700_000_000_000;
pub(super) const SECOND: Millis = 1_000;

pub(super) type Pairs<'a> = &'a [(&'a str, &'a str)];

pub(super) fn settings() -> Settings {
    Settings { sync_every: Duration::from_millis(20), ..Settings::default() }
}

pub(super) fn open(dir: &Path) -> Store {
    Store::open(dir, settings()).unwrap()
}

pub(super) fn key(pairs: Pairs<'_>) -> Vec<u8> {
    let mut key = vec![1];
    for (name, value) in pairs {
        put_text(&mut key, name);
        put_text(&mut key, value);
    }
    key
}

/// Writes numbers of some series at `now`, which is the newest of their instants.
pub(super) fn write(store: &Store, samples: &[(Pairs<'_>, Millis, f64)]) -> Appended {
    let now = samples.iter().map(|(_, at, _)| *at).max().unwrap_or(T0);
    write_at(store, now, samples)
}

pub(super) fn write_at(store: &Store, now: Millis, samples: &[(Pairs<'_>, Millis, f64)]) -> Appended {
    let mut appender = store.appender(now).unwrap();
    for (pairs, at, value) in samples {
        appender.series(&key(pairs), || Ok::<_, Infallible>(pairs.to_vec()));
        appender.float(*at, 0, *value);
    }
    appender.finish().unwrap()
}

pub(super) fn is(name: &str, value: &str) -> Matcher {
    Matcher { name: name.into(), test: Test::Is(value.into()) }
}

pub(super) fn matches(name: &str, pattern: &str) -> Matcher {
    Matcher { name: name.into(), test: Test::Matches(Pattern::new(pattern).unwrap()) }
}

pub(super) fn select(store: &Store, matchers: &[Matcher], after: Millis, until: Millis) -> Vec<Series> {
    let mut found = store.select(Wanted { matchers, after, until }).unwrap();
    found.sort_by(|a, b| a.labels.cmp(&b.labels));
    found
}

pub(super) fn all(store: &Store) -> Vec<Series> {
    select(store, &[matches("__name__", ".+")], Millis::MIN, Millis::MAX)
}

/// The seconds after `T0`, and the values, of the only series of this name.
pub(super) fn points(store: &Store, name: &str) -> Vec<(Millis, f64)> {
    let found = select(store, &[is("__name__", name)], Millis::MIN, Millis::MAX);
    let points = found.into_iter().flat_map(|series| series.points);
    points.map(|point| ((point.at - T0) / SECOND, point.value.float().unwrap_or(f64::NAN))).collect()
}

#[test]
fn what_is_written_is_read_within_its_time_and_to_the_bit() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let up: Pairs<'_> = &[("__name__", "up"), ("job", "a")];
    let values = [1.0, f64::from_bits(STALE_BITS), -0.0, f64::NAN, f64::INFINITY];
    let samples: Vec<_> = values.iter().zip(1..).map(|(value, s)| (up, T0 + s * SECOND, *value)).collect();
    assert_eq!(write(&store, &samples).tally.kept, 5);
    for _ in 0..2 {
        let found = select(&store, &[is("job", "a")], T0 + SECOND, T0 + 4 * SECOND);
        let bits: Vec<u64> = found[0].points.iter().map(|p| p.value.float().unwrap().to_bits()).collect();
        assert_eq!(bits, values[1..4].iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        assert_eq!(found[0].labels.to_string(), r#"up{job="a"}"#);
        assert!(select(&store, &[is("job", "b")], T0, T0 + 9 * SECOND).is_empty());
        assert!(select(&store, &[is("job", "a")], T0 + 5 * SECOND, T0 + 9 * SECOND).is_empty());
        store.flush(T0 + 5 * SECOND).unwrap();
    }
    assert_eq!((store.stats().blocks, store.stats().block_samples, store.stats().head_samples), (1, 5, 5));
    store.flush(T0 + 3_600 * SECOND).unwrap();
    assert_eq!((store.stats().blocks, store.stats().head_samples, store.stats().series), (1, 0, 0));
    assert_eq!(all(&store)[0].points.len(), 5);
}

#[test]
fn histograms_births_and_numbers_share_a_series() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let histogram = Arc::new(Histogram {
        schema: 3,
        count: 4.0,
        sum: 9.5,
        positive: vec![(-2, 1.0), (7, 3.0)],
        ..Histogram::default()
    });
    let mut appender = store.appender(T0 + 9 * SECOND).unwrap();
    appender.series(b"h", || Ok::<_, Infallible>(vec![("__name__", "h")]));
    appender.float(T0, 0, 1.0);
    appender.histogram(T0 + SECOND, T0 - 5, &histogram);
    appender.histogram(T0 + 2 * SECOND, T0 - 5, &histogram);
    appender.float(T0 + 3 * SECOND, T0 - 7, 2.0);
    appender.histogram(T0 + 2 * SECOND, T0 - 5, &histogram);
    appender.float(T0 + 2 * SECOND, 0, 3.0);
    let tally = appender.finish_durably().unwrap().tally;
    assert_eq!((tally.kept, tally.duplicates, tally.refused(Reason::Conflict)), (4, 1, 1));
    let value = Value::Histogram(histogram);
    let expected = [
        Point::float(T0, 1.0),
        Point { at: T0 + SECOND, born: T0 - 5, value: value.clone() },
        Point { at: T0 + 2 * SECOND, born: T0 - 5, value },
        Point { at: T0 + 3 * SECOND, born: T0 - 7, value: Value::Float(2.0) },
    ];
    assert_eq!(all(&store)[0].points, expected);
    drop(store);
    let store = open(dir.path());
    assert_eq!(all(&store)[0].points, expected);
    store.flush(T0 + 9 * SECOND).unwrap();
    assert_eq!(all(&store)[0].points, expected);
}

#[test]
fn the_rooms_samples_have_a_way_in() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let series = kernel::Labels::from_pairs([("__name__", "up"), ("empty", "")]).unwrap();
    let at = super::instant(T0);
    let sample = kernel::sample::Sample { series, at, value: 3.0 };
    let unnamed = kernel::sample::Sample { series: kernel::Labels::default(), at, value: 3.0 };
    let appended = store.push(&[sample.clone(), sample, unnamed], at).unwrap();
    assert_eq!((appended.tally.kept, appended.tally.duplicates, appended.created), (1, 1, 1));
    assert_eq!(appended.to_string(), "1 without a metric name, such as {}");
    assert_eq!(all(&store)[0].labels.to_string(), "up");
}

#[test]
fn many_writers_flushes_and_idle_series_at_once_lose_nothing() {
    const SERIES: usize = 1_200;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Settings { idle_after: 0, recent: 0, ..settings() }).unwrap();
    let names: Vec<String> = (0..SERIES).map(|i| format!("s{i}")).collect();
    let watch = store.watch(&[matches("__name__", "s1.*")]).unwrap();
    std::thread::scope(|scope| {
        for writer in ["a", "b", "c"] {
            let (store, names) = (store.clone(), &names);
            scope.spawn(move || {
                for round in 0..12 {
                    let all: Vec<[(&str, &str); 2]> =
                        names.iter().map(|n| [("__name__", &**n), ("writer", writer)]).collect();
                    let samples: Vec<_> = all.iter().map(|pairs| (&pairs[..], T0 + round, 1.0)).collect();
                    assert_eq!(write(&store, &samples).tally.kept, SERIES as u64);
                }
            });
        }
        // Far in the future, so that every series is idle as soon as its samples are in a block.
        (0..8).for_each(|_| assert_eq!(store.flush(T0 + 3_600 * SECOND).unwrap().removed, 0));
    });
    for store in [store.clone(), open(model::copied(dir.path()).path())] {
        let found = all(&store);
        assert_eq!(found.len(), 3 * SERIES);
        assert!(found.iter().all(|series| series.points.iter().map(|point| point.at - T0).eq(0..12)));
        assert_eq!(store.troubles(), Vec::<String>::new());
    }
    let (mut seen, live) = (0, store.stats().series);
    watch.look(|newest| seen += usize::from(newest.at >= T0));
    assert!(seen <= live && live <= 3 * SERIES);
}

#[test]
fn the_rooms_see_windows_of_numbers() {
    use kernel::port::SampleSource;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let series =
        |host: i64| kernel::Labels::from_pairs([("__name__", "up".to_owned()), ("host", format!("h{host}"))]).unwrap();
    let sample =
        |i: i64| kernel::sample::Sample { series: series(i % 3), at: super::instant(T0 + i * SECOND), value: i as f64 };
    let samples: Vec<_> = (0..60).map(sample).collect();
    let now = super::instant(T0 + 60 * SECOND);
    store.push(&samples, now).unwrap();
    write(&store, &[(&[("__name__", "up"), ("host", "h0")], T0 + 60 * SECOND, f64::from_bits(STALE_BITS))]);
    for (matcher, hosts) in [
        ("host=h1", vec![1]),
        ("host!=h1", vec![0, 2]),
        ("host=~\"h[12]\"", vec![1, 2]),
        ("host!~\"h.*\"", vec![]),
        ("absent=\"\"", vec![0, 1, 2]),
    ] {
        let (from, to) = (super::instant(T0 + 10 * SECOND), super::instant(T0 + 70 * SECOND));
        let found = store.windows("up", &[matcher.parse().unwrap()], from, to);
        let of = |host: i64| {
            let points = samples.iter().filter(|sample| sample.series == series(host) && sample.at > from);
            let points = points.map(|sample| (sample.at, sample.value)).collect();
            kernel::sample::Window { series: series(host), points }
        };
        assert_eq!(found, hosts.into_iter().map(of).collect::<Vec<_>>(), "{matcher}");
    }
    assert!(store.windows("down", &[], super::instant(T0), now).is_empty());
}

#[test]
fn a_query_sees_whole_writes_while_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (a, b): (Pairs<'_>, Pairs<'_>) = (&[("__name__", "pair"), ("n", "a")], &[("__name__", "pair"), ("n", "b")]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..600 {
                write(&store, &[(a, T0 + i, i as f64), (b, T0 + i, i as f64)]);
                if i % 200 == 100 {
                    store.flush(T0 + i).unwrap();
                }
            }
        });
        while !writer.is_finished() {
            let found = select(&store, &[is("__name__", "pair")], Millis::MIN, Millis::MAX);
            let [one, other] = found.as_slice() else { continue };
            assert_eq!(one.points, other.points);
            assert!(one.points.is_sorted_by(|x, y| x.at < y.at));
        }
    });
    assert_eq!(all(&store).iter().map(|series| series.points.len()).collect::<Vec<_>>(), [600, 600]);
}
