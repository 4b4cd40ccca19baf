//! The labels and texts of a signal: what its alert will be called and say. Decides nothing.

use kernel::book::{Check, Probe, Rule, Threshold};
use kernel::sample::METRIC_NAME;
use kernel::{Labels, RuleName};
use minijinja::{Environment, Value, context};

use crate::state::CheckNote;
use crate::{TEMPLATE_FUEL, TEXT_BYTES_MAX};

/// The label that names what raised an alert.
const ALERT_NAME: &str = "alertname";
/// The annotation that says in one line what happened.
const SUMMARY: &str = "summary";

/// A text cut to [`TEXT_BYTES_MAX`] bytes.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// The alert's labels: the series without its metric name, then the rule's own, then the rule's name.
pub(crate) fn rule_labels(name: &RuleName, rule: &Rule, series: &Labels) -> Labels {
    let added = |label: &str| rule.labels.get(label).is_some() || label == ALERT_NAME;
    let kept = series.iter().filter(|(label, _)| *label != METRIC_NAME && !added(label));
    let own = rule.labels.iter().filter(|(label, _)| *label != ALERT_NAME);
    let named = std::iter::once((ALERT_NAME, name.as_str()));
    Labels::from_pairs(kept.chain(own).chain(named)).unwrap_or_else(|_| only_name(name))
}

/// What an alert of an alerting rule says in one line.
pub(crate) fn alert_summary(rule: &RuleName, annotations: &Labels, value: f64) -> String {
    let given = annotations.value(SUMMARY);
    if given.is_empty() { format!("{rule} fires: its value is {value}") } else { cut(given).to_owned() }
}

/// Whether two series of a rule can have the same alert labels, because the rule overwrites one of theirs.
pub(crate) fn overwrites(rule: &Rule, series: &Labels) -> bool {
    series.get(ALERT_NAME).is_some() || rule.labels.iter().any(|(label, _)| series.get(label).is_some())
}

/// The alert's labels for a check: its service, its own labels, its name.
pub(crate) fn check_labels(name: &RuleName, check: &Check) -> Labels {
    let own = check.labels.iter().filter(|(label, _)| !matches!(*label, ALERT_NAME | "service"));
    let fixed = [(ALERT_NAME, name.as_str()), ("service", check.service.as_str())];
    Labels::from_pairs(own.chain(fixed)).unwrap_or_else(|_| only_name(name))
}

/// Labels that pass the kernel's limits when joined are refused at the door; an alert that got here still needs a name.
fn only_name(name: &RuleName) -> Labels {
    Labels::from_pairs([(ALERT_NAME, name.as_str())]).unwrap_or_default()
}

/// The rule's annotations rendered over the alert's labels and the value, and the summary among them.
pub(crate) fn rule_annotations(rule: &Rule, labels: &Labels, value: f64) -> (Labels, String) {
    let mut environment = Environment::new();
    environment.set_fuel(Some(TEMPLATE_FUEL));
    let known = context! { labels => Value::from_pairs(labels.iter()), value => value };
    let render = |template: &str| {
        let rendered = environment.render_str(template, &known);
        // A broken template must not cost the alert: what is wrong stands where the text should.
        rendered.unwrap_or_else(|error| format!("template error: {error}"))
    };
    let mut texts: Vec<(&str, String)> =
        rule.annotations.iter().map(|(name, template)| (name.as_str(), cut(&render(template)).to_owned())).collect();
    let given = texts.iter().find(|(name, _)| *name == SUMMARY).map(|(_, text)| text.clone());
    let summary = given.unwrap_or_else(|| format!("{} is {value}, {}", rule.metric, condition(rule.raise)));
    if !rule.annotations.contains_key(SUMMARY) {
        texts.push((SUMMARY, summary.clone()));
    }
    (annotations(texts, &summary), summary)
}

/// The annotations of a check that failed, and their summary.
pub(crate) fn check_annotations(check: &Check, reason: &str, note: &CheckNote) -> (Labels, String) {
    let failed = check.tally.count(note.history);
    let times = match note.in_a_row {
        _ if !check.tally.in_a_row() => format!("{failed} times in the last {} looks", check.tally.among()),
        1 => "once".to_owned(),
        times => format!("{times} times in a row"),
    };
    let summary = match check.probe {
        Probe::Heartbeat(_) => format!("heartbeat of {} is missing: {}", check.service, cut(reason)),
        _ => format!("health check of {} failed {times}: {}", check.service, cut(reason)),
    };
    let mut texts = vec![(SUMMARY, summary.clone())];
    match check.probe.url() {
        Some(url) => texts.push(("url", cut(url).to_owned())),
        None => texts.push(("probe", cut(&check.probe.subject()).to_owned())),
    }
    if !note.fault.is_empty() {
        texts.push(("fault", note.fault.to_owned()));
    }
    (annotations(texts, &summary), summary)
}

fn annotations(texts: Vec<(&str, String)>, summary: &str) -> Labels {
    let all = Labels::from_pairs(texts.iter().map(|(name, text)| (*name, text.as_str())));
    // Together they may pass the kernel's limit; then the summary is what remains.
    all.or_else(|_| Labels::from_pairs([(SUMMARY, cut(summary))])).unwrap_or_default()
}

fn condition(threshold: Threshold) -> String {
    match threshold {
        Threshold::Above(x) => format!("above {x}"),
        Threshold::AtLeast(x) => format!("at least {x}"),
        Threshold::Below(x) => format!("below {x}"),
        Threshold::AtMost(x) => format!("at most {x}"),
    }
}
