//! One million active alerts: what they cost in memory, how fast one is found, and what a full list costs.

use super::alerts::Maker;
use super::http::Door;
use super::load::{quantile, side_by_side};
use super::machine;
use super::peer::{Peer, Scene};
use super::report::{Measure, Report, Value};
use super::{Context, Measured};
use std::time::{Duration, Instant};

const RESIDENT: Measure = Measure::lower("resident, MiB");
const PEAK: Measure = Measure::lower("peak resident until then, MiB");
const PER_ALERT: Measure = Measure::lower("resident per alert, bytes");
const LOOK_UP: Measure = Measure::lower("one alert by label, ms (median)");
const FIRST_BYTE: Measure = Measure::lower("full list, first byte, ms");
const WHOLE: Measure = Measure::lower("full list, s");
const EXTRA: Measure = Measure::lower("full list, extra resident, MiB");

/// How many alerts are active.
const ALERTS: u64 = 1_000_000;
/// How many alerts a request carries.
const BATCH: u64 = 500;
/// Connections over which they are sent.
const CONNECTIONS: usize = 4;
/// How often an alert is looked up.
const LOOK_UPS: u64 = 11;
/// How long all look-ups together may take.
const LOOK_UP_TIME: Duration = Duration::from_secs(60);
/// How long the full list may pause before it is given up.
const LIST_PATIENCE: Duration = Duration::from_secs(120);
/// How long the server settles before its memory is read: what it does beside, such as a snapshot, is over; its price is in
/// the peak.
const SETTLE: Duration = Duration::from_secs(45);
const MIB: f64 = 1_048_576.0;

/// Fills the server, then reads from it.
pub fn run(context: &Context, peer: &dyn Peer, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    let server = peer.start(dir.path(), &Scene::silent())?;
    let alerts = context.size(ALERTS);
    let case = format!("{alerts} active");
    let empty = machine::resident(server.pid())?;
    fill(&server.door, &Maker::firing(), alerts)?;
    std::thread::sleep(SETTLE);
    let resident = machine::resident(server.pid())?;
    report.goal(&case, RESIDENT, 1024.0);
    report.add(peer.name(), &case, RESIDENT, resident as f64 / MIB);
    report.add(peer.name(), &case, PEAK, machine::peak(server.pid())? as f64 / MIB);
    report.add(peer.name(), &case, PER_ALERT, resident.saturating_sub(empty) as f64 / alerts as f64);
    report.goal(&case, LOOK_UP, 5.0);
    report.add(peer.name(), &case, LOOK_UP, look_up(&server.door, alerts)?);
    report.goal(&case, FIRST_BYTE, 50.0);
    report.goal(&case, EXTRA, 50.0);
    machine::forget_peak(server.pid())?;
    let before = machine::resident(server.pid())?;
    let began = Instant::now();
    match server.door.get("/api/v2/alerts", LIST_PATIENCE) {
        Ok(answer) => {
            report.add(peer.name(), &case, FIRST_BYTE, answer.first_byte.as_secs_f64() * 1000.0);
            report.add(peer.name(), &case, WHOLE, began.elapsed().as_secs_f64());
            if answer.status != 200 {
                return Err(format!("the full list was answered with {}", answer.status).into());
            }
        }
        Err(error) => {
            report.note(format!("{}: the full list was given up: {error}", peer.name()));
            report.add_value(peer.name(), &case, FIRST_BYTE, Value::Above(began.elapsed().as_secs_f64() * 1000.0));
            report.add_value(peer.name(), &case, WHOLE, Value::Above(began.elapsed().as_secs_f64()));
        }
    }
    let extra = machine::peak(server.pid())?.saturating_sub(before);
    report.add(peer.name(), &case, EXTRA, extra as f64 / MIB);
    Ok(())
}

/// Sends `alerts` alerts; each connection makes its own bodies, so that they never stand in memory all at once.
pub fn fill(door: &Door, maker: &Maker, alerts: u64) -> Measured {
    side_by_side(CONNECTIONS, |lane| {
        let mut connection = door.open(super::load::PATIENCE)?;
        for start in (0..alerts).step_by(BATCH as usize).skip(lane).step_by(CONNECTIONS) {
            let body = maker.batch(start, BATCH.min(alerts - start));
            let answer = connection.send(&door.request("POST", "/api/v2/alerts", body.as_bytes()))?;
            if answer.status != 200 {
                return Err(format!("alert {start} and later: answered {}", answer.status).into());
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// The median time of looking up single alerts, in milliseconds.
fn look_up(door: &Door, alerts: u64) -> Measured<f64> {
    let began = Instant::now();
    let mut times = Vec::new();
    for step in 0..LOOK_UPS {
        let seq = (step * alerts / LOOK_UPS + 7).min(alerts - 1);
        let asked = Instant::now();
        let answer = door.get(&format!("/api/v2/alerts?filter=seq%3D%22s{seq}%22"), LIST_PATIENCE)?;
        times.push(asked.elapsed());
        let found: serde_json::Value = serde_json::from_slice(&answer.body)?;
        if found.as_array().is_none_or(|found| found.len() != 1) {
            return Err(format!("looking for s{seq} found {} bytes that are not one alert", answer.length).into());
        }
        if began.elapsed() > LOOK_UP_TIME {
            break;
        }
    }
    times.sort_unstable();
    Ok(quantile(&times, 0.5))
}
