//! `query`, `query_range`, `format_query`.

use axum::extract::{Request, State};
use axum::response::Response;
use promql::{Options, parse};
use signals::anomaly::Scored;
use telemetry::metrics::Store;

use super::{Failed, Form, POINTS_MAX, answer, over, times};
use crate::state::AppState;

pub(super) async fn instant(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    let form = Form::of(&state, request).await?;
    let at = form.instant("time")?.unwrap_or_else(|| times::now(&state));
    let (query, options) = (form.needed("query")?.to_owned(), options(&form)?);
    let found = over(&state, move |series| promql::instant(&parse(&query)?, &Scored(series), at, &options)).await?;
    Ok(answer::of(found))
}

pub(super) async fn range(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
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
    let ask = move |series: &Store| promql::range(&parse(&query)?, &Scored(series), start, end, step, &options);
    let found = over(&state, ask).await?;
    Ok(answer::of(found))
}

pub(super) async fn format(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    let form = Form::of(&state, request).await?;
    Ok(answer::success(parse(form.needed("query")?)?.to_string().into()))
}

fn options(form: &Form) -> Result<Options, Failed> {
    let mut options = Options::default();
    if form.get("lookback_delta").is_some() {
        options.look_back = form.span("lookback_delta")?;
    }
    Ok(options)
}
