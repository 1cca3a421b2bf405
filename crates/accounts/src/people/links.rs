//! Binding an identity of a provider to an account that exists: there and back while signed in, then a passkey of the account.

use sceau_element_api::documents::{Document, IdentityDocument};
use sceau_element_api::proof::Proof;
use sceau_element_api::{AccountId, CallError, Nonce};
use sceau_store::params;
use serde::{Deserialize, Serialize};

use super::providers::{Arrival, Away, Departure, hex, identity, state_key};
use super::registration::taken;
use crate::oidc::SignInFault;
use crate::pending::Ceremony;
use crate::schema::statements;
use crate::token::Token;
use crate::{Account, Accounts, AccountsError};

/// Away to bind an identity to the account that is signed in.
#[derive(Debug, Serialize, Deserialize)]
struct LinkCeremony {
    away: Away,
    account: AccountId,
}

/// An identity that waits for the account's passkey.
#[derive(Debug, Serialize, Deserialize)]
struct LinkDraft {
    account: AccountId,
    provider: String,
    document: IdentityDocument,
}

impl Ceremony for LinkCeremony {
    const KIND: &'static str = "provider-link";
}

impl Ceremony for LinkDraft {
    const KIND: &'static str = "provider-link-draft";
}

impl Accounts {
    /// Begins the binding of an identity to `account`, which must have a passkey to confirm it.
    pub(crate) async fn leave_to_link(
        &self,
        account: &Account,
        provider: &str,
    ) -> Result<Departure, AccountsError> {
        if self.credential_ids(account.id).await?.is_empty() {
            return Err(AccountsError::PasskeyRequired);
        }
        let (away, state, departure) = self.leave(provider).await?;
        let ceremony = LinkCeremony { away, account: account.id };
        self.inner.pending.put(&hex(&state), &ceremony, self.now_ms()).await?;
        Ok(departure)
    }

    /// The document that binds the identity to the account that is signed in, and the nonce for its passkey.
    pub(crate) async fn arrive_to_link(
        &self,
        account: &Account,
        arrival: &Arrival,
        browser: &Token,
    ) -> Result<(Vec<u8>, Nonce), AccountsError> {
        let ceremony = self.inner.pending.take::<LinkCeremony>(&state_key(arrival)?, self.now_ms()).await?;
        let ceremony = ceremony.filter(|ceremony| ceremony.account == account.id);
        let LinkCeremony { away, .. } = ceremony.ok_or(AccountsError::CeremonyOver)?;
        let party = self.party(&away.provider)?;
        let signed_in = self.arrive(party, &away, arrival, browser).await?;
        let document = identity(party, account.id, &signed_in.subject);
        let at = params![document.row().as_str()];
        if self.inner.database.fetch_optional(statements::FIND_IDENTITY, at).await?.is_some() {
            return Err(SignInFault::Taken.into());
        }
        let payload = document.to_bytes()?;
        let nonce = self.inner.element.nonce().await?;
        let draft = LinkDraft { account: account.id, provider: away.provider, document };
        let key = sceau_trace::sha256(&payload).to_string();
        self.inner.pending.put(&key, &draft, self.now_ms()).await?;
        Ok((payload, nonce))
    }

    /// Binds the identity, in the word of the account's passkey.
    pub(crate) async fn confirm_link(
        &self,
        account: &Account,
        payload: &[u8],
        proof: Proof,
    ) -> Result<(), AccountsError> {
        let key = sceau_trace::sha256(payload).to_string();
        let draft = self.inner.pending.take::<LinkDraft>(&key, self.now_ms()).await?;
        let draft = draft.filter(|draft| draft.account == account.id).ok_or(AccountsError::CeremonyOver)?;
        if matches!(proof, Proof::PlatformAsserted) {
            return Err(AccountsError::PasskeyRequired);
        }
        let (database, id) = (&self.inner.database, draft.document.row());
        let values = params![id.as_str(), account.id.to_string(), draft.provider, payload, self.now_ms()];
        database.execute(statements::INSERT_IDENTITY, values).await.map_err(taken)?;
        match self.inner.element.attest_first(&draft.document, payload, proof).await {
            Ok(_) => {
                database.execute(statements::ACTIVATE_IDENTITY, params![id.as_str()]).await?;
                Ok(())
            }
            Err(error) => {
                // It said no for certain; anything else is settled later, when it answers again.
                if matches!(error, CallError::Refused(_)) {
                    database.execute(statements::DISCARD_IDENTITY, params![id.as_str()]).await?;
                }
                Err(error.into())
            }
        }
    }

    /// The names of the providers that open an account, as its rows say.
    pub(crate) async fn linked_providers(&self, id: AccountId) -> Result<Vec<String>, AccountsError> {
        let rows =
            self.inner.database.fetch_all(statements::ACCOUNT_IDENTITIES, params![id.to_string()]).await?;
        let active =
            rows.iter().filter(|row| row.get::<String>("state").is_ok_and(|state| state == "active"));
        active.map(|row| Ok(row.get("provider")?)).collect()
    }
}
