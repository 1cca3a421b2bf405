//! What no platform reads of a keyring: sealed for it in the journal.

use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use sceau_hsm::{HolderKey, KeyVersion};
use sceau_keyring::{Code as ActivationCode, Factors, Identity, RoamingProof, SecondCode};
use sceau_pki::Certificate;
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::keys::KeyringKeys;
use crate::rules::keyring::CERTIFYING;

/// The sealed part. Its JSON is in memory only while it is used.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secrets {
    /// The activation code, until it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ActivationCode>,
    /// The second factor, where there is one, until it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondCode>,
    /// SHA-256 of the package, until it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Hash>,
    /// What the registration authority calls the holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The authority's statement (JWS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Of each terminal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terminals: Vec<TerminalSecrets>,
    /// Of the terminal that may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roaming: Option<RoamingSecrets>,
    /// The keys of those that it had, to tell them so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<FormerKey>,
    /// The holder's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<WrappedKey>,
}

/// What is known of a terminal that may come.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoamingSecrets {
    /// What proves its code.
    pub proof: RoamingProof,
    /// OPAQUE's record of the PIN under its name.
    pub record: Base64Url,
    /// Its key and environment, once it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came: Option<CameSecrets>,
}

/// A terminal that came.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CameSecrets {
    /// Its key, a SubjectPublicKeyInfo.
    pub device: Base64Url,
    /// SHA-256 of its environment.
    pub image: Hash,
}

/// The key of a terminal that was one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormerKey {
    /// The terminal.
    pub terminal: TerminalId,
    /// Its key, a SubjectPublicKeyInfo.
    pub device: Base64Url,
}

/// What is known of a terminal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TerminalSecrets {
    /// The terminal.
    pub terminal: TerminalId,
    /// Its key, a SubjectPublicKeyInfo.
    pub device: Base64Url,
    /// OPAQUE's record of its PIN.
    pub record: Base64Url,
    /// SHA-256 of its environment.
    pub image: Hash,
}

/// The holder's key as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrappedKey {
    /// Its id, 16 bytes.
    pub id: Base64Url,
    /// Which version of the master wraps it.
    pub version: u32,
    /// The wrapped key.
    pub wrapped: Base64Url,
    /// Its public key.
    pub spki: Base64Url,
    /// Its certificate, DER, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Base64Url>,
    /// Those above it that an authority outside gave, up to but without the anchor, DER; none where the embedded authority issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Vec<Base64Url>>,
    /// What an authority outside is asked by (PKCS#10), DER, until it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Base64Url>,
}

impl WrappedKey {
    /// Whether it has a certificate, which has not ended.
    pub(super) fn is_certified_at(&self, now: u64) -> Result<(), Refusal> {
        let waits = || Refusal::new(Code::KeyringPhase, CERTIFYING);
        let certificate = self.certificate.as_ref().ok_or_else(waits)?;
        let certificate = Certificate::from_der(certificate, "a holder's certificate");
        let words = "the holder's certificate has ended: have another keyring made";
        let ended = now > certificate.map_err(unusable)?.not_after();
        if ended { Err(Refusal::new(Code::KeyringPhase, words)) } else { Ok(()) }
    }

    /// As the provider takes it.
    pub(super) fn holder_key(&self) -> Option<HolderKey> {
        let version = KeyVersion::new(self.version)?;
        Some(HolderKey { version, wrapped: self.wrapped.0.clone(), spki: self.spki.0.clone() })
    }
}

impl Secrets {
    pub(super) fn seal(&self, keys: &KeyringKeys, keyring: KeyringId) -> Result<Vec<u8>, Refusal> {
        let json = Zeroizing::new(serde_json::to_vec(self).map_err(|_| unusable("a shape that JSON has"))?);
        keys.seal(&place(keyring), &json).map_err(unusable)
    }

    pub(super) fn open(keys: &KeyringKeys, keyring: KeyringId, sealed: &[u8]) -> Result<Self, Refusal> {
        let json = keys.open_sealed(&place(keyring), sealed).map_err(unusable)?;
        serde_json::from_slice(json.expose()).map_err(|_| damaged(keyring, "its sealed part"))
    }

    /// What activates it, until it was.
    pub(super) fn factors(&self) -> Option<Factors<'_>> {
        Some(Factors { code: self.code.as_ref()?, second: self.second.as_ref() })
    }

    /// OPAQUE's record of the PIN on a terminal, or on the one of the name that is `expected`.
    pub(super) fn record(&self, id: TerminalId, expected: Option<TerminalId>) -> Option<&Base64Url> {
        let coming = self.roaming.as_ref().filter(|_| expected == Some(id));
        self.terminal(id).map(|known| &known.record).or_else(|| coming.map(|coming| &coming.record))
    }

    pub(super) fn terminal(&self, id: TerminalId) -> Option<&TerminalSecrets> {
        self.terminals.iter().find(|known| known.terminal == id)
    }
}

/// A sealed part that is moved to another keyring does not open.
fn place(keyring: KeyringId) -> Vec<u8> {
    [b"keyring/".as_slice(), keyring.as_bytes()].concat()
}

/// What is kept of a keyring is not what it should be: waiting mends nothing, its operator must look.
pub(super) fn damaged(keyring: KeyringId, what: impl std::fmt::Display) -> Refusal {
    tracing::error!(%keyring, %what, "what is kept of a keyring cannot be read");
    let words = "what the element keeps of this keyring cannot be read: have its operator look at its log";
    Refusal::new(Code::Unavailable, words)
}

/// A fault of the element's own keys, or of where it keeps what it has.
pub(super) fn unusable(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a keyring cannot be served");
    Refusal::new(Code::Unavailable, "the element cannot use its keys now: ask again later")
}
