//! How secrets are sealed under a master that does not leave the token: `80 ‖ version (4) ‖ salt (32) ‖ blob`.
//!
//! The token derives a key from master and salt (SP 800-108 in counter mode, by its HMAC), and what is sealed is sealed under it here, as in a software
//! keystore. So one master seals any number of secrets, whatever the token's own AES-GCM is like, and asks the token once for each, or once for several that
//! are sealed together.

use sceau_crypto::{BlobError, Derivation, Label, SealedBlob, Secret, SecretBytes};

use super::{
    Held, TokenKeystore,
    entry::{Entry, Version},
};
use crate::{
    error::Error,
    key::{KeyKind, KeyRef, KeyVersion},
    provider::Seal,
    together::Together,
};

/// What no blob of a software keystore begins with.
const IN_TOKEN: u8 = 0x80;
const SALT: usize = 32;

impl TokenKeystore {
    /// Seals under a master of the token, without saying which version it is.
    pub(super) fn seal_under(
        &self,
        master: &Held<'_>,
        context: &[u8],
        secret: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.seal_by(master, (context, secret), &Together::default())
    }

    fn seal_by(
        &self,
        master: &Held<'_>,
        (context, secret): (&[u8], &[u8]),
        together: &Together,
    ) -> Result<Vec<u8>, Error> {
        let salt: [u8; SALT] = together.salt(&master.name);
        let key = together.answer(&master.name, &salt, || self.derived(master, &salt))?;
        let blob = SealedBlob::seal(&key, Label::StateAtRest, context, secret);
        Ok([&salt, blob.as_bytes()].concat())
    }

    pub(super) fn open_under(
        &self,
        master: &Held<'_>,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Error> {
        self.open_by(master, (context, sealed), &Together::default())
    }

    fn open_by(
        &self,
        master: &Held<'_>,
        (context, sealed): (&[u8], &[u8]),
        together: &Together,
    ) -> Result<SecretBytes, Error> {
        let (salt, blob) = sealed.split_at_checked(SALT).ok_or(BlobError::Malformed)?;
        let blob = SealedBlob::from_bytes(blob.to_vec())?;
        let key = together.answer(&master.name, salt, || self.derived(master, salt))?;
        Ok(blob.open(&key, Label::StateAtRest, context)?)
    }

    fn derived(&self, master: &Held<'_>, salt: &[u8]) -> Result<Secret<32>, Error> {
        let derivation = Derivation::<32>::new(Label::TokenSeal, &[salt]);
        let inputs = derivation.inputs();
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        derivation.key(&self.shelf.hmac(master, &inputs)?).ok_or(Error::Derivation)
    }

    /// Opens what a software keystore sealed before the key was moved: the blob does not say under which version.
    fn open_moved(
        &self,
        key: &KeyRef,
        entry: &Entry,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Error> {
        let blob = SealedBlob::from_bytes(sealed.to_vec())?;
        for at in (0..entry.versions.len()).rev() {
            if entry.versions.get(at) != Some(&Version::Sealed) {
                continue;
            }
            let secret = self.secret(key.label(), entry, at)?;
            let secret = Secret::from_slice(secret.expose()).map_err(|_| BlobError::Malformed)?;
            match blob.open(&secret, Label::StateAtRest, context) {
                Err(BlobError::Refused) => {}
                opened => return Ok(opened?),
            }
        }
        Err(BlobError::Refused.into())
    }
}

impl Seal for TokenKeystore {
    fn seal(&self, key: &KeyRef, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
        self.seal_together(key, context, secret, &Together::default())
    }

    fn open(&self, key: &KeyRef, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
        self.open_together(key, context, sealed, &Together::default())
    }

    /// What is sealed together has one salt: each blob has a key of its own under what is derived from it.
    fn seal_together(
        &self,
        key: &KeyRef,
        context: &[u8],
        secret: &[u8],
        together: &Together,
    ) -> Result<Vec<u8>, Error> {
        let entry = self.usable(key, KeyKind::Aes256Gcm)?;
        let version = KeyVersion::last_of(entry.versions.len());
        let master = self.held(key.label(), &entry, version.index());
        let master = master.ok_or(Error::NoVersion { key: key.uri().clone(), version })?;
        let sealed = self.seal_by(&master, (context, secret), together)?;
        Ok([&[IN_TOKEN], version.number().to_be_bytes().as_slice(), &sealed].concat())
    }

    fn open_together(
        &self,
        key: &KeyRef,
        context: &[u8],
        sealed: &[u8],
        together: &Together,
    ) -> Result<SecretBytes, Error> {
        let entry = self.usable(key, KeyKind::Aes256Gcm)?;
        let Some((IN_TOKEN, rest)) = sealed.split_first().map(|(first, rest)| (*first, rest)) else {
            return self.open_moved(key, &entry, context, sealed);
        };
        let (number, rest) = rest.split_first_chunk().ok_or(BlobError::Malformed)?;
        let version = KeyVersion::new(u32::from_be_bytes(*number)).ok_or(BlobError::Malformed)?;
        if rest.len() <= SALT {
            return Err(BlobError::Malformed.into());
        }
        // A version that is not there sealed nothing here.
        let master = self.held(key.label(), &entry, version.index()).ok_or(BlobError::Refused)?;
        self.open_by(&master, (context, rest), together)
    }
}
