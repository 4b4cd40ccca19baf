//! What the files can suffer: torn ends, flipped bits, old age.

use std::fs;
use std::path::PathBuf;

use super::model::copied;
use super::*;

const A: Pairs<'static> = &[("__name__", "a"), ("job", "x")];
const B: Pairs<'static> = &[("__name__", "b")];

fn files(dir: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    paths.sort();
    paths
}

#[test]
fn a_log_torn_at_any_byte_gives_what_stood_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for i in 0..6 {
        write(&store, &[(A, T0 + i * SECOND, i as f64), (B, T0 + i * SECOND, -(i as f64))]);
    }
    let log = files(dir.path(), "log-").pop().unwrap();
    let bytes = fs::read(&log).unwrap();
    let mut before = 0;
    for length in 0..=bytes.len() {
        let copy = copied(dir.path());
        fs::write(copy.path().join(log.file_name().unwrap()), &bytes[..length]).unwrap();
        let store = open(copy.path());
        let (a, b) = (points(&store, "a"), points(&store, "b"));
        assert_eq!(a.len(), b.len(), "a write is there as a whole or not at all");
        assert_eq!(a, (0..a.len() as i64).map(|i| (i, i as f64)).collect::<Vec<_>>());
        assert!(a.len() >= before && a.len() <= before + 1);
        before = a.len();
        // What follows is kept as well, after another start.
        write(&store, &[(A, T0 + 99 * SECOND, 99.0)]);
        drop(store);
        let store = open(copy.path());
        assert_eq!(store.troubles(), Vec::<String>::new());
        assert_eq!(points(&store, "a").len(), before + 1);
    }
    assert_eq!(before, 6);
}

#[test]
fn a_flipped_byte_in_the_log_costs_what_follows_in_that_file_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for i in 0..4 {
        write(&store, &[(A, T0 + i * SECOND, i as f64)]);
    }
    let log = files(dir.path(), "log-").pop().unwrap();
    let bytes = fs::read(&log).unwrap();
    for place in 0..bytes.len() {
        let copy = copied(dir.path());
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x40;
        fs::write(copy.path().join(log.file_name().unwrap()), damaged).unwrap();
        let store = open(copy.path());
        let found = points(&store, "a");
        assert_eq!(found, (0..found.len() as i64).map(|i| (i, i as f64)).collect::<Vec<_>>(), "{place}");
        // The epoch alone has no checksum, and any one will do.
        assert!((8..16).contains(&place) || found.len() < 4 && !store.troubles().is_empty(), "{place}");
    }
}

#[test]
fn a_damaged_block_is_set_aside_and_the_rest_serves() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, &[(A, T0, 1.0), (B, T0, 2.0)]);
    store.flush(T0).unwrap();
    write(&store, &[(A, T0 + SECOND, 3.0)]);
    store.flush(T0 + SECOND).unwrap();
    let block = files(dir.path(), "block-").remove(0);
    let bytes = fs::read(&block).unwrap();
    let (mut told, mut unseen) = (0, 0);
    for place in 0..bytes.len() {
        let copy = copied(dir.path());
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        fs::write(copy.path().join(block.file_name().unwrap()), damaged).unwrap();
        let store = open(copy.path());
        let (values, found) = (store.label_values("job", &[], Millis::MIN, Millis::MAX).unwrap(), points(&store, "a"));
        assert_eq!(values, ["x"]);
        let troubles = store.troubles();
        match troubles.as_slice() {
            [] => {
                assert_eq!(found, [(0, 1.0), (1, 3.0)], "{place}");
                unseen += 1;
            }
            [trouble] => {
                assert!(trouble.contains("set aside as") && trouble.contains("the other blocks serve"), "{trouble}");
                assert_eq!(
                    (found, files(copy.path(), "block-")[0].extension().unwrap().to_str()),
                    (vec![(1, 3.0)], Some("damaged"))
                );
                told += 1;
            }
            more => panic!("{more:?}"),
        }
        drop(store);
        assert_eq!(points(&open(copy.path()), "a").last(), Some(&(1, 3.0)));
    }
    // The chunk of the other series was not read.
    assert!(told > bytes.len() - 60 && unseen < 60, "{told} {unseen} of {}", bytes.len());
    for length in 0..bytes.len() {
        let copy = copied(dir.path());
        fs::write(copy.path().join(block.file_name().unwrap()), &bytes[..length]).unwrap();
        let store = open(copy.path());
        assert_eq!((points(&store, "a"), store.troubles().len()), (vec![(1, 3.0)], 1));
    }
}

#[test]
fn a_flush_that_was_interrupted_loses_and_repeats_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, &[(A, T0, 1.0), (A, T0 + SECOND, 2.0)]);
    let before = copied(dir.path());
    store.flush(T0).unwrap();
    // The block is there, and the log was not removed yet; beside it lies one that was never finished.
    let block = files(dir.path(), "block-").remove(0);
    fs::copy(&block, before.path().join(block.file_name().unwrap())).unwrap();
    fs::write(before.path().join("block-0000000009.part"), b"half").unwrap();
    let store = open(before.path());
    assert_eq!((points(&store, "a"), store.troubles()), (vec![(0, 1.0), (1, 2.0)], vec![]));
    assert_eq!(files(before.path(), "block-").len(), 1);
    store.flush(T0).unwrap();
    assert_eq!((points(&store, "a"), store.stats().blocks), (vec![(0, 1.0), (1, 2.0)], 2));
}

#[test]
fn the_store_flushes_when_it_is_time_or_when_it_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let store =
        Store::open(dir.path(), Settings { head_bytes: 20_000, log_bytes: 400_000, recent: 0, ..settings() }).unwrap();
    assert!(!store.tend(T0).unwrap().flushed);
    write(&store, &[(A, T0, 1.0)]);
    assert!(!store.tend(T0 + 7_199 * SECOND).unwrap().flushed);
    assert!(store.tend(T0 + 7_200 * SECOND).unwrap().flushed);
    let now = T0 + 7_200 * SECOND;
    let noise = |i: i64| f64::from_bits((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2);
    for i in 1..4_000 {
        write_at(&store, now, &[(A, T0 + i * SECOND, noise(i))]);
        store.tend(now).unwrap();
    }
    assert!(store.stats().blocks >= 2 && store.stats().head_bytes < 40_000, "{:?}", store.stats());
    for i in 0..40_000 {
        write_at(&store, now, &[(B, T0 + i * 100, 1.0)]);
    }
    assert!(store.stats().log_bytes > 400_000 && store.tend(now).unwrap().flushed);
    assert!(store.stats().log_bytes < 1_000);
    assert_eq!((points(&store, "a").len(), points(&store, "b").len()), (4_000, 40_000));
}

#[test]
fn old_blocks_go_by_age_and_by_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let store =
        Store::open(dir.path(), Settings { keep: 100 * SECOND, block_bytes: 1_500, recent: 0, ..settings() }).unwrap();
    for i in 0..3 {
        write(&store, &[(A, T0 + i * 60 * SECOND, i as f64)]);
        store.flush(T0 + i * 60 * SECOND).unwrap();
    }
    assert_eq!(points(&store, "a").len(), 3);
    assert_eq!(store.tend(T0 + 120 * SECOND).unwrap().removed, 1);
    assert_eq!(points(&store, "a"), [(60, 1.0), (120, 2.0)]);
    assert_eq!(files(dir.path(), "block-").len(), 2);
    for i in 121..140 {
        write(&store, &[(A, T0 + i * SECOND, 0.0)]);
        store.flush(T0 + i * SECOND).unwrap();
    }
    assert!(store.tend(T0 + 140 * SECOND).unwrap().removed > 5);
    assert!(store.stats().block_bytes <= 1_500);
    assert_eq!(points(&store, "a").last(), Some(&(139, 0.0)));
}

#[test]
fn what_was_appended_is_logged_even_when_the_writer_gave_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut appender = store.appender(T0).unwrap();
    appender.series(b"a", || Ok::<_, Infallible>(A.to_vec()));
    appender.float(T0, 0, 1.0);
    drop(appender);
    store.sync().unwrap();
    assert_eq!(points(&open(copied(dir.path()).path()), "a"), [(0, 1.0)]);
}

#[test]
fn without_its_directory_the_store_says_so_and_serves_from_memory() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("metrics"));
    write(&store, &[(A, T0, 1.0)]);
    fs::remove_dir_all(dir.path().join("metrics")).unwrap();
    let failure = store.flush(T0).unwrap_err().to_string();
    assert!(failure.contains("log-0000000002 could not be made"), "{failure}");
    assert_eq!(points(&store, "a"), [(0, 1.0)]);
    assert_eq!(write(&store, &[(A, T0 + SECOND, 2.0)]).tally.kept, 1);
    assert_eq!(points(&store, "a"), [(0, 1.0), (1, 2.0)]);
}

/// Where the process that is to be killed keeps its store.
const KILLED: &str = "WATCHKEEPER_TEST_KILLED";

/// Writes and says so, until it is killed. Does nothing in an ordinary run.
#[test]
fn a_process_that_writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(KILLED) else { return };
    let store = open(dir.as_ref());
    for i in 0.. {
        let mut appender = store.appender(T0 + i * SECOND).unwrap();
        appender.series(b"a", || Ok::<_, Infallible>(A.to_vec()));
        appender.float(T0 + i * SECOND, 0, i as f64);
        let outcome = if i % 2 == 0 { appender.finish() } else { appender.finish_durably() };
        outcome.unwrap();
        println!("\nwritten {i}");
        if i % 20 == 19 {
            store.flush(T0 + i * SECOND).unwrap();
        }
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_a_kill() {
    use std::io::{BufRead, BufReader};
    for wanted in [1, 19, 20, 21, 50] {
        let dir = tempfile::tempdir().unwrap();
        let name = "metrics::tests::durable::a_process_that_writes_until_it_is_killed";
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture"]).env(KILLED, dir.path()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let last =
            lines.filter_map(|line| line.strip_prefix("written ")?.parse::<i64>().ok()).find(|i| *i >= wanted).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(dir.path());
        let found = points(&store, "a");
        assert_eq!(found, (0..found.len() as i64).map(|i| (i, i as f64)).collect::<Vec<_>>());
        assert!(found.len() as i64 > last, "{} of {last}", found.len());
    }
}

#[test]
fn a_series_with_very_many_samples_at_once_is_logged_in_records_of_bounded_length() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let histogram = Arc::new(Histogram { positive: (0..400).map(|i| (i, 0.1)).collect(), ..Histogram::default() });
    let mut appender = store.appender(T0 + 100_000 * SECOND).unwrap();
    appender.series(b"a", || Ok::<_, Infallible>(A.to_vec()));
    (0..30_000).for_each(|i| appender.float(T0 + i, 0, i as f64));
    appender.series(b"b", || Ok::<_, Infallible>(B.to_vec()));
    (0..500).for_each(|i| appender.histogram(T0 + i, 0, &histogram));
    assert_eq!(appender.finish().unwrap().tally.kept, 30_500);
    let store = open(copied(dir.path()).path());
    assert_eq!(store.troubles(), Vec::<String>::new());
    assert_eq!(all(&store).iter().map(|series| series.points.len()).collect::<Vec<_>>(), [30_000, 500]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever is written, nothing panics, and a start and a flush change nothing.
    #[test]
    fn anything_may_be_written(
        samples in proptest::collection::vec(
            (proptest::collection::vec(("__name__|\\PC{0,3}", "\\PC{0,3}"), 0..4), proptest::prelude::any::<i64>(), 0_i64..3_000, proptest::prelude::any::<f64>()),
            0..40,
        ),
        wild: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        for (labels, any, second, value) in &samples {
            let pairs: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let at = if wild { *any } else { T0 + second * SECOND };
            write_at(&store, if wild { *any } else { T0 + 3_000 * SECOND }, &[(&pairs, at, *value)]);
        }
        let written = format!("{:?}", all(&store));
        proptest::prop_assert_eq!(format!("{:?}", all(&open(copied(dir.path()).path()))), &written[..]);
        store.flush(T0).unwrap();
        proptest::prop_assert_eq!(format!("{:?}", all(&store)), &written[..]);
        proptest::prop_assert_eq!(format!("{:?}", all(&open(copied(dir.path()).path()))), &written[..]);
        proptest::prop_assert_eq!(store.troubles(), Vec::<String>::new());
    }
}
