//! Steps in the life of a keyring, in their turn: is it still as when they were prepared, and may they be?

use sceau_element_api::keyring::{ActorRole, KeyringPhase, PolicyStatus};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, Kind, OrganisationId, PolicyId};
use sceau_keyring::{Attempts, Waits};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Attested, Record, RecordBuilder, sha256};

use crate::event::{AttemptEnd, Change, Event, KeyringChange, TerminalBox};
use crate::keyring::{By, KeyringAct, NewRow, PreparedKeyring, RequestFact};
use crate::rules::{demand, element, platform};
use crate::state::{KeyringFact, PolicyFact, State, TerminalFact};

/// Wrong second factors that block a keyring.
const WRONG_FACTORS: u8 = 3;

const ACTIVATION_OVER: &str = "the days to activate it are over: have another keyring made";

const TOO_MANY_WAIT: &str = "too many keyrings that this registration authority had made are not activated: wait until they are, or until their days are over";

/// The event of a step at `now` (Unix milliseconds).
///
/// # Errors
/// The refusal, where it may not be, or what it was prepared on has changed meanwhile.
pub(crate) fn order(state: &State, now: u64, prepared: &PreparedKeyring) -> Result<Event, Refusal> {
    let step = Step { state, now, prepared };
    let (builder, change) = match &prepared.act {
        KeyringAct::Make { policy, row } => step.make(*policy, row),
        KeyringAct::Deliver { row, delivery } => {
            let known = step.in_phase(KeyringPhase::Made)?;
            step.authority(&known.policy)?;
            demand(now < known.activation_ends(), Code::KeyringPhase, ACTIVATION_OVER)?;
            let mine = matches!(&prepared.by, By::Authority(by) if by.actor.id == known.authority);
            demand(mine, Code::NotAuthorised, "another registration authority made this keyring")?;
            let builder =
                step.builder(known.policy.document.organisation).detail("delivery", delivery.to_string());
            step.row(builder, row, Some(known), Vec::new())
        }
        KeyringAct::Activate { row, boxed, certificate } => {
            let known = step.in_phase(KeyringPhase::Delivered)?;
            demand(now < known.activation_ends(), Code::KeyringPhase, ACTIVATION_OVER)?;
            step.in_use(known.policy.document.policy)?;
            let builder = step.builder(known.policy.document.organisation);
            let builder = match certificate {
                Some(certificate) => builder.detail("certificate", certificate.to_string()),
                None => builder,
            };
            step.row(builder, row, Some(known), vec![boxed.clone()])
        }
        KeyringAct::WrongFactor { blocked } => step.wrong_factor(blocked),
        KeyringAct::Attempt(request) => step.attempt(request),
        KeyringAct::Fail => step.ended(None, AttemptEnd::Failed),
        KeyringAct::Deny { request, code, .. } => {
            step.ended(Some((request.to_string(), *code)), AttemptEnd::Proven)
        }
        KeyringAct::Use { .. } => step.used(),
    }?;
    let record = builder.build().map_err(|error| Refusal::new(Code::RecordMalformed, error.to_string()))?;
    Ok(Event::new(&record, Change::Keyring(change)))
}

/// The event of a use that may not be: the PIN was right, so that the attempt ends, and waits for nobody. None where it is no use, or not of a terminal that is
/// bound now.
pub(crate) fn denied(state: &State, now: u64, prepared: &PreparedKeyring, code: Code) -> Option<Event> {
    let KeyringAct::Use { request, .. } = &prepared.act else { return None };
    let step = Step { state, now, prepared };
    let (builder, change) = step.ended(Some((request.hash.to_string(), code)), AttemptEnd::Proven).ok()?;
    Some(Event::new(&builder.build().ok()?, Change::Keyring(change)))
}

/// Whether a provider of services may ask this of keyrings of this policy now, and the request is good and was not used.
///
/// # Errors
/// [`Code::ActorUnknown`], [`Code::RequestInvalid`], [`Code::RequestSpent`], [`Code::Busy`].
pub(crate) fn may_ask(
    state: &State,
    now: u64,
    policy: &PolicyFact,
    request: &RequestFact,
) -> Result<(), Refusal> {
    let keyrings = state.keyrings();
    let known = keyrings.actor(policy.document.organisation, &request.signer);
    let may = known.is_some_and(|known| {
        let asks = known.actor.kinds.contains(&request.kind) && known.actor.id == request.provider;
        asks && known.may(ActorRole::ServiceProvider, policy.document.policy, now)
    });
    demand(
        may,
        Code::ActorUnknown,
        "no provider of services that may ask this of the keyring signed the request",
    )?;
    // By the time up to which they were forgotten, too: a clock that stepped back lets none be used again.
    let good = request.ends > now.max(keyrings.spent().time());
    demand(good, Code::RequestInvalid, "the request has ended: ask for another one")?;
    demand(!keyrings.spent().knows(&request.key()), Code::RequestSpent, "ask for another request")?;
    demand(keyrings.spent().has_room(), Code::Busy, "too many requests that have not ended: wait a minute")
}

/// Whether a PIN may be tried now.
///
/// # Errors
/// [`Code::KeyringBlocked`], [`Code::KeyringCooling`].
pub(crate) fn waits(attempts: &Attempts, most: Option<u8>, now: u64) -> Result<(), Refusal> {
    attempts.may(now, most).map_err(|waits| match waits {
        Waits::Cooling { until } => {
            let seconds = until.saturating_sub(now).div_ceil(1000);
            Refusal::new(Code::KeyringCooling, format!("{waits}: {seconds} s from now"))
        }
        waits => Refusal::new(Code::KeyringBlocked, waits.to_string()),
    })
}

/// A step, and what it is judged by.
struct Step<'a> {
    state: &'a State,
    now: u64,
    prepared: &'a PreparedKeyring,
}

type Taken = Result<(RecordBuilder, KeyringChange), Refusal>;

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
    fn in_use(&self, policy: PolicyId) -> Result<&PolicyFact, Refusal> {
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

    fn attempt(&self, request: &RequestFact) -> Taken {
        let known = self.in_phase(KeyringPhase::Active)?;
        self.terminal(known)?;
        may_ask(self.state, self.now, &known.policy, request)?;
        waits(&known.attempts, known.policy.document.unfinished_most, self.now)?;
        let builder = self.about(known).detail("request", request.hash.to_string()).granted();
        Ok((builder, KeyringChange::Attempt { keyring: self.prepared.keyring, previous: known.last }))
    }

    fn ended(&self, refused: Option<(String, Code)>, how: AttemptEnd) -> Taken {
        let known = self.known()?;
        self.terminal(known)?;
        let builder = match refused {
            Some((request, code)) => self.about(known).detail("request", request).refused(code.as_str()),
            None => self.about(known).granted(),
        };
        Ok((builder, KeyringChange::Ended { keyring: self.prepared.keyring, previous: known.last, how }))
    }

    fn used(&self) -> Taken {
        let KeyringAct::Use { request, version, opened, boxed, told } = &self.prepared.act else {
            return Err(Refusal::new(Code::Malformed, "not a use"));
        };
        let known = self.in_phase(KeyringPhase::Active)?;
        let terminal = self.terminal(known)?;
        let blocked = known.attempts.failed >= sceau_keyring::FAILURES;
        demand(!blocked, Code::KeyringBlocked, "the PIN was wrong three times meanwhile")?;
        demand(known.version == *version, Code::StaleVersion, "the keyring changed meanwhile: begin again")?;
        demand(terminal.boxed == *opened, Code::SecretStale, "the terminal was used meanwhile: begin again")?;
        may_ask(self.state, self.now, &known.policy, request)?;
        let builder = told
            .iter()
            .fold(self.about(known).granted(), |builder, (name, value)| builder.detail(*name, value.clone()));
        let change = KeyringChange::Used {
            keyring: self.prepared.keyring,
            previous: known.last,
            terminal: terminal.terminal,
            request: Base64Url::from(request.key().as_slice()),
            ends: request.ends,
            boxed: boxed.clone().into(),
        };
        let builder = builder
            .subject("request", request.id.to_string())
            .subject("service_provider", request.provider.to_string());
        Ok((builder, change))
    }

    /// A new version, and the record that attests it.
    fn row(
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
        };
        Ok((builder.granted().attested(attested), change))
    }

    fn known(&self) -> Result<&KeyringFact, Refusal> {
        let known = self.state.keyrings().keyring(self.prepared.keyring);
        known.ok_or_else(|| Refusal::new(Code::KeyringUnknown, "there is no such keyring"))
    }

    fn in_phase(&self, phase: KeyringPhase) -> Result<&KeyringFact, Refusal> {
        let known = self.known()?;
        demand(
            known.phase == phase,
            Code::KeyringPhase,
            "the keyring does not stand where this can be done",
        )?;
        Ok(known)
    }

    /// The registration authority, as the officer has it now.
    fn authority(&self, policy: &PolicyFact) -> Result<(), Refusal> {
        let known = match &self.prepared.by {
            By::Authority(by) => {
                let now = self.state.keyrings().actor(policy.document.organisation, &by.by.thumbprint);
                now.filter(|now| now.actor.id == by.actor.id)
            }
            By::Terminal(..) | By::Factor => None,
        };
        let role = ActorRole::RegistrationAuthority;
        let may = known.is_some_and(|known| known.may(role, policy.document.policy, self.now));
        demand(may, Code::ActorUnknown, "no registration authority of this policy signed it")
    }

    /// The terminal that signed, as it is bound now.
    fn terminal<'k>(&self, known: &'k KeyringFact) -> Result<&'k TerminalFact, Refusal> {
        let bound = match &self.prepared.by {
            By::Terminal(id, thumbprint) => {
                known.terminal(*id).filter(|bound| bound.thumbprint == *thumbprint)
            }
            By::Authority(_) | By::Factor => None,
        };
        bound.ok_or_else(|| Refusal::new(Code::ActorUnknown, "no terminal of this keyring signed it"))
    }

    fn builder(&self, organisation: OrganisationId) -> RecordBuilder {
        let (actor, asserted) = match &self.prepared.by {
            By::Authority(by) => {
                (Actor::new(ActorKind::RegistrationAuthority, by.actor.id.to_string()), Asserted::Actor)
            }
            By::Terminal(..) | By::Factor => {
                (Actor::new(ActorKind::Holder, self.prepared.keyring.to_string()), Asserted::Terminal)
            }
        };
        let builder = Record::builder(self.now, actor, asserted, self.prepared.act.action());
        let builder = builder.organisation(organisation.to_string());
        match &self.prepared.by {
            By::Terminal(terminal, _) => builder.subject("terminal", terminal.to_string()),
            By::Authority(_) | By::Factor => builder,
        }
    }

    /// Of what attests no version.
    fn about(&self, known: &KeyringFact) -> RecordBuilder {
        self.builder(known.policy.document.organisation).subject("keyring", self.prepared.keyring.to_string())
    }
}
