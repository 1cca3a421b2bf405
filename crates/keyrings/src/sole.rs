//! One host for one file: what it alone gives and takes need not go to the disk.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Proof that no other host stands on the database of a folder. The system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Sole(File);

impl Sole {
    /// Of the database in `folder`; none where another host has it, which shares it then.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn take(folder: &Path) -> io::Result<Option<Self>> {
        let path = folder.join("keyrings.lock");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Sole {
    /// A copy of the file may outlive this one, in a program that was started meanwhile: the lock goes back with us.
    fn drop(&mut self) {
        // Where this is refused, the last copy gives it back when it closes.
        let _ = self.0.unlock();
    }
}
