//! Folders where private keys are made and stay: never under version control, and left out of backups.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sceau_hsm::durable;

use crate::command::output::{Access, Output};
use crate::failure::{Exit, Failure};

/// What tells backup programs to leave a folder out (bford.info/cachedir); its first 43 octets are the signature.
const TAG: &str = "CACHEDIR.TAG";
const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55";
const REST: &str = "\
# Private keys are in this folder: they do not leave the machine where they were made, not even into a backup.
# Programs that know this file leave the folder out (tar --exclude-caches, restic --exclude-caches, borg --exclude-caches).
# Made by sceau cert csr. What is lost is made anew: a new key, a new request, a new certificate.
";

/// A folder for private keys.
#[derive(Debug)]
pub(super) struct KeyFolder {
    path: PathBuf,
}

impl KeyFolder {
    /// Makes the folder, or takes one that is empty or was made so before. The mark for backups is of all that is in a folder, so other people's
    /// documents must not be in it.
    pub(super) fn make(path: &Path) -> Result<Self, Failure> {
        refuse_git(path)?;
        let failed = |cause| Failure::file("make the folder", path, &cause);
        let created = match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => true,
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => false,
            Err(cause) => return Err(failed(cause)),
        };
        if !created && !is_marked(path) {
            let mut entries =
                fs::read_dir(path).map_err(|cause| Failure::file("read the folder", path, &cause))?;
            if entries.next().is_some() {
                let words = format!(
                    "{} holds other files, and the folder of a key is left out of backups whole: give the key a folder of its own with \
                     --folder",
                    path.display()
                );
                return Err(Failure::new(Exit::Usage, "folder_in_use", words));
            }
        }
        if !is_marked(path) {
            write(&path.join(TAG), format!("{SIGNATURE}\n{REST}").as_bytes(), Access::Shared, false)?;
        }
        Ok(Self { path: path.to_owned() })
    }

    /// A path in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Whether backup programs leave the folder out.
pub(super) fn is_marked(folder: &Path) -> bool {
    fs::read(folder.join(TAG)).is_ok_and(|content| content.starts_with(SIGNATURE.as_bytes()))
}

/// Refuses a place for private keys within a work tree of git: what is there is one `git add` away from everybody who has the repository.
pub(super) fn refuse_git(path: &Path) -> Result<(), Failure> {
    match durable::git_tree(path).map_err(|cause| Failure::file("find", path, &cause))? {
        None => Ok(()),
        Some(tree) => {
            let words = format!(
                "{} is within {}, which is under version control (git), and a private key must never be: choose a folder outside, for \
                 instance --folder ~/certificates",
                path.display(),
                tree.display()
            );
            Err(Failure::new(Exit::Usage, "in_git_tree", words))
        }
    }
}

/// Writes a file whole: private ones for this user alone, and never over one that is there unless that is asked for.
pub(super) fn write(path: &Path, content: &[u8], access: Access, overwrite: bool) -> Result<(), Failure> {
    let mut output = Output::file(path, access, overwrite)?;
    output.write_all(content).map_err(|cause| Failure::file("write", path, &cause))?;
    output.commit()
}
