//! Blocks over a real folder: what was pushed is found, and survives torn logs, damage and restarts.

use std::fs;
use std::path::Path;

use kernel::{Attribute, LogEvent, Origin};

use super::*;

const SECOND: Nanos = 1_000_000_000;
const NOW: Nanos = 1_800_000_000 * SECOND;

fn event(service: &str, at: Nanos, body: &str) -> LogEvent {
    let resource = vec![("service.name".to_owned(), Attribute::Text(service.into()))];
    let origin = Arc::new(Origin { resource, ..Origin::default() });
    LogEvent { at, body: Attribute::Text(body.into()), origin, ..LogEvent::default() }
}

fn open(data: &Path) -> Blocks<LogEvent> {
    let (blocks, aside) = Blocks::open(data, Limits::default()).unwrap();
    assert!(aside.is_empty(), "{aside:?}");
    blocks
}

fn bodies(blocks: &Blocks<LogEvent>, service: Option<&str>, words: &[&str]) -> Vec<String> {
    let holds = |event: &LogEvent| words.iter().all(|word| event.body.to_string().contains(word));
    let search = Search { service, words, limit: 100, ..Search::all(0, i64::MAX, &holds) };
    blocks.search(&search).records.iter().map(|event| event.body.to_string()).collect()
}

#[test]
fn what_is_pushed_is_found_newest_first_by_service_and_word() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    let events = vec![event("shop", NOW, "order 17 paid"), event("shop", NOW + SECOND, "order 18 failed")];
    assert_eq!(blocks.push(events, NOW).unwrap().kept, 2);
    blocks.push(vec![event("bank", NOW, "order 17 booked")], NOW).unwrap();
    assert_eq!(bodies(&blocks, Some("shop"), &[]), ["order 18 failed", "order 17 paid"]);
    assert_eq!(bodies(&blocks, None, &["booked"]), ["order 17 booked"]);
}

#[test]
fn a_restart_finds_sealed_and_unsealed_records() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    blocks.push(vec![event("shop", NOW, "first")], NOW).unwrap();
    blocks.tend(NOW + nanos(SEAL_AGE)).unwrap();
    assert_eq!(blocks.counts().blocks, 1);
    blocks.push(vec![event("shop", NOW + SECOND, "second")], NOW).unwrap();
    drop(blocks);
    let again = open(data.path());
    assert_eq!(bodies(&again, None, &[]), ["second", "first"]);
    assert_eq!(again.counts().records, 2);
}

#[test]
fn a_log_torn_at_any_byte_loses_only_what_was_torn() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    blocks.push(vec![event("shop", NOW, "first")], NOW).unwrap();
    let log = data.path().join("logs/active.log");
    let one = fs::read(&log).unwrap().len();
    blocks.push(vec![event("shop", NOW, "second")], NOW).unwrap();
    drop(blocks);
    let whole = fs::read(&log).unwrap();
    for cut in 0..whole.len() {
        fs::write(&log, &whole[..cut]).unwrap();
        let (again, _) = Blocks::<LogEvent>::open(data.path(), Limits::default()).unwrap();
        assert_eq!(bodies(&again, None, &[]).len(), usize::from(cut >= one), "cut at {cut}");
        again.push(vec![event("shop", NOW, "after")], NOW).unwrap();
        assert_eq!(bodies(&again, None, &["after"]), ["after"]);
    }
}

#[test]
fn a_log_that_was_sealed_already_is_not_read_twice() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    blocks.push(vec![event("shop", NOW, "once")], NOW).unwrap();
    let log = data.path().join("logs/active.log");
    let unsealed = fs::read(&log).unwrap();
    blocks.tend(NOW + nanos(SEAL_AGE)).unwrap();
    drop(blocks);
    fs::write(&log, unsealed).unwrap();
    assert_eq!(bodies(&open(data.path()), None, &[]), ["once"]);
}

#[test]
fn a_damaged_block_is_set_aside_and_the_rest_serves() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    for (i, body) in ["first", "second"].into_iter().enumerate() {
        let now = NOW + SECOND * i64::try_from(i).unwrap();
        blocks.push(vec![event("shop", now, body)], now).unwrap();
        blocks.tend(now + nanos(SEAL_AGE)).unwrap();
    }
    drop(blocks);
    let first = data.path().join("logs/0000000000000001.block");
    let mut bytes = fs::read(&first).unwrap();
    bytes[20] ^= 0xff;
    fs::write(&first, bytes).unwrap();
    let (again, aside) = Blocks::<LogEvent>::open(data.path(), Limits::default()).unwrap();
    assert!(aside[0].to_string().contains("set aside"), "{aside:?}");
    assert_eq!(bodies(&again, None, &[]), ["second"]);
}

#[test]
fn what_is_too_new_or_too_large_is_refused_with_its_reason_and_what_is_late_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    let day = nanos(KEPT_FOR);
    let events = vec![
        event("shop", NOW - 3000 * day, "late"),
        event("shop", NOW + day, "new"),
        event("shop", NOW, &"x".repeat(RECORD_BYTES_MAX + 1)),
        event("shop", NOW, "good"),
    ];
    let taken = blocks.push(events, NOW).unwrap();
    assert_eq!(taken, Taken { kept: 2, too_new: 1, too_large: 1 });
    assert_eq!(taken.reason(), "1 too far ahead of the clock, 1 larger than 256 KiB");
}

#[test]
fn old_blocks_are_forgotten_and_so_are_the_oldest_of_too_many_bytes() {
    let data = tempfile::tempdir().unwrap();
    let (blocks, _) = Blocks::open(data.path(), Limits { bytes: 10_000, ..Limits::default() }).unwrap();
    let later = NOW + nanos(SEAL_AGE);
    blocks.push(vec![event("shop", NOW, "first")], NOW).unwrap();
    blocks.tend(later).unwrap();
    blocks.push(vec![event("shop", later, "second")], later).unwrap();
    blocks.tend(later + nanos(SEAL_AGE)).unwrap();
    assert_eq!(bodies(&blocks, None, &[]), ["second"], "two heads are more than 10,000 bytes");
    blocks.tend(later + 2 * nanos(KEPT_FOR)).unwrap();
    assert_eq!(blocks.counts().records, 0);
    assert_eq!(fs::read_dir(data.path().join("logs")).unwrap().count(), 1, "only the log is left");
}

#[test]
fn a_search_stops_at_its_limits_and_says_so() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    let events = (0..10).map(|i| event("shop", NOW + i, &format!("line {i}"))).collect();
    blocks.push(events, NOW).unwrap();
    blocks.tend(NOW + nanos(SEAL_AGE)).unwrap();
    let all = |limit, bytes| {
        let search = Search { words: &["line"], limit, bytes, ..Search::all(0, i64::MAX, &|_| true) };
        let found = blocks.search(&search);
        (found.records.len(), found.blocks, found.whole)
    };
    assert_eq!(all(100, u64::MAX), (10, 1, true));
    assert_eq!(all(3, u64::MAX), (3, 1, false));
    assert_eq!(all(100, 10), (0, 0, false));
    let absent = Search { words: &["nowhere"], limit: 9, ..Search::all(0, i64::MAX, &|_: &LogEvent| true) };
    assert_eq!(blocks.search(&absent).blocks, 0, "a block without the word is not unpacked");
}

#[test]
fn only_blocks_that_may_hold_a_trace_are_unpacked() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    for (number, trace) in (0..20).map(|number| (number, format!("{number:032x}"))) {
        let now = NOW + SECOND * number;
        blocks.push(vec![LogEvent { trace, ..event("shop", now, "line") }], now).unwrap();
        blocks.tend(now + nanos(SEAL_AGE)).unwrap();
    }
    blocks.push(vec![event("shop", NOW, "of no trace")], NOW).unwrap();
    let (seventh, ninth) = (format!("{:032x}", 7), format!("{:032x}", 9));
    let found = |traces: &[&str]| {
        let found = blocks.search(&Search { traces, ..Search::all(0, i64::MAX, &|_| true) });
        (found.records.len(), found.blocks)
    };
    assert_eq!(found(&[&seventh]), (1, 1));
    assert_eq!(found(&[&seventh, &ninth]), (2, 2));
    assert_eq!(found(&["f"]), (0, 0));
    assert_eq!(found(&[]), (21, 20));
}

#[test]
fn only_blocks_with_something_long_enough_are_unpacked() {
    let data = tempfile::tempdir().unwrap();
    let (blocks, _) = Blocks::<kernel::Span>::open(data.path(), Limits::default()).unwrap();
    for (number, took) in [(0, 5 * SECOND), (1, SECOND)] {
        let start = NOW + number * SECOND;
        blocks.push(vec![kernel::Span { start, end: start + took, ..kernel::Span::default() }], NOW).unwrap();
        blocks.tend(NOW + nanos(SEAL_AGE)).unwrap();
    }
    let found = |took: Nanos| {
        let found = blocks.search(&Search { took, ..Search::all(0, i64::MAX, &|_| true) });
        (found.records.len(), found.blocks)
    };
    assert_eq!([found(0), found(2 * SECOND), found(6 * SECOND)], [(2, 2), (1, 1), (0, 0)]);
}

/// A head as blocks had it before there were filters of traces.
#[derive(serde::Serialize)]
struct OldHead(u64, Nanos, Nanos, Nanos, Option<Vec<String>>, Vec<u8>, u64, u32);

#[test]
fn a_head_without_the_newer_fields_is_read() {
    let old = OldHead(3, 1, 2, 3, Some(vec!["shop".into()]), vec![255; 8], 10, 20);
    let head: file::Head = rmp_serde::from_slice(&rmp_serde::to_vec(&old).unwrap()).unwrap();
    assert_eq!((head.count, head.until, head.keys.len(), head.longest), (3, 2, 0, None));
}

proptest::proptest! {
    #[test]
    fn any_log_is_opened_or_refused_and_never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir_all(data.path().join("logs")).unwrap();
        let mut log = b"WKLOG01\n\x01\0\0\0\0\0\0\0".to_vec();
        log.extend(&bytes);
        fs::write(data.path().join("logs/active.log"), log).unwrap();
        fs::write(data.path().join("logs/0000000000000000.block"), bytes).unwrap();
        let (blocks, _) = Blocks::<LogEvent>::open(data.path(), Limits::default()).unwrap();
        blocks.push(vec![event("shop", NOW, "after")], NOW).unwrap();
        proptest::prop_assert!(bodies(&blocks, None, &["after"]).contains(&"after".to_owned()));
    }
}
