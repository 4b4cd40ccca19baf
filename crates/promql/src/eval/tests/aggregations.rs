//! Aggregations.

use super::Memory;

fn memory() -> Memory {
    Memory::minutely(
        "a x=1 y=1 : 1 5
         a x=1 y=2 : 2 4
         a x=2 y=1 : 3 3
         a x=2 y=2 : 4 2",
    )
}

#[test]
fn groups_are_combined() {
    memory().check(
        0,
        &[
            ("sum(a)", "{} 10"),
            ("sum by (x) (a)", "{x=\"1\"} 3, {x=\"2\"} 7"),
            ("sum without (x) (a)", "{y=\"1\"} 4, {y=\"2\"} 6"),
            ("sum by (x, z) (a)", "{x=\"1\"} 3, {x=\"2\"} 7"),
            ("sum by (__name__) (a)", "a 10"),
            ("sum by (__name__) (rate(a[5m]))", ""),
            ("sum by (__name__) (abs(a))", "{} 10"),
            ("avg(a)", "{} 2.5"),
            ("count(a)", "{} 4"),
            ("group by (y) (a)", "{y=\"1\"} 1, {y=\"2\"} 1"),
            ("min(a)", "{} 1"),
            ("max by (x) (a)", "{x=\"1\"} 2, {x=\"2\"} 4"),
            ("stddev(a)", "{} 1.118033988749895"),
            ("stdvar(a)", "{} 1.25"),
            ("quantile(0.5, a)", "{} 2.5"),
            ("quantile(2, a)", "{} +Inf"),
            ("sum(b)", ""),
            ("count_values(\"v\", a > 2)", "{v=\"3\"} 1, {v=\"4\"} 1"),
            ("count_values by (x) (\"v\", a * 0)", "{v=\"0\", x=\"1\"} 2, {v=\"0\", x=\"2\"} 2"),
            ("count_values without (y) (\"x\", a * 0)", "{x=\"0\"} 4"),
        ],
    );
}

#[test]
fn series_are_picked() {
    memory().check(
        0,
        &[
            ("topk(1, a)", "a{x=\"2\", y=\"2\"} 4"),
            ("topk by (x) (1, a)", "a{x=\"1\", y=\"2\"} 2, a{x=\"2\", y=\"2\"} 4"),
            ("bottomk(1, a)", "a{x=\"1\", y=\"1\"} 1"),
            ("topk(0, a)", ""),
            ("topk(scalar(b), a)", "error: Parameter value is NaN"),
            ("topk(1e19, a)", "error: Scalar value 10000000000000000000 overflows int64"),
            ("limitk(1, a)", "a{x=\"1\", y=\"1\"} 1"),
            ("count(limitk by (x) (1, a))", "{} 2"),
            ("count(limit_ratio(0.5, a) or limit_ratio(-0.5, a))", "{} 4"),
            ("limit_ratio(0.5, a) and limit_ratio(-0.5, a)", ""),
            ("count(limit_ratio(1, a))", "{} 4"),
            ("limit_ratio(0, a)", ""),
        ],
    );
    assert_eq!(memory().each_minute("topk(1, a)", 1), "a{x=\"1\", y=\"1\"} 5@60, a{x=\"2\", y=\"2\"} 4@0");
}

#[test]
fn odd_parameters_are_noted() {
    assert_eq!(memory().notes("quantile(2, a)", 0), ["quantile value should be between 0 and 1, got 2"]);
    assert_eq!(memory().notes("limit_ratio(2, a)", 0), ["ratio value should be between -1 and 1, got 2, capping to 1"]);
    assert_eq!(
        memory().notes("rate(a[5m])", 60),
        ["info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\""]
    );
}

#[test]
fn sums_keep_what_rounding_would_lose() {
    let memory = Memory::minutely("a x=1 : 5e102\na x=2 : 1\na x=3 : -5e102\na x=4 : 2");
    memory.check(0, &[("sum(a)", "{} 3"), ("avg(a)", "{} 0.75")]);
    let memory = Memory::minutely("a : 5e102 1 -5e102 2");
    memory.check(180, &[("sum_over_time(a[5m])", "{} 3"), ("avg_over_time(a[5m])", "{} 0.75")]);
}
