//! A keystore whose keys are in a token (PKCS#11).
//!
//! ```text
//! token.json          version, and the name that its keys in the token begin with
//! keys/LABEL.token    kind, state, creation, versions, what each is known by; sealed under a master of the token, bound to its label
//! lock                held by the one process that has the keystore open
//! ```
//!
//! Keys of holders are in neither: wrapped by the token, sealed again under a holder's secret, they are kept by whoever has them made, and are in the token for one signature.
//! Ed25519, RSA-OAEP-256, HMAC and masters are the token's own. What it cannot use (hybrid keys, Ed25519 where it has none) is software, sealed in
//! its entry under the master `sealing`, unsealed for each use and then wiped. There is no fallback while the token is away. Each version of a key is an
//! object of its own, `NAME/LABEL/VERSION`; one object serves one purpose.

mod entry;
mod holders;
mod keeping;
mod moving;
mod oaep_sha1;
mod objects;
mod passing;
mod provider;
mod seal;
mod shelf;
mod uses;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use cryptoki::mechanism::MechanismType;
use sceau_crypto::{RsaPrivateKey, SecretBytes};
use serde::{Deserialize, Serialize};

use self::{
    entry::{Entry, Secrets, Version},
    objects::Wanted,
    shelf::{Held, Made, Shelf},
    uses::RsaWay,
};
use super::uri::Pkcs11Uri;
use crate::{
    durable,
    error::Error,
    folder_lock::FolderLock,
    key::{KeyKind, KeyLabel, KeyRef, KeyState, KeyUri, KeyVersion, PublicKey},
    operations::wrong_kind,
    software::HeldKey,
};

pub use keeping::TokenKeeping;
pub use moving::{MovedKey, move_to_token};

const SCHEME: &str = "token";
/// The scheme that keys had which were moved here.
const MOVED_FROM: &str = "software";
/// The label of the master that entries are sealed under; no key of ours has it.
const SEALING: &str = "sealing";

/// A keystore whose keys are in a token.
pub struct TokenKeystore {
    folder: PathBuf,
    shelf: Shelf,
    keys: RwLock<BTreeMap<KeyLabel, Arc<Entry>>>,
    /// Held while keys are made, changed or destroyed.
    changing: Mutex<()>,
    rsa: OnceLock<RsaWay>,
    _lock: Option<FolderLock>,
}

/// `token.json`.
#[derive(Serialize, Deserialize)]
struct Marker {
    v: u32,
    name: KeyLabel,
}

impl TokenKeystore {
    /// Makes a new, empty keystore in this folder, with its keys in the token of this address, whose `object` names the keystore; and opens it.
    ///
    /// # Errors
    /// [`Error::AlreadyAKeystore`]; [`Error::TokenInUse`] where the token has keys of that name; [`Error::Token`], [`Error::InUse`], [`Error::File`].
    pub fn create(folder: &Path, uri: &Pkcs11Uri) -> Result<Self, Error> {
        durable::secret_folder(&folder.join("keys"))?;
        let lock = FolderLock::take(folder)?;
        if marker_path(folder).exists() {
            return Err(Error::AlreadyAKeystore(folder.to_owned()));
        }
        if !entry::labels(folder)?.is_empty() {
            return Err(Error::Damaged(marker_path(folder)));
        }
        let shelf = Shelf::of(uri)?;
        if shelf.is_in_use()? {
            return Err(Error::TokenInUse(shelf.address("…")));
        }
        let marker = Marker { v: 1, name: shelf.name().clone() };
        let marker = serde_json::to_vec(&marker)
            .map_err(|error| durable::failed(&marker_path(folder), error.into()))?;
        // Before the first key: what is in the token under this name belongs to this folder from now on.
        durable::write_secret(&marker_path(folder), &marker)?;
        Self::opened(folder, shelf, Some(lock))
    }

    /// Opens the keystore of this folder, and checks every entry in it.
    ///
    /// # Errors
    /// [`Error::NotAKeystore`], [`Error::InUse`], [`Error::OtherToken`], [`Error::Token`], [`Error::Damaged`], [`Error::LaterVersion`],
    /// [`Error::File`].
    pub fn open(folder: &Path, uri: &Pkcs11Uri) -> Result<Self, Error> {
        if !marker_path(folder).exists() {
            return Err(Error::NotAKeystore(folder.to_owned()));
        }
        let lock = FolderLock::take(folder)?;
        entry::sweep(folder)?;
        Self::opened(folder, shelf_of(folder, uri)?, Some(lock))
    }

    /// The same beside a process that has the keystore open, to look and not to change.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub fn look(folder: &Path, uri: &Pkcs11Uri) -> Result<Self, Error> {
        if !marker_path(folder).exists() {
            return Err(Error::NotAKeystore(folder.to_owned()));
        }
        Self::opened(folder, shelf_of(folder, uri)?, None)
    }

    /// Opens the keystore of this folder, or makes it if there is none.
    ///
    /// # Errors
    /// Those of [`Self::open`] and [`Self::create`].
    pub fn open_or_create(folder: &Path, uri: &Pkcs11Uri) -> Result<Self, Error> {
        match Self::open(folder, uri) {
            Err(Error::NotAKeystore(_)) => Self::create(folder, uri),
            opened => opened,
        }
    }

    /// Whether there is a keystore of this sort in the folder.
    pub fn is_in(folder: &Path) -> bool {
        marker_path(folder).exists()
    }

    fn opened(folder: &Path, shelf: Shelf, lock: Option<FolderLock>) -> Result<Self, Error> {
        let keystore = Self {
            folder: folder.to_owned(),
            shelf,
            keys: RwLock::default(),
            changing: Mutex::default(),
            rsa: OnceLock::new(),
            _lock: lock,
        };
        let sealing = keystore.sealing().name;
        if keystore._lock.is_some() {
            keystore.shelf.make(&sealing, &Wanted::Secret)?;
        }
        let mut keys = BTreeMap::new();
        for label in entry::labels(folder)? {
            let sealed = entry::read(folder, &label)?;
            let (entry, _) = keystore.unseal(&label, sealed)?;
            keys.insert(label, Arc::new(entry));
        }
        *keystore.write() = keys;
        Ok(keystore)
    }

    fn kept_entry(&self, key: &KeyRef) -> Result<Arc<Entry>, Error> {
        let found = self.read().get(key.label()).cloned();
        let found = found.filter(|entry| entry.kind == key.kind() && is_ours(key.uri(), entry));
        found.ok_or_else(|| Error::NotFound(key.uri().clone()))
    }

    /// The entry of a key that may be used for this.
    fn usable(&self, key: &KeyRef, kind: KeyKind) -> Result<Arc<Entry>, Error> {
        let entry = self.kept_entry(key)?;
        if entry.kind != kind {
            return Err(wrong_kind(key));
        }
        match entry.state {
            KeyState::Active => Ok(entry),
            KeyState::Disabled => Err(Error::Disabled(key.uri().clone())),
        }
    }

    /// The master that entries are sealed under. What it sealed opens under no other: that is by what it is known.
    fn sealing(&self) -> Held<'static> {
        Held { name: self.shelf.object(SEALING, KeyVersion::FIRST), check: None }
    }

    /// Whether the token can use a key of this kind.
    fn can(&self, kind: KeyKind) -> Result<bool, Error> {
        let all = |wanted: &[MechanismType]| -> Result<bool, Error> {
            wanted.iter().try_fold(true, |so_far, one| Ok(so_far && self.shelf.can(*one)?))
        };
        match kind {
            KeyKind::Ed25519 => all(&[MechanismType::EDDSA, MechanismType::ECC_EDWARDS_KEY_PAIR_GEN]),
            KeyKind::Rs256 => all(&[MechanismType::RSA_PKCS_KEY_PAIR_GEN, MechanismType::RSA_PKCS]),
            KeyKind::RsaOaep256 => all(&[MechanismType::RSA_PKCS_KEY_PAIR_GEN]),
            KeyKind::DangerRsaOaepSha1 => {
                all(&[MechanismType::RSA_PKCS_KEY_PAIR_GEN, MechanismType::RSA_PKCS_OAEP])
            }
            KeyKind::HpkeXWing => Ok(false),
            KeyKind::Aes256Kwp => all(&[
                MechanismType::AES_KEY_GEN,
                MechanismType::AES_KEY_WRAP_PAD,
                MechanismType::ECC_KEY_PAIR_GEN,
                MechanismType::ECDSA,
                MechanismType::RSA_PKCS_KEY_PAIR_GEN,
                MechanismType::RSA_PKCS,
            ]),
            KeyKind::HmacSha256 | KeyKind::Aes256Gcm | KeyKind::PrfHmacSha256 => Ok(true),
        }
    }

    /// Makes the first version of a key, in the token or sealed.
    fn make(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<Arc<Entry>, Error> {
        let blank = Entry {
            kind,
            state: KeyState::Active,
            created: now,
            public: None,
            moved: false,
            versions: Vec::new(),
            sealed: Vec::new(),
        };
        if self.can(kind)? {
            let object = self.shelf.object(label.as_str(), KeyVersion::FIRST);
            let Made { check, public, .. } = self.shelf.make(&object, &wanted(kind))?;
            let versions = vec![Version::Token { check, imported: false }];
            return self.put(label, Entry { public, versions, ..blank }, &vec![None]);
        }
        if kind == KeyKind::Aes256Kwp {
            let operation = "what keys of holders need: AES key wrap with padding (CKM_AES_KEY_WRAP_PAD), ECDSA on P-256 and RSA, with keys made in it";
            return Err(Error::Unsupported { scheme: SCHEME, operation });
        }
        let held = HeldKey::generate(kind)?;
        let public = public_bytes(&held);
        let entry = Entry { public, versions: vec![Version::Sealed], ..blank };
        self.put(label, entry, &vec![Some(held.to_secret_bytes())])
    }

    /// Seals, writes and remembers an entry.
    fn put(&self, label: &KeyLabel, entry: Entry, secrets: &Secrets) -> Result<Arc<Entry>, Error> {
        let entry = entry
            .seal(label, secrets, |secret, context| self.seal_under(&self.sealing(), context, secret))?;
        entry::write(&self.folder, label, &entry)?;
        let entry = Arc::new(entry);
        self.write().insert(label.clone(), Arc::clone(&entry));
        Ok(entry)
    }

    fn unseal(&self, label: &KeyLabel, sealed: Vec<u8>) -> Result<(Entry, Secrets), Error> {
        let path = entry::path(&self.folder, label);
        Entry::open(sealed, label, &path, |sealed, context| self.open_under(&self.sealing(), context, sealed))
    }

    /// The secret of a version that is sealed in its entry, for one use.
    fn secret(&self, label: &KeyLabel, entry: &Entry, at: usize) -> Result<SecretBytes, Error> {
        let (_, mut secrets) = self.unseal(label, entry.sealed.clone())?;
        let secret = secrets.get_mut(at).and_then(Option::take);
        secret.ok_or_else(|| Error::Damaged(entry::path(&self.folder, label)))
    }

    /// A version that is in the token, as it is asked for there.
    fn held<'a>(&self, label: &KeyLabel, entry: &'a Entry, at: usize) -> Option<Held<'a>> {
        let Version::Token { check, .. } = entry.versions.get(at)? else { return None };
        let name = self.shelf.object(label.as_str(), KeyVersion::last_of(at + 1));
        let is_rsa = matches!(entry.kind, KeyKind::RsaOaep256 | KeyKind::Rs256 | KeyKind::DangerRsaOaepSha1);
        Some(Held { name, check: check.as_deref().or(entry.public.as_deref().filter(|_| is_rsa)) })
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<KeyLabel, Arc<Entry>>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<KeyLabel, Arc<Entry>>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for TokenKeystore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKeystore({}, {} keys)", self.folder.display(), self.read().len())
    }
}

/// Keys that were moved here are found by the address that they had.
fn is_ours(uri: &KeyUri, entry: &Entry) -> bool {
    uri.scheme() == SCHEME || (entry.moved && uri.scheme() == MOVED_FROM)
}

fn wanted(kind: KeyKind) -> Wanted<'static> {
    match kind {
        KeyKind::Ed25519 => Wanted::Ed25519,
        KeyKind::RsaOaep256 | KeyKind::DangerRsaOaepSha1 => Wanted::Rsa,
        KeyKind::Rs256 => Wanted::RsaSigning,
        KeyKind::Aes256Kwp => Wanted::Wrapping,
        KeyKind::HpkeXWing | KeyKind::HmacSha256 | KeyKind::Aes256Gcm | KeyKind::PrfHmacSha256 => {
            Wanted::Secret
        }
    }
}

fn public_bytes(held: &HeldKey) -> Option<Vec<u8>> {
    match held {
        HeldKey::Rs256(key) => return Some(key.public_key_info().to_vec()),
        HeldKey::OaepSha1(key) => {
            let key = RsaPrivateKey::from_pkcs8(key.to_secret_bytes().expose()).ok()?;
            return Some(key.recipient_key().public().to_vec());
        }
        _ => {}
    }
    match held.public() {
        PublicKey::Ed25519(public) => Some(public.as_bytes().to_vec()),
        PublicKey::Recipient(public) => Some(public.public().to_vec()),
        PublicKey::Rs256(_) | PublicKey::DangerRsaOaepSha1(_) | PublicKey::None => None,
    }
}

fn marker_path(folder: &Path) -> PathBuf {
    folder.join("token.json")
}

/// The shelf of the keystore that is in this folder, if the address names the same.
fn shelf_of(folder: &Path, uri: &Pkcs11Uri) -> Result<Shelf, Error> {
    let path = marker_path(folder);
    let marker = durable::read_secret(&path, 4096)?;
    let marker: Marker = serde_json::from_slice(&marker).map_err(|_| Error::Damaged(path.clone()))?;
    if marker.v != 1 {
        return Err(Error::LaterVersion(path));
    }
    let shelf = Shelf::of(uri)?;
    if shelf.name() != &marker.name {
        return Err(Error::OtherToken { folder: folder.to_owned(), name: marker.name.to_string() });
    }
    Ok(shelf)
}
