//! Two histograms brought to the same buckets: a lower resolution, a wider zero bucket, the bounds that both have.

use std::sync::Arc;

use super::{Histogram, Incompatible};

/// What decides where the buckets of a histogram are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// The resolution.
    schema: i32,
    /// How wide the zero bucket is.
    zero_threshold: f64,
    /// The bounds of custom buckets.
    bounds: Arc<[f64]>,
}

impl Layout {
    /// The finest layout to which both can be brought, and whether custom bounds were lost on the way.
    ///
    /// # Errors
    /// Exponential and custom buckets cannot be brought together.
    pub(super) fn common(a: &Histogram, b: &Histogram) -> Result<(Self, bool), Incompatible> {
        if a.is_custom() != b.is_custom() {
            return Err(Incompatible);
        }
        if a.is_custom() {
            let bounds = common_bounds(&a.bounds, &b.bounds);
            let lost = *a.bounds != *b.bounds;
            return Ok((Self { schema: a.schema, zero_threshold: a.zero_threshold, bounds }, lost));
        }
        let layout = Self {
            schema: a.schema.min(b.schema),
            zero_threshold: common_threshold(a, b),
            bounds: Arc::clone(&a.bounds),
        };
        Ok((layout, false))
    }
}

impl Histogram {
    /// The same in a lower resolution. A resolution that is not lower changes nothing, nor do custom buckets change.
    #[must_use]
    pub fn lowered(&self, schema: i32) -> Self {
        if self.is_custom() || schema >= self.schema {
            return self.clone();
        }
        let steps = self.schema.saturating_sub(schema).clamp(0, 31);
        let lower = |all: &[(i32, f64)]| {
            merged(all.iter().map(|(index, count)| ((index.saturating_sub(1) >> steps) + 1, *count)))
        };
        Self { schema, positive: lower(&self.positive), negative: lower(&self.negative), ..self.clone() }
    }

    /// The same in a layout that [`Layout::common`] gave.
    pub(super) fn onto(&self, layout: &Layout) -> Self {
        if self.is_custom() {
            self.onto_bounds(&layout.bounds)
        } else {
            self.widened(layout.zero_threshold).lowered(layout.schema)
        }
    }

    /// The same with fewer custom bounds, all of which it has.
    fn onto_bounds(&self, bounds: &Arc<[f64]>) -> Self {
        if self.bounds == *bounds {
            return self.clone();
        }
        let place = |index: i32| {
            let upper = self.bound(index);
            i32::try_from(bounds.partition_point(|bound| *bound < upper)).unwrap_or(i32::MAX)
        };
        let positive = merged(self.positive.iter().map(|(index, count)| (place(*index), *count)));
        Self { positive, bounds: Arc::clone(bounds), ..self.clone() }
    }

    /// The same with a wider zero bucket: whatever begins inside of it is counted there.
    pub(super) fn widened(&self, threshold: f64) -> Self {
        if threshold <= self.zero_threshold {
            return self.clone();
        }
        let inside = |entry: &&(i32, f64)| self.bound(entry.0.saturating_sub(1)) < threshold;
        let swallowed = |all: &[(i32, f64)]| all.iter().filter(inside).map(|(_, count)| count).sum::<f64>();
        let kept = |all: &[(i32, f64)]| all.iter().filter(|entry| !inside(entry)).copied().collect();
        Self {
            zero_threshold: threshold,
            zero_count: self.zero_count + swallowed(&self.positive) + swallowed(&self.negative),
            positive: kept(&self.positive),
            negative: kept(&self.negative),
            ..self.clone()
        }
    }

    /// The least threshold from `wanted` on that ends in no populated bucket.
    pub(super) fn threshold_from(&self, wanted: f64) -> f64 {
        let mut threshold = wanted;
        // A threshold only moves to the end of a bucket, and the two signs share their bounds: two rounds are enough.
        for _ in 0..2 {
            let all = self.positive.iter().chain(&self.negative).filter(|(_, count)| *count != 0.0);
            let cut = all.filter(|(index, _)| self.bound(index.saturating_sub(1)) < threshold);
            threshold = cut.map(|(index, _)| self.bound(*index)).fold(threshold, f64::max);
        }
        threshold
    }
}

/// The least zero threshold that both histograms can take.
fn common_threshold(a: &Histogram, b: &Histogram) -> f64 {
    let (mut left, mut right) = (a.zero_threshold, b.zero_threshold);
    // Each round ends at a bound of a populated bucket of one of the two.
    for _ in 0..=a.positive.len() + a.negative.len() + b.positive.len() + b.negative.len() {
        if left < right {
            left = a.threshold_from(right);
        } else if right < left {
            right = b.threshold_from(left);
        } else {
            break;
        }
    }
    left.max(right)
}

/// The bounds that stand in both lists; both are ascending.
fn common_bounds(a: &Arc<[f64]>, b: &Arc<[f64]>) -> Arc<[f64]> {
    if a == b {
        return Arc::clone(a);
    }
    a.iter().filter(|bound| b.binary_search_by(|other| other.total_cmp(bound)).is_ok()).copied().collect()
}

/// Counts of one index added up. Equal indexes stand beside each other.
fn merged(entries: impl Iterator<Item = (i32, f64)>) -> Vec<(i32, f64)> {
    let mut all: Vec<(i32, f64)> = Vec::new();
    for (index, count) in entries {
        match all.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => all.push((index, count)),
        }
    }
    all
}
