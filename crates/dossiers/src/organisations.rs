//! Organisations, as the platform's administrator enrols them.

use sceau_accounts::{Accounts, ClientCredentials, Prepared, Scope};
use sceau_crypto::Fingerprint;
use sceau_element_api::documents::{Document as _, OrganisationDocument};
use sceau_element_api::proof::Proof;
use sceau_element_api::{Base64Url, OrganisationId};
use sceau_store::params;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;
use crate::fault::Fault;
use crate::keys::PublishedKey;
use crate::rows::Row;
use crate::{Dossiers, statements};

/// What the platform's administrator fills in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationForm {
    /// Public name.
    pub name: String,
    /// SIRET, 14 digits.
    pub siret: Option<String>,
    /// Where letters to the organisation go.
    pub contact_email: String,
    /// Fingerprint of the organisation's root, received over another channel.
    #[schema(value_type = String)]
    pub root_fingerprint: Fingerprint,
}

/// Another root of an organisation that is enrolled.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RootForm {
    /// Its fingerprint, received over another channel.
    #[schema(value_type = String)]
    pub root_fingerprint: Fingerprint,
}

/// An organisation as everyone may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganisationView {
    /// The organisation.
    #[schema(value_type = String)]
    pub id: OrganisationId,
    /// Public name.
    pub name: String,
    /// Fingerprint of its root.
    #[schema(value_type = String)]
    pub root_fingerprint: Fingerprint,
    /// The key that dossiers are sealed to now.
    pub current_key: Option<PublishedKey>,
}

/// An organisation's row as it was attested, so that nobody has to take the platform's word for its name and root.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganisationRow {
    /// The exact bytes of its document, base64url: `organisation`, `name`, `root_fingerprint`.
    #[schema(value_type = String)]
    pub payload: Base64Url,
    /// Log index of the entry that attests these bytes.
    pub index: u64,
    /// The evidence file of that entry.
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
}

impl OrganisationView {
    fn of(document: OrganisationDocument, current_key: Option<PublishedKey>) -> Self {
        let OrganisationDocument { organisation, name, root_fingerprint, .. } = document;
        Self { id: organisation, name, root_fingerprint, current_key }
    }
}

impl Dossiers {
    /// Makes the document that the administrator's passkey will sign.
    ///
    /// # Errors
    /// When a field is not what it should be.
    pub async fn prepare_organisation(&self, form: &OrganisationForm) -> Result<Prepared, Fault> {
        if form
            .siret
            .as_deref()
            .is_some_and(|siret| siret.len() != 14 || !siret.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(Fault::malformed("A SIRET is 14 digits."));
        }
        if !form.contact_email.contains('@') || form.contact_email.chars().any(char::is_control) {
            return Err(Fault::malformed("The contact address is not an e-mail address."));
        }
        let id = OrganisationId::random();
        let document = OrganisationDocument {
            v: 1,
            organisation: id,
            name: form.name.clone(),
            root_fingerprint: form.root_fingerprint,
        };
        let payload = document.to_bytes()?;
        let values =
            params![id.to_string(), form.siret.clone(), form.contact_email.clone(), self.clock.now_ms()];
        self.database.execute(statements::PREPARE_ORGANISATION, values).await?;
        Ok(Prepared::new(payload, self.element().nonce().await?))
    }

    /// Enrols the organisation and makes the confidential client of its key manager, whose secret is shown once.
    ///
    /// # Errors
    /// When the proof is not a platform administrator's.
    pub async fn enrol_organisation(
        &self,
        accounts: &Accounts,
        payload: &[u8],
        proof: Proof,
    ) -> Result<(OrganisationId, ClientCredentials), Fault> {
        let document = OrganisationDocument::parse(payload)?.document;
        let id = document.organisation.to_string();
        let prepared = self.database.fetch_optional(statements::PREPARED_ORGANISATION, params![&id]).await?;
        let prepared = prepared.ok_or(sceau_accounts::Code::CeremonyOver)?;
        self.rows.attest::<OrganisationDocument>(payload, proof).await?;
        let siret: Option<String> = prepared.get("siret")?;
        let contact: String = prepared.get("contact_email")?;
        let mut transaction = self.database.begin().await?;
        let client =
            accounts.create_client(&mut transaction, document.organisation, &[Scope::KeyManager]).await?;
        let values =
            params![&id, document.name, siret, contact, client.client_id.to_string(), self.clock.now_ms()];
        transaction.execute(statements::INSERT_ORGANISATION, values).await?;
        transaction.execute(statements::FORGET_PREPARED_ORGANISATION, params![&id]).await?;
        transaction.commit().await?;
        Ok((document.organisation, client))
    }

    /// Makes the document that gives an organisation another root, for the administrator's passkey to sign.
    ///
    /// # Errors
    /// When there is no such organisation.
    pub async fn prepare_root(&self, id: OrganisationId, form: &RootForm) -> Result<Prepared, Fault> {
        let enrolled = self.enrolled(id).await?.document;
        let document = OrganisationDocument { root_fingerprint: form.root_fingerprint, ..enrolled };
        Ok(Prepared::new(document.to_bytes()?, self.element().nonce().await?))
    }

    /// Gives an organisation another root. What the old one stated ends now: deposits and decisions wait for the keys that the new one states.
    ///
    /// # Errors
    /// When the document is another organisation's, or the proof is not a platform administrator's.
    pub async fn replace_root(&self, id: OrganisationId, payload: &[u8], proof: Proof) -> Result<(), Fault> {
        if OrganisationDocument::parse(payload)?.document.organisation != id {
            return Err(Code::ForeignOrganisation.into());
        }
        self.enrolled(id).await?;
        self.rows.attest::<OrganisationDocument>(payload, proof).await?;
        Ok(())
    }

    /// The organisations, by name, without the evidence of their keys.
    ///
    /// # Errors
    /// When a row is not the attested one.
    pub async fn organisations(&self) -> Result<Vec<OrganisationView>, Fault> {
        let rows = self.database.fetch_all(statements::ORGANISATIONS, params![]).await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.get("id")?;
            let tampered = |_| Fault::Tampered { kind: "organisation", id: id.clone() };
            ids.push(id.parse::<OrganisationId>().map_err(tampered)?);
        }
        let known = ids.iter().map(|id| (*id).into()).collect();
        let mut documents = self.rows.current_many::<OrganisationDocument>(known).await?;
        let now = self.clock.now_ms();
        let mut views = Vec::with_capacity(ids.len());
        for id in ids {
            let row = documents.remove(&id.into());
            let row = row.ok_or_else(|| Fault::Tampered { kind: "organisation", id: id.to_string() })?;
            let root = row.document.root_fingerprint;
            let keys = self.stated_keys(id).await?.into_iter().filter(|key| key.is_usable(now, &root));
            views.push(OrganisationView::of(row.document, keys.max_by_key(|key| key.serial)));
        }
        Ok(views)
    }

    /// One organisation.
    ///
    /// # Errors
    /// When it is unknown, or its row is not the attested one.
    pub async fn organisation(&self, id: OrganisationId) -> Result<OrganisationView, Fault> {
        let row = self.enrolled(id).await?;
        let current_key = match self.usable_key(&row.document).await {
            Ok(key) => Some(key),
            Err(Fault::Refused(_)) => None,
            Err(fault) => return Err(fault),
        };
        Ok(OrganisationView::of(row.document, current_key))
    }

    pub(crate) async fn enrolled(&self, id: OrganisationId) -> Result<Row<OrganisationDocument>, Fault> {
        self.rows.current::<OrganisationDocument>(id).await?.ok_or_else(Fault::not_found)
    }

    /// The same, as a page verifies it: the bytes and the evidence that a platform administrator's passkey proved them.
    ///
    /// # Errors
    /// When the element does not answer.
    pub(crate) async fn organisation_row(
        &self,
        row: Row<OrganisationDocument>,
    ) -> Result<OrganisationRow, Fault> {
        let index = row.attested.index;
        Ok(OrganisationRow { payload: row.payload.into(), index, evidence: self.evidence(index).await? })
    }
}
