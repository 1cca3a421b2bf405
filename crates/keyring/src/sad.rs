//! Signature activation data (EN 419241-1): the holder's consent, bound to all that it is about. One function makes it, for who signs it and for who compares it.

use sceau_crypto::{Label, Typ};
use sceau_element_api::keyring::KeyringAlgorithm;
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_element_api::{Base64Url, KeyringId, Nonce};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::Request;
use crate::request::ItemHash;
use crate::statement::{Statement, malformed};

/// A consent (JWS typ `sceau-kr-sad`, by the terminal's key).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sad {
    /// Format version, 1.
    pub v: u32,
    /// The keyring.
    pub keyring: KeyringId,
    /// Its key, 16 bytes.
    pub key: Base64Url,
    /// Thumbprint of the terminal's key, 32 bytes.
    pub terminal: Base64Url,
    /// Thumbprint (RFC 7638) of the service provider's key: its certificate may be renewed.
    pub provider: Hash,
    /// SHA-256 of the request's JWS.
    pub request: Hash,
    /// [`Request::description_hash`] of what was shown.
    pub description: Hash,
    /// What is signed, in this order.
    pub hashes: Vec<Base64Url>,
    /// How that was hashed.
    pub hash: ItemHash,
    /// How it is signed. Not written where only who it is is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<KeyringAlgorithm>,
    /// How many there are.
    pub count: u32,
    /// SHA-256 of the keyring's policy.
    pub policy: Hash,
    /// The keyring's version.
    pub state: Version,
    /// The context's nonce.
    pub challenge: Nonce,
    /// The number of the message that brings it.
    pub seq: u64,
    /// [`Sad::transcript`] of the PIN's proof.
    pub opaque: Hash,
    /// When the terminal says that the holder agreed, Unix ms.
    pub time: u64,
    /// Until when it is good, Unix ms.
    pub ends: u64,
}

/// What a consent must say, from what each side knows by itself.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The keyring.
    pub keyring: KeyringId,
    /// Its key, 16 bytes.
    pub key: &'a [u8],
    /// Thumbprint of the terminal's key.
    pub terminal: [u8; 32],
    /// Thumbprint of the service provider's key.
    pub provider: Hash,
    /// The request, as its JWS.
    pub request_jws: &'a str,
    /// What that says.
    pub request: &'a Request,
    /// SHA-256 of the keyring's policy.
    pub policy: Hash,
    /// The keyring's version.
    pub state: Version,
    /// The context's nonce.
    pub challenge: Nonce,
    /// The number of the message that brings it.
    pub seq: u64,
    /// [`Sad::transcript`].
    pub opaque: Hash,
    /// The terminal's clock. The element takes it from the consent, and bounds it by the context and the request.
    pub time: u64,
    /// The same.
    pub ends: u64,
}

impl Sad {
    /// The one consent to this. The element compares it for equality, and takes nothing over from the one that came but its two times.
    #[must_use]
    pub fn expected(of: &Expected<'_>) -> Self {
        let hashes: Vec<_> = of.request.items.iter().map(|item| item.hash.clone()).collect();
        Self {
            v: 1,
            keyring: of.keyring,
            key: of.key.into(),
            terminal: of.terminal.as_slice().into(),
            provider: of.provider,
            request: Request::hash_of(of.request_jws),
            description: of.request.description_hash(),
            count: u32::try_from(hashes.len()).unwrap_or(u32::MAX),
            hashes,
            hash: of.request.hash,
            algorithm: of.request.algorithm,
            policy: of.policy,
            state: of.state,
            challenge: of.challenge,
            seq: of.seq,
            opaque: of.opaque,
            time: of.time,
            ends: of.ends,
        }
    }

    /// Hash of the three messages by which the PIN was proven (96, 320 and 64 bytes).
    #[must_use]
    pub fn transcript(ke1: &[u8], ke2: &[u8], ke3: &[u8]) -> Hash {
        Hash::new(Label::KeyringUse.hash(&[ke1, ke2, ke3]))
    }
}

impl Statement for Sad {
    const TYP: Typ = Typ::KeyringSad;
    const CODE: Code = Code::SadInvalid;

    fn check(&self) -> Result<(), Refusal> {
        let holds = self.v == 1 && self.time < self.ends;
        if holds { Ok(()) } else { Err(malformed::<Self>("v 1, and an end after its time")) }
    }
}
