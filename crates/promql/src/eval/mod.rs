//! The evaluator: what a query gives over the series of a source.
//!
//! An expression is evaluated over a whole grid of instants at once, not instant by instant: each selector asks the
//! source once, its series are walked once with moving indices, and labels are matched once a series. What does not
//! depend on the instant (`@`, numbers) is evaluated at one and spread over all.
//!
//! The order of reading: [`grid`] has the steps and the columns, `select` and `window` get samples from the source, the
//! modules named after families of functions and operators work on these, and `call` knows which name is which.

mod absent;
mod aggregate;
mod binary;
mod buckets;
mod call;
mod extended;
mod filter;
mod fit;
mod grid;
mod groups;
mod info;
mod invariant;
mod kahan;
mod matching;
mod notes;
mod numbers;
mod operate;
mod order;
mod over_time;
mod pick;
mod quantiles;
mod rates;
mod relabel;
mod scored;
mod select;
mod simple;
mod when;
mod window;
mod xxhash;

#[cfg(test)]
mod tests;

use std::cell::Cell;

use grid::{Column, Evaluated, Grid, merge, unnamed};
use notes::Notes;

use crate::ast::Expr;
use crate::functions::Kind;
use crate::{Error, LOOK_BACK, Labels, Millis, Point, Series, SeriesSource, Value, Warning};

/// How deep an expression may be nested.
pub const DEPTH_MAX: usize = 300;
/// How many samples a query may touch when nothing else is said.
pub const SAMPLES_MAX: usize = 50_000_000;
/// How often a subquery without a step is evaluated when nothing else is said: each minute.
pub const SUBQUERY_STEP: Millis = 60_000;

/// What an evaluation may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How far back an instant selector looks for the newest sample.
    pub look_back: Millis,
    /// How many samples may be loaded or computed.
    pub samples_max: usize,
    /// How often a subquery without a step is evaluated.
    pub subquery_step: Millis,
}

impl Default for Options {
    fn default() -> Self {
        Self { look_back: LOOK_BACK, samples_max: SAMPLES_MAX, subquery_step: SUBQUERY_STEP }
    }
}

/// What a query gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The values.
    pub data: Data,
    /// What is odd about them, each once.
    pub warnings: Vec<Warning>,
}

/// The values of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A number at an instant.
    Scalar(Millis, f64),
    /// A text at an instant.
    Text(Millis, String),
    /// A sample of each series, in the order that the query asks for, or else in any.
    Vector(Vec<(Labels, Point)>),
    /// Samples of each series.
    Matrix(Vec<Series>),
}

/// Evaluates a query at one instant.
///
/// # Errors
/// See [`Error`].
pub fn instant(expr: &Expr, source: &dyn SeriesSource, at: Millis, options: &Options) -> Result<Answer, Error> {
    let engine = Engine::new(source, options, Grid::one(at), at)?;
    let data = engine.instant(expr, at)?;
    Ok(Answer { data, warnings: engine.notes.into_all() })
}

/// Evaluates a query at `start` and then every `step` up to `end`. The series are in order of their labels.
///
/// # Errors
/// See [`Error`]. The step must be above zero, and the query a number or an instant vector.
pub fn range(
    expr: &Expr,
    source: &dyn SeriesSource,
    start: Millis,
    end: Millis,
    step: Millis,
    options: &Options,
) -> Result<Answer, Error> {
    if step <= 0 {
        return Err(Error::Evaluation(format!("the step of a range query must be above zero, not {step} ms")));
    }
    if end < start {
        return Err(Error::Evaluation(format!("a range query ends before it starts: {end} ms is before {start} ms")));
    }
    let engine = Engine::new(source, options, Grid::between(start, end, step), end)?;
    let data = engine.range(expr)?;
    Ok(Answer { data, warnings: engine.notes.into_all() })
}

/// One evaluation of one query.
struct Engine<'a> {
    source: &'a dyn SeriesSource,
    options: &'a Options,
    /// The steps of the query itself; a subquery has its own.
    query: Grid,
    /// The end that the query asks for; its last step may be earlier.
    end: Millis,
    notes: Notes,
    touched: Cell<usize>,
}

impl<'a> Engine<'a> {
    fn new(source: &'a dyn SeriesSource, options: &'a Options, query: Grid, end: Millis) -> Result<Self, Error> {
        let engine = Self { source, options, query, end, notes: Notes::default(), touched: Cell::new(0) };
        engine.check(query.count)?;
        Ok(engine)
    }

    /// Counts samples that were loaded or will be computed.
    fn spend(&self, samples: usize) -> Result<(), Error> {
        let touched = self.touched.get().saturating_add(samples);
        self.touched.set(touched);
        self.check(touched)
    }

    fn check(&self, loaded: usize) -> Result<(), Error> {
        let limit = self.options.samples_max;
        if loaded > limit { Err(Error::TooManySamples { loaded, limit }) } else { Ok(()) }
    }

    fn instant(&self, expr: &Expr, at: Millis) -> Result<Data, Error> {
        if invariant::kind(expr) == Kind::Window {
            return Ok(Data::Matrix(self.matrix(expr, at)?));
        }
        match self.eval(expr, Grid::one(at), 0)? {
            Evaluated::Scalar(values) => Ok(Data::Scalar(at, values.first().copied().unwrap_or(f64::NAN))),
            Evaluated::Text(text) => Ok(Data::Text(at, text)),
            Evaluated::Vector(columns) => {
                let rows = named(columns, 1)?.into_iter().filter_map(|column| {
                    let value = column.cells.into_iter().next().flatten()?;
                    Some((column.labels, Point { at, born: 0, value }))
                });
                Ok(Data::Vector(rows.collect()))
            }
        }
    }

    fn range(&self, expr: &Expr) -> Result<Data, Error> {
        let invalid = |kind: &str| {
            let text = format!("invalid expression type {kind:?} for range query, must be Scalar or instant Vector");
            Err(Error::Evaluation(text))
        };
        if invariant::kind(expr) == Kind::Window {
            return invalid("range vector");
        }
        match self.eval(expr, self.query, 0)? {
            Evaluated::Text(_) => invalid("string"),
            Evaluated::Scalar(values) => {
                let points = self.query.instants().zip(values).map(|(at, value)| Point::float(at, value)).collect();
                Ok(Data::Matrix(vec![Series { labels: Labels::default(), points }]))
            }
            Evaluated::Vector(columns) => {
                let columns = named(columns, self.query.count)?.into_iter();
                let mut all: Vec<_> = columns.map(|column| series(column, self.query)).collect();
                all.sort_by(|a, b| a.labels.cmp(&b.labels));
                Ok(Data::Matrix(all))
            }
        }
    }

    /// Evaluates an expression on a grid. What is the same at every step is evaluated at one.
    fn eval(&self, expr: &Expr, grid: Grid, depth: usize) -> Result<Evaluated, Error> {
        if depth > DEPTH_MAX {
            return Err(Error::Evaluation(format!("the expression is nested more than {DEPTH_MAX} deep; split it")));
        }
        if grid.count > 1 && invariant::is_invariant(expr) {
            let once = self.dispatch(expr, Grid::one(grid.start), depth)?;
            if let Evaluated::Vector(columns) = &once {
                self.spend(columns.len().saturating_mul(grid.count))?;
            }
            return Ok(once.spread(grid.count));
        }
        self.dispatch(expr, grid, depth)
    }

    fn dispatch(&self, expr: &Expr, grid: Grid, depth: usize) -> Result<Evaluated, Error> {
        let depth = depth + 1;
        match expr {
            Expr::Number(value) => Ok(Evaluated::Scalar(vec![*value; grid.count])),
            Expr::Text(text) => Ok(Evaluated::Text(text.clone())),
            Expr::Selector(selector) => self.selector(selector, grid).map(Evaluated::Vector),
            Expr::Paren(inner) => self.eval(inner, grid, depth),
            Expr::Negate(inner) => Ok(operate::negated(self.eval(inner, grid, depth)?)),
            Expr::Binary(binary) => self.binary(binary, grid, depth),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, grid, depth).map(Evaluated::Vector),
            Expr::Call(call) => self.call(call, grid, depth),
            Expr::Window(..) | Expr::Subquery(_) => Err(mistyped("an instant vector", "a range vector")),
        }
    }

    /// Evaluates an expression that is an instant vector.
    fn vector(&self, expr: &Expr, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        match self.eval(expr, grid, depth)? {
            Evaluated::Vector(columns) => Ok(columns),
            Evaluated::Scalar(_) => Err(mistyped("an instant vector", "a scalar")),
            Evaluated::Text(_) => Err(mistyped("an instant vector", "a string")),
        }
    }

    /// Evaluates an expression that is a number at each step.
    fn scalar(&self, expr: &Expr, grid: Grid, depth: usize) -> Result<Vec<f64>, Error> {
        match self.eval(expr, grid, depth)? {
            Evaluated::Scalar(values) => Ok(values),
            Evaluated::Vector(_) => Err(mistyped("a scalar", "an instant vector")),
            Evaluated::Text(_) => Err(mistyped("a scalar", "a string")),
        }
    }
}

/// The parser lets none of these through; a tree made by hand may have them.
fn mistyped(expected: &str, found: &str) -> Error {
    Error::Evaluation(format!("expected {expected}, found {found}"))
}

/// Leaves out the names that were to be left out, and makes one series of those that then have the same labels.
fn named(columns: Vec<Column>, steps: usize) -> Result<Vec<Column>, Error> {
    let named = columns.into_iter().map(|column| {
        let labels = if column.drop_name { unnamed(&column.labels) } else { column.labels };
        Column { labels, ..column }
    });
    merge(named.collect(), steps)
}

/// A column as a series of points.
fn series(column: Column, grid: Grid) -> Series {
    let cells = column.cells.into_iter().zip(grid.instants());
    let points = cells.filter_map(|(cell, at)| cell.map(|value| Point { at, born: 0, value })).collect();
    Series { labels: column.labels, points }
}

/// A number as a cell.
fn float(value: f64) -> Option<Value> {
    Some(Value::Float(value))
}
