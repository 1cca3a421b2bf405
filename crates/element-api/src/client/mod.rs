//! A client of the element: cloneable, many calls at once over one connection, which is made again when it breaks.

mod connection;
mod keyrings;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use sceau_trace::Hash;
use tokio::sync::Mutex;

use crate::framing::{FrameError, write_frame};
use crate::protect::{
    Accesses, AskedByToken, AskedOfData, AskedOfDatum, Called, CalledMany, ContentToSign, DatumId, Erasure,
    KeptRow, SignedAnswer, TraceLine, TraceLines,
};
use crate::wire::{
    Attest, AttestedRow, Call, Hello, PeerLog, RecordDraft, Refusal, Request, Response, RowKey,
};
use crate::{ActId, Kind, Nonce, OrganisationId, RowId};
use connection::Connection;

/// How long a call waits for its answer unless told otherwise.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The element refuses. Whoever asked must change something.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The element does not listen at its socket: is it running?
    #[error("the element does not answer at {path}: start it, or correct the path")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The connection broke: what was asked may or may not have been done.
    #[error("the connection to the element broke before its answer: ask again")]
    Broken,
    /// No answer in time: what was asked may or may not have been done.
    #[error("the element did not answer in time: ask again")]
    Deadline,
    /// The request does not fit a frame.
    #[error("the request exceeds what the element reads")]
    TooLarge,
    /// The answer is not to what was asked: another version, or a fault.
    #[error("the element's answer is not to what was asked: are both programs of the same version?")]
    Mismatch,
}

impl CallError {
    /// The stable code, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code.as_str(),
            Self::Unreachable { .. } => "element_unreachable",
            Self::Broken => "element_broken",
            Self::Deadline => "element_deadline",
            Self::TooLarge => "too_large",
            Self::Mismatch => "element_mismatch",
        }
    }

    /// The refusal, where it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// A client of the element at a Unix socket. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
    deadline: Duration,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
}

macro_rules! answer {
    ($self:ident, $request:expr, $variant:pat => $value:expr) => {
        match $self.call($request).await? {
            $variant => Ok($value),
            _ => Err(CallError::Mismatch),
        }
    };
}

use answer;

impl Client {
    /// A client of the element that listens at `path`; it connects at the first call.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let shared = Shared { path: path.into(), connection: Mutex::new(None) };
        Self { shared: Arc::new(shared), deadline: DEADLINE }
    }

    /// The same connection, with another deadline for each call.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { shared: Arc::clone(&self.shared), deadline }
    }

    /// Who the element is.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn hello(&self) -> Result<Hello, CallError> {
        answer!(self, Request::Hello, Response::Hello(hello) => hello)
    }

    /// A nonce for a passkey proof: good once, for five minutes.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn nonce(&self) -> Result<Nonce, CallError> {
        answer!(self, Request::Nonce, Response::Nonce(nonce) => nonce)
    }

    /// Attests the next version of a row. Durable once it returns.
    ///
    /// # Errors
    /// [`CallError`]; after [`CallError::Broken`] or [`CallError::Deadline`] ask [`Self::current`] what happened.
    pub async fn attest(&self, attest: Attest) -> Result<AttestedRow, CallError> {
        answer!(self, Request::Attest(attest), Response::Attested(row) => row)
    }

    /// Appends a platform-asserted record and returns its index. Durable once it returns.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn append(&self, draft: RecordDraft) -> Result<u64, CallError> {
        answer!(self, Request::Append(draft), Response::Appended { index } => index)
    }

    /// Appends a record that a key manager signed and returns its index; the same record twice has one index.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn append_signed(&self, jws: String) -> Result<u64, CallError> {
        answer!(self, Request::AppendSigned { jws }, Response::Appended { index } => index)
    }

    /// Does what an application asks about a datum. Durable once it returns.
    ///
    /// # Errors
    /// [`CallError`]; after [`CallError::Broken`] or [`CallError::Deadline`] the call may have been used up.
    pub async fn protect(&self, asked: AskedOfDatum) -> Result<Called, CallError> {
        answer!(self, Request::Protect(Box::new(asked)), Response::Called(called) => *called)
    }

    /// Does what an application asks about many data, and tells of each in the order of the batch. Durable once it returns.
    ///
    /// # Errors
    /// [`CallError`], of the batch as a whole; after [`CallError::Broken`] or [`CallError::Deadline`] it may have been used up. [`CallError::Mismatch`] where the
    /// answer is of another number of data.
    pub async fn protect_many(&self, asked: AskedOfData) -> Result<CalledMany, CallError> {
        let count = asked.rows.len();
        let called: Result<CalledMany, CallError> =
            answer!(self, Request::ProtectMany(Box::new(asked)), Response::CalledMany(called) => *called);
        called.and_then(
            |called| if called.items.len() == count { Ok(called) } else { Err(CallError::Mismatch) },
        )
    }

    /// Does what an application asks about a datum by a token. Durable once it returns.
    ///
    /// # Errors
    /// As [`Client::protect`]; a call that its application did sign is answered, and refused, by a token.
    pub async fn protect_by_token(&self, asked: AskedByToken) -> Result<SignedAnswer, CallError> {
        answer!(self, Request::ProtectByToken(asked), Response::Signed(signed) => *signed)
    }

    /// Who was given a datum's key, or denied it, from this entry of the log on: users in clear, so that the caller judges who is told.
    ///
    /// # Errors
    /// [`CallError`]; refused with `not_found` beyond the log's end.
    pub async fn trace_lines(&self, from: u64) -> Result<TraceLines, CallError> {
        answer!(self, Request::TraceLines { from }, Response::TraceLines(lines) => lines)
    }

    /// Whether the element made these lines, at most [`MOST_TRACE_LINES`](crate::protect::MOST_TRACE_LINES), in their order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn verify_trace_lines(&self, lines: Vec<TraceLine>) -> Result<Vec<bool>, CallError> {
        let asked = lines.len();
        let told: Result<Vec<bool>, CallError> =
            answer!(self, Request::VerifyTraceLines(lines), Response::TraceLinesVerified(told) => told);
        told.and_then(|told| if told.len() == asked { Ok(told) } else { Err(CallError::Mismatch) })
    }

    /// The element's signature of a content, for whom its permit was given: a compact JWS.
    ///
    /// # Errors
    /// [`CallError`]; refused with `proof_invalid` without a permit that counts.
    pub async fn sign_content(&self, content: ContentToSign) -> Result<String, CallError> {
        answer!(self, Request::SignContent(content), Response::ContentSigned(signature) => signature)
    }

    /// The public keys of calls and answers that are tokens: a JWK Set.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn published_keys(&self) -> Result<String, CallError> {
        answer!(self, Request::PublishedKeys, Response::PublishedKeys(keys) => keys)
    }

    /// The current version of a row of protection of data, or of keyrings, with its bytes, as the journal keeps it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn kept(
        &self,
        kind: Kind,
        id: impl Into<RowId>,
    ) -> Result<Option<(AttestedRow, KeptRow)>, CallError> {
        let key = RowKey { kind, id: id.into() };
        answer!(self, Request::Kept(key), Response::Kept(row) => row)
    }

    /// The certificate that a datum was erased.
    ///
    /// # Errors
    /// [`CallError`]; refused with `not_found` where it was not.
    pub async fn erasure(&self, datum: DatumId) -> Result<Erasure, CallError> {
        answer!(self, Request::Erasure(datum), Response::Erasure(erasure) => *erasure)
    }

    /// Calls about data that were refused, among `count` entries of the log from `from` on (at most [`MAX_ENTRIES`](crate::wire::MAX_ENTRIES)): index and datum.
    ///
    /// # Errors
    /// [`CallError`]; refused with `not_found` beyond the log's end.
    pub async fn refused_calls(&self, from: u64, count: u64) -> Result<Vec<(u64, DatumId)>, CallError> {
        answer!(self, Request::RefusedCalls { from, count }, Response::RefusedCalls(calls) => calls)
    }

    /// An organisation's requests to erase that wait for a second person, the last asked first; the days of some may be over.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn waiting_acts(&self, organisation: OrganisationId) -> Result<Vec<ActId>, CallError> {
        answer!(self, Request::WaitingActs(organisation), Response::WaitingActs(acts) => acts)
    }

    /// Calls about a datum, the last one first, from before the one recorded at `before` on: users in clear, so that the caller judges who is told.
    ///
    /// # Errors
    /// [`CallError`]; refused with `not_found` where there is no such call at `before`.
    pub async fn accesses(
        &self,
        datum: DatumId,
        before: Option<u64>,
        most: usize,
    ) -> Result<Accesses, CallError> {
        answer!(self, Request::Accesses { datum, before, most }, Response::Accesses(accesses) => accesses)
    }

    /// The current version of a row.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn current(&self, kind: Kind, id: impl Into<RowId>) -> Result<Option<AttestedRow>, CallError> {
        let key = RowKey { kind, id: id.into() };
        answer!(self, Request::Current(key), Response::Current(row) => row)
    }

    /// The current versions of up to [`crate::wire::MAX_ROWS`] rows, in their order.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Mismatch`] when the answer is of another number of rows.
    pub async fn current_many(&self, keys: Vec<RowKey>) -> Result<Vec<Option<AttestedRow>>, CallError> {
        let asked = keys.len();
        let rows: Result<Vec<_>, CallError> =
            answer!(self, Request::CurrentMany(keys), Response::CurrentMany(rows) => rows);
        rows.and_then(|rows| if rows.len() == asked { Ok(rows) } else { Err(CallError::Mismatch) })
    }

    /// The last durable checkpoint, a signed note.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn checkpoint(&self) -> Result<String, CallError> {
        answer!(self, Request::Checkpoint, Response::Checkpoint(note) => note)
    }

    /// The exact bytes of up to `count` entries from `start`; maybe fewer, never none before the end.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn entries(&self, start: u64, count: u64) -> Result<Vec<Vec<u8>>, CallError> {
        answer!(self, Request::Entries { start, count }, Response::Entries(entries) => {
            entries.into_iter().map(|entry| entry.0).collect()
        })
    }

    /// The first `width` hashes of a tile, 32 bytes each.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, CallError> {
        answer!(self, Request::Tile { level, index, width }, Response::Tile(hashes) => hashes.0)
    }

    /// The audit path of an entry in the tree of `size`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, CallError> {
        answer!(self, Request::InclusionProof { index, size }, Response::Proof(proof) => proof)
    }

    /// That the tree of `from` is a prefix of the tree of `to`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn consistency_proof(&self, from: u64, to: u64) -> Result<Vec<Hash>, CallError> {
        answer!(self, Request::Consistency { from, to }, Response::Proof(proof) => proof)
    }

    /// Has a checkpoint of another log recorded as seen, and returns where: the body of a request to a witness. Durable once it returns.
    ///
    /// # Errors
    /// [`CallError`]; refused where it does not extend the last one.
    pub async fn see_checkpoint(&self, request: String) -> Result<u64, CallError> {
        answer!(self, Request::SeeCheckpoint(request), Response::Appended { index } => index)
    }

    /// The logs of other elements that this one was told of.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn peers(&self) -> Result<Vec<PeerLog>, CallError> {
        answer!(self, Request::Peers, Response::Peers(peers) => peers)
    }

    /// The evidence file of an entry, under the last checkpoint; JSON text, see [`sceau_trace::Evidence::parse`].
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn evidence(&self, index: u64) -> Result<String, CallError> {
        answer!(self, Request::EvidenceFor { index }, Response::Evidence(evidence) => evidence)
    }

    /// Any call. Reads are asked once more when the connection breaks; the rest is the caller's to judge.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, request: Request) -> Result<Response, CallError> {
        let repeatable = request.is_read();
        let answered = tokio::time::timeout(self.deadline, async {
            match self.call_once(&request).await {
                Err(CallError::Broken) if repeatable => self.call_once(&request).await,
                outcome => outcome,
            }
        });
        match answered.await.unwrap_or(Err(CallError::Deadline))? {
            Response::Refused(refusal) => Err(CallError::Refused(refusal)),
            response => Ok(response),
        }
    }

    async fn call_once(&self, request: &Request) -> Result<Response, CallError> {
        let connection = self.connection().await?;
        let number = connection.next_number();
        let mut frame = BytesMut::with_capacity(1024);
        let call = Call { call: number, request: request.clone() };
        write_frame(&mut frame, &call).map_err(|error| match error {
            FrameError::TooLarge(_) => CallError::TooLarge,
            FrameError::Unwritable | FrameError::Connection(_) => CallError::Mismatch,
        })?;
        connection.exchange(number, frame).await.ok_or(CallError::Broken)
    }

    async fn connection(&self) -> Result<Connection, CallError> {
        let mut slot = self.shared.connection.lock().await;
        match slot.as_ref() {
            Some(connection) if connection.is_alive() => Ok(connection.clone()),
            _ => {
                let path = &self.shared.path;
                let opened = Connection::open(path).await;
                let opened =
                    opened.map_err(|source| CallError::Unreachable { path: path.clone(), source })?;
                Ok(slot.insert(opened).clone())
            }
        }
    }
}
