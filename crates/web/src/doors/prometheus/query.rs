//! `query`, `query_range`, `format_query`.

use axum::extract::{Request, State};
use axum::response::Response;
use promql::{Options, parse};
use signals::anomaly::Scored;
use telemetry::metrics::Store;

use super::answer::{self, Written};
use super::{Failed, Form, POINTS_MAX, bounded, over, times};
use crate::state::AppState;

pub(super) async fn instant(State(state): State<AppState>, request: Request) -> Result<Written, Failed> {
    let form = Form::of(&state, request).await?;
    let at = form.instant("time")?.unwrap_or_else(|| times::now(&state));
    let (query, options) = (form.needed("query")?.to_owned(), options(&form)?);
    let (limit, timeout) = (form.limit()?, form.timeout()?);
    let ask = move |series: &Store| answer::of(promql::instant(&parse(&query)?, &Scored(series), at, &options)?, limit);
    over(&state, timeout, ask).await
}

pub(super) async fn range(State(state): State<AppState>, request: Request) -> Result<Written, Failed> {
    let form = Form::of(&state, request).await?;
    let missing = |name: &str| Failed::bad(format!("invalid parameter {name:?}: it is missing"));
    let start = form.instant("start")?.ok_or_else(|| missing("start"))?;
    let end = form.instant("end")?.ok_or_else(|| missing("end"))?;
    let step = form.span("step")?;
    if end < start {
        return Err(Failed::bad("invalid parameter \"end\": end timestamp must not be before start time"));
    }
    if step <= 0 {
        let message = "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. \
                       Try a positive integer";
        return Err(Failed::bad(message));
    }
    if (end - start) / step > POINTS_MAX {
        let message = format!(
            "exceeded maximum resolution of {POINTS_MAX} points per timeseries. Try decreasing the query resolution \
             (?step=XX)"
        );
        return Err(Failed::bad(message));
    }
    let (query, options) = (form.needed("query")?.to_owned(), options(&form)?);
    let (limit, timeout) = (form.limit()?, form.timeout()?);
    let ask = move |series: &Store| {
        answer::of(promql::range(&parse(&query)?, &Scored(series), start, end, step, &options)?, limit)
    };
    over(&state, timeout, ask).await
}

pub(super) async fn format(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    let form = Form::of(&state, request).await?;
    Ok(answer::success(parse(form.needed("query")?)?.to_string().into()))
}

fn options(form: &Form) -> Result<Options, Failed> {
    let mut options = bounded();
    if form.get("lookback_delta").is_some() {
        options.look_back = form.span("lookback_delta")?;
    }
    Ok(options)
}
