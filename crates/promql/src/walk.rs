//! Going through a query without evaluating it.

use crate::Millis;
use crate::ast::{BinaryOp, Call, Duration, Expr, Selector};

impl Expr {
    /// Its parts, one level down.
    #[must_use]
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Number(_) | Self::Text(_) | Self::Selector(_) | Self::Window(..) => Vec::new(),
            Self::Subquery(subquery) => vec![&subquery.inner],
            Self::Paren(inner) | Self::Negate(inner) => vec![inner],
            Self::Binary(binary) => vec![&binary.left, &binary.right],
            Self::Aggregate(aggregate) => std::iter::once(&aggregate.inner).chain(&aggregate.parameter).collect(),
            Self::Call(call) => call.arguments.iter().collect(),
        }
    }

    /// The number that it is, whatever parentheses and signs stand around.
    #[must_use]
    pub fn constant(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Paren(inner) => inner.constant(),
            Self::Negate(inner) => inner.constant().map(|number| -number),
            _ => None,
        }
    }

    /// The comparison with a number that it ends in, unless that gives 0 or 1: the operator and the number.
    #[must_use]
    pub fn compared_with(&self) -> Option<(BinaryOp, f64)> {
        match self {
            Self::Paren(inner) => inner.compared_with(),
            Self::Binary(binary) if !binary.as_bool => Some((binary.op, binary.right.constant()?)),
            _ => None,
        }
    }

    /// Every selector in it, with how long a window up to now it reads. That is zero where it reads only newest points, and
    /// where it reads elsewhere: before an offset, at an instant of its own, or again and again in a subquery.
    #[must_use]
    pub fn reads(&self) -> Vec<(&Selector, Millis)> {
        let (mut open, mut found) = (vec![(self, true)], Vec::new());
        while let Some((expr, is_now)) = open.pop() {
            let is_now = is_now && !matches!(expr, Self::Subquery(_));
            open.extend(expr.parts().into_iter().map(|part| (part, is_now)));
            match expr {
                Self::Selector(selector) => found.push((selector, 0)),
                Self::Window(selector, range, _) => {
                    let is_now = is_now && selector.when.at.is_none() && selector.when.offset.is_none();
                    found.push((
                        selector,
                        if let (Duration::Fixed(range), true) = (range, is_now) { *range } else { 0 },
                    ));
                }
                _ => {}
            }
        }
        found
    }

    /// Every selector in it, of instants and of windows.
    #[must_use]
    pub fn selectors(&self) -> Vec<&Selector> {
        let (mut open, mut found) = (vec![self], Vec::new());
        while let Some(expr) = open.pop() {
            open.extend(expr.parts());
            if let Self::Selector(selector) | Self::Window(selector, ..) = expr {
                found.push(selector);
            }
        }
        found
    }

    /// Every call of a function whose answer depends on what a series was before: `anomaly(..)` and `unusual(..)`.
    #[must_use]
    pub fn scored(&self) -> Vec<&Call> {
        [crate::ANOMALY, crate::UNUSUAL].into_iter().flat_map(|function| self.calls(function)).collect()
    }

    /// Every call of a function in it.
    #[must_use]
    pub fn calls(&self, function: &str) -> Vec<&Call> {
        let (mut open, mut found) = (vec![self], Vec::new());
        while let Some(expr) = open.pop() {
            open.extend(expr.parts());
            if let Self::Call(call) = expr
                && call.function == function
            {
                found.push(call);
            }
        }
        found
    }
}
