//! A certification authority of this house, whose key is elsewhere: requests and answers pass through a folder, `sceau cert ca sign` answers.
//!
//! `requests/` is the gate's to write, `answers/` the authority's. Nothing in either is secret. A request's name is the hash of its key.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::OFlags;
use sceau_hsm::durable;
use sceau_pki::{CertificateRequest, Fingerprint};

use super::{
    obtained::{Answered, Failure, subject},
    store::Store,
    trouble::{Trouble, plain},
};
use crate::files::{folder_of, may_be_written};

const LARGEST: u64 = 256 << 10;
/// How often it is looked whether an answer is there, at first and later.
const SOON: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(10);

/// The folder.
#[derive(Debug)]
pub(crate) struct Exchange {
    folder: PathBuf,
}

impl Exchange {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Looks whether a request could be put there, and puts none.
    ///
    /// # Errors
    /// The folder, and what the system says of it.
    pub(super) fn rehearse(&self) -> Result<(), (PathBuf, io::Error)> {
        let requests = self.folder.join("requests");
        may_be_written(&requests.join("csr")).map_err(|cause| (requests, cause))
    }

    /// Puts a request there, and waits until it is answered.
    pub(super) async fn issue(&self, store: &Store, names: &[String]) -> Result<Answered, Failure> {
        let issuing = async {
            let key = store.pending()?;
            let request = CertificateRequest::make(&subject(names), names, &key)?;
            let id = Fingerprint::of(request.public_key_info()).to_string();
            let asked = self.folder.join("requests").join(format!("{id}.csr"));
            if !asked.exists() {
                put(&asked, request.to_pem().as_bytes())?;
                tracing::info!(request = %asked.display(), "a request waits for the certification authority's answer");
            }
            let answer = self.answered(&id).await;
            // Whatever it is, it is an answer to this request, and there is no other.
            drop(fs::remove_file(&asked));
            store.forget_pending();
            Ok(Answered { key, chain: answer? })
        };
        issuing.await.map_err(|trouble| Failure { trouble, held: None })
    }

    async fn answered(&self, id: &str) -> Result<String, Trouble> {
        let at = |kind: &str| self.folder.join("answers").join(format!("{id}.{kind}"));
        let (chain, refusal) = (at("pem"), at("refused"));
        for looked in 0_u32.. {
            if let Some(chain) = read(&chain) {
                return Ok(chain);
            }
            if let Some(refusal) = read(&refusal) {
                return Err(Trouble::CaRefused(plain(refusal.trim())));
            }
            tokio::time::sleep(if looked < 60 { SOON } else { LATER }).await;
        }
        Err(Trouble::CaRefused(String::new()))
    }
}

/// Whole, and for the authority's user to read, whatever is masked here.
fn put(path: &Path, content: &[u8]) -> Result<(), Trouble> {
    may_be_written(path).map_err(|_| Trouble::NoFolder(folder_of(path).display().to_string()))?;
    durable::write_public(path, content).map_err(|error| Trouble::State(error.to_string()))?;
    let given = fs::set_permissions(path, fs::Permissions::from_mode(0o644));
    given.map_err(|error| Trouble::State(format!("{}: {error}", path.display())))
}

/// None where it is not there, or not all there, or no plain file: whoever answers leads nobody to a file of ours, whose text the log would show, and holds
/// nobody up with a pipe.
fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).ok()?;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().ok().filter(fs::Metadata::is_file)?;
    file.take(LARGEST).read_to_string(&mut text).ok()?;
    (!text.is_empty()).then_some(text)
}
