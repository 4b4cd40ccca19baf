//! One alerting rule: what it asks, what it says now, and how noisy it was.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use engine::noise::RuleNoise;
use signals::noise::Noise;

use super::frame::{Screen, encoded, frame, html, missing, stop};
use super::rules::{objective, rule as rule_row};
use super::view::detection::{NoiseCard, RulePage};
use super::view::{Tab, words};
use crate::api::NOISE_SINCE;
use crate::noise;
use crate::session::Reader;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/rules/{group}/{rule}", get(show))
}

/// Where the screen of a rule is.
pub(super) fn address(group: &str, rule: &str) -> String {
    format!("/rules/{}/{}", encoded(group), encoded(rule))
}

async fn show(
    State(state): State<AppState>,
    Reader(session): Reader,
    Path((group, name)): Path<(String, String)>,
) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Rules, &name, &address(&group, &name))?;
    let groups = state.stores.ruler.groups(&session.actor()).await.map_err(stop(&chrome))?;
    let of_group = groups.iter().filter(|known| known.name == group);
    let found: Vec<_> = of_group
        .flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
        .filter(|(_, rule)| rule.alerting && rule.name == name)
        .collect();
    let Some((first, _)) = found.first() else {
        return Err(missing(&chrome, format!("alerting rule {name} in a group {group}")));
    };
    let report = noise::of(&state, &session.actor(), NOISE_SINCE).await.map_err(stop(&chrome))?;
    let of_rule = report.rules.iter().filter(|told| told.group == group && told.rule == name);
    Ok(html(&RulePage {
        name: name.clone(),
        group: group.clone(),
        file: first.file.clone(),
        objective: objective(first),
        rules: found.iter().map(|(group, rule)| rule_row(group, rule)).collect(),
        from: report.from,
        noise: of_rule.map(card).collect(),
        chrome,
    }))
}

fn card(told: &RuleNoise) -> NoiseCard {
    let noise = &told.noise;
    let of_all = |part: usize| format!("{part} of {}", noise.firings);
    NoiseCard {
        line: told.line,
        firings: noise.firings,
        rows: rows(noise, &of_all),
        suggestion: noise.suggestion.as_ref().map(|suggestion| suggestion.text.clone()),
    }
}

fn rows(noise: &Noise, of_all: &dyn Fn(usize) -> String) -> Vec<(&'static str, String)> {
    let span = |span: Option<i64>| span.map_or_else(String::new, lasted);
    vec![
        ("fired", format!("{}, {:.1} a week, {}", times(noise.firings), noise.per_week, alerts(noise.alerts))),
        ("paged", of_all(noise.paged)),
        ("acted on", of_all(noise.acted_on)),
        ("acknowledged", of_all(noise.acknowledged)),
        ("led to an incident", of_all(noise.incidents)),
        ("paged, and ignored", of_all(noise.ignored)),
        ("lasted", format!("{} in the middle, {} at most", span(noise.median), span(noise.longest))),
        ("over in five minutes", of_all(noise.short)),
        ("back within fifteen", of_all(noise.flaps)),
        ("not over", of_all(noise.open)),
    ]
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn alerts(count: usize) -> String {
    format!("of {}", words::count(count, "alert", "alerts"))
}

fn lasted(span: i64) -> String {
    words::span(u64::try_from(span / 1000).unwrap_or_default())
}
