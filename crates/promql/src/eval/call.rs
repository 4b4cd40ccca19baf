//! Which name calls which function.

use super::absent::absent;
use super::extended::{ANCHORED, SMOOTHED};
use super::grid::{Column, Evaluated, Grid};
use super::invariant::bare;
use super::notes::Notes;
use super::quantiles::Families;
use super::rates::{self, Change};
use super::relabel::{Replacement, join, replace};
use super::when::SECOND;
use super::window::View;
use super::{Engine, fit, float, mistyped, numbers, order, over_time, simple};
use crate::ast::{Call, Expr, WindowMode};
use crate::functions::{Kind, function};
use crate::{Error, Labels, Value};

/// The arguments of a call on a grid.
struct Arguments<'e> {
    engine: &'e Engine<'e>,
    all: &'e [Expr],
    grid: Grid,
    depth: usize,
}

impl<'e> Arguments<'e> {
    fn get(&self, at: usize) -> Result<&'e Expr, Error> {
        self.all.get(at).ok_or_else(|| mistyped(&format!("{} arguments", at + 1), "fewer"))
    }

    fn vector(&self, at: usize) -> Result<Vec<Column>, Error> {
        self.engine.vector(self.get(at)?, self.grid, self.depth)
    }

    fn scalar(&self, at: usize) -> Result<Vec<f64>, Error> {
        self.engine.scalar(self.get(at)?, self.grid, self.depth)
    }

    fn text(&self, at: usize) -> Result<&'e str, Error> {
        text(self.get(at)?)
    }

    fn texts_from(&self, at: usize) -> Result<Vec<&'e str>, Error> {
        self.all.iter().skip(at).map(text).collect()
    }

    /// A vector with a function over its numbers and those of further arguments at the same step.
    fn map(&self, function: impl Fn(f64, &dyn Fn(usize) -> f64) -> f64) -> Result<Vec<Column>, Error> {
        let further: Result<Vec<_>, _> = (1..self.all.len()).map(|at| self.scalar(at)).collect();
        let further = further?;
        Ok(simple::over_floats(self.vector(0)?, |step, value| {
            function(value, &|at| further.get(at).and_then(|values| values.get(step)).copied().unwrap_or(f64::NAN))
        }))
    }
}

/// Two numbers at each step made one.
fn paired(a: &[f64], b: &[f64], function: fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| function(*a, *b)).collect()
}

fn text(expr: &Expr) -> Result<&str, Error> {
    match bare(expr) {
        Expr::Text(text) => Ok(text),
        _ => Err(mistyped("a string", "another expression")),
    }
}

impl Engine<'_> {
    /// What a call gives on a grid.
    pub fn call(&self, call: &Call, grid: Grid, depth: usize) -> Result<Evaluated, Error> {
        let known = function(call.function);
        let known = known.ok_or_else(|| Error::Evaluation(format!("unknown function {:?}", call.function)))?;
        let arguments = Arguments { engine: self, all: &call.arguments, grid, depth };
        if known.gives == Kind::Scalar {
            return self.scalar_function(known.name, &arguments).map(Evaluated::Scalar);
        }
        if let Some(at) = known.arguments.iter().position(|kind| *kind == Kind::Window) {
            return self.window_function(known.name, &arguments, at).map(Evaluated::Vector);
        }
        self.vector_function(known.name, &arguments).map(Evaluated::Vector)
    }

    fn scalar_function(&self, name: &str, arguments: &Arguments<'_>) -> Result<Vec<f64>, Error> {
        let grid = arguments.grid;
        let constant = |value: f64| Ok(vec![value; grid.count]);
        match name {
            "pi" => constant(std::f64::consts::PI),
            "time" => Ok(grid.instants().map(|at| at as f64 / SECOND).collect()),
            "start" => constant(self.query.start as f64 / SECOND),
            "end" => constant(self.end as f64 / SECOND),
            "step" => constant(self.query.step as f64 / SECOND),
            "range" => constant(self.end.saturating_sub(self.query.start) as f64 / SECOND),
            "scalar" => {
                let columns = arguments.vector(0)?;
                Ok((0..grid.count).map(|step| single(&columns, step)).collect())
            }
            "max_of" => Ok(paired(&arguments.scalar(0)?, &arguments.scalar(1)?, numbers::larger)),
            "min_of" => Ok(paired(&arguments.scalar(0)?, &arguments.scalar(1)?, numbers::smaller)),
            _ => Err(unwired(name)),
        }
    }

    fn vector_function(&self, name: &str, arguments: &Arguments<'_>) -> Result<Vec<Column>, Error> {
        let (grid, notes) = (arguments.grid, &self.notes);
        if let Some(function) = simple::function(name) {
            return Ok(simple::over_floats(arguments.vector(0)?, |_, value| function(value)));
        }
        if let Some(function) = simple::of_date(name) {
            return match arguments.all.is_empty() {
                true => Ok(simple::dates(grid, function)),
                false => Ok(simple::over_floats(arguments.vector(0)?, |_, value| simple::dated(value, function))),
            };
        }
        if let Some(function) = histogram_function(name) {
            return Ok(simple::over_histograms(arguments.vector(0)?, function));
        }
        match name {
            "absent" => Ok(absent(&arguments.vector(0)?, arguments.get(0)?, grid.count)),
            "clamp" => self.clamp(arguments),
            "clamp_min" => arguments.map(|value, further| simple::clamped(value, further(0), f64::INFINITY)),
            "clamp_max" => arguments.map(|value, further| simple::clamped(value, f64::NEG_INFINITY, further(0))),
            "round" if arguments.all.len() < 2 => arguments.map(|value, _| simple::rounded(value, 1.0)),
            "round" => arguments.map(|value, further| simple::rounded(value, further(0))),
            "timestamp" => self.timestamp(arguments),
            crate::ANOMALY | crate::UNUSUAL => self.scored(name, arguments.get(0)?, grid, arguments.depth),
            "vector" => {
                let cells = arguments.scalar(0)?.into_iter().map(float).collect();
                Ok(vec![Column { labels: Labels::default(), drop_name: false, cells }])
            }
            "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => self.sort(name, arguments),
            "label_replace" => {
                let (to, template) = (arguments.text(1)?, arguments.text(2)?);
                let (from, pattern) = (arguments.text(3)?, arguments.text(4)?);
                replace(arguments.vector(0)?, &Replacement { to, template, from, pattern }, grid.count)
            }
            "label_join" => {
                let (to, between, from) = (arguments.text(1)?, arguments.text(2)?, arguments.texts_from(3)?);
                join(arguments.vector(0)?, to, between, &from, grid.count)
            }
            "info" => self.info(arguments.all, grid, arguments.depth),
            "histogram_quantile" => {
                let q = arguments.scalar(0)?;
                Ok(Families::of(&arguments.vector(1)?, notes).quantile(&q))
            }
            "histogram_quantiles" => {
                let label = arguments.text(1)?;
                let all: Result<Vec<_>, _> = (2..arguments.all.len()).map(|at| arguments.scalar(at)).collect();
                Ok(Families::of(&arguments.vector(0)?, notes).quantiles(label, &all?))
            }
            "histogram_fraction" => {
                let (lower, upper) = (arguments.scalar(0)?, arguments.scalar(1)?);
                Ok(Families::of(&arguments.vector(2)?, notes).fraction(&lower, &upper))
            }
            _ => Err(unwired(name)),
        }
    }

    /// `clamp` gives nothing where its bounds cross.
    fn clamp(&self, arguments: &Arguments<'_>) -> Result<Vec<Column>, Error> {
        let (least, most) = (arguments.scalar(1)?, arguments.scalar(2)?);
        let mut columns = arguments.map(|value, further| simple::clamped(value, further(0), further(1)))?;
        for (step, (least, most)) in least.iter().zip(&most).enumerate() {
            if most < least {
                columns.iter_mut().filter_map(|column| column.cells.get_mut(step)).for_each(|cell| *cell = None);
            }
        }
        columns.retain(Column::has_any);
        Ok(columns)
    }

    /// `timestamp`: of a selector, when its samples were taken; of anything else, when it was evaluated.
    fn timestamp(&self, arguments: &Arguments<'_>) -> Result<Vec<Column>, Error> {
        let grid = arguments.grid;
        if let Expr::Selector(selector) = bare(arguments.get(0)?)
            && selector.mode == WindowMode::Plain
        {
            return self.timestamps(selector, grid);
        }
        let mut columns = arguments.vector(0)?;
        for column in &mut columns {
            for (cell, at) in column.cells.iter_mut().zip(grid.instants()) {
                *cell = cell.take().and_then(|_| float(at as f64 / SECOND));
            }
            column.drop_name = true;
        }
        Ok(columns)
    }

    fn sort(&self, name: &str, arguments: &Arguments<'_>) -> Result<Vec<Column>, Error> {
        let columns = arguments.vector(0)?;
        if self.query.count > 1 {
            self.notes.sort_in_range();
        }
        let single = arguments.grid.count == 1;
        Ok(match name {
            "sort" => order::by_value(columns, false, single),
            "sort_desc" => order::by_value(columns, true, single),
            _ => order::by_label(columns, &arguments.texts_from(1)?, name == "sort_by_label_desc"),
        })
    }

    fn window_function(&self, name: &str, arguments: &Arguments<'_>, at: usize) -> Result<Vec<Column>, Error> {
        let grid = arguments.grid;
        let window = arguments.get(at)?;
        let others = (0..arguments.all.len()).filter(|other| *other != at);
        let inputs: Result<Vec<_>, _> = others.map(|other| arguments.scalar(other)).collect();
        let inputs = inputs?;
        let windows = self.windows(window, grid, arguments.depth)?;
        check_mode(name, windows.mode)?;
        let drop_name = !matches!(name, "first_over_time" | "last_over_time");
        let run = |view: &View<'_>| {
            let input = |at: usize| inputs.get(at).and_then(|values: &Vec<f64>| values.get(view.step)).copied();
            over_window(name, view, &input, &self.notes)
        };
        let columns = windows.run(grid, drop_name, &run)?;
        match name {
            "absent_over_time" => return Ok(absent(&columns, window, grid.count)),
            "rate" | "increase" => columns.iter().for_each(|column| self.check_counter(column)),
            _ => {}
        }
        Ok(columns)
    }

    /// Notes numbers under a name that no counter has by convention.
    fn check_counter(&self, column: &Column) {
        const SUFFIXES: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];
        let name = column.labels.name();
        let is_unusual = !name.is_empty() && !SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
        if is_unusual && column.cells.iter().flatten().any(|value| value.float().is_some()) {
            self.notes.possible_non_counter(name);
        }
    }
}

/// The number at a step of the only series that has one.
fn single(columns: &[Column], step: usize) -> f64 {
    let mut numbers = columns.iter().filter_map(|column| column.float(step));
    match (numbers.next(), numbers.next()) {
        (Some(number), None) => number,
        _ => f64::NAN,
    }
}

/// A function in the table that nothing here computes: a mistake of this crate.
fn unwired(name: &str) -> Error {
    Error::Evaluation(format!("the function {name} is not evaluated"))
}

fn histogram_function(name: &str) -> Option<fn(&crate::Histogram) -> f64> {
    let function: fn(&crate::Histogram) -> f64 = match name {
        "histogram_avg" => crate::Histogram::average,
        "histogram_count" => |histogram| histogram.count,
        "histogram_sum" => |histogram| histogram.sum,
        "histogram_stddev" => crate::Histogram::deviation,
        "histogram_stdvar" => crate::Histogram::variance,
        _ => return None,
    };
    Some(function)
}

/// Only some functions make sense of values at the edges of a window.
fn check_mode(name: &str, mode: WindowMode) -> Result<(), Error> {
    let (word, allowed): (&str, &[&str]) = match mode {
        WindowMode::Plain => return Ok(()),
        WindowMode::Anchored => ("anchored", &ANCHORED),
        WindowMode::Smoothed => ("smoothed", &SMOOTHED),
    };
    if allowed.contains(&name) {
        return Ok(());
    }
    let allowed = allowed.join(", ");
    Err(Error::Evaluation(format!("{word} modifier can only be used with: {allowed} - not with {name}")))
}

/// What a function gives for a window. `input` is a further argument at the window's step.
fn over_window(
    name: &str,
    view: &View<'_>,
    input: &dyn Fn(usize) -> Option<f64>,
    notes: &Notes,
) -> Result<Option<Value>, Error> {
    let number = |at: usize| input(at).unwrap_or(f64::NAN);
    Ok(match name {
        "rate" => rates::change(view, Change::Rate, notes),
        "increase" => rates::change(view, Change::Increase, notes),
        "delta" => rates::change(view, Change::Delta, notes),
        "irate" => rates::of_last_two(view, true, notes),
        "idelta" => rates::of_last_two(view, false, notes),
        "absent_over_time" | "present_over_time" => float(1.0),
        "avg_over_time" => over_time::sum_or_average(view, true, notes),
        "sum_over_time" => over_time::sum_or_average(view, false, notes),
        "count_over_time" => over_time::count(view),
        "changes" => over_time::changes(view),
        "resets" => over_time::resets(view),
        "first_over_time" => over_time::end(view, false),
        "last_over_time" => over_time::end(view, true),
        "ts_of_first_over_time" => over_time::instant_of_end(view, false),
        "ts_of_last_over_time" => over_time::instant_of_end(view, true),
        "min_over_time" => over_time::extreme(view, false, notes),
        "max_over_time" => over_time::extreme(view, true, notes),
        "ts_of_min_over_time" => over_time::instant_of_extreme(view, false, notes),
        "ts_of_max_over_time" => over_time::instant_of_extreme(view, true, notes),
        "stddev_over_time" => over_time::variance(view, true, notes),
        "stdvar_over_time" => over_time::variance(view, false, notes),
        "mad_over_time" => over_time::median_deviation(view, notes),
        "quantile_over_time" => over_time::quantile(view, number(0), notes),
        "deriv" => fit::slope(view, notes),
        "predict_linear" => fit::predicted(view, number(0), notes),
        "double_exponential_smoothing" => return fit::smoothed(view, number(0), number(1), notes),
        "integral" => return fit::integral(view, input(0).unwrap_or(2.0), notes),
        _ => return Err(unwired(name)),
    })
}
