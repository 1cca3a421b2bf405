//! Decisions: in the word of the organisation's current signing key, on the current manifest, later than the one before.

use sceau_element_api::documents::{Decision, KeyUse};
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor, demand, is_staff_of};
use crate::state::{Authority, State};

pub(super) fn judge(
    state: &State,
    now: u64,
    authority: &Authority,
    document: &Decision,
) -> Result<Verdict, Refusal> {
    let Authority::Organisation { organisation, signer } = authority else {
        return Err(Refusal::new(
            Code::ProofRequired,
            "a decision needs the signature of the organisation's key manager",
        ));
    };
    let by_current = state.current_key(document.organisation, KeyUse::Sign).is_some_and(|current| {
        let signs = current.signing.is_some_and(|key| key.fingerprint() == *signer);
        signs && current.is_valid_at(now)
    });
    let own = *organisation == document.organisation;
    demand(
        own && by_current,
        Code::ProofInvalid,
        "the organisation's current signing key, in its validity, did not sign this",
    )?;
    let staff = is_staff_of(state, document.decided_by, document.organisation);
    demand(staff, Code::ClaimRefused, "who decides works for another organisation, or for none")?;
    let dossier = state.dossier(document.dossier);
    let dossier = dossier.ok_or_else(|| Refusal::new(Code::DossierUnknown, "there is no such dossier"))?;
    let addressed = dossier.document.organisation == document.organisation;
    demand(addressed, Code::NotAuthorised, "the dossier was sent to another organisation")?;
    let on_current = state.manifest(document.dossier).is_some_and(|m| m.hash == document.manifest_hash);
    demand(on_current, Code::HashMismatch, "the decision is not on the current manifest of the dossier")?;
    // A decision that was replaced must not come back.
    let later = state.decision(document.dossier).is_none_or(|before| before.time < document.time);
    demand(later, Code::StaleVersion, "a later decision on this dossier exists")?;
    let verdict = Verdict::by(actor(document.role.into(), document.decided_by))
        .organisation(document.organisation)
        .subject("dossier", document.dossier)
        .detail("decision", document.decision.as_str())
        .detail("manifest", document.manifest_hash);
    // A machine's decision on that account is told apart from the person's own.
    Ok(match &document.connector {
        Some(connector) => verdict.detail("connector", connector),
        None => verdict,
    })
}
