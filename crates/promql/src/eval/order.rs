//! Series put in order: `sort`, `sort_desc`, `sort_by_label`, `sort_by_label_desc`.

use std::cmp::Ordering;

use super::grid::Column;
use super::numbers::{nan_first, nan_last};
use crate::Value;

/// `sort` and `sort_desc`: by value, what is not a number last. Histograms are left out.
pub(super) fn by_value(mut columns: Vec<Column>, descending: bool, single: bool) -> Vec<Column> {
    for cell in columns.iter_mut().flat_map(|column| &mut column.cells) {
        if matches!(cell, Some(Value::Histogram(_))) {
            *cell = None;
        }
    }
    columns.retain(Column::has_any);
    if single {
        columns.sort_by(|a, b| {
            let (a, b) = (a.float(0).unwrap_or(f64::NAN), b.float(0).unwrap_or(f64::NAN));
            if descending { nan_first(b, a).then(Ordering::Equal) } else { nan_last(a, b) }
        });
    }
    columns
}

/// `sort_by_label` and `sort_by_label_desc`: by the values of labels, then by all labels. Numbers in values are compared
/// as numbers.
pub(super) fn by_label(mut columns: Vec<Column>, labels: &[&str], descending: bool) -> Vec<Column> {
    columns.sort_by(|a, b| {
        let by_labels = labels.iter().map(|label| natural(a.labels.get(label), b.labels.get(label)));
        let order = by_labels.fold(Ordering::Equal, Ordering::then).then_with(|| a.labels.cmp(&b.labels));
        if descending { order.reverse() } else { order }
    });
    columns
}

/// The order of texts in which `a2` is before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let ((x, x_rest), (y, y_rest)) = (chunk(left), chunk(right));
        let order = match (x.parse::<u64>(), y.parse::<u64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            _ => x.cmp(y),
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (x_rest, y_rest);
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits or the other characters at the start of a text, and the rest.
fn chunk(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts_are_compared_as_numbers() {
        let mut all = ["a10", "a2", "b1", "a", "", "4.10", "4.9", "10", "9"];
        all.sort_by(|a, b| natural(a, b));
        assert_eq!(all, ["", "4.9", "4.10", "9", "10", "a", "a2", "a10", "b1"]);
    }
}
