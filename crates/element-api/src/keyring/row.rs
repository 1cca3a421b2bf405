//! What the platform may know of a keyring: no person is in it.

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::terminals::{BoundTerminal, FormerTerminal, RoamingTerminal, are_terminals};
use super::{KeyringAlgorithm, Suspended};
use crate::documents::{Document, DocumentError, field, version_one};
use crate::{Base64Url, KeyringActorId, KeyringId, Kind, OrganisationId, PolicyId, RowId};

/// A keyring. Its versions are the element's own: nobody asks for one by an attestation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    /// Format version, 1.
    pub v: u32,
    /// The keyring.
    pub keyring: KeyringId,
    /// The organisation.
    pub organisation: OrganisationId,
    /// The policy that it was made under.
    pub policy: PolicyId,
    /// SHA-256 of the version of the policy that it follows.
    pub policy_hash: Hash,
    /// The registration authority that made it.
    pub authority: KeyringActorId,
    /// Where it stands.
    pub phase: KeyringPhase,
    /// When it was made, in Unix milliseconds.
    pub made: u64,
    /// When it was activated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated: Option<u64>,
    /// Its terminals.
    pub terminals: Vec<BoundTerminal>,
    /// The holder's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyringKey>,
    /// Why it is blocked, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<BlockedFor>,
    /// Who suspended it and why, where it is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspended>,
    /// The terminal that may come to it, where its holder has one come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roaming: Option<RoamingTerminal>,
    /// The terminals that it had, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<FormerTerminal>,
    /// SHA-256 of the sealed template of its holder's face, once there is one: the terminal alone has that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Hash>,
}

/// Where a keyring stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyringPhase {
    /// It has factors, and no holder.
    Made,
    /// It has a holder, who was given the factors.
    Delivered,
    /// It has a PIN and a key, and waits for the certificate.
    Certifying,
    /// It is in use.
    Active,
    /// It was stopped, until its registration authority lets it go on.
    Suspended,
    /// Wrong PINs stopped it, or wrong second factors before it was activated.
    Blocked,
    /// It is gone.
    Destroyed,
}

/// Why a keyring is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedFor {
    /// Wrong PINs.
    Pin,
    /// Wrong second factors.
    Factors,
}

/// The key of a keyring's holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringKey {
    /// Its id, 16 bytes.
    pub id: Base64Url,
    /// How it signs.
    pub algorithm: KeyringAlgorithm,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki: Hash,
    /// SHA-256 of its certificate, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Hash>,
}

impl Document for Keyring {
    const KIND: Kind = Kind::Keyring;

    fn row(&self) -> RowId {
        self.keyring.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        are_terminals(self)?;
        field(self.key.as_ref().is_none_or(|key| key.id.len() == 16), "key.id", "16 bytes")?;
        let (blocked, suspended) = (self.blocked.is_some(), self.suspended.is_some());
        field(blocked == (self.phase == KeyringPhase::Blocked), "blocked", "present exactly where it is")?;
        field(
            suspended == (self.phase == KeyringPhase::Suspended),
            "suspended",
            "present exactly where it is",
        )
    }
}
