//! Refusals in the specification's form (section 10): a status, a code, and a sentence that clients compare.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct CscError {
    status: u16,
    error: &'static str,
    description: String,
}

impl CscError {
    /// What was sent is wrong; `description` is a sentence of the specification where it has one.
    #[must_use]
    pub fn invalid(description: impl Into<String>) -> Self {
        Self { status: 400, error: "invalid_request", description: description.into() }
    }

    /// A parameter has a value that is not taken.
    pub(crate) fn parameter(name: &str) -> Self {
        Self::invalid(format!("Invalid parameter {name}"))
    }

    /// A parameter is not there, or of another JSON type.
    pub(crate) fn missing(kind: &str, name: &str) -> Self {
        Self::invalid(format!("Missing (or invalid type) {kind} parameter {name}"))
    }

    /// No token, or none that is good.
    pub(crate) fn token() -> Self {
        let description = "The access token is not valid".to_owned();
        Self { status: 401, error: "invalid_token", description }
    }

    /// The token is not for this.
    pub(crate) fn scope() -> Self {
        let description = "The access token is not for signing: its scope has no \"service\"".to_owned();
        Self { status: 403, error: "invalid_scope", description }
    }

    /// What should prove the holder is not taken here.
    pub(crate) fn authentication() -> Self {
        let description = "The authentication data is invalid".to_owned();
        Self { status: 400, error: "invalid_authentication_data", description }
    }

    /// Somebody said no.
    pub(crate) fn denied(why: &str) -> Self {
        Self { status: 400, error: "access_denied", description: why.to_owned() }
    }

    /// It may work later.
    pub(crate) fn later(why: &str) -> Self {
        Self { status: 503, error: "temporarily_unavailable", description: why.to_owned() }
    }

    /// It is asked too often.
    pub(crate) fn often(why: &str) -> Self {
        Self { status: 429, error: "temporarily_unavailable", description: why.to_owned() }
    }

    /// It is our fault, or of what we stand on; the cause is in the log.
    pub(crate) fn server() -> Self {
        let description = "The request could not be served: the operator's log has the cause".to_owned();
        Self { status: 500, error: "server_error", description }
    }

    /// It was taken, and is not done yet (section 11.12).
    pub(crate) fn accepted() -> Self {
        let description = "The previous async request has been accepted but not yet completed".to_owned();
        Self { status: 202, error: "accepted_request", description }
    }

    /// Its code and sentence.
    #[must_use]
    pub fn words(&self) -> (&'static str, &str) {
        (self.error, &self.description)
    }
}

impl IntoResponse for CscError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({"error": self.error, "error_description": self.description});
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        }
        if self.error == "temporarily_unavailable" {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        response
    }
}
