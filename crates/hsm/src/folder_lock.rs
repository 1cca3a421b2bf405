//! One process at a time in a folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::{durable, error::Error};

/// A folder's lock, `flock(2)` on its file `lock`. The system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock(File);

impl FolderLock {
    /// Takes it, or says that another process has it.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::File`].
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("lock");
        let file = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|cause| durable::failed(&path, cause))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(folder.to_owned())),
            Err(TryLockError::Error(cause)) => Err(durable::failed(&path, cause)),
        }
    }
}

impl Drop for FolderLock {
    /// Closing the file would not do: a program that another thread starts has a copy of it until it has begun, and the copy holds the lock.
    fn drop(&mut self) {
        // Where this is refused, the last copy gives it back when it closes.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::FolderLock;

    #[test]
    fn it_is_given_back_while_somebody_holds_a_copy_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        let copy = lock.0.try_clone().unwrap();
        assert!(FolderLock::take(folder.path()).is_err());
        drop(lock);
        FolderLock::take(folder.path()).unwrap();
        drop(copy);
    }
}
