//! The element's word on a use of a keyring: what holder and service provider keep, and verify without anybody.

use sceau_crypto::{Typ, sha256};
use sceau_element_api::keyring::RequestKind;
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringActorId, KeyringId, KeyringRequestId, TerminalId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::json::json_of;
use crate::statement::{Statement, malformed};
use crate::{Identity, Request};

/// A transaction proof (JWS typ `sceau-kr-proof`, by the element's `keyring-word`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionProof {
    /// Format version, 1.
    pub v: u32,
    /// What the holder agreed to: to sign, or to show who it is.
    #[serde(default = "signs")]
    pub kind: RequestKind,
    /// The request's id.
    pub id: KeyringRequestId,
    /// SHA-256 of the request's JWS.
    pub request: Hash,
    /// Who asked.
    pub provider: KeyringActorId,
    /// Whose consent it was, as a keyring.
    pub keyring: KeyringId,
    /// Who that is, in the registration authority's words. Written where the holder showed who it is, and the policy has that told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
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
    /// What the holder proved it by. Not written where it was the PIN alone.
    #[serde(default = "by_pin", skip_serializing_if = "is_by_pin")]
    pub factors: Vec<ProvenBy>,
    /// When, by the element's clock, Unix ms.
    pub time: u64,
    /// The nonce of the request. Not written where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Index of the record in the element's log. It is not in what the record names, which is made before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

/// What a holder proves that it is them, besides the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvenBy {
    /// The PIN.
    Pin,
    /// The face.
    Face,
}

/// What each use is proven by.
fn by_pin() -> Vec<ProvenBy> {
    vec![ProvenBy::Pin]
}

fn is_by_pin(factors: &[ProvenBy]) -> bool {
    factors == [ProvenBy::Pin]
}

/// What proofs were of before there was another kind.
fn signs() -> RequestKind {
    RequestKind::Sign
}

impl TransactionProof {
    /// SHA-256 of each signature, and of these hashes together.
    #[must_use]
    pub fn signatures_hash(signatures: &[Base64Url]) -> Hash {
        let hashes: Vec<u8> = signatures.iter().flat_map(|signature| sha256(signature)).collect();
        Hash::new(sha256(&hashes))
    }

    /// What the record in the log names it by: SHA-256 of its JSON without the index, in the one form that both sides write.
    #[must_use]
    pub fn record_hash(&self) -> Hash {
        let unplaced = Self { index: None, ..self.clone() };
        Hash::new(sha256(&json_of(&unplaced)))
    }

    /// Whether it is about this request: who asked, what for, all that was shown and signed.
    #[must_use]
    pub fn is_of(&self, request: &Request, jws: &str) -> bool {
        let hashes = request.items.iter().map(|item| &item.hash);
        self.request == Request::hash_of(jws)
            && self.id == request.request
            && self.kind == request.kind
            && self.provider == request.provider
            && self.keyring == request.keyring
            && self.nonce == request.nonce
            && self.description == request.description_hash()
            && hashes.eq(&self.hashes)
    }
}

impl Statement for TransactionProof {
    const TYP: Typ = Typ::KeyringProof;
    const CODE: Code = Code::DocumentMalformed;

    fn check(&self) -> Result<(), Refusal> {
        let signs = self.kind == RequestKind::Sign;
        let holds = self.v == 1 && signs != self.hashes.is_empty() && !(signs && self.identity.is_some());
        if holds { Ok(()) } else { Err(malformed::<Self>("v 1, hashes exactly where it was signed")) }
    }
}
