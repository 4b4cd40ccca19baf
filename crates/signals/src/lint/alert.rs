//! What is doubtful about alerting rules: what they compare, what they say, how long they wait.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::book::rules::{Alerting, Group, OnMissing};
use promql::ast::{Binary, BinaryOp, Expr};

use super::{Sink, Subject, anomaly, codes, labels, shown, walk};
use crate::alerting::is_comparison;
use crate::gotemplate;

/// Checks an alerting rule.
pub(super) fn check(expr: &Expr, rule: &Alerting, group: &Group, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    comparison(expr, subject, sink);
    templates(expr, rule, group, subject, sink);
    annotations(rule, subject, sink);
    times(expr, rule, group, subject, sink);
    absent(expr, rule, subject, sink);
    anomaly::times(expr, rule, subject, sink);
    name(rule, subject, sink);
    let severity = severity(rule, group, subject, sink);
    traffic(expr, rule, subject, sink);
    let safe = rule.beyond.as_ref().is_some_and(|beyond| beyond.on_missing != OnMissing::default());
    if severity.as_deref() == Some("critical") && !safe && crate::alerting::presence(expr).is_some() {
        let message = format!("`{}` is over when its series vanish", rule.alert);
        sink.find(&codes::ALERTS_MISSING, subject, rule.at.line, message);
    }
}

fn comparison(expr: &Expr, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    match walk::bare(expr) {
        Expr::Binary(binary) if is_comparison(binary.op) && binary.as_bool => {
            let message = "`bool` makes every comparison an answer, so that the alert always fires";
            sink.find(&codes::ALERTS_COMPARISON, subject, subject.line(), message);
        }
        _ if !filters(expr) => {
            let message = format!("{} is compared with nothing", shown(expr));
            sink.find(&codes::ALERTS_COMPARISON, subject, subject.line(), message);
        }
        _ => {}
    }
}

/// Whether an expression leaves series out by what they say.
pub(super) fn filters(expr: &Expr) -> bool {
    match expr {
        Expr::Number(_) | Expr::Text(_) | Expr::Selector(_) | Expr::Window(..) => false,
        Expr::Paren(inner) | Expr::Negate(inner) => filters(inner),
        Expr::Subquery(subquery) => filters(&subquery.inner),
        Expr::Aggregate(aggregate) => filters(&aggregate.inner),
        Expr::Call(call) if matches!(call.function, "absent" | "absent_over_time" | "changes" | promql::UNUSUAL) => {
            true
        }
        Expr::Call(call) => call.arguments.iter().any(filters),
        Expr::Binary(binary) if is_comparison(binary.op) => !binary.as_bool,
        Expr::Binary(binary) => match binary.op {
            BinaryOp::Unless => true,
            BinaryOp::Or => filters(&binary.left) && filters(&binary.right),
            _ => filters(&binary.left) || filters(&binary.right),
        },
    }
}

fn templates(expr: &Expr, rule: &Alerting, group: &Group, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let known = labels::of(expr);
    let own = group.labels_of(subject.rule);
    let texts = own.iter().map(|text| (true, text)).chain(rule.annotations.iter().map(|text| (false, text)));
    for (is_label, (name, text)) in texts.filter(|(_, (_, text))| text.contains("{{")) {
        let what = if is_label { "label" } else { "annotation" };
        let used = match gotemplate::check(text) {
            Ok(used) => used,
            Err(error) => {
                let message = format!("the {what} `{name}` cannot be rendered: {error}");
                sink.find(&codes::ALERTS_TEMPLATE, subject, rule.at.line, message);
                continue;
            }
        };
        for label in used.labels.iter().filter(|label| *label != promql::METRIC_NAME && !known.can(label)) {
            let message = format!("the {what} `{name}` names the label `{label}`, which the expression does not keep");
            sink.find(&codes::ALERTS_TEMPLATE, subject, rule.at.line, message);
        }
        if is_label && used.value {
            let message = format!("the label `{name}` changes with the value");
            sink.find(&codes::ALERTS_IDENTITY, subject, rule.at.line, message);
        }
    }
}

fn annotations(rule: &Alerting, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let line = rule.at.line;
    let has = |name: &str| rule.annotations.get(name).is_some_and(|text| !text.trim().is_empty());
    for name in ["summary", "description"].iter().filter(|name| !has(name)) {
        sink.find(&codes::ALERTS_ANNOTATION, subject, line, format!("`{}` has no `{name}`", rule.alert));
    }
    if !has("runbook_url") && !has("runbook") {
        sink.find(&codes::ALERTS_RUNBOOK, subject, line, format!("`{}` has no `runbook_url`", rule.alert));
    }
    if !has("dashboard_url") && !has("dashboard") {
        sink.find(&codes::ALERTS_DASHBOARD, subject, line, format!("`{}` has no `dashboard_url`", rule.alert));
    }
    if rule.annotations.get("summary").is_some_and(|text| text.contains("{{")) {
        sink.find(&codes::ALERTS_SUMMARY, subject, line, format!("the summary of `{}` has variables", rule.alert));
    }
}

fn times(expr: &Expr, rule: &Alerting, group: &Group, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let usual = Duration::from_millis(sink.policy.evaluation_interval.unsigned_abs());
    let interval = group.interval.unwrap_or(usual);
    let line = rule.at.line;
    let several = rule.beyond.as_ref().is_some_and(|beyond| beyond.several.is_some());
    if rule.hold.is_zero() && !several && !looks_back(expr) {
        sink.find(&codes::ALERTS_FOR, subject, line, format!("one bad sample is enough for `{}`", rule.alert));
    }
    for (name, time) in [("for", rule.hold), ("keep_firing_for", rule.keep_firing)] {
        if !time.is_zero() && time < interval {
            let message =
                format!("`{name}` of `{}` is shorter than an interval of {} s", rule.alert, interval.as_secs());
            sink.find(&codes::ALERTS_FOR, subject, line, message);
        }
    }
}

/// Whether an expression looks at more than one sample of a series, so that one bad sample does not decide.
fn looks_back(expr: &Expr) -> bool {
    let looks = |part: &&Expr| matches!(part, Expr::Window(..) | Expr::Subquery(_));
    walk::all(expr).iter().any(looks) || !expr.scored().is_empty()
}

fn absent(expr: &Expr, rule: &Alerting, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    for part in walk::all(expr).into_iter().filter(|part| matches!(part, Expr::Call(_))) {
        let Expr::Call(call) = part else { continue };
        if call.function == "absent" && rule.hold.is_zero() {
            let message = format!("`{}` fires at the first evaluation that finds nothing", rule.alert);
            sink.find(&codes::ALERTS_ABSENT, subject, rule.at.line, message);
        }
        let aggregated = call.arguments.first().is_some_and(|inner| matches!(walk::bare(inner), Expr::Aggregate(_)));
        if call.function == "absent" && aggregated {
            let message = format!("`{}` asks whether an aggregation is absent", rule.alert);
            sink.find(&codes::ALERTS_ABSENT, subject, rule.at.line, message);
        }
    }
}

fn name(rule: &Alerting, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let camel = rule.alert.starts_with(|c: char| c.is_ascii_uppercase())
        && rule.alert.chars().all(|c| c.is_ascii_alphanumeric());
    if !camel {
        sink.find(&codes::ALERTS_NAME, subject, rule.at.line, format!("`{}` is not in CamelCase", rule.alert));
    }
}

/// The severity of a rule where it is written out.
fn severity(rule: &Alerting, group: &Group, subject: &Subject<'_>, sink: &mut Sink<'_>) -> Option<String> {
    let labels: BTreeMap<String, String> = group.labels_of(subject.rule);
    let from = rule.beyond.as_ref().is_some_and(|beyond| beyond.severity_from.is_some());
    let severity = labels.get(crate::alerting::SEVERITY).cloned();
    match &severity {
        None if from => {}
        None => {
            sink.find(&codes::ALERTS_SEVERITY, subject, rule.at.line, format!("`{}` has no severity", rule.alert));
        }
        Some(severity) if !severity.contains("{{") && !sink.policy.severities.contains(severity) => {
            let message = format!("the severity `{severity}` is none of: {}", sink.policy.severities.join(", "));
            sink.find(&codes::ALERTS_SEVERITY, subject, rule.at.line, message);
        }
        Some(_) => {}
    }
    severity
}

/// A ratio of rates without a least number of events.
fn traffic(expr: &Expr, rule: &Alerting, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let guarded = rule.beyond.as_ref().is_some_and(|beyond| beyond.min_events.is_some());
    let Expr::Binary(binary) = walk::bare(expr) else { return };
    if !guarded && is_comparison(binary.op) && ratio(&binary.left) {
        let message = format!("`{}` fires on a ratio, however few events there are", rule.alert);
        sink.find(&codes::ALERTS_LOW_TRAFFIC, subject, rule.at.line, message);
    }
}

/// Whether an expression is a rate divided by a rate.
fn ratio(expr: &Expr) -> bool {
    let rated = |expr: &Expr| walk::all(expr).iter().any(|part| walk::calls(part, &["rate", "irate", "increase"]));
    match walk::bare(expr) {
        Expr::Binary(binary) => {
            let Binary { op, left, right, .. } = &**binary;
            match op {
                BinaryOp::Div => rated(left) && rated(right),
                BinaryOp::Mul | BinaryOp::Sub | BinaryOp::Add => ratio(left) || ratio(right),
                _ => false,
            }
        }
        _ => false,
    }
}
