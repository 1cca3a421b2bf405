//! What the platform carries between the element and actors or terminals, and cannot read.

use std::net::IpAddr;

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::wire::AttestedRow;
use crate::{Base64Url, Nonce};

/// The longest sealed message, in bytes.
pub const LONGEST_SEALED: usize = 192 * 1024;

/// What a context is begun with. The element keeps nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextOffer {
    /// The context, 16 bytes.
    pub id: Base64Url,
    /// The nonce that its first message brings back.
    pub nonce: Nonce,
    /// Until when, in Unix milliseconds.
    pub ends: u64,
    /// The element's key that the first message seals to (X-Wing), 1,216 bytes.
    pub channel: Base64Url,
}

/// A message to the element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedMessage {
    /// Its context, 16 bytes.
    pub context: Base64Url,
    /// Its number in the context, from 1.
    pub seq: u64,
    /// What opens the context, in its first message alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstPart>,
    /// The message, at most [`LONGEST_SEALED`].
    pub sealed: Base64Url,
    /// Where it came from, in the platform's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

/// What opens a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstPart {
    /// The nonce of its offer.
    pub nonce: Nonce,
    /// The context's key, wrapped to the element's.
    pub wrapped: Base64Url,
}

/// The element's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedAnswer {
    /// The number of the message that it answers.
    pub seq: u64,
    /// The answer.
    pub sealed: Base64Url,
}

/// The current version of what the security officer signed, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentDocument {
    /// Which version, and where its record is.
    pub row: AttestedRow,
    /// The exact bytes of the document.
    pub payload: Base64Url,
    /// The evidence of the record that attests it (docs/verify-evidence.md).
    pub evidence: String,
}

/// What anybody may know of the element's part in keyrings. Whoever can pins it: by the package that the element signed, or by the log's first record of keyrings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringsAbout {
    /// The log's name: messages are for it.
    pub origin: String,
    /// The key that the log's checkpoints verify under, as in signed notes: what is on record is believed by it.
    pub log: String,
    /// The key that contexts are sealed to (X-Wing), 1,216 bytes.
    pub channel: Base64Url,
    /// The key (JWK, Ed25519) that packages and proofs of transactions are signed by.
    pub word: String,
    /// SHA-256 of the security officer's certificate.
    pub officer: Hash,
    /// The certificate of the embedded authority, DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Base64Url>,
}
