//! Keys of holders: kept outside, wrapped; made and used inside, and nowhere else in clear.

use sceau_crypto::{Derivation, Label, SealedBlob, Secret};
#[cfg(feature = "pkcs11")]
use sceau_pki::KeyFamily;
use sceau_pki::{KeyAlgorithm, PrivateKey};
use zeroize::Zeroizing;

use crate::{
    error::Error,
    key::{KeyRef, KeyVersion},
    operations::Operations,
    provider::Provider,
    software::SoftwareKeystore,
};

/// Makes keys for holders, and signs with them, under a master ([`crate::KeyKind::PrfHmacSha256`]) and a secret that only the holder's side has: without
/// either, no key opens. No key is there for longer than a call. An error never says which of secret, place or bytes was wrong.
pub trait HolderKeys {
    /// Makes what these keys need besides the master where it is not there, and tries it with a key of nobody's, which is forgotten at once: before anything is served, so
    /// that no holder is the first to learn that it cannot be done.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the provider lacks something; those of [`Self::make_holder_key`] and [`Self::sign_with_holder_key`].
    fn prepare_holder_keys(&self, master: &KeyRef, now: u64) -> Result<HoldersKept, Error>;

    /// Makes a key, wrapped under the current version of the master. One of RSA takes a second.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn make_holder_key(
        &self,
        master: &KeyRef,
        place: &HolderPlace<'_>,
        algorithm: HolderAlgorithm,
    ) -> Result<HolderKey, Error>;

    /// The signature (ECDSA-Sig-Value, DER; or PKCS #1 v1.5) of each SHA-256 digest, which is not hashed again. Each is verified before it is given.
    ///
    /// # Errors
    /// [`Error::Blob`]: another secret or place, or altered bytes; [`Error::NoVersion`]; those of [`Self::make_holder_key`].
    fn sign_with_holder_key(
        &self,
        master: &KeyRef,
        place: &HolderPlace<'_>,
        key: &HolderKey,
        digests: &[[u8; 32]],
    ) -> Result<Vec<Vec<u8>>, Error>;
}

/// Where keys of holders are in clear, for as long as a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldersKept {
    /// In this process's memory.
    InMemory,
    /// In a token, which makes them and signs. Those that were made in memory before keys moved there are in memory still.
    InToken,
}

/// How a holder's key signs SHA-256 digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderAlgorithm {
    /// ECDSA with P-256.
    EcdsaP256,
    /// RSA with 3072 bits, PKCS #1 v1.5.
    Rsa3072,
}

impl HolderAlgorithm {
    /// The family of its keys.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn family(self) -> KeyFamily {
        match self {
            Self::EcdsaP256 => KeyFamily::P256,
            Self::Rsa3072 => KeyFamily::Rsa,
        }
    }
}

/// Whose key it is, and what it opens by.
#[derive(Debug, Clone, Copy)]
pub struct HolderPlace<'a> {
    /// Which key of which holder: of one length always.
    pub context: &'a [u8],
    /// The secret that the holder's side brings each time.
    pub secret: &'a Secret<32>,
}

/// A holder's key as it is kept: nothing in it is a secret to who has neither master nor holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderKey {
    /// Which version of the master wraps it.
    pub version: KeyVersion,
    /// The private key, wrapped; the bytes are the provider's own.
    pub wrapped: Vec<u8>,
    /// Its SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
}

impl HolderKeys for SoftwareKeystore {
    fn prepare_holder_keys(&self, master: &KeyRef, _now: u64) -> Result<HoldersKept, Error> {
        self.find(master.uri())?;
        Ok(HoldersKept::InMemory)
    }

    fn make_holder_key(
        &self,
        master: &KeyRef,
        place: &HolderPlace<'_>,
        algorithm: HolderAlgorithm,
    ) -> Result<HolderKey, Error> {
        let version = self.find(master.uri())?.version;
        let kek = kek(self, master, version, place)?;
        let key = PrivateKey::generate(match algorithm {
            HolderAlgorithm::EcdsaP256 => KeyAlgorithm::EcdsaP256,
            HolderAlgorithm::Rsa3072 => KeyAlgorithm::Rsa3072,
        })?;
        let wrapped = SealedBlob::seal(&kek, Label::KeyringKey, place.context, &key.to_pkcs8());
        Ok(HolderKey { version, wrapped: wrapped.as_bytes().to_vec(), spki: key.public_key_info()? })
    }

    fn sign_with_holder_key(
        &self,
        master: &KeyRef,
        place: &HolderPlace<'_>,
        key: &HolderKey,
        digests: &[[u8; 32]],
    ) -> Result<Vec<Vec<u8>>, Error> {
        sign_in_memory(&kek(self, master, key.version, place)?, place, key, digests)
    }
}

/// Signs with a key that was made in memory.
pub(crate) fn sign_in_memory(
    kek: &Secret<32>,
    place: &HolderPlace<'_>,
    key: &HolderKey,
    digests: &[[u8; 32]],
) -> Result<Vec<Vec<u8>>, Error> {
    let opened = SealedBlob::from_bytes(key.wrapped.clone())?.open(kek, Label::KeyringKey, place.context)?;
    let private = PrivateKey::from_pkcs8(Zeroizing::new(opened.expose().to_vec()))?;
    Ok(digests.iter().map(|digest| private.sign_digest(digest)).collect::<Result<_, _>>()?)
}

/// What wraps it: `PRF(master, context ‖ secret)` (SP 800-108).
pub(crate) fn kek(
    keystore: &dyn Provider,
    master: &KeyRef,
    version: KeyVersion,
    place: &HolderPlace<'_>,
) -> Result<Secret<32>, Error> {
    let derivation = Derivation::new(Label::KeyringKey, &[place.context, place.secret.expose()]);
    keystore.derive(master, version, &derivation)
}
