//! Values of single keys: texts, numbers, durations, maps of labels. Each leaves a note when it is not what it must be.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::book::rules::{Expression, Place};

use super::{demand, duration};
use crate::watchbook::finding::{Note, Spot};
use crate::watchbook::rule::{self, Rule};
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::{Key, Node, Value};

/// The entries of a map.
pub(crate) type Entries = [(Key, Node)];

/// The value of a key, unless it is absent or null.
pub(crate) fn given<'n>(entries: &'n Entries, name: &str) -> Option<&'n Node> {
    entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node).filter(|node| !node.is_null())
}

/// The place of a node.
pub(crate) fn place(node: &Node) -> Place {
    Place { line: node.at.line, column: node.at.column, last_line: node.last_line }
}

/// Notes that a demand is not met.
pub(crate) fn refuse(at: Spot, demand: &'static Rule, message: String, hint: &str, reader: &mut Reader<'_>) {
    reader.notes.push(Note { at, rule: demand, message, hint: Some(hint.to_owned()) });
}

/// The text of a scalar; empty for null. `None` after a note.
pub(crate) fn text<'n>(node: &'n Node, reader: &mut Reader<'_>) -> Option<&'n str> {
    match &node.value {
        Value::Text { .. } if node.is_null() => Some(""),
        Value::Text { text, .. } => Some(text),
        Value::Broken => None,
        Value::List(_) | Value::Map(_) => {
            let message = "here must be a text, not a list or a map";
            refuse(node.at, &rule::WRONG_FORM, message.to_owned(), "write one value", reader);
            None
        }
    }
}

/// The text of a key; empty when the key is absent.
pub(crate) fn text_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> String {
    given(entries, name).and_then(|node| text(node, reader)).unwrap_or_default().to_owned()
}

/// The items of a list under a key; none when the key is absent.
pub(crate) fn list_of<'n>(entries: &'n Entries, name: &str, reader: &mut Reader<'_>) -> &'n [Node] {
    given(entries, name).and_then(|node| reader.list(node)).unwrap_or_default()
}

/// The texts of a list under a key.
pub(crate) fn texts_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> Vec<String> {
    let items = list_of(entries, name, reader);
    items.iter().filter_map(|item| text(item, reader)).map(str::to_owned).collect()
}

/// The duration of a key.
pub(crate) fn duration_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> Option<Duration> {
    let node = given(entries, name)?;
    let written = text(node, reader)?;
    let parsed = duration::parse(written);
    if parsed.is_none() {
        let message = format!("`{written}` is not a duration for `{name}`");
        let hint = "write it like 90s, 5m, 1h30m or 1d, the longest unit first";
        refuse(node.at, &demand::DURATION, message, hint, reader);
    }
    parsed
}

/// A number written without quotes, as YAML writes numbers.
pub(crate) fn number(node: &Node, reader: &mut Reader<'_>) -> Option<f64> {
    let written = text(node, reader)?;
    let plain = matches!(node.value, Value::Text { plain: true, .. });
    let parsed = yaml_number(written).filter(|_| plain);
    if parsed.is_none() {
        let message = format!("`{written}` is not a number");
        refuse(node.at, &demand::NUMBER, message, "write it without quotes, like 5, 0.25, 1e3, .inf or .nan", reader);
    }
    parsed
}

/// A number in YAML's notation.
fn yaml_number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let based = |prefix: &str, radix| {
        let digits = unsigned.strip_prefix(prefix)?.replace('_', "");
        let whole = u64::from_str_radix(&digits, radix).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "YAML's own numbers are rounded likewise")]
        Some(sign * whole as f64)
    };
    match unsigned {
        ".inf" | ".Inf" | ".INF" => Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => based("0x", 16)
            .or_else(|| based("0o", 8))
            .or_else(|| based("0b", 2))
            .or_else(|| text.replace('_', "").parse().ok()),
        _ => None,
    }
}

/// Yes or no, in the words that YAML has for it.
pub(crate) fn flag_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> bool {
    let Some(node) = given(entries, name) else { return false };
    let written = text(node, reader).unwrap_or_default();
    match written.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => true,
        "false" | "no" | "off" | "n" | "" => false,
        _ => {
            refuse(node.at, &rule::WORD, format!("`{written}` is not true or false"), "write true or false", reader);
            false
        }
    }
}

/// A map of names and texts under a key.
pub(crate) fn map_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let pairs = given(entries, name).and_then(|node| reader.map(node)).unwrap_or_default();
    let read = |(key, value): &(Key, Node)| Some((key.text.clone(), text(value, reader)?.to_owned()));
    pairs.iter().filter_map(read).collect()
}

/// A map of labels or annotations under a key.
pub(crate) fn labels_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let pairs = given(entries, name).and_then(|node| reader.map(node)).unwrap_or_default();
    for (key, _) in pairs {
        if key.text.is_empty() || (name == "labels" && key.text == "__name__") {
            let message = format!("`{}` cannot be a name among `{name}`", key.text);
            refuse(key.at, &demand::LABEL_NAME, message, "give it another name", reader);
        }
    }
    map_of(entries, name, reader)
}

/// An expression, and its tree where it is PromQL.
pub(crate) fn expression(node: &Node, reader: &mut Reader<'_>) -> Option<(Expression, promql::ast::Expr)> {
    let text = text(node, reader)?;
    match promql::parse(text) {
        Ok(tree) => Some((Expression { text: text.to_owned(), at: place(node) }, tree)),
        Err(error) => {
            refuse_expression(node, &error, reader);
            None
        }
    }
}

fn refuse_expression(node: &Node, error: &promql::Error, reader: &mut Reader<'_>) {
    let (at, message) = match error {
        promql::Error::Parse { line, column, message } => (within(node, *line, *column), message.clone()),
        other => (node.at, other.to_string()),
    };
    let message = format!("this is not PromQL: {message}");
    refuse(at, &demand::EXPRESSION, message, "try it as a query first", reader);
}

/// Where a place within a text stands in its file. A text over several lines begins on the line below its mark.
fn within(node: &Node, line: usize, column: usize) -> Spot {
    let plain = matches!(node.value, Value::Text { plain: true, .. });
    let block = !plain && node.last_line > node.at.line;
    let quote = usize::from(!plain && !block);
    match (block, line) {
        (false, 1) => Spot { column: node.at.column + quote + column.saturating_sub(1), width: 1, ..node.at },
        (false, _) => Spot { line: (node.at.line + line - 1).min(node.last_line), column: 1, width: 1, ..node.at },
        (true, _) => Spot { line: (node.at.line + line).min(node.last_line), column: 1, width: 1, ..node.at },
    }
}

#[cfg(test)]
mod tests {
    use super::yaml_number;

    #[test]
    fn numbers_are_those_of_yaml() {
        let table = [("5", 5.0), ("-0.25", -0.25), ("1e3", 1000.0), ("0x10", 16.0), ("1_000", 1000.0), (".5", 0.5)];
        for (text, number) in table {
            assert_eq!(yaml_number(text), Some(number), "{text}");
        }
        assert_eq!(yaml_number("-.inf"), Some(f64::NEG_INFINITY));
        assert!(yaml_number(".nan").is_some_and(f64::is_nan));
        for text in ["", "NaN", "Inf", "+Inf", "five", "0x", "1.2.3"] {
            assert_eq!(yaml_number(text), None, "{text}");
        }
    }
}
