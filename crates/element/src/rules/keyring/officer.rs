//! The next security officer: in the word of the one in office, each version over the one before.

use sceau_element_api::keyring::KeyringOfficer;
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_trace::sha256;

use super::{follows, officer};
use crate::rules::{Verdict, demand};
use crate::state::{Authority, Certified, State};

pub(in crate::rules) fn judge(
    state: &State,
    now: u64,
    authority: &Authority,
    current: Option<Version>,
    document: &KeyringOfficer,
) -> Result<Verdict, Refusal> {
    let actor = officer(state, now, authority)?;
    follows(current, document.previous)?;
    let in_office = state.keyrings().officer().map(|officer| officer.certificate);
    let words = "the document follows another officer than the one in office";
    demand(in_office == Some(document.follows), Code::StaleVersion, words)?;
    let words = "the next officer's certificate is none, or of a key that is not of P-256, RSA of 2048 bits or more, or Ed25519";
    let next = Certified::of(&document.certificate);
    let next = next.ok_or_else(|| Refusal::new(Code::DocumentMalformed, words))?;
    // Who is not heard could name nobody after them.
    let words = "the next officer's certificate is not in its validity";
    demand(next.is_valid_at(now), Code::DocumentMalformed, words)?;
    let words = "the certificate is that of the officer in office: name another";
    demand(in_office != Some(next.certificate), Code::DocumentMalformed, words)?;
    Ok(Verdict::by(actor).detail("officer", sha256(&document.certificate)))
}
