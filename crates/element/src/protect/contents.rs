//! The key that signs contents of the profile `cbc-rs256`, and the permits that have one signed.
//!
//! A content is signed for whom its datum was begun, and for nobody who may open it: a permit comes with the key that it is encrypted under, and with no key
//! that is given out again. It is for one content, of this run of the element alone.

use std::sync::Arc;

use sceau_crypto::Typ;
use sceau_crypto::jose::{PublicJwk, Statement};
use sceau_element_api::protect::{ContentClaims, DatumId};
use sceau_hsm::{Error, Provider};

use super::permits::{Permits, Taken};
use super::statement_key::StatementKey;
use crate::signer::SignerError;

/// The label of the key in the provider.
const KEY: &str = "protect-content-sign";

/// The key, of 3,072 bits, in a provider. What is kept depends on it: it is for nothing else, and stays.
pub struct ContentKeys {
    key: StatementKey,
    permits: Permits,
}

impl ContentKeys {
    /// Finds the key, which is the one that is `named` where one is; makes it where none is.
    ///
    /// # Errors
    /// [`SignerError::Protection`] where it is missing, and contents were or may have been signed with it; [`SignerError::OtherContentKey`]; what the provider says.
    pub fn open(provider: Arc<dyn Provider>, named: Option<&str>, now: u64) -> Result<Self, SignerError> {
        let key = match named {
            None => StatementKey::found_or_made(provider, KEY, now),
            Some(_) => StatementKey::found(provider, KEY),
        };
        let key = key.map_err(SignerError::Protection)?;
        if let Some(named) = named.filter(|named| key.name() != *named) {
            return Err(SignerError::OtherContentKey { named: named.to_owned() });
        }
        Ok(Self { key, permits: Permits::new() })
    }

    /// What it is called: its thumbprint.
    pub(crate) fn name(&self) -> &str {
        self.key.name()
    }

    /// The public key.
    pub(super) fn public(&self) -> &PublicJwk {
        self.key.public()
    }

    /// A permit that has a content of this datum signed, from `now` (Unix milliseconds) on.
    pub(super) fn permit(&self, datum: &DatumId, now: u64) -> Vec<u8> {
        self.permits.give(datum, now)
    }

    /// Whether a permit is of this datum, and has not ended.
    pub(crate) fn admits(&self, datum: &DatumId, permit: &[u8], now: u64) -> bool {
        self.permits.admit(datum, permit, now)
    }

    /// Uses a permit up for the content of this SHA-256, at `now`; none where it does not count, or was for another.
    pub(crate) fn take(&self, datum: &DatumId, permit: &[u8], sha256: [u8; 32], now: u64) -> Option<Taken> {
        self.permits.take(datum, permit, sha256, now)
    }

    /// Signs what is said of a content: its claims, in JSON.
    pub(crate) fn sign(&self, claims: &[u8]) -> Result<String, Error> {
        self.key.sign(Typ::Content.as_str(), claims)
    }

    /// Whether a signature is one of a content of this datum.
    pub(super) fn signed(&self, datum: &DatumId, signature: &str) -> bool {
        let Ok(statement) = Statement::parse(signature) else { return false };
        let of_content = statement.typ().as_deref() == Some(Typ::Content.as_str());
        let verified = self.public().verify(&statement).ok();
        let claims = verified.filter(|_| of_content).and_then(|payload| ContentClaims::parse(&payload));
        claims.is_some_and(|claims| claims.datum == *datum)
    }
}

impl std::fmt::Debug for ContentKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContentKeys(redacted)")
    }
}
