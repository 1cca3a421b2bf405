//! Lists on disk, so that a gate that starts without a network judges as before. What is read back is believed no more than what is fetched.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use sceau_pki::Fingerprint;
use serde::{Deserialize, Serialize};

use super::source::Source;

/// A folder of lists, each under the hash of where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Cache(PathBuf);

/// What a server said of the list that it gave, for the next question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// When it last answered (Unix milliseconds).
    pub(crate) fetched: Option<u64>,
    /// Its `ETag` and `Last-Modified`.
    pub(crate) tag: Option<String>,
    pub(crate) modified: Option<String>,
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

    fn path(&self, source: &Source, kind: &str) -> PathBuf {
        self.0.join(format!("{}.{kind}", Fingerprint::of(source.to_string().as_bytes())))
    }

    /// Whole or not at all.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let aside = path.with_extension("new");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    }
}
