//! The metric store within this process: 100,000 series of five labels each, written as remote write 1.0 and by keys.
//!
//! Processor time is that of all threads, from the kernel's accounting in nanoseconds, so that what else the machine does
//! changes little. Bodies are encoded beforehand and not counted.

use super::report::{Measure, Report};
use super::samples::{GROUP, REQUEST, STEP, label_bytes, remote_write, value};
use super::{Context, Measured, machine};
use connectors::remote_write::{LabelBytes, Sink, Unpacker, Version, read};
use promql::ast::{Matcher, Test};
use promql::{Histogram, Millis, SeriesSource, Wanted};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use telemetry::metrics::{Appender, Settings, Standing, Store};

const SERIES: u64 = 100_000;
/// Rounds as remote write, and rounds by keys; one is 15 seconds, so all together are more than two hours.
const REMOTE_ROUNDS: u64 = 15;
const KEY_ROUNDS: u64 = 485;
const START: Millis = 1_700_000_000_000;
/// How often a reading is repeated; the median counts.
const REPEATS: usize = 30;

const NEW: Measure = Measure::lower("new series, CPU us");
const REMOTE: Measure = Measure::lower("remote write 1.0 with unpacking, CPU us/sample");
const DECODE: Measure = Measure::lower("of it unpacking and walking, CPU us/sample");
const APPEND: Measure = Measure::lower("append by key with log, CPU us/sample");
const SYNCED: Measure = Measure::lower("a write of 1,000 samples on the disk, ms (median)");
const MEMORY: Measure = Measure::lower("memory, bytes/sample");
const DISK: Measure = Measure::lower("block, bytes/sample");
const RESIDENT: Measure = Measure::lower("resident after two hours, MiB");
const PEAK: Measure = Measure::lower("peak resident, MiB");
const FLUSH: Measure = Measure::lower("flush of all series, CPU s");
const LOADED: Measure = Measure::lower("start with that log, CPU s");
const SELECT: Measure = Measure::lower("1,000 series x 1 h from the head, CPU ms (mean)");
const SELECT_BLOCK: Measure = Measure::lower("1,000 series x 1 h from a block, CPU ms (mean)");
const ROUND: Measure = Measure::lower("look at 10 series each, CPU ms (mean)");
const WATCH: Measure = Measure::lower("make one, us");
const WAKE: Measure = Measure::lower("hear of 100 written ones, us (median)");

/// Fills the store and reads from it.
pub fn run(context: &Context, report: &mut Report) -> Measured {
    let series = context.size(SERIES);
    let dir = tempfile::tempdir()?;
    let keys: Vec<Vec<u8>> = (0..series).map(label_bytes).collect();
    let pid = std::process::id();
    let before = machine::resident(pid)?;
    machine::forget_peak(pid)?;
    let store = Store::open(dir.path(), Settings::default())?;
    let case = format!("{series} series");
    remote(&store, &keys, report, &case)?;
    let rounds = context.size(KEY_ROUNDS);
    by_key(&store, &keys, rounds, report, &case)?;
    let mib = |bytes: u64| bytes.saturating_sub(before) as f64 / f64::from(1 << 20);
    report.goal(&case, RESIDENT, 400.0);
    report.add("watchkeeper", &case, RESIDENT, mib(machine::resident(pid)?));
    report.add("watchkeeper", &case, PEAK, mib(machine::peak(pid)?));
    let end = START + (REMOTE_ROUNDS + rounds) as Millis * STEP;
    standing(&store, series, end, report)?;
    let store = blocks(store, dir.path(), &keys, end, report, &case)?;
    reading(&store, end, SELECT, report)?;
    reading(&store, end - 3_700_000, SELECT_BLOCK, report)?;
    report.note("CPU of all threads of this process, clients included but the encoding of bodies; glibc's allocator");
    Ok(())
}

fn at(round: u64) -> Millis {
    START + round as Millis * STEP
}

/// Carries what is read into the store.
struct Door<'a, 's>(&'a mut Appender<'s>);

impl Sink for Door<'_, '_> {
    fn series(&mut self, labels: LabelBytes<'_>) {
        self.0.series(labels.key(), || labels.pairs());
    }
    fn float(&mut self, at: Millis, born: Millis, value: f64) {
        self.0.float(at, born, value);
    }
    fn histogram(&mut self, at: Millis, born: Millis, histogram: Histogram) {
        self.0.histogram(at, born, &Arc::new(histogram));
    }
}

/// Looks at what is read and nothing else.
struct Nowhere(u64);

impl Sink for Nowhere {
    fn series(&mut self, labels: LabelBytes<'_>) {
        self.0 ^= labels.key().len() as u64;
    }
    fn float(&mut self, at: Millis, _: Millis, value: f64) {
        self.0 ^= at as u64 ^ value.to_bits();
    }
    fn histogram(&mut self, _: Millis, _: Millis, _: Histogram) {}
}

fn remote(store: &Store, keys: &[Vec<u8>], report: &mut Report, case: &str) -> Measured {
    let mut unpacker = Unpacker::default();
    let (mut first, mut rest, mut decode) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for round in 0..REMOTE_ROUNDS {
        let bodies = remote_write(keys, round, at(round))?;
        let began = cpu()?;
        for body in &bodies {
            let mut appender = store.appender(at(round))?;
            read(Version::V1, unpacker.unpack(body)?, &mut Door(&mut appender))?;
            let appended = appender.finish()?;
            if appended.tally.refused_all() > 0 {
                return Err(appended.to_string().into());
            }
        }
        let took = cpu()? - began;
        *if round == 0 { &mut first } else { &mut rest } += took;
        let (began, mut nowhere) = (cpu()?, Nowhere(0));
        for body in &bodies {
            read(Version::V1, unpacker.unpack(body)?, &mut nowhere)?;
        }
        decode += cpu()? - began;
        std::hint::black_box(nowhere.0);
    }
    let each = |time: Duration, rounds: u64| time.as_secs_f64() * 1e6 / (keys.len() as f64 * rounds as f64);
    report.goal(case, REMOTE, 0.9);
    report.add("watchkeeper", case, NEW, each(first, 1));
    report.add("watchkeeper", case, REMOTE, each(rest, REMOTE_ROUNDS - 1));
    report.add("watchkeeper", case, DECODE, each(decode, REMOTE_ROUNDS));
    Ok(())
}

fn by_key(store: &Store, keys: &[Vec<u8>], rounds: u64, report: &mut Report, case: &str) -> Measured {
    let mut took = Duration::ZERO;
    for round in REMOTE_ROUNDS..REMOTE_ROUNDS + rounds {
        let began = cpu()?;
        write(store, keys, round)?;
        took += cpu()? - began;
        store.tend(at(round))?;
    }
    report.goal(case, APPEND, 0.3);
    report.add("watchkeeper", case, APPEND, took.as_secs_f64() * 1e6 / (keys.len() as f64 * rounds as f64));
    let last = at(REMOTE_ROUNDS + rounds);
    let mut synced = Vec::new();
    for repeat in 0..REPEATS {
        let began = Instant::now();
        let mut appender = store.appender(last)?;
        for key in keys.iter().take(REQUEST) {
            appender.series(key, || LabelBytes::from_key(key).pairs());
            appender.float(last - STEP + 1 + repeat as Millis, 0, 1.0);
        }
        appender.finish_durably()?;
        synced.push(began.elapsed().as_secs_f64() * 1e3);
    }
    report.add("watchkeeper", case, SYNCED, median(synced));
    let stats = store.stats();
    report.add("watchkeeper", case, MEMORY, stats.head_bytes as f64 / stats.head_samples as f64);
    Ok(())
}

fn write(store: &Store, keys: &[Vec<u8>], round: u64) -> Measured {
    let mut series = 0..;
    for request in keys.chunks(REQUEST) {
        let mut appender = store.appender(at(round))?;
        for (key, i) in request.iter().zip(&mut series) {
            appender.series(key, || LabelBytes::from_key(key).pairs());
            appender.float(at(round), 0, value(i, round));
        }
        appender.finish()?;
    }
    Ok(())
}

fn standing(store: &Store, series: u64, end: Millis, report: &mut Report) -> Measured {
    let (groups, began) = (series / GROUP, cpu()?);
    let mut standing: Vec<Standing> = Vec::new();
    for group in 0..groups {
        standing.push(store.watch(&[is("__name__", "load_value"), is("group", &format!("g{group:05}"))])?);
    }
    let case = format!("{groups} standing selectors");
    report.add("watchkeeper", &case, WATCH, (cpu()? - began).as_secs_f64() * 1e6 / groups as f64);
    let (mut wakes, mut written, mut above) = (Vec::new(), Vec::new(), 0);
    let began = cpu()?;
    for one in standing.iter().cycle().take(standing.len() * REPEATS) {
        one.look(|newest| above += usize::from(newest.value.float().is_some_and(|v| v > 0.9)));
    }
    let took = (cpu()? - began).as_secs_f64() * 1e3 / REPEATS as f64;
    std::hint::black_box(above);
    store.take_written(&mut written);
    for repeat in 0..REPEATS {
        let mut appender = store.appender(end)?;
        for i in (0..series).step_by((series / 100) as usize) {
            appender.series(&label_bytes(i), || Err("not known"));
            appender.float(end + 1 + repeat as Millis, 0, 2.0);
        }
        appender.finish()?;
        written.clear();
        let began = Instant::now();
        store.take_written(&mut written);
        wakes.push(began.elapsed().as_secs_f64() * 1e6);
        if written.len() != 100 {
            return Err(format!("{} standing selectors were written to, not 100", written.len()).into());
        }
    }
    report.goal(&case, ROUND, 50.0);
    report.add("watchkeeper", &case, ROUND, took);
    report.add("watchkeeper", &case, WAKE, median(wakes));
    Ok(())
}

/// Starts anew on the log, moves everything into a block, and writes one more hour.
fn blocks(store: Store, dir: &Path, keys: &[Vec<u8>], end: Millis, report: &mut Report, case: &str) -> Measured<Store> {
    let log = store.stats().log_bytes;
    drop(store);
    let began = cpu()?;
    let store = Store::open(dir, Settings::default())?;
    report.add("watchkeeper", case, LOADED, (cpu()? - began).as_secs_f64());
    report.note(format!("the log that a start read had {} MiB", log >> 20));
    let began = cpu()?;
    store.flush(end)?;
    report.add("watchkeeper", case, FLUSH, (cpu()? - began).as_secs_f64());
    let stats = store.stats();
    report.add("watchkeeper", case, DISK, stats.block_bytes as f64 / stats.block_samples as f64);
    let few: Vec<Vec<u8>> = keys.iter().take(5_000).cloned().collect();
    let first = ((end - START) / STEP) as u64 + 1;
    for round in first..first + 240 {
        write(&store, &few, round)?;
    }
    Ok(store)
}

fn reading(store: &Store, end: Millis, measure: Measure, report: &mut Report) -> Measured {
    let end = if measure == SELECT { end + 240 * STEP } else { end };
    let wanted = Wanted {
        matchers: &[is("__name__", "load_value"), matches("group", "g000.*")],
        after: end - 3_600_000,
        until: end,
    };
    let (began, mut counts) = (cpu()?, (0, 0));
    for _ in 0..REPEATS {
        let found = store.select(wanted)?;
        counts = (found.len(), found.iter().map(|series| series.points.len()).sum::<usize>());
    }
    let case = format!("{} series, {} samples", counts.0, counts.1);
    report.add("watchkeeper", &case, measure, (cpu()? - began).as_secs_f64() * 1e3 / REPEATS as f64);
    Ok(())
}

fn is(name: &str, value: &str) -> Matcher {
    Matcher { name: name.into(), test: Test::Is(value.into()) }
}

fn matches(name: &str, pattern: &str) -> Matcher {
    let pattern = promql::ast::Pattern::new(pattern);
    Matcher { name: name.into(), test: pattern.map_or(Test::Is(String::new()), Test::Matches) }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The processor time of all threads so far.
fn cpu() -> Measured<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let line = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        nanos += line.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}
