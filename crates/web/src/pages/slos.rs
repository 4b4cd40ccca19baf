//! *SLOs*: every service-level objective, how fast its error budget burns and how much of it is left.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use kernel::Timestamp;
use kernel::book::slo::Urgency;
use signals::slo::{Burn, duration};

use super::frame::{Screen, encoded, frame, html, stop};
use super::view::detection::{BurnRow, SloRow, SlosPage};
use super::view::{Chip, Tab, Tone};
use crate::objectives::{self, Standing};
use crate::session::Reader;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/slos", get(list))
}

async fn list(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Rules, "SLOs", "/slos")?;
    let all = objectives::all(&state, &session.actor()).await.map_err(stop(&chrome))?;
    let slos = all.iter().map(row).collect();
    Ok(html(&SlosPage { slos, chrome }))
}

fn row(standing: &Standing) -> SloRow {
    let (slo, status) = (&standing.placed.slo, standing.status.as_ref().ok());
    let left = status.and_then(|status| status.budget_left);
    let rate = status.and_then(|status| status.burn_rate);
    SloRow {
        service: slo.service.clone(),
        name: slo.name.clone(),
        description: slo.description.clone(),
        promise: match status {
            Some(status) => format!("{} % over {}", status.objective, duration(status.period)),
            None => format!("{} %", slo.objective.as_percent()),
        },
        state: match (standing.burning(), rate) {
            (Some(Urgency::Page), _) => Chip::new(Tone::Bad, "Burns fast"),
            (Some(Urgency::Ticket), _) => Chip::new(Tone::Warn, "Burns"),
            (None, Some(_)) => Chip::new(Tone::Ok, "Holds"),
            (None, None) => Chip::new(Tone::Plain, "No samples"),
        },
        rate: rate.map(times).unwrap_or_default(),
        left: left.map(budget).unwrap_or_default(),
        filled: left.map_or(0, whole_percent),
        spent: left.is_some_and(|left| left <= 0.0),
        known_since: status.and_then(|s| s.known_since).and_then(|at| Timestamp::from_millisecond(at).ok()),
        burns: status.map(|status| status.burns.iter().map(burn).collect()).unwrap_or_default(),
        place: format!("{}:{}", standing.placed.file, standing.placed.line),
        rules: format!("/rules?text={}", encoded(&slo.id())),
        error: standing.status.as_ref().err().cloned(),
    }
}

fn burn(burn: &Burn) -> BurnRow {
    let speed = |over: Option<f64>| over.map_or_else(|| "no samples".to_owned(), times);
    BurnRow {
        urgency: burn.urgency.word(),
        windows: format!("{} and {}", duration(burn.short), duration(burn.long)),
        alerts_at: times(burn.factor),
        over_short: speed(burn.over_short),
        over_long: speed(burn.over_long),
        burning: burn.burning,
    }
}

/// How many times faster than allowed.
fn times(speed: f64) -> String {
    format!("{speed:.1}×")
}

/// What is left of a budget; what was spent several times over is said so.
fn budget(left: f64) -> String {
    if left > -1.0 { percent(left) } else { format!("none, it was spent {:.0} times over", 1.0 - left) }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A share for a meter, between nothing and all.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
fn whole_percent(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u8
}
