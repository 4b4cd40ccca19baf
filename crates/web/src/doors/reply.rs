//! How a program is told no: a status, and JSON that names the field and the rule.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::Seconds;
use kernel::area::RefusalKind;
use serde_json::json;

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The field that broke the rule, where one did.
    pub field: Option<String>,
    /// The rule and a way out.
    pub message: String,
    /// How long to wait before another try, where that helps.
    pub wait: Option<Seconds>,
}

impl Problem {
    /// Any status, with no field.
    #[must_use]
    pub fn of(status: StatusCode, message: impl Into<String>) -> Self {
        let wait = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(Seconds(1));
        Self { status, field: None, message: message.into(), wait }
    }

    /// 400: the request is not what the protocol says.
    #[must_use]
    pub fn bad(message: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST, message)
    }

    /// 401: we do not know who asks.
    #[must_use]
    pub fn unauthorised(message: &str) -> Self {
        Self::of(StatusCode::UNAUTHORIZED, message)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn missing(message: impl Into<String>) -> Self {
        Self::of(StatusCode::NOT_FOUND, message)
    }

    /// 503: we cannot do it now.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// 429: too much of something; it helps to wait.
    #[must_use]
    pub fn too_often(what: &str, wait: Seconds) -> Self {
        let problem = Self::of(StatusCode::TOO_MANY_REQUESTS, format!("too many {what}: try again in {wait}"));
        Self { wait: Some(wait), ..problem }
    }

    /// With the field that broke the rule.
    #[must_use]
    pub fn field(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }
}

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Self {
        let (status, field) = match &error {
            engine::Error::Denied { .. } => (StatusCode::FORBIDDEN, None),
            engine::Error::Refused(refusal) => (status_of(refusal.kind), refusal.field.map(str::to_owned)),
            engine::Error::Failed { .. } | engine::Error::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, None),
        };
        Self { field, ..Self::of(status, error.to_string()) }
    }
}

/// The one mapping from refusals to statuses.
#[must_use]
pub fn status_of(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl Problem {
    /// The same problem with a body in another protocol's words.
    #[must_use]
    pub fn with_body(&self, body: impl IntoResponse) -> Response {
        let mut response = (self.status, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(Seconds(wait)) = self.wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.with_body(Json(json!({ "error": self.message, "field": self.field })))
    }
}
