//! Passkeys: the first of an account on first use, the next in the word of one before; revoked for good.

use sceau_element_api::Role;
use sceau_element_api::documents::{AccountStatus, CredentialDocument, CredentialStatus};
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor_of, demand, not_authorised, passkey_account, platform};
use crate::state::{Account, Authority, Credential, Enrolment, State};

pub(super) fn judge(
    state: &State,
    authority: &Authority,
    document: &CredentialDocument,
) -> Result<Verdict, Refusal> {
    let account = state.account(document.account);
    let account = account.ok_or_else(|| Refusal::new(Code::AccountUnknown, "attest the account first"))?;
    let row = CredentialDocument::row_of(&document.credential_id);
    let verdict = match state.credential(&row) {
        None => enrol(state, authority, document, account)?,
        Some(known) => revoke(state, authority, document, known, account)?,
    };
    Ok(verdict.subject("account", document.account))
}

fn enrol(
    state: &State,
    authority: &Authority,
    document: &CredentialDocument,
    account: &Account,
) -> Result<Verdict, Refusal> {
    let active =
        account.document.status == AccountStatus::Active && document.status == CredentialStatus::Active;
    demand(active, Code::NotAuthorised, "neither the account nor the new passkey may be out of use")?;
    match authority {
        Authority::Platform if account.enrolment == Enrolment::Open => {
            Ok(Verdict::by(platform()).detail("first_use", "yes"))
        }
        Authority::Platform => Err(Refusal::new(
            Code::ProofRequired,
            "the account has had a passkey: one in use must confirm the next",
        )),
        Authority::Passkey { .. } => {
            let by = passkey_account(state, authority, "a further passkey")?;
            if by.document.account == document.account {
                Ok(Verdict::by(actor_of(by)))
            } else {
                Err(not_authorised("only a passkey of the same account enrols another"))
            }
        }
        Authority::Organisation { .. } | Authority::Officer { .. } => {
            Err(not_authorised("an organisation's key does not enrol passkeys"))
        }
    }
}

fn revoke(
    state: &State,
    authority: &Authority,
    document: &CredentialDocument,
    known: &Credential,
    account: &Account,
) -> Result<Verdict, Refusal> {
    let same = CredentialDocument { status: known.document.status, ..document.clone() } == known.document;
    demand(same, Code::FieldFixed, "a passkey never changes, and belongs to one account")?;
    let ends = known.is_active() && document.status == CredentialStatus::Revoked;
    demand(ends, Code::FieldFixed, "a passkey can only be revoked, once")?;
    let by = passkey_account(state, authority, "revoking a passkey")?;
    let own = by.document.account == document.account;
    let administers = match by.document.role {
        Role::PlatformAdmin => account.document.role.is_staff(),
        Role::OrganisationAdmin => by.document.organisation == account.document.organisation,
        Role::Citizen | Role::CaseOfficer | Role::Supervisor | Role::DataOfficer => false,
    };
    if own || administers {
        Ok(Verdict::by(actor_of(by)).detail("status", "revoked"))
    } else {
        Err(not_authorised("its own account or an administrator revokes a passkey"))
    }
}
