//! What the organisation answers, signed by its key manager (JWS typ `sceau-decision`).

use sceau_crypto::{Typ, VerifyingKey, jws};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, Verified, field, text, version_one};
use crate::{AccountId, DossierId, Kind, OrganisationId, Role, RowId};

/// A decision over one exact manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Format version, 1.
    pub v: u32,
    /// The dossier.
    pub dossier: DossierId,
    /// The organisation that decides.
    pub organisation: OrganisationId,
    /// SHA-256 of the manifest's bytes that was decided on.
    pub manifest_hash: Hash,
    /// What is decided.
    pub decision: Outcome,
    /// Why, for the depositor; at most 2,000 characters.
    pub reason: String,
    /// Who decided.
    pub decided_by: AccountId,
    /// In which role.
    pub role: DecisionRole,
    /// The connector that decided on that account, as its grant names it: 1 to 64 of a-z, 0-9, dot and dash, beginning with a letter. None where a
    /// person decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// When, in Unix milliseconds (the key manager's clock).
    pub time: u64,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Accepted.
    Accepted,
    /// Refused.
    Refused,
    /// The depositor must say or send more.
    MoreInformation,
}

impl Outcome {
    /// The text of the outcome, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::MoreInformation => "more_information",
        }
    }
}

/// The roles that decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionRole {
    /// A case officer.
    CaseOfficer,
    /// A supervisor.
    Supervisor,
}

impl From<DecisionRole> for Role {
    fn from(role: DecisionRole) -> Self {
        match role {
            DecisionRole::CaseOfficer => Self::CaseOfficer,
            DecisionRole::Supervisor => Self::Supervisor,
        }
    }
}

impl Decision {
    /// Verifies a decision under the organisation's signing key.
    ///
    /// # Errors
    /// [`DocumentError::Signature`] when another key or nobody signed it; the others when it is malformed.
    pub fn verify(jws: &str, key: &VerifyingKey) -> Result<Verified<Self>, DocumentError> {
        let signed = jws::verify(jws, Typ::Decision, key).map_err(|_| DocumentError::Signature)?;
        Ok(Verified::new(Self::parse(&signed)?.document, &signed))
    }
}

impl Document for Decision {
    const KIND: Kind = Kind::Decision;

    fn row(&self) -> RowId {
        self.dossier.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        let reason = self.reason.is_empty() || text(&self.reason, 2000, true);
        field(reason, "reason", "at most 2,000 characters")?;
        let named = self.connector.as_deref().is_none_or(is_connector_name);
        field(named, "connector", "1 to 64 of a-z, 0-9, dot and dash, beginning with a letter")
    }
}

/// Whether a connector may be called so: 1 to 64 of a-z, 0-9, dot and dash, beginning with a letter.
#[must_use]
pub fn is_connector_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-".contains(&c);
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(plain)
}
