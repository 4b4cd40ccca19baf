//! What is doubtful about queries, whatever the rule makes of their answers.

use promql::ast::{Aggregate, Binary, BinaryOp, Call, Cardinality, Expr, Matcher, Selector, Test};
use promql::{METRIC_NAME, Millis};

use super::{Sink, Subject, anomaly, codes, labels, shown, walk};
use crate::alerting::is_comparison;
use kernel::book::rules::Rule;

/// Functions that need at least two samples and know restarts.
const RATES: [&str; 3] = ["rate", "irate", "increase"];
/// Functions over a window that need at least two samples.
const SLOPES: [&str; 6] = ["rate", "irate", "increase", "delta", "idelta", "deriv"];

/// Checks a query.
pub(super) fn check(expr: &Expr, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    for part in walk::all(expr) {
        match part {
            Expr::Selector(selector) => self::selector(selector, subject, sink),
            Expr::Window(selector, range, _) => {
                self::selector(selector, subject, sink);
                retention(walk::fixed(range), subject, sink);
            }
            Expr::Subquery(subquery) => {
                retention(walk::fixed(&subquery.range), subject, sink);
                anomaly::within(&subquery.inner, subject, sink);
            }
            Expr::Call(call) => self::call(call, subject, sink),
            Expr::Aggregate(aggregate) => self::aggregate(aggregate, subject, sink),
            Expr::Binary(binary) => self::binary(binary, subject, sink),
            Expr::Number(_) | Expr::Text(_) | Expr::Paren(_) | Expr::Negate(_) => {}
        }
    }
}

fn selector(selector: &Selector, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let line = subject.line();
    let broad = |matcher: &Matcher| match &matcher.test {
        Test::Is(_) => false,
        Test::Matches(pattern) => [".*", ".+", ""].contains(&pattern.source()),
        Test::IsNot(_) | Test::MatchesNot(_) => true,
    };
    let mut names = selector.matchers.iter().filter(|matcher| matcher.name == METRIC_NAME).peekable();
    if names.peek().is_none() || names.all(broad) {
        sink.find(&codes::QUERY_COST, subject, line, "a selector names no metric");
    }
    for matcher in &selector.matchers {
        if let Test::Matches(pattern) | Test::MatchesNot(pattern) = &matcher.test
            && let Some(message) = pattern_smell(&matcher.name, pattern.source())
        {
            sink.find(&codes::PROMQL_REGEXP, subject, line, message);
        }
    }
    for (at, matcher) in selector.matchers.iter().enumerate() {
        for other in selector.matchers.iter().skip(at + 1).filter(|other| other.name == matcher.name) {
            if let Some(message) = contradiction(matcher, other) {
                sink.find(&codes::PROMQL_SELECTOR, subject, line, message);
            }
        }
    }
}

/// What is odd about a pattern.
fn pattern_smell(label: &str, pattern: &str) -> Option<String> {
    let plain = !pattern.is_empty()
        && !pattern.contains(['.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '^', '$', '\\']);
    match pattern {
        ".*" => Some(format!("the pattern of `{label}` matches everything")),
        _ if plain => Some(format!("the pattern `{pattern}` of `{label}` is a plain text")),
        _ if pattern.starts_with('^') || pattern.ends_with('$') && !pattern.ends_with("\\$") => {
            Some(format!("the pattern `{pattern}` of `{label}` is anchored already"))
        }
        _ => None,
    }
}

/// What two matchers of one label make of each other.
fn contradiction(a: &Matcher, b: &Matcher) -> Option<String> {
    let label = &a.name;
    match (&a.test, &b.test) {
        (Test::Is(x), Test::Is(y)) if x == y => Some(format!("`{label}=\"{x}\"` is there twice")),
        (Test::Is(x), _) if !b.holds(x) => {
            Some(format!("`{label}=\"{x}\"` and another matcher of `{label}` contradict"))
        }
        (_, Test::Is(y)) if !a.holds(y) => {
            Some(format!("`{label}=\"{y}\"` and another matcher of `{label}` contradict"))
        }
        (Test::Is(_), _) | (_, Test::Is(_)) => Some(format!("another matcher of `{label}` repeats what `=` says")),
        _ => None,
    }
}

fn retention(range: Option<Millis>, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    if let (Some(range), Some(kept)) = (range, sink.policy.retention)
        && range > kept
    {
        let message = format!("a window of {} h, but samples are kept for {} h", range / 3_600_000, kept / 3_600_000);
        sink.find(&codes::PROMQL_RANGE, subject, subject.line(), message);
    }
}

fn call(call: &Call, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let line = subject.line();
    let function = call.function;
    if [promql::ANOMALY, promql::UNUSUAL].contains(&function) {
        anomaly::counter(call, subject, sink);
    }
    if !SLOPES.contains(&function) {
        return;
    }
    match call.arguments.first().map(walk::bare) {
        Some(Expr::Window(selector, range, _)) => {
            let interval = sink.policy.scrape_interval;
            if let Some(range) = walk::fixed(range).filter(|range| *range < interval.saturating_mul(2)) {
                let message =
                    format!("{function} over {} s, while samples are {} s apart", range / 1000, interval / 1000);
                sink.find(&codes::PROMQL_RATE, subject, line, message);
            }
            naming(function, selector, subject, sink);
        }
        Some(Expr::Subquery(subquery)) if RATES.contains(&function) => {
            let aggregated = matches!(walk::bare(&subquery.inner), Expr::Aggregate(_));
            if aggregated {
                sink.find(&codes::PROMQL_RATE, subject, line, format!("{function} of an aggregation"));
            }
        }
        _ => {}
    }
}

/// Whether a function fits what the metric's name says it is.
fn naming(function: &str, selector: &Selector, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let Some(metric) = walk::metric(selector) else { return };
    let gauge = ["_bytes", "_seconds", "_ratio", "_percent", "_celsius", "_info", "_timestamp"];
    if RATES.contains(&function) && gauge.iter().any(|end| metric.ends_with(end)) && !metric.contains(':') {
        let message = format!("{function} of `{metric}`, which is named like a gauge");
        sink.find(&codes::PROMQL_GAUGE, subject, subject.line(), message);
    }
    if !RATES.contains(&function) && walk::is_counter(metric) {
        let message = format!("{function} of `{metric}`, which is named like a counter");
        sink.find(&codes::PROMQL_GAUGE, subject, subject.line(), message);
    }
}

fn aggregate(aggregate: &Aggregate, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    use promql::ast::AggregateOp::{Bottomk, LimitRatio, Limitk, Topk};
    let line = subject.line();
    let samples = matches!(aggregate.op, Topk | Bottomk | Limitk | LimitRatio);
    if samples && matches!(subject.rule, Rule::Alerting(_)) {
        sink.find(
            &codes::PROMQL_FRAGILE,
            subject,
            line,
            "an alert on a sample, whose members change from time to time",
        );
    }
    if samples {
        return;
    }
    let inner = labels::of(&aggregate.inner);
    let drops = |name: &&String| aggregate.labels.contains(name) == aggregate.without && inner.can(name);
    for name in sink.policy.keep_labels.clone().iter().filter(drops) {
        sink.find(&codes::PROMQL_AGGREGATE, subject, line, format!("an aggregation drops the label `{name}`"));
    }
}

fn binary(binary: &Binary, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let line = subject.line();
    if is_comparison(binary.op) && !binary.as_bool {
        if let Some(verdict) = outcome(binary) {
            let code = if verdict.0 { &codes::PROMQL_ALWAYS } else { &codes::PROMQL_IMPOSSIBLE };
            sink.find(code, subject, line, verdict.1);
        }
        counter(binary, subject, sink);
    }
    if !labels::is_scalar(&binary.left) && !labels::is_scalar(&binary.right) {
        matching(binary, subject, sink);
    }
}

/// A counter that is compared as it is.
fn counter(binary: &Binary, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let counted = |expr: &Expr| match aggregated(expr) {
        Expr::Selector(selector) => {
            walk::metric(selector).filter(|metric| metric.ends_with("_total")).map(str::to_owned)
        }
        _ => None,
    };
    // Whether it is zero can be asked of a counter too, and how it stands to another or to its own past.
    let threshold = binary.right.constant().is_some_and(|limit| limit != 0.0);
    if let Some(metric) = counted(&binary.left).filter(|_| threshold) {
        sink.find(&codes::PROMQL_COUNTER, subject, subject.line(), format!("`{metric}` is compared as it is"));
    }
}

/// What stands within aggregations.
pub(super) fn aggregated(expr: &Expr) -> &Expr {
    match walk::bare(expr) {
        Expr::Aggregate(aggregate) => aggregated(&aggregate.inner),
        other => other,
    }
}

/// The least and the greatest value that an expression can have.
fn bounds(expr: &Expr) -> (f64, f64) {
    use promql::ast::AggregateOp::{Avg, Count, Group, Max, Min};
    let any = (f64::NEG_INFINITY, f64::INFINITY);
    if let Some(number) = expr.constant() {
        return (number, number);
    }
    match walk::bare(expr) {
        Expr::Selector(selector) if walk::metric(selector) == Some("up") => (0.0, 1.0),
        Expr::Aggregate(aggregate) => match aggregate.op {
            Count => (1.0, f64::INFINITY),
            Group => (1.0, 1.0),
            Avg | Max | Min => bounds(&aggregate.inner),
            _ => any,
        },
        Expr::Call(call) => match call.function {
            promql::ANOMALY => (0.0, 1.0),
            "absent" | "absent_over_time" | "present_over_time" => (1.0, 1.0),
            "count_over_time" => (1.0, f64::INFINITY),
            "rate" | "increase" | "irate" | "changes" | "resets" | "abs" | "stddev_over_time" => (0.0, f64::INFINITY),
            "avg_over_time" | "max_over_time" | "min_over_time" | "last_over_time" => match call.arguments.first() {
                Some(Expr::Window(selector, ..)) if walk::metric(selector) == Some("up") => (0.0, 1.0),
                _ => any,
            },
            _ => any,
        },
        Expr::Binary(binary) if is_comparison(binary.op) && binary.as_bool => (0.0, 1.0),
        // What passed a comparison is on its side of the threshold.
        Expr::Binary(binary) if is_comparison(binary.op) => {
            let ((low, high), limit) = (bounds(&binary.left), binary.right.constant());
            match (binary.op, limit) {
                (BinaryOp::Gt | BinaryOp::Ge, Some(limit)) => (low.max(limit), high),
                (BinaryOp::Lt | BinaryOp::Le, Some(limit)) => (low, high.min(limit)),
                (BinaryOp::Eq, Some(limit)) => (limit, limit),
                _ => (low, high),
            }
        }
        _ => any,
    }
}

/// Whether a comparison with a number always or never holds, and why.
fn outcome(binary: &Binary) -> Option<(bool, String)> {
    let limit = binary.right.constant()?;
    let (low, high) = bounds(&binary.left);
    let inner_strict = |op: BinaryOp| match walk::bare(&binary.left) {
        Expr::Binary(inner) => inner.op == op && inner.right.constant() == Some(limit),
        _ => false,
    };
    let never = match binary.op {
        BinaryOp::Gt => high <= limit,
        BinaryOp::Ge => high < limit || high == limit && inner_strict(BinaryOp::Lt),
        BinaryOp::Lt => low >= limit,
        BinaryOp::Le => low > limit || low == limit && inner_strict(BinaryOp::Gt),
        BinaryOp::Eq => limit < low || limit > high,
        BinaryOp::Ne => low == limit && high == limit,
        _ => false,
    };
    let always = match binary.op {
        BinaryOp::Gt => low > limit,
        BinaryOp::Ge => low >= limit && low.is_finite(),
        BinaryOp::Lt => high < limit,
        BinaryOp::Le => high <= limit && high.is_finite(),
        BinaryOp::Eq => low == limit && high == limit,
        BinaryOp::Ne => limit < low || limit > high,
        _ => false,
    };
    // What is left after another condition says nothing wrong: people write it for the sake of a comparison.
    let usual = super::alert::filters(&binary.left) || walk::calls(&binary.left, &["present_over_time"]);
    let what = shown(&binary.left);
    match (never, always) {
        (true, _) => Some((false, format!("{what} is never on that side of {limit}"))),
        (_, true) if !usual => Some((true, format!("{what} is always on that side of {limit}"))),
        _ => None,
    }
}

/// Whether the two sides of an operation between series can match.
fn matching(binary: &Binary, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let (left, right) = (labels::of(&binary.left), labels::of(&binary.right));
    let line = subject.line();
    if binary.op == BinaryOp::Or {
        return;
    }
    if binary.matching.on {
        for name in &binary.matching.labels {
            if left.can(name) != right.can(name) {
                let side = if left.can(name) { "right" } else { "left" };
                let message = format!("the sides match by `{name}`, which the {side} side does not have");
                sink.find(&codes::PROMQL_MATCHING, subject, line, message);
            }
        }
        return;
    }
    let ignored = |name: &String| binary.matching.labels.contains(name);
    match (&left, &right) {
        (labels::Known::Only(a), labels::Known::Only(b)) => {
            let differ: Vec<&str> =
                a.symmetric_difference(b).filter(|name| !ignored(name)).map(String::as_str).collect();
            if !differ.is_empty() {
                let message = format!("the sides differ by the labels {}", differ.join(", "));
                sink.find(&codes::PROMQL_MATCHING, subject, line, message);
            }
        }
        (labels::Known::Only(_), labels::Known::AllBut(_)) | (labels::Known::AllBut(_), labels::Known::Only(_))
            if binary.matching.cardinality == Cardinality::OneToOne =>
        {
            let message = "an aggregation meets series with all their labels, without `on (..)`";
            sink.find(&codes::PROMQL_FRAGILE, subject, line, message);
        }
        _ => {}
    }
}
