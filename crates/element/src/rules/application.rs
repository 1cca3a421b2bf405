//! Applications and their keys: in the word of an administrator of the organisation.

use sceau_element_api::Role;
use sceau_element_api::documents::{ApplicationDocument, KeyStanding};
use sceau_element_api::protect::is_plain;
use sceau_element_api::wire::{Code, Refusal};

use super::{HIDDEN, Verdict, actor_of, demand, not_authorised, passkey_account};
use crate::state::{Authority, State};

/// The detail of a record that says how users are known from then on, and the one that says how they were, where that changes.
const USERS: &str = "users";
const USERS_BEFORE: &str = "users_before";

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
    let known = state.application(document.application);
    let plain = is_plain(&document.name) || known.is_some_and(|known| known.document.name == document.name);
    demand(plain, Code::DocumentMalformed, HIDDEN)?;
    if let Some(known) = known {
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
    let verdict = Verdict::by(actor_of(account))
        .organisation(document.organisation)
        .subject("application", document.application)
        .detail(USERS, users_of(document));
    let before = known.map(|known| users_of(&known.document)).filter(|before| *before != users_of(document));
    Ok(before.into_iter().fold(verdict, |verdict, before| verdict.detail(USERS_BEFORE, before)))
}

/// How it is known who the application's users are: who leaves their provider out is seen to, whatever else the version changes.
fn users_of(document: &ApplicationDocument) -> &'static str {
    if document.provider.is_some() { "proven" } else { "asserted" }
}
