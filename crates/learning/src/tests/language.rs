//! Blame, hindsight and single causes: what is found, where, and what is left alone.

use crate::{LintRule, lint, lint_action};

fn rules(text: &str) -> Vec<LintRule> {
    lint(text).into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn findings_name_their_place() {
    use LintRule::{Blame, Counterfactual, Hindsight, SingleCause};
    let table: [(&str, &[LintRule]); 9] = [
        ("The certificate expired; nothing watched it.", &[]),
        ("The engineer failed to renew it.", &[Blame]),
        ("It was human error.", &[Blame]),
        ("We should have seen it, obviously.", &[Counterfactual, Hindsight]),
        ("The root cause was the bank.", &[SingleCause]),
        ("Root cause analysis", &[SingleCause]),
        ("blameless, basically", &[]),
        ("", &[]),
        ("Ünder it, somebody forgot to look", &[Blame]),
    ];
    for (text, expected) in table {
        assert_eq!(rules(text), expected, "{text}");
    }
    let found: Vec<_> = lint("Ü the root cause").iter().map(|finding| (finding.at, finding.len)).collect();
    assert_eq!(found, [(3, 14)], "the longest phrase, once");
}

#[test]
fn actions_begin_with_something_that_ends() {
    let table: [(&str, &[LintRule]); 5] = [
        ("Alert two weeks before a certificate expires", &[]),
        ("Investigate monitoring", &[LintRule::Vague]),
        ("Look into what bob should have done", &[LintRule::Vague, LintRule::Counterfactual]),
        ("Monitoring for certificates", &[]),
        ("improve", &[LintRule::Vague]),
    ];
    for (title, expected) in table {
        let found: Vec<_> = lint_action(title).into_iter().map(|finding| finding.rule).collect();
        assert_eq!(found, expected, "{title}");
    }
}

proptest::proptest! {
    #[test]
    fn places_are_places(text in "[a-zA-Zäß .!?-]{0,200}( the root cause| should have| forgot to){0,4}") {
        for finding in lint(&text) {
            proptest::prop_assert!(text.get(finding.at..finding.at + finding.len).is_some(), "{:?}", finding);
        }
    }
}
