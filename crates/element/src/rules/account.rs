//! Accounts: a citizen's in the word of the platform; staff in the word of an administrator's passkey; the first platform
//! administrator on first use.

use sceau_element_api::Role;
use sceau_element_api::documents::AccountDocument;
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
    let verdict = match authority {
        Authority::Platform => by_platform(state, document)?,
        Authority::Passkey { .. } => by_administrator(state, authority, document, known)?,
        Authority::Organisation { .. } => {
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
        Role::CaseOfficer | Role::Supervisor | Role::OrganisationAdmin => Err(Refusal::new(
            Code::ProofRequired,
            "an administrator must confirm a staff account with a passkey",
        )),
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
    if document.role.is_staff() && roles.into_iter().all(may) {
        Ok(Verdict::by(actor_of(administrator)))
    } else {
        Err(not_authorised(
            "platform administrators enrol staff; an organisation's administrators enrol staff of their own organisation",
        ))
    }
}

fn may_enrol(administrator: &Account, role: Role, document: &AccountDocument) -> bool {
    match administrator.document.role {
        Role::PlatformAdmin => true,
        Role::OrganisationAdmin => {
            role.needs_organisation() && administrator.document.organisation == document.organisation
        }
        Role::Citizen | Role::CaseOfficer | Role::Supervisor => false,
    }
}
