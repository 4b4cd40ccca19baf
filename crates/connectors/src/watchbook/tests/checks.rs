//! Health checks as they are written: every probe is read, and what cannot be meant is refused in its place.

use kernel::book::probe::CHECKS_MAX;
use kernel::book::{Probe, Tally};

use super::{brief, checked, with};

#[test]
fn checks_that_will_not_run_are_told() {
    let many = |count: usize| {
        let line = |number: usize| format!("c{number:04}: {{service: website, url: 'http://a/'}}\n");
        brief(&checked(&with("checks.yaml", &(0..count).map(line).collect::<String>())).findings)
    };
    assert_eq!(many(CHECKS_MAX), [""; 0]);
    assert_eq!(many(CHECKS_MAX + 2), ["WB072 checks.yaml:1001:1"]);
}

#[test]
fn every_probe_is_read() {
    let text = r#"
old: {service: website, url: "http://a/", contains: ok, failures: 2}
http: {service: website, url: "https://a/", method: POST, body: "a\r\n", headers: {accept: x}, lacks: no, json: {"$.a[0]": 1},
  header: {server: x}, slower_than: 2s, certificate: 14d, failures: 2, among: 5, second_look: false}
tcp: {service: website, tcp: {address: "[::1]:25", send: "EHLO a\r\n", expect: "250"}}
dns: {service: website, dns: {name: a.example, type: MX, server: 192.0.2.1, answers: [10 b.example]}}
tls: {service: website, tls: {address: "a.example:443", certificate: 7d}}
icmp: {service: website, icmp: {host: "::1"}}
grpc: {service: website, grpc: {url: "http://a:1", service: b}}
beat: {service: website, heartbeat: {}, every: 1d}
"#;
    let checked = checked(&with("checks.yaml", text));
    assert_eq!(checked.findings.to_string(), "");
    let book = checked.book.unwrap();
    let (old, http, beat) = (&book.checks["old"], &book.checks["http"], &book.checks["beat"]);
    assert_eq!((old.tally, old.successes, old.second_look), (Tally::new(2, 2).unwrap(), 2, true));
    assert_eq!((http.tally, http.second_look), (Tally::new(2, 5).unwrap(), false));
    assert_eq!((beat.tally, beat.successes, beat.second_look), (Tally::new(1, 1).unwrap(), 1, false));
    let subjects: Vec<String> = book.checks.values().map(|check| check.probe.subject()).collect();
    let expected = [
        "heartbeat, 1m late at most",
        "dns MX a.example",
        "grpc http://a:1 b",
        "https://a/",
        "icmp ::1",
        "http://a/",
        "tcp [::1]:25",
        "tls a.example:443",
    ];
    assert_eq!(subjects, expected);
    let Probe::Http(probe) = &http.probe else { panic!("{:?}", http.probe) };
    assert_eq!((probe.body.as_deref(), probe.slower_than_ms), (Some("a\r\n"), Some(2000)));
    assert_eq!(
        probe.json.first().map(|(path, wanted)| (path.to_string(), wanted.as_str())),
        Some(("$.a[0]".into(), "1"))
    );
}

#[test]
fn what_cannot_be_meant_is_refused_in_its_place() {
    let cases = [
        ("w: {service: website}", "WB055 checks.yaml:1:1"),
        ("w: {service: website, url: http://a, icmp: {host: a}}", "WB055 checks.yaml:1:1"),
        ("w: {service: website, icmp: {host: a}, lacks: x}", "WB055 checks.yaml:1:47"),
        ("w: {service: website, heartbeat: {}, among: 2}", "WB055 checks.yaml:1:45"),
        ("w: {service: website, url: http://a, certificate: 1d}", "WB055 checks.yaml:1:51"),
        ("w: {service: website, url: http://a, among: 2}", "WB056 checks.yaml:1:45"),
        ("w: {service: website, url: http://a, json: {a: b}}", "WB057 checks.yaml:1:45"),
        ("w: {service: website, tcp: {address: a}}", "WB058 checks.yaml:1:38"),
        ("w: {service: website, dns: {name: a, server: b}}", "WB058 checks.yaml:1:46"),
        ("w: {service: website, url: http://a, headers: {cookie: a}}", "WB059 checks.yaml:1:48"),
        ("w: {service: website, url: http://a, slower_than: 3}", "WB032 checks.yaml:1:51"),
    ];
    for (text, place) in cases {
        assert_eq!(brief(&checked(&with("checks.yaml", text)).findings).join(", "), place, "{text}");
    }
}
