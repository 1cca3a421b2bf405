//! Proofs that an actor asked: what travels, what it covers, and how it is checked. Pure: no clock, no socket, no randomness.
//!
//! Passkeys are checked here rather than by a WebAuthn library, because libraries draw the challenge themselves, and ours is
//! the hash of the request and of a nonce of the element.

mod assertion;
mod authenticator_data;
mod challenge;
mod client_data;
mod cose;
mod registration;

pub use assertion::{Assertion, VerifiedAssertion, verify_assertion};
pub use challenge::{login_challenge, passkey_challenge, payload_digest};
pub use client_data::Expected;
pub use cose::CoseKey;
pub use registration::{VerifiedRegistration, verify_registration};

use serde::{Deserialize, Serialize};

use crate::{Base64Url, Nonce};

/// The proof of an attestation, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proof {
    /// A WebAuthn assertion whose challenge is [`passkey_challenge`].
    Passkey {
        /// The credential that signed.
        credential_id: Base64Url,
        /// `authenticatorData` of the assertion.
        authenticator_data: Base64Url,
        /// `clientDataJSON` of the assertion.
        client_data_json: Base64Url,
        /// `signature` of the assertion.
        signature: Base64Url,
        /// The nonce of the element that the challenge holds.
        nonce: Nonce,
    },
    /// A compact JWS whose payload is the attested payload, byte for byte.
    Jws {
        /// The JWS.
        jws: String,
    },
    /// Nobody but the platform says so. The record says that.
    PlatformAsserted,
}

impl Proof {
    /// The passkey assertion and its nonce, where the proof is one.
    #[must_use]
    pub fn assertion(&self) -> Option<(Assertion<'_>, Nonce)> {
        match self {
            Self::Passkey { credential_id, authenticator_data, client_data_json, signature, nonce } => {
                Some((Assertion { credential_id, authenticator_data, client_data_json, signature }, *nonce))
            }
            Self::Jws { .. } | Self::PlatformAsserted => None,
        }
    }
}

/// Why a proof is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// `clientDataJSON` is not what WebAuthn section 5.8.1 says.
    #[error("the client data is malformed")]
    ClientData,
    /// It was made for another ceremony.
    #[error("the client data is of another ceremony")]
    Ceremony,
    /// It answers another challenge.
    #[error("the challenge is another one")]
    Challenge,
    /// It was made at another web origin, or inside a foreign frame.
    #[error("the web origin is not the expected one")]
    Origin,
    /// The authenticator data is not what WebAuthn section 6.1 says.
    #[error("the authenticator data is malformed")]
    AuthenticatorData,
    /// It was made for another relying party.
    #[error("the relying party is another one")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("user presence is missing")]
    UserPresence,
    /// The authenticator did not verify its user (PIN, fingerprint).
    #[error("user verification is missing")]
    UserVerification,
    /// The public key is not an ES256 (P-256) or EdDSA (Ed25519) COSE_Key.
    #[error("the public key is of an unknown type")]
    Key,
    /// The attestation object is not what WebAuthn section 6.5 says.
    #[error("the attestation object is malformed")]
    AttestationObject,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

impl ProofError {
    /// Each of them.
    pub const ALL: [Self; 11] = [
        Self::ClientData,
        Self::Ceremony,
        Self::Challenge,
        Self::Origin,
        Self::AuthenticatorData,
        Self::RelyingParty,
        Self::UserPresence,
        Self::UserVerification,
        Self::Key,
        Self::AttestationObject,
        Self::Signature,
    ];

    /// The stable code, in snake case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ClientData => "passkey_client_data_malformed",
            Self::Ceremony => "passkey_ceremony_mismatch",
            Self::Challenge => "passkey_challenge_mismatch",
            Self::Origin => "passkey_origin_mismatch",
            Self::AuthenticatorData => "passkey_authenticator_data_malformed",
            Self::RelyingParty => "passkey_relying_party_mismatch",
            Self::UserPresence => "passkey_user_presence_missing",
            Self::UserVerification => "passkey_user_verification_missing",
            Self::Key => "passkey_key_unknown",
            Self::AttestationObject => "passkey_attestation_malformed",
            Self::Signature => "passkey_signature_invalid",
        }
    }
}
