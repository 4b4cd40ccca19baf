//! *Logs*: log events of the last day, newest first, by word, service, level, time and pattern; how many there were over
//! time; and, where somebody follows, the new ones as they come.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures::{Stream, StreamExt as _};
use kernel::book::source::Table;
use kernel::{Actor, Level, LogEvent, Nanos, Timestamp};
use serde::Deserialize;
use signals::templates::TemplateId;
use tokio_stream::wrappers::IntervalStream;

use super::frame::{Screen, encoded, frame, html, stop};
use super::view::logs::{Bar, Bars, EventRow, LogForm, LogsPage};
use super::view::{Chip, Chrome, Tab, Tone, words};
use crate::doors::reply::Problem;
use crate::elsewhere;
use crate::logs::{EVENTS_MAX, Found, LogQuery, PIECES, Volume, Wanted};
use crate::session::{self, Reader};
use crate::state::AppState;

/// How far back one may look: durations and words.
const RANGES: [(&str, &str); 6] = [
    ("5m", "5 minutes"),
    ("15m", "15 minutes"),
    ("1h", "1 hour"),
    ("6h", "6 hours"),
    ("1d", "1 day"),
    ("2d", "2 days"),
];
/// How far back is looked when nothing is said,
const RANGE: &str = "1h";
/// and for what belongs to a trace.
const RANGE_OF_TRACE: &str = "2d";
/// How many attributes of an event are shown.
const ATTRIBUTES_MAX: usize = 40;
/// How many characters of a value are shown.
const VALUE_CHARS_MAX: usize = 2000;
/// How often somebody who follows is told that something came.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// The size of the bars in their own units: the height, and the width of one with its gap.
const HEIGHT: u32 = 72;
const STEP: u32 = 16;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/logs", get(list)).route("/logs/live", get(follow))
}

#[derive(Debug, Clone, Deserialize)]
struct Asked {
    #[serde(flatten)]
    wanted: Wanted,
    #[serde(default)]
    follow: String,
}

async fn list(State(state): State<AppState>, Reader(session): Reader, Query(asked): Query<Asked>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Logs, "Logs", "/logs")?;
    let actor = session.actor();
    let services = super::patterns::services(&state, &actor).map_err(stop(&chrome))?;
    let known = state.stores.records.sources(&actor).map_err(stop(&chrome))?;
    let sources = known.iter().map(|source| source.name.to_string()).collect();
    let (form, follows) = (form_of(&asked.wanted), !asked.follow.is_empty());
    let mut page = LogsPage {
        pattern: String::new(),
        levels: Level::ALL.iter().skip(1).map(|level| level.as_str()).collect(),
        ranges: RANGES.to_vec(),
        services,
        sources,
        state: String::new(),
        follows: follows && form.source.is_empty(),
        query: query_of(&form),
        error: None,
        volume: Bars::default(),
        events: Vec::new(),
        kept: state.stores.logs.counts().records,
        next: None,
        whole: true,
        damaged: Vec::new(),
        form,
        chrome,
    };
    page.state = elsewhere::state(&known, &page.form.source, Table::Logs, page.chrome.now);
    match found(&state, &actor, &asked.wanted, &page).await {
        Err(problem) => page.error = Some(problem.message),
        Ok((query, found, volume)) => {
            let patterns = state.stores.patterns.patterns_of(&actor, &found.events).map_err(stop(&page.chrome))?;
            let pattern = |pattern: Option<TemplateId>| pattern.filter(|_| page.form.source.is_empty());
            let rows = found.events.iter().zip(patterns);
            page.events = rows.map(|(event, found)| row(event, pattern(found), &page.form.source)).collect();
            page.next = found.next.map(|next| format!("/logs?{}&cursor={next}", page.query));
            page.whole = found.whole;
            page.damaged = found.damaged;
            page.pattern = query.pattern().unwrap_or_default().to_owned();
            page.volume = bars(&page, &query, &volume);
        }
    }
    Ok(html(&page))
}

/// What was found, and how many there were over time; the two are looked for one after the other, in one place.
async fn found(
    state: &AppState,
    actor: &Actor,
    wanted: &Wanted,
    page: &LogsPage,
) -> Result<(LogQuery, Found, Volume), Problem> {
    let query = wanted.understood(state, actor, page.chrome.zone.as_ref(), EVENTS_MAX)?;
    let until = end(&query, &page.chrome);
    elsewhere::logs(state, actor, query, Some(until)).await
}

/// Where the drawing of a search ends.
fn end(query: &LogQuery, chrome: &Chrome) -> Nanos {
    query.until.min(i64::try_from(chrome.now.as_nanosecond()).unwrap_or(i64::MAX))
}

fn form_of(wanted: &Wanted) -> LogForm {
    let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
    let (from, since, trace) = (text(&wanted.from), text(&wanted.since), text(&wanted.trace));
    // What belongs to one trace is wanted whenever it was.
    let range = if trace.is_empty() { RANGE } else { RANGE_OF_TRACE };
    LogForm {
        text: text(&wanted.text),
        service: text(&wanted.service),
        level: text(&wanted.level),
        since: if since.is_empty() && from.is_empty() { range.to_owned() } else { since },
        until: text(&wanted.until),
        pattern: text(&wanted.pattern),
        attribute: text(&wanted.attribute),
        source: text(&wanted.source),
        trace,
        from,
    }
}

/// The form as a query. What is empty is left out.
fn query_of(form: &LogForm) -> String {
    let pairs = [
        ("text", &form.text),
        ("service", &form.service),
        ("level", &form.level),
        ("since", &form.since),
        ("from", &form.from),
        ("until", &form.until),
        ("pattern", &form.pattern),
        ("trace", &form.trace),
        ("attribute", &form.attribute),
        ("source", &form.source),
    ];
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

fn row(event: &LogEvent, pattern: Option<TemplateId>, source: &str) -> EventRow {
    let shown = |value: &kernel::Attribute| value.to_string().chars().take(VALUE_CHARS_MAX).collect::<String>();
    let named = |(name, value): &(String, kernel::Attribute)| (name.clone(), shown(value));
    let resource = event.origin.resource.iter().filter(|(name, _)| name != "service.name");
    EventRow {
        at: instant(event.at),
        level: level(event),
        service: event.origin.service().to_owned(),
        body: if event.name.is_empty() { shown(&event.body) } else { format!("{} {}", event.name, shown(&event.body)) },
        attributes: event.attributes.iter().chain(resource).take(ATTRIBUTES_MAX).map(named).collect(),
        trace: event.trace.clone(),
        trace_href: trace_href(&event.trace, source),
        like: pattern.map(|id| like(event.origin.service(), id)),
    }
}

/// The address of a trace, in a source where one is looked into.
pub(super) fn trace_href(trace: &str, source: &str) -> String {
    let within = if source.is_empty() { String::new() } else { format!("?source={}", encoded(source)) };
    format!("/traces/{}{within}", encoded(trace))
}

fn instant(at: Nanos) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at)).unwrap_or_default()
}

/// The address of the events of a pattern.
pub(super) fn like(service: &str, id: TemplateId) -> String {
    format!("/logs?service={}&pattern={id}&since=1d", encoded(service))
}

fn level(event: &LogEvent) -> Chip {
    let chip = level_chip(event.level());
    if event.severity_text.is_empty() { chip } else { Chip::new(chip.tone, event.severity_text.clone()) }
}

/// A level as a chip.
pub(super) fn level_chip(level: Level) -> Chip {
    let tone = match level {
        Level::Unknown | Level::Trace | Level::Debug => Tone::Plain,
        Level::Info => Tone::Info,
        Level::Warning => Tone::Warn,
        Level::Error | Level::Fatal => Tone::Bad,
    };
    Chip::new(tone, if level == Level::Unknown { "log" } else { level.as_str() })
}

fn bars(page: &LogsPage, query: &LogQuery, volume: &Volume) -> Bars {
    let (from, until) = (query.from, end(query, &page.chrome));
    let span = until.saturating_sub(from).max(1);
    let sum = |piece: &[u64; 3]| piece.iter().sum::<u64>();
    let most = volume.pieces.iter().map(sum).max().unwrap_or(0);
    let edge = |piece: usize| from.saturating_add(portion(span, piece));
    let clock = if span > 86_400_000_000_000 { "%-d %b %H:%M" } else { "%H:%M:%S" };
    let time = |at: Nanos| page.chrome.civil(&instant(at), clock);
    let bar = |(place, piece): (usize, &[u64; 3])| Bar {
        x: u32::try_from(place).unwrap_or(0) * STEP,
        parts: parts(piece, most),
        words: format!(
            "{} to {}: {}, {} of them errors",
            time(edge(place)),
            time(edge(place + 1)),
            words::count(usize::try_from(sum(piece)).unwrap_or(usize::MAX), "event", "events"),
            piece[0]
        ),
        href: zoomed(page, edge(place), edge(place + 1)),
    };
    let filled = volume.pieces.iter().enumerate().filter(|(_, piece)| sum(piece) > 0);
    let uncounted = i128::from(volume.back_to.saturating_sub(from)) * i128::from(STEP) * PIECES as i128;
    let marks = (0_u32..=4).map(|quarter| {
        let piece = PIECES * usize::try_from(quarter).unwrap_or(0) / 4;
        (STEP * u32::try_from(piece).unwrap_or(0), page.chrome.civil(&instant(edge(piece)), "%H:%M"))
    });
    Bars {
        bars: filled.map(bar).collect(),
        times: marks.collect(),
        total: volume.pieces.iter().map(sum).sum(),
        errors: volume.pieces.iter().map(|piece| piece[0]).sum(),
        most,
        counted_from: (volume.back_to > from).then(|| instant(volume.back_to)),
        uncounted: u32::try_from(uncounted / i128::from(span)).unwrap_or(0),
    }
}

fn portion(span: Nanos, piece: usize) -> Nanos {
    i64::try_from(i128::from(span) * piece as i128 / PIECES as i128).unwrap_or(i64::MAX)
}

/// Errors, warnings and others, one on top of the other. What is there is seen: its height is at least one.
fn parts(piece: &[u64; 3], most: u64) -> Vec<(&'static str, u32, u32)> {
    let mut top = HEIGHT;
    let mut made = Vec::new();
    for (class, count) in ["bar-bad", "bar-warn", "bar-plain"].into_iter().zip(piece).filter(|(_, count)| **count > 0) {
        let height = u128::from(*count) * u128::from(HEIGHT) / u128::from(most.max(1));
        let height = u32::try_from(height).unwrap_or(HEIGHT).clamp(1, top.max(1));
        top = top.saturating_sub(height);
        made.push((class, top, height));
    }
    made
}

/// The same search over one piece of its time.
fn zoomed(page: &LogsPage, from: Nanos, until: Nanos) -> String {
    let (from, until) = (instant(from).to_string(), instant(until).to_string());
    let form = LogForm { since: String::new(), from, until, ..page.form.clone() };
    format!("/logs?{}", query_of(&form))
}

/// Says that something came: an instant, so that a page that was made later knows that it shows it already.
async fn follow(
    State(state): State<AppState>,
    Reader(session): Reader,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let session = session.ok_or_else(|| Problem::unauthorised("log in first"))?;
    state.engine.may(&session.actor(), engine::Read::of("signals:read"))?;
    let changes = state.engine.watch();
    let mut seen = None;
    let beat = IntervalStream::new(tokio::time::interval(FOLLOW_EVERY));
    let open = state.clone();
    let beat = beat.take_while(move |_| std::future::ready(session::is_open(&open, &session).unwrap_or(false)));
    let events = beat.filter_map(move |_| {
        let now = (state.stores.logs.came(), *changes.borrow());
        let came = seen.replace(now) != Some(now);
        let at = state.engine.now().as_millisecond().to_string();
        std::future::ready(came.then(|| Ok(Event::default().id(at.clone()).data(at))))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen_and_fits() {
        let tall = |piece, most| parts(piece, most).iter().map(|(_, _, height)| height).sum::<u32>();
        assert_eq!(tall(&[10, 20, 70], 100), 7 + 14 + 50);
        assert_eq!(parts(&[1, 0, 100_000], 100_001), [("bar-bad", 71, 1), ("bar-plain", 0, 71)]);
        assert_eq!(parts(&[0, 0, 0], 0), []);
        assert!(tall(&[u64::MAX, 0, 0], u64::MAX) <= HEIGHT);
    }

    #[test]
    fn a_query_holds_what_the_form_holds() {
        let form = LogForm { text: "a&b c".into(), since: "1h".into(), ..LogForm::default() };
        assert_eq!(query_of(&form), "text=a%26b%20c&since=1h");
    }
}
