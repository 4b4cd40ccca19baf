//! What responders say of the alerts of Sigma rules.

use super::*;
use crate::Judged;

pub(super) fn sigma_room(precision: Bar, shadow: bool) -> Room {
    let mut room = Room::new(0);
    let severity = Some("critical".to_owned());
    let (quiet, by, labels) = (Seconds(60), None, BTreeMap::new());
    let handled = Handled { shadow, severity, quiet, by, labels, precision };
    room.book.sigma.rules.insert(name("sigma:one"), handled);
    room
}

pub(super) fn judge(room: &mut Room, alert: u64, verdict: sigma::Verdict) -> Result<Vec<Event>, Refusal> {
    let (rule, alert, note) = (name("sigma:one"), Fingerprint(alert), String::new());
    room.ask(Command::Judge { rule, alert, verdict, note })
}

fn found(room: &mut Room) -> Vec<&'static str> {
    found_on(room, "one")
}

fn on(host: &str) -> Labels {
    Labels::from_pairs([("alertname", "One"), ("host", host)]).unwrap()
}

fn matched(room: &mut Room, host: &str, verdict: Verdict) -> Vec<&'static str> {
    let outcomes = vec![Ruled { rule: name("sigma:one"), identity: series(host), verdict }];
    kinds(&room.ask(Command::Match { outcomes }).unwrap())
}

fn found_on(room: &mut Room, host: &str) -> Vec<&'static str> {
    matched(room, host, Verdict::Raised { labels: on(host), annotations: Labels::default(), value: 1.0 })
}

fn quiet_on(room: &mut Room, host: &str) -> Vec<&'static str> {
    matched(room, host, Verdict::Cleared { value: None, why: Cleared::Quiet })
}

#[test]
fn si_10_each_alert_of_a_rule_counts_each_time_it_is_raised() {
    let mut room = sigma_room(Bar { at_least: 60, after: 3 }, false);
    let alert = on("a").fingerprint();
    for second in [1, 2, 3] {
        room.now = second;
        assert_eq!(found_on(&mut room, "a"), ["SignalRaised"]);
        let facts = judge(&mut room, alert.0, sigma::Verdict::FalsePositive).unwrap();
        assert_eq!(kinds(&facts)[0], "RuleJudged");
        assert_eq!(
            judge(&mut room, alert.0, sigma::Verdict::FalsePositive).unwrap(),
            [],
            "the same word again is no fact"
        );
        assert_eq!(quiet_on(&mut room, "a"), ["SignalCleared"]);
    }
    assert_eq!(found_on(&mut room, "a"), NOTHING, "it was wrong three times");
}

#[test]
fn si_10_a_word_on_an_alert_that_the_rule_did_not_raise_is_refused() {
    let mut room = sigma_room(Bar { at_least: 60, after: 2 }, false);
    for invented in 1..20 {
        let refused = judge(&mut room, invented, sigma::Verdict::FalsePositive).unwrap_err();
        assert_eq!(refused, Refusal::NeverFired(name("sigma:one"), Fingerprint(invented)));
    }
    assert_eq!(found(&mut room), ["SignalRaised"]);
}

#[test]
fn verdicts_of_before_instants_were_written_down_are_read() {
    let read: Judged = serde_json::from_str(r#"[["0000000000000001","false_positive"]]"#).unwrap();
    assert_eq!(read, Judged::default().and(Fingerprint(1), None, sigma::Verdict::FalsePositive));
    let again: Judged = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read);
}

#[test]
fn si_10_a_sigma_rule_on_trial_or_seldom_right_raises_nothing() {
    assert_eq!(found(&mut sigma_room(Bar::default(), true)), NOTHING);
    let mut room = sigma_room(Bar { at_least: 60, after: 2 }, false);
    let alerts = ["a", "b", "c"].map(|host| (found_on(&mut room, host), on(host).fingerprint().0).1);
    judge(&mut room, alerts[0], sigma::Verdict::FalsePositive).unwrap();
    let facts = judge(&mut room, alerts[1], sigma::Verdict::TruePositive).unwrap();
    assert_eq!(kinds(&facts), ["RuleJudged", "TuningAsked"]);
    assert_eq!(
        kinds(&judge(&mut room, alerts[2], sigma::Verdict::FalsePositive).unwrap()),
        ["RuleJudged"],
        "it is asked once"
    );
    assert_eq!(found(&mut room), NOTHING);
    for alert in [alerts[0], alerts[2]] {
        judge(&mut room, alert, sigma::Verdict::TruePositive).unwrap();
    }
    assert_eq!(found(&mut room), ["SignalRaised"], "the last word on an alert counts");
    room.book.sigma.rules.clear();
    assert_eq!(judge(&mut room, 1, sigma::Verdict::TruePositive), Err(Refusal::NoSigmaRule(name("sigma:one"))));
    assert_eq!(kinds(&room.ask(Command::Reconsider).unwrap()), ["SignalCleared"; 4]);
}

#[test]
fn a_verdict_says_which_raising_it_is_about() {
    let mut room = sigma_room(Bar::default(), false);
    found_on(&mut room, "a");
    let facts = judge(&mut room, on("a").fingerprint().0, sigma::Verdict::TruePositive).unwrap();
    let json = serde_json::to_string(&facts[0]).unwrap();
    assert!(json.contains(r#""since":"2023-11-14T22:13:20Z","verdict":"true_positive""#), "{json}");
}
