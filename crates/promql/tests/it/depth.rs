//! The deepest queries that are parsed are evaluated as well, on a small stack.

use promql::{HEIGHT_MAX, MemorySource, NESTING_MAX, Options};

fn evaluates(query: &str) {
    let expr = promql::parse(query).expect("the query is PromQL");
    let source = MemorySource::new();
    promql::instant(&expr, &source, 0, &Options::default()).expect("it can be evaluated");
    promql::range(&expr, &source, 0, 60_000, 60_000, &Options::default()).expect("it can be evaluated");
    assert_eq!(promql::parse(&expr.to_string()).expect("what is written can be read").to_string(), expr.to_string());
}

#[test]
fn chains_and_nests_are_evaluated() {
    evaluates(&format!("{}1", "1 + ".repeat(HEIGHT_MAX - 1)));
    evaluates(&format!("{}vector(1)", "vector(1) or ".repeat(HEIGHT_MAX - 2)));
    let depth = NESTING_MAX - 2;
    evaluates(&format!("{}vector(1){}", "abs(".repeat(depth), ")".repeat(depth)));
    evaluates(&format!("{}vector(1){}", "sum(".repeat(depth), ")".repeat(depth)));

    let windows = "last_over_time(".repeat(20) + "vector(1)" + &"[1m:1m])".repeat(20);
    evaluates(&windows);
}
