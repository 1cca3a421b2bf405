//! Keys in a Vault or OpenBao that the organisation has: its Transit engine makes and uses them, and they stay there.
//!
//! ```text
//! keys/LABEL.sealed   kind, state, creation, sealed under a Transit key of this keystore; with it the seed of a hybrid key
//! lock                held by the one process that has the keystore open
//! ```
//!
//! Ed25519, RSA-OAEP-256, HMAC and AES-GCM are Transit's own. It has no hybrid key encapsulation: a hybrid private key is software, sealed
//! under the Transit key, unsealed for each use and then wiped; while the Vault is sealed or away nothing opens. There is no fallback.
//! Keys that the Vault would export are refused.

mod entry;
mod http;
mod login;
pub mod parsers;
mod transit;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sceau_crypto::{Cek, FileId, RecipientPrivateKey, RecipientSuite, Secret, SecretBytes, XWingPrivateKey};

use self::{entry::Entry, transit::Transit};
use crate::{
    durable,
    error::Error,
    folder_lock::FolderLock,
    key::{KeyEntry, KeyKind, KeyLabel, KeyRef, KeyState, KeyUri, KeyVersion, PublicKey},
    operations::wrong_kind,
    provider::{Authenticate, JudgeKeys, Prf, Provider, Seal, Sign, UnwrapCek},
};

pub use http::VaultError;
pub use login::{VaultLogin, VaultSettings};

const SCHEME: &str = "vault";
/// The label of the Transit key that everything local is sealed under; no key of ours has it.
const SEALING: &str = "sealing";

/// A keystore whose keys are in a Vault.
pub struct VaultKeystore {
    folder: PathBuf,
    transit: Transit,
    keys: Mutex<BTreeMap<KeyLabel, Kept>>,
    _lock: FolderLock,
}

/// What is remembered of a key while the keystore is open.
#[derive(Clone)]
struct Kept {
    entry: Entry,
    /// Asked of the Vault, or made of the unsealed seed, once.
    public: Option<PublicKey>,
}

impl VaultKeystore {
    /// Logs in and opens the keystore of this folder, which is made if it is not there; each entry is unsealed and checked.
    ///
    /// # Errors
    /// [`Error::Vault`]; [`Error::InUse`], [`Error::Damaged`], [`Error::File`].
    pub fn open(folder: &Path, settings: &VaultSettings) -> Result<Self, Error> {
        durable::secret_folder(&folder.join("keys"))?;
        let lock = FolderLock::take(folder)?;
        let transit = Transit::open(settings)?;
        transit.make(SEALING, "aes256-gcm96")?;
        let mut keys = BTreeMap::new();
        for label in entry::labels(folder)? {
            let entry =
                entry::read(folder, &label, |bytes, context| transit.decrypt(SEALING, bytes, context))?;
            keys.insert(label, Kept { entry, public: None });
        }
        Ok(Self { folder: folder.to_owned(), transit, keys: Mutex::new(keys), _lock: lock })
    }

    /// Looks at the Vault of these settings, and makes and changes nothing: both logins work, and what is sealed under the key of the keystore's own
    /// entries is unsealed again. Whether that key is there: it is not before the first start.
    ///
    /// # Errors
    /// [`Error::Vault`], with who is at fault; [`Error::File`], [`Error::OpenToOthers`] for what the settings name.
    pub fn probe(settings: &VaultSettings) -> Result<bool, Error> {
        let transit = Transit::open(settings)?;
        transit.log_in()?;
        if !transit.is_sealed_in(SEALING, "aes256-gcm96")? {
            return Ok(false);
        }
        let (probe, context) = (b"probe".as_slice(), b"sceau-doctor".as_slice());
        let sealed = transit.encrypt(SEALING, probe, context)?;
        let unsealed = transit.decrypt(SEALING, sealed.as_bytes(), context)?;
        if unsealed.expose() == probe { Ok(true) } else { Err(VaultError::Answer.into()) }
    }

    fn kept(&self, key: &KeyRef) -> Result<Kept, Error> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let found = keys
            .get(key.label())
            .filter(|kept| kept.entry.kind == key.kind() && key.uri().scheme() == SCHEME);
        found.cloned().ok_or_else(|| Error::NotFound(key.uri().clone()))
    }

    fn usable(&self, key: &KeyRef, kind: KeyKind) -> Result<(), Error> {
        let kept = self.kept(key)?;
        if kept.entry.kind != kind {
            return Err(wrong_kind(key));
        }
        match kept.entry.state {
            KeyState::Active => Ok(()),
            KeyState::Disabled => Err(Error::Disabled(key.uri().clone())),
        }
    }

    fn write(&self, label: &KeyLabel, entry: &Entry, seed: Option<&SecretBytes>) -> Result<(), Error> {
        entry::write(&self.folder, label, entry, seed, |bytes, context| {
            self.transit.encrypt(SEALING, bytes, context)
        })
    }

    /// The hybrid private key, for one use.
    fn hybrid(&self, label: &KeyLabel) -> Result<RecipientPrivateKey, Error> {
        let seed =
            entry::seed(&self.folder, label, |bytes, context| self.transit.decrypt(SEALING, bytes, context))?;
        Ok(RecipientPrivateKey::from_secret_bytes(RecipientSuite::HpkeXWing, seed.expose())?)
    }

    fn read_public(&self, kind: KeyKind, label: &KeyLabel) -> Result<PublicKey, Error> {
        Ok(match kind {
            KeyKind::HpkeXWing => PublicKey::Recipient(self.hybrid(label)?.recipient_key().clone()),
            KeyKind::HmacSha256 | KeyKind::Aes256Gcm | KeyKind::PrfHmacSha256 => PublicKey::None,
            KeyKind::Rs256 | KeyKind::DangerRsaOaepSha1 | KeyKind::Aes256Kwp => {
                return Err(unsupported(kind));
            }
            KeyKind::Ed25519 | KeyKind::RsaOaep256 => self.transit.public(label.as_str(), kind)?,
        })
    }
}

/// What the element alone has keys for, which keeps none of its keys here.
fn unsupported(kind: KeyKind) -> Error {
    Error::Unsupported { scheme: SCHEME, operation: kind.as_str() }
}

/// The type of Transit key for a kind; none where it has none.
fn vault_type(kind: KeyKind) -> Option<&'static str> {
    match kind {
        KeyKind::Ed25519 => Some("ed25519"),
        KeyKind::RsaOaep256 => Some("rsa-3072"),
        KeyKind::HmacSha256 | KeyKind::PrfHmacSha256 => Some("hmac"),
        KeyKind::Aes256Gcm => Some("aes256-gcm96"),
        KeyKind::HpkeXWing | KeyKind::Rs256 | KeyKind::DangerRsaOaepSha1 | KeyKind::Aes256Kwp => None,
    }
}

impl Provider for VaultKeystore {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn generate(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<KeyRef, Error> {
        let key = KeyRef::new(KeyUri::new(SCHEME, label.clone()), kind);
        if label.as_str() == SEALING {
            return Err(Error::BadLabel(label.to_string()));
        }
        if matches!(kind, KeyKind::Rs256 | KeyKind::DangerRsaOaepSha1 | KeyKind::Aes256Kwp) {
            return Err(unsupported(kind));
        }
        // Held to the end: of two who make the same key, one does.
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.contains_key(label) {
            return Err(Error::Exists(key.uri().clone()));
        }
        let seed = match vault_type(kind) {
            // One that a crash left there without an entry is taken up, if it is what we would make.
            Some(of_type) => self.transit.make(label.as_str(), of_type).map(|()| None)?,
            None => {
                let made = RecipientPrivateKey::XWing(XWingPrivateKey::generate()?);
                Some(made.to_secret_bytes())
            }
        };
        let entry = Entry { kind, state: KeyState::Active, created: now };
        self.write(label, &entry, seed.as_ref())?;
        keys.insert(label.clone(), Kept { entry, public: None });
        Ok(key)
    }

    fn find(&self, uri: &KeyUri) -> Result<KeyEntry, Error> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let found = keys.get(uri.label()).filter(|_| uri.scheme() == SCHEME);
        found.map(|kept| kept.entry.shown(uri.label())).ok_or_else(|| Error::NotFound(uri.clone()))
    }

    fn list(&self) -> Result<Vec<KeyEntry>, Error> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.iter().map(|(label, kept)| kept.entry.shown(label)).collect())
    }

    fn public(&self, key: &KeyRef) -> Result<PublicKey, Error> {
        if let Some(public) = self.kept(key)?.public {
            return Ok(public);
        }
        let public = self.read_public(key.kind(), key.label())?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = keys.get_mut(key.label()) {
            kept.public = Some(public.clone());
        }
        Ok(public)
    }

    fn set_state(&self, key: &KeyRef, state: KeyState) -> Result<(), Error> {
        let kept = self.kept(key)?;
        let seed = match key.kind() {
            KeyKind::HpkeXWing => Some(self.hybrid(key.label())?.to_secret_bytes()),
            _ => None,
        };
        let entry = Entry { state, ..kept.entry };
        self.write(key.label(), &entry, seed.as_ref())?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = keys.get_mut(key.label()) {
            kept.entry = entry;
        }
        Ok(())
    }

    fn destroy(&self, key: &KeyRef) -> Result<(), Error> {
        self.kept(key)?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if vault_type(key.kind()).is_some() {
            self.transit.destroy(key.label().as_str())?;
        }
        durable::destroy(&entry::path(&self.folder, key.label()))?;
        keys.remove(key.label());
        Ok(())
    }

    fn signing(&self) -> Option<&dyn Sign> {
        Some(self)
    }

    fn unwrapping(&self) -> Option<&dyn UnwrapCek> {
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

    fn judging(&self) -> Option<&dyn JudgeKeys> {
        Some(self)
    }
}

impl JudgeKeys for VaultKeystore {
    fn altered(&self) -> Result<Vec<String>, Error> {
        let mut wanted = vec![(SEALING.to_owned(), "aes256-gcm96")];
        for entry in self.list()? {
            wanted
                .extend(vault_type(entry.key.kind()).map(|of_type| (entry.key.label().to_string(), of_type)));
        }
        let mut altered = Vec::new();
        for (label, of_type) in wanted {
            match self.transit.is_sealed_in(&label, of_type) {
                // One that is gone says so when it is used.
                Ok(_) => {}
                Err(Error::Vault(VaultError::Foreign(_))) => altered.push(format!("{SCHEME}:{label}")),
                Err(error) => return Err(error),
            }
        }
        Ok(altered)
    }
}

impl Sign for VaultKeystore {
    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<[u8; 64], Error> {
        self.usable(key, KeyKind::Ed25519)?;
        self.transit.sign(key.label().as_str(), message)
    }
}

impl UnwrapCek for VaultKeystore {
    fn unwrap_cek(&self, key: &KeyRef, file: &FileId, wrapped: &[u8]) -> Result<Cek, Error> {
        self.usable(
            key,
            if key.kind() == KeyKind::HpkeXWing { KeyKind::HpkeXWing } else { KeyKind::RsaOaep256 },
        )?;
        if key.kind() == KeyKind::HpkeXWing {
            return Ok(self.hybrid(key.label())?.unwrap_cek(file, wrapped)?);
        }
        let plain = self.transit.decrypt_rsa(key.label().as_str(), wrapped)?;
        Cek::from_slice(plain.expose()).map_err(|_| sceau_crypto::UnwrapError::refused().into())
    }
}

impl Authenticate for VaultKeystore {
    fn mac(&self, key: &KeyRef, parts: &[&[u8]]) -> Result<[u8; 32], Error> {
        self.usable(key, KeyKind::HmacSha256)?;
        self.transit.mac(key.label().as_str(), &parts.concat())
    }
}

impl Prf for VaultKeystore {
    fn prf(&self, master: &KeyRef, version: KeyVersion, inputs: &[&[u8]]) -> Result<Vec<Secret<32>>, Error> {
        self.usable(master, KeyKind::PrfHmacSha256)?;
        if version != KeyVersion::FIRST {
            return Err(Error::NoVersion { key: master.uri().clone(), version });
        }
        let label = master.label().as_str();
        let each = |input: &&[u8]| {
            let tag = zeroize::Zeroizing::new(self.transit.mac(label, input)?);
            Ok(Secret::fill_with(|out| out.copy_from_slice(&*tag)))
        };
        inputs.iter().map(each).collect()
    }
}

impl Seal for VaultKeystore {
    fn seal(&self, key: &KeyRef, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
        self.usable(key, KeyKind::Aes256Gcm)?;
        Ok(self.transit.encrypt(key.label().as_str(), secret, context)?.into_bytes())
    }

    fn open(&self, key: &KeyRef, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
        self.usable(key, KeyKind::Aes256Gcm)?;
        self.transit.decrypt(key.label().as_str(), sealed, context)
    }
}

impl std::fmt::Debug for VaultKeystore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VaultKeystore({})", self.folder.display())
    }
}
