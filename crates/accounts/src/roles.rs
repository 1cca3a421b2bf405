//! Roles as types: a handler that needs a role takes the proof of it as an argument, and cannot be written without.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use sceau_element_api::documents::Remit;
use sceau_element_api::{OrganisationId, Role};

use crate::http::{ProblemResponse, is_same_origin};
use crate::session::{Session, SessionId, SessionKey};
use crate::{Account, Accounts, AccountsError, LoginMethod};

/// Roles that may pass, and where they are held.
pub trait RoleSet: Send + Sync + 'static {
    /// Who may pass.
    const ROLES: &'static [Role];
    /// [`OrganisationId`] (or which data of one: [`Remit`]) where every role of the set is held in one, `()` where none is, `Option` where some are.
    type Place: Clone + Send + Sync + std::fmt::Debug;
    /// The place of an account whose role is of the set.
    fn place(account: &Account) -> Option<Self::Place>;
}

macro_rules! role_sets {
    ($($(#[$doc:meta])* $name:ident: $place:ty = [$($role:ident),+], $from:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl RoleSet for $name {
            const ROLES: &'static [Role] = &[$(Role::$role),+];
            type Place = $place;
            fn place(account: &Account) -> Option<$place> {
                let from: fn(&Account) -> Option<$place> = $from;
                from(account)
            }
        }
    )+};
}

role_sets! {
    /// Anybody who is signed in.
    AnyPerson: Option<OrganisationId> =
        [Citizen, CaseOfficer, Supervisor, OrganisationAdmin, DataOfficer, PlatformAdmin], |account| Some(account.organisation);
    /// A citizen.
    Citizen: () = [Citizen], |_| Some(());
    /// A case officer.
    CaseOfficer: OrganisationId = [CaseOfficer], |account| account.organisation;
    /// A supervisor.
    Supervisor: OrganisationId = [Supervisor], |account| account.organisation;
    /// Who may open dossiers: a case officer or a supervisor.
    Reader: OrganisationId = [CaseOfficer, Supervisor], |account| account.organisation;
    /// Anybody who works for an organisation, but for data officers.
    OrganisationStaff: OrganisationId =
        [CaseOfficer, Supervisor, OrganisationAdmin], |account| account.organisation;
    /// An administrator of an organisation.
    OrganisationAdmin: OrganisationId = [OrganisationAdmin], |account| account.organisation;
    /// Who looks at protected data of an organisation and acts on them: its administrators and data officers.
    DataSteward: Remit = [OrganisationAdmin, DataOfficer], |account| account.remit.clone();
    /// An administrator of the platform.
    PlatformAdmin: () = [PlatformAdmin], |_| Some(());
    /// Who may invite: an administrator of the platform or of an organisation.
    Inviter: Option<OrganisationId> = [PlatformAdmin, OrganisationAdmin], |account| Some(account.organisation);
}

/// The proof that the request comes from a live session, from our own pages where it changes something, of an account
/// that is what the element attested, in one of the roles of `R`.
#[derive(Debug, Clone)]
pub struct Authorised<R: RoleSet> {
    /// Who.
    pub account: Account,
    /// Where the role is held.
    pub place: R::Place,
    /// How the session began.
    pub method: LoginMethod,
    /// The session.
    pub session: SessionId,
    /// What only this session opens again.
    pub(crate) key: SessionKey,
    role: PhantomData<R>,
}

impl<S, R> FromRequestParts<S> for Authorised<R>
where
    S: Send + Sync,
    Accounts: FromRef<S>,
    R: RoleSet,
{
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemResponse> {
        let accounts = Accounts::from_ref(state);
        let session = cookie(parts, accounts.config().cookie().name()).ok_or(AccountsError::NotSignedIn)?;
        let Session { id, key, account, method } = accounts.session(&session).await?;
        let admitted = admit::<R>(&account, is_same_origin(parts, &accounts));
        match admitted {
            Ok(place) => Ok(Self { account, place, method, session: id, key, role: PhantomData }),
            Err(error) => {
                accounts.record_refused_access(&account, parts, &error).await;
                Err(error.into())
            }
        }
    }
}

fn admit<R: RoleSet>(account: &Account, same_origin: bool) -> Result<R::Place, AccountsError> {
    if !same_origin {
        return Err(AccountsError::Origin);
    }
    if !R::ROLES.contains(&account.role) {
        return Err(AccountsError::Role);
    }
    R::place(account).ok_or(AccountsError::Role)
}

/// The value of our cookie of this name, if there is exactly one: two would mean that somebody planted one.
pub(crate) fn cookie(parts: &Parts, ours: &str) -> Option<String> {
    let mut values = parts
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == ours)
        .map(|(_, value)| value.to_owned());
    values.next().filter(|_| values.next().is_none())
}
