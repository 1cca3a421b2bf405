//! Funders' keys: published by their own machines, kept for good, and proven by the log before anything is sealed to one.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sceau_accounts::{Accounts, ClientCredentials, Scope};
use sceau_crypto::mob::MobPublicKey;
use sceau_element_api::OrganisationId;
use sceau_element_api::wire::RecordDraft;
use sceau_store::params;
use sceau_trace::{Action, Actor, ActorKind, Outcome};

use super::callers::Publisher;
use super::forms::EncryptionKey;
use super::refusal::{Answer, Code};
use super::{MobHost, statements};
use crate::{Dossiers, Fault};

/// A funder's newest key.
#[derive(Debug)]
pub(super) struct CurrentKey {
    pub(super) form: EncryptionKey,
    pub(super) key: MobPublicKey,
}

/// `PUT /v1/funders/{funderId}/encryption_key`.
pub(super) async fn put(
    State(host): State<MobHost>,
    Path(funder): Path<String>,
    Publisher(caller): Publisher,
    body: Bytes,
) -> Answer<StatusCode> {
    let id: OrganisationId = funder.parse().map_err(|_| Code::NoFunder)?;
    let known = host.funder(id).ok_or(Code::NoFunder)?;
    let draft = RecordDraft::new(caller.actor(), Action::KEY_PUBLISH).organisation(caller.organisation);
    if caller.organisation != id {
        return Err(host.refused(draft, Code::Denied.into()).await);
    }
    let (form, key) = EncryptionKey::parse(&body)?;
    if form.private_key_access.is_none() && known.company.is_none() {
        return Err(Code::NoKeyAccess.into());
    }
    let draft = draft.subject("key", key.id()).detail("profile", "mob-2022");
    host.publish(id, &form, draft).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Dossiers {
    /// Makes the client of a mobility service, for which an organisation answers; its secret is shown once.
    ///
    /// # Errors
    /// When the organisation is not enrolled, or the record cannot be kept.
    pub async fn make_maas_client(
        &self,
        accounts: &Accounts,
        organisation: OrganisationId,
    ) -> Result<ClientCredentials, Fault> {
        self.enrolled(organisation).await?;
        let mut transaction = self.database.begin().await?;
        let client = accounts.create_client(&mut transaction, organisation, &[Scope::Deposits]).await?;
        let draft = RecordDraft::new(Actor::new(ActorKind::Platform, "platform"), Action::CONNECTOR_CHANGE)
            .organisation(organisation)
            .subject("client", client.client_id)
            .detail("act", "make");
        // Before the credentials exist for anybody.
        self.element().append(draft.granted()).await?;
        transaction.commit().await?;
        Ok(client)
    }
}

impl MobHost {
    /// Keeps a key as its funder's newest. The record that says whose it is comes first: without it nothing is sealed to the key.
    async fn publish(&self, funder: OrganisationId, form: &EncryptionKey, draft: RecordDraft) -> Answer<()> {
        let document = serde_json::to_string(form).map_err(|_| Code::Internal)?;
        let at = params![funder.to_string()];
        let newest = self.database().fetch_optional(statements::NEWEST_KEY, at).await?;
        let same = newest.map(|row| row.get::<String>("document")).transpose()?;
        if same.as_ref() == Some(&document) {
            return Ok(());
        }
        let draft = draft.detail("document", sceau_trace::sha256(document.as_bytes()).to_string());
        let index = self.dossiers().element().append(draft.granted()).await?;
        let mut transaction = self.begin().await?;
        let newest = transaction.fetch_optional(statements::NEWEST_KEY, at).await?;
        let serial = newest.map(|row| row.get::<u64>("serial")).transpose()?.unwrap_or_default() + 1;
        let values = params![funder.to_string(), serial, document, index, self.now()];
        transaction.execute(statements::INSERT_KEY, values).await?;
        Ok(transaction.commit().await?)
    }

    /// The key to seal to, as the log says that its funder published it.
    ///
    /// # Errors
    /// None yet, expired, or not the one of the log.
    pub(super) async fn current_key(&self, funder: OrganisationId) -> Answer<CurrentKey> {
        let at = params![funder.to_string()];
        let row = self.database().fetch_optional(statements::NEWEST_KEY, at).await?.ok_or(Code::NoKey)?;
        let document: String = row.get("document")?;
        let (form, key) = EncryptionKey::parse(document.as_bytes()).map_err(|_| Code::Tampered)?;
        let record = self.dossiers().rows.record(row.get("log_index")?).await?;
        let named = record.subjects().iter().any(|it| it.kind == "key" && it.id == key.id().to_string());
        let proven = *record.action() == Action::KEY_PUBLISH
            && record.outcome() == Outcome::Granted
            && record.organisation() == Some(funder.to_string().as_str())
            && record.detail().get("profile").map(String::as_str) == Some("mob-2022");
        // Expiry and addresses too are the funder's word. Records of before did not say them.
        let hash = sceau_trace::sha256(document.as_bytes()).to_string();
        let proven = proven && record.detail().get("document").is_none_or(|said| *said == hash);
        if !named || !proven {
            self.dossiers().note_tampering(&Fault::Tampered { kind: "key", id: funder.to_string() }).await;
            return Err(Code::Tampered.into());
        }
        if form.has_expired(self.now()) {
            return Err(Code::KeyExpired.into());
        }
        Ok(CurrentKey { form, key })
    }
}
