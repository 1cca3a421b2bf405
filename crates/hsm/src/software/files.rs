//! The keystore's files: read, written, and bound to what they say.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sceau_crypto::{Label, SealedBlob, Secret};
use serde::{Deserialize, Serialize};

use super::held::Held;
use crate::{
    durable,
    error::Error,
    folder_lock::FolderLock,
    key::{KeyEntry, KeyKind, KeyLabel, KeyState},
    unlock::{Derivation, Unlock, base64, unbase64},
};

const VERSION: u32 = 1;
/// Of a key that has several versions, or is of a kind that is newer.
const KEY_VERSION: u32 = 2;
const KEY_SUFFIX: &str = "key";

pub(super) fn keystore_path(folder: &Path) -> PathBuf {
    folder.join("keystore.json")
}

pub(super) fn key_path(folder: &Path, label: &KeyLabel) -> PathBuf {
    // Not `with_extension`, which would cut a label at its last dot.
    folder.join("keys").join(format!("{label}.{KEY_SUFFIX}"))
}

/// The files of keys, by name.
pub(super) fn key_paths(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = listed(folder)?;
    paths.retain(|path| path.extension().is_some_and(|suffix| suffix == KEY_SUFFIX));
    paths.sort();
    Ok(paths)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let keys = folder.join("keys");
    let failed = |cause| durable::failed(&keys, cause);
    fs::read_dir(&keys)
        .map_err(failed)?
        .map(|found| found.map(|found| found.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)
}

/// Finishes what a crash interrupted: destroyed keys are destroyed, half-written files removed.
pub(super) fn sweep(folder: &Path) -> Result<(), Error> {
    for path in listed(folder)? {
        if path.extension().is_some_and(|suffix| suffix == durable::DESTROYED || suffix == durable::NEW) {
            durable::destroy(&path)?;
        }
    }
    Ok(())
}

/// Destroys a keystore whose keys are elsewhere now: first what opens its files, which is the moment that it ends, then the files.
#[cfg(feature = "pkcs11")]
pub(crate) fn destroy_all(folder: &Path) -> Result<(), Error> {
    if !folder.join("keys").is_dir() {
        return Ok(());
    }
    let _lock = FolderLock::take(folder)?;
    if keystore_path(folder).exists() {
        durable::destroy(&keystore_path(folder))?;
    }
    sweep(folder)?;
    key_paths(folder)?.iter().try_for_each(|path| durable::destroy(path))
}

/// `keystore.json`.
#[derive(Serialize, Deserialize)]
pub(super) struct KeystoreFile {
    v: u32,
    unlock: Derivation,
    /// The KEK, sealed.
    kek: String,
}

impl KeystoreFile {
    pub(super) fn seal(kek: &Secret<32>, unlock: &Unlock, path: &Path) -> Result<Self, Error> {
        let derivation = Derivation::new(unlock);
        let wrapping = derivation.key(unlock, path)?;
        let sealed = SealedBlob::seal(&wrapping, Label::Keystore, &context(&derivation), kek.expose());
        Ok(Self { v: VERSION, unlock: derivation, kek: base64(sealed.as_bytes()) })
    }

    pub(super) fn open(&self, unlock: &Unlock, path: &Path) -> Result<Secret<32>, Error> {
        let damaged = || Error::Damaged(path.to_owned());
        let wrapping = self.unlock.key(unlock, path)?;
        let sealed = unbase64(&self.kek).ok_or_else(damaged)?;
        let sealed = SealedBlob::from_bytes(sealed).map_err(|_| damaged())?;
        let kek = sealed
            .open(&wrapping, Label::Keystore, &context(&self.unlock))
            .map_err(|_| Error::WrongUnlock)?;
        Secret::from_slice(kek.expose()).map_err(|_| damaged())
    }

    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        read_json(&keystore_path(folder), VERSION)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        write_json(&keystore_path(folder), self)
    }

    /// What is written.
    pub(super) fn to_bytes(&self, folder: &Path) -> Result<Vec<u8>, Error> {
        json(&keystore_path(folder), self)
    }
}

/// `keys/LABEL.key`.
#[derive(Serialize, Deserialize)]
pub(super) struct KeyFile {
    v: u32,
    pub(super) label: KeyLabel,
    pub(super) kind: KeyKind,
    pub(super) state: KeyState,
    pub(super) created: u64,
    /// The private key, sealed.
    sealed: String,
}

impl KeyFile {
    pub(super) fn seal(entry: &KeyEntry, held: &Held, kek: &Secret<32>) -> Self {
        let older = held.versions() == 1 && !matches!(held, Held::Prf(_));
        let mut file = Self {
            v: if older { VERSION } else { KEY_VERSION },
            label: entry.key.label().clone(),
            kind: entry.key.kind(),
            state: entry.state,
            created: entry.created,
            sealed: String::new(),
        };
        let secret = held.to_secret_bytes();
        let sealed = SealedBlob::seal(kek, Label::KeyAtRest, &file.context(), secret.expose());
        file.sealed = base64(sealed.as_bytes());
        file
    }

    pub(super) fn open(&self, kek: &Secret<32>, path: &Path) -> Result<Held, Error> {
        let damaged = || Error::Damaged(path.to_owned());
        // A whole file copied under another name would pass for another key.
        if path.file_name().is_none_or(|name| name.to_str() != Some(&format!("{}.{KEY_SUFFIX}", self.label)))
        {
            return Err(damaged());
        }
        let sealed = unbase64(&self.sealed).ok_or_else(damaged)?;
        let sealed = SealedBlob::from_bytes(sealed).map_err(|_| damaged())?;
        let secret = sealed.open(kek, Label::KeyAtRest, &self.context()).map_err(|_| damaged())?;
        Held::from_secret_bytes(self.kind, secret.expose()).map_err(|_| damaged())
    }

    /// All that the file says in clear: altered, the key does not open.
    fn context(&self) -> Vec<u8> {
        let state = match self.state {
            KeyState::Active => "active",
            KeyState::Disabled => "disabled",
        };
        // Neither labels nor kinds hold a line end.
        format!("{}\n{}\n{state}\n{}\n{}", self.v, self.label, self.kind, self.created).into_bytes()
    }

    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        read_json(path, KEY_VERSION)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        write_json(&key_path(folder, &self.label), self)
    }
}

/// How the wrapping key was derived, bound to what it seals.
fn context(derivation: &Derivation) -> Vec<u8> {
    match derivation {
        Derivation::Argon2id { memory, passes, lanes, salt } => {
            format!("{VERSION}\nargon2id\n{memory}\n{passes}\n{lanes}\n{salt}").into_bytes()
        }
        Derivation::Credential => format!("{VERSION}\ncredential").into_bytes(),
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path, known: u32) -> Result<T, Error> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u32,
    }
    let damaged = |_| Error::Damaged(path.to_owned());
    let content = fs::read(path).map_err(|cause| durable::failed(path, cause))?;
    let Versioned { v } = serde_json::from_slice(&content).map_err(damaged)?;
    if v > known {
        return Err(Error::LaterVersion(path.to_owned()));
    }
    serde_json::from_slice(&content).map_err(damaged)
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    durable::write_secret(path, &json(path, value)?)
}

fn json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut content =
        serde_json::to_vec_pretty(value).map_err(|error| durable::failed(path, error.into()))?;
    content.push(b'\n');
    Ok(content)
}
