//! *Page*: one run of an escalation policy, whom it told and what came of it.

use alerts::{Page, PageId, Phase, Request, Says, Status};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use engine::{Read, World};
use kernel::book::{Step, Target};

use super::form::{unprocessed, with_refusal};
use super::frame::{Screen, Stop, frame, html, missing, stop};
use super::rows;
use super::view::page::{MessageRow, PagePage, StepView, Taken};
use super::view::{Chip, Chrome, Named, Refused, Tab, Tone};
use crate::session::{Reader, Session};
use crate::state::AppState;

/// How many alerts a page names.
const ALERTS_MAX: usize = 50;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/pages/{page}", get(page))
}

async fn page(State(state): State<AppState>, Reader(session): Reader, Path(id): Path<u64>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Now, &format!("Page {id}"), &format!("/pages/{id}"))?;
    shown(&state, &session, chrome, id)
}

/// The page with a form that was refused.
pub(super) fn page_refused(state: &AppState, session: &Session, id: u64, refused: Refused) -> Result<Response, Stop> {
    let (chrome, session) = frame(state, Some(session), Tab::Now, &format!("Page {id}"), &format!("/pages/{id}"))?;
    unprocessed(shown(state, &session, with_refusal(chrome, refused), id))
}

fn shown(state: &AppState, session: &Session, chrome: Chrome, id: u64) -> Screen {
    let (stopped, gone) =
        (stop(&chrome), missing(&chrome, format!("There is no page {id} any more. The journal has it.")));
    let actor = session.actor();
    let reach = state.engine.reach(&actor, "incidents:read");
    let page = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let incident = world.incidents.of_page(id);
        let incident = incident.filter(|incident| reach.shows(&incident.id.to_string(), incident.sensitivity));
        let incident = incident.map(|incident| Named::new(incident.id.0.to_string(), &incident.title));
        Some(PagePage { incident, ..view(world, chrome, world.alerts.page(PageId(id))?) })
    });
    page.map_err(stopped)?.map(|page| html(&page)).ok_or(gone)
}

fn view(world: &World, chrome: Chrome, page: &Page) -> PagePage {
    let book = &world.book;
    let policy = page.policy.as_ref().and_then(|name| book.policies.get_key_value(name));
    let taken = match (&page.phase, &page.taken) {
        (Phase::Acknowledged { by, at, note }, _) | (Phase::Closed { .. }, Some((by, at, note))) => {
            Some(Taken { by: Named::new(by.to_string(), rows::actor(book, by)), at: *at, note: note.clone() })
        }
        _ => None,
    };
    let firing = page.alerts.iter().filter_map(|alert| world.alerts.alert(*alert));
    PagePage {
        row: rows::page(book, page),
        why: format!("{} because {}", page.severity, page.why),
        policy: policy.map(|(name, policy)| Named::new(name.as_str(), &policy.title)),
        round: page.round + 1,
        taken,
        nobody: page.nobody.clone(),
        closed_at: if let Phase::Closed { at } = page.phase { Some(at) } else { None },
        incident: None,
        alerts: firing.take(ALERTS_MAX).map(|alert| rows::alert(world, &alert)).collect(),
        more: page.alerts.len().saturating_sub(ALERTS_MAX),
        retired: page.retired.iter().map(|retired| retired.labels.to_string()).collect(),
        steps: steps(world, page, policy.map_or(&[], |(_, policy)| &policy.steps)),
        chrome,
    }
}

/// The steps of the policy, and one more when the owner's whole team was told at the end.
fn steps(world: &World, page: &Page, steps: &[Step]) -> Vec<StepView> {
    let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let beyond = page.requests.iter().any(|request| request.step >= count);
    let view = |number: u32| {
        let step = usize::try_from(number).ok().and_then(|at| steps.get(at));
        let messages = page.requests.iter().filter(|request| request.step.min(count) == number);
        let targets = |step: &Step| step.targets.iter().map(|t| target(world, t)).collect::<Vec<_>>().join(", ");
        StepView {
            number: number + 1,
            targets: step.map_or_else(|| "everybody of the owning team".to_owned(), targets),
            wait: step.map_or_else(|| "no time".to_owned(), |step| step.wait.to_string()),
            begun: page.round > 0 || number <= page.step,
            messages: messages.map(|request| message(world, request)).collect(),
        }
    };
    (0..count + u32::from(beyond)).map(view).collect()
}

/// A target of a step in words.
pub(super) fn target(world: &World, target: &Target) -> String {
    match target {
        Target::Person(name) => rows::person(&world.book, name).title,
        Target::Schedule(name) => {
            world.book.schedules.get(name).map_or_else(|| name.to_string(), |schedule| schedule.title.clone())
        }
        Target::Team(name) => world.book.teams.get(name).map_or_else(|| name.to_string(), |team| team.title.clone()),
        Target::Channel(address) => address.to_string(),
    }
}

fn message(world: &World, request: &Request) -> MessageRow {
    let (status, detail, accepted_at) = match &request.status {
        Status::Pending { reason: None } => (Chip::new(Tone::Info, "On its way"), String::new(), None),
        Status::Pending { reason: Some(reason) } => (Chip::new(Tone::Warn, "Trying again"), reason.clone(), None),
        Status::Accepted { by, at } => (Chip::new(Tone::Ok, "Delivered"), format!("taken by {by}"), Some(*at)),
        Status::Failed { reason } => (Chip::new(Tone::Bad, "Failed"), reason.clone(), None),
    };
    MessageRow {
        person: request.person.as_ref().map(|name| rows::person(&world.book, name)),
        address: request.address.to_string(),
        says: match request.says {
            Says::Firing => "firing",
            Says::Renewed => "changed",
            Says::Closed => "resolved",
        },
        at: request.at,
        status,
        detail,
        accepted_at,
        attempts: request.attempts,
        round: request.round + 1,
    }
}
