//! Going through a query without evaluating it.

use crate::ast::{Expr, Selector};

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
}
