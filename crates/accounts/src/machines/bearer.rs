//! Access tokens on the way in (RFC 6750 section 2.1).

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sceau_element_api::OrganisationId;
use sceau_store::params;
use sceau_trace::{Actor, ActorKind};

use super::{ClientId, Scope, ScopeMarker};
use crate::http::ProblemResponse;
use crate::schema::statements;
use crate::token::Token;
use crate::{Accounts, AccountsError};

/// The proof that the request bears a live access token of the scope `S`.
#[derive(Debug, Clone)]
pub struct AuthorisedClient<S: ScopeMarker> {
    /// The client.
    pub client: ClientId,
    /// Whose it is.
    pub organisation: OrganisationId,
    scope: PhantomData<S>,
}

impl<S: ScopeMarker> AuthorisedClient<S> {
    /// The client as the actor of a trace record.
    pub fn actor(&self) -> Actor {
        Actor::new(ActorKind::Client, self.client.to_string())
    }
}

impl<T, S> FromRequestParts<T> for AuthorisedClient<S>
where
    T: Send + Sync,
    Accounts: FromRef<T>,
    S: ScopeMarker,
{
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, ProblemResponse> {
        let accounts = Accounts::from_ref(state);
        let token = bearer(&parts.headers).ok_or(AccountsError::NoAccessToken)?;
        let (client, organisation) = accounts.access_token(token, S::SCOPE).await?;
        Ok(Self { client, organisation, scope: PhantomData })
    }
}

/// The token of an `Authorization: Bearer` header, if there is exactly one such header; the scheme's case does not matter.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && values.next().is_none()).then_some(token.trim())
}

impl Accounts {
    /// The client whose live access token this is, whose it is, and what the token is for: for a room whose routes let several scopes pass.
    ///
    /// # Errors
    /// [`AccountsError::NoAccessToken`] when it is nobody's, or of no use any more.
    pub async fn bearer_of(
        &self,
        token: &str,
    ) -> Result<(ClientId, OrganisationId, Vec<Scope>), AccountsError> {
        let hash = Token::parse(token).ok_or(AccountsError::NoAccessToken)?.hash();
        let values = params![hash, self.now_ms()];
        let row = self.inner.database.fetch_optional(statements::FIND_ACCESS_TOKEN, values).await?;
        let row = row.ok_or(AccountsError::NoAccessToken)?;
        let scopes = Scope::parse_list(&row.get::<String>("scopes")?)?;
        let organisation = row.get::<String>("organisation")?.parse();
        let organisation =
            organisation.map_err(|_| AccountsError::Internal("an id in the database is not one"))?;
        Ok((row.get::<String>("client")?.parse()?, organisation, scopes))
    }

    async fn access_token(
        &self,
        token: &str,
        scope: Scope,
    ) -> Result<(ClientId, OrganisationId), AccountsError> {
        let (client, organisation, scopes) = self.bearer_of(token).await?;
        if scopes.contains(&scope) { Ok((client, organisation)) } else { Err(AccountsError::NoAccessToken) }
    }
}
