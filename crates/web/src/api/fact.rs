//! Facts as this API tells them, and what goes wrong as the description says it.

use axum::Json;
use engine::{Command, Fact};
use kernel::area::EventMeta as _;
use kernel::{Actor, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::doors::reply::Problem;
use crate::state::AppState;

/// A fact that a command made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Made {
    /// Its place in the journal.
    seq: u64,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The area that decided it.
    area: &'static str,
    /// What happened, such as `IncidentDeclared`.
    kind: &'static str,
    /// What it is about, such as `INC-42`.
    stream: String,
    /// Who asked for it; for a reaction, the area that reacts.
    actor: String,
    /// The access policy that allowed it.
    policy: String,
    /// The fact that it reacts to.
    cause: Option<u64>,
}

/// What a command answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    /// The facts that it made, its own first; empty when nothing had to change.
    pub facts: Vec<Made>,
}

impl From<&Fact> for Made {
    fn from(fact: &Fact) -> Self {
        Self {
            seq: fact.seq.0,
            at: fact.at,
            area: fact.event.area(),
            kind: fact.event.kind(),
            stream: fact.event.stream().0.into(),
            actor: fact.actor.to_string(),
            policy: fact.policy.to_string(),
            cause: fact.cause.map(|seq| seq.0),
        }
    }
}

/// The facts of an answer.
pub(super) fn made(facts: &[Fact]) -> Vec<Made> {
    facts.iter().map(Made::from).collect()
}

/// Asks for something and answers with the facts that it made.
pub(super) async fn ask(state: &AppState, actor: &Actor, command: impl Into<Command>) -> Result<Json<Done>, Problem> {
    let facts = state.engine.ask(actor, command).await?;
    Ok(Json(Done { facts: made(&facts) }))
}

/// Why a request came to nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// The rule, and a way out.
    error: String,
    /// The field that broke the rule, where one did.
    field: Option<String>,
}

/// What can go wrong with any request.
#[derive(Debug, utoipa::IntoResponses)]
#[expect(dead_code, reason = "only the description reads it")]
pub(super) enum Problems {
    /// The request is not what this description says.
    #[response(status = 400)]
    Bad(ProblemBody),
    /// We do not know who asks: send a token.
    #[response(status = 401)]
    Unknown(ProblemBody),
    /// The access policies do not allow it.
    #[response(status = 403)]
    Denied(ProblemBody),
    /// There is no such thing.
    #[response(status = 404)]
    Missing(ProblemBody),
    /// The request did not come, or its answer did not begin, in time.
    #[response(status = 408)]
    Late(ProblemBody),
    /// The thing is not in a state that allows it.
    #[response(status = 409)]
    Conflict(ProblemBody),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(ProblemBody),
    /// The body is packed: send it as it is.
    #[response(status = 415)]
    Packed(ProblemBody),
    /// A field breaks a rule.
    #[response(status = 422)]
    Invalid(ProblemBody),
    /// Too many requests, or too many wrong tokens: `Retry-After` says how long to wait.
    #[response(status = 429)]
    TooOften(ProblemBody),
    /// The journal is not available: try again in a moment.
    #[response(status = 503)]
    Unavailable(ProblemBody),
}
