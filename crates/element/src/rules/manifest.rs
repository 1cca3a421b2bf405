//! Manifests: in the word of the depositor's passkey where there is one; else the platform's, and the record says that.

use sceau_element_api::documents::{DossierPhase, Manifest, Outcome};
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor_of, demand, not_authorised};
use crate::state::{Authority, Dossier, SchemeVersion, State};

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
    form_was_published(state, document)?;
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

/// The form was published, and what it demands is there: of each file of a scanned scheme, the word of the intake that the organisation trusts.
/// A form from before the intake, or before another one, would let in what nobody scanned, or what an intake signed whose key is known.
fn form_was_published(state: &State, document: &Manifest) -> Result<(), Refusal> {
    let versions = state.scheme(document.scheme).map_or(&[][..], |scheme| &scheme.versions);
    let Some(shown) = versions.iter().find(|version| version.hash == document.form_hash) else {
        let words = "the manifest answers a form that the organisation never published";
        return Err(Refusal::new(Code::HashMismatch, words));
    };
    let trusted = |version: &SchemeVersion| version.intake;
    let current = versions.last().and_then(trusted);
    demand(
        trusted(shown) == current || current.is_none(),
        Code::HashMismatch,
        "the organisation has documents scanned by another intake since this form: begin a new dossier",
    )?;
    document
        .check_words(shown.intake.as_ref())
        .map_err(|fault| Refusal::new(Code::NotScanned, fault.to_string()))
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
        Authority::Organisation { .. } | Authority::Officer { .. } => {
            Err(not_authorised("only the depositor signs the manifest"))
        }
    }
}
