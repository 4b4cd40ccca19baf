//! How Prometheus' API writes an answer: values as text, histograms by their buckets, errors by their type.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use promql::{Answer, Data, Error, Labels, Millis, Point, Value, Warning};
use serde_json::{Map, Value as Json_, json};

use crate::doors::reply::Problem;

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

/// The answer of a query.
pub(super) fn of(answer: Answer) -> Response {
    let (kind, result) = match answer.data {
        Data::Scalar(at, value) => ("scalar", json!([seconds(at), number(value)])),
        Data::Text(at, text) => ("string", json!([seconds(at), text])),
        Data::Vector(series) => ("vector", series.iter().map(|(labels, point)| one(labels, point)).collect()),
        Data::Matrix(series) => ("matrix", series.iter().map(|series| many(&series.labels, &series.points)).collect()),
    };
    let mut body = Map::new();
    body.insert("status".into(), "success".into());
    body.insert("data".into(), json!({ "resultType": kind, "result": result }));
    let (mut warnings, mut infos) = (Vec::new(), Vec::new());
    for warning in answer.warnings {
        match warning {
            Warning::Warn(text) => warnings.push(text),
            Warning::Info(text) => infos.push(text),
        }
    }
    for (name, texts) in [("warnings", warnings), ("infos", infos)] {
        if !texts.is_empty() {
            body.insert(name.into(), texts.into());
        }
    }
    Json(body).into_response()
}

/// The labels of a series.
pub(super) fn metric(labels: &Labels) -> Json_ {
    labels.iter().map(|(name, value)| (name.to_owned(), Json_::from(value))).collect::<Map<_, _>>().into()
}

fn one(labels: &Labels, point: &Point) -> Json_ {
    match &point.value {
        Value::Float(_) => json!({ "metric": metric(labels), "value": pair(point) }),
        Value::Histogram(_) => json!({ "metric": metric(labels), "histogram": pair(point) }),
    }
}

fn many(labels: &Labels, points: &[Point]) -> Json_ {
    let (floats, histograms): (Vec<_>, Vec<_>) = points.iter().partition(|point| point.value.float().is_some());
    let mut series = Map::new();
    series.insert("metric".into(), metric(labels));
    for (name, points) in [("values", floats), ("histograms", histograms)] {
        if !points.is_empty() {
            series.insert(name.into(), points.into_iter().map(pair).collect());
        }
    }
    series.into()
}

fn pair(point: &Point) -> Json_ {
    let value = match &point.value {
        Value::Float(value) => number(*value).into(),
        Value::Histogram(histogram) => buckets(histogram),
    };
    json!([seconds(point.at), value])
}

/// A histogram with its buckets: which ends belong to it (0: the upper, 1: the lower, 2: neither, 3: both), the ends, the count.
fn buckets(histogram: &promql::Histogram) -> Json_ {
    let filled = histogram.buckets().into_iter().filter(|bucket| bucket.count != 0.0);
    let rows = filled.map(|bucket| {
        let rule = match (bucket.lower_inclusive, bucket.upper_inclusive) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        };
        json!([rule, number(bucket.lower), number(bucket.upper), number(bucket.count)])
    });
    let rows: Vec<Json_> = rows.collect();
    json!({ "count": number(histogram.count), "sum": number(histogram.sum), "buckets": rows })
}

/// Seconds since 1970, with milliseconds where there are any.
fn seconds(at: Millis) -> Json_ {
    if at % 1000 == 0 { (at / 1000).into() } else { (at as f64 / 1000.0).into() }
}

/// A number as Go writes it.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        exponent(value)
    } else {
        value.to_string()
    }
}

/// `1e+21`, `1.5e-07`: a sign and at least two digits.
fn exponent(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((mantissa, power)) = text.split_once('e') else { return text };
    let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
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
        assert_eq!((seconds(1500), seconds(2000)), (json!(1.5), json!(2)));
    }
}
