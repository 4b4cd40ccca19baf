//! Aggregations: one value of all values of a group of series, step by step.

use std::collections::HashMap;
use std::sync::Arc;

use super::grid::{Column, Columns, Grid};
use super::groups::{average, total};
use super::kahan::{Kahan, Mean};
use super::notes::Notes;
use super::numbers;
use super::{Engine, float};
use crate::ast::{Aggregate, AggregateOp, Expr};
use crate::{Error, Histogram, Labels, METRIC_NAME, Value};

/// Series that are aggregated together.
#[derive(Debug)]
pub(super) struct Group {
    /// The labels that they have in common, of those that count.
    pub labels: Labels,
    /// Indices of the series, ascending.
    pub members: Vec<usize>,
}

/// The labels of a group that a series is in.
fn group_labels(labels: &Labels, by: &[String], without: bool) -> Labels {
    let named = |name: &str| by.iter().any(|label| label == name);
    match without {
        true => labels.filtered(|name| name != METRIC_NAME && !named(name)),
        false if by.is_empty() => Labels::default(),
        false => labels.filtered(named),
    }
}

/// The groups of series, in the order in which they first come up.
pub(super) fn groups(columns: &[Column], aggregate: &Aggregate) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    for (index, column) in columns.iter().enumerate() {
        let labels = group_labels(&column.labels, &aggregate.labels, aggregate.without);
        match places.get(&labels).and_then(|place| groups.get_mut(*place)) {
            Some(group) => group.members.push(index),
            None => {
                places.insert(labels.clone(), groups.len());
                groups.push(Group { labels, members: vec![index] });
            }
        }
    }
    groups
}

/// How an aggregation is written.
pub(super) fn name(op: AggregateOp) -> &'static str {
    match op {
        AggregateOp::Sum => "sum",
        AggregateOp::Avg => "avg",
        AggregateOp::Count => "count",
        AggregateOp::Min => "min",
        AggregateOp::Max => "max",
        AggregateOp::Group => "group",
        AggregateOp::Stddev => "stddev",
        AggregateOp::Stdvar => "stdvar",
        AggregateOp::Topk => "topk",
        AggregateOp::Bottomk => "bottomk",
        AggregateOp::CountValues => "count_values",
        AggregateOp::Quantile => "quantile",
        AggregateOp::Limitk => "limitk",
        AggregateOp::LimitRatio => "limit_ratio",
    }
}

impl Engine<'_> {
    /// What an aggregation gives on a grid.
    pub fn aggregate(&self, aggregate: &Aggregate, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        use AggregateOp::{Bottomk, CountValues, LimitRatio, Limitk, Topk};
        match aggregate.op {
            CountValues => self.count_values(aggregate, grid, depth),
            Topk | Bottomk | Limitk | LimitRatio => self.pick(aggregate, grid, depth),
            _ => self.combine(aggregate, grid, depth),
        }
    }

    /// The parameter of an aggregation at each step.
    pub fn parameter(&self, aggregate: &Aggregate, grid: Grid, depth: usize) -> Result<Vec<f64>, Error> {
        let missing = || Error::Evaluation(format!("{} needs a parameter", name(aggregate.op)));
        self.scalar(aggregate.parameter.as_ref().ok_or_else(missing)?, grid, depth)
    }

    fn combine(&self, aggregate: &Aggregate, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        let quantiles = match aggregate.op {
            AggregateOp::Quantile => self.parameter(aggregate, grid, depth)?,
            _ => Vec::new(),
        };
        let columns = self.vector(&aggregate.inner, grid, depth)?;
        quantiles.iter().for_each(|q| self.notes.quantile(*q));
        let mut results = Vec::new();
        for group in groups(&columns, aggregate) {
            let members = group.members.iter().filter_map(|index| columns.get(*index));
            let members: Vec<(&str, &Column)> = members.map(|column| (column.labels.name(), column)).collect();
            let cell = |step: usize| {
                let values = members.iter().filter_map(|(metric, column)| Some((*metric, column.at(step)?)));
                let q = quantiles.get(step).copied().unwrap_or(f64::NAN);
                combined(aggregate.op, values, q, &self.notes)
            };
            let summed = (aggregate.op == AggregateOp::Sum).then(|| sums(&members, grid.count)).flatten();
            let cells = summed.unwrap_or_else(|| (0..grid.count).map(cell).collect());
            let drop_name = members.iter().any(|(_, column)| column.drop_name);
            let column = Column { labels: group.labels, drop_name, cells };
            if column.has_any() {
                results.push(column);
            }
        }
        Ok(results)
    }

    fn count_values(&self, aggregate: &Aggregate, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        let label = match aggregate.parameter.as_ref().map(super::invariant::bare) {
            Some(Expr::Text(label)) if !label.is_empty() => label,
            _ => return Err(Error::Evaluation("invalid label name \"\"".to_owned())),
        };
        let columns = self.vector(&aggregate.inner, grid, depth)?;
        let mut by = aggregate.labels.clone();
        if !aggregate.without {
            by.push(label.clone());
        }
        let mut counts: Vec<HashMap<usize, f64>> = vec![HashMap::new(); grid.count];
        let mut results = Columns::new(grid.count, self.options.samples_max);
        for column in &columns {
            for (step, counts) in counts.iter_mut().enumerate() {
                let Some(value) = column.at(step) else { continue };
                let labels = column.labels.with(label, &text_of(value));
                let place = results.place(&group_labels(&labels, &by, aggregate.without), false)?;
                *counts.entry(place).or_default() += 1.0;
            }
        }
        for (step, counts) in counts.into_iter().enumerate() {
            for (place, count) in counts {
                results.put(place, step, Value::Float(count))?;
            }
        }
        Ok(results.finish())
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Float(value) => numbers::plain(*value),
        Value::Histogram(histogram) => histogram.to_string(),
    }
}

/// The sums of numbers at each step, one series after the other, which is the order in which a step alone adds them; `None`
/// where one is a histogram.
fn sums(members: &[(&str, &Column)], count: usize) -> Option<Vec<Option<Value>>> {
    let mut all: Vec<Option<Kahan>> = vec![None; count];
    for (_, column) in members {
        for (sum, cell) in all.iter_mut().zip(&column.cells) {
            match cell {
                None => {}
                Some(Value::Float(value)) => {
                    *sum = Some(sum.map_or_else(|| Kahan::starting(*value), |sum| sum.plus(*value)));
                }
                Some(Value::Histogram(_)) => return None,
            }
        }
    }
    Some(all.into_iter().map(|sum| sum.map(|sum| Value::Float(sum.total()))).collect())
}

/// One value of several, each with the name of its metric.
fn combined<'v>(
    op: AggregateOp,
    values: impl Iterator<Item = (&'v str, &'v Value)> + Clone,
    q: f64,
    notes: &Notes,
) -> Option<Value> {
    match op {
        AggregateOp::Count => values.clone().next().and_then(|_| float(values.count() as f64)),
        AggregateOp::Group => values.clone().next().and_then(|_| float(1.0)),
        AggregateOp::Sum | AggregateOp::Avg => added(op == AggregateOp::Avg, values, notes),
        _ => {
            let ignored = || notes.ignored_in_aggregation(name(op));
            let floats = values.filter_map(|(_, value)| {
                let float = value.float();
                if float.is_none() {
                    ignored();
                }
                float
            });
            of_floats(op, floats, q).map(Value::Float)
        }
    }
}

fn added<'v>(mean: bool, values: impl Iterator<Item = (&'v str, &'v Value)> + Clone, notes: &Notes) -> Option<Value> {
    let (mut sum, mut running, mut floats) = (Kahan::default(), Mean::default(), false);
    let mut histograms: Vec<(&str, &Arc<Histogram>)> = Vec::new();
    for (metric, value) in values {
        match value {
            Value::Histogram(histogram) => histograms.push((metric, histogram)),
            Value::Float(value) => {
                if mean {
                    running.add(*value);
                } else {
                    sum = if floats { sum.plus(*value) } else { Kahan::starting(*value) };
                }
                floats = true;
            }
        }
    }
    match (floats, histograms.is_empty()) {
        (true, true) if mean => running.result().map(Value::Float),
        (true, true) => float(sum.total()),
        (true, false) => {
            notes.mixed_aggregation();
            None
        }
        (false, _) => {
            let result = if mean { average(histograms, notes) } else { total(histograms, notes) };
            result.map(|histogram| Value::Histogram(Arc::new(histogram)))
        }
    }
}

fn of_floats(op: AggregateOp, floats: impl Iterator<Item = f64>, q: f64) -> Option<f64> {
    match op {
        AggregateOp::Min => floats.reduce(|least, value| if value < least || least.is_nan() { value } else { least }),
        AggregateOp::Max => floats.reduce(|most, value| if value > most || most.is_nan() { value } else { most }),
        AggregateOp::Stdvar => variance(floats),
        AggregateOp::Stddev => variance(floats).map(f64::sqrt),
        AggregateOp::Quantile => {
            let values: Vec<f64> = floats.collect();
            (!values.is_empty()).then(|| numbers::quantile(q, values))
        }
        _ => None,
    }
}

/// The mean of squared distances from the mean, kept step by step (Welford).
fn variance(floats: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut count, mut mean, mut sum) = (0.0, 0.0, 0.0);
    for value in floats {
        count += 1.0;
        if count <= 1.0 {
            mean = value;
            sum = if value.is_finite() { 0.0 } else { f64::NAN };
            continue;
        }
        let delta = value - mean;
        mean += delta / count;
        sum += delta * (value - mean);
    }
    (count > 0.0).then(|| sum / count)
}
