//! Why the console shows nothing.

use axum::response::{IntoResponse, Response};
use sceau_accounts::{ProblemResponse, element_problem, store_problem};
use sceau_element_api::CallError;
use sceau_element_api::problem::Problem;
use sceau_element_api::wire::{Code, Refusal};

use crate::registration::Unregistered;
use crate::rows::{RowsError, SearchError};

/// A call of the console is refused, or a part of ours gives no answer.
#[derive(Debug)]
pub struct ConsoleFault(Problem);

impl ConsoleFault {
    /// There is no such thing, or it is another organisation's.
    pub(super) fn not_found() -> Self {
        Refusal::new(Code::NotFound, "there is no such thing, or it is not yours").into()
    }

    /// The query is not one.
    pub(super) fn malformed(words: &str) -> Self {
        Refusal::new(Code::Malformed, words).into()
    }

    /// The element answered what it never does.
    pub(super) fn element_answer() -> Self {
        Self(sceau_accounts::Code::ElementAnswer.problem())
    }

    /// The problem document.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0
    }
}

impl From<Refusal> for ConsoleFault {
    fn from(refusal: Refusal) -> Self {
        Self(Problem::from(&refusal))
    }
}

impl From<CallError> for ConsoleFault {
    fn from(error: CallError) -> Self {
        Self(element_problem(&error))
    }
}

impl From<SearchError> for ConsoleFault {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Query(fault) => Self::malformed(fault.words()),
            SearchError::Rows(error) => error.into(),
        }
    }
}

impl From<RowsError> for ConsoleFault {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Store(error) => Self(store_problem(&error)),
            error => {
                tracing::error!(%error, "the console reads no rows");
                Self(sceau_accounts::Code::Internal.problem())
            }
        }
    }
}

impl From<Unregistered> for ConsoleFault {
    fn from(why: Unregistered) -> Self {
        match why {
            Unregistered::Document(error) => Refusal::new(Code::DocumentMalformed, error.to_string()).into(),
            Unregistered::Element(error) => error.into(),
        }
    }
}

impl IntoResponse for ConsoleFault {
    fn into_response(self) -> Response {
        if self.0.status >= 500 {
            tracing::error!(problem = %self.0, "the console fails a request");
        }
        ProblemResponse::from(self.0).into_response()
    }
}
