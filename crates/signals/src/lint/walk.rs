//! Going through expressions.

use promql::ast::{Call, Duration, Expr, Selector, Test};
use promql::{METRIC_NAME, Millis};

/// An expression and everything in it, from outside in.
pub(super) fn all(expr: &Expr) -> Vec<&Expr> {
    let mut found = vec![expr];
    let mut next = 0;
    while let Some(expr) = found.get(next).copied() {
        found.extend(expr.parts());
        next += 1;
    }
    found
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
