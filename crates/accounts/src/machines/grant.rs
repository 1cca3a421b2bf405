//! The token endpoint: a client's secret against a short-lived opaque token.

use sceau_element_api::wire::RecordDraft;
use sceau_store::params;
use sceau_trace::{Action, Actor, ActorKind};
use zeroize::Zeroizing;

use super::{ClientId, Scope};
use crate::schema::statements;
use crate::token::Token;
use crate::{Accounts, AccountsError};

/// How long an access token lasts: ten minutes.
const ACCESS_TOKEN_MS: u64 = 600_000;

/// A token that was just issued.
pub(crate) struct AccessToken {
    pub(crate) token: Zeroizing<String>,
    pub(crate) expires_in_s: u64,
    pub(crate) scopes: Vec<Scope>,
}

/// Why no token was issued (RFC 6749 section 5.2).
#[derive(Debug)]
pub(crate) enum GrantError {
    /// Not a client credentials request.
    Request,
    /// Another grant type.
    GrantType,
    /// Unknown client or wrong secret.
    Client,
    /// A scope that the client does not have.
    Scope,
    /// Anything else.
    Other(AccountsError),
}

impl<E: Into<AccountsError>> From<E> for GrantError {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl Accounts {
    /// Issues a token for the asked scopes, or for all of the client's where none is asked.
    pub(crate) async fn grant(
        &self,
        client_id: &str,
        secret: &str,
        scope: Option<&str>,
    ) -> Result<AccessToken, GrantError> {
        let id: ClientId = client_id.parse().map_err(|_| GrantError::Client)?;
        let Some(client) = self.authenticate_client(id, secret).await? else {
            return Err(GrantError::Client);
        };
        // After the secret, which nobody guesses: ids are in the public log, and who knows one must not use up its bucket.
        self.throttle("token", client_id, self.inner.config.limits.token_by_client)?;
        let scopes = match scope {
            None => client.scopes,
            Some(asked) => {
                let asked = Scope::parse_list(asked).map_err(|_| GrantError::Scope)?;
                let allowed = !asked.is_empty() && asked.iter().all(|scope| client.scopes.contains(scope));
                if allowed { asked } else { return Err(GrantError::Scope) }
            }
        };
        let draft = RecordDraft::new(Actor::new(ActorKind::Client, client.id.to_string()), Action::LOGIN);
        self.inner.element.append(draft.granted().detail("method", "client_credentials")).await?;
        self.issue(client.id, scopes).await
    }

    async fn issue(&self, id: ClientId, scopes: Vec<Scope>) -> Result<AccessToken, GrantError> {
        let (token, now) = (Token::random(), self.now_ms());
        let mut transaction = self.inner.database.begin().await?;
        transaction.execute(statements::PURGE_ACCESS_TOKENS, params![now]).await?;
        let list = Scope::write_list(&scopes);
        let values = params![token.hash(), id.to_string(), list, now.saturating_add(ACCESS_TOKEN_MS)];
        transaction.execute(statements::INSERT_ACCESS_TOKEN, values).await?;
        transaction.commit().await?;
        let token = Zeroizing::new(token.reveal());
        Ok(AccessToken { token, expires_in_s: ACCESS_TOKEN_MS / 1000, scopes })
    }
}
