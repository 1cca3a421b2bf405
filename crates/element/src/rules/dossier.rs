//! Dossiers: in the word of the platform, but never against what depositor and organisation signed.

use sceau_element_api::documents::{DossierPhase, DossierState, Outcome};
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor_of, demand, not_authorised};
use crate::state::{Authority, State};

pub(super) fn judge(
    state: &State,
    authority: &Authority,
    document: &DossierState,
) -> Result<Verdict, Refusal> {
    if *authority != Authority::Platform {
        return Err(not_authorised("the state of a dossier is the platform's to assert"));
    }
    let depositor = state.account(document.depositor);
    let depositor = depositor
        .ok_or_else(|| Refusal::new(Code::AccountUnknown, "attest the depositor's account first"))?;
    let scheme = state.scheme(document.scheme).filter(|scheme| scheme.organisation == document.organisation);
    demand(scheme.is_some(), Code::SchemeUnknown, "the organisation has published no such scheme")?;
    if let Some(known) = state.dossier(document.dossier) {
        let was = &known.document;
        let fixed = was.organisation == document.organisation
            && was.scheme == document.scheme
            && was.depositor == document.depositor;
        demand(fixed, Code::FieldFixed, "depositor, scheme and organisation of a dossier never change")?;
    }
    phase_is_founded(state, document)?;
    Ok(Verdict::by(actor_of(depositor))
        .organisation(document.organisation)
        .subject("dossier", document.dossier)
        .subject("scheme", document.scheme))
}

/// A phase that depositor or organisation must have signed for needs that signature.
fn phase_is_founded(state: &State, document: &DossierState) -> Result<(), Refusal> {
    let manifest = state.manifest(document.dossier);
    let decided = |outcome| {
        let current =
            state.decision(document.dossier).filter(|d| Some(d.manifest_hash) == manifest.map(|m| m.hash));
        demand(
            current.is_some_and(|decision| decision.decision == outcome),
            Code::HashMismatch,
            "the organisation has not signed such a decision on the current manifest",
        )
    };
    match document.phase {
        // What was sent stays sent: its files are nobody's to remove any more.
        DossierPhase::Draft | DossierPhase::Withdrawn => {
            demand(manifest.is_none(), Code::FieldFixed, "the depositor has sent a manifest for this dossier")
        }
        DossierPhase::Submitted => {
            demand(manifest.is_some(), Code::HashMismatch, "attest the manifest first")
        }
        DossierPhase::MoreInformation => decided(Outcome::MoreInformation),
        DossierPhase::Accepted => decided(Outcome::Accepted),
        DossierPhase::Refused => decided(Outcome::Refused),
    }
}
