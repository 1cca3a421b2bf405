//! An application of an organisation, which calls for the protection of data: its name, the keys that it signs its calls with, and those that answers are
//! encrypted to.

use sceau_crypto::jose::KeySet;
use sceau_crypto::jose::jwe::{EncryptionKey, KeyAlgorithm};
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, UserProvider, field, provider, text, version_one};
use crate::protect::KeyMembers;
use crate::{ApplicationId, Kind, OrganisationId, RowId};

/// Keys of one application, the ended ones among them: none is ever forgotten, so that no name is given twice.
const MOST_KEYS: usize = 64;

/// How answers are encrypted to a key of use `enc`. SHA-1 is there for callers that know no other RSA-OAEP.
const ENCRYPTION: &[KeyAlgorithm] =
    &[KeyAlgorithm::RsaOaep256, KeyAlgorithm::DangerRsaOaepSha1, KeyAlgorithm::EcdhEs];

/// An application as an administrator of its organisation registers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationDocument {
    /// Format version, 1.
    pub v: u32,
    /// The application.
    pub application: ApplicationId,
    /// The organisation whose data it protects, for good.
    pub organisation: OrganisationId,
    /// Its name, at most 200 characters.
    pub name: String,
    /// Its keys, 1 to 64.
    pub keys: Vec<ApplicationKey>,
    /// Whether its calls are answered.
    pub status: ApplicationStatus,
    /// Who proves who its users are; none where it asserts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<UserProvider>,
}

/// A public key of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationKey {
    /// Its name in the header of calls or answers: 1 to 64 letters, digits and `._-`. It never names another key.
    pub kid: String,
    /// What it is for, and nothing else; left out of one that signs.
    #[serde(rename = "use", default, skip_serializing_if = "KeyPurpose::signs")]
    pub purpose: KeyPurpose,
    /// How it signs: `ES256`, `EdDSA`, `PS256` or `RS256`; how others encrypt to it: `RSA-OAEP`, `RSA-OAEP-256` or `ECDH-ES`. One key, one algorithm.
    pub alg: String,
    /// The key.
    pub jwk: KeyMembers,
    /// Whether calls under it are answered.
    pub status: KeyStanding,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyPurpose {
    /// Calls verify under it.
    #[default]
    #[serde(rename = "sig")]
    Signatures,
    /// Answers are encrypted to it.
    #[serde(rename = "enc")]
    Encryption,
}

impl KeyPurpose {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn signs(&self) -> bool {
        *self == Self::Signatures
    }
}

/// Whether an application is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationStatus {
    /// Its calls are answered.
    Active,
    /// Its calls are refused, for now.
    Inactive,
}

/// Whether a key is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStanding {
    /// Calls under it are answered.
    Active,
    /// It has ended, for good.
    Ended,
}

impl ApplicationKey {
    /// Whether it is the same key, whatever its standing.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.kid, self.purpose, &self.alg, &self.jwk) == (&other.kid, other.purpose, &other.alg, &other.jwk)
    }

    /// The key, to encrypt to; none where it is for signatures, or no key for its algorithm.
    #[must_use]
    pub fn encrypts(&self) -> Option<EncryptionKey> {
        if self.purpose.signs() {
            return None;
        }
        EncryptionKey::parse(self.as_jwk().to_string().as_bytes(), ENCRYPTION).ok()
    }

    /// Whether it is a key for what it says that it is for.
    fn is_of_use(&self) -> bool {
        if self.purpose.signs() { self.verifies().is_some() } else { self.encrypts().is_some() }
    }

    fn as_jwk(&self) -> serde_json::Value {
        let mut jwk = serde_json::to_value(&self.jwk).unwrap_or_default();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), self.kid.clone().into());
            members.insert("alg".to_owned(), self.alg.clone().into());
            members.insert("use".to_owned(), if self.purpose.signs() { "sig" } else { "enc" }.into());
        }
        jwk
    }

    /// The key, for verifying; none where it is no key for its algorithm.
    fn verifies(&self) -> Option<KeySet> {
        let verifies = provider::verifies(&self.alg, &self.jwk, &self.as_jwk());
        KeySet::parse(&key_set(&[self])).ok().filter(|_| verifies)
    }
}

impl ApplicationDocument {
    /// The keys that calls verify under; none where it has none in use.
    #[must_use]
    pub fn key_set(&self) -> Option<KeySet> {
        let in_use = |key: &&ApplicationKey| key.status == KeyStanding::Active && key.purpose.signs();
        KeySet::parse(&key_set(&self.keys.iter().filter(in_use).collect::<Vec<_>>())).ok()
    }

    /// The key that answers are encrypted to: the last one in use; none where there is none.
    #[must_use]
    pub fn encryption_key(&self) -> Option<&ApplicationKey> {
        let in_use = |key: &&ApplicationKey| key.status == KeyStanding::Active && !key.purpose.signs();
        self.keys.iter().rev().find(in_use)
    }
}

/// A JSON Web Key Set (RFC 7517 section 5).
fn key_set(keys: &[&ApplicationKey]) -> Vec<u8> {
    let keys: Vec<_> = keys.iter().map(|key| key.as_jwk()).collect();
    serde_json::json!({ "keys": keys }).to_string().into_bytes()
}

impl Document for ApplicationDocument {
    const KIND: Kind = Kind::Application;

    fn row(&self) -> RowId {
        self.application.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(text(&self.name, 200, false), "name", "1 to 200 characters on one line")?;
        field((1..=MOST_KEYS).contains(&self.keys.len()), "keys", "1 to 64 keys")?;
        let mut kids: Vec<&str> = self.keys.iter().map(|key| key.kid.as_str()).collect();
        kids.sort_unstable();
        kids.dedup();
        field(kids.len() == self.keys.len(), "keys.kid", "each names one key")?;
        field(self.keys.iter().any(|key| key.purpose.signs()), "keys", "at least one that signs")?;
        for key in &self.keys {
            let other =
                |other: &&ApplicationKey| other.purpose != key.purpose && other.jwk.is_same_key(&key.jwk);
            field(!self.keys.iter().any(|key| other(&key)), "keys.use", "a key that signs decrypts nothing")?;
            field(is_kid(&key.kid), "keys.kid", "1 to 64 letters, digits and ._-")?;
            field(
                key.is_of_use(),
                "keys.jwk",
                "a public key for ES256, EdDSA, PS256 or RS256, of RSA 2,048 to 8,192 bits; of use enc, for RSA-OAEP, RSA-OAEP-256 or ECDH-ES, of RSA 2,048 to 4,096",
            )?;
        }
        let Some(provider) = &self.provider else { return Ok(()) };
        provider.check()?;
        // What the application signs itself proves nobody.
        let own = |theirs: &KeyMembers| self.keys.iter().any(|key| key.jwk.is_same_key(theirs));
        let foreign = !provider.keys.iter().any(|key| own(&key.jwk));
        field(foreign, "provider.keys", "keys of the provider's: none of the application's own")
    }
}

fn is_kid(text: &str) -> bool {
    let token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    // A record shows it: what looks like a network address is no name.
    token && (1..=64).contains(&text.len()) && text.parse::<std::net::IpAddr>().is_err()
}
