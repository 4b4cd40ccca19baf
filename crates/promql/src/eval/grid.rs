//! The steps of an evaluation, and what an expression gives on them.

use std::collections::HashMap;

use super::notes::DUPLICATE;
use crate::{Error, Labels, METRIC_NAME, Millis, Value};

/// Instants at equal distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    /// The first.
    pub start: Millis,
    /// From one to the next; zero when there is one, or when all are the same.
    pub step: Millis,
    /// How many; at least one.
    pub count: usize,
}

impl Grid {
    /// A single instant.
    pub fn one(at: Millis) -> Self {
        Self { start: at, step: 0, count: 1 }
    }

    /// From the first instant up to the last one that a step reaches.
    pub fn between(start: Millis, end: Millis, step: Millis) -> Self {
        let span = end.saturating_sub(start).max(0);
        let steps = if step > 0 { span / step } else { 0 };
        Self { start, step, count: usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1) }
    }

    /// The instant of a step.
    pub fn at(self, step: usize) -> Millis {
        let steps = Millis::try_from(step).unwrap_or(Millis::MAX);
        self.start.saturating_add(self.step.saturating_mul(steps))
    }

    /// The last instant.
    pub fn last(self) -> Millis {
        self.at(self.count.saturating_sub(1))
    }

    /// All instants.
    pub fn instants(self) -> impl Iterator<Item = Millis> {
        (0..self.count).map(move |step| self.at(step))
    }

    /// The same steps, all earlier.
    pub fn earlier(self, by: Millis) -> Self {
        Self { start: self.start.saturating_sub(by), ..self }
    }
}

/// A series on a grid: a value or none at each step.
pub(super) type Cells = Vec<Option<Value>>;

/// A series of an instant vector on a grid.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// What names it.
    pub labels: Labels,
    /// Whether the metric's name is left out of the answer. Until then it still tells series apart.
    pub drop_name: bool,
    /// As many as the grid has steps.
    pub cells: Cells,
}

impl Column {
    /// The value at a step.
    pub fn at(&self, step: usize) -> Option<&Value> {
        self.cells.get(step).and_then(Option::as_ref)
    }

    /// The number at a step; none where there is a histogram or nothing.
    pub fn float(&self, step: usize) -> Option<f64> {
        self.at(step).and_then(Value::float)
    }

    /// Whether there is a value at any step.
    pub fn has_any(&self) -> bool {
        self.cells.iter().any(Option::is_some)
    }
}

/// What an expression gives.
#[derive(Debug)]
pub(super) enum Evaluated {
    /// A number at each step.
    Scalar(Vec<f64>),
    /// A text.
    Text(String),
    /// Series.
    Vector(Vec<Column>),
}

impl Evaluated {
    /// What was evaluated at one step, at many.
    pub fn spread(self, count: usize) -> Self {
        match self {
            Self::Scalar(values) => Self::Scalar(vec![values.first().copied().unwrap_or(f64::NAN); count]),
            Self::Text(text) => Self::Text(text),
            Self::Vector(columns) => Self::Vector(columns.into_iter().map(|column| spread(column, count)).collect()),
        }
    }
}

fn spread(column: Column, count: usize) -> Column {
    let cell = column.cells.into_iter().next().flatten();
    Column { cells: vec![cell; count], ..column }
}

/// Columns being filled: those with the same labels become one.
#[derive(Debug)]
pub(super) struct Columns {
    columns: Vec<Column>,
    places: HashMap<Labels, usize>,
    steps: usize,
    cells_max: usize,
}

impl Columns {
    /// No columns yet, for a grid of so many steps, and so many cells at most.
    pub fn new(steps: usize, cells_max: usize) -> Self {
        Self { columns: Vec::new(), places: HashMap::new(), steps, cells_max }
    }

    /// The place of the column with these labels, which is made when there is none.
    ///
    /// # Errors
    /// There would be too many cells.
    pub fn place(&mut self, labels: &Labels, drop_name: bool) -> Result<usize, Error> {
        if let Some(place) = self.places.get(labels) {
            return Ok(*place);
        }
        let loaded = (self.columns.len() + 1).saturating_mul(self.steps);
        if loaded > self.cells_max {
            return Err(Error::TooManySamples { loaded, limit: self.cells_max });
        }
        let cells = vec![None; self.steps];
        self.columns.push(Column { labels: labels.clone(), drop_name, cells });
        self.places.insert(labels.clone(), self.columns.len() - 1);
        Ok(self.columns.len() - 1)
    }

    /// Writes a value at a place and step.
    ///
    /// # Errors
    /// There is one already: two series would have the same labels.
    pub fn put(&mut self, place: usize, step: usize, value: Value) -> Result<(), Error> {
        match self.columns.get_mut(place).and_then(|column| column.cells.get_mut(step)) {
            Some(Some(_)) => Err(Error::Evaluation(DUPLICATE.to_owned())),
            Some(cell) => {
                *cell = Some(value);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The columns that have a value anywhere, in the order in which they were made.
    pub fn finish(self) -> Vec<Column> {
        self.columns.into_iter().filter(Column::has_any).collect()
    }
}

/// Makes one column of those with the same labels.
///
/// # Errors
/// Two of them have a value at the same step.
pub(super) fn merge(columns: Vec<Column>, steps: usize) -> Result<Vec<Column>, Error> {
    let mut merged: Vec<Column> = Vec::with_capacity(columns.len());
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(columns.len());
    for column in columns {
        let place = *places.entry(column.labels.clone()).or_insert(merged.len());
        match merged.get_mut(place) {
            None => merged.push(column),
            Some(into) => overlay(into, column, steps)?,
        }
    }
    Ok(merged)
}

fn overlay(into: &mut Column, other: Column, steps: usize) -> Result<(), Error> {
    into.cells.resize(steps, None);
    for (cell, added) in into.cells.iter_mut().zip(other.cells) {
        match (&cell, added) {
            (_, None) => {}
            (None, added) => *cell = added,
            (Some(_), Some(_)) => return Err(Error::Evaluation(DUPLICATE.to_owned())),
        }
    }
    Ok(())
}

/// The labels without those that say what a metric is: its name, type and unit.
pub(super) fn unnamed(labels: &Labels) -> Labels {
    if labels.iter().any(|(name, _)| is_metadata(name)) {
        labels.filtered(|name| !is_metadata(name))
    } else {
        labels.clone()
    }
}

fn is_metadata(name: &str) -> bool {
    name == METRIC_NAME || name == "__type__" || name == "__unit__"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_its_start_and_every_step_up_to_its_end() {
        let grid = Grid::between(10, 45, 10);
        assert_eq!(grid.instants().collect::<Vec<_>>(), [10, 20, 30, 40]);
        assert_eq!((grid.last(), grid.earlier(5).start), (40, 5));
        assert_eq!(Grid::between(10, 5, 10).count, 1);
        assert_eq!(Grid::between(0, Millis::MAX, 1).at(usize::MAX), Millis::MAX);
    }

    #[test]
    fn columns_of_the_same_labels_become_one_unless_they_overlap() {
        let column = |cells: [Option<f64>; 2]| Column {
            labels: Labels::default(),
            drop_name: false,
            cells: cells.into_iter().map(|cell| cell.map(Value::Float)).collect(),
        };
        let whole = merge(vec![column([Some(1.0), None]), column([None, Some(2.0)])], 2).unwrap();
        assert_eq!(whole[0].cells, [Some(Value::Float(1.0)), Some(Value::Float(2.0))]);
        assert!(merge(vec![column([Some(1.0), None]), column([Some(1.0), None])], 2).is_err());
    }
}
