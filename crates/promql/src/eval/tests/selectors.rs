//! Selectors: look-back, staleness, windows, subqueries, `@`, `offset`.

use super::Memory;

#[test]
fn an_instant_selector_looks_five_minutes_back_and_not_to_their_end() {
    let memory = Memory::minutely("a : 1");
    memory.check(0, &[("a", "a 1"), ("b", "")]);
    memory.check(299, &[("a", "a 1")]);
    memory.check(300, &[("a", ""), ("a offset 1s", "a 1"), ("a @ 10", "a 1"), ("a offset -10m", "")]);
    memory.check(-1, &[("a", ""), ("a offset -1s", "a 1")]);
}

#[test]
fn a_stale_marker_ends_a_series() {
    let memory = Memory::minutely("a : 1 stale _ 4");
    memory.check(59, &[("a", "a 1")]);
    memory.check(60, &[("a", ""), ("count_over_time(a[5m])", "{} 1"), ("a[2m]", "a 1@0")]);
    memory.check(170, &[("a", ""), ("last_over_time(a[5m])", "a 1")]);
    memory.check(180, &[("a", "a 4"), ("count_over_time(a[5m])", "{} 2")]);
    assert_eq!(memory.each_minute("a", 4), "a 1@0 4@180 4@240");
}

#[test]
fn a_window_excludes_its_start() {
    let memory = Memory::minutely("a : 0..9");
    memory.check(
        120,
        &[
            ("a[2m]", "a 1@60 2@120"),
            ("a[121s]", "a 0@0 1@60 2@120"),
            ("a[1m] offset 1m", "a 1@60"),
            ("a[1m] @ 300", "a 5@300"),
            ("a[1m] @ 300 offset 1m", "a 4@240"),
            ("count_over_time(a[1m:10s])", "{} 6"),
            ("a[1m:30s]", "a 1@90 2@120"),
            ("a[2m:] offset 1m", "a 0@0 1@60"),
            ("sum_over_time(a[2m:1m] @ 300)", "{} 9"),
            ("(a[2m])", "a 1@60 2@120"),
            ("max_over_time((a[2m]))", "{} 2"),
        ],
    );
}

#[test]
fn steps_of_a_subquery_are_multiples_since_1970() {
    let memory = Memory::every(10_000, "a : 0..30");
    memory.check(95, &[("a[1m:20s]", "a 4@40 6@60 8@80"), ("vector(time())[30s:10s]", "{} 70@70 80@80 90@90")]);
    memory.check(-5, &[("vector(time())[30s:10s]", "{} -30@-30 -20@-20 -10@-10")]);
    memory.check(100, &[("sum_over_time(rate(a[20s])[40s:20s])", "{} 0.2")]);
}

#[test]
fn at_start_and_end_are_those_of_the_query() {
    let memory = Memory::minutely("a : 0..9");
    let ask = |query| memory.each_minute(query, 2);
    assert_eq!(ask("a @ start()"), "a 0@0 0@60 0@120");
    assert_eq!(ask("a @ end()"), "a 2@0 2@60 2@120");
    assert_eq!(ask("a + a @ end()"), "{} 2@0 3@60 4@120");
    assert_eq!(ask("sum_over_time(a[2m:1m] @ end())"), "{} 3@0 3@60 3@120");
    assert_eq!(ask("sum_over_time(a[2m] @ 180)"), "{} 5@0 5@60 5@120");
    assert_eq!(ask("timestamp(a @ 61)"), "{} 60@0 60@60 60@120");
    assert_eq!(ask("end() - start() + range() + step()"), "{} 300@0 300@60 300@120");
    assert_eq!(ask("sum(a @ 60) + time()"), "{} 1@0 61@60 121@120");
    memory.check(120, &[("a @ start()", "a 2"), ("step()", "0"), ("range()", "0")]);
}

#[test]
fn lengths_of_time_are_computed() {
    let memory = Memory::minutely("a : 0..9");
    memory.check(
        300,
        &[
            ("a[1m + 1m]", "a 4@240 5@300"),
            ("a[max(60, 2m)]", "a 4@240 5@300"),
            ("a offset (2m - 1m)", "a 4"),
            ("a[1m - step()]", "a 5@300"),
            ("a[step()]", "error: duration must be greater than 0"),
            ("a[5m / step()]", "error: division by zero"),
        ],
    );
    assert_eq!(memory.each_minute("count_over_time(a[step() * 2])", 2), "{} 1@0 2@60 2@120");
}

#[test]
fn matchers_select() {
    let memory = Memory::minutely(
        "a x=1 : 1
         a x=2 : 2
         a : 3
         b x=1 : 4",
    );
    memory.check(
        0,
        &[
            ("a{x=\"1\"}", "a{x=\"1\"} 1"),
            ("a{x=\"\"}", "a 3"),
            ("a{x!=\"1\"}", "a 3, a{x=\"2\"} 2"),
            ("a{x=~\"1|2\"}", "a{x=\"1\"} 1, a{x=\"2\"} 2"),
            ("a{x!~\"1|2\"}", "a 3"),
            ("{x=\"1\"}", "a{x=\"1\"} 1, b{x=\"1\"} 4"),
            ("{__name__=~\"a|b\",x=\"1\"}", "a{x=\"1\"} 1, b{x=\"1\"} 4"),
        ],
    );
}

#[test]
fn extended_windows_reach_to_their_edges() {
    let memory = Memory::minutely("a_total : 0 10 20 5 15 25");
    memory.check(
        210,
        &[
            ("a_total[1m] anchored", "a_total 20@150 5@180 5@210"),
            ("a_total[1m] smoothed", "a_total 12.5@150 5@180 10@210"),
            ("increase(a_total[2m] anchored)", "{} 15"),
            ("increase(a_total[2m] smoothed)", "{} 15"),
            ("delta(a_total[1m] anchored)", "{} -15"),
            ("rate(a_total[1m] smoothed)", "{} 0.125"),
            ("resets(a_total[2m] anchored)", "{} 1"),
            ("changes(a_total[2m] anchored)", "{} 2"),
            ("a_total smoothed", "a_total 10"),
            (
                "deriv(a_total[1m] smoothed)",
                "error: smoothed modifier can only be used with: delta, increase, rate - not with deriv",
            ),
            (
                "sum_over_time(a_total[1m] anchored)",
                "error: anchored modifier can only be used with: changes, delta, increase, rate, resets - not with \
                 sum_over_time",
            ),
        ],
    );
}
