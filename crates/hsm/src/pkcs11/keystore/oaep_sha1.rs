//! Unwrapping by RSA-OAEP with SHA-1, which tokens do by themselves: SoftHSM 2.6.1 has no other.

use sceau_crypto::{
    Cek, KeyError, RecipientKey, RecipientSuite, SecretBytes, UnwrapError,
    jose::{
        PublicJwk,
        jwe::{EncryptionKey, KeyAlgorithm},
    },
};

use super::{Held, HeldKey, TokenKeystore};
use crate::{
    error::Error,
    key::{KeyKind, KeyRef},
    provider::DangerUnwrapSha1,
};

const SHA1: KeyAlgorithm = KeyAlgorithm::DangerRsaOaepSha1;

impl DangerUnwrapSha1 for TokenKeystore {
    fn danger_unwrap_sha1(&self, key: &KeyRef, wrapped: &[u8]) -> Result<Cek, Error> {
        let entry = self.usable(key, KeyKind::DangerRsaOaepSha1)?;
        let Some(held) = self.held(key.label(), &entry, 0) else {
            let secret = self.secret(key.label(), &entry, 0)?;
            let held = HeldKey::from_secret_bytes(KeyKind::DangerRsaOaepSha1, secret.expose())?;
            return Ok(held.unwrapped_by_sha1(wrapped).unwrap_or_else(|| Err(UnwrapError::refused()))?);
        };
        let info = entry.public.as_deref().unwrap_or_default();
        // What RSA has no answer to is not asked of the token, whose answer would look like a fault of its own.
        let public = RecipientKey::parse(RecipientSuite::RsaOaep256, info)?;
        let modulus = public.rsa_modulus().unwrap_or_default();
        if wrapped.len() != modulus.len() || wrapped >= modulus {
            return Err(UnwrapError::refused().into());
        }
        if let Some(plain) = self.shelf.decrypt_oaep_sha1(&held, wrapped)? {
            return cek(&plain).map_err(Error::from);
        }
        // The token refuses. It answers for its own fault where it refuses its own key's ciphertext too.
        self.must_unwrap_by_sha1(&held, info)?;
        Err(UnwrapError::refused().into())
    }
}

impl TokenKeystore {
    fn must_unwrap_by_sha1(&self, key: &Held<'_>, info: &[u8]) -> Result<(), Error> {
        let (expected, wrapped) = trial(public(info)?.jwk())?;
        match self.shelf.decrypt_oaep_sha1(key, &wrapped)?.map(|plain| cek(&plain)) {
            Some(Ok(unwrapped)) if unwrapped == expected => Ok(()),
            _ => Err(self.unusable(key, "the token does not undo RSA-OAEP with SHA-1")),
        }
    }
}

fn cek(plain: &SecretBytes) -> Result<Cek, UnwrapError> {
    Cek::from_slice(plain.expose()).map_err(|_| UnwrapError::refused())
}

/// The public key of a SubjectPublicKeyInfo.
pub(super) fn public(info: &[u8]) -> Result<EncryptionKey, Error> {
    let public = PublicJwk::of_rsa_recipient(info, SHA1).and_then(|key| EncryptionKey::new(key, &[SHA1]));
    public.map_err(|_| KeyError::Malformed.into())
}

/// A content key of nobody's, and the same wrapped to this key.
pub(super) fn trial(public: &PublicJwk) -> Result<(Cek, Vec<u8>), Error> {
    let key = EncryptionKey::new(public.clone(), &[SHA1]).map_err(|_| KeyError::Malformed)?;
    let (secret, wrapped) = key.trial().ok_or(KeyError::Malformed)?;
    Ok((Cek::from_slice(secret.expose()).map_err(|_| KeyError::Malformed)?, wrapped))
}
