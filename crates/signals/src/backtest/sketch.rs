//! What a rule looks at, in few points: the most of each series in each stretch of time, so that no peak is lost.

use std::collections::BTreeMap;

use promql::{Labels, METRIC_NAME, Millis};
use serde::Serialize;

use super::report::Count;
use crate::alerting::{Answers, Grid};

/// In how many stretches a sketch cuts its time.
pub const STRETCHES: usize = 480;
/// The most series that are sketched.
pub const SKETCHED_MAX: usize = 200;
/// The most series of a sketch in a report: those that fired, then others.
pub const CURVES_MAX: usize = 12;

/// The series that a rule looks at, over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Picture {
    /// The first instant, in milliseconds since 1970.
    pub start: Millis,
    /// How far apart the points are.
    pub step: Millis,
    /// The number that the values are compared with; `None` where it is not one number.
    pub limit: Option<f64>,
    /// The series.
    pub curves: Vec<Curve>,
    /// How many series there are besides.
    pub left_out: usize,
}

/// One series of a picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Its labels.
    #[serde(serialize_with = "super::report::as_map")]
    pub labels: Labels,
    /// The value furthest towards the limit in each stretch; `None` where there is none.
    pub values: Vec<Option<f64>>,
}

/// A picture in the making.
#[derive(Debug, Clone)]
pub(super) struct Sketch {
    start: Millis,
    step: Millis,
    /// Whether low values are those that count.
    downward: bool,
    curves: BTreeMap<Labels, Vec<f64>>,
    /// How many series had no room.
    left_out: usize,
}

impl Sketch {
    /// An empty sketch of a grid's time.
    pub fn new(grid: Grid, downward: bool) -> Self {
        let whole = grid.step.saturating_mul(Millis::try_from(grid.count).unwrap_or(Millis::MAX));
        let step = whole.div_euclid(STRETCHES as Millis).max(grid.step).saturating_add(1);
        Self { start: grid.start, step, downward, curves: BTreeMap::new(), left_out: 0 }
    }

    /// Takes in the answers of a piece, whose queries looked so much earlier.
    pub fn take(&mut self, answers: &Answers, offset: Millis) {
        let mut parts: Vec<Vec<f64>> = answers.labels().iter().map(|_| Vec::new()).collect();
        answers.each(|at, place, value| {
            let stretch = at.saturating_add(offset).saturating_sub(self.start).div_euclid(self.step);
            if let (Ok(stretch), Some(part)) = (usize::try_from(stretch), parts.get_mut(place)) {
                self.note(part, stretch, value);
            }
        });
        let merged = answers.labels().iter().zip(parts).filter(|(labels, part)| self.merge(labels, part));
        let refused = answers.labels().len().saturating_sub(merged.count());
        self.left_out = self.left_out.max(refused);
    }

    fn note(&self, values: &mut Vec<f64>, stretch: usize, value: f64) {
        if stretch > STRETCHES {
            return;
        }
        if values.len() <= stretch {
            values.resize(stretch + 1, f64::NAN);
        }
        let Some(known) = values.get_mut(stretch) else { return };
        // Of a number and none, the number is taken.
        *known = if self.downward { known.min(value) } else { known.max(value) };
    }

    /// Adds to a series; `false` where there is no room for it.
    fn merge(&mut self, labels: &Labels, part: &[f64]) -> bool {
        if !self.curves.contains_key(labels) && self.curves.len() >= SKETCHED_MAX {
            return false;
        }
        let mut values = self.curves.remove(labels).unwrap_or_default();
        part.iter().enumerate().for_each(|(stretch, value)| self.note(&mut values, stretch, *value));
        self.curves.insert(labels.clone(), values);
        true
    }

    /// The picture: the series of the alerts that fired most, and others where there is room.
    pub fn picture(self, limit: Option<f64>, fired: &[Count]) -> Picture {
        let rank = |labels: &Labels| {
            let is_of = |count: &Count| {
                labels
                    .iter()
                    .filter(|(name, _)| *name != METRIC_NAME)
                    .all(|(name, value)| count.labels.get(name).is_some_and(|known| known == value))
            };
            fired.iter().position(is_of).unwrap_or(usize::MAX)
        };
        let all = self.curves.len().saturating_add(self.left_out);
        let mut curves: Vec<(Labels, Vec<f64>)> = self.curves.into_iter().collect();
        curves.sort_by_cached_key(|(labels, _)| rank(labels));
        curves.truncate(CURVES_MAX);
        // In one order whoever fired, so that two pictures of the same series look alike.
        curves.sort_by(|(a, _), (b, _)| a.cmp(b));
        let finite = |value: f64| value.is_finite().then_some(value);
        let curve =
            |(labels, values): (Labels, Vec<f64>)| Curve { labels, values: values.into_iter().map(finite).collect() };
        let curves: Vec<Curve> = curves.into_iter().map(curve).collect();
        Picture { start: self.start, step: self.step, limit, left_out: all.saturating_sub(curves.len()), curves }
    }
}
