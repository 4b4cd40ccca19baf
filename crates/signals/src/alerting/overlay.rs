//! A source with samples put before it that are not yet written: what the rules of a group recorded just now.

use std::cell::RefCell;
use std::collections::HashMap;

use promql::ast::{Matcher, Test};
use promql::{Each, Labels, METRIC_NAME, Millis, Point, Scorer, Series, SeriesSource, SourceFailure, Wanted};

use crate::anomaly::Remembering;

/// A source, and newer samples on top of it.
pub struct Overlay<'a> {
    below: &'a dyn SeriesSource,
    /// By metric name, then by series.
    fresh: RefCell<HashMap<String, HashMap<Labels, Vec<Point>>>>,
    /// Scores for the rule that is evaluated.
    pub(super) scorer: Remembering,
}

/// A series has another sample of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate;

impl<'a> Overlay<'a> {
    /// A source with nothing on top.
    #[must_use]
    pub fn new(below: &'a dyn SeriesSource) -> Self {
        Self { below, fresh: RefCell::default(), scorer: Remembering::default() }
    }

    /// The same for rules that are evaluated so often.
    #[must_use]
    pub fn every(self, interval: Millis) -> Self {
        Self { scorer: Remembering::every(interval), ..self }
    }

    /// Puts a sample on top.
    ///
    /// # Errors
    /// When its series has another one of that time on top; that one stays.
    pub fn add(&self, labels: &Labels, point: &Point) -> Result<(), Duplicate> {
        let mut fresh = self.fresh.borrow_mut();
        let points = fresh.entry(labels.name().to_owned()).or_default().entry(labels.clone()).or_default();
        if points.iter().any(|known| known.at == point.at) {
            return Err(Duplicate);
        }
        points.push(point.clone());
        Ok(())
    }

    /// The samples on top that are wanted.
    fn wanted(&self, wanted: Wanted<'_>) -> HashMap<Labels, Vec<Point>> {
        let fresh = self.fresh.borrow();
        let mut found = HashMap::new();
        for (labels, points) in named(&fresh, wanted.matchers).into_iter().flatten() {
            if wanted.matchers.iter().all(|matcher| matcher.holds(labels.get(&matcher.name))) {
                let within = points.iter().filter(|point| wanted.after < point.at && point.at <= wanted.until);
                found.insert(labels.clone(), within.cloned().collect::<Vec<_>>());
            }
        }
        found.retain(|_, points| !points.is_empty());
        found
    }
}

/// What is kept under the metric names that fulfil matchers; one look where they name the metric.
pub(crate) fn named<'m, T>(by_name: &'m HashMap<String, T>, matchers: &[Matcher]) -> Vec<&'m T> {
    let of_name = || matchers.iter().filter(|matcher| matcher.name == METRIC_NAME);
    let exact = of_name().find_map(|matcher| match &matcher.test {
        Test::Is(name) => Some(name),
        _ => None,
    });
    match exact {
        Some(name) => by_name.get(name).into_iter().collect(),
        None => {
            let fits = |name: &str| of_name().all(|matcher| matcher.holds(name));
            by_name.iter().filter(|(name, _)| fits(name)).map(|(_, kept)| kept).collect()
        }
    }
}

impl SeriesSource for Overlay<'_> {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let mut all = self.below.select(wanted)?;
        let mut fresh = self.wanted(wanted);
        if fresh.is_empty() {
            return Ok(all);
        }
        for series in &mut all {
            let Some(points) = fresh.remove(&series.labels) else { continue };
            // What is written already stays, as a store has one sample of a series at an instant.
            let last = series.points.last().map_or(i64::MIN, |point| point.at);
            series.points.extend(points.into_iter().filter(|point| point.at > last));
        }
        let mut rest: Vec<Series> = fresh.into_iter().map(|(labels, points)| Series { labels, points }).collect();
        rest.sort_by(|a, b| a.labels.cmp(&b.labels));
        all.extend(rest);
        Ok(all)
    }
    fn newest(&self, wanted: Wanted<'_>, each: Each<'_>) -> Result<usize, SourceFailure> {
        let mut fresh = self.wanted(wanted);
        if fresh.is_empty() {
            return self.below.newest(wanted, each);
        }
        let loaded = self.below.newest(wanted, &mut |labels, at, value| {
            let newer = fresh.remove(labels).and_then(|points| points.into_iter().rfind(|point| point.at > at));
            match newer {
                Some(point) => each(labels, point.at, &point.value),
                None => each(labels, at, value),
            }
        })?;
        for (labels, points) in &fresh {
            if let Some(point) = points.last() {
                each(labels, point.at, &point.value);
            }
        }
        Ok(loaded + fresh.len())
    }

    fn scorer(&self) -> Option<&dyn Scorer> {
        Some(&self.scorer)
    }
}
