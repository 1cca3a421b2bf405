//! A further passkey for an account: in the word of one that it has, or on first use where it only has a password.

use sceau_element_api::documents::{CredentialDocument, Document};
use sceau_element_api::proof::{Expected, Proof, verify_registration};
use sceau_element_api::{AccountId, CallError, Nonce};
use sceau_store::params;
use serde::{Deserialize, Serialize};

use super::registration::taken;
use crate::pending::{Ceremony, Share};
use crate::schema::statements;
use crate::{Account, Accounts, AccountsError};

/// A further passkey that waits for the authenticator.
#[derive(Debug, Serialize, Deserialize)]
struct AdditionCeremony {
    account: AccountId,
    challenge: [u8; 32],
}

/// A further passkey that was made and waits for the proof.
#[derive(Debug, Serialize, Deserialize)]
struct AdditionDraft {
    account: AccountId,
    document: CredentialDocument,
    sign_count: u32,
}

impl Ceremony for AdditionCeremony {
    const KIND: &'static str = "addition";
}

impl Ceremony for AdditionDraft {
    const KIND: &'static str = "addition-draft";
}

/// What the browser is asked to do.
pub(crate) struct AdditionOptions {
    pub(crate) registration_id: String,
    pub(crate) challenge: [u8; 32],
    /// The passkeys that the account has: an authenticator that holds one makes no second.
    pub(crate) known: Vec<Vec<u8>>,
}

/// What is to be proven.
pub(crate) struct AdditionPrepared {
    pub(crate) payload: Vec<u8>,
    pub(crate) nonce: Nonce,
    /// Whether a passkey of the account must sign; if not, it is the account's first.
    pub(crate) proof_required: bool,
}

impl Accounts {
    pub(crate) async fn begin_addition(&self, account: &Account) -> Result<AdditionOptions, AccountsError> {
        let known = self.credential_ids(account.id).await?;
        let (registration_id, challenge) = (uuid::Uuid::new_v4().to_string(), sceau_crypto::random());
        let ceremony = AdditionCeremony { account: account.id, challenge };
        self.inner.pending.put(Share::of(&account.id), &registration_id, &ceremony, self.now_ms()).await?;
        Ok(AdditionOptions { registration_id, challenge, known })
    }

    pub(crate) async fn prepare_addition(
        &self,
        account: &Account,
        registration_id: &str,
        client_data_json: &[u8],
        attestation_object: &[u8],
    ) -> Result<AdditionPrepared, AccountsError> {
        let ceremony = self.inner.pending.take::<AdditionCeremony>(registration_id, self.now_ms()).await?;
        let ceremony = ceremony.filter(|ceremony| ceremony.account == account.id);
        let AdditionCeremony { challenge, .. } = ceremony.ok_or(AccountsError::CeremonyOver)?;
        let config = &self.inner.config;
        let expected = Expected {
            challenge: &challenge,
            rp_id: &config.rp_id,
            origins: &[&config.origin],
            user_verification: account.role.is_staff(),
        };
        let passkey = verify_registration(client_data_json, attestation_object, &expected)?;
        let (document, payload) = self.credential(account.id, &passkey)?;
        let proof_required = !self.credential_ids(account.id).await?.is_empty();
        let nonce = self.inner.element.nonce().await?;
        let draft = AdditionDraft { account: account.id, document, sign_count: passkey.sign_count };
        let key = sceau_trace::sha256(&payload).to_string();
        self.inner.pending.put(Share::of(&account.id), &key, &draft, self.now_ms()).await?;
        Ok(AdditionPrepared { payload, nonce, proof_required })
    }

    pub(crate) async fn confirm_addition(
        &self,
        account: &Account,
        payload: &[u8],
        proof: Proof,
    ) -> Result<(), AccountsError> {
        let key = sceau_trace::sha256(payload).to_string();
        let draft = self.inner.pending.take::<AdditionDraft>(&key, self.now_ms()).await?;
        let draft = draft.filter(|draft| draft.account == account.id).ok_or(AccountsError::CeremonyOver)?;
        let (database, id) = (&self.inner.database, draft.document.row());
        let values = params![id.as_str(), account.id.to_string(), payload, draft.sign_count, self.now_ms()];
        database.execute(statements::INSERT_CREDENTIAL, values).await.map_err(taken)?;
        match self.inner.element.attest_first(&draft.document, payload, proof).await {
            Ok(_) => {
                database.execute(statements::ACTIVATE_CREDENTIAL, params![id.as_str()]).await?;
                Ok(())
            }
            Err(error) => {
                // It said no for certain; anything else is settled later, when it answers again.
                if matches!(error, CallError::Refused(_)) {
                    database.execute(statements::DISCARD_CREDENTIAL, params![id.as_str()]).await?;
                }
                Err(error.into())
            }
        }
    }

    /// The ids of an account's passkeys in use.
    pub(crate) async fn credential_ids(&self, id: AccountId) -> Result<Vec<Vec<u8>>, AccountsError> {
        let database = &self.inner.database;
        let rows = database.fetch_all(statements::ACCOUNT_CREDENTIALS, params![id.to_string()]).await?;
        let mut ids = Vec::new();
        for row in rows {
            let document = CredentialDocument::parse(&row.get::<Vec<u8>>("payload")?);
            let document = document.map_err(|_| AccountsError::Tampered { kind: "credential" })?.document;
            if row.get::<String>("state")? == "active" {
                ids.push(document.credential_id.0);
            }
        }
        Ok(ids)
    }
}
