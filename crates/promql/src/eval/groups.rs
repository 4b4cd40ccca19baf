//! Histograms added up, over the series of a group or the samples of a window.

use std::sync::Arc;

use super::notes::Notes;
use crate::{Histogram, HistogramSum, ResetHint};

/// Histograms being added up, and what is odd about them.
struct Adding<'n> {
    sum: HistogramSum,
    was_reset: bool,
    was_not_reset: bool,
    notes: &'n Notes,
}

impl<'n> Adding<'n> {
    fn new(first: &Histogram, notes: &'n Notes) -> Self {
        let mut adding = Self { sum: HistogramSum::new(first), was_reset: false, was_not_reset: false, notes };
        adding.see(first);
        adding
    }

    fn see(&mut self, histogram: &Histogram) {
        self.was_reset |= histogram.reset == ResetHint::Reset;
        self.was_not_reset |= histogram.reset == ResetHint::NoReset;
    }

    /// Adds one; none, with a note, when it does not go with the others.
    fn add(&mut self, metric: &str, histogram: &Histogram) -> Option<()> {
        self.see(histogram);
        if self.sum.add(histogram).is_err() {
            self.notes.mixed_schemas(metric);
            return None;
        }
        Some(())
    }

    fn note(&self) {
        if self.was_reset && self.was_not_reset {
            self.notes.resets_collide("aggregation");
        }
        if self.sum.bounds_reconciled {
            self.notes.bounds_reconciled("aggregation");
        }
    }
}

/// The sum of histograms, each with the name of its metric. None, with a note, when they do not go together.
pub(super) fn total<'h>(
    all: impl IntoIterator<Item = (&'h str, &'h Arc<Histogram>)>,
    notes: &Notes,
) -> Option<Histogram> {
    let mut all = all.into_iter();
    let (_, first) = all.next()?;
    let mut adding = Adding::new(first, notes);
    for (metric, histogram) in all {
        adding.add(metric, histogram)?;
    }
    adding.note();
    Some(adding.sum.total().compacted())
}

/// The mean of histograms, each with the name of its metric. None, with a note, when they do not go together.
pub(super) fn average<'h>(
    all: impl IntoIterator<Item = (&'h str, &'h Arc<Histogram>)>,
    notes: &Notes,
) -> Option<Histogram> {
    let all: Vec<_> = all.into_iter().collect();
    let (_, first) = all.first()?;
    let mut adding = Adding::new(first, notes);
    for (metric, histogram) in all.iter().skip(1) {
        adding.add(metric, histogram)?;
    }
    adding.note();
    let total = adding.sum.total();
    let mean = if total.overflows() { stepwise(&all)? } else { total.divided_by(all.len() as f64) };
    Some(mean.compacted())
}

/// The mean kept step by step, for histograms of which the sum would pass the largest number.
fn stepwise(all: &[(&str, &Arc<Histogram>)]) -> Option<Histogram> {
    let (first, rest) = all.split_first()?;
    let mut mean = Histogram::clone(first.1);
    let mut count = 1.0;
    for (_, histogram) in rest {
        count += 1.0;
        mean = mean.times((count - 1.0) / count).add(&histogram.divided_by(count)).ok()?.histogram;
    }
    Some(mean)
}
