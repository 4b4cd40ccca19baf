//! Functions that change labels: `label_replace` and `label_join`.

use super::grid::{Column, merge};
use crate::parse::compile_pattern;
use crate::{Error, METRIC_NAME};

/// What `label_replace` does.
#[derive(Debug)]
pub(super) struct Replacement<'a> {
    /// The label that is set.
    pub to: &'a str,
    /// What to, with `$1` or `$name` for what the pattern captured.
    pub template: &'a str,
    /// The label that is looked at.
    pub from: &'a str,
    /// What its whole value must match; otherwise the series stays as it is.
    pub pattern: &'a str,
}

/// `label_replace`
pub(super) fn replace(columns: Vec<Column>, with: &Replacement<'_>, steps: usize) -> Result<Vec<Column>, Error> {
    let pattern = compile_pattern(with.pattern)
        .map_err(|_| Error::Evaluation(format!("invalid regular expression in label_replace(): {}", with.pattern)))?;
    check_label("destination", with.to, "label_replace")?;
    let change = |column: Column| {
        let Some(captures) = pattern.captures(column.labels.get(with.from)) else { return column };
        let mut value = String::new();
        captures.expand(with.template, &mut value);
        labelled(column, with.to, &value)
    };
    let changed = columns.into_iter().map(change).collect();
    merge(changed, steps)
}

/// `label_join`: sets a label to the values of others, with a text between them.
pub(super) fn join(
    columns: Vec<Column>,
    to: &str,
    between: &str,
    from: &[&str],
    steps: usize,
) -> Result<Vec<Column>, Error> {
    from.iter().try_for_each(|label| check_label("source", label, "label_join"))?;
    check_label("destination", to, "label_join")?;
    let change = |column: Column| {
        let values: Vec<_> = from.iter().map(|label| column.labels.get(label)).collect();
        let value = values.join(between);
        labelled(column, to, &value)
    };
    let changed = columns.into_iter().map(change).collect();
    merge(changed, steps)
}

fn check_label(what: &str, label: &str, function: &str) -> Result<(), Error> {
    match label.is_empty() {
        true => Err(Error::Evaluation(format!("invalid {what} label name in {function}(): {label}"))),
        false => Ok(()),
    }
}

/// A column with a label set. A name that was set is not left out of the answer.
fn labelled(column: Column, label: &str, value: &str) -> Column {
    let drop_name = column.drop_name && label != METRIC_NAME;
    Column { labels: column.labels.with(label, value), drop_name, ..column }
}
