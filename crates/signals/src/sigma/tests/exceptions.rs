//! Filters as exceptions, and what a whole load refuses.

use super::*;
use serde_json::json;

const RULE: &str = "
title: Runs X
id: 11111111-aaaa-bbbb-cccc-000000000001
name: runs_x
level: critical
logsource: {product: windows, category: process_creation}
detection:
  sel:
    Image|endswith: x.exe
  condition: sel
";

fn filter(lines: &str) -> String {
    format!(
        "title: Known X\nlogsource: {{product: windows}}\nfilter:\n  rules: [runs_x]\n  sel:\n    User: admin\n  condition: not sel\n{lines}"
    )
}

fn event(user: &str) -> Value {
    json!({"Channel": "Security", "EventID": 4688, "NewProcessName": "x.exe", "SubjectUserName": user})
}

fn load_built_in(texts: &[&str]) -> (Rules, Vec<Refused>) {
    load_with(texts, &Pipeline::built_in().expect("it is read"))
}

#[test]
fn a_filter_excepts_events_in_the_names_of_their_class() {
    let filter = filter("owner: windows team\nreason: Their tool.\nexpires: 2026-06-01\n");
    let (rules, refused) = load_built_in(&[RULE, &filter]);
    assert_eq!(refused, []);
    assert_eq!(titles(&rules, &event("Admin")), [""; 0]);
    assert_eq!(titles(&rules, &event("guest")), ["Runs X"]);
    let exceptions: Vec<_> = rules.iter().flat_map(|rule| &rule.exceptions).collect();
    assert_eq!(exceptions.iter().map(|known| known.owner.as_deref()).collect::<Vec<_>>(), [Some("windows team")]);
}

/// SG-6
#[test]
fn a_filter_past_its_last_day_or_without_one_is_not_applied() {
    for (lines, reason) in [
        ("owner: o\nreason: r\nexpires: 2026-05-31\n", "this filter expired on 2026-05-31 and is not applied"),
        ("owner: o\nreason: r\n", "never expires: write `expires:`"),
        ("owner: o\nreason: r\nexpires: soon\n", "write a day as 2027-01-31"),
        ("reason: r\nexpires: 2027-01-01\n", "has no owner"),
        ("owner: o\nexpires: 2027-01-01\n", "has no reason"),
    ] {
        let (rules, refused) = load_built_in(&[RULE, &filter(lines)]);
        assert_eq!(titles(&rules, &event("admin")), ["Runs X"], "{lines}");
        let told: Vec<String> = refused.iter().map(ToString::to_string).collect();
        assert!(
            told.len() == 1 && told.concat().starts_with("file 1: Known X: ") && told.concat().contains(reason),
            "{told:?}"
        );
    }
}

#[test]
fn a_filter_that_says_no_more_than_the_specification_can_be_let_in() {
    let (pipeline, text) = (Pipeline::built_in().expect("it is read"), filter(""));
    let files = [RuleFile { name: "r", text: RULE }, RuleFile { name: "f", text: &text }];
    let (rules, refused) = Rules::load(&files, &Settings { pipeline: &pipeline, now: now(), filters: Filters::Plain });
    assert_eq!(refused, []);
    assert_eq!(titles(&rules, &event("admin")), [""; 0]);
}

#[test]
fn a_filter_that_applies_to_nothing_is_told_of() {
    let other = filter("owner: o\nreason: r\nexpires: 2027-01-01\n").replace("runs_x", "unheard");
    let (rules, refused) = load_built_in(&[RULE, &other]);
    assert_eq!(refused, []);
    assert_eq!(
        rules.notes().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["file 1: Known X: this filter applies to no rule in use"]
    );
}

/// SG-2
#[test]
fn a_bad_rule_keeps_no_other_from_use() {
    let bad = RULE.replace("condition: sel", "condition: other").replace("000001", "000002");
    let twice = RULE.replace("Runs X", "Again");
    let newer = RULE.replace("level: critical", "level: critical\nsigma-version: 9").replace("000001", "000003");
    let (rules, refused) = load_built_in(&[&bad, RULE, &twice, "title: [", &newer, "a: 1\n---\nb: 2"]);
    assert_eq!(rules.iter().map(|rule| rule.title.as_str()).collect::<Vec<_>>(), ["Runs X"]);
    let told: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let wanted = [
        "file 3: file 3: YAML parse error",
        "file 5: file 5: ",
        "file 5: file 5: ",
        "file 0: 11111111-aaaa-bbbb-cccc-000000000002: the condition names `other`",
        "file 2: 11111111-aaaa-bbbb-cccc-000000000001: the id 11111111-aaaa-bbbb-cccc-000000000001 is another rule's",
        "file 4: 11111111-aaaa-bbbb-cccc-000000000003: it asks for a newer version",
    ];
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
    for (told, wanted) in told.iter().zip(wanted) {
        assert!(told.starts_with(wanted), "{told}\n{wanted}");
    }
}

#[test]
fn a_rule_says_what_its_author_said() {
    let text =
        RULE.replace("level: critical", "author: A. Nn\ntags: [attack.t1059]\nfalsepositives: [Tests]\nstatus: odd");
    let (rules, refused) = load_built_in(&[&text]);
    assert_eq!(refused, []);
    let rule = rules.iter().next().expect("a rule");
    assert_eq!((rule.author.as_deref(), rule.tags.len(), rule.false_positives.len()), (Some("A. Nn"), 1, 1));
    assert_eq!(rule.level, super::super::Level::Medium);
    assert_eq!(rules.notes().iter().map(|note| note.reason.as_str()).collect::<Vec<_>>(), ["invalid status: 'odd'"]);
}

#[test]
fn an_expired_filter_hides_no_mistake_of_another_one_in_its_file() {
    use kernel::book::sigma::{File, Part, Sigma};
    let text = format!(
        "{}---\n{}",
        filter("owner: o\nreason: r\nexpires: 2026-05-31\n"),
        filter("reason: r\nexpires: 2027-01-01\n")
    );
    let file = |path: &str, part, text: &str| File { path: path.into(), part, text: text.into() };
    let files = vec![file("r.yml", Part::Rules, RULE), file("f.yml", Part::Filters, &text)];
    let compiled = crate::sigma::compile(&Sigma { files, ..Sigma::default() }, now());
    let grave: Vec<bool> = compiled.wrong.iter().map(|wrong| wrong.grave).collect();
    assert_eq!(grave, [false, true], "{:?}", compiled.wrong);
}
