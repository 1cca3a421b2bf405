//! Connectors: machines that receive dossiers with a certificate of their own, each under a grant that says how far it reaches.
//!
//! A grant is given and revoked by an administrator of this key manager, and is judged at each request. A provider's connector for several
//! organisations has a grant at each one's key manager, and none of them says anything about another.

use std::sync::PoisonError;

use sceau_element_api::documents::{Decision, DecisionRole, Document as _, is_connector_name};
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, DossierId, SchemeId};
use sceau_pki::CertificateRole;
use sceau_store::params;
use sceau_trace::{Action, Actor, ActorKind, Hash};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::denial::Denial;
use crate::error::Error;
use crate::manager::KeyManager;
use crate::officer::{Shown, VerifiedOfficer};
use crate::people::NOT_A_FINGERPRINT;
use crate::register::{CONNECTORS, canonical};
use crate::release::Failure;
use crate::schema::statements;

/// The most schemes of one grant: a record names each.
const SCHEMES: usize = 32;
/// Manifests, or decisions, in one answer.
const AT_ONCE: u64 = 500;

/// What a connector may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// SHA-256 of its certificate, hexadecimal.
    pub certificate_fingerprint: String,
    /// How records call it: 1 to 64 of a-z, 0-9, dot and dash, beginning with a letter.
    pub name: String,
    /// The schemes whose dossiers it may open, at most 32; every one if null.
    #[schema(value_type = Option<Vec<String>>)]
    pub schemes: Option<Vec<SchemeId>>,
    /// From when, in Unix milliseconds.
    pub not_before: u64,
    /// Until when, in Unix milliseconds.
    pub not_after: u64,
    /// On whose account its decisions are taken; null if it takes none.
    pub decides: Option<Decides>,
}

/// Who answers for what a connector decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decides {
    /// The account, of this organisation.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Case officer or supervisor.
    #[schema(value_type = String)]
    pub role: DecisionRole,
}

/// A manifest for this organisation that the platform's log has and nothing ended yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LoggedManifest {
    /// SHA-256 of the manifest, hexadecimal.
    #[schema(value_type = String)]
    pub manifest: Hash,
    /// Where the log has it.
    pub log_index: u64,
}

/// A decision of this organisation that this key manager signed and the platform's log has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LoggedDecision {
    /// The dossier.
    #[schema(value_type = String)]
    pub dossier: DossierId,
    /// SHA-256 of the manifest that it is about, hexadecimal.
    #[schema(value_type = String)]
    pub manifest: Hash,
    /// Where the log has it.
    pub log_index: u64,
}

/// A connector: an accepted connector's certificate with a grant that is in force.
#[derive(Debug, Clone)]
pub struct VerifiedConnector {
    grant: Grant,
}

/// Who asks for a key or decides.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caller<'a> {
    Officer(&'a VerifiedOfficer),
    Connector(&'a VerifiedConnector),
}

impl VerifiedConnector {
    pub(crate) fn check_scheme(&self, scheme: SchemeId) -> Result<(), Denial> {
        let reaches = self.grant.schemes.as_ref().is_none_or(|schemes| schemes.contains(&scheme));
        if reaches { Ok(()) } else { Err(Denial::SchemeNotGranted) }
    }
}

impl Caller<'_> {
    /// As records name it.
    pub(crate) fn actor(self) -> Actor {
        match self {
            Self::Officer(officer) => officer.actor(),
            Self::Connector(connector) => Actor::new(ActorKind::Client, connector.grant.name.clone()),
        }
    }

    /// The name of a connector.
    pub(crate) fn connector(self) -> Option<String> {
        match self {
            Self::Officer(_) => None,
            Self::Connector(connector) => Some(connector.grant.name.clone()),
        }
    }

    /// In whose name it decides.
    pub(crate) fn decides(self) -> Result<Decides, Denial> {
        match self {
            Self::Officer(officer) => Ok(Decides { account: officer.account(), role: officer.role() }),
            Self::Connector(connector) => connector.grant.decides.ok_or(Denial::DecisionsNotGranted),
        }
    }
}

impl KeyManager {
    /// Judges a connector now: its certificate as every client's, then its grant and the dates of it.
    pub(crate) fn judge_connector(&self, shown: Shown<'_>) -> Result<VerifiedConnector, Denial> {
        let client = self.judge_client(shown)?.with_role(CertificateRole::Connector)?;
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        let grant = registers.connectors.get(&client.fingerprint().to_string()).cloned();
        let grant = grant.ok_or(Denial::NotGranted)?;
        if !(grant.not_before..grant.not_after).contains(&self.now()) {
            return Err(Denial::GrantNotInForce);
        }
        Ok(VerifiedConnector { grant })
    }

    /// That who was let in still is: an examination takes a while, and what was taken back meanwhile counts.
    pub(crate) fn check_still_reaches(&self, caller: Caller<'_>, dossier: DossierId) -> Result<(), Denial> {
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        let reaches = match caller {
            Caller::Officer(officer) => {
                officer.check_still_bound(&registers)?;
                registers.may_open(dossier, officer.account())
            }
            Caller::Connector(VerifiedConnector { grant }) => {
                if registers.connectors.get(&grant.certificate_fingerprint) != Some(grant) {
                    return Err(Denial::NotGranted);
                }
                !registers.assignments.contains_key(&dossier)
            }
        };
        if reaches { Ok(()) } else { Err(Denial::NotAssigned) }
    }

    /// The certificate of a machine, accepted as a connector's whether or not it has a grant: a fingerprint that records may hold.
    pub(crate) fn connector_shown(&self, shown: Shown<'_>) -> Option<String> {
        let client = self.judge_client(shown).ok()?.with_role(CertificateRole::Connector).ok()?;
        Some(client.fingerprint().to_string())
    }

    /// The grants, by the certificates' fingerprints.
    pub fn grants(&self) -> Vec<Grant> {
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        registers.connectors.values().cloned().collect()
    }

    /// Grants a connector what it may do; a certificate has one grant, the last. The change is recorded with it.
    ///
    /// # Errors
    /// [`Failure::Denied`] for what is no fingerprint, no name, or no time.
    pub async fn grant(&self, grant: Grant) -> Result<(), Failure> {
        let fingerprint = canonical(&grant.certificate_fingerprint).ok_or(NOT_A_FINGERPRINT)?;
        if !is_connector_name(&grant.name) {
            let rule = "a connector's name is 1 to 64 of a-z, 0-9, dot and dash, beginning with a letter";
            return Err(Denial::Body(rule).into());
        }
        if grant.schemes.as_ref().is_some_and(|schemes| schemes.len() > SCHEMES) {
            return Err(Denial::Body("a grant names at most 32 schemes, or null for all").into());
        }
        if grant.not_before >= grant.not_after {
            return Err(Denial::Body("a grant ends after it begins").into());
        }
        let _alone = self.changing_people().await;
        let mut lists = self.lists();
        if lists.connectors.iter().any(|(other, kept)| *other != fingerprint && kept.name == grant.name) {
            return Err(Denial::Body("another connector has this name: records must tell them apart").into());
        }
        let grant = Grant { certificate_fingerprint: fingerprint.clone(), ..grant };
        let act = self.record_of_grant("grant", &grant);
        lists.connectors.insert(fingerprint, grant);
        Ok(self.keep_list_with(&lists, CONNECTORS, &lists.connectors, Some(act)).await?)
    }

    /// Revokes a grant: the next request of that connector is refused.
    ///
    /// # Errors
    /// [`Failure::Denied`] for what is no fingerprint of one.
    pub async fn revoke_grant(&self, fingerprint: &str) -> Result<(), Failure> {
        let fingerprint = canonical(fingerprint).ok_or(NOT_A_FINGERPRINT)?;
        let _alone = self.changing_people().await;
        let mut lists = self.lists();
        let grant = lists.connectors.remove(&fingerprint).ok_or(Denial::NotFound)?;
        let act = self.record_of_grant("revoke", &grant);
        Ok(self.keep_list_with(&lists, CONNECTORS, &lists.connectors, Some(act)).await?)
    }

    /// The manifests after log index `after` that nothing ended yet, in the log's order; at most 500.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logged_manifests(&self, after: u64) -> Result<Vec<LoggedManifest>, Error> {
        let rows = self.database().fetch_all(statements::OPEN_MANIFESTS, params![after, AT_ONCE]).await?;
        rows.iter()
            .map(|row| {
                let manifest = Hash::from_hex(&row.get::<String>("hash")?);
                let manifest = manifest.ok_or(Error::Tampered("a manifest of the platform's log"))?;
                Ok(LoggedManifest { manifest, log_index: row.get("log_index")? })
            })
            .collect()
    }

    /// The decisions after log index `after`, in the log's order; at most 500.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logged_decisions(&self, after: u64) -> Result<Vec<LoggedDecision>, Error> {
        let rows = self.database().fetch_all(statements::LOGGED_DECISIONS, params![after, AT_ONCE]).await?;
        rows.iter()
            .map(|row| {
                let Decision { dossier, manifest_hash: manifest, .. } =
                    Decision::parse(&row.get::<Vec<u8>>("payload")?)?.document;
                Ok(LoggedDecision { dossier, manifest, log_index: row.get("logged")? })
            })
            .collect()
    }

    /// What a grant gives, or gave: everything that it says, the ids of people as the log commits to them.
    fn record_of_grant(&self, act: &'static str, grant: &Grant) -> RecordDraft {
        let draft = self
            .own_record(Action::CONNECTOR_CHANGE)
            .subject("client", &grant.name)
            .detail("act", act)
            .detail("certificate", grant.certificate_fingerprint.clone())
            .detail("schemes", grant.schemes.as_ref().map_or("all", |_| "named"))
            .detail("not_before", grant.not_before.to_string())
            .detail("not_after", grant.not_after.to_string())
            .detail(
                "decides",
                grant.decides.map_or("no", |by| sceau_element_api::Role::from(by.role).as_str()),
            );
        let schemes = grant.schemes.iter().flatten();
        let draft = schemes.fold(draft, |draft, scheme| draft.subject("scheme", scheme));
        let draft = match grant.decides {
            Some(by) => draft.subject("account", by.account),
            None => draft,
        };
        draft.granted()
    }
}
