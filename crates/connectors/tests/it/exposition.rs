//! Prometheus' text format, and a target that is fetched.

use connectors::exposition::{parse, scrape};
use kernel::{Labels, Timestamp};
use proptest::prelude::*;

use crate::peer::Peer;

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn target() -> Labels {
    Labels::from_pairs([("job", "shop"), ("instance", "one")]).unwrap()
}

const TEXT: &str = r#"
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{ method = "post" , job="mine", empty="", } 3
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot \"find\" file:\n}"} 1.458255915e9
metric_without_labels -12.5
	something_weird{problem="division by zero"} +Inf -3982045
nothing NaN
"#;

#[test]
fn the_format_is_read() {
    let samples = parse(TEXT, &target(), now()).unwrap();
    let lines: Vec<String> = samples.iter().map(|s| format!("{} {} {}", s.series, s.at, s.value)).collect();
    let expected = r#"
        {__name__="http_requests_total", code="200", instance="one", job="shop", method="post"} 2014-03-17T14:26:03Z 1027
        {__name__="http_requests_total", exported_job="mine", instance="one", job="shop", method="post"} 2023-11-14T22:13:20Z 3
        {__name__="msdos_file_access_time_seconds", error="Cannot \"find\" file:\n}", instance="one", job="shop", path="C:\\DIR\\FILE.TXT"} 2023-11-14T22:13:20Z 1458255915
        {__name__="metric_without_labels", instance="one", job="shop"} 2023-11-14T22:13:20Z -12.5
        {__name__="something_weird", instance="one", job="shop", problem="division by zero"} 1969-12-31T22:53:37.955Z inf
        {__name__="nothing", instance="one", job="shop"} 2023-11-14T22:13:20Z NaN"#;
    assert_eq!(lines, expected.trim().lines().map(str::trim).collect::<Vec<_>>());
}

#[test]
fn a_bad_line_is_named_and_nothing_is_taken() {
    let table = [
        ("a 1\n{} 1", "line 2: a metric's name was expected"),
        ("9a 1", "line 1: a metric's name was expected"),
        ("a{b=c} 1", "line 1: labels are written {name=\"value\", ...}"),
        ("a{b=\"c\" d=\"e\"} 1", "line 1: labels are written {name=\"value\", ...}"),
        ("a{b=\"c} 1", "line 1: labels are written {name=\"value\", ...}"),
        ("a{b=\"c\",b=\"d\"} 1", "line 1: label \"b\" is given twice"),
        ("a", "line 1: \"\" is not a number"),
        ("a x", "line 1: \"x\" is not a number"),
        ("a 1 x", "line 1: \"x\" is not a timestamp in milliseconds"),
        ("a 1 2 3", "line 1: \"3\" follows after the sample"),
    ];
    for (text, message) in table {
        assert_eq!(parse(text, &Labels::default(), now()).unwrap_err().to_string(), message, "{text}");
    }
}

#[tokio::test]
async fn a_target_is_fetched_and_says_whether_it_is_up() {
    let client = connectors::checks::client().unwrap();
    let peer = Peer::start([(200, vec![], "queue 7".to_owned()), (503, vec![], String::new())]).await;
    let up = |scraped: &connectors::exposition::Scraped| {
        let last = scraped.samples.last().unwrap();
        assert_eq!(last.series.to_string(), r#"{__name__="up", instance="one", job="shop"}"#);
        last.value
    };
    let good = scrape(&client, &peer.url("/metrics"), &target(), now()).await;
    assert_eq!((good.samples.len(), up(&good), good.failure.as_deref()), (2, 1.0, None));
    let bad = scrape(&client, &peer.url("/metrics"), &target(), now()).await;
    assert_eq!((bad.samples.len(), up(&bad)), (1, 0.0));
    assert_eq!(bad.failure.as_deref(), Some("status 503 Service Unavailable"));
    assert!(peer.all()[0].header("accept").starts_with("text/plain"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-c{}=\",\\\\ 0-9\nn#.é]{0,60}") {
        let _ = parse(&text, &target(), now());
    }

    #[test]
    fn any_label_value_survives_its_escapes(value in "\\PC{1,20}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let samples = parse(&format!("a{{b=\"{escaped}\"}} 1"), &Labels::default(), now()).unwrap();
        prop_assert_eq!(samples[0].series.get("b"), Some(value.as_str()));
    }
}
