//! *Alert* and *Silences*: what one alert is and why it paged or not, and what mutes.

use alerts::{Silence, SilenceId, SilenceStatus};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use engine::{Read, World};
use kernel::{Fingerprint, Labels, Matcher, PersonName, RuleName, Seconds};
use serde::Deserialize;
use signals::sigma::Verdict;

use super::form::{Fields, Form, unprocessed, with_refusal, word};
use super::frame::{Screen, frame, html, missing, refused, stop};
use super::rows;
use super::view::alert::{AlertPage, GonePage, SilenceRow, SilencesPage, Stage};
use super::view::{Chrome, Named, Refused, Tab};
use crate::session::{Reader, Session};
use crate::state::AppState;

/// How many silences that are over are shown.
const EXPIRED_MAX: usize = 50;
/// How many alerts are counted for one silence.
const MUTES_COUNTED_MAX: usize = 1000;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/alerts/{alert}", get(alert))
        .route("/alerts/{alert}/resolve", post(resolve))
        .route("/silences", get(list).post(create))
        .route("/silences/{id}/expire", post(expire))
}

async fn alert(State(state): State<AppState>, Reader(session): Reader, Path(id): Path<String>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Now, "Alert", &format!("/alerts/{id}"))?;
    alert_page(&state, &session, chrome, &id)
}

fn alert_page(state: &AppState, session: &Session, chrome: Chrome, id: &str) -> Screen {
    let Ok(fingerprint) = id.parse::<Fingerprint>() else {
        return Err(missing(&chrome, format!("{id:?} is not an alert: a fingerprint has sixteen hexadecimal digits")));
    };
    let (stopped, gone) = (stop(&chrome), chrome.clone());
    let page = state.engine.read(&session.actor(), Read::of("alerts:read"), |world| view(world, chrome, fingerprint));
    Ok(page.map_err(stopped)?.map_or_else(|| html(&over(gone)), |page| html(&page)))
}

fn over(chrome: Chrome) -> GonePage {
    let instead = "It was resolved, or never came. The journal has its history.".to_owned();
    let link = Some(Named::new("/journal?area=alerts", "Look in the journal"));
    GonePage { chrome, what: "This alert does not fire".to_owned(), instead, link }
}

fn view(world: &World, chrome: Chrome, fingerprint: Fingerprint) -> Option<AlertPage> {
    let (book, view) = (&world.book, world.alerts.alert(fingerprint)?);
    let (row, labels) = (rows::alert(world, &view), view.labels());
    let rule = book.severity_of(labels);
    let stage = |stage: alerts::Stage| Stage {
        name: stage.stage,
        passed: stage.stage != "nobody" && (stage.stage != "mute" || view.muted().is_none()),
        says: stage.said,
        link: None,
    };
    let web = |link: &&str| link.starts_with("http://") || link.starts_with("https://");
    Some(AlertPage {
        fingerprint: row.fingerprint,
        severity: row.severity,
        severity_why: rule.map_or_else(|| "no severity rule matches".to_owned(), |rule| rule.why.clone()),
        title: row.title,
        labels: pairs(labels),
        annotations: pairs(view.annotations()),
        service: book.service_of(labels).map(|(name, _)| rows::service(book, name)),
        since: view.starts_at(),
        ends_at: view.ends_at(),
        updated_at: view.updated_at(),
        source: view.source().to_owned(),
        generator: Some(view.generator_url()).filter(web).map(str::to_owned),
        verdict: row.verdict,
        stages: world.alerts.why(book, fingerprint).into_iter().map(stage).collect(),
        pages: view.pages().map(|page| rows::page(book, page)).collect(),
        matchers: labels.iter().map(|(name, value)| format!("{name}={value:?}\n")).collect(),
        judge: judged(world, labels),
        chrome,
    })
}

/// The Sigma rule of an alert, and what was said of the alert.
fn judged(world: &World, labels: &Labels) -> Option<(String, &'static str)> {
    let rule: RuleName = labels.get("rule")?.parse().ok()?;
    world.book.sigma.rules.get(&rule)?;
    let verdict = world.signals.verdict(&rule, labels.fingerprint());
    let said = match verdict {
        Some(Verdict::TruePositive) => "It was judged right.",
        Some(Verdict::FalsePositive) => "It was judged false.",
        None => "Nobody has judged it yet.",
    };
    Some((rule.to_string(), said))
}

fn pairs(labels: &Labels) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn resolve(State(state): State<AppState>, Path(id): Path<String>, form: Form) -> Screen {
    let path = format!("/alerts/{id}");
    let session = form.session(&path)?.clone();
    let asked = match id.parse::<Fingerprint>() {
        Ok(alert) => {
            let command = alerts::Command::Resolve { alert, note: form.fields.get("note").to_owned() };
            state.engine.ask(&session.actor(), command).await
        }
        Err(_) => return Ok(Redirect::to(&path).into_response()),
    };
    let Err(error) = asked else { return Ok(Redirect::to("/").into_response()) };
    let (chrome, session) = frame(&state, Some(&session), Tab::Now, "Alert", &path)?;
    let chrome = with_refusal(chrome, refused("resolve", error, &form.fields.0));
    unprocessed(alert_page(&state, &session, chrome, &id))
}

#[derive(Debug, Default, Deserialize)]
struct Again {
    /// A silence to write again.
    from: Option<String>,
}

async fn list(State(state): State<AppState>, Reader(session): Reader, Query(again): Query<Again>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Silences, "Silences", "/silences")?;
    list_page(&state, &session, chrome, &again)
}

fn list_page(state: &AppState, session: &Session, chrome: Chrome, again: &Again) -> Screen {
    let stopped = stop(&chrome);
    let page = state.engine.read(&session.actor(), Read::of("alerts:read"), |world| {
        let in_state = |wanted: SilenceStatus| {
            let matching = world.alerts.silences().filter(move |silence| silence.status(chrome.now) == wanted);
            matching.map(|silence| silence_row(world, silence)).collect::<Vec<_>>()
        };
        let mut expired = in_state(SilenceStatus::Expired);
        expired.sort_by_key(|row| std::cmp::Reverse(row.ends_at));
        expired.truncate(EXPIRED_MAX);
        let from = again.from.as_ref().and_then(|id| world.alerts.silence(&SilenceId(id.as_str().into())));
        let matchers = from.map(|silence| silence.matchers.iter().map(|m| format!("{m}\n")).collect());
        SilencesPage {
            active: in_state(SilenceStatus::Active),
            pending: in_state(SilenceStatus::Pending),
            expired,
            matchers: matchers.unwrap_or_default(),
            comment: from.map(|silence| silence.comment.clone()).unwrap_or_default(),
            chrome,
        }
    });
    page.map(|page| html(&page)).map_err(stopped)
}

fn silence_row(world: &World, silence: &Silence) -> SilenceRow {
    let named = |name: &str| {
        PersonName::new(name).map_or_else(|_| name.to_owned(), |name| rows::person(&world.book, &name).title)
    };
    let (found, _) = world.alerts.find(&silence.matchers, 0, MUTES_COUNTED_MAX);
    SilenceRow {
        id: silence.id.to_string(),
        matchers: silence.matchers.iter().map(ToString::to_string).collect(),
        comment: silence.comment.clone(),
        by: silence.created_by.strip_prefix("person:").map_or_else(|| silence.created_by.clone(), named),
        starts_at: silence.starts_at,
        ends_at: silence.ends_at,
        mutes: found.len(),
    }
}

async fn create(State(state): State<AppState>, form: Form) -> Screen {
    let session = form.session("/silences")?.clone();
    let asked = match silence(&state, &form.fields) {
        Ok(command) => {
            let asked = state.engine.ask(&session.actor(), command).await;
            asked.map_err(|error| Box::new(refused("silence", error, &form.fields.0)))
        }
        Err(refused) => Err(refused),
    };
    match asked {
        Ok(_) => Ok(Redirect::to("/silences").into_response()),
        Err(refused) => {
            let (chrome, session) = frame(&state, Some(&session), Tab::Silences, "Silences", "/silences")?;
            unprocessed(list_page(&state, &session, with_refusal(chrome, *refused), &Again::default()))
        }
    }
}

fn silence(state: &AppState, fields: &Fields) -> Result<alerts::Command, Box<Refused>> {
    let mut matchers: Vec<Matcher> = Vec::new();
    for line in fields.get("matchers").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parsed = line.parse::<Matcher>();
        matchers.push(parsed.map_err(|error| super::form::wrong("silence", fields, "matchers", error.to_string()))?);
    }
    let lasts: Seconds = word("silence", fields, "lasts")?;
    let starts_at = state.engine.now();
    Ok(alerts::Command::CreateSilence {
        matchers,
        starts_at,
        ends_at: lasts.after(starts_at),
        created_by: String::new(),
        comment: fields.get("comment").to_owned(),
        replaces: None,
    })
}

async fn expire(State(state): State<AppState>, Path(id): Path<String>, form: Form) -> Screen {
    let session = form.session("/silences")?.clone();
    let (chrome, _) = frame(&state, Some(&session), Tab::Silences, "Silences", "/silences")?;
    let command = alerts::Command::ExpireSilence { id: SilenceId(id.into()) };
    state.engine.ask(&session.actor(), command).await.map_err(stop(&chrome))?;
    Ok(Redirect::to("/silences").into_response())
}
