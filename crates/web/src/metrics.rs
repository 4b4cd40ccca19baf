//! The server's own series in Prometheus' text format, and what the doors count for them. Monitored systems' samples are
//! not here: they go to the sink.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine::{Health, Read};
use kernel::Actor;
use tower::util::MapResponseLayer;

use crate::doors::reply::Problem;
use crate::state::AppState;

/// The parts of the server whose answers are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The Alertmanager API.
    Alertmanager,
    /// The PagerDuty Events API.
    PagerDuty,
    /// The generic webhooks.
    Hook,
    /// OTLP.
    Otlp,
    /// Prometheus' query API and remote write.
    Prometheus,
    /// The public status API.
    Status,
    /// Our own API.
    Api,
    /// The pages.
    Pages,
    /// Everything else: health, these metrics, and paths that lead nowhere.
    Other,
}

impl Part {
    const ALL: [Self; 9] = [
        Self::Alertmanager,
        Self::PagerDuty,
        Self::Hook,
        Self::Otlp,
        Self::Prometheus,
        Self::Status,
        Self::Api,
        Self::Pages,
        Self::Other,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::PagerDuty => "pagerduty",
            Self::Hook => "hook",
            Self::Otlp => "otlp",
            Self::Prometheus => "prometheus",
            Self::Status => "status",
            Self::Api => "api",
            Self::Pages => "pages",
            Self::Other => "other",
        }
    }
}

/// The statuses that are counted one by one; others are counted by their class.
const STATUSES: [u16; 16] = [200, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503];
/// The places of a row: one for each of [`STATUSES`], and one for each class from 2xx to 5xx.
const ROW: usize = STATUSES.len() + 4;

/// How many answers each part gave, by status.
#[derive(Debug, Default)]
pub struct Counters {
    answers: [[AtomicU64; ROW]; Part::ALL.len()],
    samples_received: AtomicU64,
    samples_refused: AtomicU64,
}

impl Counters {
    /// Counts an answer.
    pub fn note(&self, part: Part, status: StatusCode) {
        let code = status.as_u16();
        let class = usize::from(code / 100).clamp(2, 5) - 2 + STATUSES.len();
        let place = STATUSES.iter().position(|known| *known == code).unwrap_or(class);
        if let Some(count) = self.answers.get(part as usize).and_then(|row| row.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts samples that came in, and those of them that were refused.
    pub fn note_samples(&self, received: u64, refused: u64) {
        self.samples_received.fetch_add(received, Ordering::Relaxed);
        self.samples_refused.fetch_add(refused, Ordering::Relaxed);
    }

    /// How often a part answered with a status of [`STATUSES`].
    #[must_use]
    pub fn answered(&self, part: Part, status: StatusCode) -> u64 {
        let place = STATUSES.iter().position(|known| *known == status.as_u16());
        let count = place.and_then(|place| self.answers.get(part as usize)?.get(place));
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// Counts every answer of a router as one of a part. Light enough for the hot path.
pub fn counted(router: Router<AppState>, part: Part, state: &AppState) -> Router<AppState> {
    let counters = std::sync::Arc::clone(&state.counters);
    router.layer(MapResponseLayer::new(move |response: Response| {
        counters.note(part, response.status());
        response
    }))
}

/// The routes of this module.
pub fn router() -> Router<AppState> {
    Router::new().route("/metrics", get(metrics))
}

/// A text in the exposition format.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing into memory cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help);
        let _ = writeln!(self.0, "{name} {value}");
    }
}

async fn metrics(State(state): State<AppState>) -> Result<Response, Problem> {
    let mut text = Text::default();
    lifecycle(&mut text, &state)?;
    answers(&mut text, &state.counters);
    let (looked_at, left_out) = state.stores.sigma.counts();
    text.counter("watchkeeper_sigma_events_total", "Log events that Sigma rules looked at.", looked_at);
    text.counter("watchkeeper_sigma_left_out_total", "Log events that there was no time to look at.", left_out);
    let help = "Groups of rules over a source that this node evaluates.";
    text.gauge("watchkeeper_shards_held", help, state.stores.ruler.shards_held());
    process(&mut text);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.0).into_response())
}

fn lifecycle(text: &mut Text, state: &AppState) -> Result<(), Problem> {
    let (counts, open, next, refused) = state.engine.read(&Actor::system("web"), Read::of("alerts:read"), |world| {
        (world.alerts.counts(), world.incidents.open_count(), world.next, world.governance.refused_book().is_some())
    })?;
    let ready = u8::from(state.engine.health() == Health::Ready);
    text.gauge("watchkeeper_ready", "Whether commands are taken.", ready);
    text.gauge("watchkeeper_leading", "Whether this node writes the journal.", 1);
    text.counter("watchkeeper_journal_facts_total", "Facts in the journal.", next.0);
    let failures = state.engine.failures();
    text.counter("watchkeeper_journal_failures_total", "Times that the journal could not be appended to.", failures);
    text.gauge("watchkeeper_commands_waiting", "Commands that wait for the writer.", state.engine.queued());
    text.gauge("watchkeeper_alerts_firing", "Alerts that fire.", counts.alerts);
    text.gauge("watchkeeper_alerts_muted", "Alerts that fire and are muted.", counts.muted);
    text.gauge("watchkeeper_alert_groups", "Groups of firing alerts.", counts.groups);
    text.gauge("watchkeeper_pages_open", "Pages that are open.", counts.open_pages);
    text.gauge("watchkeeper_incidents_open", "Incidents that are not resolved.", open);
    let help = "Whether the watchbook on disk was refused, so that an older one stays live.";
    text.gauge("watchkeeper_watchbook_refused", help, u8::from(refused));
    let held = state.engine.held_back();
    text.family("watchkeeper_channel_held_back", "gauge", "Channels whose breaker is open.");
    for channel in held {
        let _ = writeln!(text.0, "watchkeeper_channel_held_back{{channel=\"{channel}\"}} 1");
    }
    text.family("watchkeeper_build_info", "gauge", "The version that runs.");
    let _ = writeln!(text.0, "watchkeeper_build_info{{version=\"{}\"}} 1", state.config.version);
    Ok(())
}

fn answers(text: &mut Text, counters: &Counters) {
    let name = "watchkeeper_http_answers_total";
    text.family(name, "counter", "Answers by part of the server and status; 4xx and 5xx are refusals.");
    let classes = ["2xx", "3xx", "4xx", "5xx"].map(str::to_owned);
    let labels: Vec<String> = STATUSES.iter().map(u16::to_string).chain(classes).collect();
    for (part, row) in Part::ALL.iter().zip(&counters.answers) {
        for (status, count) in labels.iter().zip(row) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                let _ = writeln!(text.0, "{name}{{part=\"{}\",status=\"{status}\"}} {count}", part.name());
            }
        }
    }
    let (received, refused) = (&counters.samples_received, &counters.samples_refused);
    text.counter("watchkeeper_samples_received_total", "Samples received.", received.load(Ordering::Relaxed));
    text.counter("watchkeeper_samples_refused_total", "Samples refused.", refused.load(Ordering::Relaxed));
}

/// What the system says of this process; left out where it says nothing.
fn process(text: &mut Text) {
    /// Linux counts resident memory in pages of this size on all machines that we build for.
    const PAGE_BYTES: u64 = 4096;
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    if let Some(pages) = pages.and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok()) {
        text.gauge("process_resident_memory_bytes", "Resident memory.", pages * PAGE_BYTES);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "Open files.", files.count());
    }
}
