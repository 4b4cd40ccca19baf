//! The generic webhook, `/hooks/NAME`: any JSON body becomes alerts by a mapping in the watchbook.
//!
//! The mapping's templates see `item` (one of the items), `body` (the whole) and `index` (which item it is, from zero).

use std::collections::BTreeMap;

use alerts::Observed;
use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::routing::post;
use axum::{Json, Router};
use kernel::book::Hook;
use kernel::{Actor, HookName, Labels, Timestamp};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde_json::json;

use crate::doors::body;
use crate::doors::caller::{self, Program};
use crate::doors::pagerduty::LASTS;
use crate::doors::reply::Problem;
use crate::state::AppState;

/// The largest body of a webhook, in bytes.
pub const HOOK_BYTES_MAX: usize = 1024 * 1024;
/// The most items of one body.
pub const ITEMS_MAX: usize = 1000;
/// How many steps of a template one text may take.
const TEMPLATE_FUEL: u64 = 20_000;
/// The longest text that a template may yield, in bytes; the rest is cut.
const TEXT_BYTES_MAX: usize = 4096;
/// What a hook's status template yields when the alert is over.
const RESOLVED: &str = "resolved";

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new().route("/hooks/{name}", post(take))
}

async fn take(
    State(state): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<serde_json::Value>, Problem> {
    let (mut parts, body) = request.into_parts();
    let actor = sender(&mut parts, &state).await?;
    let book = state.engine.book();
    let unknown = || Problem::missing(format!("the watchbook has no hook called {name:?}"));
    let (name, hook) = book.hooks.get_key_value(name.as_str()).ok_or_else(unknown)?;
    let bytes = body::read(body, HOOK_BYTES_MAX).await?;
    let body: serde_json::Value = body::json(&bytes)?;
    let alerts = observed(hook, &body, state.engine.now())?;
    let count = alerts.len();
    let source = source(name);
    state.engine.ask(&actor, alerts::Command::Observe { source, alerts }).await?;
    Ok(Json(json!({ "alerts": count })))
}

/// Whoever sends a webhook can often set nothing but its address, so the token may stand there.
async fn sender(parts: &mut axum::http::request::Parts, state: &AppState) -> Result<Actor, Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token=")).map(str::to_owned);
    match token {
        Some(token) if !parts.headers.contains_key(AUTHORIZATION) => caller::by_token(state, parts, &token).await,
        _ => Program::from_request_parts(parts, state).await.map(|Program(actor)| actor),
    }
}

fn source(name: &HookName) -> Box<str> {
    format!("hook:{name}").into()
}

/// The alerts of a body. One bad item refuses the whole, because its sender repeats it as a whole.
fn observed(hook: &Hook, body: &serde_json::Value, now: Timestamp) -> Result<Vec<Observed>, Problem> {
    let items = items(hook, body)?;
    let mut environment = Environment::new();
    environment.set_fuel(Some(TEMPLATE_FUEL));
    let whole = Value::from(Serde(body));
    let one = |(index, item): (usize, &serde_json::Value)| {
        let known = context! { item => Value::from(Serde(item)), body => whole.clone(), index => index };
        let mapping = Mapping { environment: &environment, known, index };
        mapping.observed(hook, now)
    };
    items.iter().enumerate().map(one).collect()
}

fn items<'a>(hook: &Hook, body: &'a serde_json::Value) -> Result<&'a [serde_json::Value], Problem> {
    let place = if hook.items.is_empty() { "the body".to_owned() } else { hook.items.clone() };
    let found =
        body.pointer(&hook.items).ok_or_else(|| unprocessable(&hook.items, format!("{place}: is not in the body")))?;
    let items = match found {
        serde_json::Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    if items.len() > ITEMS_MAX {
        let message = format!("{place}: holds {} items, at most {ITEMS_MAX} are taken at once", items.len());
        return Err(unprocessable(&hook.items, message));
    }
    Ok(items)
}

fn unprocessable(field: &str, message: String) -> Problem {
    Problem::of(axum::http::StatusCode::UNPROCESSABLE_ENTITY, message).field(field)
}

/// How one item is mapped.
struct Mapping<'a> {
    environment: &'a Environment<'a>,
    known: Value,
    index: usize,
}

impl Mapping<'_> {
    fn observed(&self, hook: &Hook, now: Timestamp) -> Result<Observed, Problem> {
        let labels = self.set("labels", &hook.labels)?;
        let annotations = self.set("annotations", &hook.annotations)?;
        let is_over = self.text("status", &hook.status)?.eq_ignore_ascii_case(RESOLVED);
        // Nobody repeats a webhook: until it says that it is over, it lasts.
        let ends_at = Some(if is_over { now } else { LASTS.after(now) });
        let observed = Observed { labels, annotations, starts_at: None, ends_at, generator_url: "".into() };
        match observed.check() {
            Ok(()) => Ok(observed),
            Err(reason) => Err(unprocessable("labels", format!("item {}: {reason}", self.index))),
        }
    }

    fn set(&self, part: &str, templates: &BTreeMap<String, String>) -> Result<Labels, Problem> {
        let mut pairs = Vec::with_capacity(templates.len());
        for (name, template) in templates {
            let text = self.text(&format!("{part}.{name}"), template)?;
            if !text.is_empty() {
                pairs.push((name, text));
            }
        }
        Labels::from_pairs(pairs).map_err(|error| unprocessable(part, format!("item {}: {error}", self.index)))
    }

    fn text(&self, field: &str, template: &str) -> Result<String, Problem> {
        let rendered = self.environment.render_str(template, &self.known);
        let rendered = rendered.map_err(|error| {
            unprocessable(field, format!("item {}: {field}: the template says: {error}", self.index))
        })?;
        let text = rendered.trim();
        Ok(text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(items: &str, labels: &[(&str, &str)]) -> Hook {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
        Hook {
            items: items.to_owned(),
            labels: map(labels),
            annotations: map(&[("summary", "{{ item.text }} in {{ body.site }}")]),
            status: "{{ 'resolved' if item.ok else 'firing' }}".to_owned(),
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    #[test]
    fn each_item_becomes_an_alert() {
        let hook = hook("/checks", &[("alertname", "{{ item.name }}"), ("host", "{{ item.host }}")]);
        let body = json!({ "site": "fra", "checks": [
            { "name": "disk", "host": "a", "text": "full", "ok": false },
            { "name": "ping", "text": "back", "ok": true },
        ] });
        let alerts = observed(&hook, &body, now()).unwrap();
        let shown: Vec<String> = alerts.iter().map(|alert| format!("{} {}", alert.labels, alert.annotations)).collect();
        assert_eq!(
            shown,
            [
                r#"{alertname="disk", host="a"} {summary="full in fra"}"#,
                r#"{alertname="ping"} {summary="back in fra"}"#,
            ]
        );
        assert!(alerts[0].ends_at > Some(now()) && alerts[1].ends_at == Some(now()));
    }

    #[test]
    fn what_cannot_be_mapped_is_named() {
        let cases = [
            (hook("/checks", &[("a", "b")]), json!({}), "/checks"),
            (hook("", &[("a", "{{ item.none }}")]), json!({}), "labels"),
            (hook("", &[("a", "{{ item.x.y.z }}")]), json!({}), "labels.a"),
            (hook("", &[("a", "{% for i in range(99999) %}x{% endfor %}")]), json!({}), "labels.a"),
            (hook("", &[("a", "b")]), json!(vec![0; ITEMS_MAX + 1]), ""),
        ];
        for (hook, body, field) in cases {
            let problem = observed(&hook, &body, now()).unwrap_err();
            assert_eq!((problem.status.as_u16(), problem.field.as_deref()), (422, Some(field)), "{}", problem.message);
        }
    }
}
