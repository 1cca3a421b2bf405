//! What every provider does, and what only some can.

use sceau_crypto::{Cek, FileId, Secret, SecretBytes};

use crate::{
    error::Error,
    holder::HolderKeys,
    key::{KeyEntry, KeyKind, KeyLabel, KeyRef, KeyState, KeyUri, KeyVersion, PublicKey},
    together::Together,
    unlock::Unlock,
};

/// A keeper of keys: the software keystore, or an HSM. Callers use it through [`crate::Operations`].
///
/// What changes keys is durable when it returns. Every operation with a key checks its kind and state.
pub trait Provider: Send + Sync {
    /// The scheme of its keys' addresses: `software`.
    fn scheme(&self) -> &'static str;

    /// Makes a key, at `now` (unix milliseconds).
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Unsupported`] for a kind that it cannot hold, [`Error::File`].
    fn generate(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<KeyRef, Error>;

    /// Looks a key up by its address.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for another provider's address.
    fn find(&self, uri: &KeyUri) -> Result<KeyEntry, Error>;

    /// Its keys, by label.
    ///
    /// # Errors
    /// When the provider does not answer.
    fn list(&self) -> Result<Vec<KeyEntry>, Error>;

    /// The public part of a key, whatever its state.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    fn public(&self, key: &KeyRef) -> Result<PublicKey, Error>;

    /// Disables a key or enables it again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::File`].
    fn set_state(&self, key: &KeyRef, state: KeyState) -> Result<(), Error>;

    /// Destroys a key, for good as far as this provider goes: backups are their keeper's.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::File`].
    fn destroy(&self, key: &KeyRef) -> Result<(), Error>;

    /// Whether copies of files may hold this key, or open what it sealed: it is kept in files, or was. What is not known counts as such.
    ///
    /// # Errors
    /// [`Error::NotFound`], and when the provider does not answer.
    fn may_have_copies(&self, _key: &KeyRef) -> Result<bool, Error> {
        Ok(true)
    }

    /// Whether a use of a key may be waited for: whoever holds it is elsewhere.
    fn waits(&self) -> bool {
        true
    }

    /// Ed25519 signatures, if it makes them.
    fn signing(&self) -> Option<&dyn Sign> {
        None
    }

    /// Signatures by RSA, if it makes them.
    fn signing_rs256(&self) -> Option<&dyn SignRs256> {
        None
    }

    /// Unwrapping of content keys, if it does; which suites, its `generate` says.
    fn unwrapping(&self) -> Option<&dyn UnwrapCek> {
        None
    }

    /// Unwrapping of content keys by RSA-OAEP with SHA-1, if it does.
    fn danger_unwrapping(&self) -> Option<&dyn DangerUnwrapSha1> {
        None
    }

    /// HMAC, if it has it.
    fn authenticating(&self) -> Option<&dyn Authenticate> {
        None
    }

    /// Sealing of secrets, if it does.
    fn sealing(&self) -> Option<&dyn Seal> {
        None
    }

    /// Deriving of keys from masters, if it does.
    fn deriving(&self) -> Option<&dyn Prf> {
        None
    }

    /// Keys of holders, if it makes and uses them.
    fn holding(&self) -> Option<&dyn HolderKeys> {
        None
    }

    /// New versions of keys, if it makes them.
    fn rotating(&self) -> Option<&dyn Rotate> {
        None
    }

    /// Whether its keys still are what was made, where somebody else administers them.
    fn judging(&self) -> Option<&dyn JudgeKeys> {
        None
    }

    /// What a backup of its files needs, if its keys are in files.
    fn backing_up(&self) -> Option<&dyn BackUp> {
        None
    }
}

/// Looks at keys that somebody else administers.
pub trait JudgeKeys {
    /// Addresses of the keys that may leave by now, were imported, or are of another type than was made. A hybrid key is judged by the
    /// key that seals it.
    ///
    /// # Errors
    /// When the provider does not answer.
    fn altered(&self) -> Result<Vec<String>, Error>;
}

/// Hands over what opens a copy of its files, sealed.
pub trait BackUp {
    /// The bytes of the `keystore.json` that belongs to a copy of its key files: it opens by `unlock`, whatever opens the original.
    ///
    /// # Errors
    /// What deriving the wrapping key gives.
    fn keystore_file_for(&self, unlock: &Unlock) -> Result<Vec<u8>, Error>;
}

/// Signs with [`KeyKind::Ed25519`].
pub trait Sign {
    /// The signature of `message` (RFC 8032). Say what is being signed: see `sceau_crypto::jws::signing_input`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<[u8; 64], Error>;
}

/// Signs with [`KeyKind::Rs256`].
pub trait SignRs256 {
    /// RSASSA-PKCS1-v1_5 with SHA-256 of `message` (RFC 8017 section 8.2), as long as the modulus.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn sign_rs256(&self, key: &KeyRef, message: &[u8]) -> Result<Vec<u8>, Error>;
}

/// Unwraps with [`KeyKind::RsaOaep256`] or [`KeyKind::HpkeXWing`].
pub trait UnwrapCek {
    /// The content key of a file, from the stanza's `wrapped` bytes.
    ///
    /// # Errors
    /// [`Error::Unwrap`]; [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn unwrap_cek(&self, key: &KeyRef, file: &FileId, wrapped: &[u8]) -> Result<Cek, Error>;
}

/// Unwraps with [`KeyKind::DangerRsaOaepSha1`]: messages of senders that know no other algorithm, and no envelope.
pub trait DangerUnwrapSha1 {
    /// The content key, of 32 octets, that RSAES-OAEP (RFC 8017 section 7.1.2) with SHA-1, MGF1 with SHA-1 and an empty label gives of `wrapped`.
    ///
    /// # Errors
    /// [`Error::Unwrap`], whatever was wrong with `wrapped`; [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn danger_unwrap_sha1(&self, key: &KeyRef, wrapped: &[u8]) -> Result<Cek, Error>;
}

/// Authenticates with [`KeyKind::HmacSha256`].
pub trait Authenticate {
    /// HMAC-SHA-256 of the concatenated parts.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn mac(&self, key: &KeyRef, parts: &[&[u8]]) -> Result<[u8; 32], Error>;
}

/// Seals secrets with [`KeyKind::Aes256Gcm`]. The bytes are the provider's own: what one sealed, another does not open.
pub trait Seal {
    /// Seals `secret` for one place: `context` says which secret of which owner it is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn seal(&self, key: &KeyRef, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error>;

    /// Opens what was sealed under the same key for the same place.
    ///
    /// # Errors
    /// [`Error::Blob`]; [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn open(&self, key: &KeyRef, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error>;

    /// Seals one of several secrets, and asks for the key once for all that it seals `together` with, where it is elsewhere. It is opened as any other.
    ///
    /// # Errors
    /// Those of [`Self::seal`].
    fn seal_together(
        &self,
        key: &KeyRef,
        context: &[u8],
        secret: &[u8],
        _together: &Together,
    ) -> Result<Vec<u8>, Error> {
        self.seal(key, context, secret)
    }

    /// Opens one of several secrets, and asks for the key once for all that were sealed together.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    fn open_together(
        &self,
        key: &KeyRef,
        context: &[u8],
        sealed: &[u8],
        _together: &Together,
    ) -> Result<SecretBytes, Error> {
        self.open(key, context, sealed)
    }
}

/// The pseudorandom function of a master, [`KeyKind::PrfHmacSha256`].
pub trait Prf {
    /// HMAC-SHA-256 of each input under this version of the master, in their order. Many at once cost less than one after the other where the key
    /// is elsewhere.
    ///
    /// # Errors
    /// [`Error::NoVersion`]; [`Error::NotFound`], [`Error::WrongKind`], [`Error::Disabled`].
    fn prf(&self, master: &KeyRef, version: KeyVersion, inputs: &[&[u8]]) -> Result<Vec<Secret<32>>, Error>;
}

/// Makes new versions of keys that open or derive ([`KeyKind::rotates`]).
pub trait Rotate {
    /// Makes a version that is the current one from now on; what earlier ones sealed is opened as before, and what they derived is derived as before.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a kind that has one version; [`Error::NotFound`], [`Error::Disabled`]; those of [`Provider::generate`].
    fn rotate(&self, key: &KeyRef, now: u64) -> Result<KeyVersion, Error>;
}
