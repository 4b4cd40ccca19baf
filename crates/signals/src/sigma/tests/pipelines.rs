//! Pipelines: names of fields, classes of events, and what is refused.

use super::super::AUDIT_PROCESS_CREATION;
use super::*;
use serde_json::json;

fn windows(source: &str, detection: &str) -> String {
    format!("logsource: {{{source}}}\n{}", rule(detection))
}

fn built_in() -> Pipeline {
    Pipeline::built_in().expect("the built-in pipeline is read")
}

#[test]
fn rules_are_asked_of_the_events_of_their_log_source_only() {
    let process =
        windows("product: windows, category: process_creation", "sel:\n  Image|endswith: x.exe\ncondition: sel");
    let sysmon = |id: u32| json!({"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": id, "Image": "x.exe"});
    let audit = json!({"Channel": "Security", "EventID": 4688, "NewProcessName": "X.EXE"});
    let told = json!({"logsource.product": "Windows", "logsource.category": "process_creation", "Image": "x.exe"});
    for (audited, wanted) in [(true, [true, false, true, true, false]), (false, [true, false, false, true, false])] {
        let pipeline = built_in().with_option(AUDIT_PROCESS_CREATION, audited);
        let (rules, refused) = load_with(&[&process], &pipeline);
        assert_eq!(refused, []);
        let events = [&sysmon(1), &sysmon(7), &audit, &told, &json!({"Image": "x.exe"})];
        assert_eq!(events.map(|event| !titles(&rules, event).is_empty()), wanted);
    }
}

#[test]
fn services_categories_and_products() {
    for (source, event, wanted) in [
        ("product: windows, service: security", json!({"Channel": "security", "f": 1}), true),
        ("product: windows, service: system", json!({"Channel": "Security", "f": 1}), false),
        ("product: windows", json!({"Channel": "Anything", "f": 1}), true),
        ("product: windows", json!({"f": 1}), false),
        (
            "product: windows, category: ps_script",
            json!({"Channel": "PowerShellCore/Operational", "EventID": "4104", "f": 1}),
            true,
        ),
        ("product: aws, service: cloudtrail", json!({"eventSource": "iam.amazonaws.com", "f": 1}), true),
        (
            "product: linux, category: process_creation",
            json!({"Channel": "Linux-Sysmon/Operational", "EventID": 1, "f": 1}),
            true,
        ),
        (
            "product: linux, service: sshd",
            json!({"logsource.product": "linux", "logsource.service": "sshd", "f": 1}),
            true,
        ),
        ("product: linux, service: sshd", json!({"logsource.product": "linux", "f": 1}), false),
        ("product: windows, service: unheard", json!({"Channel": "x", "f": 1}), false),
        ("category: unheard", json!({"logsource.category": "unheard", "f": 1}), true),
    ] {
        let (rules, _) = load_with(&[&windows(source, "sel:\n  f: 1\ncondition: sel")], &built_in());
        assert_eq!(!titles(&rules, &event).is_empty(), wanted, "{source} on {event}");
    }
}

#[test]
fn files_of_the_known_form() {
    let file = "
name: n
priority: 20
vars:
  admins: [root, 'adm*']
transformations:
  - id: map
    type: field_name_mapping
    mapping: {Image: process.path, User: [user.name, user.id]}
    rule_conditions:
      - type: logsource
        product: windows
  - type: field_name_prefix
    prefix: 'log.'
    field_name_conditions:
      - type: include_fields
        fields: [process.path]
  - type: add_condition
    conditions: {EventID: [1, 2]}
  - type: value_placeholders
";
    let pipeline = Pipeline::parse("p.yml", file).expect("it is read");
    let text = windows("product: windows", "sel:\n  Image: x\n  User|expand: '%admins%'\ncondition: sel");
    let (rules, refused) = load_with(&[&text], &pipeline);
    assert_eq!(refused, []);
    assert_eq!(titles(&rules, &json!({"EventID": 2, "log.process.path": "x", "user.id": "ADMIN"})), ["T"]);
    assert_eq!(titles(&rules, &json!({"EventID": 3, "log.process.path": "x", "user.id": "admin"})), [""; 0]);
    assert_eq!(titles(&rules, &json!({"EventID": 2, "log.process.path": "x", "user.id": "guest"})), [""; 0]);
}

#[test]
fn two_files_are_applied_by_priority() {
    let file = |priority: i64, from: &str, to: &str| {
        let text = format!(
            "priority: {priority}\ntransformations:\n  - type: field_name_mapping\n    mapping: {{{from}: {to}}}"
        );
        Pipeline::parse("p", &text).expect("it is read")
    };
    let pipeline = file(20, "b", "c").and(file(10, "a", "b"));
    let (rules, _) = load_with(&[&rule("sel:\n  a: 1\ncondition: sel")], &pipeline);
    assert_eq!(titles(&rules, &json!({"c": 1})), ["T"]);
}

#[test]
fn bad_files_are_refused_with_the_place() {
    for (text, reason) in [
        ("transformations:\n  - type: field_name_mapping", "transformation 1: missing field `mapping`"),
        (
            "transformations:\n  - {type: field_name_prefix, prefix: a, odd: 1}",
            "transformation 1: the key `odd` is not known here",
        ),
        ("transformations:\n  - id: x\n    type: set_state", "transformation 1 (x): unknown variant `set_state`"),
        ("transformations: 5", "`transformations` must be a list"),
        ("unheard: 5", "the key `unheard` is not known here"),
        ("a: 1\na: 2", "line 2: the key a stands here a second time"),
        ("a: [1", "this is not YAML"),
        ("transformations:\n  - type: add_condition\n    conditions: {a: {b: c}}", "needs texts or numbers"),
        ("options: {x: 5}", "option `x` must be true or false"),
        ("- 1", "it is not a map"),
    ] {
        let told = Pipeline::parse("p.yml", text).expect_err(text).to_string();
        assert!(told.starts_with("pipeline p.yml: ") && told.contains(reason), "{text}\n{told}");
    }
}

#[test]
fn a_pipeline_can_refuse_a_rule() {
    let text = "transformations:\n  - type: rule_failure\n    message: not here\n    rule_conditions:\n      - {type: tag, tag: t.x}";
    let pipeline = Pipeline::parse("p", text).expect("it is read");
    let tagged = format!("tags: [t.x]\n{}", rule("sel:\n  a: 1\ncondition: sel"));
    let (_, refused) = load_with(&[&tagged], &pipeline);
    assert_eq!(
        refused.iter().map(|refused| refused.reason.as_str()).collect::<Vec<_>>(),
        ["the pipeline refuses it: not here"]
    );
}

/// SG-7
#[test]
fn rules_with_unfilled_placeholders_match_nothing() {
    let text = rule("sel:\n  a: 1\nfilter:\n  b|expand: '%known%'\ncondition: sel and not filter");
    let (rules, refused) = load(&[&text]);
    assert_eq!(refused, []);
    assert_eq!(rules.iter().map(|rule| rule.waits_for.clone()).collect::<Vec<_>>(), [["known"]]);
    assert_eq!(titles(&rules, &json!({"a": 1})), [""; 0]);
    let wild = Pipeline::parse("p", "transformations:\n  - type: wildcard_placeholders").expect("it is read");
    let (rules, _) = load_with(&[&text], &wild);
    assert_eq!(titles(&rules, &json!({"a": 1})), ["T"]);
    assert_eq!(titles(&rules, &json!({"a": 1, "b": "x"})), [""; 0]);
}
