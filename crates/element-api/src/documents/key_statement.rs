//! A key, in the organisation's own word: signed by its root (JWS typ `sceau-key-statement`).

use sceau_crypto::{Fingerprint, KeyId, RecipientKey, RecipientSuite, Typ, VerifyingKey, jws};
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, Verified, field, version_one};
use crate::{Base64Url, Kind, OrganisationId, RowId};

/// What an organisation's root says of one of its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyStatement {
    /// Format version, 1.
    pub v: u32,
    /// The organisation.
    pub organisation: OrganisationId,
    /// What the key is for.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// Its suite.
    pub suite: KeySuite,
    /// Its id: of a recipient key, its envelope key id; of a signing key, its fingerprint.
    pub key_id: KeyId,
    /// Its public half: raw (X-Wing 1,216 bytes, Ed25519 32) or SPKI DER (RSA).
    pub public_key: Base64Url,
    /// From when it may be used, in Unix milliseconds.
    pub not_before: u64,
    /// Until when it may be used, in Unix milliseconds.
    pub not_after: u64,
    /// The key of the same use that it follows; none for the first.
    pub predecessor: Option<KeyId>,
    /// 1 for the first statement of a use, one more for each next.
    pub serial: u64,
    /// Where the organisation's people open documents, `https://host[:port]`.
    pub key_manager: String,
    /// The organisation's root (Ed25519, 32 raw bytes).
    pub root_key: Base64Url,
    /// That the predecessor is withdrawn: somebody may know it, and nothing that is sealed to it, or signed with it, is taken any more. Not written
    /// where it is not so.
    #[serde(default, skip_serializing_if = "is_false")]
    pub withdraws_predecessor: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// Sealing to the organisation.
    Encrypt,
    /// Decisions and records of its key manager.
    Sign,
}

impl KeyUse {
    /// The text of the use, as in JSON and in row ids.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::Sign => "sign",
        }
    }
}

/// The suite of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeySuite {
    /// HPKE base mode with X-Wing (X25519 and ML-KEM-768).
    #[serde(rename = "HPKE-X-Wing")]
    XWing,
    /// RSA-OAEP with SHA-256.
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// Ed25519 signatures.
    #[serde(rename = "Ed25519")]
    Ed25519,
}

impl KeyStatement {
    /// The row of an organisation's keys of one use: `<organisation>/<use>`. Its version is the statement's serial.
    #[must_use]
    pub fn row_of(organisation: OrganisationId, key_use: KeyUse) -> RowId {
        RowId::from(organisation).with_suffix(key_use.as_str())
    }

    /// Verifies a statement under the root whose fingerprint was received over another channel.
    ///
    /// # Errors
    /// [`DocumentError::Signature`] when the root it names is another one or did not sign it; the others when it is malformed.
    pub fn verify(jws: &str, root: &Fingerprint) -> Result<Verified<Self>, DocumentError> {
        let payload = jws::unverified_payload(jws).map_err(|_| DocumentError::Signature)?;
        let claimed = Self::parse(&payload)?.document;
        let key = VerifyingKey::from_bytes(&claimed.root_key).map_err(|_| DocumentError::Signature)?;
        if key.fingerprint() != *root {
            return Err(DocumentError::Signature);
        }
        let signed = jws::verify(jws, Typ::KeyStatement, &key).map_err(|_| DocumentError::Signature)?;
        Ok(Verified::new(Self::parse(&signed)?.document, &signed))
    }

    /// The key to seal to; none for a signing key.
    #[must_use]
    pub fn recipient_key(&self) -> Option<RecipientKey> {
        let suite = match self.suite {
            KeySuite::XWing => RecipientSuite::HpkeXWing,
            KeySuite::RsaOaep256 => RecipientSuite::RsaOaep256,
            KeySuite::Ed25519 => return None,
        };
        RecipientKey::parse(suite, &self.public_key).ok()
    }

    /// The key that decisions and records verify under; none for a recipient key.
    #[must_use]
    pub fn signing_key(&self) -> Option<VerifyingKey> {
        (self.suite == KeySuite::Ed25519).then(|| VerifyingKey::from_bytes(&self.public_key).ok()).flatten()
    }

    /// The fingerprint of the root that states it; none where `root_key` is no key.
    #[must_use]
    pub fn root(&self) -> Option<Fingerprint> {
        VerifyingKey::from_bytes(&self.root_key).ok().map(|key| key.fingerprint())
    }

    /// Whether the key may be used at `time` (Unix milliseconds).
    #[must_use]
    pub fn is_valid_at(&self, time: u64) -> bool {
        (self.not_before..self.not_after).contains(&time)
    }

    /// The id that the public key has, where it is a key of the suite.
    fn computed_key_id(&self) -> Option<KeyId> {
        match self.suite {
            KeySuite::Ed25519 => {
                self.signing_key().map(|key| KeyId::from_bytes(*key.fingerprint().as_bytes()))
            }
            KeySuite::XWing | KeySuite::RsaOaep256 => self.recipient_key().map(|key| key.key_id()),
        }
    }
}

impl Document for KeyStatement {
    const KIND: Kind = Kind::KeyStatement;

    fn row(&self) -> RowId {
        Self::row_of(self.organisation, self.key_use)
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        let signs = self.suite == KeySuite::Ed25519;
        field(signs == (self.key_use == KeyUse::Sign), "suite", "a suite of the use")?;
        let id = self.computed_key_id();
        field(id.is_some(), "public_key", "a public key of the suite in its one encoding")?;
        field(id == Some(self.key_id), "key_id", "the id of the public key")?;
        field(self.root_key.len() == 32, "root_key", "32 bytes")?;
        field(self.not_before < self.not_after, "not_after", "after not_before")?;
        field(self.serial >= 1, "serial", "1 or more")?;
        field(
            (self.serial == 1) == self.predecessor.is_none(),
            "predecessor",
            "absent exactly for serial 1",
        )?;
        field(self.predecessor != Some(self.key_id), "predecessor", "another key")?;
        let names_it = !self.withdraws_predecessor || self.predecessor.is_some();
        field(names_it, "withdraws_predecessor", "only where there is one")?;
        let address = self.key_manager.strip_prefix("https://");
        let host = address.is_some_and(|host| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
        });
        field(host && self.key_manager.len() <= 300, "key_manager", "https://host[:port] and nothing more")
    }
}
