//! Operators between two expressions.

use super::Engine;
use super::grid::{Column, Columns, Evaluated, Grid};
use super::matching::{Group, braced, groups, result_labels, signature};
use super::operate::{ScalarSide, scalars, values, with_scalar};
use crate::ast::{Binary, BinaryOp, Cardinality};
use crate::{Error, Labels, Value};

impl Engine<'_> {
    /// What an operator gives on a grid.
    pub fn binary(&self, binary: &Binary, grid: Grid, depth: usize) -> Result<Evaluated, Error> {
        use Evaluated::{Scalar, Vector};
        if let Some(columns) = self.filtered(binary, grid, depth)? {
            return Ok(Vector(columns));
        }
        let left = self.eval(&binary.left, grid, depth)?;
        let right = self.eval(&binary.right, grid, depth)?;
        let (op, notes) = (binary.op, &self.notes);
        match (left, right) {
            (Scalar(left), Scalar(right)) => {
                Ok(Scalar(left.into_iter().zip(right).map(|(a, b)| scalars(op, a, b)).collect()))
            }
            (Vector(columns), Scalar(values)) => {
                let side = ScalarSide { values, is_left: false };
                Ok(Vector(with_scalar(op, columns, &side, binary.as_bool, notes)))
            }
            (Scalar(values), Vector(columns)) => {
                let side = ScalarSide { values, is_left: true };
                Ok(Vector(with_scalar(op, columns, &side, binary.as_bool, notes)))
            }
            (Vector(left), Vector(right)) => self.vectors(binary, left, right, grid.count).map(Vector),
            _ => Err(super::mistyped("a scalar or an instant vector", "a string")),
        }
    }

    fn vectors(
        &self,
        binary: &Binary,
        left: Vec<Column>,
        right: Vec<Column>,
        steps: usize,
    ) -> Result<Vec<Column>, Error> {
        let groups = groups(&left, &right, &binary.matching);
        match binary.op {
            BinaryOp::And => Ok(masked(left, &right, &groups, true)),
            BinaryOp::Unless => Ok(masked(left, &right, &groups, false)),
            BinaryOp::Or => united(&left, &right, &groups, Columns::new(steps, self.options.samples_max)),
            _ => {
                let mut pairing = Pairing::new(self, binary, &left, &right, steps);
                for (number, group) in groups.iter().enumerate() {
                    pairing.group(number, group)?;
                }
                Ok(pairing.results.finish())
            }
        }
    }
}

/// Whether one of some columns has a value at a step.
fn any_at(columns: &[Column], indices: &[usize], step: usize) -> bool {
    indices.iter().any(|index| columns.get(*index).is_some_and(|column| column.at(step).is_some()))
}

/// `and` and `unless`: the left values where the right side has one of the same group, or where it has none.
fn masked(mut left: Vec<Column>, right: &[Column], groups: &[Group], wanted: bool) -> Vec<Column> {
    for group in groups {
        for index in &group.left {
            let Some(column) = left.get_mut(*index) else { continue };
            for (step, cell) in column.cells.iter_mut().enumerate() {
                if cell.is_some() && any_at(right, &group.right, step) != wanted {
                    *cell = None;
                }
            }
        }
    }
    left.retain(Column::has_any);
    left
}

/// `or`: the left values, and the right ones where the left side has none of the same group.
fn united(left: &[Column], right: &[Column], groups: &[Group], mut results: Columns) -> Result<Vec<Column>, Error> {
    let mut add = |column: &Column, wanted: &dyn Fn(usize) -> bool| -> Result<(), Error> {
        let place = results.place(&column.labels, column.drop_name)?;
        for (step, cell) in column.cells.iter().enumerate() {
            if let Some(value) = cell.as_ref().filter(|_| wanted(step)) {
                results.put(place, step, value.clone())?;
            }
        }
        Ok(())
    };
    for column in left {
        add(column, &|_| true)?;
    }
    let mut group_of = vec![None; right.len()];
    for group in groups {
        for index in &group.right {
            if let Some(slot) = group_of.get_mut(*index) {
                *slot = Some(group);
            }
        }
    }
    for (column, group) in right.iter().zip(group_of) {
        add(column, &|step| group.is_none_or(|group| !any_at(left, &group.left, step)))?;
    }
    Ok(results.finish())
}

/// The result of an operator that pairs series, being made group by group.
struct Pairing<'a> {
    engine: &'a Engine<'a>,
    binary: &'a Binary,
    /// The side of which several series may share a match.
    many: &'a [Column],
    /// The other side.
    one: &'a [Column],
    steps: usize,
    results: Columns,
    /// The steps at which the many side, or something that stands in for it, has a value at all.
    present: Vec<bool>,
    /// For each result, when it was last written: the number of the group and step, from one.
    written: Vec<usize>,
    /// For each series of the many side, where its last result was written, and with which series of the other side.
    places: Vec<Option<(Option<usize>, usize)>>,
}

/// A value of one side, and which series it is of; none for one that stands in for a missing series.
type Operand<'v> = (Option<usize>, &'v Value);

impl<'a> Pairing<'a> {
    fn new(engine: &'a Engine<'a>, binary: &'a Binary, left: &'a [Column], right: &'a [Column], steps: usize) -> Self {
        let swapped = binary.matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let filled = binary.matching.fill_left.is_some() || binary.matching.fill_right.is_some();
        let present = (0..steps).map(|step| filled || many.iter().any(|column| column.at(step).is_some())).collect();
        let results = Columns::new(steps, engine.options.samples_max);
        Self { engine, binary, many, one, steps, results, present, written: Vec::new(), places: vec![None; many.len()] }
    }

    fn is_swapped(&self) -> bool {
        self.binary.matching.cardinality == Cardinality::OneToMany
    }

    /// What stands in for a missing series of the many and of the one side.
    fn fills(&self) -> (Option<Value>, Option<Value>) {
        let matching = &self.binary.matching;
        let (left, right) = (matching.fill_left.map(Value::Float), matching.fill_right.map(Value::Float));
        if self.is_swapped() { (right, left) } else { (left, right) }
    }

    fn group(&mut self, number: usize, group: &Group) -> Result<(), Error> {
        let swapped = self.is_swapped();
        let (many, one) = if swapped { (&group.right, &group.left) } else { (&group.left, &group.right) };
        let fills = self.fills();
        let hopeless = (many.is_empty() && fills.0.is_none()) || (one.is_empty() && fills.1.is_none());
        if hopeless && one.len() < 2 {
            return Ok(());
        }
        for step in 0..self.steps {
            // Two series on the one side are an error even where nothing matches them, but not where nothing could.
            if self.present.get(step).copied().unwrap_or(false) {
                self.step(number, (many, one), step, &fills)?;
            }
        }
        Ok(())
    }

    /// The only value of the one side at a step.
    fn single(&self, one: &[usize], step: usize) -> Result<Option<(usize, &'a Value)>, Error> {
        let columns = self.one;
        let mut present = one.iter().filter_map(|at| columns.get(*at)?.at(step).map(|value| (*at, value)));
        let Some(first) = present.next() else { return Ok(None) };
        match present.next() {
            None => Ok(Some(first)),
            Some(second) => Err(self.ambiguous(second.0, first.0)),
        }
    }

    fn step(
        &mut self,
        number: usize,
        (many, one): (&[usize], &[usize]),
        step: usize,
        fills: &(Option<Value>, Option<Value>),
    ) -> Result<(), Error> {
        let single = self.single(one, step)?;
        let columns = self.many;
        let stamp = number.saturating_mul(self.steps).saturating_add(step).saturating_add(1);
        let mut matched = false;
        for index in many {
            let Some(value) = columns.get(*index).and_then(|column| column.at(step)) else { continue };
            let right: Option<Operand<'_>> = match single {
                Some((at, value)) => Some((Some(at), value)),
                None => fills.1.as_ref().map(|fill| (None, fill)),
            };
            let Some(right) = right else { continue };
            matched |= self.pair((Some(*index), value), right, step, stamp, matched)?;
        }
        if let (false, Some((at, value)), Some(fill)) = (matched, single, &fills.0) {
            self.pair((None, fill), (Some(at), value), step, stamp, matched)?;
        }
        Ok(())
    }

    /// Writes the result of a pair. False when the operator has no meaning for it, so that it is no match.
    fn pair(
        &mut self,
        many: Operand<'_>,
        one: Operand<'_>,
        step: usize,
        stamp: usize,
        matched: bool,
    ) -> Result<bool, Error> {
        let (left, right) = if self.is_swapped() { (one.1, many.1) } else { (many.1, one.1) };
        let Some(outcome) = values(self.binary.op, left, right, &self.engine.notes) else { return Ok(false) };
        if matched && self.binary.matching.cardinality == Cardinality::OneToOne {
            let text = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
            return Err(Error::Evaluation(text.to_owned()));
        }
        let place = self.place(many.0, one.0)?;
        if let Some(written) = self.written.get_mut(place) {
            if *written == stamp {
                let text = "multiple matches for labels: grouping labels must ensure unique matches";
                return Err(Error::Evaluation(text.to_owned()));
            }
            *written = stamp;
        }
        if let Some(value) = outcome.result(self.binary.as_bool) {
            self.results.put(place, step, value)?;
        }
        Ok(true)
    }

    /// Where the result of two series is written.
    fn place(&mut self, many: Option<usize>, one: Option<usize>) -> Result<usize, Error> {
        let known = many.and_then(|at| *self.places.get(at)?);
        if let Some((with, place)) = known
            && with == one
        {
            return Ok(place);
        }
        let labels = self.labels(many, one);
        let dropped = many.and_then(|at| self.many.get(at)).is_some_and(|column| column.drop_name);
        let place = self.results.place(&labels, self.binary.as_bool || dropped)?;
        if place >= self.written.len() {
            self.written.resize(place + 1, 0);
        }
        if let Some(slot) = many.and_then(|at| self.places.get_mut(at)) {
            *slot = Some((one, place));
        }
        Ok(place)
    }

    fn labels(&self, many: Option<usize>, one: Option<usize>) -> Labels {
        let matching = &self.binary.matching;
        let many = many.and_then(|at| self.many.get(at)).map(|column| &column.labels);
        let one = one.and_then(|at| self.one.get(at)).map(|column| &column.labels);
        let stand_in = |other: Option<&Labels>| other.map(|labels| signature(labels, matching)).unwrap_or_default();
        let many_labels = many.cloned().unwrap_or_else(|| stand_in(one));
        let one_labels = one.cloned().unwrap_or_else(|| stand_in(many));
        result_labels(&many_labels, &one_labels, self.binary.op, matching)
    }

    fn ambiguous(&self, second: usize, first: usize) -> Error {
        let labels = |at: usize| self.one.get(at).map(|column| &column.labels);
        let group = labels(second).map(|labels| braced(&signature(labels, &self.binary.matching))).unwrap_or_default();
        let name = |at: usize| labels(at).map(braced).unwrap_or_default();
        let side = if self.is_swapped() { "left" } else { "right" };
        Error::Evaluation(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{}, {}];\
             many-to-many matching not allowed: matching labels must be unique on one side",
            name(second),
            name(first)
        ))
    }
}
