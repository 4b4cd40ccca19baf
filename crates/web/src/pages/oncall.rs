//! *On call*: who is on duty now and for the next four weeks, and the form by which somebody takes a shift.

use alerts::oncall::{self, By};
use alerts::{Override, OverrideId, Shift};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use engine::{Read, World};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kernel::book::Schedule;
use kernel::{ScheduleName, Seconds, Timestamp};

use super::form::{Fields, Form, unprocessed, with_refusal, word, wrong};
use super::frame::{Screen, frame, html, refused, stop};
use super::rows;
use super::view::oncall::{Bar, OnCallPage, OverrideRow, ScheduleView, ShiftRow, Week};
use super::view::{Chrome, Refused, Tab, words};
use crate::session::{Reader, Session};
use crate::state::AppState;

/// How many weeks are shown.
const WEEKS: u32 = 4;
/// A week, in seconds.
const WEEK: u32 = 7 * 86_400;
/// Narrower bars carry no text, in percent of a week.
const TEXT_FROM: f64 = 9.0;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/oncall", get(list))
        .route("/oncall/{schedule}/override", post(take))
        .route("/oncall/overrides/{id}/cancel", post(cancel))
}

async fn list(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::OnCall, "On call", "/oncall")?;
    page(&state, &session, chrome)
}

fn page(state: &AppState, session: &Session, chrome: Chrome) -> Screen {
    let stopped = stop(&chrome);
    let page = state.engine.read(&session.actor(), Read::of("alerts:read"), |world| {
        let schedules = world.book.schedules.iter().map(|(name, one)| schedule(world, name, one, chrome.now));
        OnCallPage {
            schedules: schedules.collect(),
            people: world.book.people.keys().map(|name| rows::person(&world.book, name)).collect(),
            chrome,
        }
    });
    page.map(|page| html(&page)).map_err(stopped)
}

fn schedule(world: &World, name: &ScheduleName, schedule: &Schedule, now: Timestamp) -> ScheduleView {
    let (book, zone) = (&world.book, &schedule.time_zone);
    let overrides = world.alerts.overrides(name);
    // The strip begins at midnight of today, where the schedule lives.
    let midnight = zone.to_timestamp(zone.to_datetime(now).date().at(0, 0, 0, 0)).unwrap_or(now);
    let end = Seconds(WEEK * WEEKS).after(midnight);
    let shifts = oncall::shifts(schedule, overrides, midnight, end);
    let gaps = shifts.iter().filter(|shift| shift.on_duty.is_none());
    let uncovered: u32 = gaps.map(|shift| kernel::time::between(shift.from.max(now), shift.until).0).sum();
    let mut people: Vec<_> = schedule.layers.iter().flat_map(|layer| &layer.people).collect();
    people.sort();
    people.dedup();
    ScheduleView {
        duty: rows::duty(world, name, schedule, now),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        weeks: (0..WEEKS).map(|week| strip(world, zone, &shifts, Seconds(week * WEEK).after(midnight), now)).collect(),
        people: people.into_iter().map(|name| rows::person(book, name)).collect(),
        uncovered_hours: uncovered / 3600,
        overrides: overrides.iter().filter(|one| one.until > now).map(|one| override_row(world, zone, one)).collect(),
        shifts: shifts.iter().filter(|shift| shift.until > now).map(|shift| shift_row(world, zone, shift)).collect(),
        form_from: civil(zone, now, "%Y-%m-%dT%H:%M"),
        form_until: civil(zone, Seconds::hours(8).after(now), "%Y-%m-%dT%H:%M"),
    }
}

fn civil(zone: &TimeZone, at: Timestamp, format: &str) -> String {
    zone.to_datetime(at).strftime(format).to_string()
}

/// Where an instant is within a week, in percent from the left.
fn place(start: Timestamp, at: Timestamp) -> f64 {
    f64::from(kernel::time::between(start, at).0.min(WEEK)) * 100.0 / f64::from(WEEK)
}

fn strip(world: &World, zone: &TimeZone, shifts: &[Shift], start: Timestamp, now: Timestamp) -> Week {
    let end = Seconds(WEEK).after(start);
    let within = shifts.iter().filter(|shift| shift.from < end && shift.until > start);
    let day = |n: u32| {
        let at = Seconds(n * 86_400).after(start);
        (format!("{:.3}", place(start, at)), civil(zone, at, "%a %-d"))
    };
    Week {
        label: civil(zone, start, "%-d %b"),
        days: (0..7).map(day).collect(),
        bars: within.map(|shift| bar(world, zone, shift, start, end)).collect(),
        now: (start <= now && now < end).then(|| format!("{:.3}", place(start, now))),
    }
}

fn bar(world: &World, zone: &TimeZone, shift: &Shift, start: Timestamp, end: Timestamp) -> Bar {
    let (from, until) = (shift.from.max(start), shift.until.min(end));
    let (x, width) = (place(start, from), place(start, until) - place(start, from));
    let person = shift.on_duty.as_ref().map(|(name, _)| rows::person(&world.book, name));
    let title = person.as_ref().map_or("nobody", |person| &person.title);
    let tip = format!(
        "{title}, {} to {}",
        civil(zone, shift.from, "%a %-d %b %H:%M"),
        civil(zone, shift.until, "%a %-d %b %H:%M")
    );
    Bar {
        text: if width >= TEXT_FROM { title.to_owned() } else { String::new() },
        colour: person.as_ref().map_or(0, |person| words::colour(&person.name)),
        overridden: is_override(shift),
        x: format!("{x:.3}"),
        width: format!("{width:.3}"),
        person,
        tip,
    }
}

fn is_override(shift: &Shift) -> bool {
    matches!(shift.on_duty, Some((_, By::Override { .. })))
}

fn shift_row(world: &World, zone: &TimeZone, shift: &Shift) -> ShiftRow {
    ShiftRow {
        person: shift.on_duty.as_ref().map(|(name, _)| rows::person(&world.book, name)),
        from: civil(zone, shift.from, "%a %-d %b %H:%M"),
        until: civil(zone, shift.until, "%a %-d %b %H:%M"),
        overridden: is_override(shift),
    }
}

fn override_row(world: &World, zone: &TimeZone, one: &Override) -> OverrideRow {
    OverrideRow {
        id: one.id.0,
        person: rows::person(&world.book, &one.person),
        from: civil(zone, one.from, "%a %-d %b %H:%M"),
        until: civil(zone, one.until, "%a %-d %b %H:%M"),
        by: rows::actor(&world.book, &one.actor),
    }
}

async fn take(State(state): State<AppState>, Path(name): Path<ScheduleName>, form: Form) -> Screen {
    let session = form.session("/oncall")?.clone();
    let asked = match shift(&state, &name, &form.fields) {
        Ok(command) => {
            let asked = state.engine.ask(&session.actor(), command).await;
            asked.map_err(|error| Box::new(refused(name.as_str(), error, &form.fields.0)))
        }
        Err(refused) => Err(refused),
    };
    match asked {
        Ok(_) => Ok(Redirect::to("/oncall").into_response()),
        Err(refused) => {
            let (chrome, session) = frame(&state, Some(&session), Tab::OnCall, "On call", "/oncall")?;
            unprocessed(page(&state, &session, with_refusal(chrome, *refused)))
        }
    }
}

fn shift(state: &AppState, name: &ScheduleName, fields: &Fields) -> Result<alerts::Command, Box<Refused>> {
    let book = state.engine.book();
    let zone = book.schedules.get(name).map_or(TimeZone::UTC, |schedule| schedule.time_zone.clone());
    let instant = |field: &str| {
        let civil: DateTime = word(name.as_str(), fields, field)?;
        let there = zone.to_timestamp(civil);
        there.map_err(|error| wrong(name.as_str(), fields, field, error.to_string()))
    };
    Ok(alerts::Command::OverrideShift {
        schedule: name.clone(),
        person: word(name.as_str(), fields, "person")?,
        from: instant("from")?,
        until: instant("until")?,
    })
}

async fn cancel(State(state): State<AppState>, Path(id): Path<u32>, form: Form) -> Screen {
    let session = form.session("/oncall")?.clone();
    let (chrome, _) = frame(&state, Some(&session), Tab::OnCall, "On call", "/oncall")?;
    let command = alerts::Command::CancelOverride { id: OverrideId(id) };
    state.engine.ask(&session.actor(), command).await.map_err(stop(&chrome))?;
    Ok(Redirect::to("/oncall").into_response())
}
