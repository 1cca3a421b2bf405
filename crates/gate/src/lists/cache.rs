//! Lists on disk, so that a gate that starts without a network judges as before. What is read back is believed no more than what is fetched.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sceau_pki::{Fingerprint, RevocationLists};
use serde::{Deserialize, Serialize};

use super::source::Source;

/// How long a disk is waited for that does not answer.
pub(crate) const DISK: Duration = Duration::from_secs(5);

/// A folder of lists, each under the hash of where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Cache(PathBuf);

/// What a server said of the list that it gave, for the next question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Fingerprints of the lists that it speaks of. Of others it says nothing: the file beside it may hold another, and so may whoever reads it.
    #[serde(default)]
    pub(crate) of: Vec<String>,
    /// When it last answered (Unix milliseconds).
    pub(crate) fetched: Option<u64>,
    /// Its `ETag` and `Last-Modified`.
    pub(crate) tag: Option<String>,
    pub(crate) modified: Option<String>,
}

impl Note {
    /// Itself, where all that it speaks of is among these; else nothing is known.
    pub(crate) fn of_these(self, lists: &RevocationLists) -> Self {
        let held = fingerprints(lists);
        let speaks = !self.of.is_empty() && self.of.iter().all(|one| held.contains(one));
        if speaks { self } else { Self::default() }
    }
}

/// For a [`Note`].
pub(crate) fn fingerprints(lists: &RevocationLists) -> Vec<String> {
    lists.iter().map(|list| list.fingerprint().to_string()).collect()
}

impl Cache {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// What was kept of a source.
    pub(crate) fn read(&self, source: &Source) -> Option<Vec<u8>> {
        fs::read(self.path(source, "crl")).ok()
    }

    /// What was noted of it; nothing where that cannot be read.
    pub(crate) fn note(&self, source: &Source) -> Note {
        let read = fs::read(self.path(source, "json")).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub(crate) fn keep(&self, source: &Source, lists: &[u8]) -> io::Result<()> {
        self.write(&self.path(source, "crl"), lists)
    }

    pub(crate) fn keep_note(&self, source: &Source, note: &Note) -> io::Result<()> {
        self.write(&self.path(source, "json"), &serde_json::to_vec(note)?)
    }

    /// Notes nothing of it any more.
    pub(crate) fn forget_note(&self, source: &Source) -> io::Result<()> {
        match fs::remove_file(self.path(source, "json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, source: &Source, kind: &str) -> PathBuf {
        self.0.join(format!("{}.{kind}", Fingerprint::of(source.to_string().as_bytes())))
    }

    /// Whole or not at all, and aside under a name that no other write has, of this gate or of the one that follows it.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let (kind, nth) = (path.extension().unwrap_or_default(), WRITES.fetch_add(1, Ordering::Relaxed));
        let aside = path.with_extension(format!("{}.{}.{nth}.new", kind.display(), process::id()));
        let written = written(&aside, bytes).and_then(|()| fs::rename(&aside, path));
        if written.is_err() {
            // A full disk has room again.
            drop(fs::remove_file(&aside));
        }
        written
    }
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
