//! An organisation as the platform's administrator enrols it.

use sceau_crypto::Fingerprint;
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, field, text, version_one};
use crate::{Kind, OrganisationId, RowId};

/// An organisation: its name, and the fingerprint of its root as received over another channel.
/// Contact addresses are personal data and stay in the platform's database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationDocument {
    /// Format version, 1.
    pub v: u32,
    /// The organisation.
    pub organisation: OrganisationId,
    /// Its public name, at most 200 characters.
    pub name: String,
    /// The key id of its root (Ed25519), shown to people as its fingerprint.
    pub root_fingerprint: Fingerprint,
}

impl Document for OrganisationDocument {
    const KIND: Kind = Kind::Organisation;

    fn row(&self) -> RowId {
        self.organisation.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(text(&self.name, 200, false), "name", "1 to 200 characters on one line")
    }
}
