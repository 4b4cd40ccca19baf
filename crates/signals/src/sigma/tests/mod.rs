//! Tests of the Sigma rules, by what they are about.

mod correlations;
mod events;
mod exceptions;
mod hostile;
mod live;
mod matching;
mod oracle;
mod pipelines;
mod usual;

use jiff::Timestamp;
use serde_json::Value;

use super::{Event, Filters, Pipeline, Refused, RuleFile, Rules, Settings};

/// Noon of a day on which no exception of these tests has expired.
fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().expect("a time")
}

fn load_with(texts: &[&str], pipeline: &Pipeline) -> (Rules, Vec<Refused>) {
    let names: Vec<String> = (0..texts.len()).map(|at| format!("file {at}")).collect();
    let files: Vec<RuleFile<'_>> = names.iter().zip(texts).map(|(name, text)| RuleFile { name, text }).collect();
    Rules::load(&files, &Settings { pipeline, now: now(), filters: Filters::Owned })
}

fn load(texts: &[&str]) -> (Rules, Vec<Refused>) {
    load_with(texts, &Pipeline::default())
}

/// A rule without a log source, so that it is asked of every event.
fn rule(detection: &str) -> String {
    let indented: String = detection.trim().lines().map(|line| format!("  {}\n", line.trim_end())).collect();
    format!("title: T\nid: one\nlevel: high\ndetection:\n{indented}")
}

/// Whether the event matches the rule, with the index and without it.
fn matches(detection: &str, event: &Value) -> bool {
    let (rules, refused) = load(&[&rule(detection)]);
    assert_eq!(refused, [], "{detection}");
    let event = Event::new(event);
    let found = !rules.matches(&event).is_empty();
    assert_eq!(found, !rules.matches_without_index(&event).is_empty(), "the index disagrees on {detection}");
    found
}

/// Why the rule is refused.
fn refusal(detection: &str) -> String {
    let (rules, refused) = load(&[&rule(detection)]);
    assert_eq!(rules.iter().len(), 0, "{detection}");
    refused.into_iter().map(|refused| refused.reason).collect()
}

fn titles(rules: &Rules, event: &Value) -> Vec<String> {
    rules.matches(&Event::new(event)).iter().map(|found| found.rule.title.clone()).collect()
}
