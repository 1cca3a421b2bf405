//! Answers on disk, so that a gate that starts while a responder is away has those that still hold, and asks nobody twice. What is read back is believed
//! no more than what is heard: whoever uses it judges signature, signer, certificate and time anew.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use sceau_hsm::durable;
use sceau_pki::{Fingerprint, OcspNonce};
use serde::{Deserialize, Serialize};

use crate::clock::now;

/// The longest file: an answer of 64 KiB, and the line before it.
const LONGEST: usize = 65 << 10;
const LONGEST_LINE: u64 = 1 << 10;
/// How many are kept: beyond, they are asked for again at the next start.
const MOST: usize = 65_536;
/// How often the folder is looked through: at the first answer that is written, and after each so many.
const BETWEEN: u32 = 4_096;

/// A folder of responses (DER), each after a line of JSON, under the hash of what was asked.
#[derive(Debug)]
pub(crate) struct Kept {
    folder: PathBuf,
    writes: AtomicU32,
}

/// A response, and what tied it to its question.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) nonce: Option<OcspNonce>,
    pub(super) der: Vec<u8>,
}

/// The line before a response.
#[derive(Serialize, Deserialize)]
struct Line {
    /// When it ends (Unix milliseconds): when the file can go. Nothing is believed by it.
    until: u64,
    nonce: Option<[u8; 32]>,
}

impl Kept {
    /// Beside the lists that are kept in `cache`.
    pub(crate) fn beside(cache: &Path) -> Self {
        Self { folder: cache.join("ocsp"), writes: AtomicU32::new(0) }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was kept under this name; blocks.
    pub(super) fn read(&self, name: Fingerprint) -> Option<Response> {
        let octets = durable::read_secret(&self.path(name), LONGEST).ok()?;
        let (line, der) = octets.split_at_checked(octets.iter().position(|octet| *octet == b'\n')?)?;
        let line: Line = serde_json::from_slice(line).ok()?;
        Some(Response { nonce: line.nonce.map(OcspNonce::of), der: der.get(1..)?.to_vec() })
    }

    /// Keeps a response that was believed, and that ends then (Unix milliseconds); blocks. Where that cannot be, the log says so.
    pub(super) fn keep(&self, name: Fingerprint, nonce: Option<&OcspNonce>, der: &[u8], until: u64) {
        let written = self.write(name, &Line { until, nonce: nonce.map(|nonce| *nonce.octets()) }, der);
        if let Err(error) = written {
            let folder = self.folder.display();
            tracing::warn!(%folder, %error, "a responder's answer is not kept for the next start: say `cache` in [lists]");
        }
        if self.writes.fetch_add(1, Ordering::Relaxed).is_multiple_of(BETWEEN) {
            // What cannot be removed is tried again next time, and believed no more for it.
            drop(self.clear(now()));
        }
    }

    fn write(&self, name: Fingerprint, line: &Line, der: &[u8]) -> Result<(), sceau_hsm::Error> {
        durable::secret_folder(&self.folder)?;
        let mut octets = serde_json::to_vec(line).unwrap_or_default();
        octets.push(b'\n');
        octets.extend_from_slice(der);
        durable::write_secret(&self.path(name), &octets)
    }

    /// Removes those that ended, and what is beyond [`MOST`].
    fn clear(&self, now: u64) -> io::Result<()> {
        let mut left = 0;
        for found in fs::read_dir(&self.folder)? {
            let path = found?.path();
            // Another kind is being written.
            if path.extension().is_none_or(|kind| kind != KIND) {
                continue;
            }
            if left < MOST && ends(&path).is_some_and(|until| now < until) {
                left += 1;
            } else {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn path(&self, name: Fingerprint) -> PathBuf {
        self.folder.join(format!("{name}.{KIND}"))
    }
}

const KIND: &str = "ocsp";

/// When a response ends, by the line before it.
fn ends(path: &Path) -> Option<u64> {
    let mut start = Vec::new();
    fs::File::open(path).ok()?.take(LONGEST_LINE).read_to_end(&mut start).ok()?;
    let line: Line = serde_json::from_slice(start.split(|octet| *octet == b'\n').next()?).ok()?;
    Some(line.until)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn named(text: &str) -> Fingerprint {
        Fingerprint::of(text.as_bytes())
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was_and_is_its_owners_alone() {
        let cache = tempfile::tempdir().unwrap();
        let kept = Kept::beside(cache.path());
        assert!(kept.read(named("a")).is_none());
        let nonce = OcspNonce::of([7; 32]);
        kept.keep(named("a"), Some(&nonce), b"one\ntwo", u64::MAX);
        let read = kept.read(named("a")).unwrap();
        assert_eq!((read.nonce, read.der.as_slice()), (Some(nonce), &b"one\ntwo"[..]));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&kept.path(named("a"))), mode(&kept.folder)), (0o600, 0o700));
    }

    #[test]
    fn what_ended_or_is_no_answer_is_removed_and_what_is_too_long_is_not_read() {
        let cache = tempfile::tempdir().unwrap();
        let kept = Kept::beside(cache.path());
        kept.keep(named("over"), None, b"x", 1_000);
        kept.keep(named("holds"), None, b"x", 3_000);
        fs::write(kept.path(named("torn")), b"{\"until\":").unwrap();
        fs::write(kept.path(named("other")).with_extension("new"), b"").unwrap();
        kept.clear(2_000).unwrap();
        let left = |name| kept.path(named(name)).exists();
        assert_eq!((left("over"), left("holds"), left("torn")), (false, true, false));
        assert!(kept.path(named("other")).with_extension("new").exists());
        fs::write(
            kept.path(named("long")),
            [b"{\"until\":9,\"nonce\":null}\n".to_vec(), vec![0; LONGEST]].concat(),
        )
        .unwrap();
        assert!(kept.read(named("long")).is_none());
    }
}
