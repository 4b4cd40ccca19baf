//! Sources of log events and spans: which the watchbook names, and how the tables do that are followed.

use axum::Json;
use axum::extract::State;
use engine::records::RecordSource;
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
    OpenApiRouter::new().routes(routes!(list_sources))
}

/// A table of a source.
#[derive(Debug, Serialize, ToSchema)]
struct SourceBody {
    /// The source's name, to look into as `source`.
    source: String,
    /// `logs` or `traces`.
    table: &'static str,
    /// Where it is.
    url: String,
    /// Whether rules look at its rows as they come.
    followed: bool,
    /// When it was last read without a failure.
    #[schema(value_type = Option<String>, format = DateTime)]
    read: Option<Timestamp>,
    /// Up to which instant all rows were read that had come.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// How many rows were handed to rules since the start.
    rows: u64,
    /// Why it could not be read last; empty when it could.
    error: String,
}

/// List the sources of log events and spans, table by table.
#[utoipa::path(get, path = "/sources", tag = "logs", responses((status = 200, body = Vec<SourceBody>), Problems))]
async fn list_sources(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<SourceBody>>, Problem> {
    let sources = state.stores.records.sources(&actor)?;
    Ok(Json(sources.into_iter().flat_map(bodies).collect()))
}

fn bodies(of: RecordSource) -> impl Iterator<Item = SourceBody> {
    kernel::book::source::Table::ALL.into_iter().map(move |table| {
        let followed = of.followed.get(&table);
        let known = followed.cloned().unwrap_or_default();
        SourceBody {
            source: of.name.to_string(),
            table: table.as_str(),
            url: of.source.url.clone(),
            followed: followed.is_some(),
            read: known.read,
            until: known.until,
            rows: known.rows,
            error: known.error.unwrap_or_default(),
        }
    })
}
