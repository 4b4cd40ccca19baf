//! The window store against a naive model, and each refusal once.

use std::collections::BTreeMap;

use kernel::matcher::Matcher;
use kernel::port::SampleSource;
use kernel::sample::Sample;
use kernel::{Labels, Seconds, Timestamp};
use proptest::prelude::*;

use crate::{Limits, Pushed, Recent};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn labels(metric: &str, host: u8) -> Labels {
    Labels::from_pairs([("__name__", metric.to_owned()), ("host", format!("h{host}"))]).unwrap()
}

fn sample(metric: &str, host: u8, second: i64, value: f64) -> Sample {
    Sample { series: labels(metric, host), at: at(second), value }
}

fn seconds(store: &Recent, metric: &str, from: i64, to: i64) -> Vec<Vec<i64>> {
    let windows = store.windows(metric, &[], at(from), at(to));
    let second = |(point, _): &(Timestamp, f64)| point.as_second() - 1_700_000_000;
    windows.iter().map(|window| window.points.iter().map(second).collect()).collect()
}

#[test]
fn windows_hold_what_is_after_from_and_up_to_to_in_order_of_time() {
    let store = Recent::default();
    store.push([30, 10, 20, 40].map(|s| sample("up", 1, s, 1.0)).into(), at(40));
    assert_eq!(seconds(&store, "up", 10, 30), [[20, 30]]);
    assert_eq!(seconds(&store, "up", 40, 99), Vec::<Vec<i64>>::new());
    assert_eq!(seconds(&store, "up", 30, 10), Vec::<Vec<i64>>::new());
    assert_eq!(seconds(&store, "down", 0, 99), Vec::<Vec<i64>>::new());
}

#[test]
fn series_are_found_by_their_labels_and_sorted() {
    let store = Recent::default();
    store.push([3, 1, 2].map(|host| sample("up", host, 5, f64::from(host))).into(), at(5));
    let matcher: Matcher = "host=~\"h[13]\"".parse().unwrap();
    let found = store.windows("up", &[matcher], at(0), at(9));
    let hosts: Vec<_> = found.iter().map(|w| w.series.value("host")).collect();
    assert_eq!(hosts, ["h1", "h3"]);
    assert_eq!(found[1].points, [(at(5), 3.0)]);
}

#[test]
fn every_refusal_is_counted_by_its_reason() {
    let limits = Limits { window: Seconds(60), ahead: Seconds(10), series: 2, points_per_series: 2, samples: 3 };
    let store = Recent::with_limits(limits);
    let unnamed = Sample { series: Labels::default(), at: at(100), value: 1.0 };
    let cases = [
        (sample("a", 1, 40, 1.0), Pushed { too_old: 1, ..Pushed::default() }),
        (sample("a", 1, 111, 1.0), Pushed { too_new: 1, ..Pushed::default() }),
        (unnamed, Pushed { unnamed: 1, ..Pushed::default() }),
        (sample("a", 1, 98, 1.0), Pushed { kept: 1, ..Pushed::default() }),
        (sample("a", 1, 98, 2.0), Pushed { duplicates: 1, ..Pushed::default() }),
        (sample("a", 1, 99, 1.0), Pushed { kept: 1, ..Pushed::default() }),
        (sample("a", 1, 97, 1.0), Pushed { too_old: 1, ..Pushed::default() }),
        (sample("a", 1, 100, 1.0), Pushed { kept: 1, crowded_out: 1, ..Pushed::default() }),
        (sample("a", 2, 99, 1.0), Pushed { kept: 1, ..Pushed::default() }),
        (sample("b", 1, 99, 1.0), Pushed { over_samples: 1, ..Pushed::default() }),
    ];
    let mut total = Pushed::default();
    for (sample, expected) in cases {
        let text = format!("{sample:?}");
        let pushed = store.push(vec![sample], at(100));
        assert_eq!(pushed, expected, "{text}");
        total.add(&pushed);
    }
    assert_eq!((store.counts().series, store.counts().samples), (2, 3));
    assert_eq!(store.counts().pushed, total);
    assert_eq!(
        total.to_string(),
        "2 too old, 1 too far ahead of the clock, 1 without a metric name, 1 over the limit of samples"
    );
    assert_eq!(seconds(&store, "a", 0, 999), vec![vec![99, 100], vec![99]]);
}

#[test]
fn a_series_too_many_is_refused_and_the_others_go_on() {
    let store = Recent::with_limits(Limits { series: 1, ..Limits::default() });
    let pushed = store.push(vec![sample("a", 1, 1, 1.0), sample("a", 2, 1, 1.0), sample("a", 1, 2, 1.0)], at(2));
    assert_eq!((pushed.kept, pushed.over_series, pushed.refused()), (2, 1, 1));
}

#[test]
fn a_series_without_recent_samples_makes_room() {
    let store = Recent::with_limits(Limits { series: 1, window: Seconds(60), ..Limits::default() });
    store.push(vec![sample("a", 1, 0, 1.0)], at(0));
    assert_eq!(store.push(vec![sample("b", 1, 70, 1.0)], at(70)).kept, 1);
    assert_eq!((store.counts().series, store.counts().samples), (1, 1));
    assert!(store.windows("a", &[], at(-99), at(99)).is_empty());
}

proptest! {
    /// Whatever comes in whatever order, the store shows what a plain map of the last window shows.
    #[test]
    fn the_store_is_a_sorted_map_of_the_window(
        pushes in prop::collection::vec((0_u8..3, -40_i64..60, -10.0..10.0_f64), 0..120)
    ) {
        let store = Recent::with_limits(Limits { window: Seconds(50), ahead: Seconds(20), ..Limits::default() });
        let mut model: BTreeMap<u8, BTreeMap<i64, f64>> = BTreeMap::new();
        let now = 30;
        for (host, second, value) in pushes {
            store.push(vec![sample("m", host, second, value)], at(now));
            if second > now - 50 && second <= now + 20 {
                model.entry(host).or_default().entry(second).or_insert(value);
            }
        }
        let shown: Vec<Vec<(i64, f64)>> = store.windows("m", &[], at(-100), at(100)).iter()
            .map(|w| w.points.iter().map(|(p, v)| (p.as_second() - 1_700_000_000, *v)).collect()).collect();
        let expected: Vec<Vec<(i64, f64)>> = model.values().map(|m| m.iter().map(|(s, v)| (*s, *v)).collect()).collect();
        prop_assert_eq!(shown, expected);
        prop_assert_eq!(store.counts().samples, model.values().map(BTreeMap::len).sum::<usize>());
        prop_assert_eq!(store.counts().series, model.len());
    }
}
