//! *Security rules*: the Sigma rules at work, what they found, how often they were right, and what is excepted from them.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use engine::sigma::{SigmaRuleView, SigmaView};
use serde::Deserialize;
use signals::sigma::{Exception, Handling, Level, Verdict};

use super::form::{Fields, Form, onward, unprocessed, with_refusal, word};
use super::frame::{Screen, frame, html, refused, stop};
use super::view::sigma::{ExceptionRow, MatchRow, SecurityPage, SecurityRow};
use super::view::{Chip, Chrome, Refused, Tab, Tone};
use crate::session::{Reader, Session};
use crate::state::AppState;

/// The most rules that the page shows; a search finds the others.
const RULES_SHOWN_MAX: usize = 200;
/// The most reasons for which something is not in use that are shown.
const WRONG_SHOWN_MAX: usize = 50;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/sigma", get(list)).route("/sigma/judge", post(judge))
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    text: String,
}

async fn list(State(state): State<AppState>, Reader(session): Reader, Query(wanted): Query<Wanted>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Sigma, "Security rules", "/sigma")?;
    page(&state, &session, chrome, wanted).await
}

async fn page(state: &AppState, session: &Session, chrome: Chrome, wanted: Wanted) -> Screen {
    let view = state.stores.sigma.view(&session.actor()).await.map_err(stop(&chrome))?;
    let mut found: Vec<&SigmaRuleView> = view.rules.iter().filter(|rule| rule.holds(&wanted.text)).collect();
    found.sort_by_key(|rule| (urgency(rule), std::cmp::Reverse(rule.in_a_day)));
    let rows = found.iter().take(RULES_SHOWN_MAX).map(|rule| row(rule)).collect();
    let more = found.len().saturating_sub(RULES_SHOWN_MAX);
    Ok(html(&security(view, rows, more, wanted.text, chrome)))
}

fn security(view: SigmaView, rows: Vec<SecurityRow>, more: usize, text: String, chrome: Chrome) -> SecurityPage {
    let count = |wanted: &dyn Fn(&SigmaRuleView) -> bool| view.rules.iter().filter(|rule| wanted(rule)).count();
    let wrong = view.wrong.iter().take(WRONG_SHOWN_MAX);
    SecurityPage {
        rules: view.rules.len(),
        standing: count(&|rule| rule.handling == Handling::Page && !rule.standing.is_empty()),
        tuning: count(&|rule| matches!(rule.handling, Handling::Tune { .. })),
        shadow: count(&|rule| rule.handling == Handling::Shadow),
        events: view.events,
        left_out: view.left_out,
        too_late: view.uncounted.too_late,
        expired: view.expired.iter().map(exception).collect(),
        not_in_use: wrong.map(|wrong| wrong.what.to_string()).collect(),
        more_not_in_use: view.wrong.len().saturating_sub(WRONG_SHOWN_MAX),
        rows,
        more,
        text,
        chrome,
    }
}

/// What asks for somebody stands first.
fn urgency(rule: &SigmaRuleView) -> u8 {
    match rule.handling {
        Handling::Tune { .. } => 0,
        Handling::Page if !rule.standing.is_empty() => 1,
        Handling::Shadow => 2,
        Handling::Page | Handling::Shown => 3,
    }
}

fn row(view: &SigmaRuleView) -> SecurityRow {
    let rule = &view.rule;
    SecurityRow {
        name: view.name.to_string(),
        title: rule.title.clone(),
        file: rule.file.clone(),
        author: rule.author.clone().unwrap_or_default(),
        level: level(rule.level),
        state: state_of(view),
        in_a_day: view.in_a_day,
        last: view.seen.last,
        precision: precision(view),
        exceptions: rule.exceptions.iter().map(exception).collect(),
        waits_for: rule.waits_for.join(", "),
        matches: view.seen.sights.iter().map(|sight| matched(view, sight)).collect(),
    }
}

fn matched(view: &SigmaRuleView, sight: &signals::sigma::Sight) -> MatchRow {
    let raised =
        view.handling == Handling::Page && view.standing.iter().any(|one| one.labels.fingerprint() == sight.alert);
    MatchRow {
        at: sight.at,
        alert: sight.alert.to_string(),
        raised,
        evidence: sight.evidence.clone(),
        group: sight.group.to_string(),
    }
}

fn level(level: Level) -> Chip {
    match level {
        Level::Critical => Chip::new(Tone::Bad, "Critical"),
        Level::High => Chip::new(Tone::Warn, "High"),
        Level::Medium => Chip::new(Tone::Plain, "Medium"),
        Level::Low => Chip::new(Tone::Plain, "Low"),
        Level::Informational => Chip::new(Tone::Plain, "Informational"),
    }
}

fn state_of(view: &SigmaRuleView) -> Chip {
    match (view.handling, view.standing.len()) {
        _ if !view.rule.waits_for.is_empty() => Chip::new(Tone::Warn, "Waits for a pipeline"),
        (Handling::Tune { .. }, _) => Chip::new(Tone::Warn, "Needs tuning, pages nobody"),
        (Handling::Shadow, _) => Chip::new(Tone::Plain, "On trial"),
        (Handling::Shown, _) => Chip::new(Tone::Plain, "Only shown"),
        (Handling::Page, 0) => Chip::new(Tone::Ok, "Quiet"),
        (Handling::Page, count) => Chip::new(Tone::Bad, format!("{count} raised")),
    }
}

fn precision(view: &SigmaRuleView) -> String {
    match view.verdicts.precision() {
        Some(share) => format!("{:.0} %, {} judged", share * 100.0, view.verdicts.count()),
        None => "not judged".to_owned(),
    }
}

fn exception(exception: &Exception) -> ExceptionRow {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    ExceptionRow {
        title: exception.title.clone(),
        owner: said(&exception.owner),
        reason: said(&exception.reason),
        expires: exception.expires.map(|day| day.to_string()).unwrap_or_default(),
    }
}

/// What the form asks.
fn judgement(fields: &Fields) -> Result<signals::Command, Box<Refused>> {
    let verdict = match fields.get("verdict") {
        "true_positive" => Verdict::TruePositive,
        _ => Verdict::FalsePositive,
    };
    Ok(signals::Command::Judge {
        rule: word("judge", fields, "rule")?,
        alert: word("judge", fields, "alert")?,
        verdict,
        note: fields.get("note").to_owned(),
    })
}

async fn judge(State(state): State<AppState>, form: Form) -> Screen {
    let session = form.session("/sigma")?.clone();
    let answer = match judgement(&form.fields) {
        Ok(command) => {
            let asked = state.engine.ask(&session.actor(), command).await;
            asked.map_err(|error| Box::new(refused("judge", error, &form.fields.0)))
        }
        Err(refused) => Err(refused),
    };
    let Err(refused) = answer else {
        return Ok(Redirect::to(onward(form.fields.get("back"), "/sigma")).into_response());
    };
    let (chrome, session) = frame(&state, Some(&session), Tab::Sigma, "Security rules", "/sigma")?;
    unprocessed(page(&state, &session, with_refusal(chrome, *refused), Wanted::default()).await)
}
