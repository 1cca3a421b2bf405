//! What is kept beside the Vault: an entry for each key, sealed under a Transit key and bound to its label.

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

const SUFFIX: &str = "sealed";
/// The longest file, in bytes.
const LONGEST: usize = 64 * 1024;

/// A key as it is listed.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) kind: KeyKind,
    pub(super) state: KeyState,
    pub(super) created: u64,
}

#[derive(Serialize, Deserialize)]
struct Document {
    v: u32,
    kind: KeyKind,
    state: KeyState,
    created: u64,
    /// Base64, of a hybrid key.
    seed: Option<Zeroized>,
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
        Self(Zeroizing::new(self.0.as_str().to_owned()))
    }
}

impl Entry {
    pub(super) fn shown(&self, label: &KeyLabel) -> KeyEntry {
        let key = KeyRef::new(KeyUri::new(SCHEME, label.clone()), self.kind);
        KeyEntry { key, state: self.state, created: self.created, version: KeyVersion::FIRST }
    }
}

pub(super) fn path(folder: &Path, label: &KeyLabel) -> PathBuf {
    folder.join("keys").join(format!("{label}.{SUFFIX}"))
}

/// The labels of the entries; what a crash left of a destroyed one is destroyed.
pub(super) fn labels(folder: &Path) -> Result<Vec<KeyLabel>, Error> {
    let keys = folder.join("keys");
    let failed = |cause| durable::failed(&keys, cause);
    let mut labels = Vec::new();
    for found in fs::read_dir(&keys).map_err(failed)? {
        let found = found.map_err(failed)?.path();
        match found.extension().and_then(|suffix| suffix.to_str()) {
            Some(SUFFIX) => {
                let name = found.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
                labels.push(KeyLabel::new(name)?);
            }
            Some(durable::DESTROYED | durable::NEW) => durable::destroy(&found)?,
            _ => {}
        }
    }
    Ok(labels)
}

type Opened = Result<SecretBytes, Error>;

pub(super) fn read(
    folder: &Path,
    label: &KeyLabel,
    open: impl FnOnce(&[u8], &[u8]) -> Opened,
) -> Result<Entry, Error> {
    let Document { kind, state, created, .. } = document(folder, label, open)?;
    Ok(Entry { kind, state, created })
}

/// The seed of a hybrid key.
pub(super) fn seed(folder: &Path, label: &KeyLabel, open: impl FnOnce(&[u8], &[u8]) -> Opened) -> Opened {
    let seed = document(folder, label, open)?.seed.and_then(|seed| unbase64(&seed.0));
    Ok(SecretBytes::new(seed.ok_or_else(|| Error::Damaged(path(folder, label)))?))
}

fn document(
    folder: &Path,
    label: &KeyLabel,
    open: impl FnOnce(&[u8], &[u8]) -> Opened,
) -> Result<Document, Error> {
    let path = path(folder, label);
    let damaged = || Error::Damaged(path.clone());
    let sealed = durable::read_secret(&path, LONGEST)?;
    let plain = open(&sealed, &context(label)).map_err(|error| match error {
        Error::Blob(_) => damaged(),
        error => error,
    })?;
    let document: Document = serde_json::from_slice(plain.expose()).map_err(|_| damaged())?;
    if document.v == 1 { Ok(document) } else { Err(Error::LaterVersion(path)) }
}

pub(super) fn write(
    folder: &Path,
    label: &KeyLabel,
    entry: &Entry,
    seed: Option<&SecretBytes>,
    seal: impl FnOnce(&[u8], &[u8]) -> Result<String, Error>,
) -> Result<(), Error> {
    let seed = seed.map(|seed| Zeroized(Zeroizing::new(base64(seed.expose()))));
    let document = Document { v: 1, kind: entry.kind, state: entry.state, created: entry.created, seed };
    let path = path(folder, label);
    let json = serde_json::to_vec(&document).map_err(|error| durable::failed(&path, error.into()))?;
    let json = Zeroizing::new(json);
    durable::write_secret(&path, seal(&json, &context(label))?.as_bytes())
}

/// A whole file copied under another name would pass for another key.
fn context(label: &KeyLabel) -> Vec<u8> {
    format!("sceau key {label}").into_bytes()
}
