//! A folder that is held open: what is read there is of one folder, and what is written goes with it, whoever takes it away meanwhile.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fsync, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

/// A folder itself, never what a link in its place leads to.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A file itself; a pipe in its place holds up nobody.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// A folder that is held open: what is written goes with it when somebody takes it away meanwhile, and never into another of its name.
#[derive(Debug)]
pub(super) struct Held(OwnedFd);

impl Held {
    /// The folder at `path`; `None` if there is none, or none any more.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Error> {
        match openat(CWD, path, FOLDER, Mode::empty()) {
            Ok(folder) => Ok(Some(Self(folder))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A folder in it that is there.
    pub(super) fn existing(&self, name: &str) -> Result<Option<Self>, Error> {
        match openat(&self.0, name, FOLDER, Mode::empty()) {
            Ok(folder) => Ok(Some(Self(folder))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a file of at most `most` bytes; `None` if there is none, or something else of its name.
    ///
    /// # Errors
    /// [`ErrorKind::FileTooLarge`]; what the system says.
    pub(super) fn read(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, Error> {
        let file = match openat(&self.0, name, FILE, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(most as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > most { Err(ErrorKind::FileTooLarge.into()) } else { Ok(Some(bytes)) }
    }

    /// A folder in it, for this user alone, made where it is missing.
    pub(super) fn inside(&self, name: &str) -> Result<Self, Error> {
        match mkdirat(&self.0, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Ok(Self(openat(&self.0, name, FOLDER, Mode::empty())?)),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file; one that is gone is good.
    pub(super) fn remove(&self, name: &str) -> Result<(), Error> {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) => Ok(fsync(&self.0)?),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a small file that appears whole, in place of one that has its name.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let hidden = format!(".{name}.new");
        match unlinkat(&self.0, &hidden, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.0, &hidden, new, Mode::RUSR | Mode::WUSR)?);
        file.write_all(bytes)?;
        file.sync_all()?;
        renameat(&self.0, &hidden, &self.0, name)?;
        Ok(fsync(&self.0)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_written_goes_with_a_folder_that_is_taken_away() {
        let output = tempfile::tempdir().unwrap();
        let (here, taken) = (output.path().join("dossier"), output.path().join("taken"));
        assert!(Held::open(&here).unwrap().is_none());
        std::fs::create_dir(&here).unwrap();
        let held = Held::open(&here).unwrap().unwrap();
        std::fs::rename(&here, &taken).unwrap();
        held.replace("decided.json", b"{}").unwrap();
        held.inside("proof").unwrap().replace("decision", b"old").unwrap();
        held.inside("proof").unwrap().replace("decision", b"new").unwrap();
        assert!(!here.exists(), "no folder is made in its place");
        assert_eq!(std::fs::read(taken.join("decided.json")).unwrap(), b"{}");
        assert_eq!(std::fs::read(taken.join("proof/decision")).unwrap(), b"new");
        assert_eq!(
            std::fs::read_dir(taken.join("proof")).unwrap().count(),
            1,
            "nothing half written is left"
        );
        let mode = |name: &str| std::fs::metadata(taken.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("proof"), mode("proof/decision")), (0o700, 0o600));
    }

    #[test]
    fn a_link_in_the_place_of_a_folder_is_not_followed() {
        let output = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let link = output.path().join("dossier");
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        assert!(Held::open(&link).is_err());
        std::fs::remove_file(&link).unwrap();
        std::fs::create_dir(&link).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), link.join("proof")).unwrap();
        assert!(Held::open(&link).unwrap().unwrap().inside("proof").is_err());
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
