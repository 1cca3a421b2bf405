//! Organisations: in the word of a platform administrator's passkey, each version of them.

use sceau_element_api::Role;
use sceau_element_api::documents::OrganisationDocument;
use sceau_element_api::protect::is_plain;
use sceau_element_api::wire::{Code, Refusal};

use super::{HIDDEN, Verdict, actor_of, demand, not_authorised, passkey_account};
use crate::state::{Authority, State};

pub(super) fn judge(
    state: &State,
    authority: &Authority,
    document: &OrganisationDocument,
) -> Result<Verdict, Refusal> {
    let account = passkey_account(state, authority, "enrolling an organisation or another root of it")?;
    if account.document.role != Role::PlatformAdmin {
        return Err(not_authorised("only a platform administrator enrols organisations"));
    }
    // Who enrols a new organisation checks its name and root, not the id that the platform gave it: under the id of one that exists, the
    // same signature would replace that one's root.
    let same = state.organisation(document.organisation).is_none_or(|known| known.name == document.name);
    demand(same, Code::FieldFixed, "an organisation keeps its name: another name is another organisation")?;
    let plain = is_plain(&document.name) || state.organisation(document.organisation).is_some();
    demand(plain, Code::DocumentMalformed, HIDDEN)?;
    Ok(Verdict::by(actor_of(account))
        .organisation(document.organisation)
        .detail("root", document.root_fingerprint))
}
