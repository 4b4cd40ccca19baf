//! Operators between two values, and between a series and a number.

use std::sync::Arc;

use super::grid::{Column, Evaluated};
use super::notes::Notes;
use crate::ast::BinaryOp;
use crate::histogram::{Combined, Incompatible};
use crate::parse::written_op;
use crate::{Histogram, ResetHint, Value};

/// Whether the result is another metric than the operands, and loses their name.
pub(super) fn renames(op: BinaryOp) -> bool {
    use BinaryOp::{Add, Atan2, Div, Mod, Mul, Pow, Sub};
    matches!(op, Add | Sub | Mul | Div | Mod | Pow | Atan2)
}

/// Whether two numbers compare so; none when the operator does not compare.
fn compares(op: BinaryOp, a: f64, b: f64) -> Option<bool> {
    match op {
        BinaryOp::Eq => Some(a == b),
        BinaryOp::Ne => Some(a != b),
        BinaryOp::Lt => Some(a < b),
        BinaryOp::Le => Some(a <= b),
        BinaryOp::Gt => Some(a > b),
        BinaryOp::Ge => Some(a >= b),
        _ => None,
    }
}

/// Whether an operator compares.
pub(super) fn is_comparison(op: BinaryOp) -> bool {
    compares(op, 0.0, 0.0).is_some()
}

fn arithmetic(op: BinaryOp, a: f64, b: f64) -> Option<f64> {
    match op {
        BinaryOp::Add => Some(a + b),
        BinaryOp::Sub => Some(a - b),
        BinaryOp::Mul => Some(a * b),
        BinaryOp::Div => Some(a / b),
        BinaryOp::Mod => Some(a % b),
        BinaryOp::Pow => Some(a.powf(b)),
        BinaryOp::Atan2 => Some(a.atan2(b)),
        _ => None,
    }
}

/// An operator between two numbers. A comparison gives 0 or 1.
pub(super) fn scalars(op: BinaryOp, a: f64, b: f64) -> f64 {
    match compares(op, a, b) {
        Some(holds) => f64::from(u8::from(holds)),
        None => arithmetic(op, a, b).unwrap_or(f64::NAN),
    }
}

/// What an operator gives for two values.
pub(super) struct Outcome {
    /// The result; of a comparison, the left value.
    pub value: Value,
    /// Whether a comparison holds. True for other operators.
    pub holds: bool,
}

impl Outcome {
    /// The result where there is one: with `bool` 0 or 1, otherwise the value if it is not filtered away.
    pub fn result(self, as_bool: bool) -> Option<Value> {
        match as_bool {
            true => Some(Value::Float(f64::from(u8::from(self.holds)))),
            false => self.holds.then_some(self.value),
        }
    }
}

fn kept(value: Value) -> Option<Outcome> {
    Some(Outcome { value, holds: true })
}

/// An operator between two values; none, with a note, where it has no meaning for them.
pub(super) fn values(op: BinaryOp, left: &Value, right: &Value, notes: &Notes) -> Option<Outcome> {
    let result = match (left, right) {
        (Value::Float(a), Value::Float(b)) => match compares(op, *a, *b) {
            Some(holds) => Some(Outcome { value: left.clone(), holds }),
            None => arithmetic(op, *a, *b).and_then(|value| kept(Value::Float(value))),
        },
        (Value::Float(a), Value::Histogram(b)) if op == BinaryOp::Mul => kept(histogram(&b.times(*a))),
        (Value::Histogram(a), Value::Float(b)) => with_float(op, a, *b),
        (Value::Histogram(a), Value::Histogram(b)) => match op {
            BinaryOp::Add => return combined(op, a.add(b), "addition", notes),
            BinaryOp::Sub => return combined(op, a.sub(b), "subtraction", notes),
            BinaryOp::Eq => Some(Outcome { value: left.clone(), holds: a.equals(b) }),
            BinaryOp::Ne => Some(Outcome { value: left.clone(), holds: !a.equals(b) }),
            _ => None,
        },
        (Value::Float(_), Value::Histogram(_)) => None,
    };
    if result.is_none() {
        notes.incompatible_types(kind(left), written_op(op), kind(right));
    }
    result
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Float(_) => "float",
        Value::Histogram(_) => "histogram",
    }
}

fn histogram(histogram: &Histogram) -> Value {
    Value::Histogram(Arc::new(histogram.compacted()))
}

fn with_float(op: BinaryOp, left: &Histogram, right: f64) -> Option<Outcome> {
    match op {
        BinaryOp::Mul => kept(histogram(&left.times(right))),
        BinaryOp::Div => kept(histogram(&left.divided_by(right))),
        BinaryOp::TrimUpper => kept(histogram(&left.trimmed_above(right))),
        BinaryOp::TrimLower => kept(histogram(&left.trimmed_below(right))),
        _ => None,
    }
}

fn combined(op: BinaryOp, combined: Result<Combined, Incompatible>, operation: &str, notes: &Notes) -> Option<Outcome> {
    let Ok(Combined { histogram: mut result, hints_collide, bounds_reconciled }) = combined else {
        notes.incompatible_buckets(written_op(op));
        return None;
    };
    if hints_collide {
        notes.resets_collide(operation);
    }
    if bounds_reconciled {
        notes.bounds_reconciled(operation);
    }
    if op == BinaryOp::Sub {
        result.reset = ResetHint::Gauge;
    }
    kept(histogram(&result))
}

/// An operator with a number on one side, which waits for the value on the other.
pub(super) struct Sides<'n> {
    /// The operator.
    pub op: BinaryOp,
    /// The number.
    pub number: &'n Value,
    /// Whether it stands on the left.
    pub number_is_left: bool,
    /// Whether a comparison gives 0 or 1.
    pub as_bool: bool,
}

impl Sides<'_> {
    /// What it gives for a value. A comparison keeps the value of the series, on whichever side that stands.
    pub fn with(&self, value: &Value, notes: &Notes) -> Option<Value> {
        let (left, right) = if self.number_is_left { (self.number, value) } else { (value, self.number) };
        let outcome = values(self.op, left, right, notes)?;
        let keeps = is_comparison(self.op) && self.number_is_left;
        let outcome = if keeps { Outcome { value: value.clone(), ..outcome } } else { outcome };
        outcome.result(self.as_bool)
    }
}

/// A number on one side of an operator, at each step.
pub(super) struct ScalarSide {
    /// The numbers.
    pub values: Vec<f64>,
    /// Whether they stand on the left.
    pub is_left: bool,
}

/// An operator between series and a number.
pub(super) fn with_scalar(
    op: BinaryOp,
    columns: Vec<Column>,
    scalar: &ScalarSide,
    as_bool: bool,
    notes: &Notes,
) -> Vec<Column> {
    let change = |mut column: Column| {
        for (cell, number) in column.cells.iter_mut().zip(&scalar.values) {
            let Some(value) = cell.take() else { continue };
            let sides = Sides { op, number: &Value::Float(*number), number_is_left: scalar.is_left, as_bool };
            *cell = sides.with(&value, notes);
        }
        column.drop_name |= renames(op) || as_bool;
        column
    };
    columns.into_iter().map(change).filter(Column::has_any).collect()
}

/// What is evaluated, with the other sign.
pub(super) fn negated(evaluated: Evaluated) -> Evaluated {
    match evaluated {
        Evaluated::Scalar(values) => Evaluated::Scalar(values.into_iter().map(|value| -value).collect()),
        Evaluated::Text(text) => Evaluated::Text(text),
        Evaluated::Vector(columns) => Evaluated::Vector(columns.into_iter().map(negated_column).collect()),
    }
}

fn negated_column(mut column: Column) -> Column {
    for value in column.cells.iter_mut().flatten() {
        *value = match value {
            Value::Float(value) => Value::Float(-*value),
            Value::Histogram(value) => Value::Histogram(Arc::new(value.negated())),
        };
    }
    column.drop_name = true;
    column
}
