//! What the intake signs: that it takes up a grant, and its word on each file.

use sceau_crypto::{FileId, SigningKey, Typ, jws};
use sceau_element_api::DossierId;
use sceau_element_api::documents::SealedFile;
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

/// An intake takes up a grant (`sceau-intake-redemption`).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redemption {
    /// The grant, as the page carried it.
    pub(crate) grant: String,
}

/// An intake's word on a file that it received (`sceau-intake-word`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Word {
    /// The dossier.
    pub(crate) dossier: DossierId,
    /// The file.
    pub(crate) file: FileId,
    /// What it found.
    pub(crate) found: Found,
}

/// What an intake found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Found {
    /// The antivirus found nothing in exactly what was sealed.
    Clean {
        /// The hash of the envelope.
        envelope_hash: Hash,
        /// Bytes that were scanned and sealed.
        size: u64,
        /// Parts of the envelope.
        parts: u32,
    },
    /// It was refused; nothing of it stays.
    Refused {
        /// The stable code of the reason.
        code: String,
    },
    /// It did not come to a verdict: cut, or no antivirus. Nothing of it stays.
    Withdrawn {},
}

impl Word {
    /// The file as a manifest names it, if it is clean.
    pub(crate) fn clean(&self) -> Option<SealedFile> {
        match self.found {
            Found::Clean { envelope_hash, size, parts } => {
                Some(SealedFile { file_id: self.file, envelope_hash, size, parts })
            }
            Found::Refused { .. } | Found::Withdrawn {} => None,
        }
    }

    /// Whether the file was judged, either way.
    pub(crate) fn is_verdict(&self) -> bool {
        self.found != Found::Withdrawn {}
    }

    /// Why it was refused.
    pub(crate) fn code(&self) -> Option<&str> {
        match &self.found {
            Found::Clean { .. } | Found::Withdrawn {} => None,
            Found::Refused { code } => Some(code),
        }
    }
}

/// Signs `statement` as `typ`.
pub(crate) fn sign(key: &SigningKey, typ: Typ, statement: &impl Serialize) -> String {
    // Strings and numbers: writing them cannot fail.
    jws::sign(key, typ, &serde_json::to_vec(statement).unwrap_or_default())
}
