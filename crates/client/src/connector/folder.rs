//! Folders that appear whole: written aside, synced to the last name, renamed, and the rename synced.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Error, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Where folders are written before they appear. Inside the folder of the others: a rename must not cross file systems.
const ASIDE: &str = ".incoming";

/// The place where the folder `name` is written.
pub(super) fn aside(output: &Path, name: &str) -> PathBuf {
    output.join(ASIDE).join(name)
}

/// Makes the folders in which others appear. What a stop left aside is in clear and nobody's: it is removed, but for what is `complete`.
pub(super) fn prepare(output: &Path, complete: impl Fn(&str) -> bool) -> Result<(), Error> {
    let aside = output.join(ASIDE);
    private_folder(&aside)?;
    std::fs::set_permissions(&aside, Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(&aside)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&complete) {
            continue;
        }
        let path = entry.path();
        let removed = if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        };
        removed?;
    }
    sync_folder(&aside)?;
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

/// Removes a folder that appeared: it is out of sight at once, and what a stop leaves of it goes at the next start.
pub(super) fn discard(output: &Path, name: &str) -> Result<(), Error> {
    let gone = aside(output, &format!("{name}.sent"));
    match std::fs::remove_dir_all(&gone) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match std::fs::rename(output.join(name), &gone) {
        // Somebody else took it away.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => std::fs::remove_dir_all(gone),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_a_stop_left_aside_is_removed_but_for_what_is_complete() {
        let output = tempfile::tempdir().unwrap();
        prepare(output.path(), |_| false).unwrap();
        for name in ["half", "whole"] {
            let place = aside(output.path(), name);
            private_folder(&place.join("documents")).unwrap();
            write_new(&place.join("documents/a.pdf"), b"in clear").unwrap();
        }
        write_new(&aside(output.path(), "stray"), b"in clear").unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("kept"), b"").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), aside(output.path(), "link")).unwrap();
        std::fs::set_permissions(output.path().join(ASIDE), Permissions::from_mode(0o755)).unwrap();
        prepare(output.path(), |name| name == "whole").unwrap();
        let left: Vec<_> =
            std::fs::read_dir(output.path().join(ASIDE)).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left, ["whole"]);
        assert!(elsewhere.path().join("kept").exists(), "a link is removed, not followed");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&output.path().join(ASIDE)), 0o700);
        let whole = aside(output.path(), "whole").join("documents");
        assert_eq!((mode(&whole), mode(&whole.join("a.pdf"))), (0o700, 0o600));
    }
}
