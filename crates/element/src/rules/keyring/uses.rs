//! Uses, in their turn: an attempt at a PIN, how it ends, and what its holder agreed to by it.

use sceau_element_api::Base64Url;
use sceau_element_api::keyring::{KeyringPhase, RequestKind};
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_keyring::{Asks, Attempts, Waits};
use sceau_trace::{Hash, RecordBuilder};

use super::order::{DESTROYED, Step, Taken};
use crate::event::{AttemptEnd, KeyringChange};
use crate::keyring::{By, KeyringAct, RequestFact};
use crate::rules::demand;
use crate::state::{KeyringFact, PolicyFact, State, TerminalFact};

const NOT_BOUND: &str = "a terminal that came with a roaming code tries to be one of the keyring, and nothing else; one that is bound does not";

/// Whether a service provider may ask this of keyrings of this policy now, and the request is good and was not used.
fn may_ask(state: &State, now: u64, policy: &PolicyFact, request: &RequestFact) -> Result<(), Refusal> {
    let known = state.keyrings().actor(policy.document.organisation, &request.signer);
    let known = known.ok_or_else(|| Refusal::new(Code::ActorUnknown, Asks::MAY_NOT))?;
    known.asks().may((request.provider, request.kind), policy.document.policy, now)?;
    may_be_used(state, now, request)
}

/// Whether a request is good, and was not used.
///
/// # Errors
/// [`Code::RequestInvalid`], [`Code::RequestSpent`], [`Code::Busy`].
pub(crate) fn may_be_used(state: &State, now: u64, request: &RequestFact) -> Result<(), Refusal> {
    let keyrings = state.keyrings();
    // By the time up to which they were forgotten, too: a clock that stepped back lets none be used again.
    let good = request.ends > now.max(keyrings.spent().time());
    demand(good, Code::RequestInvalid, "the request has ended: ask for another one")?;
    let spent = "the request was used already: ask the provider for another one";
    demand(!keyrings.spent().knows(&request.key()), Code::RequestSpent, spent)?;
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

/// Whether everything is still as the holder agreed to it.
pub(super) fn as_agreed(
    known: &KeyringFact,
    terminal: &TerminalFact,
    version: Version,
    opened: u64,
) -> Result<(), Refusal> {
    let blocked = known.failed >= sceau_keyring::FAILURES;
    demand(!blocked, Code::KeyringBlocked, "the PIN was wrong three times meanwhile")?;
    demand(known.version == version, Code::StaleVersion, "the keyring changed meanwhile: begin again")?;
    demand(terminal.boxed == opened, Code::SecretStale, "the terminal was used meanwhile: begin again")
}

/// What was asked, and by whom.
pub(super) fn asked(builder: RecordBuilder, request: &RequestFact) -> RecordBuilder {
    let builder = builder.subject("request", request.id.to_string());
    if sceau_keyring::is_holders(request.kind) {
        return builder;
    }
    builder.subject("service_provider", request.provider.to_string())
}

pub(super) fn with(builder: RecordBuilder, told: &[(&'static str, String)]) -> RecordBuilder {
    told.iter().fold(builder, |builder, (name, value)| builder.detail(*name, value.clone()))
}

impl Step<'_> {
    pub(super) fn attempt(&self, request: &RequestFact, attempt: Hash) -> Taken {
        let known = self.in_phase(KeyringPhase::Active)?;
        let terminal = self.trying(known)?;
        // The one that came with a roaming code tries for that alone, and no other one does.
        let joins = known.terminal(terminal.terminal).is_none();
        demand(joins == (request.kind == RequestKind::Join), Code::ActorUnknown, NOT_BOUND)?;
        self.may_ask(known, terminal, request)?;
        waits(&known.attempts(Some(terminal.terminal)), known.policy.document.unfinished_most, self.now)?;
        let builder = asked(self.about(known), request)
            .detail("attempt", attempt.to_string())
            .detail("request", request.hash.to_string())
            .granted();
        let (keyring, previous, terminal) = (self.prepared.keyring, known.last, Some(terminal.terminal));
        Ok((builder, KeyringChange::Attempt { keyring, previous, terminal }))
    }

    pub(super) fn ended(&self, attempt: Hash, refused: Option<(String, Code)>, how: AttemptEnd) -> Taken {
        let known = self.known()?;
        // Whose attempt was taken when it began: it counts, whatever became of the terminal since.
        let By::Terminal(terminal, _) = &self.prepared.by else {
            return Err(Refusal::new(Code::ActorUnknown, "no terminal of this keyring signed it"));
        };
        demand(known.phase != KeyringPhase::Destroyed, Code::KeyringDestroyed, DESTROYED)?;
        let builder = self.about(known).detail("attempt", attempt.to_string());
        let builder = match refused {
            Some((request, code)) => builder.detail("request", request).refused(code.as_str()),
            None => builder.granted(),
        };
        let (keyring, previous, terminal) = (self.prepared.keyring, known.last, Some(*terminal));
        Ok((builder, KeyringChange::Ended { keyring, previous, how, terminal }))
    }

    pub(super) fn used(&self) -> Taken {
        let KeyringAct::Use { request, version, opened, boxed, face, told } = &self.prepared.act else {
            return Err(Refusal::new(Code::Malformed, "not a use"));
        };
        let known = self.in_phase(KeyringPhase::Active)?;
        let terminal = self.terminal(known)?;
        as_agreed(known, terminal, *version, *opened)?;
        let takes_face = known.policy.document.face.is_some();
        demand(*face || !takes_face, Code::FaceMissing, "the policy of this keyring asks for the face")?;
        self.may_ask(known, terminal, request)?;
        let builder = with(asked(self.about(known).granted(), request), told);
        let change = KeyringChange::Used {
            keyring: self.prepared.keyring,
            previous: known.last,
            terminal: terminal.terminal,
            request: Base64Url::from(request.key().as_slice()),
            ends: request.ends,
            boxed: boxed.clone().into(),
            face: *face,
        };
        Ok((builder, change))
    }

    /// The holder's own end of it, which its PIN proved.
    pub(super) fn end(&self) -> Taken {
        let KeyringAct::End { request, opened, row, told } = &self.prepared.act else {
            return Err(Refusal::new(Code::Malformed, "not an end"));
        };
        let known = self.in_phase(KeyringPhase::Active)?;
        let terminal = self.terminal(known)?;
        demand(terminal.boxed == *opened, Code::SecretStale, "the terminal was used meanwhile: begin again")?;
        self.may_ask(known, terminal, request)?;
        self.row(with(asked(self.of(known), request), told), row, Some(known), Vec::new())
    }

    /// Whether what is asked may be asked of this keyring now: by a provider, or on this terminal by its holder.
    pub(super) fn may_ask(
        &self,
        known: &KeyringFact,
        terminal: &TerminalFact,
        request: &RequestFact,
    ) -> Result<(), Refusal> {
        if !request.is_holders(self.prepared.keyring) {
            return may_ask(self.state, self.now, &known.policy, request);
        }
        let own = terminal.thumbprint == request.signer;
        demand(own, Code::ActorUnknown, "another terminal signed what the holder asks on this one")?;
        may_be_used(self.state, self.now, request)
    }
}
