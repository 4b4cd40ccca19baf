//! What a node answers while another one writes the journal: that it lives, that it stands by, and who leads.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use kernel::Timestamp;
use parking_lot::RwLock;
use tower::ServiceExt as _;

use crate::doors::reply::Problem;
use crate::pages;
use crate::secure;

/// What serves at the moment, behind a listener that stays. Cheap to clone.
#[derive(Clone)]
pub struct Front(Arc<RwLock<Router>>);

impl Front {
    /// A front that shows this first.
    #[must_use]
    pub fn of(app: Router) -> Self {
        Self(Arc::new(RwLock::new(app)))
    }

    /// Lets all further requests be answered by this.
    pub fn show(&self, app: Router) {
        *self.0.write() = app;
    }

    /// What a listener serves: each request is answered by whatever is shown when it comes.
    pub fn app(&self) -> Router {
        let shown = Arc::clone(&self.0);
        Router::new().fallback_service(tower::service_fn(move |request: Request| {
            let app = shown.read().clone();
            async move { Ok::<_, Infallible>(app.oneshot(request).await.into_response()) }
        }))
    }
}

/// Who leads, as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The node that writes the journal.
    pub node: String,
    /// Until when, unless it renews that.
    pub until: Option<Timestamp>,
    /// Where people reach it.
    pub url: Option<String>,
    /// Why this node could not take over or even look, when it tried last.
    pub trouble: Option<String>,
    /// How many groups of rules over a source this node evaluates.
    pub shards: usize,
}

impl Standing {
    /// The state in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let who = match (&*self.node, self.until) {
            ("", _) | (_, None) => "nobody is known to write the journal".to_owned(),
            (node, Some(until)) => format!("{node} writes the journal until {until}"),
        };
        let trouble = self.trouble.as_ref().map_or_else(String::new, |trouble| format!("; {trouble}"));
        format!("standing by: {who}{trouble}")
    }
}

/// What is shared between the node that stands by and whoever asks it.
pub type Shown = Arc<RwLock<Standing>>;

/// The whole server of a node that stands by.
pub fn app(standing: Shown, https: bool) -> Router {
    let app = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .merge(pages::assets_router())
        .fallback(otherwise);
    secure::secured(app, https).with_state(standing)
}

async fn ready(State(standing): State<Shown>) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", standing.read().line()))
}

async fn metrics(State(standing): State<Shown>) -> Response {
    let shards = standing.read().shards;
    let text = format!(
        "# HELP watchkeeper_ready Whether commands are taken.\n# TYPE watchkeeper_ready gauge\nwatchkeeper_ready 0\n\
         # HELP watchkeeper_leading Whether this node writes the journal.\n# TYPE watchkeeper_leading gauge\n\
         watchkeeper_leading 0\n\
         # HELP watchkeeper_shards_held Groups of rules over a source that this node evaluates.\n\
         # TYPE watchkeeper_shards_held gauge\nwatchkeeper_shards_held {shards}\n"
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// A page for people, words for programs; both are told to come back, and where to go.
async fn otherwise(State(standing): State<Shown>, headers: HeaderMap, uri: Uri) -> Response {
    let standing = standing.read().clone();
    let leader = standing.url.as_ref().map(|url| format!("{url}{}", uri.path()));
    let accepted = headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    if accepted.contains("text/html") && !uri.path().starts_with("/api/") {
        let page = pages::standing_by(standing.line(), leader);
        return Problem::unavailable(String::new()).with_body(page);
    }
    let told = leader.map_or_else(|| standing.line(), |leader| format!("{}; ask {leader}", standing.line()));
    Problem::unavailable(told).into_response()
}
