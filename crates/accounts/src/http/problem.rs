//! Problem documents (RFC 9457) as responses.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sceau_element_api::problem::{MEDIA_TYPE, Problem};

use crate::{AccountsError, Code};

/// A problem on its way out. Other rooms make theirs `from` a [`Problem`].
#[derive(Debug)]
pub struct ProblemResponse {
    problem: Problem,
    retry_after_s: Option<u64>,
}

impl From<Problem> for ProblemResponse {
    fn from(problem: Problem) -> Self {
        Self { problem, retry_after_s: None }
    }
}

impl From<AccountsError> for ProblemResponse {
    fn from(error: AccountsError) -> Self {
        let problem = error.problem();
        if problem.status >= 500 {
            tracing::error!(%error, "a request failed");
        }
        let retry_after_s = match error {
            AccountsError::TooMany { retry_ms } => Some(retry_ms.div_ceil(1000)),
            _ => None,
        };
        Self { problem, retry_after_s }
    }
}

impl IntoResponse for ProblemResponse {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let unauthorised = self.problem.code == Code::AccessTokenRefused.as_str();
        let mut response = (status, Json(self.problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if unauthorised {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        }
        response
    }
}
