//! What is kept beside the token: an entry for each key, sealed under a master of the token and bound to the key's label.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sceau_crypto::SecretBytes;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::SCHEME;
use crate::{
    durable,
    error::Error,
    key::{KeyEntry, KeyKind, KeyLabel, KeyRef, KeyState, KeyUri, KeyVersion},
    unlock::{base64, unbase64},
};

const SUFFIX: &str = "token";
/// The longest file, in bytes.
const LONGEST: usize = 256 * 1024;

/// A key: what may be shown of it, and its sealed entry as it is on disk.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) kind: KeyKind,
    pub(super) state: KeyState,
    pub(super) created: u64,
    /// SubjectPublicKeyInfo of RSA, the 32 octets of Ed25519, the encoded hybrid key; none of a symmetric key.
    pub(super) public: Option<Vec<u8>>,
    /// Whether it was in a software keystore before.
    pub(super) moved: bool,
    /// Oldest first; never empty.
    pub(super) versions: Vec<Version>,
    pub(super) sealed: Vec<u8>,
}

/// Where one version of a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Version {
    /// In the token. `check` is what a key answers that is this one; none for a key that is known by its public part.
    Token {
        /// HMAC of a fixed text.
        check: Option<Vec<u8>>,
        /// Whether it was made elsewhere and brought there.
        imported: bool,
    },
    /// In the entry: the token cannot use such a key.
    Sealed,
}

/// An entry's document, before it is sealed.
#[derive(Serialize, Deserialize)]
struct Document {
    v: u32,
    kind: KeyKind,
    state: KeyState,
    created: u64,
    public: Option<String>,
    moved: bool,
    versions: Vec<VersionDocument>,
}

#[derive(Serialize, Deserialize)]
struct VersionDocument {
    check: Option<String>,
    imported: bool,
    /// Base64, of a version that is here.
    secret: Option<Zeroized>,
}

#[derive(Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
struct Zeroized(Zeroizing<String>);

impl From<String> for Zeroized {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<Zeroized> for String {
    fn from(text: Zeroized) -> Self {
        text.0.as_str().to_owned()
    }
}

impl Clone for Zeroized {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The secrets of versions that are sealed in the entry, by their place; none where the token has it.
pub(super) type Secrets = Vec<Option<SecretBytes>>;

impl Entry {
    pub(super) fn shown(&self, label: &KeyLabel) -> KeyEntry {
        let key = KeyRef::new(KeyUri::new(SCHEME, label.clone()), self.kind);
        let version = KeyVersion::last_of(self.versions.len());
        KeyEntry { key, state: self.state, created: self.created, version }
    }

    /// The entry sealed with these secrets, as it is to be written.
    pub(super) fn seal(
        mut self,
        label: &KeyLabel,
        secrets: &Secrets,
        seal: impl FnOnce(&[u8], &[u8]) -> Result<Vec<u8>, Error>,
    ) -> Result<Self, Error> {
        let place = |at: usize, version: &Version| {
            let secret = secrets.get(at).and_then(Option::as_ref);
            let secret = secret.map(|secret| Zeroized(Zeroizing::new(base64(secret.expose()))));
            match version {
                Version::Token { check, imported } => {
                    let check = check.as_deref().map(base64);
                    VersionDocument { check, imported: *imported, secret: None }
                }
                Version::Sealed => VersionDocument { check: None, imported: false, secret },
            }
        };
        let document = Document {
            v: 1,
            kind: self.kind,
            state: self.state,
            created: self.created,
            public: self.public.as_deref().map(base64),
            moved: self.moved,
            versions: self.versions.iter().enumerate().map(|(at, version)| place(at, version)).collect(),
        };
        let json = serde_json::to_vec(&document)
            .map_err(|error| Error::File { path: PathBuf::from(label.as_str()), cause: error.into() })?;
        self.sealed = seal(&Zeroizing::new(json), &context(label))?;
        Ok(self)
    }

    /// Reads what [`Self::seal`] made, and the secrets in it.
    pub(super) fn open(
        sealed: Vec<u8>,
        label: &KeyLabel,
        path: &Path,
        open: impl FnOnce(&[u8], &[u8]) -> Result<SecretBytes, Error>,
    ) -> Result<(Self, Secrets), Error> {
        let damaged = || Error::Damaged(path.to_owned());
        let plain = open(&sealed, &context(label)).map_err(|error| match error {
            Error::Blob(_) => damaged(),
            error => error,
        })?;
        let document: Document = serde_json::from_slice(plain.expose()).map_err(|_| damaged())?;
        if document.v != 1 {
            return Err(Error::LaterVersion(path.to_owned()));
        }
        let bytes = |text: Option<&str>| text.map(|text| unbase64(text).ok_or_else(damaged)).transpose();
        let (mut versions, mut secrets) = (Vec::new(), Vec::new());
        for version in &document.versions {
            let secret =
                bytes(version.secret.as_ref().map(|secret| secret.0.as_str()))?.map(SecretBytes::new);
            versions.push(match &secret {
                Some(_) => Version::Sealed,
                None => {
                    Version::Token { check: bytes(version.check.as_deref())?, imported: version.imported }
                }
            });
            secrets.push(secret);
        }
        let Document { kind, state, created, moved, .. } = document;
        let public = bytes(document.public.as_deref())?;
        if versions.is_empty() {
            return Err(damaged());
        }
        Ok((Self { kind, state, created, public, moved, versions, sealed }, secrets))
    }
}

pub(super) fn path(folder: &Path, label: &KeyLabel) -> PathBuf {
    folder.join("keys").join(format!("{label}.{SUFFIX}"))
}

pub(super) fn write(folder: &Path, label: &KeyLabel, entry: &Entry) -> Result<(), Error> {
    durable::write_secret(&path(folder, label), &entry.sealed)
}

pub(super) fn read(folder: &Path, label: &KeyLabel) -> Result<Vec<u8>, Error> {
    Ok(durable::read_secret(&path(folder, label), LONGEST)?.to_vec())
}

/// The labels of the entries.
pub(super) fn labels(folder: &Path) -> Result<Vec<KeyLabel>, Error> {
    let mut labels = Vec::new();
    for found in listed(folder)? {
        if found.extension().is_some_and(|suffix| suffix == SUFFIX) {
            labels.push(KeyLabel::new(found.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default())?);
        }
    }
    labels.sort();
    Ok(labels)
}

/// Finishes what a crash interrupted: destroyed entries are destroyed, half-written files removed.
pub(super) fn sweep(folder: &Path) -> Result<(), Error> {
    for found in listed(folder)? {
        if found.extension().is_some_and(|suffix| suffix == durable::DESTROYED || suffix == durable::NEW) {
            durable::destroy(&found)?;
        }
    }
    Ok(())
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let keys = folder.join("keys");
    let failed = |cause| durable::failed(&keys, cause);
    let found = fs::read_dir(&keys).map_err(failed)?;
    found.map(|found| Ok(found.map_err(failed)?.path())).collect()
}

/// A whole file copied under another name would pass for another key.
fn context(label: &KeyLabel) -> Vec<u8> {
    format!("sceau key {label}").into_bytes()
}
