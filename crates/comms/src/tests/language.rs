//! Plain language: what is found, where, and what is left alone.

use kernel::Seconds;

use crate::{Finding, LintRule, Stage, Wording, lint, lint_update};

fn rules(text: &str) -> Vec<LintRule> {
    lint(text).into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn findings_name_their_place() {
    use LintRule::{Blame, Guess, Internals, Jargon, LongSentence, Promise};
    let long = format!("{}.", ["word"; 26].join(" "));
    let table: [(&str, &[LintRule]); 21] = [
        ("Some card payments fail. We are looking into it.", &[]),
        ("High Latency upstream.", &[Jargon, Jargon]),
        ("A replication lag of the replicas.", &[Jargon, Jargon]),
        ("podium, nodes-up and cached things", &[Jargon]),
        ("A mistake by somebody.", &[Blame]),
        ("It was caused by human error.", &[Blame]),
        ("This will never happen again.", &[Promise]),
        ("It will be fixed by noon, 100% sure.", &[Promise, Promise]),
        ("We will be back soon; the ETA is noon.", &[Promise, Promise]),
        ("We think the bank is down.", &[Guess]),
        ("It is on db-01 and 10.0.0.7.", &[Internals, Internals]),
        ("See web.eu.internal for more.", &[Internals]),
        ("See https://status.example.org/n-7 or mail help@shop-1.example.", &[]),
        ("Orders of 2026-03-01 are safe.", &[]),
        ("Version 1.2.3 is fine.", &[]),
        (&long, &[LongSentence]),
        (&["word"; 25].join(" "), &[]),
        ("One. Two! Three? Four", &[]),
        ("", &[]),
        ("Ä error in the database shard", &[Jargon]),
        ("no-one and e-mail-2", &[Internals]),
    ];
    for (text, expected) in table {
        assert_eq!(rules(text), expected, "{text}");
    }
    let place = |finding: &Finding| (finding.at, finding.len);
    assert_eq!(lint("ü we think so").iter().map(place).collect::<Vec<_>>(), [(3, 8)]);
    assert_eq!(lint(&format!("Hello. {long}")).iter().map(place).collect::<Vec<_>>(), [(7, long.len() - 1)]);
}

#[test]
fn an_unfinished_story_says_when_it_goes_on() {
    let wording = |stage, text: &str, next_update_in| {
        let (title, text) = (String::new(), text.to_owned());
        Wording { title, stage, text, components: Vec::new(), next_update_in }
    };
    let half = Some(Seconds::minutes(30));
    let cases = [
        (wording(Stage::Identified, "It is the bank.", None), 1),
        (wording(Stage::Identified, "It is the bank.", half), 0),
        (wording(Stage::Identified, "Next update at 14:00 UTC.", None), 0),
        (wording(Stage::Resolved, "It is over.", None), 0),
        (wording(Stage::Postmortem, "It was the bank.", None), 0),
    ];
    for (wording, count) in cases {
        let findings = lint_update(&wording);
        assert_eq!(findings.len(), count, "{wording:?}");
        assert!(findings.iter().all(|finding| finding.rule == LintRule::NextUpdate && finding.len == 0));
    }
}

proptest::proptest! {
    /// Any text gives findings within it and never a panic.
    #[test]
    fn places_are_places(text in "[a-zA-Zäß .!?0-9@:/\\n-]{0,200}( pod| soon| we think| db-7){0,4}") {
        for finding in lint(&text) {
            proptest::prop_assert!(text.get(finding.at..finding.at + finding.len).is_some(), "{:?}", finding);
        }
    }
}
