//! Folders that appear whole: written aside, synced to the last name, renamed, and the rename synced.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Where folders are written before they appear. Inside the folder of the others: a rename must not cross file systems.
const ASIDE: &str = ".incoming";

/// The place where the folder `name` is written.
pub(super) fn aside(output: &Path, name: &str) -> PathBuf {
    output.join(ASIDE).join(name)
}

/// Makes the folders in which others appear.
pub(super) fn prepare(output: &Path) -> Result<(), Error> {
    private_folder(&output.join(ASIDE))?;
    sync_folder(output)
}

/// Makes a folder for this user alone, with those above it; one that is there already is good.
pub(super) fn private_folder(path: &Path) -> Result<(), Error> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// An empty folder in which one dossier will be written; what an interrupted attempt left is removed.
pub(super) fn fresh(path: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => private_folder(path),
    }
}

/// Opens a new file for this user alone.
pub(super) fn new_file(path: &Path) -> Result<File, Error> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Writes a small file, synced; its folder is synced by whoever finishes it.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = new_file(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes a small file that appears whole, in place of one that has its name.
pub(super) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let hidden = folder.join(format!(".{name}.new"));
    match std::fs::remove_file(&hidden) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => write_new(&hidden, bytes)?,
    }
    std::fs::rename(&hidden, folder.join(name))?;
    sync_folder(folder)
}

/// Lets a complete folder appear under its name. Doing it again after a crash is harmless: if it is not aside any more, it appeared.
pub(super) fn appear(output: &Path, name: &str) -> Result<(), Error> {
    let (from, to) = (aside(output, name), output.join(name));
    if !from.exists() {
        return Ok(());
    }
    if to.exists() {
        return Err(Error::new(ErrorKind::AlreadyExists, format!("{} is there already", to.display())));
    }
    std::fs::rename(&from, &to)?;
    sync_folder(output)?;
    sync_folder(&output.join(ASIDE))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path)?.sync_all()
}
