//! The state of a dossier, as the platform asserts it.

use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, version_one};
use crate::{AccountId, DossierId, Kind, OrganisationId, RowId, SchemeId};

/// A dossier: who deposits what to whom (which never changes), and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DossierState {
    /// Format version, 1.
    pub v: u32,
    /// The dossier.
    pub dossier: DossierId,
    /// The organisation that receives it.
    pub organisation: OrganisationId,
    /// The scheme that it answers.
    pub scheme: SchemeId,
    /// The account that deposits it.
    pub depositor: AccountId,
    /// Where it stands.
    pub phase: DossierPhase,
    /// When it came to stand there, in Unix milliseconds.
    pub time: u64,
}

/// Where a dossier stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DossierPhase {
    /// Being prepared by the depositor.
    Draft,
    /// Sent: its manifest is attested.
    Submitted,
    /// The organisation asks for more.
    MoreInformation,
    /// Accepted.
    Accepted,
    /// Refused.
    Refused,
    /// Withdrawn by the depositor or expired.
    Withdrawn,
}

impl Document for DossierState {
    const KIND: Kind = Kind::Dossier;

    fn row(&self) -> RowId {
        self.dossier.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)
    }
}
