//! The public status as programs read it: Statuspage's `/api/v2/*.json`, and Atom. No login; nothing but what was published.

mod atom;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use comms::{ComponentNow, ComponentStatus, Overall, PublicNotice, PublicUpdate};
use engine::{Read, World};
use kernel::{Actor, Book, Timestamp};
use serde_json::{Value, json};

use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many notices a listing shows, as Statuspage does.
const NOTICES_MAX: usize = 50;
/// How long a reader may keep an answer.
const CACHE: &str = "public, max-age=10";
/// Notices stand on one page here; Statuspage numbers its pages.
const PAGE_ID: &str = "watchkeeper";

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/v2/summary.json", get(summary))
        .route("/api/v2/status.json", get(status))
        .route("/api/v2/components.json", get(components))
        .route("/api/v2/incidents.json", get(incidents))
        .route("/api/v2/incidents/unresolved.json", get(unresolved))
        .route("/status.atom", get(feed))
}

/// What everybody may see.
struct Public<'a> {
    world: &'a World,
    base_url: &'a str,
    now: Timestamp,
}

/// Reads what everybody may see.
fn read<R>(state: &AppState, f: impl FnOnce(&Public<'_>) -> R) -> Result<R, Problem> {
    let (base_url, now) = (state.config.base_url.as_str(), state.engine.now());
    let what = Read::one("status:read", "", kernel::Sensitivity::Public);
    Ok(state.engine.read(&Actor::Anonymous, what, |world| f(&Public { world, base_url, now }))?)
}

fn open_to_all(body: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, CACHE), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], body).into_response()
}

async fn summary(State(state): State<AppState>) -> Result<Response, Problem> {
    let told = read(&state, |public| {
        json!({
            "page": public.page(),
            "components": public.components(),
            "incidents": public.notices(|notice| notice.resolved_at.is_none()),
            "scheduled_maintenances": [],
            "status": verdict(public.overall()),
        })
    })?;
    Ok(open_to_all(Json(told)))
}

async fn status(State(state): State<AppState>) -> Result<Response, Problem> {
    let told = read(&state, |public| json!({ "page": public.page(), "status": verdict(public.overall()) }))?;
    Ok(open_to_all(Json(told)))
}

async fn components(State(state): State<AppState>) -> Result<Response, Problem> {
    let told = read(&state, |public| json!({ "page": public.page(), "components": public.components() }))?;
    Ok(open_to_all(Json(told)))
}

async fn incidents(State(state): State<AppState>) -> Result<Response, Problem> {
    let told = read(&state, |public| json!({ "page": public.page(), "incidents": public.notices(|_| true) }))?;
    Ok(open_to_all(Json(told)))
}

async fn unresolved(State(state): State<AppState>) -> Result<Response, Problem> {
    let told = read(
        &state,
        |public| json!({ "page": public.page(), "incidents": public.notices(|notice| notice.resolved_at.is_none()) }),
    )?;
    Ok(open_to_all(Json(told)))
}

async fn feed(State(state): State<AppState>) -> Result<Response, Problem> {
    let text = read(&state, |public| {
        let notices: Vec<PublicNotice<'_>> = public.world.comms.public().take(NOTICES_MAX).collect();
        atom::feed(&public.world.book.organisation, public.base_url, &notices, public.updated_at())
    })?;
    Ok(open_to_all(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], text)))
}

impl Public<'_> {
    fn book(&self) -> &Book {
        &self.world.book
    }

    fn overall(&self) -> Overall {
        self.world.comms.overall(self.book())
    }

    fn updated_at(&self) -> Timestamp {
        self.world.comms.public().map(|notice| notice.updated_at).max().unwrap_or(self.now)
    }

    fn page(&self) -> Value {
        json!({
            "id": PAGE_ID,
            "name": self.book().organisation,
            "url": format!("{}/status", self.base_url),
            "time_zone": "Etc/UTC",
            "updated_at": self.updated_at(),
        })
    }

    fn components(&self) -> Vec<Value> {
        let all = self.world.comms.components(self.book());
        all.iter().zip(1..).map(|(component, position)| self.component(component, position)).collect()
    }

    fn component(&self, now: &ComponentNow<'_>, position: u32) -> Value {
        let changed = now.since.unwrap_or_else(|| self.updated_at());
        json!({
            "id": now.component.name,
            "name": now.component.title,
            "description": now.component.description,
            "status": now.status.as_str(),
            "created_at": changed,
            "updated_at": changed,
            "position": position,
            "showcase": true,
            "start_date": null,
            "group_id": null,
            "page_id": PAGE_ID,
            "group": false,
            "only_show_if_degraded": false,
        })
    }

    fn notices(&self, wanted: impl Fn(&PublicNotice<'_>) -> bool) -> Vec<Value> {
        self.world.comms.public().filter(wanted).take(NOTICES_MAX).map(|notice| self.notice(&notice)).collect()
    }

    fn notice(&self, notice: &PublicNotice<'_>) -> Value {
        let id = notice.id.to_string();
        let monitoring = notice.updates.iter().rev().find(|update| update.stage == comms::Stage::Monitoring);
        let named =
            |name: &str| notice.updates.iter().any(|update| update.components.iter().any(|(own, _)| *own == name));
        let components = self.world.comms.components(self.book());
        let hurt = components.iter().zip(1..).filter(|(now, _)| named(now.component.name.as_str()));
        json!({
            "id": id,
            "name": notice.title,
            "status": notice.stage.as_str(),
            "impact": notice.impact.as_str(),
            "created_at": notice.created_at,
            "started_at": notice.created_at,
            "updated_at": notice.updated_at,
            "monitoring_at": monitoring.map(|update| update.at),
            "resolved_at": notice.resolved_at,
            "shortlink": format!("{}/status#{id}", self.base_url),
            "page_id": PAGE_ID,
            "incident_updates": self.updates(notice),
            "components": hurt.map(|(now, position)| self.component(now, position)).collect::<Vec<_>>(),
        })
    }

    /// The updates, the newest first; each says what it changed about the components.
    fn updates(&self, notice: &PublicNotice<'_>) -> Vec<Value> {
        let tell = |(place, update): (usize, &PublicUpdate<'_>)| {
            let before = |name: &str| {
                let earlier = notice.updates.iter().skip(place + 1);
                let said = earlier.flat_map(|update| &update.components).find(|(own, _)| *own == name);
                said.map_or(ComponentStatus::Operational, |(_, status)| *status)
            };
            let affected = update.components.iter().map(|(name, status)| {
                json!({
                    "code": name, "name": self.title(name),
                    "old_status": before(name).as_str(), "new_status": status.as_str(),
                })
            });
            json!({
                "id": update.id.to_string(),
                "incident_id": notice.id.to_string(),
                "status": update.stage.as_str(),
                "body": update.text,
                "created_at": update.at,
                "updated_at": update.at,
                "display_at": update.at,
                "affected_components": affected.collect::<Vec<_>>(),
                "deliver_notifications": true,
                "custom_tweet": null,
                "tweet_id": null,
            })
        };
        notice.updates.iter().enumerate().map(tell).collect()
    }

    fn title<'a>(&'a self, component: &'a str) -> &'a str {
        let found = self.book().components.iter().find(|known| known.name.as_str() == component);
        found.map_or(component, |known| &known.title)
    }
}

fn verdict(overall: Overall) -> Value {
    let indicator = match overall.worst {
        ComponentStatus::Maintenance => "maintenance",
        worst => worst.impact().as_str(),
    };
    json!({ "indicator": indicator, "description": overall.sentence() })
}
