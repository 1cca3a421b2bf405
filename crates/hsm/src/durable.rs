//! Files that are there, whole, when a function has returned, and gone when another has.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::error::Error;

/// Suffix of a file that is being written.
pub(crate) const NEW: &str = "new";
/// Suffix of a file that is being destroyed.
pub(crate) const DESTROYED: &str = "destroyed";

/// Puts a file in its place, whole: written beside it, fsynced, renamed over it, the folder fsynced.
/// Its mode is that of a secret, 0600, from the first moment.
///
/// # Errors
/// [`Error::File`]; the old file, if there was one, is then still there.
pub fn write_secret(path: &Path, content: &[u8]) -> Result<(), Error> {
    replace(path, content, 0o600).map_err(|cause| failed(path, cause))
}

/// The same for what everyone may read, 0644.
///
/// # Errors
/// [`Error::File`].
pub fn write_public(path: &Path, content: &[u8]) -> Result<(), Error> {
    replace(path, content, 0o644).map_err(|cause| failed(path, cause))
}

/// Renames a file away, which is the moment that it is gone; overwrites it with zeros, fsyncs, removes it, fsyncs the
/// folder. A crash between leaves a `.destroyed` file to destroy again. What a copy-on-write file system or a drive keeps
/// of the old blocks is out of reach: content must have been sealed anyway.
///
/// # Errors
/// [`Error::File`].
pub fn destroy(path: &Path) -> Result<(), Error> {
    overwrite_and_remove(path).map_err(|cause| failed(path, cause))
}

/// The work tree of git in which a path lies, or would lie, if any: what is there is one `git add` away from everybody who has the repository.
///
/// # Errors
/// Those of the system, about as much of the path as is there.
pub fn git_tree(path: &Path) -> io::Result<Option<PathBuf>> {
    let there = path.ancestors().find(|one| one.exists()).filter(|one| !one.as_os_str().is_empty());
    let whole = there.unwrap_or(Path::new(".")).canonicalize()?;
    // A work tree's `.git` is a folder, or a file that says where that is.
    Ok(whole.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned))
}

/// Makes a folder for secrets, 0700, and its parents, and fsyncs the one above. One that is there is left as it is.
///
/// # Errors
/// [`Error::File`].
pub fn secret_folder(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        // The folder above may be one that only the administrator reads.
        return Ok(());
    }
    let make = || {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        sync_folder(parent(path))
    };
    make().map_err(|cause| failed(path, cause))
}

/// Refuses a secret file that its group or others can read. A credential that systemd hands over is of root, and what looks like its group's
/// right to read is the mask of the list by which this user alone reads it (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)).
///
/// # Errors
/// [`Error::OpenToOthers`], [`Error::File`].
pub fn check_secret(path: &Path) -> Result<(), Error> {
    let metadata = fs::metadata(path).map_err(|cause| failed(path, cause))?;
    let handed_over = std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|folder| {
        path.parent() == Some(Path::new(&folder)) && metadata.uid() == 0 && metadata.gid() == 0
    });
    let others = if handed_over { 0o037 } else { 0o077 };
    if metadata.permissions().mode() & others == 0 {
        Ok(())
    } else {
        Err(Error::OpenToOthers(path.to_owned()))
    }
}

/// Reads at most `limit` bytes into memory that is wiped, refusing a longer file.
///
/// # Errors
/// [`Error::File`].
pub fn read_secret(path: &Path, limit: usize) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
    // Sized once: a vector that grows leaves copies behind.
    let mut content = zeroize::Zeroizing::new(vec![0; limit + 1]);
    let mut file = File::open(path).map_err(|cause| failed(path, cause))?;
    let mut length = 0;
    while let Some(rest) = content.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(failed(path, cause)),
        }
    }
    if length > limit {
        return Err(failed(path, io::ErrorKind::FileTooLarge.into()));
    }
    content.truncate(length);
    Ok(content)
}

/// Reads at most `limit` bytes of a file that somebody else may write: a plain one, so that a link leads to no file of ours and a pipe holds nobody
/// up.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::InvalidInput`] of what is no plain file, [`io::ErrorKind::FileTooLarge`].
pub fn read_foreign(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(|_| io::ErrorKind::Unsupported)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut content = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut content)?;
    if content.len() > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(content) }
}

pub(crate) fn failed(path: &Path, cause: io::Error) -> Error {
    Error::File { path: path.to_owned(), cause }
}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = path.with_extension(NEW);
    // What a crash left behind; nobody else writes here.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder(parent(path))
}

fn overwrite_and_remove(path: &Path) -> io::Result<()> {
    let doomed = path.with_extension(DESTROYED);
    fs::rename(path, &doomed)?;
    sync_folder(parent(path))?;
    let mut file = OpenOptions::new().write(true).open(&doomed)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let zeros = [0; 4096];
    for start in (0..length).step_by(zeros.len()) {
        file.write_all(zeros.get(..zeros.len().min(length - start)).unwrap_or_default())?;
    }
    file.sync_all()?;
    fs::remove_file(&doomed)?;
    sync_folder(parent(path))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
