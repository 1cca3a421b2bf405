//! Providers as callers use them: one set of calls, an error where a capability is missing.

use sceau_crypto::{Cek, FileId, RecipientKey, SecretBytes, Stanza, Typ, VerifyingKey, jws};

use crate::{
    error::Error,
    key::{KeyKind, KeyLabel, KeyRef, PublicKey},
    provider::Provider,
};

/// Every operation of every provider. In scope, `provider.sign(…)` works on any of them.
pub trait Operations: Provider {
    /// Finds the key of this label and kind, or makes it.
    ///
    /// # Errors
    /// [`Error::WrongKind`] when the label has a key for another purpose; those of [`Provider::generate`].
    fn find_or_generate(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<KeyRef, Error> {
        match self.generate(kind, label, now) {
            Err(Error::Exists(uri)) => {
                let key = self.find(&uri)?.key;
                if key.kind() == kind { Ok(key) } else { Err(wrong_kind(&key)) }
            }
            made => made,
        }
    }

    /// Signs: see [`crate::Sign::sign`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<[u8; 64], Error> {
        self.signing().ok_or(unsupported(self.scheme(), "Ed25519"))?.sign(key, message)
    }

    /// Signs `payload` as a statement of this typ: a compact JWS.
    ///
    /// # Errors
    /// Those of [`Self::sign`].
    fn sign_jws(&self, key: &KeyRef, typ: Typ, payload: &[u8]) -> Result<String, Error> {
        let input = jws::signing_input(&self.verifying_key(key)?.fingerprint(), typ, payload);
        let signature = self.sign(key, input.as_bytes())?;
        Ok(jws::assemble(input, &signature))
    }

    /// The public part of a signing key.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`].
    fn verifying_key(&self, key: &KeyRef) -> Result<VerifyingKey, Error> {
        match self.public(key)? {
            PublicKey::Ed25519(public) => Ok(public),
            PublicKey::Recipient(_) | PublicKey::None => Err(wrong_kind(key)),
        }
    }

    /// The public part of a recipient key.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`].
    fn recipient_key(&self, key: &KeyRef) -> Result<RecipientKey, Error> {
        match self.public(key)? {
            PublicKey::Recipient(public) => Ok(public),
            PublicKey::Ed25519(_) | PublicKey::None => Err(wrong_kind(key)),
        }
    }

    /// Unwraps the content key of a file from this key's stanza in its envelope.
    ///
    /// # Errors
    /// [`Error::NotForThisKey`], [`Error::Unwrap`]; [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`],
    /// [`Error::Unsupported`].
    fn unwrap_cek(&self, key: &KeyRef, file: &FileId, stanza: &Stanza) -> Result<Cek, Error> {
        let own = self.recipient_key(key)?;
        if stanza.key_id != own.key_id() || stanza.suite != own.suite().number() {
            return Err(Error::NotForThisKey(key.uri().clone()));
        }
        let unwrapping = self.unwrapping().ok_or(unsupported(self.scheme(), "unwrapping"))?;
        unwrapping.unwrap_cek(key, file, &stanza.wrapped)
    }

    /// HMAC-SHA-256: see [`crate::Authenticate::mac`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn mac(&self, key: &KeyRef, parts: &[&[u8]]) -> Result<[u8; 32], Error> {
        self.authenticating().ok_or(unsupported(self.scheme(), "HMAC"))?.mac(key, parts)
    }

    /// Seals a secret: see [`crate::Seal::seal`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn seal(&self, key: &KeyRef, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
        self.sealing().ok_or(unsupported(self.scheme(), "sealing"))?.seal(key, context, secret)
    }

    /// Opens a sealed secret: see [`crate::Seal::open`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn open(&self, key: &KeyRef, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
        self.sealing().ok_or(unsupported(self.scheme(), "sealing"))?.open(key, context, sealed)
    }
}

impl<P: Provider + ?Sized> Operations for P {}

fn unsupported(scheme: &'static str, operation: &'static str) -> Error {
    Error::Unsupported { scheme, operation }
}

pub(crate) fn wrong_kind(key: &KeyRef) -> Error {
    Error::WrongKind { key: key.uri().clone(), found: key.kind() }
}
