//! Why a request of this room did not succeed, and how the API says so.

use sceau_element_api::CallError;
use sceau_element_api::documents::DocumentError;
use sceau_element_api::problem::Problem;
use sceau_store::StoreError;

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Refused, with what the caller may know.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The database or the objects failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The element refused or is out of reach.
    #[error(transparent)]
    Element(#[from] CallError),
    /// A row is not the one that the element attested: edited, swapped or rolled back.
    #[error("the {kind} {id} is not the one that was attested")]
    Tampered {
        /// Kind of the row.
        kind: &'static str,
        /// Its id.
        id: String,
    },
}

impl Fault {
    /// A refusal with its status, stable code and title.
    pub(crate) fn refused(status: u16, code: &'static str, title: &'static str) -> Self {
        Self::Refused(Problem::new(status, code, title))
    }

    /// The same answer whether a thing is absent or somebody else's.
    pub(crate) fn not_found() -> Self {
        Self::refused(404, "not_found", "There is no such thing here, or it is not yours")
    }

    /// The request's body is at fault.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::Refused(Problem::new(400, "malformed", "The request is malformed").with_detail(detail))
    }

    /// The body is not the one that its digest names.
    pub(crate) fn digest_mismatch() -> Self {
        Self::refused(400, "digest_mismatch", "The part was damaged on its way; send it again")
    }

    /// What the caller is told. Internal causes are for the log.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(problem) => problem.clone(),
            Self::Element(error) => match error.refusal() {
                Some(refusal) => Problem::from(refusal),
                None => Problem::new(503, "element_unavailable", "The privileged zone does not answer")
                    .with_detail("Nothing was done that is not recorded. Try again in a moment."),
            },
            Self::Store(_) => Problem::new(500, "storage", "The platform could not store or read this")
                .with_detail(
                    "Nothing that was acknowledged is lost. Try again; then tell the administrator.",
                ),
            Self::Tampered { .. } => Problem::new(
                409,
                "tampered",
                "A record of the platform is not the one that was attested, and is refused",
            )
            .with_detail("The incident is in the trace. Tell the administrator of the platform."),
        }
    }

    /// The stable code.
    pub fn code(&self) -> String {
        self.problem().code.into_owned()
    }
}

impl From<DocumentError> for Fault {
    fn from(error: DocumentError) -> Self {
        Self::Refused(
            Problem::new(422, "document_malformed", "The document is malformed")
                .with_detail(error.to_string()),
        )
    }
}
