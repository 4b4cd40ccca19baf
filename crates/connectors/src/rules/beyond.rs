//! The block `watchkeeper:` of an alerting rule: what goes beyond Prometheus.

use kernel::book::Threshold;
use kernel::book::rules::{
    Beyond, EVALUATIONS_MAX, Expression, Flapping, MinEvents, OnMissing, Recovery, Several, SeverityFrom,
};
use promql::ast::{BinaryOp, Expr};

use super::field::{expression, given, number, refuse, text};
use super::{demand, duration};
use crate::watchbook::shape::{Reader, Shape};
use crate::watchbook::yaml::{Node, Value};

const KEYS: [&str; 6] = ["recover_when", "for", "on_missing", "flapping", "min_events", "severity_from"];

/// Reads the block. `None` after a note.
pub(super) fn read(node: &Node, rule: &Expr, reader: &mut Reader<'_>) -> Option<Beyond> {
    let entries = reader.keys(node, &KEYS)?;
    let value = |name| given(entries, name);
    Some(Beyond {
        recover_when: value("recover_when").and_then(|node| recovery(node, rule, reader)),
        several: value("for").and_then(|node| several(node, reader)),
        on_missing: value("on_missing").and_then(|node| on_missing(node, reader)).unwrap_or_default(),
        flapping: value("flapping").and_then(|node| flapping(node, reader)),
        min_events: value("min_events").and_then(|node| min_events(node, reader)),
        severity_from: value("severity_from").and_then(|node| severity_from(node, reader)),
    })
}

fn wrong<T>(node: &Node, message: String, hint: &str, reader: &mut Reader<'_>) -> Option<T> {
    refuse(node.at, &demand::BEYOND, message, hint, reader);
    None
}

/// A threshold for the value, or a query.
fn recovery(node: &Node, rule: &Expr, reader: &mut Reader<'_>) -> Option<Recovery> {
    let written = text(node, reader)?;
    if !written.trim_start().starts_with(['<', '>']) {
        return expression(node, reader).map(|(query, _)| Recovery::Query(query));
    }
    let threshold = Threshold::read(node, reader)?;
    let Some(raise) = comparison(rule) else {
        let message = "a threshold needs an expression that compares with a number, like `x > 5`".to_owned();
        return wrong(node, message, "write a query that tells when it is over", reader);
    };
    if overlap(raise, threshold) {
        let message = format!("`{written}` is no recovery: a value could both raise and clear");
        return wrong(node, message, "name a threshold on the other side of the rule's own", reader);
    }
    Some(Recovery::Threshold(threshold))
}

/// The comparison with a number that an expression ends in, as a threshold of the value; equality has none.
fn comparison(rule: &Expr) -> Option<Threshold> {
    match rule.compared_with()? {
        (BinaryOp::Gt, limit) => Some(Threshold::Above(limit)),
        (BinaryOp::Ge, limit) => Some(Threshold::AtLeast(limit)),
        (BinaryOp::Lt, limit) => Some(Threshold::Below(limit)),
        (BinaryOp::Le, limit) => Some(Threshold::AtMost(limit)),
        _ => None,
    }
}

/// Whether some value meets both.
fn overlap(raise: Threshold, clear: Threshold) -> bool {
    use Threshold::{Above, AtLeast, AtMost, Below};
    match (raise, clear) {
        (AtLeast(low), AtMost(high)) | (AtMost(high), AtLeast(low)) => low <= high,
        (Above(low) | AtLeast(low), Below(high) | AtMost(high))
        | (Below(high) | AtMost(high), Above(low) | AtLeast(low)) => low < high,
        (Above(_) | AtLeast(_), Above(_) | AtLeast(_)) | (Below(_) | AtMost(_), Below(_) | AtMost(_)) => true,
    }
}

fn several(node: &Node, reader: &mut Reader<'_>) -> Option<Several> {
    let written = text(node, reader)?;
    let parts = written.split_once(" of ").and_then(|(m, n)| Some((m.trim().parse().ok()?, n.trim().parse().ok()?)));
    let several = parts.and_then(|(needed, of)| Several::new(needed, of));
    several.or_else(|| {
        let hint = format!("write `3 of 5`: at least one, at most {EVALUATIONS_MAX} evaluations");
        wrong(node, format!("`{written}` is not so many of the last evaluations"), &hint, reader)
    })
}

fn on_missing(node: &Node, reader: &mut Reader<'_>) -> Option<OnMissing> {
    let written = text(node, reader)?;
    let (what, delay) = written.split_once(" after ").map_or((written, None), |(what, delay)| (what, Some(delay)));
    let parsed = delay.map(|delay| duration::parse(delay.trim()));
    match (what.trim(), parsed) {
        ("keep", None) => Some(OnMissing::Keep),
        ("resolve", None) => Some(OnMissing::default()),
        ("resolve", Some(Some(delay))) => Some(OnMissing::Resolve(delay)),
        ("alert", Some(Some(delay))) => Some(OnMissing::Alert(delay)),
        _ => {
            let hint = "write keep, resolve, resolve after 10m, or alert after 10m";
            wrong(node, format!("`{written}` does not say what becomes of an alert without samples"), hint, reader)
        }
    }
}

fn flapping(node: &Node, reader: &mut Reader<'_>) -> Option<Flapping> {
    if let Value::Text { text, .. } = &node.value {
        return match text.as_str() {
            "true" => Some(Flapping::default()),
            "false" => None,
            other => {
                wrong(node, format!("`{other}` is not a way to fold"), "write true, or { high: 30, low: 20 }", reader)
            }
        };
    }
    let entries = reader.keys(node, &["high", "low"])?;
    let usual = Flapping::default();
    let mut mark = |name, usual: u8| match given(entries, name) {
        Some(node) => number(node, reader).map(|mark| if mark.fract() == 0.0 { mark as u8 } else { 0 }),
        None => Some(usual),
    };
    let (high, low) = (mark("high", usual.high())?, mark("low", usual.low())?);
    Flapping::new(high, low).or_else(|| {
        let hint = "write whole percents, the low mark above 0 and below the high one";
        wrong(node, format!("an alert cannot begin to flap at {high} and end at {low} percent"), hint, reader)
    })
}

fn query(node: &Node, name: &str, known: &[&'static str; 2], reader: &mut Reader<'_>) -> Option<Expression> {
    let entries = reader.keys(node, known)?;
    match given(entries, name) {
        Some(node) => expression(node, reader).map(|(query, _)| query),
        None => wrong(node, format!("`{name}` is missing"), &format!("add `{name}:` with a query"), reader),
    }
}

fn min_events(node: &Node, reader: &mut Reader<'_>) -> Option<MinEvents> {
    let of = query(node, "of", &["of", "at_least"], reader)?;
    let at_least = given(reader.map(node)?, "at_least").and_then(|node| number(node, reader));
    match at_least.filter(|number| number.is_finite() && *number > 0.0) {
        Some(at_least) => Some(MinEvents { of, at_least }),
        None => wrong(node, "`at_least` is missing, or not above zero".into(), "add `at_least: 20`", reader),
    }
}

fn severity_from(node: &Node, reader: &mut Reader<'_>) -> Option<SeverityFrom> {
    let impact = query(node, "impact", &["impact", "steps"], reader)?;
    let steps = given(reader.map(node)?, "steps").and_then(|node| reader.map(node)).unwrap_or_default();
    let mut read = Vec::new();
    for (key, severity) in steps {
        let value = Value::Text { text: key.text.clone(), plain: false };
        let threshold = Threshold::read(&Node { at: key.at, last_line: key.at.line, value }, reader)?;
        read.push((threshold, text(severity, reader)?.to_owned()));
    }
    if read.is_empty() {
        let hint = "add `steps:` such as { \"> 100\": critical, \"> 10\": warning }";
        return wrong(node, "there is no step from an impact to a severity".into(), hint, reader);
    }
    Some(SeverityFrom { impact, steps: read })
}
