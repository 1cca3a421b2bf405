//! A certification authority of this house, whose key is elsewhere: requests and answers pass through a folder, `sceau cert ca sign` answers.
//!
//! `requests/` is the gate's to write, `answers/` the authority's. Nothing in either is secret. A request's name is the hash of its key.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sceau_hsm::durable;
use sceau_pki::{CertificateRequest, Fingerprint};

use super::{
    source::{Answered, Failure, subject},
    store::Store,
    trouble::{Trouble, plain},
};
use crate::files::{folder_of, may_be_written};

const LARGEST: usize = 256 << 10;
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
            let (asked, text) = (self.folder.join("requests").join(format!("{id}.csr")), request.to_pem());
            let at = asked.clone();
            aside(move || put(&at, text.as_bytes())).await??;
            let answer = self.answered(&id).await;
            // Whatever it is, it is an answer to this request, and there is no other.
            aside(move || drop(fs::remove_file(&asked))).await?;
            store.forget_pending();
            Ok(Answered { key, chain: answer? })
        };
        issuing.await.map_err(|trouble| Failure { trouble, held: None })
    }

    async fn answered(&self, id: &str) -> Result<String, Trouble> {
        let at = |kind: &str| self.folder.join("answers").join(format!("{id}.{kind}"));
        let places = Arc::new([at("pem"), at("refused")]);
        for looked in 0_u32.. {
            let look = Arc::clone(&places);
            let [chain, refusal] = aside(move || look.each_ref().map(|path| read(path))).await?;
            if let Some(chain) = chain {
                return Ok(chain);
            }
            if let Some(refusal) = refusal {
                return Err(Trouble::CaRefused(plain(refusal.trim())));
            }
            tokio::time::sleep(if looked < 60 { SOON } else { LATER }).await;
        }
        Err(Trouble::CaRefused(String::new()))
    }
}

/// The folder may be another machine's, which answers late or never: no thread that serves connections waits for it.
async fn aside<T: Send + 'static>(files: impl FnOnce() -> T + Send + 'static) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(files).await.map_err(|error| Trouble::State(error.to_string()))
}

/// Whole, and for the authority's user to read, whatever is masked here; what waits already stays.
fn put(path: &Path, content: &[u8]) -> Result<(), Trouble> {
    if path.exists() {
        return Ok(());
    }
    may_be_written(path).map_err(|_| Trouble::NoFolder(folder_of(path).display().to_string()))?;
    durable::write_public(path, content).map_err(|error| Trouble::State(error.to_string()))?;
    let given = fs::set_permissions(path, fs::Permissions::from_mode(0o644));
    given.map_err(|error| Trouble::State(format!("{}: {error}", path.display())))?;
    tracing::info!(request = %path.display(), "a request waits for the certification authority's answer");
    Ok(())
}

/// None where it is not there, or not all there, or no plain file, whose text the log would show.
fn read(path: &Path) -> Option<String> {
    let text = String::from_utf8(durable::read_foreign(path, LARGEST).ok()?).ok()?;
    (!text.is_empty()).then_some(text)
}
