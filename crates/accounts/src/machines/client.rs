//! Confidential clients: their secrets are 32 random bytes, shown once and kept as hashes.

use std::fmt;
use std::str::FromStr;

use sceau_element_api::OrganisationId;
use sceau_store::{Transaction, params};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Scope;
use crate::schema::statements;
use crate::token::Token;
use crate::{Accounts, AccountsError};

/// A confidential client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientId(Uuid);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for ClientId {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let id = Uuid::try_parse(text).ok().filter(|id| id.as_hyphenated().to_string() == text);
        id.map(Self).ok_or(AccountsError::Field { field: "client_id", rule: "a lower-case UUID" })
    }
}

/// A client and its secret, which can be shown once: only its hash is kept.
pub struct ClientCredentials {
    /// The client.
    pub client_id: ClientId,
    /// Its secret, 43 characters.
    pub client_secret: Zeroizing<String>,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCredentials({})", self.client_id)
    }
}

/// A client that showed its secret.
pub(super) struct AuthenticatedClient {
    pub(super) id: ClientId,
    pub(super) scopes: Vec<Scope>,
}

impl Accounts {
    /// Makes a client of an organisation, within the transaction that enrols it.
    ///
    /// # Errors
    /// [`AccountsError::Store`].
    pub async fn create_client(
        &self,
        transaction: &mut Transaction,
        organisation: OrganisationId,
        scopes: &[Scope],
    ) -> Result<ClientCredentials, AccountsError> {
        let (id, secret) = (ClientId(Uuid::new_v4()), Token::random());
        let scopes = Scope::write_list(scopes);
        let values = params![id.to_string(), organisation.to_string(), secret.hash(), scopes, self.now_ms()];
        transaction.execute(statements::INSERT_CLIENT, values).await?;
        Ok(ClientCredentials { client_id: id, client_secret: Zeroizing::new(secret.reveal()) })
    }

    /// Gives a client a new secret; the old one and its access tokens are void. None if there is no such client.
    ///
    /// # Errors
    /// [`AccountsError::Store`].
    pub async fn change_client_secret(
        &self,
        id: ClientId,
    ) -> Result<Option<ClientCredentials>, AccountsError> {
        let secret = Token::random();
        let mut transaction = self.inner.database.begin().await?;
        let values = params![id.to_string(), secret.hash()];
        let changed = transaction.execute(statements::CHANGE_SECRET, values).await?;
        transaction.execute(statements::END_ACCESS_TOKENS, params![id.to_string()]).await?;
        transaction.commit().await?;
        let credentials = ClientCredentials { client_id: id, client_secret: Zeroizing::new(secret.reveal()) };
        Ok((changed == 1).then_some(credentials))
    }

    /// Whether a client may still come: it was made and not ended.
    ///
    /// # Errors
    /// [`AccountsError::Store`].
    pub async fn is_client(&self, id: ClientId) -> Result<bool, AccountsError> {
        let at = params![id.to_string()];
        Ok(self.inner.database.fetch_optional(statements::FIND_CLIENT, at).await?.is_some())
    }

    /// Ends a client and its access tokens, for good.
    ///
    /// # Errors
    /// [`AccountsError::Store`].
    pub async fn revoke_client(&self, id: ClientId) -> Result<(), AccountsError> {
        let mut transaction = self.inner.database.begin().await?;
        transaction.execute(statements::REVOKE_CLIENT, params![id.to_string()]).await?;
        transaction.execute(statements::END_ACCESS_TOKENS, params![id.to_string()]).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The client whose secret this is.
    pub(super) async fn authenticate_client(
        &self,
        id: ClientId,
        secret: &str,
    ) -> Result<Option<AuthenticatedClient>, AccountsError> {
        let row =
            self.inner.database.fetch_optional(statements::FIND_CLIENT, params![id.to_string()]).await?;
        let Some(row) = row else { return Ok(None) };
        let given = Token::parse(secret).map(|token| token.hash()).unwrap_or_default();
        let kept: [u8; 32] = row.get("secret_hash")?;
        if !bool::from(given.ct_eq(&kept)) {
            return Ok(None);
        }
        let scopes = Scope::parse_list(&row.get::<String>("scopes")?)?;
        Ok(Some(AuthenticatedClient { id, scopes }))
    }
}
