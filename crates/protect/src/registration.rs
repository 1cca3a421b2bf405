//! An application is registered, or its next version: the same for the keyfront's programs and the console's page.

use sceau_element_api::documents::{ApplicationDocument, Document as _, DocumentError};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, AttestedRow, Version};
use sceau_element_api::{Base64Url, CallError, Client, Kind};
use serde::Deserialize;

use crate::rows::Rows;

/// The longest registration, in bytes: a document of 256 KiB in base64url, and its proof.
pub(crate) const MAX_REGISTRATION: usize = 384 * 1024;

/// A document, the version that it replaces, and the proof of an administrator's passkey (`docs/element-operations.md`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    pub(crate) payload: Base64Url,
    pub(crate) previous: Option<Version>,
    pub(crate) proof: Proof,
}

/// Why it is not.
#[derive(Debug)]
pub(crate) enum Unregistered {
    /// The document is not one.
    Document(DocumentError),
    /// The element refuses it, or gives no answer.
    Element(CallError),
}

impl Registration {
    /// Has the element attest it, and lists it in the database.
    ///
    /// # Errors
    /// [`Unregistered`]. A database that does not take it is told in the log alone: it is registered all the same.
    pub(crate) async fn carry(self, element: &Client, rows: &Rows) -> Result<AttestedRow, Unregistered> {
        let Self { payload, previous, proof } = self;
        let parsed = ApplicationDocument::parse(&payload).map_err(Unregistered::Document)?;
        let kept = payload.clone();
        let attest = Attest { kind: Kind::Application, id: parsed.document.row(), previous, payload, proof };
        let row = element.attest(attest).await.map_err(Unregistered::Element)?;
        if let Err(error) = rows.keep_application(&row, &kept).await {
            tracing::error!(%error, "an application is registered, and the database does not list it");
        }
        Ok(row)
    }
}
