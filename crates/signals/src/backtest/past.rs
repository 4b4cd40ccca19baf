//! The samples of the past as the rules see them: what was stored, and what the rules of the file wrote in the replay.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use promql::{Labels, METRIC_NAME, MemorySource, Millis, Point, Series, SeriesSource, SourceFailure, Wanted};

use super::reads::Writers;
use super::{RECORDED_MAX, Refusal};

/// A source, and what was written on top of it.
pub(super) struct Past<'a> {
    below: &'a (dyn SeriesSource + Sync),
    writers: &'a Writers,
    start: Millis,
    written: Mutex<MemorySource>,
    count: AtomicUsize,
    /// Later points do not exist yet.
    now: AtomicI64,
}

impl<'a> Past<'a> {
    /// Nothing written yet. What these writers write is hidden below from the start on.
    pub fn new(below: &'a (dyn SeriesSource + Sync), writers: &'a Writers, start: Millis) -> Self {
        let (written, count, now) = (Mutex::default(), AtomicUsize::new(0), AtomicI64::new(Millis::MAX));
        Self { below, writers, start, written, count, now }
    }

    /// Hides what is later.
    pub fn set_now(&self, now: Millis) {
        self.now.store(now, Ordering::Relaxed);
    }

    /// Takes what a rule wrote.
    ///
    /// # Errors
    /// When there is too much.
    pub fn write(&self, samples: Vec<(Labels, Point)>) -> Result<(), Refusal> {
        if self.count.fetch_add(samples.len(), Ordering::Relaxed).saturating_add(samples.len()) > RECORDED_MAX {
            return Err(Refusal::TooMuch);
        }
        // Nothing that holds the lock can leave half a sample behind.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        samples.into_iter().for_each(|(labels, point)| written.insert(labels, [point]));
        Ok(())
    }
}

impl SeriesSource for Past<'_> {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let wanted = Wanted { until: wanted.until.min(self.now.load(Ordering::Relaxed)), ..wanted };
        let mut all = self.below.select(wanted)?;
        if self.writers.is_empty() {
            return Ok(all);
        }
        let mut own = HashMap::new();
        for (place, series) in all.iter_mut().enumerate() {
            if self.writers.own(&series.labels) {
                series.points.retain(|point| point.at < self.start);
                own.insert(series.labels.clone(), place);
            }
        }
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner).select(wanted)?;
        for series in written {
            match own.get(&series.labels).and_then(|place| all.get_mut(*place)) {
                Some(known) => known.points.extend(series.points),
                None => all.push(series),
            }
        }
        all.retain(|series| !series.points.is_empty());
        Ok(all)
    }
}

/// The name of a series; for rules that write many, it is looked up often.
pub(super) fn name(labels: &Labels) -> &str {
    labels.get(METRIC_NAME)
}
