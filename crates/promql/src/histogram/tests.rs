//! What is true of histograms.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn exponential(schema: i32, sum: f64, offset: i32, counts: &[f64]) -> Histogram {
    let positive: Vec<_> = (offset..).zip(counts.iter().copied()).collect();
    Histogram { schema, sum, count: counts.iter().sum(), positive, ..Histogram::default() }
}

fn custom(bounds: &[f64], sum: f64, counts: &[f64]) -> Histogram {
    Histogram { bounds: Arc::from(bounds), ..exponential(CUSTOM_BUCKETS, sum, 0, counts) }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

#[test]
fn numbers_are_written_as_go_does() {
    let cases = [
        (0.0, "0"),
        (1.0, "1"),
        (-0.25, "-0.25"),
        (123_456.0, "123456"),
        (1_000_000.0, "1e+06"),
        (0.0001, "0.0001"),
        (0.000_012_5, "1.25e-05"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
        (1.797e308, "1.797e+308"),
    ];
    for (value, text) in cases {
        assert_eq!(number(value), text);
    }
}

#[test]
fn histograms_are_written_in_both_forms() {
    let mut histogram = exponential(0, 5.0, 0, &[1.0, 0.0, 2.0]);
    (histogram.zero_count, histogram.zero_threshold, histogram.negative) = (1.0, 0.25, vec![(1, 3.0)]);
    histogram.reset = ResetHint::Gauge;
    assert_eq!(histogram.to_string(), "{count:3, sum:5, [-2,-1):3, [-0.25,0.25]:1, (0.5,1]:1, (2,4]:2}");
    let notation = "{{count:3 sum:5 z_bucket:1 z_bucket_w:0.25 counter_reset_hint:gauge buckets:[1 0 2] n_offset:1 n_buckets:[3]}}";
    assert_eq!(histogram.notation(), notation);
    let classic = custom(&[1.0, 2.5], 9.0, &[1.0, 2.0, 3.0]);
    assert_eq!(classic.to_string(), "{count:6, sum:9, [-Inf,1]:1, (1,2.5]:2, (2.5,+Inf]:3}");
    assert_eq!(classic.notation(), "{{schema:-53 count:6 sum:9 custom_values:[1 2.5] buckets:[1 2 3]}}");
}

#[test]
fn bounds_double_and_end_at_the_greatest_float() {
    let bound = |schema, index| exponential(schema, 0.0, 0, &[]).bound(index);
    assert_eq!((bound(0, 0), bound(0, 3), bound(0, -2)), (1.0, 8.0, 0.25));
    assert_eq!((bound(-1, 1), bound(-2, 1), bound(1, 2), bound(1, 1)), (4.0, 16.0, 2.0, std::f64::consts::SQRT_2));
    assert_eq!((bound(0, 1024), bound(0, 1025), bound(8, 1024 << 8)), (f64::MAX, f64::INFINITY, f64::MAX));
}

#[test]
fn different_resolutions_meet_at_the_lower_one() {
    let fine = exponential(1, 1.0, -1, &[1.0, 2.0, 3.0, 4.0]);
    let coarse = exponential(0, 2.0, 0, &[5.0, 6.0]);
    let sum = fine.add(&coarse).unwrap().histogram;
    assert_eq!((sum.schema, &sum.positive[..]), (0, &[(0, 8.0), (1, 13.0)][..]));
    assert_eq!((sum.sum, sum.count), (3.0, 21.0));
}

#[test]
fn a_wider_zero_bucket_swallows_and_grows_to_the_end_of_what_it_cuts() {
    let narrow = exponential(0, 0.0, 0, &[1.0, 2.0, 3.0]);
    let mut wide = exponential(0, 0.0, 3, &[4.0]);
    (wide.zero_threshold, wide.zero_count) = (1.5, 10.0);
    let sum = narrow.add(&wide).unwrap().histogram;
    assert_eq!((sum.zero_threshold, sum.zero_count), (2.0, 13.0));
    assert_eq!(sum.positive, [(2, 3.0), (3, 4.0)]);
}

#[test]
fn custom_bounds_are_intersected() {
    let a = custom(&[1.0, 2.0, 3.0], 0.0, &[1.0, 2.0, 3.0, 4.0]);
    let b = custom(&[1.0, 3.0, 5.0], 0.0, &[5.0, 6.0, 7.0, 8.0]);
    let sum = a.add(&b).unwrap();
    assert!(sum.bounds_reconciled);
    assert_eq!(&*sum.histogram.bounds, [1.0, 3.0]);
    assert_eq!(sum.histogram.positive, [(0, 6.0), (1, 11.0), (2, 19.0)]);
    assert_eq!(a.add(&exponential(0, 0.0, 0, &[1.0])), Err(Incompatible));
}

#[test]
fn hints_combine() {
    use ResetHint::*;
    let sum = |a: ResetHint, b: ResetHint| {
        let sum = Histogram::default().with_hint(a).add(&Histogram::default().with_hint(b)).unwrap();
        (sum.histogram.reset, sum.hints_collide)
    };
    assert_eq!(sum(Gauge, NoReset), (Gauge, false));
    assert_eq!(sum(NoReset, NoReset), (NoReset, false));
    assert_eq!(sum(Unknown, Reset), (Unknown, false));
    assert_eq!(sum(Reset, NoReset), (Unknown, true));
    assert_eq!(Histogram::default().sub(&Histogram::default()).unwrap().histogram.reset, Gauge);
}

#[test]
fn resets_are_found() {
    let before = exponential(1, 5.0, 0, &[1.0, 2.0, 3.0]);
    let cases = [
        (exponential(1, 4.0, 0, &[1.0, 2.0, 4.0]), false),
        (exponential(1, 9.0, 0, &[1.0, 2.0, 2.0]), true),
        (exponential(1, 9.0, 0, &[0.0, 9.0, 9.0]), true),
        (exponential(2, 9.0, 0, &[9.0, 9.0, 9.0]), true),
        (exponential(0, 9.0, 0, &[1.0, 9.0, 9.0]), false),
        (exponential(1, 9.0, 0, &[1.0, 2.0, 4.0]).with_hint(ResetHint::Reset), true),
        (exponential(1, 9.0, 0, &[0.0]).with_hint(ResetHint::NoReset), false),
        (Histogram { zero_threshold: 0.5, zero_count: 9.0, ..exponential(1, 9.0, 0, &[1.0, 2.0, 4.0]) }, false),
        (Histogram { zero_threshold: 0.9, zero_count: 9.0, ..exponential(1, 9.0, 0, &[1.0, 2.0, 4.0]) }, true),
    ];
    for (now, reset) in cases {
        assert_eq!(now.is_reset_after(&before), reset, "{now}");
    }
}

#[test]
fn quantiles_are_interpolated() {
    let histogram = exponential(0, 5.0, 0, &[1.0, 2.0, 1.0]);
    for (q, value) in [
        (0.5, 2f64.sqrt()),
        (0.25, 1.0),
        (0.75, 2.0),
        (1.0, 4.0),
        (0.0, 0.5),
        (-1.0, f64::NEG_INFINITY),
        (2.0, f64::INFINITY),
    ] {
        assert_eq!(histogram.quantile(q).value(), value, "{q}");
    }
    let classic = custom(&[5.0, 10.0], 9.0, &[2.0, 2.0, 1.0]);
    assert!(close(classic.quantile(0.2).value(), 2.5) && close(classic.quantile(0.6).value(), 7.5));
    assert_eq!(classic.quantile(0.99).value(), 10.0);
    let with_nan = Histogram { sum: f64::NAN, count: 8.0, ..histogram };
    assert_eq!(with_nan.quantile(0.9), Quantile::AmongNan);
    assert_eq!(with_nan.quantile(0.125), Quantile::Skewed(1.0));
    assert!(Histogram::default().quantile(0.5).value().is_nan());
}

#[test]
fn fractions_are_interpolated() {
    let histogram = exponential(0, 5.0, 0, &[1.0, 2.0, 1.0]);
    assert_eq!(histogram.fraction(1.0, 2.0), 0.5);
    assert_eq!(histogram.fraction(0.0, f64::INFINITY), 1.0);
    assert!(close(histogram.fraction(2f64.sqrt(), 2.0), 0.25));
    assert_eq!((histogram.fraction(3.0, 2.0), histogram.fraction(f64::NAN, 2.0).is_nan()), (0.0, true));
    let classic = custom(&[5.0, 10.0], 9.0, &[2.0, 2.0, 4.0]);
    assert!(close(classic.fraction(2.5, 7.5), 0.25) && close(classic.fraction(0.0, 12.0), 0.5));
}

#[test]
fn spread_is_that_of_the_middles() {
    let histogram = exponential(2, 0.0, 0, &[2.0]);
    let middle = (histogram.bound(-1) * histogram.bound(0)).sqrt();
    let histogram = Histogram { sum: 2.0 * middle, ..histogram };
    assert!(histogram.variance().abs() < 1e-15 && close(histogram.average(), middle));
    let two = custom(&[0.0, 2.0, 4.0], 4.0, &[0.0, 1.0, 1.0]);
    assert_eq!((two.variance(), two.deviation()), (1.0, 1.0));
}

#[test]
fn trims_keep_one_side() {
    let histogram = exponential(0, 7.0, 0, &[1.0, 2.0, 4.0]);
    let below = histogram.trimmed_above(2.0);
    assert_eq!((below.count, &below.positive[..]), (3.0, &[(0, 1.0), (1, 2.0)][..]));
    assert!(close(below.sum, 0.5f64.sqrt() + 2.0 * 2f64.sqrt()));
    let cut = histogram.trimmed_above(2f64.sqrt());
    assert!(close(cut.count, 2.0) && close(cut.positive[1].1, 1.0));
    assert_eq!(histogram.trimmed_above(9.0), histogram);
    assert_eq!(histogram.trimmed_below(0.1), histogram);
    let classic = custom(&[5.0, 10.0], 9.0, &[2.0, 2.0, 4.0]);
    assert_eq!(classic.trimmed_below(7.5).positive, [(1, 1.0), (2, 4.0)]);
    assert_eq!(classic.trimmed_above(12.0).positive, [(0, 2.0), (1, 2.0)]);
    assert_eq!(classic.trimmed_above(2.5).positive, [(0, 1.0)]);
    assert_eq!(classic.trimmed_above(2.5).sum, 1.25);
}

#[test]
fn long_sums_keep_the_small_parts_and_means_do_not_overflow() {
    let (huge, one) = (exponential(0, 1e100, 0, &[1e100]), exponential(0, 1.0, 0, &[1.0]));
    let mut sum = HistogramSum::new(&one);
    for part in [&huge, &one, &huge.negated()] {
        sum.add(part).unwrap();
    }
    assert_eq!((sum.total().sum, sum.total().positive[0].1), (2.0, 2.0));
    let greatest = exponential(0, f64::MAX, 0, &[f64::MAX]);
    let mut sum = HistogramSum::new(&greatest);
    sum.add(&greatest).unwrap();
    assert_eq!((sum.total().sum, sum.mean(2.0).sum), (f64::INFINITY, f64::MAX));
}

/// Any histogram that a script can write, and some that it cannot.
fn any_histogram() -> impl Strategy<Value = Histogram> {
    let buckets = || proptest::collection::btree_map(-40i32..40, 0u8..9, 0..6);
    let bounds = proptest::collection::btree_set(-5i8..9, 0..6);
    (-4i32..=9, 0u8..4, 0u8..9, buckets(), buckets(), bounds).prop_map(
        |(schema, width, zero, positive, negative, bounds)| {
            let listed = |all: std::collections::BTreeMap<i32, u8>| {
                all.into_iter().map(|(i, n)| (i, f64::from(n))).collect::<Vec<_>>()
            };
            let (positive, negative) = (listed(positive), listed(negative));
            let count = positive.iter().chain(&negative).map(|entry| entry.1).sum::<f64>() + f64::from(zero);
            let plain = Histogram {
                schema,
                zero_count: f64::from(zero),
                count,
                sum: 1.5,
                positive,
                negative,
                ..Histogram::default()
            };
            if schema < 9 {
                return plain.widened(plain.threshold_from(f64::from(width) / 3.0));
            }
            let bounds: Arc<[f64]> = bounds.into_iter().map(f64::from).collect();
            let positive: Vec<_> = plain
                .positive
                .into_iter()
                .filter(|(i, _)| usize::try_from(*i).is_ok_and(|i| i <= bounds.len()))
                .collect();
            let count = positive.iter().map(|entry| entry.1).sum();
            Histogram {
                schema: CUSTOM_BUCKETS,
                zero_threshold: 0.0,
                zero_count: 0.0,
                negative: vec![],
                count,
                positive,
                bounds,
                ..plain
            }
        },
    )
}

fn counted(histogram: &Histogram) -> f64 {
    histogram.buckets().iter().map(|bucket| bucket.count).sum()
}

proptest! {
    #[test]
    fn nothing_is_lost_in_a_sum_and_order_does_not_matter(a in any_histogram(), b in any_histogram()) {
        let (Ok(ab), Ok(ba)) = (a.add(&b), b.add(&a)) else { return Ok(()) };
        prop_assert!(close(counted(&ab.histogram), counted(&a) + counted(&b)));
        prop_assert!(ab.histogram.equals(&ba.histogram));
        let back = ab.histogram.sub(&b).unwrap().histogram;
        prop_assert!(close(counted(&back), counted(&a)));
    }

    #[test]
    fn a_sum_is_no_reset(a in any_histogram(), b in any_histogram()) {
        if let Ok(sum) = a.add(&b) {
            prop_assert!(!sum.histogram.is_reset_after(&a), "{} after {}", sum.histogram, a);
        }
    }

    #[test]
    fn quantiles_rise_and_fractions_are_shares(a in any_histogram(), p in 0.0..1.0f64, q in 0.0..1.0f64) {
        if a.count > 0.0 {
            let (low, high) = (a.quantile(p.min(q)).value(), a.quantile(p.max(q)).value());
            prop_assert!(low <= high + 1e-9 * high.abs(), "{low} {high} of {a}");
            let share = a.fraction(p - 0.5, q * 7.0);
            prop_assert!((0.0..=1.0).contains(&share), "{share} of {a}");
        }
    }

    #[test]
    fn two_trims_at_one_value_make_the_whole(a in any_histogram(), at in -9.0..9.0f64) {
        let (below, above) = (a.trimmed_above(at), a.trimmed_below(at));
        prop_assert!(close(counted(&below) + counted(&above), counted(&a)), "{a}: {below} and {above}");
    }
}
