//! Sigma rules at work: which there are, what they found, how often they were right; and verdicts on their alerts.

use axum::Json;
use axum::extract::State;
use engine::sigma::SigmaRuleView;
use kernel::{Fingerprint, RuleName, Timestamp};
use serde::{Deserialize, Serialize};
use signals::Command;
use signals::sigma::{Exception, Handling, Sight, Standing, Verdict, Wrong};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Problems, ask};
use super::input::{Asked, Id, Input};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show_sigma))
        .routes(routes!(list_sigma_rules))
        .routes(routes!(judge_sigma_alert))
}

/// The Sigma rules as a whole.
#[derive(Debug, Serialize, ToSchema)]
struct SigmaBody {
    /// How many rules, correlations and baselines are in use.
    rules: usize,
    /// How many log events were looked at.
    events: u64,
    /// How many of them were too large to be looked at whole.
    cut: u64,
    /// How many were left out, because more came than could be looked at.
    left_out: u64,
    /// How many events that happened too long before the newest ones correlations did not count.
    too_late: u64,
    /// How many events correlations did not count because they lack a field.
    without_field: u64,
    /// How many events correlations let go because there were too many.
    let_go: u64,
    /// What of the files is not in use, and why.
    not_in_use: Vec<WrongBody>,
    /// The exceptions that are past their last day.
    expired: Vec<ExceptionBody>,
}

/// Something in the files that is not in use.
#[derive(Debug, Serialize, ToSchema)]
struct WrongBody {
    /// The file.
    file: String,
    /// The rule or filter in it: its id or title.
    rule: String,
    /// Why.
    reason: String,
}

impl From<&Wrong> for WrongBody {
    fn from(wrong: &Wrong) -> Self {
        let what = &wrong.what;
        Self { file: what.file.clone(), rule: what.rule.clone(), reason: what.reason.clone() }
    }
}

/// Events that are excepted from rules.
#[derive(Debug, Serialize, ToSchema)]
struct ExceptionBody {
    /// The file.
    file: String,
    /// Its title.
    title: String,
    /// Who answers for it.
    owner: Option<String>,
    /// Why these events are harmless.
    reason: Option<String>,
    /// The last day on which it is applied.
    expires: Option<String>,
}

impl From<&Exception> for ExceptionBody {
    fn from(exception: &Exception) -> Self {
        Self {
            file: exception.file.clone(),
            title: exception.title.clone(),
            owner: exception.owner.clone(),
            reason: exception.reason.clone(),
            expires: exception.expires.map(|day| day.to_string()),
        }
    }
}

/// Show how the Sigma rules do as a whole.
#[utoipa::path(get, path = "/sigma", tag = "sigma", responses((status = 200, body = SigmaBody), Problems))]
async fn show_sigma(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<SigmaBody>, Problem> {
    let view = state.stores.sigma.view(&actor).await?;
    let uncounted = view.uncounted;
    Ok(Json(SigmaBody {
        rules: view.rules.len(),
        events: view.events,
        cut: view.cut,
        left_out: view.left_out,
        too_late: uncounted.too_late,
        without_field: uncounted.without_field,
        let_go: uncounted.crowded_out.saturating_add(uncounted.groups_let_go),
        not_in_use: view.wrong.iter().map(WrongBody::from).collect(),
        expired: view.expired.iter().map(ExceptionBody::from).collect(),
    }))
}

/// Which rules are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A text that the title, the name, the file or a tag holds, in whatever case.
    #[serde(default)]
    text: String,
}

/// A rule, a correlation or a baseline in use.
#[derive(Debug, Serialize, ToSchema)]
struct SigmaRuleBody {
    /// The name by which its signals are known.
    rule: String,
    /// Its title.
    title: String,
    /// `informational`, `low`, `medium`, `high` or `critical`.
    #[schema(value_type = String)]
    level: signals::sigma::Level,
    /// Who wrote it.
    author: Option<String>,
    /// The file in which it stands.
    file: String,
    /// Its tags.
    tags: Vec<String>,
    /// `page`, `shown` (its level has no severity), `shadow` (on trial) or `tune` (right too seldom): only `page` pages.
    handling: &'static str,
    /// The label `severity` of its alerts.
    severity: Option<String>,
    /// How many matches came in during the last 24 hours.
    matches_24h: u64,
    /// How many since it was first in use.
    matches: u64,
    /// When the last one came in.
    #[schema(value_type = Option<String>, format = DateTime)]
    last: Option<Timestamp>,
    /// How many of its last alerts that were judged were right.
    right: u32,
    /// How many were judged.
    judged: u32,
    /// The share that was right, from 0 to 1.
    precision: Option<f64>,
    /// The events that are excepted from it.
    exceptions: Vec<ExceptionBody>,
    /// Placeholders that no pipeline fills; while there are any it matches nothing.
    waits_for: Vec<String>,
    /// What stands of it: raised, or what would be.
    standing: Vec<StandingBody>,
    /// Its last matches, the newest first.
    last_matches: Vec<SightBody>,
}

/// Matches of one group, folded.
#[derive(Debug, Serialize, ToSchema)]
struct StandingBody {
    /// The alert that it is, or would be.
    #[schema(value_type = String)]
    alert: Fingerprint,
    /// The fields that tell it from others of its rule.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    group: kernel::Labels,
    /// How many matches.
    matches: u64,
    /// When the first of them happened.
    #[schema(value_type = String, format = DateTime)]
    first: Timestamp,
    /// When the last of them happened.
    #[schema(value_type = String, format = DateTime)]
    last: Timestamp,
}

impl From<&Standing> for StandingBody {
    fn from(standing: &Standing) -> Self {
        Self {
            alert: standing.labels.fingerprint(),
            group: standing.group.clone(),
            matches: standing.count,
            first: standing.first,
            last: standing.last,
        }
    }
}

/// One match.
#[derive(Debug, Serialize, ToSchema)]
struct SightBody {
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The alert that it belongs to, or would.
    #[schema(value_type = String)]
    alert: Fingerprint,
    /// The fields and values that it rests on, in one line.
    evidence: String,
}

impl From<&Sight> for SightBody {
    fn from(sight: &Sight) -> Self {
        Self { at: sight.at, alert: sight.alert, evidence: sight.evidence.clone() }
    }
}

impl From<&SigmaRuleView> for SigmaRuleBody {
    fn from(view: &SigmaRuleView) -> Self {
        let rule = &view.rule;
        Self {
            rule: view.name.to_string(),
            title: rule.title.clone(),
            level: rule.level,
            author: rule.author.clone(),
            file: rule.file.clone(),
            tags: rule.tags.clone(),
            handling: match view.handling {
                Handling::Page => "page",
                Handling::Shown => "shown",
                Handling::Shadow => "shadow",
                Handling::Tune { .. } => "tune",
            },
            severity: view.handled.severity.clone(),
            matches_24h: view.in_a_day,
            matches: view.seen.total,
            last: view.seen.last,
            right: view.verdicts.true_positives,
            judged: view.verdicts.count(),
            precision: view.verdicts.precision(),
            exceptions: rule.exceptions.iter().map(ExceptionBody::from).collect(),
            waits_for: rule.waits_for.clone(),
            standing: view.standing.iter().map(StandingBody::from).collect(),
            last_matches: view.seen.sights.iter().map(SightBody::from).collect(),
        }
    }
}

/// List the Sigma rules, correlations and baselines in use, with what they found and how often they were right.
#[utoipa::path(get, path = "/sigma/rules", tag = "sigma", params(Wanted),
    responses((status = 200, body = Vec<SigmaRuleBody>), Problems))]
async fn list_sigma_rules(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Vec<SigmaRuleBody>>, Problem> {
    let view = state.stores.sigma.view(&actor).await?;
    Ok(Json(view.rules.iter().filter(|rule| rule.holds(&wanted.text)).map(SigmaRuleBody::from).collect()))
}

/// What a responder says of an alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Judgement {
    /// The alert's fingerprint.
    #[schema(value_type = String)]
    alert: Fingerprint,
    /// `true_positive` when it was what the rule looks for, else `false_positive`.
    #[schema(value_type = String)]
    verdict: Verdict,
    /// Why.
    #[serde(default)]
    note: String,
}

/// Say whether an alert of a Sigma rule was what the rule looks for. The last word on an alert counts.
#[utoipa::path(post, path = "/sigma/rules/{rule}/judge", tag = "sigma", params(("rule" = String, Path)),
    request_body = Judgement, responses((status = 200, body = Done), Problems))]
async fn judge_sigma_alert(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(rule): Id<RuleName>,
    Input(Judgement { alert, verdict, note }): Input<Judgement>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Judge { rule, alert, verdict, note }).await
}
