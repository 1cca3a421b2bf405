//! What a crash left between the element and the database: promoted where the element attested it, else forgotten.

use sceau_element_api::documents::{AccountDocument, Document};
use sceau_element_api::wire::RowKey;
use sceau_element_api::{AccountId, Kind};
use sceau_store::{Row, params};

use super::registration::{activate, discard};
use crate::schema::statements;
use crate::{Accounts, AccountsError};

impl Accounts {
    /// Settles each enrolment that was begun before `before_ms`.
    pub(crate) async fn settle_pending(&self, before_ms: u64) -> Result<(), AccountsError> {
        self.settle_accounts(before_ms).await?;
        self.settle_credentials(before_ms).await?;
        self.settle_identities(before_ms).await
    }

    async fn settle_accounts(&self, before_ms: u64) -> Result<(), AccountsError> {
        let rows = self.inner.database.fetch_all(statements::PENDING_ACCOUNTS, params![before_ms]).await?;
        for row in rows {
            let id: AccountId = row.get::<String>("id")?.parse().map_err(|_| broken())?;
            if self.is_attested(id, &row).await? {
                let mut transaction = self.inner.database.begin().await?;
                activate(&mut transaction, id, self.now_ms()).await?;
                transaction.commit().await?;
                tracing::info!(account = %id, "an enrolment that was cut short is complete");
            } else {
                discard(&self.inner.database, id).await?;
                tracing::info!(account = %id, "an enrolment that was cut short is forgotten");
            }
        }
        Ok(())
    }

    /// Further passkeys of accounts that exist.
    async fn settle_credentials(&self, before_ms: u64) -> Result<(), AccountsError> {
        let database = &self.inner.database;
        for row in database.fetch_all(statements::PENDING_CREDENTIALS, params![before_ms]).await? {
            let (id, payload) = (row.get::<String>("id")?, row.get::<Vec<u8>>("payload")?);
            let key = RowKey { kind: Kind::Credential, id: id.parse().map_err(|_| broken())? };
            let current = self.inner.element.current(key).await?;
            let attested = current.is_some_and(|current| current.hash == sceau_trace::sha256(&payload));
            let end = if attested { statements::ACTIVATE_CREDENTIAL } else { statements::DISCARD_CREDENTIAL };
            database.execute(end, params![id]).await?;
        }
        Ok(())
    }

    /// Further identities of accounts that exist.
    async fn settle_identities(&self, before_ms: u64) -> Result<(), AccountsError> {
        let database = &self.inner.database;
        for row in database.fetch_all(statements::PENDING_IDENTITIES, params![before_ms]).await? {
            let (id, payload) = (row.get::<String>("id")?, row.get::<Vec<u8>>("payload")?);
            let key = RowKey { kind: Kind::Identity, id: id.parse().map_err(|_| broken())? };
            let current = self.inner.element.current(key).await?;
            let attested = current.is_some_and(|current| current.hash == sceau_trace::sha256(&payload));
            let end = match (row.get::<String>("state")?.as_str(), attested) {
                ("ending", true) => statements::KEEP_IDENTITY,
                (_, true) => statements::ACTIVATE_IDENTITY,
                // What the element knows in another version was ended, or is not yet taken up again.
                (_, false) if current.is_some() => statements::ENDED_IDENTITY,
                (_, false) => statements::DISCARD_IDENTITY,
            };
            database.execute(end, params![id]).await?;
        }
        Ok(())
    }

    /// Whether the element attested the account, and every way into it, exactly as the rows say.
    async fn is_attested(&self, id: AccountId, row: &Row) -> Result<bool, AccountsError> {
        let payload: Vec<u8> = row.get("payload")?;
        let well_formed = AccountDocument::parse(&payload).is_ok_and(|parsed| parsed.document.account == id);
        let database = &self.inner.database;
        let credentials =
            database.fetch_all(statements::ACCOUNT_CREDENTIALS, params![id.to_string()]).await?;
        let identities = database.fetch_all(statements::ACCOUNT_IDENTITIES, params![id.to_string()]).await?;
        let password = database.fetch_optional(statements::ACCOUNT_PASSWORD, params![id.to_string()]).await?;
        if !well_formed || (credentials.is_empty() && identities.is_empty() && password.is_none()) {
            return Ok(false);
        }
        let mut keys = vec![RowKey { kind: Kind::Account, id: id.into() }];
        let mut hashes = vec![sceau_trace::sha256(&payload)];
        let ways = credentials.iter().map(|row| (Kind::Credential, row));
        for (kind, row) in ways.chain(identities.iter().map(|row| (Kind::Identity, row))) {
            keys.push(RowKey { kind, id: row.get::<String>("id")?.parse().map_err(|_| broken())? });
            hashes.push(sceau_trace::sha256(&row.get::<Vec<u8>>("payload")?));
        }
        let current = self.inner.element.current_many(keys).await?;
        Ok(current.iter().zip(hashes).all(|(row, hash)| row.is_some_and(|row| row.hash == hash)))
    }
}

fn broken() -> AccountsError {
    AccountsError::Internal("an id in the database is not one")
}
