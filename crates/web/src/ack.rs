//! The link by which a paged person acknowledges, without logging in: it is signed for one page and one person. Opening it
//! shows what it would do; only the button does it, so a mail scanner that opens links acknowledges nothing.

use alerts::{Command, PageId};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kernel::{Actor, PersonName};
use serde::Deserialize;

use crate::doors::reply::Problem;
use crate::state::AppState;

/// The page of this link.
pub fn router() -> Router<AppState> {
    Router::new().route("/ack/{page}", get(ask).post(acknowledge))
}

#[derive(Debug, Deserialize)]
struct Link {
    person: PersonName,
    key: String,
}

#[derive(Template)]
#[template(
    source = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title></head>
<body><main><h1>{{ title }}</h1>
<p>{{ says }}</p>
{% if offers %}<form method="post"><button autofocus>Acknowledge as {{ person }}</button></form>{% endif %}
</main></body></html>
"#,
    ext = "html"
)]
struct Shown<'a> {
    title: &'a str,
    says: &'a str,
    person: &'a str,
    offers: bool,
}

impl Shown<'_> {
    fn answer(&self) -> Result<Response, Problem> {
        let text = self.render().map_err(|error| Problem::unavailable(error.to_string()))?;
        let policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        Ok((headers, text).into_response())
    }
}

/// The person of a link, when its key is the right one.
fn person(state: &AppState, page: u64, link: &Link) -> Result<Actor, Problem> {
    if state.engine.link_verify(page, &link.person, &link.key) {
        return Ok(Actor::Person(link.person.clone()));
    }
    Err(Problem::of(axum::http::StatusCode::FORBIDDEN, "this link is not one of ours: open the page and log in"))
}

async fn ask(
    State(state): State<AppState>,
    Path(page): Path<u64>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let actor = person(&state, page, &link)?;
    let shown = state.engine.read(&actor, engine::Read::of("alerts:read"), |world| {
        world.alerts.page(PageId(page)).map(|page| (page.title.clone(), page.is_open() && !page.is_acknowledged()))
    })?;
    let (title, offers) = shown.ok_or_else(|| Problem::missing(format!("there is no page {page} any more")))?;
    let says =
        if offers { "Nobody has acknowledged this page yet." } else { "This page needs no acknowledgement any more." };
    Shown { title: &title, says, person: link.person.as_str(), offers }.answer()
}

async fn acknowledge(
    State(state): State<AppState>,
    Path(page): Path<u64>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let actor = person(&state, page, &link)?;
    let note = "by the link in the message".to_owned();
    state.engine.ask(&actor, Command::Acknowledge { page: PageId(page), note }).await?;
    Shown {
        title: "Acknowledged",
        says: "Escalation has stopped. It is yours.",
        person: link.person.as_str(),
        offers: false,
    }
    .answer()
}
