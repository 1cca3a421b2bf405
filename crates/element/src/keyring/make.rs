//! What registration authorities ask: to make a keyring, and to say whose it is.

use std::sync::Arc;

use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{ActorRole, CertificateSource, Keyring, KeyringPhase, PolicyStatus};
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_element_api::{KeyringId, PolicyId, TerminalId};
use sceau_keyring::{
    Answer, Code as ActivationCode, Delivery, Package, PackageJws, PolicyRef, SecondCode, Statement,
    factors_hash,
};
use sceau_trace::sha256;

use super::context::Stage;
use super::contexts::Whose;
use super::conversation::{Desk, Next, Turn, not_here, unknown};
use super::secrets::{Secrets, unusable};
use super::shares::Behalf;
use super::{By, KeyringAct, NewRow, PreparedKeyring};
use crate::state::{ActorFact, KeyringFact, PolicyFact};

const DAY: u64 = 24 * 3600 * 1000;

/// A keyring as the state has it now.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Where its current version is.
    pub row: u64,
    /// That version.
    pub version: Version,
    /// Where it stands.
    pub phase: KeyringPhase,
    /// What it follows.
    pub policy: Arc<PolicyFact>,
    /// Until when it may be activated.
    pub ends: u64,
    /// The terminal that may come to it.
    pub expects: Option<TerminalId>,
}

impl Found {
    fn of(known: &KeyringFact) -> Self {
        let policy = Arc::clone(&known.policy);
        let (row, version, phase) = (known.row, known.version, known.phase);
        let expects = known.roaming.as_ref().map(|roaming| roaming.said.terminal);
        Self { row, version, phase, policy, ends: known.activation_ends(), expects }
    }
}

impl Desk {
    /// A keyring, where it stands in this phase.
    pub(super) fn found(&self, keyring: KeyringId, phase: KeyringPhase) -> Result<Found, Refusal> {
        self.with(|state| match state.keyrings().keyring(keyring) {
            Some(known) if known.stands() == phase => Ok(Found::of(known)),
            Some(known) => Err(not_here(known)),
            None => Err(Refusal::new(Code::KeyringUnknown, "there is no such keyring")),
        })
    }

    /// A keyring's document and sealed part, from the journal.
    pub(super) fn keyring_at(&self, keyring: KeyringId, row: u64) -> Result<(Keyring, Secrets), Refusal> {
        let (payload, sealed) = self.view.keyring_at(row).map_err(unusable)?;
        let document = Keyring::parse(&payload).map_err(unusable)?.document;
        Ok((document, Secrets::open(&self.keys, keyring, &sealed)?))
    }

    /// The bytes of a version.
    pub(super) fn new_row(
        &self,
        document: &Keyring,
        secrets: &Secrets,
        previous: Option<Version>,
    ) -> Result<NewRow, Refusal> {
        let payload = document.to_bytes().map_err(unusable)?;
        Ok(NewRow { previous, payload, sealed: secrets.seal(&self.keys, document.keyring)? })
    }

    /// A policy that keyrings are made under.
    pub(super) fn policy_in_use(&self, id: PolicyId) -> Result<Arc<PolicyFact>, Refusal> {
        let known = self.with(|state| state.keyrings().policy(id).cloned());
        let known = known.filter(|known| known.document.status == PolicyStatus::Active);
        known.ok_or_else(|| Refusal::new(Code::PolicyUnknown, "no such policy of keyrings is in use"))
    }

    /// The registration authority of this policy that signed the message.
    fn registrar(&self, turn: &mut Turn, policy: &PolicyFact) -> Result<Arc<ActorFact>, Refusal> {
        let actor = self.actor(turn, policy.document.organisation)?;
        if !actor.may(ActorRole::RegistrationAuthority, policy.document.policy, self.now().unix) {
            return Err(unknown());
        }
        let behalf = Behalf { organisation: policy.document.organisation, actor: actor.actor.id };
        self.known(turn, Whose::Actor(turn.context.signer), behalf)?;
        Ok(actor)
    }

    /// Whether the embedded authority lasts as long as a certificate of this policy that is issued then: else it would be shorter, without a word, or be none after the
    /// holder chose a PIN.
    fn certifies_whole(&self, policy: &PolicyFact, then: u64) -> Result<(), Refusal> {
        let CertificateSource::Embedded { days } = policy.document.authority else { return Ok(()) };
        if then.saturating_add(u64::from(days) * DAY) <= self.keys.certifies_until() {
            return Ok(());
        }
        let words = "the embedded authority ends before certificates of this policy would: the policy must ask for fewer days";
        Err(Refusal::new(Code::KeyringPhase, words))
    }

    pub(super) fn fabricate(&self, turn: &mut Turn, policy: PolicyId) -> Result<Next, Refusal> {
        let policy = self.policy_in_use(policy)?;
        let actor = self.registrar(turn, &policy)?;
        let (keyring, now, code) = (KeyringId::random(), self.now().unix, ActivationCode::draw());
        let ends = now.saturating_add(u64::from(policy.document.activation_days) * DAY);
        self.certifies_whole(&policy, ends)?;
        let about = self.about()?;
        let package = Package {
            v: 1,
            keyring,
            policy: reference(&policy),
            code,
            second: (!policy.document.second_factor.is_none()).then(SecondCode::draw),
            channel: self.keys.channel().key_id(),
            word: about.word,
            officer: about.officer,
            origin: about.origin,
            terminals_most: policy.document.terminals_most,
            made: now,
            ends,
        };
        let signed = PackageJws::from(package.sign(self.keys.word()).map_err(unusable)?);
        let document = Keyring {
            v: 1,
            keyring,
            organisation: policy.document.organisation,
            policy: policy.document.policy,
            policy_hash: policy.version.hash,
            authority: actor.actor.id,
            phase: KeyringPhase::Made,
            made: now,
            activated: None,
            terminals: Vec::new(),
            key: None,
            blocked: None,
            suspended: None,
            roaming: None,
            former: Vec::new(),
            face: None,
        };
        let hash = Some(sha256(signed.expose().as_bytes()));
        let Package { code, second, .. } = package;
        let secrets = Secrets { code: Some(code), second, package: hash, ..Secrets::default() };
        let row = self.new_row(&document, &secrets, None)?;
        let act = KeyringAct::Make { policy: policy.document.policy, row };
        let prepared = PreparedKeyring { keyring, by: By::Authority(actor), act };
        let answered = move |_| (Answer::Fabricated { package: signed }, Stage::Actor);
        Ok(Next::Order(Box::new(prepared), Box::new(answered)))
    }

    pub(super) fn deliver(&self, turn: &mut Turn, jws: &str) -> Result<Next, Refusal> {
        let delivery = Delivery::verify(jws, &turn.context.spki)?;
        let keyring = delivery.keyring;
        let found = self.found(keyring, KeyringPhase::Made)?;
        let actor = self.registrar(turn, &found.policy)?;
        let (document, mut secrets) = self.keyring_at(keyring, found.row)?;
        if document.authority != actor.actor.id {
            return Err(Refusal::new(
                Code::NotAuthorised,
                "another registration authority made this keyring",
            ));
        }
        let factors = secrets.factors().map(|factors| factors_hash(&factors));
        if factors != Some(delivery.factors) || secrets.package != Some(delivery.package) {
            let words = "the statement is about other factors than those of this keyring";
            return Err(Refusal::new(Code::FactorInvalid, words));
        }
        if delivery.policy != reference(&found.policy) {
            return Err(Refusal::new(Code::HashMismatch, "the statement is about another policy"));
        }
        if secrets.second.is_some() && !delivery.is_by_two_channels() {
            let words = "two factors go by two channels: the statement names the code's, then the second factor's, and they differ";
            return Err(Refusal::new(Code::DocumentMalformed, words));
        }
        let identity = delivery.identity.check(&found.policy.document.subject);
        identity.map_err(|error| Refusal::new(Code::DocumentMalformed, error.to_string()))?;
        let hash = sha256(jws.as_bytes());
        secrets.holder = Some(delivery.holder);
        secrets.identity = Some(delivery.identity);
        secrets.delivery = Some(jws.to_owned());
        let document = Keyring { phase: KeyringPhase::Delivered, ..document };
        let row = self.new_row(&document, &secrets, Some(found.version))?;
        let act = KeyringAct::Deliver { row, delivery: hash };
        let prepared = PreparedKeyring { keyring, by: By::Authority(actor), act };
        Ok(Next::Order(Box::new(prepared), Box::new(|index| (Answer::Delivered { index }, Stage::Actor))))
    }
}

/// The policy as packages and deliveries name it.
fn reference(policy: &PolicyFact) -> PolicyRef {
    let Version { version, hash } = policy.version;
    PolicyRef { id: policy.document.policy, version, hash }
}
