//! Refusals as problem documents (RFC 9457).

use axum::response::{IntoResponse, Response};
use sceau_accounts::ProblemResponse;
use sceau_accounts::callers::CallerCode;
use sceau_element_api::CallError;
use sceau_element_api::problem::Problem;
use sceau_element_api::wire::{Code, Refusal};
use sceau_store::StoreError;

use crate::code::Code as Own;
use crate::feed::FeedError;
use crate::rows::RowsError;

/// Why a caller gets nothing.
#[derive(Debug)]
pub(crate) struct Refused(Problem);

impl Refused {
    pub(crate) fn new(code: Code, words: impl Into<String>) -> Self {
        Refusal::new(code, words).into()
    }

    pub(crate) fn malformed(words: impl Into<String>) -> Self {
        Self::new(Code::Malformed, words)
    }

    pub(crate) fn busy() -> Self {
        Self::new(Code::Busy, "too many requests at once: wait for answers")
    }

    /// The stable code.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &str {
        &self.0.code
    }

    /// What it says.
    #[cfg(test)]
    pub(crate) fn words(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Whether it is so for rows that may have changed meanwhile.
    pub(crate) fn is_of_rows(&self) -> bool {
        [Code::ActorUnknown, Code::KeyringUnknown, Code::KeyringPhase]
            .iter()
            .any(|code| self.0.code == code.as_str())
    }

    fn away(what: &str) -> Self {
        let problem = Problem::new(503, "unavailable", "The host of keyrings is not available");
        Self(problem.with_detail(format!("{what} does not answer: try again in a moment")))
    }
}

impl From<Own> for Refused {
    fn from(code: Own) -> Self {
        Self(code.problem())
    }
}

impl From<CallerCode> for Refused {
    fn from(code: CallerCode) -> Self {
        Self(code.problem())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(Problem::from(&refusal))
    }
}

impl From<CallError> for Refused {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refusal.into(),
            error => {
                tracing::error!(%error, "the element gives no answer");
                Self::away("the element")
            }
        }
    }
}

impl From<RowsError> for Refused {
    fn from(error: RowsError) -> Self {
        tracing::error!(%error, "the database gives no answer");
        Self::away("the database")
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        RowsError::from(error).into()
    }
}

impl From<FeedError> for Refused {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Rows(error) => error.into(),
            FeedError::Element(error) => error.into(),
            FeedError::Unproven(_) => {
                tracing::error!(%error, "the element's log does not hold");
                Self::away("the element")
            }
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        ProblemResponse::from(self.0).into_response()
    }
}
