//! Queries as text over samples written by hand.

mod aggregations;
mod functions;
mod histograms;
mod newest;
mod operators;
mod scored;
mod selectors;
mod whole;

use std::sync::Arc;

use crate::eval::{Answer, Data, Options, instant, range};
use crate::histogram::number;
use crate::{
    Error, Histogram, Labels, Millis, Point, Series, SeriesSource, SourceFailure, Value, Wanted, Warning, parse,
};

/// Series in memory.
#[derive(Debug, Default)]
pub(super) struct Memory(Vec<Series>);

impl SeriesSource for Memory {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let matches = |series: &&Series| wanted.matchers.iter().all(|m| m.holds(series.labels.get(&m.name)));
        let cut = |series: &Series| Series {
            labels: series.labels.clone(),
            points: series.points.iter().filter(|p| p.at > wanted.after && p.at <= wanted.until).cloned().collect(),
        };
        // Backwards, because a source may answer in any order.
        Ok(self.0.iter().rev().filter(matches).map(cut).filter(|series| !series.points.is_empty()).collect())
    }
}

impl Memory {
    /// Series with a sample each minute: `name a=1 b=2 : 1 2 _ stale 5`, a line each; `_` is no sample, and `1..9` and
    /// `1..9/2` are all numbers up to the last.
    pub fn minutely(script: &str) -> Self {
        Self::every(60_000, script)
    }

    pub fn every(step: Millis, script: &str) -> Self {
        Self(script.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| series(step, line)).collect())
    }

    /// Adds a series of values.
    pub fn with(mut self, name: &str, values: impl IntoIterator<Item = Value>) -> Self {
        let points = values.into_iter().enumerate();
        let points = points.map(|(n, value)| Point { at: n as Millis * 60_000, born: 0, value }).collect();
        self.0.push(Series { labels: labels(name), points });
        self
    }

    pub fn ask(&self, query: &str, at: Millis) -> Result<Answer, Error> {
        instant(&parse(query)?, self, at, &Options::default())
    }

    pub fn ask_range(&self, query: &str, (start, end, step): (Millis, Millis, Millis)) -> Result<Answer, Error> {
        range(&parse(query)?, self, start, end, step, &Options::default())
    }

    /// An answer at an instant as text, or the error.
    pub fn at(&self, query: &str, seconds: i64) -> String {
        self.ask(query, seconds * 1000).map_or_else(|error| format!("error: {error}"), |answer| written(&answer.data))
    }

    /// An answer each minute from zero to an end as text, or the error.
    pub fn each_minute(&self, query: &str, minutes: i64) -> String {
        let answer = self.ask_range(query, (0, minutes * 60_000, 60_000));
        answer.map_or_else(|error| format!("error: {error}"), |answer| written(&answer.data))
    }

    /// The notes of an answer.
    pub fn notes(&self, query: &str, seconds: i64) -> Vec<String> {
        let notes = self.ask(query, seconds * 1000).unwrap().warnings.into_iter();
        let text = |note| match note {
            Warning::Warn(text) => text.strip_prefix("PromQL warning: ").unwrap().to_owned(),
            Warning::Info(text) => format!("info: {}", text.strip_prefix("PromQL info: ").unwrap()),
        };
        notes.map(text).collect()
    }

    /// Checks a table of queries and their answers at one instant.
    pub fn check(&self, seconds: i64, table: &[(&str, &str)]) {
        let answers = table.iter().map(|(query, expected)| (*query, self.at(query, seconds), *expected));
        let wrong: Vec<_> = answers.filter(|(_, found, expected)| found != expected).collect();
        assert!(wrong.is_empty(), "at {seconds} s: query, answer, expected: {wrong:#?}");
    }
}

pub(super) fn labels(text: &str) -> Labels {
    let mut words = text.split_whitespace();
    let name = words.next().filter(|name| *name != "-").map(|name| ("__name__", name));
    Labels::from_pairs(name.into_iter().chain(words.map(|pair| pair.split_once('=').unwrap())))
}

fn series(step: Millis, line: &str) -> Series {
    let (name, values) = line.split_once(" : ").unwrap();
    let values: Vec<Option<Value>> = values.split_whitespace().flat_map(values_of).collect();
    let points = values.into_iter().enumerate();
    let points = points.filter_map(|(n, value)| Some(Point { at: n as Millis * step, born: 0, value: value? }));
    Series { labels: labels(name), points: points.collect() }
}

fn values_of(word: &str) -> Vec<Option<Value>> {
    let float = |text: &str| Some(Value::Float(text.parse().unwrap()));
    if let Some((from, to)) = word.split_once("..") {
        let (to, step) = to.split_once('/').unwrap_or((to, "1"));
        let (from, to, step): (i64, i64, usize) = (from.parse().unwrap(), to.parse().unwrap(), step.parse().unwrap());
        return (from..=to).step_by(step).map(|n| Some(Value::Float(n as f64))).collect();
    }
    match word {
        "_" => vec![None],
        "stale" => vec![Some(Value::stale())],
        number => vec![float(number)],
    }
}

/// A histogram with buckets from the first positive one of schema 0 on.
pub(super) fn histogram(sum: f64, counts: &[f64]) -> Histogram {
    let positive = counts.iter().enumerate().map(|(n, count)| (n as i32, *count)).collect();
    Histogram { sum, count: counts.iter().sum(), positive, ..Histogram::default() }
}

pub(super) fn value(histogram: Histogram) -> Value {
    Value::Histogram(Arc::new(histogram))
}

fn written(data: &Data) -> String {
    let text = |value: &Value| match value {
        Value::Float(value) => number(*value),
        Value::Histogram(histogram) => histogram.to_string(),
    };
    match data {
        Data::Scalar(_, value) => number(*value),
        Data::Text(_, text) => format!("{text:?}"),
        Data::Vector(rows) => {
            let rows: Vec<_> = rows.iter().map(|(labels, point)| format!("{labels} {}", text(&point.value))).collect();
            rows.join(", ")
        }
        Data::Matrix(all) => {
            let points = |series: &Series| {
                let points = series.points.iter().map(|p| format!("{}@{}", text(&p.value), p.at / 1000));
                points.collect::<Vec<_>>().join(" ")
            };
            all.iter().map(|series| format!("{} {}", series.labels, points(series))).collect::<Vec<_>>().join(", ")
        }
    }
}
