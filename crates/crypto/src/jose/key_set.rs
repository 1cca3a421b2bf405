//! A set of public keys (RFC 7517 section 5), as a provider publishes it.

use serde::Deserialize;

use super::algorithm::{Algorithm, PublicKey};
use super::jwk::WireKey;
use super::{Statement, StatementError};

/// The longest set that is read, in bytes.
const LONGEST: usize = 512 * 1024;
/// How many keys a set may hold.
const MOST: usize = 100;

/// Public keys that verify statements. Those of a kind or use that is not ours are left out of it, as RFC 7517 section 5 asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet(Vec<NamedKey>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct NamedKey {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    key: PublicKey,
}

/// A set of keys is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not JSON of the form, or too long.
    #[error("not a JSON Web Key Set of at most 512 KiB and 100 keys")]
    Malformed,
    /// No key in it verifies signatures by an algorithm that is accepted.
    #[error("the set holds no key that verifies signatures by RS, PS, ES or EdDSA")]
    NoKey,
}

#[derive(Deserialize)]
struct WireSet {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// [`KeySetError`], also where no key of it is of use.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > LONGEST {
            return Err(KeySetError::Malformed);
        }
        let WireSet { keys } = serde_json::from_slice(json).map_err(|_| KeySetError::Malformed)?;
        if keys.len() > MOST {
            return Err(KeySetError::Malformed);
        }
        let usable: Vec<NamedKey> =
            keys.into_iter().filter_map(|key| serde_json::from_value(key).ok().and_then(named)).collect();
        if usable.is_empty() { Err(KeySetError::NoKey) } else { Ok(Self(usable)) }
    }

    /// How many keys verify.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it holds none; true of the default only.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a statement says, if a key of the set signed it.
    ///
    /// # Errors
    /// [`StatementError`]; [`StatementError::UnknownKey`] is worth asking for the set again.
    pub fn verify(&self, statement: &Statement) -> Result<Vec<u8>, StatementError> {
        let algorithm = statement.algorithm();
        let fits = |key: &&NamedKey| {
            algorithm.takes(&key.key) && key.algorithm.is_none_or(|named| named == algorithm)
        };
        let verifies =
            |key: &NamedKey| algorithm.verifies(&key.key, statement.input(), statement.signature());
        match statement.kid() {
            Some(kid) => {
                let mut named = self.0.iter().filter(|key| key.kid.as_deref() == Some(kid)).peekable();
                if named.peek().is_none() {
                    return Err(StatementError::UnknownKey);
                }
                let mut fitting = named.filter(fits).peekable();
                if fitting.peek().is_none() {
                    return Err(StatementError::Algorithm);
                }
                if !fitting.any(verifies) {
                    return Err(StatementError::Signature);
                }
            }
            // Who names no key may have signed with one that is not here yet.
            None if !self.0.iter().filter(fits).any(verifies) => return Err(StatementError::UnknownKey),
            None => {}
        }
        Ok(statement.payload().to_vec())
    }
}

/// A key for verifying; none for any other.
fn named(wire: WireKey) -> Option<NamedKey> {
    let algorithm = wire.alg().map(Algorithm::parse);
    // A key for an algorithm that is not ours is not ours.
    if !wire.for_signatures() || algorithm == Some(None) {
        return None;
    }
    let key = wire.key().ok()?;
    let algorithm = algorithm.flatten();
    if matches!(key, PublicKey::X25519(_)) || algorithm.is_some_and(|algorithm| !algorithm.takes(&key)) {
        return None;
    }
    Some(NamedKey { kid: wire.into_kid(), algorithm, key })
}
