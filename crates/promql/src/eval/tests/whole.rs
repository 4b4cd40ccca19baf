//! What holds for the evaluator as a whole: limits, types, and laws.

use proptest::prelude::*;

use super::{Memory, written};
use crate::eval::{Options, instant, range};
use crate::functions::{FUNCTIONS, Kind};
use crate::{Error, Millis, parse};

fn memory() -> Memory {
    Memory::minutely(
        "a_total x=1 : 0..30
         a_total x=2 : 5..35
         g x=1 : 3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4 6
         g x=2 : 2 7 1 8 2 stale _ _ 8 1 8 2 8 4 5 9 0 4 5 2 3",
    )
}

#[test]
fn every_function_of_the_table_is_evaluated() {
    // What scores has tests of its own.
    for function in FUNCTIONS.iter().filter(|function| ![crate::ANOMALY, crate::UNUSUAL].contains(&function.name)) {
        let argument = |kind: &Kind| match kind {
            Kind::Scalar => "0.5",
            Kind::Text => "\"x\"",
            Kind::Vector if function.name == "info" => "g",
            Kind::Vector => "g",
            Kind::Window => "g[5m]",
        };
        let mut arguments: Vec<_> = function.arguments.iter().map(argument).collect();
        if matches!(function.name, "info" | "integral") {
            arguments.truncate(1);
        }
        let query = format!("{}({})", function.name, arguments.join(", "));
        let answer = memory().ask(&query, 600_000);
        assert!(answer.is_ok(), "{query}: {answer:?}");
    }
}

#[test]
fn a_query_that_touches_too_much_is_refused_with_the_count() {
    let options = Options { samples_max: 100, ..Options::default() };
    let ask = |query: &str| range(&parse(query).unwrap(), &memory(), 0, 1_200_000, 60_000, &options);
    assert!(ask("g{x=\"1\"}").is_ok());
    let refused = |query| matches!(ask(query), Err(Error::TooManySamples { loaded, limit: 100 }) if loaded > 100);
    assert!(refused("g + g") && refused("sum_over_time(g[10m:1s])") && refused("count_values(\"v\", g{x=\"1\"})"));
    let long = range(&parse("1").unwrap(), &memory(), 0, Millis::MAX, 1, &options);
    assert!(matches!(long, Err(Error::TooManySamples { .. })));
    let subquery =
        instant(&parse("max_over_time(vector(time())[10y:1ms])").unwrap(), &memory(), 0, &Options::default());
    assert!(matches!(subquery, Err(Error::TooManySamples { .. })));
}

#[test]
fn ranges_must_make_sense() {
    let error = |query: &str, (start, end, step)| {
        range(&parse(query).unwrap(), &memory(), start, end, step, &Options::default()).unwrap_err().to_string()
    };
    assert_eq!(error("g", (0, 1, 0)), "the step of a range query must be above zero, not 0 ms");
    assert_eq!(error("g", (1, 0, 1)), "a range query ends before it starts: 0 ms is before 1 ms");
    let kind = "for range query, must be Scalar or instant Vector";
    assert_eq!(error("g[5m]", (0, 1, 1)), format!("invalid expression type \"range vector\" {kind}"));
    assert_eq!(error("\"g\"", (0, 1, 1)), format!("invalid expression type \"string\" {kind}"));
}

#[test]
fn the_highest_tree_fits_the_stack() {
    let query = "g or ".repeat(crate::HEIGHT_MAX - 2) + "g";
    assert!(memory().ask(&query, 0).is_ok());
}

/// Queries of every kind, each of which must give the same at a step of a range as at that instant.
const QUERIES: &[&str] = &[
    "g",
    "g offset 3m",
    "rate(a_total[5m])",
    "increase(a_total[7m])",
    "delta(g[4m])",
    "sum by (x) (g)",
    "avg(g)",
    "g + on (x) a_total",
    "g or a_total",
    "g unless a_total > 10",
    "max_over_time(g[3m:30s])",
    "topk(1, g)",
    "g > 4",
    "absent(g)",
    "absent_over_time(g{x=\"2\"}[2m])",
    "last_over_time(g[2m])",
    "predict_linear(g[5m], 60)",
    "quantile_over_time(0.9, g[10m])",
    "resets(g[10m])",
    "changes(g[10m])",
    "timestamp(g)",
    "scalar(g{x=\"2\"})",
    "count_values(\"v\", g)",
    "label_replace(g, \"y\", \"$1\", \"x\", \"(.*)\")",
    "hour() + minute()",
    "stddev(g)",
    "g * on (x) group_left () a_total",
    "irate(g[5m])",
    "deriv(g[5m])",
    "g @ 300",
    "time() - 5",
    "sum_over_time(g[5m] @ 600)",
    "rate(a_total[3m] anchored)",
    "rate(a_total[3m] smoothed)",
    "g smoothed",
];

proptest! {
    #[test]
    fn a_range_is_its_instants(query in 0..QUERIES.len(), start in 0_i64..1_000_000, step in 1_i64..200_000) {
        let (memory, expr) = (memory(), parse(QUERIES[query]).unwrap());
        let whole = range(&expr, &memory, start, start + 5 * step, step, &Options::default()).unwrap();
        let mut rows: Vec<String> = Vec::new();
        for at in (0..=5).map(|n| start + n * step) {
            let answer = instant(&expr, &memory, at, &Options::default()).unwrap();
            rows.extend(row(&answer.data, at));
        }
        let crate::Data::Matrix(series) = whole.data else { panic!("a range gives a matrix") };
        let mut found: Vec<String> = Vec::new();
        for one in series {
            found.extend(one.points.iter().map(|p| format!("{} {:?}@{}", one.labels, p.value, p.at)));
        }
        rows.sort();
        found.sort();
        prop_assert_eq!(rows, found);
    }

    #[test]
    fn no_query_panics(
        parts in prop::collection::vec(prop::sample::select(QUERIES), 1..4),
        at in prop_oneof![Just(Millis::MIN), Just(Millis::MAX), any::<Millis>(), 0_i64..2_000_000],
        step in 1..Millis::MAX,
    ) {
        let query = parts.join(") + on () (");
        if let Ok(expr) = parse(&format!("({query})")) {
            let _ = instant(&expr, &memory(), at, &Options::default()).map(|answer| written(&answer.data));
            let options = Options { samples_max: 100_000, ..Options::default() };
            let _ = range(&expr, &memory(), at, at.saturating_add(step), step, &options);
        }
    }
}

fn row(data: &crate::Data, at: Millis) -> Vec<String> {
    match data {
        crate::Data::Scalar(_, value) => vec![format!("{{}} {:?}@{at}", crate::Value::Float(*value))],
        crate::Data::Vector(rows) => {
            rows.iter().map(|(labels, p)| format!("{labels} {:?}@{}", p.value, p.at)).collect()
        }
        other => panic!("{other:?}"),
    }
}
