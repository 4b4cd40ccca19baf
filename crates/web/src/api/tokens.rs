//! API tokens: issued with scopes and an end, and revoked. A token's text is shown once and kept nowhere.

use axum::Json;
use axum::extract::State;
use engine::Read;
use kernel::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Problems, ask};
use super::input::{Id, Input};
use crate::doors::reply::Problem;
use crate::letting_in;
use crate::state::AppState;

/// How long a token works when nobody says how long.
const LASTS: Seconds = Seconds::hours(24 * 365);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_tokens, issue_token)).routes(routes!(revoke_token))
}

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
struct TokenBody {
    /// What it is called.
    name: String,
    /// What it may do.
    scopes: Vec<String>,
    /// Until when it works.
    #[schema(value_type = String, format = DateTime)]
    expires: Timestamp,
    /// `live`, `revoked` or `expired`.
    state: &'static str,
}

/// List tokens.
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = Vec<TokenBody>), Problems))]
async fn list_tokens(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<TokenBody>>, Problem> {
    let now = state.engine.now();
    let tokens = state.engine.read(&actor, Read::of("governance:read"), |world| {
        let body = |(name, token): (&str, &governance::Token)| TokenBody {
            name: name.to_string(),
            scopes: token.scopes.iter().map(ToString::to_string).collect(),
            expires: token.expires,
            state: match token.revoked {
                Some(_) => "revoked",
                None if token.is_live(now) => "live",
                None => "expired",
            },
        };
        world.governance.tokens().map(body).collect()
    })?;
    Ok(Json(tokens))
}

/// A token that somebody wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What it is called: the name of the program that will use it.
    name: String,
    /// What it may do: `AREA:read`, `AREA:write` or a single action, such as `alerts:write`.
    scopes: Vec<String>,
    /// How long it works; a year, when absent.
    #[schema(value_type = Option<String>)]
    lasts: Option<Seconds>,
}

/// A token that was issued.
#[derive(Debug, Serialize, ToSchema)]
struct Issued {
    /// What it is called.
    name: String,
    /// Its text. It is shown once and kept nowhere.
    token: String,
    /// Until when it works.
    #[schema(value_type = String, format = DateTime)]
    expires: Timestamp,
}

/// Issue a token.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 200, body = Issued), Problems))]
async fn issue_token(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Input(NewToken { name, scopes, lasts }): Input<NewToken>,
) -> Result<Json<Issued>, Problem> {
    let scopes = scopes.into_iter().map(Into::into).collect();
    let issued = letting_in::issue_token(&state.engine, &actor, &name, scopes, lasts.unwrap_or(LASTS)).await?;
    state.tokens.forget(&name);
    Ok(Json(Issued { name, token: issued.text, expires: issued.expires }))
}

/// Revoke a token.
#[utoipa::path(post, path = "/tokens/{name}/revoke", tag = "tokens", params(("name" = String, Path)),
    responses((status = 200, body = Done), Problems))]
async fn revoke_token(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(name): Id<String>,
) -> Result<Json<Done>, Problem> {
    let done = ask(&state, &actor, governance::Command::RevokeToken { name: name.as_str().into() }).await?;
    state.tokens.forget(&name);
    Ok(done)
}
