//! Searches for log events and traces, in our own stores or in a source that the watchbook names, as the API and the screens
//! ask them: permitted by the engine, a bounded number at once.

use std::sync::Arc;

use engine::records::{RecordSource, Unread};
use kernel::book::source::Table;
use kernel::search::{LogsWanted, TracesWanted};
use kernel::{Actor, Nanos, Timestamp};
use telemetry::traces::{Listing, SPANS_PER_TRACE_MAX, Trace};

use crate::doors::reply::Problem;
use crate::logs::{Found, LogQuery, PIECES, Volume};
use crate::pages::view::words;
use crate::state::AppState;

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Engine(error) => error.into(),
            Unread::Missing(_) => Self::missing(unread.to_string()).field("source"),
            Unread::Refused(_) => Self::bad(unread.to_string()).field("source"),
            Unread::Failed(_) => Self::unavailable(unread.to_string()),
        }
    }
}

/// How a source does whose table is looked into, in a sentence; empty when it is not followed, or is not a source.
pub(crate) fn state(known: &[RecordSource], name: &str, table: Table, now: Timestamp) -> String {
    let followed = known.iter().find(|source| source.name.as_str() == name).and_then(|one| one.followed.get(&table));
    match followed {
        None => String::new(),
        Some(followed) => match (&followed.error, followed.read) {
            (Some(why), _) => format!("Rules do not see what is new in it, because it cannot be read: {why}."),
            (None, Some(read)) => format!("Rules look at what is new in it; last read {}.", words::ago(read, now)),
            (None, None) => "Rules look at what is new in it; it was not read yet.".to_owned(),
        },
    }
}

/// What a search finds, and how many events there were over time up to an instant, where one is given.
pub(crate) async fn logs(
    state: &AppState,
    actor: &Actor,
    query: LogQuery,
    until: Option<Nanos>,
) -> Result<(LogQuery, Found, Volume), Problem> {
    // Nobody closes the semaphore.
    let _place = Arc::clone(&state.queries).acquire_owned().await;
    let Some(source) = query.source() else {
        let logs = Arc::clone(&state.stores.logs);
        let searched = tokio::task::spawn_blocking(move || {
            let found = query.search(&logs);
            let volume = until.map(|until| query.volume(&logs, until)).unwrap_or_default();
            (query, found, volume)
        });
        return searched.await.map_err(|_| Problem::unavailable("the search ended without an answer"));
    };
    let (records, wanted) = (&state.stores.records, query.elsewhere());
    let page = records.logs(actor, source, &wanted).await?;
    let volume = match until {
        Some(until) => {
            let wanted = LogsWanted { until: until.min(query.until), ..wanted };
            let pieces = records.volume(actor, source, &wanted, PIECES).await?;
            Volume { pieces, back_to: query.from }
        }
        None => Volume::default(),
    };
    let cut = !page.whole && page.rows.len() < wanted.limit;
    let found = query.found(page.rows.into_iter().map(|(_, event)| Arc::new(event)).collect(), !cut, Vec::new());
    Ok((query, found, volume))
}

/// Traces of a source.
pub(crate) async fn traces(
    state: &AppState,
    actor: &Actor,
    source: &str,
    wanted: TracesWanted,
) -> Result<Listing, Problem> {
    // Nobody closes the semaphore.
    let _place = Arc::clone(&state.queries).acquire_owned().await;
    let limit = wanted.limit;
    let wanted = TracesWanted { limit: limit + 1, ..wanted };
    let mut traces = state.stores.records.traces(actor, source, &wanted).await?;
    let whole = traces.len() <= limit;
    traces.truncate(limit);
    Ok(Listing { traces, whole, looked_back_to: None })
}

/// One trace of a source; `None` when it has no span of it.
pub(crate) async fn trace(state: &AppState, actor: &Actor, source: &str, id: &str) -> Result<Option<Trace>, Problem> {
    // Nobody closes the semaphore.
    let _place = Arc::clone(&state.queries).acquire_owned().await;
    let page = state.stores.records.trace(actor, source, id, SPANS_PER_TRACE_MAX).await?;
    Ok(Trace::of(id, page.rows.into_iter().map(|(_, span)| Arc::new(span)).collect(), page.whole))
}
