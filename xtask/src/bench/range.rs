//! Range queries over an hour of 1,000 series, a point each 15 seconds.

use super::keeper::{Keeper, Kind};
use super::load::{PATIENCE, blast, quantile};
use super::machine;
use super::remote::packed_request;
use super::report::{Measure, Report};
use super::samples::{STEP, label_bytes, remote_write};
use super::{Context, Measured};
use std::time::{Duration, Instant};

const P50: Measure = Measure::lower("answer p50, ms");
const WORST: Measure = Measure::lower("answer worst, ms");
const CPU: Measure = Measure::lower("CPU ms/query");

const SERIES: u64 = 1_000;
/// Rounds of samples: an hour, and the five minutes that its first windows reach back to.
const ROUNDS: u64 = 260;
const HOUR: u64 = 3_600;
/// How old the newest sample is: VictoriaMetrics does not show the last 30 seconds.
const AGE: i64 = 60_000;
/// How often each query is asked.
const REPEATS: usize = 20;

const QUERIES: [&str; 5] = [
    "load_value",
    "rate(load_value[5m])",
    "sum by (job) (rate(load_value[5m]))",
    "max_over_time(load_value[5m])",
    "load_value > 50",
];

/// Writes the samples and asks each query.
pub fn run(context: &Context, keeper: &Keeper, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    let server = keeper.start(dir.path())?;
    let keys: Vec<Vec<u8>> = (0..context.size(SERIES)).map(label_bytes).collect();
    let newest = machine::now().as_millisecond() - AGE;
    let first = newest - (ROUNDS - 1).cast_signed() * STEP;
    for round in 0..ROUNDS {
        let bodies = remote_write(&keys, round, first + round.cast_signed() * STEP)?;
        let requests: Vec<Vec<u8>> = bodies.iter().map(|body| packed_request(&server.door, body)).collect();
        blast(&server.door, &requests, 1)?;
    }
    keeper.settle(&server)?;
    let end = newest.cast_unsigned() / 1000;
    for query in QUERIES {
        let path = keeper.range_query(query, end - HOUR, end, STEP.cast_unsigned() / 1000);
        let request = server.door.request("GET", &path, b"");
        let mut connection = server.door.open(PATIENCE)?;
        let before = machine::cpu(server.pid())?;
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..REPEATS {
            let asked = Instant::now();
            let answer = connection.send(&request)?;
            times.push(asked.elapsed());
            if answer.status != 200 {
                return Err(format!("{query}: {}", answer.status).into());
            }
        }
        let used = machine::cpu(server.pid())?.saturating_sub(before);
        times.sort_unstable();
        let (name, p50) = (keeper.name(), quantile(&times, 0.5));
        if keeper.kind() == Kind::VictoriaMetrics {
            report.goal(query, P50, p50);
        }
        report.add(name, query, P50, p50);
        report.add(name, query, WORST, quantile(&times, 1.0));
        report.add(name, query, CPU, used.as_secs_f64() * 1e3 / REPEATS as f64);
    }
    report.note(format!(
        "{REPEATS} times each on one connection; the goal is what VictoriaMetrics took in the same run, without its cache of \
         answers"
    ));
    Ok(())
}
