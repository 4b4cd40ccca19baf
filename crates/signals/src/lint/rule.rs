//! What is doubtful about rules and groups as such: names, owners, order, labels, links, repetition.

use std::collections::{BTreeMap, HashMap};

use kernel::book::rules::{Group, Recording, Rule, RuleFile};
use promql::ast::Expr;

use super::comments::Comments;
use super::{Sink, Source, Subject, codes, walk};

/// How long samples are looked back for, less one interval of leeway.
const INTERVAL_MAX_SECONDS: u64 = 5 * 60;

/// Checks a group as such.
pub(super) fn check_group(file: &RuleFile, group: &Group, sink: &mut Sink<'_>) {
    if group.rules.is_empty() {
        let message = format!("the group `{}` has no rules", group.name);
        sink.note(&codes::GROUP_EMPTY, file, &group.name, group.at.line, message);
    }
    if let Some(interval) = group.interval.filter(|interval| interval.as_secs() >= INTERVAL_MAX_SECONDS) {
        let message = format!("the group `{}` is evaluated every {} s", group.name, interval.as_secs());
        sink.note(&codes::GROUP_INTERVAL, file, &group.name, group.at.line, message);
    }
    check_order(file, group, sink);
}

/// A rule that uses a series which a later rule of its group records, or which it records itself.
fn check_order(file: &RuleFile, group: &Group, sink: &mut Sink<'_>) {
    let mut records: HashMap<&str, usize> = HashMap::new();
    for (at, rule) in group.rules.iter().enumerate() {
        if matches!(rule, Rule::Recording(_)) {
            records.entry(rule.name()).or_insert(at);
        }
    }
    for (at, rule) in group.rules.iter().enumerate() {
        let Ok(expr) = promql::parse(&rule.expr().text) else { continue };
        let used = expr.selectors().into_iter().filter_map(walk::metric).collect::<std::collections::BTreeSet<_>>();
        let subject = Subject { file, rule };
        for (name, place) in used.into_iter().filter_map(|name| Some((name, *records.get(name)?))) {
            if name == rule.name() && matches!(rule, Rule::Recording(_)) {
                sink.find(&codes::RULE_LOOP, &subject, subject.line(), format!("`{name}` reads itself"));
            } else if place > at {
                let message = format!("`{}` uses `{name}`, which is recorded below it", rule.name());
                sink.find(&codes::RULE_ORDER, &subject, subject.line(), message);
            }
        }
    }
}

/// Checks a rule as such.
pub(super) fn check(group: &Group, comments: &Comments, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let labels = group.labels_of(subject.rule);
    let line = subject.rule.at().line;
    for (name, value) in &labels {
        let sets_itself = name == "alertname" || name == "alertstate";
        if name.starts_with("__") || sets_itself && matches!(subject.rule, Rule::Alerting(_)) {
            sink.find(&codes::LABELS_RESERVED, subject, line, format!("the label `{name}` is reserved"));
        }
        if value.is_empty() {
            sink.find(&codes::LABELS_EMPTY, subject, line, format!("the label `{name}` is empty"));
        }
    }
    let owned =
        sink.policy.owner_labels.iter().any(|name| labels.contains_key(name)) || comments.has_owner(subject.rule.at());
    if !owned {
        sink.find(&codes::RULE_OWNER, subject, line, format!("nobody owns `{}`", subject.rule.name()));
    }
    match subject.rule {
        Rule::Recording(rule) => check_recording(rule, &labels, subject, sink),
        Rule::Alerting(rule) => check_links(&rule.annotations, subject, sink),
    }
}

fn check_recording(rule: &Recording, labels: &BTreeMap<String, String>, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let line = subject.rule.at().line;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if !rule.record.contains(':') || !rule.record.chars().all(plain) {
        sink.find(&codes::RULE_NAME, subject, line, format!("`{}` is not `level:metric:operations`", rule.record));
    }
    for (name, value) in labels.iter().filter(|(_, value)| value.contains("{{")) {
        sink.find(&codes::LABELS_TEMPLATE, subject, line, format!("the label `{name}` has a template: {value}"));
    }
    let Ok(expr) = promql::parse(&rule.expr.text) else { return };
    let Expr::Aggregate(aggregate) = walk::bare(&expr) else { return };
    for name in labels.keys().filter(|name| !aggregate.without && aggregate.labels.contains(name)) {
        let message = format!("`{}` is grouped by `{name}`, which the rule sets", rule.record);
        sink.find(&codes::LABELS_CONFLICT, subject, line, message);
    }
}

fn check_links(annotations: &BTreeMap<String, String>, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let links = annotations.iter().filter(|(name, _)| name.ends_with("_url") || *name == "runbook" || *name == "link");
    for (name, text) in links {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        // A template may give the beginning, which is known only when it is rendered.
        let good = text.starts_with("{{")
            || rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace) || rest.contains("{{"));
        if !good {
            let message = format!("`{name}` is no address: {text:?}");
            sink.find(&codes::RULE_LINK, subject, subject.rule.at().line, message);
        }
    }
}

/// What identifies a rule for [`duplicates`]: kind, name, labels, and the expression of an alert.
type Identity<'a> = (bool, &'a str, BTreeMap<String, String>, &'a str);

/// The same rule twice, within a file or in two.
pub(super) fn duplicates(sources: &[Source<'_>], sink: &mut Sink<'_>) {
    let mut known: HashMap<Identity<'_>, (&str, usize)> = HashMap::new();
    for source in sources {
        let from = sink.findings.len();
        for (group, rule) in
            source.file.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
        {
            let recording = matches!(rule, Rule::Recording(_));
            let expr = if recording { "" } else { rule.expr().text.trim() };
            let identity = (recording, rule.name(), group.labels_of(rule), expr);
            let first = *known.entry(identity).or_insert((&source.file.path, rule.at().line));
            if first != (source.file.path.as_str(), rule.at().line) {
                let subject = Subject { file: source.file, rule };
                let message = format!("`{}` is there already, at {}:{}", rule.name(), first.0, first.1);
                sink.find(&codes::RULE_DUPLICATE, &subject, rule.at().line, message);
            }
        }
        sink.silence(from, source.file, &Comments::read(source.text));
    }
}
