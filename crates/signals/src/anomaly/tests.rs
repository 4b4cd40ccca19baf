//! Laws of the detector, and what it must see and must not.

use kernel::Labels;
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60;

/// Noise in -1..=1 that is the same in every run.
fn noise(row: i64) -> f64 {
    let mut bits = u64::from_ne_bytes(row.to_ne_bytes()).wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    #[expect(clippy::cast_precision_loss, reason = "noise")]
    let unit = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    2.0 * unit - 1.0
}

/// The rows at which a detector hits, on five-minute rows.
fn hits(rows: i64, value: impl Fn(i64) -> f64) -> Vec<i64> {
    let mut detector = Detector::new();
    (0..rows).filter(|row| detector.observe(row * 5 * MINUTE, value(*row)) >= HIT_SCORE).collect()
}

/// A series that is 20 at night and 80 from 8 to 20 o'clock, with some noise.
fn daily(row: i64) -> f64 {
    let hour = (row / 12) % 24;
    let level = if (8..20).contains(&hour) { 80.0 } else { 20.0 };
    level + 2.0 * noise(row)
}

fn named(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name)]).unwrap()
}

#[test]
fn what_never_moves_and_plain_noise_are_quiet() {
    assert!(hits(5000, |_| 45.0).is_empty());
    assert!(hits(5000, |_| 0.0).is_empty());
    let by_chance = hits(10_000, noise);
    assert!(by_chance.len() <= 10, "more than one in a thousand: {by_chance:?}");
}

#[test]
fn a_spike_a_shift_and_unrest_each_hit_within_a_few_rows() {
    let found = |value: &dyn Fn(i64) -> f64, within: i64| {
        let hits = hits(2200, value);
        let first = hits.iter().find(|row| **row >= 2000).copied();
        assert!(first.is_some_and(|row| row < 2000 + within), "within {within}: {hits:?}");
    };
    found(&|row| noise(row) + if row == 2000 { 8.0 } else { 0.0 }, 2);
    found(&|row| noise(row) + if row >= 2000 { 3.0 } else { 0.0 }, 10);
    found(&|row| noise(row) * if row >= 2000 { 3.0 } else { 1.0 }, 100);
}

#[test]
fn a_missing_peak_hits_by_the_season_alone() {
    let missing = 10 * 288 + 8 * 12;
    let value = |row: i64| if (missing..missing + 36).contains(&row) { 20.0 + 2.0 * noise(row) } else { daily(row) };
    let hits = hits(11 * 288, value);
    assert!(hits.iter().any(|row| (missing..missing + 12).contains(row)), "{hits:?}");
    assert!(hits.iter().filter(|row| (6 * 288..missing).contains(*row)).count() <= 2, "{hits:?}");
}

#[test]
fn a_hit_rests_the_detector_and_the_score_says_that_it_is_held() {
    let mut detector = Detector::new();
    let mut score = |row: i64, value: f64| detector.observe(row * MINUTE, value);
    for row in 0..2000 {
        score(row, noise(row));
    }
    assert!(score(2000, 20.0) > HIT_SCORE);
    let after: Vec<f64> = (2001..2010).map(|row| score(row, 20.0)).collect();
    assert!(after.iter().all(|score| *score <= HELD_SCORE), "{after:?}");
    assert!(after.contains(&HELD_SCORE), "{after:?}");
}

#[test]
fn a_detector_is_small() {
    let heap = 216 * (size_of::<f64>() + size_of::<u8>());
    let bytes = size_of::<Detector>() + heap;
    assert!(bytes < 4096, "{bytes} bytes");
}

#[test]
fn the_default_rule_raises_once_and_clears_once() {
    let mut rule = DefaultRule::new();
    let trouble = 300..320;
    let value = |row: i64| 100.0 + 5.0 * noise(row) + if trouble.contains(&row) { 60.0 } else { 0.0 };
    let raised: Vec<bool> = (0..500).map(|row| rule.observe(value(row))).collect();
    let changes: Vec<usize> = (1..500).filter(|row| raised[*row] != raised[row - 1]).collect();
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!((300..303).contains(&changes[0]) && changes[1] > 340, "{changes:?}");
}

#[test]
fn the_default_rule_ignores_trifles_and_what_is_no_number() {
    let mut rule = DefaultRule::new();
    let steady = |row: i64| if row < 300 { 100.0 } else { 104.0 };
    assert!((0..400).all(|row| !rule.observe(if row % 7 == 0 { f64::NAN } else { steady(row) })));
}

#[test]
fn a_full_set_drops_the_series_longest_unseen() {
    let mut detectors = Watches::<Detector>::new(2);
    for (second, name) in ["a", "b", "a", "c"].iter().enumerate() {
        detectors.observe(&named(name), i64::try_from(second).unwrap(), 1.0);
    }
    assert_eq!((detectors.len(), detectors.evicted()), (2, 1));
    let kept: Vec<&Labels> = detectors.seen_labels().collect();
    assert_eq!(kept, [&named("a"), &named("c")]);
}

#[test]
fn a_stored_set_keeps_its_series_their_order_and_their_limit() {
    let mut detectors = Watches::<Detector>::new(2);
    for (second, name) in ["a", "b", "a"].iter().enumerate() {
        detectors.observe(&named(name), i64::try_from(second).unwrap(), 1.0);
    }
    let text = serde_json::to_string(&detectors).unwrap();
    let mut again: Watches<Detector> = serde_json::from_str(&text).unwrap();
    again.observe(&named("c"), 3, 1.0);
    let kept: Vec<&Labels> = again.seen_labels().collect();
    assert_eq!(kept, [&named("a"), &named("c")]);
    assert_eq!(again.evicted(), 1);
}

#[test]
fn a_row_asked_for_twice_is_learnt_once() {
    let (mut once, mut twice) = (Watches::<Detector>::new(9), Watches::<Detector>::new(9));
    for row in 0..500 {
        let value = noise(row) + if row == 450 { 9.0 } else { 0.0 };
        let score = once.observe(&named("a"), row, value);
        assert_eq!(twice.observe(&named("a"), row, value), score);
        assert_eq!(twice.observe(&named("a"), row, value), score);
    }
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![-10.0..10.0, any::<f64>(), Just(0.0), Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(f64::NAN)]
}

proptest! {
    #[test]
    fn any_rows_score_within_bounds(rows in proptest::collection::vec((any::<i64>(), any_value()), 0..600)) {
        let mut detector = Detector::new();
        let mut rule = DefaultRule::new();
        for (at, value) in rows {
            let score = detector.observe(at, value);
            prop_assert!((0.0..=1.0).contains(&score), "{score}");
            rule.observe(value);
        }
    }

    #[test]
    fn a_stored_detector_goes_on_as_if_nothing_had_been(cut in 0_i64..900, seed in any::<i64>()) {
        let mut whole = Detector::new();
        let mut stored = Detector::new();
        for row in 0..900 {
            let value = noise(seed.wrapping_add(row)) + if row % 300 == 299 { 7.0 } else { 0.0 };
            if row == cut {
                stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
            }
            let (expected, score) = (whole.observe(row * 3600, value), stored.observe(row * 3600, value));
            if row >= cut {
                // JSON may lose the last bit of a number.
                prop_assert!((expected - score).abs() < 1e-6, "{expected} {score}");
            }
        }
    }
}
