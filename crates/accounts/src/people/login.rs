//! Signing in with a passkey: discoverable, so that nobody types an address and none is looked up.

use sceau_element_api::documents::{CredentialDocument, CredentialStatus, Document};
use sceau_element_api::proof::{Assertion, CoseKey, Expected, login_challenge, verify_assertion};
use sceau_element_api::wire::RowKey;
use sceau_element_api::{AccountId, Kind};
use sceau_store::{Row, params};
use serde::{Deserialize, Serialize};

use crate::pending::{Ceremony, Share};
use crate::schema::statements;
use crate::session::NewSession;
use crate::{Account, Accounts, AccountsError, LoginMethod, Source};

/// A sign-in that waits for the authenticator.
#[derive(Debug, Serialize, Deserialize)]
struct LoginCeremony {
    challenge: [u8; 32],
}

impl Ceremony for LoginCeremony {
    const KIND: &'static str = "login";
}

impl Accounts {
    /// Begins: an id, and the random bytes whose [`login_challenge`] the passkey signs.
    pub(crate) async fn begin_login(&self, source: Source) -> Result<(String, [u8; 32]), AccountsError> {
        let (id, challenge) = (uuid::Uuid::new_v4().to_string(), sceau_crypto::random());
        self.inner.pending.put(Share::of(&source), &id, &LoginCeremony { challenge }, self.now_ms()).await?;
        Ok((id, challenge))
    }

    /// Ends: the assertion verifies under an attested passkey of an attested account.
    pub(crate) async fn finish_login(
        &self,
        login_id: &str,
        assertion: &Assertion<'_>,
        user_handle: Option<&[u8]>,
    ) -> Result<NewSession, AccountsError> {
        let ceremony = self.inner.pending.take::<LoginCeremony>(login_id, self.now_ms()).await?;
        let ceremony = ceremony.ok_or(AccountsError::CeremonyOver)?;
        let id = CredentialDocument::row_of(assertion.credential_id);
        let found =
            self.inner.database.fetch_optional(statements::FIND_CREDENTIAL, params![id.as_str()]).await?;
        let Some(row) = found else {
            self.record_refused_login(None, &AccountsError::Credentials).await;
            return Err(AccountsError::Credentials);
        };
        let account: AccountId =
            row.get::<String>("account")?.parse().map_err(|_| AccountsError::Credentials)?;
        let checked = self.check_assertion(account, &row, assertion, user_handle, &ceremony.challenge).await;
        self.record_tampering(account, &checked).await;
        match checked {
            Ok(verified) => self.enter(&verified.0, id.as_str(), verified.1).await,
            Err(error) => {
                self.record_refused_login(Some(account), &error).await;
                Err(error)
            }
        }
    }

    /// The verified account and the new signature counter.
    async fn check_assertion(
        &self,
        id: AccountId,
        row: &Row,
        assertion: &Assertion<'_>,
        user_handle: Option<&[u8]>,
        challenge: &[u8],
    ) -> Result<(Account, u32), AccountsError> {
        let (account, credential) = self.attested_credential(id, row, assertion.credential_id).await?;
        if user_handle.is_some_and(|handle| handle != id.to_string().as_bytes()) {
            return Err(AccountsError::Credentials);
        }
        let config = &self.inner.config;
        let expected = Expected {
            challenge: &login_challenge(challenge),
            rp_id: &config.rp_id,
            origins: &[&config.origin],
            user_verification: account.role.is_staff(),
        };
        let key = CoseKey::parse(&credential.cose_key)?;
        let verified = verify_assertion(assertion, &key, &expected)?;
        let (last, next) = (row.get::<u32>("sign_count")?, verified.sign_count);
        // Both zero: the authenticator does not count. Otherwise a counter that did not move is a copied key.
        if (last, next) != (0, 0) && next <= last {
            return Err(AccountsError::Credentials);
        }
        Ok((account, next))
    }

    /// Account and passkey, both compared with the element's word in one call.
    async fn attested_credential(
        &self,
        id: AccountId,
        row: &Row,
        credential_id: &[u8],
    ) -> Result<(Account, CredentialDocument), AccountsError> {
        let tampered = || AccountsError::Tampered { kind: "credential" };
        let unverified = self.unverified_account(id).await?.ok_or(AccountsError::Credentials)?;
        let parsed = CredentialDocument::parse(&row.get::<Vec<u8>>("payload")?).map_err(|_| tampered())?;
        let of_this = parsed.document.account == id && *parsed.document.credential_id == *credential_id;
        let keys = vec![
            unverified.key(),
            RowKey { kind: Kind::Credential, id: CredentialDocument::row_of(credential_id) },
        ];
        let mut current = self.inner.element.current_many(keys).await?.into_iter();
        let account = unverified.verify(current.next().flatten())?;
        let attested = current.next().flatten().is_some_and(|row| row.hash == parsed.hash);
        if !attested || !of_this {
            return Err(tampered());
        }
        if parsed.document.status != CredentialStatus::Active {
            return Err(AccountsError::Credentials);
        }
        Ok((account, parsed.document))
    }

    async fn enter(
        &self,
        account: &Account,
        credential: &str,
        count: u32,
    ) -> Result<NewSession, AccountsError> {
        self.record_login(account.role, account.id, LoginMethod::Passkey).await?;
        let mut transaction = self.inner.database.begin().await?;
        let values = params![credential, count, self.now_ms()];
        // The same signature, shown twice at once, moved the counter once.
        if transaction.execute(statements::COUNT_SIGNATURE, values).await? != 1 {
            return Err(AccountsError::Credentials);
        }
        let session = self.begin_session(&mut transaction, account.id, LoginMethod::Passkey).await?;
        transaction.commit().await?;
        Ok(session)
    }
}
