//! A named key: its versions, and which of them may still be used for what.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sceau_crypto::SecretBytes;
use sceau_crypto::transit::{TransitKey, TransitKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::Refusal;

/// A key as it is kept, sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct NamedKey {
    kind: Kind,
    pub(crate) exportable: bool,
    pub(crate) deletion_allowed: bool,
    pub(crate) min_decryption_version: u32,
    /// Zero: the latest.
    pub(crate) min_encryption_version: u32,
    pub(crate) min_available_version: u32,
    pub(crate) latest: u32,
    versions: BTreeMap<u32, Version>,
}

#[derive(Serialize, Deserialize)]
struct Version {
    /// Unix milliseconds.
    made: u64,
    secret: Material,
}

#[derive(Clone, Copy)]
struct Kind(TransitKind);

/// Base64.
struct Material(Zeroizing<String>);

impl NamedKey {
    /// With its first version.
    pub(crate) fn new(kind: TransitKind, exportable: bool, first: &TransitKey, now: u64) -> Self {
        let mut key = Self {
            kind: Kind(kind),
            exportable,
            deletion_allowed: false,
            min_decryption_version: 1,
            min_encryption_version: 0,
            min_available_version: 0,
            latest: 0,
            versions: BTreeMap::new(),
        };
        key.add(first, now);
        key
    }

    pub(crate) fn kind(&self) -> TransitKind {
        self.kind.0
    }

    /// Adds a version, the latest from now on. The ones before stay: what is encrypted to them is still read.
    pub(crate) fn add(&mut self, key: &TransitKey, now: u64) {
        self.latest += 1;
        let secret = Material(Zeroizing::new(STANDARD.encode(key.secret().expose())));
        self.versions.insert(self.latest, Version { made: now, secret });
    }

    /// Drops the versions before this one, for ever.
    pub(crate) fn trim(&mut self, first: u32) {
        self.min_available_version = first;
        self.versions.retain(|version, _| *version >= first);
    }

    /// When each version that is there was made, in Unix milliseconds.
    pub(crate) fn made(&self) -> impl Iterator<Item = (u32, u64)> {
        self.versions.iter().map(|(version, kept)| (*version, kept.made))
    }

    /// A version, whatever it may be used for.
    pub(crate) fn version(&self, version: u32) -> Result<TransitKey, Refusal> {
        let kept = self.versions.get(&version);
        let kept = kept.ok_or_else(|| Refusal::invalid("there is no such version of the key"))?;
        let bytes = STANDARD.decode(kept.secret.0.as_bytes());
        let bytes = bytes.map_err(|_| sceau_crypto::transit::TransitError::Damaged)?;
        Ok(TransitKey::new(self.kind(), SecretBytes::new(bytes)))
    }

    /// The version to encrypt or sign with: this one, or the latest for zero.
    pub(crate) fn for_encryption(&self, version: u32) -> Result<(u32, TransitKey), Refusal> {
        let version = if version == 0 { self.latest } else { version };
        let least = self.min_encryption_version.max(self.min_decryption_version);
        let allowed = version >= least;
        if !allowed || version > self.latest {
            return Err(Refusal::invalid(
                "requested version for encryption is less than the minimum encryption key version, or is none",
            ));
        }
        Ok((version, self.version(version)?))
    }

    /// The version to decrypt or verify with, as the ciphertext names it.
    pub(crate) fn for_decryption(&self, version: u32) -> Result<TransitKey, Refusal> {
        if version < self.min_decryption_version {
            let why = "ciphertext or signature version is disallowed by policy (too old)";
            return Err(Refusal::invalid(why));
        }
        self.version(version)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        TransitKind::parse(&text).map(Kind).ok_or_else(|| serde::de::Error::custom("no such kind of key"))
    }
}

impl Serialize for Material {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Material {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}
