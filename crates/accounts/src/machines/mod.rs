//! Machines: confidential clients of organisations (OAuth 2.0 client credentials, RFC 6749 section 4.4).

mod bearer;
mod client;
mod grant;
mod scope;

pub use bearer::{AuthorisedClient, bearer};
pub use client::{ClientCredentials, ClientId};
pub(crate) use grant::{AccessToken, GrantError};
pub use scope::{ForDeposits, ForKeyManager, ForReceiving, Scope, ScopeMarker};
