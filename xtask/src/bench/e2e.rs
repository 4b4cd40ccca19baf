//! From POST to the page at a webhook server, each alert a group of its own with no wait.
//!
//! Open loop: a page's latency counts from when its alert was due to be sent, so a stall is not hidden by waiting for it.

use super::alerts::Maker;
use super::hook::{Hook, WELL};
use super::load::{blast, paced, quantile};
use super::peer::{Peer, Scene};
use super::report::{Measure, Report, Value};
use super::{Context, Measured};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const P50: Measure = Measure::lower("page p50, ms");
const P99: Measure = Measure::lower("page p99, ms");
const WORST: Measure = Measure::lower("page worst, ms");
const LOST: Measure = Measure::lower("pages not delivered");
const TWICE: Measure = Measure::lower("pages delivered twice");
const ALL: Measure = Measure::lower("all paged after, s");

/// Alerts each second in the open loop.
const RATES: [u64; 3] = [100, 500, 1000];
/// How long each rate is kept up, in seconds.
const SECONDS: u64 = 10;
/// How many alerts come at once in the burst.
const BURST: u64 = 20_000;
/// Connections over which the burst is sent, one alert to a request.
const BURST_CONNECTIONS: usize = 64;
/// Connections over which alerts are sent.
const CONNECTIONS: usize = 32;
/// How long pages may still come after the last alert was sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// The rates one after the other on one server, then the burst on a fresh one.
pub fn run(context: &Context, peer: &dyn Peer, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    let hook = Hook::start(WELL)?;
    let server = peer.start(dir.path(), &Scene::paging(hook.url(), Duration::ZERO))?;
    let mut sent = 0;
    for rate in RATES {
        let count = context.size(rate * SECONDS);
        let case = format!("{rate} alerts/s");
        let maker = Maker::firing();
        let bodies = maker.batches(sent, count, 1);
        let requests: Vec<Vec<u8>> =
            bodies.iter().map(|body| server.door.request("POST", "/api/v2/alerts", body.as_bytes())).collect();
        let paced = paced(&server.door, &requests, rate as f64, CONNECTIONS)?;
        if rate == 1000 {
            report.goal(&case, P50, 10.0);
            report.goal(&case, P99, 50.0);
        }
        let due: Vec<(u64, Instant)> = (sent..).zip(paced.due).collect();
        sent += count;
        judge(&hook, sent, &due, (peer.name(), &case, report));
    }
    drop(server);
    burst(context, peer, report)
}

fn burst(context: &Context, peer: &dyn Peer, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    let hook = Hook::start(WELL)?;
    let server = peer.start(dir.path(), &Scene::paging(hook.url(), Duration::ZERO))?;
    let count = context.size(BURST);
    let case = format!("burst of {count}");
    let bodies = Maker::firing().batches(0, count, 1);
    let requests: Vec<Vec<u8>> =
        bodies.iter().map(|body| server.door.request("POST", "/api/v2/alerts", body.as_bytes())).collect();
    let began = Instant::now();
    let sent = blast(&server.door, &requests, BURST_CONNECTIONS)?.sent;
    let due: Vec<(u64, Instant)> = (0..).zip(sent).collect();
    report.goal(&case, P99, 1000.0);
    report.goal(&case, LOST, 0.0);
    let last = judge(&hook, count, &due, (peer.name(), &case, report)).last;
    report.add(peer.name(), &case, ALL, last.saturating_duration_since(began).as_secs_f64());
    report.note(
        "burst: single-alert requests as fast as 64 connections carry them; latency counts from the sending of each",
    );
    Ok(())
}

/// What the pages of a case came to.
pub struct Judged {
    /// All but one in a hundred pages came within this, in milliseconds.
    pub p99: Value,
    /// When the last one came.
    pub last: Instant,
}

/// Waits until the webhook has taken `total` alerts, and reports on those in `due`.
pub fn judge(hook: &Hook, total: u64, due: &[(u64, Instant)], to: (&str, &str, &mut Report)) -> Judged {
    let (peer, case, report) = to;
    hook.wait_for(total as usize, false, PATIENCE);
    let first = hook.first_taken(false);
    let arrivals: Vec<(Instant, Instant)> =
        due.iter().filter_map(|(seq, due)| Some((*due, *first.get(&format!("s{seq}"))?))).collect();
    let mut times: Vec<Duration> = arrivals.iter().map(|(due, came)| came.saturating_duration_since(*due)).collect();
    times.sort_unstable();
    let lost = due.len() - times.len();
    let value = |q: f64| {
        let missing = (due.len() as f64 * (1.0 - q)) < lost as f64;
        let given_up = Value::Above(PATIENCE.as_secs_f64() * 1000.0);
        if missing { given_up } else { Value::Exact(quantile(&times, q)) }
    };
    for (measure, q) in [(P50, 0.5), (P99, 0.99), (WORST, 1.0)] {
        report.add_value(peer, case, measure, value(q));
    }
    report.add(peer, case, LOST, lost as f64);
    report.add(peer, case, TWICE, (taken(hook, due) - times.len()) as f64);
    let last = arrivals.iter().map(|(_, came)| *came).max().unwrap_or_else(Instant::now);
    Judged { p99: value(0.99), last }
}

/// How many pages there were for the alerts in `due`, repetitions included.
fn taken(hook: &Hook, due: &[(u64, Instant)]) -> usize {
    let ours: BTreeSet<String> = due.iter().map(|(seq, _)| format!("s{seq}")).collect();
    hook.pages().iter().filter(|page| !page.resolved && ours.contains(&page.seq)).count()
}
