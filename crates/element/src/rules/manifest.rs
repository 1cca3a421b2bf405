//! Manifests: in the word of the depositor's passkey where there is one; else the platform's, and the record says that.

use sceau_element_api::documents::{DossierPhase, Manifest, Outcome};
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor_of, demand, not_authorised};
use crate::state::{Authority, Dossier, State};

pub(super) fn judge(state: &State, authority: &Authority, document: &Manifest) -> Result<Verdict, Refusal> {
    let dossier = state.dossier(document.dossier);
    let dossier = dossier.ok_or_else(|| Refusal::new(Code::DossierUnknown, "attest the dossier first"))?;
    let same =
        dossier.document.organisation == document.organisation && dossier.document.scheme == document.scheme;
    demand(same, Code::FieldFixed, "the manifest is for another organisation or scheme than its dossier")?;
    // Two processes of the platform: one removes the files of a draft that was withdrawn while the other submits it.
    demand(
        dossier.document.phase != DossierPhase::Withdrawn,
        Code::FieldFixed,
        "the dossier was withdrawn, and its files are gone: begin a new one",
    )?;
    let scheme = state.scheme(document.scheme);
    let shown = scheme.is_some_and(|scheme| scheme.versions.contains(&document.form_hash));
    demand(shown, Code::HashMismatch, "the manifest answers a form that the organisation never published")?;
    let sealed_to = state.stated_by(document.key_id) == Some(document.organisation);
    demand(
        sealed_to,
        Code::KeyUnknown,
        "the manifest is sealed to a key that the organisation never stated",
    )?;
    demand(
        !state.has_ended(document.key_id),
        Code::KeyUnknown,
        "the manifest is sealed to a key that was withdrawn, or whose root was replaced: begin a new dossier",
    )?;
    // A key that was replaced may have been replaced because it is known.
    demand(
        state.replaced_at(document.key_id).is_none_or(|replaced| dossier.begun < replaced),
        Code::KeyUnknown,
        "the manifest is sealed to a key that was replaced before the dossier was begun",
    )?;
    files_are_its_own(document)?;
    may_replace(state, document)?;
    let depositor = depositor_asks(state, authority, dossier)?;
    Ok(depositor
        .organisation(document.organisation)
        .subject("dossier", document.dossier)
        .subject("scheme", document.scheme)
        .detail("key", document.key_id))
}

/// A sealed file is of one dossier, which its id names: its content key is bound to that id. Named by another's manifest it would
/// open under that one's assignments, and on its timeline. The sealed answers are one of the files.
fn files_are_its_own(document: &Manifest) -> Result<(), Refusal> {
    let dossier = document.dossier.to_string();
    demand(
        document.files.iter().all(|file| file.file_id.is_of_dossier(&dossier)),
        Code::FieldFixed,
        "the manifest names a file that was sealed for another dossier, or for none: seal it anew for this one",
    )
}

/// What was sent stays, unless the organisation asked for more.
fn may_replace(state: &State, document: &Manifest) -> Result<(), Refusal> {
    let Some(current) = state.manifest(document.dossier) else { return Ok(()) };
    let asked = state.decision(document.dossier).is_some_and(|decision| {
        decision.decision == Outcome::MoreInformation && decision.manifest_hash == current.hash
    });
    demand(
        asked,
        Code::FieldFixed,
        "a manifest is replaced only when the organisation asked for more information",
    )
}

fn depositor_asks(state: &State, authority: &Authority, dossier: &Dossier) -> Result<Verdict, Refusal> {
    let id = dossier.document.depositor;
    let depositor = state.account(id);
    let depositor =
        depositor.ok_or_else(|| Refusal::new(Code::AccountUnknown, "the depositor is not enrolled"))?;
    match authority {
        Authority::Passkey { account, .. } if *account == id => Ok(Verdict::by(actor_of(depositor))),
        Authority::Passkey { .. } => Err(not_authorised("only the depositor signs the manifest")),
        // No silent fallback: who has a passkey signs with it.
        Authority::Platform if depositor.active_credentials > 0 => {
            Err(Refusal::new(Code::ProofRequired, "the depositor has a passkey and must sign with it"))
        }
        Authority::Platform => Ok(Verdict::by(actor_of(depositor))),
        Authority::Organisation { .. } => Err(not_authorised("only the depositor signs the manifest")),
    }
}
