//! Registration: a new account with its first passkey, for a citizen or for whoever holds an invitation.
//!
//! Rows are pending until the element has attested them, so that a crash in between strands nothing.

use sceau_element_api::documents::{
    AccountDocument, AccountStatus, CredentialDocument, CredentialStatus, Document,
};
use sceau_element_api::proof::{Expected, Proof, VerifiedRegistration, verify_registration};
use sceau_element_api::{AccountId, Base64Url, CallError, Role};
use sceau_store::{Database, StoreError, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::pending::{CEREMONY_MS, Ceremony, Share};
use crate::people::Invitation;
use crate::schema::statements;
use crate::session::NewSession;
use crate::{Accounts, AccountsError, Email, LoginMethod, PersonName, Source};

/// Who wants an account.
pub(crate) struct RegistrationStart {
    pub(crate) email: Email,
    pub(crate) name: PersonName,
    pub(crate) invitation: Option<String>,
}

/// A registration that waits for the authenticator.
#[derive(Debug, Serialize, Deserialize)]
struct RegistrationCeremony {
    newcomer: Newcomer,
    challenge: [u8; 32],
}

impl Ceremony for RegistrationCeremony {
    const KIND: &'static str = "registration";
}

/// The account to be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Newcomer {
    pub(crate) document: AccountDocument,
    pub(crate) payload: Vec<u8>,
    email: Email,
    name: PersonName,
}

/// What the browser is asked to do.
pub(crate) struct RegistrationOptions {
    pub(crate) registration_id: String,
    pub(crate) challenge: [u8; 32],
    pub(crate) account: AccountId,
    pub(crate) email: Email,
    pub(crate) name: PersonName,
    pub(crate) role: Role,
}

impl Accounts {
    pub(crate) async fn begin_registration(
        &self,
        source: Source,
        start: RegistrationStart,
    ) -> Result<RegistrationOptions, AccountsError> {
        let newcomer = self.newcomer(start).await?;
        let challenge = sceau_crypto::random();
        let options = RegistrationOptions {
            registration_id: uuid::Uuid::new_v4().to_string(),
            challenge,
            account: newcomer.document.account,
            email: newcomer.email.clone(),
            name: newcomer.name.clone(),
            role: newcomer.document.role,
        };
        let ceremony = RegistrationCeremony { newcomer, challenge };
        self.inner
            .pending
            .put(Share::of(&source), &options.registration_id, &ceremony, self.now_ms())
            .await?;
        Ok(options)
    }

    pub(crate) async fn finish_registration(
        &self,
        registration_id: &str,
        client_data_json: &[u8],
        attestation_object: &[u8],
    ) -> Result<NewSession, AccountsError> {
        let ceremony = self.inner.pending.take(registration_id, self.now_ms()).await?;
        let RegistrationCeremony { newcomer, challenge } = ceremony.ok_or(AccountsError::CeremonyOver)?;
        let config = &self.inner.config;
        let expected = Expected {
            challenge: &challenge,
            rp_id: &config.rp_id,
            origins: &[&config.origin],
            user_verification: newcomer.document.role.is_staff(),
        };
        let passkey = verify_registration(client_data_json, attestation_object, &expected)?;
        self.enrol(&newcomer, Some(&passkey)).await?;
        self.admit(&newcomer, LoginMethod::Passkey).await
    }

    /// The document of the account to be: a citizen's own, or the one that the invitation says.
    pub(crate) async fn newcomer(&self, start: RegistrationStart) -> Result<Newcomer, AccountsError> {
        let RegistrationStart { email, name, invitation } = start;
        let Some(token) = invitation else {
            let document = AccountDocument {
                v: 1,
                account: AccountId::random(),
                role: Role::Citizen,
                organisation: None,
                invitation_hash: None,
                applications: None,
                status: AccountStatus::Active,
            };
            let payload = document.to_bytes()?;
            return Ok(Newcomer { document, payload, email, name });
        };
        // An earlier try that was cut short by the element's absence would stand in the way.
        self.settle_pending(self.now_ms().saturating_sub(CEREMONY_MS)).await?;
        let Invitation { document, payload, email: invited } = self.open_invitation(&token).await?;
        Ok(Newcomer { document, payload, email: invited.unwrap_or(email), name })
    }

    /// Writes pending rows, has them attested, and takes them back if the element refuses.
    pub(crate) async fn enrol(
        &self,
        newcomer: &Newcomer,
        passkey: Option<&VerifiedRegistration>,
    ) -> Result<(), AccountsError> {
        let credential =
            passkey.map(|passkey| self.credential(newcomer.document.account, passkey)).transpose()?;
        let mut transaction = self.inner.database.begin().await?;
        self.insert_pending(&mut transaction, newcomer).await?;
        if let (Some((document, payload)), Some(passkey)) = (&credential, passkey) {
            let id = document.row();
            let account = newcomer.document.account.to_string();
            let values = params![id.as_str(), account, payload, passkey.sign_count, self.now_ms()];
            transaction.execute(statements::INSERT_CREDENTIAL, values).await.map_err(taken)?;
        }
        transaction.commit().await?;
        self.attest(newcomer, credential.as_ref()).await
    }

    pub(crate) async fn insert_pending(
        &self,
        transaction: &mut Transaction,
        newcomer: &Newcomer,
    ) -> Result<(), AccountsError> {
        let id = newcomer.document.account.to_string();
        let role = newcomer.document.role.as_str();
        let values = params![id, &newcomer.email, &newcomer.name, role, &newcomer.payload, self.now_ms()];
        transaction.execute(statements::INSERT_ACCOUNT, values).await.map_err(taken)?;
        Ok(())
    }

    pub(crate) async fn attest(
        &self,
        newcomer: &Newcomer,
        credential: Option<&(CredentialDocument, Vec<u8>)>,
    ) -> Result<(), AccountsError> {
        let element = &self.inner.element;
        let attested = async {
            element.attest_first(&newcomer.document, &newcomer.payload, Proof::PlatformAsserted).await?;
            if let Some((document, payload)) = credential {
                element.attest_first(document, payload, Proof::PlatformAsserted).await?;
            }
            Ok(())
        };
        let result: Result<(), CallError> = attested.await;
        if let Err(CallError::Refused(_)) = &result {
            // It said no for certain; anything else is settled later, when it answers again.
            discard(&self.inner.database, newcomer.document.account).await?;
        }
        Ok(result?)
    }

    pub(super) fn credential(
        &self,
        account: AccountId,
        passkey: &VerifiedRegistration,
    ) -> Result<(CredentialDocument, Vec<u8>), AccountsError> {
        let config = &self.inner.config;
        let document = CredentialDocument {
            v: 1,
            account,
            credential_id: Base64Url(passkey.credential_id.clone()),
            cose_key: Base64Url(passkey.cose_key.clone()),
            rp_id: config.rp_id.clone(),
            origin: config.origin.clone(),
            status: CredentialStatus::Active,
        };
        let payload = document.to_bytes()?;
        Ok((document, payload))
    }

    /// Makes the rows count, closes the invitation and begins the first session, all at once.
    pub(crate) async fn admit(
        &self,
        newcomer: &Newcomer,
        method: LoginMethod,
    ) -> Result<NewSession, AccountsError> {
        let AccountDocument { account, role, .. } = newcomer.document;
        self.record_login(role, account, method).await?;
        let mut transaction = self.inner.database.begin().await?;
        activate(&mut transaction, account, self.now_ms()).await?;
        let session = self.begin_session(&mut transaction, account, method).await?;
        transaction.commit().await?;
        Ok(session)
    }
}

/// Makes pending rows of an account count.
pub(super) async fn activate(
    transaction: &mut Transaction,
    account: AccountId,
    now_ms: u64,
) -> Result<(), AccountsError> {
    let id = account.to_string();
    if transaction.execute(statements::ACTIVATE_ACCOUNT, params![&id]).await? != 1 {
        return Err(AccountsError::Registration);
    }
    for row in transaction.fetch_all(statements::ACCOUNT_CREDENTIALS, params![&id]).await? {
        let credential: String = row.get("id")?;
        transaction.execute(statements::ACTIVATE_CREDENTIAL, params![credential]).await?;
    }
    for row in transaction.fetch_all(statements::ACCOUNT_IDENTITIES, params![&id]).await? {
        let identity: String = row.get("id")?;
        transaction.execute(statements::ACTIVATE_IDENTITY, params![identity]).await?;
    }
    transaction.execute(statements::ACCEPT_INVITATION, params![&id, now_ms]).await?;
    Ok(())
}

/// Forgets a pending account, with what hangs on it.
pub(super) async fn discard(database: &Database, account: AccountId) -> Result<(), AccountsError> {
    database.execute(statements::DISCARD_ACCOUNT, params![account.to_string()]).await?;
    Ok(())
}

/// An account, a passkey or an address that exists already: the answer does not say which.
pub(super) fn taken(error: StoreError) -> AccountsError {
    match error {
        StoreError::Conflict { .. } => AccountsError::Registration,
        other => other.into(),
    }
}
