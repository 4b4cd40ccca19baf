//! What was expected against what was there, and the difference for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kernel::book::unit::{ExpectedAlert, QueryTest};
use promql::{Labels, Value};

use super::input;
use crate::alerting::{ALERT_NAME, Instance};

/// The most lines of a difference that are shown.
const LINES_MAX: usize = 200;

/// The alerts that fire, and those that a test expects, as sets. The difference where there is one.
pub(super) fn alerts(name: &str, expected: &[ExpectedAlert], got: &[&Instance]) -> Option<String> {
    let named = |alert: &ExpectedAlert| {
        let mut alert = alert.clone();
        alert.labels.insert(ALERT_NAME.to_owned(), name.to_owned());
        alert
    };
    let mut expected: Vec<ExpectedAlert> = expected.iter().map(named).collect();
    let mut got: Vec<ExpectedAlert> = got.iter().map(|alert| as_expected(alert)).collect();
    expected.sort();
    got.sort();
    (expected != got).then(|| {
        let lines = |alerts: &[ExpectedAlert]| alerts.iter().map(shown).collect::<Vec<_>>();
        difference(&lines(&expected), &lines(&got))
    })
}

fn as_expected(alert: &Instance) -> ExpectedAlert {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let labels: BTreeMap<String, String> = alert.labels.iter().map(owned).collect();
    ExpectedAlert { labels, annotations: alert.annotations.iter().cloned().collect() }
}

fn shown(alert: &ExpectedAlert) -> String {
    format!("labels {} annotations {}", pairs(&alert.labels), pairs(&alert.annotations))
}

fn pairs(pairs: &BTreeMap<String, String>) -> String {
    let all: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", all.join(", "))
}

/// A sample, expected or there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    labels: Labels,
    value: f64,
    /// In the notation of scripts; empty where the sample is a number.
    histogram: String,
}

/// The samples that a test of a query expects.
///
/// # Errors
/// When one of them is written wrong.
pub(super) fn expected(test: &QueryTest) -> Result<Vec<Sample>, String> {
    let read = |sample: &kernel::book::unit::ExpectedSample| {
        let wrong = |error: String| format!("labels {:?}: {error}", sample.labels);
        let labels = input::metric(&sample.labels).map_err(wrong)?;
        let histogram = match sample.histogram.as_str() {
            "" => String::new(),
            text => input::histogram(text).map_err(wrong)?.notation(),
        };
        Ok(Sample { labels, value: sample.value, histogram })
    };
    test.expected.iter().map(read).collect()
}

/// The samples of an answer.
pub(super) fn got(samples: Vec<(Labels, Value)>) -> Vec<Sample> {
    let read = |(labels, value): (Labels, Value)| match value {
        Value::Float(value) => Sample { labels, value, histogram: String::new() },
        Value::Histogram(histogram) => Sample { labels, value: 0.0, histogram: histogram.notation() },
    };
    samples.into_iter().map(read).collect()
}

/// The difference between samples, in any order, where there is one.
pub(super) fn samples(mut expected: Vec<Sample>, mut got: Vec<Sample>, fuzzy: bool) -> Option<String> {
    expected.sort_by(|a, b| a.labels.cmp(&b.labels));
    got.sort_by(|a, b| a.labels.cmp(&b.labels));
    let equal = |(a, b): (&Sample, &Sample)| {
        a.labels == b.labels && a.histogram == b.histogram && numbers_equal(a.value, b.value, fuzzy)
    };
    if expected.len() == got.len() && expected.iter().zip(&got).all(equal) {
        return None;
    }
    let lines = |samples: &[Sample]| samples.iter().map(line).collect::<Vec<_>>();
    Some(difference(&lines(&expected), &lines(&got)))
}

/// Whether two numbers are equal; NaN equals nothing.
fn numbers_equal(a: f64, b: f64, fuzzy: bool) -> bool {
    #[expect(clippy::float_cmp, reason = "to the last bit is what is asked for")]
    let equal = a == b;
    equal || fuzzy && !a.is_nan() && !b.is_nan() && (neighbour(a, 1) == b || neighbour(a, -1) == b)
}

/// The next number above or below.
fn neighbour(number: f64, direction: i8) -> f64 {
    if direction > 0 { number.next_up() } else { number.next_down() }
}

fn line(sample: &Sample) -> String {
    let value = if sample.histogram.is_empty() { sample.value.to_string() } else { sample.histogram.clone() };
    format!("{} {value}", sample.labels)
}

/// Lines that are expected and not there with `-`, those that are there and not expected with `+`, the others with a space.
fn difference(expected: &[String], got: &[String]) -> String {
    let mut text = String::from("expected (-) and got (+) differ:");
    let mut left: Vec<&String> = got.iter().collect();
    let mut lines = Vec::new();
    for line in expected {
        match left.iter().position(|other| *other == line) {
            Some(at) => {
                left.remove(at);
                lines.push((' ', line));
            }
            None => lines.push(('-', line)),
        }
    }
    lines.extend(left.into_iter().map(|line| ('+', line)));
    for (sign, line) in lines.iter().take(LINES_MAX) {
        let _ = write!(text, "\n{sign} {line}");
    }
    if lines.len() > LINES_MAX {
        let _ = write!(text, "\nand {} more", lines.len() - LINES_MAX);
    }
    text
}
