//! Applications and their keys: in the word of an administrator of the organisation.

use sceau_element_api::Role;
use sceau_element_api::documents::{ApplicationDocument, KeyStanding};
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor_of, demand, not_authorised, passkey_account};
use crate::state::{Authority, State};

pub(super) fn judge(
    state: &State,
    authority: &Authority,
    document: &ApplicationDocument,
) -> Result<Verdict, Refusal> {
    let account = passkey_account(state, authority, "registering an application")?;
    let own = account.document.organisation == Some(document.organisation);
    if account.document.role != Role::OrganisationAdmin || !own {
        return Err(not_authorised("only an administrator of the organisation registers its applications"));
    }
    if let Some(known) = state.application(document.application) {
        let known = &known.document;
        let same = known.organisation == document.organisation;
        demand(same, Code::FieldFixed, "the application is another organisation's")?;
        // A name that once was a key's says whose word a record was: it is never given to another key, nor taken up again.
        let kept = known.keys.iter().all(|before| {
            document.keys.iter().any(|now| {
                now.is_same(before) && (before.status == KeyStanding::Active || now.status == before.status)
            })
        });
        demand(
            kept,
            Code::FieldFixed,
            "keys of an application may end, and stay named: add others beside them",
        )?;
    }
    Ok(Verdict::by(actor_of(account))
        .organisation(document.organisation)
        .subject("application", document.application))
}
