//! An attempt at a PIN begins, for a request that a service provider signed; and ends where it was wrong.

use std::sync::Arc;

use sceau_element_api::keyring::{BlockedFor, Keyring, KeyringPhase, RequestKind};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use sceau_keyring::{
    Answer, Attempts, Challenge, Door, Happening, Login, Names, ProvenBy, Request, Statement, unverified_kid,
};

use super::context::{Asked, Stage, Trying};
use super::contexts::Whose;
use super::conversation::{Desk, Next, Turn, may_be_used, may_roam, unknown, waits};
use super::face::FaceUse;
use super::secrets::damaged;
use super::terminals::nobody_comes;
use super::{KeyringAct, PreparedKeyring, RequestFact};
use crate::state::{ActorFact, PolicyFact};

impl Desk {
    pub(super) fn login(&self, turn: &mut Turn, asked: Login) -> Result<Next, Refusal> {
        let found = self.found(asked.keyring, KeyringPhase::Active)?;
        // One that waits costs nothing more: no context, no seal that is opened, nothing of OPAQUE.
        let (attempts, now) = (self.attempts(asked.keyring, asked.terminal)?, self.now().unix);
        let most = found.policy.document.unfinished_most;
        waits(&attempts, most, now)?;
        // Its terminal signed it: from here on it counts as what it is.
        let of = Whose::Terminal(turn.context.signer);
        self.known(turn, of, self.behalf_of(asked.keyring)?)?;
        let (_, secrets) = self.keyring_in(turn, asked.keyring, found.row)?;
        let (judged, fact) = self.request(turn, asked.keyring, &found.policy, &asked.request)?;
        if fact.kind == RequestKind::Sign {
            // It would sign in vain: said before an attempt is counted.
            let key =
                secrets.key.as_ref().ok_or_else(|| damaged(asked.keyring, "it signs, and has no key"))?;
            key.is_certified_at(self.now().unix)?;
        }
        let record = secrets.record(asked.terminal, found.expects).ok_or_else(unknown)?;
        let expected = self.expected(&asked, fact.kind)?;
        let rule = found.policy.document.face.as_ref();
        let face = self.face_offer(turn, &FaceUse { rule, kind: fact.kind, keyring: asked.keyring })?;
        let names = Names::of(asked.keyring, asked.terminal, self.keys.origin());
        // It leaves once the attempt is on record, and not before.
        let (begun, ke2) = self
            .keys
            .opaque()
            .begin(&names, record, &asked.ke1)
            .map_err(|error| Refusal::new(Code::Malformed, error.to_string()))?;
        let challenge = Challenge {
            ke2: ke2.as_slice().into(),
            version: found.version.version,
            hash: found.version.hash,
            policy: found.policy.version.hash,
            challenge: turn.context.nonce,
            expected,
            face,
        };
        let Login { keyring, terminal, request, ke1, .. } = asked;
        let attempt = Happening::attempt_of(&ke1);
        let face = challenge.face.is_some();
        let asks = Asked { jws: request, request: judged, fact: fact.clone() };
        let trying = Trying { keyring, terminal, asks, begun, ke1, ke2: ke2.to_vec(), face };
        let act = KeyringAct::Attempt { request: fact, attempt };
        let prepared = PreparedKeyring { keyring, by: turn.by_terminal(terminal), act };
        let answered = move |_| (Answer::Challenge(challenge), Stage::Trying(Box::new(trying)));
        Ok(Next::Order(Box::new(prepared), Box::new(answered)))
    }

    /// The counters of a terminal that may try the PIN now.
    fn attempts(&self, keyring: KeyringId, terminal: TerminalId) -> Result<Attempts, Refusal> {
        let now = self.now().unix;
        let attempts = self.with(|state| {
            let known = state.keyrings().keyring(keyring)?;
            known.may_try(terminal, now).map(|trying| known.attempts(Some(trying.terminal)))
        });
        attempts.ok_or_else(unknown)
    }

    /// OPAQUE's answer to the registration of the PIN under the name of a terminal that is to come; none where none is. It is of a name that nothing was registered under, so
    /// that it helps nobody to search for what was.
    fn expected(&self, asked: &Login, kind: RequestKind) -> Result<Option<Base64Url>, Refusal> {
        demand(
            (kind == RequestKind::Roam) == asked.expecting.is_some(),
            "a terminal is named where one is to come",
        )?;
        let Some(expecting) = &asked.expecting else { return Ok(None) };
        self.with(|state| {
            let known = state.keyrings().keyring(asked.keyring).ok_or_else(unknown)?;
            may_roam(known)?;
            demand(!known.has_had(expecting.terminal), "the name is another terminal's")
        })?;
        let names = Names::of(asked.keyring, expecting.terminal, self.keys.origin());
        let response = self.keys.opaque().registration(&names, &expecting.register);
        let response = response.map_err(|error| Refusal::new(Code::Malformed, error.to_string()))?;
        Ok(Some(response.as_slice().into()))
    }

    pub(super) fn failed(&self, turn: &Turn, trying: &Trying) -> Next {
        let by = turn.by_terminal(trying.terminal);
        let act = self.wrong(trying.keyring, &trying.ke1, ProvenBy::Pin);
        let prepared = PreparedKeyring { keyring: trying.keyring, by, act };
        Next::Order(Box::new(prepared), Box::new(|_| (Answer::Noted {}, Stage::Over)))
    }

    /// That an attempt was wrong: its PIN, or the face that came with it; with the version that is blocked, should it be one wrong PIN too many when its turn comes.
    pub(super) fn wrong(&self, keyring: KeyringId, ke1: &[u8], factor: ProvenBy) -> KeyringAct {
        let blocked = || {
            let found = self.found(keyring, KeyringPhase::Active)?;
            let (document, secrets) = nobody_comes(self.keyring_at(keyring, found.row)?);
            let (phase, blocked) = (KeyringPhase::Blocked, Some(BlockedFor::Pin));
            self.new_row(&Keyring { phase, blocked, ..document }, &secrets, Some(found.version))
        };
        KeyringAct::Fail { attempt: Happening::attempt_of(ke1), factor, blocked: blocked().ok() }
    }

    /// A request that may be asked of a keyring of this policy now: a provider's, or its holder's own, which the terminal signs that brings it.
    pub(super) fn request(
        &self,
        turn: &Turn,
        keyring: KeyringId,
        policy: &PolicyFact,
        jws: &str,
    ) -> Result<(Request, RequestFact), Refusal> {
        let signer = unverified_kid(jws).ok_or_else(unknown)?;
        let request = if signer == turn.context.signer {
            Request::verify(jws, &turn.context.spki)?
        } else {
            Request::verify(jws, &self.provider(policy, &signer)?.by.spki)?
        };
        let fact = fact(&request, jws, signer);
        self.may_ask(turn, keyring, policy, (&request, &fact))?;
        Ok((request, fact))
    }

    /// That a request which was verified may be asked now. Its signer is who has the key that verified it, and nobody else: whoever has another by now is not found.
    pub(super) fn may_ask(
        &self,
        turn: &Turn,
        keyring: KeyringId,
        policy: &PolicyFact,
        (request, fact): (&Request, &RequestFact),
    ) -> Result<(), Refusal> {
        let (origin, now) = (self.keys.origin(), self.now().unix);
        if fact.signer == turn.context.signer {
            return request.judge_own(keyring, origin, now);
        }
        let actor = self.provider(policy, &fact.signer)?;
        request.judge(&Door { by: actor.asks(), policy: &policy.document, keyring, origin, now })?;
        self.with(|state| may_be_used(state, now, fact))
    }

    fn provider(&self, policy: &PolicyFact, signer: &[u8; 32]) -> Result<Arc<ActorFact>, Refusal> {
        let organisation = policy.document.organisation;
        self.with(|state| state.keyrings().actor(organisation, signer).cloned()).ok_or_else(unknown)
    }
}

fn demand(holds: bool, words: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new(Code::RequestInvalid, words)) }
}

fn fact(request: &Request, jws: &str, signer: [u8; 32]) -> RequestFact {
    RequestFact {
        id: request.request,
        hash: Request::hash_of(jws),
        kind: request.kind,
        provider: request.provider,
        signer,
        ends: request.ends,
    }
}
