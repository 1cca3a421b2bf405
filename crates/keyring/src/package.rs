//! What a registration authority is given for a keyring that it had made: it hands the code over, and keeps the rest.

use std::fmt;

use sceau_crypto::{KeyId, Typ};
use sceau_element_api::keyring::SecondFactor;
use sceau_element_api::wire::{Code as Why, Refusal};
use sceau_element_api::{KeyringId, PolicyId};
use sceau_trace::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::statement::{Statement, malformed};
use crate::{Code, SecondCode};

/// One version of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRef {
    /// The policy.
    pub id: PolicyId,
    /// Its version.
    pub version: u64,
    /// SHA-256 of that version.
    pub hash: Hash,
}

/// An activation package (JWS typ `sceau-kr-package`, by the element's `keyring-word`). It names nobody.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Format version, 1.
    pub v: u32,
    /// The keyring.
    pub keyring: KeyringId,
    /// Under which policy.
    pub policy: PolicyRef,
    /// The activation code.
    pub code: Code,
    /// The second factor, for another channel than the code's. Not written where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondCode>,
    /// The element's channel key, which terminals pin.
    pub channel: KeyId,
    /// The element's `keyring-word`, which terminals pin: a JWK.
    pub word: String,
    /// SHA-256 of the security officer's certificate.
    pub officer: Hash,
    /// The name of the element's log.
    pub origin: String,
    /// How many terminals the keyring may have.
    pub terminals_most: u8,
    /// When it was made, Unix ms.
    pub made: u64,
    /// Until when it may be activated, Unix ms.
    pub ends: u64,
}

/// A [`Package`] as the element signed it. It has the activation code: redacted and zeroized.
#[derive(PartialEq, Eq)]
pub struct PackageJws(Zeroizing<String>);

impl PackageJws {
    /// The text, for who hands it over.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for PackageJws {
    fn from(jws: String) -> Self {
        Self(Zeroizing::new(jws))
    }
}

impl Serialize for PackageJws {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PackageJws {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Debug for PackageJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PackageJws(redacted)")
    }
}

/// What a terminal must know of a keyring to activate it, besides its factors: which element it believes, and under which policy. No secret is in it; whoever
/// alters it has the activation refused: both proofs of the code are over the element that it names. It comes from the registration authority, by another channel than the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// Format version, 1.
    pub v: u32,
    /// The keyring.
    pub keyring: KeyringId,
    /// Under which policy.
    pub policy: PolicyRef,
    /// The element's channel key.
    pub channel: KeyId,
    /// The element's word, a JWK.
    pub word: String,
    /// SHA-256 of the security officer's certificate.
    pub officer: Hash,
    /// The name of the element's log.
    pub origin: String,
    /// Whether a second factor activates, beside the code. Not written where none does.
    #[serde(default, skip_serializing_if = "SecondFactor::is_none")]
    pub second_factor: SecondFactor,
}

impl Package {
    /// What of it is for a terminal.
    #[must_use]
    pub fn invitation(&self) -> Invitation {
        Invitation {
            v: 1,
            keyring: self.keyring,
            policy: self.policy,
            channel: self.channel,
            word: self.word.clone(),
            officer: self.officer,
            origin: self.origin.clone(),
            second_factor: if self.second.is_some() { SecondFactor::Required } else { SecondFactor::None },
        }
    }
}

impl Statement for Package {
    const TYP: Typ = Typ::KeyringPackage;
    const CODE: Why = Why::DocumentMalformed;

    fn check(&self) -> Result<(), Refusal> {
        let holds = self.v == 1 && self.made < self.ends && !self.origin.is_empty();
        if holds { Ok(()) } else { Err(malformed::<Self>("v 1, an origin, and an end after it was made")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Answer;

    #[test]
    fn no_activation_code_is_printed() {
        let answer = Answer::Fabricated { package: PackageJws::from("header.code.signature".to_owned()) };
        assert!(!format!("{answer:?}").contains("code"), "{answer:?}");
    }
}
