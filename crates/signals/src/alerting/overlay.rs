//! A source with samples put before it that are not yet written: what the rules of a group recorded just now.

use std::cell::RefCell;
use std::collections::HashMap;

use promql::{Labels, METRIC_NAME, Point, Series, SeriesSource, SourceFailure, Wanted};

/// A source, and newer samples on top of it.
pub struct Overlay<'a> {
    below: &'a dyn SeriesSource,
    /// By metric name, then by series.
    fresh: RefCell<HashMap<String, HashMap<Labels, Vec<Point>>>>,
}

impl<'a> Overlay<'a> {
    /// A source with nothing on top.
    #[must_use]
    pub fn new(below: &'a dyn SeriesSource) -> Self {
        Self { below, fresh: RefCell::default() }
    }

    /// Puts a sample on top, newer than what its series has.
    pub fn add(&self, labels: &Labels, point: &Point) {
        let mut fresh = self.fresh.borrow_mut();
        let series = fresh.entry(labels.name().to_owned()).or_default();
        series.entry(labels.clone()).or_default().push(point.clone());
    }

    /// The samples on top that are wanted.
    fn wanted(&self, wanted: Wanted<'_>) -> HashMap<Labels, Vec<Point>> {
        let fresh = self.fresh.borrow();
        let mut found = HashMap::new();
        for (name, series) in fresh.iter() {
            let of_name = |name: &str| wanted.matchers.iter().filter(|m| m.name == METRIC_NAME).all(|m| m.holds(name));
            if !of_name(name) {
                continue;
            }
            for (labels, points) in series {
                let within = points.iter().filter(|point| wanted.after < point.at && point.at <= wanted.until);
                if wanted.matchers.iter().all(|matcher| matcher.holds(labels.get(&matcher.name))) {
                    found.insert(labels.clone(), within.cloned().collect::<Vec<_>>());
                }
            }
        }
        found.retain(|_, points| !points.is_empty());
        found
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
            let first = points.first().map_or(i64::MAX, |point| point.at);
            series.points.retain(|point| point.at < first);
            series.points.extend(points);
        }
        let mut rest: Vec<Series> = fresh.into_iter().map(|(labels, points)| Series { labels, points }).collect();
        rest.sort_by(|a, b| a.labels.cmp(&b.labels));
        all.extend(rest);
        Ok(all)
    }
}
