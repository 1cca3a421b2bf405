//! Why something was refused, and what people are told of it.

use sceau_element_api::CallError;
use sceau_element_api::documents::DocumentError;
use sceau_element_api::problem::Problem;
use sceau_element_api::proof::ProofError;
use sceau_store::StoreError;

use crate::code::{Code, element_problem, store_problem};

/// The title of a passkey's answer that is refused; the code says what about it.
const PASSKEY_TITLE: &str = "The passkey's answer is refused";

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
    Tampered {
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
    /// A sign-in by a provider of identities that ends without a session.
    #[error("signing in by a provider: {0}")]
    SignIn(#[from] crate::oidc::SignInFault),
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
        match self {
            Self::NotSignedIn => Code::NotSignedIn.problem(),
            Self::NoAccessToken => Code::AccessTokenRefused.problem(),
            Self::Role => Code::NotAuthorised.problem(),
            Self::Origin => Code::ForeignOrigin.problem(),
            Self::Tampered { .. } => Code::Tampered.problem(),
            Self::TooMany { retry_ms } => Code::TooManyRequests
                .problem()
                .with_detail(format!("Try again in {} s.", retry_ms.div_ceil(1000))),
            Self::Credentials => Code::CredentialsRefused.problem(),
            Self::Passkey(error) => Problem::new(403, error.code(), PASSKEY_TITLE),
            Self::CeremonyOver => Code::CeremonyOver.problem(),
            Self::Registration => Code::RegistrationRefused.problem(),
            Self::PasswordUnacceptable => Code::PasswordUnacceptable.problem(),
            Self::PasskeyRequired => Code::PasskeyRequired.problem(),
            Self::SignIn(fault) => fault.problem(),
            Self::Invitation => Code::InvitationUnknown.problem(),
            Self::OrganisationUnknown => Code::OrganisationUnknown.problem(),
            Self::Body(why) => Code::Malformed.problem().with_detail(why.clone()),
            Self::Field { field, rule } => {
                Code::FieldInvalid.problem().with_detail(format!("{field}: {rule}"))
            }
            Self::Element(error) => element_problem(error),
            Self::Store(error) => store_problem(error),
            Self::Document(_) | Self::Internal(_) => Code::Internal.problem(),
        }
    }
}
