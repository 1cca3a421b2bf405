//! Keyrings: their officer, policies and actors, where each stands, and what was asked of them that must be known again.

mod certifying;
mod fact;
mod spent;
mod step;
mod waiting;

use std::collections::HashMap;
use std::sync::Arc;

use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{
    ActorRole, ActorStatus, Keyring, KeyringAccess, KeyringOfficer, KeyringPolicy, PolicyStatus,
};
use sceau_element_api::wire::Version;
use sceau_element_api::{KeyringId, OrganisationId, PolicyId};
use sceau_keyring::{Asks, Validity};
use sceau_pki::Certificate;
use sceau_trace::{Hash, sha256};

pub(crate) use self::certifying::CertifyingKeyrings;
pub use self::fact::{KeyringFact, RoamingFact, TerminalFact};
pub use self::spent::SpentRequests;
pub(crate) use self::waiting::WaitingKeyrings;
use crate::event::KeyringsBegun;

/// What the element knows of keyrings.
#[derive(Debug, Default)]
pub struct Keyrings {
    begun: Option<Arc<KeyringsBegun>>,
    officer: Option<Arc<Certified>>,
    /// The certificates of those who were in office before.
    former: Vec<Hash>,
    policies: HashMap<PolicyId, Arc<PolicyFact>>,
    versions: HashMap<Hash, Arc<PolicyFact>>,
    access: HashMap<OrganisationId, Arc<AccessFact>>,
    of: HashMap<KeyringId, KeyringFact>,
    /// Which keyring each roaming code is of that may be used.
    codes: HashMap<Hash, KeyringId>,
    spent: SpentRequests,
    waiting: WaitingKeyrings,
    certifying: CertifyingKeyrings,
}

/// A certificate's key, and when it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// SHA-256 of the certificate's DER.
    pub certificate: Hash,
    /// Its key, a SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// The key's thumbprint (RFC 7638).
    pub thumbprint: [u8; 32],
    not_before: u64,
    not_after: u64,
}

impl Certified {
    /// Reads a certificate; none where it is no certificate, or of a key whose statements nobody here verifies.
    #[must_use]
    pub fn of(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der, "an actor's certificate").ok()?;
        let spki = certificate.public_key_info();
        let thumbprint = sceau_keyring::thumbprint(&spki)?;
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        Some(Self { certificate: sha256(der), spki, thumbprint, not_before, not_after })
    }

    /// When it ends, in Unix milliseconds.
    #[must_use]
    pub fn ends(&self) -> u64 {
        self.not_after
    }

    /// When it counts.
    #[must_use]
    pub fn validity(&self) -> Validity {
        Validity::Registered { from: self.not_before, until: self.not_after }
    }

    /// Whether it is in its validity.
    #[must_use]
    pub fn is_valid_at(&self, now: u64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

/// A version of a policy.
#[derive(Debug)]
pub struct PolicyFact {
    /// What it says.
    pub document: KeyringPolicy,
    /// Which version.
    pub version: Version,
    /// Index of its record.
    pub index: u64,
}

/// Who acts on keyrings of an organisation.
#[derive(Debug)]
pub struct AccessFact {
    actors: Vec<Arc<ActorFact>>,
    /// Which version.
    pub version: Version,
    /// Index of its record.
    pub index: u64,
}

/// Somebody who acts.
#[derive(Debug)]
pub struct ActorFact {
    /// What the officer says of it.
    pub actor: sceau_element_api::keyring::KeyringActor,
    /// By this key.
    pub by: Certified,
}

impl ActorFact {
    /// As a provider at the element's door.
    #[must_use]
    pub fn asks(&self) -> Asks<'_> {
        Asks { actor: &self.actor, validity: self.by.validity() }
    }

    /// Whether it acts in this role on keyrings of this policy now.
    #[must_use]
    pub fn may(&self, role: ActorRole, policy: PolicyId, now: u64) -> bool {
        self.actor.status == ActorStatus::Active
            && self.actor.role == role
            && self.actor.policies.contains(&policy)
            && self.by.is_valid_at(now)
    }
}

impl Keyrings {
    /// From when keyrings began; none where they did not.
    #[must_use]
    pub fn begun(&self) -> Option<&Arc<KeyringsBegun>> {
        self.begun.as_ref()
    }

    /// The security officer.
    #[must_use]
    pub fn officer(&self) -> Option<&Arc<Certified>> {
        self.officer.as_ref()
    }

    /// Whether the certificate of this hash is one of an officer who was in office before.
    #[must_use]
    pub fn was_officer(&self, certificate: &Hash) -> bool {
        self.former.contains(certificate)
    }

    /// The current version of a policy.
    #[must_use]
    pub fn policy(&self, id: PolicyId) -> Option<&Arc<PolicyFact>> {
        self.policies.get(&id)
    }

    /// Whether keyrings are made under a policy.
    #[must_use]
    pub fn is_in_use(&self, id: PolicyId) -> bool {
        self.policies.get(&id).is_some_and(|known| known.document.status == PolicyStatus::Active)
    }

    /// Who acts on keyrings of an organisation.
    #[must_use]
    pub fn access(&self, organisation: OrganisationId) -> Option<&Arc<AccessFact>> {
        self.access.get(&organisation)
    }

    /// Who of an organisation has the key of this thumbprint.
    #[must_use]
    pub fn actor(&self, organisation: OrganisationId, thumbprint: &[u8; 32]) -> Option<&Arc<ActorFact>> {
        let actors = &self.access.get(&organisation)?.actors;
        actors.iter().find(|known| known.by.thumbprint == *thumbprint)
    }

    /// A keyring.
    #[must_use]
    pub fn keyring(&self, id: KeyringId) -> Option<&KeyringFact> {
        self.of.get(&id)
    }

    /// The keyring that a terminal may come to with the code that is found by this.
    #[must_use]
    pub fn of_code(&self, code: &Hash) -> Option<KeyringId> {
        self.codes.get(code).copied()
    }

    /// The requests that were used.
    #[must_use]
    pub fn spent(&self) -> &SpentRequests {
        &self.spent
    }

    /// The keyrings that wait for their holders.
    #[must_use]
    pub(crate) fn waiting(&self) -> &WaitingKeyrings {
        &self.waiting
    }

    /// The keyrings that wait for a certificate of an authority outside.
    #[must_use]
    pub(crate) fn certifying(&self) -> &CertifyingKeyrings {
        &self.certifying
    }

    /// Takes the next officer in; none where the certificate is none.
    pub(super) fn learn_officer(&mut self, document: &KeyringOfficer) -> Option<()> {
        let next = Arc::new(Certified::of(&document.certificate)?);
        self.former.extend(self.officer.replace(next).map(|before| before.certificate));
        Some(())
    }

    /// Takes a policy in.
    pub(super) fn learn_policy(&mut self, document: KeyringPolicy, version: Version, index: u64) {
        let fact = Arc::new(PolicyFact { document, version, index });
        self.versions.insert(version.hash, Arc::clone(&fact));
        self.policies.insert(fact.document.policy, fact);
    }

    /// Takes an authorisation policy in; none where a certificate in it is none.
    pub(super) fn learn_access(
        &mut self,
        document: KeyringAccess,
        version: Version,
        index: u64,
    ) -> Option<()> {
        let organisation = document.organisation;
        let fact = |actor: sceau_element_api::keyring::KeyringActor| {
            Certified::of(&actor.certificate).map(|by| Arc::new(ActorFact { actor, by }))
        };
        let actors = document.actors.into_iter().map(fact).collect::<Option<_>>()?;
        self.access.insert(organisation, Arc::new(AccessFact { actors, version, index }));
        Some(())
    }
}

/// Reads the document of a keyring's version.
pub(super) fn document(payload: &[u8]) -> Option<Keyring> {
    Keyring::parse(payload).ok().map(|parsed| parsed.document)
}
