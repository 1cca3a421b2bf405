//! Which pages made a request.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::ORIGIN;
use axum::http::request::Parts;

use super::ProblemResponse;
use crate::{Accounts, AccountsError};

/// The proof that an unsafe request was made by our own pages: its `Origin` is ours, to the byte.
///
/// [`Authorised`](crate::Authorised) checks it too; take this one where there is no session yet, so that nobody signs
/// a victim in to another account.
#[derive(Debug, Clone, Copy)]
pub struct SameOrigin(());

impl<S> FromRequestParts<S> for SameOrigin
where
    S: Send + Sync,
    Accounts: FromRef<S>,
{
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemResponse> {
        if is_same_origin(parts, &Accounts::from_ref(state)) {
            Ok(Self(()))
        } else {
            Err(AccountsError::Origin.into())
        }
    }
}

/// Browsers send `Origin` with every unsafe request (Fetch standard, section 3.2); a missing one is refused.
pub(crate) fn is_same_origin(parts: &Parts, accounts: &Accounts) -> bool {
    let mut origins = parts.headers.get_all(ORIGIN).iter();
    let own = origins.next().is_some_and(|origin| origin.as_bytes() == accounts.config().origin.as_bytes());
    parts.method.is_safe() || (own && origins.next().is_none())
}
