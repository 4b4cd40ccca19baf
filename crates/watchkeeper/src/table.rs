//! JSON for people: a list as an aligned table, a thing as its fields. What is printed is what the server said, never more.

use serde_json::Value;

/// The widest column, in characters; longer texts are cut, `--json` has them whole.
const COLUMN_CHARS_MAX: usize = 72;

/// A value as text for people. `columns` are those of a list; empty shows every field.
#[must_use]
pub fn human(value: &Value, columns: &[&str]) -> String {
    match value {
        Value::Array(rows) if rows.is_empty() => "nothing\n".to_owned(),
        Value::Array(rows) if !columns.is_empty() => table(rows, columns),
        other => {
            let mut out = String::new();
            fields(other, 0, &mut out);
            out
        }
    }
}

fn table(rows: &[Value], columns: &[&str]) -> String {
    let mut lines = vec![columns.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|name| cut(&text(row.get(*name)))).collect()));
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn fields(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if matches!(value, Value::Array(items) if !items.is_empty())
                    || matches!(value, Value::Object(o) if !o.is_empty())
                {
                    out.push_str(&format!("{indent}{name}:\n"));
                    fields(value, depth + 1, out);
                } else {
                    out.push_str(&format!("{indent}{name}: {}\n", text(Some(value))));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                if item.is_object() {
                    fields(item, depth, out);
                    out.push('\n');
                } else {
                    out.push_str(&format!("{indent}{}\n", text(Some(item))));
                }
            }
        }
        other => out.push_str(&format!("{indent}{}\n", text(Some(other)))),
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(map)) => {
            let pairs = map.iter().map(|(name, value)| format!("{name}={}", text(Some(value))));
            pairs.collect::<Vec<_>>().join(" ")
        }
        Some(Value::Array(items)) => items.iter().map(|item| text(Some(item))).collect::<Vec<_>>().join(" "),
        Some(other) => other.to_string(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= COLUMN_CHARS_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(COLUMN_CHARS_MAX - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_aligned_and_things_show_their_fields() {
        let rows = json!([{ "id": 1, "title": "short" }, { "id": 22, "title": null }]);
        assert_eq!(human(&rows, &["id", "title"]), "ID  TITLE\n1   short\n22  -\n");
        assert_eq!(human(&json!([]), &["id"]), "nothing\n");
        assert_eq!(human(&json!({ "a": 1, "b": { "c": "x" } }), &[]), "a: 1\nb:\n  c: x\n");
    }
}
