//! The two files of a pair: JSON, versioned; the private key sealed under what a passphrase gives (Argon2id).

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sceau_crypto::{KeyError, KeyId, Label, RecipientKey, RecipientPrivateKey, RecipientSuite, SealedBlob};
use sceau_hsm::{Derivation, Unlock};
use serde::{Deserialize, Serialize};

use crate::command::{fault, input, passphrase};
use crate::failure::{Exit, Failure};

/// An RSA key of 4,096 bits with its sealed private part is under 8 KiB.
const LONGEST: u64 = 64 * 1024;

/// Either file of a pair, as it was read; its public key is checked by [`KeyFile::recipient_key`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "format", deny_unknown_fields)]
pub(super) enum KeyFile {
    #[serde(rename = "sceau-public-key")]
    Public { v: u8, suite: RecipientSuite, key_id: KeyId, public_key: String },
    #[serde(rename = "sceau-private-key")]
    Private {
        v: u8,
        suite: RecipientSuite,
        key_id: KeyId,
        public_key: String,
        /// How the passphrase becomes the key that `sealed` is sealed under.
        unlock: Derivation,
        /// A [`SealedBlob`] of the PKCS#8 DER or the seed, bound to `key_id`; base64url.
        sealed: String,
    },
}

/// Reads a public key to seal to.
pub(crate) fn public_key(path: &Path) -> Result<RecipientKey, Failure> {
    let file = KeyFile::read(path)?;
    if file.is_private() {
        let words = format!(
            "{} is a private key, which only its owner should have: use the public one, which ends in .pub",
            path.display()
        );
        return Err(Failure::new(Exit::Usage, "key_private", words));
    }
    file.recipient_key(path)
}

/// Reads a private key, and asks for its passphrase.
pub(crate) fn private_key(
    path: &Path,
    passphrase_file: Option<&Path>,
) -> Result<RecipientPrivateKey, Failure> {
    match KeyFile::read(path)? {
        KeyFile::Private { suite, key_id, unlock, sealed, .. } => {
            let given = passphrase::existing(passphrase_file, path)?;
            let wrapping = unlock.key(&given, path)?;
            let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| damaged(path))?;
            let sealed = SealedBlob::from_bytes(sealed).map_err(|_| damaged(path))?;
            let secret = sealed
                .open(&wrapping, Label::KeyAtRest, key_id.as_bytes())
                .map_err(|_| fault::wrong_passphrase(path))?;
            let key =
                RecipientPrivateKey::from_secret_bytes(suite, secret.expose()).map_err(|_| damaged(path))?;
            if key.recipient_key().key_id() == key_id { Ok(key) } else { Err(damaged(path)) }
        }
        KeyFile::Public { .. } => {
            let words = format!(
                "{} is a public key: opening needs the private one, which ends in .key",
                path.display()
            );
            Err(Failure::new(Exit::Usage, "key_public", words))
        }
    }
}

impl KeyFile {
    pub(super) fn public(key: &RecipientKey) -> Self {
        let public_key = URL_SAFE_NO_PAD.encode(key.public());
        Self::Public { v: 1, suite: key.suite(), key_id: key.key_id(), public_key }
    }

    /// Seals the private key; `path` is for errors.
    pub(super) fn private(key: &RecipientPrivateKey, unlock: &Unlock, path: &Path) -> Result<Self, Failure> {
        let public = key.recipient_key();
        let derivation = derivation();
        let wrapping = derivation.key(unlock, path)?;
        let secret = key.to_secret_bytes();
        let key_id = public.key_id();
        let sealed = SealedBlob::seal(&wrapping, Label::KeyAtRest, key_id.as_bytes(), secret.expose());
        Ok(Self::Private {
            v: 1,
            suite: public.suite(),
            key_id,
            public_key: URL_SAFE_NO_PAD.encode(public.public()),
            unlock: derivation,
            sealed: URL_SAFE_NO_PAD.encode(sealed.as_bytes()),
        })
    }

    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Head {
            v: u64,
            format: String,
        }
        let bytes = input::read_small(path, LONGEST, "a key")?;
        let not_a_key = || {
            let words = format!("{} is not a key of Sceau: choose a .pub or .key file", path.display());
            Failure::new(Exit::Input, "key_not_a_key", words)
        };
        // The head alone first: a later version may have other fields.
        let head: Head = serde_json::from_slice(&bytes).map_err(|_| not_a_key())?;
        match (head.format.as_str(), head.v) {
            ("sceau-public-key" | "sceau-private-key", 1) => {
                serde_json::from_slice(&bytes).map_err(|_| damaged(path))
            }
            ("sceau-public-key" | "sceau-private-key", _) => {
                let words = format!("{} was made by a later version: upgrade this program", path.display());
                Err(Failure::new(Exit::Input, "key_version", words))
            }
            _ => Err(not_a_key()),
        }
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n" // string keys only: cannot fail
    }

    pub(super) fn is_private(&self) -> bool {
        matches!(self, Self::Private { .. })
    }

    /// The public key, if it is the one that the file's key id names.
    pub(super) fn recipient_key(&self, path: &Path) -> Result<RecipientKey, Failure> {
        let (Self::Public { suite, key_id, public_key, .. }
        | Self::Private { suite, key_id, public_key, .. }) = self;
        let bytes = URL_SAFE_NO_PAD.decode(public_key).map_err(|_| damaged(path))?;
        let key = RecipientKey::parse(*suite, &bytes).map_err(|error| match error {
            KeyError::Malformed => damaged(path),
            error => Failure::new(Exit::Input, error.code(), format!("{}: {error}", path.display())),
        })?;
        if key.key_id() == *key_id { Ok(key) } else { Err(damaged(path)) }
    }
}

/// As costly as a keystore's (RFC 9106 §4, second recommendation: 64 MiB, three passes), with memory turned into a fourth
/// pass so that no tool needs 64 MiB.
fn derivation() -> Derivation {
    let salt = URL_SAFE_NO_PAD.encode(sceau_crypto::random::<16>());
    Derivation::Argon2id { memory: 48 * 1024, passes: 4, lanes: 4, salt }
}

fn damaged(path: &Path) -> Failure {
    let words = format!(
        "{} is damaged or was altered: take it from a backup, or ask its owner again",
        path.display()
    );
    Failure::new(Exit::Input, "key_damaged", words)
}
