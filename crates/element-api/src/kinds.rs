//! What can be attested, and the roles that people hold.

use std::fmt;

use sceau_trace::ActorKind;
use serde::{Deserialize, Serialize};

/// The kinds of attested rows. The text of a kind is part of what a passkey signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An organisation and the fingerprint of its root.
    Organisation,
    /// A recipient or signing key, stated by the organisation's root.
    KeyStatement,
    /// A person's role.
    Account,
    /// A passkey of an account.
    Credential,
    /// What a provider of identities calls the person of an account.
    Identity,
    /// A scheme with its form.
    Scheme,
    /// The state of a dossier.
    Dossier,
    /// What a depositor sends.
    Manifest,
    /// What the organisation answers.
    Decision,
    /// The key that MOB's host seals a funder's files to (`docs/mob-2022.md`).
    FunderKey,
    /// An application of an organisation, and the keys that it signs its calls with.
    Application,
    /// What is said of a datum, and who may have its key.
    Datum,
    /// What administrators and data officers do with data of their organisation.
    ProtectAct,
    /// A policy of keyrings, in the security officer's word.
    KeyringPolicy,
    /// Who acts on an organisation's keyrings, in the security officer's word.
    KeyringAccess,
    /// The next security officer of keyrings, in the word of the one in office.
    KeyringOfficer,
    /// What the platform may know of a keyring.
    Keyring,
    /// A rule for per-datum keys; not served yet.
    Policy,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::Organisation,
        Self::KeyStatement,
        Self::Account,
        Self::Credential,
        Self::Identity,
        Self::Scheme,
        Self::Dossier,
        Self::Manifest,
        Self::Decision,
        Self::FunderKey,
        Self::Application,
        Self::Datum,
        Self::ProtectAct,
        Self::KeyringPolicy,
        Self::KeyringAccess,
        Self::KeyringOfficer,
        Self::Keyring,
        Self::Policy,
    ];

    /// The text of the kind, as in JSON and in challenges.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::KeyStatement => "key-statement",
            Self::Account => "account",
            Self::Credential => "credential",
            Self::Identity => "identity",
            Self::Scheme => "scheme",
            Self::Dossier => "dossier",
            Self::Manifest => "manifest",
            Self::Decision => "decision",
            Self::FunderKey => "funder-key",
            Self::Application => "application",
            Self::Datum => "datum",
            Self::ProtectAct => "protect-act",
            Self::KeyringPolicy => "keyring-policy",
            Self::KeyringAccess => "keyring-access",
            Self::KeyringOfficer => "keyring-officer",
            Self::Keyring => "keyring",
            Self::Policy => "policy",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Deposits dossiers.
    Citizen,
    /// Reads and decides for an organisation.
    CaseOfficer,
    /// Oversees the case officers of an organisation.
    Supervisor,
    /// Runs an organisation's schemes and staff.
    OrganisationAdmin,
    /// Acts on protected data of an organisation, or of some applications of it; nothing else there is theirs.
    DataOfficer,
    /// Runs the platform; reads nothing.
    PlatformAdmin,
}

impl Role {
    /// The text of the role, as in JSON and in trace records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::CaseOfficer => "case_officer",
            Self::Supervisor => "supervisor",
            Self::OrganisationAdmin => "organisation_admin",
            Self::DataOfficer => "data_officer",
            Self::PlatformAdmin => "platform_admin",
        }
    }

    /// Whether the role works for the platform or an organisation: such people must be verified by their authenticator.
    #[must_use]
    pub fn is_staff(self) -> bool {
        self != Self::Citizen
    }

    /// Whether the role is held within an organisation.
    #[must_use]
    pub fn needs_organisation(self) -> bool {
        matches!(self, Self::CaseOfficer | Self::Supervisor | Self::OrganisationAdmin | Self::DataOfficer)
    }
}

/// How records name people of the role.
impl From<Role> for ActorKind {
    fn from(role: Role) -> Self {
        match role {
            Role::Citizen => Self::Citizen,
            Role::CaseOfficer => Self::CaseOfficer,
            Role::Supervisor => Self::Supervisor,
            Role::OrganisationAdmin => Self::OrganisationAdmin,
            Role::DataOfficer => Self::DataOfficer,
            Role::PlatformAdmin => Self::PlatformAdmin,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn the_text_of_a_kind_is_its_json() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn the_text_of_a_role_is_its_json() {
        use Role::*;
        for role in [Citizen, CaseOfficer, Supervisor, OrganisationAdmin, DataOfficer, PlatformAdmin] {
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
            assert_eq!(ActorKind::from(role).as_str(), role.as_str(), "records and roles have one word");
        }
    }
}
