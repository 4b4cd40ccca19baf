//! At one instant only newest points are asked for, and comparisons are made on the way: the answer is that of a range.

use proptest::prelude::*;

use super::*;
use crate::ast::Expr;

const QUERIES: [&str; 14] = [
    "a",
    "a > 2",
    "2 > a",
    "a > bool 2",
    "a != (1 + 2) * 1",
    "a == 1 or b >= 3",
    "-(a > 2)",
    "(a) < 3",
    "a > scalar(b)",
    "a offset 1m <= 2",
    "a @ 120 > 1",
    "sum(a > 1) + count(b)",
    "timestamp(a) > 60",
    "abs(a > 2) unless b",
];

fn value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        6 => (0..5_u8).prop_map(|value| Some(Value::Float(f64::from(value)))),
        1 => Just(Some(Value::stale())),
        1 => Just(Some(Value::Histogram(Arc::new(Histogram { count: 3.0, sum: 2.0, ..Histogram::default() })))),
        1 => Just(Some(Value::Float(f64::NAN))),
        2 => Just(None),
    ]
}

fn memory() -> impl Strategy<Value = Memory> {
    let values = || proptest::collection::vec(value(), 12);
    let names = ["a s=1", "a s=2", "a s=3", "b s=1", "b s=2"];
    [values(), values(), values(), values(), values()].prop_map(move |all| {
        let series = names.iter().zip(all).map(|(name, values)| {
            let points =
                (0..).zip(values).filter_map(|(n, value)| Some(Point { at: n * 60_000, born: 0, value: value? }));
            Series { labels: labels(name), points: points.collect() }
        });
        Memory(series.collect())
    })
}

/// Labels and values to the bit, and what was noted.
fn of_instant(expr: &Expr, memory: &Memory, at: Millis) -> Result<Vec<(String, String)>, Error> {
    let Data::Vector(all) = instant(expr, memory, at, &Options::default())?.data else { return Ok(Vec::new()) };
    Ok(all.iter().map(|(labels, point)| (labels.to_string(), format!("{:?}", point.value))).collect())
}

fn of_range(expr: &Expr, memory: &Memory, at: Millis) -> Result<Vec<(String, String)>, Error> {
    let answer = range(expr, memory, at - 1, at, 1, &Options::default())?;
    let Data::Matrix(all) = answer.data else { return Ok(Vec::new()) };
    let last = |series: &Series| series.points.iter().find(|point| point.at == at).map(|p| format!("{:?}", p.value));
    Ok(all.iter().filter_map(|series| Some((series.labels.to_string(), last(series)?))).collect())
}

proptest! {
    #[test]
    fn an_instant_gives_what_the_last_step_of_a_range_gives(memory in memory(), query in 0..QUERIES.len(), at in 0..14_i64) {
        let (expr, at) = (parse(QUERIES[query]).unwrap(), at * 55_000);
        let mut once = of_instant(&expr, &memory, at).unwrap();
        once.sort();
        let mut last = of_range(&expr, &memory, at).unwrap();
        last.sort();
        prop_assert_eq!(once, last, "{} at {}", QUERIES[query], at);
    }
}

#[test]
fn what_does_not_pass_is_noted_all_the_same() {
    let memory = Memory::default().with("a s=1", [Value::Histogram(Arc::new(Histogram::default()))]);
    assert_eq!(memory.notes("a > 2", 0), memory.notes("(a) > 2", 0));
    assert_eq!(memory.notes("a > 2", 0).len(), 1);
}

#[test]
fn reads_say_how_long_a_window_up_to_now_is() {
    let expr =
        parse("rate(a[5m]) > 1 and b or rate(c[5m] offset 1m) or max_over_time(rate(d[1m])[5m:]) or d @ 0").unwrap();
    let mut reads: Vec<(&str, Millis)> = Vec::new();
    for (selector, window) in expr.reads() {
        let crate::ast::Test::Is(name) = &selector.matchers[0].test else { panic!("{selector:?}") };
        reads.push((name, window));
    }
    reads.sort_unstable();
    assert_eq!(reads, [("a", 300_000), ("b", 0), ("c", 0), ("d", 0), ("d", 0)]);
}
