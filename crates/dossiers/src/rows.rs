//! Attested documents: the database keeps the bytes, the element keeps which of them are current.
//!
//! A document is written first under its own hash, as pending; then the element swaps the row to that hash; then the document is
//! confirmed. A kill between two of these strands nothing, because what is current is read from the element and found by its
//! hash. What stays pending was never attested and is forgotten after a day.

use std::collections::HashMap;
use std::sync::Arc;

use sceau_element_api::documents::{Document, Parsed};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, AttestedRow, MAX_ROWS, RowKey};
use sceau_element_api::{Base64Url, Client, Kind, RowId};
use sceau_store::{Clock, Database, StoreError, params};
use sceau_trace::{Asserted, Evidence, Record};

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
    /// The proof that it was attested with, as the database says; [`Rows::proven`] holds it against the log.
    pub proof: Proof,
    /// Version, hash and log index.
    pub attested: AttestedRow,
    /// Whether the database has it that this was attested.
    confirmed: bool,
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

    /// Makes `payload` the next version of its row. Asking again with the current payload changes nothing: the first proof stays.
    ///
    /// # Errors
    /// The document's own rules, or the element's refusal.
    pub async fn attest<D: Document>(&self, payload: &[u8], proof: Proof) -> Result<Row<D>, Fault> {
        let parsed = D::parse(payload)?;
        let id = parsed.document.row();
        let current = self.element.current(D::KIND, id.clone()).await?;
        if let Some(current) = current {
            self.confirm(D::KIND, &id, current).await?;
            if current.hash == parsed.hash {
                return self.read(&id, current).await;
            }
        }
        self.attest_version(parsed, current, payload, proof).await
    }

    /// Makes `payload` the version after `before`, which was read as current, or the first one. Where another came meanwhile, the element
    /// refuses it as stale ([`Fault::is_stale`]).
    ///
    /// # Errors
    /// As [`Rows::attest`].
    pub(crate) async fn attest_after<D: Document>(
        &self,
        before: Option<&Row<D>>,
        payload: &[u8],
        proof: Proof,
    ) -> Result<Row<D>, Fault> {
        let parsed = D::parse(payload)?;
        if let Some(before) = before.filter(|before| !before.confirmed) {
            self.confirm(D::KIND, &parsed.document.row(), before.attested).await?;
        }
        self.attest_version(parsed, before.map(|before| before.attested), payload, proof).await
    }

    /// A process that was killed after the element's word has not confirmed it.
    async fn confirm(&self, kind: Kind, id: &RowId, current: AttestedRow) -> Result<(), Fault> {
        let at = params![kind.as_str(), id.as_str(), current.hash.as_bytes().to_vec(), current.index];
        self.database.execute(statements::CONFIRM_AS_KEPT, at).await?;
        Ok(())
    }

    async fn attest_version<D: Document>(
        &self,
        parsed: Parsed<D>,
        current: Option<AttestedRow>,
        payload: &[u8],
        proof: Proof,
    ) -> Result<Row<D>, Fault> {
        let id = parsed.document.row();
        let kept = serde_json::to_string(&proof).map_err(StoreError::from)?;
        let hash = parsed.hash.as_bytes().to_vec();
        let now = self.clock.now_ms();
        let values =
            params![D::KIND.as_str(), id.as_str(), hash.clone(), payload.to_vec(), kept.as_str(), now];
        self.database.execute(statements::KEEP_DOCUMENT, values).await?;
        let attest = Attest {
            kind: D::KIND,
            id: id.clone(),
            previous: current.map(|row| row.version()),
            payload: Base64Url(payload.to_vec()),
            proof: proof.clone(),
        };
        let attested = self.element.attest(attest).await?;
        let values = params![D::KIND.as_str(), id.as_str(), hash, attested.index, kept];
        self.database.execute(statements::CONFIRM_DOCUMENT, values).await?;
        Ok(Row { document: parsed.document, payload: payload.to_vec(), proof, attested, confirmed: true })
    }

    /// The current document of a row, if there is one.
    ///
    /// # Errors
    /// [`Fault::Tampered`] when the database does not hold what the element attested.
    pub async fn current<D: Document>(&self, id: impl Into<RowId>) -> Result<Option<Row<D>>, Fault> {
        let id = id.into();
        let attested = self.element.current(D::KIND, id.clone()).await?;
        self.read_if(&id, attested).await
    }

    /// The current documents of two rows, for which the element is asked once.
    ///
    /// # Errors
    /// As [`Rows::current`].
    pub(crate) async fn current_two<A: Document, B: Document>(
        &self,
        one: impl Into<RowId>,
        other: impl Into<RowId>,
    ) -> Result<(Option<Row<A>>, Option<Row<B>>), Fault> {
        let (one, other) = (one.into(), other.into());
        let key = |kind, id: &RowId| RowKey { kind, id: id.clone() };
        let current = self.element.current_many(vec![key(A::KIND, &one), key(B::KIND, &other)]).await?;
        let mut current = current.into_iter();
        let first = self.read_if(&one, current.next().flatten()).await?;
        Ok((first, self.read_if(&other, current.next().flatten()).await?))
    }

    /// The current documents of many rows; those without one are left out. The element is asked once for each thousand.
    ///
    /// # Errors
    /// [`Fault::Tampered`] when the database does not hold what the element attested, for one of them.
    pub async fn current_many<D: Document>(&self, ids: Vec<RowId>) -> Result<HashMap<RowId, Row<D>>, Fault> {
        self.each_current(ids).await?.into_iter().map(|(id, row)| Ok((id, row?))).collect()
    }

    /// The same, each by itself: one that was tampered with says so, and the others are read.
    ///
    /// # Errors
    /// When the element or the database does not answer.
    pub async fn each_current<D: Document>(
        &self,
        ids: Vec<RowId>,
    ) -> Result<HashMap<RowId, Result<Row<D>, Fault>>, Fault> {
        let mut rows = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(MAX_ROWS) {
            let keys = chunk.iter().map(|id| RowKey { kind: D::KIND, id: id.clone() }).collect();
            let current = self.element.current_many(keys).await?;
            for (id, attested) in chunk.iter().zip(current) {
                if let Some(attested) = attested {
                    let row = match self.read(id, attested).await {
                        Err(fault) if !matches!(fault, Fault::Tampered { .. }) => return Err(fault),
                        row => row,
                    };
                    rows.insert(id.clone(), row);
                }
            }
        }
        Ok(rows)
    }

    /// On whose word a row was attested, as its log record says, once the proof beside it is found to be of that kind and key.
    ///
    /// # Errors
    /// [`Fault::Tampered`] when the database holds another proof.
    pub async fn proven<D: Document>(&self, row: &Row<D>) -> Result<Asserted, Fault> {
        let record = self.record(row.attested.index).await?;
        let signed = match &row.proof {
            Proof::PlatformAsserted => record.asserted() == Asserted::Platform,
            Proof::Jws { .. } => record.asserted() == Asserted::Organisation,
            Proof::Passkey { credential_id, .. } => {
                let key = sceau_trace::sha256(credential_id).to_string();
                let signed = record.subjects().iter().any(|it| it.kind == "credential" && it.id == key);
                record.asserted() == Asserted::Passkey && signed
            }
        };
        let covers = row.proof.assertion().is_none_or(|(assertion, nonce)| {
            covers(assertion.client_data_json, &nonce, D::KIND, &row.payload)
        });
        if signed && covers { Ok(record.asserted()) } else { Err(tampered(D::KIND, &row.document.row())) }
    }

    /// The record at `index` of the log, with its ids in clear.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn record(&self, index: u64) -> Result<Record, Fault> {
        recorded(&self.evidence(index).await?)
    }

    /// The evidence of a log entry, with all of its openings.
    ///
    /// # Errors
    /// When there is no such entry.
    pub(crate) async fn evidence(&self, index: u64) -> Result<Evidence, Fault> {
        let text = self.element.evidence(index).await?;
        Evidence::parse(text.as_bytes()).map_err(|_| Fault::from(sceau_accounts::Code::ElementAnswer))
    }

    /// Forgets documents that were kept before `before` and that the element never attested.
    pub(crate) async fn forget_pending(&self, before: u64) -> Result<(), Fault> {
        for row in self.database.fetch_all(statements::PENDING_DOCUMENTS, params![before]).await? {
            let (kind, id): (String, String) = (row.get("kind")?, row.get("id")?);
            let hash: Vec<u8> = row.get("hash")?;
            let known = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
            let current = match (known, id.parse::<RowId>()) {
                (Some(kind), Ok(id)) => self.element.current(kind, id).await?,
                _ => None,
            };
            match current.filter(|current| current.hash.as_bytes().as_slice() == hash) {
                Some(current) => {
                    let at = params![kind, id, hash, current.index];
                    self.database.execute(statements::CONFIRM_AS_KEPT, at).await?
                }
                None => self.database.execute(statements::FORGET_DOCUMENT, params![kind, id, hash]).await?,
            };
        }
        Ok(())
    }

    async fn read_if<D: Document>(
        &self,
        id: &RowId,
        attested: Option<AttestedRow>,
    ) -> Result<Option<Row<D>>, Fault> {
        match attested {
            Some(attested) => self.read(id, attested).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read<D: Document>(&self, id: &RowId, attested: AttestedRow) -> Result<Row<D>, Fault> {
        let tampered = || tampered(D::KIND, id);
        let values = params![D::KIND.as_str(), id.as_str(), attested.hash.as_bytes().to_vec()];
        let row = self.database.fetch_optional(statements::DOCUMENT, values).await?.ok_or_else(tampered)?;
        let payload: Vec<u8> = row.get("payload").map_err(|_| tampered())?;
        let proof: String = row.get("proof").map_err(|_| tampered())?;
        let proof = serde_json::from_str(&proof).map_err(|_| tampered())?;
        let confirmed = row.get::<Option<u64>>("log_index").map_err(|_| tampered())?.is_some();
        let parsed = D::parse(&payload).map_err(|_| tampered())?;
        if parsed.hash != attested.hash || parsed.document.row() != *id {
            return Err(tampered());
        }
        Ok(Row { document: parsed.document, payload, proof, attested, confirmed })
    }
}

/// The record of an evidence file that is whole, with its ids in clear.
pub(crate) fn recorded(evidence: &Evidence) -> Result<Record, Fault> {
    let verified = evidence.verify(None);
    Ok(verified.map_err(|_| Fault::from(sceau_accounts::Code::ElementAnswer))?.record)
}

/// Whether the browser was asked to sign exactly this payload (WebAuthn §5.8.1). The element verified the signature itself.
fn covers(client_data: &[u8], nonce: &sceau_element_api::Nonce, kind: Kind, payload: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct ClientData {
        challenge: String,
    }
    let expected = sceau_element_api::proof::passkey_challenge(nonce, kind, payload).to_vec();
    serde_json::from_slice::<ClientData>(client_data)
        .is_ok_and(|data| data.challenge == Base64Url(expected).encode())
}

fn tampered(kind: Kind, id: &RowId) -> Fault {
    Fault::Tampered { kind: kind.as_str(), id: id.to_string() }
}
