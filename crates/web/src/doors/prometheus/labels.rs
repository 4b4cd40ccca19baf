//! `series`, `labels`, `label/NAME/values`, and what clients ask to know whom they speak with.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use promql::ast::{Expr, Matcher};
use promql::{Error, Millis, SourceFailure, parse};
use serde_json::json;
use telemetry::metrics::Store;

use super::answer::{self, Metric, Written};
use super::{Failed, Form, over, times};
use crate::state::AppState;

/// The most series, names or values that one answer holds.
const ANSWER_MAX: usize = 100_000;

type Found<T> = Result<Vec<T>, SourceFailure>;

/// What is asked: any of these selectors, between two instants.
struct Asked {
    selectors: Vec<Vec<Matcher>>,
    start: Millis,
    end: Millis,
    limit: usize,
    timeout: Duration,
}

impl Asked {
    fn of(state: &AppState, form: &Form) -> Result<Self, Failed> {
        let selectors = form.all("match[]").map(selector).collect::<Result<Vec<_>, Failed>>()?;
        let start = form.instant("start")?.unwrap_or(0);
        let end = form.instant("end")?.unwrap_or_else(|| times::now(state));
        let limit = form.limit()?.unwrap_or(ANSWER_MAX).min(ANSWER_MAX);
        Ok(Self { selectors, start, end, limit, timeout: form.timeout()? })
    }

    /// What `ask` finds for any of the selectors, each between the two instants; without one it is asked for all there is.
    fn each<T: Ord>(&self, ask: impl Fn(&[Matcher], Millis, Millis) -> Found<T>) -> Result<BTreeSet<T>, Error> {
        let (after, until) = (self.start.saturating_sub(1), self.end);
        if self.selectors.is_empty() {
            return Ok(ask(&[], after, until)?.into_iter().collect());
        }
        let mut found = BTreeSet::new();
        for matchers in &self.selectors {
            found.extend(ask(matchers, after, until)?);
        }
        Ok(found)
    }
}

fn selector(text: &str) -> Result<Vec<Matcher>, Failed> {
    let wrong = |why: String| Failed::bad(format!("invalid parameter \"match[]\": {why}"));
    match parse(text).map_err(|error| wrong(error.to_string()))? {
        Expr::Selector(selector) => Ok(selector.matchers),
        _ => Err(wrong(format!("{text:?} is no selector of series"))),
    }
}

pub(super) async fn series(State(state): State<AppState>, request: Request) -> Result<Written, Failed> {
    let form = Form::of(&state, request).await?;
    let asked = Asked::of(&state, &form)?;
    if asked.selectors.is_empty() {
        return Err(Failed::bad("no match[] parameter provided"));
    }
    let timeout = asked.timeout;
    let ask = move |store: &Store| {
        let sets = asked.each(|matchers, after, until| store.series(matchers, after, until))?;
        answer::list(sets.into_iter().map(Metric), asked.limit)
    };
    over(&state, timeout, ask).await
}

pub(super) async fn names(State(state): State<AppState>, request: Request) -> Result<Written, Failed> {
    let form = Form::of(&state, request).await?;
    let asked = Asked::of(&state, &form)?;
    let timeout = asked.timeout;
    let ask = move |store: &Store| {
        answer::list(asked.each(|m, after, until| store.label_names(m, after, until))?, asked.limit)
    };
    over(&state, timeout, ask).await
}

pub(super) async fn values(
    State(state): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Written, Failed> {
    let form = Form::of(&state, request).await?;
    let asked = Asked::of(&state, &form)?;
    let timeout = asked.timeout;
    let ask = move |store: &Store| {
        answer::list(asked.each(|m, after, until| store.label_values(&name, m, after, until))?, asked.limit)
    };
    over(&state, timeout, ask).await
}

/// We keep no descriptions of metrics.
pub(super) async fn metadata(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    Form::of(&state, request).await?;
    Ok(answer::success(json!({})))
}

pub(super) async fn build(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    Form::of(&state, request).await?;
    let version = &state.config.version;
    Ok(answer::success(json!({ "application": "watchkeeper", "version": version, "revision": "", "goVersion": "" })))
}
