//! The software keystore: one folder, each key in a file of its own, sealed.
//!
//! ```text
//! keystore.json   version, how the wrapping key is derived, the KEK sealed under it
//! keys/LABEL.key  label, kind, state, creation; the key sealed under the KEK, bound to all of these
//! lock            held by the one process that has the keystore open
//! ```
//!
//! Someone with the files alone learns labels, kinds, states and dates, and can put an older whole file back; nothing else.

mod files;
mod held;

#[cfg(feature = "pkcs11")]
pub(crate) use files::destroy_all as destroy_files;
#[cfg(feature = "pkcs11")]
pub(crate) use held::Held as HeldKey;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use sceau_crypto::{BlobError, Cek, FileId, Label, SealedBlob, Secret, SecretBytes, hmac};
use zeroize::Zeroizing;

use self::{
    files::{KeyFile, KeystoreFile},
    held::Held,
};
use crate::{
    durable,
    error::Error,
    folder_lock::FolderLock,
    holder::HolderKeys,
    key::{KeyEntry, KeyKind, KeyLabel, KeyRef, KeyState, KeyUri, KeyVersion, PublicKey},
    operations::wrong_kind,
    provider::{
        Authenticate, BackUp, DangerUnwrapSha1, Prf, Provider, Rotate, Seal, Sign, SignRs256, UnwrapCek,
    },
    unlock::Unlock,
};

const SCHEME: &str = "software";

/// Keys in files, sealed under a key-encryption key (KEK) that a passphrase or a credential opens. While it is open, the keys
/// are in this process's memory.
pub struct SoftwareKeystore {
    folder: PathBuf,
    kek: Secret<32>,
    keys: RwLock<Keys>,
    /// Held as long as the keystore is open.
    _lock: FolderLock,
}

type Keys = BTreeMap<KeyLabel, Key>;

/// A key in memory, with what its file says of it.
#[derive(Clone)]
struct Key {
    entry: KeyEntry,
    held: Arc<Held>,
}

impl SoftwareKeystore {
    /// Makes a new, empty keystore in this folder, and opens it.
    ///
    /// # Errors
    /// [`Error::AlreadyAKeystore`], [`Error::InUse`], [`Error::File`], [`Error::BadCredential`]; [`Error::Damaged`] where keys
    /// lie without their keystore file.
    pub fn create(folder: &Path, unlock: &Unlock) -> Result<Self, Error> {
        durable::secret_folder(&folder.join("keys"))?;
        let lock = FolderLock::take(folder)?;
        if files::keystore_path(folder).exists() {
            return Err(Error::AlreadyAKeystore(folder.to_owned()));
        }
        // Keys whose KEK is lost must not be buried under a new one.
        if !files::key_paths(folder)?.is_empty() {
            return Err(Error::Damaged(files::keystore_path(folder)));
        }
        let kek = Secret::random();
        KeystoreFile::seal(&kek, unlock, &files::keystore_path(folder))?.write(folder)?;
        Ok(Self { folder: folder.to_owned(), kek, keys: RwLock::default(), _lock: lock })
    }

    /// Opens the keystore of this folder and checks every key in it.
    ///
    /// # Errors
    /// [`Error::NotAKeystore`], [`Error::InUse`], [`Error::WrongUnlock`], [`Error::OtherUnlock`],
    /// [`Error::Damaged`], [`Error::LaterVersion`], [`Error::File`].
    pub fn open(folder: &Path, unlock: &Unlock) -> Result<Self, Error> {
        if !files::keystore_path(folder).exists() {
            return Err(Error::NotAKeystore(folder.to_owned()));
        }
        let lock = FolderLock::take(folder)?;
        files::sweep(folder)?;
        let kek = KeystoreFile::read(folder)?.open(unlock, &files::keystore_path(folder))?;
        let mut keys = Keys::new();
        for path in files::key_paths(folder)? {
            let file = KeyFile::read(&path)?;
            let held = file.open(&kek, &path)?;
            let key = KeyRef::new(KeyUri::new(SCHEME, file.label.clone()), file.kind);
            let version = KeyVersion::last_of(held.versions());
            let entry = KeyEntry { key, state: file.state, created: file.created, version };
            keys.insert(file.label, Key { entry, held: Arc::new(held) });
        }
        Ok(Self { folder: folder.to_owned(), kek, keys: RwLock::new(keys), _lock: lock })
    }

    /// Opens the keystore of this folder, or makes it if there is none.
    ///
    /// # Errors
    /// Those of [`Self::open`] and [`Self::create`].
    pub fn open_or_create(folder: &Path, unlock: &Unlock) -> Result<Self, Error> {
        match Self::open(folder, unlock) {
            Err(Error::NotAKeystore(_)) => Self::create(folder, unlock),
            opened => opened,
        }
    }

    /// Changes what opens the keystore. The keys' files stay as they are; the KEK is sealed anew. A copy of the folder
    /// made before still opens with the old means.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::BadCredential`].
    pub fn change_unlock(&self, unlock: &Unlock) -> Result<(), Error> {
        KeystoreFile::seal(&self.kek, unlock, &files::keystore_path(&self.folder))?.write(&self.folder)
    }

    /// A key, for moving it.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn held(&self, key: &KeyRef) -> Result<Arc<Held>, Error> {
        Ok(self.key(key)?.held)
    }

    fn save(&self, entry: &KeyEntry, held: &Held) -> Result<(), Error> {
        KeyFile::seal(entry, held, &self.kek).write(&self.folder)
    }

    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        // Maps are changed after the files, in one step: a panic elsewhere leaves them whole.
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, key: &KeyRef) -> Result<Key, Error> {
        let found = self.read().get(key.label()).filter(|found| found.entry.key == *key).cloned();
        found.ok_or_else(|| Error::NotFound(key.uri().clone()))
    }

    fn usable(&self, key: &KeyRef) -> Result<Arc<Held>, Error> {
        let found = self.key(key)?;
        match found.entry.state {
            KeyState::Active => Ok(found.held),
            KeyState::Disabled => Err(Error::Disabled(key.uri().clone())),
        }
    }
}

impl Provider for SoftwareKeystore {
    fn waits(&self) -> bool {
        false
    }

    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn generate(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<KeyRef, Error> {
        let key = KeyRef::new(KeyUri::new(SCHEME, label.clone()), kind);
        if self.read().contains_key(label) {
            return Err(Error::Exists(key.uri().clone()));
        }
        // RSA takes a while: others may use their keys meanwhile.
        let held = Held::generate(kind)?;
        let mut keys = self.write();
        if keys.contains_key(label) {
            return Err(Error::Exists(key.uri().clone()));
        }
        let version = KeyVersion::FIRST;
        let entry = KeyEntry { key: key.clone(), state: KeyState::Active, created: now, version };
        self.save(&entry, &held)?;
        keys.insert(label.clone(), Key { entry, held: Arc::new(held) });
        Ok(key)
    }

    fn find(&self, uri: &KeyUri) -> Result<KeyEntry, Error> {
        let found = self.read().get(uri.label()).filter(|_| uri.scheme() == SCHEME).cloned();
        found.map(|key| key.entry.clone()).ok_or_else(|| Error::NotFound(uri.clone()))
    }

    fn list(&self) -> Result<Vec<KeyEntry>, Error> {
        Ok(self.read().values().map(|key| key.entry.clone()).collect())
    }

    fn public(&self, key: &KeyRef) -> Result<PublicKey, Error> {
        Ok(self.key(key)?.held.public())
    }

    fn set_state(&self, key: &KeyRef, state: KeyState) -> Result<(), Error> {
        let mut keys = self.write();
        let slot = keys.get_mut(key.label()).filter(|found| found.entry.key == *key);
        let slot = slot.ok_or_else(|| Error::NotFound(key.uri().clone()))?;
        let entry = KeyEntry { state, ..slot.entry.clone() };
        self.save(&entry, &slot.held)?;
        slot.entry = entry;
        Ok(())
    }

    fn destroy(&self, key: &KeyRef) -> Result<(), Error> {
        let mut keys = self.write();
        if keys.get(key.label()).is_none_or(|found| found.entry.key != *key) {
            return Err(Error::NotFound(key.uri().clone()));
        }
        durable::destroy(&files::key_path(&self.folder, key.label()))?;
        keys.remove(key.label());
        Ok(())
    }

    fn signing(&self) -> Option<&dyn Sign> {
        Some(self)
    }

    fn signing_rs256(&self) -> Option<&dyn SignRs256> {
        Some(self)
    }

    fn unwrapping(&self) -> Option<&dyn UnwrapCek> {
        Some(self)
    }

    fn danger_unwrapping(&self) -> Option<&dyn DangerUnwrapSha1> {
        Some(self)
    }

    fn authenticating(&self) -> Option<&dyn Authenticate> {
        Some(self)
    }

    fn sealing(&self) -> Option<&dyn Seal> {
        Some(self)
    }

    fn deriving(&self) -> Option<&dyn Prf> {
        Some(self)
    }

    fn holding(&self) -> Option<&dyn HolderKeys> {
        Some(self)
    }

    fn rotating(&self) -> Option<&dyn Rotate> {
        Some(self)
    }

    fn backing_up(&self) -> Option<&dyn BackUp> {
        Some(self)
    }
}

/// Checks that a `keystore.json`, as [`BackUp::keystore_file_for`] gave it, opens by `unlock`. `file` is where it was read, for errors.
///
/// # Errors
/// [`Error::WrongUnlock`], [`Error::OtherUnlock`], [`Error::Damaged`].
pub fn check_keystore_file(bytes: &[u8], unlock: &Unlock, file: &Path) -> Result<(), Error> {
    let keystore: KeystoreFile =
        serde_json::from_slice(bytes).map_err(|_| Error::Damaged(file.to_owned()))?;
    keystore.open(unlock, file).map(drop)
}

impl BackUp for SoftwareKeystore {
    fn keystore_file_for(&self, unlock: &Unlock) -> Result<Vec<u8>, Error> {
        KeystoreFile::seal(&self.kek, unlock, &files::keystore_path(&self.folder))?.to_bytes(&self.folder)
    }
}

impl Sign for SoftwareKeystore {
    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<[u8; 64], Error> {
        match &*self.usable(key)? {
            Held::Ed25519(signer) => Ok(signer.sign(message)),
            _ => Err(wrong_kind(key)),
        }
    }
}

impl SignRs256 for SoftwareKeystore {
    fn sign_rs256(&self, key: &KeyRef, message: &[u8]) -> Result<Vec<u8>, Error> {
        match &*self.usable(key)? {
            Held::Rs256(signer) => Ok(signer.sign(message)?),
            _ => Err(wrong_kind(key)),
        }
    }
}

impl UnwrapCek for SoftwareKeystore {
    fn unwrap_cek(&self, key: &KeyRef, file: &FileId, wrapped: &[u8]) -> Result<Cek, Error> {
        match &*self.usable(key)? {
            Held::Recipient(private) => private.unwrap_cek(file, wrapped).map_err(Error::from),
            _ => Err(wrong_kind(key)),
        }
    }
}

impl DangerUnwrapSha1 for SoftwareKeystore {
    fn danger_unwrap_sha1(&self, key: &KeyRef, wrapped: &[u8]) -> Result<Cek, Error> {
        let unwrapped = self.usable(key)?.unwrapped_by_sha1(wrapped);
        unwrapped.ok_or_else(|| wrong_kind(key))?.map_err(Error::from)
    }
}

impl Authenticate for SoftwareKeystore {
    fn mac(&self, key: &KeyRef, parts: &[&[u8]]) -> Result<[u8; 32], Error> {
        match &*self.usable(key)? {
            Held::Hmac(secret) => Ok(hmac(secret.expose(), parts)),
            _ => Err(wrong_kind(key)),
        }
    }
}

impl Seal for SoftwareKeystore {
    fn seal(&self, key: &KeyRef, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
        match &*self.usable(key)? {
            Held::Aes(versions) => {
                let current = versions.last().ok_or_else(|| Error::NotFound(key.uri().clone()))?;
                Ok(SealedBlob::seal(current, Label::StateAtRest, context, secret).as_bytes().to_vec())
            }
            _ => Err(wrong_kind(key)),
        }
    }

    fn open(&self, key: &KeyRef, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
        match &*self.usable(key)? {
            Held::Aes(versions) => {
                let blob = SealedBlob::from_bytes(sealed.to_vec())?;
                // The blob does not say which version sealed it; it opens under no other.
                let mut opened = Err(BlobError::Refused);
                for version in versions.iter().rev() {
                    opened = blob.open(version, Label::StateAtRest, context);
                    if opened != Err(BlobError::Refused) {
                        break;
                    }
                }
                Ok(opened?)
            }
            _ => Err(wrong_kind(key)),
        }
    }
}

impl Prf for SoftwareKeystore {
    fn prf(&self, master: &KeyRef, version: KeyVersion, inputs: &[&[u8]]) -> Result<Vec<Secret<32>>, Error> {
        let held = self.usable(master)?;
        let Held::Prf(versions) = &*held else { return Err(wrong_kind(master)) };
        let secret = versions.get(version.index());
        let secret = secret.ok_or_else(|| Error::NoVersion { key: master.uri().clone(), version })?;
        let one = |input: &&[u8]| {
            let output = Zeroizing::new(hmac(secret.expose(), &[input]));
            Secret::fill_with(|out| out.copy_from_slice(&*output))
        };
        Ok(inputs.iter().map(one).collect())
    }
}

impl Rotate for SoftwareKeystore {
    fn rotate(&self, key: &KeyRef, _now: u64) -> Result<KeyVersion, Error> {
        self.usable(key)?;
        let mut keys = self.write();
        let slot = keys.get_mut(key.label()).filter(|found| found.entry.key == *key);
        let slot = slot.ok_or_else(|| Error::NotFound(key.uri().clone()))?;
        let operation = "versions of a key of this kind";
        let rotated = slot.held.rotated().ok_or(Error::Unsupported { scheme: SCHEME, operation })?;
        let version = KeyVersion::last_of(rotated.versions());
        let entry = KeyEntry { version, ..slot.entry.clone() };
        self.save(&entry, &rotated)?;
        (slot.entry, slot.held) = (entry, Arc::new(rotated));
        Ok(version)
    }
}

impl std::fmt::Debug for SoftwareKeystore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SoftwareKeystore({}, {} keys)", self.folder.display(), self.read().len())
    }
}
