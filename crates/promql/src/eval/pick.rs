//! Aggregations that pick series: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use super::Engine;
use super::aggregate::{groups, name};
use super::grid::{Column, Grid};
use super::numbers::{nan_first, nan_last};
use super::xxhash::labels_hash;
use crate::ast::{Aggregate, AggregateOp};
use crate::{Error, Labels};

/// Which values are picked, and how many.
#[derive(Debug, Clone, Copy)]
enum Pick {
    /// The largest.
    Top(usize),
    /// The smallest.
    Bottom(usize),
    /// The first.
    First(usize),
    /// A share, by the hash of their labels; below zero, all others.
    Share(f64),
}

impl Engine<'_> {
    /// Picks series at each step. At a single step they come in order of their values.
    pub fn pick(&self, aggregate: &Aggregate, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        let parameters = self.parameter(aggregate, grid, depth)?;
        let columns = self.vector(&aggregate.inner, grid, depth)?;
        if is_nothing(aggregate.op, &parameters) {
            return Ok(Vec::new());
        }
        let picks = self.picks(aggregate.op, &parameters)?;
        let groups = groups(&columns, aggregate);
        let mut order = Vec::new();
        let mut chosen: Vec<Vec<bool>> = vec![vec![false; grid.count]; columns.len()];
        for group in &groups {
            for (step, pick) in picks.iter().enumerate() {
                for index in self.picked(*pick, aggregate.op, &columns, &group.members, step) {
                    if let Some(cell) = chosen.get_mut(index).and_then(|cells| cells.get_mut(step)) {
                        *cell = true;
                    }
                    order.push(index);
                }
            }
        }
        let masked = columns.into_iter().zip(chosen).map(|(column, chosen)| mask(column, &chosen));
        Ok(if grid.count == 1 { in_order(masked, &order) } else { masked.filter(Column::has_any).collect() })
    }

    fn picks(&self, op: AggregateOp, parameters: &[f64]) -> Result<Vec<Pick>, Error> {
        let pick = |parameter: f64| match op {
            AggregateOp::Topk => count(parameter).map(Pick::Top),
            AggregateOp::Bottomk => count(parameter).map(Pick::Bottom),
            AggregateOp::Limitk => count(parameter).map(Pick::First),
            _ if parameter.is_nan() => Err(Error::Evaluation("Ratio value is NaN".to_owned())),
            _ => {
                let capped = parameter.clamp(-1.0, 1.0);
                if capped != parameter {
                    self.notes.ratio(parameter, capped);
                }
                Ok(Pick::Share(capped))
            }
        };
        parameters.iter().map(|parameter| pick(*parameter)).collect()
    }

    /// Indices of the members that are picked at a step, in the order of the answer.
    fn picked(&self, pick: Pick, op: AggregateOp, columns: &[Column], members: &[usize], step: usize) -> Vec<usize> {
        let present = members.iter().copied().filter(|index| columns.get(*index).is_some_and(|c| c.at(step).is_some()));
        let numbers = || {
            let mut all = Vec::new();
            for index in members {
                match columns.get(*index).map(|column| (column.float(step), column.at(step).is_some())) {
                    Some((Some(value), _)) => all.push((*index, value)),
                    Some((None, true)) => self.notes.ignored_in_aggregation(name(op)),
                    _ => {}
                }
            }
            all
        };
        match pick {
            Pick::Top(many) => extremes(numbers(), many, true),
            Pick::Bottom(many) => extremes(numbers(), many, false),
            Pick::First(many) => present.take(many).collect(),
            Pick::Share(share) => present
                .filter(|index| columns.get(*index).is_some_and(|column| is_sampled(&column.labels, share)))
                .collect(),
        }
    }
}

/// Whether nothing is picked at any step.
fn is_nothing(op: AggregateOp, parameters: &[f64]) -> bool {
    match op {
        AggregateOp::LimitRatio => parameters.iter().all(|ratio| *ratio == 0.0),
        _ => parameters.iter().all(|many| *many < 1.0),
    }
}

/// A parameter as a number of series.
fn count(parameter: f64) -> Result<usize, Error> {
    let refused = |text: String| Err(Error::Evaluation(text));
    let parameter = match parameter {
        _ if parameter.is_nan() => return refused("Parameter value is NaN".to_owned()),
        _ if parameter <= i64::MIN as f64 => return refused(format!("Scalar value {parameter} underflows int64")),
        _ if parameter >= i64::MAX as f64 => return refused(format!("Scalar value {parameter} overflows int64")),
        _ => parameter,
    };
    Ok(parameter.max(0.0) as usize)
}

/// Whether a series is in a share of all. Those of `-0.8` are those that are not in `0.2`.
fn is_sampled(labels: &Labels, share: f64) -> bool {
    let place = labels_hash(labels) as f64 / u64::MAX as f64;
    if share >= 0.0 { place < share } else { place >= 1.0 + share }
}

/// The indices of the largest or smallest values, the most extreme first. What is not a number is the least extreme.
fn extremes(values: Vec<(usize, f64)>, many: usize, largest: bool) -> Vec<usize> {
    let compare = |a: f64, b: f64| if largest { nan_first(a, b) } else { nan_last(a, b).reverse() };
    let mut heap = Heap { values: Vec::with_capacity(many.min(values.len())), compare };
    for value in values {
        heap.offer(value, many);
    }
    let mut kept = heap.values;
    kept.sort_by(|a, b| compare(b.1, a.1));
    kept.into_iter().map(|(index, _)| index).collect()
}

/// A binary heap with the least extreme value on top. Which of several equal values stay depends on its shape, so it is
/// that of Prometheus: one that pushes at the end and replaces at the top.
struct Heap<F> {
    values: Vec<(usize, f64)>,
    compare: F,
}

impl<F: Fn(f64, f64) -> std::cmp::Ordering> Heap<F> {
    fn offer(&mut self, value: (usize, f64), many: usize) {
        if self.values.len() < many {
            self.values.push(value);
            self.rise(self.values.len() - 1);
        } else if let Some(top) = self.values.first_mut()
            && (self.compare)(top.1, value.1).is_lt()
        {
            *top = value;
            self.sink();
        }
    }

    fn is_less(&self, a: usize, b: usize) -> bool {
        let (Some(a), Some(b)) = (self.values.get(a), self.values.get(b)) else { return false };
        (self.compare)(a.1, b.1).is_lt()
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.is_less(at, parent) {
                break;
            }
            self.values.swap(at, parent);
            at = parent;
        }
    }

    fn sink(&mut self) {
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            let child = if self.is_less(left + 1, left) { left + 1 } else { left };
            if !self.is_less(child, at) {
                break;
            }
            self.values.swap(child, at);
            at = child;
        }
    }
}

fn mask(mut column: Column, chosen: &[bool]) -> Column {
    for (cell, chosen) in column.cells.iter_mut().zip(chosen) {
        if !chosen {
            *cell = None;
        }
    }
    column
}

fn in_order(columns: impl Iterator<Item = Column>, order: &[usize]) -> Vec<Column> {
    let mut all: Vec<Option<Column>> = columns.map(Some).collect();
    order.iter().filter_map(|index| all.get_mut(*index).and_then(Option::take)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_picked_last() {
        let values = || vec![(0, f64::NAN), (1, 3.0), (2, 1.0), (3, 2.0)];
        assert_eq!(extremes(values(), 2, true), [1, 3]);
        assert_eq!(extremes(values(), 2, false), [2, 3]);
        assert_eq!(extremes(values(), 9, true), [1, 3, 2, 0]);
        assert_eq!(extremes(values(), 9, false), [2, 3, 1, 0]);
    }
}
