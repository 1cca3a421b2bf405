use thiserror::Error;

use crate::reader::NotDer;

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CmsRefusal {
    /// Not the DER of one signature over content kept elsewhere, with signed attributes.
    #[error("it is not one detached signature (CMS) in DER with signed attributes")]
    Malformed,
    /// Longer than any.
    #[error("it is too long for a signature")]
    TooLong,
    /// A hash or a signature by an algorithm that is not taken.
    #[error("it is made by an algorithm that is not taken here")]
    Algorithm,
    /// The signer's certificate did not come along, or is not the one that is signed.
    #[error("it names no signer whose certificate it brings")]
    UnknownSigner,
    /// The content is not what was signed.
    #[error("the content is not what was signed")]
    AnotherContent,
    /// The signature does not verify.
    #[error("the signature is false")]
    FalseSignature,
}

impl CmsRefusal {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "signature.malformed",
            Self::TooLong => "signature.too_long",
            Self::Algorithm => "signature.algorithm",
            Self::UnknownSigner => "signature.unknown_signer",
            Self::AnotherContent => "signature.another_content",
            Self::FalseSignature => "signature.false",
        }
    }
}

impl From<NotDer> for CmsRefusal {
    fn from(_: NotDer) -> Self {
        Self::Malformed
    }
}
