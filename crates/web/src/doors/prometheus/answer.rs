//! How Prometheus' API writes an answer: values as text, histograms by their buckets, errors by their type.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use promql::{Answer, Data, Error, Labels, Millis, Point, Value, Warning};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value as Json_, json};

use crate::doors::reply::Problem;

/// The most points that the answer of one query holds; a native histogram counts one more for each of its buckets.
pub const ANSWER_POINTS_MAX: usize = 2_000_000;
/// What is said of an answer that is not whole, in Prometheus' words.
pub(super) const TRUNCATED: &str = "results truncated due to limit";

/// Why a request came to nothing, in Prometheus' words.
#[derive(Debug)]
pub struct Failed {
    problem: Problem,
    kind: &'static str,
}

impl Failed {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { problem: Problem::of(status, message), kind }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_data", message)
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        let kind = match problem.status {
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "bad_data",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "not_allowed",
            _ => "internal",
        };
        Self { problem, kind }
    }
}

impl From<engine::Error> for Failed {
    fn from(error: engine::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match &error {
            Error::Parse { .. } => Self::bad(format!("invalid parameter \"query\": {error}")),
            Error::Evaluation(_) | Error::TooManySamples { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "execution", error.to_string())
            }
            Error::Source(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "execution", error.to_string()),
        }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let body = json!({ "status": "error", "errorType": self.kind, "error": self.problem.message });
        self.problem.with_body(Json(body))
    }
}

/// A good answer with its data.
pub(super) fn success(data: Json_) -> Response {
    Json(json!({ "status": "success", "data": data })).into_response()
}

/// A good answer as it is sent.
#[derive(serde::Serialize)]
struct Good<T> {
    status: &'static str,
    data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    infos: Vec<String>,
}

/// The bytes of an answer, to be written where the work was done and not where others are served.
#[derive(Debug)]
pub(super) struct Written(Vec<u8>);

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

fn write(good: &Good<impl Serialize>) -> Result<Written, Failed> {
    let failed = |error: serde_json::Error| {
        Failed::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the answer cannot be written: {error}"))
    };
    serde_json::to_vec(good).map(Written).map_err(failed)
}

/// The answer that is a list, of which at most `limit` are told.
pub(super) fn list<T: Serialize>(all: impl IntoIterator<Item = T>, limit: usize) -> Result<Written, Failed> {
    let mut all = all.into_iter();
    let data: Vec<T> = all.by_ref().take(limit).collect();
    let warnings = all.next().map(|_| TRUNCATED.to_owned()).into_iter().collect();
    write(&Good { status: "success", data, warnings, infos: Vec::new() })
}

/// The answer of a query, of which at most `limit` series are told.
///
/// # Errors
/// When these hold more than [`ANSWER_POINTS_MAX`].
pub(super) fn of(answer: Answer, limit: Option<usize>) -> Result<Written, Failed> {
    within(answer, limit.unwrap_or(usize::MAX), ANSWER_POINTS_MAX)
}

fn within(answer: Answer, limit: usize, points: usize) -> Result<Written, Failed> {
    let Answer { mut data, warnings: notes } = answer;
    let (mut warnings, mut infos) = (Vec::new(), Vec::new());
    for note in notes {
        match note {
            Warning::Warn(text) => warnings.push(text),
            Warning::Info(text) => infos.push(text),
        }
    }
    if truncate(&mut data, limit) {
        warnings.push(TRUNCATED.to_owned());
    }
    let weight = weight(&data);
    if weight > points {
        let message = format!(
            "the answer has {weight} points, at most {points} are sent: aggregate, ask with a longer step or for less \
             time, or give a limit"
        );
        return Err(Failed::new(StatusCode::UNPROCESSABLE_ENTITY, "execution", message));
    }
    write(&Good { status: "success", data: Told::of(&data), warnings, infos })
}

/// Leaves so many series; says whether there were more.
fn truncate(data: &mut Data, limit: usize) -> bool {
    let before = match data {
        Data::Scalar(..) | Data::Text(..) => return false,
        Data::Vector(series) => {
            let before = series.len();
            series.truncate(limit);
            before
        }
        Data::Matrix(series) => {
            let before = series.len();
            series.truncate(limit);
            before
        }
    };
    before > limit
}

fn weight(data: &Data) -> usize {
    let one = |point: &Point| match &point.value {
        Value::Float(_) => 1,
        Value::Histogram(histogram) => 1 + histogram.positive.len() + histogram.negative.len() + histogram.bounds.len(),
    };
    match data {
        Data::Scalar(..) | Data::Text(..) => 1,
        Data::Vector(series) => series.iter().map(|(_, point)| one(point)).sum(),
        Data::Matrix(series) => series.iter().flat_map(|series| &series.points).map(one).sum(),
    }
}

#[derive(serde::Serialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Told<'a> {
    Scalar((Seconds, Number)),
    String((Seconds, &'a str)),
    Vector(Vec<One<'a>>),
    Matrix(Vec<Many<'a>>),
}

impl<'a> Told<'a> {
    fn of(data: &'a Data) -> Self {
        match data {
            Data::Scalar(at, value) => Self::Scalar((Seconds(*at), Number(*value))),
            Data::Text(at, text) => Self::String((Seconds(*at), text)),
            Data::Vector(series) => Self::Vector(series.iter().map(|(labels, point)| One(labels, point)).collect()),
            Data::Matrix(series) => {
                Self::Matrix(series.iter().map(|series| Many(&series.labels, &series.points)).collect())
            }
        }
    }
}

/// The labels of a series.
pub(super) fn metric(labels: &Labels) -> Json_ {
    labels.iter().map(|(name, value)| (name.to_owned(), Json_::from(value))).collect::<Map<_, _>>().into()
}

/// The labels of a series, written as a map.
pub(super) struct Metric<L>(pub L);

impl<L: std::borrow::Borrow<Labels>> Serialize for Metric<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.borrow().iter())
    }
}

/// One point of a series.
struct One<'a>(&'a Labels, &'a Point);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(labels, point) = self;
        let name = if point.value.float().is_some() { "value" } else { "histogram" };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("metric", &Metric(*labels))?;
        map.serialize_entry(name, &Pair(point))?;
        map.end()
    }
}

/// All points of a series, its numbers apart from its histograms.
struct Many<'a>(&'a Labels, &'a [Point]);

impl Serialize for Many<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(labels, points) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", &Metric(*labels))?;
        for (name, floats) in [("values", true), ("histograms", false)] {
            if points.iter().any(|point| point.value.float().is_some() == floats) {
                map.serialize_entry(name, &Points { points, floats })?;
            }
        }
        map.end()
    }
}

/// The numbers, or the histograms, among points.
struct Points<'a> {
    points: &'a [Point],
    floats: bool,
}

impl Serialize for Points<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wanted = self.points.iter().filter(|point| point.value.float().is_some() == self.floats);
        serializer.collect_seq(wanted.map(Pair))
    }
}

/// An instant and a value.
struct Pair<'a>(&'a Point);

impl Serialize for Pair<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = Seconds(self.0.at);
        match &self.0.value {
            Value::Float(value) => (at, Number(*value)).serialize(serializer),
            Value::Histogram(histogram) => (at, Buckets::of(histogram)).serialize(serializer),
        }
    }
}

/// A histogram with its buckets: which ends belong to it (0: the upper, 1: the lower, 2: neither, 3: both), the ends, the count.
#[derive(serde::Serialize)]
struct Buckets {
    count: Number,
    sum: Number,
    buckets: Vec<(u8, Number, Number, Number)>,
}

impl Buckets {
    fn of(histogram: &promql::Histogram) -> Self {
        let filled = histogram.buckets().into_iter().filter(|bucket| bucket.count != 0.0);
        let rows = filled.map(|bucket| {
            let rule = match (bucket.lower_inclusive, bucket.upper_inclusive) {
                (false, true) => 0,
                (true, false) => 1,
                (false, false) => 2,
                (true, true) => 3,
            };
            (rule, Number(bucket.lower), Number(bucket.upper), Number(bucket.count))
        });
        Self { count: Number(histogram.count), sum: Number(histogram.sum), buckets: rows.collect() }
    }
}

/// An instant, written as seconds since 1970, with milliseconds where there are any.
struct Seconds(Millis);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(at) = *self;
        if at % 1000 == 0 { serializer.serialize_i64(at / 1000) } else { serializer.serialize_f64(at as f64 / 1000.0) }
    }
}

/// A number, written as Go writes it.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&number(self.0))
    }
}

/// A number as Go writes it.
fn number(value: f64) -> String {
    if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) { exponent(value) } else { value.to_string() }
}

/// `1e+21`, `1.5e-07`, `1e+00`: a sign and at least two digits; what is no number has a name.
pub(super) fn exponent(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{value:e}");
    let Some((mantissa, power)) = text.split_once('e') else { return text };
    let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use promql::{Histogram, Series};

    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        let cases = [
            (0.0, "0"),
            (1.5, "1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (-0.000001, "-0.000001"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
        assert_eq!([exponent(1.0), exponent(-0.25), exponent(0.0)], ["1e+00", "-2.5e-01", "0e+00"]);
    }

    fn floats(series: usize, points: usize) -> Answer {
        let labels = |name: usize| Labels::from_pairs([("n", name.to_string().as_str())]);
        let points = |_| (0..points).map(|at| Point::float(at as Millis * 1500, 0.5)).collect();
        let all = (0..series).map(|name| Series { labels: labels(name), points: points(name) });
        Answer { data: Data::Matrix(all.collect()), warnings: vec![Warning::Info("i".into())] }
    }

    fn text(written: &Written) -> &str {
        std::str::from_utf8(&written.0).unwrap()
    }

    #[test]
    fn answers_are_written_as_prometheus_writes_them() {
        let mut answer = floats(1, 2);
        let histogram = Histogram { count: 3.0, sum: 1.5, positive: vec![(0, 3.0)], ..Histogram::default() };
        let Data::Matrix(series) = &mut answer.data else { unreachable!() };
        series[0].points.push(Point { at: 9000, born: 0, value: Value::Histogram(Arc::new(histogram)) });
        assert_eq!(
            text(&of(answer, None).unwrap()),
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"n":"0"},"values":[[0,"0.5"],[1.5,"0.5"]],"histograms":[[9,{"count":"3","sum":"1.5","buckets":[[0,"0.5","1","3"]]}]]}]},"infos":["i"]}"#
        );
        let scalar = Answer { data: Data::Scalar(2000, f64::NAN), warnings: Vec::new() };
        let expected = r#"{"status":"success","data":{"resultType":"scalar","result":[2,"NaN"]}}"#;
        assert_eq!(text(&of(scalar, Some(1)).unwrap()), expected);
        let one = (Labels::default(), Point::float(1000, 1.0));
        let vector = Answer { data: Data::Vector(vec![one.clone(), one]), warnings: Vec::new() };
        let expected = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]},"warnings":["results truncated due to limit"]}"#;
        assert_eq!(text(&of(vector, Some(1)).unwrap()), expected);
    }

    #[test]
    fn an_answer_has_so_many_points_at_most() {
        assert!(within(floats(2, 3), usize::MAX, 6).is_ok());
        assert!(within(floats(2, 4), 1, 6).is_ok());
        let failed = within(floats(2, 4), usize::MAX, 6).unwrap_err();
        assert_eq!((failed.kind, failed.problem.status.as_u16()), ("execution", 422));
        assert!(failed.problem.message.starts_with("the answer has 8 points, at most 6 are sent"));
    }

    #[test]
    fn a_list_that_is_not_whole_says_so() {
        let written = |limit| text(&list(["a", "b"], limit).unwrap()).to_owned();
        assert_eq!(written(2), r#"{"status":"success","data":["a","b"]}"#);
        assert!(written(1).ends_with(r#""data":["a"],"warnings":["results truncated due to limit"]}"#));
    }
}
