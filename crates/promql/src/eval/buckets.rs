//! Classic histograms: quantiles and fractions of cumulative counts by upper bound.

use super::numbers::almost_equal;

/// A bucket: how many observations were at most so large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    /// The label `le`.
    pub upper: f64,
    /// The count up to this bound.
    pub count: f64,
}

/// Counts that differ by less than this share of their sum differ by rounding alone.
const TOLERANCE: f64 = 1e-12;

/// A quantile, and whether counts had to be raised that fell from one bucket to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// The quantile.
    pub value: f64,
    /// Whether the counts were wrong.
    pub was_forced: bool,
}

/// Buckets in order of their bounds, each bound once. None when the last bound is not infinite.
fn ordered(mut buckets: Vec<Bucket>) -> Option<Vec<Bucket>> {
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    let mut ordered: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match ordered.last_mut() {
            Some(last) if last.upper == bucket.upper => last.count += bucket.count,
            _ => ordered.push(bucket),
        }
    }
    ordered.last().is_some_and(|last| last.upper == f64::INFINITY).then_some(ordered)
}

/// Raises counts that fall, and evens out those that differ by rounding. Says whether any fell by more.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let mut was_forced = false;
    let Some(mut before) = buckets.first().map(|bucket| bucket.count) else { return false };
    for bucket in buckets.iter_mut().skip(1) {
        let rounding = almost_equal(before, bucket.count, TOLERANCE);
        if rounding || bucket.count < before {
            was_forced |= !rounding;
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    was_forced
}

/// The value below which a share `q` of the observations is, interpolated evenly inside of a bucket.
pub(super) fn quantile(q: f64, buckets: Vec<Bucket>) -> Estimate {
    let plain = |value: f64| Estimate { value, was_forced: false };
    if q.is_nan() {
        return plain(f64::NAN);
    }
    if !(0.0..=1.0).contains(&q) {
        return plain(if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let Some(mut buckets) = ordered(buckets) else { return plain(f64::NAN) };
    let was_forced = make_monotonic(&mut buckets);
    let value = ranked(q, &buckets).unwrap_or(f64::NAN);
    Estimate { value, was_forced }
}

/// The value at a rank; none where there are no observations or only the last bucket.
fn ranked(q: f64, buckets: &[Bucket]) -> Option<f64> {
    let (last, finite) = buckets.split_last()?;
    let highest = finite.last()?;
    if last.count == 0.0 {
        return None;
    }
    let rank = q * last.count;
    let at = finite.partition_point(|bucket| bucket.count < rank || bucket.count.is_nan() || rank.is_nan());
    let Some(bucket) = finite.get(at) else { return Some(highest.upper) };
    let below = at.checked_sub(1).and_then(|below| finite.get(below));
    match below {
        None if bucket.upper <= 0.0 => Some(bucket.upper),
        None => Some(bucket.upper * (rank / bucket.count)),
        Some(below) => {
            let share = (rank - below.count) / (bucket.count - below.count);
            Some(below.upper + (bucket.upper - below.upper) * share)
        }
    }
}

/// The share of observations between two values.
pub(super) fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    let Some(buckets) = ordered(buckets) else { return f64::NAN };
    let count = buckets.last().map_or(0.0, |last| last.count);
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, &buckets, count) - rank_of(lower, &buckets, count)) / count
}

/// How many observations are below a value.
fn rank_of(value: f64, buckets: &[Bucket], count: f64) -> f64 {
    let positive = buckets.first().is_some_and(|first| first.upper > 0.0);
    let (mut from, mut rank) = (if positive { 0.0 } else { f64::NEG_INFINITY }, 0.0);
    for bucket in buckets {
        if from >= value {
            return f64::min(rank, count);
        }
        if bucket.upper > value {
            let inside = match from == f64::NEG_INFINITY {
                true => bucket.count,
                false => rank + (bucket.count - rank) * ((value - from) / (bucket.upper - from)),
            };
            return f64::min(inside, count);
        }
        (from, rank) = (bucket.upper, bucket.count);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(all: &[(f64, f64)]) -> Vec<Bucket> {
        all.iter().map(|(upper, count)| Bucket { upper: *upper, count: *count }).collect()
    }

    #[test]
    fn quantiles_are_interpolated_evenly() {
        let of = |q, all: &[(f64, f64)]| quantile(q, buckets(all));
        let all = [(1.0, 10.0), (2.0, 20.0), (f64::INFINITY, 40.0)];
        let cases = [(0.0, 0.0), (0.125, 0.5), (0.25, 1.0), (0.375, 1.5), (0.5, 2.0), (0.9, 2.0), (1.0, 2.0)];
        for (q, value) in cases {
            assert_eq!(of(q, &all), Estimate { value, was_forced: false }, "{q}");
        }
        assert_eq!(of(0.1, &[(-1.0, 10.0), (f64::INFINITY, 10.0)]).value, -1.0);
        assert!(of(0.5, &[(1.0, 10.0)]).value.is_nan());
        assert!(of(0.5, &[(f64::INFINITY, 10.0)]).value.is_nan());
        assert!(of(0.5, &[]).value.is_nan());
        assert!(of(0.5, &[(1.0, 0.0), (f64::INFINITY, 0.0)]).value.is_nan());
    }

    #[test]
    fn counts_that_fall_are_raised() {
        let all = [(1.0, 10.0), (2.0, 5.0), (f64::INFINITY, 20.0)];
        assert_eq!(quantile(0.5, buckets(&all)), Estimate { value: 1.0, was_forced: true });
        let all = [(1.0, 10.0), (2.0, 10.0 - 1e-13), (f64::INFINITY, 20.0)];
        assert!(!quantile(0.5, buckets(&all)).was_forced);
    }

    #[test]
    fn fractions_are_interpolated_evenly() {
        let all = [(1.0, 10.0), (2.0, 20.0), (f64::INFINITY, 40.0)];
        let of = |lower, upper| fraction(lower, upper, buckets(&all));
        assert_eq!((of(0.0, 1.0), of(0.5, 1.5), of(0.0, f64::INFINITY)), (0.25, 0.25, 1.0));
        assert_eq!((of(1.0, 1.0), of(2.0, 1.0)), (0.0, 0.0));
        assert!(of(f64::NAN, 1.0).is_nan());
    }
}
