//! The next security officer, as the one in office signs it.

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::policy::is_short_and_plain;
use crate::documents::{Document, DocumentError, field, version_one};
use crate::{Base64Url, Kind, RowId};

/// The largest certificate, in bytes of DER.
const LARGEST_CERTIFICATE: usize = 4096;

/// Who is the security officer from now on. There is one row of it; it is signed by the officer in office (JWS typ `sceau-kr-officer`), and by nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringOfficer {
    /// Format version, 1.
    pub v: u32,
    /// The name of the log of the element that it is for: no other one takes it.
    pub origin: String,
    /// The certificate of the next officer, DER.
    pub certificate: Base64Url,
    /// SHA-256 of the certificate of the officer in office, who signs this.
    pub follows: Hash,
    /// SHA-256 of the version before; none for the first. It is signed, so that nobody puts an old version back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// When it was signed, in Unix milliseconds.
    pub time: u64,
}

impl KeyringOfficer {
    /// The one row that there is.
    #[must_use]
    pub fn only_row() -> RowId {
        RowId::of_word("officer")
    }
}

impl Document for KeyringOfficer {
    const KIND: Kind = Kind::KeyringOfficer;

    fn row(&self) -> RowId {
        Self::only_row()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(is_short_and_plain(&self.origin), "origin", "the name of a log")?;
        let certificate = (1..=LARGEST_CERTIFICATE).contains(&self.certificate.len());
        field(certificate, "certificate", "DER of at most 4,096 bytes")
    }
}
