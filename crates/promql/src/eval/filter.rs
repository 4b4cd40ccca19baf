//! A selector compared with a number at one instant: what does not pass is never made a column. Most rules are of this form,
//! and most of their series do not pass.

use super::Engine;
use super::grid::{Column, Grid};
use super::operate::{Sides, is_comparison};
use crate::ast::{Binary, Expr, Selector, WindowMode};
use crate::{Error, Value};

impl Engine<'_> {
    /// What such a comparison gives; `None` where this is another expression, or there is more than one step.
    pub fn filtered(&self, binary: &Binary, grid: Grid, depth: usize) -> Result<Option<Vec<Column>>, Error> {
        let Some(Comparison { selector, number, number_is_left }) = comparison(binary).filter(|_| grid.count == 1)
        else {
            return Ok(None);
        };
        let number = self.scalar(number, grid, depth)?.first().copied().unwrap_or(f64::NAN);
        let sides = Sides { op: binary.op, number: &Value::Float(number), number_is_left, as_bool: false };
        self.newest(selector, grid, &|_, value| sides.with(value, &self.notes)).map(Some)
    }
}

/// A selector, and the number that it is compared with.
struct Comparison<'e> {
    selector: &'e Selector,
    number: &'e Expr,
    number_is_left: bool,
}

fn comparison(binary: &Binary) -> Option<Comparison<'_>> {
    if binary.as_bool || !is_comparison(binary.op) {
        return None;
    }
    let (selector, number, number_is_left) = match (&binary.left, &binary.right) {
        (Expr::Selector(selector), number) => (selector, number, false),
        (number, Expr::Selector(selector)) => (selector, number, true),
        _ => return None,
    };
    let fits = selector.mode == WindowMode::Plain && is_number(number);
    fits.then_some(Comparison { selector, number, number_is_left })
}

/// Whether an expression is made of numbers alone, so that nothing is asked of the source for it.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Number(_) => true,
        Expr::Paren(inner) | Expr::Negate(inner) => is_number(inner),
        Expr::Binary(binary) => is_number(&binary.left) && is_number(&binary.right),
        _ => false,
    }
}
