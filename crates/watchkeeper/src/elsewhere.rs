//! The samples of another server, by Prometheus' query API: an instant query for a window gives the samples as they are.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use promql::ast::{self, Expr, Selector, WindowMode};
use promql::{Labels, Millis, Point, Series, SeriesSource, SourceFailure, Wanted};
use serde::Deserialize;

use crate::failure::{Exit, Failure};

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 512 * 1024 * 1024;
/// The most requests of one replay.
const REQUESTS_MAX: u32 = 20_000;

/// A server with Prometheus' query API.
pub struct Elsewhere {
    url: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    asked: AtomicU32,
}

/// An answer of the query API.
#[derive(Debug, Deserialize)]
struct Answer {
    data: Option<Matrix>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Matrix {
    #[serde(default)]
    result: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    metric: std::collections::BTreeMap<String, String>,
    /// Absent where the series has native histograms, which are not read.
    #[serde(default)]
    values: Vec<(f64, String)>,
}

impl Elsewhere {
    /// A server; it is not asked yet.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &str) -> Result<Self, Failure> {
        let wrong =
            |error: &dyn std::fmt::Display| Failure::new(format!("cannot ask {url}: {error}")).exit(Exit::Usage);
        reqwest::Url::parse(url).map_err(|error| wrong(&error))?;
        let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).build().map_err(|error| wrong(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| wrong(&error))?;
        let url = format!("{}/api/v1/query", url.trim_end_matches('/'));
        Ok(Self { url, client, runtime, asked: AtomicU32::new(0) })
    }

    async fn ask(&self, query: &str, at: Millis) -> Result<Answer, String> {
        let time = format!("{}.{:03}", at.div_euclid(1000), at.rem_euclid(1000));
        let asked = reqwest::Url::parse_with_params(&self.url, [("query", query), ("time", &time)]);
        let asked = asked.map_err(|error| error.to_string())?;
        let mut response = self.client.get(asked).send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(format!("the answer has more than {ANSWER_BYTES_MAX} bytes: select fewer series"));
            }
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| format!("{status}: {error}"))?;
        answer.error.clone().map_or(Ok(answer), |error| Err(format!("{status}: {error}")))
    }
}

impl SeriesSource for Elsewhere {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let failed = |why: String| SourceFailure(format!("{}: {why}", self.url));
        if self.asked.fetch_add(1, Ordering::Relaxed) >= REQUESTS_MAX {
            return Err(failed(format!("this replay needs more than {REQUESTS_MAX} requests: replay a shorter time")));
        }
        let answer = self.runtime.block_on(self.ask(&query(wanted), wanted.until)).map_err(failed)?;
        let rows = answer.data.map(|data| data.result).unwrap_or_default();
        Ok(rows.into_iter().map(|row| series(row, wanted)).filter(|series| !series.points.is_empty()).collect())
    }
}

/// The window that is wanted, as a query.
fn query(wanted: Wanted<'_>) -> String {
    let selector =
        Selector { matchers: wanted.matchers.to_vec(), when: ast::When::default(), mode: WindowMode::default() };
    let range = ast::Duration::Fixed(wanted.until.saturating_sub(wanted.after).max(1));
    Expr::Window(selector, range, WindowMode::default()).to_string()
}

/// A series of an answer, without the points that are not wanted. Servers differ in whether a window has its beginning.
fn series(row: Row, wanted: Wanted<'_>) -> Series {
    let point = |(seconds, value): (f64, String)| {
        #[expect(clippy::cast_possible_truncation, reason = "an instant in milliseconds is far below 2^53")]
        let at = (seconds * 1000.0).round() as Millis;
        let within = wanted.after < at && at <= wanted.until;
        value.parse().ok().filter(|_| within).map(|value| Point::float(at, value))
    };
    Series { labels: Labels::from_pairs(row.metric), points: row.values.into_iter().filter_map(point).collect() }
}
