//! Where bytes go: a file that appears whole or not at all, or standard output.
//!
//! The file has no name while it is written (`O_TMPFILE`), so that not even `kill -9` leaves a part of it behind. File systems
//! without nameless files get a hidden one beside the target, removed on failure.

mod early;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::failure::{Exit, Failure};
use early::Early;

/// Who may read a file that we make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The user alone: documents in clear, private keys.
    Private,
    /// As the user's umask says.
    Shared,
}

/// Bytes being written, not yet a file.
pub(crate) struct Output {
    file: File,
    place: Place,
    early: Early,
    /// How messages name it.
    pub(super) label: String,
}

enum Place {
    Standard,
    Nameless(Target),
    Hidden { target: Target, path: PathBuf },
}

struct Target {
    path: PathBuf,
    overwrite: bool,
}

impl Output {
    /// Standard output, unless it is a terminal and the bytes are not for people.
    pub(crate) fn standard(for_terminals: bool) -> Result<Self, Failure> {
        if !for_terminals && io::stdout().is_terminal() {
            return Err(Failure::new(
                Exit::Usage,
                "terminal",
                "sealed bytes do not go to a terminal: choose a file with -o, or pipe them on",
            ));
        }
        let descriptor = io::stdout().as_fd().try_clone_to_owned();
        let file =
            descriptor.map(File::from).map_err(|cause| Failure::system("use standard output", &cause))?;
        Ok(Self {
            file,
            place: Place::Standard,
            early: Early::default(),
            label: "standard output".to_owned(),
        })
    }

    /// A file that will be at `path` once [`Output::commit`] has returned.
    pub(crate) fn file(path: &Path, access: Access, overwrite: bool) -> Result<Self, Failure> {
        let target = Target { path: path.to_owned(), overwrite };
        target.check()?;
        let mode = Mode::from_bits_truncate(match access {
            Access::Private => 0o600,
            Access::Shared => 0o666,
        });
        let label = path.display().to_string();
        match rustix::fs::open(target.folder(), OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, mode) {
            Ok(file) => {
                Ok(Self { file: file.into(), place: Place::Nameless(target), early: Early::default(), label })
            }
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Self::hidden(target, mode, label),
            Err(cause) => Err(Failure::file("write to the folder", target.folder(), &cause.into())),
        }
    }

    fn hidden(target: Target, mode: Mode, label: String) -> Result<Self, Failure> {
        let path = target.folder().join(hidden_name());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, mode)
            .map_err(|cause| Failure::file("write to the folder", target.folder(), &cause.into()))?;
        Ok(Self { file: file.into(), place: Place::Hidden { target, path }, early: Early::default(), label })
    }

    /// Whether the bytes leave as they are written.
    pub(super) fn is_standard(&self) -> bool {
        matches!(self.place, Place::Standard)
    }

    /// Makes the bytes durable, and gives the file its name: now it exists, whole.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        let failed = |path: &Path, cause: io::Error| Failure::file("write", path, &cause);
        let early = self.early.finish();
        match &self.place {
            Place::Standard => {
                self.file.flush().map_err(|cause| Failure::system("write to standard output", &cause))
            }
            Place::Nameless(target) => {
                early.and_then(|()| self.file.sync_all()).map_err(|cause| failed(&target.path, cause))?;
                self.name(target)
            }
            Place::Hidden { target, path } => {
                early.and_then(|()| self.file.sync_all()).map_err(|cause| failed(&target.path, cause))?;
                move_to(path, target)
            }
        }
    }

    fn name(&self, target: &Target) -> Result<(), Failure> {
        let descriptor = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let link = |to: &Path| rustix::fs::linkat(CWD, &descriptor, CWD, to, AtFlags::SYMLINK_FOLLOW);
        match link(&target.path) {
            Ok(()) => target.sync_folder(),
            Err(Errno::EXIST) if target.overwrite => {
                let path = target.folder().join(hidden_name());
                link(&path).map_err(|cause| Failure::file("write", &path, &cause.into()))?;
                move_to(&path, target).inspect_err(|_| {
                    let _already_gone = std::fs::remove_file(&path);
                })
            }
            Err(Errno::EXIST) => Err(target.exists()),
            Err(cause) => Err(Failure::file("write", &target.path, &cause.into())),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        if !self.is_standard() {
            self.early.wrote(&self.file, written);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Place::Hidden { path, .. } = &self.place {
            let _moved_by_commit = std::fs::remove_file(path);
        }
    }
}

impl Target {
    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Refuses before any work what would be refused after it.
    fn check(&self) -> Result<(), Failure> {
        match std::fs::symlink_metadata(&self.path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(Failure::file("write", &self.path, &cause)),
            Ok(found) if !(found.is_file() || found.is_symlink()) => Err(Failure::new(
                Exit::Usage,
                "not_a_file",
                format!("{} is not a file: to write there, use -o - and redirect", self.path.display()),
            )),
            Ok(_) if self.overwrite => Ok(()),
            Ok(_) => Err(self.exists()),
        }
    }

    fn exists(&self) -> Failure {
        let path = self.path.display();
        let words = format!(
            "{path} exists already: choose another name with -o, or where a command has --force, overwrite it by that"
        );
        Failure::new(Exit::Usage, "exists", words)
    }

    fn sync_folder(&self) -> Result<(), Failure> {
        File::open(self.folder())
            .and_then(|folder| folder.sync_all())
            .map_err(|cause| Failure::file("keep", &self.path, &cause))
    }
}

fn move_to(from: &Path, target: &Target) -> Result<(), Failure> {
    let moved = if target.overwrite {
        rustix::fs::rename(from, &target.path)
    } else {
        match rustix::fs::renameat_with(CWD, from, CWD, &target.path, RenameFlags::NOREPLACE) {
            // A file system that cannot promise it; a hard link can, and the hidden name goes when dropped.
            Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::link(from, &target.path),
            moved => moved,
        }
    };
    match moved {
        Ok(()) => target.sync_folder(),
        Err(Errno::EXIST) => Err(target.exists()),
        Err(cause) => Err(Failure::file("write", &target.path, &cause.into())),
    }
}

fn hidden_name() -> OsString {
    format!(".sceau-{}.part", hex::encode(sceau_crypto::random::<8>())).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    /// As on a file system without nameless files.
    fn hidden(path: &Path, overwrite: bool) -> Output {
        let target = Target { path: path.to_owned(), overwrite };
        Output::hidden(target, Mode::from_bits_truncate(0o600), String::new()).unwrap()
    }

    fn names(folder: &Path) -> Vec<OsString> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn without_nameless_files_a_hidden_one_takes_the_name_once_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output = hidden(&path, false);
        output.write_all(b"whole").unwrap();
        assert!(!path.exists());
        output.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn given_up_or_refused_the_hidden_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut given_up = hidden(&path, false);
        given_up.write_all(b"part").unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(given_up);
        assert!(names(folder.path()).is_empty());

        // Made by another program in between.
        let output = hidden(&path, false);
        std::fs::write(&path, b"precious").unwrap();
        assert_eq!(output.commit().unwrap_err().code, "exists");
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        hidden(&path, true).commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_file_made_by_another_program_in_between_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output = Output::file(&path, Access::Private, false).unwrap();
        output.write_all(b"late").unwrap();
        std::fs::write(&path, b"precious").unwrap();
        assert_eq!(output.commit().unwrap_err().code, "exists");
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }
}
