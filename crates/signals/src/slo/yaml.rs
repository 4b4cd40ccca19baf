//! Groups of rules as a rule file of Prometheus.

use std::collections::BTreeMap;

use super::rules::{Group, Rule};
use super::windows::duration;

/// Writes a rule file. Texts are quoted, queries over several lines stand as blocks.
#[must_use]
pub fn to_yaml(groups: &[Group]) -> String {
    let mut out = String::from("groups:\n");
    if groups.is_empty() {
        return "groups: []\n".to_owned();
    }
    for group in groups {
        out.push_str(&format!("- name: {}\n", quoted(&group.name)));
        if let Some(interval) = group.interval {
            out.push_str(&format!("  interval: {}\n", duration(interval)));
        }
        out.push_str("  rules:\n");
        group.rules.iter().for_each(|rule| write_rule(rule, &mut out));
    }
    out
}

fn write_rule(rule: &Rule, out: &mut String) {
    match rule {
        Rule::Recording { record, expr, labels } => {
            out.push_str(&format!("  - record: {}\n", quoted(record)));
            write_expr(expr, out);
            write_map("labels", labels, out);
        }
        Rule::Alerting { alert, expr, labels, annotations } => {
            out.push_str(&format!("  - alert: {}\n", quoted(alert)));
            write_expr(expr, out);
            write_map("labels", labels, out);
            write_map("annotations", annotations, out);
        }
    }
}

fn write_expr(expr: &str, out: &mut String) {
    let plain = |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}'));
    let starts = expr.lines().next().is_some_and(|line| !line.is_empty() && !line.starts_with([' ', '\t']));
    if starts && expr.contains('\n') && expr.chars().all(plain) && !expr.ends_with('\n') {
        out.push_str("    expr: |-\n");
        for line in expr.split('\n') {
            let indent = if line.is_empty() { "" } else { "      " };
            out.push_str(&format!("{indent}{line}\n"));
        }
    } else {
        out.push_str(&format!("    expr: {}\n", quoted(expr)));
    }
}

fn write_map(name: &str, entries: &BTreeMap<String, String>, out: &mut String) {
    if entries.is_empty() {
        return;
    }
    out.push_str(&format!("    {name}:\n"));
    for (key, value) in entries {
        out.push_str(&format!("      {}: {}\n", quoted(key), quoted(value)));
    }
}

/// A text between double quotes, as YAML reads it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
