//! Numbers as Prometheus compares, orders and writes them.

use std::cmp::Ordering;

use crate::histogram::number;

/// The larger of two numbers; not a number when either is not, unless the other is infinitely large.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// The smaller of two numbers; not a number when either is not, unless the other is infinitely small.
pub(super) fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}

/// Order by value, with what is not a number before everything else.
pub(super) fn nan_first(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Order by value, with what is not a number after everything else.
pub(super) fn nan_last(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// A quantile of numbers in any order, interpolated between the two next to it.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    values.sort_unstable_by(|a, b| nan_first(*a, *b));
    let last = values.len() - 1;
    let rank = q * last as f64;
    let below = rank.floor();
    let weight = rank - below;
    let value = |at: usize| values.get(at.min(last)).copied().unwrap_or(f64::NAN);
    value(below as usize) * (1.0 - weight) + value(below as usize + 1) * weight
}

/// Whether two numbers differ by rounding alone: by less than `tolerance` of the sum of both.
pub(super) fn almost_equal(a: f64, b: f64, tolerance: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < tolerance * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < tolerance
}

/// What has a name of its own: infinities, and what is not a number.
fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// A number with all its digits and no exponent, as `count_values` labels it.
pub(super) fn plain(value: f64) -> String {
    special(value).map_or_else(|| value.to_string(), str::to_owned)
}

/// The value of a label that holds a number, as OpenMetrics wants it: with a dot or an exponent.
pub(super) fn label(value: f64) -> String {
    let text = number(value);
    if special(value).is_some() || text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        let of = |q| quantile(q, vec![3.0, 1.0, 2.0, 4.0]);
        assert_eq!((of(0.0), of(0.5), of(1.0), of(0.75)), (1.0, 2.5, 4.0, 3.25));
        assert_eq!((of(-0.1), of(1.1)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(of(f64::NAN).is_nan() && quantile(0.5, vec![]).is_nan());
    }

    #[test]
    fn not_a_number_wins_over_all_but_infinity() {
        assert!(larger(f64::NAN, 1.0).is_nan() && smaller(1.0, f64::NAN).is_nan());
        assert_eq!(larger(f64::NAN, f64::INFINITY), f64::INFINITY);
        assert_eq!((larger(1.0, 2.0), smaller(1.0, 2.0)), (2.0, 1.0));
    }

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        let cases = [(1.0, "1", "1.0"), (0.5, "0.5", "0.5"), (f64::INFINITY, "+Inf", "+Inf"), (1e6, "1e+06", "1e+06")];
        for (value, short_text, label_text) in cases {
            assert_eq!((number(value).as_str(), label(value).as_str()), (short_text, label_text));
        }
        assert_eq!((number(1.5e-7), plain(1.5e-7)), ("1.5e-07".into(), "0.00000015".into()));
        assert_eq!(number(f64::NAN), "NaN");
    }

    #[test]
    fn rounding_is_told_from_difference() {
        assert!(almost_equal(1.0, 1.0 + 1e-13, 1e-12) && !almost_equal(1.0, 1.0 + 1e-9, 1e-12));
        assert!(!almost_equal(0.0, 1e-300, 1e-12) && almost_equal(0.0, 0.0, 1e-12));
    }
}
