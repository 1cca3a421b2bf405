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
    /// A refusal: status, stable code, what happened, and what to do about it.
    pub(crate) fn refused(
        status: u16,
        code: &'static str,
        title: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self::Refused(Problem::new(status, code, title).with_detail(remedy))
    }

    /// The same answer whether a thing is absent or somebody else's.
    pub(crate) fn not_found() -> Self {
        Self::refused(
            404,
            "not_found",
            "There is no such thing here, or it is not yours",
            "Check the address, and that you are signed in with the right account.",
        )
    }

    /// The request's body is at fault.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::Refused(Problem::new(400, "malformed", "The request is malformed").with_detail(detail))
    }

    /// The body is not the one that its digest names.
    pub(crate) fn digest_mismatch() -> Self {
        Self::refused(
            400,
            "digest_mismatch",
            "What arrived is not what was sent",
            "It was damaged on its way. Send it again.",
        )
    }

    /// The caller acts for one organisation on what is another's.
    pub(crate) fn foreign_organisation() -> Self {
        Self::refused(
            403,
            "foreign_organisation",
            "This is another organisation's",
            "Use the credentials of the organisation that it belongs to.",
        )
    }

    /// The element answered with something that is not what it should be.
    pub(crate) fn element_answer() -> Self {
        Self::refused(
            502,
            "element_answer",
            "The privileged zone answered with something unexpected",
            "Tell the administrator: both programs must be of the same version.",
        )
    }

    /// What the caller is told. Internal causes are for the log.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(problem) => problem.clone(),
            Self::TooMany { retry_ms } => {
                sceau_accounts::AccountsError::TooMany { retry_ms: *retry_ms }.problem()
            }
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
