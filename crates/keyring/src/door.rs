//! A request at a door. The provider's host, the holder's terminal and the element judge it by the same rules, and refuse it by the same codes and words.

use sceau_element_api::keyring::{
    ActorRole, ActorStatus, KeyringActor, KeyringPolicy, KeyringUse, RequestKind,
};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{KeyringActorId, KeyringId, PolicyId};

use crate::Request;

/// By what a request is judged.
#[derive(Debug, Clone)]
pub struct Door<'a> {
    /// Who signed it.
    pub by: Asks<'a>,
    /// The policy that the keyring follows.
    pub policy: &'a KeyringPolicy,
    /// Which keyring it is brought to.
    pub keyring: KeyringId,
    /// The name of the element's log.
    pub origin: &'a str,
    /// Unix ms.
    pub now: u64,
}

/// Who asks, as the security officer registered it.
#[derive(Debug, Clone, Copy)]
pub struct Asks<'a> {
    /// In which role, for what.
    pub actor: &'a KeyringActor,
    /// Whether its certificate counts.
    pub validity: Validity,
}

/// When a provider's certificate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// The one that is registered now: from then on and until then, Unix ms, both included.
    Registered {
        /// From.
        from: u64,
        /// Until.
        until: u64,
    },
    /// The one of when a terminal was bound. The officer may have registered another since, over the same key, and no terminal hears of it: its key counts, and the element judges by
    /// what is registered.
    AsBound,
}

impl Asks<'_> {
    /// What is said of who may not ask.
    pub const MAY_NOT: &'static str =
        "the provider that signed the request may not ask this of keyrings of this policy";

    /// Whether it may ask this kind of thing of keyrings of this policy at `now`.
    ///
    /// # Errors
    /// [`Code::ActorUnknown`].
    pub fn may(
        &self,
        (provider, kind): (KeyringActorId, RequestKind),
        policy: PolicyId,
        now: u64,
    ) -> Result<(), Refusal> {
        let Self { actor, validity } = self;
        let may = actor.role == ActorRole::ServiceProvider
            && actor.status == ActorStatus::Active
            && actor.id == provider
            && actor.policies.contains(&policy)
            && actor.kinds.contains(&kind);
        let refused = |words: &str| Err(Refusal::new(Code::ActorUnknown, words));
        match *validity {
            _ if !may => refused(Self::MAY_NOT),
            Validity::Registered { from, until } if !(from..=until).contains(&now) => {
                refused("the certificate of the provider that signed the request is not in its validity")
            }
            Validity::Registered { .. } | Validity::AsBound => Ok(()),
        }
    }
}

impl Request {
    /// Whether a provider may ask it of this keyring, and the keyring's policy allows it now. That the provider signed it is for who calls; that it was not used, for the
    /// element.
    ///
    /// # Errors
    /// [`Code::ActorUnknown`] or [`Code::RequestInvalid`], with the rule.
    pub fn judge(&self, door: &Door<'_>) -> Result<(), Refusal> {
        let Door { by, policy, keyring, origin, now } = door;
        by.may((self.provider, self.kind), policy.policy, *now)?;
        let signs = self.kind == RequestKind::Sign;
        let lasts = self.ends.saturating_sub(self.time);
        rule(
            signs || self.kind == RequestKind::Authenticate,
            "this version serves requests to sign and to authenticate alone",
        )?;
        rule(
            !signs || policy.r#use == KeyringUse::Sign,
            "the request asks to sign, and the keyring only shows who its holder is",
        )?;
        self.is_here(*keyring, origin, *now)?;
        rule(
            lasts <= u64::from(policy.request_seconds) * 1000,
            "the request is open for longer than the policy allows",
        )?;
        rule(
            self.items.len() <= usize::from(policy.batch_most),
            "the request has more items than the policy allows",
        )?;
        rule(
            self.algorithm == policy.algorithm.filter(|_| signs),
            "the request asks for another algorithm than the policy's",
        )
    }

    /// The same of what a holder asks of their own keyring: that a terminal of it signed it is for who calls.
    ///
    /// # Errors
    /// [`Code::RequestInvalid`], with the rule.
    pub fn judge_own(&self, keyring: KeyringId, origin: &str, now: u64) -> Result<(), Refusal> {
        rule(
            self.is_holders(),
            "a holder asks on a terminal what they may of their own keyring, and nothing else",
        )?;
        self.is_here(keyring, origin, now)
    }

    fn is_here(&self, keyring: KeyringId, origin: &str, now: u64) -> Result<(), Refusal> {
        rule(self.keyring == keyring, "the request is about another keyring")?;
        rule(self.aud == origin, "the request is for another element")?;
        rule(
            self.is_good_at(now),
            "the request has ended, or is of the future: have the provider ask for another",
        )
    }
}

fn rule(holds: bool, words: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new(Code::RequestInvalid, words)) }
}
