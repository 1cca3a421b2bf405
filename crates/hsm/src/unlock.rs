//! What opens a keystore: a passphrase, or a credential that the system hands over.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use argon2::{Algorithm, Argon2, Params, Version};
use sceau_crypto::{Secret, SecretBytes};
use serde::{Deserialize, Serialize};

use crate::{durable, error::Error};

/// How a keystore is opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unlock {
    /// By a passphrase that someone types, or a file holds.
    Passphrase(Passphrase),
    /// By a file of exactly 32 random bytes that only this user reads: a systemd credential (`LoadCredentialEncrypted=`), or
    /// one that [`write_new_credential`] made.
    Credential(PathBuf),
    /// By a credential's 32 bytes that are in memory and in no file: those of a backup that is being restored.
    Bytes(Secret<32>),
}

/// A passphrase of at least [`Passphrase::MIN`] characters.
pub struct Passphrase(SecretBytes);

impl Passphrase {
    /// Characters at least.
    pub const MIN: usize = 12;

    /// Takes a passphrase, which the caller remains responsible for.
    ///
    /// # Errors
    /// [`Error::WeakPassphrase`].
    pub fn new(text: &str) -> Result<Self, Error> {
        if text.chars().count() < Self::MIN {
            return Err(Error::WeakPassphrase(Self::MIN));
        }
        Ok(Self(SecretBytes::from(text.as_bytes())))
    }

    /// Reads a file that only its owner can read; one line end at its end is not part of the passphrase.
    ///
    /// # Errors
    /// [`Error::OpenToOthers`], [`Error::WeakPassphrase`], [`Error::File`] also when it is no UTF-8 or longer than 1 KiB.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        durable::check_secret(path)?;
        let content = durable::read_secret(path, 1024)?;
        let text = std::str::from_utf8(&content)
            .map_err(|_| durable::failed(path, io::ErrorKind::InvalidData.into()))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        Self::new(text.strip_suffix('\r').unwrap_or(text))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}

/// Writes a new credential, 32 random bytes, unless the file exists.
///
/// # Errors
/// [`Error::File`].
pub fn write_new_credential(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Err(durable::failed(path, io::ErrorKind::AlreadyExists.into()));
    }
    durable::write_secret(path, Secret::<32>::random().expose())
}

/// How the wrapping key comes from what the user gives: recorded beside what it wraps, in a keystore or a key file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Derivation {
    /// Argon2id (RFC 9106), version 0x13, 32 bytes out.
    Argon2id {
        /// KiB of memory.
        memory: u32,
        /// Passes over it.
        passes: u32,
        /// Lanes.
        lanes: u32,
        /// 16 random bytes, base64url.
        salt: String,
    },
    /// The credential's bytes themselves.
    Credential,
}

/// RFC 9106 §4, second recommendation: 64 MiB, three passes, four lanes; a third of a second on a small machine.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

impl Derivation {
    /// A new derivation for this means of opening.
    pub(crate) fn new(unlock: &Unlock) -> Self {
        match unlock {
            Unlock::Passphrase(_) => {
                let salt = base64(&sceau_crypto::random::<16>());
                Self::Argon2id { memory: MEMORY, passes: PASSES, lanes: LANES, salt }
            }
            Unlock::Credential(_) | Unlock::Bytes(_) => Self::Credential,
        }
    }

    /// The wrapping key. `file` is where this derivation was read, for errors.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::OtherUnlock`], or what reading a credential gives.
    pub fn key(&self, unlock: &Unlock, file: &Path) -> Result<Secret<32>, Error> {
        match (self, unlock) {
            (Self::Argon2id { memory, passes, lanes, salt }, Unlock::Passphrase(passphrase)) => {
                let damaged = || Error::Damaged(file.to_owned());
                // A gibibyte and sixteen passes at most: the file is not trusted until the key opens something.
                if *memory > 1024 * 1024 || *passes > 16 || *lanes > 16 {
                    return Err(damaged());
                }
                let params = Params::new(*memory, *passes, *lanes, Some(32)).map_err(|_| damaged())?;
                let salt = unbase64(salt).ok_or_else(damaged)?;
                let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let mut failed = false;
                let key = Secret::fill_with(|out| {
                    failed = argon.hash_password_into(passphrase.0.expose(), &salt, out).is_err();
                });
                if failed { Err(damaged()) } else { Ok(key) }
            }
            (Self::Credential, Unlock::Credential(path)) => {
                durable::check_secret(path)?;
                let content = durable::read_secret(path, 32).map_err(|error| match error {
                    Error::File { cause, .. } if cause.kind() == io::ErrorKind::FileTooLarge => {
                        Error::BadCredential(path.clone())
                    }
                    error => error,
                })?;
                Secret::from_slice(&content).map_err(|_| Error::BadCredential(path.clone()))
            }
            (Self::Credential, Unlock::Bytes(bytes)) => Ok(bytes.duplicate()),
            (Self::Argon2id { .. }, Unlock::Credential(_) | Unlock::Bytes(_)) => {
                Err(Error::OtherUnlock("a passphrase"))
            }
            (Self::Credential, Unlock::Passphrase(_)) => Err(Error::OtherUnlock("a credential file")),
        }
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).ok()
}
