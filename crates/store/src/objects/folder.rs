//! Objects as files of this machine. Each is written once, under a name that nobody knows before it is complete: a kill leaves at most a file that no
//! row names, which is swept.

use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::StoreError;

/// A folder of objects. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<State>);

#[derive(Debug)]
struct State {
    root: PathBuf,
    /// Folders below the root whose own entries are on disk: this process synced the folder above each.
    entered: Mutex<HashSet<PathBuf>>,
}

impl Folder {
    /// Made where it is missing, for its owner only.
    pub(super) fn open(root: &Path) -> Result<Self, StoreError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(root);
        made.map_err(StoreError::io(format!("cannot make the object folder {}", root.display())))?;
        Ok(Self(Arc::new(State { root: root.to_owned(), entered: Mutex::default() })))
    }

    /// Writes a new file; it is on disk when this returns, and so is its name.
    pub(super) async fn keep(&self, path: String, bytes: Bytes) -> Result<(), StoreError> {
        let state = Arc::clone(&self.0);
        blocking("cannot write an object", move || state.keep(&state.root.join(path), &bytes)).await
    }

    /// Makes it last that a file was removed.
    pub(super) async fn forgotten(&self, path: &str) -> Result<(), StoreError> {
        let file = self.0.root.join(path);
        let sync = move || match file.parent().map(sync_folder) {
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        blocking("cannot make a folder durable", sync).await
    }
}

impl State {
    fn keep(&self, file: &Path, bytes: &[u8]) -> Result<(), Error> {
        let folder = file.parent().unwrap_or(&self.root);
        let mut new = OpenOptions::new();
        new.write(true).create_new(true).mode(0o600);
        let mut opened = match new.open(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                new.open(file)?
            }
            opened => opened?,
        };
        let written = opened.write_all(bytes).and_then(|()| opened.sync_all());
        let kept = written.and_then(|()| sync_folder(folder)).and_then(|()| self.enter(folder));
        if kept.is_err() {
            // A full disk gets back what was written in vain; the sweep takes what stays.
            let _ = std::fs::remove_file(file);
        }
        kept
    }

    /// Makes a folder's own entry last, and those of the folders above it: without it a power cut forgets them with all that is inside.
    fn enter(&self, folder: &Path) -> Result<(), Error> {
        let below = folder.ancestors().take_while(|folder| *folder != self.root);
        for (folder, above) in below.filter_map(|folder| Some((folder, folder.parent()?))) {
            if self.entered.lock().unwrap_or_else(PoisonError::into_inner).contains(folder) {
                break;
            }
            sync_folder(above)?;
        }
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        entered.extend(folder.ancestors().take_while(|folder| *folder != self.root).map(Path::to_owned));
        Ok(())
    }
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)?.sync_all()
}

async fn blocking(
    action: &'static str,
    act: impl FnOnce() -> Result<(), Error> + Send + 'static,
) -> Result<(), StoreError> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or_else(|stopped| Err(Error::other(stopped))).map_err(StoreError::io(action))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[tokio::test]
    async fn every_folder_is_entered_before_what_is_in_it_is_acknowledged() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let entered = || {
            let mut all: Vec<PathBuf> = folder.0.entered.lock().unwrap().iter().cloned().collect();
            all.sort();
            all
        };
        folder.keep("ab/cd/one".to_owned(), Bytes::from_static(b"1")).await.unwrap();
        assert_eq!(entered(), [root.path().join("ab"), root.path().join("ab/cd")]);
        // Somebody else made it, and has not synced the folder above it yet.
        std::fs::create_dir(root.path().join("ab/ef")).unwrap();
        folder.keep("ab/ef/two".to_owned(), Bytes::from_static(b"2")).await.unwrap();
        assert!(entered().contains(&root.path().join("ab/ef")));
        let again = folder.keep("ab/ef/two".to_owned(), Bytes::from_static(b"3")).await;
        assert!(
            again.is_err() && std::fs::read(root.path().join("ab/ef/two")).unwrap() == b"2",
            "written once"
        );
    }
}
