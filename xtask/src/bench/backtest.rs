//! Backtests within this process: 30 days of 100 series, a sample and an evaluation each 15 seconds, from blocks on the disk.
//!
//! Each rule is replayed in all its tunings, on as many threads as the command line lends. Time is what a person waits.

use super::report::{Measure, Report};
use super::{Context, Measured, machine};
use kernel::book::rules::Group;
use promql::Millis;
use signals::alerting::{Plan, Setting};
use signals::backtest::{Help, Options, Work, replay_with};
use std::time::Instant;
use telemetry::metrics::{Settings, Store};

const SERIES: u64 = 100;
const DAYS: u64 = 30;
const DAY: Millis = 86_400_000;
const STEP: Millis = 15_000;
/// Rounds that are written before it is looked whether samples are to move into a block: an hour.
const TENDED: u64 = 240;
const START: Millis = 1_700_006_400_000;
const QUERY_SAMPLES_MAX: usize = 50_000_000;
/// What a person may wait, in seconds.
const GOAL: f64 = 5.0;

const WALL: Measure = Measure::lower("replay, s");
const CPU: Measure = Measure::lower("replay, CPU s");
const FIRINGS: Measure = Measure::higher("firings");
const TUNINGS: Measure = Measure::higher("tunings");

/// What is replayed: its name, its query and how long that must hold.
const RULES: [(&str, &str, &str); 5] = [
    ("seldom", "queue_depth > 98", "5m"),
    ("often", "queue_depth > 60", "1m"),
    ("average", "avg_over_time(queue_depth[5m]) > 80", "5m"),
    ("rate", "rate(requests_total[5m]) > 10", "5m"),
    ("sum of rates", "sum by (job) (rate(requests_total[5m])) > 85", "5m"),
];

/// Two threads, as many as a replay cuts its work for.
struct Threads;

impl Help for Threads {
    fn together(&self, work: Vec<Work<'_>>) {
        std::thread::scope(|scope| work.into_iter().for_each(|part| drop(scope.spawn(part))));
    }
}

/// Fills a store and replays each rule.
pub fn run(context: &Context, report: &mut Report) -> Measured {
    let dir = tempfile::tempdir()?;
    let days = context.size(DAYS);
    let keep = DAY.saturating_mul(days.cast_signed() + 1);
    let settings = Settings { keep, query_samples: QUERY_SAMPLES_MAX, ..Settings::default() };
    let store = Store::open(dir.path(), settings)?;
    let rounds = days * (DAY / STEP).cast_unsigned();
    fill(&store, rounds)?;
    for (name, query, hold) in RULES {
        let plan = plan(query, hold)?;
        let end = START + rounds.cast_signed() * STEP;
        let (start, setting) = (START, Setting::default());
        let options = Options { start, end, interval: STEP, setting, settings: true, incidents: Vec::new() };
        let (began, used) = (Instant::now(), machine::cpu(std::process::id())?);
        let replayed = replay_with(&[plan], &store, &options, &Threads)?;
        let (wall, used) = (began.elapsed(), machine::cpu(std::process::id())? - used);
        let rule = replayed.rules.first().ok_or("the replay told of no rule")?;
        if let Some(error) = &rule.error {
            return Err(format!("{query}: {error}").into());
        }
        let case = format!("{name}: {query}");
        report.goal(&case, WALL, GOAL);
        report.add("watchkeeper", &case, WALL, wall.as_secs_f64());
        report.add("watchkeeper", &case, CPU, used.as_secs_f64());
        report.add("watchkeeper", &case, FIRINGS, rule.firings as f64);
        report.add("watchkeeper", &case, TUNINGS, rule.settings.len() as f64);
    }
    report.note(format!("{days} days of {SERIES} series for each metric, every 15 s; all tunings, two threads"));
    Ok(())
}

fn plan(query: &str, hold: &str) -> Measured<Plan> {
    let text = format!(
        "groups: [{{name: replayed, interval: 15s, rules: [{{alert: Load, expr: '{query}', for: {hold}, \
         labels: {{severity: warning}}}}]}}]"
    );
    let file = connectors::rules::check("bench.yaml", text.as_bytes()).whole().map_err(|why| why.to_string())?;
    let group: &Group = file.groups.first().ok_or("there is no group")?;
    let (plan, broken) = Plan::of("bench.yaml", group);
    broken.first().map_or(Ok(plan), |broken| Err(broken.to_string().into()))
}

fn fill(store: &Store, rounds: u64) -> Measured {
    let labels = |name: &'static str, i: u64| {
        [("__name__", name.to_owned()), ("instance", format!("host-{i:03}:9100")), ("job", format!("job-{}", i % 7))]
    };
    let named: Vec<_> = (0..SERIES).flat_map(|i| [labels("queue_depth", i), labels("requests_total", i)]).collect();
    let keys: Vec<String> = named.iter().map(|labels| format!("bench{labels:?}")).collect();
    let mut totals = vec![0.0_f64; SERIES as usize];
    for round in 0..rounds {
        let at = START + round.cast_signed() * STEP;
        let mut appender = store.appender(at)?;
        for ((place, key), labels) in keys.iter().enumerate().zip(&named) {
            let pairs = || Ok::<_, String>(labels.iter().map(|(name, value)| (*name, &**value)).collect());
            let (i, is_counter) = ((place / 2) as u64, place % 2 == 1);
            appender.series(key.as_bytes(), pairs);
            let depth = depth(i, round);
            let total = &mut totals[place / 2];
            *total += (depth * 2.0).floor();
            appender.float(at, 0, if is_counter { *total } else { depth });
        }
        appender.finish()?;
        if round % TENDED == 0 {
            store.tend(at)?;
        }
    }
    Ok(store.flush(START + rounds.cast_signed() * STEP).map(drop)?)
}

/// A load that swings within some hours around 40, with noise, and now and then is much higher for ten minutes.
fn depth(i: u64, round: u64) -> f64 {
    let noise = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round.wrapping_mul(0xd1b5_4a32_d192_ed03);
    let noise = (noise.wrapping_mul(noise >> 32 | 1) >> 40) % 1_000;
    let swing = (round as f64 / (300.0 + i as f64)).sin() * 18.0;
    let burst = if (round / 40 + i * 37).is_multiple_of(400) { 50.0 } else { 0.0 };
    (40.0 + swing + noise as f64 / 125.0 + burst).floor()
}
