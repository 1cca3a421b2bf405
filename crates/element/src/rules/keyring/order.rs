//! Steps in the life of a keyring, in their turn: is it still as when they were prepared, and may they be?

use sceau_element_api::keyring::{ActorRole, BlockedFor, KeyringPhase, PolicyStatus};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Kind, OrganisationId, PolicyId};
use sceau_keyring::ProvenBy;
use sceau_trace::{Action, Actor, ActorKind, Asserted, Attested, Record, RecordBuilder, sha256};

use crate::event::{AttemptEnd, Change, Event, KeyringChange, TerminalBox};
use crate::keyring::{By, KeyringAct, NewRow, PreparedKeyring};
use crate::rules::{demand, element, platform};
use crate::state::{ActorFact, KeyringFact, PolicyFact, State, TerminalFact};

/// Wrong second factors that block a keyring.
const WRONG_FACTORS: u8 = 3;

pub(crate) const ACTIVATION_OVER: &str = "the days to activate it are over: have another keyring made";
pub(crate) const CERTIFYING: &str = "the keyring waits for its certificate, which an authority outside is to issue: nothing is signed before that. Try again later; where it takes long, ask its registration authority";
const OTHER_POLICY: &str =
    "the policy has another version since the keyring was made: have another keyring made";
pub(super) const DESTROYED: &str = "the keyring was destroyed: nothing brings it back, have another one made";

const TOO_MANY_WAIT: &str = "too many keyrings that this registration authority had made are not activated: wait until they are, or until their days are over";

/// Why a keyring is not where something can be done with it, in words for who asked.
pub(crate) fn not_here(known: &KeyringFact) -> Refusal {
    match (known.stands(), known.suspended) {
        (KeyringPhase::Suspended, Some(why)) => Refusal::new(Code::KeyringSuspended, why.to_string()),
        (KeyringPhase::Blocked, _) if known.failed >= sceau_keyring::FAILURES => {
            Refusal::new(Code::KeyringBlocked, BlockedFor::Pin.to_string())
        }
        (KeyringPhase::Blocked, _) => Refusal::new(Code::KeyringBlocked, BlockedFor::Factors.to_string()),
        (KeyringPhase::Destroyed, _) => Refusal::new(Code::KeyringDestroyed, DESTROYED),
        (KeyringPhase::Made, _) => Refusal::new(Code::KeyringPhase, "the keyring was not delivered yet"),
        (KeyringPhase::Active, _) => {
            let words =
                "the keyring is active already: if that was not you, tell its registration authority at once";
            Refusal::new(Code::KeyringPhase, words)
        }
        (KeyringPhase::Certifying, _) => Refusal::new(Code::KeyringPhase, CERTIFYING),
        _ => Refusal::new(Code::KeyringPhase, "the keyring does not stand where this can be done"),
    }
}

/// The events of a step at `now` (Unix milliseconds): one, and where a wrong PIN is one too many, that the keyring is blocked.
///
/// # Errors
/// The refusal, where it may not be, or what it was prepared on has changed meanwhile.
pub(crate) fn order(state: &State, now: u64, prepared: &PreparedKeyring) -> Result<Vec<Event>, Refusal> {
    let step = Step { state, now, prepared };
    let mut events = vec![event(step.taken()?)?];
    if let KeyringAct::Fail { blocked: Some(row), .. } = &prepared.act
        && let Some(blocked) = step.block(row)
    {
        events.push(event(blocked?)?);
    }
    Ok(events)
}

fn event((builder, change): (RecordBuilder, KeyringChange)) -> Result<Event, Refusal> {
    let record = builder.build().map_err(|error| Refusal::new(Code::RecordMalformed, error.to_string()))?;
    Ok(Event::new(&record, Change::Keyring(change)))
}

/// The event of a use that may not be: the PIN was right, so that the attempt ends, and waits for nobody. None where it is no use, or not of a terminal that is
/// bound now.
pub(crate) fn denied(state: &State, now: u64, prepared: &PreparedKeyring, code: Code) -> Option<Event> {
    let (KeyringAct::Use { request, told, .. }
    | KeyringAct::End { request, told, .. }
    | KeyringAct::Terminals { request, told, .. }) = &prepared.act
    else {
        return None;
    };
    let attempt = told.iter().find(|(name, _)| *name == "attempt")?.1.parse().ok()?;
    let step = Step { state, now, prepared };
    let (builder, change) =
        step.ended(attempt, Some((request.hash.to_string(), code)), AttemptEnd::Proven).ok()?;
    Some(Event::new(&builder.build().ok()?, Change::Keyring(change)))
}

impl Step<'_> {
    fn taken(&self) -> Taken {
        match &self.prepared.act {
            KeyringAct::Make { policy, row } => self.make(*policy, row),
            KeyringAct::Deliver { row, delivery } => {
                let known = self.in_phase(KeyringPhase::Made)?;
                self.maker(known)?;
                demand(self.now < known.activation_ends(), Code::KeyringPhase, ACTIVATION_OVER)?;
                // What nobody has yet is not handed over under what the officer said before.
                let current = self.in_use(known.policy.document.policy)?;
                demand(current.version == known.policy.version, Code::KeyringPhase, OTHER_POLICY)?;
                let builder = self.of(known).detail("delivery", delivery.to_string());
                self.row(builder, row, Some(known), Vec::new())
            }
            KeyringAct::Activate { row, boxed, certificate } => {
                let known = self.in_phase(KeyringPhase::Delivered)?;
                demand(self.now < known.activation_ends(), Code::KeyringPhase, ACTIVATION_OVER)?;
                self.in_use(known.policy.document.policy)?;
                let builder = self.of(known);
                let builder = match certificate {
                    Some(certificate) => builder.detail("certificate", certificate.to_string()),
                    None => builder,
                };
                self.row(builder, row, Some(known), vec![boxed.clone()])
            }
            KeyringAct::Certify { row, told } => self.certify(row, told),
            KeyringAct::WrongFactor { blocked } => self.wrong_factor(blocked),
            KeyringAct::Attempt { request, attempt } => self.attempt(request, *attempt),
            KeyringAct::Fail { attempt, factor, .. } => {
                let (builder, change) = self.ended(*attempt, None, AttemptEnd::Failed)?;
                match factor {
                    ProvenBy::Pin => Ok((builder, change)),
                    ProvenBy::Face => Ok((builder.detail("factor", "face"), change)),
                }
            }
            KeyringAct::Deny { attempt, request, code, .. } => {
                self.ended(*attempt, Some((request.to_string(), *code)), AttemptEnd::Proven)
            }
            KeyringAct::Use { .. } => self.used(),
            KeyringAct::End { .. } => self.end(),
            KeyringAct::Terminals { .. } => self.terminals(),
            KeyringAct::Arrive { row, code } => self.arrive(row, code),
            KeyringAct::Admit { row } => self.admit(row),
            KeyringAct::Withdraw { row } => self.withdraw(row),
            KeyringAct::Agree { row, terminal } => self.agree(row, *terminal),
            KeyringAct::Read => self.read(),
            KeyringAct::Suspend { row, reason } => self.suspend(row, *reason),
            KeyringAct::Resume { row, reason } => self.resume(row, *reason),
            KeyringAct::Destroy { row, reason } => self.destroy(row, *reason),
        }
    }
}

/// A step, and what it is judged by.
pub(super) struct Step<'a> {
    pub(super) state: &'a State,
    pub(super) now: u64,
    pub(super) prepared: &'a PreparedKeyring,
}

pub(super) type Taken = Result<(RecordBuilder, KeyringChange), Refusal>;

impl Step<'_> {
    fn make(&self, policy: PolicyId, row: &NewRow) -> Taken {
        let policy = self.in_use(policy)?;
        self.authority(policy)?;
        if let By::Authority(by) = &self.prepared.by {
            let room = self.state.keyrings().waiting().has_room(by.actor.id, self.now);
            demand(room, Code::Busy, TOO_MANY_WAIT)?;
        }
        let is_new = self.state.keyrings().keyring(self.prepared.keyring).is_none();
        demand(is_new, Code::StaleVersion, "there is such a keyring: ask again")?;
        self.row(self.builder(policy.document.organisation), row, None, Vec::new())
    }

    /// The current version of a policy that keyrings are made and activated under.
    pub(super) fn in_use(&self, policy: PolicyId) -> Result<&PolicyFact, Refusal> {
        let known = self.state.keyrings().policy(policy);
        let known = known.filter(|known| known.document.status == PolicyStatus::Active);
        known
            .map(|known| &**known)
            .ok_or_else(|| Refusal::new(Code::PolicyUnknown, "no such policy of keyrings is in use"))
    }

    /// Counted durably before it is answered; the last one blocks. Who said it is known by the first factor alone, so the record is the element's.
    fn wrong_factor(&self, blocked: &NewRow) -> Taken {
        let known = self.in_phase(KeyringPhase::Delivered)?;
        let organisation = known.policy.document.organisation.to_string();
        if known.wrong_factors + 1 >= WRONG_FACTORS {
            let builder = Record::builder(self.now, element(), Asserted::Element, Action::KEYRING_BLOCK);
            return self.row(builder.organisation(organisation), blocked, Some(known), Vec::new());
        }
        let builder = Record::builder(self.now, platform(), Asserted::Element, Action::KEYRING_ACTIVATE)
            .organisation(organisation)
            .subject("keyring", self.prepared.keyring.to_string())
            .refused(Code::FactorInvalid.as_str());
        let change = KeyringChange::WrongFactor { keyring: self.prepared.keyring, previous: known.last };
        Ok((builder, change))
    }

    /// A new version, and the record that attests it.
    pub(super) fn row(
        &self,
        builder: RecordBuilder,
        row: &NewRow,
        known: Option<&KeyringFact>,
        boxes: Vec<TerminalBox>,
    ) -> Taken {
        let current = known.map(|known| known.version);
        demand(current == row.previous, Code::StaleVersion, "the keyring changed meanwhile: ask again")?;
        let attested = Attested {
            hash: sha256(&row.payload),
            id: self.prepared.keyring.to_string(),
            kind: Kind::Keyring.to_string(),
            previous: current.map(|current| current.hash),
            version: current.map_or(1, |current| current.version + 1),
        };
        let change = KeyringChange::Row {
            keyring: self.prepared.keyring,
            previous: known.map(|known| known.last),
            payload: row.payload.clone().into(),
            sealed: row.sealed.clone().into(),
            boxes,
            holder: None,
        };
        Ok((builder.granted().attested(attested), change))
    }

    pub(super) fn known(&self) -> Result<&KeyringFact, Refusal> {
        let known = self.state.keyrings().keyring(self.prepared.keyring);
        known.ok_or_else(|| Refusal::new(Code::KeyringUnknown, "there is no such keyring"))
    }

    pub(super) fn in_phase(&self, phase: KeyringPhase) -> Result<&KeyringFact, Refusal> {
        let known = self.known()?;
        if known.stands() == phase { Ok(known) } else { Err(not_here(known)) }
    }

    /// The registration authority, as the officer has it now.
    fn authority(&self, policy: &PolicyFact) -> Result<(), Refusal> {
        let by = match &self.prepared.by {
            By::Authority(by) => Some(by),
            By::Support(_) | By::Factor | By::Terminal(..) | By::Outside => None,
        };
        let may = by.is_some_and(|by| self.acts(by, ActorRole::RegistrationAuthority, policy));
        demand(may, Code::ActorUnknown, "no registration authority of this policy signed it")
    }

    /// Whether the officer has somebody who signed act in this role now.
    pub(super) fn acts(&self, by: &ActorFact, role: ActorRole, policy: &PolicyFact) -> bool {
        let now = self.state.keyrings().actor(policy.document.organisation, &by.by.thumbprint);
        let now = now.filter(|now| now.actor.id == by.actor.id);
        now.is_some_and(|known| known.may(role, policy.document.policy, self.now))
    }

    /// The registration authority that made it.
    pub(super) fn maker(&self, known: &KeyringFact) -> Result<(), Refusal> {
        self.authority(&known.policy)?;
        let mine = matches!(&self.prepared.by, By::Authority(by) if by.actor.id == known.authority);
        demand(mine, Code::NotAuthorised, "another registration authority made this keyring")
    }

    /// The terminal that signed, as it is bound now.
    pub(super) fn terminal<'k>(&self, known: &'k KeyringFact) -> Result<&'k TerminalFact, Refusal> {
        let bound = match &self.prepared.by {
            By::Terminal(id, thumbprint) => {
                known.terminal(*id).filter(|bound| bound.thumbprint == *thumbprint)
            }
            By::Authority(_) | By::Support(_) | By::Factor | By::Outside => None,
        };
        bound.ok_or_else(|| Refusal::new(Code::ActorUnknown, "no terminal of this keyring signed it"))
    }

    /// The terminal that signed, where it may try the PIN now: the one that came with a roaming code may, once it was admitted.
    pub(super) fn trying<'k>(&self, known: &'k KeyringFact) -> Result<&'k TerminalFact, Refusal> {
        let trying = match &self.prepared.by {
            By::Terminal(id, thumbprint) => {
                known.may_try(*id, self.now).filter(|trying| trying.thumbprint == *thumbprint)
            }
            By::Authority(_) | By::Support(_) | By::Factor | By::Outside => None,
        };
        trying.ok_or_else(|| Refusal::new(Code::ActorUnknown, "no terminal of this keyring signed it"))
    }

    fn builder(&self, organisation: OrganisationId) -> RecordBuilder {
        let (actor, asserted) = match &self.prepared.by {
            By::Authority(by) => {
                (Actor::new(ActorKind::RegistrationAuthority, by.actor.id.to_string()), Asserted::Actor)
            }
            By::Support(by) => (Actor::new(ActorKind::Support, by.actor.id.to_string()), Asserted::Actor),
            By::Terminal(..) | By::Factor => {
                (Actor::new(ActorKind::Holder, self.prepared.keyring.to_string()), Asserted::Terminal)
            }
            // What it is by was judged here; who carried it is nobody's matter.
            By::Outside => (element(), Asserted::Element),
        };
        let builder = Record::builder(self.now, actor, asserted, self.prepared.act.action());
        let builder = builder.organisation(organisation.to_string());
        match &self.prepared.by {
            By::Terminal(terminal, _) => builder.subject("terminal", terminal.to_string()),
            By::Authority(_) | By::Support(_) | By::Factor | By::Outside => builder,
        }
    }

    /// Of what attests a version.
    pub(super) fn of(&self, known: &KeyringFact) -> RecordBuilder {
        self.builder(known.policy.document.organisation)
    }

    /// Of what attests no version.
    pub(super) fn about(&self, known: &KeyringFact) -> RecordBuilder {
        self.of(known).subject("keyring", self.prepared.keyring.to_string())
    }
}
