//! Instant selectors: the newest sample of each series at each step.

use super::extended::Linear;
use super::grid::{Cells, Column, Grid};
use super::when::SECOND;
use super::window::{Sample, Track};
use super::{Engine, float};
use crate::ast::{Matcher, Selector, WindowMode};
use crate::{Error, Millis, Point, Series, Value, Wanted};

/// What becomes of the newest point of a series: when it was, and what.
pub(super) type Cell<'c> = dyn Fn(Millis, &Value) -> Option<Value> + 'c;

impl Engine<'_> {
    /// The series that match with their points of a time, in order of their labels.
    pub fn load(&self, matchers: &[Matcher], after: Millis, until: Millis) -> Result<Vec<Series>, Error> {
        let mut all = self.source.select(Wanted { matchers, after, until })?;
        self.spend(all.iter().map(|series| series.points.len()).sum())?;
        if !all.is_sorted_by(|a, b| a.labels <= b.labels) {
            all.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        Ok(all)
    }

    /// What a selector gives on a grid.
    pub fn selector(&self, selector: &Selector, grid: Grid) -> Result<Vec<Column>, Error> {
        if selector.mode == WindowMode::Smoothed {
            return self.smoothed(selector, grid);
        }
        self.newest(selector, grid, &|_, value| Some(value.clone()))
    }

    /// When the samples were taken that a selector gives, as seconds.
    pub fn timestamps(&self, selector: &Selector, grid: Grid) -> Result<Vec<Column>, Error> {
        let mut columns = self.newest(selector, grid, &|at, _| float(at as f64 / SECOND))?;
        columns.iter_mut().for_each(|column| column.drop_name = true);
        Ok(columns)
    }

    /// What `cell` makes of the newest point of each series at each step; series for which it makes nothing are left out.
    pub fn newest(&self, selector: &Selector, grid: Grid, cell: &Cell<'_>) -> Result<Vec<Column>, Error> {
        let looks = self.looks(&selector.when, grid)?;
        let back = self.options.look_back;
        if looks.count == 1 {
            let after = looks.start.saturating_sub(back);
            return self.newest_once(Wanted { matchers: &selector.matchers, after, until: looks.start }, cell);
        }
        let series = self.load(&selector.matchers, looks.start.saturating_sub(back), looks.last())?;
        self.spend(series.len().saturating_mul(grid.count))?;
        let columns = series.into_iter().map(|series| {
            let cells = newest_cells(&series.points, looks, back, cell);
            Column { labels: series.labels, drop_name: false, cells }
        });
        Ok(columns.filter(Column::has_any).collect())
    }

    /// The same at a single step, for which the source need not load what is not the newest.
    fn newest_once(&self, wanted: Wanted<'_>, cell: &Cell<'_>) -> Result<Vec<Column>, Error> {
        let (mut columns, mut series) = (Vec::new(), 0);
        let loaded = self.source.newest(wanted, &mut |labels, at, value| {
            series += 1;
            if !value.is_stale()
                && let Some(value) = cell(at, value)
            {
                columns.push(Column { labels: labels.clone(), drop_name: false, cells: vec![Some(value)] });
            }
        })?;
        self.spend(loaded)?;
        self.spend(series)?;
        if !columns.is_sorted_by(|a, b| a.labels <= b.labels) {
            columns.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        Ok(columns)
    }

    /// Values interpolated between the samples on both sides of a step.
    fn smoothed(&self, selector: &Selector, grid: Grid) -> Result<Vec<Column>, Error> {
        let looks = self.looks(&selector.when, grid)?;
        let back = self.options.look_back;
        let (after, until) = (looks.start.saturating_sub(back), looks.last().saturating_add(back));
        let series = self.load(&selector.matchers, after, until)?;
        self.spend(series.len().saturating_mul(grid.count))?;
        let columns = series.into_iter().map(|series| {
            let track = Track::from(series);
            let cells = looks.instants().map(|at| smooth(&track, at, back)).collect();
            Column { labels: track.labels, drop_name: false, cells }
        });
        Ok(columns.filter(Column::has_any).collect())
    }
}

/// The newest point of the time before each look, unless it says that the series ended.
fn newest_cells(points: &[Point], looks: Grid, back: Millis, cell: &Cell<'_>) -> Cells {
    let mut seen = 0;
    let at_look = |at: Millis| {
        while points.get(seen).is_some_and(|point| point.at <= at) {
            seen += 1;
        }
        let newest = seen.checked_sub(1).and_then(|newest| points.get(newest))?;
        let fresh = newest.at > at.saturating_sub(back) && !newest.value.is_stale();
        if fresh { cell(newest.at, &newest.value) } else { None }
    };
    looks.instants().map(at_look).collect()
}

/// The value of a series at an instant: of the kind whose sample is the newest one before it.
fn smooth(track: &Track, at: Millis, back: Millis) -> Option<Value> {
    let float = around(&track.floats, at, back).map(|(since, value)| (since, Value::Float(value)));
    let histogram = around(&track.histograms, at, back).map(|(since, value)| (since, Value::Histogram(value)));
    float.into_iter().chain(histogram).max_by_key(|(since, _)| *since).map(|(_, value)| value)
}

/// The value at an instant on the line between the samples around it, or that of the last one before it; and when the sample
/// at or before the instant was taken.
fn around<T: Linear>(samples: &[Sample<T>], at: Millis, back: Millis) -> Option<(Millis, T)> {
    let next = samples.partition_point(|sample| sample.at < at);
    let before = next.checked_sub(1).and_then(|before| samples.get(before));
    let before = before.filter(|sample| sample.at > at.saturating_sub(back));
    let after = samples.get(next).filter(|sample| sample.at <= at.saturating_add(back));
    match (before, after) {
        (_, Some(exact)) if exact.at == at => Some((at, exact.value.clone())),
        (Some(before), Some(after)) => Some((before.at, T::between(before, after, at, false)?)),
        (Some(before), None) => Some((before.at, before.value.clone())),
        (None, _) => None,
    }
}
