//! Schemes: in the word of an administrator of the organisation.

use sceau_element_api::Role;
use sceau_element_api::documents::SchemeDocument;
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor_of, demand, not_authorised, passkey_account};
use crate::state::{Authority, State};

pub(super) fn judge(
    state: &State,
    authority: &Authority,
    document: &SchemeDocument,
) -> Result<Verdict, Refusal> {
    let account = passkey_account(state, authority, "publishing a scheme")?;
    let own = account.document.organisation == Some(document.organisation);
    if account.document.role != Role::OrganisationAdmin || !own {
        return Err(not_authorised("only an administrator of the organisation publishes its schemes"));
    }
    let same = state.scheme(document.scheme).is_none_or(|known| known.organisation == document.organisation);
    demand(same, Code::FieldFixed, "the scheme is another organisation's")?;
    Ok(Verdict::by(actor_of(account)).organisation(document.organisation).subject("scheme", document.scheme))
}
