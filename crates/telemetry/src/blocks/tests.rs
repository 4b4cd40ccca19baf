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
fn a_body_with_fields_is_found_by_how_it_reads_sealed_or_not() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    let fields = vec![("status".to_owned(), Attribute::Int(500)), ("path".to_owned(), Attribute::Text("/a".into()))];
    let body =
        Attribute::Map(vec![("ok".to_owned(), Attribute::Bool(false)), ("of".to_owned(), Attribute::Map(fields))]);
    blocks.push(vec![LogEvent { body: body.clone(), ..event("shop", NOW, "") }], NOW).unwrap();
    let read = body.to_string();
    let words: Vec<&str> = read.split_whitespace().collect();
    assert_eq!(bodies(&blocks, None, &words), [read.as_str()]);
    blocks.tend(NOW + nanos(SEAL_AGE)).unwrap();
    assert_eq!((blocks.counts().blocks, bodies(&blocks, None, &words)), (1, vec![read.clone()]));
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
    assert_eq!(taken, Taken { kept: 2, too_new: 1, too_large: 1, beyond: 0 });
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

/// How many records are found of those that a search can read, and how many blocks it cannot.
fn readable(blocks: &Blocks<LogEvent>) -> (usize, usize) {
    let search = Search { limit: 10_000, bytes: u64::MAX, ..Search::all(0, i64::MAX, &|_| true) };
    let found = blocks.search(&search);
    (found.records.len(), found.damaged.len())
}

/// An event of so many bytes in which nobody searches for words.
fn bulk(origin: &Arc<Origin>, bytes: usize) -> LogEvent {
    let body = Attribute::Text("-".repeat(bytes));
    LogEvent { at: NOW, body, origin: Arc::clone(origin), ..LogEvent::default() }
}

#[test]
fn one_large_push_is_sealed_in_pieces_that_can_be_read() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    let events = (0..1000).map(|_| bulk(&Arc::default(), 100_000)).collect();
    assert_eq!(blocks.push(events, NOW).unwrap().kept, 1000);
    assert!(blocks.shelf.read().sealed.iter().all(|block| block.unpacked() < 2 * SEAL_BYTES as u64));
    assert_eq!(readable(&blocks), (1000, 0));
}

#[test]
fn an_origin_is_kept_once_for_all_its_records() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    let resource = vec![("service.name".to_owned(), Attribute::Text("x".repeat(100_000)))];
    let origin = Arc::new(Origin { resource, ..Origin::default() });
    blocks.push((0..1000).map(|_| bulk(&origin, 10)).collect(), NOW).unwrap();
    let log = fs::metadata(data.path().join("logs/active.log")).unwrap().len();
    assert!((100_000..200_000).contains(&log), "{log}");
    drop(blocks);
    let again = open(data.path());
    again.tend(NOW + nanos(SEAL_AGE)).unwrap();
    let unpacked = again.shelf.read().sealed[0].unpacked();
    assert!((100_000..200_000).contains(&unpacked), "{unpacked}");
    let test = |event: &LogEvent| event.origin == origin;
    let search =
        Search { service: Some(origin.service()), limit: 10_000, bytes: u64::MAX, ..Search::all(0, i64::MAX, &test) };
    let found = again.search(&search);
    assert_eq!(found.records.len(), 1000);
    assert!(found.records.iter().all(|event| Arc::ptr_eq(&event.origin, &found.records[0].origin)));
}

#[test]
fn a_log_and_a_block_of_the_form_before_are_read() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("logs");
    fs::create_dir_all(&folder).unwrap();
    let framed = |what: &[u8]| {
        let length = u32::try_from(what.len()).unwrap();
        [&length.to_le_bytes()[..], &crc32fast::hash(what).to_le_bytes(), what].concat()
    };
    let first = rmp_serde::to_vec(&event("shop", NOW, "first")).unwrap();
    fs::write(folder.join("active.log"), [b"WKLOG01\n\x01\0\0\0\0\0\0\0".to_vec(), framed(&first)].concat()).unwrap();
    let blocks = open(data.path());
    blocks.push(vec![event("bank", NOW + SECOND, "second")], NOW).unwrap();
    drop(blocks);
    let again = open(data.path());
    assert_eq!(bodies(&again, Some("shop"), &[]), ["first"]);
    assert_eq!(bodies(&again, Some("bank"), &[]), ["second"]);
    again.tend(NOW + nanos(SEAL_AGE)).unwrap();
    let sealed = Arc::clone(&again.shelf.read().sealed[0]);
    let old = file::as_before(&sealed, &[Arc::new(event("shop", NOW, "old"))]);
    fs::write(&sealed.path, old).unwrap();
    assert_eq!(bodies(&open(data.path()), Some("shop"), &[]), ["old"]);
}

#[test]
fn a_disk_that_takes_no_block_refuses_nothing_until_too_much_waits() {
    let data = tempfile::tempdir().unwrap();
    let blocks = open(data.path());
    // A folder in the place of the block to be.
    let place = data.path().join("logs/0000000000000001.new");
    fs::create_dir(&place).unwrap();
    let many = |count| (0..count).map(|_| bulk(&Arc::default(), 200_000)).collect::<Vec<_>>();
    assert_eq!(blocks.push(many(30), NOW).unwrap().kept, 30);
    assert_eq!(readable(&blocks), (30, 0));
    assert!(blocks.tend(NOW).unwrap_err().to_string().contains("0000000000000001"), "the trouble is told");
    blocks.push(many(310), NOW).unwrap();
    let refused = blocks.push(many(1), NOW).unwrap_err();
    assert!(refused.to_string().contains("make room on the disk"), "{refused}");
    fs::remove_dir(&place).unwrap();
    blocks.tend(NOW).unwrap();
    assert_eq!(readable(&blocks), (340, 0));
    blocks.push(many(1), NOW).unwrap();
}

#[test]
fn a_push_beyond_all_measure_is_kept_in_part() {
    let data = tempfile::tempdir().unwrap();
    let (blocks, _) = Blocks::open(data.path(), Limits { push: 1_000_000, ..Limits::default() }).unwrap();
    let taken = blocks.push((0..20).map(|_| bulk(&Arc::default(), 100_000)).collect(), NOW).unwrap();
    assert_eq!((taken.kept, taken.beyond), (10, 10));
    assert_eq!(taken.reason(), "10 over the limit of bytes in one push");
    assert_eq!(blocks.counts().taken, taken);
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
