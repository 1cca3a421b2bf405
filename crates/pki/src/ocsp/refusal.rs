//! Why an answer is not believed.

/// What a responder says instead of an answer (OCSPResponseStatus, RFC 6960 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspFailure {
    /// It did not understand the question.
    MalformedRequest,
    /// It failed.
    InternalError,
    /// It asks to be asked later.
    TryLater,
    /// It takes signed questions only.
    SignatureRequired,
    /// It does not speak for this issuer, or not to us.
    Unauthorised,
}

impl OcspFailure {
    pub(super) fn of_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::MalformedRequest),
            2 => Some(Self::InternalError),
            3 => Some(Self::TryLater),
            5 => Some(Self::SignatureRequired),
            6 => Some(Self::Unauthorised),
            _ => None,
        }
    }

    /// As RFC 6960 names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => "internalError",
            Self::TryLater => "tryLater",
            Self::SignatureRequired => "sigRequired",
            Self::Unauthorised => "unauthorized",
        }
    }

    /// The whole response that says so.
    pub fn to_der(self) -> Vec<u8> {
        let number = match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::SignatureRequired => 5,
            Self::Unauthorised => 6,
        };
        crate::der::sequence(&[crate::der::tlv(crate::der::tag::ENUMERATED, &[number])])
    }
}

/// Why a response is no answer to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OcspRefusal {
    /// It is longer than any answer.
    #[error("the response is longer than any answer (64 KiB)")]
    TooLarge,
    /// Cut short, damaged, or no response at all.
    #[error("this is not an OCSP response (RFC 6960)")]
    Malformed,
    /// The responder gives no answer.
    #[error("the responder answers {}", .0.as_str())]
    Failed(OcspFailure),
    /// It has a critical extension that is not understood here.
    #[error("the response has a critical extension that is not understood here")]
    UnknownCriticalExtension,
    /// It speaks of other certificates, or of another issuer's.
    #[error("the response speaks of another certificate")]
    AnotherCertificate,
    /// It answers another question: one that was recorded and sent again.
    #[error("the response answers another question: its nonce is not ours")]
    AnotherNonce,
    /// It may answer any question, and this one was to be answered.
    #[error("the response does not have the nonce of the question, which is demanded")]
    NoNonce,
    /// It was signed neither by the issuer nor by a certificate that comes with it.
    #[error(
        "the response is signed by nobody who is known: neither the issuer nor a certificate that it brings"
    )]
    UnknownSigner,
    /// Its signature is false, or of an algorithm that is not believed.
    #[error("the response's signature is false")]
    FalseSignature,
    /// The issuer did not make the signer its responder.
    #[error("the response is signed by somebody whom the issuer did not make its responder")]
    Unauthorised,
    /// The responder's own certificate ended, or begins later.
    #[error("the responder's own certificate is not valid now")]
    SignerNotValid,
    /// The issuer took the responder's own certificate back.
    #[error("the responder's own certificate was revoked")]
    SignerRevoked,
    /// No current list says whether the responder's own certificate was taken back, and the issuer demands that one is asked.
    #[error("no current revocation list says whether the responder's own certificate was taken back")]
    SignerUnchecked,
    /// It tells of a moment that is still to come.
    #[error("the response was made in the future: check the clocks")]
    Future,
    /// Another one was due before now.
    #[error("the response is over: its time ended")]
    Expired,
}

impl OcspRefusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "ocsp_too_large",
            Self::Malformed => "ocsp_malformed",
            Self::Failed(_) => "ocsp_failed",
            Self::UnknownCriticalExtension => "ocsp_unknown_critical_extension",
            Self::AnotherCertificate => "ocsp_another_certificate",
            Self::AnotherNonce => "ocsp_another_nonce",
            Self::NoNonce => "ocsp_no_nonce",
            Self::UnknownSigner => "ocsp_unknown_signer",
            Self::FalseSignature => "ocsp_false_signature",
            Self::Unauthorised => "ocsp_unauthorized",
            Self::SignerNotValid => "ocsp_signer_not_valid",
            Self::SignerRevoked => "ocsp_signer_revoked",
            Self::SignerUnchecked => "ocsp_signer_unchecked",
            Self::Future => "ocsp_future",
            Self::Expired => "ocsp_expired",
        }
    }
}

impl From<crate::reader::NotDer> for OcspRefusal {
    fn from(_: crate::reader::NotDer) -> Self {
        Self::Malformed
    }
}
