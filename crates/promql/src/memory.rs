//! Series in memory: what scripts and tests evaluate over.

use std::collections::BTreeMap;

use crate::{Labels, Millis, Point, Series, SeriesSource, SourceFailure, Wanted};

/// Series by their labels, each with its points in order of time.
#[derive(Debug, Clone, Default)]
pub struct MemorySource(BTreeMap<Labels, Vec<Point>>);

impl MemorySource {
    /// No series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds points to a series, which comes to be with its first one. A point replaces another of the same instant.
    pub fn insert(&mut self, labels: Labels, points: impl IntoIterator<Item = Point>) {
        let series = self.0.entry(labels).or_default();
        for point in points {
            if series.last().is_none_or(|last| last.at < point.at) {
                series.push(point);
                continue;
            }
            match series.binary_search_by_key(&point.at, |other| other.at) {
                Ok(at) => {
                    if let Some(place) = series.get_mut(at) {
                        *place = point;
                    }
                }
                Err(at) => series.insert(at, point),
            }
        }
    }

    /// The points of a series; none when it is unknown.
    #[must_use]
    pub fn points(&self, labels: &Labels) -> &[Point] {
        self.0.get(labels).map_or(&[], Vec::as_slice)
    }

    /// The instant of the newest point.
    #[must_use]
    pub fn newest(&self) -> Option<Millis> {
        self.0.values().filter_map(|points| Some(points.last()?.at)).max()
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl SeriesSource for MemorySource {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let matching = self.0.iter().filter(|(labels, _)| wanted.matchers.iter().all(|m| m.holds(labels.get(&m.name))));
        let cut = matching.map(|(labels, points)| {
            let from = points.partition_point(|point| point.at <= wanted.after);
            let to = points.partition_point(|point| point.at <= wanted.until);
            Series { labels: labels.clone(), points: points.get(from..to).unwrap_or_default().to_vec() }
        });
        Ok(cut.filter(|series| !series.points.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::{Matcher, Test};

    #[test]
    fn points_are_kept_in_order_and_cut_to_the_window() {
        let mut source = MemorySource::new();
        let labels = Labels::from_pairs([("a", "1")]);
        source.insert(labels.clone(), [3, 1, 2, 3, 9].map(|at| Point::float(at, 7.0)));
        assert_eq!(source.points(&labels).iter().map(|point| point.at).collect::<Vec<_>>(), [1, 2, 3, 9]);
        let select = |value: &str| {
            let matchers = [Matcher { name: "a".into(), test: Test::Is(value.into()) }];
            let found = source.select(Wanted { matchers: &matchers, after: 1, until: 3 }).unwrap();
            found.into_iter().flat_map(|series| series.points).map(|point| point.at).collect::<Vec<_>>()
        };
        assert_eq!((select("1"), select("2")), (vec![2, 3], vec![]));
    }
}
