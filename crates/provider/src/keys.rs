//! The provider's own keys, in files that only its user reads: those that sign ID tokens, which take turns, and the secret that people's names at sites are made of.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_client::keyring::FileKey;
use sceau_crypto::jose::{KeySet, PublicJwk, Statement};
use sceau_crypto::{Label, Secret, random};
use sceau_element_api::KeyringId;
use sceau_hsm::durable::{check_secret, destroy, read_secret, write_secret};
use sceau_keyring::{Signs as _, SignsError};
use serde_json::{Value, json};

const DAY: u64 = 24 * 3_600_000;
/// How long a key is published before it signs, so that sites have it by then.
const PUBLISHED_BEFORE: u64 = DAY;
/// How long one stays published that signs no more: hints by old tokens still verify.
const KEPT: u64 = 30 * DAY;
/// A key in PKCS#8 is far below.
const LONGEST: usize = 4096;

/// The keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// A file.
    #[error(transparent)]
    Files(#[from] sceau_hsm::Error),
    /// The folder cannot be listed.
    #[error("cannot list {path}: {cause}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// The system's word.
        cause: std::io::Error,
    },
    /// It holds something else.
    #[error("{0} is damaged: put it back from a backup; without it every site sees new people")]
    Secret(PathBuf),
    /// It holds something else.
    #[error("{0} is no key of this provider: take it away")]
    Key(PathBuf),
    /// A key does not sign, or none can be drawn.
    #[error(transparent)]
    Signs(#[from] SignsError),
}

/// The keys that sign ID tokens.
#[derive(Debug)]
pub struct TokenKeys {
    folder: PathBuf,
    turn: u64,
    ring: RwLock<Vec<TokenKey>>,
}

#[derive(Debug)]
struct TokenKey {
    since: u64,
    key: FileKey,
    public: PublicJwk,
}

impl TokenKeys {
    /// Those in this folder, which is there; the first is made where there is none. A new one follows each `turn` ms.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn open(folder: &Path, turn: u64, now: u64) -> Result<Self, KeysError> {
        let failed = |cause| KeysError::Folder { path: folder.to_owned(), cause };
        let mut ring = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let since = name.strip_prefix("token-").and_then(|rest| rest.strip_suffix(".p8"));
            let Some(since) = since else { continue };
            let since = since.parse().map_err(|_| KeysError::Key(path.clone()))?;
            check_secret(&path)?;
            let key = FileKey::from_pkcs8(&read_secret(&path, LONGEST)?);
            ring.push(TokenKey::of(since, key.map_err(|_| KeysError::Key(path.clone()))?)?);
        }
        ring.sort_by_key(|key| key.since);
        let keys = Self { folder: folder.to_owned(), turn, ring: RwLock::new(ring) };
        keys.take_turns(now)?;
        Ok(keys)
    }

    /// Makes the next key when it is its time, and destroys those that nothing is held against any more.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn take_turns(&self, now: u64) -> Result<(), KeysError> {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if ring.last().is_none_or(|last| last.since.saturating_add(self.turn) <= now) {
            let (key, pkcs8) = FileKey::generate()?;
            write_secret(&self.path(now), pkcs8.expose())?;
            ring.push(TokenKey::of(now, key)?);
        }
        while let Some(next) = ring.get(1)
            && next.since.saturating_add(PUBLISHED_BEFORE + KEPT) <= now
        {
            let old = ring.remove(0);
            destroy(&self.path(old.since))?;
        }
        Ok(())
    }

    fn path(&self, since: u64) -> PathBuf {
        self.folder.join(format!("token-{since}.p8"))
    }

    /// The public keys (RFC 7517 section 5): those that sign, will, or did.
    #[must_use]
    pub fn published(&self) -> Value {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let keys = ring.iter().map(|key| {
            let mut jwk: Value = serde_json::from_str(&key.public.to_json()).unwrap_or_default();
            if let Some(members) = jwk.as_object_mut() {
                members.insert("alg".to_owned(), "ES256".into());
            }
            jwk
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// A token of these claims, by the key whose turn it is.
    ///
    /// # Errors
    /// [`SignsError`].
    pub fn sign(&self, claims: &Value, now: u64) -> Result<String, SignsError> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let known = ring.iter().rev().find(|key| key.since.saturating_add(PUBLISHED_BEFORE) <= now);
        let none = || SignsError::Key("there is none".to_owned());
        let key = known.or_else(|| ring.first()).ok_or_else(none)?;
        let header = json!({"alg": "ES256", "kid": key.public.thumbprint().to_string(), "typ": "JWT"});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(claims));
        let signature = key.key.sign(input.as_bytes())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// What a token of ours says, over or not; none of anything else.
    #[must_use]
    pub fn said(&self, token: &str) -> Option<Value> {
        let statement = Statement::parse(token).ok()?;
        let keys = KeySet::parse(self.published().to_string().as_bytes()).ok()?;
        serde_json::from_slice(&keys.verify(&statement).ok()?).ok()
    }
}

impl TokenKey {
    fn of(since: u64, key: FileKey) -> Result<Self, KeysError> {
        let public = PublicJwk::of_spki(key.spki()).map_err(|_| SignsError::Unsupported)?;
        Ok(Self { since, key, public })
    }
}

/// What names people at sites, and lets browsers be known again.
pub struct ProviderSecret(Secret<32>);

impl std::fmt::Debug for ProviderSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderSecret(redacted)")
    }
}

impl ProviderSecret {
    /// Reads it in this folder, or draws it there once. Whoever loses it gives everybody a new name at every site.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn open(folder: &Path) -> Result<Self, KeysError> {
        let path = folder.join("subjects.key");
        if !path.exists() {
            write_secret(&path, &random::<32>())?;
        }
        check_secret(&path)?;
        let bytes = read_secret(&path, 32)?;
        Ok(Self(Secret::from_slice(&bytes).map_err(|_| KeysError::Secret(path))?))
    }

    /// What a holder is called at the sites of a sector, and at no other (OpenID Connect Core section 8.1): 43 characters.
    #[must_use]
    pub fn subject(&self, sector: &str, keyring: KeyringId) -> String {
        let fields: [&[u8]; 2] = [keyring.as_bytes(), sector.as_bytes()];
        URL_SAFE_NO_PAD.encode(Label::PairwiseSubject.derive_for(self.0.expose(), &fields).expose())
    }

    /// The key of what browsers keep.
    #[must_use]
    pub(crate) fn of_browsers(&self) -> &Secret<32> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn kid(token: &str) -> String {
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_after() {
        let folder = tempfile::tempdir().unwrap();
        let keys = TokenKeys::open(folder.path(), 90 * DAY, NOW).unwrap();
        let count = |keys: &TokenKeys| keys.published()["keys"].as_array().unwrap().len();
        let first = keys.sign(&json!({"sub": "one"}), NOW).unwrap();
        keys.take_turns(NOW + 90 * DAY - 1).unwrap();
        assert_eq!(count(&keys), 1);
        let turn = NOW + 90 * DAY;
        keys.take_turns(turn).unwrap();
        assert_eq!(count(&keys), 2);
        assert_eq!(
            kid(&keys.sign(&json!({}), turn + DAY - 1).unwrap()),
            kid(&first),
            "sites do not know the next one yet"
        );
        let second = keys.sign(&json!({}), turn + DAY).unwrap();
        assert_ne!(kid(&second), kid(&first));
        // The same after a start; tokens of the one before still say something.
        drop(keys);
        let keys = TokenKeys::open(folder.path(), 90 * DAY, turn + DAY).unwrap();
        assert_eq!(kid(&keys.sign(&json!({}), turn + DAY).unwrap()), kid(&second));
        assert_eq!(keys.said(&first).unwrap()["sub"], "one");
        assert!(keys.said(&format!("{first}A")).is_none());
        keys.take_turns(turn + 31 * DAY).unwrap();
        assert_eq!((count(&keys), keys.said(&first)), (1, None));
        assert!(keys.published()["keys"][0].get("d").is_none(), "the public part alone");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the old one is destroyed");
    }

    #[test]
    fn a_person_has_one_name_in_a_sector_and_another_in_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let secret = ProviderSecret::open(folder.path()).unwrap();
        let (marie, pierre) = (KeyringId::random(), KeyringId::random());
        let same = ProviderSecret::open(folder.path()).unwrap().subject("a.example", marie);
        assert_eq!(secret.subject("a.example", marie), same);
        assert_ne!(secret.subject("b.example", marie), same);
        assert_ne!(secret.subject("a.example", pierre), same);
        std::fs::write(folder.path().join("subjects.key"), "short").unwrap();
        assert!(matches!(ProviderSecret::open(folder.path()), Err(KeysError::Secret(_))));
    }
}
