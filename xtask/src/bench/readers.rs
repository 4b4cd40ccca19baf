//! Pages under pressure: the same page load on an easy day and with readers, silences, inhibition and hung integrations.

use super::alerts::Maker;
use super::hook::{HANG, Hook, WELL};
use super::http::Door;
use super::load::{blast, paced};
use super::peer::{Peer, Scene, Server};
use super::report::{Measure, Report, Value};
use super::{Context, Measured, e2e, machine, memory};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Alerts that are active before the first page, in groups that tell nobody else.
const ACTIVE: u64 = 20_000;
/// Clients that read in a loop.
const READERS: usize = 8;
/// Inhibition rules.
const INHIBITIONS: usize = 100;
/// Silences.
const SILENCES: u64 = 10_000;
/// Integrations that never answer.
const HANGING: usize = 3;
/// Alerts each second.
const RATE: f64 = 50.0;
/// How many alerts are paged.
const PAGES: u64 = 500;
/// The number of the first paged alert, above those of the active ones.
const FIRST_PAGE: u64 = 1_000_000;
/// Connections over which they are sent.
const CONNECTIONS: usize = 32;
/// How long one read may take.
const READ_PATIENCE: Duration = Duration::from_secs(60);
/// The silences end after this many hours.
const SILENT_HOURS: i64 = 24;

/// What readers ask for, in turn.
const READS: [&str; 4] = ["/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences", "/metrics"];

/// Alerts that could not be handed over: no answer within a minute.
const UNANSWERED: Measure = Measure::lower("alerts not taken");
/// How the hard day's p99 compares with the easy one's.
const SLOWER: Measure = Measure::lower("page p99, times the easy one");

/// An easy day, then a hard one.
pub fn run(context: &Context, peer: &dyn Peer, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    let hook = Hook::start(WELL)?;
    let server = peer.start(dir.path(), &Scene::paging(hook.url(), Duration::ZERO))?;
    let easy = page(context, &server, &hook, (peer.name(), "easy", report))?;
    drop(server);
    let hard = hard_day(context, peer, report)?;
    report.goal("hard", SLOWER, 2.0);
    let (Value::Exact(easy), Value::Exact(slow) | Value::Above(slow)) = (easy, hard) else { return Ok(()) };
    let ratio = slow / easy;
    report.add_value(
        peer.name(),
        "hard",
        SLOWER,
        if hard == Value::Exact(slow) { Value::Exact(ratio) } else { Value::Above(ratio) },
    );
    report.note(format!(
        "easy: {RATE} pages/s for {} s; hard: the same while {READERS} clients loop over {}, with {ACTIVE} active alerts, {INHIBITIONS} \
         inhibition rules, {SILENCES} silences and {HANGING} integrations that never answer",
        PAGES as f64 / RATE,
        READS.join(", ")
    ));
    Ok(())
}

fn hard_day(context: &Context, peer: &dyn Peer, report: &mut Report) -> Measured<Value> {
    let dir = tempfile::tempdir()?;
    let hook = Hook::start(WELL)?;
    let hanging = (0..HANGING).map(|_| Hook::start(HANG)).collect::<Measured<Vec<_>>>()?;
    let paging = Scene::paging(hook.url(), Duration::ZERO);
    let scene = Scene { hanging: hanging.iter().map(Hook::url).collect(), inhibitions: INHIBITIONS, ..paging };
    let server = peer.start(dir.path(), &scene)?;
    silence(&server.door, context.size(SILENCES))?;
    memory::fill(&server.door, &Maker::backdrop(), context.size(ACTIVE))?;
    let (stop, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let paged = std::thread::scope(|scope| {
        for reader in 0..READERS {
            let (door, stop, reads) = (&server.door, &stop, &reads);
            scope.spawn(move || read(door, reader, stop, reads));
        }
        let paged = page(context, &server, &hook, (peer.name(), "hard", report));
        stop.store(true, Ordering::Relaxed);
        paged
    })?;
    report.note(format!("{}: {} reads were answered meanwhile", peer.name(), reads.load(Ordering::Relaxed)));
    Ok(paged)
}

/// Sends alerts by the clock and reports when their pages came; says their p99.
fn page(context: &Context, server: &Server, hook: &Hook, to: (&str, &str, &mut Report)) -> Measured<Value> {
    let count = context.size(PAGES);
    let bodies = Maker::firing().batches(FIRST_PAGE, count, 1);
    let requests: Vec<Vec<u8>> =
        bodies.iter().map(|body| server.door.request("POST", "/api/v2/alerts", body.as_bytes())).collect();
    let paced = paced(&server.door, &requests, RATE, CONNECTIONS)?;
    to.2.add(to.0, to.1, UNANSWERED, paced.unanswered as f64);
    let due: Vec<(u64, Instant)> = (FIRST_PAGE..).zip(paced.due).collect();
    Ok(e2e::judge(hook, count, &due, to).p99)
}

fn read(door: &Door, reader: usize, stop: &AtomicBool, counted: &AtomicU64) {
    for path in READS.iter().cycle().skip(reader) {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if door.get(path, READ_PATIENCE).is_ok_and(|answer| answer.status == 200) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Makes silences that match no alert of the bench, half of them by regular expression.
fn silence(door: &Door, count: u64) -> Measured {
    let (starts, ends) = (machine::now(), machine::now() + jiff::SignedDuration::from_hours(SILENT_HOURS));
    let bodies = (0..count).map(|number| {
        let (value, regex) = if number % 2 == 0 { (format!("gone-{number}"), false) } else { (format!("gone-{number}-.*"), true) };
        format!(
            r#"{{"matchers":[{{"name":"instance","value":"{value}","isRegex":{regex},"isEqual":true}}],"startsAt":"{starts:.3}","endsAt":"{ends:.3}","createdBy":"bench","comment":"under load"}}"#
        )
    });
    let requests: Vec<Vec<u8>> = bodies.map(|body| door.request("POST", "/api/v2/silences", body.as_bytes())).collect();
    blast(door, &requests, 4)?;
    Ok(())
}
