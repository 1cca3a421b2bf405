//! What clients of a Vault send, tried on keys that are made for it.

use sceau_crypto::transit::{TransitError, TransitKey, TransitKind};
use serde_json::{Map, Value};

use super::approle::NewAppRole;
use super::crypt::{Act, batch, used};
use super::key::NamedKey;
use super::keys::{Configuration, NewKey};
use super::kv;

/// A named key of two versions, and what may be asked of it.
pub struct VaultKey(NamedKey);

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VaultKey({})", self.0.kind().as_str())
    }
}

impl VaultKey {
    /// Makes one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn make(kind: TransitKind) -> Result<Self, TransitError> {
        let mut key = NamedKey::new(kind, false, &made(kind)?, 1);
        key.add(&made(kind)?, 2);
        Ok(Self(key))
    }

    /// What comes of a request for an act (`encrypt`, `decrypt`, `rewrap`, `sign`, `verify`, `hmac`): status and data, or the status of the
    /// refusal; none where there is no such act or the body is no object.
    pub fn asked(&self, act: &str, body: &[u8]) -> Option<Result<(u16, Value), u16>> {
        let act = Act::ALL.into_iter().find(|each| each.as_str() == act)?;
        let body: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let done = batch(&body).and_then(|items| used(act, &self.0, items, &body));
        Some(done.map(|done| (done.status, done.data)).map_err(|refusal| refusal.status))
    }
}

/// How many of the requests about keys and roles this body can be.
pub fn requests(body: &[u8]) -> usize {
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(body) else { return 0 };
    let whole = Value::Object(fields.clone());
    let new = serde_json::from_value::<NewKey>(whole.clone()).is_ok_and(|new| new.kind().is_ok());
    let changed = serde_json::from_value::<Configuration>(whole).is_ok();
    let role = NewAppRole::read(&fields)
        .is_ok_and(|role| role.policies.iter().all(|policy| super::Policy::parse(policy).is_some()));
    [new, changed, role].into_iter().filter(|read| *read).count()
}

/// What a client asks to be written at a path, as it is kept, and the version that must be the latest; or the status of the refusal; none where
/// the body is no object.
pub fn secret(path: &str, body: &[u8]) -> Option<Result<(Value, Option<u32>), u16>> {
    let body: Map<String, Value> = serde_json::from_slice(body).ok()?;
    Some(kv::tried(path, &body).map_err(|refusal| refusal.status))
}

fn made(kind: TransitKind) -> Result<TransitKey, TransitError> {
    TransitKey::generate(kind).map_err(|_| TransitError::Damaged)
}
