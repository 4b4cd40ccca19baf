//! *Checks*: every health check of the watchbook and what it found last; failing ones first.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use engine::{Read, World};
use kernel::RuleName;
use kernel::book::{Check, Probe};

use super::frame::{Screen, frame, html, stop};
use super::rows;
use super::view::monitoring::{CheckRow, ChecksPage};
use super::view::{Chip, Tab, Tone};
use crate::session::Reader;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/checks", get(list))
}

async fn list(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Checks, "Checks", "/checks")?;
    let book = state.engine.book();
    let checks = state.engine.read(&session.actor(), Read::of("signals:read"), |world| {
        let mut rows: Vec<CheckRow> = book.checks.iter().map(|(name, check)| row(world, &book, name, check)).collect();
        rows.sort_by_key(|row| row.state.tone != Tone::Bad);
        rows
    });
    let checks = checks.map_err(stop(&chrome))?;
    Ok(html(&ChecksPage { checks, chrome }))
}

fn row(world: &World, book: &kernel::Book, name: &RuleName, check: &Check) -> CheckRow {
    let note = world.signals.check(name);
    let state = match note {
        None if matches!(check.probe, Probe::Heartbeat(_)) => Chip::new(Tone::Plain, "Awaiting a beat"),
        None => Chip::new(Tone::Plain, "Not asked yet"),
        Some(note) if note.healthy => Chip::new(Tone::Ok, "Healthy"),
        Some(_) if world.signals.failing(name).is_some() => Chip::new(Tone::Bad, "Failing"),
        Some(note) => {
            let (failed, tally) = (check.tally.count(note.history), check.tally);
            let among = if tally.in_a_row() { String::new() } else { format!(" in {} looks", tally.among()) };
            Chip::new(Tone::Warn, format!("Failed {failed} of {}{among}", tally.failures()))
        }
    };
    CheckRow {
        name: name.to_string(),
        service: rows::service(book, &check.service),
        asks: check.probe.subject(),
        every: check.every.to_string(),
        state,
        why: note.filter(|note| !note.healthy).map_or_else(String::new, |note| note.reason.clone()),
        at: note.map(|note| note.at),
        latency_ms: note.filter(|_| !matches!(check.probe, Probe::Heartbeat(_))).map(|note| note.latency_ms),
    }
}
