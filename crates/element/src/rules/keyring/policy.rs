//! Policies of keyrings: in the security officer's word, each version over the one before.

use sceau_element_api::Base64Url;
use sceau_element_api::keyring::{CertificateSource, Dissociation, KeyringPolicy, Roaming};
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_pki::{Anchors, Certificate};

use super::{follows, officer};
use crate::rules::{Verdict, demand};
use crate::state::{Authority, State};

pub(in crate::rules) fn judge(
    state: &State,
    now: u64,
    authority: &Authority,
    current: Option<Version>,
    document: &KeyringPolicy,
) -> Result<Verdict, Refusal> {
    let actor = officer(state, now, authority)?;
    follows(current, document.previous)?;
    served(document)?;
    outside(&document.authority)?;
    roams(document)?;
    if let Some(before) = state.keyrings().policy(document.policy).map(|known| &known.document) {
        let fixed = (before.organisation, before.r#use, before.algorithm)
            == (document.organisation, document.r#use, document.algorithm);
        demand(fixed, Code::FieldFixed, "organisation, use and algorithm of a policy never change")?;
    }
    Ok(Verdict::by(actor).organisation(document.organisation))
}

/// Whether a keyring can have the terminals that its policy allows.
fn roams(document: &KeyringPolicy) -> Result<(), Refusal> {
    let several = document.terminals_most > 1;
    let words = "roaming is copy exactly where a keyring may have several terminals (terminals_most); where it is move or none, it has one";
    demand(several == (document.roaming == Roaming::Copy), Code::DocumentMalformed, words)?;
    let alone = document.dissociation == Dissociation::Holder;
    let words = "a keyring that moves leaves its terminal by its holder's word alone: where support has to agree to that (dissociation), roaming is copy or none";
    demand(alone || document.roaming != Roaming::Move, Code::DocumentMalformed, words)
}

/// Whether the anchors of an authority outside are authorities.
fn outside(source: &CertificateSource) -> Result<(), Refusal> {
    let CertificateSource::Est { anchors, .. } = source else { return Ok(()) };
    anchors_of(anchors)
        .map(drop)
        .map_err(|error| Refusal::new(Code::DocumentMalformed, format!("authority.est.anchors: {error}")))
}

/// Those whom certificates of an authority outside must lead to.
///
/// # Errors
/// Which of them is none.
pub(crate) fn anchors_of(anchors: &[Base64Url]) -> Result<Anchors, sceau_pki::Error> {
    let read = |der: &Base64Url| Certificate::from_der(der, "an anchor");
    Anchors::new(anchors.iter().map(read).collect::<Result<Vec<_>, _>>()?)
}

/// What is not built is refused, so that no officer believes that it holds.
fn served(document: &KeyringPolicy) -> Result<(), Refusal> {
    let not = |holds: bool, what: &str| {
        demand(holds, Code::KindNotServed, &format!("this version of the element does not serve {what} yet"))
    };
    // A template stays on the terminal that it was made for; the next one would have to be believed by the PIN alone.
    let moves = document.face.is_some() && document.roaming != Roaming::None;
    not(!moves, "the roaming of keyrings that ask for the face")?;
    // Nobody opens again what it would block, and whoever carries messages can leave attempts without an end.
    not(document.unfinished_most.is_none(), "keyrings that attempts without an end block")?;
    not(!document.applies_to_existing, "policies that apply to keyrings of before")
}
