//! Contents of the profile `cbc-rs256`: what the element signs of one, and what it is asked to. `docs/protect-by-tokens.md` has the form.

use serde::{Deserialize, Serialize};

use super::{DatumId, call};
use crate::Base64Url;

/// Why a content is refused, whatever is wrong with it: one text for all, so that it tells nothing.
pub const CONTENT_REFUSED: &str =
    "not a content that was signed for this datum, or it was altered; the call is used up: sign another";

/// How a content is kept that is encrypted under a datum's key, where that is no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentProfile {
    /// AES-256-CBC, under a signature of the element's.
    #[serde(rename = "cbc-rs256")]
    CbcRs256,
}

/// A content that is to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentToSign {
    /// The datum.
    pub datum: DatumId,
    /// What came with the key that it was encrypted under.
    pub permit: Base64Url,
    /// SHA-256 of it.
    pub sha256: Base64Url,
}

/// What the element signs of a content: a JWS whose `typ` is [`sceau_crypto::Typ::Content`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentClaims {
    /// The log's name.
    pub iss: String,
    /// When it was signed, in Unix seconds.
    pub iat: u64,
    /// The datum.
    pub datum: DatumId,
    /// SHA-256 of the message up to the signature.
    pub sha256: Base64Url,
}

impl ContentClaims {
    /// What a signature says that was verified.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok().filter(|claims: &Self| claims.sha256.len() == 32)
    }

    /// What a signature says, not verified: for who compares it with a content once the element has verified it.
    #[must_use]
    pub fn unverified(jws: &str) -> Option<Self> {
        Self::parse(&call::payload(jws)?)
    }
}
