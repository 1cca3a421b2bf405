//! People and machines: accounts, passkeys, passwords, sessions, invitations, client credentials, roles as types.
//!
//! Who may do what is decided by documents that the element attests; the database only says where to find them, and a
//! row that it edited, swapped or rolled back is refused and recorded. E-mail addresses and names stay in the database:
//! the trace sees account ids. This room must never say whether an address has an account, and never keep a secret that
//! it could hash instead.

mod account;
mod accounts;
mod code;
mod config;
mod element;
mod email;
mod error;
mod http;
mod machines;
mod pending;
mod people;
mod proxies;
mod record;
mod refusals;
mod roles;
mod schema;
mod session;
mod token;

pub mod callers;
pub mod oidc;

pub use account::{Account, LoginMethod};
pub use accounts::{Accounts, Directory, Parts};
pub use code::{Code, element_problem, store_problem};
pub use config::{AccountsConfig, Limits, SessionPolicy};
pub use element::{Attestations, Element};
pub use email::{Email, PersonName};
pub use error::AccountsError;
pub use http::{JsonBody, Prepared, ProblemResponse, Proven, SameOrigin, Source, default_headers, routes};
pub use machines::{
    AuthorisedClient, ClientCredentials, ClientId, ForDeposits, ForKeyManager, ForReceiving, Scope,
    ScopeMarker, bearer,
};
pub use proxies::TrustedProxies;
pub use refusals::Refusals;
pub use roles::{
    AnyPerson, Authorised, CaseOfficer, Citizen, DataSteward, Inviter, OrganisationAdmin, OrganisationStaff,
    PlatformAdmin, Reader, RoleSet, Supervisor,
};
pub use schema::{MIGRATIONS, statements};
pub use session::SessionId;
