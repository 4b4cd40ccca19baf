//! The journal from outside: facts written by the million through the API, verified, and read back at start-up.
//!
//! Alertmanager has no journal; its column stays empty.

use super::alerts::Maker;
use super::load::{blast, quantile};
use super::peer::{Peer, Scene};
use super::report::{Measure, Report};
use super::{Context, Measured, memory};

const RATE: Measure = Measure::higher("facts/s, durable");
const P99: Measure = Measure::lower("request p99, ms");
const FACTS: Measure = Measure::higher("facts for each alert");
const VERIFY: Measure = Measure::higher("facts verified/s");
const RESTART: Measure = Measure::lower("start on that journal, s");

/// Alerts in the timed part.
const TIMED: u64 = 200_000;
/// Alerts in each request of the timed part.
const BATCH: u64 = 64;
/// Connections in the timed part.
const CONNECTIONS: usize = 8;
/// Facts that the journal holds at least before it is verified and started on.
const ENOUGH: u64 = 1_000_000;

/// Writes, verifies, restarts.
pub fn run(context: &Context, peer: &dyn Peer, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    let server = peer.start(dir.path(), &Scene::silent())?;
    let Some(before) = peer.journal(dir.path()) else { return Ok(()) };
    let (before, timed) = (before?, context.size(TIMED));
    let bodies = Maker::firing().batches(0, timed, BATCH);
    let requests: Vec<Vec<u8>> =
        bodies.iter().map(|body| server.door.request("POST", "/api/v2/alerts", body.as_bytes())).collect();
    let seen = blast(&server.door, &requests, CONNECTIONS)?;
    server.terminate()?;
    let after = peer.journal(dir.path()).ok_or("the journal went away")??;
    let facts = after.facts.saturating_sub(before.facts);
    report.goal("write", RATE, 50_000.0);
    report.goal("write", P99, 20.0);
    report.add(peer.name(), "write", RATE, facts as f64 / seen.elapsed.as_secs_f64());
    report.add(peer.name(), "write", P99, quantile(&seen.times, 0.99));
    report.add(peer.name(), "write", FACTS, facts as f64 / timed as f64);
    let missing = context.size(ENOUGH).saturating_sub(after.facts);
    let alerts = missing * timed / facts.max(1);
    let server = peer.start(dir.path(), &Scene::silent())?;
    memory::fill(&server.door, &Maker::firing(), timed + alerts)?;
    server.terminate()?;
    let whole = peer.journal(dir.path()).ok_or("the journal went away")??;
    let case = format!("{} facts or more", context.size(ENOUGH));
    report.goal(&case, VERIFY, 1_000_000.0);
    report.goal(&case, RESTART, 5.0);
    report.add(peer.name(), &case, VERIFY, whole.facts as f64 / whole.took.as_secs_f64());
    let server = peer.start(dir.path(), &Scene::silent())?;
    report.add(peer.name(), &case, RESTART, server.ready_after.as_secs_f64());
    report.note(
        "facts verified/s: of the whole command, its start included; write: 64 alerts to a request, 8 connections",
    );
    server.terminate()
}
