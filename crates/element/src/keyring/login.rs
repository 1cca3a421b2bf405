//! An attempt at a PIN begins, for a request that a provider of services signed; and ends where it was wrong.

use sceau_element_api::KeyringId;
use sceau_element_api::keyring::{KeyringPhase, KeyringUse, RequestKind};
use sceau_element_api::wire::{Code, Refusal};
use sceau_keyring::{Answer, Challenge, Login, Names, Request, Statement, unverified_kid};

use super::contexts::{Stage, Trying, Whose};
use super::conversation::{Desk, Next, Turn, may_ask, unknown, waits};
use super::secrets::unusable;
use super::{KeyringAct, PreparedKeyring, RequestFact};
use crate::state::PolicyFact;

impl Desk {
    pub(super) fn login(&self, turn: &mut Turn, asked: Login) -> Result<Next, Refusal> {
        let found = self.found(asked.keyring, KeyringPhase::Active)?;
        // One that waits costs nothing more: no context, no seal that is opened, nothing of OPAQUE.
        let attempts = self.with(|state| state.keyrings().keyring(asked.keyring).map(|known| known.attempts));
        let most = found.policy.document.unfinished_most;
        waits(&attempts.unwrap_or_default(), most, self.now().unix)?;
        // Its terminal signed it: from here on it counts as what it is.
        let of = Whose::Terminal(turn.context.signer);
        self.known(turn, of)?;
        let (_, secrets) = self.keyring_at(asked.keyring, found.row)?;
        let (_, fact) = self.request(asked.keyring, &found.policy, &asked.request)?;
        if fact.kind == RequestKind::Sign {
            // It would sign in vain: said before an attempt is counted.
            let key = secrets.key.as_ref().ok_or_else(|| unusable("an active keyring without a key"))?;
            key.is_certified_at(self.now().unix)?;
        }
        let record = &secrets.terminal(asked.terminal).ok_or_else(unknown)?.record;
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
        };
        let Login { keyring, terminal, request, ke1 } = asked;
        let kind = fact.kind;
        let trying = Trying { keyring, terminal, kind, request, begun, ke1, ke2: ke2.to_vec() };
        let act = KeyringAct::Attempt(fact);
        let prepared = PreparedKeyring { keyring, by: turn.by_terminal(terminal), act };
        let answered = move |_| (Answer::Challenge(challenge), Stage::Trying(Box::new(trying)));
        Ok(Next::Order(prepared, Box::new(answered)))
    }

    pub(super) fn failed(turn: &Turn, trying: &Trying) -> Next {
        let by = turn.by_terminal(trying.terminal);
        let prepared = PreparedKeyring { keyring: trying.keyring, by, act: KeyringAct::Fail };
        Next::Order(prepared, Box::new(|_| (Answer::Noted {}, Stage::Over)))
    }

    /// A request that may be asked of a keyring of this policy now.
    pub(super) fn request(
        &self,
        keyring: KeyringId,
        policy: &PolicyFact,
        jws: &str,
    ) -> Result<(Request, RequestFact), Refusal> {
        let signer = unverified_kid(jws).ok_or_else(unknown)?;
        let organisation = policy.document.organisation;
        let actor = self.with(|state| state.keyrings().actor(organisation, &signer).cloned());
        let request = Request::verify(jws, &actor.ok_or_else(unknown)?.by.spki)?;
        let fact = RequestFact {
            kind: request.kind,
            id: request.request,
            hash: Request::hash_of(jws),
            provider: request.provider,
            signer,
            ends: request.ends,
        };
        let now = self.now().unix;
        self.with(|state| may_ask(state, now, policy, &fact))?;
        let rules = &policy.document;
        let signs = request.kind == RequestKind::Sign;
        let lasts = request.ends.saturating_sub(request.time);
        let holds = [
            (
                signs || request.kind == RequestKind::Authenticate,
                "this version serves requests to sign and to authenticate alone",
            ),
            (
                !signs || rules.r#use == KeyringUse::Sign,
                "its keyring only shows who its holder is, and signs nothing",
            ),
            (request.keyring == keyring, "it is about another keyring"),
            (request.aud == self.keys.origin(), "it is for another element"),
            (request.is_good_at(now), "it has ended, or is of the future"),
            (
                lasts <= u64::from(rules.request_seconds) * 1000,
                "it is open for longer than the policy allows",
            ),
            (
                request.items.len() <= usize::from(rules.batch_most),
                "it has more items than the policy allows",
            ),
            (
                request.algorithm == rules.algorithm.filter(|_| signs),
                "it asks for another algorithm than the keyring's",
            ),
        ];
        match holds.into_iter().find(|(holds, _)| !holds) {
            Some((_, words)) => Err(Refusal::new(Code::RequestInvalid, words)),
            None => Ok((request, fact)),
        }
    }
}
