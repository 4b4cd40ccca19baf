//! What the alert of a match is called and says. Whoever wrote the rule is named, as the licence of many rules asks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kernel::book::sigma::Handled;
use kernel::{Labels, RuleName};

use super::super::rule::Rule;
use super::memory::VALUE_BYTES_MAX;
use crate::TEXT_BYTES_MAX;

/// The label that names what raised an alert.
const ALERT_NAME: &str = "alertname";
/// The label that names the rule.
const RULE: &str = "rule";
/// The label that says how bad an alert is.
const SEVERITY: &str = "severity";
/// The label that names a service of the watchbook.
const SERVICE: &str = "service";
/// Labels that no field may take.
const OWN: [&str; 4] = [ALERT_NAME, RULE, SEVERITY, SERVICE];
/// The most fields of evidence that are told.
const EVIDENCE_TOLD_MAX: usize = 10;

/// Fields and their values as labels: with names that labels may have, and values that are not too long.
pub(super) fn group(fields: &[(String, String)]) -> Labels {
    let pair = |(field, value): &(String, String)| (label(field), cut(value, VALUE_BYTES_MAX).to_owned());
    let pairs: BTreeMap<String, String> = fields.iter().map(pair).collect();
    Labels::from_pairs(pairs).unwrap_or_default()
}

/// A field's name as the name of a label.
fn label(field: &str) -> String {
    let name: String = field.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let is_free = !OWN.contains(&name.as_str()) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty();
    if is_free { name } else { format!("field_{name}") }
}

/// The labels of the alert: what the watchbook adds, the group, and the rule.
pub(super) fn labels(name: &RuleName, rule: &Rule, handled: &Handled, group: &Labels, service: Option<&str>) -> Labels {
    let mut all: BTreeMap<&str, &str> = service.map(|service| (SERVICE, service)).into_iter().collect();
    all.extend(handled.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    all.extend(group.iter());
    all.extend(handled.severity.as_deref().map(|severity| (SEVERITY, severity)));
    all.extend([(ALERT_NAME, cut(&rule.title, VALUE_BYTES_MAX)), (RULE, name.as_str())]);
    let only_rule = || Labels::from_pairs([(ALERT_NAME, name.as_str())]).unwrap_or_default();
    Labels::from_pairs(all).unwrap_or_else(|_| only_rule())
}

/// What the alert says.
pub(super) fn annotations(rule: &Rule, group: &Labels, evidence: &str, at: Timestamp) -> Labels {
    let place: Vec<String> = group.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let summary = match place.as_slice() {
        [] => rule.title.clone(),
        place => format!("{}: {}", rule.title, place.join(", ")),
    };
    let (tags, harmless, at) = (rule.tags.join(", "), rule.false_positives.join("; "), at.to_string());
    let all = [
        ("summary", summary.as_str()),
        ("description", rule.description.as_deref().unwrap_or_default()),
        ("evidence", evidence),
        ("happened", &at),
        ("false_positives", &harmless),
        ("tags", &tags),
        ("author", rule.author.as_deref().unwrap_or_default()),
    ];
    let given = all.into_iter().filter(|(_, text)| !text.trim().is_empty());
    Labels::from_pairs(given.map(|(name, text)| (name, cut(text.trim(), TEXT_BYTES_MAX)))).unwrap_or_default()
}

/// What a match rests on, in one line.
pub(super) fn evidence(fields: &[(String, String)]) -> String {
    let part = |(field, value): &(String, String)| format!("{field}={}", one_line(cut(value, VALUE_BYTES_MAX)));
    let parts: Vec<String> = fields.iter().take(EVIDENCE_TOLD_MAX).map(part).collect();
    cut(&parts.join(" · "), TEXT_BYTES_MAX).to_owned()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
