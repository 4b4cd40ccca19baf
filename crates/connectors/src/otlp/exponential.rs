//! Exponential histograms as native histograms. Source of the rules: OpenTelemetry's specification of compatibility with
//! Prometheus.
//!
//! | exponential histogram | native histogram |
//! |---|---|
//! | scale from -4 to 8 | the schema of the same number |
//! | a higher scale, at most 31 | schema 8: neighbouring buckets are added up |
//! | a lower scale | rejected: there is no such schema |
//! | bucket `i`: values in `(base^i, base^(i+1)]` | bucket `i + 1`, which has the same bounds |
//! | zero count and threshold | the zero bucket; a threshold that is not given is 1e-128 |
//! | start time | when the series was born, by which a reset is known even where no count fell |
//! | "no value now" | a stale marker, which ends the series until its next point |
//! | least and greatest value, exemplars | left out |

use kernel::Timestamp;
use opentelemetry_proto::tonic::metrics::v1::ExponentialHistogramDataPoint;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use promql::{Histogram, Millis, Point, Value};

use super::translate::NO_RECORDED_VALUE;

/// The most filled buckets of one native histogram, both signs together: twice what an SDK uses for each sign. One with more
/// is kept in the next lower resolution in which it has fewer; the lowest one has less than 270 at most.
pub const NATIVE_BUCKETS_MAX: usize = 320;
/// The lowest schema of a native histogram.
const SCHEMA_MIN: i32 = -4;
/// The highest schema of a native histogram.
const SCHEMA_MAX: i32 = 8;
/// The highest scale that is brought down; SDKs begin with 20.
const SCALE_MAX: i32 = 31;
/// The powers of two between which the bounds of buckets are: those of all numbers, and a bucket of the lowest schema more.
const POWERS: std::ops::RangeInclusive<f64> = -1090.0..=1040.0;
/// How wide the zero bucket is when the sender does not say.
const ZERO_THRESHOLD: f64 = 1e-128;

const SCALE: &str = "whose scale is not from -4 to 31";
const RANGE: &str = "with a bucket out of all range";
const COUNT: &str = "whose buckets do not add up to their count";
const THRESHOLD: &str = "whose zero threshold is no width";

/// The native form of a point, at an instant, of a series that was born at another.
pub(super) fn native(
    data: &ExponentialHistogramDataPoint,
    at: Timestamp,
    born: Option<Timestamp>,
) -> Result<Point, &'static str> {
    let value = if data.flags & NO_RECORDED_VALUE == 0 {
        Value::Histogram(bounded(&histogram(data)?).into())
    } else {
        Value::stale()
    };
    Ok(Point { at: at.as_millisecond(), born: born.map_or(0, |born| born.as_millisecond()), value })
}

fn histogram(data: &ExponentialHistogramDataPoint) -> Result<Histogram, &'static str> {
    if !(SCHEMA_MIN..=SCALE_MAX).contains(&data.scale) {
        return Err(SCALE);
    }
    if !(data.zero_threshold >= 0.0 && data.zero_threshold.is_finite()) {
        return Err(THRESHOLD);
    }
    let counts = [&data.positive, &data.negative].into_iter().flatten().flat_map(|buckets| &buckets.bucket_counts);
    let filled = counts.copied().try_fold(data.zero_count, u64::checked_add);
    if filled != Some(data.count) {
        return Err(COUNT);
    }
    let fine = Histogram {
        schema: data.scale,
        zero_threshold: if data.zero_threshold > 0.0 { data.zero_threshold } else { ZERO_THRESHOLD },
        zero_count: data.zero_count as f64,
        count: data.count as f64,
        sum: data.sum.unwrap_or(0.0),
        positive: filled_buckets(data.positive.as_ref(), data.scale)?,
        negative: filled_buckets(data.negative.as_ref(), data.scale)?,
        ..Histogram::default()
    };
    Ok(fine.lowered(SCHEMA_MAX))
}

/// The buckets that count something, by their native index.
fn filled_buckets(buckets: Option<&Buckets>, scale: i32) -> Result<Vec<(i32, f64)>, &'static str> {
    let Some(buckets) = buckets else { return Ok(Vec::new()) };
    let indexed = (i64::from(buckets.offset) + 1..).zip(&buckets.bucket_counts).filter(|(_, count)| **count > 0);
    let within = |index: &i32| POWERS.contains(&(f64::from(*index) * f64::from(-scale).exp2()));
    let native = |index: i64| i32::try_from(index).ok().filter(within).ok_or(RANGE);
    indexed.map(|(index, count)| Ok((native(index)?, *count as f64))).collect()
}

/// The same in the finest resolution that has no more than [`NATIVE_BUCKETS_MAX`] buckets.
pub(super) fn bounded(fine: &Histogram) -> Histogram {
    let mut histogram = fine.clone();
    while histogram.positive.len() + histogram.negative.len() > NATIVE_BUCKETS_MAX && histogram.schema > SCHEMA_MIN {
        histogram = histogram.lowered(histogram.schema - 1);
    }
    histogram
}

/// What there is in total when a point that tells what was added since the last one comes to the total before it.
pub(super) fn added(total: Option<&Histogram>, more: &Histogram) -> Histogram {
    let sum = total.and_then(|total| total.add(more).ok());
    sum.map_or_else(|| more.clone(), |sum| bounded(&sum.histogram))
}

/// When a total was born whose first point is this one: at the beginning of what it tells.
pub(super) fn born_of(point: &Point) -> Millis {
    if point.born == 0 { point.at } else { point.born }
}

#[cfg(test)]
mod tests;
