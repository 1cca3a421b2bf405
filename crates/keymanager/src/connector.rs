//! Connectors: machines that receive dossiers with a certificate of their own, each under a grant that says how far it reaches.
//!
//! A grant is given and revoked by an administrator of this key manager, and is judged at each request. A provider's connector for several
//! organisations has a grant at each one's key manager, and none of them says anything about another.

use std::sync::PoisonError;

use sceau_element_api::documents::DecisionRole;
use sceau_element_api::{AccountId, SchemeId};
use sceau_pki::CertificateRole;
use sceau_trace::{Actor, ActorKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::denial::Denial;
use crate::manager::KeyManager;
use crate::officer::{Shown, VerifiedOfficer};
use crate::people::NOT_A_FINGERPRINT;
use crate::register::{CONNECTORS, canonical};
use crate::release::Failure;

/// What a connector may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// SHA-256 of its certificate, hexadecimal.
    pub certificate_fingerprint: String,
    /// How records call it: 1 to 64 of a-z, 0-9, dot and dash, beginning with a letter.
    pub name: String,
    /// The schemes whose dossiers it may open; every one if null.
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
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-".contains(&c);
        let named = grant.name.starts_with(|c: char| c.is_ascii_lowercase()) && grant.name.len() <= 64;
        if !named || !grant.name.bytes().all(plain) {
            let rule = "a connector's name is 1 to 64 of a-z, 0-9, dot and dash, beginning with a letter";
            return Err(Denial::Body(rule).into());
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
        lists.connectors.insert(fingerprint, grant);
        Ok(self.keep_list(&lists, CONNECTORS, &lists.connectors).await?)
    }

    /// Revokes a grant: the next request of that connector is refused.
    ///
    /// # Errors
    /// [`Failure::Denied`] for what is no fingerprint of one.
    pub async fn revoke_grant(&self, fingerprint: &str) -> Result<(), Failure> {
        let fingerprint = canonical(fingerprint).ok_or(NOT_A_FINGERPRINT)?;
        let _alone = self.changing_people().await;
        let mut lists = self.lists();
        lists.connectors.remove(&fingerprint).ok_or(Denial::NotFound)?;
        Ok(self.keep_list(&lists, CONNECTORS, &lists.connectors).await?)
    }
}
