//! What the forms of the incident room and of pages ask. A refusal comes back on the same screen, beside its field, with
//! everything that was typed.

use alerts::PageId;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use comms::{ComponentStatus, UpdateId};
use engine::{Command, Read};
use incidents::Command as Asked;
use kernel::{Actor, Impact, IncidentId, Sensitivity};

use super::form::{Fields, Form, onward, optional, unprocessed, with_refusal, word};
use super::frame::{Screen, Stop, frame, missing, refused};
use super::view::{Refused, Tab};
use super::{paging, room};
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/incidents/new", post(declare))
        .route("/incidents/{id}/{act}", post(act))
        .route("/pages/{page}/acknowledge", post(acknowledge))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

async fn declare(State(state): State<AppState>, form: Form) -> Screen {
    let session = form.session("/incidents/new")?.clone();
    let page = form.fields.get("page").parse().ok();
    let asked = declaration(&form.fields, page);
    let answer = match asked {
        Ok(command) => state
            .engine
            .ask(&session.actor(), command)
            .await
            .map_err(|e| Box::new(refused("declare", e, &form.fields.0))),
        Err(refused) => Err(refused),
    };
    match answer {
        Ok(facts) => {
            let id = facts.iter().find_map(|fact| match &fact.event {
                engine::Event::Incidents(event) => Some(event.about().incident),
                _ => None,
            });
            Ok(Redirect::to(&id.map_or("/incidents".to_owned(), |id| format!("/incidents/{}", id.0))).into_response())
        }
        Err(refused) => {
            let (chrome, session) = frame(&state, Some(&session), Tab::Incidents, "Declare", "/incidents/new")?;
            let ticked: Vec<String> = form.fields.all("service").map(str::to_owned).collect();
            unprocessed(room::declare_page(&state, &session, with_refusal(chrome, *refused), page, &ticked))
        }
    }
}

fn declaration(fields: &Fields, page: Option<u64>) -> Result<Command, Box<Refused>> {
    let mut services = Vec::new();
    for name in fields.all("service") {
        let one = Fields(vec![("services".into(), name.to_owned())]);
        services.push(word("declare", &one, "services")?);
    }
    let sensitivity = Sensitivity::ALL.into_iter().find(|label| label.as_str() == fields.get("sensitivity"));
    let summary = fields.get("impact").to_owned();
    Ok(Asked::Declare {
        title: fields.get("title").to_owned(),
        severity: word("declare", fields, "severity")?,
        impact: Impact { summary, users_percent: optional("declare", fields, "users_percent")?, functions: Vec::new() },
        services,
        why: fields.get("why").to_owned(),
        page,
        detected_at: None,
        update_every: optional("declare", fields, "update_every")?,
        sensitivity: sensitivity.unwrap_or_default(),
    }
    .into())
}

async fn act(State(state): State<AppState>, Path((incident, act)): Path<(IncidentId, String)>, form: Form) -> Screen {
    let path = format!("/incidents/{}", incident.0);
    let session = form.session(&path)?.clone();
    let asked = match command(&state, incident, &act, &form.fields) {
        Some(asked) => asked,
        None => {
            let (chrome, _) = frame(&state, Some(&session), Tab::Incidents, "Incidents", &path)?;
            return Err(missing(&chrome, format!("Nothing called {act:?} can be done to an incident")));
        }
    };
    let answer = match asked {
        Ok(command) => {
            state.engine.ask(&session.actor(), command).await.map_err(|e| Box::new(refused(&act, e, &form.fields.0)))
        }
        Err(refused) => Err(refused),
    };
    match answer {
        Ok(_) => Ok(Redirect::to(&path).into_response()),
        Err(refused) => room::room_refused(&state, &session, incident, *refused),
    }
}

/// What a form of the room asks; `None` when there is no such form.
fn command(
    state: &AppState,
    incident: IncidentId,
    act: &str,
    fields: &Fields,
) -> Option<Result<Command, Box<Refused>>> {
    let text = |field: &str| fields.get(field).to_owned();
    let asked = match act {
        "note" => Ok(Asked::Note { incident, text: text("text") }),
        "mitigate" => Ok(Asked::Mitigate { incident, how: text("how") }),
        "resolve" => Ok(Asked::Resolve { incident, how: text("how") }),
        "reopen" => Ok(Asked::Reopen { incident, why: text("why") }),
        "severity" => {
            word(act, fields, "severity").map(|severity| Asked::ChangeSeverity { incident, severity, why: text("why") })
        }
        "assign" => role(act, fields, "person").map(|(role, person)| Asked::Assign { incident, role, person }),
        "hand_over" => {
            role(act, fields, "to").map(|(role, to)| Asked::HandOver { incident, role, to, summary: text("summary") })
        }
        "impact" => optional(act, fields, "users_percent").map(|users_percent| {
            let impact = Impact { summary: text("summary"), users_percent, functions: lines(fields.get("functions")) };
            Asked::StateImpact { incident, impact }
        }),
        "draft" => return Some(draft(state, incident, fields)),
        "publish" => {
            return Some(
                word(act, fields, "update").map(|update| comms::Command::Publish { update, revision: None }.into()),
            );
        }
        "reopen_notice" => {
            let notice = word(act, fields, "notice");
            return Some(notice.map(|notice| comms::Command::Reopen { notice, why: text("why") }.into()));
        }
        "discard" => return Some(word(act, fields, "update").map(|update| comms::Command::Discard { update }.into())),
        _ => return None,
    };
    Some(asked.map(Command::from))
}

fn role(
    act: &str,
    fields: &Fields,
    field: &str,
) -> Result<(incidents::IncidentRole, kernel::PersonName), Box<Refused>> {
    Ok((word(act, fields, "role")?, word(act, fields, field)?))
}

/// A new draft, or the one there is written anew. Components that do as the page says already are left out.
fn draft(state: &AppState, incident: IncidentId, fields: &Fields) -> Result<Command, Box<Refused>> {
    let shown = state.engine.read(&Actor::Anonymous, Read::of("status:read"), |world| {
        let all = world.comms.components(&world.book).into_iter();
        all.map(|now| (now.component.name.clone(), now.status)).collect::<Vec<_>>()
    });
    let shown = shown.map_err(|error| Box::new(refused("draft", error, &fields.0)))?;
    let mut components = Vec::new();
    for (name, now) in shown {
        let wanted: Option<ComponentStatus> = optional("draft", fields, &format!("component-{name}"))?;
        components.extend(wanted.filter(|status| *status != now).map(|status| (name, status)));
    }
    let (title, text) = (fields.get("title").to_owned(), fields.get("text").to_owned());
    let stage = word("draft", fields, "stage")?;
    let update: Option<UpdateId> = optional("draft", fields, "update")?;
    Ok(match update {
        Some(update) => comms::Command::Revise { update, title, stage, text, components, next_update_in: None }.into(),
        None => comms::Command::Draft {
            notice: None,
            incident: Some(incident),
            title,
            stage,
            text,
            components,
            next_update_in: None,
            sensitivity: Sensitivity::Internal,
        }
        .into(),
    })
}

async fn acknowledge(State(state): State<AppState>, Path(page): Path<u64>, form: Form) -> Result<Response, Stop> {
    let session = form.session(&format!("/pages/{page}"))?.clone();
    let command = alerts::Command::Acknowledge { page: PageId(page), note: form.fields.get("note").to_owned() };
    match state.engine.ask(&session.actor(), command).await {
        Ok(_) => {
            let home = format!("/pages/{page}");
            Ok(Redirect::to(onward(form.fields.get("back"), &home)).into_response())
        }
        Err(error) => paging::page_refused(&state, &session, page, refused("acknowledge", error, &form.fields.0)),
    }
}
