//! *Now*: what is firing, who is paged, who is on call, which incidents are open.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use engine::Read;

use super::frame::{LIST_MAX, Screen, frame, html, stop};
use super::rows;
use super::view::Tab;
use super::view::now::NowPage;
use crate::session::Reader;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/", get(now))
}

async fn now(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Now, "Now", "/")?;
    let held_back = state.engine.held_back().iter().map(ToString::to_string).collect();
    let stopped = stop(&chrome);
    let actor = session.actor();
    let reach = state.engine.reach(&actor, "incidents:read");
    let page = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let book = &world.book;
        let open = world.incidents.list().into_iter().filter(|incident| incident.is_open());
        let readable = open.filter(|incident| reach.shows(&incident.id.to_string(), incident.sensitivity));
        let mut pages: Vec<_> = world.alerts.open_pages().take(LIST_MAX).map(|page| rows::page(book, page)).collect();
        pages.sort_by_key(|row| (!row.open, row.severity, row.opened_at));
        let groups = rows::groups(world, |_| true);
        NowPage {
            incidents: readable.map(|incident| rows::incident(book, incident)).collect(),
            pages,
            muted: world.alerts.counts().muted,
            duty: rows::duties(world, chrome.now),
            changes: rows::changes(world, |_| true),
            last_alert: groups.iter().flat_map(|group| &group.alerts).map(|row| row.since).max(),
            groups,
            held_back,
            refused_findings: world.governance.refused_findings(),
            chrome,
        }
    });
    page.map(|page| html(&page)).map_err(stopped)
}
