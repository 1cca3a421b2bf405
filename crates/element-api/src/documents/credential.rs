//! A passkey of an account.

use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, field, version_one};
use crate::{AccountId, Base64Url, Kind, RowId, proof};

/// A passkey as its registration gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialDocument {
    /// Format version, 1.
    pub v: u32,
    /// The account that it belongs to.
    pub account: AccountId,
    /// The credential id that the authenticator chose, 1 to 1,023 bytes.
    pub credential_id: Base64Url,
    /// Its public key: the COSE_Key bytes of the attested credential data (ES256 or EdDSA).
    pub cose_key: Base64Url,
    /// The relying party that it was made for.
    pub rp_id: String,
    /// The web origin that it was made at; assertions must come from it.
    pub origin: String,
    /// Whether it proves anything.
    #[serde(default, skip_serializing_if = "CredentialStatus::is_active")]
    pub status: CredentialStatus,
}

/// Whether a passkey is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialStatus {
    /// It proves its account.
    #[default]
    Active,
    /// It proves nothing any more.
    Revoked,
}

impl CredentialStatus {
    fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

impl CredentialDocument {
    /// The row of a credential id: SHA-256 of it in hex, since it may be long and the trace is public.
    #[must_use]
    pub fn row_of(credential_id: &[u8]) -> RowId {
        RowId::of_hash(sceau_trace::sha256(credential_id))
    }
}

impl Document for CredentialDocument {
    const KIND: Kind = Kind::Credential;

    fn row(&self) -> RowId {
        Self::row_of(&self.credential_id)
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field((1..=1023).contains(&self.credential_id.len()), "credential_id", "1 to 1,023 bytes")?;
        field(proof::CoseKey::parse(&self.cose_key).is_ok(), "cose_key", "an ES256 or EdDSA public key")?;
        field((1..=253).contains(&self.rp_id.len()), "rp_id", "1 to 253 characters")?;
        let schemed = self.origin.starts_with("https://") || self.origin.starts_with("http://");
        field(schemed && self.origin.len() <= 300, "origin", "a web origin of at most 300 characters")
    }
}
