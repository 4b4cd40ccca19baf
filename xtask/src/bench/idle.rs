//! A server with nothing to do: how fast it is ready, and how much memory it holds.

use super::machine;
use super::peer::{Peer, Scene};
use super::report::{Measure, Report};
use super::{Context, Measured};
use std::thread;
use std::time::Duration;

const START: Measure = Measure::lower("start to ready, ms (median)");
const RESIDENT: Measure = Measure::lower("resident after 3 s, MiB");
/// How often the start is timed.
const STARTS: u64 = 5;
/// How long the server settles before its memory is read.
const SETTLE: Duration = Duration::from_secs(3);

/// Starts the server several times on the same data; the first start makes it.
pub fn run(context: &Context, peer: &dyn Peer, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    report.goal("idle", START, 300.0);
    report.goal("idle", RESIDENT, 60.0);
    peer.start(dir.path(), &Scene::silent())?.terminate()?;
    let mut starts = Vec::new();
    for _ in 0..context.size(STARTS).max(3) {
        let server = peer.start(dir.path(), &Scene::silent())?;
        starts.push(server.ready_after);
        server.terminate()?;
    }
    starts.sort_unstable();
    report.add(peer.name(), "idle", START, super::load::quantile(&starts, 0.5));
    let server = peer.start(dir.path(), &Scene::silent())?;
    thread::sleep(SETTLE);
    report.add(peer.name(), "idle", RESIDENT, machine::resident(server.pid())? as f64 / f64::from(1 << 20));
    Ok(())
}
