//! Schemes: what an organisation asks for, published under its administrator's passkey.

use std::collections::HashSet;

use sceau_accounts::Prepared;
use sceau_element_api::documents::{
    Document as _, FormField, Intake, IntakeHost, OrganisationDocument, RequestedFile, SchemeDocument, Text,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::{Base64Url, OrganisationId, RowId, SchemeId};
use sceau_store::params;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;
use crate::fault::Fault;
use crate::organisations::OrganisationRow;
use crate::rows::Row;
use crate::{Dossiers, statements};

/// What the organisation's administrator fills in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemeForm {
    /// Title in both languages.
    #[schema(value_type = Object)]
    pub title: Text,
    /// Description in both languages.
    #[schema(value_type = Object)]
    pub description: Text,
    /// Questions.
    #[schema(value_type = Vec<Object>)]
    pub form: Vec<FormField>,
    /// Documents asked for.
    #[schema(value_type = Vec<Object>)]
    pub documents: Vec<RequestedFile>,
    /// Which way deposits come in: `sealed`, unless `scanned` is said.
    #[serde(default)]
    #[schema(value_type = String)]
    pub intake: Intake,
    /// The intake that the organisation trusts, for `scanned`: the one of this platform, as its operator published it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub intake_host: Option<IntakeHost>,
}

/// A scheme as everyone may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SchemeView {
    /// The scheme.
    #[schema(value_type = String)]
    pub id: SchemeId,
    /// The organisation.
    #[schema(value_type = String)]
    pub organisation: OrganisationId,
    /// Its name.
    pub organisation_name: String,
    /// Title in both languages.
    #[schema(value_type = Object)]
    pub title: Text,
    /// Description in both languages.
    #[schema(value_type = Object)]
    pub description: Text,
    /// Which way deposits come in: `sealed` or `scanned`.
    #[schema(value_type = String)]
    pub intake: Intake,
    /// The exact bytes of the document, base64url: their SHA-256 is the manifest's `form_hash`.
    #[schema(value_type = String)]
    pub payload: Base64Url,
    /// Log index of the entry that attests it.
    pub index: u64,
    /// The organisation's row, where one scheme is asked for.
    pub organisation_row: Option<OrganisationRow>,
}

impl Dossiers {
    /// Makes the document that the administrator's passkey will sign.
    ///
    /// # Errors
    /// When the form breaks its limits.
    pub async fn prepare_scheme(
        &self,
        organisation: OrganisationId,
        form: SchemeForm,
    ) -> Result<Prepared, Fault> {
        let SchemeForm { title, description, form, documents, intake, intake_host } = form;
        let scheme = SchemeId::random();
        let document = SchemeDocument {
            v: 1,
            scheme,
            organisation,
            title,
            description,
            form,
            documents,
            intake,
            intake_host,
        };
        self.demand_our_intake(&document)?;
        let payload = document.to_bytes()?;
        Ok(Prepared::new(payload, self.element().nonce().await?))
    }

    /// Publishes the scheme of `organisation`.
    ///
    /// # Errors
    /// When it is another organisation's, or the proof is not its administrator's.
    pub async fn publish_scheme(
        &self,
        organisation: OrganisationId,
        payload: &[u8],
        proof: Proof,
    ) -> Result<SchemeView, Fault> {
        let document = SchemeDocument::parse(payload)?.document;
        if document.organisation != organisation {
            return Err(Code::ForeignOrganisation.into());
        }
        self.demand_our_intake(&document)?;
        self.rows.attest::<SchemeDocument>(payload, proof).await?;
        let values = params![document.scheme.to_string(), organisation.to_string(), self.clock.now_ms()];
        self.database.execute(statements::INSERT_SCHEME, values).await?;
        self.scheme(document.scheme).await
    }

    /// The schemes, oldest first.
    ///
    /// # Errors
    /// When a row is not the attested one.
    pub async fn schemes(&self) -> Result<Vec<SchemeView>, Fault> {
        let rows = self.database.fetch_all(statements::SCHEMES, params![]).await?;
        let tampered = |kind: &'static str, id: &str| Fault::Tampered { kind, id: id.to_owned() };
        let mut ids: Vec<RowId> = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.get("id")?;
            ids.push(id.parse::<SchemeId>().map_err(|_| tampered("scheme", &id))?.into());
        }
        let mut schemes = self.rows.current_many::<SchemeDocument>(ids.clone()).await?;
        let owners: HashSet<RowId> = schemes.values().map(|row| row.document.organisation.into()).collect();
        let owners = self.rows.current_many::<OrganisationDocument>(owners.into_iter().collect()).await?;
        ids.iter()
            .map(|id| {
                let row = schemes.remove(id).ok_or_else(|| tampered("scheme", id.as_str()))?;
                let owner = RowId::from(row.document.organisation);
                let owner = owners.get(&owner).ok_or_else(|| tampered("organisation", owner.as_str()))?;
                Ok(SchemeView::of(row, owner.document.name.clone()))
            })
            .collect()
    }

    /// One scheme.
    ///
    /// # Errors
    /// When it is unknown, or its row is not the attested one.
    pub async fn scheme(&self, id: SchemeId) -> Result<SchemeView, Fault> {
        let row = self.rows.current::<SchemeDocument>(id).await?.ok_or_else(Fault::not_found)?;
        let organisation = self.enrolled(row.document.organisation).await?;
        let organisation_name = organisation.document.name.clone();
        let organisation_row = self.organisation_row(organisation).await?;
        Ok(SchemeView { organisation_row: Some(organisation_row), ..SchemeView::of(row, organisation_name) })
    }
}

impl SchemeView {
    fn of(row: Row<SchemeDocument>, organisation_name: String) -> Self {
        let SchemeDocument { scheme, organisation, title, description, intake, .. } = row.document;
        Self {
            id: scheme,
            organisation,
            organisation_name,
            title,
            description,
            intake,
            payload: row.payload.into(),
            index: row.attested.index,
            organisation_row: None,
        }
    }
}
