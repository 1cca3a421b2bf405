//! The key that MOB's host seals a funder's files to, as the funder's own machine published it.

use sceau_crypto::KeyId;
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, field, version_one};
use crate::{Kind, OrganisationId, RowId};

/// The largest publication, in bytes.
const LONGEST: usize = 32 * 1024;

/// A funder's newest key of the profile `mob-2022`. MOB's protocol has no signature for it: it is the platform's word, but of what was
/// published later than what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunderKey {
    /// Format version, 1.
    pub v: u32,
    /// The funder.
    pub organisation: OrganisationId,
    /// The number of this publication, from 1, without gaps: also the row's version.
    pub serial: u64,
    /// The key.
    pub key: KeyId,
    /// The publication, as JSON: public key, expiry, where the private key is fetched.
    pub publication: String,
}

impl Document for FunderKey {
    const KIND: Kind = Kind::FunderKey;

    fn row(&self) -> RowId {
        self.organisation.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(self.serial > 0, "serial", "1 or more")?;
        field((2..=LONGEST).contains(&self.publication.len()), "publication", "JSON of at most 32 KiB")
    }
}
