//! Keyrings: their officer, policies and actors, where each stands, and what was asked of them that must be known again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{
    ActorRole, ActorStatus, Keyring, KeyringAccess, KeyringOfficer, KeyringPhase, KeyringPolicy, Suspended,
};
use sceau_element_api::wire::Version;
use sceau_element_api::{KeyringActorId, KeyringId, OrganisationId, PolicyId, TerminalId};
use sceau_keyring::{Attempts, FAILURES};
use sceau_pki::Certificate;
use sceau_trace::{Hash, sha256};

use crate::event::{AttemptEnd, KeyringChange, KeyringsBegun};

/// Requests that are remembered until they end; beyond, uses wait.
const MOST_SPENT: usize = 1_000_000;

/// Keyrings of one registration authority that nobody activated yet, and that still may be; beyond, it waits. Each takes room in the journal, for good.
const MOST_WAITING: usize = 10_000;

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
    spent: SpentRequests,
    waiting: WaitingKeyrings,
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
    /// Whether it acts in this role on keyrings of this policy now.
    #[must_use]
    pub fn may(&self, role: ActorRole, policy: PolicyId, now: u64) -> bool {
        self.actor.status == ActorStatus::Active
            && self.actor.role == role
            && self.actor.policies.contains(&policy)
            && self.by.is_valid_at(now)
    }
}

/// A keyring.
#[derive(Debug)]
pub struct KeyringFact {
    /// Index of the record that attests its current version.
    pub row: u64,
    /// That version.
    pub version: Version,
    /// Index of the last entry about it.
    pub last: u64,
    /// Where it stands, as its row says.
    pub phase: KeyringPhase,
    /// Since when, in Unix milliseconds.
    pub since: u64,
    /// Who suspended it and why, where it is suspended.
    pub suspended: Option<Suspended>,
    /// The version of the policy that it follows.
    pub policy: Arc<PolicyFact>,
    /// The registration authority that made it.
    pub authority: KeyringActorId,
    /// When it was made.
    pub made: u64,
    /// Wrong second factors, in the hand of who had the first one.
    pub wrong_factors: u8,
    /// The counters of its PIN.
    pub attempts: Attempts,
    /// Its terminals.
    pub terminals: Vec<TerminalFact>,
}

/// A terminal of a keyring.
#[derive(Debug, Clone, Copy)]
pub struct TerminalFact {
    /// The terminal.
    pub terminal: TerminalId,
    /// Thumbprint of its key.
    pub thumbprint: [u8; 32],
    /// Index of the entry that has its box.
    pub boxed: u64,
}

impl KeyringFact {
    /// A terminal of it.
    #[must_use]
    pub fn terminal(&self, id: TerminalId) -> Option<&TerminalFact> {
        self.terminals.iter().find(|known| known.terminal == id)
    }

    /// Where it stands. Three wrong PINs block it, whether its row says so already or not.
    #[must_use]
    pub fn stands(&self) -> KeyringPhase {
        match self.phase {
            KeyringPhase::Active if self.attempts.failed >= FAILURES => KeyringPhase::Blocked,
            phase => phase,
        }
    }

    /// Until when it may be activated.
    #[must_use]
    pub fn activation_ends(&self) -> u64 {
        let days = u64::from(self.policy.document.activation_days);
        self.made.saturating_add(days * 24 * 3600 * 1000)
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

    /// Takes the step of an entry at `index` in, of this time; none where it does not follow. A new version's document and number are `row`.
    pub(super) fn take(
        &mut self,
        change: &KeyringChange,
        (index, time): (u64, u64),
        row: Option<(&Keyring, Version)>,
    ) -> Option<()> {
        match (change, row) {
            (KeyringChange::Begun(begun), None) => {
                self.officer = Some(Arc::new(Certified::of(&begun.officer)?));
                self.begun = Some(Arc::new(begun.clone()));
                Some(())
            }
            (KeyringChange::Row { keyring, previous, boxes, .. }, Some((document, version))) => {
                let known = self.of.get(keyring);
                (known.map(|known| known.last) == *previous && document.keyring == *keyring).then_some(())?;
                let boxed = |terminal: TerminalId| {
                    let new = boxes.iter().any(|new| new.terminal == terminal).then_some(index);
                    new.or_else(|| known?.terminal(terminal).map(|known| known.boxed))
                };
                let bound = document.terminals.iter().map(|bound| {
                    let (terminal, thumbprint) =
                        (bound.terminal, bound.thumbprint.0.clone().try_into().ok()?);
                    Some(TerminalFact { terminal, thumbprint, boxed: boxed(terminal)? })
                });
                let fact = KeyringFact {
                    row: index,
                    version,
                    last: index,
                    phase: document.phase,
                    since: known
                        .filter(|known| known.phase == document.phase)
                        .map_or(time, |known| known.since),
                    suspended: document.suspended,
                    policy: Arc::clone(self.versions.get(&document.policy_hash)?),
                    authority: document.authority,
                    made: document.made,
                    wrong_factors: known.map(|known| known.wrong_factors).unwrap_or_default(),
                    attempts: known.map(|known| known.attempts).unwrap_or_default(),
                    terminals: bound.collect::<Option<_>>()?,
                };
                self.waiting.take(*keyring, &fact, time);
                self.of.insert(*keyring, fact);
                Some(())
            }
            (KeyringChange::WrongFactor { keyring, previous }, None) => {
                let fact = self.next(*keyring, *previous, index)?;
                fact.wrong_factors = fact.wrong_factors.saturating_add(1);
                Some(())
            }
            (KeyringChange::Attempt { keyring, previous }, None) => {
                let fact = self.next(*keyring, *previous, index)?;
                fact.attempts = fact.attempts.begun(time);
                Some(())
            }
            (KeyringChange::Read { keyring, previous }, None) => {
                self.next(*keyring, *previous, index).map(|_| ())
            }
            (KeyringChange::Ended { keyring, previous, how }, None) => {
                let fact = self.next(*keyring, *previous, index)?;
                fact.attempts = match how {
                    AttemptEnd::Failed => fact.attempts.failed(),
                    AttemptEnd::Proven => fact.attempts.proven(),
                };
                Some(())
            }
            (KeyringChange::Used { keyring, previous, terminal, request, ends, .. }, None) => {
                let fact = self.next(*keyring, *previous, index)?;
                fact.attempts = fact.attempts.proven();
                fact.terminals.iter_mut().find(|known| known.terminal == *terminal)?.boxed = index;
                let request = request.0.clone().try_into().ok()?;
                self.spent.take(request, *ends, time).then_some(())
            }
            _ => None,
        }
    }

    /// The keyring whose last entry was at `previous`, and is now at `index`.
    fn next(&mut self, keyring: KeyringId, previous: u64, index: u64) -> Option<&mut KeyringFact> {
        let fact = self.of.get_mut(&keyring).filter(|known| known.last == previous)?;
        fact.last = index;
        Some(fact)
    }
}

/// The keyrings that were made and are not active, by who made them and until when they may be.
#[derive(Debug, Default)]
pub(crate) struct WaitingKeyrings(HashMap<KeyringActorId, BTreeSet<(u64, KeyringId)>>);

impl WaitingKeyrings {
    /// Whether this registration authority may have another one made at `now`.
    #[must_use]
    pub(crate) fn has_room(&self, authority: KeyringActorId, now: u64) -> bool {
        let of_it = |waiting: &BTreeSet<(u64, KeyringId)>| {
            waiting.iter().rev().take_while(|(ends, _)| *ends > now).take(MOST_WAITING).count()
        };
        self.0.get(&authority).map_or(0, of_it) < MOST_WAITING
    }

    /// Takes a version of a keyring in, of an entry of this time.
    fn take(&mut self, keyring: KeyringId, fact: &KeyringFact, time: u64) {
        let of_it = self.0.entry(fact.authority).or_default();
        let place = (fact.activation_ends(), keyring);
        // One that was blocked before its holder had it takes as much room.
        if fact.terminals.is_empty() {
            of_it.insert(place);
        } else {
            of_it.remove(&place);
        }
        while of_it.first().is_some_and(|(ends, _)| *ends <= time) {
            of_it.pop_first();
        }
        if of_it.is_empty() {
            self.0.remove(&fact.authority);
        }
    }
}

/// The requests that were used and have not ended, and up to when others were forgotten.
#[derive(Debug, Default)]
pub struct SpentRequests {
    spent: HashSet<[u8; 16]>,
    by_end: BTreeMap<u64, Vec<[u8; 16]>>,
    time: u64,
}

impl SpentRequests {
    /// Whether it was used.
    #[must_use]
    pub fn knows(&self, request: &[u8; 16]) -> bool {
        self.spent.contains(request)
    }

    /// Requests that ended by then may have been used, and are forgotten: a clock that steps back lets none be used again.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Whether another one can be remembered.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.spent.len() < MOST_SPENT
    }

    /// Takes one in, of a use at `time`; false where it was used.
    fn take(&mut self, request: [u8; 16], ends: u64, time: u64) -> bool {
        self.time = self.time.max(time);
        while let Some(first) = self.by_end.first_entry().filter(|first| *first.key() <= self.time) {
            for ended in first.remove() {
                self.spent.remove(&ended);
            }
        }
        self.by_end.entry(ends).or_default().push(request);
        self.spent.insert(request)
    }
}

/// Reads the document of a keyring's version.
pub(super) fn document(payload: &[u8]) -> Option<Keyring> {
    Keyring::parse(payload).ok().map(|parsed| parsed.document)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const DAY: u64 = 24 * 3600 * 1000;

    fn fact(authority: KeyringActorId, phase: KeyringPhase) -> KeyringFact {
        let (version, hash) = (1, sha256(b"x"));
        let document = serde_json::from_value(serde_json::json!({
            "v": 1, "origin": "example.org/log", "policy": PolicyId::random(), "organisation": OrganisationId::random(),
            "name": "Leases", "use": "sign", "pin": {"least": 6, "most": 12}, "second_factor": "none", "algorithm": "ES256",
            "authority": {"embedded": {"days": 365}}, "subject": ["common_name"], "activation_days": 30,
            "terminals_most": 1, "roaming": "none", "biometric": "none", "batch_most": 10, "request_seconds": 600,
            "dissociation": "holder", "applies_to_existing": false, "status": "active", "time": 1,
        }));
        let version = Version { version, hash };
        let policy = Arc::new(PolicyFact { document: document.unwrap(), version, index: 0 });
        let attempts = Attempts::default();
        let bound = TerminalFact { terminal: TerminalId::random(), thumbprint: [0; 32], boxed: 1 };
        let terminals = if phase == KeyringPhase::Active { vec![bound] } else { Vec::new() };
        let (row, last, made, wrong_factors) = (1, 1, 0, 0);
        let (since, suspended) = (0, None);
        KeyringFact {
            row,
            version,
            last,
            phase,
            since,
            suspended,
            policy,
            authority,
            made,
            wrong_factors,
            attempts,
            terminals,
        }
    }

    #[test]
    fn who_has_keyrings_made_that_nobody_activates_waits_for_their_end() {
        let (mut waiting, of) = (WaitingKeyrings::default(), KeyringActorId::random());
        let made = fact(of, KeyringPhase::Made);
        let first = KeyringId::random();
        waiting.take(first, &made, 0);
        for _ in 2..MOST_WAITING {
            waiting.take(KeyringId::random(), &made, 0);
        }
        assert!(waiting.has_room(of, 0));
        waiting.take(KeyringId::random(), &made, 0);
        assert!(!waiting.has_room(of, 0) && waiting.has_room(KeyringActorId::random(), 0));
        // Delivered or blocked, it waits on; active, it does not.
        for phase in [KeyringPhase::Delivered, KeyringPhase::Blocked] {
            waiting.take(first, &fact(of, phase), 0);
            assert!(!waiting.has_room(of, 30 * DAY - 1));
        }
        waiting.take(first, &fact(of, KeyringPhase::Active), 0);
        assert!(waiting.has_room(of, 0));
        waiting.take(KeyringId::random(), &made, 0);
        assert!(!waiting.has_room(of, 0) && waiting.has_room(of, 30 * DAY));
        // Those whose days are over are forgotten.
        waiting.take(KeyringId::random(), &fact(of, KeyringPhase::Active), 30 * DAY);
        assert!(waiting.0.is_empty());
    }
}
