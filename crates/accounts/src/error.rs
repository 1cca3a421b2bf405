//! Why something was refused, and what people are told of it.

use sceau_element_api::CallError;
use sceau_element_api::documents::DocumentError;
use sceau_element_api::problem::Problem;
use sceau_element_api::proof::ProofError;
use sceau_store::StoreError;

/// Why the accounts refused or failed. [`AccountsError::problem`] is what leaves; causes stay in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// No session, or one that has ended.
    #[error("not signed in")]
    NotSignedIn,
    /// A bearer token that is unknown, expired or of another scope.
    #[error("no valid access token")]
    NoAccessToken,
    /// Signed in, in another role.
    #[error("the role does not allow this")]
    Role,
    /// The request was not made by our own pages.
    #[error("the request comes from another origin")]
    Origin,
    /// A row that the element attested differently: edited, swapped or rolled back.
    #[error("a row of {kind} is not what was attested")]
    RowTampered {
        /// The kind of the row.
        kind: &'static str,
    },
    /// Too often.
    #[error("too many requests; again in {retry_ms} ms")]
    TooMany {
        /// When to try again, in milliseconds.
        retry_ms: u64,
    },
    /// Wrong address, password or passkey, or too many tries. Which one is not said.
    #[error("the credentials are not accepted")]
    Credentials,
    /// A passkey's answer that does not verify.
    #[error("the passkey's answer is refused: {0}")]
    Passkey(#[from] ProofError),
    /// The second step came too late, twice, or without the first.
    #[error("the ceremony is unknown or over")]
    CeremonyOver,
    /// The account cannot be made. Whether the address is taken is not said.
    #[error("the registration is refused")]
    Registration,
    /// The password is too short or too easy.
    #[error("the password is not acceptable")]
    PasswordUnacceptable,
    /// Staff sign in with passkeys only.
    #[error("this role needs a passkey")]
    PasskeyRequired,
    /// An invitation that does not exist, was accepted, or has expired.
    #[error("the invitation is unknown, used or expired")]
    Invitation,
    /// An organisation that is not enrolled.
    #[error("the organisation is unknown")]
    OrganisationUnknown,
    /// The body is not the JSON that it should be.
    #[error("the body is malformed: {0}")]
    Body(String),
    /// A field is outside its limits.
    #[error("field {field}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The element refuses, or does not answer: then nothing is done.
    #[error("the element: {0}")]
    Element(#[from] CallError),
    /// A document that we made ourselves breaks its own limits.
    #[error("a document cannot be made: {0}")]
    Document(#[from] DocumentError),
    /// The database failed.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// Something of ours that should not happen.
    #[error("{0}")]
    Internal(&'static str),
}

impl AccountsError {
    /// The problem document (RFC 9457) that leaves, without any internal cause.
    pub fn problem(&self) -> Problem {
        let simple = |status, code: &'static str, title: &'static str| Problem::new(status, code, title);
        match self {
            Self::NotSignedIn => simple(401, "not_signed_in", "Sign in first"),
            Self::NoAccessToken => simple(401, "access_token_refused", "This needs a valid access token"),
            Self::Role => simple(403, "role_required", "Your role does not allow this"),
            Self::Origin => {
                simple(403, "origin_mismatch", "This must be asked from the platform's own pages")
            }
            Self::RowTampered { kind } => simple(
                403,
                "row_tampered",
                "What the database says is not what was attested; access is refused",
            )
            .with_detail(format!("The {kind} was refused and this was recorded.")),
            Self::TooMany { retry_ms } => simple(429, "too_many_requests", "Too many requests")
                .with_detail(format!("Try again in {} s.", retry_ms.div_ceil(1000))),
            Self::Credentials => simple(401, "credentials_refused", "Sign-in refused").with_detail(
                "Check what you entered. After several failures, wait a while: sign-in is then delayed.",
            ),
            Self::Passkey(error) => Problem::new(403, error.code(), "The passkey's answer is refused"),
            Self::CeremonyOver => simple(409, "ceremony_over", "This step expired or was already used")
                .with_detail("Begin again."),
            Self::Registration => simple(422, "registration_refused", "This account cannot be created")
                .with_detail("If you already have an account, sign in; a passkey works too."),
            Self::PasswordUnacceptable => simple(422, "password_unacceptable", "Choose another password")
                .with_detail("At least 12 characters, of which 5 differ, and not your name or address."),
            Self::PasskeyRequired => simple(403, "passkey_required", "This role signs in with a passkey"),
            Self::Invitation => {
                simple(404, "invitation_unknown", "This invitation is unknown, used or expired")
                    .with_detail("Ask whoever invited you for a new one.")
            }
            Self::OrganisationUnknown => {
                simple(422, "organisation_unknown", "No such organisation is enrolled")
            }
            Self::Body(why) => simple(400, "malformed", "The request is malformed").with_detail(why.clone()),
            Self::Field { field, rule } => simple(422, "field_invalid", "A field is not acceptable")
                .with_detail(format!("{field}: {rule}")),
            Self::Element(CallError::Refused(refusal)) => Problem::from(refusal),
            Self::Element(_) => {
                simple(503, "element_unavailable", "Nothing can be recorded now, so nothing is done")
                    .with_detail("Try again in a moment.")
            }
            Self::Document(_) | Self::Store(_) | Self::Internal(_) => {
                simple(500, "internal", "Something went wrong on our side")
            }
        }
    }
}
