//! `eval`: the query asked, and its answer held against what is expected.

use std::collections::BTreeMap;

use super::command::{Eval, Expect, Grid, Said, Span};
use super::series::Sample;
use crate::ast::{At, Duration, Expr, When};
use crate::{Answer, Data, Error, Labels, MemorySource, Millis, Options, Point, Series, Value, Warning};

/// How far two numbers may be apart, as a share of their sum.
const TOLERANCE: f64 = 1e-6;
/// The steps around an instant at which an instant query must give the same.
const BESIDE: Millis = 60_000;

/// Asks a query and compares.
///
/// # Errors
/// What is not as expected.
pub(super) fn check(eval: &Eval, source: &MemorySource) -> Result<(), String> {
    let expr = match crate::parse(&eval.query) {
        Ok(expr) => expr,
        Err(error) => return failed(&eval.expect, &error),
    };
    let options = Options::default();
    let answer = match eval.span {
        Span::Instant(at) => crate::instant(&expr, source, at, &options),
        Span::Range(Grid { start, end, step }) => crate::range(&expr, source, start, end, step, &options),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return failed(&eval.expect, &error),
    };
    if let Some(said) = eval.expect.fail.first() {
        return Err(format!("expected an error with {said}, but got {}", shown(&answer.data)));
    }
    noted(&eval.expect, &answer)?;
    compare(eval, &answer.data)?;
    match eval.span {
        Span::Instant(at) if is_steady(&expr) && !eval.expect.ordered => as_step(eval, &expr, source, at, &answer),
        _ => Ok(()),
    }
}

/// Whether an error is expected.
fn failed(expect: &Expect, error: &Error) -> Result<(), String> {
    let message = error.to_string();
    if expect.fail.is_empty() {
        return Err(format!("unexpected error: {message}"));
    }
    match expect.fail.iter().find(|said| !said.fits(&message)) {
        None => Ok(()),
        Some(said) => Err(format!("expected an error with {said}, but got {message:?}")),
    }
}

/// Whether the warnings are those that are expected.
fn noted(expect: &Expect, answer: &Answer) -> Result<(), String> {
    let (mut warnings, mut infos) = (Vec::new(), Vec::new());
    for warning in &answer.warnings {
        match warning {
            Warning::Warn(text) => warnings.push(text.as_str()),
            Warning::Info(text) => infos.push(text.as_str()),
        }
    }
    said_as_expected("warning", &expect.warn, expect.no_warn, &warnings)?;
    said_as_expected("info", &expect.info, expect.no_info, &infos)
}

fn said_as_expected(kind: &str, expected: &[Said], none: bool, found: &[&str]) -> Result<(), String> {
    if none && !found.is_empty() {
        return Err(format!("expected no {kind}, but got {found:?}"));
    }
    if let Some(said) = expected.iter().find(|said| !found.iter().any(|text| said.fits(text))) {
        return Err(format!("expected a {kind} with {said}, but got {found:?}"));
    }
    match found.iter().find(|text| !expected.iter().any(|said| said.fits(text))) {
        Some(text) if !expected.is_empty() => Err(format!("unexpected {kind}: {text}")),
        _ => Ok(()),
    }
}

/// Whether an answer is what is expected.
fn compare(eval: &Eval, data: &Data) -> Result<(), String> {
    let expect = &eval.expect;
    match data {
        Data::Scalar(_, value) => match expect.number {
            Some(wanted) if almost_equal(wanted, *value) => Ok(()),
            Some(wanted) => Err(format!("expected {wanted}, but got {value}")),
            None => Err(format!("expected series, but got the scalar {value}")),
        },
        Data::Text(_, text) => match &expect.text {
            Some(wanted) if wanted == text => Ok(()),
            wanted => Err(format!("expected the text {wanted:?}, but got {text:?}")),
        },
        _ if expect.number.is_some() || expect.text.is_some() => {
            Err(format!("expected a scalar or a text, but got {}", shown(data)))
        }
        Data::Vector(found) => compare_vector(expect, found),
        Data::Matrix(found) => match (expect.window, eval.span) {
            (Some(grid), _) | (None, Span::Range(grid)) => compare_matrix(expect, found, grid),
            (None, Span::Instant(_)) => {
                Err("expected an instant vector, but got windows; say \"expect range vector\"".to_owned())
            }
        },
    }
}

/// The series that are expected and not found yet, with their places. Of two with the same labels the last counts.
struct Open<'a>(BTreeMap<&'a Labels, (usize, &'a [Option<Sample>])>);

impl<'a> Open<'a> {
    fn new(expect: &'a Expect) -> Self {
        let places = expect.series.iter().enumerate();
        Self(places.map(|(at, (labels, values))| (labels, (at, values.as_slice()))).collect())
    }

    /// Takes a series that was found.
    fn take(&mut self, labels: &Labels, got: impl FnOnce() -> String) -> Result<(usize, &'a [Option<Sample>]), String> {
        self.0.remove(labels).ok_or_else(|| format!("unexpected series {labels} with {}", got()))
    }

    /// Nothing may be left but series without values.
    fn finish(&self) -> Result<(), String> {
        match self.0.iter().find(|(_, (_, values))| values.iter().any(Option::is_some)) {
            Some((missing, _)) => Err(format!("expected series {missing} is not in the answer")),
            None => Ok(()),
        }
    }
}

fn compare_vector(expect: &Expect, found: &[(Labels, Point)]) -> Result<(), String> {
    let mut open = Open::new(expect);
    for (place, (labels, point)) in found.iter().enumerate() {
        let (at, values) = open.take(labels, || shown_value(&point.value))?;
        if expect.ordered && at != place {
            return Err(format!("expected {labels} at place {}, but it is at {}", at + 1, place + 1));
        }
        let [Some(wanted)] = values else {
            let many = values.len();
            return Err(format!("an instant query gives one value a series, but {many} are expected of {labels}"));
        };
        if !same(wanted, &point.value) {
            let (wanted, got) = (shown_value(&wanted.value), shown_value(&point.value));
            return Err(format!("expected {wanted} for {labels}, but got {got}"));
        }
    }
    open.finish()
}

fn compare_matrix(expect: &Expect, found: &[Series], grid: Grid) -> Result<(), String> {
    let mut open = Open::new(expect);
    for series in found {
        let (_, values) = open.take(&series.labels, || shown_points(&series.points))?;
        let at = (0i64..).map(|step| grid.start.saturating_add(step.saturating_mul(grid.step)));
        let wanted: Vec<_> = at.zip(values).filter_map(|(at, sample)| Some((at, sample.as_ref()?))).collect();
        let same_point =
            |((at, sample), point): (&(Millis, &Sample), &Point)| *at == point.at && same(sample, &point.value);
        if wanted.len() != series.points.len() || !wanted.iter().zip(&series.points).all(same_point) {
            let wanted =
                wanted.iter().take(SHOWN_MAX).map(|(at, sample)| format!("{} @{at}", shown_value(&sample.value)));
            let (wanted, got) = (wanted.collect::<Vec<_>>().join(", "), shown_points(&series.points));
            return Err(format!("expected {wanted} for {}, but got {got}", series.labels));
        }
    }
    open.finish()
}

/// Asks an instant query as the middle step of a range query, which must give the same.
fn as_step(eval: &Eval, expr: &Expr, source: &MemorySource, at: Millis, answer: &Answer) -> Result<(), String> {
    if matches!(answer.data, Data::Text(..) | Data::Matrix(_)) {
        return Ok(());
    }
    let (start, end) = (at.saturating_sub(BESIDE), at.saturating_add(BESIDE));
    let beside = |reason: String| format!("as a step of a range query: {reason}");
    let range =
        crate::range(expr, source, start, end, BESIDE, &Options::default()).map_err(|e| beside(e.to_string()))?;
    let Data::Matrix(series) = range.data else {
        return Err(beside("the answer has no series".to_owned()));
    };
    let rows = series.into_iter().filter_map(|series| {
        let point = series.points.into_iter().find(|point| point.at == at)?;
        Some((series.labels, point))
    });
    let rows: Vec<_> = rows.collect();
    let data = match (&answer.data, rows.first().and_then(|(_, point)| point.value.float())) {
        (Data::Scalar(..), Some(value)) => Data::Scalar(at, value),
        _ => Data::Vector(rows),
    };
    compare(eval, &data).map_err(beside)
}

/// Whether a query gives the same whatever range it is asked over: it does not speak of its range or step.
fn is_steady(expr: &Expr) -> bool {
    let steady = |when: &When| {
        !matches!(when.at, Some(At::Start | At::End)) && !matches!(when.offset, Some(Duration::Computed(_)))
    };
    let fixed = |duration: &Duration| matches!(duration, Duration::Fixed(_));
    match expr {
        Expr::Number(_) | Expr::Text(_) => true,
        Expr::Selector(selector) => steady(&selector.when),
        Expr::Window(selector, range, _) => steady(&selector.when) && fixed(range),
        Expr::Subquery(subquery) => {
            let lengths = fixed(&subquery.range) && subquery.step.as_ref().is_none_or(fixed);
            lengths && steady(&subquery.when) && is_steady(&subquery.inner)
        }
        Expr::Paren(inner) | Expr::Negate(inner) => is_steady(inner),
        Expr::Binary(binary) => is_steady(&binary.left) && is_steady(&binary.right),
        Expr::Aggregate(aggregate) => is_steady(&aggregate.inner) && aggregate.parameter.as_ref().is_none_or(is_steady),
        Expr::Call(call) => {
            !matches!(call.function, "start" | "end" | "range" | "step") && call.arguments.iter().all(is_steady)
        }
    }
}

/// Whether two numbers are the same but for rounding.
pub(super) fn almost_equal(a: f64, b: f64) -> bool {
    let stale = |value: f64| value.to_bits() == crate::STALE_BITS;
    if stale(a) || stale(b) {
        return stale(a) && stale(b);
    }
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, apart) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return apart < TOLERANCE * f64::MIN_POSITIVE;
    }
    apart / sum.min(f64::MAX) < TOLERANCE
}

fn same(wanted: &Sample, found: &Value) -> bool {
    match (&wanted.value, found) {
        (Value::Float(a), Value::Float(b)) => almost_equal(*a, *b),
        (Value::Histogram(a), Value::Histogram(b)) => {
            a.matches(b, almost_equal) && (!wanted.hint_set || a.reset == b.reset)
        }
        _ => false,
    }
}

fn shown(data: &Data) -> String {
    match data {
        Data::Scalar(_, value) => format!("the scalar {value}"),
        Data::Text(_, text) => format!("the text {text:?}"),
        Data::Vector(rows) => {
            let rows: Vec<_> =
                rows.iter().map(|(labels, point)| format!("{labels} {}", shown_value(&point.value))).collect();
            format!("[{}]", rows.join(", "))
        }
        Data::Matrix(all) => {
            let all: Vec<_> =
                all.iter().map(|series| format!("{} {}", series.labels, shown_points(&series.points))).collect();
            format!("[{}]", all.join("; "))
        }
    }
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::Float(value) => value.to_string(),
        Value::Histogram(histogram) => histogram.notation(),
    }
}

/// At most so many points are shown of a series.
const SHOWN_MAX: usize = 50;

fn shown_points(points: &[Point]) -> String {
    let shown = points.iter().take(SHOWN_MAX).map(|point| format!("{} @{}", shown_value(&point.value), point.at));
    shown.collect::<Vec<_>>().join(", ")
}
