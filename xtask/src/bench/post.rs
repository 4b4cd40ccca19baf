//! Alerts taken in: batches over a number of connections, first time (cold) and sent again (warm).

use super::alerts::Maker;
use super::load::{Blast, blast, quantile};
use super::machine;
use super::peer::{Peer, Scene, Server};
use super::report::{Measure, Report};
use super::{Context, Measured};

const RATE: Measure = Measure::higher("alerts/s");
const CPU: Measure = Measure::lower("CPU per alert, us");
const P50: Measure = Measure::lower("request p50, ms");
const P99: Measure = Measure::lower("request p99, ms");

/// Batch size, connections, and how many alerts are sent in each round.
const CASES: [(u64, usize, u64); 7] = [
    (1, 1, 5_000),
    (1, 8, 20_000),
    (1, 64, 50_000),
    (64, 1, 100_000),
    (64, 4, 100_000),
    (500, 4, 100_000),
    (1000, 4, 100_000),
];

/// Every case on a fresh server.
pub fn run(context: &Context, peer: &dyn Peer, report: &mut Report) -> Measured {
    goals(report);
    for (batch, connections, alerts) in CASES {
        let dir = tempfile::tempdir()?;
        let server = peer.start(dir.path(), &Scene::silent())?;
        let alerts = context.size(alerts);
        let bodies = Maker::firing().batches(0, alerts, batch);
        let requests: Vec<Vec<u8>> =
            bodies.iter().map(|body| server.door.request("POST", "/api/v2/alerts", body.as_bytes())).collect();
        for temper in ["cold", "warm"] {
            let (seen, cpu) = timed(&server, &requests, connections)?;
            let case = format!("{batch} x {connections}, {temper}");
            report.add(peer.name(), &case, RATE, alerts as f64 / seen.elapsed.as_secs_f64());
            report.add(peer.name(), &case, CPU, cpu * 1e6 / alerts as f64);
            report.add(peer.name(), &case, P50, quantile(&seen.times, 0.5));
            report.add(peer.name(), &case, P99, quantile(&seen.times, 0.99));
        }
    }
    report.note("case: alerts in a request x connections; Alertmanager keeps alerts in memory only, Watchkeeper answers 200 after the commit is durable");
    Ok(())
}

fn goals(report: &mut Report) {
    report.goal("1 x 64, cold", RATE, 25_000.0);
    for batch in [64, 500] {
        report.goal(&format!("{batch} x 4, cold"), CPU, 10.0);
        report.goal(&format!("{batch} x 4, warm"), CPU, 10.0);
    }
}

/// Sends the requests; says what was seen and how many seconds of processor time the server used.
fn timed(server: &Server, requests: &[Vec<u8>], connections: usize) -> Measured<(Blast, f64)> {
    let before = machine::cpu(server.pid())?;
    let seen = blast(&server.door, requests, connections)?;
    let used = machine::cpu(server.pid())?.saturating_sub(before);
    Ok((seen, used.as_secs_f64()))
}
