//! `rules` and `alerts`: the rule files at work, as Prometheus' API shows them.

use std::collections::BTreeSet;

use axum::extract::{Request, State};
use axum::response::Response;
use engine::ruler::{AlertView, GroupView, RuleView};
use kernel::{Actor, Timestamp};
use serde_json::{Map, Value, json};

use super::{Failed, Form, answer};
use crate::state::AppState;

/// The instant of what never was, as Go writes it.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub(super) async fn rules(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    let form = Form::of(&state, request).await?;
    let kind = form.get("type").unwrap_or("");
    if !matches!(kind, "" | "alert" | "record") {
        return Err(Failed::bad(format!("not supported value {kind:?}")));
    }
    let alerts_too = match form.get("exclude_alerts") {
        None | Some("false") => true,
        Some("true") => false,
        Some(other) => {
            let message = format!("invalid parameter \"exclude_alerts\": write true or false, not {other:?}");
            return Err(Failed::bad(message));
        }
    };
    let [names, groups, files] = ["rule_name[]", "rule_group[]", "file[]"].map(|name| form.set(name));
    let wanted =
        |rule: &&RuleView| (kind.is_empty() || rule.alerting == (kind == "alert")) && is_one_of(&names, &rule.name);
    let all = self::groups(&state).await?;
    let asked = all.iter().filter(|group| is_one_of(&groups, &group.name) && is_one_of(&files, &group.file));
    let told = asked.map(|group| (group, group.rules.iter().filter(wanted).collect::<Vec<_>>()));
    // As in Prometheus: a group of which no rule is wanted is not told.
    let told: Vec<Value> =
        told.filter(|(_, rules)| !rules.is_empty()).map(|(group, rules)| one(group, &rules, alerts_too)).collect();
    Ok(answer::success(json!({ "groups": told })))
}

/// Whether a name is wanted: all are where none is named.
fn is_one_of(wanted: &BTreeSet<&str>, name: &str) -> bool {
    wanted.is_empty() || wanted.contains(name)
}

fn one(group: &GroupView, rules: &[&RuleView], alerts_too: bool) -> Value {
    json!({
        "name": group.name,
        "file": group.file,
        "interval": group.interval,
        "source": group.source,
        "node": group.node,
        "limit": group.limit,
        "evaluationTime": group.took,
        "lastEvaluation": instant(group.evaluated),
        "rules": rules.iter().map(|one| rule(group, one, alerts_too)).collect::<Vec<_>>(),
    })
}

impl Form {
    /// All values of a parameter.
    fn set<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        self.all(name).filter(|value| !value.is_empty()).collect()
    }
}

pub(super) async fn alerts(State(state): State<AppState>, request: Request) -> Result<Response, Failed> {
    Form::of(&state, request).await?;
    let groups = groups(&state).await?;
    let all = groups.iter().flat_map(|group| &group.rules).flat_map(|rule| &rule.alerts);
    Ok(answer::success(json!({ "alerts": all.map(alert).collect::<Vec<_>>() })))
}

/// The caller was let in when the form was read.
async fn groups(state: &AppState) -> Result<Vec<GroupView>, Failed> {
    Ok(state.stores.ruler.groups(&Actor::system("web")).await?)
}

fn rule(group: &GroupView, rule: &RuleView, alerts_too: bool) -> Value {
    let health = match (&rule.error, group.evaluated) {
        (Some(_), _) => "err",
        (None, Some(_)) => "ok",
        (None, None) => "unknown",
    };
    let mut all = json!({
        "name": rule.name,
        "query": rule.query,
        "labels": named(&rule.labels),
        "health": health,
        "lastError": rule.error.as_deref().unwrap_or(""),
        "evaluationTime": group.took,
        "lastEvaluation": instant(group.evaluated),
        "type": if rule.alerting { "alerting" } else { "recording" },
    });
    let firing = rule.alerts.iter().any(|alert| alert.firing);
    let state = if firing {
        "firing"
    } else if rule.alerts.is_empty() {
        "inactive"
    } else {
        "pending"
    };
    if let Some(fields) = all.as_object_mut().filter(|_| rule.alerting) {
        fields.insert("state".into(), state.into());
        fields.insert("duration".into(), rule.hold.into());
        fields.insert("keepFiringFor".into(), rule.keep_firing.into());
        fields.insert("annotations".into(), named(&rule.annotations));
        fields.insert("alerts".into(), rule.alerts.iter().filter(|_| alerts_too).map(alert).collect());
    }
    all
}

fn alert(alert: &AlertView) -> Value {
    json!({
        "labels": answer::metric(&alert.labels),
        "annotations": named(&alert.annotations),
        "state": if alert.firing { "firing" } else { "pending" },
        "activeAt": instant(Timestamp::from_millisecond(alert.since).ok()),
        "value": answer::exponent(alert.value),
    })
}

fn named(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect::<Map<_, _>>().into()
}

pub(super) fn instant(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NEVER.to_owned(), |at| at.to_string())
}
