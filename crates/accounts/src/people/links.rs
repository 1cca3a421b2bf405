//! Binding an identity of a provider to an account that exists, and ending that: each in the word of a passkey of the account.

use sceau_element_api::documents::{Document, IdentityDocument, IdentityStatus};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::RowKey;
use sceau_element_api::{AccountId, CallError, Kind, Nonce};
use sceau_store::params;
use serde::{Deserialize, Serialize};

use super::providers::{Arrival, Away, Departure, hex, identity, state_key};
use super::registration::taken;
use crate::oidc::SignInFault;
use crate::pending::{Ceremony, Share};
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
        self.inner.pending.put(Share::of(&account.id), &hex(&state), &ceremony, self.now_ms()).await?;
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
        if let Some(row) = self.inner.database.fetch_optional(statements::FIND_IDENTITY, at).await? {
            let own = row.get::<String>("account")? == account.id.to_string();
            if !own || row.get::<String>("state")? != "ended" {
                return Err(SignInFault::Taken.into());
            }
        }
        self.draft(account, away.provider, document).await
    }

    /// The document that ends what binds an identity of a provider to an account, and the nonce for its passkey.
    pub(crate) async fn prepare_unlink(
        &self,
        account: &Account,
        provider: &str,
    ) -> Result<(Vec<u8>, Nonce), AccountsError> {
        let at = params![account.id.to_string()];
        for row in self.inner.database.fetch_all(statements::ACCOUNT_IDENTITIES, at).await? {
            if row.get::<String>("provider")? == provider && row.get::<String>("state")? == "active" {
                let parsed = IdentityDocument::parse(&row.get::<Vec<u8>>("payload")?);
                let parsed = parsed.map_err(|_| AccountsError::Tampered { kind: "identity" })?.document;
                let document = IdentityDocument { status: IdentityStatus::Ended, ..parsed };
                return self.draft(account, provider.to_owned(), document).await;
            }
        }
        Err(SignInFault::Unknown.into())
    }

    /// Keeps what is to be confirmed.
    async fn draft(
        &self,
        account: &Account,
        provider: String,
        document: IdentityDocument,
    ) -> Result<(Vec<u8>, Nonce), AccountsError> {
        let payload = document.to_bytes()?;
        let nonce = self.inner.element.nonce().await?;
        let draft = LinkDraft { account: account.id, provider, document };
        let key = sceau_trace::sha256(&payload).to_string();
        self.inner.pending.put(Share::of(&account.id), &key, &draft, self.now_ms()).await?;
        Ok((payload, nonce))
    }

    /// Binds the identity, or ends it, in the word of the account's passkey.
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
        let (element, id) = (&self.inner.element, draft.document.row());
        let current = element.current(RowKey { kind: Kind::Identity, id: id.clone() }).await?;
        self.begin_change(&draft, payload).await?;
        let attested = element.attest(&draft.document, current, payload, proof).await;
        // It said no for certain; anything else is settled later, when it answers again.
        if !matches!(&attested, Err(error) if !matches!(error, CallError::Refused(_))) {
            self.end_change(&draft, attested.is_ok(), current.is_some()).await?;
        }
        attested?;
        Ok(())
    }

    /// Writes that an identity is about to be bound, taken up again or ended: until that is settled it opens nothing.
    async fn begin_change(&self, draft: &LinkDraft, payload: &[u8]) -> Result<(), AccountsError> {
        let (database, id) = (&self.inner.database, draft.document.row());
        let (account, now) = (draft.account.to_string(), self.now_ms());
        let changed = match draft.document.status {
            IdentityStatus::Ended => {
                database.execute(statements::END_IDENTITY, params![id.as_str(), account, now]).await?
            }
            IdentityStatus::Active => {
                let values = params![id.as_str(), &account, payload, now];
                match database.execute(statements::RETAKE_IDENTITY, values).await? {
                    0 => {
                        let values = params![id.as_str(), account, &draft.provider, payload, now];
                        database.execute(statements::INSERT_IDENTITY, values).await.map_err(taken)?
                    }
                    taken_up => taken_up,
                }
            }
        };
        if changed == 1 { Ok(()) } else { Err(AccountsError::CeremonyOver) }
    }

    /// Writes what became of it. With the identity end the sessions that it began.
    async fn end_change(&self, draft: &LinkDraft, done: bool, known: bool) -> Result<(), AccountsError> {
        let (database, id) = (&self.inner.database, draft.document.row());
        let end = match (draft.document.status, done) {
            (IdentityStatus::Active, true) => statements::ACTIVATE_IDENTITY,
            (IdentityStatus::Active, false) if known => statements::ENDED_IDENTITY,
            (IdentityStatus::Active, false) => statements::DISCARD_IDENTITY,
            (IdentityStatus::Ended, true) => statements::ENDED_IDENTITY,
            (IdentityStatus::Ended, false) => statements::KEEP_IDENTITY,
        };
        database.execute(end, params![id.as_str()]).await?;
        if done && draft.document.status == IdentityStatus::Ended {
            let values = params![draft.account.to_string(), &draft.provider];
            database.execute(statements::END_PROVIDER_SESSIONS, values).await?;
        }
        Ok(())
    }

    /// The names of the providers that open an account, as its rows say.
    pub(crate) async fn linked_providers(&self, id: AccountId) -> Result<Vec<String>, AccountsError> {
        let at = params![id.to_string()];
        let rows = self.inner.database.fetch_all(statements::ACCOUNT_IDENTITIES, at).await?;
        let active =
            rows.iter().filter(|row| row.get::<String>("state").is_ok_and(|state| state == "active"));
        active.map(|row| Ok(row.get("provider")?)).collect()
    }
}
