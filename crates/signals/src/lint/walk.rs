//! Going through expressions.

use promql::ast::{Call, Duration, Expr, Selector, Test};
use promql::{METRIC_NAME, Millis};

/// The parts of an expression, one level down.
pub(super) fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Number(_) | Expr::Text(_) | Expr::Selector(_) | Expr::Window(..) => Vec::new(),
        Expr::Subquery(subquery) => vec![&subquery.inner],
        Expr::Paren(inner) | Expr::Negate(inner) => vec![inner],
        Expr::Binary(binary) => vec![&binary.left, &binary.right],
        Expr::Aggregate(aggregate) => std::iter::once(&aggregate.inner).chain(&aggregate.parameter).collect(),
        Expr::Call(call) => call.arguments.iter().collect(),
    }
}

/// An expression and everything in it, from outside in.
pub(super) fn all(expr: &Expr) -> Vec<&Expr> {
    let mut found = vec![expr];
    let mut next = 0;
    while let Some(expr) = found.get(next).copied() {
        found.extend(parts(expr));
        next += 1;
    }
    found
}

/// Every selector in an expression.
pub(super) fn selectors(expr: &Expr) -> impl Iterator<Item = &Selector> {
    all(expr).into_iter().filter_map(|expr| match expr {
        Expr::Selector(selector) | Expr::Window(selector, ..) => Some(selector),
        _ => None,
    })
}

/// The metric that a selector names.
pub(super) fn metric(selector: &Selector) -> Option<&str> {
    selector.matchers.iter().find_map(|matcher| match &matcher.test {
        Test::Is(name) if matcher.name == METRIC_NAME => Some(name.as_str()),
        _ => None,
    })
}

/// An expression without the parentheses around it.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(inner),
        other => other,
    }
}

/// The number that an expression is.
pub(super) fn constant(expr: &Expr) -> Option<f64> {
    match bare(expr) {
        Expr::Number(number) => Some(*number),
        Expr::Negate(inner) => constant(inner).map(|number| -number),
        _ => None,
    }
}

/// A length of time that is written out.
pub(super) fn fixed(duration: &Duration) -> Option<Millis> {
    match duration {
        Duration::Fixed(millis) => Some(*millis),
        Duration::Computed(_) => None,
    }
}

/// Whether a call is of one of these functions.
pub(super) fn calls(expr: &Expr, functions: &[&str]) -> bool {
    matches!(bare(expr), Expr::Call(Call { function, .. }) if functions.contains(function))
}

/// What a metric's name says it is, by the conventions of Prometheus' naming.
pub(super) fn is_counter(metric: &str) -> bool {
    ["_total", "_count", "_bucket"].iter().any(|end| metric.ends_with(end)) && !metric.contains(':')
}
