//! How logs are watched, as it is written: one setting for all, and services that differ.

use kernel::book::{LogFinding, LogWatches};
use kernel::{Level, Seconds};

use super::{begin, brief, checked, with};

#[test]
fn without_a_file_logs_are_watched_and_page_nobody() {
    let logs = checked(&begin()).book.unwrap().logs;
    assert_eq!(logs, LogWatches::default());
    assert!(logs.default.watch && logs.default.raise.is_empty());
}

#[test]
fn a_service_takes_from_the_default_what_it_does_not_say() {
    let text = "default: {raise: [new, more], level: warning, learn_for: 2h, labels: {severity: critical, team: a}}\n\
                services: {website: {raise: [], spreads: 12, quiet_for: 1h}}\n";
    let checked = checked(&with("logs.yaml", text));
    assert_eq!(checked.findings.to_string(), "");
    let logs = checked.book.unwrap().logs;
    let (all, website) = (logs.of("unheard-of"), logs.of("website"));
    assert_eq!(all.raise.iter().copied().collect::<Vec<_>>(), [LogFinding::New, LogFinding::More]);
    assert_eq!((all.level, all.learn_for, all.spreads), (Level::Warning, Seconds::hours(2), 8));
    assert_eq!((website.raise.len(), website.level, website.spreads), (0, Level::Warning, 12));
    assert_eq!((website.quiet_for, &website.labels), (Seconds::hours(1), &all.labels));
}

#[test]
fn what_cannot_be_meant_is_refused_in_its_place() {
    let cases = [
        ("default: {raise: [old]}", "WB030 logs.yaml:1:19"),
        ("default: {level: loud}", "WB030 logs.yaml:1:18"),
        ("default: {spreads: 2}", "WB031 logs.yaml:1:20"),
        ("default: {quiet_for: 0}", "WB032 logs.yaml:1:22"),
        ("services: {nobody: {}}", "WB022 logs.yaml:1:12"),
        ("checkout: {}", "WB012 logs.yaml:1:1"),
    ];
    for (text, place) in cases {
        assert_eq!(brief(&checked(&with("logs.yaml", text)).findings).join(", "), place, "{text}");
    }
    let mut files = with("logs.yaml", "default: {}\nservices: {website: {}}");
    files.insert("logs/more.yaml".into(), "default: {}\nservices: {website: {}}".into());
    let places = brief(&checked(&files).findings).join(", ");
    assert_eq!(places, "WB013 logs/more.yaml:1:10, WB013 logs/more.yaml:2:12");
}
