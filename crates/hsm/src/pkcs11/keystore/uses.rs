//! What keys are used for: signing, unwrapping, authenticating, deriving; and their new versions.

use sceau_crypto::{
    Cek, FileId, RecipientKey, RecipientPrivateKey, RecipientSuite, Secret, SecretBytes, SigningKey,
    UnwrapError, VerifyingKey,
    jose::{PublicJwk, Rs256PrivateKey},
    oaep_decode, wrap_cek,
};

use super::{
    Held, TokenKeystore,
    entry::{Entry, Version},
    objects::Wanted,
};
use crate::{
    error::Error,
    key::{KeyKind, KeyRef, KeyVersion},
    operations::wrong_kind,
    pkcs11::error::TokenError,
    provider::{Authenticate, Prf, Rotate, Sign, SignRs256, UnwrapCek},
};

/// How the token undoes RSA-OAEP with SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RsaWay {
    /// By itself.
    Native,
    /// It does RSA, and the decoding is done here, in constant time (SoftHSM 2.6.1 has OAEP with SHA-1 only).
    Bare,
}

impl Sign for TokenKeystore {
    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<[u8; 64], Error> {
        let entry = self.usable(key, KeyKind::Ed25519)?;
        let Some(held) = self.held(key.label(), &entry, 0) else {
            let seed = self.secret(key.label(), &entry, 0)?;
            let seed = Secret::from_slice(seed.expose()).map_err(|_| sceau_crypto::KeyError::Malformed)?;
            return Ok(SigningKey::from_seed(seed).sign(message));
        };
        let signature = self.shelf.sign(&held, message)?;
        let public = VerifyingKey::from_bytes(entry.public.as_deref().unwrap_or_default())?;
        // A token that was exchanged may have another key under this name; and a fault while signing would tell the key.
        match <[u8; 64]>::try_from(signature.as_slice()) {
            Ok(signature) if public.verifies(message, &signature) => Ok(signature),
            _ => Err(self.unusable(&held, "its signature is not of the key that was made")),
        }
    }
}

impl SignRs256 for TokenKeystore {
    fn sign_rs256(&self, key: &KeyRef, message: &[u8]) -> Result<Vec<u8>, Error> {
        let entry = self.usable(key, KeyKind::Rs256)?;
        let Some(held) = self.held(key.label(), &entry, 0) else {
            let secret = self.secret(key.label(), &entry, 0)?;
            return Ok(Rs256PrivateKey::from_pkcs8(secret.expose())?.sign(message)?);
        };
        let signature = self.shelf.sign_rs256(&held, message)?;
        let public = entry.public.as_deref().and_then(|info| PublicJwk::of_rs256(info).ok());
        // A token that was exchanged may have another key under this name; and a fault while signing would tell the key.
        match public {
            Some(public) if public.signed_rs256(message, &signature) => Ok(signature),
            _ => Err(self.unusable(&held, "its signature is not of the key that was made")),
        }
    }
}

impl UnwrapCek for TokenKeystore {
    fn unwrap_cek(&self, key: &KeyRef, file: &FileId, wrapped: &[u8]) -> Result<Cek, Error> {
        let (kind, suite) = match key.kind() {
            KeyKind::HpkeXWing => (KeyKind::HpkeXWing, RecipientSuite::HpkeXWing),
            _ => (KeyKind::RsaOaep256, RecipientSuite::RsaOaep256),
        };
        let entry = self.usable(key, kind)?;
        let Some(held) = self.held(key.label(), &entry, 0) else {
            let secret = self.secret(key.label(), &entry, 0)?;
            return Ok(
                RecipientPrivateKey::from_secret_bytes(suite, secret.expose())?.unwrap_cek(file, wrapped)?
            );
        };
        let public = RecipientKey::parse(suite, entry.public.as_deref().unwrap_or_default())?;
        // What RSA has no answer to is not asked of the token, whose answer would look like a fault of its own.
        let modulus = public.rsa_modulus().unwrap_or_default();
        if wrapped.len() != modulus.len() || wrapped >= modulus {
            return Err(UnwrapError::refused().into());
        }
        let way = self.rsa_way(&held, &public)?;
        if let Some(cek) = self.decrypted(way, &held, wrapped)? {
            return cek.map_err(Error::from);
        }
        // The token refuses. It answers for its own fault where it refuses its own key's ciphertext too.
        self.probe(way, &held, &public)?;
        Err(UnwrapError::refused().into())
    }
}

impl Authenticate for TokenKeystore {
    fn mac(&self, key: &KeyRef, parts: &[&[u8]]) -> Result<[u8; 32], Error> {
        let entry = self.usable(key, KeyKind::HmacSha256)?;
        let tags = self.hmac(key, &entry, KeyVersion::FIRST, &[&parts.concat()])?;
        tags.first().map(|tag| *tag.expose()).ok_or(Error::Derivation)
    }
}

impl Prf for TokenKeystore {
    fn prf(&self, master: &KeyRef, version: KeyVersion, inputs: &[&[u8]]) -> Result<Vec<Secret<32>>, Error> {
        let entry = self.usable(master, KeyKind::PrfHmacSha256)?;
        self.hmac(master, &entry, version, inputs)
    }
}

impl Rotate for TokenKeystore {
    fn rotate(&self, key: &KeyRef, _now: u64) -> Result<KeyVersion, Error> {
        if !key.kind().rotates() {
            return Err(wrong_kind(key));
        }
        let _changing = self.change();
        let entry = self.usable(key, key.kind())?;
        let (_, mut secrets) = self.unseal(key.label(), entry.sealed.clone())?;
        let mut entry = Entry::clone(&entry);
        secrets.push(None);
        self.add_version(key.label().as_str(), &mut entry)?;
        let version = KeyVersion::last_of(entry.versions.len());
        self.put(key.label(), entry, &secrets)?;
        Ok(version)
    }
}

impl TokenKeystore {
    /// Makes the next version of a master in the token.
    pub(super) fn add_version(&self, label: &str, entry: &mut Entry) -> Result<(), Error> {
        let next = KeyVersion::last_of(entry.versions.len() + 1);
        let made = self.shelf.make(&self.shelf.object(label, next), &Wanted::Secret)?;
        entry.versions.push(Version::Token { check: made.check, imported: false });
        Ok(())
    }

    fn hmac(
        &self,
        key: &KeyRef,
        entry: &Entry,
        version: KeyVersion,
        inputs: &[&[u8]],
    ) -> Result<Vec<Secret<32>>, Error> {
        let held = self.held(key.label(), entry, version.index());
        self.shelf.hmac(&held.ok_or_else(|| Error::NoVersion { key: key.uri().clone(), version })?, inputs)
    }

    /// None where the token refuses the ciphertext.
    fn decrypted(
        &self,
        way: RsaWay,
        key: &Held<'_>,
        wrapped: &[u8],
    ) -> Result<Option<Result<Cek, UnwrapError>>, Error> {
        let cek = |plain: &SecretBytes| Cek::from_slice(plain.expose()).map_err(|_| UnwrapError::refused());
        Ok(match way {
            RsaWay::Native => self.shelf.decrypt_oaep(key, wrapped)?.map(|plain| cek(&plain)),
            RsaWay::Bare => {
                let encoded = self.shelf.decrypt_raw(key, wrapped)?;
                encoded.map(|encoded| oaep_decode(encoded.expose(), 32).and_then(|plain| cek(&plain)))
            }
        })
    }

    /// Which way this token does it: tried once, with a content key of nobody's.
    fn rsa_way(&self, key: &Held<'_>, public: &RecipientKey) -> Result<RsaWay, Error> {
        if let Some(way) = self.rsa.get() {
            return Ok(*way);
        }
        let way = match self.probe(RsaWay::Native, key, public) {
            Ok(()) => RsaWay::Native,
            Err(Error::Token(TokenError::Unusable { .. })) => {
                self.probe(RsaWay::Bare, key, public)?;
                RsaWay::Bare
            }
            Err(error) => return Err(error),
        };
        Ok(*self.rsa.get_or_init(|| way))
    }

    fn probe(&self, way: RsaWay, key: &Held<'_>, public: &RecipientKey) -> Result<(), Error> {
        let (file, cek) = (FileId::random(), Cek::random());
        let stanza = wrap_cek(public, &file, &cek);
        match self.decrypted(way, key, &stanza.wrapped)? {
            Some(Ok(opened)) if opened == cek => Ok(()),
            _ => {
                Err(self.unusable(key, "the token does not undo RSA-OAEP with SHA-256, nor bare RSA for it"))
            }
        }
    }

    pub(super) fn unusable(&self, key: &Held<'_>, why: &'static str) -> Error {
        TokenError::Unusable { address: self.shelf.address(&key.name), why }.into()
    }
}
