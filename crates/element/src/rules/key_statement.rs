//! Key statements: in the word of the enrolled root, one after the other.

use sceau_element_api::documents::KeyStatement;
use sceau_element_api::wire::{Code, Refusal};
use sceau_trace::{Actor, ActorKind};

use super::{Verdict, demand};
use crate::state::{Authority, State};

pub(super) fn judge(
    state: &State,
    now: u64,
    authority: &Authority,
    statement: &KeyStatement,
) -> Result<Verdict, Refusal> {
    let Authority::Organisation { organisation, signer } = authority else {
        return Err(Refusal::new(
            Code::ProofRequired,
            "a key statement needs the signature of the organisation's root",
        ));
    };
    let known = state.organisation(statement.organisation);
    let by_root = *organisation == statement.organisation && known.is_some_and(|known| known.root == *signer);
    demand(by_root, Code::ProofInvalid, "the enrolled root of the organisation did not sign this")?;
    let chain = state.keys(statement.organisation, statement.key_use);
    let (serial, predecessor) = match chain {
        None => (1, None),
        Some(chain) => (chain.current.serial + 1, Some(chain.current.id)),
    };
    let follows = statement.serial == serial && statement.predecessor == predecessor;
    demand(follows, Code::SerialMismatch, &format!("serial {serial} comes next"))?;
    let fresh = state.stated_by(statement.key_id).is_none();
    demand(fresh, Code::KeyUnknown, "this key was stated before: a statement is for a new key")?;
    demand(statement.not_after > now, Code::DocumentMalformed, "the key expired before it was published")?;
    let actor = Actor::new(ActorKind::KeyManager, statement.organisation.to_string());
    let verdict = Verdict::by(actor)
        .organisation(statement.organisation)
        .detail("key", statement.key_id)
        .detail("serial", statement.serial)
        .detail("use", statement.key_use.as_str());
    Ok(match statement.predecessor.filter(|_| statement.withdraws_predecessor) {
        Some(withdrawn) => verdict.detail("withdrawn", withdrawn),
        None => verdict,
    })
}
