//! Why a request is refused. Each reason has a stable code, which the pages explain and the trace records.

use std::borrow::Cow;

use sceau_crypto::envelope::OpenError;
use sceau_element_api::problem::Problem;
use sceau_pki::Refusal;

use crate::code::Code;

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
    /// The client certificate has no grant as a connector.
    NotGranted,
    /// The grant is not in force at this time.
    GrantNotInForce,
    /// The grant does not reach to this scheme.
    SchemeNotGranted,
    /// The grant allows no decisions.
    DecisionsNotGranted,
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
    /// The form that came along is not the one that was answered, or none came.
    FormDiffers,
    /// Not each file of a scanned scheme has the word of the intake that the organisation trusts.
    NotScanned,
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
    /// The platform's log holds records of this key manager that are not here.
    FolderOutdated,
    /// The platform's log was not compared with our trace since the start.
    LogNotCompared,
    /// The platform does not answer.
    PlatformAway,
    /// The document must be examined, and the reading session to fetch it with did not come along.
    ReadingNeeded,
    /// The antivirus is still at it.
    ScanUnderWay,
    /// No antivirus answers, or it went away.
    ScannerUnavailable,
    /// The antivirus takes no document of this size.
    ScannerTooLarge,
    /// The examination ended without a verdict.
    ScannerFailed,
    /// The process that examines documents could not be confined, and the policy does not allow that.
    ScannerUnconfined,
    /// The platform delivers what is to be examined too slowly.
    PlatformTooSlow,
    /// The antivirus found this.
    Infected(String),
    /// What the platform holds is not what the manifest names.
    DocumentAltered,
    /// Only a supervisor may.
    SupervisorNeeded,
    /// A supervisor asks for an exception for himself.
    ExceptionForOneself,
    /// An exception for somebody without a certificate, or to whom the dossier is not assigned.
    ColleagueMayNot,
    /// An exception for what was not found infected of late.
    NotInfected,
}

impl Denial {
    /// The line of the table.
    fn line(&self) -> Code {
        match self {
            Self::Certificate(refusal) => {
                Code::named(refusal.code()).unwrap_or(Code::CertificateUnacceptable)
            }
            Self::Header(error) | Self::Unwrap(error) => {
                Code::named(error.code()).unwrap_or(Code::HeaderMalformed)
            }
            Self::CertificateWithdrawn => Code::CertificateWithdrawn,
            Self::NotBound => Code::CertificateNotBound,
            Self::NotGranted => Code::ConnectorNotGranted,
            Self::GrantNotInForce => Code::GrantNotInForce,
            Self::SchemeNotGranted => Code::SchemeNotGranted,
            Self::DecisionsNotGranted => Code::DecisionsNotGranted,
            Self::ForeignOrigin => Code::ForeignOrigin,
            Self::Quota => Code::QuotaExceeded,
            Self::Body(_) => Code::Malformed,
            Self::NotConnected => Code::PlatformNotConnected,
            Self::ManifestMalformed => Code::ManifestMalformed,
            Self::ManifestNotAttested => Code::ManifestNotAttested,
            Self::ManifestOfAnotherDossier => Code::ManifestOfAnotherDossier,
            Self::ManifestOfAnotherOrganisation => Code::ManifestOfAnotherOrganisation,
            Self::ManifestOfAnotherKey => Code::ManifestOfAnotherKey,
            Self::FormDiffers => Code::FormDiffers,
            Self::NotScanned => Code::NotScanned,
            Self::ManifestLacksFile => Code::ManifestLacksFile,
            Self::HeaderOfAnotherFile => Code::HeaderOfAnotherFile,
            Self::FileOfAnotherDossier => Code::FileOfAnotherDossier,
            Self::NotAssigned => Code::NotAssigned,
            Self::NotARecipient => Code::NotARecipient,
            Self::KeyDestroyed => Code::KeyNotKept,
            Self::KeyDisabled => Code::KeyDisabled,
            Self::AlreadyDecided => Code::AlreadyDecided,
            Self::Platform(_) => Code::PlatformRefused,
            Self::NotFound => Code::NotFound,
            Self::TooSlow => Code::RequestTooSlow,
            Self::FolderOutdated => Code::FolderOutdated,
            Self::LogNotCompared => Code::LogNotCompared,
            Self::PlatformAway => Code::PlatformUnreachable,
            Self::ReadingNeeded => Code::ScanReadingNeeded,
            Self::ScanUnderWay => Code::ScanUnderWay,
            Self::ScannerUnavailable => Code::ScannerUnavailable,
            Self::ScannerTooLarge => Code::ScannerTooLarge,
            Self::ScannerFailed => Code::ScannerFailed,
            Self::ScannerUnconfined => Code::ScannerUnconfined,
            Self::PlatformTooSlow => Code::PlatformTooSlow,
            Self::Infected(_) => Code::DocumentInfected,
            Self::DocumentAltered => Code::DocumentAltered,
            Self::SupervisorNeeded => Code::SupervisorNeeded,
            Self::ExceptionForOneself => Code::ExceptionForOneself,
            Self::ColleagueMayNot => Code::ColleagueMayNot,
            Self::NotInfected => Code::DocumentNotInfected,
        }
    }

    /// The stable code; the platform's own where it is the platform that refuses.
    pub fn code(&self) -> &str {
        match self {
            Self::Platform(code) => record_code(code),
            _ => self.line().as_str(),
        }
    }

    /// What is more exact than the table.
    fn detail(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Certificate(refusal) => refusal.to_string().into(),
            Self::Header(error) | Self::Unwrap(error) => error.to_string().into(),
            Self::Body(why) => (*why).into(),
            Self::Infected(signature) => signature.clone().into(),
            _ => return None,
        })
    }

    /// The problem document.
    pub fn problem(&self) -> Problem {
        let problem = match self {
            Self::Platform(_) if self.code() != Code::PlatformRefused.as_str() => Problem::new(
                Code::PlatformRefused.http_status(),
                self.code().to_owned(),
                "The platform refuses this",
            ),
            _ => self.line().problem(),
        };
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
    if fits { code } else { Code::PlatformRefused.as_str() }
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail() {
            Some(detail) => write!(f, "{}: {detail}", self.line().title()),
            None => f.write_str(self.line().title()),
        }
    }
}

impl std::error::Error for Denial {}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self::Certificate(refusal)
    }
}
