//! Rules at work on log events: what an event is to a rule, which log source it comes from, and what stands.

use std::sync::Arc;

use kernel::book::sigma::{File, LogSource, Part, Sigma};
use kernel::{Attribute, Book, LogEvent, Origin, RuleName};
use serde_json::json;

use super::super::log::{Words, object};
use super::super::{Detection, Event, GROUPS_PER_RULE_MAX, compile};
use super::*;
use crate::{Cleared, Ruled, Verdict};

fn text(value: &str) -> Attribute {
    Attribute::Text(value.to_owned())
}

fn pair(name: &str, value: &str) -> (String, Attribute) {
    (name.to_owned(), text(value))
}

/// What the tests' events come from.
fn origin(scope: &str, resource: &[(&str, &str)]) -> Arc<Origin> {
    let resource = resource.iter().map(|(name, value)| pair(name, value)).collect();
    Arc::new(Origin { resource, scope: scope.to_owned(), ..Origin::default() })
}

#[test]
fn the_body_wins_over_attributes_and_these_over_the_resource() {
    let origin = origin("", &[("a", "resource"), ("b", "resource"), ("c", "resource")]);
    let attributes = vec![pair("b", "own"), pair("c", "own")];
    let body = Attribute::Map(vec![pair("c", "body"), ("n".into(), Attribute::Int(5))]);
    let event = LogEvent { origin, attributes, body, severity_text: "WARN".into(), ..LogEvent::default() };
    assert_eq!(object(&event), json!({"a": "resource", "b": "own", "c": "body", "n": 5, "level": "WARN"}));
}

#[test]
fn a_text_is_a_message_unless_it_is_a_json_object() {
    let event = |body: &str| LogEvent { body: text(body), ..LogEvent::default() };
    assert_eq!(object(&event("{\"Event\": {\"System\": 1}} ")), json!({"Event": {"System": 1}}));
    for body in ["plain", "{broken}", "[1]", ""] {
        assert_eq!(object(&event(body)), json!({"message": body}));
    }
    let event = LogEvent { body: Attribute::Double(f64::NAN), ..LogEvent::default() };
    assert_eq!(object(&event), json!({"message": null}));
}

/// The words under which rules find an event, as product/service/category.
fn words(event: &LogEvent, sources: &[LogSource]) -> Vec<String> {
    let object = object(event);
    let words = Words::of(event, &Event::new(&object), sources);
    let told = words.tell(Event::default());
    let all = |field: &str| {
        told.values(field).filter_map(|value| value.text().map(std::borrow::Cow::into_owned)).collect::<Vec<_>>()
    };
    ["logsource.product", "logsource.service", "logsource.category"].into_iter().flat_map(all).collect()
}

#[test]
fn the_log_source_is_told_by_the_watchbook_the_event_the_door() {
    let syslog = |program: &str, facility: &str| {
        let origin = origin("syslog", &[("service.name", program), ("syslog.facility", facility)]);
        LogEvent { origin, ..LogEvent::default() }
    };
    assert_eq!(words(&syslog("sshd-session", "authpriv"), &[]), ["linux", "linux", "linux", "sshd", "auth", "syslog"]);
    assert_eq!(words(&syslog("CRON", "cron"), &[]), ["linux", "linux", "linux", "cron", "cron", "syslog"]);
    let said = LogEvent { attributes: vec![pair("logsource.product", "zeek")], ..syslog("zeek", "local0") };
    assert_eq!(words(&said, &[]), [""; 0], "what an event says itself is not said twice");
    let otlp =
        LogEvent { origin: origin("", &[("os.type", "darwin"), ("service.name", "Shop")]), ..LogEvent::default() };
    assert_eq!(words(&otlp, &[]), ["macos", "shop"]);
    let when = [("service.name".to_owned(), "GATE".to_owned())].into();
    let source = LogSource { when, product: "cisco".into(), ..LogSource::default() };
    assert_eq!(words(&syslog("gate", "auth"), std::slice::from_ref(&source)), ["cisco"]);
    assert_eq!(words(&syslog("door", "user"), &[source]).len(), 5, "the others are told by their door");
}

fn detection(rule: &str) -> Detection {
    let files = vec![File { path: "sigma/rules/a.yml".into(), part: Part::Rules, text: rule.into() }];
    let book = Book { sigma: Sigma { files, ..Sigma::default() }, ..Book::default() };
    let compiled = compile(&book.sigma, now());
    assert_eq!(compiled.wrong, []);
    Detection::new(compiled, &book)
}

fn on_host(host: &str) -> LogEvent {
    LogEvent { attributes: vec![pair("kind", "failed"), pair("host", host)], ..LogEvent::default() }
}

/// SG-9
#[test]
fn beyond_the_most_groups_of_a_rule_one_signal_stands_for_the_rest() {
    let mut detection = detection(&rule("sel: {kind: failed}\ncondition: sel"));
    for host in 0..GROUPS_PER_RULE_MAX + 20 {
        detection.observe(&on_host(&host.to_string()), now());
    }
    let outcomes = detection.outcomes(&[], &|_| true, now());
    assert_eq!(outcomes.len(), GROUPS_PER_RULE_MAX + 1);
    let rest = outcomes.iter().find(|outcome| outcome.identity.is_empty()).expect("one names no group");
    assert!(matches!(&rest.verdict, Verdict::Raised { value, .. } if *value == 20.0));
    let name: RuleName = "sigma:one".parse().expect("a name");
    assert_eq!(detection.memory().seen(&name).map(|seen| seen.total), Some(GROUPS_PER_RULE_MAX as u64 + 20));
}

#[test]
fn a_field_takes_no_label_that_is_not_its_own() {
    let text = rule("sel: {kind: failed}\ncondition: sel");
    let files = vec![File { path: "sigma/rules/a.yml".into(), part: Part::Rules, text: text.into() }];
    let mut book = Book { sigma: Sigma { files, ..Sigma::default() }, ..Book::default() };
    let by = ["severity", "rule", "a.b", "0"].map(str::to_owned).to_vec();
    let said = kernel::book::sigma::RuleHandling { by: Some(by), ..Default::default() };
    book.sigma.handling.rules.insert("one".into(), said);
    let mut detection = Detection::new(compile(&book.sigma, now()), &book);
    let attributes =
        ["severity", "rule", "a.b", "0"].map(|name| pair(name, "evil")).into_iter().chain([pair("kind", "failed")]);
    detection.observe(&LogEvent { attributes: attributes.collect(), ..LogEvent::default() }, now());
    let outcomes = detection.outcomes(&[], &|_| true, now());
    let [Ruled { verdict: Verdict::Raised { labels, .. }, .. }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    let told: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        told,
        [
            "a_b=evil",
            "alertname=T",
            "field_0=evil",
            "field_rule=evil",
            "field_severity=evil",
            "rule=sigma:one",
            "severity=warning"
        ]
    );
}

#[test]
fn what_is_raised_and_does_not_stand_is_cleared() {
    let mut detection = detection(&rule("sel: {kind: failed}\ncondition: sel"));
    let signal = crate::Signal {
        rule: "sigma:one".parse().expect("a name"),
        kind: crate::Kind::Sigma,
        series: kernel::Labels::default(),
        labels: kernel::Labels::default(),
        annotations: kernel::Labels::default(),
        value: None,
        summary: String::new(),
        since: now(),
    };
    let outcomes = detection.outcomes(&[signal], &|_| true, now());
    assert!(matches!(outcomes[0].verdict, Verdict::Cleared { why: Cleared::Quiet, .. }));
}
