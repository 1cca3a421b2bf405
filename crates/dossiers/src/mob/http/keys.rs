//! Funders' keys: published by their own machines, and the element's word on which is the newest before anything is sealed to one.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sceau_accounts::{Accounts, ClientCredentials, Scope};
use sceau_crypto::mob::MobPublicKey;
use sceau_element_api::documents::FunderKey;
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{Kind, OrganisationId};
use sceau_store::params;
use sceau_trace::{Action, Actor, ActorKind, Hash, Outcome};

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
    host.publish(id, (&form, &key), draft).await?;
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
    /// Keeps a key as its funder's newest: the element's word says which that is, so that no database brings an older one back.
    async fn publish(
        &self,
        funder: OrganisationId,
        (form, key): (&EncryptionKey, &MobPublicKey),
        draft: RecordDraft,
    ) -> Answer<()> {
        let current = self.dossiers().element().current(Kind::FunderKey, funder).await?;
        let serial = current.map_or(0, |row| row.version);
        // Published again as it stands: nothing changes.
        if let Some(current) = current
            && stated(funder, serial, (form, key))?.1 == current.hash
        {
            return Ok(());
        }
        let act = self.intend(draft).await?;
        let done = self.state(funder, serial + 1, (form, key)).await;
        self.conclude(act, done).await
    }

    /// Has the element keep a key under its number.
    async fn state(
        &self,
        funder: OrganisationId,
        serial: u64,
        (form, key): (&EncryptionKey, &MobPublicKey),
    ) -> Answer<()> {
        let (payload, _) = stated(funder, serial, (form, key))?;
        self.dossiers().rows.attest::<FunderKey>(&payload, Proof::PlatformAsserted).await?;
        Ok(())
    }

    /// The key to seal to: the newest that its funder published, as the element says.
    ///
    /// # Errors
    /// None yet, expired, or not the one that was attested.
    pub(super) async fn current_key(&self, funder: OrganisationId) -> Answer<CurrentKey> {
        let newest = match self.dossiers().rows.current::<FunderKey>(funder).await {
            Ok(newest) => newest,
            Err(fault) => {
                self.dossiers().note_tampering(&fault).await;
                return Err(fault.into());
            }
        };
        let (form, key) = match newest {
            Some(row) => {
                let read = EncryptionKey::parse(row.document.publication.as_bytes());
                read.map_err(|_| Code::Tampered)?
            }
            None => self.key_of_before(funder).await?,
        };
        if form.has_expired(self.now()) {
            return Err(Code::KeyExpired.into());
        }
        Ok(CurrentKey { form, key })
    }

    /// A key that was published before the element kept which is the newest: proven by its record, and kept as the first from now on.
    async fn key_of_before(&self, funder: OrganisationId) -> Answer<(EncryptionKey, MobPublicKey)> {
        let at = params![funder.to_string()];
        let row = self.database().fetch_optional(statements::KEY_OF_BEFORE, at).await?.ok_or(Code::NoKey)?;
        let document: String = row.get("document")?;
        let (form, key) = EncryptionKey::parse(document.as_bytes()).map_err(|_| Code::Tampered)?;
        let record = self.dossiers().rows.record(row.get("log_index")?).await?;
        let named = record.subjects().iter().any(|it| it.kind == "key" && it.id == key.id().to_string());
        let proven = *record.action() == Action::KEY_PUBLISH
            && record.outcome() == Outcome::Granted
            && record.organisation() == Some(funder.to_string().as_str())
            && record.detail().get("profile").map(String::as_str) == Some("mob-2022");
        // Expiry and addresses too are the funder's word. The oldest records did not say them.
        let hash = sceau_trace::sha256(document.as_bytes()).to_string();
        let proven = proven && record.detail().get("document").is_none_or(|said| *said == hash);
        if !named || !proven {
            self.dossiers().note_tampering(&Fault::Tampered { kind: "key", id: funder.to_string() }).await;
            return Err(Code::Tampered.into());
        }
        self.state(funder, 1, (&form, &key)).await?;
        Ok((form, key))
    }
}

/// The document of a publication, with its hash.
fn stated(
    organisation: OrganisationId,
    serial: u64,
    (form, key): (&EncryptionKey, &MobPublicKey),
) -> Answer<(Vec<u8>, Hash)> {
    let publication = serde_json::to_string(form).map_err(|_| Code::Internal)?;
    let document = FunderKey { v: 1, organisation, serial, key: key.id(), publication };
    let payload = serde_json::to_vec(&document).map_err(|_| Code::Internal)?;
    let hash = sceau_trace::sha256(&payload);
    Ok((payload, hash))
}
