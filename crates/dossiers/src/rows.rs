//! Attested documents: the database keeps the bytes, the element keeps which of them are current.
//!
//! A document is written first under its own hash, then the element swaps the row to that hash; a kill between the two strands
//! nothing, because what is current is read from the element and found by its hash.

use std::sync::Arc;

use sceau_element_api::documents::{Document, Parsed};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, AttestedRow};
use sceau_element_api::{Base64Url, Client, Kind, RowId};
use sceau_store::{Clock, Database, StoreError, params};
use sceau_trace::Hash;

use crate::fault::Fault;
use crate::statements;

/// Reads and writes attested documents.
#[derive(Debug, Clone)]
pub struct Rows {
    database: Database,
    element: Client,
    clock: Arc<dyn Clock>,
}

/// A document that is current, with its exact bytes.
#[derive(Debug, Clone)]
pub struct Row<T> {
    /// Its content.
    pub document: T,
    /// Its exact bytes.
    pub payload: Vec<u8>,
    /// The proof that it was attested with.
    pub proof: Proof,
    /// Version, hash and log index.
    pub attested: AttestedRow,
}

impl<T> Row<T> {
    /// The content with its hash.
    pub fn parsed(self) -> Parsed<T> {
        Parsed { document: self.document, hash: self.attested.hash }
    }
}

impl Rows {
    /// Rows of this database and element.
    pub fn new(database: Database, element: Client, clock: Arc<dyn Clock>) -> Self {
        Self { database, element, clock }
    }

    /// The element that attests them.
    pub fn element(&self) -> &Client {
        &self.element
    }

    /// Makes `payload` the next version of its row. Asking again with the current payload changes nothing.
    ///
    /// # Errors
    /// The document's own rules, or the element's refusal.
    pub async fn attest<D: Document>(&self, payload: &[u8], proof: Proof) -> Result<Row<D>, Fault> {
        let parsed = D::parse(payload)?;
        let id = parsed.document.row();
        let current = self.element.current(D::KIND, id.clone()).await?;
        self.keep(D::KIND, &id, parsed.hash, payload, &proof).await?;
        if let Some(attested) = current.filter(|row| row.hash == parsed.hash) {
            return Ok(Row { document: parsed.document, payload: payload.to_vec(), proof, attested });
        }
        let attest = Attest {
            kind: D::KIND,
            id,
            previous: current.map(|row| row.version()),
            payload: Base64Url(payload.to_vec()),
            proof: proof.clone(),
        };
        let attested = self.element.attest(attest).await?;
        Ok(Row { document: parsed.document, payload: payload.to_vec(), proof, attested })
    }

    /// The current document of a row, if there is one.
    ///
    /// # Errors
    /// [`Fault::Tampered`] when the database does not hold what the element attested.
    pub async fn current<D: Document>(&self, id: impl Into<RowId>) -> Result<Option<Row<D>>, Fault> {
        let id = id.into();
        let Some(attested) = self.element.current(D::KIND, id.clone()).await? else { return Ok(None) };
        let tampered = || Fault::Tampered { kind: D::KIND.as_str(), id: id.to_string() };
        let values = params![D::KIND.as_str(), id.as_str(), attested.hash.as_bytes().to_vec()];
        let row = self.database.fetch_optional(statements::DOCUMENT, values).await?.ok_or_else(tampered)?;
        let payload: Vec<u8> = row.get("payload")?;
        let proof: String = row.get("proof")?;
        let proof = serde_json::from_str(&proof).map_err(|_| tampered())?;
        let parsed = D::parse(&payload).map_err(|_| tampered())?;
        if parsed.hash != attested.hash || parsed.document.row() != id {
            return Err(tampered());
        }
        Ok(Some(Row { document: parsed.document, payload, proof, attested }))
    }

    async fn keep(
        &self,
        kind: Kind,
        id: &RowId,
        hash: Hash,
        payload: &[u8],
        proof: &Proof,
    ) -> Result<(), Fault> {
        let proof = serde_json::to_string(proof).map_err(StoreError::from)?;
        let hash = hash.as_bytes().to_vec();
        let now = self.clock.now_ms();
        let values = params![kind.as_str(), id.as_str(), hash, payload.to_vec(), proof, now];
        self.database.execute(statements::INSERT_DOCUMENT, values).await?;
        Ok(())
    }
}
