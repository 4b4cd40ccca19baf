//! Operators and the matching of series.

use super::Memory;

fn memory() -> Memory {
    Memory::minutely(
        "a x=1 y=1 : 1
         a x=1 y=2 : 2
         a x=2 y=1 : 3
         b x=1 z=9 : 10
         b x=2 z=8 : 20
         c x=1 y=1 : 5
         c x=3 y=3 : 6",
    )
}

#[test]
fn series_and_numbers() {
    memory().check(
        0,
        &[
            ("1 + 2 * 3 % 2 ^ 2", "3"),
            ("2 > bool 1", "1"),
            ("b + 1", "{x=\"1\", z=\"9\"} 11, {x=\"2\", z=\"8\"} 21"),
            ("b > 10", "b{x=\"2\", z=\"8\"} 20"),
            ("10 < b", "b{x=\"2\", z=\"8\"} 20"),
            ("b > bool 10", "{x=\"1\", z=\"9\"} 0, {x=\"2\", z=\"8\"} 1"),
            ("1 atan2 vector(1)", "{} 0.7853981633974483"),
            ("-b", "{x=\"1\", z=\"9\"} -10, {x=\"2\", z=\"8\"} -20"),
        ],
    );
}

#[test]
fn one_to_one() {
    memory().check(
        0,
        &[
            ("a + c", "{x=\"1\", y=\"1\"} 6"),
            ("a < c", "a{x=\"1\", y=\"1\"} 1"),
            ("a < bool c", "{x=\"1\", y=\"1\"} 1"),
            ("a{y=\"1\"} * on (x) b", "{x=\"1\"} 10, {x=\"2\"} 60"),
            ("a{y=\"1\"} * ignoring (y, z) b", "{x=\"1\"} 10, {x=\"2\"} 60"),
            ("a{y=\"1\"} < on (x) b", "{x=\"1\"} 1, {x=\"2\"} 3"),
            ("b - on (x, z) b", "{x=\"1\", z=\"9\"} 0, {x=\"2\", z=\"8\"} 0"),
            (
                "a * on (x) b",
                "error: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
            ),
            (
                "b * on (x) a",
                "error: found duplicate series for the match group {x=\"1\"} on the right hand-side of the operation: \
                 [{__name__=\"a\", x=\"1\", y=\"2\"}, {__name__=\"a\", x=\"1\", y=\"1\"}];many-to-many matching not \
                 allowed: matching labels must be unique on one side",
            ),
            ("d * on (x) a", ""),
        ],
    );
}

#[test]
fn many_to_one() {
    memory().check(
        0,
        &[
            (
                "a * on (x) group_left (z) b",
                "{x=\"1\", y=\"1\", z=\"9\"} 10, {x=\"1\", y=\"2\", z=\"9\"} 20, {x=\"2\", y=\"1\", z=\"8\"} 60",
            ),
            ("b - on (x) group_right () a", "{x=\"1\", y=\"1\"} 9, {x=\"1\", y=\"2\"} 8, {x=\"2\", y=\"1\"} 17"),
        ],
    );
    memory().check(
        0,
        &[(
            "{__name__=~\"a|c\",x=\"1\",y=\"1\"} * on (x) group_left () b",
            "error: multiple matches for labels: grouping labels must ensure unique matches",
        )],
    );
}

#[test]
fn sets() {
    memory().check(
        0,
        &[
            ("a and c", "a{x=\"1\", y=\"1\"} 1"),
            ("a unless c", "a{x=\"1\", y=\"2\"} 2, a{x=\"2\", y=\"1\"} 3"),
            ("a or c", "a{x=\"1\", y=\"1\"} 1, a{x=\"1\", y=\"2\"} 2, a{x=\"2\", y=\"1\"} 3, c{x=\"3\", y=\"3\"} 6"),
            ("a and on (x) b{x=\"2\"}", "a{x=\"2\", y=\"1\"} 3"),
            ("a unless on (x) b{x=\"2\"}", "a{x=\"1\", y=\"1\"} 1, a{x=\"1\", y=\"2\"} 2"),
            ("a and on () d", ""),
            ("b and on () vector(1)", "b{x=\"1\", z=\"9\"} 10, b{x=\"2\", z=\"8\"} 20"),
            ("(a > 2) or vector(0)", "a{x=\"2\", y=\"1\"} 3, {} 0"),
        ],
    );
    let memory = Memory::minutely("a : 1 _ stale 1\nb : 2 2 2 2");
    assert_eq!(memory.each_minute("a or b", 3), "a 1@0 1@60 1@180, b 2@120");
    assert_eq!(memory.each_minute("b unless a", 3), "b 2@120");
}

#[test]
fn missing_series_are_filled_in() {
    memory().check(
        0,
        &[
            (
                "a + fill (0) c",
                "{x=\"1\", y=\"1\"} 6, {x=\"1\", y=\"2\"} 2, {x=\"2\", y=\"1\"} 3, {x=\"3\", y=\"3\"} 6",
            ),
            ("a + fill_right (100) c", "{x=\"1\", y=\"1\"} 6, {x=\"1\", y=\"2\"} 102, {x=\"2\", y=\"1\"} 103"),
            ("a + fill_left (100) c", "{x=\"1\", y=\"1\"} 6, {x=\"3\", y=\"3\"} 106"),
            ("d + fill (1) d", ""),
        ],
    );
}

#[test]
fn names_are_dropped_at_the_end() {
    let memory = Memory::minutely("a : 1 2\nb : 3 4");
    let both = "{__name__=~\"a|b\"}";
    let same = "error: vector cannot contain metrics with the same labelset";
    assert_eq!(memory.at(&format!("abs({both})"), 60), same);
    assert_eq!(memory.at(&format!("{both} + 1"), 60), same);
    assert_eq!(memory.at(&format!("count(abs({both}))"), 60), "{} 2");
    assert_eq!(memory.at(&format!("count by (__name__) (abs({both}))"), 60), same);
    memory.check(60, &[("abs(a) < b", "{} 2"), ("a < b", "a 2"), ("abs(a) and b", "{} 2"), ("a < bool b", "{} 1")]);
    assert_eq!(
        memory.at(&format!("label_replace(abs({both}), \"n\", \"$1\", \"__name__\", \"(.*)\")"), 60),
        "{n=\"a\"} 2, {n=\"b\"} 4"
    );
}
