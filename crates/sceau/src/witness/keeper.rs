//! The witness's memory: one checkpoint for each log, checked and replaced in one step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sceau_hsm::{KeyRef, KeyUri, Operations as _, Provider as _, SoftwareKeystore, durable};
use sceau_trace::{
    AddCheckpoint, CheckpointError, SignedCheckpoint, VerifiedCheckpoint, VerifierKey, WitnessRefusal, admit,
    sha256,
};

use super::{WitnessState, init};
use crate::failure::{Exit, Failure};

/// Why there is no cosignature.
#[derive(Debug)]
pub(super) enum Denied {
    /// The request, or the log.
    Refused(WitnessRefusal),
    /// This machine: its key or its disk, or a signature that does not verify.
    Unable(String),
}

impl From<WitnessRefusal> for Denied {
    fn from(refusal: WitnessRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<sceau_hsm::Error> for Denied {
    fn from(error: sceau_hsm::Error) -> Self {
        Self::Unable(error.to_string())
    }
}

impl From<CheckpointError> for Denied {
    fn from(error: CheckpointError) -> Self {
        Self::Unable(error.to_string())
    }
}

/// A witness at work.
pub(super) struct Keeper {
    keystore: SoftwareKeystore,
    key: KeyRef,
    public: VerifierKey,
    known: Vec<VerifierKey>,
    /// Of each origin the last checkpoint; the lock is held from the check to the disk.
    logs: BTreeMap<String, Mutex<Option<VerifiedCheckpoint>>>,
    folder: PathBuf,
}

impl Keeper {
    /// Opens a witness that was made, with the keys of the logs that it is told of.
    pub(super) fn open(state: &WitnessState, known: Vec<VerifierKey>) -> Result<Self, Failure> {
        let path = state.public_key();
        let text = std::fs::read_to_string(&path).map_err(|cause| {
            Failure::file("read", &path, &cause).and("make the witness first, with `sceau witness init`")
        })?;
        let keystore = SoftwareKeystore::open(&state.keystore(), &state.unlock()?)?;
        let uri: KeyUri = format!("software:{}", init::LABEL).parse()?;
        let key = keystore.find(&uri)?.key;
        let public = VerifierKey::parse(text.trim()).map_err(|error| damaged(&path, &error.to_string()))?;
        if public.public() != keystore.verifying_key(&key)?.as_bytes() {
            return Err(damaged(&path, "it is not the keystore's key"));
        }
        let folder = state.logs();
        let mut logs = BTreeMap::new();
        for origin in known.iter().map(VerifierKey::name) {
            if !logs.contains_key(origin) {
                logs.insert(origin.to_owned(), Mutex::new(remembered(&folder, origin, &known)?));
            }
        }
        Ok(Self { keystore, key, public, known, logs, folder })
    }

    /// The key under which its cosignatures verify.
    pub(super) fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// Answers a request at `now` (unix seconds): the cosignature line, with its line feed.
    ///
    /// # Errors
    /// [`Denied`]; then nothing was cosigned.
    pub(super) fn answer(&self, body: &str, now: u64) -> Result<String, Denied> {
        let request = AddCheckpoint::parse(body).map_err(|_| WitnessRefusal::Malformed)?;
        let origin = request.checkpoint.unverified().origin();
        let log = self.logs.get(origin).ok_or(WitnessRefusal::UnknownLog)?;
        // A thread that panicked left what is on disk, or the one before: both are safe to go on from.
        let mut latest = log.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = admit(&self.known, latest.as_deref(), request)?;
        let path = file(&self.folder, admitted.origin());
        durable::write_public(&path, admitted.note().to_string().as_bytes())?;
        *latest = Some(admitted.clone());
        let line = admitted.cosign(&self.public, now, |text| -> Result<[u8; 64], Denied> {
            Ok(self.keystore.sign(&self.key, text)?)
        })?;
        Ok(format!("{line}\n"))
    }
}

/// What a witness remembers of a log. A file that is not this log's last checkpoint stops it: it must not begin anew.
fn remembered(
    folder: &Path,
    origin: &str,
    known: &[VerifierKey],
) -> Result<Option<VerifiedCheckpoint>, Failure> {
    let path = file(folder, origin);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(Failure::file("read", &path, &cause)),
    };
    let note = SignedCheckpoint::parse(&text).map_err(|error| damaged(&path, &error.to_string()))?;
    let verified = known.iter().find_map(|key| note.clone().verify(key).ok());
    verified.map(Some).ok_or_else(|| {
        damaged(
            &path,
            &format!("no key that was given for {origin} signed it: give the log's former key too"),
        )
    })
}

/// Origins are of any length and have slashes.
fn file(folder: &Path, origin: &str) -> PathBuf {
    folder.join(sha256(origin.as_bytes()).to_string())
}

fn damaged(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Input, "witness_state", format!("{} cannot be used: {why}", path.display()))
}
