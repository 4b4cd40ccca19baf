//! The draft of a review: what the journal already knows, in sentences, and the questions that its gaps ask. A pure
//! function of the source; it guesses nothing, and what people make of it afterwards is theirs.

use kernel::time::between;
use kernel::{Seconds, ServiceName, Timestamp};

use crate::words::{Moment, Section, Source};

/// An acknowledgement or a commander that took longer than this is asked about.
const SLOW_START: Seconds = Seconds::minutes(5);
/// A silence in the timeline longer than this is asked about.
const SILENCE: Seconds = Seconds::minutes(30);
/// The most silences that are asked about: the longest ones.
const SILENCES_ASKED_MAX: usize = 3;

/// Kinds of moments that ask a question when there are any: what happened, and what to ask about it.
const REPEATS: [(&str, &str, &str); 3] = [
    ("SeverityChanged", "The severity changed", "what was not known at the start?"),
    ("UpdateOverdue", "An update was overdue", "what would have made it easy to send?"),
    ("IncidentReopened", "The incident was reopened", "what made it look over before it was?"),
];

/// The sections of a review, as far as the journal can fill them.
#[must_use]
pub fn draft(source: &Source) -> Vec<(Section, String)> {
    vec![
        (Section::Summary, summary(source)),
        (Section::Impact, impact(source)),
        (Section::Detection, detection(source)),
        (Section::Response, response(source)),
        (Section::ContributingFactors, String::new()),
        (Section::WhatWentWell, list(&went_well(source))),
        (Section::OpenQuestions, list(&questions(source))),
    ]
}

fn summary(source: &Source) -> String {
    let Source { title, severity, severity_why, .. } = source;
    let (from, to) = (instant(source.noticed_at()), instant(source.resolved_at));
    let lasted = source.durations().resolve;
    let (title, why) = (title.trim_end_matches('.'), severity_why.trim_end_matches('.'));
    format!("{title}. {severity}, because {why}. From {from} to {to} ({lasted}).")
}

fn impact(source: &Source) -> String {
    let impact = &source.impact;
    let mut lines = Vec::new();
    if !impact.summary.trim().is_empty() {
        lines.push(impact.summary.clone());
    }
    if let Some(percent) = impact.users_percent {
        lines.push(format!("{percent} % of users noticed."));
    }
    // Functions and services alone say nothing about users: where nobody stated an impact, it stays empty and is asked
    // for.
    if !lines.is_empty() && !impact.functions.is_empty() {
        lines.push(format!("Business functions: {}.", impact.functions.join(", ")));
    }
    if !lines.is_empty() && !source.services.is_empty() {
        let services: Vec<_> = source.services.iter().map(ServiceName::as_str).collect();
        lines.push(format!("Services: {}.", services.join(", ")));
    }
    lines.join("\n\n")
}

fn detection(source: &Source) -> String {
    let declared = instant(source.declared_at);
    match source.detected_at {
        Some(_) => {
            let (noticed, wait) = (instant(source.noticed_at()), source.durations().declare);
            format!("Monitoring noticed it at {noticed}; it was declared an incident {wait} later.")
        }
        None => format!("People noticed it and declared it at {declared}."),
    }
}

fn response(source: &Source) -> String {
    let took = source.durations();
    let step = |what: &str, wait: Option<Seconds>| match wait {
        Some(wait) => format!("- {what} after {wait}"),
        None => format!("- {what}: not recorded"),
    };
    let steps = [
        step("acknowledged", took.acknowledge),
        step("command taken", took.command),
        step("users no longer hurt", took.mitigate),
        step("over", Some(took.resolve)),
    ];
    format!("Counted from when it was first noticed:\n\n{}", steps.join("\n"))
}

fn went_well(source: &Source) -> Vec<String> {
    let took = source.durations();
    let quick = |wait: Option<Seconds>| wait.filter(|wait| *wait <= SLOW_START);
    let mut lines = Vec::new();
    lines.extend(quick(took.acknowledge).map(|wait| format!("The page was acknowledged within {wait}.")));
    lines.extend(quick(took.command).map(|wait| format!("Somebody took command within {wait}.")));
    let updates = source.count("UpdateRecorded");
    if updates > 0 && source.count("UpdateOverdue") == 0 {
        lines.push(format!("All updates came when they were due ({updates})."));
    }
    lines
}

/// What the gaps ask, in the order of the incident.
fn questions(source: &Source) -> Vec<String> {
    let mut asked = start_questions(source);
    if source.impact.summary.trim().is_empty() {
        asked.push("No impact was stated: who was hurt, and how?".to_owned());
    }
    if source.mitigated_at.is_none() {
        asked.push("No mitigation was recorded: when did users stop being hurt?".to_owned());
    }
    for (kind, what, question) in REPEATS {
        let count = source.count(kind);
        if count > 0 {
            asked.push(format!("{what} {}: {question}", times(count)));
        }
    }
    asked.extend(silences(source));
    asked
}

fn start_questions(source: &Source) -> Vec<String> {
    let took = source.durations();
    let mut asked = Vec::new();
    if source.detected_at.is_none() {
        asked.push("No alert came before people noticed it: what could have noticed it sooner?".to_owned());
    }
    match took.acknowledge {
        Some(wait) if wait > SLOW_START => asked.push(format!("No acknowledgement for {wait}: what delayed it?")),
        None if source.detected_at.is_some() => {
            asked.push("No acknowledgement was recorded: did the page reach anybody?".to_owned());
        }
        _ => {}
    }
    match took.command {
        Some(wait) if wait > SLOW_START => asked.push(format!("No commander for {wait}: what delayed it?")),
        None => asked.push("Nobody took command: how were decisions made?".to_owned()),
        Some(_) => {}
    }
    asked
}

/// The longest silences of the timeline while the incident lasted, in order of time.
fn silences(source: &Source) -> Vec<String> {
    let ends = source.timeline.iter().skip(1).filter(|moment| moment.at <= source.resolved_at);
    let gap = |(start, end): (&Moment, &Moment)| (between(start.at, end.at), start.seq, start.at, end.at);
    let mut gaps: Vec<_> = source.timeline.iter().zip(ends).map(gap).filter(|(gap, ..)| *gap > SILENCE).collect();
    gaps.sort_by_key(|(gap, seq, ..)| (std::cmp::Reverse(*gap), *seq));
    gaps.truncate(SILENCES_ASKED_MAX);
    gaps.sort_by_key(|(_, seq, ..)| *seq);
    let ask = |(gap, _, start, end)| {
        format!("Nothing was written for {gap}, from {} to {}: what happened then?", instant(start), instant(end))
    };
    gaps.into_iter().map(ask).collect()
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")
}

/// An instant for readers: to the minute, in UTC.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
