//! A deposit that the intake holds: what is proven of it, and where each file stands. Nothing of a file's content is here.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sceau_client::Server;
use sceau_client::trust::TrustedKey;
use sceau_element_api::DossierId;
use sceau_element_api::documents::{Parsed, SchemeDocument, SealedFile};
use serde::{Deserialize, Serialize};

use super::admission::Given;
use super::refusal::Refusal;

/// The most files of a deposit.
const MOST_FILES: usize = 50;

/// A file as its sender announces it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Announced {
    /// Its name, for the recipient's eyes.
    pub(super) name: String,
    /// Its media type.
    pub(super) media_type: String,
    /// Its length in bytes.
    pub(super) size: u64,
    /// Which of the documents that the scheme asks for it is.
    #[serde(default)]
    pub(super) document: Option<String>,
}

/// Where a file stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum FileState {
    /// Nothing of it is there.
    Announced,
    /// It arrives; so many bytes are there.
    Receiving { bytes: u64 },
    /// All bytes are there, and the antivirus looks at them.
    Scanning { bytes: u64 },
    /// The antivirus is away, slow or reloading: the file waits.
    WaitingForAntivirus { bytes: u64 },
    /// It was found clean and is sealed.
    Sealed {
        #[serde(flatten)]
        file: Clean,
    },
    /// It was refused; nothing of it stays.
    Refused { code: &'static str },
}

/// A file that was found clean, with the word on it that its manifest needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Clean {
    #[serde(flatten)]
    pub(super) file: SealedFile,
    pub(super) word: String,
}

#[derive(Debug)]
struct Entry {
    announced: Announced,
    state: FileState,
    under_way: bool,
}

/// A deposit.
#[derive(Debug)]
pub(super) struct Deposit {
    /// SHA-256 of the token that its page has.
    pub(super) token_hash: [u8; 32],
    /// The dossier.
    pub(super) dossier: DossierId,
    /// The platform, under the session of this dossier.
    pub(super) server: Server,
    /// The form, as the log says that it was published.
    pub(super) form: Parsed<SchemeDocument>,
    /// The key to seal to, verified.
    pub(super) recipient: TrustedKey,
    /// The answers.
    pub(super) given: Given,
    /// Until when it is held, in Unix milliseconds.
    pub(super) expires: u64,
    /// Files join a dossier that was sent: its answers and required documents are with the organisation.
    pub(super) more: bool,
    files: Mutex<BTreeMap<u32, Entry>>,
}

/// A file with its place and state, for its sender.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    place: u32,
    #[serde(flatten)]
    state: FileState,
}

impl Deposit {
    pub(super) fn new(
        token_hash: [u8; 32],
        dossier: DossierId,
        server: Server,
        form: Parsed<SchemeDocument>,
        recipient: TrustedKey,
        (given, expires, more): (Given, u64, bool),
    ) -> Self {
        let files = Mutex::default();
        Self { token_hash, dossier, server, form, recipient, given, expires, more, files }
    }

    /// Takes up a file that was found acceptable as announced.
    pub(super) fn announce(&self, announced: Announced) -> Result<u32, Refusal> {
        let mut files = self.files();
        let standing = files.values().filter(|entry| !matches!(entry.state, FileState::Refused { .. }));
        if standing.count() >= MOST_FILES || files.len() >= 4 * MOST_FILES {
            return Err(Refusal::TooManyFiles);
        }
        let place = files.keys().next_back().map_or(0, |last| last + 1);
        files.insert(place, Entry { announced, state: FileState::Announced, under_way: false });
        Ok(place)
    }

    /// Begins to receive a file: one sender at a time, and not again once it is settled.
    pub(super) fn turn(&self, place: u32) -> Result<(Turn<'_>, Announced), Refusal> {
        let mut files = self.files();
        let entry = files.get_mut(&place).ok_or(Refusal::NotWaiting)?;
        let waits = matches!(entry.state, FileState::Announced | FileState::WaitingForAntivirus { .. });
        if entry.under_way || !waits {
            return Err(Refusal::NotWaiting);
        }
        entry.under_way = true;
        entry.state = FileState::Receiving { bytes: 0 };
        Ok((Turn { deposit: self, place }, entry.announced.clone()))
    }

    /// Takes a file out, at its sender's wish; the manifest will not name it.
    pub(super) fn remove(&self, place: u32) -> Result<(), Refusal> {
        let mut files = self.files();
        if files.get(&place).is_none_or(|entry| entry.under_way) {
            return Err(Refusal::NotWaiting);
        }
        files.remove(&place);
        Ok(())
    }

    /// Where each file stands.
    pub(super) fn standing(&self) -> Vec<Standing> {
        let files = self.files();
        files.iter().map(|(place, entry)| Standing { place: *place, state: entry.state.clone() }).collect()
    }

    /// What is sealed, with the slot of each; none while a file is under way.
    pub(super) fn sealed(&self) -> Result<Vec<(Clean, Option<String>)>, Refusal> {
        let files = self.files();
        if files.values().any(|entry| entry.under_way) {
            return Err(Refusal::NotWaiting);
        }
        let sealed = files.values().filter_map(|entry| match &entry.state {
            FileState::Sealed { file } => Some((file.clone(), entry.announced.document.clone())),
            _ => None,
        });
        Ok(sealed.collect())
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<u32, Entry>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn to receive one file; when it ends without a verdict, the file may be sent again.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    deposit: &'a Deposit,
    place: u32,
}

impl Turn<'_> {
    /// Says where the file stands now.
    pub(super) fn stands(&self, state: FileState) {
        if let Some(entry) = self.deposit.files().get_mut(&self.place) {
            entry.state = state;
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.deposit.files().get_mut(&self.place) {
            entry.under_way = false;
            if matches!(entry.state, FileState::Receiving { .. } | FileState::Scanning { .. }) {
                entry.state = FileState::Announced;
            }
        }
    }
}
