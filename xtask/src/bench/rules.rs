//! Rule files at scale: our server beside Debian's Prometheus, each with the same rule files and the same samples by remote
//! write; and how soon a rule without `for` fires after the write that breaks it.
//!
//! What rules cost is the processor time of the server with rules, less that of a server without any that takes the same
//! samples in.

use super::http::{Connection, Door};
use super::keeper::{Keeper, Kind};
use super::load::quantile;
use super::peer::Server;
use super::report::{Measure, Report};
use super::samples::REQUEST;
use super::{Context, Measured, machine, remote};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const SERIES: u64 = 100_000;
/// How many rules there are in each workload; the series are dealt out among them.
const RULES: [u64; 2] = [10_000, 1_000];
const RULES_PER_GROUP: u64 = 100;
const RULES_PER_FILE: u64 = 1_000;
/// How often rules are evaluated, and each series has a sample.
const INTERVAL: Duration = Duration::from_secs(15);
/// Over how much of an interval its samples are sent.
const SENDING: Duration = Duration::from_secs(12);
/// One series in so many is above the threshold.
const BREACH: u64 = 100;
/// Intervals until every alert fires that will, and those that are measured.
const SETTLING: u64 = 6;
const MEASURED: u64 = 8;
/// The probes of a case, and how far apart they are.
const PROBES: u64 = 300;
const PROBE_EVERY: Duration = Duration::from_millis(97);
/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether a probe was seen.
const GLANCE: Duration = Duration::from_millis(1);

/// The share of Prometheus' processor time that rules may cost.
const SHARE: f64 = 1.0 / 20.0;

const BASE: Measure = Measure::lower("without rules, CPU ms per 15 s");
const COST: Measure = Measure::lower("rules, CPU ms per 15 s");
const FIRING: Measure = Measure::higher("alerts that fire");
const RESIDENT: Measure = Measure::lower("resident, MiB");
const P50: Measure = Measure::lower("write to raised p50, ms");
const P99: Measure = Measure::lower("write to raised p99, ms");
const WORST: Measure = Measure::lower("write to raised worst, ms");
const LOST: Measure = Measure::lower("not raised");

/// Both workloads, and at our server the answer to single writes.
pub fn run(context: &Context, keeper: &Keeper, report: &mut Report) -> Measured {
    if keeper.kind() == Kind::VictoriaMetrics {
        return Ok(());
    }
    let without = usage(context, keeper, 0)?;
    for rules in RULES.map(|rules| context.size(rules)) {
        let case = case(context, rules);
        let with = usage(context, keeper, rules)?;
        let cost = (with.cpu - without.cpu) * 1e3;
        if keeper.kind() == Kind::Prometheus {
            report.goal(&case, COST, cost * SHARE);
        }
        report.add(keeper.name(), &case, BASE, without.cpu * 1e3);
        report.add(keeper.name(), &case, COST, cost);
        report.add(keeper.name(), &case, FIRING, with.firing);
        report.add(keeper.name(), &case, RESIDENT, with.resident);
    }
    report.note("one series in a hundred breaks its rule, with `for: 1m`; the goal is a twentieth of what Prometheus took in the same run");
    if keeper.kind() == Kind::Watchkeeper { arrival(context, keeper, report) } else { Ok(()) }
}

fn case(context: &Context, rules: u64) -> String {
    let series = context.size(SERIES);
    format!("{rules} rules x {} series", series / rules)
}

/// What a server used while it took samples in.
struct Usage {
    /// Seconds of processor time in each interval.
    cpu: f64,
    firing: f64,
    resident: f64,
}

/// Runs a fresh server with so many rules through some intervals.
fn usage(context: &Context, keeper: &Keeper, rules: u64) -> Measured<Usage> {
    let dir = tempfile::tempdir()?;
    let server = keeper.start_with(dir.path(), &rule_files(rules, "1m"))?;
    let feed = Feed::new(context, if rules == 0 { context.size(RULES[0]) } else { rules });
    let measured = context.size(MEASURED).max(2);
    let mut connection = server.door.open(PATIENCE)?;
    feed.send(&server, &mut connection, SETTLING, &AtomicBool::new(false))?;
    let before = machine::cpu(server.pid())?;
    feed.send(&server, &mut connection, measured, &AtomicBool::new(false))?;
    let cpu = (machine::cpu(server.pid())? - before).as_secs_f64() / measured as f64;
    let resident = machine::resident(server.pid())? as f64 / f64::from(1 << 20);
    Ok(Usage { cpu, firing: firing(&server.door)?, resident })
}

/// How many alerts fire, by the series that say so.
fn firing(door: &Door) -> Measured<f64> {
    let answer = door.get("/api/v1/query?query=count(ALERTS%7Balertstate%3D%22firing%22%7D)", PATIENCE)?;
    let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let number = said["data"]["result"][0]["value"][1].as_str();
    Ok(number.and_then(|number| number.parse().ok()).unwrap_or(0.0))
}

/// The same rule file for both; empty for no rules.
fn rule_files(rules: u64, hold: &str) -> Vec<String> {
    let firsts = (0..rules).step_by(RULES_PER_FILE as usize);
    firsts.map(|first| rule_file(first..rules.min(first + RULES_PER_FILE), hold)).collect()
}

fn rule_file(rules: Range<u64>, hold: &str) -> String {
    let mut file = String::from("groups:\n");
    for rule in rules {
        if rule % RULES_PER_GROUP == 0 {
            file.push_str(&format!("  - name: load{}\n    interval: 15s\n    rules:\n", rule / RULES_PER_GROUP));
        }
        file.push_str(&format!(
            "      - alert: Load{rule:05}\n        expr: load_value{{group=\"g{rule:05}\"}} > 0.9\n        for: {hold}\n        \
             labels:\n          severity: warning\n        annotations:\n          \
             summary: \"{{{{ $labels.instance }}}} has a load of {{{{ $value }}}}\"\n"
        ));
    }
    file
}

/// Samples for all series, once an interval.
struct Feed {
    labels: Vec<Vec<u8>>,
}

impl Feed {
    fn new(context: &Context, rules: u64) -> Self {
        let series = context.size(SERIES);
        Self { labels: (0..series).map(|i| labels(i / (series / rules).max(1), &format!("s{i:06}"))).collect() }
    }

    /// Sends so many rounds, or until it is told to stop.
    fn send(&self, server: &Server, connection: &mut Connection, rounds: u64, stop: &AtomicBool) -> Measured {
        let began = Instant::now();
        let requests = self.labels.len().div_ceil(REQUEST).max(1);
        for round in 0..rounds {
            for (number, batch) in self.labels.chunks(REQUEST).enumerate() {
                let due = INTERVAL * round as u32 + SENDING * number as u32 / requests as u32;
                thread::sleep(due.saturating_sub(began.elapsed()));
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let first = (number * REQUEST) as u64;
                let sample = |(i, labels): (u64, &Vec<u8>)| remote::series(labels, now(), value(i, round));
                let message: Vec<u8> = (first..).zip(batch).flat_map(sample).collect();
                write(server, connection, &message)?;
            }
            thread::sleep((INTERVAL * (round + 1) as u32).saturating_sub(began.elapsed()));
        }
        Ok(())
    }
}

fn labels(group: u64, series: &str) -> Vec<u8> {
    remote::labels([
        ("__name__", "load_value".to_owned()),
        ("group", format!("g{group:05}")),
        ("instance", format!("host-{:05}.example.org:9100", group % 997)),
        ("job", format!("job-{}", group % 13)),
        ("series", series.to_owned()),
    ])
}

/// A load that wanders below the threshold, or stands above it.
fn value(i: u64, round: u64) -> f64 {
    let noise = (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round.wrapping_mul(0xd1b5_4a32_d192_ed03)) >> 40;
    if i.is_multiple_of(BREACH) { 1.5 } else { (noise % 800) as f64 / 1000.0 }
}

fn now() -> i64 {
    machine::now().as_millisecond()
}

fn write(server: &Server, connection: &mut Connection, message: &[u8]) -> Measured {
    let answer = connection.send(&remote::request(&server.door, message)?)?;
    if answer.status / 100 == 2 {
        return Ok(());
    }
    let said: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
    Err(format!("remote write: {}: {said}", answer.status).into())
}

/// Ten thousand rules without `for`: single samples that break one of them each, in peace and while all series are written.
fn arrival(context: &Context, keeper: &Keeper, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    let rules = context.size(RULES[0]);
    let server = keeper.start_with(dir.path(), &rule_files(rules, "0s"))?;
    let feed = Feed::new(context, rules);
    let mut connection = server.door.open(PATIENCE)?;
    feed.send(&server, &mut connection, 1, &AtomicBool::new(false))?;
    let watcher = Watcher::start(&server.door)?;
    let probes = context.size(PROBES);
    probe(&server, &watcher, rules, 0..probes, ("arrival, idle", report))?;
    let stop = AtomicBool::new(false);
    let outcome = thread::scope(|scope| {
        let feeding = scope.spawn(|| feed.send(&server, &mut connection, u64::from(u16::MAX), &stop));
        let outcome = probe(&server, &watcher, rules, probes..2 * probes, ("arrival, all series written", report));
        stop.store(true, Ordering::Relaxed);
        feeding.join().map_err(|_| "the load ended early")??;
        outcome
    });
    watcher.stop();
    report.note("arrival: from the start of the request until the fact that the signal is raised has come by server-sent events");
    outcome
}

fn probe(
    server: &Server,
    watcher: &Watcher,
    rules: u64,
    probes: std::ops::Range<u64>,
    to: (&str, &mut Report),
) -> Measured {
    let (case, report) = to;
    let mut connection = server.door.open(PATIENCE)?;
    let mut sent = Vec::new();
    for number in probes {
        let labels = labels(number * 37 % rules, &format!("probe-{number}"));
        let message = remote::series(&labels, now(), 1.5);
        sent.push((number, Instant::now()));
        write(server, &mut connection, &message)?;
        thread::sleep(PROBE_EVERY);
    }
    let mut times: Vec<Duration> = sent.iter().filter_map(|(number, at)| Some(watcher.seen(*number)? - *at)).collect();
    times.sort_unstable();
    report.goal(case, P99, 200.0);
    report.goal(case, LOST, 0.0);
    for (measure, q) in [(P50, 0.5), (P99, 0.99), (WORST, 1.0)] {
        report.add(Kind::Watchkeeper.name(), case, measure, quantile(&times, q));
    }
    report.add(Kind::Watchkeeper.name(), case, LOST, (sent.len() - times.len()) as f64);
    Ok(())
}

/// Reads the journal as it grows, and notes when a probe's signal was raised.
struct Watcher {
    seen: Arc<Mutex<HashMap<u64, Instant>>>,
    stream: TcpStream,
}

impl Watcher {
    fn start(door: &Door) -> Measured<Self> {
        let mut stream = TcpStream::connect_timeout(&door.address, PATIENCE)?;
        stream.write_all(&door.request("GET", "/api/v1/journal/live", b""))?;
        let (seen, reader) = (Arc::default(), BufReader::new(stream.try_clone()?));
        let mut lines = reader.lines();
        let first = lines.next().ok_or("the journal ended")??;
        if !first.contains(" 200 ") {
            return Err(format!("the journal cannot be followed: {first}").into());
        }
        let noted: Arc<Mutex<HashMap<u64, Instant>>> = Arc::clone(&seen);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok).filter(|line| line.contains("SignalRaised")) {
                if let Some(number) = probe_in(&line) {
                    noted.lock().unwrap_or_else(PoisonError::into_inner).entry(number).or_insert_with(Instant::now);
                }
            }
        });
        Ok(Self { seen, stream })
    }

    /// When a probe's signal was raised; waits for it a little.
    fn seen(&self, probe: u64) -> Option<Instant> {
        let began = Instant::now();
        while began.elapsed() < INTERVAL {
            if let Some(at) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&probe) {
                return Some(*at);
            }
            thread::sleep(GLANCE);
        }
        None
    }

    fn stop(&self) {
        // The server may have closed it already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn probe_in(line: &str) -> Option<u64> {
    let rest = line.split_once("probe-")?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
