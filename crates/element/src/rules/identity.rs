//! Identities of a provider: the first of a citizen without a passkey in the word of the platform, any other in the word of a passkey of the
//! account, which also ends it and takes it up again.
//!
//! An identity opens a session of the platform and nothing here: no proof of the element's is ever made with one.

use sceau_element_api::documents::{AccountStatus, Document as _, IdentityDocument, IdentityStatus};
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor_of, demand, not_authorised, passkey_account, platform};
use crate::state::{Account, Authority, Enrolment, State};

pub(super) fn judge(
    state: &State,
    authority: &Authority,
    document: &IdentityDocument,
) -> Result<Verdict, Refusal> {
    let account = state.account(document.account);
    let account = account.ok_or_else(|| Refusal::new(Code::AccountUnknown, "attest the account first"))?;
    let verdict = match state.identity(&document.row()) {
        None => enrol(state, authority, document, account)?,
        Some(known) => change(state, authority, document, known)?,
    };
    Ok(verdict.subject("account", document.account))
}

fn enrol(
    state: &State,
    authority: &Authority,
    document: &IdentityDocument,
    account: &Account,
) -> Result<Verdict, Refusal> {
    let active =
        account.document.status == AccountStatus::Active && document.status == IdentityStatus::Active;
    demand(active, Code::NotAuthorised, "neither the account nor the new identity may be out of use")?;
    match authority {
        // What has no passkey is the platform's word anyway; the log says whose word it was.
        Authority::Platform if account.enrolment == Enrolment::Open && !account.document.role.is_staff() => {
            Ok(Verdict::by(platform()).detail("first_use", "yes"))
        }
        Authority::Platform => {
            Err(Refusal::new(Code::ProofRequired, "a passkey of the account must confirm an identity"))
        }
        Authority::Passkey { .. } => {
            let by = passkey_account(state, authority, "an identity")?;
            demand(
                by.document.account == document.account,
                Code::NotAuthorised,
                "only a passkey of the same account confirms an identity",
            )?;
            Ok(Verdict::by(actor_of(by)))
        }
        Authority::Organisation { .. } | Authority::Officer { .. } => {
            Err(not_authorised("an organisation's key does not bind identities"))
        }
    }
}

fn change(
    state: &State,
    authority: &Authority,
    document: &IdentityDocument,
    known: &IdentityDocument,
) -> Result<Verdict, Refusal> {
    let same = IdentityDocument { status: known.status, ..document.clone() } == *known;
    demand(same, Code::FieldFixed, "an identity belongs to one account, and only its status changes")?;
    demand(known.status != document.status, Code::FieldFixed, "the identity is so already")?;
    let by = passkey_account(state, authority, "ending an identity, or taking it up again,")?;
    demand(
        by.document.account == document.account,
        Code::NotAuthorised,
        "only a passkey of the same account ends an identity, or takes it up again",
    )?;
    let status = match document.status {
        IdentityStatus::Active => "active",
        IdentityStatus::Ended => "ended",
    };
    Ok(Verdict::by(actor_of(by)).detail("status", status))
}
