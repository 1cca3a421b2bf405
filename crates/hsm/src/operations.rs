//! Providers as callers use them: one set of calls, an error where a capability is missing.

use sceau_crypto::{
    Cek, Derivation, FileId, RecipientKey, Secret, SecretBytes, Stanza, Typ, VerifyingKey, jose::PublicJwk,
    jws,
};

use crate::{
    error::Error,
    holder::{HolderAlgorithm, HolderKey, HolderPlace, HoldersKept},
    key::{KeyKind, KeyLabel, KeyRef, KeyVersion, PublicKey},
    provider::Provider,
    together::Together,
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

    /// Signs by RSA: see [`crate::SignRs256::sign_rs256`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn sign_rs256(&self, key: &KeyRef, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.signing_rs256().ok_or(unsupported(self.scheme(), "RS256"))?.sign_rs256(key, message)
    }

    /// The public part of an RSA key that signs.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`].
    fn rs256_key(&self, key: &KeyRef) -> Result<PublicJwk, Error> {
        match self.public(key)? {
            PublicKey::Rs256(public) => Ok(public),
            _ => Err(wrong_kind(key)),
        }
    }

    /// The public part of a signing key.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`].
    fn verifying_key(&self, key: &KeyRef) -> Result<VerifyingKey, Error> {
        match self.public(key)? {
            PublicKey::Ed25519(public) => Ok(public),
            _ => Err(wrong_kind(key)),
        }
    }

    /// The public part of a recipient key.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`].
    fn recipient_key(&self, key: &KeyRef) -> Result<RecipientKey, Error> {
        match self.public(key)? {
            PublicKey::Recipient(public) => Ok(public),
            _ => Err(wrong_kind(key)),
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

    /// Unwraps by RSA-OAEP with SHA-1: see [`crate::DangerUnwrapSha1::danger_unwrap_sha1`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn danger_unwrap_sha1(&self, key: &KeyRef, wrapped: &[u8]) -> Result<Cek, Error> {
        let unwrapping = self.danger_unwrapping().ok_or(unsupported(self.scheme(), "RSA-OAEP with SHA-1"))?;
        unwrapping.danger_unwrap_sha1(key, wrapped)
    }

    /// The public part of an RSA key that unwraps by RSA-OAEP with SHA-1.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`].
    fn danger_sha1_key(&self, key: &KeyRef) -> Result<PublicJwk, Error> {
        match self.public(key)? {
            PublicKey::DangerRsaOaepSha1(public) => Ok(public),
            _ => Err(wrong_kind(key)),
        }
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

    /// Seals one of several secrets: see [`crate::Seal::seal_together`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn seal_together(
        &self,
        key: &KeyRef,
        context: &[u8],
        secret: &[u8],
        together: &Together,
    ) -> Result<Vec<u8>, Error> {
        let sealing = self.sealing().ok_or(unsupported(self.scheme(), "sealing"))?;
        sealing.seal_together(key, context, secret, together)
    }

    /// Opens one of several secrets: see [`crate::Seal::open_together`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn open_together(
        &self,
        key: &KeyRef,
        context: &[u8],
        sealed: &[u8],
        together: &Together,
    ) -> Result<SecretBytes, Error> {
        let sealing = self.sealing().ok_or(unsupported(self.scheme(), "sealing"))?;
        sealing.open_together(key, context, sealed, together)
    }

    /// Makes a master, or finds the one of this label.
    ///
    /// # Errors
    /// Those of [`Self::find_or_generate`].
    fn create_master(&self, label: &KeyLabel, now: u64) -> Result<KeyRef, Error> {
        self.find_or_generate(KeyKind::PrfHmacSha256, label, now)
    }

    /// HMAC-SHA-256 of each input under a master: see [`crate::Prf::prf`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn prf(&self, master: &KeyRef, version: KeyVersion, inputs: &[&[u8]]) -> Result<Vec<Secret<32>>, Error> {
        let deriving = self.deriving().ok_or(unsupported(self.scheme(), "deriving"))?;
        deriving.prf(master, version, inputs)
    }

    /// Derives a key from a master (SP 800-108). What it is derived from, and the version, are to be kept: then it is derived again.
    ///
    /// # Errors
    /// Those of [`Self::prf`].
    fn derive<const N: usize>(
        &self,
        master: &KeyRef,
        version: KeyVersion,
        derivation: &Derivation<N>,
    ) -> Result<Secret<N>, Error> {
        let mut keys = self.derive_all(master, version, std::slice::from_ref(derivation))?;
        keys.pop().ok_or(Error::Derivation)
    }

    /// Derives many keys from a master, asking for all of them at once.
    ///
    /// # Errors
    /// Those of [`Self::prf`].
    fn derive_all<const N: usize>(
        &self,
        master: &KeyRef,
        version: KeyVersion,
        derivations: &[Derivation<N>],
    ) -> Result<Vec<Secret<N>>, Error> {
        let inputs: Vec<_> = derivations.iter().flat_map(Derivation::inputs).collect();
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let outputs = self.prf(master, version, &inputs)?;
        let parts = outputs.chunks(N.div_ceil(32));
        derivations.iter().zip(parts).map(|(one, part)| one.key(part).ok_or(Error::Derivation)).collect()
    }

    /// Prepares for keys of holders: see [`crate::HolderKeys::prepare_holder_keys`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn prepare_holder_keys(&self, master: &KeyRef, now: u64) -> Result<HoldersKept, Error> {
        let holding = self.holding().ok_or(unsupported(self.scheme(), "keys of holders"))?;
        holding.prepare_holder_keys(master, now)
    }

    /// Makes a key of a holder: see [`crate::HolderKeys::make_holder_key`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn make_holder_key(
        &self,
        master: &KeyRef,
        place: &HolderPlace<'_>,
        algorithm: HolderAlgorithm,
    ) -> Result<HolderKey, Error> {
        let holding = self.holding().ok_or(unsupported(self.scheme(), "keys of holders"))?;
        holding.make_holder_key(master, place, algorithm)
    }

    /// Signs with a key of a holder: see [`crate::HolderKeys::sign_with_holder_key`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn sign_with_holder_key(
        &self,
        master: &KeyRef,
        place: &HolderPlace<'_>,
        key: &HolderKey,
        digests: &[[u8; 32]],
    ) -> Result<Vec<Vec<u8>>, Error> {
        let holding = self.holding().ok_or(unsupported(self.scheme(), "keys of holders"))?;
        holding.sign_with_holder_key(master, place, key, digests)
    }

    /// Makes a new current version of a key: see [`crate::Rotate::rotate`].
    ///
    /// # Errors
    /// Those, and [`Error::Unsupported`].
    fn rotate(&self, key: &KeyRef, now: u64) -> Result<KeyVersion, Error> {
        if !key.kind().rotates() {
            return Err(unsupported(self.scheme(), "versions of a key that signs, authenticates or unwraps"));
        }
        self.rotating().ok_or(unsupported(self.scheme(), "versions of a key"))?.rotate(key, now)
    }
}

impl<P: Provider + ?Sized> Operations for P {}

fn unsupported(scheme: &'static str, operation: &'static str) -> Error {
    Error::Unsupported { scheme, operation }
}

pub(crate) fn wrong_kind(key: &KeyRef) -> Error {
    Error::WrongKind { key: key.uri().clone(), found: key.kind() }
}
