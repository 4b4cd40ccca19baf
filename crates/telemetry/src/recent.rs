//! The store: series by metric and labels behind one lock. Writers hold it for a batch, readers for a rule.

use std::collections::BTreeMap;

use kernel::matcher::Matcher;
use kernel::port::SampleSource;
use kernel::sample::{METRIC_NAME, Sample, Window};
use kernel::{Labels, Timestamp, time};
use parking_lot::RwLock;

use crate::SWEEP_EVERY;
use crate::limits::{Limits, Pushed};
use crate::series::{Inserted, Series};

/// The recent samples of all series.
#[derive(Debug, Default)]
pub struct Recent {
    limits: Limits,
    kept: RwLock<Kept>,
}

/// How much there is, and what became of everything that was ever pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// How many series there are.
    pub series: usize,
    /// How many samples there are.
    pub samples: usize,
    /// What became of all samples since the start.
    pub pushed: Pushed,
}

#[derive(Debug, Default)]
struct Kept {
    metrics: BTreeMap<Box<str>, BTreeMap<Labels, Series>>,
    counts: Counts,
    swept: Option<Timestamp>,
}

impl Recent {
    /// An empty store with limits other than the usual ones.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, kept: RwLock::default() }
    }

    /// Takes samples in, and says what became of them.
    pub fn push(&self, samples: Vec<Sample>, now: Timestamp) -> Pushed {
        let mut pushed = Pushed::default();
        let mut kept = self.kept.write();
        if kept.swept.is_none_or(|swept| time::between(swept, now) >= SWEEP_EVERY) {
            kept.sweep(&self.limits, now);
        }
        for sample in samples {
            *kept.take(&self.limits, now, sample, &mut pushed) += 1;
        }
        kept.counts.pushed.add(&pushed);
        pushed
    }

    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.kept.read().counts
    }
}

impl Kept {
    /// Takes one sample in and returns the count that it belongs to.
    fn take<'a>(&mut self, limits: &Limits, now: Timestamp, sample: Sample, pushed: &'a mut Pushed) -> &'a mut u64 {
        if sample.at <= limits.window.before(now) {
            return &mut pushed.too_old;
        }
        if sample.at > limits.ahead.after(now) {
            return &mut pushed.too_new;
        }
        if self.counts.samples >= limits.samples {
            return &mut pushed.over_samples;
        }
        let Some(metric) = sample.series.get(METRIC_NAME).filter(|name| !name.is_empty()) else {
            return &mut pushed.unnamed;
        };
        let Some(series) = series_of(&mut self.metrics, &mut self.counts, limits, metric, &sample.series) else {
            return &mut pushed.over_series;
        };
        match series.insert(sample.at, sample.value, limits.points_per_series) {
            Inserted::Kept => {
                self.counts.samples += 1;
                &mut pushed.kept
            }
            Inserted::CrowdedOut => {
                pushed.crowded_out += 1;
                &mut pushed.kept
            }
            Inserted::Duplicate => &mut pushed.duplicates,
            Inserted::TooOld => &mut pushed.too_old,
        }
    }

    /// Forgets what left the window.
    fn sweep(&mut self, limits: &Limits, now: Timestamp) {
        let until = limits.window.before(now);
        let counts = &mut self.counts;
        self.metrics.retain(|_, of_metric| {
            of_metric.retain(|_, series| {
                counts.samples -= series.forget(until);
                counts.series -= usize::from(series.is_empty());
                !series.is_empty()
            });
            !of_metric.is_empty()
        });
        self.swept = Some(now);
    }
}

/// The series of these labels, made when there is room for it. The labels are copied only then.
fn series_of<'a>(
    metrics: &'a mut BTreeMap<Box<str>, BTreeMap<Labels, Series>>,
    counts: &mut Counts,
    limits: &Limits,
    metric: &str,
    labels: &Labels,
) -> Option<&'a mut Series> {
    if !metrics.get(metric).is_some_and(|of_metric| of_metric.contains_key(labels)) {
        if counts.series >= limits.series {
            return None;
        }
        counts.series += 1;
        metrics.entry(metric.into()).or_default().insert(labels.clone(), Series::default());
    }
    metrics.get_mut(metric)?.get_mut(labels)
}

impl SampleSource for Recent {
    fn windows(&self, metric: &str, matchers: &[Matcher], from: Timestamp, to: Timestamp) -> Vec<Window> {
        let kept = self.kept.read();
        let Some(of_metric) = kept.metrics.get(metric) else { return Vec::new() };
        let meets = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels));
        let found = of_metric.iter().filter(|(labels, _)| meets(labels));
        let windows = found.map(|(labels, series)| (labels, series.between(from, to)));
        let filled = windows.filter(|(_, points)| !points.is_empty());
        filled.map(|(labels, points)| Window { series: labels.clone(), points }).collect()
    }
}
