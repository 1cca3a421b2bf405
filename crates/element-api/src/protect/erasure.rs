//! The certificate of an erasure: what the log has of it, with the evidence, so that anybody who has the log's key verifies it offline.

use sceau_trace::{
    Action, ActorKind, Asserted, Evidence, EvidenceError, Outcome, Record, VerifiedEvidence, VerifierKey,
};
use serde::{Deserialize, Serialize};

use super::DatumId;
use crate::documents::ProtectAct;
use crate::{ActId, ApplicationId, OrganisationId};

const FORMAT: &str = "sceau-erasure";

/// A certificate of erasure. Not verified until [`verify`](Self::verify) says so. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Format version, 1.
    pub v: u32,
    /// `sceau-erasure`.
    pub format: String,
    /// What was erased.
    pub datum: DatumId,
    /// Whose master its key came from.
    pub organisation: OrganisationId,
    /// The application that protected it.
    pub application: ApplicationId,
    /// Under the key of which epoch of the organisation its salt was sealed.
    pub epoch: u32,
    /// When it was erased.
    pub erased: Happened,
    /// By which act of two people, administrators or data officers; none where its owner erased it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActId>,
    /// When the key of that epoch had been destroyed; none while it is there, and with it what could open a copy of the salt.
    pub destroyed: Option<Happened>,
    /// By when that key is to be destroyed, as the record of the erasure states it; none where it states no day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<u64>,
    /// What no erasure reaches.
    pub not_covered: Vec<NotCovered>,
    /// The records of both, each with its proof, as an evidence file has it.
    pub evidence: Vec<Evidence>,
}

/// A record of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happened {
    /// Its time.
    pub time: u64,
    /// Its index.
    pub index: u64,
}

/// What no erasure reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotCovered {
    /// Data keys that were given out before, and what was opened with them.
    KeysHandedOut,
    /// Copies of a keystore in files from before its key was destroyed, with what opens them.
    KeystoreCopies,
    /// Backups of a token from before its key was destroyed, which its maker's tools made.
    TokenBackups,
}

/// How the keys were kept that a datum's salt had been sealed under, in the word of the record that it was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kept {
    /// In files, all of them.
    Files,
    /// Made in a token and never out of it, all of them.
    Token,
    /// In files, then in a token; or it is not known.
    Either,
}

impl Kept {
    /// The detail of the record that says it.
    pub const DETAIL: &str = "kept";

    /// What the record says; one of a program before does not.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let said = record.detail().get(Self::DETAIL).map(String::as_str);
        let known = [Self::Files, Self::Token].into_iter().find(|kept| said == Some(kept.as_str()));
        known.unwrap_or(Self::Either)
    }

    /// The detail's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Token => "token",
            Self::Either => "either",
        }
    }

    /// What the end of such keys does not reach.
    #[must_use]
    pub fn not_covered(self) -> Vec<NotCovered> {
        let mut all = vec![NotCovered::KeysHandedOut];
        if self != Self::Token {
            all.push(NotCovered::KeystoreCopies);
        }
        if self != Self::Files {
            all.push(NotCovered::TokenBackups);
        }
        all
    }
}

/// Why a certificate of erasure is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErasureError {
    /// It is none, or of another version.
    #[error("this is no certificate of erasure, or of a later version")]
    Malformed,
    /// The evidence does not hold.
    #[error("its evidence does not hold: {0}")]
    Evidence(#[from] EvidenceError),
    /// The evidence is of something else.
    #[error("its evidence is not of what it says: {0}")]
    Other(&'static str),
}

/// A certificate whose evidence holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedErasure {
    /// The certificate.
    pub erasure: Erasure,
    /// The log's key.
    pub log_key: VerifierKey,
    /// Whether that was the caller's. If not, the file only proves that it agrees with itself.
    pub key_pinned: bool,
}

impl Erasure {
    /// The detail of the record of an erasure that states [`due`](Self::due).
    pub const DUE: &str = "due";

    /// By when the key is to be destroyed, as the record of the erasure states it.
    #[must_use]
    pub fn due_of(record: &Record) -> Option<u64> {
        record.detail().get(Self::DUE)?.parse().ok()
    }

    /// The text of the format's name.
    #[must_use]
    pub fn format() -> String {
        FORMAT.to_owned()
    }

    /// Whether these bytes say that they are a certificate of erasure.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        serde_json::from_slice(bytes).is_ok_and(|head: Head| head.format == FORMAT)
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// [`ErasureError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ErasureError> {
        let erasure: Self = serde_json::from_slice(bytes).map_err(|_| ErasureError::Malformed)?;
        let ours = erasure.v == 1 && erasure.format == FORMAT;
        if ours { Ok(erasure) } else { Err(ErasureError::Malformed) }
    }

    /// Verifies, offline, under the log key that the caller trusts; or, without one, under the key in the evidence, which proves only that the
    /// file is whole.
    ///
    /// # Errors
    /// [`ErasureError`].
    pub fn verify(self, pinned: Option<&VerifierKey>) -> Result<VerifiedErasure, ErasureError> {
        let (first, second) = match (self.evidence.as_slice(), self.destroyed) {
            ([first], None) => (first, None),
            ([first, second], Some(destroyed)) => (first, Some((second, destroyed))),
            _ => return Err(ErasureError::Other("one record for each thing that it says happened")),
        };
        let log_key = first.log_key()?;
        self.was_erased(&first.verify(pinned)?)?;
        if let Some((evidence, destroyed)) = second {
            // One log: its order is what says that the key went after the datum.
            self.was_destroyed(&evidence.verify(Some(&log_key))?, destroyed)?;
        }
        Ok(VerifiedErasure { erasure: self, log_key, key_pinned: pinned.is_some() })
    }

    fn was_erased(&self, proven: &VerifiedEvidence) -> Result<(), ErasureError> {
        let record = &proven.record;
        let application = self.application.to_string();
        let of_application =
            record.subjects().iter().any(|it| it.kind == "application" && it.id == application);
        let by = (record.actor().kind, record.actor().id.as_str());
        let whose = match self.act {
            None => {
                by == (ActorKind::Application, application.as_str())
                    && record.asserted() == Asserted::Application
            }
            Some(_) => acts_on_data(by.0) && record.asserted() == Asserted::Passkey && of_application,
        };
        // Another call may ask for the same again: the one that counts attests the row.
        let is = *record.action() == Action::DATUM_ERASE
            && whose
            && self.act == ProtectAct::of_record(record)
            && record.attested().is_some_and(|row| row.kind == "datum");
        let datum = record.subjects().iter().any(|it| it.kind == "datum" && it.id == self.datum.to_string());
        if !is || !datum {
            return Err(ErasureError::Other("the first record is not that this datum was erased"));
        }
        if self.due != Self::due_of(record) || self.not_covered != Kept::of(record).not_covered() {
            return Err(ErasureError::Other(
                "the first record states another day, or keys that were kept otherwise",
            ));
        }
        self.agrees(proven, self.erased, "the first record is of another time, organisation or epoch")
    }

    fn was_destroyed(&self, proven: &VerifiedEvidence, destroyed: Happened) -> Result<(), ErasureError> {
        let record = &proven.record;
        let is = *record.action() == Action::EPOCH_END
            && (record.actor().kind, record.asserted()) == (ActorKind::Element, Asserted::Element)
            && self.erased.index < destroyed.index;
        if !is {
            return Err(ErasureError::Other("the second record is not that the epoch's key went after it"));
        }
        self.agrees(proven, destroyed, "the second record is of another time, organisation or epoch")
    }

    fn agrees(
        &self,
        proven: &VerifiedEvidence,
        said: Happened,
        words: &'static str,
    ) -> Result<(), ErasureError> {
        let record: &Record = &proven.record;
        let agrees = record.outcome() == Outcome::Granted
            && (record.time(), proven.index) == (said.time, said.index)
            && record.organisation() == Some(self.organisation.to_string().as_str())
            && record.detail().get("epoch") == Some(&self.epoch.to_string());
        if agrees { Ok(()) } else { Err(ErasureError::Other(words)) }
    }
}

/// Whether such people act on data of their organisation.
fn acts_on_data(kind: ActorKind) -> bool {
    matches!(kind, ActorKind::OrganisationAdmin | ActorKind::DataOfficer)
}
