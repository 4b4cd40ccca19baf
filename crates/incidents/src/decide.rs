//! The rules of this room, one function for each command. Reads the state; changes nothing.

use kernel::area::Context;
use kernel::time::between;
use kernel::{Impact, IncidentId, PersonName, Seconds, Severity, Timestamp};

use crate::command::Command;
use crate::event::{About, Declared, Event};
use crate::refusal::Refusal;
use crate::role::IncidentRole;
use crate::state::{Incident, Phase, State};
use crate::{
    EXPERTS_MAX, FUNCTIONS_MAX, JOIN_WITHIN, NOTE_BYTES_MAX, OPEN_MAX, PAGES_MAX, SERVICES_MAX, TIMELINE_MAX,
    TIMELINE_RESERVE, TITLE_BYTES_MAX,
};

pub(crate) fn decide(state: &State, context: &Context<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Declare { title, severity, impact, services, why, page, detected_at, update_every, sensitivity } => {
            let about = About { incident: state.next_id(), sensitivity };
            let update_every = update_every.or_else(|| context.book.update_every(severity)).unwrap_or_default();
            let wish = Declared { about, title, severity, why, impact, services, page, detected_at, update_every };
            declare(state, context, wish)
        }
        Command::FollowPage { page, text, acknowledged } => Ok(follow_page(state, page, &text, acknowledged)),
        Command::Assign { incident, role, person } => assign(working(state, incident)?, context, role, person),
        Command::Unassign { incident, role, person } => unassign(working(state, incident)?, role, person),
        Command::HandOver { incident, role, to, summary } => {
            hand_over(working(state, incident)?, context, role, to, summary)
        }
        Command::Note { incident, text } => note(with_room(state, incident)?, text),
        Command::ChangeSeverity { incident, severity, why } => {
            change_severity(working(state, incident)?, context, severity, why)
        }
        Command::StateImpact { incident, impact } => state_impact(with_room(state, incident)?, impact),
        Command::Mitigate { incident, how } => mitigate(known(state, incident)?, how),
        Command::Resolve { incident, how } => resolve(known(state, incident)?, how),
        Command::Reopen { incident, why } => reopen(state, with_room(state, incident)?, why),
        Command::RecordUpdate { incident, text } => record_update(with_room(state, incident)?, &text),
    }
}

/// An incident from a page is never refused for its words: what is too long is cut, and what is unknown left out.
fn declare(state: &State, context: &Context<'_>, mut wish: Declared) -> Result<Vec<Event>, Refusal> {
    if wish.page.is_some() {
        trim(&mut wish, context);
    }
    check_text("title", &wish.title, TITLE_BYTES_MAX)?;
    check_text("why", &wish.why, NOTE_BYTES_MAX)?;
    check_impact(&wish.impact)?;
    check_count("services", wish.services.len(), SERVICES_MAX)?;
    let unknown = wish.services.iter().find(|service| !context.book.services.contains_key(*service));
    unknown.map_or(Ok(()), |service| Err(Refusal::NoService(service.clone())))?;
    if let Some((page, host)) = wish.page.and_then(|page| Some((page, host(state, context.now, page, &wish)?))) {
        return Ok(join(host, page, wish));
    }
    if state.open_count() >= OPEN_MAX {
        return Err(Refusal::TooManyOpen);
    }
    Ok(vec![Event::IncidentDeclared(Box::new(wish))])
}

fn trim(wish: &mut Declared, context: &Context<'_>) {
    let Declared { title, why, impact, services, page, .. } = wish;
    cut(title, TITLE_BYTES_MAX);
    cut(why, NOTE_BYTES_MAX);
    cut(&mut impact.summary, NOTE_BYTES_MAX);
    let page = page.map(|page| format!("page {page}")).unwrap_or_default();
    for text in [title, why].into_iter().filter(|text| text.trim().is_empty()) {
        text.clone_from(&page);
    }
    services.retain(|service| context.book.services.contains_key(service));
    services.truncate(SERVICES_MAX);
}

/// The open incident that a page belongs to: its own, or one that another page of the same service declared just now.
fn host<'a>(state: &'a State, now: Timestamp, page: u64, wish: &Declared) -> Option<&'a Incident> {
    let fits = |incident: &&Incident| {
        !incident.pages.is_empty()
            && incident.pages.len() < PAGES_MAX
            && has_room(incident)
            && incident.sensitivity == wish.about.sensitivity
            && between(incident.declared_at, now) < JOIN_WITHIN
            && incident.services.iter().any(|service| wish.services.contains(service))
    };
    state.open_of_page(page).or_else(|| state.open().find(fits))
}

/// A page that joins may make the incident worse, never better.
fn join(host: &Incident, page: u64, wish: Declared) -> Vec<Event> {
    if host.pages.contains(&page) {
        return Vec::new();
    }
    let about = host.about();
    let Declared { title, severity, why, mut services, update_every, .. } = wish;
    services.retain(|service| !host.services.contains(service));
    let mut events = vec![Event::PageJoined { about, page, title, services }];
    if severity < host.severity {
        let update_every = (update_every < host.update_every).then_some(update_every).filter(|e| *e > Seconds::ZERO);
        events.push(Event::SeverityChanged { about, from: host.severity, to: severity, why, update_every });
    }
    events
}

/// News of a page whose incident is full is dropped: the page itself still has it.
fn follow_page(state: &State, page: u64, text: &str, acknowledged: bool) -> Vec<Event> {
    let Some(incident) = state.open_of_page(page).filter(|incident| has_room(incident)) else { return Vec::new() };
    let mut text = text.to_owned();
    cut(&mut text, NOTE_BYTES_MAX);
    vec![Event::Noted { about: incident.about(), text, page: Some(page), acknowledged }]
}

fn assign(
    incident: &Incident,
    context: &Context<'_>,
    role: IncidentRole,
    person: PersonName,
) -> Result<Vec<Event>, Refusal> {
    check_person(context, &person)?;
    let about = incident.about();
    if incident.holders(role).any(|holder| *holder == person) {
        return Err(Refusal::Holds { incident: incident.id, role, person });
    }
    if let Some(from) = incident.holders(role).next().filter(|_| role.is_single()) {
        let from = from.clone();
        return Ok(vec![Event::HandedOver { about, role, from, to: person, summary: String::new() }]);
    }
    check_count("role", incident.holders(role).count() + 1, EXPERTS_MAX)?;
    Ok(vec![Event::RoleAssigned { about, role, person }])
}

fn unassign(incident: &Incident, role: IncidentRole, person: PersonName) -> Result<Vec<Event>, Refusal> {
    if !incident.holders(role).any(|holder| *holder == person) {
        return Err(Refusal::HoldsNot { incident: incident.id, role, person });
    }
    if role == IncidentRole::Commander {
        return Err(Refusal::CommandStays(incident.id));
    }
    Ok(vec![Event::RoleReleased { about: incident.about(), role, person }])
}

fn hand_over(
    incident: &Incident,
    context: &Context<'_>,
    role: IncidentRole,
    to: PersonName,
    summary: String,
) -> Result<Vec<Event>, Refusal> {
    check_text("summary", &summary, NOTE_BYTES_MAX)?;
    check_person(context, &to)?;
    let holder = incident.holders(role).next().filter(|_| role.is_single());
    let from = holder.ok_or(Refusal::NobodyToHandOver(incident.id, role))?.clone();
    if from == to {
        return Err(Refusal::Holds { incident: incident.id, role, person: to });
    }
    Ok(vec![Event::HandedOver { about: incident.about(), role, from, to, summary }])
}

fn note(incident: &Incident, text: String) -> Result<Vec<Event>, Refusal> {
    check_text("text", &text, NOTE_BYTES_MAX)?;
    Ok(vec![Event::Noted { about: incident.about(), text, page: None, acknowledged: false }])
}

/// With the severity goes its cadence; where none is usual for it, what was promised stands.
fn change_severity(
    incident: &Incident,
    context: &Context<'_>,
    to: Severity,
    why: String,
) -> Result<Vec<Event>, Refusal> {
    check_text("why", &why, NOTE_BYTES_MAX)?;
    if to == incident.severity {
        return Err(Refusal::SameSeverity(incident.id, to));
    }
    let update_every = context.book.update_every(to).filter(|every| *every != incident.update_every);
    Ok(vec![Event::SeverityChanged { about: incident.about(), from: incident.severity, to, why, update_every }])
}

fn state_impact(incident: &Incident, impact: Impact) -> Result<Vec<Event>, Refusal> {
    check_text("impact", &impact.summary, NOTE_BYTES_MAX)?;
    check_impact(&impact)?;
    Ok(vec![Event::ImpactStated { about: incident.about(), impact }])
}

fn mitigate(incident: &Incident, how: String) -> Result<Vec<Event>, Refusal> {
    match incident.phase {
        Phase::Open => {}
        Phase::Mitigated => return Err(wrong(incident, "mitigated", "add a note, resolve it, or reopen it")),
        Phase::Resolved => return Err(wrong(incident, "mitigated", "reopen it first")),
    }
    check_text("how", &how, NOTE_BYTES_MAX)?;
    Ok(vec![Event::IncidentMitigated { about: incident.about(), how }])
}

fn resolve(incident: &Incident, how: String) -> Result<Vec<Event>, Refusal> {
    if incident.phase == Phase::Resolved {
        return Err(wrong(incident, "resolved", "add a note, or reopen it"));
    }
    check_text("how", &how, NOTE_BYTES_MAX)?;
    Ok(vec![Event::IncidentResolved { about: incident.about(), how }])
}

fn reopen(state: &State, incident: &Incident, why: String) -> Result<Vec<Event>, Refusal> {
    if incident.phase == Phase::Open {
        return Err(wrong(incident, "reopened", "add a note"));
    }
    if !incident.is_open() && state.open_count() >= OPEN_MAX {
        return Err(Refusal::TooManyOpen);
    }
    let elsewhere =
        |page: &u64| state.open_of_page(*page).filter(|other| other.id != incident.id).map(|o| (*page, o.id));
    if let Some((page, other)) = incident.pages.iter().find_map(elsewhere) {
        return Err(Refusal::PageElsewhere { incident: incident.id, page, other });
    }
    check_text("why", &why, NOTE_BYTES_MAX)?;
    Ok(vec![Event::IncidentReopened { about: incident.about(), why }])
}

/// What was published is recorded in any phase, for it did happen; what is too long is cut, the notice has it whole.
fn record_update(incident: &Incident, text: &str) -> Result<Vec<Event>, Refusal> {
    let mut text = text.to_owned();
    cut(&mut text, NOTE_BYTES_MAX);
    check_text("text", &text, NOTE_BYTES_MAX)?;
    Ok(vec![Event::UpdateRecorded { about: incident.about(), text }])
}

fn known(state: &State, id: IncidentId) -> Result<&Incident, Refusal> {
    state.get(id).ok_or(Refusal::NoIncident(id))
}

/// An incident whose timeline still takes entries.
fn with_room(state: &State, id: IncidentId) -> Result<&Incident, Refusal> {
    known(state, id).and_then(|incident| has_room(incident).then_some(incident).ok_or(Refusal::TimelineFull(id)))
}

/// An incident that is worked on.
fn working(state: &State, id: IncidentId) -> Result<&Incident, Refusal> {
    let incident = with_room(state, id)?;
    if incident.is_open() { Ok(incident) } else { Err(wrong(incident, "worked on", "reopen it first, or add a note")) }
}

fn has_room(incident: &Incident) -> bool {
    incident.timeline.len() < TIMELINE_MAX - TIMELINE_RESERVE
}

fn wrong(incident: &Incident, wish: &'static str, way_out: &'static str) -> Refusal {
    Refusal::Phase { incident: incident.id, phase: incident.phase, wish, way_out }
}

fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty(field));
    }
    if text.len() > max { Err(Refusal::TooLong(field, text.len(), max)) } else { Ok(()) }
}

fn check_count(field: &'static str, count: usize, max: usize) -> Result<(), Refusal> {
    if count > max { Err(Refusal::TooMany(field, count, max)) } else { Ok(()) }
}

/// What is not known may be left empty; what is said must be sound.
fn check_impact(impact: &Impact) -> Result<(), Refusal> {
    if let Some(percent) = impact.users_percent.filter(|percent| *percent > 100) {
        return Err(Refusal::Percent(percent));
    }
    check_count("functions", impact.functions.len(), FUNCTIONS_MAX)?;
    let texts = impact.functions.iter().chain([&impact.summary]);
    let longest = texts.map(String::len).max().unwrap_or_default();
    if longest > NOTE_BYTES_MAX { Err(Refusal::TooLong("impact", longest, NOTE_BYTES_MAX)) } else { Ok(()) }
}

fn check_person(context: &Context<'_>, person: &PersonName) -> Result<(), Refusal> {
    let found = context.book.people.contains_key(person);
    found.then_some(()).ok_or_else(|| Refusal::NoPerson(person.clone()))
}

fn cut(text: &mut String, max: usize) {
    text.truncate(text.floor_char_boundary(max));
}
