//! A person's role. No name, no address: those are personal data and stay in the platform's database.

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, field, version_one};
use crate::{AccountId, ApplicationId, Kind, OrganisationId, Role, RowId};

/// Applications that an officer's data may be limited to.
const MOST_APPLICATIONS: usize = 100;

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
    /// Of a data officer: the applications whose data are theirs, 1 to 100, each once; left out, all of the organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<ApplicationId>>,
}

/// Which protected data somebody may look at and act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remit {
    /// Those of this organisation,
    pub organisation: OrganisationId,
    /// and of these applications; none: of all.
    pub applications: Option<Vec<ApplicationId>>,
}

impl Remit {
    /// All data of an organisation.
    #[must_use]
    pub fn whole(organisation: OrganisationId) -> Self {
        Self { organisation, applications: None }
    }

    /// Whether data of this application of the organisation are in it.
    #[must_use]
    pub fn has(&self, application: ApplicationId) -> bool {
        self.applications.as_ref().is_none_or(|mine| mine.contains(&application))
    }
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

impl AccountDocument {
    /// The protected data that are this account's to look at and act on; none where its role has none, or it is out of use.
    #[must_use]
    pub fn remit(&self) -> Option<Remit> {
        let organisation = self.organisation.filter(|_| self.status.is_active())?;
        match self.role {
            Role::OrganisationAdmin => Some(Remit::whole(organisation)),
            Role::DataOfficer => Some(Remit { organisation, applications: self.applications.clone() }),
            Role::Citizen | Role::CaseOfficer | Role::Supervisor | Role::PlatformAdmin => None,
        }
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
            "present exactly for case officers, supervisors, organisation administrators and data officers",
        )?;
        let Some(applications) = &self.applications else { return Ok(()) };
        field(self.role == Role::DataOfficer, "applications", "of data officers alone")?;
        field((1..=MOST_APPLICATIONS).contains(&applications.len()), "applications", "1 to 100 of them")?;
        let mut once = applications.clone();
        once.sort_unstable();
        once.dedup();
        field(once.len() == applications.len(), "applications", "each once")
    }
}
