//! What can be said of an expression before it is evaluated: its type, and whether it is the same at every step.

use crate::ast::{Expr, When};
use crate::functions::{Kind, function};

/// The type of an expression.
pub(super) fn kind(expr: &Expr) -> Kind {
    match expr {
        Expr::Number(_) => Kind::Scalar,
        Expr::Text(_) => Kind::Text,
        Expr::Window(..) | Expr::Subquery(_) => Kind::Window,
        Expr::Paren(inner) | Expr::Negate(inner) => kind(inner),
        Expr::Binary(binary) if kind(&binary.left) == Kind::Scalar && kind(&binary.right) == Kind::Scalar => {
            Kind::Scalar
        }
        Expr::Call(call) => function(call.function).map_or(Kind::Vector, |function| function.gives),
        Expr::Selector(_) | Expr::Binary(_) | Expr::Aggregate(_) => Kind::Vector,
    }
}

/// An expression without the parentheses around it.
pub(super) fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Paren(inner) = expr {
        expr = inner;
    }
    expr
}

/// Whether an expression has the same value at every step, because whatever it selects is fixed by `@`.
pub(super) fn is_invariant(expr: &Expr) -> bool {
    match expr {
        Expr::Number(_) | Expr::Text(_) => true,
        Expr::Selector(selector) | Expr::Window(selector, ..) => is_fixed(&selector.when),
        Expr::Subquery(subquery) => is_fixed(&subquery.when),
        Expr::Paren(inner) | Expr::Negate(inner) => is_invariant(inner),
        Expr::Binary(binary) => is_invariant(&binary.left) && is_invariant(&binary.right),
        Expr::Aggregate(aggregate) => {
            is_invariant(&aggregate.inner) && aggregate.parameter.as_ref().is_none_or(is_invariant)
        }
        Expr::Call(call) => !asks_the_time(call.function) && call.arguments.iter().all(is_invariant),
    }
}

fn is_fixed(when: &When) -> bool {
    when.at.is_some()
}

/// Whether a function's value depends on the instant even where its arguments do not.
fn asks_the_time(function: &str) -> bool {
    const ASKING: [&str; 11] = [
        "time",
        "timestamp",
        "predict_linear",
        "year",
        "month",
        "hour",
        "minute",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
    ];
    ASKING.contains(&function)
}
