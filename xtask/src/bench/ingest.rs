//! Samples taken in over HTTP: remote write 1.0 at every server, and OTLP at ours.

use super::keeper::{Keeper, Kind};
use super::load::{blast, quantile};
use super::machine;
use super::peer::Server;
use super::remote::packed_request;
use super::report::{Measure, Report};
use super::samples::{STEP, label_bytes, otlp, remote_write};
use super::{Context, Measured};
use std::thread;
use std::time::Duration;

const NEW: Measure = Measure::lower("new series, CPU us");
const CPU: Measure = Measure::lower("CPU us/sample");
const RATE: Measure = Measure::higher("samples/s");
const P50: Measure = Measure::lower("request p50, ms");
const P99: Measure = Measure::lower("request p99, ms");
const RESIDENT: Measure = Measure::lower("resident, MiB");

const SERIES: u64 = 100_000;
/// Rounds after the first, which makes the series.
const ROUNDS: u64 = 14;
const CONNECTIONS: usize = 2;
/// How long a server may go on working after the last request; its processor time counts.
const AFTER: Duration = Duration::from_secs(3);

/// A fresh server for each protocol.
pub fn run(context: &Context, keeper: &Keeper, report: &mut Report) -> Measured {
    let series = context.size(SERIES);
    let keys: Vec<Vec<u8>> = (0..series).map(label_bytes).collect();
    let case = format!("remote write 1.0, {series} series");
    let remote = measured(keeper, series, report, &case, |server, round, at| {
        Ok(remote_write(&keys, round, at)?.iter().map(|body| packed_request(&server.door, body)).collect())
    })?;
    if keeper.kind() == Kind::VictoriaMetrics {
        report.goal(&case, CPU, remote);
    }
    if keeper.kind() == Kind::Watchkeeper {
        let case = format!("OTLP, {series} series");
        report.goal(&case, CPU, remote * 1.5);
        measured(keeper, series, report, &case, |server, round, at| {
            let headers = [("Content-Type", "application/x-protobuf")];
            let request = |body: &Vec<u8>| server.door.request_with("POST", "/v1/metrics", &headers, body);
            Ok(otlp(series, round, at).iter().map(request).collect())
        })?;
    }
    report.note(format!(
        "1,000 samples to a request, {CONNECTIONS} connections; the processor time of a server goes on for {} s after the last \
         request; the goal is what VictoriaMetrics took in the same run, and for OTLP half as much again as our remote write",
        AFTER.as_secs()
    ));
    Ok(())
}

type Requests<'a> = dyn Fn(&Server, u64, i64) -> Measured<Vec<Vec<u8>>> + 'a;

/// Sends all rounds and says how many microseconds of processor time a sample took.
fn measured(
    keeper: &Keeper,
    series: u64,
    report: &mut Report,
    case: &str,
    requests: impl Fn(&Server, u64, i64) -> Measured<Vec<Vec<u8>>>,
) -> Measured<f64> {
    let requests: &Requests<'_> = &requests;
    let dir = tempfile::tempdir()?;
    let server = keeper.start(dir.path())?;
    let first = machine::now().as_millisecond() - ROUNDS.cast_signed() * STEP;
    let before = machine::cpu(server.pid())?;
    blast(&server.door, &requests(&server, 0, first)?, CONNECTIONS)?;
    let made = machine::cpu(server.pid())?;
    let (mut times, mut elapsed) = (Vec::new(), Duration::ZERO);
    for round in 1..=ROUNDS {
        let bodies = requests(&server, round, first + round.cast_signed() * STEP)?;
        let seen = blast(&server.door, &bodies, CONNECTIONS)?;
        elapsed += seen.elapsed;
        times.extend(seen.times);
    }
    thread::sleep(AFTER);
    times.sort_unstable();
    let samples = (series * ROUNDS) as f64;
    let each = machine::cpu(server.pid())?.saturating_sub(made).as_secs_f64() * 1e6 / samples;
    let name = keeper.name();
    report.add(name, case, NEW, made.saturating_sub(before).as_secs_f64() * 1e6 / series as f64);
    report.add(name, case, CPU, each);
    report.add(name, case, RATE, samples / elapsed.as_secs_f64());
    report.add(name, case, P50, quantile(&times, 0.5));
    report.add(name, case, P99, quantile(&times, 0.99));
    report.add(name, case, RESIDENT, machine::resident(server.pid())? as f64 / f64::from(1 << 20));
    report.goal(case, RESIDENT, 400.0);
    Ok(each)
}
