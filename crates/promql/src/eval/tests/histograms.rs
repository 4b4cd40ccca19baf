//! Native and classic histograms.

use super::{Memory, histogram, value};
use crate::{Histogram, ResetHint, Value};

fn counter() -> Memory {
    Memory::default()
        .with("h", [histogram(1.0, &[1.0]), histogram(4.0, &[2.0, 1.0]), histogram(9.0, &[3.0, 3.0])].map(value))
}

#[test]
fn functions_of_native_histograms() {
    counter().check(
        120,
        &[
            ("h", "h {count:6, sum:9, (0.5,1]:3, (1,2]:3}"),
            ("histogram_count(h)", "{} 6"),
            ("histogram_sum(h)", "{} 9"),
            ("histogram_avg(h)", "{} 1.5"),
            ("histogram_quantile(0.5, h)", "{} 1"),
            ("histogram_fraction(0, 1, h)", "{} 0.5"),
            ("histogram_quantiles(h, \"q\", 0, 1)", "{q=\"0.0\"} 0.5, {q=\"1.0\"} 2"),
            ("increase(h[3m])", "{} {count:6, sum:9.6, (0.5,1]:2.4, (1,2]:3.5999999999999996}"),
            (
                "irate(h[3m])",
                "{} {count:0.05, sum:0.08333333333333333, (0.5,1]:0.016666666666666666, (1,2]:0.03333333333333333}",
            ),
            ("sum_over_time(h[3m])", "{} {count:10, sum:14, (0.5,1]:6, (1,2]:4}"),
            ("avg_over_time(h[2m])", "{} {count:4.5, sum:6.5, (0.5,1]:2.5, (1,2]:2}"),
            ("count_over_time(h[3m])", "{} 3"),
            ("changes(h[3m])", "{} 2"),
            ("resets(h[3m])", "{} 0"),
            ("last_over_time(h[3m])", "h {count:6, sum:9, (0.5,1]:3, (1,2]:3}"),
            ("min_over_time(h[3m])", ""),
            ("sum(h)", "{} {count:6, sum:9, (0.5,1]:3, (1,2]:3}"),
            ("count(h)", "{} 1"),
            ("max(h)", ""),
            ("h * 2", "{} {count:12, sum:18, (0.5,1]:6, (1,2]:6}"),
            ("h / 3", "{} {count:2, sum:3, (0.5,1]:1, (1,2]:1}"),
            ("h + h", "{} {count:12, sum:18, (0.5,1]:6, (1,2]:6}"),
            ("h - h", "{} {count:0, sum:0}"),
            ("h == h", "h {count:6, sum:9, (0.5,1]:3, (1,2]:3}"),
            ("h != h", ""),
            ("h + 1", ""),
            ("-h", "{} {count:-6, sum:-9, (0.5,1]:-3, (1,2]:-3}"),
            ("abs(h)", ""),
            ("sort(h)", ""),
            ("topk(1, h)", ""),
            ("limitk(1, h)", "h {count:6, sum:9, (0.5,1]:3, (1,2]:3}"),
            ("timestamp(h)", "{} 120"),
            ("absent(h)", ""),
            ("scalar(h)", "NaN"),
            ("histogram_count(h </ 1)", "{} 3"),
        ],
    );
}

#[test]
fn a_counter_that_began_anew_is_seen() {
    let all = [histogram(1.0, &[5.0]), histogram(4.0, &[1.0, 1.0]), histogram(9.0, &[2.0, 2.0])].map(value);
    let memory = Memory::default().with("h", all);
    memory.check(120, &[("resets(h[3m])", "{} 1"), ("irate(h[2m])", "{} {count:0.03333333333333333, sum:0.08333333333333333, (0.5,1]:0.016666666666666666, (1,2]:0.016666666666666666}")]);
    let hinted = histogram(9.0, &[9.0]).with_hint(ResetHint::Reset);
    let memory = Memory::default().with("h", [value(histogram(1.0, &[1.0])), value(hinted)]);
    memory.check(60, &[("resets(h[3m])", "{} 1"), ("resets(h[3m:1m])", "{} 0")]);
}

#[test]
fn mixtures_are_noted() {
    let float = Value::Float(1.0);
    let memory = Memory::default()
        .with("h", [float.clone(), value(histogram(1.0, &[1.0]))])
        .with("g x=1", [float.clone(), float.clone()])
        .with("g x=2", [value(histogram(1.0, &[1.0])), value(histogram(1.0, &[1.0]))]);
    let mixed = "encountered a mix of histograms and floats for metric name \"h\"";
    let ignored = "info: ignored histograms in a range containing both floats and histograms for metric name \"h\"";
    let cases = [
        ("rate(h[5m])", vec![mixed]),
        ("irate(h[5m])", vec![mixed]),
        ("sum_over_time(h[5m])", vec![mixed]),
        ("max_over_time(h[5m])", vec![ignored]),
        ("quantile_over_time(0.5, h[5m])", vec![ignored]),
        ("sum(g)", vec!["encountered a mix of histograms and floats for aggregation"]),
        ("max(g)", vec!["info: ignored histogram in max aggregation"]),
        ("topk(1, g)", vec!["info: ignored histogram in topk aggregation"]),
        (
            "g{x=\"1\"} + on () h",
            vec!["info: incompatible sample types encountered for binary operator \"+\": float + histogram"],
        ),
        ("delta(g{x=\"2\"}[5m])", vec!["this native histogram metric is not a gauge: \"g\""]),
    ];
    for (query, expected) in cases {
        assert_eq!(memory.notes(query, 60), expected, "{query}");
    }
    memory
        .check(60, &[("changes(h[5m])", "{} 1"), ("resets(h[5m])", "{} 1"), ("count(g)", "{} 2"), ("max(g)", "{} 1")]);
}

#[test]
fn custom_and_exponential_buckets_do_not_mix() {
    let custom = Histogram { schema: crate::CUSTOM_BUCKETS, bounds: [1.0, 2.0].into(), ..histogram(1.0, &[1.0, 1.0]) };
    let memory = Memory::default()
        .with("h", [value(histogram(1.0, &[1.0])), value(custom.clone())])
        .with("g", [value(custom.clone()), value(custom)]);
    let warning =
        "vector contains a mix of histograms with exponential and custom buckets schemas for metric name \"h\"";
    assert_eq!(memory.notes("sum_over_time(h[5m])", 60), [warning]);
    // A change of the kind of buckets is a reset of the counter.
    assert!(memory.notes("irate(h[5m])", 60).is_empty());
    memory.check(60, &[("histogram_quantile(0.5, g)", "{} 1"), ("rate(g[5m])", "{} {count:0, sum:0}")]);
}

#[test]
fn classic_histograms() {
    let memory = Memory::minutely(
        "b_bucket x=1 le=1 : 10
         b_bucket x=1 le=2 : 20
         b_bucket x=1 le=+Inf : 40
         b_bucket x=2 le=1 : 10
         b_bucket x=2 le=2 : 5
         b_bucket x=2 le=+Inf : 20
         b_bucket x=3 le=one : 20",
    );
    memory.check(
        0,
        &[
            ("histogram_quantile(0.25, b_bucket{x!=\"3\"})", "{x=\"1\"} 1, {x=\"2\"} 0.5"),
            ("histogram_fraction(0, 1, b_bucket{x=\"1\"})", "{x=\"1\"} 0.25"),
            ("histogram_quantile(2, b_bucket{x=\"1\"})", "{x=\"1\"} +Inf"),
            (
                "histogram_quantiles(b_bucket{x=\"1\"}, \"q\", 0.25, 0.5)",
                "{q=\"0.25\", x=\"1\"} 1, {q=\"0.5\", x=\"1\"} 2",
            ),
        ],
    );
    assert_eq!(
        memory.notes("histogram_quantile(0.5, b_bucket)", 0),
        [
            "bucket label \"le\" is missing or has a malformed value of \"one\" for metric name \"b_bucket\"",
            "info: input to histogram_quantile needed to be fixed for monotonicity (see \
             https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name \
             \"b_bucket\"",
        ]
    );
}
