//! What the accounts ask of the element: one call, and typed words on top of it.

use futures::future::BoxFuture;
use sceau_element_api::documents::Document;
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{Attest, AttestedRow, Hello, RecordDraft, Request, Response, RowKey};
use sceau_element_api::{CallError, Client, Nonce};

use std::sync::Arc;

/// The element, over its socket or, in tests, in the same process.
pub trait Element: Send + Sync + 'static {
    /// Asks one thing.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, CallError>>;
}

impl Element for Client {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, CallError>> {
        Box::pin(Client::call(self, request))
    }
}

/// The calls that this room and its neighbours make, with typed answers.
#[derive(Clone)]
pub struct Attestations(Arc<dyn Element>);

impl std::fmt::Debug for Attestations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attestations")
    }
}

macro_rules! answer {
    ($self:ident, $request:expr, $variant:pat => $value:expr) => {
        match $self.0.call($request).await? {
            $variant => Ok($value),
            Response::Refused(refusal) => Err(CallError::Refused(refusal)),
            _ => Err(CallError::Mismatch),
        }
    };
}

impl Attestations {
    /// Speaks with `element`.
    pub fn of(element: Arc<dyn Element>) -> Self {
        Self(element)
    }

    /// Who the element is.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn hello(&self) -> Result<Hello, CallError> {
        answer!(self, Request::Hello, Response::Hello(hello) => hello)
    }

    /// A nonce for a passkey proof.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn nonce(&self) -> Result<Nonce, CallError> {
        answer!(self, Request::Nonce, Response::Nonce(nonce) => nonce)
    }

    /// Appends a record; durable when it returns. Fail closed: what could not be recorded is not done.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn append(&self, draft: RecordDraft) -> Result<u64, CallError> {
        answer!(self, Request::Append(draft), Response::Appended { index } => index)
    }

    /// The current versions of some rows, in their order, in one call.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn current_many(&self, keys: Vec<RowKey>) -> Result<Vec<Option<AttestedRow>>, CallError> {
        let count = keys.len();
        let rows = answer!(self, Request::CurrentMany(keys), Response::CurrentMany(rows) => rows)?;
        if rows.len() == count { Ok(rows) } else { Err(CallError::Mismatch) }
    }

    /// The current version of a row.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn current(&self, key: RowKey) -> Result<Option<AttestedRow>, CallError> {
        answer!(self, Request::Current(key), Response::Current(row) => row)
    }

    /// Makes `payload`, the bytes of a `D`, the first version of its row. If it is so already, nothing is asked: a
    /// repetition after a crash ends as the first try would have.
    ///
    /// # Errors
    /// [`CallError`]; a row with another content is refused as stale.
    pub async fn attest_first<D: Document>(
        &self,
        document: &D,
        payload: &[u8],
        proof: Proof,
    ) -> Result<AttestedRow, CallError> {
        let key = RowKey { kind: D::KIND, id: document.row() };
        if let Some(row) = self.current(key).await?
            && row.hash == sceau_trace::sha256(payload)
        {
            return Ok(row);
        }
        self.attest(document, None, payload, proof).await
    }

    /// Makes `payload`, the bytes of a `D`, the version of its row after `previous`; the first where there is none.
    ///
    /// # Errors
    /// [`CallError`]; where `previous` is not the current version any more, it is refused as stale.
    pub async fn attest<D: Document>(
        &self,
        document: &D,
        previous: Option<AttestedRow>,
        payload: &[u8],
        proof: Proof,
    ) -> Result<AttestedRow, CallError> {
        let previous = previous.map(|row| row.version());
        let attest = Attest { kind: D::KIND, id: document.row(), previous, payload: payload.into(), proof };
        answer!(self, Request::Attest(attest), Response::Attested(row) => row)
    }
}
