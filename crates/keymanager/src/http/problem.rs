//! Problem documents (RFC 9457) as responses.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sceau_element_api::problem::{MEDIA_TYPE, Problem};

use crate::denial::Denial;
use crate::error::Error;
use crate::release::Failure;

/// A problem on its way out.
#[derive(Debug)]
pub struct ProblemResponse(Problem);

impl From<Denial> for ProblemResponse {
    fn from(denial: Denial) -> Self {
        Self(denial.problem())
    }
}

impl From<Error> for ProblemResponse {
    /// The cause stays in the log of the program; the page gets a code.
    fn from(error: Error) -> Self {
        let (status, title) = match &error {
            Error::NotConnected | Error::NoSigningKey => (503, "The key manager is not ready"),
            Error::Platform(_) => (502, "The platform does not answer, or refuses"),
            Error::Acknowledgement(_) | Error::Log(_) | Error::OtherRoot { .. } => {
                (502, "The platform's answer is not proven")
            }
            Error::KeyNeeded(_) => (409, "The key is still needed"),
            Error::UnknownKey => (404, "There is no such key here"),
            _ => (500, "The key manager failed"),
        };
        if status >= 500 {
            tracing::error!(%error, "a request failed");
        }
        let problem = Problem::new(status, error.code(), title);
        Self(if status == 500 { problem } else { problem.with_detail(error.to_string()) })
    }
}

impl From<Failure> for ProblemResponse {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(denial) => denial.into(),
            Failure::Broken(error) => error.into(),
        }
    }
}

impl IntoResponse for ProblemResponse {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
        }
        response
    }
}
