//! Keyrings: what the officer signs, and in which order a keyring lives.

pub(in crate::rules) mod access;
mod certify;
pub(in crate::rules) mod officer;
mod order;
pub(in crate::rules) mod policy;
mod stop;
mod terminals;
mod uses;

pub(crate) use certify::awaits;
pub(crate) use order::{ACTIVATION_OVER, CERTIFYING, denied, not_here, order};
pub(crate) use policy::anchors_of;
pub(crate) use stop::{SUSPENDABLE, stopped_by};
pub(crate) use terminals::{agrees, may_enrol, may_leave, may_roam, roams};
pub(crate) use uses::{may_be_used, waits};

use sceau_crypto::{RecipientKey, RecipientSuite};
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Hash, Record, RecordError};

use super::{demand, element};
use crate::event::KeyringsBegun;
use crate::state::{Authority, State};

/// That keyrings are not served here.
pub(crate) fn not_served() -> Refusal {
    Refusal::new(Code::KindNotServed, "this element serves no keyrings: start it with --keyrings-officer")
}

/// The security officer, whose certificate counts now.
fn officer(state: &State, now: u64, authority: &Authority) -> Result<Actor, Refusal> {
    let Authority::Officer { certificate } = authority else {
        return Err(Refusal::new(Code::ProofRequired, "the security officer signs this, and nobody else"));
    };
    let known = state.keyrings().officer().filter(|officer| officer.certificate == *certificate);
    let valid = known.is_some_and(|officer| officer.is_valid_at(now));
    demand(valid, Code::ActorUnknown, "the security officer's certificate is not in its validity")?;
    Ok(Actor::new(ActorKind::Officer, certificate.to_string()))
}

/// Whether the signed document names the version that it takes the place of: else an old one could be put back.
fn follows(current: Option<Version>, previous: Option<Hash>) -> Result<(), Refusal> {
    let words = "the officer signed this over another version than the current one: sign it over that";
    demand(current.map(|current| current.hash) == previous, Code::StaleVersion, words)
}

/// The record of how keyrings begin: by it anybody pins the element's keys.
pub(crate) fn begin_record(now: u64, begun: &KeyringsBegun) -> Result<Record, RecordError> {
    // What cannot be read is written by no empty text: then keyrings do not begin.
    let channel = RecipientKey::parse(RecipientSuite::HpkeXWing, &begun.channel);
    let channel = channel.map_err(|_| RecordError::Field { field: "channel", rule: "a key of X-Wing" })?;
    let word = Hash::from_slice(&begun.word);
    let word = word.ok_or(RecordError::Field { field: "word", rule: "a key of Ed25519, 32 bytes" })?;
    Record::builder(now, element(), Asserted::Element, Action::KEYRING_BEGIN)
        .granted()
        .detail("authority", sceau_trace::sha256(&begun.authority).to_string())
        .detail("channel", channel.key_id().to_string())
        .detail("officer", sceau_trace::sha256(&begun.officer).to_string())
        .detail("word", word.to_string())
        .build()
}
