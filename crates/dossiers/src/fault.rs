//! Why a request of this room did not succeed, and how the API says so.

use sceau_accounts::{AccountsError, Code as Shared, element_problem, store_problem};
use sceau_element_api::CallError;
use sceau_element_api::documents::DocumentError;
use sceau_element_api::problem::Problem;
use sceau_element_api::wire::Code as RefusalCode;
use sceau_store::StoreError;

use crate::code::Code;

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Refused, with what the caller may know.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// Asked too often.
    #[error("too many requests; again in {retry_ms} ms")]
    TooMany {
        /// When to try again, in milliseconds.
        retry_ms: u64,
    },
    /// The database or the objects failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The element refused or is out of reach.
    #[error(transparent)]
    Element(#[from] CallError),
    /// A row or an object is not the one that was attested: edited, swapped or rolled back. Whoever meets it records it
    /// ([`crate::Dossiers::note_tampering`]); the routes do so for every handler.
    #[error("the {kind} {id} is not the one that was attested")]
    Tampered {
        /// Kind of the row.
        kind: &'static str,
        /// Its id.
        id: String,
    },
}

impl Fault {
    /// The same answer whether a thing is absent or somebody else's.
    pub(crate) fn not_found() -> Self {
        Code::NotFound.into()
    }

    /// Whether the element knows a newer version of a row than the one that was read.
    pub(crate) fn is_stale(&self) -> bool {
        let Self::Element(error) = self else { return false };
        error.refusal().is_some_and(|refusal| refusal.code == RefusalCode::StaleVersion)
    }

    /// The request's body is at fault.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::Refused(Shared::Malformed.problem().with_detail(detail))
    }

    /// What the caller is told. Internal causes are for the log.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(problem) => problem.clone(),
            Self::TooMany { retry_ms } => AccountsError::TooMany { retry_ms: *retry_ms }.problem(),
            Self::Element(error) => element_problem(error),
            Self::Store(error) => store_problem(error),
            Self::Tampered { .. } => Shared::Tampered.problem(),
        }
    }

    /// The stable code.
    pub fn code(&self) -> String {
        self.problem().code.into_owned()
    }
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Self::Refused(code.problem())
    }
}

impl From<Shared> for Fault {
    fn from(code: Shared) -> Self {
        Self::Refused(code.problem())
    }
}

impl From<AccountsError> for Fault {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::TooMany { retry_ms } => Self::TooMany { retry_ms },
            AccountsError::Store(error) => Self::Store(error),
            AccountsError::Element(error) => Self::Element(error),
            // An account whose row was tampered with is on record already: the accounts do it themselves.
            error => Self::Refused(error.problem()),
        }
    }
}

impl From<DocumentError> for Fault {
    fn from(error: DocumentError) -> Self {
        Self::Refused(Code::DocumentMalformed.problem().with_detail(error.to_string()))
    }
}
