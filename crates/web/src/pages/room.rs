//! *Incident room*, the list of incidents, and the form that declares one. What the forms ask is in `acts`.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use comms::{ComponentStatus, Stage};
use engine::{Read, World};
use incidents::{Incident, IncidentRole};
use kernel::{IncidentId, Seconds, Sensitivity, Severity};
use serde::Deserialize;

use super::form::{unprocessed, with_refusal};
use super::frame::{LIST_MAX, Screen, Stop, frame, html, missing, stop};
use super::rows;
use super::view::incident::{
    ComponentChoice, DeclarePage, Draft, IncidentPage, IncidentsPage, Moment, Published, Seat, ServiceChoice,
    ServiceRef,
};
use super::view::{Chrome, Named, Refused, Tab, Tone};
use crate::session::{Reader, Session};
use crate::state::AppState;

/// How many moments of the timeline are shown.
const MOMENTS_MAX: usize = 300;
/// The stages that an update about an incident can have.
const STAGES: [Stage; 4] = [Stage::Investigating, Stage::Identified, Stage::Monitoring, Stage::Resolved];
/// What each severity means, in a few words.
pub(super) const MEANINGS: [(Severity, &str); 5] = [
    (Severity::P1, "customers cannot use a business function"),
    (Severity::P2, "a business function is badly degraded"),
    (Severity::P3, "part of the customers or of a function"),
    (Severity::P4, "a nuisance with a workaround"),
    (Severity::P5, "nobody outside notices"),
];

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/incidents", get(list))
        .route("/incidents/new", get(declare_form))
        .route("/incidents/{id}", get(room))
}

async fn list(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Incidents, "Incidents", "/incidents")?;
    let stopped = stop(&chrome);
    let actor = session.actor();
    let reach = state.engine.reach(&actor, "incidents:read");
    let page = state.engine.read(&actor, Read::of("incidents:read"), |world| {
        let all = world.incidents.list();
        let covered = all.into_iter().filter(|incident| reach.covers(&incident.id.to_string(), incident.sensitivity));
        let (open, resolved): (Vec<_>, Vec<_>) = covered.partition(|incident| incident.is_open());
        for shown in open.iter().chain(resolved.iter().take(LIST_MAX)) {
            reach.note(&shown.id.to_string(), shown.sensitivity);
        }
        let row = |incident: &&Incident| rows::incident(&world.book, incident);
        IncidentsPage {
            open: open.iter().map(row).collect(),
            more: resolved.len().saturating_sub(LIST_MAX),
            resolved: resolved.iter().take(LIST_MAX).map(row).collect(),
            chrome,
        }
    });
    page.map(|page| html(&page)).map_err(stopped)
}

#[derive(Debug, Deserialize)]
struct From {
    page: Option<u64>,
    service: Option<String>,
}

async fn declare_form(State(state): State<AppState>, Reader(session): Reader, Query(from): Query<From>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Incidents, "Declare", "/incidents/new")?;
    declare_page(&state, &session, chrome, from.page, from.service.as_slice())
}

/// The form that declares an incident; from a page, it begins with what the page says.
pub(super) fn declare_page(
    state: &AppState,
    session: &Session,
    chrome: Chrome,
    page: Option<u64>,
    ticked: &[String],
) -> Screen {
    let stopped = stop(&chrome);
    let shown = state.engine.read(&session.actor(), Read::of("alerts:read"), |world| {
        let from = page.and_then(|page| world.alerts.page(alerts::PageId(page)));
        let of_page = from.and_then(|page| page.service.as_ref());
        let choice = |(name, service): (&kernel::ServiceName, &kernel::book::Service)| ServiceChoice {
            service: Named::new(name.as_str(), &service.title),
            tier: service.tier,
            ticked: of_page == Some(name) || ticked.iter().any(|one| one == name.as_str()),
        };
        DeclarePage {
            incident_title: from.map(|page| page.title.clone()).unwrap_or_default(),
            services: world.book.services.iter().map(choice).collect(),
            page,
            severities: MEANINGS.to_vec(),
            updates_every: updates_every(&world.book),
            severity: from.map_or(Severity::P3, |page| page.severity).to_string(),
            chrome,
        }
    });
    shown.map(|page| html(&page)).map_err(stopped)
}

/// How often an update is owed when the form does not say, for each severity of which one is.
fn updates_every(book: &kernel::Book) -> Vec<(Severity, Seconds)> {
    let usual = |severity: Severity| Some((severity, book.update_every(severity)?));
    Severity::ALL.into_iter().filter_map(usual).filter(|(_, every)| *every > Seconds::ZERO).collect()
}

async fn room(State(state): State<AppState>, Reader(session): Reader, Path(id): Path<IncidentId>) -> Screen {
    let (chrome, session) =
        frame(&state, session.as_ref(), Tab::Incidents, &id.to_string(), &format!("/incidents/{}", id.0))?;
    room_page(&state, &session, chrome, id)
}

/// The incident room, with whatever the last form said in its frame.
pub(super) fn room_page(state: &AppState, session: &Session, chrome: Chrome, id: IncidentId) -> Screen {
    let actor = session.actor();
    let known = state.engine.read(&actor, Read::of("incidents:read"), |world| world.incidents.sensitivity_of(id));
    let nothing = missing(&chrome, format!("There is no {id}. Older incidents are in the journal."));
    let sensitivity = known.map_err(stop(&chrome))?.ok_or(nothing)?;
    let what = Read::one("incidents:read", &id.to_string(), sensitivity);
    let (stopped, gone) = (stop(&chrome), missing(&chrome, format!("There is no {id}")));
    let page = state.engine.read(&actor, what, |world| Some(page(world, chrome, world.incidents.get(id)?)));
    page.map_err(stopped)?.map(|page| html(&page)).ok_or(gone)
}

/// The room with a form that was refused.
pub(super) fn room_refused(
    state: &AppState,
    session: &Session,
    id: IncidentId,
    refused: Refused,
) -> Result<axum::response::Response, Stop> {
    let path = format!("/incidents/{}", id.0);
    let (chrome, session) = frame(state, Some(session), Tab::Incidents, &id.to_string(), &path)?;
    unprocessed(room_page(state, &session, with_refusal(chrome, refused), id))
}

fn page(world: &World, chrome: Chrome, incident: &Incident) -> IncidentPage {
    let book = &world.book;
    let mut timeline: Vec<Moment> =
        incident.timeline.iter().rev().take(MOMENTS_MAX).map(|e| moment(world, e)).collect();
    days(&chrome, &mut timeline);
    let touches = |name: Option<&kernel::ServiceName>| name.is_some_and(|name| incident.services.contains(name));
    IncidentPage {
        id: incident.id.0,
        severity: incident.severity,
        why: format!("{} because {}", incident.severity, incident.severity_why),
        title: incident.title.clone(),
        phase: rows::phase(incident.phase),
        restricted: (incident.sensitivity > Sensitivity::Internal).then_some(incident.sensitivity.as_str()),
        declared_at: incident.declared_at,
        declared_by: rows::actor(book, &incident.declared_by),
        mitigated_at: incident.mitigated_at,
        resolved_at: incident.resolved_at,
        updated_at: incident.updated_at,
        update_due: incident.update_due,
        impact: incident.impact.summary.clone(),
        users_percent: incident.impact.users_percent,
        users_text: incident.impact.users_percent.map(|percent| percent.to_string()).unwrap_or_default(),
        functions_text: incident.impact.functions.join("\n"),
        functions: incident.impact.functions.clone(),
        seats: IncidentRole::ALL.iter().map(|role| seat(world, incident, *role)).collect(),
        people: book.people.keys().map(|name| rows::person(book, name)).collect(),
        services: incident.services.iter().filter_map(|name| service(world, name, &chrome)).collect(),
        alerts: rows::groups(world, touches),
        pages: incident
            .pages
            .iter()
            .filter_map(|page| world.alerts.page(alerts::PageId(*page)))
            .map(|p| rows::page(book, p))
            .collect(),
        changes: rows::changes(world, touches),
        earlier: incident.timeline.len().saturating_sub(MOMENTS_MAX),
        timeline,
        draft: draft(world, incident),
        published: published(world, incident),
        resolved_notice: resolved_notice(world, incident),
        components: components(world, incident),
        usual_title: engine::words::title(world, incident),
        usual_texts: STAGES.iter().map(|stage| engine::words::update(world, incident, *stage)).collect(),
        stages: STAGES.iter().map(|stage| Named::new(stage.as_str(), stage.title())).collect(),
        stage: suggested(incident).as_str().to_owned(),
        statuses: ComponentStatus::ALL.iter().map(|status| Named::new(status.as_str(), status.title())).collect(),
        review: world.learning.of_incident(incident.id).map(|review| review.id.0),
        chrome,
    }
}

/// The stage that fits where an incident stands.
fn suggested(incident: &Incident) -> Stage {
    match incident.phase {
        incidents::Phase::Open => Stage::Investigating,
        incidents::Phase::Mitigated => Stage::Monitoring,
        incidents::Phase::Resolved => Stage::Resolved,
    }
}

fn seat(world: &World, incident: &Incident, role: IncidentRole) -> Seat {
    let holders: Vec<Named> = incident.holders(role).map(|name| rows::person(&world.book, name)).collect();
    let title = role.title();
    let capital = title.chars().next().map(|c| c.to_uppercase().collect::<String>() + &title[c.len_utf8()..]);
    Seat {
        role: Named::new(role.as_str(), capital.unwrap_or_default()),
        holders,
        local: None,
        needed: role == IncidentRole::Commander,
    }
}

fn service(world: &World, name: &kernel::ServiceName, chrome: &Chrome) -> Option<ServiceRef> {
    let service = world.book.services.get(name)?;
    Some(ServiceRef {
        service: Named::new(name.as_str(), &service.title),
        tier: service.tier,
        function: service.function.clone(),
        runbook: service.runbook.clone().filter(|link| link.starts_with("https://") || link.starts_with("http://")),
        on_call: super::services::on_call(world, service, chrome.now),
    })
}

fn moment(world: &World, entry: &incidents::Entry) -> Moment {
    let (icon, tone) = match entry.kind.as_str() {
        "IncidentDeclared" | "IncidentReopened" => ("incident", Tone::Bad),
        "IncidentMitigated" => ("shield", Tone::Warn),
        "IncidentResolved" => ("check", Tone::Ok),
        "UpdateRecorded" => ("horn", Tone::Info),
        "RoleAssigned" | "RoleReleased" | "HandedOver" => ("person", Tone::Info),
        "UpdateOverdue" | "CommanderMissing" => ("oncall", Tone::Warn),
        _ => ("note", Tone::Plain),
    };
    let human_words = entry.kind.as_str() == "Noted" && entry.actor.person().is_some();
    Moment {
        seq: entry.seq.0,
        at: entry.at,
        day: None,
        by: rows::actor(&world.book, &entry.actor),
        human: entry.actor.person().is_some(),
        text: if human_words { entry.text.clone() } else { rows::titled(&world.book, &entry.text) },
        icon,
        tone,
    }
}

/// Says the day above each first moment of it.
pub(super) fn days(chrome: &Chrome, timeline: &mut [Moment]) {
    let mut last = String::new();
    for moment in timeline {
        let day = chrome.day(&moment.at);
        if day != last {
            moment.day = Some(day.clone());
            last = day;
        }
    }
}

/// The draft that the room shows.
fn drafted<'a>(world: &'a World, incident: &Incident) -> Option<(&'a comms::Notice, &'a comms::Update)> {
    world.comms.drafts().filter(|(notice, _)| notice.incident == Some(incident.id)).last()
}

fn draft(world: &World, incident: &Incident) -> Option<Draft> {
    let (_, update) = drafted(world, incident)?;
    let wording = &update.wording;
    let component = |(name, status): &(kernel::ComponentName, ComponentStatus)| {
        let known = world.book.components.iter().find(|component| component.name == *name);
        (known.map_or_else(|| name.to_string(), |known| known.title.clone()), status.title().to_owned())
    };
    let finding = |finding: comms::Finding| (format!("{:?}:", finding.rule), finding.hint);
    Some(Draft {
        id: update.id.0,
        title: wording.title.clone(),
        stage: Named::new(wording.stage.as_str(), wording.stage.title()),
        text: wording.text.clone(),
        components: wording.components.iter().map(component).collect(),
        by: rows::actor(&world.book, &update.written.1),
        findings: comms::lint_update(wording).into_iter().map(finding).collect(),
    })
}

fn published(world: &World, incident: &Incident) -> Vec<Published> {
    let public = world.comms.of_incident(incident.id).filter_map(comms::Notice::public);
    let updates = public.flat_map(|notice| {
        notice.updates.into_iter().map(|update| Published {
            at: update.at,
            stage: update.stage.title().to_owned(),
            text: update.text.to_owned(),
        })
    });
    updates.collect()
}

/// The notice to reopen: one that says resolved while the incident goes on.
fn resolved_notice(world: &World, incident: &Incident) -> Option<u32> {
    let last = world.comms.of_incident(incident.id).filter(|notice| notice.public().is_some()).last()?;
    (incident.is_open() && !last.is_open()).then_some(last.id.0)
}

fn components(world: &World, incident: &Incident) -> Vec<ComponentChoice> {
    let drafted = |name: &kernel::ComponentName| {
        let (_, update) = drafted(world, incident)?;
        update.wording.components.iter().find(|(own, _)| own == name).map(|(_, status)| *status)
    };
    let choice = |now: comms::ComponentNow<'_>| ComponentChoice {
        component: Named::new(now.component.name.as_str(), &now.component.title),
        status: drafted(&now.component.name).unwrap_or(now.status).as_str().to_owned(),
        touched: now.component.services.iter().any(|name| incident.services.contains(name)),
    };
    world.comms.components(&world.book).into_iter().map(choice).collect()
}
