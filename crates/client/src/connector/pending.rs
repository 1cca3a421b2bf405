//! Decisions that a program printed or a server answered, until the key manager has signed them: in the connector's own folder, with the proof of
//! what they decide on, for the dossier's own folder may be taken away at any moment.

use std::io::Error;
use std::path::{Path, PathBuf};

use super::decisions::{EVIDENCE, FOUND, MANIFEST, PROOF, Proof};
use super::folder;
use super::held::Held;

/// The folder in which each has one.
#[derive(Debug)]
pub(super) struct Pending(PathBuf);

/// Where it is.
pub(super) fn place(state: &Path) -> PathBuf {
    state.join("decisions")
}

impl Pending {
    /// In the folder of the journal.
    pub(super) fn open(state: &Path) -> Result<Self, Error> {
        let folder = place(state);
        folder::prepare(&folder, |_| false)?;
        Ok(Self(folder))
    }

    /// Keeps what was said of the dossier whose folder has this name. When this returns it is on disk.
    pub(super) fn keep(&self, name: &str, said: &[u8], proof: &Proof) -> Result<(), Error> {
        if let Some(before) = Held::open(&self.0.join(name))? {
            // Asked again after a stop: the last word counts.
            return before.replace(FOUND, said);
        }
        let aside = folder::aside(&self.0, name);
        folder::fresh(&aside)?;
        let inside = aside.join(PROOF);
        folder::private_folder(&inside)?;
        let files = [
            (aside.join(FOUND), said),
            (inside.join(MANIFEST), &proof.manifest),
            (inside.join(EVIDENCE), &proof.evidence),
        ];
        for (path, bytes) in files {
            folder::write_new(&path, bytes)?;
        }
        folder::sync_folder(&inside)?;
        folder::sync_folder(&aside)?;
        folder::appear(&self.0, name)
    }

    /// Where they are.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// The key manager has signed it.
    pub(super) fn forget(&self, name: &str) -> Result<(), Error> {
        folder::discard(&self.0, name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn the_last_word_is_kept_with_its_proof_and_forgotten_once() {
        let state = tempfile::tempdir().unwrap();
        let pending = Pending::open(state.path()).unwrap();
        let proof = Proof { manifest: b"manifest".to_vec(), evidence: b"{}".to_vec() };
        for said in ["first", "second"] {
            pending.keep("d.1", said.as_bytes(), &proof).unwrap();
        }
        let pending = Pending::open(state.path()).unwrap();
        let held = Held::open(&pending.folder().join("d.1")).unwrap().unwrap();
        assert_eq!(held.read(FOUND, 100).unwrap().unwrap(), b"second");
        assert_eq!(Proof::in_folder(&held).unwrap().unwrap().manifest, b"manifest");
        pending.forget("d.1").unwrap();
        assert!(Held::open(&pending.folder().join("d.1")).unwrap().is_none());
        assert!(Proof::in_folder(&held).unwrap().is_none());
        pending.keep("d.1", b"third", &proof).unwrap();
        pending.forget("d.1").unwrap();
    }
}
