use thiserror::Error;

use crate::reader::NotDer;

/// Why a time stamp is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StampRefusal {
    /// Not the DER of a response or a token, or one that nobody needs to make.
    #[error("not a time stamp (RFC 3161)")]
    Malformed,
    /// Longer than any.
    #[error("too long for a time stamp")]
    TooLong,
    /// The authority gives none.
    #[error("the authority gives no time stamp: status {status}")]
    NotGranted {
        /// PKIStatus (RFC 3161 §2.4.2): 2 rejection, 3 waiting, 4 and 5 revocation.
        status: u8,
    },
    /// Of other bytes.
    #[error("it is a time stamp of something else")]
    AnotherImprint,
    /// Of another request.
    #[error("it answers another request")]
    AnotherNonce,
    /// A hash or a signature by an algorithm that is not taken.
    #[error("it is made by an algorithm that is not taken here")]
    Algorithm,
    /// The signer's certificate did not come along, or is not the one that the token names.
    #[error("it names no signer whose certificate it brings")]
    UnknownSigner,
    /// The signature does not verify.
    #[error("its signature does not hold")]
    FalseSignature,
    /// No anchor leads to the signer, or its certificate is not for time stamps alone.
    #[error("nobody who is trusted lets its signer make time stamps")]
    Unauthorised,
    /// The signer's certificate was not valid at the time that it says.
    #[error("its signer's certificate was not valid at the time that it says")]
    SignerNotValid,
    /// The authority's clock, or ours, is off.
    #[error("its time is not now: a clock is off")]
    NotNow,
}

impl StampRefusal {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "stamp.malformed",
            Self::TooLong => "stamp.too_long",
            Self::NotGranted { .. } => "stamp.not_granted",
            Self::AnotherImprint => "stamp.another_imprint",
            Self::AnotherNonce => "stamp.another_nonce",
            Self::Algorithm => "stamp.algorithm",
            Self::UnknownSigner => "stamp.unknown_signer",
            Self::FalseSignature => "stamp.false_signature",
            Self::Unauthorised => "stamp.unauthorised",
            Self::SignerNotValid => "stamp.signer_not_valid",
            Self::NotNow => "stamp.not_now",
        }
    }
}

impl From<NotDer> for StampRefusal {
    fn from(_: NotDer) -> Self {
        Self::Malformed
    }
}
