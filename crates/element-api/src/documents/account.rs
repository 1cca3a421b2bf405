//! A person's role. No name, no address: those are personal data and stay in the platform's database.

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, field, version_one};
use crate::{AccountId, Kind, OrganisationId, Role, RowId};

/// An account and its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountDocument {
    /// Format version, 1.
    pub v: u32,
    /// The account.
    pub account: AccountId,
    /// Its role.
    pub role: Role,
    /// The organisation that the role is held in; none for citizens and platform administrators.
    pub organisation: Option<OrganisationId>,
    /// SHA-256 of the one-time invitation that the person answers. A new one, vouched for by a passkey of an administrator,
    /// lets the account enrol a first passkey again (lost authenticator).
    pub invitation_hash: Option<Hash>,
    /// Whether its passkeys prove anything.
    #[serde(default, skip_serializing_if = "AccountStatus::is_active")]
    pub status: AccountStatus,
}

/// Whether an account may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// It may.
    #[default]
    Active,
    /// It may not: its passkeys prove nothing.
    Suspended,
}

impl AccountStatus {
    fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

impl Document for AccountDocument {
    const KIND: Kind = Kind::Account;

    fn row(&self) -> RowId {
        self.account.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(
            self.role.needs_organisation() == self.organisation.is_some(),
            "organisation",
            "present exactly for case officers, supervisors and organisation administrators",
        )
    }
}
