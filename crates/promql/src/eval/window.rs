//! Windows: the samples of a series in a time before each step, from a selector or from a subquery.

use std::cell::OnceCell;
use std::sync::Arc;

use super::extended::extended;
use super::grid::{Column, Grid};
use super::invariant::bare;
use super::rates::is_anew;
use super::{Engine, mistyped};
use crate::ast::{Duration, Expr, Selector, Subquery, WindowMode};
use crate::{Error, Histogram, Labels, Millis, Point, ResetHint, Series, Value};

/// A value of a series at an instant.
#[derive(Debug, Clone)]
pub(super) struct Sample<T> {
    /// When.
    pub at: Millis,
    /// When the counter was born; zero where that is not known.
    pub born: Millis,
    /// What.
    pub value: T,
}

/// A series without the markers of its end, numbers and histograms apart.
#[derive(Debug)]
pub(super) struct Track {
    /// What names it.
    pub labels: Labels,
    /// Whether its name is left out of the answer.
    pub drop_name: bool,
    /// Its numbers.
    pub floats: Vec<Sample<f64>>,
    /// Its histograms.
    pub histograms: Vec<Sample<Arc<Histogram>>>,
    /// See [`Track::resets`].
    resets: OnceCell<Vec<usize>>,
}

impl Track {
    fn new(labels: Labels, drop_name: bool) -> Self {
        Self { labels, drop_name, floats: Vec::new(), histograms: Vec::new(), resets: OnceCell::new() }
    }

    /// The places of the numbers with which a counter began anew, ascending: looked for once for all windows.
    pub fn resets(&self) -> &[usize] {
        self.resets.get_or_init(|| {
            let pairs = self.floats.iter().zip(self.floats.iter().skip(1)).zip(1..);
            pairs.filter(|((before, now), _)| is_anew(before, now)).map(|(_, place)| place).collect()
        })
    }

    fn push(&mut self, at: Millis, born: Millis, value: Value) {
        match value {
            value if value.is_stale() => {}
            Value::Float(value) => self.floats.push(Sample { at, born, value }),
            Value::Histogram(value) => self.histograms.push(Sample { at, born, value }),
        }
    }

    /// A column as a series. What it knows of counter resets is forgotten, because steps may skip or repeat samples.
    fn of_column(column: Column, grid: Grid) -> Self {
        let mut track = Self::new(column.labels, column.drop_name);
        for (cell, at) in column.cells.into_iter().zip(grid.instants()) {
            if let Some(value) = cell {
                track.push(at, 0, forget_resets(value));
            }
        }
        track
    }

    /// As a series of points, in order of time.
    fn into_series(self, labels: Labels) -> Series {
        let floats = self.floats.into_iter().map(|s| Point { at: s.at, born: s.born, value: Value::Float(s.value) });
        let histograms =
            self.histograms.into_iter().map(|s| Point { at: s.at, born: s.born, value: Value::Histogram(s.value) });
        let mut points: Vec<_> = floats.chain(histograms).collect();
        points.sort_by_key(|point| point.at);
        Series { labels, points }
    }
}

impl From<Series> for Track {
    fn from(series: Series) -> Self {
        let mut track = Self::new(series.labels, false);
        track.floats.reserve(series.points.len());
        for point in series.points {
            track.push(point.at, point.born, point.value);
        }
        track
    }
}

fn forget_resets(value: Value) -> Value {
    match value {
        Value::Histogram(h) if matches!(h.reset, ResetHint::Reset | ResetHint::NoReset) => {
            Value::Histogram(Arc::new(Histogram { reset: ResetHint::Unknown, ..(*h).clone() }))
        }
        other => other,
    }
}

/// The samples of one window of one series. There is at least one.
#[derive(Debug)]
pub(super) struct View<'a> {
    /// The series.
    pub track: &'a Track,
    /// The numbers in the window; in an extended window also those around it.
    pub floats: &'a [Sample<f64>],
    /// The place of the first of them in the series.
    pub place: usize,
    /// The histograms in the window; in an extended window also those around it.
    pub histograms: &'a [Sample<Arc<Histogram>>],
    /// The step, counted from zero.
    pub step: usize,
    /// The step's instant.
    pub at: Millis,
    /// The window is after this instant,
    pub from: Millis,
    /// up to and with this one.
    pub to: Millis,
    /// How it is extended to these.
    pub mode: WindowMode,
}

impl View<'_> {
    /// The metric's name.
    pub fn metric(&self) -> &str {
        self.track.labels.name()
    }

    /// The window's length in seconds.
    pub fn seconds(&self) -> f64 {
        self.to.saturating_sub(self.from) as f64 / super::when::SECOND
    }
}

/// Series, and where windows lie on them.
#[derive(Debug)]
pub(super) struct Windows {
    /// The series.
    pub tracks: Vec<Track>,
    /// How windows are extended to their edges.
    pub mode: WindowMode,
    looks: Grid,
    range: Millis,
    back: Millis,
}

/// How many samples all windows of a function may have together. A sample counts in each window that it is in.
const VISITS_MAX: usize = 5_000_000_000;

impl Windows {
    /// Runs a function over each window of each series. Where it gives nothing there is no value.
    pub fn run(
        self,
        grid: Grid,
        drop_name: bool,
        run: &dyn Fn(&View<'_>) -> Result<Option<Value>, Error>,
    ) -> Result<Vec<Column>, Error> {
        let mut columns = Vec::with_capacity(self.tracks.len());
        let mut visits = 0;
        for track in &self.tracks {
            let cells = self.cells(track, grid, run, &mut visits)?;
            let drop_name = drop_name || track.drop_name;
            let column = Column { labels: track.labels.clone(), drop_name, cells };
            if column.has_any() {
                columns.push(column);
            }
        }
        Ok(columns)
    }

    fn cells(
        &self,
        track: &Track,
        grid: Grid,
        run: &dyn Fn(&View<'_>) -> Result<Option<Value>, Error>,
        visits: &mut usize,
    ) -> Result<Vec<Option<Value>>, Error> {
        let (mut slide, mut natives) = (Slide::default(), Slide::default());
        let mut cells = Vec::with_capacity(grid.count);
        for (step, (at, to)) in grid.instants().zip(self.looks.instants()).enumerate() {
            let from = to.saturating_sub(self.range);
            let (after, until) = self.reach(from, to);
            let (floats, place) = (slide.to(&track.floats, after, until), slide.low);
            let histograms = natives.to(&track.histograms, after, until);
            if floats.is_empty() && histograms.is_empty() {
                cells.push(None);
                continue;
            }
            *visits = visits.saturating_add(floats.len() + histograms.len());
            if *visits > VISITS_MAX {
                return Err(Error::Evaluation(format!(
                    "the windows of the query have more than {VISITS_MAX} samples together; use shorter windows or a \
                     longer step"
                )));
            }
            cells.push(run(&View { track, floats, place, histograms, step, at, from, to, mode: self.mode })?);
        }
        Ok(cells)
    }

    /// From where to where samples are needed for a window.
    fn reach(&self, from: Millis, to: Millis) -> (Millis, Millis) {
        match self.mode {
            WindowMode::Plain => (from, to),
            WindowMode::Anchored => (from.saturating_sub(self.back), to),
            WindowMode::Smoothed => (from.saturating_sub(self.back), to.saturating_add(self.back)),
        }
    }
}

/// A part of a list of samples that only moves forward.
#[derive(Debug, Default)]
struct Slide {
    low: usize,
    high: usize,
}

impl Slide {
    /// Moves on to the samples after one instant and up to another.
    fn to<'t, T>(&mut self, samples: &'t [Sample<T>], after: Millis, until: Millis) -> &'t [Sample<T>] {
        while samples.get(self.high).is_some_and(|sample| sample.at <= until) {
            self.high += 1;
        }
        while samples.get(self.low).is_some_and(|sample| sample.at <= after) {
            self.low += 1;
        }
        samples.get(self.low..self.high).unwrap_or_default()
    }
}

impl Engine<'_> {
    /// The windows of a window selector or a subquery on a grid.
    pub fn windows(&self, expr: &Expr, grid: Grid, depth: usize) -> Result<Windows, Error> {
        match bare(expr) {
            Expr::Window(selector, range, mode) => self.selected(selector, range, *mode, grid),
            Expr::Subquery(subquery) => self.subquery(subquery, grid, depth),
            _ => Err(mistyped("a range vector", "another expression")),
        }
    }

    fn selected(&self, selector: &Selector, range: &Duration, mode: WindowMode, grid: Grid) -> Result<Windows, Error> {
        let looks = self.looks(&selector.when, grid)?;
        let range = self.length(range)?;
        let back = self.options.look_back;
        let mut windows = Windows { tracks: Vec::new(), mode, looks, range, back };
        let after = windows.reach(looks.start.saturating_sub(range), looks.start).0;
        let until = windows.reach(looks.last().saturating_sub(range), looks.last()).1;
        let series = self.load(&selector.matchers, after, until)?;
        self.spend(series.len().saturating_mul(grid.count))?;
        windows.tracks = series.into_iter().map(Track::from).collect();
        Ok(windows)
    }

    /// A subquery is evaluated once, on one grid that covers all windows. Its steps are multiples of the step since
    /// 1970, so that they do not depend on when the query runs.
    fn subquery(&self, subquery: &Subquery, grid: Grid, depth: usize) -> Result<Windows, Error> {
        let looks = self.looks(&subquery.when, grid)?;
        let range = self.length(&subquery.range)?;
        let step = subquery.step.as_ref().map_or(Ok(self.options.subquery_step), |step| self.length(step))?.max(1);
        let before = looks.start.saturating_sub(range);
        let start = before.div_euclid(step).saturating_add(1).saturating_mul(step);
        let mut windows = Windows { tracks: Vec::new(), mode: WindowMode::Plain, looks, range, back: 0 };
        if start > looks.last() {
            return Ok(windows);
        }
        let inner = Grid::between(start, looks.last(), step);
        self.check(inner.count)?;
        let columns = self.vector_or_scalar(&subquery.inner, inner, depth)?;
        self.spend(columns.len().saturating_mul(grid.count))?;
        windows.tracks = columns.into_iter().map(|column| Track::of_column(column, inner)).collect();
        Ok(windows)
    }

    /// A vector; a scalar is a series without labels.
    fn vector_or_scalar(&self, expr: &Expr, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        match self.eval(expr, grid, depth)? {
            super::Evaluated::Scalar(values) => {
                let cells = values.into_iter().map(super::float).collect();
                Ok(vec![Column { labels: Labels::default(), drop_name: false, cells }])
            }
            super::Evaluated::Vector(columns) => Ok(columns),
            super::Evaluated::Text(_) => Err(mistyped("an instant vector", "a string")),
        }
    }

    /// What a window selector or a subquery gives by itself.
    pub fn matrix(&self, expr: &Expr, at: Millis) -> Result<Vec<Series>, Error> {
        let windows = self.windows(expr, Grid::one(at), 0)?;
        let to = windows.looks.start;
        let from = to.saturating_sub(windows.range);
        let mut all = Vec::with_capacity(windows.tracks.len());
        for mut track in windows.tracks {
            let labels = if track.drop_name { super::unnamed(&track.labels) } else { track.labels.clone() };
            if windows.mode != WindowMode::Plain {
                (track.floats, track.histograms) = extended(&track.floats, &track.histograms, (from, to), windows.mode);
            }
            let series = track.into_series(labels);
            if !series.points.is_empty() {
                all.push(series);
            }
        }
        Ok(all)
    }
}
