//! Problem documents (RFC 9457) as responses.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sceau_element_api::problem::{MEDIA_TYPE, Problem};

use crate::code::Code;
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

impl From<Code> for ProblemResponse {
    fn from(code: Code) -> Self {
        Self(code.problem())
    }
}

impl From<Error> for ProblemResponse {
    /// The cause stays in the log of the program; the page gets a code.
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NotConnected => Code::PlatformNotConnected,
            Error::NoCurrentKey => Code::NoCurrentKey,
            Error::NoSigningKey => Code::NoSigningKey,
            Error::Platform(_) => Code::PlatformUnreachable,
            Error::Acknowledgement(_) => Code::AcknowledgementUnproven,
            Error::Log(_) => Code::PlatformLogInconsistent,
            Error::OtherRoot { .. } => Code::PlatformOtherRoot,
            Error::KeyNeeded(_) => Code::KeyNeeded,
            Error::UnknownKey => Code::UnknownKey,
            Error::Store(error) if error.is_full() => Code::StorageFull,
            _ => Code::Internal,
        };
        if code.http_status() >= 500 {
            tracing::error!(%error, code = error.code(), "a request failed");
        }
        let problem = code.problem();
        let inside = matches!(code, Code::Internal | Code::StorageFull);
        Self(if inside { problem } else { problem.with_detail(error.to_string()) })
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
