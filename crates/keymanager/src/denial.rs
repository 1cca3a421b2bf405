//! Why a request is refused. Each reason has a stable code, which the pages explain and the trace records.

use std::borrow::Cow;

use sceau_crypto::envelope::OpenError;
use sceau_element_api::problem::Problem;
use sceau_pki::Refusal;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// The client certificate is missing or not acceptable.
    Certificate(Refusal),
    /// The client certificate was withdrawn by an administrator.
    CertificateWithdrawn,
    /// The client certificate is bound to no account.
    NotBound,
    /// The request does not come from this key manager's own pages.
    ForeignOrigin,
    /// Too many content keys in a short time.
    Quota,
    /// The body is not what this call takes.
    Body(&'static str),
    /// The key manager is connected to no platform.
    NotConnected,
    /// The manifest is not readable.
    ManifestMalformed,
    /// The log does not prove that this manifest was attested for this dossier.
    ManifestNotAttested,
    /// The manifest is of another dossier than the one asked for.
    ManifestOfAnotherDossier,
    /// The manifest is for another organisation.
    ManifestOfAnotherOrganisation,
    /// The manifest's recipient key is none of ours.
    ManifestOfAnotherKey,
    /// The header is not one.
    Header(OpenError),
    /// The header is of a file that the manifest does not name.
    ManifestLacksFile,
    /// The header is of another file than the one asked for.
    HeaderOfAnotherFile,
    /// The header is of a file that was sealed for another dossier, whatever the manifest names.
    FileOfAnotherDossier,
    /// The dossier is assigned to other people.
    NotAssigned,
    /// No stanza for a key that is here.
    NotARecipient,
    /// The key was destroyed.
    KeyDestroyed,
    /// The key is disabled in the keystore.
    KeyDisabled,
    /// The envelope does not open under our key.
    Unwrap(OpenError),
    /// A final decision stands.
    AlreadyDecided,
    /// The platform refuses what was sent, for good; its code.
    Platform(String),
    /// Nothing here.
    NotFound,
    /// The request took too long to arrive, or to answer.
    TooSlow,
    /// An act that is not possible now.
    Conflict {
        /// The code.
        code: &'static str,
        /// Why.
        why: String,
    },
}

impl Denial {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Certificate(refusal) => refusal.code(),
            Self::CertificateWithdrawn => "certificate_withdrawn",
            Self::NotBound => "certificate_not_bound",
            Self::ForeignOrigin => "foreign_origin",
            Self::Quota => "quota_exceeded",
            Self::Body(_) => "malformed",
            Self::NotConnected => "platform_not_connected",
            Self::ManifestMalformed => "manifest_malformed",
            Self::ManifestNotAttested => "manifest_not_attested",
            Self::ManifestOfAnotherDossier => "manifest_of_another_dossier",
            Self::ManifestOfAnotherOrganisation => "manifest_of_another_organisation",
            Self::ManifestOfAnotherKey => "manifest_of_another_key",
            Self::Header(error) | Self::Unwrap(error) => error.code(),
            Self::ManifestLacksFile => "manifest_lacks_file",
            Self::HeaderOfAnotherFile => "header_of_another_file",
            Self::FileOfAnotherDossier => "file_of_another_dossier",
            Self::NotAssigned => "not_assigned",
            Self::NotARecipient => "not_a_recipient",
            Self::KeyDestroyed => "key_not_kept",
            Self::KeyDisabled => "key_disabled",
            Self::AlreadyDecided => "already_decided",
            Self::Platform(code) => code,
            Self::NotFound => "not_found",
            Self::TooSlow => "request_too_slow",
            Self::Conflict { code, .. } => code,
        }
    }

    /// The code as a record may hold it: another's word is only repeated where it is one.
    pub(crate) fn record_code(&self) -> &str {
        match self {
            Self::Platform(code) => record_code(code),
            _ => self.code(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Certificate(Refusal::Missing) => 401,
            Self::Certificate(_)
            | Self::CertificateWithdrawn
            | Self::NotBound
            | Self::ForeignOrigin
            | Self::NotAssigned
            | Self::ManifestOfAnotherOrganisation => 403,
            Self::Quota => 429,
            Self::NotConnected | Self::KeyDisabled => 503,
            Self::NotFound => 404,
            Self::TooSlow => 408,
            Self::AlreadyDecided | Self::Platform(_) | Self::Conflict { .. } => 409,
            Self::KeyDestroyed => 410,
            Self::Body(_) => 400,
            _ => 422,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Certificate(_) | Self::CertificateWithdrawn => "The client certificate is not accepted",
            Self::NotBound => "The certificate is not bound to an account",
            Self::ForeignOrigin => "The request comes from another page",
            Self::Quota => "Too many documents in a short time",
            Self::Body(_) => "The request cannot be read",
            Self::NotConnected => "The key manager is not connected to a platform",
            Self::ManifestMalformed
            | Self::ManifestNotAttested
            | Self::ManifestOfAnotherDossier
            | Self::ManifestOfAnotherOrganisation
            | Self::ManifestOfAnotherKey
            | Self::ManifestLacksFile
            | Self::FileOfAnotherDossier => "The dossier is not the one that was deposited",
            Self::Header(_) | Self::HeaderOfAnotherFile | Self::Unwrap(_) => "The document was altered",
            Self::NotAssigned => "The dossier is assigned to other people",
            Self::NotARecipient | Self::KeyDestroyed | Self::KeyDisabled => {
                "The key of this document is not here"
            }
            Self::AlreadyDecided => "A final decision was taken before",
            Self::Platform(_) => "The platform refuses this",
            Self::NotFound => "There is nothing here",
            Self::TooSlow => "The request took too long",
            Self::Conflict { .. } => "This is not possible now",
        }
    }

    fn detail(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Certificate(refusal) => refusal.to_string().into(),
            Self::CertificateWithdrawn => {
                "an administrator withdrew this certificate; ask for a new one".into()
            }
            Self::NotBound => "give its fingerprint to the key manager's administrator".into(),
            Self::Header(error) | Self::Unwrap(error) => error.to_string().into(),
            Self::Body(why) => (*why).into(),
            Self::Conflict { why, .. } => why.clone().into(),
            _ => return None,
        })
    }

    /// The problem document.
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(self.status(), self.code().to_owned(), self.title());
        match self.detail() {
            Some(detail) => problem.with_detail(detail),
            None => problem,
        }
    }
}

/// A platform's code, or the one that says that it gave none.
pub(crate) fn record_code(code: &str) -> &str {
    let plain = code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
    let fits = plain && code.len() <= 64 && code.starts_with(|c: char| c.is_ascii_lowercase());
    if fits { code } else { "platform_refused" }
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail() {
            Some(detail) => write!(f, "{}: {detail}", self.title()),
            None => f.write_str(self.title()),
        }
    }
}

impl std::error::Error for Denial {}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self::Certificate(refusal)
    }
}
