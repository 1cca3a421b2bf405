//! An application of an organisation, which calls for the protection of data: its name, and the keys that it signs its calls with.

use sceau_crypto::jose::{Algorithm, KeySet};
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, field, text, version_one};
use crate::protect::KeyMembers;
use crate::{ApplicationId, Kind, OrganisationId, RowId};

/// Keys of one application, the ended ones among them: none is ever forgotten, so that no name is given twice.
const MOST_KEYS: usize = 64;

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
}

/// A public key that an application signs its calls with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationKey {
    /// Its name in the header of calls: 1 to 64 letters, digits and `._-`. It never names another key.
    pub kid: String,
    /// How it signs: `ES256`, `EdDSA`, `PS256` or `RS256`. One key, one algorithm.
    pub alg: String,
    /// The key.
    pub jwk: KeyMembers,
    /// Whether calls under it are answered.
    pub status: KeyStanding,
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
        (&self.kid, &self.alg, &self.jwk) == (&other.kid, &other.alg, &other.jwk)
    }

    /// The key, for verifying; none where it is no key for its algorithm.
    fn verifies(&self) -> Option<KeySet> {
        let accepted = matches!(self.alg.as_str(), "ES256" | "EdDSA" | "PS256" | "RS256");
        let long_enough = self.jwk.modulus_bytes().is_none_or(|bytes| (256..=1024).contains(&bytes));
        if !accepted || !long_enough || Algorithm::parse(&self.alg).is_none() {
            return None;
        }
        KeySet::parse(&key_set(&[self])).ok()
    }
}

impl ApplicationDocument {
    /// The keys that calls verify under; none where it has none in use.
    #[must_use]
    pub fn key_set(&self) -> Option<KeySet> {
        let active = self.keys.iter().filter(|key| key.status == KeyStanding::Active);
        KeySet::parse(&key_set(&active.collect::<Vec<_>>())).ok()
    }
}

/// A JSON Web Key Set (RFC 7517 section 5).
fn key_set(keys: &[&ApplicationKey]) -> Vec<u8> {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            let mut jwk = serde_json::to_value(&key.jwk).unwrap_or_default();
            if let Some(members) = jwk.as_object_mut() {
                members.insert("kid".to_owned(), key.kid.clone().into());
                members.insert("alg".to_owned(), key.alg.clone().into());
                members.insert("use".to_owned(), "sig".into());
            }
            jwk
        })
        .collect();
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
        for key in &self.keys {
            field(is_kid(&key.kid), "keys.kid", "1 to 64 letters, digits and ._-")?;
            field(
                key.verifies().is_some(),
                "keys.jwk",
                "a public key for ES256, EdDSA, PS256 or RS256, of RSA 2,048 to 8,192 bits",
            )?;
        }
        Ok(())
    }
}

fn is_kid(text: &str) -> bool {
    let token = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    // A record shows it: what looks like a network address is no name.
    token && (1..=64).contains(&text.len()) && text.parse::<std::net::IpAddr>().is_err()
}
