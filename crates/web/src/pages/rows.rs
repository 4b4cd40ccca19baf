//! Rows that several screens share, made from the world. Nothing here decides anything.

use alerts::{AlertView, Page, Phase, Status, oncall};
use engine::World;
use incidents::Incident;
use kernel::book::Schedule;
use kernel::{Actor, Book, PersonName, ScheduleName, ServiceName, Timestamp};

use super::view::now::{AlertGroup, AlertRow, ChangeRow, Duty, IncidentRow};
use super::view::page::PageRow;
use super::view::{Chip, Named, Tone};

/// How many alerts one group shows.
const GROUP_ALERTS_MAX: usize = 20;
/// How many alerts are looked at for a screen.
const ALERTS_LOOKED_AT_MAX: usize = 2000;
/// How many changes a screen shows.
const CHANGES_MAX: usize = 8;
/// The labels that are said elsewhere in a row.
const SAID_ELSEWHERE: [&str; 3] = ["alertname", "service", "severity"];

/// A person with what people call them.
pub(super) fn person(book: &Book, name: &PersonName) -> Named {
    Named::new(name.as_str(), book.people.get(name).map_or(name.as_str(), |person| &person.title))
}

/// A sentence of ours that begins with the name of a person, with what people call them instead.
pub(super) fn titled(book: &Book, text: &str) -> String {
    let begins = text.split_once(' ').and_then(|(name, rest)| Some((PersonName::new(name).ok()?, rest)));
    match begins.filter(|(name, _)| book.people.contains_key(name)) {
        Some((name, rest)) => format!("{} {rest}", person(book, &name).title),
        None => text.to_owned(),
    }
}

/// An actor as people say it.
pub(super) fn actor(book: &Book, actor: &Actor) -> String {
    match actor {
        Actor::Person(name) => person(book, name).title,
        Actor::Integration(name) => format!("program {name}"),
        Actor::System(_) => "Watchkeeper".to_owned(),
        Actor::Anonymous => "somebody".to_owned(),
    }
}

/// A service with what people call it.
pub(super) fn service(book: &Book, name: &ServiceName) -> Named {
    Named::new(name.as_str(), book.services.get(name).map_or(name.as_str(), |service| &service.title))
}

/// An incident in a list.
pub(super) fn incident(book: &Book, incident: &Incident) -> IncidentRow {
    IncidentRow {
        id: incident.id.0,
        severity: incident.severity,
        title: incident.title.clone(),
        phase: phase(incident.phase).chip(),
        impact: impact(&incident.impact),
        commander: incident.commander().map(|name| person(book, name)),
        declared_at: incident.declared_at,
        resolved_at: incident.resolved_at,
        update_due: incident.update_due,
    }
}

/// What users notice, else which functions are hurt: one line has room for no more.
fn impact(impact: &kernel::Impact) -> String {
    let said = if impact.summary.is_empty() { impact.functions.join(", ") } else { impact.summary.clone() };
    match impact.users_percent {
        Some(percent) => format!("{percent} % of users: {said}").trim_end_matches(": ").to_owned(),
        None => said,
    }
}

/// Where an incident stands.
pub(super) fn phase(phase: incidents::Phase) -> super::view::incident::Phase {
    match phase {
        incidents::Phase::Open => super::view::incident::Phase::Open,
        incidents::Phase::Mitigated => super::view::incident::Phase::Mitigated,
        incidents::Phase::Resolved => super::view::incident::Phase::Resolved,
    }
}

/// A page in a list.
pub(super) fn page(book: &Book, page: &Page) -> PageRow {
    let state = match &page.phase {
        Phase::Told => Chip::new(Tone::Warn, "Paging"),
        Phase::Acknowledged { .. } => Chip::new(Tone::Info, "Acknowledged"),
        Phase::Exhausted => Chip::new(Tone::Bad, "Nobody answered"),
        Phase::Closed { .. } => Chip::new(Tone::Ok, "Closed"),
    };
    let steps = page.policy.as_ref().and_then(|name| book.policies.get(name)).map_or(0, |policy| policy.steps.len());
    PageRow {
        id: page.id.0,
        severity: page.severity,
        title: page.title.clone(),
        service: page.service.as_ref().map(|name| service(book, name)),
        state,
        open: page.is_open() && !page.is_acknowledged(),
        opened_at: page.opened_at,
        step: page.step + 1,
        steps: u32::try_from(steps).unwrap_or(u32::MAX),
        escalates_at: page.escalates_at.filter(|_| page.is_open() && !page.is_acknowledged()),
        told: told(book, page),
    }
}

/// Who was told last, and what came of it.
fn told(book: &Book, page: &Page) -> String {
    let Some(last) = page.requests.last() else { return "nobody was told".to_owned() };
    let whom = last.person.as_ref().map_or_else(|| last.address.to_string(), |name| person(book, name).title);
    let came = match &last.status {
        Status::Pending { reason: None } => "on its way".to_owned(),
        Status::Pending { reason: Some(reason) } => format!("trying again: {reason}"),
        Status::Accepted { .. } => "delivered".to_owned(),
        Status::Failed { reason } => format!("failed: {reason}"),
    };
    format!("{whom} by {}, {came}", last.address.channel)
}

/// An alert in a list.
pub(super) fn alert(world: &World, view: &AlertView<'_>) -> AlertRow {
    let book = &world.book;
    let page = view.pages().next();
    let (verdict, why) = match (view.muted(), page) {
        (Some(mute), _) => (Chip::new(Tone::Plain, "Muted"), engine::react::muted_because(mute)),
        (None, Some(page)) if page.is_acknowledged() => (Chip::new(Tone::Info, "Acknowledged"), told(book, page)),
        (None, Some(page)) => (Chip::new(Tone::Warn, "Paged"), told(book, page)),
        (None, None) => (Chip::new(Tone::Plain, "Waiting"), "its group waits before it pages".to_owned()),
    };
    let labels = view.labels();
    let shown = labels.iter().filter(|(name, _)| !SAID_ELSEWHERE.contains(name));
    AlertRow {
        fingerprint: view.fingerprint().to_string(),
        severity: book.severity_of(labels).map(|rule| rule.severity),
        title: title(view),
        labels: shown.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        since: view.starts_at(),
        verdict,
        why,
        muted: view.muted().is_some(),
        page: page.map(|page| page.id.0),
    }
}

/// An alert in one line: its summary, else its name.
fn title(view: &AlertView<'_>) -> String {
    let summary = view.annotations().get("summary");
    summary.or_else(|| view.labels().get("alertname")).unwrap_or("an alert without a name").to_owned()
}

/// What fires, by service, the most critical first. `wanted` chooses by service.
pub(super) fn groups(world: &World, wanted: impl Fn(Option<&ServiceName>) -> bool) -> Vec<AlertGroup> {
    let book = &world.book;
    let (views, _) = world.alerts.alerts_from(0, ALERTS_LOOKED_AT_MAX);
    let mut groups: std::collections::BTreeMap<Option<ServiceName>, Vec<AlertRow>> = std::collections::BTreeMap::new();
    for view in &views {
        let service = book.service_of(view.labels()).map(|(name, _)| name);
        if wanted(service) {
            groups.entry(service.cloned()).or_default().push(alert(world, view));
        }
    }
    let mut all: Vec<AlertGroup> = groups.into_iter().map(|(name, rows)| group(book, name, rows)).collect();
    all.sort_by_key(|group| group.tier.unwrap_or(u8::MAX));
    all
}

fn group(book: &Book, name: Option<ServiceName>, mut rows: Vec<AlertRow>) -> AlertGroup {
    rows.sort_by_key(|row| (row.muted, row.severity.map_or(u8::MAX, |severity| severity as u8), row.since));
    let more = rows.len().saturating_sub(GROUP_ALERTS_MAX);
    rows.truncate(GROUP_ALERTS_MAX);
    let tier = name.as_ref().and_then(|name| book.services.get(name)).map(|service| service.tier);
    AlertGroup { service: name.map(|name| service(book, &name)), tier, alerts: rows, more }
}

/// Who is on call for each schedule.
pub(super) fn duties(world: &World, now: Timestamp) -> Vec<Duty> {
    world.book.schedules.iter().map(|(name, schedule)| duty(world, name, schedule, now)).collect()
}

/// Who is on call for a schedule, and who comes next.
pub(super) fn duty(world: &World, name: &ScheduleName, schedule: &Schedule, now: Timestamp) -> Duty {
    let (book, overrides) = (&world.book, world.alerts.overrides(name));
    let duty = oncall::on_call(schedule, overrides, now);
    let next = duty.as_ref().and_then(|duty| oncall::on_duty(schedule, overrides, duty.until)).map(|(name, _)| name);
    let local = duty
        .as_ref()
        .and_then(|duty| book.people.get(&duty.person))
        .map(|person| format!("{} there", person.time_zone.to_datetime(now).strftime("%H:%M")));
    Duty {
        schedule: Named::new(name.as_str(), &schedule.title),
        person: duty.as_ref().map(|duty| person(book, &duty.person)),
        until: duty.as_ref().map(|duty| duty.until),
        next: next.map(|name| person(book, &name)),
        overridden: duty.is_some_and(|duty| matches!(duty.by, oncall::By::Override { .. })),
        local,
    }
}

/// The newest changes; `wanted` chooses by service.
pub(super) fn changes(world: &World, wanted: impl Fn(Option<&ServiceName>) -> bool) -> Vec<ChangeRow> {
    let web = |href: &str| href.starts_with("https://") || href.starts_with("http://");
    let row = |change: &signals::Change| ChangeRow {
        summary: change.summary.clone(),
        service: change.service.as_ref().map(|name| service(&world.book, name)),
        source: change.source.clone(),
        at: change.at,
        link: change.links.iter().map(|link| link.href.clone()).find(|href| web(href)),
    };
    world.signals.changes().filter(|change| wanted(change.service.as_ref())).take(CHANGES_MAX).map(row).collect()
}
