//! What is given where nothing is: `absent` and `absent_over_time`.

use super::float;
use super::grid::Column;
use super::invariant::bare;
use crate::ast::{Expr, Matcher, Test};
use crate::{Labels, METRIC_NAME};

/// A series with the value 1 at each step at which none of some series has a value.
pub(super) fn absent(columns: &[Column], expr: &Expr, steps: usize) -> Vec<Column> {
    let cell = |step: usize| match columns.iter().any(|column| column.at(step).is_some()) {
        true => None,
        false => float(1.0),
    };
    let column = Column { labels: labels(expr), drop_name: false, cells: (0..steps).map(cell).collect() };
    if column.has_any() { vec![column] } else { Vec::new() }
}

/// The labels that a selector asks for by `=`, once each.
fn labels(expr: &Expr) -> Labels {
    let matchers: &[Matcher] = match bare(expr) {
        Expr::Selector(selector) | Expr::Window(selector, ..) => &selector.matchers,
        _ => &[],
    };
    let mut labels = Labels::default();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name != METRIC_NAME) {
        let value = match &matcher.test {
            Test::Is(value) if !seen.contains(&matcher.name.as_str()) => value,
            _ => "",
        };
        labels = labels.with(&matcher.name, value);
        if matches!(matcher.test, Test::Is(_)) {
            seen.push(&matcher.name);
        }
    }
    labels
}
