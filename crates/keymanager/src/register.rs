//! Who may do what here: certificates bound to accounts, dossiers assigned to people, certificates withdrawn, infected documents excepted.
//!
//! Each list is sealed, and the hash of its current form is in the key manager's own trace: a list that was edited or put back is noticed
//! at the next start. While the key manager runs, the lists in memory count.

use std::collections::{BTreeMap, BTreeSet};

use sceau_element_api::documents::DecisionRole;
use sceau_element_api::{AccountId, DossierId};
use sceau_pki::Fingerprint;
use sceau_trace::{Hash, sha256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connector::Grant;
use crate::error::Error;
use crate::scanning::Exception;
use crate::vault::Vault;

/// A client certificate, bound once to the account that its holder has on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// SHA-256 of the certificate, hexadecimal.
    pub certificate_fingerprint: String,
    /// The account.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Case officer or supervisor.
    #[schema(value_type = String)]
    pub role: DecisionRole,
    /// The person's name, for the pages of this key manager only.
    pub name: String,
}

/// Who may open a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The dossier.
    #[schema(value_type = String)]
    pub dossier: DossierId,
    /// The accounts; none lifts the assignment.
    #[schema(value_type = Vec<String>)]
    pub accounts: Vec<AccountId>,
}

/// The lists, as they are in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registers {
    pub(crate) bindings: BTreeMap<String, Binding>,
    pub(crate) assignments: BTreeMap<DossierId, Vec<AccountId>>,
    pub(crate) withdrawn: BTreeSet<String>,
    /// Withdrawn since the backup that this key manager was made anew from: tags, for the log names no certificate.
    pub(crate) withdrawn_since: BTreeSet<String>,
    /// By the fingerprint of the connector's certificate.
    pub(crate) connectors: BTreeMap<String, Grant>,
    /// The oldest first.
    pub(crate) exceptions: Vec<Exception>,
}

/// Names in the vault and in records.
pub(crate) const BINDINGS: &str = "bindings";
pub(crate) const ASSIGNMENTS: &str = "assignments";
pub(crate) const WITHDRAWN: &str = "withdrawn";
pub(crate) const WITHDRAWN_SINCE: &str = "withdrawn_since";
pub(crate) const CONNECTORS: &str = "connectors";
pub(crate) const EXCEPTIONS: &str = "exceptions";

impl Registers {
    /// Reads the lists; each must be the one that the trace named last.
    pub(crate) async fn load(vault: &Vault, named: &BTreeMap<String, Hash>) -> Result<Self, Error> {
        Ok(Self {
            bindings: read(vault, BINDINGS, named).await?,
            assignments: read(vault, ASSIGNMENTS, named).await?,
            withdrawn: read(vault, WITHDRAWN, named).await?,
            withdrawn_since: read(vault, WITHDRAWN_SINCE, named).await?,
            connectors: read(vault, CONNECTORS, named).await?,
            exceptions: read(vault, EXCEPTIONS, named).await?,
        })
    }

    /// Whether the certificate of this fingerprint, in its one spelling, was withdrawn.
    pub(crate) fn is_withdrawn(&self, fingerprint: &str) -> bool {
        self.withdrawn.contains(fingerprint) || self.withdrawn_since.contains(&tag(fingerprint))
    }

    /// Whether this account may open the dossier: no assignment, or it is named.
    pub(crate) fn may_open(&self, dossier: DossierId, account: AccountId) -> bool {
        self.assignments.get(&dossier).is_none_or(|accounts| accounts.contains(&account))
    }
}

async fn read<T>(vault: &Vault, name: &'static str, named: &BTreeMap<String, Hash>) -> Result<T, Error>
where
    T: Default + serde::de::DeserializeOwned,
{
    match (vault.get::<T>(name).await?, named.get(name)) {
        (None, None) => Ok(T::default()),
        (Some((list, hash)), Some(expected)) if hash == *expected => Ok(list),
        _ => Err(Error::Tampered(name)),
    }
}

/// Name of the detail with the tag of the certificate that a record is about.
pub(crate) const TAG: &str = "certificate";

/// How records name a certificate in clear: its hash's hash, by which only who has the certificate knows it.
pub(crate) fn tag(fingerprint: &str) -> String {
    sha256(fingerprint.as_bytes()).to_string()
}

/// A fingerprint in its one spelling.
pub(crate) fn canonical(fingerprint: &str) -> Option<String> {
    fingerprint.parse::<Fingerprint>().ok().map(|fingerprint| fingerprint.to_string())
}
