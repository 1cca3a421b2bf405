//! The applications of an organisation.

use sceau_element_api::documents::{ApplicationDocument, Document as _, Remit};
use sceau_element_api::wire::{AttestedRow, RowKey, Version};
use sceau_element_api::{ApplicationId, Base64Url, Kind, OrganisationId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Console, ConsoleFault};
use crate::registration::Registration;

/// Applications of one organisation that are shown.
const SHOWN: u32 = 500;

/// An application as the element attested it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApplicationView {
    /// The application.
    #[schema(value_type = String)]
    pub application: ApplicationId,
    /// The exact bytes of its document, base64url.
    #[schema(value_type = String)]
    pub payload: Base64Url,
    /// Which version this is: what the next one names as `previous`.
    #[schema(value_type = Object)]
    pub version: Version,
    /// Log index of the entry that attests it.
    pub index: u64,
    /// Whether the database has something else. What is shown is what the element attested.
    pub altered: bool,
}

impl Console {
    /// The applications of an organisation, as far as they are within a remit: those that the database lists, each as the element attested it.
    ///
    /// # Errors
    /// When the database or the element does not answer.
    pub async fn applications(&self, remit: &Remit) -> Result<Vec<ApplicationView>, ConsoleFault> {
        let listed = self.rows.applications(remit.organisation, SHOWN).await?;
        let keys = listed.iter().map(|(id, _)| RowKey { kind: Kind::Application, id: (*id).into() });
        let attested = self.element.current_many(keys.collect()).await?;
        let mut views = Vec::with_capacity(listed.len());
        for ((id, payload), row) in listed.into_iter().zip(attested) {
            // What nobody attested is no application: who edits the database could list any.
            let Some(row) = row else { continue };
            if sceau_trace::sha256(&payload) == row.hash {
                views.push(ApplicationView::of(id, row, payload.into(), false));
            } else if let Some((row, kept)) = self.element.kept(Kind::Application, id).await? {
                tracing::warn!(index = row.index, "the database has another version of an application");
                views.push(ApplicationView::of(id, row, kept.payload, true));
            }
        }
        views.retain(|view| remit.has(view.application) && view.is_of(remit.organisation));
        Ok(views)
    }

    /// Registers an application, or its next version.
    pub(super) async fn register(&self, registration: Registration) -> Result<AttestedRow, ConsoleFault> {
        Ok(registration.carry(&self.element, &self.rows).await?)
    }
}

impl ApplicationView {
    fn of(application: ApplicationId, row: AttestedRow, payload: Base64Url, altered: bool) -> Self {
        Self { application, payload, version: row.version(), index: row.index, altered }
    }

    fn is_of(&self, organisation: OrganisationId) -> bool {
        ApplicationDocument::parse(&self.payload)
            .is_ok_and(|parsed| parsed.document.organisation == organisation)
    }
}
