//! Accounts: a citizen's in the word of the platform; staff in the word of an administrator's passkey; the first platform
//! administrator on first use.

use sceau_element_api::Role;
use sceau_element_api::documents::{AccountDocument, AccountStatus};
use sceau_element_api::wire::{Code, Refusal};

use super::{Verdict, actor_of, demand, not_authorised, passkey_account, platform};
use crate::state::{Account, Authority, State};

pub(super) fn judge(
    state: &State,
    authority: &Authority,
    document: &AccountDocument,
) -> Result<Verdict, Refusal> {
    let known = state.account(document.account);
    if let Some(known) = known {
        let was = &known.document;
        let fixed =
            was.role.is_staff() == document.role.is_staff() && was.organisation == document.organisation;
        demand(
            fixed,
            Code::FieldFixed,
            "a citizen stays a citizen, and staff stays in its organisation: make a new account",
        )?;
    }
    if let Some(organisation) = document.organisation {
        let enrolled = state.organisation(organisation).is_some();
        demand(enrolled, Code::OrganisationUnknown, "enrol the organisation first")?;
    }
    for application in document.applications.iter().flatten() {
        let own = state.application(*application).map(|known| known.document.organisation);
        let own = own.is_some() && own == document.organisation;
        demand(own, Code::ApplicationUnknown, "register the application in the organisation first")?;
    }
    let verdict = match authority {
        Authority::Platform => by_platform(state, document)?,
        Authority::Passkey { .. } => by_administrator(state, authority, document, known)?,
        Authority::Organisation { .. } | Authority::Officer { .. } => {
            return Err(not_authorised("an organisation's key does not enrol accounts"));
        }
    };
    let verdict = verdict.subject("account", document.account).detail("role", document.role);
    Ok(match document.organisation {
        Some(organisation) => verdict.organisation(organisation),
        None => verdict,
    })
}

fn by_platform(state: &State, document: &AccountDocument) -> Result<Verdict, Refusal> {
    match document.role {
        Role::Citizen => Ok(Verdict::by(platform())),
        // Trust on first use, once in the life of the element; SECURITY.md says so.
        Role::PlatformAdmin if !state.has_platform_admin() => {
            Ok(Verdict::by(platform()).detail("first_use", "yes"))
        }
        Role::PlatformAdmin => {
            Err(Refusal::new(Code::AdminExists, "a platform administrator must confirm this with a passkey"))
        }
        Role::CaseOfficer | Role::Supervisor | Role::OrganisationAdmin | Role::DataOfficer => Err(
            Refusal::new(Code::ProofRequired, "an administrator must confirm a staff account with a passkey"),
        ),
    }
}

fn by_administrator(
    state: &State,
    authority: &Authority,
    document: &AccountDocument,
    known: Option<&Account>,
) -> Result<Verdict, Refusal> {
    let administrator = passkey_account(state, authority, "a staff account")?;
    let roles = known.map(|known| known.document.role).into_iter().chain([document.role]);
    let may = |role| may_enrol(administrator, role, document);
    let ends = known.is_some_and(|known| may_suspend(administrator, &known.document, document));
    if document.role.is_staff() && (ends || roles.into_iter().all(may)) {
        Ok(Verdict::by(actor_of(administrator)))
    } else {
        Err(not_authorised(
            "platform administrators enrol staff; an organisation's administrators enrol those of their own organisation, but no other administrator",
        ))
    }
}

/// Neither another of their own kind: one administrator would be as many people as it takes.
fn may_enrol(administrator: &Account, role: Role, document: &AccountDocument) -> bool {
    match administrator.document.role {
        Role::PlatformAdmin => true,
        Role::OrganisationAdmin => {
            matches!(role, Role::CaseOfficer | Role::Supervisor | Role::DataOfficer)
                && administrator.document.organisation == document.organisation
        }
        Role::Citizen | Role::CaseOfficer | Role::Supervisor | Role::DataOfficer => false,
    }
}

/// An organisation's administrators take another of theirs out of use, and change nothing else of that account.
fn may_suspend(administrator: &Account, was: &AccountDocument, document: &AccountDocument) -> bool {
    let ended = AccountDocument { status: AccountStatus::Suspended, ..was.clone() };
    administrator.document.role == Role::OrganisationAdmin
        && administrator.document.organisation == was.organisation
        && *document == ended
}
