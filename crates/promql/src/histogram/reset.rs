//! Whether a counter began anew between two histograms.

use super::layout::Layout;
use super::{Histogram, ResetHint};

impl Histogram {
    /// Whether the counter began anew between `before` and this one. A hint of this one is believed; a gauge is looked
    /// at as if it were a counter.
    #[must_use]
    pub fn is_reset_after(&self, before: &Self) -> bool {
        match self.reset {
            ResetHint::Reset => true,
            ResetHint::NoReset => false,
            ResetHint::Unknown | ResetHint::Gauge => self.dropped_since(before),
        }
    }

    /// Whether the layout changed other than to a lower resolution, or a count is less than before.
    fn dropped_since(&self, before: &Self) -> bool {
        if self.count < before.count || self.is_custom() != before.is_custom() {
            return true;
        }
        if self.is_custom() {
            let Ok((layout, _)) = Layout::common(self, before) else { return true };
            return drops(&self.onto(&layout).positive, &before.onto(&layout).positive);
        }
        let finer = self.schema > before.schema || self.zero_threshold < before.zero_threshold;
        if finer || before.threshold_from(self.zero_threshold) != self.zero_threshold {
            return true;
        }
        let before = before.widened(self.zero_threshold).lowered(self.schema);
        self.zero_count < before.zero_count
            || drops(&self.positive, &before.positive)
            || drops(&self.negative, &before.negative)
    }
}

/// Whether a bucket counts less than before; an absent one counts nothing.
fn drops(now: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    before.iter().any(|(index, was)| {
        let is = now.binary_search_by_key(index, |entry| entry.0).ok().and_then(|at| now.get(at));
        is.map_or(0.0, |entry| entry.1) < *was
    })
}
