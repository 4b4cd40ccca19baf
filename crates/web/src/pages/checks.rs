//! *Checks*: every health check of the watchbook and what it found last, and every target that is scraped; failing ones first.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use connectors::scrape::{Health, TargetView};
use engine::react::muted_because;
use engine::{Read, World};
use kernel::RuleName;
use kernel::book::{Check, Probe};

use super::frame::{Screen, frame, html, stop};
use super::rows;
use super::view::monitoring::{CheckRow, ChecksPage, TargetRow};
use super::view::{Chip, Tab, Tone, words};
use crate::session::Reader;
use crate::state::AppState;

/// The most targets that the page shows, those that are down first.
const TARGETS_SHOWN_MAX: usize = 500;

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
    let (targets, troubles) = (state.stores.targets.active(), state.stores.targets.troubles());
    let mut targets: Vec<TargetRow> = targets.into_iter().map(target).collect();
    let more = targets.len().saturating_sub(TARGETS_SHOWN_MAX);
    targets.sort_by_key(|row| row.state.tone != Tone::Bad);
    targets.truncate(TARGETS_SHOWN_MAX);
    Ok(html(&ChecksPage { checks, targets, more, troubles, chrome }))
}

fn target(view: TargetView) -> TargetRow {
    let state = match view.health {
        Health::Unknown => Chip::new(Tone::Plain, "Not asked yet"),
        Health::Up if view.refused.is_empty() => Chip::new(Tone::Ok, "Up"),
        Health::Up => Chip::new(Tone::Warn, "Not all kept"),
        Health::Down => Chip::new(Tone::Bad, "Down"),
    };
    TargetRow {
        job: view.target.job,
        instance: view.target.labels.get("instance").to_owned(),
        url: view.target.url,
        state,
        why: if view.error.is_empty() { view.refused } else { view.error },
        samples: if view.scraped == view.kept {
            view.scraped.to_string()
        } else {
            format!("{} of {}", view.kept, view.scraped)
        },
        every: words::span(view.target.interval.as_secs()),
        at: view.at,
        took: format!("{:.0} ms", view.took.as_secs_f64() * 1000.0),
    }
}

/// Why nobody is paged for what a check has raised; `None` where somebody may be, or it raised nothing.
fn muted(world: &World, name: &RuleName) -> Option<String> {
    let alert = world.signals.failing(name)?.labels.fingerprint();
    world.alerts.alert(alert)?.muted().map(muted_because)
}

fn row(world: &World, book: &kernel::Book, name: &RuleName, check: &Check) -> CheckRow {
    let note = world.signals.check(name);
    let muted = muted(world, name);
    let state = match note {
        None if matches!(check.probe, Probe::Heartbeat(_)) => Chip::new(Tone::Plain, "Awaiting a beat"),
        None => Chip::new(Tone::Plain, "Not asked yet"),
        Some(note) if note.healthy => Chip::new(Tone::Ok, "Healthy"),
        Some(_) if muted.is_some() => Chip::new(Tone::Warn, "Failing, muted"),
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
        muted: muted.unwrap_or_default(),
        at: note.map(|note| note.at),
        latency_ms: note.filter(|_| !matches!(check.probe, Probe::Heartbeat(_))).map(|note| note.latency_ms),
    }
}
