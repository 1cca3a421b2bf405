//! The element's word on a use of a keyring: what holder and service provider keep, and verify without anybody.

use sceau_crypto::{Typ, sha256};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringActorId, KeyringId, KeyringRequestId, TerminalId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::statement::{Statement, malformed};

/// A transaction proof (JWS typ `sceau-kr-proof`, by the element's `keyring-word`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionProof {
    /// Format version, 1.
    pub v: u32,
    /// The request's id.
    pub id: KeyringRequestId,
    /// SHA-256 of the request's JWS.
    pub request: Hash,
    /// Who asked.
    pub provider: KeyringActorId,
    /// Whose consent it was, as a keyring.
    pub keyring: KeyringId,
    /// On which terminal.
    pub terminal: TerminalId,
    /// Hash of what was shown there.
    pub description: Hash,
    /// What was signed, in this order.
    pub hashes: Vec<Base64Url>,
    /// [`TransactionProof::signatures_hash`] of the signatures.
    pub signatures: Hash,
    /// SHA-256 of the keyring's policy.
    pub policy: Hash,
    /// SHA-256 of the consent, its JWS.
    pub sad: Hash,
    /// When, by the element's clock, Unix ms.
    pub time: u64,
    /// The nonce of the request. Not written where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Index of the record in the element's log. Not written where the proof is made before it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

impl TransactionProof {
    /// SHA-256 of each signature, and of these hashes together.
    #[must_use]
    pub fn signatures_hash(signatures: &[Base64Url]) -> Hash {
        let hashes: Vec<u8> = signatures.iter().flat_map(|signature| sha256(signature)).collect();
        Hash::new(sha256(&hashes))
    }
}

impl Statement for TransactionProof {
    const TYP: Typ = Typ::KeyringProof;
    const CODE: Code = Code::DocumentMalformed;

    fn check(&self) -> Result<(), Refusal> {
        if self.v == 1 { Ok(()) } else { Err(malformed::<Self>("v is 1")) }
    }
}
