//! Asks existing stores that speak Prometheus' query API: one query at one instant, bounded in time and size, with one more
//! attempt where a failure may pass. An answer that says that it is not whole is none: rules would take what is missing for
//! recovered.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::book::source::{Source, SourceKind};
use promql::{Data, Labels, Millis, Point, Series};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

use crate::http;
use crate::outbound::secret::Secret;
use crate::text;

/// The largest answer, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How often one question is asked before it counts as failed.
const ATTEMPTS_MAX: u32 = 2;
/// The wait before the second attempt.
const PAUSE: Duration = Duration::from_millis(200);
/// How much of what a source says about a failure is shown, in bytes.
const SHOWN_BYTES_MAX: usize = 300;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The source does not take this question; another attempt will not help.
    Refused(String),
    /// The source did not answer as it should.
    Failed(String),
}

/// Asks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Asker(Client);

impl Asker {
    /// Sets up HTTP.
    ///
    /// # Errors
    /// When the system offers no usable encryption.
    pub fn new() -> Result<Self, reqwest::Error> {
        http::client().map(Self)
    }

    /// The answer of a source to a query at an instant.
    ///
    /// # Errors
    /// Says in one line why there is none.
    pub async fn ask(&self, source: &Source, query: &str, at: Millis) -> Result<Data, Unanswered> {
        let mut attempt = 1;
        loop {
            let late = |_| Err(Unanswered::Failed(format!("no answer within {}", source.timeout)));
            let asked = tokio::time::timeout(source.timeout.std(), self.once(source, query, at)).await;
            match asked.unwrap_or_else(late) {
                Err(Unanswered::Failed(_)) if attempt < ATTEMPTS_MAX => tokio::time::sleep(PAUSE).await,
                answered => return answered,
            }
            attempt += 1;
        }
    }

    async fn once(&self, source: &Source, query: &str, at: Millis) -> Result<Data, Unanswered> {
        let path = match source.kind {
            SourceKind::Prometheus => "/api/v1/query",
            SourceKind::ClickHouse(_) => {
                return Err(Unanswered::Refused("it holds log events and spans, no series".to_owned()));
            }
        };
        let time = format!("{}.{:03}", at.div_euclid(1000), at.rem_euclid(1000));
        let timeout = source.timeout.to_string();
        let form = form(&[("query", query), ("time", &time), ("timeout", &timeout)]);
        let request = self.0.post(format!("{}{path}", source.url)).timeout(source.timeout.std()).body(form);
        let mut request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(reference) = &source.secret {
            let secret = Secret::read(reference).await.map_err(Unanswered::Failed)?;
            request = match &source.user {
                Some(user) => request.basic_auth(user, Some(secret.expose())),
                None => request.bearer_auth(secret.expose()),
            };
        }
        let failed = |error: reqwest::Error| Unanswered::Failed(http::fault(&error).1);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = http::beginning(response, ANSWER_BYTES_MAX + 1).await.map_err(failed)?;
        if body.len() > ANSWER_BYTES_MAX {
            return Err(Unanswered::Failed(format!("the answer has more than {ANSWER_BYTES_MAX} bytes")));
        }
        read(status, &body)
    }
}

/// A form as a body.
fn form(pairs: &[(&str, &str)]) -> String {
    let url = Url::parse_with_params("http://form/", pairs).ok();
    url.and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

#[derive(Debug, Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    data: Option<Found>,
    #[serde(default)]
    error: String,
    /// `VictoriaMetrics` says so when a part of its storage did not answer.
    #[serde(default, rename = "isPartial")]
    partial: bool,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Found {
    Scalar(Pair),
    String(Pair),
    Vector(Vec<One>),
    Matrix(Vec<Many>),
}

/// Seconds since 1970, and a value as text.
#[derive(Debug, Deserialize)]
struct Pair(f64, String);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    metric: BTreeMap<String, String>,
    value: Pair,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    metric: BTreeMap<String, String>,
    values: Vec<Pair>,
}

fn read(status: StatusCode, body: &[u8]) -> Result<Data, Unanswered> {
    let said = |text: &str| text::one_line(text, SHOWN_BYTES_MAX);
    let answer: Answer = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(_) if !status.is_success() => {
            let reason = format!("status {status}: {}", said(&String::from_utf8_lossy(body)));
            return Err(Unanswered::Failed(reason));
        }
        Err(error) => {
            return Err(Unanswered::Failed(format!("the answer is not one of a query: {}", said(&error.to_string()))));
        }
    };
    if answer.status != "success" || !status.is_success() {
        let reason = format!("status {status}: {}", said(&answer.error));
        let wrong =
            matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::FORBIDDEN);
        return Err(if wrong { Unanswered::Refused(reason) } else { Unanswered::Failed(reason) });
    }
    if answer.partial {
        return Err(Unanswered::Failed("the answer is not whole: a part of the source did not answer".to_owned()));
    }
    let found = answer.data.ok_or_else(|| Unanswered::Failed("the answer has no data".to_owned()))?;
    data(found).ok_or_else(|| Unanswered::Failed("the answer has a value that is no number".to_owned()))
}

fn data(found: Found) -> Option<Data> {
    Some(match found {
        Found::Scalar(pair) => Data::Scalar(millis(pair.0), pair.1.parse().ok()?),
        Found::String(pair) => Data::Text(millis(pair.0), pair.1),
        Found::Vector(all) => {
            let one = |one: One| Some((Labels::from_pairs(one.metric.iter()), point(&one.value)?));
            Data::Vector(all.into_iter().map(one).collect::<Option<_>>()?)
        }
        Found::Matrix(all) => {
            let many = |many: Many| {
                let points = many.values.iter().map(point).collect::<Option<_>>()?;
                Some(Series { labels: Labels::from_pairs(many.metric.iter()), points })
            };
            Data::Matrix(all.into_iter().map(many).collect::<Option<_>>()?)
        }
    })
}

fn point(pair: &Pair) -> Option<Point> {
    Some(Point::float(millis(pair.0), pair.1.parse().ok()?))
}

/// The latest instant that is read: the year 9999.
const SECONDS_MAX: f64 = 253_402_300_799.0;

#[expect(clippy::cast_possible_truncation, reason = "within bounds")]
fn millis(seconds: f64) -> Millis {
    (seconds.clamp(-SECONDS_MAX, SECONDS_MAX) * 1000.0).round() as Millis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Result<Data, Unanswered> {
        read(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn answers_are_read() {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1.5,"+Inf"]}]}}"#;
        let Ok(Data::Vector(samples)) = of(200, vector) else { panic!("a vector") };
        assert_eq!(
            samples,
            [(Labels::from_pairs([("__name__", "up"), ("job", "a")]), Point::float(1500, f64::INFINITY))]
        );
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"],[2.001,"3"]]}]}}"#;
        let Ok(Data::Matrix(series)) = of(200, matrix) else { panic!("a matrix") };
        assert_eq!(series[0].points, [Point::float(1000, 2.0), Point::float(2001, 3.0)]);
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"0.5"]}}"#;
        assert!(matches!(of(200, scalar), Ok(Data::Scalar(1000, value)) if value == 0.5));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let whole = r#"{"status":"success","data":{"resultType":"vector","result":[]}"#;
        let refused = |why: &str| Err(Unanswered::Refused(why.to_owned()));
        let failed = |why: &str| Err(Unanswered::Failed(why.to_owned()));
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        let of = |status, body: &str| of(status, body).map(|_| ());
        assert_eq!(of(400, error), refused("status 400 Bad Request: parse error"));
        assert_eq!(of(503, error), failed("status 503 Service Unavailable: parse error"));
        assert_eq!(of(502, "<html>\n bad"), failed("status 502 Bad Gateway: <html> bad"));
        assert_eq!(of(200, &format!("{whole}}}")), Ok(()));
        let partial = failed("the answer is not whole: a part of the source did not answer");
        assert_eq!(of(200, &format!("{whole},\"isPartial\":true}}")), partial);
        assert_eq!(of(200, r#"{"status":"success"}"#), failed("the answer has no data"));
        assert!(of(200, "{}").is_err() && of(200, "x").is_err());
        let histogram =
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}"#;
        assert!(of(200, histogram).is_err(), "a sample that is not understood is not left out");
    }

    #[test]
    fn a_query_is_a_form_whatever_is_in_it() {
        assert_eq!(
            form(&[("query", "a{b=\"c&d=e\"} + 1"), ("time", "1.000")]),
            "query=a%7Bb%3D%22c%26d%3De%22%7D+%2B+1&time=1.000"
        );
    }
}
