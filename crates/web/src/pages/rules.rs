//! *Rules*: the rule files at work, group by group, with their alerts and what is wrong with them.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use engine::ruler::{AlertView, GroupView, RuleView};
use kernel::Timestamp;
use kernel::book::rules::LeftOut;
use serde::Deserialize;

use super::frame::{Screen, encoded, frame, html, stop};
use super::rule::address;
use super::view::monitoring::{AlertRow, GroupRow, LeftOutRow, RuleRow, RulesPage};
use super::view::plot::words;
use super::view::{Chip, Tab, Tone, words as spans};
use crate::session::Reader;
use crate::state::AppState;

/// The most alerts that a rule shows.
const ALERTS_SHOWN_MAX: usize = 20;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/rules", get(list))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    text: String,
}

async fn list(State(state): State<AppState>, Reader(session): Reader, Query(wanted): Query<Wanted>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Rules, "Rules", "/rules")?;
    let groups = state.stores.ruler.groups(&session.actor()).await.map_err(stop(&chrome))?;
    let alerts = || groups.iter().flat_map(|group| &group.rules).flat_map(|rule| &rule.alerts);
    let firing = alerts().filter(|alert| alert.firing).count();
    let pending = alerts().count() - firing;
    let failing = groups.iter().flat_map(|group| &group.rules).filter(|rule| rule.error.is_some()).count();
    let rows = groups.iter().map(|group| row(group, &wanted.text)).filter(|group| !group.rules.is_empty()).collect();
    let book = state.engine.book();
    let left_out = book.left_out.iter().map(left_out).collect();
    let slos = book.objectives.slos.len();
    Ok(html(&RulesPage { groups: rows, firing, pending, failing, left_out, slos, text: wanted.text, chrome }))
}

/// The objective of which a group was made; empty for a group of a rule file, whatever its name is.
pub(super) fn objective(group: &GroupView) -> String {
    let made = group.file.starts_with("slo/");
    signals::slo::objective_of(&group.name).filter(|_| made).unwrap_or_default().to_owned()
}

fn left_out(about: &LeftOut) -> LeftOutRow {
    let place = format!("{}:{}", about.file, about.line);
    LeftOutRow { what: about.what.clone(), place, message: about.message.clone() }
}

fn row(group: &GroupView, text: &str) -> GroupRow {
    let text = text.to_lowercase();
    let holds = |what: &str| what.to_lowercase().contains(&text);
    let wanted = |rule: &&RuleView| holds(&rule.name) || holds(&rule.query) || holds(&group.name);
    let rules: Vec<RuleRow> = group.rules.iter().filter(wanted).map(|one| rule(group, one)).collect();
    let objective = objective(group);
    let records = group.rules.iter().all(|rule| !rule.alerting && rule.error.is_none());
    GroupRow {
        name: group.name.clone(),
        file: group.file.clone(),
        source: group.source.clone().unwrap_or_default(),
        node: group.node.clone(),
        interval: seconds(group.interval),
        evaluated: group.evaluated,
        took: format!("{:.1} ms", group.took * 1000.0),
        missed: group.missed,
        folded: records && !objective.is_empty(),
        objective,
        rules,
    }
}

/// A rule as it stands on a screen.
pub(super) fn rule(group: &GroupView, rule: &RuleView) -> RuleRow {
    RuleRow {
        name: rule.name.clone(),
        page: address(&group.name, &rule.name),
        alerting: rule.alerting,
        query: rule.query.clone(),
        explore: format!("/explore?query={}", encoded(&rule.query)),
        hold: if rule.hold > 0.0 { seconds(rule.hold) } else { String::new() },
        state: state_of(rule),
        error: rule.error.clone(),
        line: rule.line,
        alerts: rule.alerts.iter().take(ALERTS_SHOWN_MAX).map(alert).collect(),
        more: rule.alerts.len().saturating_sub(ALERTS_SHOWN_MAX),
    }
}

fn state_of(rule: &RuleView) -> Chip {
    let firing = rule.alerts.iter().filter(|alert| alert.firing).count();
    match rule.alerts.len() {
        _ if rule.error.is_some() => Chip::new(Tone::Bad, "Fails"),
        _ if !rule.alerting => Chip::new(Tone::Plain, "Records"),
        _ if firing > 0 => Chip::new(Tone::Bad, format!("{firing} firing")),
        0 => Chip::new(Tone::Ok, "Quiet"),
        pending => Chip::new(Tone::Warn, format!("{pending} pending")),
    }
}

fn alert(alert: &AlertView) -> AlertRow {
    let text = |name: &str| alert.annotations.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
    let state = match (alert.firing, alert.missing_since) {
        _ if alert.flapping => Chip::new(Tone::Warn, "Flapping"),
        (true, Some(_)) => Chip::new(Tone::Bad, "Firing, no samples"),
        (true, None) => Chip::new(Tone::Bad, "Firing"),
        (false, _) => Chip::new(Tone::Warn, "Pending"),
    };
    AlertRow {
        labels: alert.labels.to_string(),
        summary: text("summary").or_else(|| text("description")).unwrap_or_default(),
        state,
        since: Timestamp::from_millisecond(alert.since).unwrap_or_default(),
        value: words(alert.value),
    }
}

fn seconds(span: f64) -> String {
    if span.fract() == 0.0 && span >= 1.0 { spans::span(span as u64) } else { format!("{span} s") }
}
