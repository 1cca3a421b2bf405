//! What a terminal keeps: its key, what it pinned, and a secret that changes at each use.
//!
//! A folder that only its owner enters. The environment that it was made in is part of what is kept: a copy elsewhere refuses itself. Files are replaced whole, and
//! durable before anything that depends on them is sent.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use sceau_crypto::{KeyId, Secret, SecretBytes, sha256};
use sceau_element_api::{Base64Url, KeyringId, KeyringRequestId, TerminalId};
use sceau_keyring::Outcome;
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::refused;
use crate::ClientError;
use crate::keyring::FileKey;

const DEVICE: &str = "device.p8";
const KEYRING: &str = "keyring.json";
const SECRET: &str = "secret.json";
/// Locked by who uses the terminal. A file: on NFS a folder cannot be.
const LOCK: &str = "lock";
const OWN: &str = "attempts.json";
/// While another terminal may come.
pub(super) const COMES: &str = "comes.json";
/// Attempts of its own that are known again; a keyring is blocked or cools down long before there are more.
const MOST_OWN: usize = 256;
/// Before and after the id of a request whose outcome the host does not have yet.
const UNDELIVERED: (&str, &str) = ("undelivered-", ".json");

/// A terminal's folder.
#[derive(Debug, Clone)]
pub struct Storage {
    pub(super) folder: PathBuf,
}

/// What is pinned and known of the keyring. No secret is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) v: u32,
    pub(super) keyring: KeyringId,
    pub(super) terminal: TerminalId,
    /// The key's id.
    pub(super) key: Base64Url,
    /// The element: the name of its log, its channel key's id, and the key of its word (JWK).
    pub(super) origin: String,
    pub(super) channel: KeyId,
    pub(super) word: String,
    /// The policy and who may ask, the exact bytes.
    pub(super) policy: Base64Url,
    pub(super) access: Base64Url,
    pub(super) certificate: Option<Base64Url>,
    pub(super) chain: Vec<Base64Url>,
    /// The environment that it was made in.
    pub(super) image: Hash,
}

/// The terminal's secret, and the one that a use under way may have put in its place.
#[derive(Debug)]
pub(super) struct Secrets {
    pub(super) current: Secret<32>,
    pub(super) pending: Option<Secret<32>>,
}

/// What the terminal tried itself since its last use. No secret is in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Own {
    /// Its last use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<LastUse>,
    /// Its attempts since then.
    pub(super) attempts: Vec<Hash>,
    /// The terminals of the keyring that its holder was shown, or had come. None where an earlier version kept it: then those count that were bound before the last use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<Vec<TerminalId>>,
}

/// The last use of a terminal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LastUse {
    /// Index of its record.
    pub(super) index: u64,
    /// When, by the element's clock, Unix ms.
    pub(super) time: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSecrets {
    current: Base64Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Base64Url>,
}

impl Drop for WrittenSecrets {
    fn drop(&mut self) {
        self.current.0.zeroize();
        if let Some(pending) = &mut self.pending {
            pending.0.zeroize();
        }
    }
}

impl Storage {
    /// The terminal of this folder, which need not exist.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// SHA-256 of where the folder is.
    pub(super) fn image(&self) -> Result<Hash, ClientError> {
        Ok(Environment::of(&self.folder)?.image())
    }

    /// Makes the folder, for its owner alone, and locks it; one that has a terminal is refused.
    pub(super) fn begin(&self) -> Result<File, ClientError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|cause| failed(&self.folder, cause))?;
        self.check_owner()?;
        let alone = self.lock()?;
        if self.folder.join(KEYRING).exists() {
            let words =
                format!("{} has a terminal of a keyring: choose another folder", self.folder.display());
            return Err(refused("terminal_exists", words));
        }
        Ok(alone)
    }

    /// One at a time: what reads the secrets to turn them has them alone until the guard is dropped.
    pub(super) fn lock(&self) -> Result<File, ClientError> {
        let path = self.folder.join(LOCK);
        let lock = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(|cause| failed(&path, cause))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => {
                let words = "another window or program uses this terminal now: end it, then try again";
                Err(refused("terminal_busy", words))
            }
            Err(TryLockError::Error(cause)) => Err(failed(&path, cause)),
        }
    }

    /// Keeps a new terminal's key.
    pub(super) fn keep_device(&self, pkcs8: &SecretBytes) -> Result<(), ClientError> {
        self.write(DEVICE, pkcs8.expose())
    }

    /// Keeps the secrets, durable when it returns.
    pub(super) fn keep_secrets(&self, secrets: &Secrets) -> Result<(), ClientError> {
        let text = |secret: &Secret<32>| Base64Url::from(secret.expose().as_slice());
        let written =
            WrittenSecrets { current: text(&secrets.current), pending: secrets.pending.as_ref().map(text) };
        let json = Zeroizing::new(serde_json::to_vec(&written).map_err(|_| ClientError::Answer)?);
        self.write(SECRET, &json)
    }

    /// Keeps what is known: from then on the folder is a terminal.
    pub(super) fn keep(&self, kept: &Kept) -> Result<(), ClientError> {
        self.write(KEYRING, &serde_json::to_vec(kept).map_err(|_| ClientError::Answer)?)
    }

    /// What it tried itself.
    pub(super) fn own(&self) -> Result<Own, ClientError> {
        if !self.folder.join(OWN).exists() {
            return Ok(Own::default());
        }
        serde_json::from_slice(&self.read(OWN)?).map_err(|_| self.damaged())
    }

    /// Keeps that it tries, durable before anything is sent.
    pub(super) fn keep_attempt(&self, attempt: Hash) -> Result<(), ClientError> {
        let mut own = self.own()?;
        if own.attempts.len() >= MOST_OWN {
            own.attempts.remove(0);
        }
        own.attempts.push(attempt);
        self.keep_own(&own)
    }

    /// Keeps that it was used, and which terminals its holder was shown: what it tried before is of no interest any more.
    pub(super) fn keep_use(&self, last: LastUse, known: Option<Vec<TerminalId>>) -> Result<(), ClientError> {
        self.keep_own(&Own { last: Some(last), attempts: Vec::new(), known })
    }

    /// Keeps that its holder knows these terminals; of the rest, nothing is seen by that.
    pub(super) fn keep_known(&self, known: Vec<TerminalId>) -> Result<(), ClientError> {
        let own = self.own()?;
        self.keep_own(&Own { known: Some(known), ..own })
    }

    fn keep_own(&self, own: &Own) -> Result<(), ClientError> {
        self.write(OWN, &serde_json::to_vec(own).map_err(|_| ClientError::Answer)?)
    }

    pub(super) fn damaged(&self) -> ClientError {
        refused("terminal_damaged", format!("{} is damaged", self.folder.display()))
    }

    /// Is no terminal any more: the element refused it, or its keyring is gone.
    pub(super) fn forget(&self) -> Result<(), ClientError> {
        for name in [KEYRING, SECRET, DEVICE, OWN, COMES] {
            let path = self.folder.join(name);
            match fs::remove_file(&path) {
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
                removed => removed.map_err(|cause| failed(&path, cause))?,
            }
        }
        // Nobody hands over what they hold, without the key: another keyring's terminal that is made here must not.
        self.undelivered()?.into_iter().try_for_each(|(request, _)| self.forget_undelivered(request))
    }

    /// The terminal, if it is where it was made.
    pub(super) fn load(&self) -> Result<(Kept, FileKey, Secrets), ClientError> {
        if !self.folder.join(KEYRING).exists() {
            let words = format!("{} has no terminal: activate a keyring there first", self.folder.display());
            return Err(refused("terminal_missing", words));
        }
        self.check_owner()?;
        let damaged = || self.damaged();
        let kept: Kept = serde_json::from_slice(&self.read(KEYRING)?).map_err(|_| damaged())?;
        if !Environment::of(&self.folder)?.is(kept.image) {
            return Err(refused(
                "terminal_changed",
                "this folder was copied or moved from where the keyring was activated: it is no terminal here",
            ));
        }
        let device = FileKey::from_pkcs8(&self.read(DEVICE)?).map_err(|_| damaged())?;
        let written: WrittenSecrets = serde_json::from_slice(&self.read(SECRET)?).map_err(|_| damaged())?;
        let secret = |bytes: &Base64Url| Secret::from_slice(bytes).map_err(|_| damaged());
        let pending = written.pending.as_ref().map(secret).transpose()?;
        Ok((kept, device, Secrets { current: secret(&written.current)?, pending }))
    }

    /// Keeps what the holder agreed to, for the provider of a request that waits at the host, until the host has it. A use is spent once it is answered: this comes before whatever
    /// else is done with the answer and may fail.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] where the folder does not take it.
    pub fn keep_undelivered(&self, request: KeyringRequestId, outcome: &Outcome) -> Result<(), ClientError> {
        let json = serde_json::to_vec(outcome).map_err(|_| ClientError::Answer)?;
        self.write(&undelivered(request), &json)
    }

    /// What the host does not have yet.
    pub(super) fn undelivered(&self) -> Result<Vec<(KeyringRequestId, Outcome)>, ClientError> {
        let entries = fs::read_dir(&self.folder).map_err(|cause| failed(&self.folder, cause))?;
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|cause| failed(&self.folder, cause))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let id = name.strip_prefix(UNDELIVERED.0).and_then(|rest| rest.strip_suffix(UNDELIVERED.1));
            let Some(request) = id.and_then(|id| id.parse().ok()) else { continue };
            if let Ok(outcome) = serde_json::from_slice(&self.read(&name)?) {
                all.push((request, outcome));
            }
        }
        Ok(all)
    }

    /// Forgets it: the host has it.
    pub(super) fn forget_undelivered(&self, request: KeyringRequestId) -> Result<(), ClientError> {
        let path = self.folder.join(undelivered(request));
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(failed(&path, cause)),
            _ => Ok(()),
        }
    }

    fn check_owner(&self) -> Result<(), ClientError> {
        let mode = fs::metadata(&self.folder).map_err(|cause| failed(&self.folder, cause))?.mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        let words = format!("{} is open to others of this machine: chmod 700 it", self.folder.display());
        Err(refused("terminal_open", words))
    }

    pub(super) fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let path = self.folder.join(name);
        fs::read(&path).map(Zeroizing::new).map_err(|cause| failed(&path, cause))
    }

    /// Whole or not at all, and durable.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError> {
        let (path, beside) = (self.folder.join(name), self.folder.join(format!(".{name}.new")));
        let write = || {
            let mut file =
                File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|cause| failed(&path, cause))
    }
}

/// Where a folder is: the machine, its owner, the folder's own number and birth. Its copy has another. What the system gives each time it starts is no part of it:
/// the number of the disk is such a one.
#[derive(Debug, Clone)]
struct Environment {
    machine: Vec<u8>,
    folder: u64,
    owner: u32,
    /// Since the epoch; not every file system tells.
    born: Option<Duration>,
}

impl Environment {
    fn of(folder: &Path) -> Result<Self, ClientError> {
        let of_folder = fs::metadata(folder).map_err(|cause| failed(folder, cause))?;
        // A machine without an id is told by the folder alone.
        let machine = fs::read("/etc/machine-id").unwrap_or_default();
        let born = of_folder.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        Ok(Self { machine, folder: of_folder.ino(), owner: of_folder.uid(), born })
    }

    fn image(&self) -> Hash {
        let mut all = sha256(&self.machine).to_vec();
        all.extend(self.folder.to_be_bytes());
        all.extend(self.owner.to_be_bytes());
        all.extend(self.born.into_iter().flat_map(|born| born.as_nanos().to_be_bytes()));
        Hash::new(sha256(&all))
    }

    /// Whether this is where an image was taken: by a system that did not tell of births yet, too.
    fn is(&self, image: Hash) -> bool {
        self.image() == image || Self { born: None, ..self.clone() }.image() == image
    }
}

fn undelivered(request: KeyringRequestId) -> String {
    format!("{}{request}{}", UNDELIVERED.0, UNDELIVERED.1)
}

pub(super) fn failed(path: &Path, cause: std::io::Error) -> ClientError {
    ClientError::File { path: path.display().to_string(), cause }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn environment() -> Environment {
        let born = Some(Duration::new(1_700_000_000, 5));
        Environment { machine: b"8a".to_vec(), folder: 12, owner: 1000, born }
    }

    /// A folder that was activated has it in its file, and the element in its journal: with another one no terminal that is would be itself any more.
    #[test]
    fn an_environment_has_the_image_that_it_always_had() {
        let image = "65abbfe655366c95e6ca824985667dc111fb34f413b191b6ec1a5d880fbe8817";
        assert_eq!(environment().image().to_string(), image);
    }

    #[test]
    fn a_restart_leaves_a_terminal_where_it_was_and_a_copy_is_elsewhere() {
        let image = environment().image();
        assert!(
            environment().is(image),
            "nothing else is asked of the system: the disk's number is another after a restart"
        );
        let others = [
            Environment { machine: b"8b".to_vec(), ..environment() },
            Environment { folder: 13, ..environment() },
            Environment { owner: 1001, ..environment() },
            Environment { born: Some(Duration::new(1_700_000_000, 6)), ..environment() },
            Environment { born: None, ..environment() },
        ];
        assert!(others.iter().all(|other| !other.is(image)));
        // A system that tells of births since it was renewed is the one of before.
        let untold = Environment { born: None, ..environment() }.image();
        assert!(environment().is(untold));
    }
}
