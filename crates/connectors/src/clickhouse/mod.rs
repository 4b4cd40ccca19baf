//! Reads log events and spans out of ClickHouse, from the tables that OpenTelemetry's exporter makes.
//!
//! ```text
//!   LogsWanted, Place -> statement (text of ours, values as query parameters) -> POST -> rows as JSON lines -> LogEvent, Span
//! ```
//!
//! What somebody asks never becomes part of a statement: it goes as a [query parameter], which the server reads as a value of
//! a type that the statement names. Every answer is bounded in rows by the statement, in time and in bytes here.
//!
//! [query parameter]: https://clickhouse.com/docs/interfaces/http#cli-queries-with-parameters

mod rows;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kernel::book::source::{Source, Table, Tables};
use kernel::search::{LogsWanted, Page, Place, Summary, TracesWanted};
use kernel::{LogEvent, Nanos, Span};
use parking_lot::Mutex;
use reqwest::{Client, StatusCode, Url};

use crate::http;
use crate::outbound::secret::Secret;
use crate::sources::Unanswered;
use crate::text;
use statement::{Shelf, Statement};

/// The largest answer, in bytes. What is beyond it is left for the next question.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How often one question is asked before it counts as failed, all within the time that an answer may take.
const ATTEMPTS_MAX: u32 = 2;
/// The wait before the second attempt.
const PAUSE: Duration = Duration::from_millis(200);
/// How much of what a source says about a failure is shown, in bytes.
const SHOWN_BYTES_MAX: usize = 300;
/// The most tables of which it is remembered how they are laid out.
const LAYOUTS_MAX: usize = 1_000;
/// How far apart in time the spans of one trace are looked for: an hour.
const TRACE_LASTS_MAX: Nanos = 3_600_000_000_000;
/// What a server says that lets this user change no settings.
const READ_ONLY: &str = "Code: 164.";
/// What it says of things that are not as the statement has them: a table or a column that is not there.
const UNKNOWN: [&str; 4] = ["Code: 16.", "Code: 47.", "Code: 60.", "Code: 81."];

/// Reads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
    layouts: Arc<Mutex<BTreeMap<[String; 3], bool>>>,
}

/// Rows as they came, and whether the answer was read to its end.
struct Answer {
    body: Vec<u8>,
    whole: bool,
}

impl Reader {
    /// Sets up HTTP.
    ///
    /// # Errors
    /// When the system offers no usable encryption.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { client: http::client()?, layouts: Arc::default() })
    }

    /// How many rows there are in each second of a time, the earliest first; seconds without rows are left out.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn counts(
        &self,
        source: &Source,
        table: Table,
        from: Nanos,
        until: Nanos,
    ) -> Result<Vec<(i64, u64)>, Unanswered> {
        let shelf = self.shelf(source, table).await?;
        whole(self.ask(source, &statement::counts(shelf, from, until)).await?, rows::counts)
    }

    /// Log events from a place on, in the order of their places.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn logs_from(
        &self,
        source: &Source,
        place: Place,
        until: Nanos,
        limit: usize,
    ) -> Result<Page<LogEvent>, Unanswered> {
        let shelf = self.shelf(source, Table::Logs).await?;
        let answer = self.ask(source, &statement::page(shelf, place, until, limit)).await?;
        page(rows::events(&answer.body)?, &answer, limit)
    }

    /// Spans from a place on, in the order of their places.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn spans_from(
        &self,
        source: &Source,
        place: Place,
        until: Nanos,
        limit: usize,
    ) -> Result<Page<Span>, Unanswered> {
        let shelf = self.shelf(source, Table::Traces).await?;
        let answer = self.ask(source, &statement::page(shelf, place, until, limit)).await?;
        page(rows::spans(&answer.body)?, &answer, limit)
    }

    /// The log events that are wanted, the newest first, and whether these are all.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn logs(&self, source: &Source, wanted: &LogsWanted) -> Result<Page<LogEvent>, Unanswered> {
        let shelf = self.shelf(source, Table::Logs).await?;
        let answer = self.ask(source, &statement::logs(shelf, wanted)).await?;
        page(rows::events(&answer.body)?, &answer, wanted.limit)
    }

    /// How many log events that are wanted there are in each of some equal pieces of their time: those that are at least
    /// errors, warnings, and all others.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn volume(
        &self,
        source: &Source,
        wanted: &LogsWanted,
        pieces: usize,
    ) -> Result<Vec<[u64; 3]>, Unanswered> {
        let shelf = self.shelf(source, Table::Logs).await?;
        let answer = self.ask(source, &statement::volume(shelf, wanted, pieces)).await?;
        whole(answer, |body| rows::volume(body, pieces))
    }

    /// The traces that are wanted, those with the newest spans first.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn traces(&self, source: &Source, wanted: &TracesWanted) -> Result<Vec<Summary>, Unanswered> {
        let shelf = self.shelf(source, Table::Traces).await?;
        let matched = whole(self.ask(source, &statement::matched(shelf, wanted)).await?, rows::matched)?;
        let began = || matched.iter().map(|one| one.newest);
        let (Some(first), Some(last)) = (began().min(), began().max()) else { return Ok(Vec::new()) };
        let (from, until) = (first.saturating_sub(TRACE_LASTS_MAX), last.saturating_add(TRACE_LASTS_MAX));
        let ids: BTreeSet<&str> = matched.iter().map(|one| one.trace.as_str()).collect();
        let related = statement::summaries(shelf, &ids, from, until);
        whole(self.ask(source, &related).await?, |body| rows::summaries(body, matched))
    }

    /// The spans of one trace, the earliest first.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn trace(&self, source: &Source, trace: &str, limit: usize) -> Result<Page<Span>, Unanswered> {
        let shelf = self.shelf(source, Table::Traces).await?;
        let answer = self.ask(source, &statement::trace(shelf, trace, limit)).await?;
        page(rows::spans(&answer.body)?, &answer, limit)
    }

    /// A table, and whether it has the column of whole seconds that older exporters sort by; asked once.
    async fn shelf<'a>(&self, source: &'a Source, table: Table) -> Result<Shelf<'a>, Unanswered> {
        let tables = tables(source)?;
        let name = tables.name(table);
        let key = [source.url.clone(), tables.database.clone(), name.to_owned()];
        let known = self.layouts.lock().get(&key).copied();
        let by_second = match known {
            Some(known) => known,
            None => {
                let columns = whole(self.ask(source, &statement::columns(name)).await?, rows::names)?;
                let by_second = columns.iter().any(|column| column == statement::BY_SECOND);
                let mut layouts = self.layouts.lock();
                if !columns.is_empty() && layouts.len() < LAYOUTS_MAX {
                    layouts.insert(key, by_second);
                }
                by_second
            }
        };
        Ok(Shelf { name, table, by_second })
    }

    async fn ask(&self, source: &Source, statement: &Statement) -> Result<Answer, Unanswered> {
        let late = |_| Err(Unanswered::Failed(format!("no answer within {}", source.timeout)));
        let asked = async {
            let (mut bounds, mut attempt) = (true, 1);
            loop {
                match self.once(source, statement, bounds).await {
                    // A user that may change no settings is bounded by those of its own.
                    Err(Unanswered::Refused(why)) if bounds && why.contains(READ_ONLY) => bounds = false,
                    Err(Unanswered::Failed(_)) if attempt < ATTEMPTS_MAX => {
                        attempt += 1;
                        tokio::time::sleep(PAUSE).await;
                    }
                    answer => return answer,
                }
            }
        };
        let answer = tokio::time::timeout(source.timeout.std(), asked).await.unwrap_or_else(late);
        if matches!(&answer, Err(Unanswered::Refused(why)) if UNKNOWN.iter().any(|code| why.contains(code))) {
            self.layouts.lock().clear();
        }
        answer
    }

    async fn once(&self, source: &Source, statement: &Statement, bounds: bool) -> Result<Answer, Unanswered> {
        let url = address(source, statement, bounds)?;
        let mut request = self.client.post(url).timeout(source.timeout.std()).body(statement.text.clone());
        if let Some(user) = &source.user {
            request = request.header("X-ClickHouse-User", user);
        }
        let mut hidden = None;
        if let Some(reference) = &source.secret {
            let secret = Secret::read(reference).await.map_err(Unanswered::Failed)?;
            request = request.header("X-ClickHouse-Key", secret.expose());
            hidden = Some(secret);
        }
        let failed = |error: reqwest::Error| Unanswered::Failed(http::fault(&error).1);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let mut body = http::beginning(response, ANSWER_BYTES_MAX + 1).await.map_err(failed)?;
        if !status.is_success() {
            let parts: Vec<&str> = hidden.iter().flat_map(Secret::parts).collect();
            return Err(unanswered(status, &text::hide(&String::from_utf8_lossy(&body), parts)));
        }
        let whole = body.len() <= ANSWER_BYTES_MAX;
        if !whole {
            let end = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            body.truncate(end);
        }
        Ok(Answer { body, whole })
    }
}

fn tables(source: &Source) -> Result<&Tables, Unanswered> {
    source.tables().ok_or_else(|| Unanswered::Refused("it holds series, no log events and spans".to_owned()))
}

/// Where a statement is sent: its values, and what the server may spend on it.
fn address(source: &Source, statement: &Statement, bounds: bool) -> Result<Url, Unanswered> {
    let wrong = |error: &dyn std::fmt::Display| Unanswered::Failed(format!("its address cannot be used: {error}"));
    let mut url = Url::parse(&source.url).map_err(|error| wrong(&error))?;
    {
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("database", &tables(source)?.database);
        // An error while rows are made is then told by the status, and not in the middle of the rows.
        pairs.append_pair("wait_end_of_query", "1");
        if bounds {
            pairs.append_pair("max_execution_time", &source.timeout.0.to_string());
            pairs.append_pair("cancel_http_readonly_queries_on_client_close", "1");
        }
        for (name, value) in &statement.values {
            pairs.append_pair(&format!("param_{name}"), value);
        }
    }
    Ok(url)
}

/// What a failure means. A server that is overloaded or out of memory answers with the same status as to a wrong statement,
/// so what it says decides.
fn unanswered(status: StatusCode, said: &str) -> Unanswered {
    const PASSING: [&str; 7] =
        ["Code: 159.", "Code: 202.", "Code: 209.", "Code: 210.", "Code: 241.", "Code: 242.", "Code: 439."];
    let passes = PASSING.iter().any(|code| said.contains(code)) || !said.contains("Code: ");
    let reason = format!("status {status}: {}", text::one_line(said, SHOWN_BYTES_MAX));
    if passes { Unanswered::Failed(reason) } else { Unanswered::Refused(reason) }
}

/// What a whole answer holds.
fn whole<T>(answer: Answer, read: impl FnOnce(&[u8]) -> Result<T, Unanswered>) -> Result<T, Unanswered> {
    if !answer.whole {
        return Err(Unanswered::Failed(format!("the answer has more than {ANSWER_BYTES_MAX} bytes")));
    }
    read(&answer.body)
}

/// Rows that may go on.
fn page<T>(rows: Vec<(Place, T)>, answer: &Answer, limit: usize) -> Result<Page<T>, Unanswered> {
    if rows.is_empty() && !answer.whole {
        return Err(Unanswered::Failed(format!("one row has more than {ANSWER_BYTES_MAX} bytes")));
    }
    Ok(Page { whole: answer.whole && rows.len() < limit, rows })
}
