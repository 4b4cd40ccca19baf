//! *Status page*: what customers read. Public; only published words pass here.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use comms::{ComponentStatus, PublicNotice, Stage};
use engine::Read;
use kernel::{Actor, Book};

use super::frame::{Screen, chrome, html, stop};
use super::view::status::{ComponentRow, Notice, NoticeUpdate, StatusPage};
use super::view::{Chip, Tab, Tone};
use crate::session::Reader;
use crate::state::AppState;

/// How many notices that are over are shown.
const PAST_MAX: usize = 30;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/status", get(status))
}

async fn status(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let chrome = chrome(&state, session.as_ref(), Tab::Other, "Status", "/status");
    let stopped = stop(&chrome);
    let page = state.engine.read(&Actor::Anonymous, Read::of("status:read"), |world| {
        let book = &world.book;
        let overall = world.comms.overall(book);
        let row = |now: comms::ComponentNow<'_>| ComponentRow {
            title: now.component.title.clone(),
            description: now.component.description.clone(),
            status: Chip::new(tone(now.status), now.status.title()),
        };
        let (open, over): (Vec<_>, Vec<_>) = world.comms.public().partition(|notice| notice.resolved_at.is_none());
        let mut past: Vec<(String, Vec<Notice>)> = Vec::new();
        for one in over.iter().take(PAST_MAX) {
            let day = chrome.day(&one.created_at);
            match past.last_mut().filter(|(own, _)| *own == day) {
                Some((_, notices)) => notices.push(notice(book, one)),
                None => past.push((day, vec![notice(book, one)])),
            }
        }
        StatusPage {
            tone: tone(overall.worst),
            verdict: overall.sentence().to_owned(),
            components: world.comms.components(book).into_iter().map(row).collect(),
            notices: open.iter().map(|one| notice(book, one)).collect(),
            past,
            chrome,
        }
    });
    page.map(|page| html(&page)).map_err(stopped)
}

/// The colour of a component's status.
pub(super) fn tone(status: ComponentStatus) -> Tone {
    match status {
        ComponentStatus::Operational => Tone::Ok,
        ComponentStatus::Maintenance => Tone::Info,
        ComponentStatus::Degraded => Tone::Warn,
        ComponentStatus::PartialOutage | ComponentStatus::MajorOutage => Tone::Bad,
    }
}

fn notice(book: &Book, notice: &PublicNotice<'_>) -> Notice {
    let title = |name: &str| {
        let known = book.components.iter().find(|component| component.name.as_str() == name);
        known.map_or_else(|| name.to_owned(), |component| component.title.clone())
    };
    let mut named: Vec<String> =
        notice.updates.iter().flat_map(|u| &u.components).map(|(name, _)| title(name)).collect();
    named.sort();
    named.dedup();
    let update = |update: &comms::PublicUpdate<'_>| {
        let tone = if update.stage == Stage::Resolved { Tone::Ok } else { Tone::Info };
        NoticeUpdate { stage: Chip::new(tone, update.stage.title()), at: update.at, text: update.text.to_owned() }
    };
    Notice {
        id: notice.id.0,
        title: notice.title.to_owned(),
        components: named.join(", "),
        updates: notice.updates.iter().map(update).collect(),
    }
}
