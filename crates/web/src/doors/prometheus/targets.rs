//! `targets`: what is scraped, as Prometheus' API shows it.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use connectors::scrape::{DroppedTarget, TargetView};
use serde_json::{Map, Value, json};

use super::rules::instant;
use super::{Failed, Form, answer};
use crate::state::AppState;

pub(super) async fn targets(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    let form = Form::of(&state, request).await?;
    let (wanted, pool) = (form.get("state").unwrap_or("any").to_owned(), form.get("scrapePool").map(str::to_owned));
    let of_pool = |job: &str| pool.as_ref().is_none_or(|pool| pool == job);
    let (board, all) = (&state.stores.targets, wanted == "any");
    let active: Vec<Value> = match wanted == "active" || all {
        true => board.active().iter().filter(|view| of_pool(&view.target.job)).map(one).collect(),
        false => Vec::new(),
    };
    let gone: Vec<DroppedTarget> = board.dropped().into_iter().filter(|dropped| of_pool(&dropped.job)).collect();
    let mut counts = Map::new();
    for dropped in &gone {
        let count = counts.get(&dropped.job).and_then(Value::as_u64).unwrap_or(0) + 1;
        counts.insert(dropped.job.clone(), count.into());
    }
    let dropped: Vec<Value> = match wanted == "dropped" || all {
        true => gone.iter().map(|dropped| json!({ "discoveredLabels": answer::metric(&dropped.discovered) })).collect(),
        false => Vec::new(),
    };
    let data = json!({ "activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts });
    Ok(answer::success(data))
}

fn one(view: &TargetView) -> Value {
    let target = &view.target;
    json!({
        "discoveredLabels": answer::metric(&target.discovered),
        "labels": answer::metric(&target.labels),
        "scrapePool": target.job,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": view.error,
        "lastScrape": instant(view.at),
        "lastScrapeDuration": view.took.as_secs_f64(),
        "health": view.health.as_str(),
        "scrapeInterval": span(target.interval),
        "scrapeTimeout": span(target.timeout),
    })
}

fn span(span: Duration) -> String {
    if span.subsec_millis() == 0 { format!("{}s", span.as_secs()) } else { format!("{}ms", span.as_millis()) }
}
