//! What is kept between two runs of the same deposit: which it is, and how far it came. No key, no password, no content.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use sceau_client::{Draft, Scheme};
use sceau_crypto::Sha256;
use sceau_element_api::documents::AnswerValue;
use sceau_element_api::{DossierId, SchemeId};
use sceau_hsm::durable::write_secret;
use serde::{Deserialize, Serialize};

use super::{Chosen, DepositOptions};
use crate::failure::{Exit, Failure};

/// A deposit, as it was asked for.
#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    format: String,
    platform: String,
    scheme: SchemeId,
    email: String,
    /// SHA-256 of the answers, which stay out of the file.
    answers: String,
    files: Vec<KeptFile>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct KeptFile {
    path: PathBuf,
    slot: Option<String>,
    size: u64,
    modified: u64,
}

#[derive(Serialize, Deserialize)]
struct Content {
    deposit: Kept,
    draft: Option<Draft>,
}

/// The file of a deposit under way.
pub(super) struct State {
    path: PathBuf,
    content: Content,
    given_up: Option<DossierId>,
}

impl Kept {
    pub(super) fn new(
        platform: &str,
        scheme: &Scheme,
        email: &str,
        answers: &BTreeMap<String, AnswerValue>,
        files: &[Chosen],
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(serde_json::json!(answers).to_string().as_bytes());
        let files = files.iter().map(|file| KeptFile {
            path: file.path.clone(),
            slot: file.parcel.slot.clone(),
            size: file.size,
            modified: file.modified,
        });
        Self {
            format: "sceau-deposit-1".to_owned(),
            platform: platform.to_owned(),
            scheme: scheme.id,
            email: email.to_owned(),
            answers: hex::encode(hash.finish()),
            files: files.collect(),
        }
    }
}

impl Content {
    /// The draft of the same account that this deposit takes the place of, unless it was sent perhaps.
    fn given_up_by(self, deposit: &Kept) -> Option<DossierId> {
        let same = self.deposit.platform == deposit.platform && self.deposit.email == deposit.email;
        self.draft.filter(|draft| same && draft.manifest.is_none()).map(|draft| draft.dossier)
    }
}

impl State {
    /// Takes up the file where it is of the same deposit; refuses one of another.
    pub(super) fn open(options: &DepositOptions, deposit: Kept) -> Result<Self, Failure> {
        let path = options.state.clone();
        let kept = match std::fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(cause) if cause.kind() == ErrorKind::NotFound => None,
            Err(cause) => return Err(Failure::file("read", &path, &cause)),
        };
        let Some(kept) = kept else { return Ok(Self::begun(path, deposit, None)) };
        if options.anew {
            let given_up =
                serde_json::from_slice(&kept).ok().and_then(|old: Content| old.given_up_by(&deposit));
            return Ok(Self::begun(path, deposit, given_up));
        }
        let content: Content = serde_json::from_slice(&kept).map_err(|_| {
            let words =
                format!("{} is not the state of a deposit: give another file with --state", path.display());
            Failure::new(Exit::Usage, "state_malformed", words)
        })?;
        if content.deposit == deposit {
            return Ok(Self { path, content, given_up: None });
        }
        let words = format!(
            "{} is of another deposit, or a file changed since: finish that one with its own command, keep this one's state elsewhere \
             with --state, or give it up with --anew",
            path.display()
        );
        Err(Failure::new(Exit::Usage, "state_of_another", words))
    }

    fn begun(path: PathBuf, deposit: Kept, given_up: Option<DossierId>) -> Self {
        Self { path, content: Content { deposit, draft: None }, given_up }
    }

    /// The dossier that was begun before and is given up for this one.
    pub(super) fn given_up(&self) -> Option<DossierId> {
        self.given_up
    }

    pub(super) fn draft(&self) -> Option<Draft> {
        self.content.draft.clone()
    }

    pub(super) fn keep(&mut self, draft: &Draft) -> Result<(), Failure> {
        self.content.draft = Some(draft.clone());
        let text = serde_json::to_vec(&self.content)
            .map_err(|cause| Failure::system("keep the state of the deposit", &cause.into()))?;
        Ok(write_secret(&self.path, &text)?)
    }

    pub(super) fn remove(&self) -> Result<(), Failure> {
        std::fs::remove_file(&self.path).map_err(|cause| Failure::file("remove", &self.path, &cause))
    }
}
