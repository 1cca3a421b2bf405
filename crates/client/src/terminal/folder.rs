//! A terminal in a folder that only its owner enters, with its key in a file: what a machine without a better place has.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use sceau_crypto::sha256;
use sceau_trace::Hash;
use zeroize::Zeroizing;

use super::keeps::{Alone, DeviceKey, Keeps, NewKey};
use super::refused;
use crate::ClientError;
use crate::keyring::FileKey;
use crate::lock::Lock;

const DEVICE: &str = "device.p8";
/// Locked by who uses the terminal. A file: on NFS a folder cannot be.
const LOCK: &str = "lock";

/// A folder. The environment that a terminal was made in is part of what it keeps: a copy elsewhere refuses itself.
#[derive(Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn owned(&self) -> Result<(), ClientError> {
        let mode = fs::metadata(&self.0).map_err(|cause| failed(&self.0, cause))?.mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        let words = format!("{} is open to others of this machine: chmod 700 it", self.called());
        Err(refused("terminal_open", words))
    }
}

impl Keeps for Folder {
    fn called(&self) -> String {
        self.0.display().to_string()
    }

    /// Makes the folder, for its owner alone.
    fn prepare(&self) -> Result<(), ClientError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|cause| failed(&self.0, cause))?;
        self.owned()
    }

    fn check(&self) -> Result<(), ClientError> {
        self.owned()
    }

    fn lock(&self) -> Result<Alone, ClientError> {
        let path = self.0.join(LOCK);
        let Some(lock) = Lock::take(&path).map_err(|cause| failed(&path, cause))? else {
            let words = "another window or program uses this terminal now: end it, then try again";
            return Err(refused("terminal_busy", words));
        };
        Ok(Box::new(lock))
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, ClientError> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed(&path, cause)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError> {
        let (path, beside) = (self.0.join(name), self.0.join(format!(".{name}.new")));
        let write = || {
            let mut file =
                File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|cause| failed(&path, cause))
    }

    fn remove(&self, name: &str) -> Result<(), ClientError> {
        let path = self.0.join(name);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(failed(&path, cause)),
            _ => Ok(()),
        }
    }

    fn names(&self) -> Result<Vec<String>, ClientError> {
        let entries = fs::read_dir(&self.0).map_err(|cause| failed(&self.0, cause))?;
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.map_err(|cause| failed(&self.0, cause))?;
            Ok(entry.file_name().to_string_lossy().into_owned())
        };
        entries.map(name).collect()
    }

    /// As the system tells now, and as one told that did not tell of births yet.
    fn images(&self) -> Result<Vec<Hash>, ClientError> {
        Ok(Environment::of(&self.0)?.images().into())
    }

    fn new_key(&self) -> Result<NewKey, ClientError> {
        let (key, pkcs8) = FileKey::generate()?;
        Ok(NewKey { key: DeviceKey::of(key), pkcs8: Some(pkcs8) })
    }

    fn keep_key(&self, new: &NewKey) -> Result<(), ClientError> {
        new.pkcs8.as_ref().map_or(Ok(()), |pkcs8| self.write(DEVICE, pkcs8.expose()))
    }

    fn key(&self) -> Result<DeviceKey, ClientError> {
        let damaged = || refused("terminal_damaged", format!("{} is damaged", self.called()));
        let pkcs8 = self.read(DEVICE)?.ok_or_else(damaged)?;
        FileKey::from_pkcs8(&pkcs8).map(DeviceKey::of).map_err(|_| damaged())
    }

    fn forget_key(&self) -> Result<(), ClientError> {
        self.remove(DEVICE)
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

    /// What a terminal is bound to here, and what one was by a system that did not tell of births yet.
    fn images(&self) -> [Hash; 2] {
        [self.image(), Self { born: None, ..self.clone() }.image()]
    }
}

fn failed(path: &Path, cause: std::io::Error) -> ClientError {
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
            environment().images().contains(&image),
            "nothing else is asked of the system: the disk's number is another after a restart"
        );
        let others = [
            Environment { machine: b"8b".to_vec(), ..environment() },
            Environment { folder: 13, ..environment() },
            Environment { owner: 1001, ..environment() },
            Environment { born: Some(Duration::new(1_700_000_000, 6)), ..environment() },
            Environment { born: None, ..environment() },
        ];
        assert!(others.iter().all(|other| !other.images().contains(&image)));
        // A system that tells of births since it was renewed is the one of before.
        let untold = Environment { born: None, ..environment() }.image();
        assert!(environment().images().contains(&untold));
    }
}
