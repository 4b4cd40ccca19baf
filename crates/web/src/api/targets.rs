//! Targets that are scraped: which there are, and how each was last found.

use axum::Json;
use axum::extract::State;
use connectors::scrape::TargetView;
use engine::Read;
use kernel::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::Problems;
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_targets))
}

/// A target.
#[derive(Debug, Serialize, ToSchema)]
struct TargetBody {
    /// Its job.
    job: String,
    /// The label by which its series are told apart.
    instance: String,
    /// Its address.
    url: String,
    /// `up`, `down`, or `unknown` before it was asked.
    health: String,
    /// When it was last asked.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// How long that took, in seconds.
    seconds: f64,
    /// How many samples it gave.
    samples: usize,
    /// Why it is down, or what of its samples was not kept.
    error: String,
}

/// List the targets that are scraped, by job and address.
#[utoipa::path(get, path = "/targets", tag = "signals", responses((status = 200, body = Vec<TargetBody>), Problems))]
async fn list_targets(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<TargetBody>>, Problem> {
    state.engine.may(&actor, Read::of("signals:read"))?;
    Ok(Json(state.stores.targets.active().into_iter().map(body).collect()))
}

fn body(view: TargetView) -> TargetBody {
    TargetBody {
        instance: view.target.labels.get("instance").to_owned(),
        job: view.target.job,
        url: view.target.url,
        health: view.health.as_str().to_owned(),
        at: view.at,
        seconds: view.took.as_secs_f64(),
        samples: view.scraped,
        error: if view.error.is_empty() { view.refused } else { view.error },
    }
}
