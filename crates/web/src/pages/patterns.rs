//! *Patterns*: what the lines of logs have in common, which of it is new, and what changed its rate.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use engine::patterns::{FindingView, LogView, PatternView, PatternWatch, Watched};
use kernel::Actor;
use kernel::book::LogFinding;
use serde::Deserialize;

use super::frame::{Screen, encoded, frame, html, stop};
use super::logs::{level_chip, like};
use super::view::logs::{FindingRow, PatternRow, PatternsPage};
use super::view::plot::words as number;
use super::view::{Chip, Tab, Tone, words};
use crate::session::Reader;
use crate::state::AppState;

/// How many patterns one screen shows.
const PATTERNS_SHOWN: usize = 100;
/// How many findings it shows.
const FINDINGS_SHOWN: usize = 8;
/// The size of a sparkline in its own units.
const SPARK: (u32, u32) = (118, 22);

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/logs/patterns", get(list))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    text: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    offset: String,
}

async fn list(State(state): State<AppState>, Reader(session): Reader, Query(wanted): Query<Wanted>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Logs, "Log patterns", "/logs/patterns")?;
    let (actor, watch) = (session.actor(), &state.stores.patterns);
    let watched = watch.watched(&actor).map_err(stop(&chrome))?;
    let service = Some(wanted.service.trim()).filter(|service| !service.is_empty());
    let mut patterns = watch.patterns(&actor, service).map_err(stop(&chrome))?;
    let findings = watch.findings(&actor, service).map_err(stop(&chrome))?;
    let text = wanted.text.trim().to_lowercase();
    patterns.retain(|pattern| pattern.text.to_lowercase().contains(&text));
    let offset = wanted.offset.parse().unwrap_or(0_usize);
    let after = offset.saturating_add(PATTERNS_SHOWN);
    let (service, text) = (encoded(&wanted.service), encoded(&wanted.text));
    let more = || format!("/logs/patterns?service={service}&text={text}&offset={after}");
    Ok(html(&PatternsPage {
        notes: notes(&watched),
        none: watched.logs.is_empty(),
        services: watched.logs.iter().map(|log| log.service.clone()).filter(|name| !name.is_empty()).collect(),
        total: patterns.len(),
        next: (patterns.len() > after).then(more),
        patterns: patterns.iter().skip(offset).take(PATTERNS_SHOWN).map(row).collect(),
        findings: findings.iter().take(FINDINGS_SHOWN).map(finding).collect(),
        text: wanted.text,
        service: wanted.service,
        chrome,
    }))
}

/// The services that logs came from.
pub(super) fn services(state: &AppState, actor: &Actor) -> Result<Vec<String>, engine::Error> {
    let watched = state.stores.patterns.watched(actor)?;
    Ok(watched.logs.into_iter().map(|log| log.service).filter(|name| !name.is_empty()).collect())
}

/// What a reader must know to trust what is shown.
fn notes(watched: &Watched) -> Vec<String> {
    let mut notes: Vec<String> = watched.logs.iter().filter_map(note).collect();
    if watched.unwatched > 0 {
        let most = PatternWatch::LOGS_MAX;
        notes.push(format!("{} lines came from services beyond the {most} that are watched.", watched.unwatched));
    }
    if watched.left_out > 0 {
        notes.push(format!(
            "{} lines came faster than they could be looked at; they are in no count.",
            watched.left_out
        ));
    }
    notes
}

fn note(log: &LogView) -> Option<String> {
    let service = if log.service.is_empty() { "Lines without a service" } else { &log.service };
    let over = log.over.templates + log.over.leaf + log.over.vocabulary;
    match () {
        () if !log.watched => Some(format!("{service}: not watched; the watchbook says so.")),
        () if log.renewed > 0 => Some(format!("{service}: learned anew, because it has too many patterns.")),
        () if over > 0 => Some(format!("{service}: {over} lines fit no pattern, because there are too many.")),
        () => None,
    }
}

fn row(pattern: &PatternView) -> PatternRow {
    let mut marks = Vec::new();
    marks.extend(pattern.new.map(|_| mark(LogFinding::New)));
    marks.extend(pattern.changed.map(mark));
    let labels = format!("service={:?},template=\"{}\"", pattern.service, pattern.id);
    let query = format!("rate(log_template_events_total{{{labels}}}[5m]) * 60");
    let last = pattern.minutes.last().copied().unwrap_or(0);
    let most = pattern.minutes.iter().max().copied().unwrap_or(0);
    PatternRow {
        service: pattern.service.clone(),
        text: pattern.text.clone(),
        href: like(&pattern.service, pattern.id),
        plot: format!("/explore?query={}", encoded(&query)),
        level: level_chip(pattern.level),
        marks,
        lines: number(pattern.lines as f64),
        first: pattern.first,
        last: pattern.last,
        example: pattern.example.clone(),
        spark: spark(&pattern.minutes),
        trend: format!("{last} in the last minute, {most} at most in one of the last hour"),
    }
}

fn mark(finding: LogFinding) -> Chip {
    match finding {
        LogFinding::New => Chip::new(Tone::Info, "New"),
        LogFinding::More => Chip::new(Tone::Warn, "More than usual"),
        LogFinding::Fewer => Chip::new(Tone::Warn, "Fewer than usual"),
    }
}

fn finding(view: &FindingView) -> FindingRow {
    let found = &view.finding;
    FindingRow {
        at: found.at,
        mark: mark(found.what),
        service: view.service.clone(),
        text: found.template.to_string(),
        href: like(&view.service, view.id),
        says: match found.what {
            LogFinding::New => words::count(usize::try_from(found.lines).unwrap_or(0), "line", "lines"),
            LogFinding::More | LogFinding::Fewer => {
                format!("{} lines in a minute, usually {}", found.lines, number(found.usual.round()))
            }
        },
    }
}

/// Lines a minute as a path from left to right, the newest at the right edge.
fn spark(minutes: &[u32]) -> String {
    let most = minutes.iter().max().copied().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let (width, height) = SPARK;
    let first = 60_usize.saturating_sub(minutes.len());
    let point = |(place, lines): (usize, &u32)| {
        let x = f64::from(width) * (first + place) as f64 / 59.0;
        let y = f64::from(height - 1) * (1.0 - f64::from(*lines) / f64::from(most)) + 0.5;
        // A single point is seen as well.
        if place == 0 { format!("M{x:.1} {y:.1}h.01") } else { format!("L{x:.1} {y:.1}") }
    };
    minutes.iter().enumerate().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_ends_at_the_right_edge_and_stays_within() {
        assert_eq!(spark(&[]), "");
        assert_eq!(spark(&[0, 0]), "");
        assert_eq!(spark(&[0, 4]), "M116.0 21.5h.01L118.0 0.5");
        let whole = spark(&[3; 60]);
        assert!(whole.starts_with("M0.0 0.5h.01") && whole.ends_with("L118.0 0.5"), "{whole}");
    }
}
