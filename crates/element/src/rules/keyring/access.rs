//! Who acts on keyrings: in the security officer's word, each version over the one before.

use std::collections::HashSet;

use sceau_element_api::keyring::{KeyringAccess, RequestKind};
use sceau_element_api::wire::{Code, Refusal, Version};

use super::{follows, officer};
use crate::rules::{Verdict, demand};
use crate::state::{Authority, Certified, State};

pub(in crate::rules) fn judge(
    state: &State,
    now: u64,
    authority: &Authority,
    current: Option<Version>,
    document: &KeyringAccess,
) -> Result<Verdict, Refusal> {
    let actor = officer(state, now, authority)?;
    follows(current, document.previous)?;
    let mut keys = HashSet::new();
    for named in &document.actors {
        // What is not built is refused, so that no officer believes that it holds.
        let asks = |kind: &RequestKind| matches!(kind, RequestKind::Sign | RequestKind::Authenticate);
        let built = named.kinds.iter().all(asks);
        let words = "this version of the element serves providers that ask to sign or to authenticate alone";
        demand(built, Code::KindNotServed, words)?;
        let words = "an actor's certificate is none, or of a key that is not of P-256, RSA of 2048 bits or more, or Ed25519";
        let certified = Certified::of(&named.certificate);
        let certified = certified.ok_or_else(|| Refusal::new(Code::DocumentMalformed, words))?;
        // Whoever signs is known by the key: two actors with one key would be one.
        demand(
            keys.insert(certified.thumbprint),
            Code::DocumentMalformed,
            "two actors have the same key: give each its own",
        )?;
    }
    Ok(Verdict::by(actor).organisation(document.organisation).detail("actors", document.actors.len()))
}
