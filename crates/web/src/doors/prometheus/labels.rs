//! `series`, `labels`, `label/NAME/values`, and what clients ask to know whom they speak with.

use std::collections::BTreeSet;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use promql::ast::{Expr, Matcher, Test};
use promql::{Error, Labels, Millis, SeriesSource, Wanted, parse};
use serde_json::json;

use super::{Failed, Form, answer, over, times};
use crate::state::AppState;

/// The most series, names or values that one answer holds.
const ANSWER_MAX: usize = 100_000;

/// What is asked: any of these selectors, between two instants.
struct Asked {
    selectors: Vec<Vec<Matcher>>,
    start: Millis,
    end: Millis,
    limit: usize,
}

impl Asked {
    fn of(state: &AppState, form: &Form) -> Result<Self, Failed> {
        let selectors = form.all("match[]").map(selector).collect::<Result<Vec<_>, Failed>>()?;
        let start = form.instant("start")?.unwrap_or(0);
        let end = form.instant("end")?.unwrap_or_else(|| times::now(state));
        let limit = form.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
        Ok(Self { selectors, start, end, limit: limit.unwrap_or(ANSWER_MAX).min(ANSWER_MAX) })
    }

    /// The label sets that match any of the selectors; all there are without one.
    fn sets(&self, source: &dyn SeriesSource) -> Result<BTreeSet<Labels>, Error> {
        let named = || Matcher { name: promql::METRIC_NAME.to_owned(), test: Test::IsNot(String::new()) };
        let all = vec![vec![named()]];
        let selectors = if self.selectors.is_empty() { &all } else { &self.selectors };
        let mut sets = BTreeSet::new();
        for matchers in selectors {
            let found = source.select(Wanted { matchers, after: self.start.saturating_sub(1), until: self.end })?;
            sets.extend(found.into_iter().map(|series| series.labels));
        }
        Ok(sets)
    }
}

fn selector(text: &str) -> Result<Vec<Matcher>, Failed> {
    let wrong = |why: String| Failed::bad(format!("invalid parameter \"match[]\": {why}"));
    match parse(text).map_err(|error| wrong(error.to_string()))? {
        Expr::Selector(selector) => Ok(selector.matchers),
        _ => Err(wrong(format!("{text:?} is no selector of series"))),
    }
}

pub(super) async fn series(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    let form = Form::of(&state, request).await?;
    let asked = Asked::of(&state, &form)?;
    if asked.selectors.is_empty() {
        return Err(Failed::bad("no match[] parameter provided"));
    }
    let limit = asked.limit;
    let sets = over(&state, move |source| asked.sets(source)).await?;
    Ok(answer::success(sets.iter().take(limit).map(answer::metric).collect()))
}

pub(super) async fn names(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    let form = Form::of(&state, request).await?;
    let asked = Asked::of(&state, &form)?;
    let limit = asked.limit;
    let sets = over(&state, move |source| asked.sets(source)).await?;
    let names: BTreeSet<&str> = sets.iter().flat_map(|set| set.iter().map(|(name, _)| name)).collect();
    Ok(answer::success(names.into_iter().take(limit).collect()))
}

pub(super) async fn values(
    State(state): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Failed> {
    let form = Form::of(&state, request).await?;
    let asked = Asked::of(&state, &form)?;
    let limit = asked.limit;
    let sets = over(&state, move |source| asked.sets(source)).await?;
    let values: BTreeSet<&str> = sets.iter().map(|set| set.get(&name)).filter(|value| !value.is_empty()).collect();
    Ok(answer::success(values.into_iter().take(limit).collect()))
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
