//! A draft from what the journal tells: durations, gaps, and the questions that follow from them. It names roles, never people,
//! and guesses nothing: what the journal does not say becomes a question.

use kernel::{Seconds, Timestamp, time};

use crate::words::{Section, Source};

/// An acknowledgement later than this raises a question.
const ACKNOWLEDGED_WITHIN: Seconds = Seconds::minutes(5);
/// A gap in the timeline longer than this raises a question.
const QUIET_MAX: Seconds = Seconds::minutes(30);
/// The most questions about quiet times.
const QUIET_QUESTIONS_MAX: usize = 3;

/// The sections as they are drafted.
#[must_use]
pub fn draft(source: &Source) -> Vec<(Section, String)> {
    vec![
        (Section::Summary, summary(source)),
        (Section::Impact, source.impact.summary.clone()),
        (Section::Detection, detection(source)),
        (Section::Response, response(source)),
        (Section::ContributingFactors, String::new()),
        (Section::WhatWentWell, String::new()),
        (Section::OpenQuestions, questions(source).iter().map(|question| format!("- {question}\n")).collect()),
    ]
}

fn summary(source: &Source) -> String {
    let start = source.detected_at.unwrap_or(source.declared_at);
    let lasted = time::between(start, source.mitigated_at.unwrap_or(source.resolved_at));
    let services: Vec<&str> = source.services.iter().map(|name| name.as_str()).collect();
    let of = if services.is_empty() { String::new() } else { format!(" of {}", services.join(", ")) };
    format!(
        "{}{of} ({}, because {}). It hurt for {lasted} and was over after {}.",
        source.title,
        source.severity,
        source.severity_why,
        time::between(start, source.resolved_at)
    )
}

fn detection(source: &Source) -> String {
    match source.detected_at {
        Some(at) => format!(
            "A machine noticed it at {at}; it was declared an incident {} later.",
            time::between(at, source.declared_at)
        ),
        None => format!("People noticed it and declared it at {}.", source.declared_at),
    }
}

fn response(source: &Source) -> String {
    let after = |at: Option<Timestamp>| at.map(|at| time::between(source.declared_at, at));
    let mut lines = Vec::new();
    if let Some(span) = after(source.acknowledged_at) {
        lines.push(format!("Somebody responded after {span}."));
    }
    if let Some(span) = after(source.mitigated_at) {
        lines.push(format!("Users were no longer hurt after {span}."));
    }
    lines.push(format!("It was over after {}.", time::between(source.declared_at, source.resolved_at)));
    lines.join(" ")
}

/// What the journal leaves open.
fn questions(source: &Source) -> Vec<String> {
    let mut open = Vec::new();
    if source.detected_at.is_none() {
        open.push("No alert came before people noticed it. What could have noticed it sooner?".to_owned());
    }
    match source.acknowledged_at {
        None => open.push("Nobody acknowledged a page or took a role. How did the response begin?".to_owned()),
        Some(at) if time::between(source.declared_at, at) > ACKNOWLEDGED_WITHIN => {
            let span = time::between(source.declared_at, at);
            open.push(format!("The first response came after {span}. What delayed it?"));
        }
        Some(_) => {}
    }
    if source.impact.summary.is_empty() {
        open.push("No impact was stated. Who was hurt, and how many?".to_owned());
    }
    if source.mitigated_at.is_none() {
        open.push("When were users no longer hurt?".to_owned());
    }
    if source.reopened > 0 {
        open.push(format!("It was reopened {} times. What made it look over before it was?", source.reopened));
    }
    for pair in source
        .timeline
        .windows(2)
        .filter(|pair| time::between(pair[0].at, pair[1].at) > QUIET_MAX)
        .take(QUIET_QUESTIONS_MAX)
    {
        let span = time::between(pair[0].at, pair[1].at);
        open.push(format!("Nothing is written for {span} after {}. What happened then?", pair[0].at));
    }
    open
}
